/* SPDX-License-Identifier: MIT */
/* A moving average whose tensors have no names: a list in the order of the model's parameters.
 *
 * Source: torch-ema's ExponentialMovingAverage.state_dict (shadow_params), which copies
 * model.parameters(): a parameter with two names once, no buffers. A state dict has the same order,
 * with all names. */
#include "src/formats/torchsets.h"

#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A name of the state dict. */
struct ema_name {
    char *name;
    const struct pval *args;
    char *place; /* of its numbers; NULL: it is no parameter */
    int at;      /* in the list; -1: nowhere */
};

struct ema_names {
    struct ema_name *list;
    int count, cap, parameters;
    struct strmap places;
};

/* Whole numbers are never trained: buffers. Bytes whose type the tensor names may be weights. */
static bool may_be_parameter(const struct torch_storage_ref *ref)
{
    return ref->untyped || ref->dtype == DTYPE_F32 || ref->dtype == DTYPE_F16 ||
           ref->dtype == DTYPE_BF16 || ref->dtype == DTYPE_F64;
}

static int note_name(void *arg, const char *name, size_t len, const struct pval *args)
{
    struct ema_names *n = arg;
    struct torch_storage_ref ref;
    struct ema_name one = {.name = xstrndup(name, len), .args = args, .at = -1};
    if (args->count >= 4 && torch_storage(args->items[0], &ref) && may_be_parameter(&ref) &&
        args->items[1]->kind == PK_INT && ref.key_len <= 200) { /* torch's have a few digits */
        one.place = xasprintf("%.*s %" PRId64, (int)ref.key_len, (const char *)ref.key,
                              args->items[1]->integer);
        one.at = strmap_add(&n->places, one.place, strlen(one.place), n->parameters);
        if (one.at < 0)
            one.at = n->parameters++;
    }
    if (n->count == n->cap) {
        n->cap = n->cap ? 2 * n->cap : 256;
        n->list = xreallocarray(n->list, (size_t)n->cap, sizeof *n->list);
    }
    n->list[n->count++] = one;
    return 0;
}

static void names_fini(struct ema_names *n)
{
    strmap_fini(&n->places);
    for (int i = 0; i < n->count; i++) {
        free(n->list[i].name);
        free(n->list[i].place);
    }
    free(n->list);
}

#define REFUSED "; an average is opened by its order only where all agree"

/* Each tensor of the list has the shape of the parameter in its place. */
static int check_shapes(const struct ema_names *n, const struct pval *list, const char *path,
                        struct vs_err *err)
{
    for (int i = 0; i < n->count; i++) {
        const struct ema_name *x = &n->list[i];
        const struct pval *args = x->at < 0 ? NULL : torch_tensor_args(list->items[x->at]);
        int64_t want[TENSOR_MAX_DIMS], has[TENSOR_MAX_DIMS];
        int dims = torch_shape(x->args, want);
        if (x->at < 0)
            continue;
        if (!args || dims < 0 || torch_shape(args, has) != dims ||
            memcmp(want, has, (size_t)dims * sizeof *want) != 0)
            return vs_fail(err, VS_E_FORMAT, "%s: shadow_params has no names, and its tensor %d "
                           "has not the shape of the parameter in that place, '%.200s'" REFUSED,
                           path, x->at + 1, x->name);
    }
    return 0;
}

int torch_shadow_each(const struct pval *list, const struct pval *named, const char *path,
                      torch_visit *visit, void *arg, struct vs_err *err)
{
    struct ema_names n = {.list = NULL};
    int rc = torch_set_each(named, note_name, &n);
    if (rc == 0 && (size_t)n.parameters != list->count)
        rc = vs_fail(err, VS_E_FORMAT, "%s: shadow_params has %zu tensors without names, the state "
                     "dict %d parameters" REFUSED, path, list->count, n.parameters);
    if (rc == 0)
        rc = check_shapes(&n, list, path, err);
    for (int i = 0; i < n.count && rc == 0; i++) {
        const struct ema_name *x = &n.list[i];
        rc = visit(arg, x->name, strlen(x->name),
                   x->at < 0 ? x->args : torch_tensor_args(list->items[x->at]));
    }
    names_fini(&n);
    return rc;
}
