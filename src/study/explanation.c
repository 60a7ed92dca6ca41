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

/* What is removed in which orders: those of the methods, then random ones. */
struct testing_orders {
    struct removable **list; /* (many) of (count) */
    int many, count;
};

/* A test under way. */
struct testing {
    struct attribution_subject *s;
    const struct explanation_wants *w;
    struct explanation *out;
    struct attribution how;   /* without numbers: how things are removed */
    struct attributing given; /* of it */
    struct testing_orders orders[EXPLAIN_KINDS];
    bool *meant; /* (regions): rows that are where they should be; NULL: not known */
    double chance;
};

double explanation_gain(const struct removal *r)
{
    return r->count > 0 ? removal_area(r->insertion, r->count) - removal_area(r->deletion, r->count)
                        : (double)NAN;
}

/* ---- orders */

static int removable_by_place(const void *a, const void *b)
{
    const struct removable *x = a, *y = b;
    return x->image != y->image ? x->image - y->image : x->index - y->index;
}

static struct removable *copy_of_order(const struct removable *list, int n)
{
    struct removable *copy = xcalloc((size_t)n + 1, sizeof *copy);
    memcpy(copy, list, (size_t)n * sizeof *copy);
    return copy;
}

/* A method's order, and its numbers in the order of the input. */
static void testing_order(struct testing *t, const struct attribution *a,
                          enum explanation_kind kind, struct explanation_test *to)
{
    struct testing_orders *o = &t->orders[kind];
    const struct removing what = attribution_removing(&t->given, kind == EXPLAIN_WORDS);
    double *worth = attribution_worths(&t->given, a, kind == EXPLAIN_WORDS);
    struct removable *order = removal_order(&what, worth, &o->count);
    o->list[o->many++] = copy_of_order(order, o->count);
    vs_sort(order, (size_t)o->count, sizeof *order, removable_by_place);
    to->worth[kind] = xcalloc((size_t)o->count + 1, sizeof **to->worth);
    for (int i = 0; i < o->count; i++)
        to->worth[kind][i] = order[i].worth;
    free(order);
    free(worth);
}

static void testing_shuffle(struct removable *list, int n, uint64_t *state)
{
    for (int i = n - 1; i > 0; i--) {
        int j = stats_roll_below(state, i + 1);
        struct removable kept = list[i];
        list[i] = list[j];
        list[j] = kept;
    }
}

static void testing_random_orders(struct testing *t, enum explanation_kind kind)
{
    struct testing_orders *o = &t->orders[kind];
    const struct removing what = attribution_removing(&t->given, kind == EXPLAIN_WORDS);
    uint64_t state = t->w->seed * EXPLAIN_KINDS + (uint64_t)kind;
    struct removable *order = removal_order(&what, NULL, &o->count);
    for (int i = 0; i < t->w->orders; i++) {
        testing_shuffle(order, o->count, &state);
        o->list[o->many++] = copy_of_order(order, o->count);
    }
    free(order);
}

/* ---- curves */

/* The curves of `to` += share * those of x. */
static void testing_mix(struct removal *to, const struct removal *x, double share)
{
    double *const sum[] = {to->deletion, to->insertion, to->deletion_p, to->insertion_p};
    double *const from[] = {x->deletion, x->insertion, x->deletion_p, x->insertion_p};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k <= to->count; k++)
            sum[i][k] += share * from[i][k];
}

/* Takes the curves of the methods, and the mean of those of random orders. */
static void testing_take(struct testing *t, enum explanation_kind kind, struct removal *all)
{
    const struct explanation_wants *w = t->w;
    double share = 1.0 / (w->orders > 0 ? w->orders : 1);
    for (int i = 0; i < w->method_count; i++)
        t->out->list[i].curves[kind] = all[i];
    if (w->orders == 0)
        return;
    struct removal *mean = &all[w->method_count], none = *mean;
    double *const lists[] = {none.deletion, none.insertion, none.deletion_p, none.insertion_p};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k <= none.count; k++)
            lists[i][k] *= share;
    for (int i = 1; i < w->orders; i++) {
        testing_mix(mean, mean + i, share);
        removal_fini(mean + i);
    }
    t->out->list[w->method_count].curves[kind] = *mean;
}

/* All orders of a kind together: batches are full. */
static int testing_curves(struct testing *t, enum explanation_kind kind, struct vs_err *err)
{
    struct testing_orders *o = &t->orders[kind];
    const struct removing what = attribution_removing(&t->given, kind == EXPLAIN_WORDS);
    if (o->count == 0)
        return 0;
    struct removal *all = xcalloc((size_t)o->many + 1, sizeof *all);
    pthread_mutex_lock(&t->s->m->forward_lock);
    int rc = removal_many(&what, (const struct removable *const *)o->list, o->many, o->count, all,
                          err);
    pthread_mutex_unlock(&t->s->m->forward_lock);
    if (rc == 0)
        testing_take(t, kind, all);
    free(all);
    return rc;
}

static void testing_orders_fini(struct testing_orders *o)
{
    for (int i = 0; i < o->many; i++)
        free(o->list[i]);
    free(o->list);
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

/* First-order numbers of heads against exact ones, where there are both. */
static double testing_heads(const struct attribution *a)
{
    double *x = xcalloc((size_t)a->head_count + 1, sizeof *x), r = NAN;
    double *y = xcalloc((size_t)a->head_count + 1, sizeof *y);
    int n = 0;
    for (int i = 0; i < a->head_count; i++)
        if (isfinite(a->heads[i].exact)) {
            x[n] = a->heads[i].worth;
            y[n++] = a->heads[i].exact;
        }
    if (n > 2)
        r = explanation_agreement(x, y, n);
    free(x);
    free(y);
    return r;
}

static int testing_method(struct testing *t, const struct attribution_method *method,
                          struct explanation_test *to, struct vs_err *err)
{
    struct attribution a = {0};
    int rc = attribution_of(t->s, method, &t->w->how, &a, err);
    to->method = method;
    for (int k = 0; k < EXPLAIN_KINDS && rc == 0; k++)
        testing_order(t, &a, (enum explanation_kind)k, to);
    if (rc == 0)
        to->heads = testing_heads(&a);
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
        out->list[i].hit = out->list[i].mass = out->list[i].heads = NAN;
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        t->orders[k].list =
            xcalloc((size_t)w->method_count + (size_t)w->orders + 1, sizeof(void *));
    for (int i = 0; i < w->method_count && rc == 0; i++)
        rc = testing_method(t, w->methods[i], &out->list[i], err);
    if (w->orders > 0 && out->pointed)
        out->list[w->method_count].hit = out->list[w->method_count].mass = t->chance;
    for (int k = 0; k < EXPLAIN_KINDS && rc == 0; k++) {
        testing_random_orders(t, (enum explanation_kind)k);
        rc = testing_curves(t, (enum explanation_kind)k, err);
    }
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
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        testing_orders_fini(&t.orders[k]);
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
    vs_sort(list, (size_t)n, sizeof *list, ranked_compare);
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
