#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same checkpoint in PyTorch and in vilscope: usage: compare.py PROGRAM MODEL_DIR [QUERIES]

Asks so many (20) of the model's suggested questions, references and verdicts with both, on the regions
that vilscope finds, and prints the largest difference of a logit. Fails when it is above 1e-3."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

import data
import vilbert


def load(folder, checkpoint, config, answers):
    model = vilbert.Model(config, *answers)
    state = torch.load(os.path.join(folder, checkpoint), map_location="cpu", weights_only=True)
    missing = model.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    assert not missing.missing_keys and not missing.unexpected_keys, missing
    return model.eval()


def logits(model, item, features, place, ids):
    ids, one = torch.tensor([ids]), lambda x: torch.from_numpy(x[None])
    pooled, _, v = model(ids, torch.ones(ids.shape), torch.tensor([data.TASKS[item["task"]]]), one(features),
                         one(place), torch.ones(1, len(features)))
    if item["task"].startswith("refcoco"):
        return model.vision_logit(v)[0, :, 0]
    if item["task"] == "snli-ve":
        return model.vil_tri_prediction(pooled)[0]
    return (model.vil_prediction_gqa if item["task"] == "gqa" else model.vil_prediction)(pooled)[0]


def asked(program, folder, checkpoint, item, image, regions):
    out = subprocess.run([program, "query", "-m", folder, "-c", os.path.join(folder, checkpoint), "-t",
                          item["task"], "--json", "--no-log", "--regions", regions, image, item["text"]],
                         capture_output=True, text=True, check=True).stdout
    r = json.loads(out)
    if r["boxes"]:
        return {b["region"]: b["logit"] for b in r["boxes"]}
    return {a["index"]: a["logit"] for a in r["answers"]}


def main():
    program, folder = sys.argv[1:3]
    want = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    config = json.load(open(os.path.join(folder, "config.json")))
    about = json.load(open(os.path.join(folder, "model.json")))
    counts = [len(open(os.path.join(folder, about["labels"][k])).read().split("\n")) - 1 for k in ("vqa", "gqa")]
    items = [json.loads(line) for line in open(os.path.join(folder, about["queries"]))]
    items = [i for i in items if i["task"] in ("vqa", "genomeqa", "gqa", "refcoco", "refcocog", "snli-ve")]
    items = items[::max(1, len(items) // want)][:want]
    worst, vocab = 0, os.path.join(folder, about["vocab"])
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([program, "extract", "-m", folder, "-o", work, "--quiet",
                        os.path.join(folder, "images")], check=True, stderr=subprocess.DEVNULL)
        for checkpoint in about["checkpoints"]:
            model = load(folder, checkpoint["file"], config, counts)
            for item in items:
                image = os.path.join(folder, item["images"][0])
                regions = os.path.join(work, os.path.basename(image)[:-4] + ".npy")
                d = np.load(regions, allow_pickle=True).item()
                f = np.concatenate([d["features"].mean(0, keepdims=True), d["features"]])
                place = np.concatenate([[[0, 0, 1, 1, 1]], data.places(d["bbox"])]).astype(np.float32)
                ids = data.tokenize(program, vocab, item["task"], [item["text"]])[0]["ids"]
                mine = logits(model, item, f, place, ids)
                for i, x in asked(program, folder, checkpoint["file"], item, image, regions).items():
                    worst = max(worst, abs(x - mine[i].item()))
            print("%s: %d queries, largest difference so far %.2e" % (checkpoint["name"], len(items), worst))
    sys.exit(worst > 1e-3)


if __name__ == "__main__":
    main()
