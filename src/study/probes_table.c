/* SPDX-License-Identifier: MIT */
/* What a table of probes says: agreement, who is right, flips, trends. */
#include "src/study/probes.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>

char *probe_expected(const struct probe *p)
{
    const struct eval_item *it = &p->item;
    if (it->label_count)
        return xstrdup(it->labels[0]);
    if (it->number >= 0)
        return xasprintf("%d", it->number + 1);
    if (it->has_box)
        return xasprintf("%g %g %g %g", (double)it->box[0], (double)it->box[1],
                         (double)it->box[2], (double)it->box[3]);
    return NULL;
}

struct probe_sum probe_table_sum(const struct probe_table *t, int column)
{
    struct probe_sum s = {0};
    for (int i = 0; i < t->probes->count; i++) {
        const struct probe_answer *a = &t->columns[column]->answers[i];
        s.asked++;
        if (a->error) {
            s.failed++;
            s.diverged += a->diverged;
            continue;
        }
        s.entropy += a->entropy;
        if (!a->judged)
            continue;
        s.judged++;
        s.right += a->right;
        s.worth += a->worth;
        s.expected += a->expected;
    }
    s.entropy = s.asked > s.failed ? s.entropy / (s.asked - s.failed) : (double)NAN;
    if (s.judged) {
        s.worth /= s.judged;
        s.expected /= s.judged;
    }
    return s;
}

static bool both_answer(const struct probe_table *t, int probe, int a, int b)
{
    return !t->columns[a]->answers[probe].error && !t->columns[b]->answers[probe].error;
}

bool probe_table_flips(const struct probe_table *t, int probe, int a, int b)
{
    return both_answer(t, probe, a, b) &&
           t->columns[a]->answers[probe].key != t->columns[b]->answers[probe].key;
}

int probe_table_both(const struct probe_table *t, int a, int b)
{
    int n = 0;
    for (int i = 0; i < t->probes->count; i++)
        n += both_answer(t, i, a, b);
    return n;
}

int probe_table_agree(const struct probe_table *t, int a, int b)
{
    int n = 0;
    for (int i = 0; i < t->probes->count; i++)
        n += both_answer(t, i, a, b) && !probe_table_flips(t, i, a, b);
    return n;
}

int probe_table_agree_all(const struct probe_table *t, int *columns)
{
    int n = 0, count = t->count, *list = xcalloc((size_t)count + 1, sizeof *list);
    *columns = 0;
    for (int c = 0; c < count; c++)
        if (probe_table_both(t, c, c) > 0)
            list[(*columns)++] = c;
    for (int i = 0; i < t->probes->count; i++) {
        bool same = *columns > 0;
        for (int c = 0; c < *columns && same; c++)
            same = both_answer(t, i, list[0], list[c]) &&
                   !probe_table_flips(t, i, list[0], list[c]);
        n += same;
    }
    free(list);
    return n;
}

/* What is beyond the best answers that were kept is as good as 0. */
static double softmax_of(const struct probe_answer *a, int64_t key)
{
    for (int i = 0; i < a->top_count; i++)
        if (a->top[i].key == key)
            return a->top[i].softmax;
    return 0;
}

void probe_table_trend(const struct probe_table *t, int n, int probe, double *out)
{
    const struct probe_answer *last = NULL;
    for (int c = 0; c < n; c++)
        if (!t->columns[c]->answers[probe].error)
            last = &t->columns[c]->answers[probe];
    for (int c = 0; c < n; c++) {
        const struct probe_answer *a = &t->columns[c]->answers[probe];
        out[c] = a->error    ? (double)NAN
                 : a->lone   ? a->sigmoid
                 : a->judged ? a->expected
                             : softmax_of(a, last->key);
    }
}

void probe_table_mean(const struct probe_table *t, int n, double *out)
{
    double *v = xcalloc(2 * (size_t)n + 1, sizeof *v), *answered = v + n;
    for (int c = 0; c < n; c++)
        out[c] = 0;
    for (int i = 0; i < t->probes->count; i++) {
        probe_table_trend(t, n, i, v);
        for (int c = 0; c < n; c++) {
            out[c] += isnan(v[c]) ? 0 : v[c];
            answered[c] += !isnan(v[c]);
        }
    }
    for (int c = 0; c < n; c++)
        out[c] = answered[c] > 0 ? out[c] / answered[c] : (double)NAN;
    free(v);
}

void probe_table_interval(const struct probe_table *t, int n, double *low, double *high)
{
    double *v = xcalloc(4 * (size_t)n + 1, sizeof *v);
    double *mean = v + n, *squares = v + 2 * n, *answered = v + 3 * n;
    probe_table_mean(t, n, mean);
    for (int i = 0; i < t->probes->count; i++) {
        probe_table_trend(t, n, i, v);
        for (int c = 0; c < n; c++) {
            squares[c] += isnan(v[c]) ? 0 : (v[c] - mean[c]) * (v[c] - mean[c]);
            answered[c] += !isnan(v[c]);
        }
    }
    for (int c = 0; c < n; c++) {
        double k = answered[c];
        double half = k > 1 ? 1.96 * sqrt(squares[c] / (k - 1) / k) : (double)NAN;
        low[c] = isnan(half) ? half : fmax(mean[c] - half, 0);
        high[c] = isnan(half) ? half : fmin(mean[c] + half, 1);
    }
    free(v);
}

char *sparkline(const double *values, int count, bool utf8)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char ascii[] = "_.,-=+*#";
    struct buf b = {0};
    for (int i = 0; i < count; i++) {
        int level = values[i] >= 1 ? 7 : values[i] > 0 ? (int)(values[i] * 8) : 0;
        if (isnan(values[i]))
            buf_putc(&b, '?');
        else if (utf8)
            buf_puts(&b, blocks[level]);
        else
            buf_putc(&b, ascii[level]);
    }
    return buf_steal(&b);
}
