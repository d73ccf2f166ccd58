"""Relights rendered planes at random, on the device that trains: one scene gives a new picture each time it is seen."""

import torch


def _unit(v):
    return v * (v * v).sum(1, keepdim=True).clamp_min(1e-12).rsqrt()


def relight(colour, surface, normal, alpha):
    """colour, surface, alpha in 0..1 and normal in -1..1, [N,C,S,S], to premultiplied sRGB-like pictures [N,3,S,S]."""
    n, device = colour.shape[0], colour.device
    uniform = lambda low, high, *shape: torch.rand(n, *(shape or (1,)), 1, 1, device=device) * (high - low) + low
    gloss, metal, open_sky = surface[:, 0:1], surface[:, 1:2], surface[:, 2:3]
    normal = _unit(normal)
    albedo = colour**2.2

    sky, ground = uniform(0.3, 0.9) * (0.8 + 0.4 * uniform(0, 1, 3)), uniform(0.0, 0.6) * (0.7 + 0.6 * uniform(0, 1, 3))
    dim = torch.where(uniform(0, 1) < 0.35, uniform(0.1, 0.6), uniform(1, 1))  # at times the lamps alone draw the shape
    up = 0.5 + 0.5 * normal[:, 1:2]
    light = dim * (ground + (sky - ground) * up) * open_sky ** uniform(0.3, 1.6)
    shine, power = torch.zeros_like(colour), 4 * 40**gloss
    for k in range(3):  # key, fill, rim; the last two only at times
        on = (uniform(0, 1) < (1.0, 0.6, 0.45)[k]).float()
        towards = (uniform(-1, 1), uniform(-0.3, 1.3), uniform(0.1, 1.4) if k < 2 else uniform(-0.7, 0.1))
        direction = _unit(torch.cat(towards, 1))
        tint = on * uniform(*((0.3, 1.3), (0.1, 0.6), (0.2, 1.0))[k]) * (0.75 + 0.5 * uniform(0, 1, 3))
        facing = (normal * direction).sum(1, keepdim=True)
        wrap = uniform(0, 0.5)
        light = light + tint * ((facing + wrap) / (1 + wrap)).clamp_min(0) * (0.35 + 0.65 * open_sky)
        half = _unit(direction + torch.tensor([0.0, 0.0, 1.0], device=device).view(1, 3, 1, 1))
        shine = shine + tint * gloss * (normal * half).sum(1, keepdim=True).clamp_min(0) ** power * uniform(0.1, 1.2)
    grazing = (1 - normal[:, 2:3].clamp(0, 1)) ** 3
    shine = shine + grazing * uniform(-0.1, 0.5) * (0.5 + uniform(0, 1, 3) * 0.5) * open_sky
    picture = albedo * light * (1 - 0.6 * metal) + shine * (1 - metal + metal * albedo * 2)

    level = (picture * alpha).sum((1, 2, 3), keepdim=True) / (3 * alpha.sum((1, 2, 3), keepdim=True).clamp_min(1))
    exposure = (uniform(0.12, 0.45) / level.clamp_min(0.02)).clamp(0.4, 4) ** uniform(0, 1)
    picture = (picture * exposure).clamp_min(1e-5)
    picture = torch.where(uniform(0, 1) < 0.5, picture / (1 + 0.35 * picture) * 1.2, picture).clamp(0, 1) ** (1 / uniform(1.8, 2.6))
    grey = picture.mean(1, keepdim=True)
    picture = grey + (picture - grey) * uniform(0.4, 1.3)
    picture = picture + torch.randn_like(picture) * uniform(-0.02, 0.03).clamp_min(0)
    return picture.clamp(0, 1) * alpha
