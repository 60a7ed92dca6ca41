#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pixels against Pillow, which the reference decodes with: the same, to the last bit, for every kind
of JPEG and for the other formats. Broken by another DCT or upsampling, ink taken for light, a palette
or a frame misread. Needs Pillow; skipped without, or without libjpeg-turbo in vilscope.

Prints TAP."""
import io
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from PIL import Image, ImageFile, features
except ImportError:
    print("ok 1 # SKIP Pillow and numpy are not installed\n1..1")
    sys.exit(0)

ImageFile.MAXBLOCK = 1 << 20  # small progressive files do not fit into what it guesses
count = failed = 0


def ok(good, what):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, what), flush=True)


def skip(why):
    global count
    count += 1
    print("ok %d # SKIP %s" % (count, why))


def scene(w, h, seed):
    """Soft and hard edges, saturated colors, noise."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    rng = np.random.default_rng(seed)
    a = np.stack([128 + 120 * np.sin(x / 7 + y / 13), 255 * ((x // 5 + y // 3) % 2),
                  (x * 9 + y * 4) % 256], 2)
    a += rng.normal(0, 20, a.shape)
    a[h // 4:h // 2, w // 4:w // 2] = (255, 0, 0)
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))


def ours(path):
    r = subprocess.run([os.path.join(os.environ.get("BUILDDIR", "."), "dump-pixels"), path],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if r.returncode != 0:
        return r.stderr.decode().strip()
    head, size, _, pixels = r.stdout.split(b"\n", 3)
    w, h = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(h, w, 3)


def compare(folder, what, data):
    path = os.path.join(folder, "x")
    with open(path, "wb") as f:
        f.write(data)
    try:
        b = np.asarray(Image.open(path).convert("RGB"))
    except OSError:
        return None  # a kind that this version of Pillow does not read
    a = ours(path)
    if isinstance(a, str):
        return "%s: %s" % (what, a)
    if a.shape != b.shape:
        return "%s: %s instead of %s" % (what, a.shape, b.shape)
    off = np.abs(a.astype(int) - b.astype(int))
    if off.max():
        return "%s: %d numbers differ, by %d at most" % (what, (off > 0).sum(), off.max())
    return None


def group(folder, name, cases):
    bad = [b for b in (compare(folder, what, data) for what, data in cases) if b]
    ok(not bad and cases, "%s: %d pictures as Pillow has them %s" % (name, len(cases),
                                                                   "; ".join(bad[:4])))


def saved(image, kind, **how):
    f = io.BytesIO()
    image.save(f, kind, **how)
    return f.getvalue()


SIZES = [(64, 48), (65, 49), (17, 33), (1, 1), (1, 40), (40, 1), (7, 9), (16, 16), (100, 3),
         (227, 149)]


def jpegs(folder):
    for name, s in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
        for progressive in (False, True):
            group(folder, name + (", progressive" if progressive else ""),
                  [("%dx%d quality %d" % (w, h, q),
                    saved(scene(w, h, w), "JPEG", subsampling=s, quality=q, progressive=progressive))
                   for w, h in SIZES for q in (30, 75, 90, 100)])
    group(folder, "gray", [("%dx%d %s" % (w, h, p),
                            saved(scene(w, h, w).convert("L"), "JPEG", progressive=p))
                           for w, h in SIZES for p in (False, True)])
    group(folder, "restart markers", [("every %d" % n, saved(scene(131, 67, 3), "JPEG",
                                                             restart_marker_blocks=n))
                                      for n in (1, 2, 5)])
    ink = [scene(w, h, w).convert("CMYK") for w, h in SIZES[:3]]
    group(folder, "CMYK of Adobe's programs",
          [("%dx%d" % i.size, saved(i, "JPEG", quality=q)) for i in ink for q in (50, 95)])
    group(folder, "an orientation is not followed",
          [(str(o), saved(scene(40, 30, 1), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12"
                          b"\0\x03\0\0\0\x01\0" + bytes([o]) + b"\0\0\0\0\0\0")) for o in range(1, 9)])
    tools(folder)


def tools(folder):
    """Samplings that Pillow does not write, by ImageMagick or cjpeg where they are."""
    cases = []
    for sampling in ("1x2", "4x1", "2x1", "4x2", "1x1", "2x2"):
        for w, h in ((64, 48), (65, 49), (13, 31)):
            scene(w, h, 5).save(os.path.join(folder, "in.ppm"))
            out = os.path.join(folder, "out.jpg")
            command = ["cjpeg", "-sample", sampling, "-outfile", out, os.path.join(folder, "in.ppm")]
            try:
                subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
                with open(out, "rb") as f:
                    cases.append((sampling, f.read()))
            except (OSError, subprocess.CalledProcessError):
                continue
    if cases:
        group(folder, "4:4:0, 4:1:1 and others of cjpeg", cases)
    else:
        skip("4:4:0 and 4:1:1: there is no cjpeg")


def others(folder):
    image = scene(65, 49, 2)
    palette = image.quantize(40)
    gray = image.convert("L")
    alpha = image.copy()
    alpha.putalpha(gray)
    group(folder, "PNG", [("RGB", saved(image, "PNG")), ("gray", saved(gray, "PNG")),
                          ("palette", saved(palette, "PNG")), ("alpha", saved(alpha, "PNG")),
                          ("two colors", saved(gray.convert("1"), "PNG")),
                          ("palette with alpha", saved(palette, "PNG", transparency=3))])
    frames = [scene(65, 49, i).quantize(32) for i in range(3)]
    group(folder, "GIF", [("one", saved(palette, "GIF")), ("gray", saved(gray, "GIF")),
                          ("interlaced", saved(palette, "GIF", interlace=1)),
                          ("straight", saved(palette, "GIF", interlace=0)),
                          ("small", saved(scene(3, 2, 1).quantize(2), "GIF")),
                          ("large", saved(scene(500, 300, 1).quantize(256), "GIF")),
                          ("transparent", saved(palette, "GIF", transparency=4)),
                          ("three frames", saved(frames[0], "GIF", save_all=True,
                                                 append_images=frames[1:]))])
    group(folder, "BMP", [("RGB", saved(image, "BMP")), ("gray", saved(gray, "BMP")),
                          ("palette", saved(palette, "BMP")), ("alpha", saved(alpha, "BMP")),
                          ("two colors", saved(gray.convert("1"), "BMP"))])
    few = Image.fromarray(np.asarray(image) // 100 * 100)
    group(folder, "BMP, run-length encoded",
          [("%d bits %dx%d" % (bits, w, h), rle(few.resize((w, h), 0).quantize(1 << bits), bits))
           for bits in (4, 8) for w, h in SIZES])
    plain = b"P3\n# a comment\n3 1 15\n" + b"0 7 15 1 2 3 15 15 15\n"
    group(folder, "PNM", [("RGB", saved(image, "PPM")), ("gray", saved(gray, "PPM")),
                          ("two colors", saved(gray.convert("1"), "PPM")), ("plain", plain),
                          ("plain bitmap", b"P1\n4 2\n0101\n1 0 1 0\n"),
                          ("plain gray", b"P2\n2 2\n9\n0 3\n6 9\n"),
                          ("maximum of 100", b"P6\n2 1\n100\n" + bytes([0, 50, 99, 100, 1, 33])),
                          ("16 bits", b"P6\n1 1\n65535\n\x12\x34\x80\x00\xff\xff"),
                          ("all of 100", b"P5\n101 1\n100\n" + bytes(range(101))),
                          ("gray of 16 bits", b"P5\n4 1\n65535\n\0\x07\0\xff\1\0\xff\xff"),
                          ("gray of 1000", b"P2\n5 1\n1000\n0 1 3 4 1000\n"),
                          ("colors of 1000", b"P6\n256 1\n1000\n" + b"".join(
                              (x % 1001).to_bytes(2, "big") for x in range(0, 3 * 256 * 7, 7)))])
    if not features.check("webp") or "built without" in str(ours(webp_file(folder))):
        skip("WebP: not built in")
        return
    group(folder, "WebP", [("lossy %d %dx%d" % ((q,) + s), saved(scene(*s, 4), "WEBP", quality=q))
                           for q in (20, 80, 100) for s in SIZES] +
          [("lossless", saved(image, "WEBP", lossless=True)), ("alpha", saved(alpha, "WEBP"))])
    group(folder, "WebP, first frame", list(animations()))


def animations():
    """With and without loss and alpha; a first frame that is smaller than the whole."""
    for lossless in (False, True):
        for with_alpha in (False, True):
            frames = [scene(65, 49, i) for i in range(3)]
            for i, f in enumerate(frames):
                if with_alpha:
                    f.putalpha(scene(65, 49, 7 + i).convert("L"))
            yield ("lossless %d alpha %d" % (lossless, with_alpha),
                   saved(frames[0], "WEBP", save_all=True, append_images=frames[1:],
                         lossless=lossless, background=(9, 99, 200, 255)))
    for x, y in ((0, 0), (10, 6), (62, 46)):
        yield "a frame at %d %d" % (x, y), placed(saved(scene(8, 8, 3), "WEBP"), x, y, 70, 54)


def chunk(name, data):
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) & 1)


def placed(file, x, y, w, h):
    """An animation of one frame of 8x8, the only chunk of a file, on a larger canvas."""
    def three(n):
        return n.to_bytes(3, "little")
    frame = three(x // 2) + three(y // 2) + three(7) + three(7) + three(100) + b"\0" + file[12:]
    body = (b"WEBP" + chunk(b"VP8X", b"\x02\0\0\0" + three(w - 1) + three(h - 1)) +
            chunk(b"ANIM", b"\x10\x20\x30\xff\0\0") + chunk(b"ANMF", frame) +
            chunk(b"ANMF", three(0) * 2 + frame[6:]))
    return chunk(b"RIFF", body)


def rle(image, bits):
    """A BMP of runs and of absolute pixels, by turns; of 4 bits all absolute ones are even, as older
    versions of Pillow lose the last of an odd number."""
    w, h = image.size
    rows = np.asarray(image)[::-1]
    out = bytearray()
    for y, row in enumerate(rows):
        x = 0
        while x < w:
            n = 1
            while x + n < w and n < 255 and row[x + n] == row[x]:
                n += 1
            few = min(w - x, 4 + y % 7) // 2 * 2
            if n < 3 and few >= 4:
                some = row[x:x + few]
                code = bytes(some) if bits == 8 else bytes(a << 4 | b for a, b in
                                                           zip(some[::2], some[1::2]))
                out += bytes([0, few]) + code + b"\0" * (len(code) & 1)
                x += few
            else:
                color = int(row[x])
                out += bytes([n, color if bits == 8 else color << 4 | color])
                x += n
        out += b"\0\0"
    out += b"\0\1"
    colors = image.getpalette()[:3 << bits] + [0] * (3 << bits)
    palette = b"".join(bytes([colors[3 * i + 2], colors[3 * i + 1], colors[3 * i], 0])
                       for i in range(1 << bits))
    begins = 54 + len(palette)
    return (b"BM" + (begins + len(out)).to_bytes(4, "little") + b"\0\0\0\0" +
            begins.to_bytes(4, "little") + (40).to_bytes(4, "little") + w.to_bytes(4, "little") +
            h.to_bytes(4, "little") + b"\1\0" + bits.to_bytes(2, "little") +
            (1 if bits == 8 else 2).to_bytes(4, "little") + len(out).to_bytes(4, "little") +
            b"\0" * 16 + palette + bytes(out))


def webp_file(folder):
    path = os.path.join(folder, "w")
    with open(path, "wb") as f:
        f.write(saved(scene(8, 8, 1), "WEBP") if features.check("webp") else b"")
    return path


def has_libjpeg():
    with open(os.path.join(os.environ.get("BUILDDIR", "."), "config.h")) as f:
        return "#define HAVE_LIBJPEG 1" in f.read()


def main():
    with tempfile.TemporaryDirectory() as folder:
        if has_libjpeg():
            jpegs(folder)
        else:
            skip("JPEG is decoded by stb_image here")
        others(folder)
    print("1..%d" % count)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
