/* SPDX-License-Identifier: MIT */
/* Retrieval: the logit of every caption with every image of a pool.
 *
 * Some captions at a time are asked of all images, as many of these as go into a pass: what a
 * stream is before it meets the other one is kept from pass to pass, of the captions and of the
 * images of the pass (src/model/prefixcache.h has room for both), and what is lost when the run
 * ends is those captions.
 *
 * An image that cannot be read is said once and chosen by nobody: its logit is -INFINITY, so that
 * the others keep their places in the pool. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"

#include <math.h>
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
    char **unread;   /* (pool_count) why an image cannot be read, NULL: it can */
    int unread_count;
    struct vs_err *err;
};

/* 0: the image is passed over from now on. */
static int leave_image(struct pool *p, int image, int rc)
{
    if (vs_is_of_all(rc) || !p->o->bad_image)
        return rc;
    p->unread[image] = xstrdup(p->err->text);
    p->unread_count++;
    return p->o->bad_image(p->o->bad_arg, p->set->pool[image], p->err);
}

/* Images of one pass. */
struct pass {
    struct photo **photos; /* (count) */
    int *places;           /* (count) of them in the pool */
    int count, room;
};

/* Those from a place on that can be read. */
static int load_images(struct pool *p, int from, struct pass *pass)
{
    int rc = 0, end = from + pass->room < p->set->pool_count ? from + pass->room
                                                             : p->set->pool_count;
    eval_album_trim(p->album);
    pass->count = 0;
    for (int i = from; i < end && rc == 0; i++) {
        if (p->unread[i])
            continue;
        rc = eval_album_get(p->album, p->m, p->set->pool[i], false, &pass->photos[pass->count],
                            p->err);
        if (rc == 0)
            pass->places[pass->count++] = i;
        else
            rc = leave_image(p, i, rc);
    }
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
    r->raw_count = p->set->pool_count;
    r->raw = xcalloc((size_t)r->raw_count, sizeof *r->raw);
    for (int i = 0; i < r->raw_count; i++)
        r->raw[i] = -INFINITY;
    return r;
}

static int ask(struct pool *p, int i, const struct pass *pass)
{
    struct result *x = NULL;
    const struct eval_item *it = &p->set->items[p->asked[i]];
    struct query q = {.task = it->task, .text = it->text, .checkpoint = p->o->checkpoint,
                      .photo_count = pass->count, .photos = pass->photos,
                      .changes = p->o->changes, .change_count = p->o->change_count,
                      .verbatim = true, .raw = true};
    int rc = query_run(p->m, &q, p->o->cancel, &x, p->err);
    if (rc != 0)
        return rc;
    if (!p->results[i])
        p->results[i] = keep_result(p, x);
    for (int k = 0; k < pass->count; k++)
        p->results[i]->raw[pass->places[k]] = x->raw[k];
    p->results[i]->ms.total += x->ms.total;
    result_free(x);
    return 0;
}

/* A share of the work is done: told as so many captions. */
static void tell(struct pool *p, int images)
{
    eval_store_rest(p->set);
    p->progress->done = p->done + (int)((double)images / p->set->pool_count * p->count);
    p->progress->task = p->set->items[0].task;
    if (p->o->report)
        p->o->report(p->o->report_arg, p->progress);
}

/* Why the image that belongs to it cannot be read, or NULL. */
static const char *unread_of(const struct pool *p, const struct eval_item *it)
{
    return it->number >= 0 ? p->unread[it->number] : NULL;
}

static int leave_item(struct pool *p, const struct eval_item *it)
{
    struct vs_err why = {0};
    vs_fail(&why, VS_E_FORMAT, "its image cannot be read: %s", unread_of(p, it));
    return p->o->bad(p->o->bad_arg, it, &why);
}

static int hand_on(struct pool *p, int i)
{
    const struct eval_item *it = &p->set->items[p->asked[i]];
    struct result *r = p->results[i];
    p->results[i] = NULL;
    if (!unread_of(p, it)) {
        p->user->take(p->user->arg, it, r);
        return 0;
    }
    result_free(r);
    return leave_item(p, it);
}

static int none_read(const struct pool *p)
{
    return vs_fail(p->err, VS_E_FORMAT, "%s: none of the %d images can be read: the first is %s: "
                   "%s", p->set->path, p->set->pool_count, p->set->pool[0], p->unread[0]);
}

/* The captions that were gathered, with all images. */
static int ask_all(struct pool *p)
{
    int room = query_room(p->m, p->o->checkpoint, p->set->items[0].task, 1), rc = 0;
    struct pass pass = {.room = room < 1 ? 1 : room};
    pass.photos = xcalloc((size_t)pass.room, sizeof *pass.photos);
    pass.places = xcalloc((size_t)pass.room, sizeof *pass.places);
    for (int at = 0; at < p->set->pool_count && rc == 0 && p->count; at += pass.room) {
        rc = load_images(p, at, &pass);
        for (int i = 0; i < p->count && rc == 0 && pass.count; i++)
            rc = ask(p, i, &pass);
        tell(p, at + pass.count);
    }
    free(pass.photos);
    free(pass.places);
    if (rc == 0 && p->unread_count == p->set->pool_count)
        rc = none_read(p);
    for (int i = 0; i < p->count; i++)
        if (rc == 0)
            rc = hand_on(p, i);
        else
            result_free(p->results[i]);
    memset(p->results, 0, sizeof p->results);
    p->done += p->count;
    p->count = 0;
    if (rc == 0)
        tell(p, 0);
    return rc;
}

/* Nothing is asked of what belongs to an image that is known not to be read. */
static int gather(struct pool *p, int i)
{
    const struct eval_item *it = &p->set->items[i];
    if (p->user->known(p->user->arg, it)) {
        p->done++;
        return 0;
    }
    if (unread_of(p, it)) {
        p->done++;
        return leave_item(p, it);
    }
    p->asked[p->count++] = i;
    return p->count == CAPTIONS_AT_ONCE ? ask_all(p) : 0;
}

int eval_pool_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
                  const bool *picked, struct eval_album *album, struct eval_progress *progress,
                  const struct eval_pool_user *user, struct vs_err *err)
{
    struct pool p = {.m = m, .set = s, .o = o, .album = album, .progress = progress,
                     .user = user, .err = err};
    int rc = 0, items = o->limit && o->limit < s->count ? o->limit : s->count;
    p.unread = xcalloc((size_t)s->pool_count + 1, sizeof *p.unread);
    for (int i = 0; i < items && rc == 0; i++)
        if ((!picked || picked[i]) && shard_has(&o->shard, i))
            rc = gather(&p, i);
    rc = rc ? rc : ask_all(&p);
    for (int i = 0; i < s->pool_count; i++)
        free(p.unread[i]);
    free(p.unread);
    return rc;
}
