/* One query, from text and photos to a result. */
#include "src/engine_priv.h"

#include "src/mem.h"

#include <stdlib.h>
#include <string.h>

/* Who answers: everything but the digest, which model_complete adds. */
static void tell_identity(const struct model *m, const struct query *q, struct result *r)
{
    const struct part_checkpoint *c = &m->parts.checkpoints[q->checkpoint];
    r->task = q->task;
    r->text = xstrdup(q->text);
    r->model_text = task_template(q->task, q->text);
    r->model_name = xstrdup(m->parts.name);
    r->checkpoint_path = xstrdup(c->path);
    r->checkpoint_name = xstrdup(c->name);
    r->device = xstrdup(kern_describe(m->kern));
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

static int forward(struct model *m, const struct query *q, const struct inputs *in,
                   const atomic_bool *cancel, struct trace **out, struct vs_err *err)
{
    struct vilbert_want want = {
        .heads = q->task->head,
        .attention = q->attention,
        .keep_padding = in->keep_padding,
        .cancel = cancel,
    };
    pthread_mutex_lock(&m->forward_lock);
    int rc = vilbert_forward(m->checkpoints[q->checkpoint].net, &in->in, &want, out, err);
    pthread_mutex_unlock(&m->forward_lock);
    return rc;
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
        as->regions_path = given_path;
    }
    return rc;
}

/* The model's part of a query, on photos that have their regions. */
static int answer(struct model *m, const struct query *q, const atomic_bool *cancel,
                  struct result *r, struct vs_err *err)
{
    struct inputs in;
    struct trace *t = NULL;
    int rc = inputs_build(m, q, &in, r, err);
    if (rc == 0)
        rc = forward(m, q, &in, cancel, &t, err);
    if (rc == 0) {
        r->ms.forward = t->ms;
        keep_sources(&in, t, r);
        double before = vs_now_ms();
        rc = reading_make(m, q, t, r, err);
        r->ms.reading = vs_now_ms() - before;
    }
    if (rc == 0 && q->attention) {
        r->trace = t;
        t = NULL;
    }
    trace_free(t);
    inputs_fini(&in);
    return rc;
}

int query_run(struct model *m, const struct query *q, const atomic_bool *cancel,
              struct result **out, struct vs_err *err)
{
    struct result *r = xcalloc(1, sizeof *r);
    struct photo *as = xcalloc((size_t)q->photo_count + 1, sizeof *as);
    struct photo **list = xcalloc((size_t)q->photo_count + 1, sizeof(struct photo *));
    struct query seen = *q;
    double start = vs_now_ms();
    tell_identity(m, q, r);
    int rc = query_check(m, q, err);
    for (int i = 0; i < q->photo_count && rc == 0; i++) {
        rc = see_photo(m, q, i, cancel, &as[i], err);
        list[i] = &as[i];
    }
    r->ms.regions = vs_now_ms() - start;
    seen.photos = list;
    if (rc == 0)
        rc = answer(m, &seen, cancel, r, err);
    free(as);
    free(list);
    r->ms.total = vs_now_ms() - start;
    if (rc == 0)
        *out = r;
    else
        result_free(r);
    return rc;
}
