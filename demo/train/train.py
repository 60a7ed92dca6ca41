#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the demo's language model on all 12 tasks.

usage: train.py WORK OUT [--steps N] [--threads N] [--width W] [--seed S]

WORK holds world/ (vilscope world), regions/ and truth/ (vilscope extract, found and given boxes) and
vocab.txt, as demo/train/run makes them. Writes checkpoints of the run and the lists of answers to
OUT: early and middle as PyTorch files of the old and the new kind, final as the new kind, numbers in
float16.
"""
import argparse
import collections
import json
import math
import os
import subprocess
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import detector
import vilbert

TASKS = {"vqa": 1, "genomeqa": 2, "visual7w": 4, "coco": 7, "flickr30k": 8, "refcoco": 9, "refcoco+": 10,
         "refcocog": 11, "nlvr2": 12, "snli-ve": 13, "gqa": 15, "guesswhat": 17}
# How much each task is trained, before how well it goes is looked at.
WEIGHTS = {"vqa": 1.6, "genomeqa": 1.4, "gqa": 1.8, "coco": 2.4, "flickr30k": 1.5, "refcoco": 1.0,
           "refcoco+": 0.7, "refcocog": 0.8, "visual7w": 0.8, "guesswhat": 1.6, "nlvr2": 1.6, "snli-ve": 1.3}
# Words without which a text means the same. Part of the batches has other, made-up words for them.
FILLERS = """a an the please hello hey so now i you we me us it thanks here wonder want would like need know do
    could say see give report guess let find out help explain show look point take for""".split()
VARIED = 0.35
ANSWERS = detector.COLORS + detector.SHAPES + detector.PATTERNS + detector.SIZES + ["yes", "no"] + \
    [str(i) for i in range(8)] + ["left", "middle", "right"]
ANSWERS_GQA = ["yes", "no"] + [a for a in reversed(ANSWERS) if a not in ("yes", "no")]
VERDICTS = ["contradiction", "neutral", "entailment"]
WIDTH, HEIGHT = 320, 240
# Steps at which the run is saved: it points hardly at all; it points well and answers poorly.
EARLY, MIDDLE = 100, 3500  # steps; fewer where the whole has few


def tokenize(program, vocab, task, texts):
    """The ids of texts, by the program itself, so that nothing can differ."""
    lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    out = subprocess.run([program, "tokenize", "--vocab", vocab, "--task", task], input=lines,
                         capture_output=True, text=True, check=True).stdout
    return [json.loads(line)["ids"] for line in out.splitlines()]


def places(boxes):
    """(N, 4) pixels to the five numbers of a region."""
    b = boxes / np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)
    return np.concatenate([b, ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]))[:, None]], 1)


class Images:
    """Rows of the model's input for every scene: the whole image, the regions; and those of truth."""

    def __init__(self, work, count):
        self.features, self.places, self.boxes, self.classes = [], [], [], []
        self.truth_features, self.truth_boxes = [], []
        for i in range(count):
            d = np.load(os.path.join(work, "regions", "%06d.npy" % i), allow_pickle=True).item()
            g = np.load(os.path.join(work, "truth", "%06d.npy" % i), allow_pickle=True).item()
            f = d["features"]
            self.features.append(np.concatenate([f.mean(0, keepdims=True), f]))
            self.places.append(np.concatenate([[[0, 0, 1, 1, 1]], places(d["bbox"])]).astype(np.float32))
            self.boxes.append(d["bbox"])
            self.classes.append(d["cls_prob"].argmax(1))
            self.truth_features.append(g["features"])
            self.truth_boxes.append(g["bbox"])


def overlap(boxes, box):
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    both = np.clip(high - low + 1, 0, None).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    return both / (area + (box[2] - box[0] + 1) * (box[3] - box[1] + 1) - both)


class Item:
    __slots__ = ("ids", "twin", "images", "answer", "box", "candidates")


def number(name):
    return int(name[7:13])


def load_items(program, work, vocab):
    raw = collections.defaultdict(list)
    for line in open(os.path.join(work, "world", "data.jsonl")):
        d = json.loads(line)
        raw[d["task"]].append(d)
    out = {}
    for task, group in raw.items():
        ids = tokenize(program, vocab, task, [d["text"] for d in group])
        twins = tokenize(program, vocab, task, [d.get("twin", "a") for d in group])
        out[task] = []
        for d, a, b in zip(group, ids, twins):
            it = Item()
            it.ids, it.twin, it.images = a, b, [number(n) for n in d["images"]]
            it.answer, it.box, it.candidates = d.get("answer"), d.get("box"), d.get("candidates")
            out[task].append(it)
    return out


class Batch:
    """Rows for the model: texts with images, filled up with zeros."""

    def __init__(self, task):
        self.task, self.ids, self.rows = task, [], []

    def add(self, ids, features, place):
        self.ids.append(ids)
        self.rows.append((features, place))

    def tensors(self):
        n, t = len(self.ids), max(map(len, self.ids))
        r = max(len(f) for f, _ in self.rows)
        ids, mask = np.zeros((n, t), np.int64), np.zeros((n, t), np.float32)
        features = np.zeros((n, r, self.rows[0][0].shape[1]), np.float32)
        place, image = np.zeros((n, r, 5), np.float32), np.zeros((n, r), np.float32)
        for i, (x, (f, p)) in enumerate(zip(self.ids, self.rows)):
            ids[i, :len(x)], mask[i, :len(x)] = x, 1
            features[i, :len(f)], place[i, :len(f)], image[i, :len(f)] = f, p, 1
        task = torch.full((n,), TASKS[self.task])
        return [torch.from_numpy(ids), torch.from_numpy(mask), task] + \
            [torch.from_numpy(x) for x in (features, place, image)]


class Trainer:
    def __init__(self, model, images, items, vocab, seed):
        self.model, self.images, self.items = model, images, items
        self.rng = np.random.default_rng(seed)
        self.words = [i for i, w in enumerate(vocab) if len(w) > 1 and w[0].isalpha()]
        self.starts = [i for i, w in enumerate(vocab) if len(w) == 1 and w.isalpha()]
        self.pieces = [i for i, w in enumerate(vocab) if len(w) == 3 and w.startswith("##")]
        self.mask = vocab.index("[MASK]")
        self.positions = model.bert["embeddings"].position_embeddings.num_embeddings
        self.fillers = {vocab.index(w) for w in FILLERS if w in vocab}
        self.varied = False  # this batch has words that the data do not have
        self.late = False  # the last part of the run: losses as the scores are read

    def word(self):
        """A word that no vocabulary has, as its pieces."""
        n = 1 + min(self.rng.geometric(0.25), 8)
        return [self.starts[self.rng.integers(len(self.starts))]] + \
            [self.pieces[i] for i in self.rng.integers(len(self.pieces), size=n)]

    def text(self, ids):
        """In varied batches some fillers left out or replaced by made-up words, and a few of those
        between the others: wordings that training does not have are learnt to be read."""
        if not self.varied:
            return ids
        # At most so many made-up words, of 10 pieces at most, and no more than have a position.
        out, left = ids[:1], min(self.rng.integers(1, 4), (self.positions - len(ids)) // 10)
        for x in ids[1:-1]:
            filler, dice = x in self.fillers, self.rng.random()
            if left > 0 and dice < (0.3 if filler else 0.06):
                out, left = out + self.word(), left - 1
            if not (filler and dice < 0.45):
                out = out + [x]
        return out + ids[-1:]

    def rows(self, i):
        return self.images.features[i], self.images.places[i]

    def pick(self, task, n):
        group = self.items[task]
        return [group[i] for i in self.rng.integers(0, len(group), n)]

    def run(self, batch):
        return self.model(*batch.tensors())

    def grounding(self, v, items, rows):
        """The loss of pointing at the box of each item, for those that have one; and how many are
        right. rows: the number of the row in v for each item."""
        logits, targets, at = self.model.vision_logit(v).squeeze(2), [], []
        for i, it in zip(rows, items):
            if it.box is None:
                continue
            o = overlap(self.images.boxes[it.images[0]], np.array(it.box, np.float32))
            if o.max() < 0.5:
                continue
            y = np.concatenate([[0], np.where(o >= 0.5, o, 0)]).astype(np.float32)
            targets.append(y)
            at.append(i)
        if not at:
            return logits.sum() * 0, 0
        y, x = torch.from_numpy(np.stack(targets)), logits[at][:, :len(targets[0])]
        right = (y.gather(1, x.argmax(1, keepdim=True)) > 0).float().mean().item()
        if self.late:
            loss = F.binary_cross_entropy_with_logits(x, (y > 0).float()) * 6
        else:
            loss = -(F.log_softmax(x, 1) * (y / y.sum(1, keepdim=True))).sum(1).mean()
        return loss, right

    # Each of these returns the loss of a batch and the share that is right.

    def question(self, task, n):
        items, batch = self.pick(task, n), Batch(task)
        for it in items:
            batch.add(self.text(it.ids), *self.rows(it.images[0]))
        pooled, _, v = self.run(batch)
        head, names = (self.model.vil_prediction_gqa, ANSWERS_GQA) if task == "gqa" else \
            (self.model.vil_prediction, ANSWERS)
        x, y = head(pooled), torch.tensor([names.index(it.answer) for it in items])
        loss = F.cross_entropy(x, y)
        if self.late:
            loss = 0.5 * loss + F.binary_cross_entropy_with_logits(x, F.one_hot(y, x.shape[1]).float()) * 8
        return loss + 0.5 * self.grounding(v, items, range(n))[0], (x.argmax(1) == y).float().mean().item()

    def caption(self, task, n):
        items, batch = self.pick(task, n // 5), Batch(task)
        others = self.pick(task, len(items))
        for it, other in zip(items, others):
            right, ids = it.images[int(it.answer)], self.text(it.ids)
            batch.add(ids, *self.rows(right))
            for i in it.images:
                if i != right:
                    batch.add(ids, *self.rows(i))
            batch.add(self.text(it.twin), *self.rows(right))
            batch.add(self.text(other.ids), *self.rows(right))
        pooled, _, _ = self.run(batch)
        x = self.model.vil_logit(pooled).view(len(items), -1)
        return F.cross_entropy(x, torch.zeros(len(items), dtype=torch.long)), \
            (x[:, :4].argmax(1) == 0).float().mean().item()

    def refer(self, task, n):
        items, batch = self.pick(task, n), Batch(task)
        for it in items:
            batch.add(self.text(it.ids), *self.rows(it.images[0]))
        _, _, v = self.run(batch)
        return self.grounding(v, items, range(n))

    def point(self, task, n):
        """Candidates are rows after the regions, with the features of exactly their boxes."""
        items, batch = self.pick(task, n), Batch(task)
        for it in items:
            f, p = self.rows(it.images[0])
            truth = self.images.truth_boxes[it.images[0]]
            at = [int(np.abs(truth - np.array(c, np.float32)).sum(1).argmin()) for c in it.candidates]
            batch.add(self.text(it.ids), np.concatenate([f, self.images.truth_features[it.images[0]][at]]),
                      np.concatenate([p, places(np.array(it.candidates, np.float32)).astype(np.float32)]))
        _, _, v = self.run(batch)
        x, first = self.model.vision_logit(v).squeeze(2), len(self.images.features[0])
        mask = torch.full(x.shape, -1e4)
        for i, it in enumerate(items):
            mask[i, first:first + len(it.candidates)] = 0
        y = torch.tensor([first + int(it.answer) for it in items])
        loss = F.cross_entropy(x + mask, y)
        right = ((x + mask).argmax(1) == y).float().mean().item()
        return loss + 0.3 * self.grounding(v, items, range(n))[0], right

    def pair(self, task, n):
        items, batch = self.pick(task, n // 2), Batch(task)
        for it in items:
            for i in it.images:
                batch.add(it.ids, *self.rows(i))
        pooled, _, _ = self.run(batch)
        x = self.model.vil_binary_prediction(pooled.view(len(items), -1))
        y = torch.tensor([int(it.answer == "true") for it in items])
        return F.cross_entropy(x, y), (x.argmax(1) == y).float().mean().item()

    def verdict(self, task, n):
        items, batch = self.pick(task, n), Batch(task)
        for it in items:
            batch.add(self.text(it.ids), *self.rows(it.images[0]))
        pooled, _, _ = self.run(batch)
        x, y = self.model.vil_tri_prediction(pooled), torch.tensor([VERDICTS.index(it.answer) for it in items])
        return F.cross_entropy(x, y), (x.argmax(1) == y).float().mean().item()

    def masked(self, n):
        """A word of seven and a region of seven are hidden and told from the rest."""
        task = ("coco", "flickr30k", "refcoco", "refcocog")[self.rng.integers(4)]
        batch, words, regions = Batch(task), [], []
        for i, it in enumerate(self.pick(task, n)):
            image = it.images[int(it.answer)] if it.answer is not None else it.images[0]
            ids, (f, p) = list(it.ids), self.rows(image)
            f = f.copy()
            for j in range(1, len(ids) - 1):
                if self.rng.random() < 0.15:
                    words.append((i, j + 1, ids[j]))  # after the task token
                    ids[j] = self.mask
            for j in range(1, len(f)):
                if self.rng.random() < 0.15:
                    regions.append((i, j, self.images.classes[image][j - 1]))
                    f[j] = 0
            batch.add(ids, f, p)
        _, t, v = self.run(batch)
        loss = t.sum() * 0
        if words:
            i, j, y = (torch.tensor(x) for x in zip(*words))
            loss = loss + F.cross_entropy(self.model.cls["predictions"](t[i, j]), y)
        if regions:
            i, j, y = (torch.tensor(np.array(x)) for x in zip(*regions))
            loss = loss + F.cross_entropy(self.model.cls["imagePredictions"](v[i, j]), y)
        return loss * 0.5

    def step(self, task, n):
        self.varied = self.rng.random() < VARIED
        kind = {"vqa": self.question, "genomeqa": self.question, "gqa": self.question, "coco": self.caption,
                "flickr30k": self.caption, "refcoco": self.refer, "refcoco+": self.refer,
                "refcocog": self.refer, "visual7w": self.point, "guesswhat": self.point,
                "nlvr2": self.pair, "snli-ve": self.verdict}
        return kind[task](task, n)


def save(model, path, old):
    state = {k: v.half().clone() for k, v in model.state_dict().items()}
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    torch.save(state, path, _use_new_zipfile_serialization=not old)


def choose(rng, accuracy, share):
    """A task by weight and need. The first tenth lays the ground: pointing, questions, verdicts."""
    names = ["refcoco+", "refcocog", "refcoco", "vqa", "snli-ve"] if share < 0.08 else list(TASKS)
    p = np.array([WEIGHTS[t] * max(0.12, 1.03 - accuracy[t]) for t in names])
    return names[rng.choice(len(names), p=p / p.sum())]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("work")
    p.add_argument("out")
    p.add_argument("--program", default="vilscope")
    p.add_argument("--steps", type=int, default=30000)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--width", type=int, default=96)
    p.add_argument("--rows", type=int, default=96)
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    vocab_path = os.path.join(o.work, "vocab.txt")
    vocab = open(vocab_path).read().split("\n")[:-1]
    items = load_items(o.program, o.work, vocab_path)
    count = 1 + max(max(it.images) for group in items.values() for it in group)
    images = Images(o.work, count)
    c = vilbert.config(len(vocab), o.width, images.features[0].shape[1], len(detector.SHAPES) + 1)
    model = vilbert.Model(c, len(ANSWERS), len(ANSWERS_GQA))
    t = Trainer(model, images, items, vocab, o.seed)
    os.makedirs(o.out, exist_ok=True)
    with open(os.path.join(o.out, "config.json"), "w") as f:
        json.dump(c, f, indent=1)
        f.write("\n")
    for name, labels in (("answers.txt", ANSWERS), ("answers_gqa.txt", ANSWERS_GQA)):
        with open(os.path.join(o.out, name), "w") as f:
            f.write("".join(a + "\n" for a in labels))
    decay = [x for x in model.parameters() if x.ndim > 1]
    rest = [x for x in model.parameters() if x.ndim < 2]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0}],
                                  lr=1.5e-3, betas=(0.9, 0.98))
    accuracy = {task: 0.1 for task in TASKS}
    start = time.time()
    early, middle = min(EARLY, max(1, o.steps // 3)), min(MIDDLE, max(1, o.steps // 2))
    for step in range(1, o.steps + 1):
        share = step / o.steps
        t.late = share > 0.9
        rate = 1.5e-3 * min(1, step / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        if step % 6 == 5 and share > 0.08:
            loss = t.masked(o.rows // 2)
        else:
            task = choose(t.rng, accuracy, share)
            loss, right = t.step(task, o.rows)
            accuracy[task] = 0.97 * accuracy[task] + 0.03 * right
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        if step == early:
            save(model, os.path.join(o.out, "early.bin"), True)
        if step == middle:
            save(model, os.path.join(o.out, "middle.pth"), False)
        if step % max(1, o.steps // 40) == 0:
            print("%5.1f min, step %d: %s" % ((time.time() - start) / 60, step,
                                             " ".join("%s %.0f" % (k, 100 * a) for k, a in accuracy.items())),
                  flush=True)
    save(model, os.path.join(o.out, "final.pth"), False)
    print("steps: early %d, middle %d, final %d" % (early, middle, o.steps))


if __name__ == "__main__":
    main()
