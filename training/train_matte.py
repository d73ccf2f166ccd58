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


def recoloured(picture):
    """Swaps the colour channels of half the pictures, so that no hue tells the object."""
    order = torch.stack([torch.randperm(3) if torch.rand(1) < 0.5 else torch.arange(3) for _ in range(len(picture))])
    return picture.gather(1, order.to(picture.device).view(-1, 3, 1, 1).expand_as(picture))


def some(share, n, device):
    return torch.rand(n, 1, 1, 1, device=device) < share


def behind(picture, alpha):
    """Backgrounds [N,3,S,S] for objects: some hold another object out of focus, some come close to the object in colour."""
    n, _, size, _ = alpha.shape
    device = alpha.device
    back = backgrounds(n, size, device)
    other = torch.cat([picture, alpha], 1).roll((1, size // 3, size // 2), (0, 2, 3))
    mixed = other[:, :3] + back * (1 - other[:, 3:])
    blur = size // 16 * 2 + 1
    mixed = F.avg_pool2d(F.pad(mixed, (blur // 2,) * 4, mode="replicate"), blur, 1)
    back = torch.where(some(0.2, n, device), mixed, back)
    mean = picture.sum((2, 3), keepdim=True) / alpha.sum((2, 3), keepdim=True).clamp_min(1)
    share = torch.rand(n, 1, 1, 1, device=device) * 0.8 * some(0.15, n, device)
    return back + (mean - back.mean((2, 3), keepdim=True)) * share


def composite(planes):
    """A picture [N,3,S,S] and its true alpha [N,1,S,S]."""
    n, _, size, _ = planes["alpha"].shape
    device = planes["alpha"].device
    uniform = lambda low, high: torch.rand(n, 1, 1, 1, device=device) * (high - low) + low
    lit = relight(planes["colour"], planes["surface"], planes["normal"], planes["alpha"])
    layer = scattered(recoloured(lit), planes["alpha"])
    picture, alpha = layer[:, :3], layer[:, 3:]
    back = behind(picture, alpha)

    shadow = F.avg_pool2d(F.interpolate(alpha, scale_factor=0.25, mode="area"), 5, 1, 2)
    shadow = F.interpolate(shadow, size=(size, size), mode="bilinear", align_corners=False)
    dx, dy = (int(v) for v in torch.randint(-size // 12, size // 12 + 1, (2,)))
    shadow = torch.roll(shadow, (abs(dy), dx), (2, 3))
    back = back * (1 - shadow * uniform(-0.3, 0.7).clamp_min(0))

    out = picture + back * (1 - alpha)
    soft = F.avg_pool2d(F.pad(out, (1, 1, 1, 1), mode="replicate"), 3, 1)
    out = torch.where(some(0.3, n, device), soft, out)
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
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    a = parser.parse_args()

    torch.manual_seed(2)
    device, scenes = pick_device(), Scenes(a.folder, a.size)
    network = MatteNet(a.width).to(device)
    if a.start:
        network.load_state_dict(torch.load(a.start, map_location=device))
    parameters = sum(p.numel() for p in network.parameters())
    settings = {"width": a.width, "size": a.size, "batch": a.batch, "minutes": a.minutes, "parameters": parameters, "scenes": len(scenes), "device": str(device), "torch": torch.__version__}
    print(settings, flush=True)
    train(network, lambda net, count, random: matte_loss(net, scenes.batch(count, device, random)), a.batch, a.minutes * 60, a.out, settings, scenes.grow, a.rate)
