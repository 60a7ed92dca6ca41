/* SPDX-License-Identifier: MIT */
/* Which answers moved between two results. */
#include "src/study/moves.h"

#include "src/base/mem.h"
#include "src/study/compare.h"
#include "src/study/headstats.h"

#include <math.h>
#include <stdlib.h>

static bool is_in(const struct answer_moves *m, const int64_t *keys, int64_t key)
{
    for (int i = 0; i < m->count; i++)
        if (keys[i] == key)
            return true;
    return false;
}

static void add_moves(const struct result *a, const struct result *b, const struct result *from,
                      int most, const double *of_a, const double *of_b, struct answer_moves *m,
                      int64_t *keys)
{
    int n = compare_count(from) < most ? compare_count(from) : most;
    for (int i = 0; i < n; i++) {
        int64_t key = compare_key(from, i);
        int before = compare_rank(a, key), after = compare_rank(b, key);
        if (is_in(m, keys, key))
            continue;
        keys[m->count] = key;
        m->list[m->count++] = (struct answer_move){
            .label = compare_label(from, i), .before = before, .after = after,
            .p_before = before < 0 ? 0 : (float)compare_softmax(a, before),
            .p_after = after < 0 ? 0 : (float)compare_softmax(b, after),
            .effect = before < 0 || after < 0 ? NAN : (float)(of_b[after] - of_a[before])};
    }
}

static void sort_moves(struct answer_moves *m)
{
    struct answer_move *sorted = xcalloc((size_t)m->count + 1, sizeof *sorted);
    float *x = xcalloc((size_t)m->count + 1, sizeof *x);
    int *order = xcalloc((size_t)m->count + 1, sizeof *order);
    for (int i = 0; i < m->count; i++)
        x[i] = fabsf(m->list[i].p_after - m->list[i].p_before);
    stats_order(x, m->count, order);
    for (int i = 0; i < m->count; i++)
        sorted[i] = m->list[order[i]];
    free(m->list);
    free(x);
    free(order);
    m->list = sorted;
}

struct answer_moves answer_moves_of(const struct result *a, const struct result *b, int most)
{
    size_t n = 2 * (size_t)(most > 0 ? most : 0) + 1;
    struct answer_moves m = {xcalloc(n, sizeof *m.list), 0};
    int64_t *keys = xcalloc(n, sizeof *keys);
    double *of_a = xcalloc((size_t)compare_count(a) + 1, sizeof *of_a);
    double *of_b = xcalloc((size_t)compare_count(b) + 1, sizeof *of_b);
    compare_measures(a, of_a);
    compare_measures(b, of_b);
    add_moves(a, b, a, most, of_a, of_b, &m, keys);
    add_moves(a, b, b, most, of_a, of_b, &m, keys);
    sort_moves(&m);
    free(keys);
    free(of_a);
    free(of_b);
    return m;
}

void answer_moves_fini(struct answer_moves *m)
{
    for (int i = 0; i < m->count; i++)
        free(m->list[i].label);
    free(m->list);
}
