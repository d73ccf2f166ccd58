"""Backgrounds made up on the device: gradients, 1/f clutter, textures, rooms, leaves and soft shapes, mixed at random."""

import torch
from torch.nn import functional as F


def _uniform(n, device, low=0.0, high=1.0, channels=1):
    return torch.rand(n, channels, 1, 1, device=device) * (high - low) + low


def _grid(size, device):
    t = (torch.arange(size, device=device) + 0.5) * 2 / size - 1
    return t.view(1, 1, 1, -1), t.view(1, 1, -1, 1)


def _blend(weight, a, b):
    return a + (b - a) * weight


def gradient(n, size, device):
    x, y = _grid(size, device)
    angle, centre = _uniform(n, device, 0, 6.3), (_uniform(n, device, -1, 1), _uniform(n, device, -1, 1))
    linear = 0.5 + 0.5 * (x * angle.cos() + y * angle.sin())
    radial = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2).sqrt() * 0.6
    weight = torch.where(_uniform(n, device) < 0.5, linear, radial).clamp(0, 1) ** _uniform(n, device, 0.5, 2)
    return _blend(weight * _uniform(n, device), _uniform(n, device, channels=3), _uniform(n, device, channels=3))


def clutter(n, size, device):
    """Coloured noise whose spectrum falls as 1/f^p, as natural pictures' does."""
    f = torch.fft.fftfreq(size, device=device)
    radius = (f.view(-1, 1) ** 2 + f.view(1, -1) ** 2).sqrt().clamp_min(1.0 / size)
    spectrum = torch.fft.fft2(torch.randn(n, 3, size, size, device=device)) / radius ** _uniform(n, device, 0.5, 2.2)
    noise = torch.fft.ifft2(spectrum).real
    noise = (noise - noise.mean((2, 3), keepdim=True)) / noise.std((2, 3), keepdim=True).clamp_min(1e-6)
    grey = noise.mean(1, keepdim=True)
    noise = _blend(_uniform(n, device), grey, noise) * _uniform(n, device, 0.05, 0.3)
    return noise + _uniform(n, device, 0.1, 0.9, channels=3)


def texture(n, size, device):
    """Stripes, checks and weaves, warped."""
    x, y = _grid(size, device)
    angle, f, g = _uniform(n, device, 0, 6.3), torch.exp(_uniform(n, device, 1, 4)), torch.exp(_uniform(n, device, 1, 4))
    warp = _uniform(n, device, 0, 0.15)
    u = x * angle.cos() + y * angle.sin() + warp * torch.sin(5 * y + angle)
    v = y * angle.cos() - x * angle.sin() + warp * torch.sin(4 * x)
    wave = torch.where(_uniform(n, device) < 0.5, torch.sin(f * u), torch.sin(f * u) * torch.sin(g * v))
    weight = torch.sigmoid(wave * torch.exp(_uniform(n, device, 0, 3)))
    return _blend(weight * _uniform(n, device, 0.2, 1), _uniform(n, device, channels=3), _uniform(n, device, channels=3))


def room(n, size, device):
    """A wall, a floor and the line between them."""
    x, y = _grid(size, device)
    weight = torch.sigmoid((y - _uniform(n, device, -0.3, 0.9) - x * _uniform(n, device, -0.2, 0.2)) * torch.exp(_uniform(n, device, 1, 5)))
    return _blend(weight, gradient(n, size, device), gradient(n, size, device))


def shapes(base, count=6):
    """Draws soft ellipses and boxes over the base."""
    n, _, size, _ = base.shape
    x, y = _grid(size, base.device)
    for _ in range(count):
        at = [_uniform(n, base.device, -1.2, 1.2) for _ in range(2)]
        radius = [torch.exp(_uniform(n, base.device, -2.5, -0.2)) for _ in range(2)]
        dx, dy = (x - at[0]).abs() / radius[0], (y - at[1]).abs() / radius[1]
        distance = torch.where(_uniform(n, base.device) < 0.5, (dx * dx + dy * dy).sqrt(), torch.maximum(dx.expand(-1, -1, size, -1), dy.expand(-1, -1, -1, size)))
        weight = torch.sigmoid((1 - distance) * torch.exp(_uniform(n, base.device, 1, 4))) * (_uniform(n, base.device) < 0.5)
        base = _blend(weight, base, _uniform(n, base.device, channels=3))
    return base


def leaves(n, size, device, count=18):
    """Opaque, turned ellipses and boxes one over another, their radii r as 1/r^3: the edges of natural pictures (dead leaves model)."""
    x, y = _grid(size, device)
    out, grain = clutter(n, size, device), clutter(n, size, device)
    grain = grain - grain.mean((2, 3), keepdim=True)
    smallest, largest = 0.15, 1.5
    palette, variety = _uniform(n, device, 0.1, 0.9, channels=3), _uniform(n, device, 0.1, 0.5)
    for _ in range(count):
        radius = _uniform(n, device, largest**-2, smallest**-2) ** -0.5
        angle, stretch = _uniform(n, device, 0, 3.15), torch.exp(_uniform(n, device, -0.7, 0.7))
        dx, dy = x - _uniform(n, device, -1.2, 1.2), y - _uniform(n, device, -1.2, 1.2)
        u = (dx * angle.cos() + dy * angle.sin()).abs() / (radius * stretch)
        v = (dy * angle.cos() - dx * angle.sin()).abs() / (radius / stretch)
        distance = torch.where(_uniform(n, device) < 0.6, (u * u + v * v).sqrt(), torch.maximum(u, v))
        weight = torch.sigmoid((1 - distance) * radius * size)
        shade = _blend(0.6, _uniform(n, device, -1, 1, channels=3), _uniform(n, device, -1, 1))
        fill = palette + shade * variety + grain * _uniform(n, device, 0, 1.5)
        out = _blend(weight, out, fill)
    return out


def _some(n, device, share):
    return torch.nonzero(torch.rand(n, device=device) < share).flatten()


def backgrounds(n, size, device):
    """[N,3,S,S] in 0..1."""
    makers = (gradient, clutter, texture, room, leaves)
    kind = torch.randint(len(makers), (n,), device=device)
    out = torch.zeros(n, 3, size, size, device=device)
    for k, make in enumerate(makers):
        rows = torch.nonzero(kind == k).flatten()
        if len(rows):
            out[rows] = make(len(rows), size, device)
    if len(rows := _some(n, device, 0.4)):
        out[rows] = shapes(out[rows])
    if len(rows := _some(n, device, 0.3)):
        out[rows] = _blend(_uniform(len(rows), device, 0.1, 0.6), out[rows], clutter(len(rows), size, device))
    if len(rows := _some(n, device, 0.3)):
        out[rows] = F.avg_pool2d(F.pad(out[rows], (3, 3, 3, 3), mode="replicate"), 7, 1)
    return out.clamp(0, 1)
