#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gradients of an answer by PyTorch's autograd, timed in turns with bench-back.

usage: peer_back.py BENCH_BACK CONFIG CHECKPOINT [cpu]     cpu: time of the processor

Both answer a VQA question of 38 tokens (the task's included) about one image with 101 regions, and
go back from one answer to every attention map, the word vectors, features and boxes; weights in
float32 and without gradients, after warming up. Turns alternate. For each number of threads:
medians of pass and way back together, and their ratio (above 1: vilscope is faster). Without torch
it says so and ends with 77.
"""
import json
import math
import sys
import time

try:
    import torch
except ImportError:
    print("peer_back.py: skipped: there is no torch for this python")
    sys.exit(77)

from peer_torch import REGIONS, USED, Model, first_numbers, median, question, timed

TOKENS = USED - 1
CPU = sys.argv[4:] == ["cpu"]
now = time.process_time if CPU else time.perf_counter


class Explained(Model):
    """Keeps its attention maps, of which gradients are asked."""

    def attend(self, q, k, v, heads, mask):
        def split(x):
            return x.view(1, x.shape[1], heads, -1).transpose(1, 2)
        q, k, v = split(q), split(k), split(v)
        p = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)
        self.maps.append(p)
        return (p @ v).transpose(1, 2).reshape(1, q.shape[2], -1)

    def gradients(self, ids, features, places, task):
        name = "bert.embeddings.word_embeddings.weight"
        words, self.maps = self.w[name], []
        leaves = [x.clone().requires_grad_() for x in (words[ids[0]], features, places)]
        self.w[name] = leaves[0]
        out = self.forward(torch.arange(ids.shape[1]).unsqueeze(0), leaves[1], leaves[2], task)
        self.w[name] = words
        return torch.autograd.grad(out[0, 0], self.maps + leaves)


def time_torch(model, passes):
    inputs = question(TOKENS)
    return median(timed(lambda: model.gradients(*inputs), passes, 1, now))


def time_ours(program, config, checkpoint, threads, passes):
    _, record, back = first_numbers([program, config, checkpoint, str(TOKENS), str(REGIONS),
                                     str(threads), str(passes), "auto"] + ["cpu"] * CPU, 3)
    return record + back


def main():
    program, config, checkpoint = sys.argv[1:4]
    with open(config) as f:
        model = Explained(json.load(f), checkpoint)
    print("PyTorch %s" % torch.__version__)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        ratios, both = [], []
        for _ in range(3):
            pair = (time_torch(model, 3), time_ours(program, config, checkpoint, threads, 3))
            both.append(pair)
            ratios.append(pair[0] / pair[1])
        print("%d threads: PyTorch %.0f ms, vilscope %.0f ms, ratio %.2f (turns %.2f to %.2f)" %
              (threads, median([p for p, _ in both]), median([o for _, o in both]),
               median(ratios), min(ratios), max(ratios)), flush=True)


if __name__ == "__main__":
    main()
