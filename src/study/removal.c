/* SPDX-License-Identifier: MIT */
/* Passes with one, or with more and more of an input removed, and back again. */
#include "src/study/removal.h"

#include "src/base/mem.h"
#include "src/study/gradients.h"
#include "src/study/variants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what can be removed, and in which order */

bool removal_is_real(const int32_t *mask, int width, int b, int i)
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
                                              worth ? worth[(ptrdiff_t)b * in->regions + i] : 0};
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
        for (int b = 0; worth && b < images; b++)
            out[n].worth += worth[(ptrdiff_t)b * in->tokens + i];
        n++;
    }
    return n;
}

struct removable *removal_order(const struct removing *r, const double *worth, int *count)
{
    const struct net_input *in = r->in;
    int first, images = net_target_images(r->target, in->batch, &first);
    size_t most = (size_t)images * (size_t)(r->tokens ? in->tokens : in->regions);
    struct removable *list = xcalloc(most + 1, sizeof *list);
    *count = r->tokens ? order_tokens(in, first, images, worth, list)
                       : order_regions(in, r->target, first, images, worth, list);
    vs_sort(list, (size_t)*count, sizeof *list, removable_compare);
    return list;
}

/* ---- passes */

/* A pass has what is from place `from` to place to-1 of an order removed. */
struct removal_part {
    const struct removable *order;
    int from, to;
    double *value, *probability; /* where they go; NULL: nowhere */
};

struct remover {
    const struct removing *of;
    struct net_input in; /* of the target's images */
    struct net_target target;
    struct variants all;
    int first;           /* of them in the whole input */
    const struct removal_part *parts;
    int told;            /* passes that the progress knows of */
};

static void remover_take_away(const struct remover *r, struct variants *v, int k,
                              const struct removable *x)
{
    for (int b = 0; b < r->in.batch; b++) {
        if (x->image >= 0 && x->image != r->first + b)
            continue;
        if (!r->of->tokens)
            variant_drop_region(v, k, b, x->index);
        else if (r->of->stand_in >= 0)
            variant_put_token(v, k, b, x->index, r->of->stand_in);
        else
            variant_drop_token(v, k, b, x->index);
    }
}

static void remover_make(void *arg, struct variants *v, int k, int item)
{
    const struct remover *r = arg;
    for (int i = r->parts[item].from; i < r->parts[item].to; i++)
        remover_take_away(r, v, k, &r->parts[item].order[i]);
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

static void remover_read(void *arg, const struct trace *pass, int k, int item)
{
    const struct remover *r = arg;
    const struct removal_part *x = &r->parts[item];
    const struct net_target t = variants_target(&r->all, &r->target, k);
    *x->value = target_value(pass, &t);
    if (x->probability)
        *x->probability = has_probability(&t) ? probability_of(trace_output(pass, t.output), &t)
                                              : (double)NAN;
}

static void remover_tell(void *arg, int done)
{
    struct remover *r = arg;
    if (r->of->progress)
        atomic_fetch_add(&r->of->progress->done, done - r->told);
    r->told = done;
}

static int remover_run(const struct removing *of, const struct removal_part *parts, int count,
                       struct vs_err *err)
{
    struct remover r = {.of = of, .parts = parts};
    r.all = (struct variants){.net = of->net, .in = &r.in, .silences = of->silences,
                              .silence_count = of->silence_count, .cancel = of->cancel,
                              .make = remover_make, .take = remover_read,
                              .after = remover_tell, .arg = &r};
    r.in = target_input(of->net, of->in, of->target, &r.target);
    net_target_images(of->target, of->in->batch, &r.first);
    variants_aim(&r.all, &r.target);
    if (of->progress)
        atomic_fetch_add(&of->progress->all, count);
    return variants_run(&r.all, count, err);
}

int removal_singly(const struct removing *r, const struct removable *list, int count, double *value,
                   struct vs_err *err)
{
    struct removal_part *parts = xcalloc((size_t)count + 1, sizeof *parts);
    for (int i = 0; i < count; i++)
        parts[i] = (struct removal_part){list, i, i + 1, &value[i], NULL};
    int rc = remover_run(r, parts, count, err);
    free(parts);
    return rc;
}

/* Both curves have the same two ends, those of the first order. */
static void removal_close(struct removal *r, const struct removal *first)
{
    int n = r->count;
    r->insertion[0] = r->deletion[n] = first->deletion[n];
    r->insertion[n] = r->deletion[0] = first->deletion[0];
    r->insertion_p[0] = r->deletion_p[n] = first->deletion_p[n];
    r->insertion_p[n] = r->deletion_p[0] = first->deletion_p[0];
}

static void removal_open(struct removal *r, int count, bool probability)
{
    double **const lists[] = {&r->deletion, &r->insertion, &r->deletion_p, &r->insertion_p};
    *r = (struct removal){.count = count, .probability = probability};
    for (int i = 0; i < 4; i++)
        *lists[i] = xcalloc((size_t)count + 1, sizeof(double));
}

/* The passes of one order, behind n; returns how many there are then. */
static int removal_parts(struct removal *r, const struct removable *order, bool ends,
                         struct removal_part *parts, int n)
{
    int count = r->count;
    for (int k = ends ? 0 : 1; k < count + ends; k++)
        parts[n++] = (struct removal_part){order, 0, k, &r->deletion[k], &r->deletion_p[k]};
    for (int k = 1; k < count; k++)
        parts[n++] = (struct removal_part){order, k, count, &r->insertion[k], &r->insertion_p[k]};
    return n;
}

int removal_many(const struct removing *r, const struct removable *const *orders, int many,
                 int count, struct removal *out, struct vs_err *err)
{
    struct removal_part *parts = xcalloc((2 * (size_t)count + 2) * (size_t)many + 1, sizeof *parts);
    int n = 0;
    for (int i = 0; i < many; i++) {
        removal_open(&out[i], count, has_probability(r->target));
        n = removal_parts(&out[i], orders[i], i == 0, parts, n);
    }
    int rc = remover_run(r, parts, n, err);
    for (int i = 0; i < many; i++)
        if (rc == 0)
            removal_close(&out[i], &out[0]);
        else
            removal_fini(&out[i]);
    free(parts);
    return rc;
}

int removal_run(const struct removing *r, const struct removable *order, int count,
                struct removal *out, struct vs_err *err)
{
    return removal_many(r, &order, 1, count, out, err);
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
