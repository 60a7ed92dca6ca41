#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same model in PyTorch on the same GPU, eager and compiled, in float32.

usage: peer_torch_cuda.py CONFIG CHECKPOINT [cpu]     cpu: one pass each on the processor, for tests

The VQA head on images with 101 regions, inputs already on the GPU, after warming up: the median of
21 passes. The model is that of tests/bench/peer_torch.py. What is measured is appended to the file
that RESULTS names, a line of JSON each. Exit 77 where there is no GPU.
"""
import json
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from peer_torch import REGIONS, Model, median, timed  # noqa: E402


CPU = sys.argv[3:] == ["cpu"]
DEVICE = "cpu" if CPU else "cuda"
WARM, PASSES = (0, 1) if CPU else (5, 21)


def milliseconds(run, inputs):
    wait = (lambda: None) if CPU else torch.cuda.synchronize

    def waited():
        wait()
        run(*inputs)
        wait()
    return median(timed(waited, PASSES, WARM))


def tell(what, ms):
    if os.environ.get("RESULTS"):
        with open(os.environ["RESULTS"], "a") as f:
            f.write(json.dumps({"what": what, "value": round(ms, 4), "unit": "ms",
                                "device": "PyTorch " + torch.__version__}) + "\n")


def compiled(model):
    """Its own, as compiled code remembers the last one's shapes."""
    torch.compiler.reset()
    if CPU:
        return torch.compile(model.forward, backend="eager")
    return torch.compile(model.forward, mode="reduce-overhead")


def compare(model, batch, tokens):
    name = "batch %d, %d tokens" % (batch, tokens)
    inputs = [x.to(DEVICE) for x in ((torch.arange(tokens).repeat(batch, 1) * 37 + 1000),
                                     torch.rand(batch, REGIONS, 2048),
                                     torch.rand(batch, REGIONS, 5),
                                     torch.ones(batch, dtype=torch.long))]
    eager = milliseconds(model.forward, inputs)
    tell("PyTorch eager: " + name, eager)
    line = "%s: eager %.3f ms" % (name, eager)
    try:
        ms = milliseconds(compiled(model), inputs)
        tell("torch.compile: " + name, ms)
        line += ", torch.compile %.3f ms" % ms
    except Exception as e:  # no compiler on this machine, say
        if CPU:
            raise
        line += ", torch.compile failed (%s)" % str(e).splitlines()[0][:80]
    print(line, flush=True)


def main():
    if not CPU and not torch.cuda.is_available():
        print("peer_torch_cuda: skipped: PyTorch %s finds no GPU" % torch.__version__)
        return 77
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    with open(sys.argv[1]) as f:
        model = Model(json.load(f), sys.argv[2])
    model.w = {name: x.to(DEVICE) for name, x in model.w.items()}
    print("PyTorch %s on %s" % (torch.__version__,
                                "the processor" if CPU else torch.cuda.get_device_name()))
    with torch.inference_mode():
        for batch, tokens in ((1, 12), (1, 38), (16, 38), (100, 38))[::2 if CPU else 1]:
            compare(model, batch, tokens)
    return 0


if __name__ == "__main__":
    sys.exit(main())
