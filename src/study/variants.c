/* SPDX-License-Identifier: MIT */
/* Copies of one input, changed and run in batches. */
#include "src/study/variants.h"

#include "src/base/mem.h"
#include "src/engine/engine_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- a target */

void variants_aim(struct variants *v, const struct net_target *t)
{
    v->heads = output_table[t->output].head;
    /* Of an odd number of images each answers for itself; copies of it would be pairs. */
    v->most = output_table[t->output].rows == ROWS_PAIRS && v->in->batch == 1;
}

struct net_target variants_target(const struct variants *v, const struct net_target *t, int k)
{
    struct net_target out = *t;
    out.b += output_table[t->output].rows == ROWS_PAIRS ? k : k * v->in->batch;
    return out;
}

/* ---- changing a copy */

void variant_drop_region(struct variants *v, int k, int b, int region)
{
    v->image_mask[((ptrdiff_t)k * v->in->batch + b) * v->in->regions + region] = 0;
}

void variant_drop_token(struct variants *v, int k, int b, int token)
{
    v->text_mask[((ptrdiff_t)k * v->in->batch + b) * v->in->tokens + token] = 0;
}

void variant_put_token(struct variants *v, int k, int b, int token, int32_t id)
{
    v->ids[((ptrdiff_t)k * v->in->batch + b) * v->in->tokens + token] = id;
}

void variant_silence(struct variants *v, int k, const struct net_silence *s)
{
    int n = v->in->batch;
    v->taken = xreallocarray(v->taken, (size_t)v->taken_count + (size_t)n, sizeof *v->taken);
    for (int b = k * n; b < (k + 1) * n; b++) {
        v->taken[v->taken_count] = *s;
        v->taken[v->taken_count++].b = b;
    }
}

void variant_replace(struct variants *v, int k, const struct net_replaced *s)
{
    v->replaced = xreallocarray(v->replaced, (size_t)v->replaced_count + 1, sizeof *v->replaced);
    v->replaced[v->replaced_count] = *s;
    v->replaced[v->replaced_count++].b += k * v->in->batch;
}

/* ---- copies */

/* n times x, or, where x is NULL, n times `size` bytes of ones (of int32_t). */
static void *variants_copies(const void *x, size_t size, int n)
{
    char *out = xmalloc(vs_times(size, (size_t)n) + 1);
    int32_t *ones = (int32_t *)(void *)out;
    for (int i = 0; x && i < n; i++)
        memcpy(out + (size_t)i * size, x, size);
    for (size_t i = 0; !x && i < size / sizeof *ones * (size_t)n; i++)
        ones[i] = 1;
    return out;
}

static void *variants_some(const void *x, size_t size, int n)
{
    return x ? variants_copies(x, size, n) : NULL;
}

/* What every batch begins with. */
static void variants_reset(struct variants *v, int n)
{
    const struct net_input *in = v->in;
    size_t t = (size_t)in->batch * (size_t)in->tokens, r = (size_t)in->batch * (size_t)in->regions;
    free(v->ids);
    free(v->text_mask);
    free(v->image_mask);
    free(v->taken);
    v->ids = variants_copies(in->ids, t * sizeof *in->ids, n);
    v->text_mask = variants_copies(in->text_mask, t * sizeof *in->text_mask, n);
    v->image_mask = variants_copies(in->image_mask, r * sizeof *in->image_mask, n);
    v->taken = xcalloc((size_t)v->silence_count + 1, sizeof *v->taken);
    v->taken_count = v->silence_count;
    v->replaced_count = 0;
    for (int i = 0; i < v->silence_count; i++)
        v->taken[i] = v->silences[i];
    v->all.batch = n * in->batch;
    v->all.ids = v->ids;
    v->all.text_mask = v->text_mask;
    v->all.image_mask = v->image_mask;
}

/* What no copy changes, once for all batches. */
static void variants_share(struct variants *v, int room)
{
    const struct net_input *in = v->in;
    size_t b = (size_t)in->batch, t = b * (size_t)in->tokens, r = b * (size_t)in->regions;
    v->all = *in;
    v->all.types = variants_some(in->types, t * sizeof *in->types, room);
    v->all.task = variants_some(in->task, b * sizeof *in->task, room);
    v->all.features = variants_copies(
        in->features, r * (size_t)v->net->sizes.features * sizeof *in->features, room);
    v->all.spatials = variants_copies(in->spatials, r * 5 * sizeof *in->spatials, room);
    v->all.words = variants_some(in->words, t * (size_t)net_word_width(&v->net->sizes) *
                                                sizeof *in->words, room);
}

static void variants_fini(struct variants *v)
{
    void *const owned[] = {(void *)(uintptr_t)v->all.types, (void *)(uintptr_t)v->all.task,
                           (void *)(uintptr_t)v->all.features, (void *)(uintptr_t)v->all.spatials,
                           (void *)(uintptr_t)v->all.words, v->ids, v->text_mask, v->image_mask,
                           v->taken, v->replaced};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    v->ids = v->text_mask = v->image_mask = NULL;
    v->taken = NULL;
    v->replaced = NULL;
    v->replaced_count = 0;
}

/* ---- running */

static int variants_pass(struct variants *v, struct trace **out, struct vs_err *err)
{
    struct net_want want = {.heads = v->heads, .keep_padding = v->keep_padding,
                            .silences = v->taken, .silence_count = v->taken_count,
                            .replaced = v->replaced, .replaced_count = v->replaced_count,
                            .cancel = v->cancel};
    if (v->lock)
        pthread_mutex_lock(v->lock);
    int rc = net_forward(v->net, &v->all, &want, out, err);
    if (v->lock)
        pthread_mutex_unlock(v->lock);
    return rc;
}

int variants_run(struct variants *v, int count, struct vs_err *err)
{
    const struct net_input *in = v->in;
    int one = in->batch * in->regions, rc = 0;
    int room = net_batch(v->net, in->batch * in->tokens, one, QUERY_ROWS / (one > 0 ? one : 1));
    room = room > count ? count : room;
    room = v->most > 0 && room > v->most ? v->most : room;
    if (count == 0)
        return 0;
    variants_share(v, room);
    for (int at = 0; at < count && rc == 0; at += room) {
        int n = count - at < room ? count - at : room;
        struct trace *pass = NULL;
        variants_reset(v, n);
        for (int k = 0; k < n; k++)
            v->make(v->arg, v, k, at + k);
        rc = variants_pass(v, &pass, err);
        for (int k = 0; k < n && rc == 0; k++)
            v->take(v->arg, pass, k, at + k);
        if (rc == 0 && v->after)
            v->after(v->arg, at + n);
        trace_free(pass);
    }
    variants_fini(v);
    return rc;
}
