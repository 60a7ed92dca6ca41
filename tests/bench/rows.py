# SPDX-License-Identifier: MIT
"""Rows of the table: something that was measured, how it spreads, and the floor below it."""


class Wrong(Exception):
    """A measurement that cannot be right, or did not work. Its text is what to tell."""


SPREAD = ("median", "least", "upper")


def row(part, what, unit, spread, runs=None, floor=None, of=None, note=None):
    """spread: median, least and upper quartile, or the median alone. floor, of: the least that the
    machine's ceiling of that name leaves."""
    numbers = list(spread) if isinstance(spread, (list, tuple)) else [spread, None, None]
    made = {"part": part, "what": what, "unit": unit, **dict(zip(SPREAD, numbers)), "runs": runs,
            "floor": floor, "of": of, "share": None, "note": note}
    least = numbers[0] if numbers[1] is None else numbers[1]
    if floor is None:
        return made
    if floor > least:
        raise Wrong("%s: %.4g %s were measured, and by the ceiling of %s it takes %.4g at least: a "
                    "share of %.0f %%. The ceiling was measured too low, or another machine's was "
                    "used; nothing is shown" % (what, least, unit, of, floor, 100 * floor / least))
    made["share"] = floor / made["median"]
    return made


def skipped(part, what, why):
    return {"part": part, "what": what, "skipped": why}


def number(x):
    return "" if x is None else "%.3g" % x if x < 100 else "%.0f" % x


HEAD = ("what", "unit", "median", "least", "upper quartile", "floor", "of", "share")


def cells(r):
    if "skipped" in r:
        return [r["what"], "skipped: " + r["skipped"]] + [""] * 6
    share = "" if r["share"] is None else "%.0f %%" % (100 * r["share"])
    what = r["what"] + (" (%s)" % r["note"] if r["note"] else "")
    return [what, r["unit"], *(number(r[x]) for x in SPREAD), number(r["floor"]), r["of"] or "",
            share]


def table(rows):
    """As Markdown, which is legible as it is."""
    lines = [list(HEAD)]
    for i, r in enumerate(rows):
        if i == 0 or r["part"] != rows[i - 1]["part"]:
            lines.append(["**%s**" % r["part"]] + [""] * 7)
        lines.append(cells(r))
    short = [l for l in lines if not l[1].startswith("skipped")]
    width = [max(len(l[i]) for l in short) for i in range(len(HEAD))]
    out = ["| " + " | ".join(c.ljust(w) if i < 2 else c.rjust(w)
                             for i, (c, w) in enumerate(zip(l, width))) + " |" for l in lines]
    out.insert(1, "| " + " | ".join("-" * w if i < 2 else "-" * (w - 1) + ":"
                                    for i, w in enumerate(width)) + " |")
    return "\n".join(out)
