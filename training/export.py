"""Writes the trained depth network as ONNX with its manifest and golden output; the golden input is a generated scene."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

import native
from chamfer import CAMERA_DISTANCE
from network import DepthNet

GOLDEN_SEED = 900_000_007
OPSET = 14


MIDDLE_SHARE = 0.95  # of the middle between the sheets that is kept: where its tilt is a guess, less of it costs less


class Mirrored(nn.Module):
    """Averages the prediction with that of the mirrored picture, and draws its middle a little towards flat."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        n = image.shape[0]
        front, back = self.network(torch.cat([image, image.flip(3)], 0))
        front, back = 0.5 * (front[:n] + front[n:].flip(3)), 0.5 * (back[:n] + back[n:].flip(3))
        flatter = (1 - MIDDLE_SHARE) * 0.5 * (front + back)
        return front - flatter, back - flatter


def golden_image(size):
    """One generated scene under one fixed light, [1,5,S,S]."""
    p = native.render(GOLDEN_SEED, 1, size)
    light = np.clip(0.35 + 0.65 * np.tensordot(p["normal"] / 127.0, [0.3, 0.6, 0.74], (1, 0)), 0, 1)[:, None]
    alpha = p["alpha"] / 255.0
    image = np.concatenate([p["colour"] / 255.0 * light * alpha, alpha, p["inflation"]], 1)
    return image.astype("<f4")


def write_graph(module, image, path, inputs, outputs):
    batch = {name: {0: "N"} for name in (*inputs, *outputs)}
    options = {"dynamo": False} if torch.__version__ >= "2.5" else {}
    torch.onnx.export(module, torch.from_numpy(image), str(path), input_names=inputs, output_names=outputs, dynamic_axes=batch, opset_version=OPSET, **options)
    graph = onnx.load(str(path))
    for node in graph.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))


def file_entries(folder, names):
    return {name: {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(), "bytes": (folder / name).stat().st_size} for name in names}


def write_manifest(folder, manifest):
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def matting_entry(folder):
    """Names the matting model by the digest of its manifest, so that a new one makes new request keys."""
    manifest = (folder / "manifest.json").read_bytes()
    named = json.loads(manifest)
    return {"model": f"{named['name']}@{named['version']}", "digest": hashlib.sha256(manifest).hexdigest()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of train.py")
    parser.add_argument("--model", type=Path, default=Path(__file__).parents[1] / "models/bisque/1")
    parser.add_argument("--matting", type=Path, default=Path(__file__).parents[1] / "models/slip/1", help="model that cuts objects out for this one")
    a = parser.parse_args()
    a.model.mkdir(parents=True, exist_ok=True)

    settings = json.loads((a.run / "log.json").read_text())
    size = settings["size"]
    network = DepthNet(settings["width"])
    network.load_state_dict(torch.load(a.run / "weights.pt", map_location="cpu"))
    graph = Mirrored(network.eval()).eval()
    image = golden_image(size)
    write_graph(graph, image, a.model / "model.onnx", ["image"], ["front", "back"])

    with torch.no_grad():
        front, back = graph(torch.from_numpy(image))
    for name, array in (("image", image), ("front", front.numpy()), ("back", back.numpy())):
        array.astype("<f4").tofile(a.model / f"golden-{name}.f32")
    sheet = {"type": "float32", "shape": ["N", 1, size, size]}
    write_manifest(a.model, {
        "name": "bisque",
        "version": "1",
        "family": "two-sided-depth",
        "title": "Bisque",
        "description": "Front and back depth of a single object from one picture: a small U-Net that corrects Poisson inflation, trained on generated shapes.",
        "licence": "MIT",
        "files": file_entries(a.model, ["model.onnx", "golden-image.f32", "golden-front.f32", "golden-back.f32"]),
        "graphs": {"depth": {"file": "model.onnx", "inputs": {"image": {"type": "float32", "shape": ["N", 5, size, size]}}, "outputs": {"front": sheet, "back": sheet}}},
        "preprocessing": {"size": size, "channels": ["red", "green", "blue", "alpha", "inflation"], "premultiplied": True},
        "camera": {"distance": CAMERA_DISTANCE},
        "matting": matting_entry(a.matting),
        "batch": {"maximum": 8},
        "defaults": {},
        "uses": [],
        "warm_up": {"batches": [1]},
        "golden": {"inputs": {"image": "golden-image.f32"}, "outputs": {"front": "golden-front.f32", "back": "golden-back.f32"}, "relative_tolerance": 0.001},
    })  # fmt: skip
