# SPDX-License-Identifier: MIT
"""A growth plot as SVG: two panels, of time and of memory. A line of medians, a band from the least
to the upper quartile, the floor dashed."""
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 420, 280  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 44, 48
INK, LINE, FLOOR = "#222222", "#0072b2", "#d55e00"


def step(most):
    """A round distance of ticks for an axis from 0: some four of them."""
    if most <= 0:
        return 1
    power = 1.0
    while power * 10 <= most:
        power *= 10
    while power > most:
        power /= 10
    return next(s * power for s in (0.2, 0.25, 0.5, 1, 2, 2.5) if most / (s * power) <= 5)


def label(x):
    return "%.0f k" % (x / 1000) if x >= 10000 else "%g" % round(x, 6)


def text(x, y, what, anchor="middle", turn="", size=12):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d"%s>%s</text>' % (
        x, y, anchor, size, turn, escape(what))


class Panel:
    def __init__(self, left, xs, most):
        self.left, self.most_x, self.most_y = left, max(xs), most

    def x(self, v):
        return self.left + LEFT + v / self.most_x * (WIDTH - LEFT - RIGHT)

    def y(self, v):
        return HEIGHT - BOTTOM - v / self.most_y * (HEIGHT - TOP - BOTTOM)

    def path(self, points):
        return " ".join("%.1f,%.1f" % (self.x(a), self.y(b)) for a, b in points)

    def axes(self, title, axis):
        out = [text(self.left + LEFT, 26, title, "start", size=13)]
        every, i = step(self.most_y), 0
        while i * every <= self.most_y * 1.0001:
            y = self.y(i * every)
            out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#dddddd"/>' % (
                self.left + LEFT, y, self.left + WIDTH - RIGHT, y))
            out.append(text(self.left + LEFT - 6, y + 4, label(i * every), "end"))
            i += 1
        every, i = step(self.most_x), 0
        while i * every <= self.most_x * 1.0001:
            out.append(text(self.x(i * every), HEIGHT - BOTTOM + 16, label(i * every)))
            i += 1
        out.append('<path d="M%.1f,%d V%.1f H%.1f" fill="none" stroke="%s"/>' % (
            self.left + LEFT, TOP, HEIGHT - BOTTOM, self.left + WIDTH - RIGHT, INK))
        out.append(text(self.left + (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, axis))
        return out

    def curves(self, xs, rows):
        out = []
        if all(r["least"] is not None for r in rows):
            band = list(zip(xs, (r["least"] for r in rows))) + \
                list(zip(reversed(xs), (r["upper"] for r in reversed(rows))))
            out.append('<polygon points="%s" fill="%s" fill-opacity="0.2"/>' % (self.path(band),
                                                                               LINE))
        middle = list(zip(xs, (r["median"] for r in rows)))
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>' % (
            self.path(middle), LINE))
        out += ['<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>' % (self.x(a), self.y(b), LINE)
                for a, b in middle]
        floor = [(x, r["floor"]) for x, r in zip(xs, rows) if r["floor"] is not None]
        if floor:
            out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5" '
                       'stroke-dasharray="6 4"/>' % (self.path(floor), FLOOR))
        return out


def panel(left, xs, rows, what, axis):
    most = max(max(r["median"], r["upper"] or 0) for r in rows)
    seconds = what == "time" and most >= 10000
    unit = "s" if seconds else rows[0]["unit"]
    if seconds:
        most /= 1000
        rows = [{k: v / 1000 if isinstance(v, float) else v for k, v in r.items()} for r in rows]
    p = Panel(left, xs, 1.05 * most)
    return p.axes("%s (%s)" % (what, unit), axis) + p.curves(xs, rows)


def draw(series, title):
    """title: what is measured on which machine."""
    points = series["points"]
    xs = [p["x"] for p in points]
    body = []
    for i, what in enumerate(("time", "memory")):
        body += panel(i * WIDTH, xs, [p[what] for p in points], what, series["axis"])
    high = HEIGHT + 40
    legend = "line: median; band: least to upper quartile; dashed: floor of multiply-adds or bytes"
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" '
        'fill="%s">' % (2 * WIDTH, high, INK),
        '<title>%s</title>' % escape("%s: %s" % (series["name"], title)),
        '<rect width="%d" height="%d" fill="white"/>' % (2 * WIDTH, high), *body,
        text(LEFT, HEIGHT + 12, legend, "start", size=11),
        text(LEFT, HEIGHT + 28, title, "start", size=11), "</svg>", ""])
