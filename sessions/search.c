/* SPDX-License-Identifier: MIT */
/* Typed words as a query for the full-text index. The index's own tokenizer cuts them, so that
 * nothing typed is ever read as syntax. */
#include "sessions/db.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

static fts5_api *find_api(struct log *l)
{
    fts5_api *api = NULL;
    sqlite3_stmt *s = NULL;
    if (db_ready(l, "SELECT fts5(?1)", &s, NULL) != 0)
        return NULL;
    sqlite3_bind_pointer(s, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(s);
    sqlite3_reset(s);
    return api;
}

struct typed {
    struct buf match;
    int end; /* of the last word, in bytes */
};

static int on_token(void *arg, int flags, const char *token, int n, int begin, int end)
{
    struct typed *t = arg;
    (void)begin;
    if (flags & FTS5_TOKEN_COLOCATED)
        return SQLITE_OK;
    buf_puts(&t->match, t->match.len ? " \"" : "\"");
    buf_add(&t->match, token, (size_t)n);
    buf_putc(&t->match, '"');
    t->end = end;
    return SQLITE_OK;
}

static int cut(const fts5_tokenizer *how, void *context, const char *typed, struct typed *t)
{
    const char *options[] = {"remove_diacritics", "2"};
    Fts5Tokenizer *tokenizer = NULL;
    int code = how->xCreate(context, options, 2, &tokenizer);
    if (code == SQLITE_OK) {
        code = how->xTokenize(tokenizer, t, FTS5_TOKENIZE_QUERY, typed, (int)strlen(typed),
                              on_token);
        how->xDelete(tokenizer);
    }
    return code;
}

int search_match(struct log *l, const char *typed, char **out, struct vs_err *err)
{
    fts5_api *api = find_api(l);
    fts5_tokenizer how;
    void *context = NULL;
    struct typed t = {.end = -1};
    *out = NULL;
    if (strlen(typed) > 10000)
        return vs_fail(err, VS_E_LIMIT, "the words to search for have more than 10000 bytes");
    if (!api || api->xFindTokenizer(api, "unicode61", &context, &how) != SQLITE_OK ||
        cut(&how, context, typed, &t) != SQLITE_OK) {
        buf_fini(&t.match);
        return vs_fail(err, VS_E_DB, "%s: this machine's SQLite (%s) has no full-text search "
                       "(FTS5): install one that was built with it", l->path, sqlite3_libversion());
    }
    if (!t.match.len)
        buf_fini(&t.match);
    else if (t.end == (int)strlen(typed))
        buf_puts(&t.match, " *"); /* it may still be being typed */
    *out = t.match.len ? buf_steal(&t.match) : NULL;
    return 0;
}
