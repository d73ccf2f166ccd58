"""Draws the loss of a training run as an SVG."""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    points = json.loads((a.run / "log.json").read_text())["curve"]
    matplotlib.rcParams.update({"svg.hashsalt": "meshkiln", "svg.fonttype": "none"})
    figure, axes = plt.subplots(figsize=(6, 3), constrained_layout=True)
    axes.plot([p["images"] / 1000 for p in points], [p["loss"] for p in points], color="#b4552d")
    axes.set(xlabel="thousand pictures seen", ylabel="training loss", yscale="log")
    axes.grid(alpha=0.3)
    figure.savefig(a.out, metadata={"Date": None})
