#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the true boxes of a world's scenes for "vilscope extract --boxes": usage: truth.py WORLD OUT"""
import json
import os
import sys


def main():
    world, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    for i, line in enumerate(open(os.path.join(world, "scenes.jsonl"))):
        with open(os.path.join(out, "%06d.txt" % i), "w") as f:
            for o in json.loads(line)["objects"]:
                f.write("%.1f %.1f %.1f %.1f\n" % tuple(o["box"]))


if __name__ == "__main__":
    main()
