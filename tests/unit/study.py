#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Numbers for tests/unit/study.h: the tiny model in numpy, in double precision, written from the
papers and the tensors' names. usage: study.py TINY.safetensors >study.h

TINY.safetensors is tests/data/tiny/checkpoint.bin as "test-compare make IN OUT none 1" writes it.
It shares no code with the program: it runs the forward pass, swaps weights by their names, leaves
inputs out, rolls attention out, and aligns states."""
import itertools
import json
import os
import struct
import sys
import textwrap

import numpy as np
from math import erf, log

TINY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/tiny")
C = json.load(open(os.path.join(TINY, "config.json")))


def read(path):
    raw = open(path, "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            x = np.frombuffer(raw[8 + n + a:8 + n + b], {"F32": "<f4"}[t["dtype"]])
            out[name] = x.reshape(t["shape"]).astype(np.float64)
    return out


# ---- the model


def linear(w, name, x):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def norm(w, name, x):
    m = x.mean(-1, keepdims=True)
    v = ((x - m) ** 2).mean(-1, keepdims=True)
    return (x - m) / np.sqrt(v + 1e-12) * w[name + ".weight"] + w[name + ".bias"]


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def look(w, q, k, v, xq, xk, heads, mask, silent):
    """What rows xq read of rows xk: context, map (heads, rows, keys)."""
    q, k, v = linear(w, q, xq), linear(w, k, xk), linear(w, v, xk)
    d = q.shape[1] // heads
    out, maps = np.zeros_like(q), []
    for h in range(heads):
        s = slice(h * d, h * d + d)
        p = softmax(q[:, s] @ k[:, s].T / np.sqrt(d) + (1 - mask) * -10000.0)
        maps.append(p)
        out[:, s] = 0 if h in silent else p @ v[:, s]
    return out, np.array(maps)


def forward(w, x, silent=(), put=None):
    """x: ids, task, features, spatials, mask. silent: (map, layer, head) that give nothing. put:
    {(site, part, layer, stream): {row: vector}} that take the place of states, whose values are
    kept under the same keys."""
    states = {}

    def quiet(name, i):
        return [h for (m, l, h) in silent if m == name and l == i]

    def site(y, *key):
        y = y.copy()
        for row, vector in (put or {}).get(key, {}).items():
            y[row] = vector
        states[key] = y
        return y
    e = "bert.embeddings."
    t = w[e + "word_embeddings.weight"][x["ids"]] + \
        w[e + "position_embeddings.weight"][:len(x["ids"])] + w[e + "token_type_embeddings.weight"][0]
    t = np.insert(t, 1, w[e + "task_embeddings.weight"][x["task"]], 0)
    t = site(norm(w, e + "LayerNorm", t), "state", "embeddings", 0, "t")
    e = "bert.v_embeddings."
    v = norm(w, e + "LayerNorm", linear(w, e + "image_embeddings", x["features"]) +
             linear(w, e + "image_location_embeddings", x["spatials"]))
    v = site(v, "state", "embeddings", 0, "v")
    trace = {"hid.t": [t], "hid.v": [v]}
    order = []

    def layer(kind, i, y):
        p = "bert.encoder.%s.%d." % ("layer" if kind == "t" else "v_layer", i)
        a = p + "attention."
        mask = np.ones(len(y)) if kind == "t" else x["mask"]
        ctx, m = look(w, a + "self.query", a + "self.key", a + "self.value", y, y,
                      C["num_attention_heads" if kind == "t" else "v_num_attention_heads"], mask,
                      quiet(kind, i))
        order.append((kind, i, m))
        z = site(linear(w, a + "output.dense", ctx), "attention", kind, i, kind)
        y = norm(w, a + "output.LayerNorm", z + y)
        z = linear(w, p + "output.dense", gelu(linear(w, p + "intermediate.dense", y)))
        z = site(z, "feed", kind, i, kind)
        y = site(norm(w, p + "output.LayerNorm", z + y), "state", kind, i, kind)
        trace["hid." + kind].append(y)
        return y

    def join(i, t, v):
        p = "bert.encoder.c_layer.%d." % i
        b, heads = p + "biattention.", C["bi_num_attention_heads"]
        ct, m1 = look(w, b + "query2", b + "key1", b + "value1", t, v, heads, x["mask"],
                      quiet("c1", i))
        cv, m2 = look(w, b + "query1", b + "key2", b + "value2", v, t, heads, np.ones(len(t)),
                      quiet("c2", i))
        order.append(("c", i, m1, m2))
        b = p + "biOutput."
        v = norm(w, b + "LayerNorm1", v + site(linear(w, b + "dense1", cv), "attention", "c", i, "v"))
        t = norm(w, b + "LayerNorm2", t + site(linear(w, b + "dense2", ct), "attention", "c", i, "t"))
        z = linear(w, p + "v_output.dense", gelu(linear(w, p + "v_intermediate.dense", v)))
        v = norm(w, p + "v_output.LayerNorm", v + site(z, "feed", "c", i, "v"))
        z = linear(w, p + "t_output.dense", gelu(linear(w, p + "t_intermediate.dense", t)))
        t = norm(w, p + "t_output.LayerNorm", t + site(z, "feed", "c", i, "t"))
        t, v = site(t, "state", "c", i, "t"), site(v, "state", "c", i, "v")
        trace["hid.t"].append(t)
        trace["hid.v"].append(v)
        return t, v

    ti = vi = 0
    for i, (vj, tj) in enumerate(zip(C["v_biattention_id"], C["t_biattention_id"])):
        while ti < tj:
            t, ti = layer("t", ti, t), ti + 1
        while vi < vj:
            v, vi = layer("v", vi, v), vi + 1
        t, v = join(i, t, v)
    while vi < C["v_num_hidden_layers"]:
        v, vi = layer("v", vi, v), vi + 1
    while ti < C["num_hidden_layers"]:
        t, ti = layer("t", ti, t), ti + 1
    pt = np.maximum(linear(w, "bert.t_pooler.dense", t[0]), 0)
    pv = np.maximum(linear(w, "bert.v_pooler.dense", v[0]), 0)
    trace["order"], trace["states"] = order, states

    def classify(name):
        y = norm(w, name + ".logit_fc.2", gelu(linear(w, name + ".logit_fc.0", pt * pv)))
        return linear(w, name + ".logit_fc.3", y)
    trace["vqa"] = classify("vil_prediction")
    trace["gqa"] = classify("vil_prediction_gqa")
    trace["align"] = linear(w, "vil_logit", pt * pv)
    trace["ground"] = linear(w, "vision_logit", v)[:, 0] + (1 - x["mask"]) * -10000.0
    return trace


# ---- inputs of a query on the scene


def regions(name):
    d = np.load(os.path.join(TINY, name + ".npy"), allow_pickle=True).item()
    f, b = np.array(d["features"], float), np.array(d.get("bbox", d.get("boxes")), float)
    w, h = float(d["image_width"]), float(d["image_height"])
    s = np.stack([b[:, 0] / w, b[:, 1] / h, b[:, 2] / w, b[:, 3] / h,
                  (b[:, 3] - b[:, 1]) * (b[:, 2] - b[:, 0]) / (w * h)], 1)
    return np.vstack([f.mean(0), f]), np.vstack([[0, 0, 1, 1, 1], s])


def query(task, text, picture="scene"):
    words = open(os.path.join(TINY, "vocab.txt")).read().split("\n")
    ids = [words.index(x) for x in ["[CLS]"] + text.split() + ["[SEP]"]]
    f, s = regions(picture)
    return {"ids": np.array(ids), "task": task, "features": f, "spatials": s,
            "mask": np.ones(len(f))}


def without_region(x, i):
    y = dict(x, mask=x["mask"].copy())
    y["mask"][i] = 0
    return y


def with_mask(x, i):
    words = open(os.path.join(TINY, "vocab.txt")).read().split("\n")
    y = dict(x, ids=x["ids"].copy())
    y["ids"][i] = words.index("[MASK]")
    return y


# ---- attention rollout (Abnar and Zuidema 2020), over both streams


def rollouts(trace):
    """{(kind, layer): rows over its columns}, the mixtures after that very step."""
    nt, nv = trace["order"][0][2].shape[1], len(trace["hid.v"][0])
    t, v = np.eye(nt, nt + nv), np.eye(nv, nt + nv, nt)
    out = {}
    for step in trace["order"]:
        maps = [m.mean(0) for m in step[2:]]
        if step[0] == "t":
            t = (t + maps[0] @ t) / 2
            out["text", step[1]] = t[:, :nt]
        elif step[0] == "v":
            v = (v + maps[0] @ v) / 2
            out["image", step[1]] = v[:, nt:]
        else:
            t, v = (t + maps[0] @ v) / 2, (v + maps[1] @ t) / 2
            out["text_to_image", step[1]] = t[:, nt:]
            out["image_to_text", step[1]] = v[:, :nt]
    return out


# ---- swaps: the first checkpoint with parts of the second

E = "bert.encoder."


def scaled(w, factor, prefix=""):
    """As "test-compare make" does it: in double precision, kept as float32."""
    return {k: (v * factor).astype(np.float32).astype(np.float64) if k.startswith(prefix) else v
            for k, v in w.items()}


def part_of(name):
    """The part that a tensor belongs to: (part, layer)."""
    for part, start in (("text", E + "layer."), ("image", E + "v_layer."), ("co", E + "c_layer.")):
        if name.startswith(start):
            return part, int(name[len(start):].split(".")[0])
    if name.startswith("bert.embeddings") or name.startswith("bert.v_embeddings"):
        return "embeddings", -1
    return "heads", -1


LAYERS = [("embeddings", -1)] + [(p, i) for p, n in (
    ("text", C["num_hidden_layers"]), ("image", C["v_num_hidden_layers"]),
    ("co", len(C["v_biattention_id"]))) for i in range(n)] + [("heads", -1)]
BLOCKS = ["embeddings", "text", "image", "co", "heads"]
HEADS = [(p, i, h) for p, n, m in (
    ("text", C["num_hidden_layers"], C["num_attention_heads"]),
    ("image", C["v_num_hidden_layers"], C["v_num_attention_heads"]),
    ("co", len(C["v_biattention_id"]), C["bi_num_attention_heads"]))
    for i in range(n) for h in range(m)]


def swap_parts(a, b, parts):
    """parts: blocks by name, or layers."""
    return {k: b[k] if part_of(k)[0] in parts or part_of(k) in parts else v for k, v in a.items()}


def swap_head(a, b, part, layer, head):
    """Its rows of queries, keys and values with their biases, its columns of what reads them."""
    out = dict(a)
    if part == "co":
        p = E + "c_layer.%d.biattention." % layer
        rows = [p + x + n for x in ("query", "key", "value") for n in "12"]
        cols = [E + "c_layer.%d.biOutput.dense%s" % (layer, n) for n in "12"]
        heads = C["bi_num_attention_heads"]
    else:
        p = E + ("layer" if part == "text" else "v_layer") + ".%d.attention." % layer
        rows = [p + "self." + x for x in ("query", "key", "value")]
        cols = [p + "output.dense"]
        heads = C["num_attention_heads" if part == "text" else "v_num_attention_heads"]
    for name in rows:
        for k in (name + ".weight", name + ".bias"):
            d = len(a[k]) // heads
            out[k] = a[k].copy()
            out[k][head * d:head * d + d] = b[k][head * d:head * d + d]
    for name in cols:
        k = name + ".weight"
        d = a[k].shape[1] // heads
        out[k] = a[k].copy()
        out[k][:, head * d:head * d + d] = b[k][:, head * d:head * d + d]
    return out


class Swaps:
    def __init__(self, a, b, x, out):
        self.a, self.b, self.x, self.out = a, b, x, out
        ya, yb = forward(a, x)[out], forward(b, x)[out]
        self.ka, self.kb = int(ya.argmax()), int(yb.argmax())
        self.before, self.after = self.measure(ya), self.measure(yb)

    def measure(self, y):
        if self.ka != self.kb:
            return y[self.kb] - y[self.ka]
        return log_odds(y, self.ka)

    def value(self, w):
        return self.measure(forward(w, self.x)[self.out])

    def smallest(self, parts):
        """All sets of the smallest size that give the second checkpoint's answer."""
        for n in range(1, len(parts) + 1):
            found = [s for s in itertools.combinations(parts, n) if int(forward(
                swap_parts(self.a, self.b, s), self.x)[self.out].argmax()) == self.kb]
            if found:
                return found
        return []


# ---- leaving out


def log_odds(y, i):
    rest = np.delete(y, i)
    m = rest.max()
    return y[i] - m - log(np.exp(rest - m).sum())


# ---- debiased centred kernel alignment, term by term as Song et al. (2012), equation 5


def hsic(k, l):
    n = len(k)
    k, l, one = k - np.diag(np.diag(k)), l - np.diag(np.diag(l)), np.ones(len(k))
    return (np.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) -
            2 / (n - 2) * (one @ k @ l @ one)) / (n * (n - 3))


def cka(x, y):
    k, l = x @ x.T, y @ y.T
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def orders(n, count=19):
    seed, out = 1, []
    for _ in range(count):
        o = list(range(n))
        for i in range(n - 1, 0, -1):
            seed = (seed + 0x9e3779b97f4a7c15) % 2 ** 64  # SplitMix64
            z = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9 % 2 ** 64
            z = (z ^ z >> 27) * 0x94d049bb133111eb % 2 ** 64
            j = ((z ^ z >> 31) >> 32) * (i + 1) >> 32
            o[i], o[j] = o[j], o[i]
        out.append(o)
    return out


def cka_rows(w):
    b = scaled(w, 1.7)
    asked = [query(1, t) for t in CKA_TEXTS]
    print("/* CKA of the tiny model and itself times 1.7, after each depth, over these queries, and the\n"
          " * largest of 19 permutations. */")
    print("static const char *const cka_texts[] = {%s};" % ", ".join('"%s"' % t for t in CKA_TEXTS))
    for stream in "tv":
        gathered = []
        for m in (w, b):
            traces = [forward(m, x)["hid." + stream] for x in asked]
            gathered.append([np.vstack(d) for d in zip(*traces)])
        n = len(gathered[0][0])
        value = [[cka(x, y) for y in gathered[1]] for x in gathered[0]]
        floor = [[max(cka(x, y[o]) for o in orders(n)) for y in gathered[1]] for x in gathered[0]]
        print("enum { cka_n_%s = %d };" % (stream, n))
        table("cka_%s" % stream, value)
        table("cka_floor_%s" % stream, floor)
    print()


CKA_TEXTS = ("what color", "the red square", "who is in the man")


# ---- what the tests read


def table(name, x):
    x = np.asarray(x, float)
    sizes = "".join("[%d]" % n for n in x.shape)
    numbers = ["%.9g" % v for v in x.ravel()]
    lines, line = [], "   "
    for v in numbers:
        if len(line) + len(v) > 96:
            lines.append(line)
            line = "   "
        line += " " + v + ","
    if x.ndim == 1:
        print("static const double %s%s = {\n%s};" % (name, sizes, "\n".join(lines + [line])[:-1]))
        return
    print("static const double %s[%d] = { /* %s */\n%s};" % (
        name, x.size, " by ".join(map(str, x.shape)), "\n".join(lines + [line])[:-1]))


def numbers(xs):
    text = "{" + ", ".join("NAN" if np.isnan(x) else "%.9g" % x for x in xs) + "}"
    return "\n      ".join(textwrap.wrap(text, 92))


def masks(parts, sets):
    return "{" + ", ".join("%d" % sum(1 << parts.index(p) for p in s) for s in sets[:8]) + "}"


TASKS = {"vqa": (1, "vqa"), "gqa": (15, "gqa"), "coco": (7, "align"), "refcoco": (9, "ground")}


def swap_rows(w):
    """Every level of every pair."""
    print("""/* The tiny model a with parts of b, which is a times a factor: log odds of b's answer against
 * a's, or of the common answer against all others. Sets of blocks and of layers that give b's
 * answer, the smallest ones only: bits in the order of the parts; size 0: the same answers. */
static const struct patch_golden {
    const char *task, *text;
    double factor, before, after;
    double blocks[%d], layers[%d], heads[%d];
    int block_size, block_sets[8], layer_size, layer_sets[8];
} patch_goldens[] = {""" % (len(BLOCKS), len(LAYERS), len(HEADS)))
    for task, text in (("vqa", "what color"), ("gqa", "the red square"), ("refcoco", "a dog"),
                       ("refcoco", "the red square")):
        for factor in (1.7, 0.5, -1, 1.3, 2.5):
            number, out = TASKS[task]
            b = scaled(w, factor)
            s = Swaps(w, b, query(number, text), out)
            flips = s.ka != s.kb
            sets = [s.smallest(p) if flips else [] for p in (BLOCKS, LAYERS)]
            print("    {\"%s\", \"%s\", %g, %.9g, %.9g," % (task, text, factor, s.before, s.after))
            for parts in ([[p] for p in BLOCKS], [[p] for p in LAYERS]):
                print("     " + numbers(s.value(swap_parts(w, b, p)) for p in parts) + ",")
            print("     " + numbers(s.value(swap_head(w, b, *h)) for h in HEADS) + ",")
            print("     %s}," % ", ".join("%d, %s" % (len(x[0]) if x else 0, masks(p, x) if x else "{0}")
                                          for p, x in zip((BLOCKS, LAYERS), sets)))
    print("};\n")


def effect_rows(w):
    print("""/* What is left of the measure of the best answer without each region (the whole image first), with
 * each token masked, without each head: log odds; of coco, one image, the logit. NAN: it is left
 * out itself. */
static const struct effect_golden {
    const char *task, *text;
    double measure, regions[%d], tokens[8], heads[%d];
} effect_goldens[] = {""" % (len(query(1, "a")["mask"]), len(HEADS) + C["bi_num_attention_heads"] *
                             len(C["v_biattention_id"])))
    for task, text in (("vqa", "what color"), ("gqa", "the red square"), ("coco", "the red square"),
                       ("refcoco", "a dog")):
        number, out = TASKS[task]
        x = query(number, text)
        y = forward(w, x)[out]
        best = int(y.argmax())

        def measure(y):
            if task == "coco":
                return y[0]
            if y[best] < -9000:
                return float("nan")
            keep = [i for i in range(len(y)) if y[i] > -9000]
            return log_odds(y[keep], keep.index(best))
        quiet = [(m, i, h) for m, n, k in (
            ("t", C["num_hidden_layers"], C["num_attention_heads"]),
            ("v", C["v_num_hidden_layers"], C["v_num_attention_heads"]),
            ("c1", len(C["v_biattention_id"]), C["bi_num_attention_heads"]),
            ("c2", len(C["v_biattention_id"]), C["bi_num_attention_heads"]))
            for i in range(n) for h in range(k)]
        print("    {\"%s\", \"%s\", %.9g," % (task, text, measure(y)))
        print("     " + numbers(measure(forward(w, without_region(x, i))[out])
                                for i in range(len(x["mask"]))) + ",")
        print("     " + numbers(measure(forward(w, with_mask(x, i))[out])
                                for i in range(len(x["ids"]))) + ",")
        print("     " + numbers(measure(forward(w, x, [q])[out]) for q in quiet) + "},")
    print("};\n")


def main():
    w = read(sys.argv[1])
    print("/* Made by tests/unit/study.py: what the tiny model comes to in numpy. */")
    print("#ifndef STUDY_H\n#define STUDY_H\n\n#include <math.h>\n")
    print("/* Rollout of \"what color\", VQA v2, on tests/data/tiny/scene.png. */")
    for (kind, layer), m in rollouts(forward(w, query(1, "what color"))).items():
        table("rollout_%s_%d" % (kind, layer), m)
    print()
    swap_rows(w)
    effect_rows(w)
    cka_rows(w)
    print("\n#endif")


if __name__ == "__main__":
    main()
