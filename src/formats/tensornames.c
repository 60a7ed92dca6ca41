/* SPDX-License-Identifier: MIT */
/* Names of a file's tensors, made those that the model has, and the index of them.
 *
 * Source of MMF's names: mmf/models/vilbert.py (ViLBERTForClassification). */
#include "src/formats/setname.h"
#include "src/formats/tensorfile_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- what models were wrapped into */

#define WRAPS_MOST 16

/* What stands before the names of a model; several are several sets of weights. */
struct wraps {
    char *list[WRAPS_MOST]; /* "model_ema.", or "" */
    int count;
};

static void wraps_add(struct wraps *w, const char *name, int len)
{
    for (int i = 0; i < w->count; i++)
        if ((int)strlen(w->list[i]) == len && strncmp(w->list[i], name, (size_t)len) == 0)
            return;
    if (len >= 0 && w->count < WRAPS_MOST)
        w->list[w->count++] = xstrndup(name, (size_t)len);
}

static void wraps_fini(struct wraps *w)
{
    for (int i = 0; i < w->count; i++)
        free(w->list[i]);
}

static const char *wraps_get(const void *wraps, int i)
{
    return ((const struct wraps *)wraps)->list[i];
}

/* "model_ema.": the dot is not a part of what a user calls it. */
static void wraps_to_labels(const struct wraps *w, struct wraps *labels)
{
    for (int i = 0; i < w->count; i++) {
        size_t n = strlen(w->list[i]);
        labels->list[labels->count++] = xstrndup(w->list[i], n - (n && w->list[i][n - 1] == '.'));
    }
}

/* Names of no model: only what DataParallel puts before all of them is known to be a wrapper's. */
static size_t parallel_prefix(const struct tensorfile *f)
{
    static const char word[] = "module.";
    size_t len = sizeof word - 1, skip = 0;
    for (; skip < 4 * len && f->count > 0; skip += len)
        for (int i = 0; i < f->count; i++)
            if (strlen(f->list[i].raw_name) <= skip + len ||
                strncmp(f->list[i].raw_name + skip, word, len) != 0)
                return skip;
    return skip;
}

static int choose_plain_wrap(const char *path, const struct wraps *labels, int *out,
                             struct vs_err *err)
{
    int plain = 0;
    for (int i = 0; i < labels->count; i++) {
        if (!labels->list[i][0]) {
            *out = i;
            return 0;
        }
        if (!setname_is_average(labels->list[i]) && plain++ == 0)
            *out = i;
    }
    if (plain > 1 || (plain == 0 && labels->count > 1))
        return setname_fail_several(path, labels, labels->count, wraps_get, err);
    *out = plain ? *out : 0;
    return 0;
}

static void note_sets(struct tensorfile *f, const struct wraps *labels)
{
    for (int i = 0; labels->count > 1 && i < labels->count; i++)
        if (labels->list[i][0])
            buf_printf(&f->sets, "%s%s", f->sets.len ? ", " : "", labels->list[i]);
}

static int choose_wrap(struct tensorfile *f, const struct wraps *w, int *out, struct vs_err *err)
{
    struct wraps labels = {.count = 0};
    int rc = 0;
    bool asked = f->wanted && !f->matched;
    *out = -1;
    wraps_to_labels(w, &labels);
    note_sets(f, &labels);
    if (asked)
        rc = setname_match(f->wanted, f->map.path, &labels, labels.count, wraps_get, out, err);
    if (rc == 0 && asked && *out < 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: has no weights called '%s'%s%s", f->map.path,
                     f->wanted, f->sets.len ? ": it has " : ", only one set of them",
                     f->sets.len ? f->sets.data : "");
    if (rc == 0 && *out < 0 && w->count > 0)
        rc = choose_plain_wrap(f->map.path, &labels, out, err);
    wraps_fini(&labels);
    return rc;
}

/* The prefix of the set that is read, which is taken off; owned by the caller. *plain: another set
 * has none. */
static int find_prefix(struct tensorfile *f, char **out, bool *plain, struct vs_err *err)
{
    struct wraps w = {.count = 0};
    int at;
    for (int i = 0; i < f->count; i++) {
        char *name = setname_unwrapped(f->list[i].raw_name);
        wraps_add(&w, name, setname_before_landmark(name));
        free(name);
    }
    int rc = choose_wrap(f, &w, &at, err);
    for (int i = 0; i < w.count; i++)
        *plain |= i != at && !w.list[i][0];
    if (rc == 0 && at >= 0)
        *out = xstrdup(w.list[at]);
    else if (rc == 0)
        *out = xstrndup(f->count ? f->list[0].raw_name : "", parallel_prefix(f));
    wraps_fini(&w);
    return rc;
}

/* ---- names of others for the same */

/* TensorFlow's names of a layer norm's parameters, as old checkpoints have them, and those of a
 * weight norm as a parametrization, which newer ones of PyTorch have.
 *
 * Source: torch/nn/utils/parametrizations.py, _weight_norm_compat_hook. */
static char *canonical_name(const char *raw)
{
    static const char *const ends[][2] = {{".gamma", ".weight"},
                                          {".beta", ".bias"},
                                          {".parametrizations.weight.original0", ".weight_g"},
                                          {".parametrizations.weight.original1", ".weight_v"}};
    size_t n = strlen(raw);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t k = strlen(ends[i][0]);
        if (n > k && strcmp(raw + n - k, ends[i][0]) == 0)
            return xasprintf("%.*s%s", (int)(n - k), raw, ends[i][1]);
    }
    return xstrdup(raw);
}

static const struct tensor *find_named(const struct tensorfile *f, const char *name)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->list[i].name, name) == 0)
            return &f->list[i];
    return NULL;
}

/* Which of the model's heads MMF's classifier is: its sizes tell. NULL: there is none. */
static const char *mmf_head(const struct tensorfile *f)
{
    const struct tensor *in = find_named(f, "classifier.0.dense.weight");
    const struct tensor *out = find_named(f, "classifier.1.weight");
    const struct tensor *pool = find_named(f, "bert.t_pooler.dense.weight");
    if (!in || !out || !pool || in->ndim != 2 || out->ndim != 2 || pool->ndim != 2)
        return NULL;
    if (in->shape[1] == 2 * pool->shape[0]) /* of two images */
        return "vil_binary_prediction";
    return out->shape[0] == 1533 || out->shape[0] == 1842 ? "vil_prediction_gqa" : "vil_prediction";
}

static void map_mmf(struct tensorfile *f)
{
    static const char *const parts[][2] = {{"classifier.0.dense.", "logit_fc.0."},
                                           {"classifier.0.LayerNorm.", "logit_fc.2."},
                                           {"classifier.1.", "logit_fc.3."}};
    const char *head = mmf_head(f);
    for (int i = 0; head && i < f->count; i++)
        for (int k = 0; k < 3; k++) {
            const char *name = f->list[i].name;
            size_t n = strlen(parts[k][0]);
            if (strncmp(name, parts[k][0], n) != 0)
                continue;
            f->list[i].name = xasprintf("%s.%s%s", head, parts[k][1], name + n);
            free((char *)(uintptr_t)name);
        }
}

static char *without_dots(const char *name)
{
    char *out = xstrdup(name), *to = out;
    for (const char *p = name; *p; p++)
        if (*p != '.')
            *to++ = *p;
    *to = '\0';
    return out;
}

/* LitEma keeps the average of "model.a.b" as the buffer "model_ema.ab": it gets its dots back where
 * a plain name tells where they were.
 *
 * Source: ldm/modules/ema.py of latent-diffusion. */
static void name_dotless(struct tensorfile *f)
{
    static const char plain[] = "model.", average[] = "model_ema.";
    size_t n = sizeof plain - 1, m = sizeof average - 1;
    struct strmap names = {0};
    char **made = xcalloc((size_t)f->count + 1, sizeof *made);
    for (int i = 0; i < f->count; i++)
        if (strncmp(f->list[i].raw_name, plain, n) == 0) {
            made[i] = without_dots(f->list[i].raw_name + n);
            strmap_add(&names, made[i], strlen(made[i]), i);
        }
    for (int i = 0; i < f->count; i++) {
        const char *raw = f->list[i].raw_name;
        int at = strncmp(raw, average, m) == 0 && !strchr(raw + m, '.')
                     ? strmap_get(&names, raw + m, strlen(raw + m))
                     : -1;
        if (at >= 0 && strchr(f->list[at].raw_name + n, '.')) {
            f->list[i].raw_name = xasprintf("%s%s", average, f->list[at].raw_name + n);
            free((char *)(uintptr_t)raw);
        }
    }
    for (int i = 0; i < f->count; i++)
        free(made[i]);
    free(made);
    strmap_fini(&names);
}

/* ---- the index */

/* plain: what does not begin so is of a set without a prefix, whose names are not to be taken for
 * those of the one that was chosen. */
static char *name_of(const char *raw, const char *prefix, bool plain)
{
    size_t n = strlen(prefix);
    char *name = setname_unwrapped(raw);
    bool own = strncmp(name, prefix, n) == 0 && name[n];
    char *made = own || !plain ? canonical_name(own ? name + n : name)
                               : xasprintf("(plain).%s", name);
    free(name);
    return made;
}

static int index_names(struct tensorfile *f, struct vs_err *err)
{
    strmap_fini(&f->index);
    for (int i = 0; i < f->count; i++)
        if (strmap_add(&f->index, f->list[i].name, strlen(f->list[i].name), i) >= 0)
            return vs_fail(err, VS_E_FORMAT, "%s: tensor '%s' is there twice", f->map.path,
                           f->list[i].name);
    return 0;
}

static bool is_scale_of(const struct tensor *scale, const struct tensor *t)
{
    return scale && scale->dtype == DTYPE_F32 && scale->ndim == 1 && scale->data &&
           scale->shape[0] == t->shape[0] && tensor_is_contiguous(scale);
}

/* Whole numbers that stand for weights have NAME.row_scale beside them (vilscope convert), which is
 * a part of the tensor then, and none of the list. */
static int join_row_scales(struct tensorfile *f, struct vs_err *err)
{
    int kept = 0, joined = 0;
    bool *gone = xcalloc((size_t)f->count + 1, sizeof *gone);
    for (int i = 0; i < f->count; i++) {
        struct tensor *t = &f->list[i];
        if (t->dtype != DTYPE_I8 || t->ndim != 2 || !tensor_is_contiguous(t))
            continue;
        char *name = xasprintf("%s" ROW_SCALE_END, t->name);
        const struct tensor *scale = tensorfile_find(f, name);
        free(name);
        if (!is_scale_of(scale, t))
            continue;
        t->row_scale = scale->data;
        gone[scale - f->list] = true;
        joined++;
    }
    for (int i = 0; joined && i < f->count; i++)
        if (gone[i]) {
            free((char *)(uintptr_t)f->list[i].name);
            free((char *)(uintptr_t)f->list[i].raw_name);
        } else {
            f->list[kept++] = f->list[i];
        }
    f->count = joined ? kept : f->count;
    free(gone);
    return joined ? index_names(f, err) : 0;
}

/* Quantizers write numbers that mean something only with a scale beside them, of a tensor, its rows
 * or its blocks.
 *
 * Source: names that compressed-tensors, transformers' fine-grained FP8 and ComfyUI write. */
static const char *float8_scale(const struct tensorfile *f, const struct tensor *t)
{
    static const char *const ends[] = {"weight_scale", "weight_scale_inv", "scale_weight",
                                       "scale_inv", "scale", "qscale", "weight_block_scale"};
    const char *dot = strrchr(t->name, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof ends[0]; i++) {
        char *name = xasprintf("%.*s.%s", (int)(dot - t->name), t->name, ends[i]);
        const struct tensor *scale = tensorfile_find(f, name);
        bool odd = tensorfile_odd(f, name) != NULL;
        free(name);
        if (scale || odd)
            return ends[i];
    }
    return NULL;
}

static int refuse_scaled_float8(const struct tensorfile *f, struct vs_err *err)
{
    for (int i = 0; i < f->count; i++) {
        const struct tensor *t = &f->list[i];
        bool float8 = t->dtype == DTYPE_F8_E4M3 || t->dtype == DTYPE_F8_E5M2;
        const char *scale = float8 ? float8_scale(f, t) : NULL;
        if (scale)
            return vs_fail(err, VS_E_REFUSED, "%s: its weights are quantized: '%.200s' is of %s "
                           "and has %s beside it, which is not applied: save them dequantized, in "
                           "bfloat16 or float32", f->map.path, t->name, dtype_name(t->dtype),
                           scale);
    }
    return 0;
}

int tensorfile_index(struct tensorfile *f, struct vs_err *err)
{
    char *prefix = NULL;
    bool plain = false;
    name_dotless(f);
    int rc = find_prefix(f, &prefix, &plain, err);
    for (int i = 0; rc == 0 && i < f->count; i++)
        f->list[i].name = name_of(f->list[i].raw_name, prefix, plain);
    for (int i = 0; rc == 0 && i < f->odd_count; i++) {
        char *raw = f->odd[i].name;
        f->odd[i].name = name_of(raw, prefix, plain);
        free(raw);
    }
    free(prefix);
    if (rc == 0)
        map_mmf(f);
    if (rc == 0)
        rc = index_names(f, err);
    if (rc == 0)
        rc = refuse_scaled_float8(f, err);
    return rc == 0 ? join_row_scales(f, err) : rc;
}
