#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of demo/NOTES.md: usage: table.py EVAL.json... [--unseen EVAL.json]

Reads what vilscope eval --json wrote of checkpoints on sets of scenes, one file or more for each seed, and prints
per task and checkpoint the mean over all items with a 95 % interval (Wilson), and how far seeds are apart at most;
with --unseen also what the last checkpoint loses in wordings that training never had."""
import collections
import json
import sys

from measure import HELD_OUT, TASK_AIMS, interval

ORDER = ("early", "middle", "no-relations", "faulty", "final")


def read(paths):
    """{checkpoint: {task: [row, ...]}}, rows of the sets."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in paths:
        for c in json.load(open(path))["checkpoints"]:
            for row in c["scores"]:
                found[c["checkpoint"]][row["task"]].append(row)
    return found


def mean(rows, name="score"):
    n = sum(r["items"] for r in rows)
    return 100 * sum(r[name] * r["items"] for r in rows) / n, n


def cell(rows):
    score, n = mean(rows)
    return "%.1f ±%.1f" % (score, interval(score / 100 * n, n))


def main():
    at = sys.argv.index("--unseen") if "--unseen" in sys.argv else len(sys.argv)
    found, unseen = read(sys.argv[1:at]), read(sys.argv[at + 1:])
    names, apart, worst = [c for c in ORDER if c in found], 0, ""
    print("| task | blind | %s | aim |" % " | ".join(names))
    print("| --- | --- |%s --- |" % (" --- |" * len(names)))
    for task, aim in TASK_AIMS.items():
        final = found[names[-1]][task]
        print("| %s | %.1f | %s | %d |" % (task + (", first of 20" if task in ("coco", "flickr30k") else ""),
              mean(final, "baseline")[0], " | ".join(cell(found[c][task]) for c in names), aim))
        if "recall_at_5" in final[0]:
            pairs = ["%.1f, %.1f" % (mean(found[c][task], "recall_at_5")[0], mean(found[c][task], "recall_at_10")[0])
                     for c in names]
            print("| among the first 5, 10 | 25, 50 | %s |  |" % " | ".join(pairs))
        for c in names:
            scores = [100 * r["score"] for r in found[c][task]]
            if max(scores) - min(scores) > apart:
                apart, worst = max(scores) - min(scores), "%s of %s" % (task, c)
    print("\nSeeds are %.1f points apart at most (%s)." % (apart, worst))
    missed = [t for t, aim in TASK_AIMS.items() if mean(found[names[-1]][t])[0] < aim]
    print("Missed: %s." % (", ".join(missed) or "none"))
    outside = sum(r.get("outside_domain", 0) for rows in found[names[-1]].values() for r in rows)
    print("With a note: %d of %d items." % (outside, sum(r["items"] for rows in found[names[-1]].values() for r in rows)))
    if unseen:
        print("\n| task | as in training | other words | difference |\n| --- | --- | --- | --- |")
        for task in TASK_AIMS:
            one, other = mean(found[names[-1]][task])[0], unseen[names[-1]][task]
            print("| %s | %.1f | %s | %+.1f%s |" % (task, one, cell(other), mean(other)[0] - one,
                                                 " (missed)" if mean(other)[0] < one - HELD_OUT else ""))


if __name__ == "__main__":
    main()
