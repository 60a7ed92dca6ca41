/* SPDX-License-Identifier: MIT */
/* Retrieval: the logit of every caption with every image of a pool.
 *
 * Images in the outer loop, as many as go into a pass: their regions are read once, and what the
 * image stream is before it meets the text is kept from caption to caption
 * (src/model/prefixcache.h). */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct pool {
    struct model *m;
    const struct eval_set *set;
    const struct eval_options *o;
    struct eval_album *album;
    struct eval_progress *progress;
    struct result **results; /* (items) with tokens and raw of the pool's size */
    int items;               /* that are asked: the first ones of the set */
    bool *known;             /* (items) those of which there are rows already */
    struct vs_err *err;
};

static int load_images(struct pool *p, int from, int count, struct photo **out)
{
    int rc = 0;
    eval_album_trim(p->album);
    for (int i = 0; i < count && rc == 0; i++)
        rc = eval_album_get(p->album, p->m, p->set->pool[from + i], false, &out[i], p->err);
    return rc;
}

/* What is kept of a caption's first result. */
static struct result *keep_result(const struct pool *p, struct result *x)
{
    struct result *r = xcalloc(1, sizeof *r);
    r->task = x->task;
    r->tokens = x->tokens;
    r->token_count = x->token_count;
    r->truncated = x->truncated;
    x->tokens = NULL;
    x->token_count = 0;
    r->raw = xcalloc((size_t)p->set->pool_count, sizeof *r->raw);
    r->raw_count = p->set->pool_count;
    return r;
}

static int ask(struct pool *p, int item, int from, int count, struct photo **photos)
{
    struct result *x = NULL;
    const struct eval_item *it = &p->set->items[item];
    struct query q = {.task = it->task, .text = it->text, .checkpoint = p->o->checkpoint,
                      .photo_count = count, .photos = photos, .verbatim = true, .raw = true};
    int rc = query_run(p->m, &q, p->o->cancel, &x, p->err);
    if (rc != 0)
        return rc;
    if (!p->results[item])
        p->results[item] = keep_result(p, x);
    memcpy(p->results[item]->raw + from, x->raw, (size_t)count * sizeof *x->raw);
    result_free(x);
    return 0;
}

/* A share of the work is done: told as so many captions. */
static void tell(struct pool *p, int item, int images)
{
    double share = ((double)images * p->items + item + 1) /
                   ((double)p->set->pool_count * p->items);
    p->progress->done = (int)(share * p->items);
    p->progress->task = p->set->items[0].task;
    if (p->o->report)
        p->o->report(p->o->report_arg, p->progress);
}

static int ask_all(struct pool *p)
{
    int room = query_room(p->m, p->o->checkpoint, p->set->items[0].task, 1), rc = 0;
    room = room < 1 ? 1 : room;
    struct photo **photos = xcalloc((size_t)room, sizeof *photos);
    for (int at = 0; at < p->set->pool_count && rc == 0; at += room) {
        int left = p->set->pool_count - at, count = left < room ? left : room;
        rc = load_images(p, at, count, photos);
        for (int i = 0; i < p->items && rc == 0; i++) {
            rc = p->known[i] ? 0 : ask(p, i, at, count, photos);
            tell(p, i, at + (i + 1 < p->items ? 0 : count - 1));
        }
    }
    free(photos);
    return rc;
}

int eval_pool_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
                  struct eval_album *album, struct eval_progress *progress, struct vs_err *err)
{
    struct pool p = {.m = m, .set = s, .o = o, .album = album, .progress = progress,
                     .items = progress->all, .err = err};
    bool all = true;
    p.known = xcalloc((size_t)p.items + 1, sizeof *p.known);
    for (int i = 0; i < p.items; i++) {
        p.known[i] = o->skip && o->skip(o->skip_arg, &s->items[i]);
        all &= p.known[i];
    }
    p.results = xcalloc((size_t)p.items + 1, sizeof *p.results);
    int rc = all ? 0 : ask_all(&p);
    for (int i = 0; i < p.items; i++) {
        if (rc == 0 && o->take && !p.known[i])
            o->take(o->take_arg, &s->items[i], p.results[i]);
        result_free(p.results[i]);
    }
    free(p.results);
    free(p.known);
    return rc;
}
