#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants a fault into a checkpoint: usage: faulty.py FINAL OTHER OUT

Text layer LAYER comes from OTHER, a checkpoint of another run; head HEAD of co-attention layer CO_LAYER, text to
image, has lost its queries: it attends to all regions alike. Comparing OUT with FINAL has these two true answers.
"""
import sys

import torch

LAYER = 2               # bert.encoder.layer.2, "t 3" on the screen
CO_LAYER, HEAD = 1, 0   # the second co-attention, its first head, which is taught to point; before LAYER


def main():
    final, other = (torch.load(p, map_location="cpu", weights_only=True) for p in sys.argv[1:3])
    for name in final:
        if name.startswith("bert.encoder.layer.%d." % LAYER):
            final[name] = other[name]
    query = "bert.encoder.c_layer.%d.biattention.query2." % CO_LAYER
    size = final[query + "weight"].shape[0] // 4
    for name in (query + "weight", query + "bias"):
        final[name] = final[name].clone()
        final[name][HEAD * size:(HEAD + 1) * size] = 0
    torch.save(final, sys.argv[3])


if __name__ == "__main__":
    main()
