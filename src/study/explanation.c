/* SPDX-License-Identifier: MIT */
/* Tests of attributions on one query. */
#include "src/study/explanation.h"

#include "src/base/mem.h"
#include "src/study/attribution_priv.h"
#include "src/study/eval_priv.h"
#include "src/study/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const explanation_kinds[EXPLAIN_KINDS] = {"regions", "words"};

/* A test under way. */
struct testing {
    struct attribution_subject *s;
    const struct explanation_wants *w;
    struct explanation *out;
    struct attribution how;   /* without numbers: how things are removed */
    struct attributing given; /* of it */
    bool *meant; /* (regions): rows that are where they should be; NULL: not known */
    double chance;
};

double explanation_gain(const struct removal *r)
{
    return r->count > 0 ? removal_area(r->insertion, r->count) - removal_area(r->deletion, r->count)
                        : (double)NAN;
}

/* ---- curves */

static int testing_curves(const struct testing *t, const struct removing *what,
                          const struct removable *order, int count, struct removal *out,
                          struct vs_err *err)
{
    *out = (struct removal){0};
    if (count == 0)
        return 0;
    pthread_mutex_lock(&t->s->m->forward_lock);
    int rc = removal_run(what, order, count, out, err);
    pthread_mutex_unlock(&t->s->m->forward_lock);
    return rc;
}

static int removable_by_place(const void *a, const void *b)
{
    const struct removable *x = a, *y = b;
    return x->image != y->image ? x->image - y->image : x->index - y->index;
}

static int testing_kind(const struct testing *t, const struct attribution *a,
                        enum explanation_kind kind, struct explanation_test *to, struct vs_err *err)
{
    bool tokens = kind == EXPLAIN_WORDS;
    const struct removing what = attribution_removing(&t->given, tokens);
    double *worth = attribution_worths(&t->given, a, tokens);
    int n;
    struct removable *order = removal_order(&what, worth, &n);
    int rc = testing_curves(t, &what, order, n, &to->curves[kind], err);
    qsort(order, (size_t)n, sizeof *order, removable_by_place);
    to->worth[kind] = xcalloc((size_t)n + 1, sizeof **to->worth);
    for (int i = 0; i < n; i++)
        to->worth[kind][i] = order[i].worth;
    free(order);
    free(worth);
    return rc;
}

/* ---- the random floor */

static void testing_shuffle(struct removable *list, int n, uint64_t *state)
{
    for (int i = n - 1; i > 0; i--) {
        int j = stats_roll_below(state, i + 1);
        struct removable kept = list[i];
        list[i] = list[j];
        list[j] = kept;
    }
}

/* The curves of `to` *= share; x adds its share. x NULL: nothing. */
static void testing_mix(struct removal *to, const struct removal *x, double share)
{
    double *const sum[] = {to->deletion, to->insertion, to->deletion_p, to->insertion_p};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k <= to->count; k++) {
            const double *from[] = {x ? x->deletion : NULL, x ? x->insertion : NULL,
                                    x ? x->deletion_p : NULL, x ? x->insertion_p : NULL};
            sum[i][k] = x ? sum[i][k] + share * from[i][k] : share * sum[i][k];
        }
}

static int testing_random(const struct testing *t, enum explanation_kind kind, struct removal *out,
                          struct vs_err *err)
{
    const struct removing what = attribution_removing(&t->given, kind == EXPLAIN_WORDS);
    uint64_t state = t->w->seed * EXPLAIN_KINDS + (uint64_t)kind;
    double share = 1.0 / (t->w->orders > 0 ? t->w->orders : 1);
    int n, rc = 0;
    struct removable *order = removal_order(&what, NULL, &n);
    for (int i = 0; i < t->w->orders && n > 0 && rc == 0; i++) {
        struct removal one;
        testing_shuffle(order, n, &state);
        rc = testing_curves(t, &what, order, n, &one, err);
        if (rc == 0 && i > 0)
            testing_mix(out, &one, share);
        if (rc == 0 && i == 0) {
            *out = one;
            one = (struct removal){0};
            testing_mix(out, NULL, share);
        }
        removal_fini(&one);
    }
    free(order);
    return rc;
}

/* ---- pointing */

/* Which rows of regions overlap a true box by 0.5 or more, the whole image aside. */
static void testing_find_meant(struct testing *t)
{
    const struct prepared *p = &t->s->p;
    const struct result_image *im = &p->r->images[0];
    const struct box_list *boxes = t->w->meant;
    int real = 0, good = 0;
    if (!boxes || boxes->count == 0 || p->seen.photo_count != 1 || t->s->in.batch != 1 ||
        p->seen.task->reading->ranked == RANKED_REGIONS)
        return;
    t->meant = xcalloc((size_t)t->s->in.regions + 1, sizeof *t->meant);
    for (int i = 1; i < t->s->in.regions; i++) {
        const struct result_source *s = &p->in.sources[i];
        if (s->image < 0 || s->region < 1)
            continue;
        for (int j = 0; j < boxes->count; j++)
            t->meant[i] |= eval_overlap(im->boxes + 4 * (ptrdiff_t)(s->region - 1),
                                        boxes->boxes + 4 * (ptrdiff_t)j) >= 0.5;
        real++;
        good += t->meant[i];
    }
    t->chance = real > 0 ? (double)good / real : 0;
    t->out->pointed = good > 0;
    t->out->out_of_reach = good == 0;
}

static void testing_point(const struct testing *t, const struct attribution *a,
                          struct explanation_test *to)
{
    int best = -1;
    double all = 0, good = 0;
    for (int i = 1; i < t->s->in.regions; i++) {
        double x = a->of_regions[i];
        if (t->s->p.in.sources[i].image < 0)
            continue;
        best = best < 0 || x > a->of_regions[best] ? i : best;
        all += x > 0 ? x : 0;
        good += x > 0 && t->meant[i] ? x : 0;
    }
    to->hit = best >= 0 && t->meant[best];
    to->mass = all > 0 ? good / all : (double)NAN;
}

/* ---- the whole */

static int testing_method(struct testing *t, const struct attribution_method *method,
                          struct explanation_test *to, struct vs_err *err)
{
    struct attribution a = {0};
    int rc = attribution_of(t->s, method, &t->w->how, &a, err);
    to->method = method;
    for (int k = 0; k < EXPLAIN_KINDS && rc == 0; k++)
        rc = testing_kind(t, &a, (enum explanation_kind)k, to, err);
    if (rc == 0 && t->out->pointed)
        testing_point(t, &a, to);
    t->out->value = rc == 0 ? a.value : 0;
    attribution_fini(&a);
    return rc;
}

static int testing_all(struct testing *t, struct vs_err *err)
{
    const struct explanation_wants *w = t->w;
    struct explanation *out = t->out;
    int rc = 0;
    out->list = xcalloc((size_t)w->method_count + 2, sizeof *out->list);
    out->count = w->method_count + (w->orders > 0);
    for (int i = 0; i < out->count; i++)
        out->list[i].hit = out->list[i].mass = NAN;
    for (int i = 0; i < w->method_count && rc == 0; i++)
        rc = testing_method(t, w->methods[i], &out->list[i], err);
    if (w->orders > 0 && out->pointed)
        out->list[w->method_count].hit = out->list[w->method_count].mass = t->chance;
    for (int k = 0; k < EXPLAIN_KINDS && rc == 0 && w->orders > 0; k++)
        rc = testing_random(t, (enum explanation_kind)k, &out->list[w->method_count].curves[k],
                            err);
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        out->probability |= out->count > 0 && out->list[0].curves[k].probability;
    return rc;
}

int explanation_run(struct model *m, const struct query *q, int choice, int against,
                    const struct explanation_wants *w, const atomic_bool *cancel,
                    struct explanation *out, struct vs_err *err)
{
    struct attribution_subject s;
    struct testing t = {.s = &s, .w = w, .out = out, .how.how = w->how};
    *out = (struct explanation){0};
    int rc = attribution_open(m, q, choice, against, cancel, &s, err);
    if (rc == 0) {
        t.given = attribution_given(&s, &t.how);
        testing_find_meant(&t);
        rc = testing_all(&t, err);
    }
    free(t.meant);
    attribution_close(&s);
    if (rc != 0)
        explanation_fini(out);
    return rc;
}

void explanation_fini(struct explanation *e)
{
    for (int i = 0; i < e->count; i++)
        for (int k = 0; k < EXPLAIN_KINDS; k++) {
            removal_fini(&e->list[i].curves[k]);
            free(e->list[i].worth[k]);
        }
    free(e->list);
    *e = (struct explanation){0};
}

/* ---- agreement */

struct ranked_number {
    double x;
    int place;
};

static int ranked_compare(const void *a, const void *b)
{
    const struct ranked_number *x = a, *y = b;
    return x->x != y->x ? (x->x < y->x ? -1 : 1) : x->place - y->place;
}

/* Ranks from 0, to be freed. */
static double *agreement_ranks(const double *x, int n)
{
    struct ranked_number *list = xcalloc((size_t)n + 1, sizeof *list);
    double *rank = xcalloc((size_t)n + 1, sizeof *rank);
    for (int i = 0; i < n; i++)
        list[i] = (struct ranked_number){x[i], i};
    qsort(list, (size_t)n, sizeof *list, ranked_compare);
    for (int i = 0, j; i < n; i = j) {
        for (j = i; j < n && list[j].x == list[i].x; j++)
            ;
        for (int k = i; k < j; k++)
            rank[list[k].place] = (i + j - 1) / 2.0;
    }
    free(list);
    return rank;
}

double explanation_agreement(const double *a, const double *b, int n)
{
    double *p = agreement_ranks(a, n), *q = agreement_ranks(b, n);
    double mean = (n - 1) / 2.0, pq = 0, pp = 0, qq = 0;
    for (int i = 0; i < n; i++) {
        pq += (p[i] - mean) * (q[i] - mean);
        pp += (p[i] - mean) * (p[i] - mean);
        qq += (q[i] - mean) * (q[i] - mean);
    }
    free(p);
    free(q);
    return pp > 0 && qq > 0 ? pq / sqrt(pp * qq) : (double)NAN;
}
