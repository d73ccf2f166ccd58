"""The score itself as a loss: points of the closed surface that predicted sheets make, against points of that of the true sheets."""

import torch
from torch.nn import functional as F

CAMERA_DISTANCE = 5.0  # nominal, in half canvas widths; training renders vary from 3 to 11
SPREAD = 1024  # points on each surface
ASKED = 192  # as many of them look for their nearest on the other surface
NEAR = 1e-4  # squared distance that is near enough: keeps the root's slope finite


def log_chamfer(made, true, mask):
    """Mean log of the symmetric Chamfer distance of two closed surfaces over one mask; each a front and a back, [N,1,S,S].

    Both clouds are scaled to a longest XY side of 1 and centred, as the score does. The log makes halving the distance of an
    easy object worth as much as halving that of a hard one: the score is a ratio, object by object.
    """
    made, true = (normalised(surface_points(*sheets, mask, SPREAD)) for sheets in (made, true))
    with torch.no_grad():
        to_true, to_made = nearest(made[:, :ASKED], true), nearest(true[:, :ASKED], made)
    there = made[:, :ASKED] - gather(true, to_true)
    back_again = true[:, :ASKED] - gather(made, to_made)
    length = lambda v: (v.square().sum(2) + NEAR).sqrt().mean(1)
    return (0.5 * (length(there) + length(back_again))).log().mean()


def gather(cloud, which):
    return torch.gather(cloud, 1, which[:, :, None].expand(-1, -1, 3))


def nearest(cloud, among):
    """Index in `among` of the point nearest to each of `cloud`: [N,A]."""
    one = torch.ones_like(cloud[:, :, :1])
    square = torch.cat([-2 * cloud, one], 2) @ torch.cat([among, among.square().sum(2, keepdim=True)], 2).transpose(1, 2)
    return square.min(2).indices


def normalised(cloud):
    """Longest XY side scaled to 1, bounding box centred in x and y; in z for half of the clouds, else the mean: scores do either."""
    low, high = cloud.amin(1, keepdim=True), cloud.amax(1, keepdim=True)
    centre, mean = 0.5 * (low + high), cloud.mean(1, keepdim=True)
    by_box = torch.arange(len(cloud), device=cloud.device).view(-1, 1, 1) % 2 == 0
    centre = torch.cat([centre[..., :2], torch.where(by_box, centre, mean)[..., 2:]], 2)
    return (cloud - centre) / (high - low)[..., :2].amax(2, keepdim=True)


def corners(sheet, mask):
    """Heights at the corners of the pixels, each the mean of the up to four pixels inside: [N,S+1,S+1]."""
    total = F.avg_pool2d(F.pad(sheet * mask, (1, 1, 1, 1)), 2, 1)
    return (total / F.avg_pool2d(F.pad(mask, (1, 1, 1, 1)), 2, 1).clamp_min(0.2))[:, 0]


def surface_points(front, back, mask, count):
    """Points spread evenly over both sheets and the walls where the mask ends, [N,count,3], perspective undone.

    Where they lie is drawn at random; they move with the heights.
    """
    n, _, size, _ = mask.shape
    pixel = 2 / size
    sheets = torch.stack([corners(front, mask), corners(back, mask)], 1)
    inside = mask[:, 0]
    with torch.no_grad():
        across, down = (sheets[..., 1:] - sheets[..., :-1]) / pixel, (sheets[..., 1:, :] - sheets[..., :-1, :]) / pixel
        across, down = 0.5 * (across[..., 1:, :] + across[..., :-1, :]), 0.5 * (down[..., 1:] + down[..., :-1])
        areas = pixel * (1 + across.square() + down.square()).sqrt() * inside[:, None]
        padded, thickness = F.pad(inside, (1, 1, 1, 1)), (front - back)[:, 0]
        ends = torch.stack([1 - padded[:, 1:-1, :-2], 1 - padded[:, 1:-1, 2:], 1 - padded[:, :-2, 1:-1], 1 - padded[:, 2:, 1:-1]], 1)
        areas = torch.cat([areas, ends * (thickness * inside)[:, None]], 1).flatten(1)
        reached = areas.cumsum(1)
        order = torch.randperm(count, device=mask.device)  # so that the first few are spread evenly, too
        wanted = (order + torch.rand(n, count, device=mask.device)) / count
        which = torch.searchsorted(reached, wanted * reached[:, -1:]).clamp_max(areas.shape[1] - 1)
        kind, cell = which // size**2, which % size**2
        row, column = cell // size, cell % size
        u, v, w = torch.rand(3, n, count, device=mask.device).unbind(0)
        u = torch.where(kind == 2, torch.zeros_like(u), torch.where(kind == 3, torch.ones_like(u), u))
        v = torch.where(kind == 4, torch.zeros_like(v), torch.where(kind == 5, torch.ones_like(v), v))
        w = torch.where(kind < 2, (kind == 0).float(), w)  # 1: on the front, 0: on the back, between: on a wall
        x, y = (column + u) * pixel - 1, 1 - (row + v) * pixel
        at = (row * (size + 1) + column)[:, None].expand(-1, 2, -1)
    flat = sheets.flatten(2)
    corner = lambda step: torch.gather(flat, 2, at + step)
    u, v = u[:, None], v[:, None]
    z = (1 - v) * ((1 - u) * corner(0) + u * corner(1)) + v * ((1 - u) * corner(size + 1) + u * corner(size + 2))
    z = w * z[:, 0] + (1 - w) * z[:, 1]
    scale = (CAMERA_DISTANCE - z) / CAMERA_DISTANCE
    return torch.stack([x * scale, y * scale, z], 2)
