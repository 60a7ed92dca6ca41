/* SPDX-License-Identifier: MIT */
/* Hidden states over a set, gathered, projected, compared. */
#include "src/study/projection.h"

#include "src/base/mem.h"
#include "src/base/strmap.h"
#include "src/engine/engine_priv.h"
#include "src/study/eval_priv.h"
#include "src/study/pca.h"
#include "src/study/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const projection_kinds[PROJECT_KINDS + 1] = {
    "cls", "words", "pieces", "punctuation", "words-mean", "image", "regions", "chosen",
    "regions-mean", NULL};
static const char *const projection_whats[PROJECT_KINDS] = {
    "the token [CLS] of each item", "each word", "each piece that goes on with a word",
    "each punctuation mark", "the mean of each item's words", "the whole image of each item",
    "each region", "the region that is ranked first", "the mean of each image's regions"};
const char *const projection_bys[PROJECT_BYS + 1] = {"class", "answer", "correct", "task", NULL};
const char *const projection_distances[] = {"cosine", "euclid", NULL};

bool projection_is_text(enum projection_of of)
{
    return of <= PROJECT_WORDS_MEAN;
}

const char *projection_what(enum projection_of of)
{
    return projection_whats[of];
}

/* ---- one item */

struct projecting {
    struct model *m;
    const struct eval_set *set; /* whose items they are, or NULL */
    const struct projection_wants *w;
    struct projection *out;
    int room; /* of points and x */
    int rc;   /* of what concerns all items, which ends it */
    struct vs_err why;
};

/* An item with what came of it. */
struct projected {
    const char *id;
    const struct eval_item *it;
    const struct query *q;
    const struct result *r;
    const struct trace_tensor *state;
    char *answer;
    bool scored, correct;
    struct result_source chosen; /* the region that is ranked first; image -1: none is */
};

static int wrong_depth(const struct trace *t, bool text, const char *after, struct vs_err *err)
{
    struct buf b = {0};
    for (int i = 0; i < t->count; i++) {
        char name[TRACE_DEPTH];
        if (trace_is_state(t->tensors[i].at, text)) {
            trace_depth(t->tensors[i].at, false, name);
            buf_printf(&b, "%s%s", b.len ? ", " : "", name);
        }
    }
    int rc = vs_fail(err, VS_E_USAGE, "there is no state of %s after '%s': there are %s",
                     text ? "tokens" : "regions", after, b.len ? b.data : "none");
    buf_fini(&b);
    return rc;
}

static int find_state(struct projecting *g, struct projected *x, struct vs_err *err)
{
    const struct trace *t = x->r->trace;
    bool text = projection_is_text(g->w->of);
    x->state = NULL;
    for (int i = 0; i < t->count; i++) {
        char name[TRACE_DEPTH];
        const struct trace_tensor *s = &t->tensors[i];
        if (!trace_is_state(s->at, text) || s->ndim != 3)
            continue;
        trace_depth(s->at, false, name);
        if (!g->w->after || strcmp(name, g->w->after) == 0)
            x->state = s;
    }
    if (!x->state)
        return wrong_depth(t, text, g->w->after ? g->w->after : "the last layer", err);
    trace_depth(x->state->at, false, g->out->after);
    g->out->dim = (int)x->state->shape[2];
    return 0;
}

/* Its path; of features without pictures what the set calls it. */
static const char *image_name(const struct projected *x, int image)
{
    if (image >= x->r->image_count)
        return "";
    const char *path = x->r->images[image].path;
    return path ? path : image < x->it->image_count ? x->it->images[image] : "";
}

/* A new point, its state zeros; NULL: there are too many. */
static struct projection_point *add_point(struct projecting *g, const struct projected *x,
                                          int image, float **state)
{
    struct projection *p = g->out;
    if (p->n == PROJECTION_MOST && g->w->cut) {
        p->cut = true;
        return NULL;
    }
    if (p->n == PROJECTION_MOST) {
        g->rc = vs_fail(&g->why, VS_E_USAGE, "more than %d points: --limit N takes fewer items",
                        PROJECTION_MOST);
        return NULL;
    }
    if (p->n == g->room) {
        g->room = g->room ? 2 * g->room : 256;
        p->points = xreallocarray(p->points, (size_t)g->room, sizeof *p->points);
        p->x = xreallocarray(p->x, vs_times((size_t)g->room, (size_t)p->dim), sizeof *p->x);
    }
    struct projection_point *o = &p->points[p->n];
    *state = p->x + (size_t)p->n++ * (size_t)p->dim;
    memset(*state, 0, (size_t)p->dim * sizeof **state);
    *o = (struct projection_point){
        .id = xstrdup(x->id), .task = x->it->task,
        .text = xstrdup(x->it->text ? x->it->text : ""),
        .image = xstrdup(image_name(x, image)),
        .answer = xstrdup(x->answer), .scored = x->scored, .correct = x->correct};
    return o;
}

/* state += that of a token, or of row number `number` of regions of row b of the batch. */
static bool add_state(const struct projected *x, bool token, int b, int number, float *state)
{
    const struct trace_tensor *s = x->state;
    int row = trace_row(x->r->trace, s->at.stream, token, number), dim = (int)s->shape[2];
    if (row < 0 || row >= s->shape[1] || b >= s->shape[0])
        return false;
    const float *from = s->data + ((ptrdiff_t)b * s->shape[1] + row) * dim;
    for (int i = 0; i < dim; i++)
        state[i] += from[i];
    return true;
}

static bool is_wanted_token(enum projection_of of, const struct result *r, int i)
{
    switch (of) {
    case PROJECT_CLS: return i == 0;
    case PROJECT_PIECES: return token_is_of_kind(r, i, TOKENS_PIECES);
    case PROJECT_PUNCTUATION: return token_is_of_kind(r, i, TOKENS_PUNCTUATION);
    default: return token_is_of_kind(r, i, TOKENS_WORDS);
    }
}

static void take_tokens(struct projecting *g, const struct projected *x)
{
    struct projection_point *o = NULL;
    float *state = NULL;
    bool mean = g->w->of == PROJECT_WORDS_MEAN;
    int n = 0;
    for (int i = 0; i < x->r->token_count && g->rc == 0; i++) {
        if (!is_wanted_token(g->w->of, x->r, i))
            continue;
        if (!mean || !o)
            o = add_point(g, x, 0, &state);
        if (!o || !add_state(x, true, 0, i, state))
            continue;
        n++;
        if (!mean) {
            o->name = xstrdup(x->r->tokens[i].piece);
            o->label = xstrdup(g->w->of == PROJECT_CLS ? "" : x->r->tokens[i].piece);
        }
    }
    if (mean && o) {
        for (int i = 0; n && i < g->out->dim; i++)
            state[i] /= (float)n;
        o->name = xasprintf("mean of %d words", n);
    }
}

static const char *class_of(struct projecting *g, const struct projected *x,
                            struct result_source from)
{
    const struct regions *r = from.image < x->q->photo_count
                                  ? photo_regions(x->q->photos[from.image]) : NULL;
    if (from.region == 0)
        return "whole image";
    const char *name = r && r->classes && from.region <= r->count
                           ? model_class_name(g->m, r, r->classes[from.region - 1]) : NULL;
    return name ? name : "";
}

static bool is_wanted_region(enum projection_of of, const struct projected *x,
                             struct result_source from)
{
    if (from.image < 0)
        return false;
    switch (of) {
    case PROJECT_IMAGE: return from.region == 0;
    case PROJECT_CHOSEN:
        return x->chosen.image == from.image && x->chosen.region == from.region;
    default: return from.region > 0;
    }
}

static void name_region(struct projecting *g, const struct projected *x, struct result_source from,
                        struct projection_point *o)
{
    const struct result_image *im = &x->r->images[from.image];
    const char *class = class_of(g, x, from);
    o->name = from.region == 0 ? xstrdup("whole image")
                               : xasprintf("region %d%s%s", from.region, *class ? " " : "", class);
    o->label = xstrdup(class);
    o->boxed = from.region > 0 && im->boxes &&
               from.region <= im->region_count + im->candidate_count;
    if (o->boxed)
        memcpy(o->box, im->boxes + 4 * (from.region - 1), sizeof o->box);
}

/* Of a pair that shares its rows an image's regions may be in either row of the batch. */
static void take_regions_mean(struct projecting *g, const struct projected *x)
{
    const struct result *r = x->r;
    for (int k = 0; k < r->image_count && g->rc == 0; k++) {
        struct projection_point *o = NULL;
        float *state = NULL;
        int n = 0;
        for (int i = 0; i < r->batch * r->rows && g->rc == 0; i++) {
            if (r->sources[i].image != k || r->sources[i].region == 0)
                continue;
            if (!o)
                o = add_point(g, x, k, &state);
            n += o && add_state(x, false, i / r->rows, i % r->rows, state);
        }
        for (int i = 0; o && n && i < g->out->dim; i++)
            state[i] /= (float)n;
        if (o)
            o->name = xasprintf("mean of %d regions", n);
    }
}

static void take_regions(struct projecting *g, const struct projected *x)
{
    const struct result *r = x->r;
    for (int i = 0; i < r->batch * r->rows && g->rc == 0; i++) {
        float *state;
        if (!is_wanted_region(g->w->of, x, r->sources[i]))
            continue;
        struct projection_point *o = add_point(g, x, r->sources[i].image, &state);
        if (o && add_state(x, false, i / r->rows, i % r->rows, state))
            name_region(g, x, r->sources[i], o);
    }
}

/* The best answer, or box, in words, and whether it is right; the caller frees x->answer. */
static void take_answer(struct projected *x)
{
    const struct result *r = x->r;
    const struct result_box *box = r->box_count ? &r->boxes[0] : NULL;
    x->scored = eval_has_truth(x->it);
    x->correct = x->scored && eval_worth(x->it, r) >= 0.5;
    x->chosen.image = box ? box->image : -1;
    x->chosen.region = box ? box->region : 0;
    if (r->answer_count > 0 || !box)
        x->answer = xstrdup(r->answer_count && r->answers[0].label ? r->answers[0].label : "");
    else
        x->answer = xasprintf("region %d%s%s", box->region, box->label ? " " : "",
                              box->label ? box->label : "");
}

/* The same where the head's numbers alone are there. */
static int judge_answer(struct projecting *g, struct projected *x, struct vs_err *err)
{
    double score = 0;
    int choice = reference_chosen(g->set, x->it, x->r, &x->answer, &score, err);
    bool region = x->it->task->reading->ranked == RANKED_REGIONS && choice >= 0 &&
                  choice < x->r->batch * x->r->rows;
    x->scored = x->it->scored;
    x->correct = x->scored && score >= 0.5;
    x->chosen.image = -1;
    if (region)
        x->chosen = x->r->sources[choice];
    if (region && x->chosen.image >= 0) {
        free(x->answer);
        x->answer = x->chosen.region ? xasprintf("region %d", x->chosen.region)
                                     : xstrdup("whole image");
    }
    return choice >= 0 ? 0 : err->code;
}

static int project_query(struct projecting *g, const char *id, const struct eval_item *it,
                         const struct query *q, struct vs_err *err)
{
    struct query with = *q;
    struct result *r = NULL;
    if (g->rc != 0 || g->out->cut) /* what concerns all items is told by finish */
        return vs_fail(err, VS_E_CANCELLED, "stopped");
    with.hidden = true;
    int before = g->out->n, rc = query_run(g->m, &with, g->w->cancel, &r, err);
    if (rc != 0)
        return rc;
    struct projected x = {.id = id, .it = it, .q = q, .r = r};
    if (g->set && g->set->reference)
        rc = judge_answer(g, &x, err);
    else
        take_answer(&x);
    if (rc != 0) {
        free(x.answer);
        result_free(r);
        return rc;
    }
    g->rc = find_state(g, &x, &g->why);
    if (g->rc == 0 && projection_is_text(g->w->of))
        take_tokens(g, &x);
    else if (g->rc == 0 && g->w->of == PROJECT_REGIONS_MEAN)
        take_regions_mean(g, &x);
    else if (g->rc == 0)
        take_regions(g, &x);
    g->out->items += g->out->n > before;
    free(x.answer);
    result_free(r);
    return 0;
}

static void project_bad(struct projecting *g, const char *id, const struct vs_err *why)
{
    if (g->out->left_out++ == 0)
        g->out->first = xasprintf("%s: %s", id, why->text);
}

/* ---- all of them */

static int finish(struct projecting *g, int rc, struct vs_err *err)
{
    struct projection *p = g->out;
    if (g->rc != 0) {
        *err = g->why;
        return g->rc;
    }
    bool stopped = g->w->cancel && atomic_load(g->w->cancel);
    rc = rc == VS_E_CANCELLED && p->cut && !stopped ? 0 : rc;
    if (rc == 0 && p->n < 2)
        rc = vs_fail(err, VS_E_FORMAT, "of %s there %s: a plane needs two%s%s",
                     projection_what(g->w->of), p->n ? "is one point" : "are no points",
                     p->first ? "; left out: " : "", p->first ? p->first : "");
    if (rc != 0)
        return rc;
    for (int i = 0; i < p->n; i++) {
        struct projection_point *o = &p->points[i];
        o->name = o->name ? o->name : xstrdup("");
        o->label = o->label ? o->label : xstrdup("");
    }
    p->xy = xcalloc((size_t)p->n, 2 * sizeof *p->xy);
    return project_many(p->x, p->n, p->dim, g->w->cancel, p->xy, p->share)
               ? 0 : vs_fail(err, VS_E_CANCELLED, "cancelled");
}

static int project_set_item(void *arg, const struct eval_item *it, const struct query *q,
                            struct vs_err *err)
{
    char *id = eval_item_name(it);
    int rc = project_query(arg, id, it, q, err);
    free(id);
    return rc;
}

static int project_set_bad(void *arg, const struct eval_item *it, const struct vs_err *why)
{
    char *id = eval_item_name(it);
    project_bad(arg, id, why);
    free(id);
    return 0;
}

int projection_run(struct model *m, const struct eval_set *set, const struct projection_wants *w,
                   struct projection *out, struct vs_err *err)
{
    *out = (struct projection){.of = w->of};
    struct projecting g = {.m = m, .set = set, .w = w, .out = out};
    struct eval_score *scores = xcalloc((size_t)task_count, sizeof *scores);
    struct eval_options o = {.task = w->task, .without = w->without, .checkpoint = w->checkpoint,
                             .limit = w->limit, .gone = w->gone, .ask = project_set_item,
                             .ask_arg = &g, .bad = project_set_bad, .bad_arg = &g,
                             .cancel = w->cancel, .report = w->report,
                             .report_arg = w->report_arg};
    int rc = eval_run(m, set, &o, scores, err);
    free(scores);
    return finish(&g, rc, err);
}

int projection_run_probes(struct model *m, const struct probes *p, const struct projection_wants *w,
                          struct projection *out, struct vs_err *err)
{
    *out = (struct projection){.of = w->of};
    struct projecting g = {.m = m, .w = w, .out = out};
    struct probe_runner *runner = probe_runner_new(m, p);
    int rc = 0;
    for (int i = 0, asked = 0; i < p->count && rc == 0 && g.rc == 0; i++) {
        const struct eval_item *it = &p->list[i].item;
        struct vs_err why = {0};
        struct query q;
        if ((w->task && it->task != w->task) || (w->limit && asked++ >= w->limit))
            continue;
        int one = probe_runner_query(runner, i, w->checkpoint, &q, &why);
        if (one == 0)
            one = project_query(&g, p->list[i].name, it, &q, &why);
        if (vs_is_of_all(one))
            rc = vs_fail(err, one, "%s", why.text);
        else if (one != 0)
            project_bad(&g, p->list[i].name, &why);
        const struct eval_progress now = {.done = i + 1, .all = p->count, .task = it->task,
                                          .score = (double)NAN};
        if (w->report)
            w->report(w->report_arg, &now);
    }
    probe_runner_free(runner);
    return finish(&g, rc, err);
}

void projection_fini(struct projection *p)
{
    for (int i = 0; i < p->n; i++) {
        struct projection_point *o = &p->points[i];
        free(o->id);
        free(o->text);
        free(o->name);
        free(o->image);
        free(o->label);
        free(o->answer);
    }
    free(p->points);
    free(p->x);
    free(p->xy);
    free(p->first);
    *p = (struct projection){0};
}

/* ---- groups */

const char *projection_group(const struct projection *p, int i, enum projection_by by)
{
    const struct projection_point *o = &p->points[i];
    const char *name = by == PROJECT_BY_CLASS    ? o->label
                       : by == PROJECT_BY_ANSWER ? o->answer
                       : by == PROJECT_BY_TASK   ? o->task->name
                       : !o->scored              ? "not known"
                                                 : o->correct ? "right" : "wrong";
    return *name ? name : "none";
}

struct group {
    const char *name;
    int count, first; /* of the names, before they are put into order */
};

static int by_count(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return x->count != y->count ? (x->count > y->count ? -1 : 1) : strcmp(x->name, y->name);
}

int projection_groups(const struct projection *p, enum projection_by by, const char ***groups,
                      int **of)
{
    struct group *list = xcalloc((size_t)p->n + 1, sizeof *list);
    struct strmap names = {0};
    int n = 0;
    *of = xcalloc((size_t)p->n + 1, sizeof **of);
    for (int i = 0; i < p->n; i++) {
        const char *name = projection_group(p, i, by);
        int at = strmap_get(&names, name, strlen(name));
        if (at < 0) {
            at = n++;
            list[at] = (struct group){.name = name, .first = at};
            strmap_add(&names, name, strlen(name), at);
        }
        list[at].count++;
        (*of)[i] = at;
    }
    vs_sort(list, (size_t)n, sizeof *list, by_count);
    int *place = xcalloc((size_t)n + 1, sizeof *place);
    *groups = xcalloc((size_t)n + 1, sizeof **groups);
    for (int k = 0; k < n; k++) {
        place[list[k].first] = k;
        (*groups)[k] = list[k].name;
    }
    for (int i = 0; i < p->n; i++)
        (*of)[i] = place[(*of)[i]];
    strmap_fini(&names);
    free(place);
    free(list);
    return n;
}

/* ---- neighbors */

static float distance_of(const struct projection *p, int a, int b, enum projection_distance how)
{
    const float *x = p->x + (size_t)a * (size_t)p->dim, *y = p->x + (size_t)b * (size_t)p->dim;
    if (how == PROJECT_COSINE)
        return project_cosine(x, y, p->dim);
    double sum = 0;
    for (int i = 0; i < p->dim; i++)
        sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return (float)sqrt(sum);
}

int projection_neighbors(const struct projection *p, int to, enum projection_distance how,
                         int count, int *order, float *distance)
{
    int n = 0;
    for (int i = 0; i < p->n && count > 0; i++) {
        if (i == to)
            continue;
        float d = distance_of(p, to, i, how);
        int at = n;
        while (at > 0 && (how == PROJECT_COSINE ? d > distance[at - 1] : d < distance[at - 1]))
            at--;
        if (at == count)
            continue;
        n += n < count;
        memmove(order + at + 1, order + at, (size_t)(n - 1 - at) * sizeof *order);
        memmove(distance + at + 1, distance + at, (size_t)(n - 1 - at) * sizeof *distance);
        order[at] = i;
        distance[at] = d;
    }
    return n;
}
