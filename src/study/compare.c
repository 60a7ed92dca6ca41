/* SPDX-License-Identifier: MIT */
/* Differences of two results: what is first, what moved, and how far apart the two are. */
#include "src/study/compare.h"

#include "src/base/mem.h"
#include "src/engine/engine_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ranks_boxes(const struct result *r)
{
    return r->task->reading->ranked == RANKED_REGIONS;
}

int compare_count(const struct result *r)
{
    return ranks_boxes(r) ? r->box_count : r->answer_count;
}

int64_t compare_key(const struct result *r, int rank)
{
    if (ranks_boxes(r))
        return (int64_t)r->boxes[rank].image << 32 | r->boxes[rank].region;
    return r->answers[rank].index;
}

int compare_rank(const struct result *r, int64_t key)
{
    for (int i = 0; i < compare_count(r); i++)
        if (compare_key(r, i) == key)
            return i;
    return -1;
}

char *compare_label(const struct result *r, int rank)
{
    if (!ranks_boxes(r))
        return xstrdup(r->answers[rank].label ? r->answers[rank].label : "?");
    const struct result_box *x = &r->boxes[rank];
    if (x->region == 0)
        return xstrdup("whole image");
    return x->label ? xasprintf("region %d (%s)", x->region, x->label)
                    : xasprintf("region %d", x->region);
}

double compare_logit(const struct result *r, int rank)
{
    return (double)(ranks_boxes(r) ? r->boxes[rank].logit : r->answers[rank].logit);
}

double compare_softmax(const struct result *r, int rank)
{
    return (double)(ranks_boxes(r) ? r->boxes[rank].softmax : r->answers[rank].softmax);
}

/* Boxes that are left out have no chance, as in the knock-outs (src/study/effects.c). */
static bool takes_part(const struct result *r, int rank)
{
    return !ranks_boxes(r) || compare_logit(r, rank) > -9000;
}

enum score_scale compare_scale(const struct result *r)
{
    int n = 0;
    for (int i = 0; i < compare_count(r) && n < 2; i++)
        n += takes_part(r, i);
    return n < 2 || r->task->reading->by_logit ? SCORE_LOGIT : SCORE_LOG_ODDS;
}

double compare_measure(const struct result *r, int rank)
{
    int n = compare_count(r);
    if (compare_scale(r) == SCORE_LOGIT)
        return compare_logit(r, rank);
    float *x = xcalloc((size_t)n, sizeof *x);
    for (int i = 0; i < n; i++)
        x[i] = takes_part(r, i) ? (float)compare_logit(r, i) : -INFINITY;
    double odds = score_log_odds(x, n, rank);
    free(x);
    return odds;
}

void compare_measures(const struct result *r, double *out)
{
    int n = compare_count(r);
    bool odds = compare_scale(r) == SCORE_LOG_ODDS;
    double top = n ? compare_logit(r, 0) : 0, sum = 0; /* they are ranked */
    for (int i = 0; i < n; i++)
        sum += takes_part(r, i) ? exp(compare_logit(r, i) - top) : 0;
    for (int i = 0; i < n; i++) {
        double x = compare_logit(r, i), p = exp(x - top) / sum;
        out[i] = !odds     ? x
                 : p < 0.5 ? x - top - log(sum) - log1p(-p)
                           : compare_measure(r, i); /* 1 - p has too few digits */
    }
}

bool compare_fits(const struct result *a, const struct result *b)
{
    return a->task == b->task && compare_count(a) == compare_count(b) && compare_count(a) > 0;
}

/* ---- Jensen-Shannon */

static double compare_sound(float x)
{
    return x > 0 && isfinite(x) ? (double)x : 0;
}

double compare_jsd(const float *p, const float *q, int n)
{
    double sp = 0, sq = 0, d = 0;
    for (int i = 0; i < n; i++) {
        sp += compare_sound(p[i]);
        sq += compare_sound(q[i]);
    }
    if (sp <= 0 || sq <= 0)
        return 0;
    for (int i = 0; i < n; i++) {
        double a = compare_sound(p[i]) / sp, b = compare_sound(q[i]) / sq, m = (a + b) / 2;
        if (a > 0)
            d += a * log2(a / m) / 2;
        if (b > 0)
            d += b * log2(b / m) / 2;
    }
    return d < 0 ? 0 : d > 1 ? 1 : d; /* rounding */
}

/* ---- results */

/* Ranks of b's entries for each rank of a: both sorted by key, so that 3,129 answers cost little.
 */
struct place {
    int64_t key;
    int rank;
};

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const struct place *)a)->key, y = ((const struct place *)b)->key;
    return (x > y) - (x < y);
}

static struct place *compare_sorted(const struct result *r)
{
    int n = compare_count(r);
    struct place *list = xcalloc((size_t)n + 1, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = (struct place){compare_key(r, i), i};
    vs_sort(list, (size_t)n, sizeof *list, by_key);
    return list;
}

static int by_distance(const void *a, const void *b)
{
    const struct compare_move *x = a, *y = b;
    double dx = fabs(x->p_b - x->p_a), dy = fabs(y->p_b - y->p_a);
    return dx != dy ? (dx < dy) - (dx > dy) : (x->rank_b > y->rank_b) - (x->rank_b < y->rank_b);
}

bool compare_results(const struct result *a, const struct result *b, int top,
                     struct compare_change *out)
{
    *out = (struct compare_change){0};
    if (!compare_fits(a, b))
        return false;
    int n = compare_count(a);
    struct place *pa = compare_sorted(a), *pb = compare_sorted(b);
    float *p = xcalloc((size_t)n, sizeof *p), *q = xcalloc((size_t)n, sizeof *q);
    bool same = true;
    out->moves = xcalloc((size_t)n, sizeof *out->moves);
    for (int i = 0; i < n && same; i++) {
        int ra = pa[i].rank, rb = pb[i].rank;
        same = pa[i].key == pb[i].key;
        p[i] = (float)compare_softmax(a, ra);
        q[i] = (float)compare_softmax(b, rb);
        if (ra < top || rb < top)
            out->moves[out->count++] = (struct compare_move){pa[i].key, ra, rb, (double)p[i],
                                                             (double)q[i]};
    }
    vs_sort(out->moves, (size_t)out->count, sizeof *out->moves, by_distance);
    out->divergence = compare_jsd(p, q, n);
    out->entropy_change = b->entropy - a->entropy;
    free(pa);
    free(pb);
    free(p);
    free(q);
    return same;
}

void compare_fini(struct compare_change *c)
{
    free(c->moves);
    *c = (struct compare_change){0};
}

int compare_check_families(const struct model *m, int a, int b, struct vs_err *err)
{
    const struct family *x = model_checkpoint_family(m, a), *y = model_checkpoint_family(m, b);
    const struct net_sizes *p = model_checkpoint_sizes(m, a), *q = model_checkpoint_sizes(m, b);
    if (x == y && memcmp(p, q, sizeof *p) != 0)
        return vs_fail(err, VS_E_USAGE, "%s and %s are of different sizes (their configurations "
                       "differ in width, layers, heads, words or features): their answers and "
                       "boxes can be compared, but not their weights, states and attention, nor "
                       "can they be patched", model_checkpoint_name(m, a),
                       model_checkpoint_name(m, b));
    return x == y ? 0
                  : vs_fail(err, VS_E_USAGE, "%s is %s, %s is %s: their answers and boxes can be "
                            "compared, but not their weights, states and attention, nor can they "
                            "be patched", model_checkpoint_name(m, a), x->name,
                            model_checkpoint_name(m, b), y->name);
}

bool compare_task_tokens(const struct model *m, int a, int b, char *out, size_t size)
{
    bool has = m->checkpoints[a].net->task_tokens, other = m->checkpoints[b].net->task_tokens;
    if (has != other)
        snprintf(out, size, "only %s has task tokens: their states, attention and embeddings are "
                 "left out", model_checkpoint_name(m, has ? a : b));
    return has != other;
}
