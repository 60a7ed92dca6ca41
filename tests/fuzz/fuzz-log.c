/* SPDX-License-Identifier: MIT */
/* What comes into the log from outside: typed words, which must never be an error, and attention
 * maps of a log that somebody else wrote. */
#include "sessions/db.h"
#include "src/base/mem.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static struct log *open_one(void)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    char path[] = "/tmp/fuzz-log-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0 || log_open(path, false, &l, &err) != 0)
        abort();
    unlink(path);
    sqlite3_exec(l->db, "PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF; PRAGMA "
                 "journal_mode=MEMORY", NULL, NULL, NULL);
    return l;
}

static void search(struct log *l, const uint8_t *data, size_t size)
{
    struct log_query *list = NULL;
    int count = 0;
    char *text = xstrndup((const char *)data, size < 9000 ? size : 9000);
    struct vs_err err = {0};
    if (log_list_queries(l, 0, text, 10, &list, &count, &err) != 0)
        abort();
    log_queries_free(list, count);
    free(text);
}

/* The first line is the shape, what follows the packed map. */
static void read_map(struct log *l, const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t n = end ? (size_t)(end - data) : size;
    sqlite3_stmt *s = NULL;
    struct trace *t = NULL;
    struct vs_err err = {0};
    sqlite3_exec(l->db, "DELETE FROM attention", NULL, NULL, NULL);
    if (sqlite3_prepare_v2(l->db, "INSERT INTO attention(query_id, name, shape, bytes, data)"
                           " VALUES(1, 'attn.t.0', ?, 0, ?)", -1, &s, NULL) != SQLITE_OK)
        abort();
    sqlite3_bind_text(s, 1, (const char *)data, (int)n, SQLITE_STATIC);
    sqlite3_bind_blob(s, 2, end ? (const char *)end + 1 : "", end ? (int)(size - n - 1) : 0,
                      SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_DONE)
        abort();
    sqlite3_finalize(s);
    if (log_attention_read(l, 1, &t, &err) == 0)
        trace_free(t);
    else if (!err.text[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct log *l;
    if (!l)
        l = open_one();
    if (size == 0 || size > 1 << 20)
        return 0;
    search(l, data, size);
    read_map(l, data, size);
    return 0;
}
