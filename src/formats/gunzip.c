/* SPDX-License-Identifier: MIT */
/* Text files that may be compressed by gzip. Source: RFC 1952. */
#include "src/formats/gunzip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GUNZIP_MOST ((size_t)1 << 30)

struct inflated {
    uint8_t *data;
    size_t size, cap;
};

/* Twice the room; false when there is no more, or when no text is so long. */
static bool grow(struct inflated *t)
{
    size_t cap = t->cap ? 2 * t->cap : 1 << 16;
    uint8_t *p = cap > GUNZIP_MOST ? NULL : realloc(t->data, cap);
    if (!p)
        return false;
    t->data = p;
    t->cap = cap;
    return true;
}

/* One part of the file after the other: they may be put together with cat. */
static int inflate_parts(z_stream *s, const struct bytes *map, struct inflated *t,
                         struct vs_err *err)
{
    s->next_in = (Bytef *)(uintptr_t)map->data;
    s->avail_in = (uInt)map->size;
    for (;;) {
        if (t->size == t->cap && !grow(t))
            return vs_fail(err, VS_E_LIMIT, "%s: more than %zu bytes when decompressed: "
                           "unpack it", map->path, t->cap);
        s->next_out = t->data + t->size;
        s->avail_out = (uInt)(t->cap - t->size);
        int rc = inflate(s, Z_NO_FLUSH);
        t->size = t->cap - s->avail_out;
        if (rc == Z_STREAM_END && s->avail_in == 0)
            return 0;
        if (rc == Z_STREAM_END)
            rc = inflateReset(s);
        if ((rc != Z_OK && rc != Z_BUF_ERROR) || (s->avail_in == 0 && s->avail_out > 0))
            return vs_fail(err, VS_E_FORMAT, "%s: compressed by gzip, and damaged or cut off",
                           map->path);
    }
}

static int inflate_all(const struct bytes *map, struct inflated *t, struct vs_err *err)
{
    z_stream s = {.zalloc = NULL};
    if (map->size > GUNZIP_MOST)
        return vs_fail(err, VS_E_LIMIT, "%s: %zu bytes compressed by gzip: unpack it", map->path,
                       map->size);
    if (inflateInit2(&s, 16 + MAX_WBITS) != Z_OK)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory to unpack it", map->path);
    int rc = inflate_parts(&s, map, t, err);
    inflateEnd(&s);
    return rc;
}

/* What was opened, or what it is when it is unpacked. */
static int unpack(struct bytes map, struct bytes *out, struct vs_err *err)
{
    struct inflated t = {0};
    int rc;
    *out = map;
    if (map.size < 2 || memcmp(map.data, "\x1f\x8b", 2) != 0)
        return 0;
    rc = bytes_check(&map, inflate_all(&map, &t, err), err);
    *out = (struct bytes){.data = t.data, .size = t.size, .id = map.id};
    if (rc == 0) {
        out->path = map.path;
        map.path = NULL;
    } else {
        free(t.data);
        *out = (struct bytes){0};
    }
    bytes_close(&map);
    return rc;
}

int gunzip_open(const char *path, struct bytes *out, struct vs_err *err)
{
    struct bytes map;
    int rc = bytes_open(path, &map, err);
    return rc ? rc : unpack(map, out, err);
}

int gunzip_map(const char *path, struct bytes *out, struct vs_err *err)
{
    struct bytes map;
    int rc = bytes_map(path, &map, err);
    return rc ? rc : unpack(map, out, err);
}
