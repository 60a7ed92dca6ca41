/* SPDX-License-Identifier: MIT */
/* One query, from text and photos to a result. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Who answers: everything but the digest, which model_complete adds. */
static void tell_identity(const struct model *m, const struct query *q, struct result *r)
{
    const struct part_checkpoint *c = &m->parts.checkpoints[q->checkpoint];
    r->task = q->task;
    r->text = xstrdup(q->text);
    r->model_text = q->verbatim ? xstrdup(q->text) : task_template(q->task, q->text);
    r->model_name = xstrdup(m->parts.name);
    r->checkpoint_path = xstrdup(c->path);
    r->checkpoint_name = xstrdup(c->name);
    r->device = xstrdup(model_device(m));
    r->changes = change_list_format(q->changes, q->change_count);
}

/* The trace may have fewer rows than the inputs: padding is not computed. */
static void keep_sources(const struct inputs *in, const struct trace *t, struct result *r)
{
    r->batch = t->batch;
    r->rows = t->regions;
    r->sources = xmalloc((size_t)r->batch * (size_t)r->rows * sizeof *r->sources);
    for (int b = 0; b < r->batch; b++)
        memcpy(r->sources + (size_t)b * (size_t)r->rows,
               in->sources + (size_t)b * (size_t)in->in.regions,
               (size_t)r->rows * sizeof *r->sources);
}

int query_forward(struct model *m, struct net *net, const struct inputs *in,
                  const struct net_want *want, struct trace **out, struct vs_err *err)
{
    pthread_mutex_lock(&m->forward_lock);
    int rc = net_forward(net, &in->in, want, out, err);
    pthread_mutex_unlock(&m->forward_lock);
    return rc;
}

/* For views that show all heads: those that read one vector. */
#define OTHER_HEADS                                                                                \
    (HEAD_VQA | HEAD_GQA | HEAD_ALIGN | HEAD_BINARY | HEAD_TRI | HEAD_GROUND | HEAD_MATCH)

/* Of an odd number of images what answers for the head of pairs is alignment, and shown as that. */
static unsigned other_heads(const struct net_input *in)
{
    return in->batch % 2 ? OTHER_HEADS & ~(unsigned)HEAD_BINARY : OTHER_HEADS;
}

/* The photo as the query sees it: detected regions, and the user's boxes after them (pointing) or
 * instead of them. It owns nothing. */
static int see_photo(struct model *m, const struct query *q, int i, const atomic_bool *cancel,
                     struct photo *as, struct vs_err *err)
{
    static char given_path[] = "boxes of the user";
    struct photo *p = q->photos[i];
    bool pointing = q->task->extra_regions > 0, given = q->boxes && q->boxes[i].count > 0;
    int rc = 0;
    photo_measure(m, p);
    if (!given || pointing)
        rc = photo_detect(m, p, cancel, q->report, q->report_arg, err);
    if (rc == 0 && given)
        rc = photo_pool_boxes(m, p, &q->boxes[i], cancel, q->report, q->report_arg, err);
    *as = *p;
    if (given && pointing) {
        as->candidates = p->pooled;
        as->candidates_path = given_path;
    } else if (given) {
        as->regions = p->pooled;
        as->regions_origin = ORIGIN_USER;
        as->regions_path = given_path;
        as->regions_key = NULL;
    }
    return rc;
}

int query_prepare(struct model *m, const struct query *q, const atomic_bool *cancel,
                  struct prepared *out, struct vs_err *err)
{
    *out = (struct prepared){.r = xcalloc(1, sizeof *out->r), .seen = *q, .start = vs_now_ms()};
    out->as = xcalloc((size_t)q->photo_count + 1, sizeof *out->as);
    out->list = xcalloc((size_t)q->photo_count + 1, sizeof(struct photo *));
    out->seen.photos = out->list;
    int rc = query_check(m, q, err);
    if (rc == 0)
        tell_identity(m, q, out->r);
    for (int i = 0; i < q->photo_count && rc == 0; i++) {
        rc = see_photo(m, q, i, cancel, &out->as[i], err);
        out->list[i] = &out->as[i];
    }
    out->r->ms.regions = vs_now_ms() - out->start;
    if (rc == 0)
        rc = inputs_build(m, &out->seen, &out->in, out->r, err);
    if (rc == 0)
        rc = changes_apply(m, q, &out->in, out->r, err);
    if (rc == 0)
        rc = changes_net(m, q->checkpoint, q->changes, q->change_count, &out->net, &out->mixed,
                         err);
    return rc;
}

void prepared_fini(struct prepared *p)
{
    result_free(p->r);
    inputs_fini(&p->in);
    net_free(p->mixed);
    free(p->as);
    free(p->list);
}

int query_read(struct model *m, struct prepared *p, const struct trace *t, struct vs_err *err)
{
    struct result *r = p->r;
    double before = vs_now_ms();
    r->ms.forward = t->ms;
    keep_sources(&p->in, t, r);
    int rc = reading_make(m, &p->seen, t, r, err);
    r->ms.reading = vs_now_ms() - before;
    return rc;
}

int query_answer(struct model *m, struct prepared *p, const atomic_bool *cancel,
                 struct vs_err *err)
{
    const struct query *q = &p->seen;
    const struct net_input *in = &p->in.in;
    struct trace *t = NULL;
    unsigned masked = masked_heads(m, p);
    struct net_want want = {.heads = task_head(q->task, p->net->heads) | masked,
                            .attention = q->attention,
                            .others = q->outputs ? HEAD_ALL : q->others ? other_heads(in) : 0,
                            .hidden = q->hidden, .keep_padding = p->in.keep_padding,
                            .silences = p->in.silences,
                            .silence_count = p->in.silence_count, .cancel = cancel};
    int room = in->batch;
    if (q->task->reading->ranked == RANKED_IMAGES)
        room = net_batch(p->net, in->tokens, in->regions, QUERY_ROWS / in->regions);
    int rc = query_forward_parts(m, p->net, &p->in, &want, room, &t, err);
    if (rc == 0)
        rc = query_read(m, p, t, err);
    if (rc == 0 && masked)
        rc = masked_read(m, p, t, err);
    if (rc == 0 && (q->attention || q->hidden || q->others || q->outputs)) {
        p->r->trace = t;
        t = NULL;
    }
    trace_free(t);
    return rc;
}

int query_run(struct model *m, const struct query *q, const atomic_bool *cancel,
              struct result **out, struct vs_err *err)
{
    struct prepared p;
    int rc = query_prepare(m, q, cancel, &p, err);
    if (rc == 0)
        rc = query_answer(m, &p, cancel, err);
    if (rc == 0) {
        p.r->ms.total = vs_now_ms() - p.start;
        *out = p.r;
        p.r = NULL;
    }
    prepared_fini(&p);
    return rc;
}
