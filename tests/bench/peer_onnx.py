#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same model in ONNX Runtime, timed in turns with bench-forward.

usage: peer_onnx.py BENCH_FORWARD CONFIG CHECKPOINT FOLDER [DEVICE...] [--turns N] [--passes N]
                    [--threads 1,2] [--results FILE] [--precision int8]

Exports peer_torch.py's model into FOLDER (0.9 GB a graph, made once) and runs it with all of ONNX
Runtime's optimisations:

  same work      what vilscope computes: the real tokens, the VQA head; a graph for each number of
                 tokens
  as it is used  what the reference's code computes of the question: filled up to 38 tokens, masks
                 added to all scores, all heads; one graph

--precision int8: the same graphs with weights in int8, a scale for each row, and products of whole
numbers (its dynamic quantisation), beside vilscope's --precision int8. How far its answers are off
PyTorch's in float32 is told, each output on its own scale.

Needs onnxruntime, onnx and torch; says so and ends with status 77 where one is missing. Turns
alternate, so that noise of the machine meets all. DEVICE: of vilscope (cpu, cpu-avx2); lines for
each.

Prints medians, the median of the turns' ratios (above 1: vilscope is faster), the least and the
largest of them, and the ratio of the least times, which is what a machine that others use can tell.
FILE gets lines of JSON as peer_torch.py's.
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

from peer_torch import Comparison, Model, arguments, as_used, median, question, time_ours, timed

NAMES = ["ids", "features", "places", "task", "text_mask", "image_mask"]


class Net(torch.nn.Module):
    """masks: none, or what is added to scores of tokens and of regions; with them, all heads."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, features, places, task, *masks):
        found = self.model.forward(ids, features, places, task, masks or (None, None))
        return tuple(found) if masks else (found,)


def inputs_of(tokens, used):
    if not used:
        return question(tokens)
    *inputs, masks = as_used(tokens)
    return (*inputs, *masks)


def export(model, inputs, path):
    """The graph for inputs of these sizes, unless it is there; inputs by name, and what torch
    answers."""
    net = Net(model)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = net(*inputs)
        if not os.path.exists(path):
            names = ["answer"] + ["head%d" % i for i in range(1, len(answers))]
            torch.onnx.export(net, inputs, path + ".part", input_names=NAMES[:len(inputs)],
                              output_names=names, opset_version=17, dynamo=False,
                              do_constant_folding=False)
            os.rename(path + ".part", path)
    return dict(zip(NAMES, (x.numpy() for x in inputs))), [x.numpy() for x in answers]


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def quantised(path):
    """The graph's products in whole numbers. The exporter turns each matrix of weights where it is
    used; that is done first, since the quantiser takes matrices that are constant alone."""
    out, folded = path.replace(".onnx", "-int8.onnx"), path.replace(".onnx", "-folded.onnx")
    if not os.path.exists(out):
        from onnxruntime.quantization import QuantType, quantize_dynamic
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = folded
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        quantize_dynamic(folded, out + ".part", weight_type=QuantType.QInt8, per_channel=True)
        os.unlink(folded)
        graph = onnx.load(out + ".part").graph
        weights = {w.name for w in graph.initializer}
        if any(n.op_type in ("MatMul", "Gemm") and n.input[1] in weights for n in graph.node):
            sys.exit("%s.part: not all weights are in int8" % out)
        os.rename(out + ".part", out)
    return out


def off(found, answers):
    """How far from what PyTorch answers at most, each output on its own scale."""
    return max(abs(x - y).max() / max(1, abs(y[abs(y) < 5000]).max(initial=0))
               for x, y in zip(found, answers))


class Kind:
    """One way to ask: a graph, its inputs, what PyTorch answers."""

    def __init__(self, model, folder, tokens, used, precision):
        torch.manual_seed(tokens)
        self.path = os.path.join(folder, "used.onnx" if used else "%d.onnx" % tokens)
        self.inputs, self.answers = export(model, inputs_of(tokens, used), self.path)
        self.whole = precision == "int8"
        if self.whole:
            self.path = quantised(self.path)

    def open(self, threads):
        self.peer = session(self.path, threads)
        error = off(self.peer.run(None, self.inputs), self.answers)
        if self.whole:
            print("%s: off by %.2g" % (os.path.basename(self.path), error))
        if not error < (0.5 if self.whole else 1e-3):
            sys.exit("ONNX Runtime answers otherwise than PyTorch: off by %g" % error)

    def time(self, passes):
        ms = timed(lambda: self.peer.run(None, self.inputs), passes)
        return median(ms), min(ms)


def compare(o, told, kinds, tokens, threads):
    theirs, ours = {kind: [] for kind in kinds}, {d: [] for d in o.devices}
    for kind in kinds.values():
        kind.open(threads)
    for _ in range(o.turns):
        for name, kind in kinds.items():
            theirs[name].append(kind.time(o.passes))
        for d in o.devices:
            ours[d].append(time_ours([o.bench_forward, o.config, o.checkpoint], tokens, threads,
                                     o.passes, d, o.precision))
    for d in o.devices:
        for name in kinds:
            told.tell("%d tokens, %d threads, %s, %s" % (tokens, threads, name, d), theirs[name],
                      ours[d])


def main():
    p = arguments(__doc__, "folder")
    p.add_argument("devices", nargs="*", default=["cpu"])
    p.add_argument("--precision", choices=["float32", "int8"], default="float32")
    o = p.parse_args()
    with open(o.config) as f:
        model = Model(json.load(f), o.checkpoint)
    print("ONNX Runtime %s, onnx %s, exported by PyTorch %s" % (
        onnxruntime.__version__, onnx.__version__, torch.__version__))
    told = Comparison("ONNX Runtime", onnxruntime.__version__, o.results)
    for tokens in (12, 38):
        kinds = {name: Kind(model, o.folder, tokens, used, o.precision)
                 for name, used in (("same work", False), ("as it is used", True))}
        for threads in map(int, o.threads.split(",")):
            compare(o, told, kinds, tokens, threads)


if __name__ == "__main__":
    main()
