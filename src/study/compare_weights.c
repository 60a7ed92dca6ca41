/* SPDX-License-Identifier: MIT */
/* Weights of two checkpoints compared. The files are mapped and read in pieces; a full-size pair is
 * 2 GB, so nothing is kept of what was read. */
#include "src/study/compare_weights.h"

#include "src/engine/engine_priv.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECE (1 << 18) /* elements that one thread takes at a time */

char *weight_layer_name(const char *tensor)
{
    size_t from = 0, end = 0;
    int parts = 0;
    /* Up to and with the first number; without one, two names below "bert" and "cls", else one. */
    int want = strncmp(tensor, "bert.", 5) == 0 || strncmp(tensor, "cls.", 4) == 0 ? 2 : 1;
    for (size_t i = 0;; i++) {
        if (tensor[i] != '.' && tensor[i] != '\0')
            continue;
        bool number = i > from;
        for (size_t c = from; c < i; c++)
            number = number && isdigit((unsigned char)tensor[c]);
        parts++;
        if (parts == want)
            end = i;
        if (number && strncmp(tensor, "bert.encoder.", 13) == 0) {
            end = i;
            break;
        }
        if (tensor[i] == '\0') {
            end = end ? end : i;
            break;
        }
        from = i + 1;
    }
    return xstrndup(tensor, end);
}

/* ---- one pair of tensors */

struct sums {
    double norm, distance, most;
    int64_t changed, broken;
};

struct job {
    const struct tensor *a, *b;
    int64_t rows, row; /* pieces are whole rows of the first dimensions */
    struct sums *parts;
    int64_t rows_each;
    const atomic_bool *cancel;
    atomic_bool no_memory;
};

static void add_elements(struct sums *s, const float *x, const float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || !isfinite(y[i])) {
            s->broken++;
            continue;
        }
        double u = (double)x[i], d = (double)y[i] - u;
        s->norm += u * u;
        s->distance += d * d;
        s->changed += x[i] < y[i] || x[i] > y[i];
        s->most = fabs(d) > s->most ? fabs(d) : s->most;
    }
}

/* The view of some rows of the first dimension. */
static struct tensor change_rows_of(const struct tensor *t, int64_t from, int64_t count)
{
    struct tensor v = *t;
    if (t->ndim > 0) {
        v.shape[0] = count;
        v.data = (const uint8_t *)t->data + (size_t)(from * t->stride[0]) * dtype_size(t->dtype);
        if (t->row_scale)
            v.row_scale = (const uint8_t *)t->row_scale + (size_t)from * sizeof(float);
    }
    return v;
}

static void run_part(void *arg, int i)
{
    struct job *j = arg;
    int64_t from = i * j->rows_each;
    int64_t count = j->rows - from < j->rows_each ? j->rows - from : j->rows_each;
    if (j->cancel && atomic_load(j->cancel))
        return;
    float *x = vs_try_calloc((size_t)(count * j->row) + 1, 2 * sizeof *x);
    if (!x) {
        atomic_store(&j->no_memory, true);
        return;
    }
    struct tensor a = change_rows_of(j->a, from, count), b = change_rows_of(j->b, from, count);
    float *y = x + count * j->row;
    tensor_to_f32(&a, x);
    tensor_to_f32(&b, y);
    add_elements(&j->parts[i], x, y, count * j->row);
    free(x);
}

/* Sums are added in the order of the pieces: no result depends on the threads. */
static int compare_pair(struct kern *k, const struct tensor *a, const struct tensor *b,
                        const atomic_bool *cancel, struct weight_change *out, struct vs_err *err)
{
    int64_t n = tensor_elements(a), rows = a->ndim ? a->shape[0] : 1;
    if (n == 0)
        return 0;
    struct job j = {.a = a, .b = b, .rows = rows, .row = n / rows, .cancel = cancel};
    j.rows_each = j.row >= PIECE ? 1 : PIECE / j.row;
    int64_t parts = (rows + j.rows_each - 1) / j.rows_each;
    if (parts > 1 << 20)
        return vs_fail(err, VS_E_LIMIT, "tensor '%s' has too many rows to be compared", a->name);
    j.parts = vs_try_calloc((size_t)parts, sizeof *j.parts);
    if (!j.parts)
        return vs_fail(err, VS_E_LIMIT, "no memory to compare tensor '%s'", a->name);
    kern_parallel(k, (int)parts, run_part, &j);
    for (int64_t i = 0; i < parts; i++) {
        out->norm += j.parts[i].norm;
        out->distance += j.parts[i].distance;
        out->changed += j.parts[i].changed;
        out->broken += j.parts[i].broken;
        out->most = j.parts[i].most > out->most ? j.parts[i].most : out->most;
    }
    free(j.parts);
    if (atomic_load(&j.no_memory))
        return vs_fail(err, VS_E_LIMIT, "no memory to compare tensor '%s'", a->name);
    if (cancel && atomic_load(cancel))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    tensor_forget(a);
    tensor_forget(b);
    return 0;
}

/* ---- all of them */

static bool change_same_shape(const struct tensor *a, const struct tensor *b)
{
    bool same = a->ndim == b->ndim;
    for (int i = 0; same && i < a->ndim; i++)
        same = a->shape[i] == b->shape[i];
    return same;
}

/* Whether each tensor stands where an earlier one of the file stands, in the same shape. */
static bool *find_tied(const struct tensorfile *f)
{
    struct strmap places = {0};
    bool *tied = xcalloc((size_t)tensorfile_count(f) + 1, sizeof *tied);
    for (int i = 0; i < tensorfile_count(f); i++) {
        const struct tensor *t = tensorfile_at(f, i);
        int first = strmap_add(&places, (const char *)&t->data, sizeof t->data, i);
        tied[i] = first >= 0 && t->data && change_same_shape(tensorfile_at(f, first), t);
    }
    strmap_fini(&places);
    return tied;
}

static struct weight_change *change_add(struct weights_change *w, const struct tensor *t,
                                        enum weight_state state)
{
    struct weight_change *c = &w->tensors[w->tensor_count++];
    *c = (struct weight_change){.name = xstrdup(t->name), .state = state,
                                .elements = tensor_elements(t), .tensors = 1};
    return c;
}

static int compare_first(struct kern *k, const struct tensorfile *a, const struct tensorfile *b,
                         const atomic_bool *cancel, struct weights_change *w, struct vs_err *err)
{
    int rc = 0;
    bool *tied = find_tied(a);
    for (int i = 0; i < tensorfile_count(a) && rc == 0; i++) {
        const struct tensor *x = tensorfile_at(a, i), *y = tensorfile_find(b, x->name);
        if (!tensor_is_weights(x) || tied[i])
            continue;
        bool fits = y && change_same_shape(x, y);
        struct weight_change *c = change_add(w, x, !y     ? WEIGHT_ONLY_A
                                                   : fits ? WEIGHT_COMPARED
                                                          : WEIGHT_RESHAPED);
        if (fits)
            rc = compare_pair(k, x, y, cancel, c, err);
    }
    free(tied);
    return rc;
}

static void add_only_second(const struct tensorfile *a, const struct tensorfile *b,
                            struct weights_change *w)
{
    bool *tied = find_tied(b);
    for (int i = 0; i < tensorfile_count(b); i++) {
        const struct tensor *y = tensorfile_at(b, i);
        if (tensor_is_weights(y) && !tied[i] && !tensorfile_find(a, y->name))
            change_add(w, y, WEIGHT_ONLY_B);
    }
    free(tied);
}

/* Until here norm and distance are squares. */
static void change_finish(struct weight_change *c)
{
    c->norm = sqrt(c->norm);
    c->distance = sqrt(c->distance);
    c->relative = c->distance > 0 ? c->distance / c->norm : 0;
}

static void change_add_to(struct weight_change *sum, const struct weight_change *c)
{
    sum->tensors++;
    sum->elements += c->elements;
    sum->norm += c->norm;
    sum->distance += c->distance;
    sum->changed += c->changed;
    sum->broken += c->broken;
    sum->most = c->most > sum->most ? c->most : sum->most;
}

/* A layer is compared when one of its tensors is; else it is what its first tensor is. */
static void sum_layers(struct weights_change *w)
{
    struct strmap names = {0};
    w->layers = xcalloc((size_t)w->tensor_count + 1, sizeof *w->layers);
    for (int i = 0; i < w->tensor_count; i++) {
        const struct weight_change *c = &w->tensors[i];
        char *name = weight_layer_name(c->name);
        int at = strmap_get(&names, name, strlen(name));
        if (at < 0) {
            at = w->layer_count++;
            w->layers[at] = (struct weight_change){.name = name, .state = c->state};
            strmap_add(&names, name, strlen(name), at);
        } else {
            free(name);
        }
        if (c->state == WEIGHT_COMPARED)
            w->layers[at].state = WEIGHT_COMPARED;
        change_add_to(&w->layers[at], c);
        change_add_to(&w->all, c);
    }
    strmap_fini(&names);
}

int weights_compare(struct kern *k, const struct tensorfile *a, const struct tensorfile *b,
                    const atomic_bool *cancel, struct weights_change **out, struct vs_err *err)
{
    struct weights_change *w = xcalloc(1, sizeof *w);
    size_t most = (size_t)tensorfile_count(a) + (size_t)tensorfile_count(b);
    w->tensors = xcalloc(most + 1, sizeof *w->tensors);
    int rc = compare_first(k, a, b, cancel, w, err);
    rc = tensorfile_check(b, tensorfile_check(a, rc, err), err);
    if (rc != 0) {
        weights_change_free(w);
        return rc;
    }
    add_only_second(a, b, w);
    sum_layers(w);
    change_finish(&w->all);
    for (int i = 0; i < w->tensor_count; i++)
        change_finish(&w->tensors[i]);
    for (int i = 0; i < w->layer_count; i++)
        change_finish(&w->layers[i]);
    *out = w;
    return 0;
}

int weights_compare_opened(struct model *m, int a, int b, const atomic_bool *cancel,
                           struct weights_change **out, struct vs_err *err)
{
    int rc = model_check_files(m, "comparing weights", err);
    return rc ? rc
              : weights_compare(m->kern, m->checkpoints[a].file, m->checkpoints[b].file, cancel,
                                out, err);
}

void weights_change_free(struct weights_change *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->tensor_count; i++)
        free(w->tensors[i].name);
    for (int i = 0; i < w->layer_count; i++)
        free(w->layers[i].name);
    free(w->tensors);
    free(w->layers);
    free(w);
}
