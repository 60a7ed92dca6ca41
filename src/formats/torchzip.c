/* PyTorch's format since 1.6: a zip archive with one pickle and a member per storage, not
 * compressed, so that storages are used in place.
 *
 * Source: PKWARE APPNOTE.TXT 4.3 (end record, central directory, zip64); the local headers are
 * only used to find where a member's data begins, because torch leaves their sizes out. */
#include "src/formats/tensorfile_priv.h"

#include "src/formats/byteorder.h"
#include "src/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct member {
    const char *name; /* in the map */
    size_t name_len;
    int method;
    uint64_t stored, size, header;
};

struct zip {
    struct tensorfile *f;
    struct member *list;
    int count;
    struct strmap index;
    char *folder; /* "archive/", what stands before data.pkl */
};

static int bad(const struct zip *z, struct vs_err *err, const char *what, uint64_t at)
{
    return vs_fail(err, VS_E_FORMAT, "%s: byte %" PRIu64 ": %s: the zip archive is damaged or not "
                   "completely copied", z->f->map.path, at, what);
}

static bool inside(const struct zip *z, uint64_t at, uint64_t n)
{
    return at <= z->f->map.size && n <= z->f->map.size - at;
}

/* The end record is at the end, before a comment of at most 65535 bytes. */
static int find_end(const struct zip *z, uint64_t *at, struct vs_err *err)
{
    uint64_t size = z->f->map.size, low = size > 65557 ? size - 65557 : 0;
    for (uint64_t i = size >= 22 ? size - 22 : 0; size >= 22; i--) {
        if (memcmp(z->f->map.data + i, "PK\5\6", 4) == 0) {
            *at = i;
            return 0;
        }
        if (i == low)
            break;
    }
    return bad(z, err, "no end record", size);
}

/* Where the central directory is; zip64 when the small record says so. */
static int find_directory(const struct zip *z, uint64_t *at, uint64_t *count, struct vs_err *err)
{
    const uint8_t *d = z->f->map.data;
    uint64_t end = 0;
    int rc = find_end(z, &end, err);
    if (rc != 0)
        return rc;
    *count = le_read(d + end + 10, 2);
    *at = le_read(d + end + 16, 4);
    if (end >= 20 && memcmp(d + end - 20, "PK\6\7", 4) == 0) {
        uint64_t far = le_read(d + end - 20 + 8, 8);
        if (!inside(z, far, 56) || memcmp(d + far, "PK\6\6", 4) != 0)
            return bad(z, err, "the zip64 end record is not where it should be", end - 20);
        *count = le_read(d + far + 32, 8);
        *at = le_read(d + far + 48, 8);
    }
    if (!inside(z, *at, 0) || *count > (z->f->map.size - *at) / 46)
        return bad(z, err, "the central directory is outside the file", end);
    return 0;
}

/* Sizes and offset of 0xffffffff stand in the zip64 extra field, in this order. */
static int read_zip64(const struct zip *z, struct member *m, const uint8_t *extra, size_t len,
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
                    return bad(z, err, "a zip64 field is too short", at);
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
    const uint8_t *d = z->f->map.data + *at;
    if (!inside(z, *at, 46) || memcmp(d, "PK\1\2", 4) != 0)
        return bad(z, err, "no central directory entry", *at);
    size_t name = (size_t)le_read(d + 28, 2), extra = (size_t)le_read(d + 30, 2);
    size_t comment = (size_t)le_read(d + 32, 2);
    if (!inside(z, *at + 46, name + extra + comment))
        return bad(z, err, "a central directory entry is cut off", *at);
    struct member *m = &z->list[z->count];
    *m = (struct member){.name = (const char *)d + 46, .name_len = name,
                         .method = (int)le_read(d + 10, 2), .stored = le_read(d + 20, 4),
                         .size = le_read(d + 24, 4), .header = le_read(d + 42, 4)};
    if (le_read(d + 8, 2) & 1)
        return vs_fail(err, VS_E_REFUSED, "%s: an encrypted zip archive", z->f->map.path);
    int rc = read_zip64(z, m, d + 46 + name, extra, *at, err);
    if (rc != 0)
        return rc;
    if (strmap_add(&z->index, m->name, name, z->count) >= 0)
        return bad(z, err, "the same member twice", *at);
    z->count++;
    *at += 46 + name + extra + comment;
    return 0;
}

static int read_directory(struct zip *z, struct vs_err *err)
{
    uint64_t at = 0, count = 0;
    int rc = find_directory(z, &at, &count, err);
    if (rc != 0)
        return rc;
    z->list = xcalloc((size_t)count + 1, sizeof *z->list);
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = read_member(z, &at, err);
    return rc;
}

static int member_data(const struct zip *z, const struct member *m, const uint8_t **out,
                       struct vs_err *err)
{
    const uint8_t *d = z->f->map.data;
    int shown = m->name_len > 100 ? 100 : (int)m->name_len;
    if (m->method != 0)
        return vs_fail(err, VS_E_REFUSED, "%s: member '%.*s' is compressed, which PyTorch never "
                       "does: unpack and pack it without compression", z->f->map.path, shown,
                       m->name);
    if (!inside(z, m->header, 30) || memcmp(d + m->header, "PK\3\4", 4) != 0)
        return bad(z, err, "a member is not where the directory says", m->header);
    uint64_t at = m->header + 30;
    at += le_read(d + m->header + 26, 2) + le_read(d + m->header + 28, 2);
    if (m->stored != m->size || !inside(z, at, m->size))
        return vs_fail(err, VS_E_FORMAT, "%s: member '%.*s' of %" PRIu64 " bytes at byte %" PRIu64
                       " reaches beyond the end of the file (%zu)", z->f->map.path, shown, m->name,
                       m->size, at, z->f->map.size);
    *out = d + at;
    return 0;
}

/* The pickle decides the archive's folder: "NAME/data.pkl". */
static const struct member *find_pickle(struct zip *z)
{
    for (int i = 0; i < z->count; i++) {
        const struct member *m = &z->list[i];
        size_t n = m->name_len;
        if (n < 8 || memcmp(m->name + n - 8, "data.pkl", 8) != 0 ||
            (n > 8 && memchr(m->name, '/', n) != m->name + n - 9))
            continue;
        z->folder = xstrndup(m->name, n - 8);
        return m;
    }
    return NULL;
}

static const struct member *find_member(const struct zip *z, const char *name)
{
    char *full = xasprintf("%s%s", z->folder, name);
    int i = strmap_get(&z->index, full, strlen(full));
    free(full);
    return i < 0 ? NULL : &z->list[i];
}

static int check_byte_order(const struct zip *z, struct vs_err *err)
{
    const struct member *m = find_member(z, "byteorder");
    const uint8_t *d = NULL;
    if (!m)
        return 0;
    int rc = member_data(z, m, &d, err);
    if (rc == 0 && (m->size < 6 || memcmp(d, "little", 6) != 0))
        rc = vs_fail(err, VS_E_REFUSED, "%s: written on a big-endian machine", z->f->map.path);
    return rc;
}

static int resolve(void *arg, const struct torch_storage_ref *ref, struct storage *out,
                   struct vs_err *err)
{
    const struct zip *z = arg;
    int shown = ref->key_len > 100 ? 100 : (int)ref->key_len;
    char *name = xasprintf("data/%.*s", shown, (const char *)ref->key);
    const struct member *m = ref->key_len > 100 ? NULL : find_member(z, name);
    free(name);
    if (!m)
        return vs_fail(err, VS_E_FORMAT, "%s: storage '%.*s' is not in the archive",
                       z->f->map.path, shown, (const char *)ref->key);
    const uint8_t *data = NULL;
    int rc = member_data(z, m, &data, err);
    if (rc != 0)
        return rc;
    uint64_t size = dtype_size(ref->dtype);
    if ((uint64_t)ref->elements > m->size / size)
        return vs_fail(err, VS_E_FORMAT, "%s: storage '%.*s' should have %" PRId64 " elements of "
                       "%s, but its member has %" PRIu64 " bytes", z->f->map.path, shown,
                       (const char *)ref->key, ref->elements, dtype_name(ref->dtype), m->size);
    *out = (struct storage){.data = data, .bytes = (uint64_t)ref->elements * size,
                            .dtype = ref->dtype, .number = (uint64_t)(m - z->list)};
    return 0;
}

static int read_pickle(struct zip *z, const struct member *m, struct vs_err *err)
{
    const uint8_t *data = NULL;
    int rc = member_data(z, m, &data, err);
    if (rc != 0)
        return rc;
    struct pickle *p = NULL;
    char *name = xasprintf("%s: %sdata.pkl", z->f->map.path, z->folder);
    rc = pickle_load(data, (size_t)m->size, torch_allowed, name, &p, NULL, err);
    free(name);
    if (rc == 0)
        rc = torch_collect(z->f, pickle_root(p), resolve, z, err);
    pickle_free(p);
    return rc;
}

int torch_zip_read(struct tensorfile *f, struct vs_err *err)
{
    struct zip z = {.f = f};
    f->format = "PyTorch zip";
    int rc = read_directory(&z, err);
    const struct member *m = rc == 0 ? find_pickle(&z) : NULL;
    if (rc == 0 && !m)
        rc = vs_fail(err, VS_E_FORMAT, "%s: a zip archive without data.pkl: not a PyTorch "
                     "checkpoint", f->map.path);
    if (rc == 0)
        rc = check_byte_order(&z, err);
    if (rc == 0)
        rc = read_pickle(&z, m, err);
    strmap_fini(&z.index);
    free(z.list);
    free(z.folder);
    return rc;
}
