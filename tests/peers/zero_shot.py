#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Zero-shot retrieval with the pre-trained two-stream model: its alignment ranks the images of a caption, in a
model of a page in numpy (float64), written from the specification, against vilscope's on the mock data folder.

    tests/peers/zero_shot.py BUILD_FOLDER GOLDEN_FOLDER

GOLDEN_FOLDER has baseline/ and eval/. Prints TAP. Needs numpy, lmdb, safetensors; without them it is skipped.
What breaks it: the wrong index of the head, probabilities for logits (they tie), a task token that is not there,
images in another order.
"""
import json
import math
import pathlib
import pickle
import subprocess
import sys
import tempfile

try:
    import lmdb
    import numpy as np
    from safetensors.numpy import load_file
except ImportError as why:
    print("1..0 # SKIP", why)
    sys.exit(0)

LIMIT = 2e-5  # of a logit: the README of baseline/
erf = np.vectorize(math.erf)
ACTIVATIONS = {"gelu": lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2))), "relu": lambda x: np.maximum(x, 0)}


class Model:
    def __init__(self, config, tensors):
        self.c, self.w = config, {k: v.astype(np.float64) for k, v in tensors.items() if v.dtype.kind == "f"}

    def dense(self, name, x):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def norm(self, name, x):
        d = x - x.mean(-1, keepdims=True)
        return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-12) * self.w[name + ".weight"] + self.w[name + ".bias"]

    @staticmethod
    def attend(q, k, v, mask, heads):
        split = lambda x: x.reshape(len(x), heads, -1).transpose(1, 0, 2)
        q, k, v = split(q), split(k), split(v)
        s = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1]) + (1 - mask) * -10000.0
        s = np.exp(s - s.max(-1, keepdims=True))
        return ((s / s.sum(-1, keepdims=True)) @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)

    def feed_forward(self, inner, outer, x, act):
        return self.norm(outer + ".LayerNorm", self.dense(outer + ".dense", ACTIVATIONS[act](
            self.dense(inner + ".dense", x))) + x)

    def layer(self, name, x, mask, heads, act):
        a = name + ".attention.self."
        read = self.attend(self.dense(a + "query", x), self.dense(a + "key", x), self.dense(a + "value", x), mask, heads)
        x = self.norm(name + ".attention.output.LayerNorm", self.dense(name + ".attention.output.dense", read) + x)
        return self.feed_forward(name + ".intermediate", name + ".output", x, act)

    def co_layer(self, name, t, v, t_mask, v_mask):
        a, o = name + ".biattention.", name + ".biOutput."
        q = {s + n: self.dense(a + s + n, x) for n, x in (("1", v), ("2", t)) for s in ("query", "key", "value")}
        heads = self.c["bi_num_attention_heads"]
        from_t = self.attend(q["query1"], q["key2"], q["value2"], t_mask, heads)
        from_v = self.attend(q["query2"], q["key1"], q["value1"], v_mask, heads)
        v = self.norm(o + "LayerNorm1", self.dense(o + "dense1", from_t) + v)
        t = self.norm(o + "LayerNorm2", self.dense(o + "dense2", from_v) + t)
        return (self.feed_forward(name + ".t_intermediate", name + ".t_output", t, self.c["hidden_act"]),
                self.feed_forward(name + ".v_intermediate", name + ".v_output", v, self.c["v_hidden_act"]))

    def text_layers(self, t, mask, first, end):
        for i in range(first, end):
            t = self.layer("bert.encoder.layer.%d" % i, t, mask, self.c["num_attention_heads"], self.c["hidden_act"])
        return t

    def scores(self, ids, types, t_mask, features, spatials, v_mask):
        """The two numbers of cls.bi_seq_relationship; index 0: they belong together."""
        c, e = self.c, "bert.embeddings."
        t = self.norm(e + "LayerNorm", self.w[e + "word_embeddings.weight"][ids] +
                      self.w[e + "position_embeddings.weight"][:len(ids)] +
                      self.w[e + "token_type_embeddings.weight"][types])
        e = "bert.v_embeddings."
        v = self.norm(e + "LayerNorm", self.dense(e + "image_embeddings", features) +
                      self.dense(e + "image_location_embeddings", spatials))
        at_t = at_v = 0
        visual = lambda v, first, end: [v := self.layer(
            "bert.encoder.v_layer.%d" % i, v, v_mask, c["v_num_attention_heads"], c["v_hidden_act"])
            for i in range(first, end)][-1] if end > first else v
        for i, (to_v, to_t) in enumerate(zip(c["v_biattention_id"], c["t_biattention_id"])):
            t, v = self.text_layers(t, t_mask, at_t, to_t), visual(v, at_v, to_v)
            at_t, at_v = to_t, to_v
            t, v = self.co_layer("bert.encoder.c_layer.%d" % i, t, v, t_mask, v_mask)
        v = visual(v, at_v, c["v_num_hidden_layers"])
        t = self.text_layers(t, t_mask, at_t, c["num_hidden_layers"])
        pooled_t = np.maximum(self.dense("bert.t_pooler.dense", t[0]), 0)
        pooled_v = np.maximum(self.dense("bert.v_pooler.dense", v[0]), 0)
        fused = pooled_t + pooled_v if c.get("fusion_method", "mul") == "sum" else pooled_t * pooled_v
        return self.dense("cls.bi_seq_relationship", fused)


def made(golden, config, folder, *options):
    """The checkpoint that make_checkpoint.py makes of a configuration, and its tensors. The pre-trained model has no
    embeddings of tasks, also where a configuration says so."""
    path, own = folder / "pre.safetensors", folder / "config.json"
    own.write_text(json.dumps(dict(json.loads(config.read_text()), task_specific_tokens=False)))
    subprocess.run([sys.executable, str(golden / "baseline/make_checkpoint.py"), str(own), str(path), "--model",
                    "pretrained", "--format", "safetensors", *options], check=True, stdout=subprocess.DEVNULL)
    return path, load_file(str(path))


def checks_itself(golden, folder):
    """The largest error of this page against the reference's own numbers."""
    case = golden / "baseline/pre_retrieval"
    config, want = json.loads((case / "config.json").read_text()), load_file(str(case / "expected.safetensors"))
    seed = json.loads((case / "case.json").read_text())["seed"]
    model = Model(config, made(golden, case / "config.json", folder, "--seed", str(seed))[1])
    rows = [model.scores(*(want["in." + n][i] for n in ("input_ids", "token_type_ids", "attention_mask", "features",
                                                        "spatials", "image_mask"))) for i in range(4)]
    order = [int(i) for i in np.argsort([r[1] - r[0] for r in rows])]
    return np.abs(np.array(rows) - want["out.seq_relationship_score"]).max(), order


def regions(path, key, most):
    with lmdb.open(str(path), readonly=True, lock=False) as e, e.begin() as t:
        d = pickle.loads(t.get(str(key).encode()))
    f, b, w, h = (np.asarray(d["features"], np.float64), np.asarray(d["boxes"], np.float64), int(d["image_w"]),
                  int(d["image_h"]))
    s = np.c_[b / [w, h, w, h], (b[:, 3] - b[:, 1]) * (b[:, 2] - b[:, 0]) / (w * h)]
    f, s = np.vstack([f.sum(0) / len(f), f])[:most], np.vstack([[0, 0, 1, 1, 1], s])[:most]
    return f, s, np.ones(len(f))


def measures(ranks):
    """As the specification counts: ranks from 0."""
    r = sorted(ranks)
    middle = (r[(len(r) - 1) // 2] + r[len(r) // 2]) / 2
    return {**{"r%d" % k: 100 * sum(x < k for x in r) / len(r) for k in (1, 5, 10)},
            "medr": math.floor(middle + 1), "meanr": sum(r) / len(r) + 1}


def mock_set(golden, folder, build, task, features):
    """Ranks of this page and of vilscope, and the least distance of two scores of a caption."""
    data = golden / "eval"
    expected = json.loads((data / ("expected/task%d_val/expected.json" % task)).read_text())
    config = data / "model/config.json"
    path, tensors = made(golden, config, folder)
    model = Model(json.loads(config.read_text()), tensors)
    images = [regions(data / "datasets" / features, key, 101) for key in expected["pool"]]
    ranks, gap = [], math.inf
    for item in expected["per_item"]:
        ids = np.array(item["tokens"])
        scores = [model.scores(ids, np.zeros(len(ids), int), np.ones(len(ids)), *image) for image in images]
        logits = np.array([s[0] - s[1] for s in scores])
        own = logits[expected["pool"].index(item["image"])]
        ranks.append(int((logits > own).sum()))
        gap = min(gap, np.abs(np.delete(logits, expected["pool"].index(item["image"])) - own).min())
    out = subprocess.run([str(build / "vilscope"), "eval", "-m", str(data / "model"), "-c", str(path), "--reference",
                          str(data / "datasets"), "--task", str(task), "--split", "val", "--json"],
                         capture_output=True, text=True)
    return ranks, gap, json.loads(out.stdout) if out.returncode == 0 else out.stderr


def main():
    if len(sys.argv) < 3:
        sys.exit("which build folder, which golden folder?")
    build, golden = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    failed = False

    def ok(good, what):
        nonlocal failed
        failed |= not good
        main.n += 1
        print("%s %d - %s" % ("ok" if good else "not ok", main.n, what))

    main.n = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        worst, order = checks_itself(golden, folder)
        ok(worst < LIMIT and order == [2, 0, 1, 3],
           "this page against the reference: %.1e, images in the order %s" % (worst, order))
        for task, features in ((7, "coco/features_100/COCO_trainval_resnext152_faster_rcnn_genome.lmdb"),
                               (8, "flickr30k/flickr30k_resnext152_faster_rcnn_genome.lmdb")):
            ranks, gap, got = mock_set(golden, folder, build, task, features)
            if not isinstance(got, dict):
                ok(False, "task %d: %s" % (task, got.strip()))
                continue
            own = [item.get("rank") for item in got.get("per_item", [])]
            wrong = sum(a != b for a, b in zip(ranks, own))
            ok(len(own) == len(ranks) and wrong == 0, "task %d: %d captions, %d ranks differ; least distance of "
               "two scores %.1e" % (task, len(ranks), wrong, gap))
            want = measures(ranks)
            ok(all(abs(got.get(k, math.inf) - v) < 1e-6 for k, v in want.items()),
               "task %d: %s" % (task, ", ".join("%s %.3f (%.3f)" % (k, got.get(k, math.nan), v)
                                                 for k, v in want.items())))
    print("1..%d" % main.n)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
