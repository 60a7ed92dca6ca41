/* SPDX-License-Identifier: MIT */
/* Retrieval: the logit of every caption with every image of a pool.
 *
 * Some captions at a time are asked of all images, as many of these as go into a pass: what a
 * stream is before it meets the other one is kept from pass to pass, of the captions and of the
 * images of the pass (src/model/prefixcache.h has room for both), and what is lost when the run
 * ends is those captions. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define CAPTIONS_AT_ONCE 48

struct pool {
    struct model *m;
    const struct eval_set *set;
    const struct eval_options *o;
    struct eval_album *album;
    struct eval_progress *progress;
    const struct eval_pool_user *user;
    int asked[CAPTIONS_AT_ONCE], count; /* items */
    struct result *results[CAPTIONS_AT_ONCE]; /* with tokens and raw of the pool's size */
    int done; /* items before these */
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

static int ask(struct pool *p, int i, int from, int count, struct photo **photos)
{
    struct result *x = NULL;
    const struct eval_item *it = &p->set->items[p->asked[i]];
    struct query q = {.task = it->task, .text = it->text, .checkpoint = p->o->checkpoint,
                      .photo_count = count, .photos = photos, .verbatim = true, .raw = true};
    int rc = query_run(p->m, &q, p->o->cancel, &x, p->err);
    if (rc != 0)
        return rc;
    if (!p->results[i])
        p->results[i] = keep_result(p, x);
    memcpy(p->results[i]->raw + from, x->raw, (size_t)count * sizeof *x->raw);
    p->results[i]->ms.total += x->ms.total;
    result_free(x);
    return 0;
}

/* A share of the work is done: told as so many captions. */
static void tell(struct pool *p, int images)
{
    p->progress->done = p->done + (int)((double)images / p->set->pool_count * p->count);
    p->progress->task = p->set->items[0].task;
    if (p->o->report)
        p->o->report(p->o->report_arg, p->progress);
}

/* The captions that were gathered, with all images. */
static int ask_all(struct pool *p)
{
    int room = query_room(p->m, p->o->checkpoint, p->set->items[0].task, 1), rc = 0;
    room = room < 1 ? 1 : room;
    struct photo **photos = xcalloc((size_t)room, sizeof *photos);
    for (int at = 0; at < p->set->pool_count && rc == 0 && p->count; at += room) {
        int left = p->set->pool_count - at, count = left < room ? left : room;
        rc = load_images(p, at, count, photos);
        for (int i = 0; i < p->count && rc == 0; i++)
            rc = ask(p, i, at, count, photos);
        tell(p, at + count);
    }
    free(photos);
    for (int i = 0; i < p->count; i++) {
        if (rc == 0)
            p->user->take(p->user->arg, &p->set->items[p->asked[i]], p->results[i]);
        else
            result_free(p->results[i]);
        p->results[i] = NULL;
    }
    p->done += p->count;
    p->count = 0;
    if (rc == 0)
        tell(p, 0);
    return rc;
}

int eval_pool_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
                  struct eval_album *album, struct eval_progress *progress,
                  const struct eval_pool_user *user, struct vs_err *err)
{
    struct pool p = {.m = m, .set = s, .o = o, .album = album, .progress = progress,
                     .user = user, .err = err};
    int rc = 0, items = o->limit && o->limit < s->count ? o->limit : s->count;
    for (int i = 0; i < items && rc == 0; i++) {
        if (!shard_has(&o->shard, i))
            continue;
        if (user->known(user->arg, &s->items[i])) {
            p.done++;
            continue;
        }
        p.asked[p.count++] = i;
        if (p.count == CAPTIONS_AT_ONCE)
            rc = ask_all(&p);
    }
    return rc ? rc : ask_all(&p);
}
