/* SPDX-License-Identifier: MIT */
/* The decoders of pictures, without the sandbox that they have in the program. */
#include "src/formats/image_priv.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include <zlib.h>

#define MOST 300000 /* pixels: more cost time and show nothing new */

static void decode(enum image_kind kind, const uint8_t *data, size_t size, struct pixels p)
{
    uint8_t *exact = malloc(size ? size : 1); /* a byte too far is seen */
    p.rgb = malloc((size_t)p.width * (size_t)p.height * 3);
    if (exact && p.rgb) {
        memcpy(exact, data, size);
        if (!image_decode_here(kind, exact, size, &p) && !p.why[0])
            abort();
    }
    free(p.rgb);
    free(exact);
}

static size_t put_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t n)
{
    uint8_t head[8] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    memcpy(head + 4, type, 4);
    memcpy(to, head, 8);
    if (n)
        memcpy(to + 8, data, n);
    uint32_t crc = (uint32_t)crc32(0, to + 4, (uInt)n + 4);
    for (int i = 0; i < 4; i++)
        to[8 + n + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    return n + 12;
}

/* Checksums keep changed files from stb_image: the same chunks once more with right ones, and what
 * the file has for compressed pixels as the pixels themselves. */
static void decode_repaired(const uint8_t *data, size_t size, const struct pixels *p)
{
    size_t expected = png_expected_bytes(data + 16, p), at = 8, end = 8, have = 0;
    uLongf packed = compressBound(expected);
    uint8_t *file = calloc(1, 2 * size + packed + 100), *raw = calloc(1, expected + 1);
    uint8_t *out = malloc(packed);
    while (file && raw && out && size - at >= 12) {
        size_t n = image_be(data + at, 4);
        const char *type = (const char *)data + at + 4;
        n = n > size - at - 12 ? size - at - 12 : n;
        if (memcmp(type, "IDAT", 4) == 0) {
            size_t take = n < expected - have ? n : expected - have;
            memcpy(raw + have, data + at + 8, take);
            have += take;
        } else if (memcmp(type, "IEND", 4) != 0) {
            end += put_chunk(file + end, type, data + at + 8, n);
        }
        at += 12 + n;
    }
    if (file && raw && out && compress2(out, &packed, raw, expected, 1) == Z_OK) {
        memcpy(file, data, 8);
        end += put_chunk(file + end, "IDAT", out, packed);
        end += put_chunk(file + end, "IEND", NULL, 0);
        decode(IMAGE_PNG, file, end, *p);
    }
    free(file);
    free(raw);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[] = "fuzz";
    struct bytes map = {.data = data, .size = size, .path = name};
    struct image_header h;
    struct vs_err err = {0};
    if (image_header_read(&map, &h, &err) != 0 || (int64_t)h.width * h.height > MOST)
        return 0;
    struct pixels p = {.width = h.width, .height = h.height};
    decode(h.kind, data, size, p);
    if (h.kind == IMAGE_PNG)
        decode_repaired(data, size, &p);
    return 0;
}
