"""Compiles the C renderer on first use and calls it on NumPy arrays, one chunk of seeds a thread."""

import ctypes
import hashlib
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

SOURCES = Path(__file__).parent / "native"
FLAGS = ["-O3", "-march=native", "-fassociative-math", "-freciprocal-math", "-fno-signed-zeros", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", "-Wl,-Bsymbolic"]
CHUNK = 64  # scenes a call
PLANES = {  # name: (channels, dtype); order is that of render_scenes' arguments
    "front": (1, np.float32),
    "back": (1, np.float32),
    "inflation": (1, np.float32),
    "alpha": (1, np.uint8),
    "colour": (3, np.uint8),
    "surface": (3, np.uint8),  # gloss, metal, occlusion
    "normal": (3, np.int8),
}


def _library():
    files = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"meshkiln-scenes-{os.getuid()}-{digest}.so"
    if not target.exists():
        building = target.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", *FLAGS, "-o", building, *[f for f in files if f.suffix == ".c"], "-lm"], check=True)
        building.rename(target)
    return ctypes.CDLL(str(target))


_c = _library()


def _pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def render(first, count, size, kind=-1, threads=None):
    """Renders scenes of seeds first…first+count-1 to a dict of [count, channels, size, size] arrays, plus `distance` [count]."""
    planes = {name: np.zeros((count, channels, size, size), dtype) for name, (channels, dtype) in PLANES.items()}
    distance = np.zeros(count, np.float32)

    def chunk(start):
        n = min(CHUNK, count - start)
        _c.render_scenes(
            ctypes.c_uint64(first + start), n, kind, size,
            *[_pointer(plane[start : start + n]) for plane in planes.values()], _pointer(distance[start : start + n]),
        )  # fmt: skip

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        list(pool.map(chunk, range(0, count, CHUNK)))
    return {**planes, "distance": distance}


def surface_points(seed, kind, count):
    """Points spread evenly over the true closed surface of one held-out scene, [count, 3], in canvas units."""
    points = np.zeros((count, 3), np.float32)
    _c.sample_surface(ctypes.c_uint64(seed), kind, count, _pointer(points))
    return points


def inflate(alpha):
    """Poisson inflation of a mask (uint8 alpha, [size, size], inside where >= 128), in canvas units."""
    alpha = np.ascontiguousarray(alpha, np.uint8)
    out = np.zeros(alpha.shape, np.float32)
    _c.inflate_mask(_pointer(alpha), alpha.shape[0], _pointer(out))
    return out
