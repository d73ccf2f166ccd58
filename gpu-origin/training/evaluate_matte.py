"""Scores a trained matting network: pictures with alpha, composited over backgrounds that training never made."""

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image

from network import MatteNet


def photographs():
    """The photographs that come with matplotlib and SciPy, as RGB arrays in 0..1."""
    import scipy.misc

    hopper = Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg"
    found = [np.asarray(Image.open(hopper).convert("RGB")) / 255.0] if hopper.exists() else []
    for name in ("face", "ascent"):
        if hasattr(scipy.misc, name):
            picture = getattr(scipy.misc, name)() / 255.0
            found.append(picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, 2))
    return found


def unseen_background(random, size, photos):
    """Kind and picture: a four-corner gradient, value noise by octaves, bricks, or a crop of a photograph."""
    kind = ("gradient", "noise", "bricks", "photograph")[random.integers(4 if photos else 3)]
    y, x = np.mgrid[0:size, 0:size] / (size - 1)
    if kind == "gradient":
        c = random.random((4, 3))
        out = (c[0] * (1 - x)[..., None] + c[1] * x[..., None]) * (1 - y)[..., None] + (c[2] * (1 - x)[..., None] + c[3] * x[..., None]) * y[..., None]
    elif kind == "noise":
        out, weight = np.zeros((size, size, 3)), 0.5
        for cells in (3, 6, 12, 24, 48):
            grid = (random.random((cells, cells, 3)) * 255).astype(np.uint8)
            out += weight * np.asarray(Image.fromarray(grid).resize((size, size), Image.BICUBIC)) / 255.0
            weight *= 0.5
        out = out * random.uniform(0.4, 1) + random.random(3) * 0.3
    elif kind == "bricks":
        rows, columns = random.integers(4, 14), random.integers(2, 8)
        v = y * rows
        u = x * columns + 0.5 * (v.astype(int) % 2)
        joint = ((u % 1) < 0.06) | ((v % 1) < 0.1)
        tone = random.uniform(0.8, 1.2, (int(rows) + 1, int(columns) + 2))[v.astype(int), u.astype(int)]
        out = np.where(joint[..., None], random.random(3), random.random(3) * tone[..., None])
    else:
        photo = photos[random.integers(len(photos))]
        side = int(min(photo.shape[:2]) * random.uniform(0.4, 1))
        top, left = random.integers(photo.shape[0] - side + 1), random.integers(photo.shape[1] - side + 1)
        crop = (photo[top : top + side, left : left + side] * 255).astype(np.uint8)
        out = np.asarray(Image.fromarray(crop).resize((size, size), Image.BICUBIC)) / 255.0
    return kind, np.clip(out, 0, 1)


def samples(folder, count, size):
    random, photos = np.random.default_rng(11), photographs()
    files = sorted(p for p in Path(folder).iterdir() if p.suffix in (".webp", ".png"))
    for path in random.choice(files, count, replace=False):
        side = int(256 * random.uniform(0.6, 0.95))
        layer = Image.new("RGBA", (256, 256))
        shift = [int(random.integers(256 - side + 1)) for _ in range(2)]
        layer.paste(Image.open(path).convert("RGBA").resize((side, side), Image.BICUBIC), shift)
        rgba = np.asarray(layer) / 255.0
        alpha = rgba[:, :, 3:]
        kind, back = unseen_background(random, 256, photos)
        picture = rgba[:, :, :3] * alpha + back * (1 - alpha)
        small = Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).resize((size, size), Image.BOX)
        yield kind, picture, np.asarray(small, np.float32) / 255, alpha[:, :, 0]


def evaluate(network, folder, count, size):
    scores, shown = {}, []
    for kind, picture, small, alpha in samples(folder, count, size):
        with torch.no_grad():
            guess = network(torch.from_numpy(small.transpose(2, 0, 1)[None]))[0, 0].numpy()
        guess = np.asarray(Image.fromarray(guess).resize((256, 256), Image.BILINEAR))
        a, b = guess >= 0.5, alpha >= 0.5
        scores.setdefault(kind, []).append((a & b).sum() / max((a | b).sum(), 1))
        if len(shown) < 40:
            shown.append(np.concatenate([picture, np.repeat(guess[:, :, None], 3, 2)], 0)[::2, ::2])
    return scores, shown


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, default=Path(__file__).parents[2] / "node_modules/@lobehub/fluent-emoji-3d/assets")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--sheet", type=Path, help="where to draw the first forty")
    a = parser.parse_args()
    settings = json.loads((a.run / "log.json").read_text())
    network = MatteNet(settings["width"])
    network.load_state_dict(torch.load(a.run / "weights.pt", map_location="cpu"))
    scores, shown = evaluate(network.eval(), a.pictures, a.count, settings["size"])
    scores["all"] = [s for kind in scores.values() for s in kind]
    table = {kind: {"pictures": len(s), "median IoU": round(float(np.median(s)), 3), "tenth percentile": round(float(np.percentile(s, 10)), 3)} for kind, s in scores.items()}
    (a.run / "evaluation.json").write_text(json.dumps(table, indent=1))
    print(json.dumps(table, indent=1))
    if a.sheet:
        rows = [np.concatenate(shown[i : i + 10], 1) for i in range(0, len(shown) - 9, 10)]
        Image.fromarray((np.concatenate(rows) * 255).astype(np.uint8)).save(a.sheet)
