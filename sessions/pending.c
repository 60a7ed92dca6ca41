/* Logging that goes on when the log cannot be written: results wait in memory, in order, and each
 * is written once. */
#include "sessions/db.h"

#include "src/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Some 10 KB each: what would wait longer than this is a program that nobody looks at. */
#define MOST_PENDING 10000
#define WAIT_MS 250 /* for other writers, while a person waits */

struct waiting {
    struct result *result;
    char asked[32];
};

struct pending {
    struct waiting *items;
    int count;
    int64_t session; /* 0: not begun yet */
    char *note;
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

/* ---- copies: everything that the log holds of a result */

static char *copy_text(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static void copy_images(const struct result *r, struct result *c)
{
    c->image_count = r->image_count;
    c->images = xcalloc((size_t)r->image_count + 1, sizeof *c->images);
    for (int i = 0; i < r->image_count; i++) {
        c->images[i] = r->images[i];
        c->images[i].path = copy_text(r->images[i].path);
        c->images[i].regions_path = copy_text(r->images[i].regions_path);
        c->images[i].boxes = NULL;
    }
}

static void copy_lists(const struct result *r, struct result *c)
{
    int kept = r->answer_count < RESULT_TOP ? r->answer_count : RESULT_TOP;
    c->tokens = xcalloc((size_t)r->token_count + 1, sizeof *c->tokens);
    c->answers = xcalloc((size_t)kept + 1, sizeof *c->answers);
    c->boxes = xcalloc((size_t)r->box_count + 1, sizeof *c->boxes);
    for (int i = 0; i < r->token_count; i++) {
        c->tokens[i] = r->tokens[i];
        c->tokens[i].piece = copy_text(r->tokens[i].piece);
    }
    for (int i = 0; i < kept; i++) {
        c->answers[i] = r->answers[i];
        c->answers[i].label = copy_text(r->answers[i].label);
    }
    for (int i = 0; i < r->box_count; i++) {
        c->boxes[i] = r->boxes[i];
        c->boxes[i].label = copy_text(r->boxes[i].label);
    }
    c->token_count = r->token_count;
    c->answer_count = r->answer_count;
    c->box_count = r->box_count;
    c->batch = kept; /* as in a result that was read: log_result_free knows */
}

static struct result *copy_result(const struct result *r)
{
    struct result *c = xcalloc(1, sizeof *c);
    c->task = r->task;
    c->text = copy_text(r->text);
    c->model_text = copy_text(r->model_text);
    c->model_name = copy_text(r->model_name);
    c->checkpoint_path = copy_text(r->checkpoint_path);
    c->checkpoint_name = copy_text(r->checkpoint_name);
    memcpy(c->checkpoint_digest, r->checkpoint_digest, sizeof c->checkpoint_digest);
    c->device = copy_text(r->device);
    c->notice = copy_text(r->notice);
    c->changes = copy_text(r->changes);
    c->labels_missing = r->labels_missing;
    c->truncated = r->truncated;
    c->ms = r->ms;
    c->entropy = r->entropy;
    c->margin = r->margin;
    copy_images(r, c);
    copy_lists(r, c);
    return c;
}

/* ---- the queue */

void pending_free(struct pending *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->count; i++)
        log_result_free(p->items[i].result);
    free(p->items);
    free(p->note);
    free(p);
}

static int keep(struct pending *p, const struct result *r, struct vs_err *err)
{
    if (p->count == MOST_PENDING)
        return vs_fail_prefix(err, "%d queries wait already, this one is not kept", p->count);
    p->items = xreallocarray(p->items, (size_t)p->count + 1, sizeof *p->items);
    struct waiting *w = &p->items[p->count++];
    w->result = copy_result(r);
    tell_time(w->asked);
    return err ? err->code : VS_E_DB;
}

/* Opens and begins what is not yet; nothing is done twice. */
static int get_ready(struct log *l, struct vs_err *err)
{
    struct pending *p = l->pending;
    int rc = l->db ? 0 : log_open_into(l, err);
    if (rc == 0)
        sqlite3_busy_timeout(l->db, WAIT_MS);
    if (rc == 0 && !p->session)
        rc = log_begin_session_at(l, p->note, p->started, &p->session, err);
    return rc;
}

int log_start(const char *path, const char *note, struct log **out, struct vs_err *err)
{
    struct log *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    l->pending = xcalloc(1, sizeof *l->pending);
    l->pending->note = copy_text(note);
    tell_time(l->pending->started);
    *out = l;
    return get_ready(l, err);
}

int log_flush_pending(struct log *l, struct vs_err *err)
{
    struct pending *p = l->pending;
    int rc = p ? get_ready(l, err) : 0, done = 0;
    while (p && rc == 0 && done < p->count) {
        int64_t id;
        rc = log_result_at(l, p->session, p->items[done].result, p->items[done].asked, &id, err);
        if (rc == 0)
            log_result_free(p->items[done++].result);
    }
    if (done > 0) {
        p->count -= done;
        memmove(p->items, p->items + done, (size_t)p->count * sizeof *p->items);
    }
    return rc;
}

int log_result_later(struct log *l, struct result *r, struct vs_err *err)
{
    struct vs_err own = {0};
    struct pending *p = l->pending;
    int64_t id = 0;
    int rc;
    err = err ? err : &own;
    if (strlen(r->checkpoint_digest) != 64)
        return vs_fail(err, VS_E_DB, "%s: a result without the digest of its checkpoint", l->path);
    if (p->count) {
        vs_fail(err, VS_E_DB, "%s: %d before it wait to be written", l->path,
                p->count);
        return keep(p, r, err);
    }
    rc = get_ready(l, err);
    if (rc == 0)
        rc = log_result_at(l, p->session, r, NULL, &id, err);
    if (rc != 0)
        return keep(p, r, err);
    r->log_id = id;
    return 0;
}

int log_pending_count(const struct log *l)
{
    return l && l->pending ? l->pending->count : 0;
}

int64_t log_started_session(const struct log *l)
{
    return l && l->pending ? l->pending->session : 0;
}

int log_finish(struct log *l, int *lost, struct vs_err *err)
{
    if (lost)
        *lost = 0;
    if (!l)
        return 0;
    int rc = log_flush_pending(l, err);
    if (lost)
        *lost = log_pending_count(l);
    if (l->db && log_started_session(l))
        log_end_session(l, log_started_session(l), NULL);
    log_close(l);
    return rc;
}
