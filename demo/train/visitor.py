#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Questions that people typed about pictures of the demo's world: usage: visitor.py PROGRAM MODEL_DIR [CHECKPOINT]

Asks those of tests/data/visitor/questions.jsonl (or of QUESTIONS): each has the seed of a scene (vilscope world
--seed N --scenes 1), a task, a text, and the answer, or the number of the object that is meant. Prints what is
answered wrongly and how many are right, of each kind and together. Exit status 1 when fewer than nine in ten are.
A script for people: no test runs it. Needs nothing but Python."""
import collections
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
QUESTIONS = os.environ.get("QUESTIONS", os.path.join(HERE, "../../tests/data/visitor/questions.jsonl"))

TOTAL = "together"


def overlap(a, b):
    """Intersection over union of boxes, last pixels counted."""
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    area = lambda x: (x[2] - x[0] + 1) * (x[3] - x[1] + 1)
    both = max(0, w) * max(0, h)
    return both / (area(a) + area(b) - both)


def answer(program, model, checkpoint, item, image):
    """What the model answers, in words or as a box, and what it noticed."""
    command = [program, "query", "-m", model, "-t", item["task"], "--json", "--no-log"]
    command += ["-c", checkpoint] if checkpoint else []
    r = json.loads(subprocess.run(command + [image, item["text"]], capture_output=True, text=True, check=True).stdout)
    if "object" in item:
        return max(r["boxes"], key=lambda b: b["logit"])["box"], r["notice"]
    return r["answers"][0]["label"], r["notice"]


def is_right(item, given, scene):
    if "object" in item:
        return overlap(given, scene["objects"][item["object"]]["box"]) >= 0.5
    return given == item["answer"]


def main():
    program, model = sys.argv[1:3]
    checkpoint = sys.argv[3] if len(sys.argv) > 3 else None
    items = [json.loads(line) for line in open(QUESTIONS)]
    right, all, noticed = collections.Counter(), collections.Counter(), 0
    with tempfile.TemporaryDirectory() as work:
        for item in items:
            folder = os.path.join(work, str(item["seed"]))
            if not os.path.exists(folder):
                subprocess.run([program, "world", "-o", folder, "--seed", str(item["seed"]), "--scenes", "1"],
                               check=True)
            scene = json.loads(open(os.path.join(folder, "scenes.jsonl")).readline())
            given, notice = answer(program, model, checkpoint, item, os.path.join(folder, "images", "000000.png"))
            good = is_right(item, given, scene)
            for kind in (item["kind"], TOTAL):
                right[kind], all[kind] = right[kind] + good, all[kind] + 1
            noticed += notice is not None
            if not good:
                print("%d %s: %s: %s, not %s%s" % (item["seed"], item["task"], item["text"], given,
                                                  item.get("answer", "object %s" % item.get("object")),
                                                  " (%s)" % notice if notice else ""))
    for kind in sorted(all):
        print("%-16s %d of %d" % (kind, right[kind], all[kind]))
    print("%d with a note" % noticed)
    sys.exit(10 * right[TOTAL] < 9 * all[TOTAL])


if __name__ == "__main__":
    main()
