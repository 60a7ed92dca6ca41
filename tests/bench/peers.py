# SPDX-License-Identifier: MIT
"""Turns with other people's software: tests/bench/peer_*.py, run by a python that has it."""
import json
import os
import subprocess

from rows import Wrong, row, skipped

PEERS = {"pytorch": "peer_torch.py", "onnxruntime": "peer_onnx.py"}
NAMES = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime"}


def ratio_row(x):
    """Above 1: vilscope is faster. Least and quartile are those of the turns' ratios."""
    ratios = sorted(a / b for a, b in zip(x["theirs"], x["ours"]))
    n = len(ratios)
    note = "%.0f and %.0f ms, turns %.2f to %.2f" % (
        sorted(x["theirs"])[n // 2], sorted(x["ours"])[n // 2], ratios[0], ratios[-1])
    made = row("%s %s / vilscope" % (x["peer"], x["version"]), x["what"], "times",
               (ratios[n // 2], ratios[0], ratios[3 * n // 4]), n, note=note)
    return {**made, "theirs_ms": x["theirs"], "ours_ms": x["ours"]}


def against(bench, name):
    """Rows of one peer; one that says it was skipped, with its reason, where it is not installed."""
    o = bench.o
    here = os.path.dirname(os.path.abspath(__file__))
    results = os.path.join(bench.folder, "results-" + name)
    argv = [o.python, os.path.join(here, PEERS[name]), bench.program("bench-forward"), o.config,
            o.checkpoint]
    if name == "onnxruntime":
        argv += [o.graphs or bench.folder, o.device]
    argv += ["--turns", str(o.turns), "--passes", str(min(o.passes, 7)), "--threads",
             ",".join(map(str, o.threads)), "--results", results]
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as e:
        return [skipped(NAMES[name] + " / vilscope", NAMES[name], "%s: %s" % (o.python,
                                                                             e.strerror))]
    said = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode == 77:
        return [skipped(NAMES[name] + " / vilscope", NAMES[name],
                        said[-1].replace("SKIP: ", "") if said else "not installed")]
    if done.returncode != 0:
        raise Wrong("%s: %s" % (PEERS[name], said[-1] if said else "failed"))
    with open(results) as f:
        return [ratio_row(json.loads(line)) for line in f]
