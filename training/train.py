"""Trains the depth network on the rendered scenes."""

import argparse
from pathlib import Path

import torch
from torch.nn import functional as F

from chamfer import log_chamfer
from dataset import Scenes, picture_of
from loop import pick_device, train
from network import DepthNet

LOSSES = {"sheets": (1.0, 0.15, 0.08), "score": (0.5, 0.08, 0.05)}  # weights of sheets, tilt and normals
RIPPLE_WEIGHT = 0.002
RIPPLE_STEP = 2  # pixels: what the network predicts is a grid of half the size


def true_tilt(planes, x, y):
    """Least-squares slope of the mid-surface over the mask: [N,2]."""
    mask = (planes["alpha"] >= 0.5).float()
    count = mask.sum((2, 3), keepdim=True).clamp_min(1)
    mean = lambda v: (v * mask).sum((2, 3), keepdim=True) / count
    mid = 0.5 * (planes["front"] + planes["back"])
    x, y, mid = x - mean(x), y - mean(y), mid - mean(mid)
    xx, xy, yy, xm, ym = (mean(v).flatten() for v in (x * x + 1e-3, x * y, y * y + 1e-3, x * mid, y * mid))
    det = xx * yy - xy * xy
    return torch.stack([(yy * xm - xy * ym) / det, (xx * ym - xy * xm) / det], 1)


def bend(plane):
    """Second difference of a plane at each pixel away from the border, per canvas unit squared."""
    k, size = RIPPLE_STEP, plane.shape[-1]
    centre = plane[..., k:-k, k:-k]
    around = plane[..., : -2 * k, k:-k] + plane[..., 2 * k :, k:-k] + plane[..., k:-k, : -2 * k] + plane[..., k:-k, 2 * k :]
    return (around - 4 * centre) * (size / (2 * k)) ** 2


def ripple(made, true, mask):
    """Mean of how much more sharply sheets bend than the true ones do, over pixels whose four neighbours are inside, too."""
    k = RIPPLE_STEP
    inside = -F.max_pool2d(-mask, 2 * k + 1, 1, k)[..., k:-k, k:-k]
    share = inside / inside.sum((1, 2, 3), keepdim=True).clamp_min(1)
    return sum(((bend(m).abs() - bend(t).abs()).clamp_min(0) * share).sum() for m, t in zip(made, true)) / (2 * len(mask))


def depth_loss(network, planes, kind):
    sheet_weight, tilt_weight, normal_weight = LOSSES[kind]
    small = picture_of(planes, "small_")
    front, back, normal, tilt = network.parts(small, planes["alpha"], planes["inflation"])
    mask, small_mask = (planes["alpha"] >= 0.5).float(), (small[:, 3:4] >= 0.5).float()
    share = lambda m: m / m.sum((1, 2, 3), keepdim=True).clamp_min(1)  # every object counts the same
    sheets = ((front - planes["front"]).abs() + (back - planes["back"]).abs()) * share(mask)
    normals = (normal - planes["normal"]).abs() * share(small_mask)
    slopes = (tilt - true_tilt(planes, *network.grid(mask)).clamp(-3, 3)).abs()
    loss = (sheet_weight * sheets.sum() + normal_weight * normals.sum()) / len(small) + tilt_weight * slopes.mean()
    if kind == "sheets":
        return loss
    made, true = (front, back), (planes["front"], planes["back"])
    return loss + log_chamfer(made, true, mask) + RIPPLE_WEIGHT * ripple(made, true, mask)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="rendered scenes, from dataset.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--loss", choices=LOSSES, default="sheets", help="score: the Chamfer distance itself, with a price on ripples, its easy way out")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    a = parser.parse_args()

    torch.manual_seed(1)
    device, scenes = pick_device(), Scenes(a.folder, a.size, halve=True)
    network = DepthNet(a.width).to(device)
    if a.start:
        network.load_state_dict(torch.load(a.start, map_location=device))
    parameters = sum(p.numel() for p in network.parameters())
    settings = {"loss": a.loss, "width": a.width, "size": a.size, "batch": a.batch, "minutes": a.minutes, "parameters": parameters, "scenes": len(scenes), "device": str(device), "torch": torch.__version__}
    print(settings, flush=True)
    train(network, lambda net, count, random: depth_loss(net, scenes.batch(count, device, random), a.loss), a.batch, a.minutes * 60, a.out, settings, scenes.grow, a.rate)
