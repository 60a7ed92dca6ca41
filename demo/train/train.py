#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the demo's language model on all 12 tasks.

usage: train.py WORK OUT [--steps N] [--minutes M] [--seed S] [--without-relations] ...

WORK is described in data.py, what is trained for in objectives.py. Writes OUT/config.json, the lists of answers,
and checkpoints as they come: early.bin and middle.pth (unless --final-only), final.pth, numbers in float16.
The same seed, data and PyTorch give the same bytes with one thread, also when the run was interrupted:
its state is kept in OUT/state.pt every so many steps, and the same command goes on from there. With --minutes it
stops by itself after so long, with exit status 75 when there is more to do.
"""
import argparse
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn

import data
import objectives
import vilbert
from data import ANSWERS, ANSWERS_GQA, TASKS

# How much each task is trained, before how well it goes is looked at.
WEIGHTS = {"vqa": 2.0, "genomeqa": 1.6, "gqa": 2.0, "coco": 2.2, "flickr30k": 1.5, "refcoco": 0.9,
           "refcoco+": 0.7, "refcocog": 0.9, "visual7w": 0.8, "guesswhat": 1.4, "nlvr2": 1.6, "snli-ve": 1.6}
BEGIN = ["refcoco+", "refcocog", "refcoco", "vqa", "snli-ve"]  # the first part lays the ground
AGAIN = 75  # exit status: there is more to do


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("work")
    p.add_argument("out")
    p.add_argument("--program", default="vilscope")
    p.add_argument("--steps", type=int, default=50000)
    p.add_argument("--early", type=int, default=150)
    p.add_argument("--middle", type=int, default=4000)
    p.add_argument("--minutes", type=float, default=0, help="stop after so long; 0: never")
    p.add_argument("--save-every", type=int, default=500, help="steps after which the state is kept")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--width", type=int, default=96)
    p.add_argument("--rows", type=int, default=96)
    p.add_argument("--rate", type=float, default=1.5e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--final-only", action="store_true")
    p.add_argument("--second", metavar="FILE", help="the second part of a training: go on from this checkpoint")
    p.add_argument("--without-relations", action="store_true", help="leave out items about relations")
    p.add_argument("--hidden-every", type=int, default=4, help="every so many steps words and regions are hidden")
    for name, weight in (("align", 0.3), ("apart", 1.0), ("kept", 0.1), ("words", 1.0), ("regions", 0.5)):
        p.add_argument("--" + name, type=float, default=weight, help="weight of an objective")
    return p.parse_args()


def without_relations(items):
    for task, group in items.items():
        keep = ~group["relational"]
        items[task] = {name: x[keep] for name, x in group.items()}
    return items


def save(model, path, old):
    state = {k: v.half().clone() for k, v in model.state_dict().items()}
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"]
    torch.save(state, path + ".tmp", _use_new_zipfile_serialization=not old)
    os.rename(path + ".tmp", path)


def choose(rng, accuracy, begin):
    """A task by weight and need."""
    names = BEGIN if begin else list(TASKS)
    p = np.array([WEIGHTS[t] * max(0.12, 1.03 - accuracy[t]) for t in names])
    return names[rng.choice(len(names), p=p / p.sum())]


class Run:
    """A run under way: model, optimizer, dice, how well it goes; it can be kept and gone on with."""

    def __init__(self, o):
        self.o, self.step, self.spent = o, 0, 0.0
        vocab = open(os.path.join(o.work, "vocab.txt")).read().split("\n")[:-1]
        items, images = data.load_items(o.work, o.program), data.load_images(o.work)
        if o.without_relations:
            items = without_relations(items)
        self.config = vilbert.config(len(vocab), o.width, images["features"].shape[2], images["classes"].shape[2])
        torch.manual_seed(o.seed)
        self.model = vilbert.Model(self.config, len(ANSWERS), len(ANSWERS_GQA))
        if o.second:
            self.model.load_state_dict(torch.load(o.second, map_location="cpu", weights_only=True))
        weights = {k: getattr(o, k) for k in ("align", "apart", "kept", "words", "regions")}
        self.trainer = objectives.Trainer(self.model, images, items, vocab, o.seed, weights)
        self.trainer.second = bool(o.second)
        every = list(self.model.parameters()) + list(self.trainer.regress.parameters())
        groups = [{"params": [x for x in every if x.ndim > 1], "weight_decay": 0.01},
                  {"params": [x for x in every if x.ndim < 2], "weight_decay": 0}]
        self.parameters = every
        self.optimizer = torch.optim.AdamW(groups, lr=o.rate, betas=(0.9, 0.98), fused=True)
        self.accuracy = {task: 0.1 for task in TASKS}
        self.path = os.path.join(o.out, "state.pt")

    def keep(self):
        state = {"model": self.model.state_dict(), "regress": self.trainer.regress.state_dict(),
                 "optimizer": self.optimizer.state_dict(), "step": self.step, "spent": self.spent,
                 "accuracy": self.accuracy, "dice": json.dumps(self.trainer.rng.bit_generator.state),
                 "arguments": self.asked()}
        torch.save(state, self.path + ".tmp")
        os.rename(self.path + ".tmp", self.path)

    def asked(self):
        """What must be the same for a run to go on; the number of steps need not: the rate falls from there on as
        the new one says."""
        skip = ("second", "work", "out", "program", "minutes", "save_every", "threads", "steps")
        return json.dumps({k: v for k, v in vars(self.o).items() if k not in skip}, sort_keys=True)

    def go_on(self):
        if not os.path.exists(self.path):
            return
        state = torch.load(self.path, weights_only=True)
        if state["arguments"] != self.asked():
            sys.exit("train.py: %s was begun with other options: %s (remove it to begin anew)" %
                     (self.path, state["arguments"]))
        self.model.load_state_dict(state["model"])
        self.trainer.regress.load_state_dict(state["regress"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent, self.accuracy = state["step"], state["spent"], state["accuracy"]
        self.trainer.rng.bit_generator.state = json.loads(state["dice"])
        print("going on from step %d" % self.step, flush=True)

    def one(self):
        o, t = self.o, self.trainer
        self.step += 1
        share = self.step / o.steps
        t.late = share > 0.9
        rate = o.rate * min(1, self.step / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if o.hidden_every and self.step % o.hidden_every == o.hidden_every - 1:
            loss = t.hidden(o.rows)
        else:
            task = choose(t.rng, self.accuracy, share < 0.06 and not o.second)
            loss, right = t.step(task, o.rows)
            self.accuracy[task] = 0.97 * self.accuracy[task] + 0.03 * right
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1)
        self.optimizer.step()

    def show(self, began, first):
        done = self.step - first
        left = (self.o.steps - self.step) * (time.time() - began) / max(1, done) / 60
        print("step %d of %d, %.1f min, about %.0f to go: %s; %s" % (
            self.step, self.o.steps, self.spent + (time.time() - began) / 60, left,
            " ".join("%s %.0f" % (k, 100 * a) for k, a in self.accuracy.items()),
            " ".join("%s %.2f" % x for x in sorted(self.trainer.parts.items()))), flush=True)

    def all(self):
        o, began, first = self.o, time.time(), self.step
        before = self.spent
        early, middle = min(o.early, max(1, o.steps // 3)), min(o.middle, max(1, o.steps // 2))
        while self.step < o.steps:
            self.one()
            if self.step == early and not o.final_only:
                save(self.model, os.path.join(o.out, "early.bin"), True)
            if self.step == middle and not o.final_only:
                save(self.model, os.path.join(o.out, "middle.pth"), False)
            if self.step - first == 50 or self.step % max(1, o.steps // 50) == 0:
                self.show(began, first)
            stop = o.minutes and time.time() - began > 60 * o.minutes
            if stop or self.step % o.save_every == 0:
                self.spent = before + (time.time() - began) / 60
                self.keep()
                self.spent = before
            if stop and self.step < o.steps:
                return False
        self.spent = before + (time.time() - began) / 60
        save(self.model, os.path.join(o.out, "final.pth"), False)
        return True


def write_lists(o, config):
    os.makedirs(o.out, exist_ok=True)
    with open(os.path.join(o.out, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    for name, labels in (("answers.txt", ANSWERS), ("answers_gqa.txt", ANSWERS_GQA)):
        with open(os.path.join(o.out, name), "w") as f:
            f.write("".join(a + "\n" for a in labels))


def main():
    o = arguments()
    torch.set_num_threads(o.threads)
    run = Run(o)
    write_lists(o, run.config)
    run.go_on()
    if not run.all():
        print("stopped at step %d of %d: the same command goes on" % (run.step, o.steps))
        sys.exit(AGAIN)
    with open(os.path.join(o.out, "steps.json"), "w") as f:
        json.dump({"early": o.early, "middle": o.middle, "final": o.steps}, f)
    print("trained %d steps in %.0f minutes" % (o.steps, run.spent))


if __name__ == "__main__":
    main()
