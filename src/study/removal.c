/* SPDX-License-Identifier: MIT */
/* Passes with more and more of an input removed, or back again. */
#include "src/study/removal.h"

#include "src/base/mem.h"
#include "src/study/gradients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what can be removed, and in which order */

static bool removal_is_real(const int32_t *mask, int width, int b, int i)
{
    return !mask || mask[(ptrdiff_t)b * width + i] != 0;
}

static bool is_target_row(const struct net_target *t, int region)
{
    for (int i = 0; i < t->count && output_table[t->output].rows == ROWS_REGIONS; i++)
        if (t->terms[i].row == region)
            return true;
    return false;
}

/* The most first; equal ones by image, then number. */
static int removable_compare(const void *a, const void *b)
{
    const struct removable *x = a, *y = b;
    if (x->worth != y->worth)
        return x->worth > y->worth ? -1 : 1;
    return x->image != y->image ? x->image - y->image : x->index - y->index;
}

static int order_regions(const struct net_input *in, const struct net_target *t, int first,
                         int images, const double *worth, struct removable *out)
{
    int n = 0;
    for (int b = 0; b < images; b++)
        for (int i = 1; i < in->regions; i++)
            if (removal_is_real(in->image_mask, in->regions, first + b, i) && !is_target_row(t, i))
                out[n++] = (struct removable){first + b, i,
                                              worth[(ptrdiff_t)b * in->regions + i]};
    return n;
}

/* The first and the last real token of a text: [CLS], also where padding comes before it, and
 * [SEP]. */
static void removal_ends(const struct net_input *in, int b, int ends[2])
{
    ends[0] = 0;
    ends[1] = in->tokens - 1;
    while (ends[0] < ends[1] && !removal_is_real(in->text_mask, in->tokens, b, ends[0]))
        ends[0]++;
    while (ends[1] > ends[0] && !removal_is_real(in->text_mask, in->tokens, b, ends[1]))
        ends[1]--;
}

/* Whether token i is a word. The images of a pair have one text, and a word leaves both rows; where
 * their masks differ, a word is what is real in one of them and an end of neither. */
static bool removal_is_word(const struct net_input *in, int first, int images, int i)
{
    bool real = false;
    for (int b = first; b < first + images; b++) {
        int ends[2];
        removal_ends(in, b, ends);
        if (i == ends[0] || i == ends[1])
            return false;
        real |= removal_is_real(in->text_mask, in->tokens, b, i);
    }
    return real;
}

static int order_tokens(const struct net_input *in, int first, int images, const double *worth,
                        struct removable *out)
{
    int n = 0;
    for (int i = 0; i < in->tokens; i++) {
        if (!removal_is_word(in, first, images, i))
            continue;
        out[n] = (struct removable){-1, i, 0};
        for (int b = 0; b < images; b++)
            out[n].worth += worth[(ptrdiff_t)b * in->tokens + i];
        n++;
    }
    return n;
}

struct removable *removal_order(const struct net_input *in, const struct net_target *t, bool tokens,
                                const double *worth, int *count)
{
    int first, images = net_target_images(t, in->batch, &first);
    size_t most = (size_t)images * (size_t)(tokens ? in->tokens : in->regions);
    struct removable *list = xcalloc(most + 1, sizeof *list);
    *count = tokens ? order_tokens(in, first, images, worth, list)
                    : order_regions(in, t, first, images, worth, list);
    qsort(list, (size_t)*count, sizeof *list, removable_compare);
    return list;
}

/* ---- passes */

struct remover {
    struct net *n;
    struct net_input in; /* of the target's images, masks being its own */
    struct net_target target;
    int first;
    int32_t *mask, *whole; /* of what is removed; as it was */
    size_t size;           /* of either */
    bool tokens;
    const atomic_bool *cancel;
};

static void remover_init(struct remover *r, const struct net_input *in, const struct net_target *t)
{
    r->in = target_input(r->n, in, t, &r->target);
    net_target_images(t, in->batch, &r->first);
    int width = r->tokens ? in->tokens : in->regions;
    const int32_t *from = r->tokens ? r->in.text_mask : r->in.image_mask;
    r->size = (size_t)r->in.batch * (size_t)width;
    r->mask = xcalloc(r->size + 1, sizeof *r->mask);
    r->whole = xcalloc(r->size + 1, sizeof *r->whole);
    for (size_t i = 0; i < r->size; i++)
        r->whole[i] = from ? from[i] : 1;
    if (r->tokens)
        r->in.text_mask = r->mask;
    else
        r->in.image_mask = r->mask;
}

static void remover_take(struct remover *r, const struct removable *x)
{
    int width = r->tokens ? r->in.tokens : r->in.regions;
    for (int b = 0; b < r->in.batch; b++)
        if (x->image < 0 || x->image == r->first + b)
            r->mask[(ptrdiff_t)b * width + x->index] = 0;
}

/* softmax of the target's only number */
static double probability_of(const struct trace_tensor *x, const struct net_target *t)
{
    size_t n = (size_t)x->shape[1];
    const float *y = x->data + (size_t)t->b * n;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)y[i] - (double)y[t->terms[0].index]);
    return 1 / sum;
}

static bool has_probability(const struct net_target *t)
{
    enum net_output o = t->output;
    return t->count == 1 && (o == OUT_VQA || o == OUT_GQA || o == OUT_TRI || o == OUT_BINARY);
}

/* The target with from to to-1 of the order removed. */
static int remover_point(struct remover *r, const struct removable *order, int from, int to,
                         double *value, double *probability, struct vs_err *err)
{
    struct net_want want = {.heads = output_table[r->target.output].head, .cancel = r->cancel};
    struct trace *t = NULL;
    memcpy(r->mask, r->whole, r->size * sizeof *r->mask);
    for (int i = from; i < to; i++)
        remover_take(r, &order[i]);
    int rc = net_forward(r->n, &r->in, &want, &t, err);
    if (rc == 0) {
        *value = target_value(t, &r->target);
        *probability = has_probability(&r->target)
                           ? probability_of(trace_output(t, r->target.output), &r->target) : NAN;
    }
    trace_free(t);
    return rc;
}

int removal_run(struct net *n, const struct net_input *in, const struct net_target *t, bool tokens,
                const struct removable *order, int count, const atomic_bool *cancel,
                struct removal *out, struct vs_err *err)
{
    struct remover r = {.n = n, .tokens = tokens, .cancel = cancel};
    double **const lists[] = {&out->deletion, &out->insertion, &out->deletion_p,
                              &out->insertion_p};
    int rc = 0;
    *out = (struct removal){.count = count, .probability = has_probability(t)};
    for (int i = 0; i < 4; i++)
        *lists[i] = xcalloc((size_t)count + 1, sizeof(double));
    remover_init(&r, in, t);
    for (int k = 0; k <= count && rc == 0; k++) {
        rc = remover_point(&r, order, 0, k, &out->deletion[k], &out->deletion_p[k], err);
        if (rc == 0)
            rc = remover_point(&r, order, k, count, &out->insertion[k], &out->insertion_p[k], err);
    }
    free(r.mask);
    free(r.whole);
    if (rc != 0)
        removal_fini(out);
    return rc;
}

void removal_fini(struct removal *r)
{
    free(r->deletion);
    free(r->insertion);
    free(r->deletion_p);
    free(r->insertion_p);
    *r = (struct removal){0};
}

double removal_area(const double *y, int count)
{
    double sum = 0;
    for (int i = 0; i <= count; i++)
        sum += y[i];
    return count > 0 ? (sum - (y[0] + y[count]) / 2) / count : y[0];
}
