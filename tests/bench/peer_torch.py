#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same model in PyTorch, timed in turns with bench-forward.

usage: peer_torch.py BENCH_FORWARD CONFIG CHECKPOINT [--turns N] [--passes N] [--threads 1,2]
                     [--results FILE]

Both answer a VQA question about one image with 101 regions, weights in float32, after warming up.
Turns alternate, so that noise of the machine meets both. Prints two lines for each number of tokens
and threads, medians and their ratio (above 1: vilscope is faster):

  same work      PyTorch computes what vilscope does: the real tokens, the VQA head
  as it is used  PyTorch computes what the reference's code does with the question: filled up to 38
                 tokens, masks added to all scores, all heads

FILE gets a line of JSON for each of these: who, what, and the milliseconds of the turns. Without
torch it says so and ends with 77.
"""
import argparse
import json
import math
import subprocess
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("SKIP: torch is not installed (pip install torch)")
    sys.exit(77)


def read_safetensors(path):
    """Those of float32, as tests/cuda/make_model.py writes them."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    start = 8 + int.from_bytes(data[:8], "little")
    w = {}
    for name, x in json.loads(data[8:start]).items():
        if name != "__metadata__":
            begin, end = x["data_offsets"]
            w[name] = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4,
                                       offset=start + begin).view(x["shape"])
    return w


class Model:
    def __init__(self, config, path):
        self.c = config
        self.w = read_safetensors(path) if path.endswith(".safetensors") else \
            torch.load(path, map_location="cpu")

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"],
                            1e-12)

    def attend(self, q, k, v, heads, mask):
        def split(x):
            return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
        q, k, v = split(q), split(k), split(v)
        s = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        p = torch.softmax(s if mask is None else s + mask, -1)
        return (p @ v).transpose(1, 2).reshape(q.shape[0], q.shape[2], -1)

    def layer(self, base, x, heads, mask):
        a = base + ".attention."
        q, k, v = (self.linear(a + "self." + n, x) for n in ("query", "key", "value"))
        read = self.linear(a + "output.dense", self.attend(q, k, v, heads, mask))
        x = self.norm(a + "output.LayerNorm", read + x)
        h = F.gelu(self.linear(base + ".intermediate.dense", x))
        return self.norm(base + ".output.LayerNorm", self.linear(base + ".output.dense", h) + x)

    def colayer(self, base, v, t, masks):
        heads = self.c["bi_num_attention_heads"]
        b = base + ".biattention."
        q1, k1, v1 = (self.linear(b + n + "1", v) for n in ("query", "key", "value"))
        q2, k2, v2 = (self.linear(b + n + "2", t) for n in ("query", "key", "value"))
        t_reads = self.attend(q2, k1, v1, heads, masks[1])
        v_reads = self.attend(q1, k2, v2, heads, masks[0])
        o = base + ".biOutput."
        v = self.norm(o + "LayerNorm1", self.linear(o + "dense1", v_reads) + v)
        t = self.norm(o + "LayerNorm2", self.linear(o + "dense2", t_reads) + t)
        out = []
        for s, x in (("v", v), ("t", t)):
            h = F.gelu(self.linear("%s.%s_intermediate.dense" % (base, s), x))
            out.append(self.norm("%s.%s_output.LayerNorm" % (base, s),
                                 self.linear("%s.%s_output.dense" % (base, s), h) + x))
        return out

    def transformed(self, base, x):
        return self.norm(base + ".LayerNorm", F.gelu(self.linear(base + ".dense", x)))

    def classified(self, base, x):
        h = self.norm(base + ".logit_fc.2", F.gelu(self.linear(base + ".logit_fc.0", x)))
        return self.linear(base + ".logit_fc.3", h)

    def heads(self, t, v, pooled, mask):
        """Every head that the reference's forward pass computes for one image."""
        words = self.w["bert.embeddings.word_embeddings.weight"]
        return [self.classified("vil_prediction", pooled),
                self.classified("vil_prediction_gqa", pooled), self.linear("vil_logit", pooled),
                self.linear("vil_tri_prediction", pooled), self.linear("linguisic_logit", t),
                self.linear("vision_logit", v) + mask.view(1, -1, 1),
                F.linear(self.transformed("cls.predictions.transform", t), words,
                         self.w["cls.predictions.bias"]),
                self.linear("cls.imagePredictions.decoder",
                            self.transformed("cls.imagePredictions.transform", v)),
                self.linear("cls.bi_seq_relationship", pooled)]

    def trunk(self, ids, features, places, task, masks=(None, None)):
        """States of text and image, and what both are pooled to, for a batch of pairs."""
        w, c = self.w, self.c
        e = "bert.embeddings."
        x = w[e + "word_embeddings.weight"][ids] + \
            w[e + "position_embeddings.weight"][:ids.shape[1]] + \
            w[e + "token_type_embeddings.weight"][0]
        if c.get("task_specific_tokens"):
            x = torch.cat([x[:, :1], w[e + "task_embeddings.weight"][task].unsqueeze(1), x[:, 1:]],
                          1)
        t = self.norm(e + "LayerNorm", x)
        n = "bert.v_embeddings."
        v = self.norm(n + "LayerNorm", self.linear(n + "image_embeddings", features) +
                      self.linear(n + "image_location_embeddings", places))
        enc, i, j = "bert.encoder.", 0, 0
        text = lambda i, t: self.layer("%slayer.%d" % (enc, i), t, c["num_attention_heads"],
                                       masks[0])
        visual = lambda j, v: self.layer("%sv_layer.%d" % (enc, j), v,
                                         c["v_num_attention_heads"], masks[1])
        for k, (a, b) in enumerate(zip(c["v_biattention_id"], c["t_biattention_id"])):
            for i in range(i, b):
                t = text(i, t)
            i = b
            for j in range(j, a):
                v = visual(j, v)
            j = a
            v, t = self.colayer("%sc_layer.%d" % (enc, k), v, t, masks)
        for j in range(j, c["v_num_hidden_layers"]):
            v = visual(j, v)
        for i in range(i, c["num_hidden_layers"]):
            t = text(i, t)
        p = F.relu(self.linear("bert.t_pooler.dense", t[:, 0])) * \
            F.relu(self.linear("bert.v_pooler.dense", v[:, 0]))
        return t, v, p

    def forward(self, ids, features, places, task, masks=(None, None)):
        """masks: what is added to scores of tokens and of regions; with them, all heads."""
        t, v, p = self.trunk(ids, features, places, task, masks)
        return self.heads(t, v, p, masks[1]) if masks[1] is not None else \
            self.classified("vil_prediction", p)


USED = 38  # tokens of a question in the reference's demonstration, with the task's
REGIONS = 101


def question(tokens):
    return (torch.arange(tokens).unsqueeze(0) * 37 + 1000, torch.rand(1, REGIONS, 2048),
            torch.rand(1, REGIONS, 5), torch.tensor([1]))


def as_used(tokens):
    ids, features, places, task = question(USED - 1)
    ids[:, tokens:] = 0
    text = torch.zeros(1, 1, 1, USED)
    text[..., tokens + 1:] = -10000
    return ids, features, places, task, (text, torch.zeros(1, 1, 1, REGIONS))


def timed(run, passes, warm=2, now=time.perf_counter):
    """Milliseconds of so many calls, after some that are not counted."""
    times = []
    for i in range(-warm, passes):
        start = now()
        run()
        if i >= 0:
            times.append(1000 * (now() - start))
    return times


def time_torch(model, inputs, passes):
    with torch.inference_mode():
        return timed(lambda: model.forward(*inputs), passes)


def first_numbers(argv, count):
    """The numbers that a benchmark's line begins with."""
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    return [float(x) for x in out[:count]]


def time_ours(argv, tokens, threads, passes, device="auto", precision="float32"):
    """Median and least."""
    return first_numbers(argv + [str(tokens), str(REGIONS), str(threads), str(passes), device,
                                 "none", "1", precision], 2)


def median(list):
    return sorted(list)[len(list) // 2]


def arguments(doc, *more):
    """Those of a comparison with bench-forward."""
    p = argparse.ArgumentParser(description=doc.split("\n")[0])
    for name in ("bench_forward", "config", "checkpoint", *more):
        p.add_argument(name)
    p.add_argument("--turns", type=int, default=5)
    p.add_argument("--passes", type=int, default=7)
    p.add_argument("--threads", default="1,2")
    p.add_argument("--results")
    return p


class Comparison:
    """Turns of a peer and of bench-forward, told when they are over."""

    def __init__(self, peer, version, results):
        self.peer, self.version, self.results = peer, version, results

    def tell(self, what, theirs, ours):
        """theirs, ours: (median, least) of each turn."""
        ratios = sorted(x[0] / y[0] for x, y in zip(theirs, ours))
        print("%s: %s %.1f ms, vilscope %.1f ms, ratio %.2f (turns %.2f to %.2f), of the least %.2f"
              % (what, self.peer, median([x[0] for x in theirs]), median([x[0] for x in ours]),
                 median(ratios), ratios[0], ratios[-1],
                 min(x[1] for x in theirs) / min(x[1] for x in ours)), flush=True)
        if self.results:
            with open(self.results, "a") as f:
                f.write(json.dumps({"peer": self.peer, "version": self.version, "what": what,
                                    "theirs": [x[0] for x in theirs],
                                    "ours": [x[0] for x in ours]}) + "\n")


def main():
    o = arguments(__doc__).parse_args()
    with open(o.config) as f:
        model = Model(json.load(f), o.checkpoint)
    print("PyTorch %s" % torch.__version__)
    told = Comparison("PyTorch", torch.__version__, o.results)
    for tokens in (12, 38):
        kinds = {"same work": question(tokens), "as it is used": as_used(tokens)}
        for threads in map(int, o.threads.split(",")):
            torch.set_num_threads(threads)
            peer, ours = {kind: [] for kind in kinds}, []
            for _ in range(o.turns):
                for kind, inputs in kinds.items():
                    ms = time_torch(model, inputs, o.passes)
                    peer[kind].append((median(ms), min(ms)))
                ours.append(time_ours([o.bench_forward, o.config, o.checkpoint], tokens, threads,
                                      o.passes))
            for kind in kinds:
                told.tell("%d tokens, %d threads, %s" % (tokens, threads, kind), peer[kind], ours)


if __name__ == "__main__":
    main()
