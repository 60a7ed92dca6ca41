/* SPDX-License-Identifier: MIT */
/* Debiased centred kernel alignment of hidden states. With n rows and linear kernels K = X X^T of
 * centred X, whose diagonals take no part, it is <A, B> / (|A| |B|) of the U-centred
 *
 *   A_ij = K_ij - (r_i + r_j) / (n - 2) + t / ((n - 1) (n - 2)),   i != j,
 *
 * with r the sums of rows and t the sum of all: <A, B> / (n (n - 3)) is the unbiased HSIC of Song
 * et al., equation 5, written as Szekely and Rizzo do (Partial Distance Correlation, Annals of
 * Statistics 2014). n is some hundred, so n x n is small where features are a thousand. */
#include "src/study/compare_cka.h"

#include "src/engine/engine_priv.h"
#include "src/base/mem.h"
#include "src/study/compare.h"
#include "src/study/statistics.h"
#include "src/model/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTHS 256

/* ---- the arithmetic */

static void cka_center(const float *x, int n, int d, float *out)
{
    double *mean = xcalloc((size_t)d + 1, sizeof *mean);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < d; j++)
            mean[j] += (double)x[(size_t)i * (size_t)d + (size_t)j] / n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < d; j++) {
            size_t at = (size_t)i * (size_t)d + (size_t)j;
            out[at] = (float)((double)x[at] - mean[j]);
        }
    free(mean);
}

/* Whether rows differ by more than what float32 leaves of equal ones after a pass. */
static bool cka_varies(const float *x, const float *centered, size_t count)
{
    double all = 0, spread = 0;
    for (size_t i = 0; i < count; i++) {
        all += (double)x[i] * (double)x[i];
        spread += (double)centered[i] * (double)centered[i];
    }
    return spread > CKA_SPREAD * CKA_SPREAD * all;
}

/* Products of the rows above the diagonal, row after row; sums (n) are those of whole rows. */
static double *cka_products(const float *c, int n, int d, double *sums)
{
    double *k = xcalloc((size_t)n * (size_t)n / 2 + 1, sizeof *k);
    size_t at = 0;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++, at++) {
            const float *p = c + (size_t)i * (size_t)d, *q = c + (size_t)j * (size_t)d;
            for (int f = 0; f < d; f++)
                k[at] += (double)p[f] * (double)q[f];
            sums[i] += k[at];
            sums[j] += k[at];
        }
    return k;
}

/* The upper half of A without the diagonal, row after row, scaled to norm 1; all 0 where there is
 * nothing to compare: too few rows, or rows that do not vary. */
static float *cka_gram(const float *x, int n, int d)
{
    float *a = xcalloc((size_t)n * (size_t)n / 2 + 1, sizeof *a);
    float *c = xcalloc((size_t)n * (size_t)d + 1, sizeof *c);
    double *sums = xcalloc((size_t)n + 1, sizeof *sums), total = 0, norm = 0;
    cka_center(x, n, d, c);
    if (n >= CKA_LEAST && cka_varies(x, c, (size_t)n * (size_t)d)) {
        double *k = cka_products(c, n, d, sums);
        size_t at = 0;
        for (int i = 0; i < n; i++)
            total += sums[i];
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++, at++) {
                k[at] += total / ((double)(n - 1) * (n - 2)) - (sums[i] + sums[j]) / (n - 2);
                norm += 2 * k[at] * k[at];
            }
        for (size_t i = 0; i < at; i++)
            a[i] = norm > 0 ? (float)(k[i] / sqrt(norm)) : 0;
        free(k);
    }
    free(sums);
    free(c);
    return a;
}

/* order (n): which row of l stands beside a row of k; NULL: the same. */
static double cka_align(const float *k, const float *l, int n, const int *order)
{
    double sum = 0, kk = 0, ll = 0;
    size_t at = 0;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++, at++) {
            int p = order ? order[i] : i, q = order ? order[j] : j;
            int low = p < q ? p : q, high = p < q ? q : p;
            size_t to = (size_t)low * (size_t)(2 * n - low - 1) / 2 + (size_t)(high - low - 1);
            sum += (double)k[at] * (double)l[to];
            kk += (double)k[at] * (double)k[at];
            ll += (double)l[to] * (double)l[to];
        }
    return kk > 0 && ll > 0 ? sum / sqrt(kk * ll) : (double)NAN;
}

/* Permutations of n rows, (CKA_SHUFFLES, n), the same ones each time: Fisher and Yates. */
static int *cka_shuffles(int n)
{
    int *all = xcalloc((size_t)n * CKA_SHUFFLES + 1, sizeof *all);
    uint64_t seed = 1;
    for (int s = 0; s < CKA_SHUFFLES; s++) {
        int *order = all + (size_t)s * (size_t)n;
        for (int i = 0; i < n; i++)
            order[i] = i;
        for (int i = n - 1; i > 0; i--) {
            int j = stats_roll_below(&seed, i + 1), kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
    }
    return all;
}

static double cka_noise(const float *k, const float *l, int n, const int *orders)
{
    double most = -INFINITY;
    for (int s = 0; s < CKA_SHUFFLES; s++) {
        double x = cka_align(k, l, n, orders + (size_t)s * (size_t)n);
        if (isnan(x))
            return x;
        most = x > most ? x : most;
    }
    return most;
}

double cka_linear(const float *x, int dx, const float *y, int dy, int n, double *floor)
{
    float *k = cka_gram(x, n, dx), *l = cka_gram(y, n, dy);
    double value = cka_align(k, l, n, NULL);
    if (floor) {
        int *orders = cka_shuffles(n);
        *floor = cka_noise(k, l, n, orders);
        free(orders);
    }
    free(k);
    free(l);
    return value;
}

/* ---- states, gathered from traces */

/* One depth of one stream: rows of all queries. */
struct states {
    struct trace_at at; /* of the trace's tensor */
    int width, rows;
    float *data;
};
struct gathered {
    int depths;
    struct states list[MAX_DEPTHS];
};

static void gathered_fini(struct gathered *g)
{
    for (int i = 0; i < g->depths; i++)
        free(g->list[i].data);
    g->depths = 0;
}

/* Rows that are real: all tokens, with or without those of tasks, and the regions that sources
 * name. */
static bool is_real_row(const struct result *r, bool text, bool tasks, int b, int i)
{
    if (text)
        return tasks || !result_is_task_token(&r->tokens[i]);
    return r->sources[(size_t)b * (size_t)r->rows + (size_t)i].image >= 0;
}

static int add_states(struct gathered *g, int at, const struct result *r, bool text, bool tasks,
                      const struct trace_tensor *x, struct vs_err *err)
{
    struct states *s = &g->list[at];
    int first, rows = trace_rows(r->trace, x->at.stream, text, &first), width = (int)x->shape[2];
    if (at == g->depths) {
        *s = (struct states){.at = x->at, .width = width};
        g->depths++;
    }
    if (!trace_at_same(s->at, x->at) || s->width != width)
        return vs_fail(err, VS_E_FORMAT, "the queries' hidden states do not have the same layers");
    for (int b = 0; b < r->batch; b++)
        for (int i = 0; i < rows; i++) {
            if (!is_real_row(r, text, tasks, b, i))
                continue;
            if ((s->rows & (s->rows - 1)) == 0)
                s->data = xreallocarray(s->data, (s->rows ? 2 * (size_t)s->rows : 1),
                                        (size_t)width * sizeof *s->data);
            memcpy(s->data + (size_t)s->rows++ * (size_t)width,
                   x->data + ((int64_t)b * x->shape[1] + first + i) * x->shape[2],
                   (size_t)width * sizeof *s->data);
        }
    return 0;
}

static int cka_gather(struct gathered g[2], const struct result *r, bool tasks, struct vs_err *err)
{
    int rc = 0;
    for (int text = 0; text < 2; text++) {
        int at = 0;
        for (int i = 0; i < r->trace->count && rc == 0; i++)
            if (trace_is_state(r->trace->tensors[i].at, text) && at < MAX_DEPTHS)
                rc = add_states(&g[!text], at++, r, text, tasks, &r->trace->tensors[i], err);
    }
    return rc;
}

static int cka_ask(struct model *m, const struct query *q, int checkpoint, bool tasks,
                   const atomic_bool *cancel, struct gathered g[2], struct vs_err *err)
{
    struct query one = *q;
    struct result *r = NULL;
    one.checkpoint = checkpoint;
    one.also_count = 0;
    one.hidden = true;
    int rc = query_run(m, &one, cancel, &r, err);
    if (rc == 0)
        rc = cka_gather(g, r, tasks, err);
    result_free(r);
    return rc;
}

/* ---- the matrix */

/* At most CKA_ROWS rows, evenly chosen, the same in both. */
static void cka_thin(struct states *s)
{
    int n = s->rows < CKA_ROWS ? s->rows : CKA_ROWS;
    for (int i = 0; i < n; i++)
        memmove(s->data + (size_t)i * (size_t)s->width,
                s->data + (size_t)((int64_t)i * s->rows / n) * (size_t)s->width,
                (size_t)s->width * sizeof *s->data);
    s->rows = n;
}

struct grams {
    struct states **list;
    float **out;
};

static void make_gram(void *arg, int i)
{
    struct grams *g = arg;
    cka_thin(g->list[i]);
    g->out[i] = cka_gram(g->list[i]->data, g->list[i]->rows, g->list[i]->width);
}

static int cka_check_rows(const struct gathered *a, const struct gathered *b, struct vs_err *err)
{
    bool same = a->depths == b->depths && a->depths > 0;
    for (int i = 0; i < a->depths && same; i++)
        same = a->list[i].rows == b->list[i].rows;
    return same ? 0 : vs_fail(err, VS_E_FORMAT, "the two checkpoints' hidden states have different "
                              "layers or tokens");
}

/* All pairs of depths, in parallel. */
struct pairs {
    float *const *grams; /* (2 depths): of a, then of b */
    const int *orders;
    struct cka *out;
};

static void fill_pair(void *arg, int i)
{
    const struct pairs *p = arg;
    int n = p->out->depths;
    const float *k = p->grams[i / n], *l = p->grams[n + i % n];
    p->out->values[i] = cka_align(k, l, p->out->rows, NULL);
    p->out->floors[i] = cka_noise(k, l, p->out->rows, p->orders);
}

static int make_matrix(struct model *m, struct gathered *a, struct gathered *b, bool text,
                       int queries, struct cka *out, struct vs_err *err)
{
    int rc = cka_check_rows(a, b, err), n = a->depths;
    if (rc != 0)
        return rc;
    struct grams g = {xcalloc(2 * (size_t)n, sizeof(struct states *)),
                      xcalloc(2 * (size_t)n, sizeof(float *))};
    for (int i = 0; i < n; i++) {
        g.list[i] = &a->list[i];
        g.list[n + i] = &b->list[i];
    }
    kern_parallel(m->kern, 2 * n, make_gram, &g);
    *out = (struct cka){.text = text, .depths = n, .queries = queries, .rows = a->list[0].rows};
    out->names = xcalloc((size_t)n, sizeof *out->names);
    out->values = xcalloc((size_t)n * (size_t)n, sizeof *out->values);
    out->floors = xcalloc((size_t)n * (size_t)n, sizeof *out->floors);
    for (int i = 0; i < n; i++)
        trace_depth(a->list[i].at, true, out->names[i]);
    int *orders = cka_shuffles(out->rows);
    struct pairs p = {g.out, orders, out};
    kern_parallel(m->kern, n * n, fill_pair, &p);
    free(orders);
    for (int i = 0; i < 2 * n; i++)
        free(g.out[i]);
    free(g.out);
    free(g.list);
    return 0;
}

int cka_run(struct model *m, const struct query *queries, int count, int a, int b,
            const atomic_bool *cancel, cka_report *report, void *arg, struct cka out[2],
            struct vs_err *err)
{
    struct gathered *g = xcalloc(4, sizeof *g); /* of a: text, image; of b: text, image */
    int rc = 0;
    char which[256];
    bool tasks = !compare_task_tokens(m, a, b, which, sizeof which);
    out[0] = out[1] = (struct cka){0};
    for (int i = 0; i < count && rc == 0; i++) {
        rc = cka_ask(m, &queries[i], a, tasks, cancel, g, err);
        if (rc == 0)
            rc = cka_ask(m, &queries[i], b, tasks, cancel, g + 2, err);
        if (report && rc == 0)
            report(arg, i + 1, count);
    }
    for (int s = 0; s < 2 && rc == 0; s++)
        rc = make_matrix(m, &g[s], &g[2 + s], s == 0, count, &out[s], err);
    for (int i = 0; i < 4; i++)
        gathered_fini(&g[i]);
    free(g);
    if (rc != 0) {
        cka_fini(&out[0]);
        cka_fini(&out[1]);
    }
    return rc;
}

void cka_fini(struct cka *c)
{
    free(c->names);
    free(c->values);
    free(c->floors);
    *c = (struct cka){0};
}

bool cka_is_noise(const struct cka *c, int i)
{
    return isfinite(c->values[i]) && !(c->values[i] > c->floors[i]);
}

double cka_floor(const struct cka *c)
{
    double most = (double)NAN;
    for (int i = 0; i < c->depths * c->depths; i++)
        if (isfinite(c->floors[i]) && !(c->floors[i] <= most))
            most = c->floors[i];
    return most;
}
