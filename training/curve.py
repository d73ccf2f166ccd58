"""Draws the loss of a training run as an SVG."""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="one panel each: their losses are not of one kind")
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    matplotlib.rcParams.update({"svg.hashsalt": "meshkiln", "svg.fonttype": "none"})
    figure, panels = plt.subplots(1, len(a.run), figsize=(6, 3), constrained_layout=True, squeeze=False)
    for axes, run in zip(panels[0], a.run):
        log = json.loads((run / "log.json").read_text())
        axes.plot([p["images"] / 1000 for p in log["curve"]], [p["loss"] for p in log["curve"]], color="#b4552d")
        axes.set(xlabel="thousand pictures seen", ylabel="training loss", title=log.get("loss", ""))
        axes.grid(alpha=0.3)
    figure.savefig(a.out, metadata={"Date": None})
