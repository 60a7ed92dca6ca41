/* SPDX-License-Identifier: MIT */
/* The object pickle of a PyTorch checkpoint: from its values to views of storages.
 *
 * Source: torch/_utils.py (_rebuild_tensor_v2, _rebuild_parameter) and torch/serialization.py. */
#include "src/formats/tensorfile_priv.h"

#include <string.h>

const char *const torch_allowed[] = {
    "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_parameter", "torch Size", "torch device", "torch.nn.parameter Parameter",
    "torch FloatStorage", "torch HalfStorage", "torch BFloat16Storage", "torch DoubleStorage",
    "torch LongStorage", "torch IntStorage", "torch ShortStorage", "torch CharStorage",
    "torch ByteStorage", "torch BoolStorage",
    "torch.cuda FloatStorage", "torch.cuda HalfStorage", "torch.cuda BFloat16Storage",
    "torch.cuda DoubleStorage", "torch.cuda LongStorage", "torch.cuda IntStorage",
    "torch.cuda ShortStorage", "torch.cuda CharStorage", "torch.cuda ByteStorage",
    "torch.cuda BoolStorage",
    "torch float32", "torch float16", "torch bfloat16", "torch float64", "torch int64",
    "torch int32",
    "collections OrderedDict", "collections defaultdict", "collections Counter",
    "__builtin__ dict", "builtins dict", "__builtin__ set", "builtins set",
    "argparse Namespace", "easydict EasyDict", /* a trainer's options: kept as plain values */
    "__builtin__ list", "builtins list", "__builtin__ int", "builtins int",
    "numpy.core.multiarray scalar", "numpy._core.multiarray scalar", "numpy dtype",
    "_codecs encode", NULL
};

static const struct {
    const char *name;
    enum dtype dtype;
} storages[] = {
    {"FloatStorage", DTYPE_F32}, {"HalfStorage", DTYPE_F16}, {"BFloat16Storage", DTYPE_BF16},
    {"DoubleStorage", DTYPE_F64}, {"LongStorage", DTYPE_I64}, {"IntStorage", DTYPE_I32},
    {"ShortStorage", DTYPE_I16}, {"CharStorage", DTYPE_I8}, {"ByteStorage", DTYPE_U8},
    {"BoolStorage", DTYPE_BOOL},
};

static bool storage_class(const struct pval *v, enum dtype *out)
{
    if (v->kind != PK_GLOBAL)
        return false;
    const char *name = strchr((const char *)v->bytes, ' ');
    for (size_t i = 0; name && i < sizeof storages / sizeof storages[0]; i++)
        if (strcmp(name + 1, storages[i].name) == 0) {
            *out = storages[i].dtype;
            return true;
        }
    return false;
}

bool torch_storage(const struct pval *p, struct torch_storage_ref *out)
{
    if (p->kind != PK_PERSID || p->items[0]->kind != PK_TUPLE)
        return false;
    const struct pval *t = p->items[0];
    if (t->count < 5 || !pval_is_string(t->items[0], "storage") ||
        !storage_class(t->items[1], &out->dtype) ||
        (t->items[2]->kind != PK_STRING && t->items[2]->kind != PK_BYTES) ||
        t->items[4]->kind != PK_INT)
        return false;
    out->key = t->items[2]->bytes;
    out->key_len = t->items[2]->len;
    out->elements = t->items[4]->integer;
    out->view_offset = 0;
    const struct pval *view = t->count > 5 ? t->items[5] : NULL; /* (key, offset, size) or None */
    if (view && view->kind == PK_TUPLE && view->count == 3 && view->items[1]->kind == PK_INT)
        out->view_offset = view->items[1]->integer;
    return out->elements >= 0 && out->view_offset >= 0;
}

static bool torch_is_call(const struct pval *v, const char *name)
{
    return v->kind == PK_OBJECT && v->count >= 2 && v->items[0]->kind == PK_GLOBAL &&
           strcmp((const char *)v->items[0]->bytes, name) == 0;
}

/* (3, 4), [3, 4] or torch.Size((3, 4)); the count, or -1. */
static int whole_numbers(const struct pval *v, int64_t *out)
{
    if (torch_is_call(v, "torch Size") && v->items[1]->count == 1)
        v = v->items[1]->items[0];
    if ((v->kind != PK_TUPLE && v->kind != PK_LIST) || v->count > TENSOR_MAX_DIMS)
        return -1;
    for (size_t i = 0; i < v->count; i++) {
        if (v->items[i]->kind != PK_INT)
            return -1;
        out[i] = v->items[i]->integer;
    }
    return (int)v->count;
}

static const struct pval *tensor_args(const struct pval *v)
{
    for (int depth = 0; depth < 4; depth++) {
        if (torch_is_call(v, "torch._utils _rebuild_tensor_v2") ||
            torch_is_call(v, "torch._utils _rebuild_tensor"))
            return v->items[1];
        if ((!torch_is_call(v, "torch._utils _rebuild_parameter") &&
             !torch_is_call(v, "torch.nn.parameter Parameter")) || v->items[1]->count < 1)
            return NULL;
        v = v->items[1]->items[0];
    }
    return NULL;
}

static int add_tensor(struct tensorfile *f, const struct pval *key, const struct pval *args,
                      torch_resolve *resolve, void *arg, struct vs_err *err)
{
    struct torch_storage_ref ref;
    int64_t shape[TENSOR_MAX_DIMS], stride[TENSOR_MAX_DIMS], offset = 0;
    int shown = key->len > 200 ? 200 : (int)key->len;
    int ndim = args->count >= 4 ? whole_numbers(args->items[2], shape) : -1;
    if (ndim < 0 || whole_numbers(args->items[3], stride) != ndim ||
        args->items[1]->kind != PK_INT || !torch_storage(args->items[0], &ref) ||
        __builtin_add_overflow(args->items[1]->integer, ref.view_offset, &offset))
        return vs_fail(err, VS_E_FORMAT, "%s: tensor '%.*s' is not described as PyTorch does",
                       f->map.path, shown, (const char *)key->bytes);
    struct storage s;
    int rc = resolve(arg, &ref, &s, err);
    return rc ? rc : tensorfile_add(f, (const char *)key->bytes, key->len, &s, offset, ndim, shape,
                                    stride, err);
}

static bool has_tensors(const struct pval *dict)
{
    for (size_t i = 1; i < dict->count; i += 2)
        if (tensor_args(dict->items[i]))
            return true;
    return false;
}

/* The state dict, also when a training script put it into a dictionary of its own. */
static const struct pval *state_dict(const struct pval *v)
{
    static const char *const wraps[] = {"model_state_dict", "state_dict", "model", "module"};
    for (int depth = 0; depth < 4 && v->kind == PK_DICT; depth++) {
        const struct pval *inner = NULL;
        for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
            const struct pval *w = pval_get(v, wraps[i]);
            if (!inner && w && w->kind == PK_DICT)
                inner = w;
        }
        if (!inner || has_tensors(v))
            break;
        v = inner;
    }
    return v;
}

int torch_collect(struct tensorfile *f, const struct pval *root, torch_resolve *resolve, void *arg,
                  struct vs_err *err)
{
    const struct pval *dict = state_dict(root);
    if (dict->kind != PK_DICT)
        return vs_fail(err, VS_E_FORMAT, "%s: holds no dictionary of named tensors (a state dict): "
                       "save model.state_dict()", f->map.path);
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const struct pval *key = dict->items[i], *args = tensor_args(dict->items[i + 1]);
        if (!args || (key->kind != PK_STRING && key->kind != PK_BYTES))
            continue;
        int rc = add_tensor(f, key, args, resolve, arg, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}
