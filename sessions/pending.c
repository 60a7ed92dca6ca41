/* SPDX-License-Identifier: MIT */
/* Logging that goes on when the log cannot be written: records wait in memory, in order, and each
 * is written once. */
#include "sessions/again.h"
#include "sessions/db.h"
#include "sessions/left.h"
#include "sessions/place.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Some 10 KB each: what would wait longer than this is a program that nobody looks at. */
#define MOST_PENDING 10000
#define WAIT_MS 250 /* for other writers, while a person waits */

struct waiting {
    enum waiting_kind kind;
    void *what; /* owned */
    char asked[32];
    int64_t ticket; /* of a result: its name until it has a row, else 0 */
};

struct pending {
    struct waiting *items;
    int count, dropped; /* dropped: that there was no room for */
    bool elsewhere;     /* written to another file: rows that were named before are not there */
    int64_t *rows; /* (tickets) where a result that waited is now; 0: it still waits, -1: it is in
                      another file */
    int tickets;
    int64_t session; /* 0: not begun yet */
    char *note, *run; /* run: NULL, or of a command that goes on where it was killed */
    bool goes_on;     /* its session was there */
    int found;        /* queries of it, then */
    struct again again;
    char started[32];
};

/* UTC in ISO 8601, as the log has it. */
static void tell_time(char out[32])
{
    struct timespec t;
    struct tm utc;
    char seconds[24];
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, 32, "%s.%03dZ", seconds, (int)(t.tv_nsec / 1000000));
}

/* ---- the queue */

void pending_free(struct pending *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->count; i++)
        waiting_free(p->items[i].kind, p->items[i].what);
    free(p->items);
    free(p->rows);
    free(p->note);
    free(p->run);
    free(p->again.taken);
    free(p);
}

/* Returns why it waits. *ticket (or NULL) becomes its name. */
static int pending_keep(struct pending *p, enum waiting_kind kind, const void *what,
                        int64_t *ticket, struct vs_err *err)
{
    if (p->count == MOST_PENDING)
        p->dropped++;
    if (p->count == MOST_PENDING)
        return vs_fail_prefix(err, "%d records wait already, this one is not kept", p->count);
    p->items = xreallocarray(p->items, (size_t)p->count + 1, sizeof *p->items);
    struct waiting *w = &p->items[p->count++];
    *w = (struct waiting){.kind = kind, .what = waiting_copy(kind, what)};
    tell_time(w->asked);
    if (ticket) {
        p->rows = xreallocarray(p->rows, (size_t)p->tickets + 1, sizeof *p->rows);
        p->rows[p->tickets++] = 0;
        *ticket = w->ticket = p->tickets;
    }
    return err->code;
}

/* The session that a command that was killed had, if there is one. */
static int pending_go_on(struct log *l, struct vs_err *err)
{
    struct pending *p = l->pending;
    int64_t n = 0, last = 0, session = 0;
    struct vs_err passed = {0}; /* over: another machine's log that cannot be read now */
    int rc = again_session(l, p->run, &session, &last, err);
    if (rc == 0 && l->folder && place_bring(l, p->run, last, &passed) == 0)
        rc = again_session(l, p->run, &session, &last, err);
    if (rc == 0 && session)
        rc = again_reopen(l, session, err);
    if (rc == 0 && session)
        rc = db_find(l, "SELECT count(*) FROM queries WHERE session_id = ?", &n, err, "i", session);
    if (rc == 0 && session) { /* only now: it is tried again as long as it fails */
        p->session = session;
        p->goes_on = true;
        p->found = (int)n;
    }
    return rc;
}

/* Opens and begins what is not yet; nothing is done twice. Only the first time another writer is
 * waited for: later there is a person who waits, too. */
static int get_ready(struct log *l, struct vs_err *err)
{
    struct pending *p = l->pending;
    int rc = l->db ? 0 : log_open_into(l, err);
    l->patience = 0;
    if (rc == 0)
        sqlite3_busy_timeout(l->db, WAIT_MS);
    if (rc == 0 && !p->session && !p->elsewhere && p->run)
        rc = pending_go_on(l, err);
    if (rc == 0 && !p->session)
        rc = log_begin_session_at(l, p->note, p->started, p->elsewhere ? NULL : p->run,
                                  &p->session, err);
    return rc;
}

int log_found_count(const struct log *l)
{
    return l && l->pending ? l->pending->found : 0;
}

/* Writes what is not there yet. */
static int pending_write(struct log *l, enum waiting_kind kind, const void *what,
                         const char *asked, int64_t *id, struct vs_err *err)
{
    struct pending *p = l->pending;
    const struct waiting_comparison *c = kind == WAIT_COMPARISON ? what : NULL;
    int64_t last = c && c->count ? pending_row(l, c->queries[c->count - 1]) : 0;
    int rc = 0;
    *id = 0;
    if (p->goes_on && !p->elsewhere)
        rc = again_find(l, &p->again, p->session, kind, what, last, id, err);
    if (rc == 0 && !*id)
        rc = waiting_write(l, p->session, kind, what, asked, id, err);
    if (rc == 0 && p->goes_on && kind == WAIT_RESULT)
        again_take(&p->again, *id);
    return rc;
}

int log_start(const char *path, const char *note, struct log **out, struct vs_err *err)
{
    return log_start_run(path, note, NULL, out, err);
}

int log_start_run(const char *path, const char *note, const char *run, struct log **out,
                  struct vs_err *err)
{
    struct log *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    l->patience = LOG_PATIENCE;
    l->pending = xcalloc(1, sizeof *l->pending);
    l->pending->note = xstrdup_null(note);
    l->pending->run = xstrdup_null(run);
    tell_time(l->pending->started);
    *out = l;
    return get_ready(l, err);
}

int log_flush_pending(struct log *l, struct vs_err *err)
{
    struct pending *p = l->pending;
    int rc = p ? get_ready(l, err) : 0, done = 0;
    while (p && rc == 0 && done < p->count) {
        struct waiting *w = &p->items[done];
        int64_t id;
        rc = pending_write(l, w->kind, w->what, w->asked, &id, err);
        if (rc != 0)
            break;
        if (w->ticket)
            p->rows[w->ticket - 1] = id;
        waiting_free(w->kind, w->what);
        done++;
    }
    if (done > 0) {
        p->count -= done;
        memmove(p->items, p->items + done, (size_t)p->count * sizeof *p->items);
    }
    return rc;
}

/* Writes it now, or keeps a copy. */
static int pending_later(struct log *l, enum waiting_kind kind, const void *what, int64_t *id,
                         int64_t *ticket, struct vs_err *err)
{
    struct pending *p = l->pending;
    if (p->count) {
        vs_fail(err, VS_E_DB, "%s: %d before it wait to be written", l->path, p->count);
        return pending_keep(p, kind, what, ticket, err);
    }
    int rc = get_ready(l, err);
    if (rc == 0)
        rc = pending_write(l, kind, what, NULL, id, err);
    return rc ? pending_keep(p, kind, what, ticket, err) : 0;
}

int log_result_later(struct log *l, struct result *r, struct vs_err *err)
{
    struct vs_err own = {0};
    int64_t id = 0, ticket = 0;
    err = err ? err : &own;
    if (strlen(r->checkpoint_digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: a result without the digest of its checkpoint", l->path);
    int rc = pending_later(l, WAIT_RESULT, r, &id, &ticket, err);
    r->log_id = rc == 0 ? id : -ticket;
    return rc;
}

int64_t log_written_query(const struct log *l, int64_t id)
{
    const struct pending *p = l->pending;
    if (id >= 0)
        return id;
    int64_t row = p && -id <= p->tickets ? p->rows[-id - 1] : 0;
    return row > 0 ? row : 0;
}

int64_t pending_row(const struct log *l, int64_t id)
{
    return id > 0 && l->pending && l->pending->elsewhere ? 0 : log_written_query(l, id);
}

int log_comparison_later(struct log *l, const int64_t *queries, int count, const char *note,
                         struct vs_err *err)
{
    struct vs_err own = {0};
    struct waiting_comparison c = {(int64_t *)(uintptr_t)queries, count, (char *)(uintptr_t)note};
    int64_t id;
    return pending_later(l, WAIT_COMPARISON, &c, &id, NULL, err ? err : &own);
}

int log_probe_run_later(struct log *l, const struct log_probe_run *run, struct vs_err *err)
{
    struct vs_err own = {0};
    int64_t id;
    int rc = log_probe_run_check(l, run, err);
    return rc ? rc : pending_later(l, WAIT_PROBES, run, &id, NULL, err ? err : &own);
}

int log_difference_later(struct log *l, const struct difference *d, struct vs_err *err)
{
    struct vs_err own = {0};
    int64_t id;
    int rc = log_difference_check(l, d, err);
    return rc ? rc : pending_later(l, WAIT_DIFFERENCE, d, &id, NULL, err ? err : &own);
}

int log_evaluation_later(struct log *l, const struct log_evaluation *e, struct vs_err *err)
{
    struct vs_err own = {0};
    int64_t id;
    int rc = log_evaluation_check(l, e, err);
    return rc ? rc : pending_later(l, WAIT_EVALUATION, e, &id, NULL, err ? err : &own);
}

int log_attribution_later(struct log *l, const struct attribution_record *x, struct vs_err *err)
{
    struct vs_err own = {0};
    int64_t id;
    int rc = log_attribution_check(l, x, err ? err : &own);
    return rc ? rc : pending_later(l, WAIT_ATTRIBUTION, x, &id, NULL, err ? err : &own);
}

int log_pending_count(const struct log *l)
{
    return l && l->pending ? l->pending->count : 0;
}

int64_t log_started_session(const struct log *l)
{
    return l && l->pending ? l->pending->session : 0;
}

/* ---- the end: what could not be written is kept in a log of its own */

/* What waited goes to path, as a session of its own. While it is not complete it has another name:
 * nobody merges a part of it. What is committed has to be in the file that gets the name, so there
 * is no write-ahead log, which a full disk could leave beside it. How many it holds then. */
static int write_elsewhere(struct pending *p, const char *path)
{
    struct log *w = xcalloc(1, sizeof *w);
    int before = p->count;
    w->path = xasprintf("%s.part", path);
    w->pending = p;
    w->patience = LOG_PATIENCE;
    w->alone = true;
    p->session = 0;
    p->elsewhere = true;
    for (int i = 0; i < p->tickets; i++)
        p->rows[i] = p->rows[i] ? -1 : 0;
    log_flush_pending(w, NULL);
    int written = before - p->count;
    if (w->db && p->session)
        log_end_session(w, p->session, NULL);
    db_close(w);
    if (written == 0 || rename(w->path, path) != 0) {
        unlink(w->path);
        written = 0;
    }
    w->pending = NULL;
    log_close(w);
    return written;
}

static void keep_waiting(struct log *l, struct log_left *left)
{
    struct pending *p = l->pending;
    int all = p->count;
    char *places[] = {left_name(l->path, l->folder), left_home_name(), left_temporary_name()};
    for (int i = 0; i < 3; i++) {
        int written = places[i] && p->count ? write_elsewhere(p, places[i]) : 0;
        left->kept += written;
        if (written && !left->where) {
            left->where = places[i];
            left->beside = i == 0;
        } else {
            free(places[i]);
        }
    }
    left->lost += all - left->kept;
}

int log_finish(struct log *l, struct log_left *left, struct vs_err *err)
{
    struct log_left own = {0};
    left = left ? left : &own;
    *left = (struct log_left){0};
    if (!l)
        return 0;
    int rc = log_flush_pending(l, err), dropped = l->pending ? l->pending->dropped : 0;
    if (rc == 0 && dropped)
        rc = vs_fail(err, VS_E_LIMIT, "%s: more records waited than there is room for", l->path);
    if (l->db && log_started_session(l))
        log_end_session(l, log_started_session(l), NULL);
    left->lost = dropped;
    if (log_pending_count(l) > 0) {
        db_close(l);
        keep_waiting(l, left);
    }
    if (left == &own)
        free(own.where);
    log_close(l);
    return rc;
}
