#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How much the regions of a JPEG depend on who decodes it.

usage: jpeg_agreement.py VILSCOPE WEIGHTS PICTURE...

Saves each picture as JPEG in several ways, lets Pillow (libjpeg, what the reference decodes with)
decode it to PNG, finds the regions of both with vilscope, and matches them by their boxes. Prints a
line for each: regions matched at an overlap of 0.9 and of 0.5, the same class among the first, and
least and mean cosine of the features that the two pictures have in the same boxes. Needs Pillow and
numpy.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

WAYS = {"4:2:0": {"subsampling": 2}, "4:2:2": {"subsampling": 1}, "4:4:4": {"subsampling": 0},
        "progressive": {"subsampling": 2, "progressive": True}}


def regions(path):
    d = np.load(path, allow_pickle=True).item()
    return d["bbox"], d["features"], d["objects"]


def overlap(a, b):
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.clip(high - low + 1, 0, None).prod(2)
    area = lambda x: (x[:, 2:] - x[:, :2] + 1).prod(1)
    return both / (area(a)[:, None] + area(b)[None] - both)


def detect(program, weights, image, out, boxes=None):
    subprocess.run([program, "detect", "-d", weights, "-o", out, image] +
                   (["--boxes", boxes] if boxes else []), check=True, stdout=subprocess.DEVNULL)
    return regions(out)


def main():
    program, weights = sys.argv[1:3]
    print("%-16s %-12s %8s %8s %8s %8s %8s" % ("picture", "sampling", "at 0.9", "at 0.5", "class",
                                               "cos min", "mean"))
    for path in sys.argv[3:]:
        for way, how in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                base = os.path.join(folder, "x")
                Image.open(path).convert("RGB").save(base + ".jpg", quality=90, **how)
                Image.open(base + ".jpg").convert("RGB").save(base + ".png")
                a, _, ca = detect(program, weights, base + ".jpg", base + "-a.npy")
                b, fb, cb = detect(program, weights, base + ".png", base + "-b.npy")
                w, h = Image.open(base + ".png").size
                inside = (b[:, 2] <= w) & (b[:, 3] <= h) & (b >= 0).all(1)
                np.save(base + "-boxes.npy", b[inside])
                _, same, _ = detect(program, weights, base + ".jpg", base + "-c.npy",
                                    base + "-boxes.npy")
                o, fb = overlap(b, a), fb[inside]
                at, most = o.argmax(1), o.max(1)
                cos = (same * fb).sum(1) / (np.linalg.norm(same, axis=1) *
                                            np.linalg.norm(fb, axis=1))
                print("%-16s %-12s %8d %8d %8d %8.5f %8.5f" %
                      (os.path.basename(path)[:16], way, (most >= 0.9).sum(), (most >= 0.5).sum(),
                       (cb == ca[at])[most >= 0.9].sum(), cos.min(), cos.mean()), flush=True)


if __name__ == "__main__":
    main()
