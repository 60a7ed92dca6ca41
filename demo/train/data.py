# SPDX-License-Identifier: MIT
"""What the training reads: items as arrays of tokens, images as arrays of regions.

WORK holds world/ (vilscope world --language wide), regions/ and truth/ (vilscope extract, found and given
boxes) and vocab.txt, as demo/train/run makes them. Both are made once and kept there."""
import collections
import json
import os
import struct
import subprocess
import sys

import numpy as np

from names import COLORS, PATTERNS, SHAPES, SIZES

TASKS = {"vqa": 1, "genomeqa": 2, "visual7w": 4, "coco": 7, "flickr30k": 8, "refcoco": 9, "refcoco+": 10,
         "refcocog": 11, "nlvr2": 12, "snli-ve": 13, "gqa": 15, "guesswhat": 17}
ANSWERS = COLORS + SHAPES + PATTERNS + SIZES + ["yes", "no"] + \
    [str(i) for i in range(8)] + ["left", "middle", "right", "none"]
ANSWERS_GQA = ["yes", "no"] + [a for a in reversed(ANSWERS) if a not in ("yes", "no")]
VERDICTS = ["contradiction", "neutral", "entailment"]
TRUTHS = ["false", "true"]
LABELS = {"vqa": ANSWERS, "genomeqa": ANSWERS, "gqa": ANSWERS_GQA, "snli-ve": VERDICTS, "nlvr2": TRUTHS}
RELATIONAL = {"relation", "near", "between"}
# What is hard is drawn more often: how many times as often as the rest.
HARD = {"between": 2.5, "near": 2, "all": 2, "place": 1.5, "compare": 1.5, "none": 1.3, "typo": 1.3}
WIDTH, HEIGHT = 320, 240
MOST_OBJECTS = 7


def tokenize(program, vocab, task, texts):
    """Tokens and ids of texts, by the program itself, so that nothing can differ."""
    lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    out = subprocess.run([program, "tokenize", "--vocab", vocab, "--task", task], input=lines,
                         capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def places(boxes):
    """(N, 4) pixels to the five numbers of a region."""
    b = boxes / np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)
    return np.concatenate([b, ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]))[:, None]], 1)


def write_tensors(path, tensors):
    """A safetensors file of float32 and int64 arrays."""
    names, header, raw = {"float32": "F32", "int64": "I64"}, {}, b""
    for name, x in tensors.items():
        b = np.ascontiguousarray(x).tobytes()
        header[name] = {"dtype": names[str(x.dtype)], "shape": list(x.shape),
                        "data_offsets": [len(raw), len(raw) + len(b)]}
        raw += b
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + raw)


def overlap(boxes, box):
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    both = np.clip(high - low + 1, 0, None).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    return both / (area + (box[2] - box[0] + 1) * (box[3] - box[1] + 1) - both)


# ---- images


def load_images(work):
    """features (N, R, F) and places (N, R, 5): the whole image, then its regions; mask (N, R);
    classes (N, R, 11); overlaps (N, 7, R) of objects and regions; truth (N, 7, F) and truth_places: the objects'
    own boxes."""
    path = os.path.join(work, "images.npz")
    if not os.path.exists(path):
        scenes = [json.loads(line) for line in open(os.path.join(work, "world", "scenes.jsonl"))]
        rows = [load_image(work, i, s["objects"]) for i, s in enumerate(scenes)]
        most = max(len(r["features"]) for r in rows)
        out = {}
        for name in rows[0]:
            axis = 1 if name == "overlaps" else 0
            fill = MOST_OBJECTS if name.startswith("truth") else most
            out[name] = np.stack([grow(r[name], fill, axis) for r in rows]).astype(np.float32)
        np.savez(path + ".tmp.npz", **out)
        os.rename(path + ".tmp.npz", path)
    return dict(np.load(path))


def grow(x, n, axis):
    pad = [(0, 0)] * x.ndim
    pad[axis] = (0, n - x.shape[axis])
    return np.pad(x, pad)


def load_image(work, i, objects):
    read = lambda folder: np.load(os.path.join(work, folder, "%06d.npy" % i), allow_pickle=True).item()
    d, g = read("regions"), read("truth")
    f, n = d["features"], len(d["features"])
    overlaps = np.zeros((MOST_OBJECTS, n + 1), np.float32)
    for j, o in enumerate(objects):
        overlaps[j, 1:] = overlap(d["bbox"], np.array(o["box"], np.float32))
    return {"features": np.concatenate([f.mean(0, keepdims=True), f]),
            "places": np.concatenate([[[0, 0, 1, 1, 1]], places(d["bbox"])]).astype(np.float32),
            "mask": np.ones(n + 1, np.float32), "overlaps": overlaps,
            "classes": np.concatenate([np.zeros_like(d["cls_prob"][:1]), d["cls_prob"]]),
            "truth": g["features"], "truth_places": places(g["bbox"]).astype(np.float32)}


# ---- items


def token_marks(text, tokens, phrases):
    """Bits of the objects that each token names, from phrases as [start, end, objects]."""
    out, at, lower = np.zeros(len(tokens), np.uint8), 0, text.lower()
    for i, token in enumerate(tokens):
        word = token[2:] if token.startswith("##") else token
        found = lower.find(word, at) if not token.startswith("[") else -1
        if found < 0 or found - at > 12:  # of the task's template
            continue
        at = found + len(word)
        for start, end, objects in phrases:
            if start <= found < end and word.isalnum():
                out[i] = sum(1 << o for o in objects)
    return out


def number(name):
    return int(name[7:13])


def same_box(scene, box):
    for i, o in enumerate(scene["objects"]):
        if o["box"] == box:
            return i
    raise ValueError("no object has the box %s" % box)


def pack_task(task, items, scenes, program, vocab):
    """Arrays of one task's items; ids and marks are filled up with zeros."""
    tokens = tokenize(program, vocab, task, [d["text"] for d in items])
    twins = tokenize(program, vocab, task, [d.get("twin", "a") for d in items])
    most = max(len(t["ids"]) for t in tokens + twins)
    n, k = len(items), max(len(d["images"]) for d in items)
    out = {"ids": np.zeros((n, most), np.int16), "twins": np.zeros((n, most), np.int16),
           "marks": np.zeros((n, most), np.uint8), "images": np.zeros((n, k), np.int32),
           "answers": np.full(n, -1, np.int16), "targets": np.full(n, -1, np.int8),
           "candidates": np.full((n, MOST_OBJECTS), -1, np.int8), "relational": np.zeros(n, bool),
           "weights": np.ones(n, np.float32)}
    for i, (d, t, w) in enumerate(zip(items, tokens, twins)):
        out["ids"][i, :len(t["ids"])], out["twins"][i, :len(w["ids"])] = t["ids"], w["ids"]
        out["marks"][i, :len(t["ids"])] = token_marks(d["text"], t["tokens"], d.get("phrases", []))
        out["images"][i, :len(d["images"])] = [number(x) for x in d["images"]]
        answer, scene = d.get("answer"), scenes[number(d["images"][0])]
        if answer is not None:
            out["answers"][i] = LABELS[task].index(answer) if task in LABELS else answer
        if "box" in d:
            out["targets"][i] = same_box(scene, d["box"])
        for j, box in enumerate(d.get("candidates", [])):
            out["candidates"][i, j] = same_box(scene, box)
        out["relational"][i] = bool(RELATIONAL & set(d.get("slices", [])))
        out["weights"][i] = max([HARD.get(s, 1) for s in d.get("slices", [])] + [1])
    return out


def load_items(work, program):
    path, vocab = os.path.join(work, "items.npz"), os.path.join(work, "vocab.txt")
    if not os.path.exists(path):
        scenes = [json.loads(line) for line in open(os.path.join(work, "world", "scenes.jsonl"))]
        groups, arrays = collections.defaultdict(list), {}
        for line in open(os.path.join(work, "world", "data.jsonl")):
            d = json.loads(line)
            groups[d["task"]].append(d)
        for task, group in groups.items():
            for name, x in pack_task(task, group, scenes, program, vocab).items():
                arrays[task + "/" + name] = x
        np.savez(path + ".tmp.npz", **arrays)
        os.rename(path + ".tmp.npz", path)
    out = collections.defaultdict(dict)
    for name, x in np.load(path).items():
        task, name = name.split("/")
        out[task][name] = x
    return out


def main():
    work, program = sys.argv[1:3]
    items, images = load_items(work, program), load_images(work)
    print("%d images, %d items" % (len(images["features"]), sum(len(g["ids"]) for g in items.values())))


if __name__ == "__main__":
    main()
