#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same model in ONNX Runtime, timed in turns with bench-forward.

usage: peer_onnx.py BENCH_FORWARD CONFIG CHECKPOINT FOLDER [DEVICE...]

Exports peer_torch.py's model, which computes what vilscope does (the real tokens, the VQA head),
for each number of tokens, into FOLDER (0.9 GB each, made once), and runs it with all of ONNX
Runtime's optimisations. Needs onnxruntime, onnx and torch; says so and ends with status 77 where
one is missing. Turns alternate, so that noise of the machine meets all. DEVICE: of vilscope (cpu,
cpu-avx2); one line each.

Prints medians, the ratio of medians (above 1: vilscope is faster), the ratios of the turns, and the
ratio of the least times, which is what a machine that others use can tell.
"""
import json
import os
import sys
import warnings

try:
    import onnx
    import onnxruntime
    import torch
except ImportError as missing:
    print("SKIP: %s is not installed (pip install onnxruntime onnx torch)" % missing.name)
    sys.exit(77)

from peer_torch import REGIONS, Model, first_numbers, median, question, timed

TURNS, PASSES = 5, 7
INPUTS = ["ids", "features", "places", "task"]


class Net(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, features, places, task):
        return self.model.forward(ids, features, places, task)


def export(model, tokens, path):
    """The graph for so many tokens, unless it is there; inputs, and what torch answers."""
    torch.manual_seed(tokens)
    inputs = question(tokens)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = model.forward(*inputs)
        if not os.path.exists(path):
            torch.onnx.export(Net(model), inputs, path + ".part", input_names=INPUTS,
                              output_names=["answer"], opset_version=17, dynamo=False,
                              do_constant_folding=False)
            os.rename(path + ".part", path)
    return dict(zip(INPUTS, (x.numpy() for x in inputs))), answer.numpy()


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def time_onnx(peer, inputs):
    times = timed(lambda: peer.run(None, inputs), PASSES)
    return median(times), min(times)


def time_ours(argv, tokens, threads, device):
    return first_numbers(argv + [str(tokens), str(REGIONS), str(threads), str(PASSES), device], 2)


def compare(argv, devices, peer, inputs, tokens, threads):
    theirs, ours = [], {d: [] for d in devices}
    for _ in range(TURNS):
        theirs.append(time_onnx(peer, inputs))
        for d in devices:
            ours[d].append(time_ours(argv, tokens, threads, d))
    a = median([x[0] for x in theirs])
    for d in devices:
        b = median([x[0] for x in ours[d]])
        turns = sorted(x[0] / y[0] for x, y in zip(theirs, ours[d]))
        least = min(x[1] for x in theirs) / min(x[1] for x in ours[d])
        print("%d tokens, %d threads, %s: ONNX Runtime %.1f ms, vilscope %.1f ms, ratio %.2f "
              "(turns %.2f to %.2f), of the least %.2f" % (tokens, threads, d, a, b, a / b,
                                                          turns[0], turns[-1], least), flush=True)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    argv, folder, devices = sys.argv[1:4], sys.argv[4], sys.argv[5:] or ["cpu"]
    with open(argv[1]) as f:
        model = Model(json.load(f), argv[2])
    print("ONNX Runtime %s, onnx %s, exported by PyTorch %s" % (
        onnxruntime.__version__, onnx.__version__, torch.__version__))
    for tokens in (12, 38):
        path = os.path.join(folder, "%d.onnx" % tokens)
        inputs, answer = export(model, tokens, path)
        for threads in (1, 2):
            peer = session(path, threads)
            off = abs(peer.run(None, inputs)[0] - answer).max()
            if not off < 1e-3:
                sys.exit("ONNX Runtime answers otherwise than PyTorch: off by %g" % off)
            compare(argv, devices, peer, inputs, tokens, threads)


if __name__ == "__main__":
    main()
