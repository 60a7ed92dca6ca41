#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time from process start to the first answer, and peak memory, in turns with PyTorch.

usage: first_answer.py VILSCOPE CONFIG CHECKPOINT VOCAB REGIONS

The peer is peer_torch.py's model: it imports torch, loads the checkpoint and runs one pass; it does
not even tokenize. Both find the checkpoint in the page cache.
"""
import os
import sys
import time

ONCE = """
import json, sys, torch
sys.path.insert(0, %r)
from peer_torch import Model
with open(%r) as f:
    model = Model(json.load(f), %r)
with torch.inference_mode():
    print(model.forward(torch.arange(12).unsqueeze(0) + 1000, torch.rand(1, 101, 2048),
                        torch.rand(1, 101, 5), torch.tensor([1])).argmax())
"""


def run(argv):
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit("%s failed" % argv[0])
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main():
    program, config, checkpoint, vocab, regions = sys.argv[1:6]
    here = os.path.dirname(os.path.abspath(__file__))
    ours = [program, "query", "-c", checkpoint, "--config", config, "--vocab", vocab, "--no-log",
            "-t", "vqa", "--regions", regions, "what is the man on the left holding"]
    peer = [sys.executable, "-c", ONCE % (here, config, checkpoint)]
    a, b = [], []
    for _ in range(5):
        a.append(run(peer))
        b.append(run(ours))
    ratios = sorted(x[0] / y[0] for x, y in zip(a, b))
    print("first answer: PyTorch %.2f s, vilscope %.2f s, ratio %.1f (turns %.1f to %.1f)" % (
        sorted(a)[2][0], sorted(b)[2][0], ratios[2], ratios[0], ratios[-1]))
    print("peak memory: PyTorch %.0f MB, vilscope %.0f MB" % (max(x[1] for x in a),
                                                             max(x[1] for x in b)))


main()
