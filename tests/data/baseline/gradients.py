#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gradients of the single-stream baseline by PyTorch's autograd in float64, and what follows from
them: what `vilscope relevance` is held against. Written from the description of
vilbert/basebert.py alone; it shares nothing with src/model.

usage: gradients.py CONFIG CHECKPOINT INPUTS TARGETS OUT    of what INPUTS has as in.*
       gradients.py --states CONFIG CHECKPOINT INPUTS TARGETS OUT    of the states within the model
       gradients.py --make CONFIG OUT                       inputs, from a seed

The case beside this file:
    gradients.py --make config.json inputs.safetensors
    gradients.py config.json baseline.bin inputs.safetensors gradients.json gradients.safetensors
    gradients.py --states config.json baseline.bin inputs.safetensors gradients.json \
        states.safetensors
Rules of relevancy: Chefer, Gur, Wolf (ICCV 2021), equations 5 and 6, for one stream. Gradients of
features are kept for one region only, as they are wide. --states: of the embeddings, the state after
each layer and what attention and feed forward add in it; with "lrp." in front by the rules of Ali
et al. (ICML 2022), by which attention maps and the deviations of layer norms are constants, and
gradient times input by these rules."""
import json
import math
import sys

import numpy as np
import torch
from safetensors.torch import load_file, save_file

torch.set_default_dtype(torch.float64)
FEATURES = 2048


def read(path):
    raw = load_file(path) if path.endswith(".safetensors") else torch.load(path)
    raw = raw.get("model_state_dict", raw.get("state_dict", raw))
    return {k.removeprefix("module."): v.double() for k, v in raw.items()}


class Baseline:
    def __init__(self, config, weights, lrp=False):
        self.lrp = lrp
        self.c = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                  "hidden_act": "gelu", **config}
        self.w = weights
        self.act = {"gelu": torch.nn.functional.gelu, "relu": torch.relu,
                    "swish": lambda x: x * torch.sigmoid(x)}[self.c["hidden_act"]]

    def line(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def normed_line(self, x, name):
        v = self.w[name + ".weight_v"]
        return x @ (self.w[name + ".weight_g"] * v / v.norm()).T + self.w[name + ".bias"]

    def norm(self, x, name):
        x = x - x.mean(-1, keepdim=True)
        deviation = (x.pow(2).mean(-1, keepdim=True) + 1e-12).sqrt()
        x = x / (deviation.detach() if self.lrp else deviation)
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def watch(self, name, x):
        """x, whose gradient is asked for later as that of a state of this name."""
        if x.requires_grad:
            x.retain_grad()
            self.states[name] = x
        return x

    def layer(self, x, i, mask, maps):
        name, heads = f"bert.encoder.layer.{i}.", self.c["num_attention_heads"]
        b, n, width = x.shape
        q, k, v = (self.line(x, name + "attention.self." + s).view(b, n, heads, -1).transpose(1, 2)
                   for s in ("query", "key", "value"))
        score = q @ k.transpose(2, 3) / math.sqrt(width // heads) + mask[:, None, None, :]
        maps.append(score.softmax(-1))
        if x.requires_grad:
            maps[-1].retain_grad()
        a = maps[-1].detach() if self.lrp else maps[-1]
        out = (a @ v).transpose(1, 2).reshape(b, n, width)
        out = self.watch(f"add.attention.j.{i}", self.line(out, name + "attention.output.dense"))
        x = self.norm(out + x, name + "attention.output.LayerNorm")
        y = self.line(self.act(self.line(x, name + "intermediate.dense")), name + "output.dense")
        y = self.watch(f"add.feed.j.{i}", y)
        return self.watch(f"hid.j.{i}", self.norm(y + x, name + "output.LayerNorm"))

    def run(self, words, features, spatials, f):
        """words are vectors; f has types, masks. Returns outputs, maps, embeddings."""
        w, tokens = self.w, words.shape[1]
        t = words + w["bert.embeddings.position_embeddings.weight"][:tokens]
        t = t + w["bert.embeddings.token_type_embeddings.weight"][f["types"]]
        image = "bert.image_embeddings."
        v = self.line(features, image + "image_embeddings")
        v = v + self.line(spatials, image + "image_location_embeddings")
        v = v + w[image + "token_type_embeddings.weight"][1]
        x = torch.cat([self.norm(t, "bert.embeddings.LayerNorm"),
                       self.norm(v, image + "LayerNorm")], 1)
        self.states = {}
        embedded, maps = self.watch("hid.embeddings.j", x), []
        mask = (1 - torch.cat([f["text_mask"], f["image_mask"]], 1).double()) * -10000
        for i in range(self.c["num_hidden_layers"]):
            x = self.layer(x, i, mask, maps)
        return self.heads(x, tokens, mask), maps, embedded

    def rows(self, x, name):
        y = self.act(self.line(x, f"cls.{name}.transform.dense"))
        return self.norm(y, f"cls.{name}.transform.LayerNorm")

    def heads(self, x, tokens, mask):
        w, p = self.w, torch.tanh(self.line(x[:, 0], "bert.pooler.dense"))
        answers = torch.relu(self.normed_line(p, "vil_prediction.main.0"))
        decoder = w.get("cls.predictions.decoder.weight",
                        w["bert.embeddings.word_embeddings.weight"])
        words = self.rows(x[:, :tokens], "predictions") @ decoder.T + w["cls.predictions.bias"]
        ground = self.line(x[:, tokens:], "vision_logit") + mask[:, tokens:, None]
        return {"vil_prediction": self.normed_line(answers, "vil_prediction.main.3"),
                "vil_logit": self.line(p, "vil_logit"),
                "vil_binary_prediction": self.line(p, "cls.seq_relationship"),
                "vision_prediction": self.line(self.rows(x[:, tokens:], "imagePredictions"),
                                               "cls.imagePredictions.decoder"),
                "vision_logit": ground, "linguisic_prediction": words,
                "linguisic_logit": self.line(x[:, :tokens], "linguisic_logit")}


def inputs(path):
    x = load_file(path)
    b, t = x["in.input_ids"].shape
    v = x["in.features"].shape[1]
    f = {"ids": x["in.input_ids"].long(), "features": x["in.features"].double(),
         "spatials": x["in.spatials"].double()}
    f["types"] = x.get("in.token_type_ids", torch.zeros(b, t)).long()
    f["text_mask"] = x.get("in.attention_mask", torch.ones(b, t)).long()
    f["image_mask"] = x.get("in.image_mask", torch.ones(b, v)).long()
    return f


def value(out, target):
    y, b, sum_ = out[target["output"]], target.get("b", 0), 0
    for term in target["terms"]:
        i, weight = term["index"], term.get("weight", 1.0)
        if y.ndim == 2:
            sum_ = sum_ + weight * y[b, i]
        elif y.shape[2] == 1:
            sum_ = sum_ + weight * y[b, i, 0]
        else:
            sum_ = sum_ + weight * y[b, term.get("row", 0), i]
    return sum_


def leaves(model, f, share=1.0):
    words = model.w["bert.embeddings.word_embeddings.weight"][f["ids"]]
    return [(share * x).clone().requires_grad_() for x in (words, f["features"])] + \
        [f["spatials"].clone().requires_grad_()]


def integrated(model, f, target, steps):
    b, sums = target.get("b", 0), [0, 0]
    for k in range(steps):
        x = leaves(model, f, (k + 0.5) / steps)
        value(model.run(*x, f)[0], target).backward()
        sums = [s + g.grad[b] for s, g in zip(sums, x)]
    whole, none = leaves(model, f), leaves(model, f, 0.0)
    base = value(model.run(*none, f)[0], target)
    return [(s / steps * x[b]).sum(-1) for s, x in zip(sums, whole)] + [base]


def relevancy(a, g, regions_of, tokens):
    r = torch.zeros_like(a[0][0])
    for m, d in zip(a, g):
        mean = (m * d).clamp(min=0).mean(0)
        r = r + mean + mean @ r
    row = r[0] if regions_of is None else sum(r[tokens + i] for i in regions_of)
    return r, row[:tokens], row[tokens:]


def of_target(model, f, target, steps):
    b, tokens = target.get("b", 0), f["ids"].shape[1]
    words, features, spatials = x = leaves(model, f)
    out, maps, embedded = model.run(*x, f)
    y = value(out, target)
    y.backward()
    real = torch.cat([f["text_mask"], f["image_mask"]], 1)[b] > 0
    both = (real[:, None] & real[None, :]).double()
    a = [m.detach()[b] * both for m in maps]
    g = [m.grad[b] * both for m in maps]
    d = {"value": y.detach().reshape(1)}
    for i, m in enumerate(g):
        d[f"grad.attn.j.{i}"] = m
    d["head.j"] = torch.stack([(m * n).sum((1, 2)) for m, n in zip(a, g)])
    d["grad.embeddings.j"] = embedded.grad[b] * real[:, None]
    keep = [f["text_mask"][b][:, None], f["image_mask"][b][:, None], f["image_mask"][b][:, None]]
    names = ["words", "features", "spatials"]
    for name, leaf, k in zip(names, x, keep):
        d["grad." + name] = leaf.grad[b] * k
    for name, leaf, k in zip(["tokens", "regions", "spatials"], x, keep):
        d["gxi." + name] = (leaf.grad[b] * leaf.detach()[b] * k).sum(-1)
    keys = sum((m * (n - (m * n).sum(-1, keepdim=True))).sum((0, 1)) for m, n in zip(a, g))
    d["mask.tokens"], d["mask.regions"] = keys[:tokens], keys[tokens:]
    row = "index" if target["output"] == "vision_logit" else "row"
    on = [t[row] for t in target["terms"] if t.get("weight", 1.0) > 0] \
        if target["output"].startswith("vision_") else None
    d["Rhat.jj"], d["read.tokens"], d["read.regions"] = relevancy(a, g, on, tokens)
    if steps:
        d["ig.tokens"], d["ig.regions"], base = integrated(model, f, target, steps)
        d["ig.tokens"] = d["ig.tokens"] * f["text_mask"][b]
        d["ig.regions"] = d["ig.regions"] * f["image_mask"][b]
        d["ig.base"] = base.reshape(1)
    region = d.pop("grad.features")[1:2]
    d["grad.features.rows1-1"] = region
    return {k: (v if k in ("value", "ig.base") else v[None]) for k, v in d.items()}


def states_of(model, f, target):
    """Gradients of all states, and gradient times input."""
    b, x = target.get("b", 0), leaves(model, f)
    keep = [f["text_mask"][b], f["image_mask"][b], f["image_mask"][b]]
    value(model.run(*x, f)[0], target).backward()
    real = torch.cat(keep[:2])[:, None]
    d = {n: torch.zeros_like(s[b]) if s.grad is None else s.grad[b] * real
         for n, s in model.states.items()}
    for name, leaf, k in zip(["tokens", "regions", "spatials"], x, keep):
        d["gxi." + name] = (leaf.grad[b] * leaf.detach()[b]).sum(-1) * k
    return {n: v[None] for n, v in d.items()}


def make(config, out):
    rng = np.random.default_rng(17)
    b, t, v, vocab = 2, 7, 4, json.load(open(config))["vocab_size"]
    text, image = np.ones((b, t), np.int64), np.ones((b, v), np.int64)
    text[0, 5:] = image[0, 3:] = 0
    x = {"in.input_ids": rng.integers(5, vocab, (b, t)),
         "in.token_type_ids": (np.arange(t) > 3)[None].repeat(b, 0).astype(np.int64),
         "in.attention_mask": text, "in.image_mask": image,
         "in.features": rng.normal(size=(b, v, FEATURES)).astype(np.float16).astype(np.float32),
         "in.spatials": rng.random((b, v, 5)).astype(np.float32)}
    save_file({k: torch.from_numpy(np.ascontiguousarray(a)) for k, a in x.items()}, out)


def main(args):
    if args[0] == "--make":
        return make(*args[1:])
    states = args[0] == "--states"
    config, checkpoint, given, targets, out = args[states:]
    models = [Baseline(json.load(open(config)), read(checkpoint), lrp) for lrp in (False, True)]
    f, wanted, all_ = inputs(given), json.load(open(targets)), {}
    for target in wanted["targets"]:
        if states:
            d = states_of(models[0], f, target)
            d.update({"lrp." + k: v for k, v in states_of(models[1], f, target).items()})
        else:
            d = of_target(models[0], f, target, wanted.get("ig_steps", 16))
        all_.update({f"{target['name']}.{k}": v.detach().float().contiguous()
                     for k, v in d.items()})
    save_file(all_, out)


if __name__ == "__main__":
    main(sys.argv[1:])
