#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is inside a demo model, measured on the program's own outputs.

usage: measure.py PROGRAM MODEL_DIR [-c NAME]... [--scenes N] [--seed S] [--answers N]

Draws new scenes with wide language, finds their regions and runs each checkpoint on them (vilscope world,
extract, tokenize, forward). Prints for each, with 95 % intervals (Wilson):

  attention  how often the region that a word attends to most is the object it names, for words of what is
             referred to and of landmarks; at the best head, which is chosen on other scenes (ten folds)
  states     the mean cosine between the token states of a text, the highest of all layers
  words      how often a hidden word of a caption is told
  slices     answers of VQA, Genome QA, GQA and SNLI-VE by what they are about

--answers N also measures all tasks on N scenes with vilscope eval, and on N others in held-out wordings. Exit
status 1 when the last checkpoint misses one of AIMS. Needs numpy.
"""
import argparse
import collections
import json
import math
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

import data

AIMS = {"referred": 80.0, "landmark": 60.0, "cosine": 0.9, "words": 60.0}
# Per cent of 2000 items (retrieval among 20), and what held-out wordings may lose.
TASK_AIMS = {"vqa": 90, "genomeqa": 88, "gqa": 90, "coco": 75, "flickr30k": 75, "refcoco": 92, "refcoco+": 96,
             "refcocog": 96, "visual7w": 95, "guesswhat": 65, "nlvr2": 84, "snli-ve": 90}
HELD_OUT = 5.0
ANSWERED = {"vqa": "out.vil_prediction", "genomeqa": "out.vil_prediction", "gqa": "out.vil_prediction_gqa",
            "snli-ve": "out.vil_tri_prediction"}
ATTENDED = ("refcoco", "refcoco+", "refcocog", "vqa", "gqa")
CAPTIONS = ("coco", "flickr30k")
ROWS = 256  # of one pass


# ---- the program


def read_tensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        raw = f.read()
    return {k: np.frombuffer(raw[v["data_offsets"][0]:v["data_offsets"][1]], np.float32).reshape(v["shape"])
            for k, v in header.items() if k != "__metadata__"}


class Scenes:
    """New scenes, their regions, and items with their tokens."""

    def __init__(self, o, about, work):
        self.o, self.about, self.work = o, about, work
        self.vocab_path = os.path.join(o.model, about["vocab"])
        self.vocab = open(self.vocab_path).read().split("\n")
        self.config = json.load(open(os.path.join(o.model, about["config"])))
        world = os.path.join(work, "world")
        run(o.program, "world", "-o", world, "--seed", str(o.seed), "--scenes", str(o.scenes), "--items", "2",
            "--retrieval", "4", "--language", "wide")
        run(o.program, "extract", "-m", o.model, "-o", os.path.join(work, "regions"), "--quiet",
            os.path.join(world, "images"))
        self.truth = [json.loads(line) for line in open(os.path.join(world, "scenes.jsonl"))]
        self.images = [self.image(i) for i in range(o.scenes)]
        self.items = collections.defaultdict(list)
        for line in open(os.path.join(world, "data.jsonl")):
            d = json.loads(line)
            self.items[d["task"]].append(d)

    def image(self, i):
        d = np.load(os.path.join(self.work, "regions", "%06d.npy" % i), allow_pickle=True).item()
        f = d["features"]
        most = self.about.get("max_regions", 101)
        rows = np.concatenate([f.mean(0, keepdims=True), f])[:most]
        place = np.concatenate([[[0, 0, 1, 1, 1]], data.places(d["bbox"])])[:most]
        overlaps = np.stack([np.concatenate([[0], data.overlap(d["bbox"], np.array(x["box"], np.float32))])
                             for x in self.truth[i]["objects"]])[:, :most]
        return rows.astype(np.float32), place.astype(np.float32), overlaps

    def tokens(self, task, texts):
        return data.tokenize(self.o.program, self.vocab_path, task, texts)

    def forward(self, checkpoint, task, ids, images):
        """Outputs of the program for rows of ids and images' numbers, in parts."""
        for at in range(0, len(ids), ROWS):
            part, numbers = ids[at:at + ROWS], images[at:at + ROWS]
            n, most = len(part), max(map(len, part))
            regions = max(len(self.images[i][0]) for i in numbers)
            t = {"in.input_ids": np.zeros((n, most), np.int64), "in.attention_mask": np.zeros((n, most), np.int64),
                 "in.features": np.zeros((n, regions, self.config["v_feature_size"]), np.float32),
                 "in.spatials": np.zeros((n, regions, 5), np.float32),
                 "in.image_mask": np.zeros((n, regions), np.int64),
                 "in.task_ids": np.full((n, 1), data.TASKS[task], np.int64)}
            for i, (x, k) in enumerate(zip(part, numbers)):
                rows, place, _ = self.images[k]
                t["in.input_ids"][i, :len(x)], t["in.attention_mask"][i, :len(x)] = x, 1
                t["in.features"][i, :len(rows)], t["in.spatials"][i, :len(rows)] = rows, place
                t["in.image_mask"][i, :len(rows)] = 1
            inputs, outputs = (os.path.join(self.work, x) for x in ("in.safetensors", "out.safetensors"))
            data.write_tensors(inputs, t)
            run(self.o.program, "forward", "-m", self.o.model, "-c", checkpoint, "--inputs", inputs, "-o", outputs)
            yield at, read_tensors(outputs)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# ---- numbers


def interval(right, n):
    """Wilson's, 95 %: half its width, per cent."""
    if n == 0:
        return 0.0
    p, z = right / n, 1.96
    return 100 * z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))


def share(right, n):
    return "%5.1f ±%.1f (%d)" % (100 * right / max(1, n), interval(right, n), n)


class Attention:
    """Whether words attend to what they name: a row for each word, a column for each layer and head."""

    def __init__(self):
        self.hits = {"referred": [], "landmark": []}
        self.folds = {"referred": [], "landmark": []}

    def add(self, item, tokens, out, row, image, overlaps, target):
        marks = data.token_marks(item["text"], tokens, [p for p in item["phrases"] if len(p[2]) == 1])
        maps = [out["attn.c.%d.1" % i][row] for i in range(sum(k.endswith(".1") and k.startswith("attn.c")
                                                               for k in out))]
        for j in marks.nonzero()[0]:
            if tokens[j].startswith("##"):
                continue
            named = int(marks[j]).bit_length() - 1
            top = np.concatenate([m[:, j + 1].argmax(1) for m in maps])  # after the task's token
            role = "referred" if named == target else "landmark"
            self.hits[role].append(overlaps[named][top] >= 0.5)
            self.folds[role].append(image % 10)

    def best(self, role):
        """Right at the head that is best on the other folds, of how many; the most chosen head; the table."""
        hits, folds = np.array(self.hits[role]), np.array(self.folds[role])
        if len(hits) == 0:
            return 0, 0, 0, np.zeros(1)
        chosen = [hits[folds != f].mean(0).argmax() for f in range(10)]
        right = sum(hits[folds == f][:, chosen[f]].sum() for f in range(10))
        return int(right), len(hits), max(set(chosen), key=chosen.count), hits.mean(0)


class Cosines:
    """Mean cosines between different token states, by layer."""

    def __init__(self):
        self.sums, self.n = collections.defaultdict(float), 0

    def add(self, out, row, length):
        for name, x in out.items():
            if name.startswith("hid.") and (name.endswith(".t") or name.startswith("hid.t.")):
                s = x[row, :length + 1]
                s = s / np.linalg.norm(s, axis=1, keepdims=True)
                n = len(s)
                self.sums[name[4:]] += ((s.sum(0) ** 2).sum() - n) / (n * (n - 1))
        self.n += 1

    def worst(self):
        return max((s / self.n, name) for name, s in self.sums.items())


# ---- a checkpoint


def target_of(item, truth):
    if "box" not in item:
        return -1
    return [o["box"] for o in truth["objects"]].index(item["box"])


def measure_attention(s, checkpoint):
    attention, cosines = Attention(), Cosines()
    for task in ATTENDED:
        items = [d for d in s.items[task] if "typo" not in d["slices"]]
        tokens = s.tokens(task, [d["text"] for d in items])
        images = [data.number(d["images"][0]) for d in items]
        for at, out in s.forward(checkpoint, task, [t["ids"] for t in tokens], images):
            for row in range(len(out["out.pooled_t"])):
                d, t, i = items[at + row], tokens[at + row], images[at + row]
                cosines.add(out, row, len(t["ids"]))
                if "box" in d:
                    attention.add(d, t["tokens"], out, row, i, s.images[i][2], target_of(d, s.truth[i]))
    return attention, cosines


def measure_words(s, checkpoint):
    """One hidden word of each caption: all, and those that name things."""
    dice, mask = np.random.default_rng(5), s.vocab.index("[MASK]")
    right, n = [0, 0], [0, 0]
    for task in CAPTIONS:
        items = s.items[task]
        tokens = s.tokens(task, [d["text"] for d in items])
        at_token = [int(dice.integers(1, len(t["ids"]) - 1)) for t in tokens]
        ids = [t["ids"][:j] + [mask] + t["ids"][j + 1:] for t, j in zip(tokens, at_token)]
        images = [data.number(d["images"][d["answer"]]) for d in items]
        for at, out in s.forward(checkpoint, task, ids, images):
            for row in range(len(out["out.pooled_t"])):
                t, j, d = tokens[at + row], at_token[at + row], items[at + row]
                good = out["out.linguisic_prediction"][row, j + 1].argmax() == t["ids"][j]
                content = data.token_marks(d["text"], t["tokens"], d["phrases"])[j] > 0
                for k in (0, 1)[:1 + content]:
                    right[k], n[k] = right[k] + good, n[k] + 1
    return right, n


def measure_slices(s, checkpoint):
    labels = {t: open(os.path.join(s.o.model, s.about["labels"]["gqa" if t == "gqa" else "vqa"])).read().split("\n")
              for t in ("vqa", "genomeqa", "gqa")}
    labels["snli-ve"] = data.VERDICTS
    right, n = collections.Counter(), collections.Counter()
    for task, head in ANSWERED.items():
        items = s.items[task]
        tokens = s.tokens(task, [d["text"] for d in items])
        for at, out in s.forward(checkpoint, task, [t["ids"] for t in tokens],
                                 [data.number(d["images"][0]) for d in items]):
            for row, x in enumerate(out[head]):
                d = items[at + row]
                for name in d["slices"] + ["all of " + task]:
                    right[name] += labels[task][x.argmax()] == d["answer"]
                    n[name] += 1
    return right, n


def measure_answers(o, checkpoint, work):
    """Scores of all tasks, in training's wordings and in held-out ones."""
    out = []
    for seed, unseen in ((o.seed + 1, []), (o.seed + 2, ["--unseen"])):
        folder = os.path.join(work, "answers%d" % seed)
        if not os.path.exists(folder):
            run(o.program, "world", "-o", folder, "--seed", str(seed), "--scenes", str(o.answers), "--language",
                "wide", *unseen)
        table = json.loads(run(o.program, "eval", "-m", o.model, "-c", checkpoint, "--data", folder, "--json",
                               "--no-log"))
        out.append(scores(table))
    return out


def scores(table):
    """{task: score} of what vilscope eval --json writes, wherever it stands there."""
    found = {}

    def walk(x):
        if isinstance(x, dict):
            if "task" in x and "score" in x:
                found[x["task"]] = 100 * x["score"]
            for y in x.values():
                walk(y)
        elif isinstance(x, list):
            for y in x:
                walk(y)

    walk(table)
    return found


def report(o, s, checkpoint, work):
    """Prints all about a checkpoint; what misses its aim."""
    missed = []

    def line(what, text, good, aim):
        print("  %-22s %s  (aim: %s)%s" % (what, text, aim, "" if good else "  MISSED"))
        if not good:
            missed.append(what)

    print("%s:" % checkpoint)
    attention, cosines = measure_attention(s, checkpoint)
    heads = s.config["bi_num_attention_heads"]
    for role in ("referred", "landmark"):
        right, n, head, table = attention.best(role)
        line("attention, " + role, "%s, layer %d head %d" % (share(right, n), head // heads + 1, head % heads + 1),
             100 * right >= AIMS[role] * n, "%.0f" % AIMS[role])
        print("    by head: " + " | ".join(" ".join("%3.0f" % (100 * x) for x in table[i:i + heads])
                                           for i in range(0, len(table), heads)))
    worst, name = cosines.worst()
    line("states, mean cosine", "%.3f at %s" % (worst, name), worst < AIMS["cosine"], "%.1f" % AIMS["cosine"])
    print("    by layer: " + " ".join("%s %.2f" % (k, x / cosines.n) for k, x in cosines.sums.items()))
    right, n = measure_words(s, checkpoint)
    line("hidden words", share(right[0], n[0]), 100 * right[0] >= AIMS["words"] * n[0], "%.0f" % AIMS["words"])
    print("    of those that name things: " + share(right[1], n[1]))
    right, n = measure_slices(s, checkpoint)
    for k in sorted(n):
        print("  %-22s %s" % (k, share(right[k], n[k])))
    if o.answers:
        seen, other = measure_answers(o, checkpoint, work)
        for task, aim in TASK_AIMS.items():
            half = interval(seen[task] / 100 * o.answers, o.answers)
            line(task, "%5.1f ±%.1f, held-out wordings %5.1f (%+.1f)" %
                 (seen[task], half, other[task], other[task] - seen[task]),
                 seen[task] >= aim and other[task] >= seen[task] - HELD_OUT, "%d, -%d" % (aim, HELD_OUT))
    return missed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("model")
    p.add_argument("-c", "--checkpoint", action="append")
    p.add_argument("--scenes", type=int, default=400)
    p.add_argument("--seed", type=int, default=555001)
    p.add_argument("--answers", type=int, default=0)
    o = p.parse_args()
    about = json.load(open(os.path.join(o.model, "model.json")))
    missed = []
    with tempfile.TemporaryDirectory() as work:
        s = Scenes(o, about, work)
        for checkpoint in o.checkpoint or [c["name"] for c in about["checkpoints"]]:
            missed = report(o, s, checkpoint, work)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
