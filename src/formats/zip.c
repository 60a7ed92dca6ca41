/* SPDX-License-Identifier: MIT */
/* Zip archives in memory.
 *
 * Source: PKWARE APPNOTE.TXT 4.3 (end record, central directory, zip64); the local headers are
 * only used to find where a member's data begins, because some writers leave their sizes out. */
#include "src/formats/zip.h"

#include "src/formats/byteorder.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* No deflated byte stands for more. */
#define DEFLATE_MOST 1032
/* A member that is inflated is all in memory. */
#define INFLATE_MOST ((uint64_t)1 << 30)

static int zip_bad(const struct zip *z, struct vs_err *err, const char *what, uint64_t at)
{
    return vs_fail(err, VS_E_FORMAT, "%s: byte %" PRIu64 ": %s: the zip archive is damaged or not "
                   "completely copied", z->map->path, at, what);
}

static bool zip_inside(const struct zip *z, uint64_t at, uint64_t n)
{
    return at <= z->map->size && n <= z->map->size - at;
}

/* The end record is at the end, before a comment of at most 65535 bytes. */
static int find_end(const struct zip *z, uint64_t *at, struct vs_err *err)
{
    uint64_t size = z->map->size, low = size > 65557 ? size - 65557 : 0;
    for (uint64_t i = size >= 22 ? size - 22 : 0; size >= 22; i--) {
        if (memcmp(z->map->data + i, "PK\5\6", 4) == 0) {
            *at = i;
            return 0;
        }
        if (i == low)
            break;
    }
    return zip_bad(z, err, "no end record", size);
}

/* Where the central directory is; zip64 when the small record says so. */
static int find_directory(const struct zip *z, uint64_t *at, uint64_t *count, struct vs_err *err)
{
    const uint8_t *d = z->map->data;
    uint64_t end = 0;
    int rc = find_end(z, &end, err);
    if (rc != 0)
        return rc;
    *count = le_read(d + end + 10, 2);
    *at = le_read(d + end + 16, 4);
    if (end >= 20 && memcmp(d + end - 20, "PK\6\7", 4) == 0) {
        uint64_t far = le_read(d + end - 20 + 8, 8);
        if (!zip_inside(z, far, 56) || memcmp(d + far, "PK\6\6", 4) != 0)
            return zip_bad(z, err, "the zip64 end record is not where it should be", end - 20);
        *count = le_read(d + far + 32, 8);
        *at = le_read(d + far + 48, 8);
    }
    if (!zip_inside(z, *at, 0) || *count > (z->map->size - *at) / 46)
        return zip_bad(z, err, "the central directory is outside the file", end);
    return 0;
}

/* Sizes and offset of 0xffffffff stand in the zip64 extra field, in this order. */
static int read_zip64(const struct zip *z, struct zip_member *m, const uint8_t *extra, size_t len,
                      uint64_t at, struct vs_err *err)
{
    while (len >= 4) {
        size_t n = (size_t)le_read(extra + 2, 2);
        if (n > len - 4)
            break;
        const uint8_t *p = extra + 4, *end = p + n;
        uint64_t *want[] = {&m->size, &m->stored, &m->header};
        for (int i = 0; le_read(extra, 2) == 1 && i < 3; i++)
            if (*want[i] == 0xffffffff) {
                if (end - p < 8)
                    return zip_bad(z, err, "a zip64 field is too short", at);
                *want[i] = le_read(p, 8);
                p += 8;
            }
        extra += 4 + n;
        len -= 4 + n;
    }
    return 0;
}

static int read_member(struct zip *z, uint64_t *at, struct vs_err *err)
{
    const uint8_t *d = z->map->data + *at;
    if (!zip_inside(z, *at, 46) || memcmp(d, "PK\1\2", 4) != 0)
        return zip_bad(z, err, "no central directory entry", *at);
    size_t name = (size_t)le_read(d + 28, 2), extra = (size_t)le_read(d + 30, 2);
    size_t comment = (size_t)le_read(d + 32, 2);
    if (!zip_inside(z, *at + 46, name + extra + comment))
        return zip_bad(z, err, "a central directory entry is cut off", *at);
    struct zip_member *m = &z->list[z->count];
    *m = (struct zip_member){.name = (const char *)d + 46, .name_len = name,
                             .method = (int)le_read(d + 10, 2), .stored = le_read(d + 20, 4),
                             .size = le_read(d + 24, 4), .header = le_read(d + 42, 4),
                             .crc = (uint32_t)le_read(d + 16, 4)};
    if (le_read(d + 8, 2) & 1)
        return vs_fail(err, VS_E_REFUSED, "%s: an encrypted zip archive", z->map->path);
    int rc = read_zip64(z, m, d + 46 + name, extra, *at, err);
    if (rc != 0)
        return rc;
    if (strmap_add(&z->index, m->name, name, z->count) >= 0)
        return zip_bad(z, err, "the same member twice", *at);
    z->count++;
    *at += 46 + name + extra + comment;
    return 0;
}

int zip_open(const struct bytes *map, struct zip *z, struct vs_err *err)
{
    *z = (struct zip){.map = map};
    uint64_t at = 0, count = 0;
    int rc = find_directory(z, &at, &count, err);
    if (rc != 0)
        return rc;
    z->list = xcalloc((size_t)count + 1, sizeof *z->list);
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = read_member(z, &at, err);
    return rc;
}

void zip_close(struct zip *z)
{
    strmap_fini(&z->index);
    free(z->list);
    *z = (struct zip){0};
}

const struct zip_member *zip_find(const struct zip *z, const char *name)
{
    int i = strmap_get(&z->index, name, strlen(name));
    return i < 0 ? NULL : &z->list[i];
}

static int zip_shown(const struct zip_member *m)
{
    return m->name_len > 100 ? 100 : (int)m->name_len;
}

int zip_bytes(const struct zip *z, const struct zip_member *m, const uint8_t **out,
              struct vs_err *err)
{
    const uint8_t *d = z->map->data;
    if (!zip_inside(z, m->header, 30) || memcmp(d + m->header, "PK\3\4", 4) != 0)
        return zip_bad(z, err, "a member is not where the directory says", m->header);
    uint64_t at = m->header + 30;
    at += le_read(d + m->header + 26, 2) + le_read(d + m->header + 28, 2);
    if ((m->method == 0 && m->stored != m->size) || !zip_inside(z, at, m->stored))
        return vs_fail(err, VS_E_FORMAT,
                       "%s: member '%.*s' of %" PRIu64 " bytes at byte %" PRIu64
                       " reaches beyond the end of the file (%zu)",
                       z->map->path, zip_shown(m), m->name, m->size, at, z->map->size);
    *out = d + at;
    return 0;
}

/* All of the data must become exactly the bytes that the directory promises. */
static bool zip_inflate_all(const uint8_t *from, uint64_t stored, uint8_t *to, uint64_t size)
{
    z_stream s = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)stored, .next_out = to,
                  .avail_out = (uInt)size};
    if (inflateInit2(&s, -MAX_WBITS) != Z_OK)
        return false;
    int rc = inflate(&s, Z_FINISH);
    bool good = rc == Z_STREAM_END && s.avail_out == 0 && s.avail_in == 0;
    inflateEnd(&s);
    return good;
}

static int check_method(const struct zip *z, const struct zip_member *m, struct vs_err *err)
{
    if (m->method != 0 && m->method != 8)
        return vs_fail(err, VS_E_REFUSED, "%s: member '%.*s' is compressed by method %d: only "
                       "deflate is read", z->map->path, zip_shown(m), m->name, m->method);
    if (m->size > INFLATE_MOST || m->stored > INFLATE_MOST)
        return vs_fail(err, VS_E_LIMIT, "%s: member '%.*s' has %" PRIu64 " bytes, more than %"
                       PRIu64, z->map->path, zip_shown(m), m->name, m->size, INFLATE_MOST);
    if (m->method == 8 && m->size / DEFLATE_MOST > m->stored)
        return vs_fail(err, VS_E_FORMAT, "%s: member '%.*s' cannot have %" PRIu64 " bytes, of %"
                       PRIu64 " compressed ones", z->map->path, zip_shown(m), m->name, m->size,
                       m->stored);
    return 0;
}

int zip_read(const struct zip *z, const struct zip_member *m, uint8_t **out, struct vs_err *err)
{
    const uint8_t *data = NULL;
    int rc = check_method(z, m, err);
    if (rc == 0)
        rc = zip_bytes(z, m, &data, err);
    if (rc != 0)
        return rc;
    uint8_t *copy = vs_try_calloc((size_t)m->size + 1, 1);
    if (!copy)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for member '%.*s' of %" PRIu64 " bytes",
                       z->map->path, zip_shown(m), m->name, m->size);
    bool good = m->method == 8 ? zip_inflate_all(data, m->stored, copy, m->size) : true;
    if (m->method == 0)
        memcpy(copy, data, (size_t)m->size);
    if (!good || crc32(0, copy, (uInt)m->size) != m->crc) {
        free(copy);
        return vs_fail(err, VS_E_FORMAT, "%s: member '%.*s' is damaged: its checksum is wrong",
                       z->map->path, zip_shown(m), m->name);
    }
    *out = copy;
    return 0;
}
