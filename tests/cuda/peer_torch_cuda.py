#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same model in PyTorch on the same GPU, eager and compiled, in float32.

usage: peer_torch_cuda.py CONFIG CHECKPOINT

The VQA head on images with 101 regions, inputs already on the GPU, after warming up: the median of
21 passes. The model is that of tests/bench/peer_torch.py. Exit 77 where there is no GPU.
"""
import json
import os
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from peer_torch import Model  # noqa: E402


class Batched(Model):
    """Any number of images at once, on the GPU."""

    def __init__(self, config, path):
        super().__init__(config, path)
        self.w = {name: x.cuda() for name, x in self.w.items()}

    def attend(self, q, k, v, heads):
        def split(x):
            return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
        q, k, v = split(q), split(k), split(v)
        p = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1)
        return (p @ v).transpose(1, 2).flatten(2)


def milliseconds(run, inputs):
    times = []
    for i in range(-5, 21):
        torch.cuda.synchronize()
        start = time.perf_counter()
        run(*inputs)
        torch.cuda.synchronize()
        if i >= 0:
            times.append(1000 * (time.perf_counter() - start))
    return sorted(times)[10]


def main():
    if not torch.cuda.is_available():
        print("peer_torch_cuda: skipped: PyTorch %s finds no GPU" % torch.__version__)
        return 77
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    with open(sys.argv[1]) as f:
        model = Batched(json.load(f), sys.argv[2])
    print("PyTorch %s on %s" % (torch.__version__, torch.cuda.get_device_name()))
    with torch.inference_mode():
        for batch, tokens in ((1, 12), (1, 38), (16, 38), (100, 38)):
            inputs = ((torch.arange(tokens).repeat(batch, 1) * 37 + 1000).cuda(),
                      torch.rand(batch, 101, 2048).cuda(), torch.rand(batch, 101, 5).cuda(),
                      torch.ones(batch, dtype=torch.long).cuda())
            eager = milliseconds(model.forward, inputs)
            line = "batch %3d, %2d tokens: eager %.3f ms" % (batch, tokens, eager)
            try:
                compiled = torch.compile(model.forward, mode="reduce-overhead")
                line += ", torch.compile %.3f ms" % milliseconds(compiled, inputs)
            except Exception as e:  # no compiler on this machine, say
                line += ", torch.compile failed (%s)" % str(e).splitlines()[0][:80]
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
