"""Trains the matting network: rendered objects over made-up backgrounds."""

import argparse
import math
from pathlib import Path

import torch
from torch.nn import functional as F

from backgrounds import backgrounds
from dataset import Scenes
from light import relight
from loop import pick_device, train
from network import MatteNet


def scattered(picture, alpha):
    """Scales, turns and moves each object within its picture; premultiplied RGB and alpha, [N,4,S,S]."""
    n, device = len(picture), picture.device
    uniform = lambda low, high: torch.rand(n, device=device) * (high - low) + low
    scale, aspect, angle = torch.exp(uniform(math.log(0.45), math.log(1.15))), torch.exp(uniform(-0.2, 0.2)), uniform(-0.25, 0.25)
    slack = (1 - 0.8 * scale).clamp_min(0.05)
    cos, sin = angle.cos(), angle.sin()
    rows = [cos / scale * aspect, -sin / scale, uniform(-1, 1) * slack / scale, sin / scale, cos / scale / aspect, uniform(-1, 1) * slack / scale]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), list(picture.shape), align_corners=False)
    return F.grid_sample(torch.cat([picture, alpha], 1), grid, align_corners=False)


def composite(planes):
    """A picture [N,3,S,S] and its true alpha [N,1,S,S]."""
    n, _, size, _ = planes["alpha"].shape
    device = planes["alpha"].device
    uniform = lambda low, high: torch.rand(n, 1, 1, 1, device=device) * (high - low) + low
    layer = scattered(relight(planes["colour"], planes["surface"], planes["normal"], planes["alpha"]), planes["alpha"])
    picture, alpha = layer[:, :3], layer[:, 3:]
    back = backgrounds(n, size, device)

    shadow = F.avg_pool2d(F.interpolate(alpha, scale_factor=0.25, mode="area"), 5, 1, 2)
    shadow = F.interpolate(shadow, size=(size, size), mode="bilinear", align_corners=False)
    dx, dy = (int(v) for v in torch.randint(-size // 12, size // 12 + 1, (2,)))
    shadow = torch.roll(shadow, (abs(dy), dx), (2, 3))
    back = back * (1 - shadow * uniform(-0.3, 0.7).clamp_min(0))

    out = picture + back * (1 - alpha)
    soft = F.avg_pool2d(F.pad(out, (1, 1, 1, 1), mode="replicate"), 3, 1)
    out = torch.where(uniform(0, 1) < 0.3, soft, out)
    out = out + torch.randn_like(out) * uniform(-0.03, 0.04).clamp_min(0)
    return out.clamp(0, 1), alpha.clamp(0, 1)


def matte_loss(network, planes):
    image, alpha = composite(planes)
    logits = network.logits(image)
    guess = torch.sigmoid(logits)
    both, either = (guess * alpha).sum((1, 2, 3)), (guess + alpha - guess * alpha).sum((1, 2, 3))
    return F.binary_cross_entropy_with_logits(logits, alpha) + (1 - both / either.clamp_min(1)).mean()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="rendered scenes, from dataset.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    a = parser.parse_args()

    torch.manual_seed(2)
    device, scenes = pick_device(), Scenes(a.folder, a.size)
    network = MatteNet(a.width).to(device)
    parameters = sum(p.numel() for p in network.parameters())
    settings = {"width": a.width, "size": a.size, "batch": a.batch, "minutes": a.minutes, "parameters": parameters, "scenes": len(scenes), "device": str(device), "torch": torch.__version__}
    print(settings, flush=True)
    train(network, lambda net, count, random: matte_loss(net, scenes.batch(count, device, random)), a.batch, a.minutes * 60, a.out, settings, scenes.grow, a.rate)
