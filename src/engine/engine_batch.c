/* SPDX-License-Identifier: MIT */
/* Many images or many queries: in passes as large as the device takes. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"
#include "src/model/trace.h"

#include <stdlib.h>
#include <string.h>

int query_room(const struct model *m, int checkpoint, const struct task *task, int images)
{
    int tokens = task->max_tokens, rows = (m->parts.max_regions + task->extra_regions) * images;
    const struct net_sizes *sizes = &m->checkpoints[checkpoint].net->sizes;
    tokens = tokens < sizes->positions ? tokens : sizes->positions;
    return net_batch(m->checkpoints[checkpoint].net, tokens * images, rows,
                     QUERY_ROWS / rows);
}

/* ---- one query's images in parts */

/* Images first to first+n-1. */
static struct net_input part_of(const struct net *net, const struct net_input *in, int first,
                                int n)
{
    struct net_input part = *in;
    ptrdiff_t t = (ptrdiff_t)first * in->tokens, v = (ptrdiff_t)first * in->regions;
    part.batch = n;
    part.ids += t;
    part.types = in->types ? in->types + t : NULL;
    part.text_mask = in->text_mask ? in->text_mask + t : NULL;
    part.features += v * net->sizes.features;
    part.spatials += v * 5;
    part.image_mask = in->image_mask ? in->image_mask + v : NULL;
    part.task = in->task ? in->task + first : NULL;
    return part;
}

/* Images can be parted unless something is said of one of them by its number; pairs stay
 * together. Returns how many go into a part. */
static int size_of_parts(const struct net_input *in, const struct net_want *want, int room)
{
    bool pairs = want->heads & HEAD_BINARY;
    for (int i = 0; i < want->silence_count; i++)
        if (want->silences[i].b >= 0)
            return in->batch;
    if (pairs && in->batch % 2 != 0)
        return in->batch;
    room = pairs ? room & ~1 : room;
    return room > 1 || !pairs ? room : 2;
}

int query_forward_parts(struct model *m, struct net *net, const struct inputs *in,
                        const struct net_want *want, int room, struct trace **out,
                        struct vs_err *err)
{
    int batch = in->in.batch, size = size_of_parts(&in->in, want, room < 1 ? 1 : room), rc = 0;
    struct trace *all = NULL;
    for (int at = 0; at < batch && rc == 0; at += size) {
        int n = batch - at < size ? batch - at : size;
        struct inputs part = {.in = part_of(net, &in->in, at, n)};
        struct trace *t = NULL;
        rc = query_forward(m, net, &part, want, &t, err);
        if (rc == 0 && all)
            rc = trace_append(all, t, err);
        else if (rc == 0)
            all = t;
        if (t != all)
            trace_free(t);
    }
    if (rc == 0)
        *out = all;
    else
        trace_free(all);
    return rc;
}

/* ---- several queries in one pass */

static void batch_fill(int32_t *to, const int32_t *mask, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = mask ? mask[i] : 1;
}

/* Rows of images at image `at` of the whole, padded to its tokens and regions. */
static void batch_put_images(const struct net *net, const struct net_input *in, int at,
                             struct inputs *all)
{
    size_t n = (size_t)net->sizes.features, v = (size_t)in->regions;
    for (int b = 0; b < in->batch; b++) {
        size_t t_to = (size_t)(at + b) * (size_t)all->in.tokens;
        size_t v_to = (size_t)(at + b) * (size_t)all->in.regions;
        size_t t_from = (size_t)b * (size_t)in->tokens, v_from = (size_t)b * v;
        memcpy(all->ids + t_to, in->ids + t_from, (size_t)in->tokens * sizeof *all->ids);
        batch_fill(all->text_mask + t_to, in->text_mask ? in->text_mask + t_from : NULL,
                   in->tokens);
        batch_fill(all->image_mask + v_to, in->image_mask ? in->image_mask + v_from : NULL,
                   in->regions);
        memcpy(all->features + v_to * n, in->features + v_from * n, v * n * sizeof *in->features);
        memcpy(all->spatials + v_to * 5, in->spatials + v_from * 5, v * 5 * sizeof *in->spatials);
        all->task[at + b] = in->task ? in->task[b] : 0;
    }
}

static void join_inputs(const struct prepared *p, int count, struct inputs *all)
{
    const struct net *net = p[0].net;
    *all = (struct inputs){0};
    for (int i = 0; i < count; i++) {
        const struct net_input *in = &p[i].in.in;
        all->in.batch += in->batch;
        all->in.tokens = in->tokens > all->in.tokens ? in->tokens : all->in.tokens;
        all->in.regions = in->regions > all->in.regions ? in->regions : all->in.regions;
    }
    size_t t = (size_t)all->in.batch * (size_t)all->in.tokens;
    size_t v = (size_t)all->in.batch * (size_t)all->in.regions;
    all->in.ids = all->ids = xcalloc(t, sizeof *all->ids);
    all->in.text_mask = all->text_mask = xcalloc(t, sizeof *all->text_mask);
    all->in.image_mask = all->image_mask = xcalloc(v, sizeof *all->image_mask);
    all->in.features = all->features = xcalloc(vs_times(v, (size_t)net->sizes.features),
                                               sizeof *all->features);
    all->in.spatials = all->spatials = xcalloc(v * 5, sizeof *all->spatials);
    all->task = xcalloc((size_t)all->in.batch, sizeof *all->task);
    all->in.task = p[0].in.in.task ? all->task : NULL;
    for (int i = 0, at = 0; i < count; at += p[i++].in.in.batch)
        batch_put_images(net, &p[i].in.in, at, all);
}

/* The results of what was computed together. */
static int take_results(struct model *m, struct prepared *p, int count, const struct trace *t,
                        struct vs_err *err)
{
    int rc = 0, at = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        const struct net_input *in = &p[i].in.in;
        struct trace *own = NULL;
        rc = trace_part(t, at, in->batch, in->regions, &own, err);
        at += in->batch;
        if (rc == 0) {
            own->ms = t->ms / count;
            rc = query_read(m, &p[i], own, err);
        }
        trace_free(own);
    }
    return rc;
}

/* Queries of one task and checkpoint in one pass. */
static int batch_run_together(struct model *m, struct prepared *p, int n, const atomic_bool *cancel,
                              struct vs_err *err)
{
    struct inputs all;
    struct trace *t = NULL;
    struct net_want want = {.heads = task_head(p[0].seen.task, p[0].net->heads),
                            .silences = p[0].in.silences,
                            .silence_count = p[0].in.silence_count, .cancel = cancel};
    join_inputs(p, n, &all);
    int rc = query_forward(m, p[0].net, &all, &want, &t, err);
    if (rc == 0)
        rc = take_results(m, p, n, t, err);
    trace_free(t);
    inputs_fini(&all);
    return rc;
}

/* Maps, states and what is done to heads and weights concern a pass as a whole, so heads are those
 * of all of its queries or of none; boxes are pooled into the photo, which has room for those of
 * one query. */
static bool is_shareable(const struct query *q, const struct query *first)
{
    bool alike = q->changes == first->changes && q->change_count == first->change_count;
    bool plain = q->task == first->task && q->checkpoint == first->checkpoint && !q->attention &&
                 !q->hidden && !q->others && !q->outputs && !q->boxes;
    for (int i = 0; i < q->change_count && plain; i++)
        plain = (alike || q->changes[i].kind != CHANGE_SILENCE) &&
                q->changes[i].kind != CHANGE_SWAP;
    return plain;
}

static int run_each(struct model *m, const struct query *list, int count,
                    const atomic_bool *cancel, struct result **out, struct vs_err *err)
{
    int rc = 0, n = 0;
    for (; n < count && rc == 0; n++) {
        out[n] = NULL;
        rc = query_run(m, &list[n], cancel, &out[n], err);
    }
    for (int i = 0; i < n && rc != 0; i++) {
        result_free(out[i]);
        out[i] = NULL;
    }
    return rc;
}

static int run_prepared(struct model *m, struct prepared *p, int count, const atomic_bool *cancel,
                        struct vs_err *err)
{
    bool padding = false;
    int rc = 0;
    for (int i = 0; i < count; i++)
        padding |= p[i].in.keep_padding;
    if (!padding)
        return batch_run_together(m, p, count, cancel, err);
    for (int i = 0; i < count && rc == 0; i++)
        rc = query_answer(m, &p[i], cancel, err);
    return rc;
}

int query_run_all(struct model *m, const struct query *list, int count, const atomic_bool *cancel,
                  struct result **out, struct vs_err *err)
{
    int n = 0, rc = 0;
    for (int i = 0; i < count; i++)
        if (!is_shareable(&list[i], &list[0]))
            return run_each(m, list, count, cancel, out, err);
    struct prepared *p = xcalloc((size_t)count + 1, sizeof *p);
    for (; n < count && rc == 0; n++) {
        rc = query_prepare(m, &list[n], cancel, &p[n], err);
        p[n].took = vs_now_ms() - p[n].start;
    }
    if (rc == 0 && count > 0)
        rc = run_prepared(m, p, count, cancel, err);
    for (int i = 0; i < n; i++) {
        if (rc == 0) {
            p[i].r->ms.total = p[i].took + p[i].r->ms.forward + p[i].r->ms.reading;
            out[i] = p[i].r;
            p[i].r = NULL;
        }
        prepared_fini(&p[i]);
    }
    free(p);
    return rc;
}
