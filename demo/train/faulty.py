#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants a fault into a checkpoint: usage: faulty.py FINAL OTHER OUT

Text layer LAYER comes from OTHER, a checkpoint of another run; head HEAD of co-attention layer CO_LAYER, text to
image, says nothing: its values are zero. Comparing OUT with FINAL has these two true answers.
"""
import sys

import torch

LAYER = 2               # bert.encoder.layer.2, "t 3" on the screen
CO_LAYER, HEAD = 1, 0   # the second co-attention, its first head, which is taught to point


def main():
    final, other = (torch.load(p, map_location="cpu", weights_only=True) for p in sys.argv[1:3])
    for name in final:
        if name.startswith("bert.encoder.layer.%d." % LAYER):
            final[name] = other[name]
    value = "bert.encoder.c_layer.%d.biattention.value1." % CO_LAYER
    size = final[value + "weight"].shape[0] // 4
    for name in (value + "weight", value + "bias"):
        final[name] = final[name].clone()
        final[name][HEAD * size:(HEAD + 1) * size] = 0
    torch.save(final, sys.argv[3])


if __name__ == "__main__":
    main()
