"""Renders the training set once into a folder of .npy files, and serves random batches of it, relit and mirrored."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import native
from light import relight

BLOCK = 2048  # scenes a rendering step
KEPT = ("front", "back", "inflation", "alpha", "colour", "surface", "normal")


def kept_dtype(name):
    return np.float16 if native.PLANES[name][1] is np.float32 else native.PLANES[name][1]


def build(folder, scenes, size, first_seed=1):
    """Renders scenes until `scenes` are there; one that was interrupted goes on where it stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    began, blocks = time.time(), -(-scenes // BLOCK)
    for block in range(blocks):
        target = folder / f"block-{size}-{first_seed}-{block:05d}.npz"
        if target.exists():
            continue
        planes = native.render(first_seed + block * BLOCK, BLOCK, size)
        part = target.with_suffix(".part.npz")
        np.savez(part, **{name: planes[name].astype(kept_dtype(name)) for name in KEPT})
        part.rename(target)
        print(f"block {block + 1} of {blocks}, {time.time() - began:.0f} s", flush=True)


def halved(block):
    """Everything that is looked at, at half size (what lies outside the object does not count); what is predicted, as it is."""
    alpha = block["alpha"].float()
    weight = F.avg_pool2d(alpha, 2).clamp_min(1e-3)
    out = {name: block[name] for name in ("front", "back", "alpha", "inflation")}
    for name in ("colour", "surface", "normal"):
        out[name] = torch.round(F.avg_pool2d(block[name].float() * alpha, 2) / weight).to(block[name].dtype)
    out["small_alpha"] = torch.round(F.avg_pool2d(alpha, 2)).to(torch.uint8)
    out["small_inflation"] = F.avg_pool2d(block["inflation"].float(), 2).half()
    return out


class Scenes:
    """The rendered scenes, in memory; `grow` takes in blocks that were written since."""

    def __init__(self, folder, size, halve=False, first_seed=1):
        self.pattern, self.folder, self.halve, self.blocks = f"block-{size}-{first_seed}-?????.npz", folder, halve, {}
        self.grow()

    def grow(self):
        for path in sorted(self.folder.glob(self.pattern)):
            if path.name not in self.blocks:
                with np.load(path) as data:
                    block = {name: torch.from_numpy(data[name]) for name in KEPT}
                self.blocks[path.name] = halved(block) if self.halve else block
        self.list = list(self.blocks.values())

    def __len__(self):
        return sum(len(block["front"]) for block in self.list)

    def batch(self, count, device, random, mirror=True):
        """Planes as float32 on the device: heights in canvas units, alpha, colour and surface in 0..1, normal in -1..1."""
        which = random.integers(0, len(self.list), count)
        row = random.integers(0, BLOCK, count)
        planes = {name: torch.stack([self.list[b][name][i] for b, i in zip(which, row)]).to(device).float() for name in self.list[0]}
        for name in planes.keys() & {"alpha", "small_alpha", "colour", "surface"}:
            planes[name] /= 255
        planes["normal"] /= 127
        if mirror:
            flip = torch.from_numpy(random.random(count) < 0.5).to(device).view(-1, 1, 1, 1)
            planes = {name: torch.where(flip, plane.flip(3), plane) for name, plane in planes.items()}
            sign = torch.ones(count, 3, 1, 1, device=device)
            sign[:, 0:1] = 1 - 2 * flip.float()
            planes["normal"] = planes["normal"] * sign
        return planes


def picture_of(planes, kind=""):
    """The network's input [N,5,S,S] for a batch, newly lit; kind "small_" at half size, of a halved batch."""
    alpha = planes[kind + "alpha"]
    picture = relight(planes["colour"], planes["surface"], planes["normal"], alpha)
    return torch.cat([picture, alpha, planes[kind + "inflation"]], 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=60000)
    parser.add_argument("--size", type=int, default=64)
    arguments = parser.parse_args()
    build(arguments.folder, arguments.scenes, arguments.size)
