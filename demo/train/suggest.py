#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Queries that a visitor could have typed: usage: suggest.py WORLD >queries.jsonl

Of the items of WORLD (vilscope world --items N) the most natural one of each task about each picture: in words that
people use, with one meaning, neither misspelt nor curt nor garnished. What is right does not matter, nor what a model
says. Questions are given a capital letter and a question mark."""
import collections
import json
import re
import sys

UNLIKELY = {"typo", "brief", "polite", "presupposition", "held-out"}
# Words of the world that people would not choose, and "side" questions, which have no clear border.
STIFF = re.compile(r"\b(item|items|object|objects|solid|stripy|littlest|littler|hoop|can|cans|tube|tubes|cup|cups|kitty|"
                   r"kitties|sphere|spheres|block|blocks|box|boxes|farther|nearer|little|large|tiny|spotted|with spots|"
                   r"thanks|please|guess|report|say|place|side|above|below|borrowed|heavy|expensive|think|you see|it is|"
                   r"in the picture|can see|what number|number of|are there less|more of|altogether|each picture|"
                   r"do you call|sort of|one pattern|is there and|is there$|is it true|call|does one|even|finds?|alongside|close|"
                   r"close by|by the|near|which is not|which aren't|having|has stripes|has dots|any stripes|any dots|in this|shown|where$|"
                   r"the place|the box|very|i mean|i see|we see|we spot|look at|one sees|one counts|no thing|missing|absent|drawing|scene|is it|no more|"
                   r"count|counts|less|of the things|of them|of these|would|could|might|how many are|how is|the name|what one|there are|"
                   r"somebody|other than|really|to be seen|seen|painted|what is there|in number|numerous|which one|one|ones|"
                   r"is no|are no|is nothing|is not|are not|isn't|aren't|not|in total|am i|pick|choose|i want|show me|showing|do you know|does the drawing|"
                   r"spots|without|both have|both show|fish count|are both|first|farthest|furthest|foremost|uppermost|topmost|lowest|more to|"
                   r"down|higher|hand side|next to us|to us|of the (smallest|largest|biggest) size|that is|[0-9]|this|that|these|images show|"
                   r"stands|stand|lies|lie|sits|located|found|present|visible|equal|equally|share|match|matches|alike|tiniest|"
                   r"do you think|do we|you count|identify|look|looks|come with|right next|right beside|or more|neither|among|"
                   r"same number|thing is|each thing|both there|all of|some|back|top|second|first|for sale|every|is each|mugs have)\b|"
                   r"[^?] what |, |: |\ba [aeio]|there$|here$")
BEGINNINGS = {"vqa": r"(what (color|shape|pattern|size|is)|how many|which|is|are|does|do)\b",
              "genomeqa": r"(what (color|shape|pattern|size|is)|how many|which|where)\b",
              "refcoco": r"the\b", "visual7w": r"which\b", "guesswhat": r"is\b",
              "coco": r"(a|an|two|three|four|five)\b", "nlvr2": r"(the|there|both|neither|all|exactly|only|each)\b",
              "snli-ve": r"(the|there|both|neither|all|no)\b"}
BEGINNINGS["gqa"], BEGINNINGS["flickr30k"] = BEGINNINGS["vqa"], BEGINNINGS["coco"]
BEGINNINGS["refcoco+"] = BEGINNINGS["refcocog"] = BEGINNINGS["refcoco"]
QUESTIONS = ("vqa", "genomeqa", "gqa", "visual7w")
# Of two equally natural ones the one that shows more is taken.
SHOWS = {"relation": 1, "between": 1, "attribute": 0.8, "compare": 0.4, "count": 0.4, "all": 0.4, "both": 0.4}


def stiffness(item, used):
    """The lower, the more natural; used: slices and beginnings of those that were taken before."""
    text, slices = item["text"], set(item["slices"])
    words = len(text.split())
    place = "place" in slices and not item["task"].startswith(("refcoco", "guesswhat"))
    begin = " ".join(text.split()[:2])
    return (10 * len(slices & UNLIKELY) + 8 * place + 8 * len(STIFF.findall(text)) + 10 * (not re.match(BEGINNINGS[item["task"]], text)) +
            (item.get("answer") in ("0", "none")) + abs(words - 7) * 0.4 * (item["task"] != "guesswhat") + used[item["task"], begin] * 0.7 -
            sum(SHOWS.get(s, 0) for s in slices) + sum(used[s] for s in slices) * 0.02, text)


def spoken(task, text):
    if task in QUESTIONS:
        return text[0].upper() + text[1:].rstrip("?") + "?"
    if task == "guesswhat":
        return "\n".join("%s? | %s" % (q.rstrip("? "), a) for q, a in
                         (line.split(" | ") for line in text.split("\n")))
    return text


def main():
    groups, used = collections.defaultdict(list), collections.Counter()
    for line in open(sys.argv[1] + "/data.jsonl"):
        item = json.loads(line)
        own = item["answer"] if len(item["images"]) > 2 else 0
        groups[item["images"][own], item["task"]].append(item)
    for image, task in sorted(groups, key=lambda k: k[0]):
        item = min(groups[image, task], key=lambda x: stiffness(x, used))
        for x in item["slices"] + [(task, " ".join(item["text"].split()[:2]))]:
            used[x] += 1
        item["text"] = spoken(task, item["text"])
        print(json.dumps(item))


if __name__ == "__main__":
    main()
