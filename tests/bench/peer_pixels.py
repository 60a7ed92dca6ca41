#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Photos as sixels, ours beside chafa's: each at its own size, cut to whole cells of 8 by 24 pixels.

    tests/bench/peer_pixels.py BENCH_PICTURE IMAGE...

Both are decoded by libsixel's sixel2png and compared with the photo: PSNR of the pixels, and of both
blurred (sigma 1.2 pixels) as eyes see them from afar. chafa is asked once for each of its ways to dither and
to compare colors; "best" is the largest blurred value among them. Bytes, and milliseconds of processor time:
chafa's of the whole program, which opens the photo; ours of the encoding alone.
Needs chafa, sixel2png, numpy and Pillow. Exits with 1 where ours, blurred, is below chafa's best.
"""
import pathlib
import resource
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

WAYS = {
    "default": [],
    "din99d": ["--color-space=din99d"],
    "diffusion": ["--work=9", "--dither=diffusion"],
    "ordered": ["--work=9", "--dither=ordered"],
}


def blurred(pixels, sigma=1.2, reach=5):
    weight = np.exp(-np.arange(-reach, reach + 1) ** 2 / (2 * sigma * sigma))
    weight /= weight.sum()
    for axis in (0, 1):
        margin = [(0, 0)] * 3
        margin[axis] = (reach, reach)
        padded = np.pad(pixels, margin, mode="edge")
        size = pixels.shape[axis]
        pixels = sum(w * padded.take(range(i, i + size), axis) for i, w in enumerate(weight))
    return pixels


def psnr(a, b):
    return 10 * np.log10(255 ** 2 / max(np.mean((a - b) ** 2), 1e-9))


def decoded(sixels, folder):
    """What libsixel makes of strips, below each other."""
    strips = []
    for data in sixels:
        (folder / "in.six").write_bytes(data)
        subprocess.run(["sixel2png", "-i", folder / "in.six", "-o", folder / "out.png"], check=True)
        strips.append(np.asarray(Image.open(folder / "out.png").convert("RGB")).astype(float))
    return np.concatenate(strips)


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tell(name, way, photo, sixels, ms, folder):
    pixels = decoded(sixels, folder)
    if pixels.shape != photo.shape:
        sys.exit("%s, %s: %s instead of %s" % (name, way, pixels.shape, photo.shape))
    far = psnr(blurred(photo), blurred(pixels))
    print("%-10s %-16s %5.1f dB, blurred %.1f dB, %4d kB, %3.0f ms" % (
        name, way, psnr(photo, pixels), far, sum(map(len, sixels)) // 1000, ms), flush=True)
    return far


def compare(bench, path, folder):
    image = Image.open(path).convert("RGB")
    width, height = image.width // 8 * 8, image.height // 24 * 24
    image = image.crop((0, 0, width, height))
    cut, name = folder / "cut.png", pathlib.Path(path).stem
    image.save(cut)
    photo = np.asarray(image).astype(float)
    for old in folder.glob("[0-9]*.six"):
        old.unlink()
    said = subprocess.run([bench, "-o", folder, cut], check=True, capture_output=True, text=True)
    ms = float(said.stdout.split(" ms of")[0].split()[-1])
    strips = sorted(folder.glob("[0-9]*.six"), key=lambda p: int(p.stem))
    ours = tell(name, "ours", photo, [p.read_bytes() for p in strips], ms, folder)
    best = 0
    for way, options in WAYS.items():
        before = processor_time()
        out = subprocess.run(["chafa", "--format=sixel", "--stretch",
                              "--size=%dx%d" % (width // 8, height // 8), *options, cut],
                             check=True, stdout=subprocess.PIPE).stdout
        ms = 1e3 * (processor_time() - before)
        best = max(best, tell(name, "chafa, " + way, photo, [out], ms, folder))
    print("%s: ours - chafa's best, blurred: %+.1f dB" % (name, ours - best), flush=True)
    return ours >= best


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        good = [compare(sys.argv[1], path, pathlib.Path(folder)) for path in sys.argv[2:]]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
