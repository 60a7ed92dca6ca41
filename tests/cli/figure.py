# SPDX-License-Identifier: MIT
"""Whether the matrix in an SVG is that of a CSV: figure.py SVG CSV. Each number has one cell, in its
order, in the color that the scale below has for it; the scale's ends are those of the map on the
screen (inferno, and the numbers' root)."""
import csv
import re
import sys

svg = open(sys.argv[1], encoding="utf-8").read()
rows = list(csv.reader(open(sys.argv[2], encoding="utf-8")))
numbers = [float(x) for row in rows[1:] for x in row[1:]]
cells = [tuple(int(c[i:i + 2], 16) for i in (0, 2, 4)) for c in
         re.findall(r'<rect [^>]*fill="#([0-9a-f]{6})" shape-rendering="crispEdges"/>', svg)]
RAMP = 49
assert len(cells) == len(numbers) + RAMP, f"{len(cells)} cells, {len(numbers)} numbers, {RAMP} of the scale"
ramp = cells[-RAMP:]
assert max(abs(a - b) for a, b in zip(ramp[0], (0, 0, 4))) <= 2, f"the scale begins with {ramp[0]}"
assert max(abs(a - b) for a, b in zip(ramp[-1], (252, 255, 164))) <= 2, f"and ends with {ramp[-1]}"
top = max(numbers)
for number, cell in zip(numbers, cells):
    share = (max(number, 0) / top) ** 0.5 * (RAMP - 1)
    low = ramp[int(share)]
    high = ramp[min(int(share) + 1, RAMP - 1)]
    want = [a + (b - a) * (share % 1) for a, b in zip(low, high)]
    assert max(abs(a - b) for a, b in zip(want, cell)) <= 4, f"{number} of {top} is {cell}, not {want}"
words = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
for name in [row[0] for row in rows[1:]] + rows[0][1:]:
    assert any(w == name or (w.endswith("…") and name.startswith(w[:-1])) for w in words), f"no {name}"
print(f"{len(numbers)} cells, {len(words)} texts")
