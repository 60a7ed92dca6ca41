/* SPDX-License-Identifier: MIT */
/* Binding tensors by name and shape, and making them ready to compute with. */
#include "src/model/transformer/bound.h"

#include "src/model/transformer/narrowed.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor that is no float32 in its file. Where products alone read it, its numbers are packed in
 * the bits that they have, and `to` is only what they are found by, until somebody wants floats. */
struct bound_copy {
    const struct tensor *from; /* the file's */
    float *to;
    bool in_place; /* `to` is the file's float32, which was to be packed in fewer bits */
    unsigned head; /* whose it is, all of them, 0: the trunk's */
    bool product;  /* products alone read it */
    bool packed;   /* and it is packed */
    bool finite;   /* when it was: no NaN, no infinity */
};

/* A bound tensor, whose numbers have to be finite before they are computed with. */
struct bound_check {
    const struct tensor *of; /* the file's */
    const void *data;        /* float32 */
    unsigned head;           /* whose it is, 0: the trunk's */
    enum { CHECK_WAITS, CHECK_FINITE, CHECK_BAD } state;
};

/* A matrix that is made of its direction and its length. */
struct bound_normed {
    const char *name; /* of v's tensor */
    const void *v, *g;
    size_t n;
    float *to;
    unsigned head;
    bool made;
};

/* ---- what a file has by its names */

static int bound_dimension(const struct tensorfile *f, const char *tensor, int d)
{
    const struct tensor *t = tensorfile_find(f, tensor);
    return t && d < t->ndim && t->shape[d] < INT32_MAX ? (int)t->shape[d] : 0;
}

int bound_rows(const struct tensorfile *f, const char *tensor)
{
    return bound_dimension(f, tensor, 0);
}

int bound_columns(const struct tensorfile *f, const char *tensor)
{
    return bound_dimension(f, tensor, 1);
}

/* ---- a configuration that is another model's */

int bound_layers(const struct tensorfile *f, const char *list)
{
    char name[80];
    int n = -1;
    do
        snprintf(name, sizeof name, "bert.encoder.%s.%d.output.dense.weight", list, ++n);
    while (tensorfile_find(f, name));
    return n;
}

int bound_check_sizes(const struct tensorfile *f, const char *what, const struct bound_size *list,
                      size_t count, struct vs_err *err)
{
    struct buf all = {0};
    for (size_t i = 0; i < count; i++)
        if (list[i].has && list[i].has != list[i].said)
            buf_printf(&all, "%s\"%s\" is %d, the file has %d", all.len ? "; " : "",
                       list[i].key, list[i].said, list[i].has);
    int rc = all.len ? vs_fail(err, VS_E_FORMAT, "%s: this is %s, and the configuration is not its "
                               "own: %s", tensorfile_path(f), what, all.data)
                     : 0;
    buf_fini(&all);
    return rc;
}

/* ---- binding */

#define SHOWN 6 /* names in a message; the rest is counted */

static void bind_note_missing(struct binder *b, const char *name)
{
    const struct tensor *whole = tensorfile_find(b->f, name);
    const char *odd = whole ? dtype_name(whole->dtype) : tensorfile_odd(b->f, name);
    b->whole_count += whole != NULL;
    if (b->missing_count++ < SHOWN)
        buf_printf(&b->missing, "%s%s%s%s%s", b->missing_count > 1 ? ", " : "", name,
                   odd ? " (there, but as " : "", odd ? odd : "",
                   odd ? ", which is not read)" : "");
}

/* NULL: there is none that holds weights. */
static const struct tensor *bind_find(const struct binder *b, const char *name)
{
    const struct tensor *t = tensorfile_find(b->f, name);
    return t && tensor_is_weights(t) ? t : NULL;
}

static void bind_note_wrong(struct binder *b, const struct tensor *t, int64_t rows, int64_t columns)
{
    b->empty_count += tensor_elements(t) == 0;
    if (b->wrong_count++ >= SHOWN)
        return;
    buf_printf(&b->wrong, "%s%s is (", b->wrong_count > 1 ? ", " : "", t->name);
    for (int i = 0; i < t->ndim; i++)
        buf_printf(&b->wrong, "%s%" PRId64, i ? ", " : "", t->shape[i]);
    buf_printf(&b->wrong, ") instead of (%" PRId64, rows);
    if (columns)
        buf_printf(&b->wrong, ", %" PRId64, columns);
    buf_puts(&b->wrong, ")");
}

/* The copy that the same numbers of the file have already: words and the head that ranks them are
 * mostly one matrix, and two heads may read one layer. It is made when the first of them is wanted.
 * NULL: none. */
static float *bind_shared(struct binder *b, const struct tensor *t)
{
    struct bound *w = b->to;
    for (int i = 0; i < w->waiting_count; i++) {
        struct bound_copy *c = &w->waiting[i];
        const struct tensor *x = c->from;
        if (x->data == t->data && x->dtype == t->dtype && x->row_scale == t->row_scale &&
            tensor_elements(x) == tensor_elements(t) && tensor_is_contiguous(x) &&
            tensor_is_contiguous(t)) {
            c->head = c->head && b->head ? c->head | b->head : 0;
            c->product &= b->product && x->shape[0] == t->shape[0];
            return c->to;
        }
    }
    return NULL;
}

/* Elements as float32: in the map where they are, else a copy, whose pages are not touched yet. */
static const void *bind_as_floats(struct binder *b, const struct tensor *t)
{
    struct bound *w = b->to;
    if (tensor_is_floats(t))
        return t->data;
    float *copy = bind_shared(b, t);
    if (copy)
        return copy;
    if (bound_own(w, (size_t)tensor_elements(t), &copy, NULL) != 0) {
        b->no_memory = true;
        return NULL;
    }
    w->waiting = xreallocarray(w->waiting, (size_t)w->waiting_count + 1, sizeof *w->waiting);
    w->waiting[w->waiting_count++] = (struct bound_copy){.from = t, .to = copy, .head = b->head,
                                                         .product = b->product};
    return copy;
}

/* What is bound is looked at before it is used. */
static const void *bind_to_check(struct binder *b, const struct tensor *t)
{
    struct bound *w = b->to;
    const void *data = bind_as_floats(b, t);
    if (!data)
        return NULL;
    if (w->check_count == w->check_cap) {
        w->check_cap = w->check_cap ? 2 * w->check_cap : 256;
        w->checks = xreallocarray(w->checks, (size_t)w->check_cap, sizeof *w->checks);
    }
    w->checks[w->check_count++] = (struct bound_check){.of = t, .data = data, .head = b->head};
    return data;
}

const void *bind_tensor(struct binder *b, const char *name, int64_t *rows, int64_t columns)
{
    const struct tensor *t = bind_find(b, name);
    if (!t) {
        bind_note_missing(b, name);
        return NULL;
    }
    int ndim = columns ? 2 : 1;
    bool good = t->ndim == ndim && (ndim == 1 || t->shape[1] == columns) &&
                (*rows < 0 ? t->shape[0] >= 1 && t->shape[0] < INT32_MAX : t->shape[0] == *rows);
    if (!good) {
        bind_note_wrong(b, t, *rows < 0 ? 1 : *rows, columns);
        return NULL;
    }
    *rows = t->shape[0];
    b->found_count++;
    b->to->bytes += (size_t)tensor_elements(t) * sizeof(float);
    return bind_to_check(b, t);
}

/* Those of heads are read once for every image, not for its tokens and regions. */
static void bind_note_product(struct binder *b, const char *name, const void *w, int n, int k)
{
    const struct tensor *t = tensorfile_find(b->f, name);
    struct bound *to = b->to;
    if (!w || b->head || !t || t->data != w)
        return;
    to->products = xreallocarray(to->products, (size_t)to->product_count + 1,
                                 sizeof *to->products);
    to->products[to->product_count++] = (struct bound_product){t, n, k};
}

void bind_linear(struct binder *b, struct linear_w *o, int n, int k, const char *fmt, ...)
{
    char base[160], name[180];
    va_list ap;
    int64_t rows = n;
    va_start(ap, fmt);
    vsnprintf(base, sizeof base, fmt, ap);
    va_end(ap);
    snprintf(name, sizeof name, "%s.weight", base);
    b->product = true;
    o->w = bind_tensor(b, name, &rows, k);
    b->product = false;
    bind_note_product(b, name, o->w, (int)rows, k);
    snprintf(name, sizeof name, "%s.bias", base);
    o->b = bind_tensor(b, name, &rows, 0);
    o->n = rows < 0 ? 0 : (int)rows;
    o->k = k;
}

void bind_norm(struct binder *b, struct norm_w *o, int n, const char *fmt, ...)
{
    char base[160], name[180];
    va_list ap;
    int64_t rows = n;
    va_start(ap, fmt);
    vsnprintf(base, sizeof base, fmt, ap);
    va_end(ap);
    snprintf(name, sizeof name, "%s.weight", base);
    o->gamma = bind_tensor(b, name, &rows, 0);
    snprintf(name, sizeof name, "%s.bias", base);
    o->beta = bind_tensor(b, name, &rows, 0);
    o->n = n;
}

void bind_table(struct binder *b, const void **o, int64_t rows, int columns, const char *name)
{
    *o = bind_tensor(b, name, &rows, columns);
}

/* A single number: of no dimensions, or of one number in each. */
static const void *bind_number(struct binder *b, const char *name)
{
    const struct tensor *t = bind_find(b, name);
    if (t && tensor_elements(t) == 1)
        return bind_to_check(b, t);
    if (t)
        bind_note_wrong(b, t, 1, 0);
    else
        bind_note_missing(b, name);
    return NULL;
}

void bind_normed(struct binder *b, struct linear_w *o, int n, int k, const char *base)
{
    char name[180];
    int64_t rows = n;
    struct bound *w = b->to;
    snprintf(name, sizeof name, "%s.weight", base);
    if (tensorfile_find(b->f, name)) { /* what remove_weight_norm leaves */
        bind_linear(b, o, n, k, "%s", base);
        return;
    }
    snprintf(name, sizeof name, "%s.weight_v", base);
    const struct tensor *t = tensorfile_find(b->f, name);
    const void *v = bind_tensor(b, name, &rows, k);
    snprintf(name, sizeof name, "%s.weight_g", base);
    const void *g = bind_number(b, name);
    snprintf(name, sizeof name, "%s.bias", base);
    *o = (struct linear_w){.b = bind_tensor(b, name, &rows, 0), .n = rows < 0 ? 0 : (int)rows,
                           .k = k};
    if (!v || !g || !o->b)
        return;
    float *made = NULL;
    size_t count = (size_t)o->n * (size_t)k;
    b->no_memory |= bound_own(w, count, &made, NULL) != 0;
    w->normed = xreallocarray(w->normed, (size_t)w->normed_count + 1, sizeof *w->normed);
    w->normed[w->normed_count++] = (struct bound_normed){t->name, v, g, count, made, b->head,
                                                         false};
    o->w = made;
}

void bind_layer(struct binder *b, struct layer_w *l, const char *list, int i, int hidden,
                int inner)
{
    bind_linear(b, &l->q, hidden, hidden, "bert.encoder.%s.%d.attention.self.query", list, i);
    bind_linear(b, &l->k, hidden, hidden, "bert.encoder.%s.%d.attention.self.key", list, i);
    bind_linear(b, &l->v, hidden, hidden, "bert.encoder.%s.%d.attention.self.value", list, i);
    bind_linear(b, &l->out, hidden, hidden, "bert.encoder.%s.%d.attention.output.dense", list, i);
    bind_norm(b, &l->out_norm, hidden, "bert.encoder.%s.%d.attention.output.LayerNorm", list, i);
    bind_linear(b, &l->ff_in, inner, hidden, "bert.encoder.%s.%d.intermediate.dense", list, i);
    bind_linear(b, &l->ff_out, hidden, inner, "bert.encoder.%s.%d.output.dense", list, i);
    bind_norm(b, &l->ff_norm, hidden, "bert.encoder.%s.%d.output.LayerNorm", list, i);
}

void bind_heads(struct binder *b, void (*one)(struct binder *b, void *arg, unsigned head),
                void *arg)
{
    for (unsigned head = 1; head & HEAD_ALL; head <<= 1) {
        b->missing_count = b->wrong_count = 0;
        b->head = head;
        one(b, arg, head);
        if (b->missing_count == 0 && b->wrong_count == 0)
            b->to->heads |= head;
    }
}

/* A file in which no tensor is the model's, neither as it should be nor otherwise. */
static int bind_report_other(const struct binder *b, struct vs_err *err)
{
    const char *path = tensorfile_path(b->f);
    int n = tensorfile_count(b->f), lora = 0;
    for (int i = 0; i < n && !lora; i++)
        lora = strstr(tensorfile_at(b->f, i)->raw_name, ".lora_A") != NULL;
    if (lora)
        return vs_fail(err, VS_E_FORMAT, "%s: is an adapter (LoRA), which changes a model's "
                       "weights and is none: put it into them (PEFT's merge_and_unload) and save "
                       "those", path);
    if (n == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: no tensor of a model is in it (arrays of numpy "
                       "do not count): save the model's state_dict with torch.save, or as "
                       "safetensors",
                       path);
    return vs_fail(err, VS_E_FORMAT, "%s: none of its %d tensors is this model's (the first is "
                   "'%.100s'): another model, an optimizer's state, or names that nobody knows",
                   path, n, tensorfile_at(b->f, 0)->raw_name);
}

int bind_report(struct binder *b, struct vs_err *err)
{
    const char *path = tensorfile_path(b->f);
    if (b->no_memory)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for its weights as float32", path);
    if (b->missing_count == 0 && b->wrong_count == 0)
        return 0;
    if (b->empty_count == b->wrong_count && b->wrong_count > SHOWN)
        return vs_fail(err, VS_E_FORMAT, "%s: %d of its tensors are empty: what one process saved "
                       "of a model in parts (DeepSpeed ZeRO 3), whose numbers are elsewhere: make "
                       "one file of them first (zero_to_fp32.py lies beside it)", path,
                       b->empty_count);
    if (b->whole_count > SHOWN)
        return vs_fail(err, VS_E_FORMAT, "%s: %d of its weights are whole numbers without a scale "
                       "for each row (what a cast left of them, or a quantization that is not "
                       "known): save them as floating point", path, b->whole_count);
    if (b->found_count == 0 && b->wrong_count == 0 && tensorfile_odd_count(b->f) == 0)
        return bind_report_other(b, err);
    struct buf all = {0};
    if (b->missing_count) {
        buf_printf(&all, "missing: %s", b->missing.data);
        if (b->missing_count > SHOWN)
            buf_printf(&all, " and %d more", b->missing_count - SHOWN);
    }
    if (b->wrong_count) {
        buf_printf(&all, "%swrong shapes: %s", all.len ? "; " : "", b->wrong.data);
        if (b->wrong_count > SHOWN)
            buf_printf(&all, " and %d more", b->wrong_count - SHOWN);
    }
    int rc = vs_fail(err, b->wrong_count ? VS_E_FORMAT : VS_E_MISSING, "%s: does not fit the "
                     "configuration: %s", path, all.data);
    buf_fini(&all);
    return rc;
}

void bind_fini(struct binder *b)
{
    buf_fini(&b->missing);
    buf_fini(&b->wrong);
}

/* ---- ready to compute with */

int bound_own(struct bound *w, size_t count, float **out, struct vs_err *err)
{
    *out = vs_try_calloc(count + 1, sizeof **out);
    if (!*out)
        return vs_fail(err, VS_E_LIMIT, "no memory for weights that are made of others");
    w->owned = xreallocarray(w->owned, (size_t)w->owned_count + 1, sizeof *w->owned);
    w->owned[w->owned_count++] = *out;
    w->own_bytes += count * sizeof **out;
    return 0;
}

bool bound_owns(const struct bound *w, const void *numbers)
{
    for (int i = 0; i < w->owned_count; i++)
        if (w->owned[i] == numbers)
            return true;
    return false;
}

struct bound_making {
    struct bound *w;
    struct kern_packed *to; /* or NULL: all become floats */
    enum kern_type type;    /* to pack products as; KERN_FLOAT32: as they come */
    struct bound_copy *list;
};

/* NaN and infinity are looked for before they are made whole numbers of. */
static void bound_pack_one(const struct bound_making *m, struct bound_copy *c)
{
    struct narrowed x;
    int n = (int)c->from->shape[0], k = (int)c->from->shape[1];
    enum narrowing made = narrowed_make(c->from, m->type, &x);
    if (made == NARROWED) {
        c->finite = c->in_place ? kern_is_finite(c->from->data, (size_t)n * (size_t)k)
                                : kern_narrow_is_finite(&x.x, n, k);
        c->packed = kern_packed_add_narrow(m->to, c->to, &x.x, n, k);
    }
    if (made == NARROWED_TOO_LARGE)
        __atomic_store_n(&m->w->too_large, c->from, __ATOMIC_RELAXED);
    else if (!c->packed && made != NARROWED_NOT && m->type != KERN_FLOAT32)
        __atomic_store_n(&m->w->no_room, true, __ATOMIC_RELAXED);
    narrowed_fini(&x);
}

static void bound_copy_one(void *arg, int i)
{
    const struct bound_making *m = arg;
    struct bound_copy *c = &m->list[i];
    if (m->to && c->product && c->from->ndim == 2)
        bound_pack_one(m, c);
    if (!c->packed && !c->in_place)
        tensor_to_f32(c->from, c->to);
    tensor_forget(c->from);
}

/* Weights of products that are float32 in the file wait, too, where fewer bits are asked for. */
static void bound_ask_narrow(struct bound *w, enum kern_type type)
{
    if (type == KERN_FLOAT32 || w->asked_narrow)
        return;
    size_t all = (size_t)w->waiting_count + (size_t)w->product_count;
    w->waiting = xreallocarray(w->waiting, all + 1, sizeof *w->waiting);
    for (int i = 0; i < w->product_count; i++) {
        const struct tensor *t = w->products[i].of;
        w->waiting[w->waiting_count++] = (struct bound_copy){
            .from = t, .to = (float *)(uintptr_t)t->data, .in_place = true, .product = true};
    }
    w->asked_narrow = true;
}

/* Those that go on waiting, as they are packed or nobody wants them, come first. */
static void bound_make(struct bound *w, struct kern *k, unsigned heads, bool floats)
{
    bound_ask_narrow(w, kern_precision(k));
    int count = w->waiting_count, kept = 0;
    for (int i = 0; i < count; i++) {
        struct bound_copy c = w->waiting[i];
        if ((!c.head || c.head & heads) && (floats || !c.packed))
            continue;
        w->waiting[i] = w->waiting[kept];
        w->waiting[kept++] = c;
    }
    w->waiting_count = kept;
    if (kept == count)
        return;
    if (!w->narrow && !floats)
        w->narrow = kern_packed_new(k);
    struct bound_making m = {w, floats ? NULL : w->narrow, kern_precision(k),
                             w->waiting + kept};
    for (int i = kept; i < count; i++)
        w->waiting[i].packed = false;
    kern_parallel(k, count - kept, bound_copy_one, &m);
    for (int i = kept; i < count; i++)
        if (w->waiting[i].packed)
            w->waiting[w->waiting_count++] = w->waiting[i];
}

void bound_fill(struct bound *w, struct kern *k, unsigned heads)
{
    bound_make(w, k, heads, false);
}

void bound_widen(struct bound *w, struct kern *k, unsigned heads)
{
    bound_make(w, k, heads, true);
}

/* ---- numbers that are none: a run that diverged leaves them behind */

/* The copy at `data` that is packed and not float32, or NULL. */
static const struct bound_copy *bound_packed(const struct bound *w, const void *data)
{
    for (int i = 0; i < w->waiting_count; i++)
        if (w->waiting[i].to == data && w->waiting[i].packed)
            return &w->waiting[i];
    return NULL;
}

struct bound_checking {
    const struct bound *w;
    struct bound_check **list;
};

static void bound_check_one(void *arg, int i)
{
    const struct bound_checking *x = arg;
    struct bound_check *c = x->list[i];
    const struct bound_copy *packed = bound_packed(x->w, c->data);
    bool good = packed ? packed->finite
                       : kern_is_finite(c->data, (size_t)tensor_elements(c->of));
    c->state = good ? CHECK_FINITE : CHECK_BAD;
}

/* How many there are, and where the first one is. */
static int bound_fail_bad(const struct bound *w, const struct bound_check *c,
                          struct vs_err *err)
{
    int64_t n = tensor_elements(c->of), bad = 0, first = 0;
    const struct bound_copy *packed = bound_packed(w, c->data);
    if (packed && !packed->in_place)
        tensor_to_f32(packed->from, packed->to);
    for (int64_t i = 0; i < n; i++)
        if (!kern_is_finite((const char *)c->data + 4 * i, 1) && bad++ == 0)
            first = i;
    int64_t wide = c->of->ndim == 2 ? c->of->shape[1] : 1;
    return vs_fail(err, VS_E_DIVERGED, "%s: %s holds NaN or infinity (%" PRId64 " of %" PRId64
                   " numbers, the first in row %" PRId64 "): the run that wrote it diverged, or "
                   "the file is damaged; no answer", w->path, c->of->name, bad, n, first / wide);
}

/* The checks of the trunk and of these heads whose numbers nobody has looked at. */
static void bound_check_all(struct bound *w, struct kern *k, unsigned heads)
{
    struct bound_check **list = xcalloc((size_t)w->check_count + 1, sizeof *list);
    int n = 0;
    for (int i = 0; i < w->check_count; i++)
        if (w->checks[i].state == CHECK_WAITS && (!w->checks[i].head || w->checks[i].head & heads))
            list[n++] = &w->checks[i];
    if (n > 0)
        kern_parallel(k, n, bound_check_one, &(struct bound_checking){w, list});
    free(list);
}

static float bound_number(const void *x, size_t i)
{
    float v;
    memcpy(&v, (const char *)x + i * sizeof v, sizeof v);
    return v;
}

static int bound_make_normed(const struct bound *w, struct bound_normed *x, struct vs_err *err)
{
    double sum = 0, g = (double)bound_number(x->g, 0);
    for (size_t i = 0; i < x->n; i++)
        sum += (double)bound_number(x->v, i) * (double)bound_number(x->v, i);
    if (!(sum > 0))
        return vs_fail(err, VS_E_DIVERGED, "%s: %s is all 0: its weight norm cannot be computed; "
                       "no answer", w->path, x->name);
    for (size_t i = 0; i < x->n; i++)
        x->to[i] = (float)(g * (double)bound_number(x->v, i) / sqrt(sum));
    x->made = true;
    return 0;
}

int bound_ready(struct bound *w, struct kern *k, unsigned heads, struct vs_err *err)
{
    int rc = 0;
    bound_fill(w, k, heads);
    if (w->no_room)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for its weights in the precision that was "
                       "asked for", w->path);
    if (w->too_large)
        return vs_fail(err, VS_E_LIMIT, "%s: %s has numbers beyond 65504, which float16 has not: "
                       "use --precision bfloat16 or int8", w->path, w->too_large->name);
    bound_check_all(w, k, heads);
    for (int i = 0; i < w->check_count && rc == 0; i++)
        if (w->checks[i].state == CHECK_BAD && (!w->checks[i].head || w->checks[i].head & heads))
            rc = bound_fail_bad(w, &w->checks[i], err);
    for (int i = 0; i < w->normed_count && rc == 0; i++)
        if (!w->normed[i].made && w->normed[i].head & heads)
            rc = bound_make_normed(w, &w->normed[i], err);
    return rc;
}

void bound_fini(struct bound *w)
{
    kern_packed_free(w->narrow);
    free(w->waiting);
    free(w->checks);
    free(w->normed);
    free(w->products);
    for (int i = 0; i < w->owned_count; i++)
        free(w->owned[i]);
    free(w->owned);
    *w = (struct bound){0};
}
