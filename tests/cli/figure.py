# SPDX-License-Identifier: MIT
"""Whether the matrix in an SVG is that of a CSV, and a PNG the same picture: figure.py SVG CSV PNG.
Each number has one cell, in its
order, in the color that the scale below has for it; the scale's ends are those of the map on the
screen (inferno, and the numbers' root). In the PNG each cell is filled to its corners, but for the
one that its frame is drawn over, and nothing is drawn between names and scale but these."""
import csv
import re
import struct
import sys
import zlib

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


def pixels(path):
    """Width, height and rows of a PNG of eight bits a channel, without interlacing."""
    data = open(path, "rb").read()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8 and kind in (2, 6) and data[28] == 0, "another kind of PNG"
    packed, at = b"", 8
    while at < len(data):
        size, = struct.unpack(">I", data[at:at + 4])
        packed += data[at + 8:at + 8 + size] if data[at + 4:at + 8] == b"IDAT" else b""
        at += size + 12
    raw, step, out = zlib.decompress(packed), 3 if kind == 2 else 4, []
    above = bytearray(width * step)
    for y in range(height):
        begin = y * (width * step + 1)
        how, line = raw[begin], bytearray(raw[begin + 1:begin + 1 + width * step])
        for x in range(len(line)):
            left, up = (line[x - step] if x >= step else 0), above[x]
            corner = above[x - step] if x >= step else 0
            paeth = min((left, up, corner), key=lambda v: abs(left + up - corner - v))
            line[x] = line[x] + (0, left, up, (left + up) // 2, paeth)[how] & 255
        above = line
        out.append([tuple(line[i:i + 3]) for i in range(0, len(line), step)])
    return width, height, out


width, height, dots = pixels(sys.argv[3])
scale = width / float(re.search(r'width="([\d.]+)pt"', svg)[1])
places = [tuple(map(float, p)) for p in
          re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*crispEdges"/>', svg)]
for (x, y, w, h), cell in list(zip(places, cells))[:len(numbers)]:
    for dx, dy in ((0.06, 0.12), (0.94, 0.12), (0.06, 0.88), (0.94, 0.88)):
        dot = dots[int((y + dy * h) * scale)][int((x + dx * w) * scale)]
        assert max(abs(a - b) for a, b in zip(dot, cell)) <= 2, f"{dot} in the PNG, {cell} in the SVG"
end = int((places[len(numbers) - 1][1] + places[len(numbers) - 1][3]) * scale) + 6
assert all(dot == (255, 255, 255) for row in dots[end:end + 6] for dot in row), "something below the cells"
print(f"{len(numbers)} cells, {len(words)} texts")
