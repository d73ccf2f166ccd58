"""Writes the trained matting network as ONNX with its manifest and golden output."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from export import file_entries, golden_image, write_graph, write_manifest
from network import MatteNet


def golden_composite(size):
    """The golden scene over a fixed two-way gradient, RGB in 0..1, [1,3,S,S]."""
    image = golden_image(size)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / (size - 1)
    back = np.stack([0.3 + 0.4 * x, 0.5 + 0.2 * y, 0.7 - 0.3 * x * y])[None]
    return (image[:, :3] + back * (1 - image[:, 3:4])).astype("<f4")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of train_matte.py")
    parser.add_argument("--model", type=Path, default=Path(__file__).parents[1] / "models/slip/1")
    a = parser.parse_args()
    a.model.mkdir(parents=True, exist_ok=True)

    settings = json.loads((a.run / "log.json").read_text())
    size = settings["size"]
    network = MatteNet(settings["width"])
    network.load_state_dict(torch.load(a.run / "weights.pt", map_location="cpu"))
    network.eval()
    image = golden_composite(size)
    write_graph(network, image, a.model / "model.onnx", ["image"], ["alpha"])
    with torch.no_grad():
        alpha = network(torch.from_numpy(image)).numpy()
    for name, array in (("image", image), ("alpha", alpha)):
        array.astype("<f4").tofile(a.model / f"golden-{name}.f32")
    write_manifest(a.model, {
        "name": "slip",
        "version": "1",
        "family": "matting",
        "title": "Slip",
        "description": "Alpha of the object in a picture that has no transparency: a small U-Net trained on generated objects over generated backgrounds.",
        "licence": "MIT",
        "files": file_entries(a.model, ["model.onnx", "golden-image.f32", "golden-alpha.f32"]),
        "graphs": {"matte": {"file": "model.onnx", "inputs": {"image": {"type": "float32", "shape": ["N", 3, size, size]}}, "outputs": {"alpha": {"type": "float32", "shape": ["N", 1, size, size]}}}},
        "preprocessing": {"size": size, "channels": ["red", "green", "blue"], "premultiplied": False},
        "batch": {"maximum": 8},
        "defaults": {},
        "uses": [],
        "warm_up": {"batches": [1]},
        "golden": {"inputs": {"image": "golden-image.f32"}, "outputs": {"alpha": "golden-alpha.f32"}, "relative_tolerance": 0.001},
    })  # fmt: skip
