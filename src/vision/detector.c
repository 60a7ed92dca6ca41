/* SPDX-License-Identifier: MIT */
/* The detector from top to bottom: a run is planned, the network's parts do their work, the
 * selection is made picture by picture.
 *
 * Source: maskrcnn-benchmark. */
#include "src/vision/detector.h"

#include "src/base/mem.h"
#include "src/model/family.h"
#include "src/vision/layers.h"
#include "src/vision/run.h"

#include <stdlib.h>

static int detector_rows(const struct tensorfile *f, const char *name)
{
    const struct tensor *t = tensorfile_find(f, name);
    return t && t->ndim == 2 && t->shape[0] < 1 << 24 ? (int)t->shape[0] : 0;
}

bool detector_owns(const struct tensorfile *f, struct detector_about *out)
{
    struct detector_about about = {
        .features = detector_rows(f, "roi_heads.box.feature_extractor.fc6.weight"),
        .classes = detector_rows(f, "roi_heads.box.predictor.cls_score.weight")};
    if (out)
        *out = about;
    return about.features && about.classes && tensorfile_find(f, "rpn.head.conv.weight");
}

/* What else it is, when it is not a detector's. */
static int detector_of_what(const struct tensorfile *f, int rc, struct vs_err *err)
{
    const struct family *family = family_of(f);
    struct net_about about;
    if (rc == 0 || detector_owns(f, NULL) || !family->owns(f))
        return rc;
    family->about(f, &about);
    return vs_fail(err, VS_E_FORMAT, "%s: is a checkpoint (%s), not the weights of a region "
                   "detector", tensorfile_path(f), about.kind);
}

int detector_open(const struct arch *a, const struct tensorfile *f, struct kern *k,
                  struct detector **out, struct vs_err *err)
{
    struct detector *d = xcalloc(1, sizeof *d);
    d->a = *a;
    d->k = k;
    d->file = f;
    int rc = detector_of_what(f, layers_bind(&d->l, a, f, k, err), err);
    bool bound = rc == 0;
    rc = tensorfile_check(f, rc, err);
    if (bound && rc != 0)
        layers_fini(&d->l);
    if (rc == 0) {
        d->set = kern_set_new(k, d->l.bytes);
        *out = d;
    } else {
        free(d);
    }
    return rc;
}

struct detector *detector_share(const struct detector *d, struct kern *k)
{
    struct detector *s = xmalloc(sizeof *s);
    *s = *d;
    s->k = k;
    s->set = kern_set_new(k, d->l.bytes);
    s->arena = NULL;
    s->arena_size = 0;
    s->borrowed = true;
    return s;
}

static void free_arena(struct detector *d)
{
    kern_free(d->k, d->arena);
    d->arena = NULL;
    d->arena_size = 0;
}

void detector_free(struct detector *d)
{
    if (!d)
        return;
    free_arena(d);
    kern_set_free(d->k, d->set);
    if (!d->borrowed)
        layers_fini(&d->l);
    free(d);
}

const struct arch *detector_arch(const struct detector *d)
{
    return &d->a;
}

void detector_size(const struct detector *d, int w, int h, int *padded_w, int *padded_h)
{
    struct picture p;
    picture_plan(&d->a, w, h, &p);
    *padded_w = p.map.w;
    *padded_h = p.map.h;
}

/* ---- a run */

static int run_network(struct run *r)
{
    int rc = run_body(r);
    if (rc == 0)
        rc = run_pyramid(r);
    if (rc == 0)
        rc = run_proposals(r);
    if (rc == 0)
        rc = run_features(r);
    return rc ? rc : run_scores(r);
}

/* How much memory its maps need, in floats, and how much there is to do. */
static size_t detector_plan(struct detector *d, struct detector_picture *list, int count,
                            double *work)
{
    struct vs_err err = {0};
    struct picture in;
    struct run r = {.d = d, .plan = true, .list = list, .in = &in, .count = count, .err = &err};
    picture_plan(&d->a, list[0].w, list[0].h, &in);
    if (run_network(&r) != 0)
        return 0; /* the run will say why */
    *work = r.done + (double)r.rows * d->l.fc6.k * d->l.fc6.n;
    return r.need;
}

int detector_batch(struct detector *d, int w, int h, int most)
{
    struct detector_picture one = {.w = w, .h = h};
    double work;
    size_t each = detector_plan(d, &one, 1, &work);
    size_t there = each ? d->arena_size / each : 0; /* of earlier runs: it serves again */
    int fresh = kern_batch(d->k, each, most);
    return there < (size_t)fresh ? fresh : there < (size_t)most ? (int)there : most;
}

static int need_arena(struct run *r)
{
    struct detector *d = r->d;
    size_t need = detector_plan(d, r->list, r->count, &r->all);
    if (need <= d->arena_size)
        return 0;
    free_arena(d);
    d->arena = kern_alloc(d->k, need + 64); /* vectors read beyond the end */
    d->arena_size = d->arena ? need : 0;
    return d->arena ? 0 : vs_fail(r->err, VS_E_LIMIT, "no memory for the detector's activations "
                                  "(%zu MB)", (need * sizeof(float)) >> 20);
}

static int make_pictures(struct run *r)
{
    int rc = 0;
    for (int i = 0; i < r->count && rc == 0; i++) {
        rc = picture_make(&r->d->a, r->list[i].rgb, r->list[i].w, r->list[i].h, &r->in[i], r->err);
        if (rc == 0 && (r->in[i].map.w != r->in[0].map.w || r->in[i].map.h != r->in[0].map.h))
            rc = vs_fail(r->err, VS_E_USAGE, "images of different sizes cannot run together");
    }
    if (rc == 0)
        rc = run_keep_picture(r);
    return rc ? rc : run_step(r, "picture", 0);
}

static int detector_run_all(struct run *r)
{
    int rc = need_arena(r);
    if (rc == 0)
        rc = make_pictures(r);
    if (rc == 0)
        rc = run_network(r);
    if (rc == 0)
        rc = run_step(r, "classes", 0);
    for (int i = 0; i < r->count && rc == 0; i++)
        rc = run_selection(r, i);
    return rc ? rc : run_step(r, "selection", 0);
}

static void drop_regions(struct run *r)
{
    for (int i = 0; i < r->count; i++) {
        regions_free(r->list[i].regions);
        r->list[i].regions = NULL;
    }
}

/* On the CPU the arena's pages go unless more pictures follow: fresh ones cost a twentieth of a
 * run. A device's memory stays. */
static void run_fini(struct run *r)
{
    if (kern_is_host(r->d->k) && !r->want->more)
        free_arena(r->d);
    for (int i = 0; i < r->count; i++) {
        free(r->in[i].map.x);
        free(r->found[i].boxes);
        free(r->found[i].objectness);
        free(r->found[i].levels);
    }
    free(r->in);
    free(r->found);
}

int detector_run(struct detector *d, struct detector_picture *list, int count,
                 const struct detector_want *want, struct trace **trace, struct vs_err *err)
{
    struct run r = {.d = d, .want = want, .ops = kern_table(d->k), .list = list, .count = count,
                    .err = err};
    char why[256];
    r.in = xcalloc((size_t)count, sizeof *r.in);
    r.found = xcalloc((size_t)count, sizeof *r.found);
    r.trace = want->trace ? xcalloc(1, sizeof *r.trace) : NULL;
    for (int i = 0; i < count; i++)
        list[i].regions = NULL;
    kern_use(d->k, d->set);
    int rc = detector_run_all(&r);
    run_fini(&r);
    if (kern_finish(d->k, why, sizeof why) != 0) /* says more than what followed from it */
        rc = vs_fail(err, VS_E_LIMIT, "%s", why);
    rc = tensorfile_check(d->file, rc, err);
    if (rc != 0)
        drop_regions(&r);
    if (rc == 0 && trace)
        *trace = r.trace;
    else
        trace_free(r.trace);
    return rc;
}
