/* SPDX-License-Identifier: MIT */
/* Attributions of logged queries: each method, target and setting once. Their numbers are a blob of
 * float32, little-endian, with its SHA-256. */
#include "sessions/columns.h"

#include "src/base/mem.h"
#include "src/formats/byteorder.h"
#include "src/study/attributed.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char doing[] = "writing an attribution";

int log_attribution_check(struct log *l, const struct attribution_record *x, struct vs_err *err)
{
    return x->query ? 0 : vs_fail(err, VS_E_DB, "%s: an attribution of a query that is not logged",
                                  l->path);
}

static int attribution_put(struct log *l, const struct attribution_record *x, struct vs_err *err)
{
    struct column_row row;
    size_t size = attribution_record_count(x) * sizeof *x->numbers;
    int rc = column_begin(l, COLUMN_INSERT("attributions", "query_id, target_index, against_index,"
                                           " data", "?, ?, ?, ?", ATTRIBUTION_COLUMNS)
                             " ON CONFLICT DO NOTHING", &row, err, "iii", x->query,
                          (int64_t)x->target_index, (int64_t)x->against_index);
    if (rc != 0)
        return rc;
    unsigned char *data = xmalloc(size + 1);
    le_copy(data, x->numbers, size / sizeof *x->numbers, sizeof *x->numbers);
    sqlite3_bind_blob64(row.s, row.at++, data, size, SQLITE_STATIC);
    ATTRIBUTION_COLUMNS(COLUMN_PUT)
    rc = db_run(l, row.s, doing, err);
    sqlite3_clear_bindings(row.s);
    free(data);
    return rc;
}

int log_attribution_at(struct log *l, const struct attribution_record *x, struct vs_err *err)
{
    int rc = db_begin(l, doing, err);
    return rc ? rc : db_end(l, attribution_put(l, x, err), doing, err);
}

/* ---- reading: the bytes may be anybody's */

#define MOST_NUMBERS 50000000

static bool attribution_take_numbers(sqlite3_stmt *s, struct attribution_record *x)
{
    const void *data = sqlite3_column_blob(s, 2);
    size_t size = (size_t)sqlite3_column_bytes(s, 2);
    char digest[DIGEST_HEX];
    if (x->tokens > MOST_NUMBERS || x->images > 100000 || x->regions > 100000)
        return false;
    if (x->images > 0 && x->regions > MOST_NUMBERS / x->images) /* also where sizes have 32 bits */
        return false;
    size_t n = attribution_record_count(x);
    if (n > MOST_NUMBERS || size != n * sizeof *x->numbers || !data)
        return false;
    x->numbers = vs_try_calloc(n, sizeof *x->numbers);
    if (!x->numbers)
        return false;
    le_copy(x->numbers, data, n, sizeof *x->numbers);
    attribution_record_digest(x, digest);
    return strcmp(digest, x->digest) == 0;
}

static bool attribution_take(sqlite3_stmt *s, int64_t query, struct attribution_record *x)
{
    struct column_row row = {.s = s, .at = 3, .good = true};
    x->query = query;
    x->target_index = sqlite3_column_int(s, 0);
    x->against_index = sqlite3_column_int(s, 1);
    ATTRIBUTION_COLUMNS(COLUMN_GET)
    return row.good && attribution_take_numbers(s, x);
}

int log_read_attributions(struct log *l, int64_t query, struct attribution_record ***out,
                          int *count, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int code = SQLITE_DONE;
    int rc = db_ready(l, "SELECT target_index, against_index, data"
                         ATTRIBUTION_COLUMNS(COLUMN_NAME) " FROM attributions WHERE query_id = ?"
                         " ORDER BY id", &s, err);
    *out = NULL;
    *count = 0;
    if (rc != 0)
        return rc;
    db_bind(s, "i", query);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct attribution_record *x = xcalloc(1, sizeof *x);
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof(void *));
        (*out)[(*count)++] = x;
        if (!attribution_take(s, query, x))
            rc = vs_fail(err, VS_E_DB, "%s: the attributions of query %" PRId64 " are damaged",
                         l->path, query);
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    if (rc != 0) {
        log_attributions_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

void log_attributions_free(struct attribution_record **list, int count)
{
    for (int i = 0; i < count; i++)
        attribution_record_free(list[i]);
    free(list);
}
