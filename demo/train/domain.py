#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How far pictures are from those that a model was trained on: usage: domain.py FOLDER OUT [LIMIT]

Reads the pictures of a folder (the demo: vilscope world --seed 1 --scenes 6000) and writes OUT,
safetensors with mean (42), whiten (42, 42) and limit (1), as "domain" in model.json names it
(vilscope-model(5)).

A picture is described by how much neighbouring pixels differ: for the picture, and for means of 2x2
and of 4x4 of its pixels, first from row to row and then from column to column, the shares of
differences (the largest of the three channels) that are at most 0, 2, 5, 10, 20, 40, 80. Its distance
is the root of the mean square of whiten (x - mean): about 1 for the pictures of the folder. limit is
1.5 times the distance that one in a thousand of them exceeds."""
import glob
import os
import sys

import numpy as np
from PIL import Image

from data import write_tensors

STEPS = (0, 2, 5, 10, 20, 40, 80)


def describe(path):
    a = np.asarray(Image.open(path).convert("RGB")).astype(np.int32)
    out = []
    for level in range(3):
        for axis in (0, 1):
            d = np.abs(np.diff(a, axis=axis)).max(2)
            out += [(d <= s << 2 * level).mean() for s in STEPS]
        h, w = a.shape[0] // 2, a.shape[1] // 2
        a = a[:2 * h, :2 * w].reshape(h, 2, w, 2, 3).sum((1, 3))  # sums of 4: means times 4
    return np.array(out)


def main():
    files = sorted(glob.glob(os.path.join(sys.argv[1], "*.png")))
    x = np.stack([describe(f) for f in files])
    mean, spread = x.mean(0), x.std(0) + 1e-6
    z = (x - mean) / spread
    whiten = np.linalg.inv(np.linalg.cholesky(z.T @ z / len(z) + 1e-3 * np.eye(z.shape[1])))
    distances = np.sqrt(((z @ whiten.T) ** 2).mean(1))
    limit = float(sys.argv[3]) if len(sys.argv) > 3 else 1.5 * np.quantile(distances, 0.999)
    found = {"mean": mean, "whiten": whiten / spread, "limit": np.array([limit])}
    write_tensors(sys.argv[2], {name: x.astype(np.float32) for name, x in found.items()})
    print("%d pictures: half within %.2f, 99.9 %% within %.2f, all within %.2f; limit %.2f" % (
        len(files), *np.quantile(distances, [0.5, 0.999, 1]), limit))


if __name__ == "__main__":
    main()
