/* SPDX-License-Identifier: MIT */
/* Attention maps in the log: half precision, little-endian, compressed by zlib. */
#include "sessions/db.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- half precision; weights are from 0 to 1, but any number is kept as well as it can be */

static uint16_t to_half(float f)
{
    uint32_t x;
    memcpy(&x, &f, sizeof x);
    uint32_t sign = x >> 16 & 0x8000, mantissa = x & 0x7fffff;
    int exponent = (int)(x >> 23 & 0xff) - 127 + 15;
    if (exponent >= 31) /* too large, infinite, or no number */
        return (uint16_t)(sign | 0x7c00 | ((x & 0x7fffffff) > 0x7f800000 ? 0x200 : 0));
    if (exponent < -10)
        return (uint16_t)sign;
    int shift = 13;
    if (exponent <= 0) { /* subnormal: the leading 1 is written out */
        mantissa |= 0x800000;
        shift = 14 - exponent;
        exponent = 0;
    }
    uint32_t rest = mantissa & ((1u << shift) - 1), middle = 1u << (shift - 1);
    uint32_t half = (uint32_t)exponent << 10 | mantissa >> shift;
    half += rest > middle || (rest == middle && (half & 1)); /* to the nearest, ties to even */
    return (uint16_t)(sign | half);
}

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    uint32_t x = sign | (exponent + 112) << 23 | mantissa << 13;
    float f;
    if (exponent == 0) {
        f = (float)mantissa / 16777216.0f;
        return sign ? -f : f;
    }
    if (exponent == 31)
        x = sign | 0x7f800000 | mantissa << 13;
    memcpy(&f, &x, sizeof f);
    return f;
}

/* *out, to be freed: the packed bytes. */
static int attention_pack(const struct trace_tensor *x, unsigned char **out, uLongf *size,
                          struct vs_err *err)
{
    size_t n = trace_numbers(x);
    unsigned char *raw = xmalloc(2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        uint16_t h = to_half(x->data[i]);
        raw[2 * i] = (unsigned char)(h & 0xff);
        raw[2 * i + 1] = (unsigned char)(h >> 8);
    }
    *size = compressBound((uLong)(2 * n));
    *out = xmalloc(*size);
    int code = compress2(*out, size, raw, (uLong)(2 * n), Z_DEFAULT_COMPRESSION);
    free(raw);
    return code == Z_OK ? 0 : vs_fail(err, VS_E_LIMIT, "attention maps cannot be compressed");
}

/* ---- writing */

static int write_map(struct log *l, int64_t query, const struct trace_tensor *x, int64_t limit,
                     struct log_attention_size *size, struct vs_err *err)
{
    unsigned char *packed = NULL;
    uLongf n = 0;
    sqlite3_stmt *s = NULL;
    char shape[96], name[TRACE_NAME];
    int rc = attention_pack(x, &packed, &n, err);
    snprintf(shape, sizeof shape, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, x->shape[0],
             x->shape[1], x->shape[2], x->shape[3]);
    size->maps++;
    size->raw += 2 * (int64_t)trace_numbers(x);
    size->packed += (int64_t)n;
    if (rc == 0 && size->packed > limit)
        rc = vs_fail(err, VS_E_LIMIT, "the attention maps take more than %.1f MB: they are not "
                     "logged; raise the limit", (double)limit / 1e6);
    if (rc == 0)
        rc = db_ready(l, "INSERT INTO attention(query_id, name, shape, bytes, data) VALUES(?, ?, ?,"
                         " ?, ?)", &s, err);
    if (rc == 0) {
        db_bind(s, "issi", query, trace_name(x->at, name), shape, 2 * (int64_t)trace_numbers(x));
        sqlite3_bind_blob64(s, 5, packed, n, SQLITE_STATIC);
        rc = db_run(l, s, "writing attention maps", err);
        sqlite3_clear_bindings(s);
    }
    free(packed);
    return rc;
}

static bool is_map(const struct trace_tensor *x)
{
    return x->at.kind == TRACE_MAP && x->ndim == 4;
}

int log_attention(struct log *l, int64_t query, const struct trace *t, int64_t limit,
                  struct log_attention_size *size, struct vs_err *err)
{
    static const char doing[] = "writing attention maps";
    struct log_attention_size sum = {0};
    int rc = db_begin(l, doing, err);
    if (rc != 0)
        return rc;
    rc = db_do(l, "DELETE FROM attention WHERE query_id = ?", doing, err, "i", query);
    for (int i = 0; t && i < t->count && rc == 0; i++)
        if (is_map(&t->tensors[i]))
            rc = write_map(l, query, &t->tensors[i], limit, &sum, err);
    if (rc == 0 && sum.maps == 0)
        rc = vs_fail(err, VS_E_MISSING, "there are no attention maps to log");
    rc = db_end(l, rc, doing, err);
    if (rc == 0 && size)
        *size = sum;
    return rc;
}

/* ---- reading: the bytes may be anybody's */

static int attention_damaged(struct log *l, int64_t query, struct vs_err *err)
{
    return vs_fail(err, VS_E_DB, "%s: the attention maps of query %" PRId64 " are damaged", l->path,
                   query);
}

static bool attention_read_shape(const char *text, struct trace_tensor *x, size_t *n)
{
    *n = 1;
    x->ndim = 4;
    if (!text || sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &x->shape[0],
                        &x->shape[1], &x->shape[2], &x->shape[3]) != 4)
        return false;
    for (int i = 0; i < 4; i++) {
        if (x->shape[i] < 1 || x->shape[i] > 100000)
            return false;
        *n *= (size_t)x->shape[i];
        if (*n > 1u << 30)
            return false;
    }
    return true;
}

/* zlib packs 1032 bytes into one at most: what claims more is not asked memory for. */
static bool attention_unpack(sqlite3_stmt *s, struct trace_tensor *x, size_t n)
{
    const void *packed = sqlite3_column_blob(s, 2);
    if (2 * n > 1032 * (size_t)sqlite3_column_bytes(s, 2) + 64)
        return false;
    uLongf size = (uLongf)(2 * n);
    unsigned char *raw = vs_try_calloc(n, 2);
    x->data = vs_try_calloc(n, sizeof *x->data);
    bool good = packed && raw && x->data &&
                uncompress(raw, &size, packed, (uLong)sqlite3_column_bytes(s, 2)) == Z_OK &&
                size == 2 * n;
    for (size_t i = 0; good && i < n; i++)
        x->data[i] = from_half((uint16_t)(raw[2 * i] | raw[2 * i + 1] << 8));
    free(raw);
    return good;
}

/* Rows of a map of one kind are all there are; where they are of both, the log knows how many are
 * tokens. */
static bool take_size(struct trace *t, const struct trace_tensor *x, int tokens)
{
    enum net_stream from = attn_table[x->at.site].from;
    int rows = (int)x->shape[2];
    bool both = stream_table[from].tokens && stream_table[from].regions;
    if (stream_table[from].tokens)
        t->tokens = both ? tokens : rows;
    if (stream_table[from].regions)
        t->regions = both ? rows - tokens : rows;
    return t->regions >= 0;
}

static bool take_map(sqlite3_stmt *s, struct trace *t)
{
    const char *name = (const char *)sqlite3_column_text(s, 0);
    size_t n;
    t->tensors = xreallocarray(t->tensors, (size_t)t->count + 1, sizeof *t->tensors);
    struct trace_tensor *x = &t->tensors[t->count++];
    *x = (struct trace_tensor){0};
    if (!name || !trace_at_parse(name, &x->at) || x->at.kind != TRACE_MAP ||
        !attention_read_shape((const char *)sqlite3_column_text(s, 1), x, &n) ||
        !attention_unpack(s, x, n))
        return false;
    t->batch = (int)x->shape[0];
    return take_size(t, x, sqlite3_column_int(s, 3));
}

int log_attention_read(struct log *l, int64_t query, struct trace **out, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT name, shape, data, (SELECT count(*) FROM tokens WHERE query_id ="
                      " ?1) FROM attention WHERE query_id = ?1 ORDER BY id", &s, err);
    int code = SQLITE_DONE;
    if (rc != 0)
        return rc;
    struct trace *t = xcalloc(1, sizeof *t);
    db_bind(s, "i", query);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW)
        rc = take_map(s, t) ? 0 : attention_damaged(l, query, err);
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    if (rc == 0 && t->count == 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: query %" PRId64 " has no attention maps in the log",
                     l->path, query);
    if (rc == 0)
        *out = t;
    else
        trace_free(t);
    return rc;
}

int log_attention_size(struct log *l, int64_t query, struct log_attention_size *size,
                       struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(length(data)), 0)"
                         " FROM attention WHERE query_id = ?", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", query);
    if (sqlite3_step(s) == SQLITE_ROW)
        *size = (struct log_attention_size){sqlite3_column_int(s, 0), sqlite3_column_int64(s, 1),
                                            sqlite3_column_int64(s, 2)};
    else
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}
