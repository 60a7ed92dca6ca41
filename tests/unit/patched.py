#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Numbers for tests/unit/patched.h: the tiny model of study.py with states of another query's run
in place of its own, one after the other; and how fast its logits leave A on the way to each of these
states, by small steps of both signs. usage: patched.py TINY.safetensors >patched.h (as study.py)."""
import sys

import numpy as np

import study

SITES = ("state", "attention", "feed")
CASES = (("words", "vqa", ("what color", "scene"), ("a dog", "scene")),
         ("pictures", "gqa", ("the red square", "scene"), ("the red square", "mirror")))
STEP = 1e-4


def main():
    w = study.read(sys.argv[1])
    print("""/* SPDX-License-Identifier: MIT */
/* Made by tests/unit/patched.py: activation patching of the tiny model in numpy. Effects on the
 * logit of B's best answer less that of its second, by depths and columns: exact, and to first
 * order. */""")
    print("#ifndef PATCHED_H\n#define PATCHED_H\n")
    ends = []
    for name, task, of_a, of_b in CASES:
        number, out = study.TASKS[task]
        a, b = study.query(number, *of_a), study.query(number, *of_b)
        ra, rb = study.forward(w, a), study.forward(w, b)
        second, first = (int(i) for i in rb[out].argsort()[-2:])

        def target(run):
            return run[out][first] - run[out][second]
        ends.append((name, target(ra), target(rb), first, second))
        for site in SITES:
            for stream in "tv":
                keys = [k for k in ra["states"] if k[0] == site and k[3] == stream]
                rows = len(ra["states"][keys[0]])
                exact, screen = np.zeros((len(keys), rows)), np.zeros((len(keys), rows))
                for i, key in enumerate(keys):
                    for r in range(rows):
                        x, y = ra["states"][key][r], rb["states"][key][r]
                        exact[i, r] = target(study.forward(w, a, put={key: {r: y}})) - target(ra)
                        up, down = (target(study.forward(w, a, put={key: {r: x + s * STEP * (y - x)}}))
                                    for s in (1, -1))
                        screen[i, r] = (up - down) / (2 * STEP)
                study.table("%s_%s_%s_exact" % (name, site, stream), exact)
                study.table("%s_%s_%s_screen" % (name, site, stream), screen)
    print("/* The target in A and in B; the two answers. */")
    for name, ya, yb, first, second in ends:
        print("static const double %s_ends[2] = {%.9g, %.9g};" % (name, ya, yb))
        print("enum { %s_choice = %d, %s_against = %d };" % (name, first, name, second))
    print("\n#endif")


if __name__ == "__main__":
    main()
