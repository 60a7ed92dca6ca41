# SPDX-License-Identifier: MIT
"""How time and memory grow with what is asked: series of points, each with the floor below it."""
import os

import plot
from measure import INSERTED, MB, REGIONS, spread_of
from rows import row

PEAK = "peak memory"


def points(name, axis, unit, measured):
    """measured: (x, spread of ms, floor of ms, MB, floor of MB, of) of each point. A floor above
    what was measured is refused, as in the table."""
    made = {"name": name, "axis": axis, "unit": unit, "points": []}
    for x, ms, floor, mb, least in measured:
        time = row(name, "%s: %s" % (axis, x), unit, ms, floor=floor[0], of=floor[1])
        memory = row(name, "%s: %s" % (axis, x), "MB", mb, floor=least, of="data")
        made["points"].append({"x": x, "time": time, "memory": memory})
    return made


def passes(b, name, axis, values, shape):
    """shape(x): tokens, regions, batch"""
    threads = b.o.threads[-1]

    def measured():
        for x in values:
            tokens, regions, batch = shape(x)
            ms, mb = b.forward(tokens, regions, threads, max(1, b.o.passes // 3), batch=batch)
            data = 4 * batch * regions * b.work.c["v_feature_size"] / MB
            yield x, ms, b.pass_floor(tokens, regions, threads, batch), mb, b.megabytes() + data
    return points(name, axis, "ms", measured())


def tokens(b):
    return passes(b, "tokens", "tokens of the question", (6, 20) if b.o.quick else
                  (4, 8, 12, 16, 24, 32, 38), lambda x: (x, REGIONS, 1))


def regions(b):
    return passes(b, "regions", "regions of the image", (10, 101) if b.o.quick else
                  (1, 10, 36, 64, 101, 151, 201), lambda x: (12, x, 1))


def batch(b):
    return passes(b, "batch", "images in a batch, 12 tokens, 36 regions", (1, 3) if b.o.quick else
                  (1, 2, 4, 8, 16, 32), lambda x: (12, 36, x))


def retrieval(b):
    threads = b.o.threads[-1]

    def measured():
        for images in (3, 6) if b.o.quick else (10, 30, 60, 100):
            took = [b.retrieval_of(images, threads) for _ in range(1 if b.o.quick else 3)]
            b.drop_pool(images)
            yield (images, spread_of([x[0] for x in took]), b.retrieval_floor(images, threads),
                   max(x[1] for x in took), b.megabytes())
    return points("retrieval", "images that a caption is looked for in", "ms", measured())


def checkpoints(b):
    threads = b.o.threads[-1]

    def measured():
        for count in (1, 2) if b.o.quick else (1, 2, 3, 4):
            ms, mb = b.study("checkpoints", threads, min(3, b.o.turns), count)
            # a question of ten words about an image that was asked about
            one = b.work.sums(12, REGIONS - 1, b.o.answers) - b.work.before_image(REGIONS - 1)
            yield count, ms, b.floor(count * one, 0, threads), mb, b.megabytes()
    return points("checkpoints", "checkpoints that are asked", "ms", measured())


def log(b):
    def measured():
        for n in (1000, 3000) if b.o.quick else (30000, 100000, 300000, 1000000):
            lines = b.log_of(n)
            found = INSERTED.match(lines[0])
            count, kb, rate = int(found.group(1)), float(found.group(2)), float(found.group(3))
            peak = [float(line.split()[2]) for line in lines if line.startswith(PEAK)]
            # a quarter of them comes at once
            yield (n, 1000 * count / rate, b.floor(0, count * kb * 250, 1), peak[0],
                   count / 4 * kb * 1000 / MB)
    return points("log", "rows that are inserted", "ms", measured())


SERIES = {f.__name__: f for f in (tokens, regions, batch, retrieval, checkpoints, log)}


def measure(b, names, folder, say):
    """Series; a plot of each in folder."""
    os.makedirs(folder, exist_ok=True)
    made = []
    for name in names:
        say("growth: " + name)
        made.append(SERIES[name](b))
        with open(os.path.join(folder, name + ".svg"), "w") as f:
            f.write(plot.draw(made[-1], b.o.title))
    return made
