"""Averages the weights of two runs, of which the second went on from the first: between them lie answers between theirs."""

import argparse
import json
from pathlib import Path

import torch

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=Path, required=True, help="folder of train.py")
    parser.add_argument("--second", type=Path, required=True, help="folder of the run that started from the first's weights")
    parser.add_argument("--share", type=float, required=True, help="of the second, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    first, second = (torch.load(run / "weights.pt", map_location="cpu") for run in (a.first, a.second))
    mixed = {name: torch.lerp(v, second[name], a.share) if v.dtype.is_floating_point else v for name, v in first.items()}
    a.out.mkdir(parents=True, exist_ok=True)
    torch.save(mixed, a.out / "weights.pt")
    settings = json.loads((a.second / "log.json").read_text())
    (a.out / "log.json").write_text(json.dumps({**settings, "blended": a.share}))
