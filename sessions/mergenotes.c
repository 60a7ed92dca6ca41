/* SPDX-License-Identifier: MIT */
/* Notes of a query in two logs. Each log knows what its note said before: what the other one says
 * and this one said once is the older one, whatever the clocks of the machines were. Where both
 * were edited, both are kept in one note, in an order that does not depend on who merges. */
#include "sessions/mergenotes.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BETWEEN " | also: "

struct note {
    char *text, *written; /* NULL: there is none */
};

static void note_fini(struct note *n)
{
    free(n->text);
    free(n->written);
}

static int read_note(struct log *l, int64_t query, struct note *n, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    *n = (struct note){0};
    int rc = db_ready(l, "SELECT note, written FROM notes WHERE query_id = ?", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", query);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        *n = (struct note){db_need(s, 0), db_need(s, 1)};
    else if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

/* Whether l's note of the query said this once. */
static int said_once(struct log *l, int64_t query, const char *text, bool *said,
                     struct vs_err *err)
{
    int64_t one;
    *said = false;
    if (!text)
        return 0;
    int rc = db_find(l, "SELECT 1 FROM old_notes WHERE query_id = ? AND note = ?", &one, err, "is",
                     query, text);
    *said = rc == 0;
    return rc == VS_E_MISSING ? 0 : rc;
}

/* ---- both in one */

struct parts {
    char **list;
    int count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The notes that text was joined of. */
static void add_parts(struct parts *p, const char *text)
{
    while (text) {
        const char *end = strstr(text, BETWEEN);
        p->list = xreallocarray(p->list, (size_t)p->count + 1, sizeof *p->list);
        p->list[p->count++] = end ? xstrndup(text, (size_t)(end - text)) : xstrdup(text);
        text = end ? end + strlen(BETWEEN) : NULL;
    }
}

/* Each part of both once, in the order of their bytes. */
static char *notes_join(const char *a, const char *b)
{
    struct parts p = {0};
    struct buf out = {0};
    add_parts(&p, a);
    add_parts(&p, b);
    vs_sort(p.list, (size_t)p.count, sizeof *p.list, by_text);
    for (int i = 0; i < p.count; i++)
        if (i == 0 || strcmp(p.list[i], p.list[i - 1]) != 0) {
            buf_puts(&out, i ? BETWEEN : "");
            buf_puts(&out, p.list[i]);
        }
    for (int i = 0; i < p.count; i++)
        free(p.list[i]);
    free(p.list);
    return buf_steal(&out);
}

/* ---- which it is */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What the note is after the merge; NULL: none. here, there: whether this log's (the other's) note
 * said the other one's text once. */
static char *notes_decide(const struct note *a, const struct note *b, bool here, bool there,
                          bool *joined)
{
    if (same_text(a->text, b->text) || (!b->text && !there) || (b->text && here && !there))
        return xstrdup_null(a->text);
    if (!b->text || (!a->text && !here) || (there && !here))
        return xstrdup_null(b->text);
    char *both = notes_join(a->text, b->text);
    *joined = true;
    return both;
}

/* A time only tells people; one of a wrong clock, which is yet to come, gives way. */
static int write_note(struct log *into, int64_t query, const char *text, const char *written,
                      struct vs_err *err)
{
    if (!text)
        return db_do(into, "DELETE FROM notes WHERE query_id = ?", "merging", err, "i", query);
    return db_do(into, "INSERT INTO notes(query_id, written, note) VALUES(?1, min(coalesce(?2, ''),"
                       " " LOG_NOW "), ?3) ON CONFLICT(query_id) DO UPDATE SET written ="
                       " min(max(written, coalesce(?2, '')), " LOG_NOW "), note = ?3", "merging",
                 err, "iss", query, written, text);
}

/* What the other log's note said once, and says no more. */
static int add_old(struct log *into, struct log *from, int64_t query, int64_t other,
                   const struct note *b, struct vs_err *err)
{
    static const char add[] =
        "INSERT OR IGNORE INTO old_notes SELECT ?1, ?2 WHERE ?2 IS NOT NULL AND NOT EXISTS (SELECT"
        " 1 FROM notes WHERE query_id = ?1 AND note = ?2)";
    sqlite3_stmt *s = NULL;
    int code = SQLITE_DONE, rc = db_do(into, add, "merging", err, "is", query, b->text);
    if (rc == 0)
        rc = db_ready(from, "SELECT note FROM old_notes WHERE query_id = ?", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", other);
    while (rc == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
        char *text = db_need(s, 0);
        rc = db_do(into, add, "merging", err, "is", query, text);
        free(text);
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = db_fail(from, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static int notes_settle(struct log *into, struct log *from, int64_t query, int64_t other,
                        const struct note *a, const struct note *b, struct log_merged *count,
                        struct vs_err *err)
{
    bool here, there, joined = false;
    int rc = said_once(into, query, b->text, &here, err);
    if (rc == 0)
        rc = said_once(from, other, a->text, &there, err);
    if (rc != 0)
        return rc;
    char *text = notes_decide(a, b, here, there, &joined);
    if (!same_text(text, a->text)) {
        rc = write_note(into, query, text, b->written, err);
        count->notes += rc == 0;
        count->joined += rc == 0 && joined;
    }
    free(text);
    return rc ? rc : add_old(into, from, query, other, b, err);
}

int mergenotes(struct log *into, struct log *from, int64_t query, int64_t other,
               struct log_merged *count, struct vs_err *err)
{
    struct note a = {0}, b = {0};
    int rc = read_note(into, query, &a, err);
    if (rc == 0)
        rc = read_note(from, other, &b, err);
    if (rc == 0)
        rc = notes_settle(into, from, query, other, &a, &b, count, err);
    note_fini(&a);
    note_fini(&b);
    return rc;
}
