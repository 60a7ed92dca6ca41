/* SPDX-License-Identifier: MIT */
/* PNG: what stb_image does not look at is checked first, so that every version of it gives the
 * same: checksums, the end of the file, and the length of the compressed pixels.
 *
 * Source: PNG specification, sections 5 (chunks), 7 (filters), 8 (interlace), 10 (compression). */
#include "src/formats/image_priv.h"

#include <string.h>

#include <zlib.h>

struct chunk {
    const uint8_t *data;
    uint32_t len;
    char type[5];
};

/* The chunk at byte *at, which goes on to the next one. */
static bool next_chunk(const uint8_t *d, size_t size, size_t *at, struct chunk *c,
                       struct pixels *p)
{
    if (*at > size || size - *at < 12)
        return pixels_fail(p, "the file ends early");
    c->len = image_be(d + *at, 4);
    c->data = d + *at + 8;
    memcpy(c->type, d + *at + 4, 4);
    c->type[4] = '\0';
    for (int i = 0; i < 4; i++)
        if (((unsigned)c->type[i] | 32u) - 'a' > 25u)
            return pixels_fail(p, "a chunk without a name at byte %zu", *at);
    if (c->len > size - *at - 12)
        return pixels_fail(p, "the file ends early, in its chunk %s", c->type);
    if (crc32(crc32(0, NULL, 0), d + *at + 4, c->len + 4) != image_be(c->data + c->len, 4))
        return pixels_fail(p, "the checksum of its chunk %s is wrong", c->type);
    *at += (size_t)c->len + 12;
    return true;
}

/* Bytes of a picture or a pass of it, filters included. */
static size_t bytes_of(size_t width, size_t height, size_t bits)
{
    return width && height ? height * (1 + (width * bits + 7) / 8) : 0;
}

size_t png_expected_bytes(const uint8_t *ihdr, const struct pixels *p)
{
    static const uint8_t channels[7] = {1, 0, 3, 1, 2, 0, 4};
    static const uint8_t x0[7] = {0, 4, 0, 2, 0, 1, 0}, dx[7] = {8, 8, 4, 4, 2, 2, 1};
    static const uint8_t y0[7] = {0, 0, 4, 0, 2, 0, 1}, dy[7] = {8, 8, 8, 4, 4, 2, 2};
    size_t w = (size_t)p->width, h = (size_t)p->height, n = 0;
    size_t bits = ihdr[9] < 7 ? (size_t)ihdr[8] * channels[ihdr[9]] : 0;
    if (!ihdr[12])
        return bytes_of(w, h, bits);
    for (int i = 0; i < 7; i++)
        n += bytes_of((w + dx[i] - 1 - x0[i]) / dx[i], (h + dy[i] - 1 - y0[i]) / dy[i], bits);
    return n;
}

/* The compressed pixels so far: thrown away, but counted. */
struct unpacking {
    z_stream z;
    size_t expected, have;
    bool begun, ended;
};

static bool unpack(struct unpacking *u, const struct chunk *c, struct pixels *p)
{
    uint8_t sink[32768];
    if (!u->begun && c->len == 0)
        return pixels_fail(p, "its pixels begin with an empty chunk");
    u->begun = true;
    u->z.next_in = (Bytef *)(uintptr_t)c->data;
    u->z.avail_in = c->len;
    while (!u->ended) {
        u->z.next_out = sink;
        u->z.avail_out = sizeof sink;
        int code = inflate(&u->z, Z_NO_FLUSH);
        u->have += sizeof sink - u->z.avail_out;
        u->ended = code == Z_STREAM_END;
        if (u->have > u->expected)
            return pixels_fail(p, "it holds more than its pixels");
        if (code == Z_BUF_ERROR || (code == Z_OK && u->z.avail_in == 0 && u->z.avail_out))
            return true; /* the next chunk goes on */
        if (code != Z_OK && code != Z_STREAM_END)
            return pixels_fail(p, "its compressed pixels are damaged (%s)",
                               u->z.msg ? u->z.msg : "zlib");
    }
    return true;
}

static bool check_chunks(const uint8_t *data, size_t size, struct unpacking *u, struct pixels *p)
{
    struct chunk c;
    size_t at = 8;
    do {
        if (!next_chunk(data, size, &at, &c, p))
            return false;
        if (strcmp(c.type, "IDAT") == 0 && !unpack(u, &c, p))
            return false;
    } while (strcmp(c.type, "IEND") != 0);
    if (!u->ended || u->have < u->expected)
        return pixels_fail(p, "it holds only %zu of %zu bytes of its pixels", u->have,
                           u->expected);
    return true;
}

bool decode_png(const uint8_t *data, size_t size, struct pixels *p)
{
    struct unpacking u = {.ended = false};
    if (size < 33)
        return pixels_fail(p, "the file ends early");
    u.expected = png_expected_bytes(data + 16, p);
    if (inflateInit(&u.z) != Z_OK)
        return pixels_fail(p, "no memory");
    bool good = check_chunks(data, size, &u, p);
    inflateEnd(&u.z);
    if (good && data[24] == 16 && data[25] == 0)
        return stb_decode_gray16(data, size, p);
    return good && stb_decode(data, size, p);
}
