#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Evaluation with a full-size model: how much of it is the forward pass, and retrieval in turns
with the same model in PyTorch.

usage: peer_eval.py BENCH_EVAL CONFIG CHECKPOINT VOCAB [CAPTIONS IMAGES [TURNS]]

Items: questions about images whose 101 rows lie in an LMDB; the share of the forward pass in the
time from opening the set to rows in a file and in a log, all of one run, so that noise meets both.

Retrieval: each of CAPTIONS with each of IMAGES (12 words: 15 tokens), one thread, processor time,
in turns; above 1: vilscope is faster. PyTorch computes each caption with the images in batches:

  same work      only the real tokens, only the head that is read
  as it is used  filled up to the reference's 30 tokens, masks added to all scores

Of more images a caption's first half is shared by more passes, and of more captions an image is
read by more of them: the ratio of a large pool is not below that of a small one.
"""
import json
import subprocess
import sys
import tempfile
import time

import torch

import peer_torch

BATCH = 25
USED = 30    # tokens of a caption in the reference's retrieval, with the task's
TOKENS = 14  # of twelve words, without the task's


def numbers(argv):
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    return [float(x) for x in out]


def median(list):
    return sorted(list)[len(list) // 2]


def inputs(images, tokens):
    ids = (torch.arange(tokens).unsqueeze(0) * 37 + 1000).expand(images, -1)
    return (ids, torch.rand(images, peer_torch.REGIONS, 2048),
            torch.rand(images, peer_torch.REGIONS, 5), torch.full((images,), 7))


def as_used(images):
    ids, features, places, task = inputs(images, USED - 1)
    text = torch.zeros(1, 1, 1, USED)
    text[..., TOKENS + 1:] = -10000
    return ids, features, places, task, (text, torch.zeros(1, 1, 1, peer_torch.REGIONS))


def time_torch(model, kind, captions, images):
    """Processor milliseconds of a pair."""
    batch = inputs(BATCH, TOKENS) if kind == "same work" else as_used(BATCH)
    with torch.inference_mode():
        model.linear("vil_logit", model.trunk(*batch)[2])  # warms up
        start = time.process_time()
        pairs = 0
        for _ in range(captions):
            for _ in range(0, images, BATCH):
                model.linear("vil_logit", model.trunk(*batch)[2])
                pairs += BATCH
        return 1000 * (time.process_time() - start) / pairs


def time_items(program, folder, model):
    for threads in (1, 2):
        shares = []
        for _ in range(3):
            wall, _, forward = numbers([program, "items", folder, *model, str(threads), "40"])[:3]
            shares.append(forward / wall)
        print("items, %d threads: %.3f of the forward pass's own throughput (%s)"
              % (threads, median(shares), ", ".join("%.3f" % s for s in shares)), flush=True)


def time_retrieval(program, folder, model, captions, images, turns):
    with open(model[0]) as f:
        peer = peer_torch.Model(json.load(f), model[1])
    torch.set_num_threads(1)
    ratios = {"same work": [], "as it is used": []}
    for _ in range(turns):
        ours = numbers([program, "retrieval", folder, *model, "1", str(captions)])
        own = ours[1] / (ours[3] * ours[4])
        for kind in ratios:
            theirs = time_torch(peer, kind, captions, images)
            ratios[kind].append(theirs / own)
            print("%s: PyTorch %.1f ms a pair, vilscope %.1f ms" % (kind, theirs, own),
                  file=sys.stderr)
    for kind, all in ratios.items():
        print("retrieval, %d x %d pairs, %s: PyTorch %s / vilscope %.2f (turns %s)"
              % (captions, images, kind, torch.__version__, median(all),
                 ", ".join("%.2f" % r for r in all)), flush=True)


def main():
    program, *model = sys.argv[1:5]
    given = [int(x) for x in sys.argv[5:]]
    captions, images, turns = given + [4, 50, 3][len(given):]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "make", folder, "2048", str(images), "64", str(images)],
                       check=True)
        time_items(program, folder, model)
        time_retrieval(program, folder, model, captions, images, turns)


if __name__ == "__main__":
    main()
