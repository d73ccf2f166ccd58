"""From two sheets to a closed surface, as the pipeline does it, and evenly spread points on it; for evaluation."""

import numpy as np
from scipy import ndimage


def fill_outside(field, mask):
    """Extends values beyond the mask: each pixel outside takes the nearest inside."""
    index = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return field[tuple(index)]


def upsample(field, size):
    return ndimage.zoom(field, size / field.shape[0], order=1, mode="nearest", grid_mode=True)


def onto_fine_grid(front, back, coarse_inflation, coarse_mask, inflation):
    """Network sheets at S to sheets on the grid of `inflation`: what they add to the inflation is upsampled, not they themselves."""
    size = inflation.shape[0]
    smooth = lambda f: upsample(fill_outside(f, coarse_mask), size)
    front = smooth(front - coarse_inflation) + inflation
    back = smooth(back + coarse_inflation) - inflation
    mid = 0.5 * (front + back)
    return np.maximum(front, mid), np.minimum(back, mid)


def triangles(front, back, mask, distance):
    """The closed surface as a triangle soup [T,3,3]: both sheets, and a wall where the mask ends. distance None: orthographic."""
    size = mask.shape[0]
    y, x = np.mgrid[0:size, 0:size]
    x, y = (x + 0.5) * 2 / size - 1, 1 - (y + 0.5) * 2 / size

    def corners(sheet):  # a vertex a pixel corner keeps every inside pixel a full quad
        padded = np.pad(np.where(mask, sheet, np.nan), 1, constant_values=np.nan)
        stack = np.stack([padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]])
        count = np.maximum((~np.isnan(stack)).sum(0), 1)
        z = np.nansum(stack, 0) / count
        cy, cx = np.mgrid[0 : size + 1, 0 : size + 1]
        cx, cy = cx * 2 / size - 1, 1 - cy * 2 / size
        k = 1 if distance is None else (distance - z) / distance
        return np.stack([cx * k, cy * k, z], -1)

    f, b = corners(front), corners(back)
    i, j = np.nonzero(mask)
    soup = []
    for s in (f, b):
        p, q, r, t = s[i, j], s[i, j + 1], s[i + 1, j], s[i + 1, j + 1]
        soup += [np.stack([p, r, q], 1), np.stack([q, r, t], 1)]
    for di, dj, a, c in ((-1, 0, (0, 0), (0, 1)), (1, 0, (1, 0), (1, 1)), (0, -1, (0, 0), (1, 0)), (0, 1, (0, 1), (1, 1))):
        ni, nj = i + di, j + dj
        inside = (ni >= 0) & (nj >= 0) & (ni < size) & (nj < size)
        rim = ~inside
        rim[inside] = ~mask[ni[inside], nj[inside]]
        ei, ej = i[rim], j[rim]
        p, q = (ei + a[0], ej + a[1]), (ei + c[0], ej + c[1])
        soup += [np.stack([f[p], b[p], f[q]], 1), np.stack([f[q], b[p], b[q]], 1)]
    return np.concatenate(soup)


def sample(soup, count, random):
    area = np.linalg.norm(np.cross(soup[:, 1] - soup[:, 0], soup[:, 2] - soup[:, 0]), axis=1)
    which = random.choice(len(soup), count, p=area / area.sum())
    u, v = random.random((2, count, 1))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    t = soup[which]
    return t[:, 0] + u * (t[:, 1] - t[:, 0]) + v * (t[:, 2] - t[:, 0])
