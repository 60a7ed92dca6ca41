# SPDX-License-Identifier: MIT
"""Whether texts of SVG figures can be read: each is within the picture, and none lies on another.
Below a scale the numbers stand at its ends and at its quarters. figure_texts.py SVG..."""
import html
import re
import sys

FINE = 0.2 # points


def numbers(element):
    found = dict(re.findall(r'([\w-]+)="([-\d.]+)"', element))
    return {k: float(v) for k, v in found.items()}


def texts_of(svg):
    """(left, top, right, bottom, text) of those that are not turned."""
    for element, text in re.findall(r"<text ([^>]*)>([^<]*)</text>", svg):
        if "transform" not in element:
            v = numbers(element)
            yield (v["x"], v["y"] - 0.7 * v["font-size"], v["x"] + v["textLength"], v["y"],
                   html.unescape(text))


def overlap(a, b):
    return (min(a[2], b[2]) - max(a[0], b[0]) > FINE and min(a[3], b[3]) - max(a[1], b[1]) > FINE)


def faults_of(svg):
    texts = list(texts_of(svg))
    if not texts:
        yield "no text"
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    for i, a in enumerate(texts):
        if a[0] < 0 or a[1] < 0 or a[2] > width + FINE or a[3] > height + FINE:
            yield "outside: %s" % a[4]
        yield from ("'%s' on '%s'" % (a[4], b[4]) for b in texts[:i] if overlap(a, b))
    # A scale is the last 49 cells of one height in a row.
    cells = [numbers(c) for c in re.findall(r"<rect ([^>]*)crispEdges", svg)]
    scale = cells[-49:]
    if len(scale) < 49 or len({(c["y"], c["height"]) for c in scale}) > 1:
        return
    left, right = scale[0]["x"], scale[-1]["x"] + scale[-1]["width"]
    below = scale[0]["y"] + scale[0]["height"]
    named = [t for t in texts if below < t[3] < below + 12 and left - 20 < t[0] < right]
    places = [(t[0], t[0] + (t[2] - t[0]) / 2, t[2]) for t in named]
    if len(places) != 5:
        yield "%d numbers below the scale" % len(places)
        return
    middles = [scale[i]["x"] + (scale[1]["x"] - scale[0]["x"]) / 2 for i in (12, 24, 36)]
    if (abs(places[0][0] - left) > FINE or abs(places[4][2] - right) > FINE or
            any(abs(p[1] - m) > FINE for p, m in zip(places[1:4], middles))):
        yield "the numbers of the scale are elsewhere: %s" % " ".join(t[4] for t in named)


wrong = 0
for path in sys.argv[1:]:
    for fault in faults_of(open(path, encoding="utf-8").read()):
        print("%s: %s" % (path, fault))
        wrong = 1
sys.exit(wrong)
