/* SPDX-License-Identifier: MIT */
/* The object pickle of a PyTorch checkpoint: from its values to views of storages.
 *
 * Source: torch/_utils.py (_rebuild_tensor_v2, _rebuild_parameter) and torch/serialization.py. */
#include "src/formats/torchsets.h"

#include "src/formats/savedparts.h"
#include "src/formats/setname.h"
#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* What tensors and plain data are made of. Other globals are told to the user. */
static const char *const usual_modules[] = {
    "torch", "torch._utils", "torch._tensor", "torch.cuda", "torch.storage", "torch.serialization",
    "torch.nn.parameter", "collections", "__builtin__", "builtins", "argparse", "easydict",
    "numpy", "numpy.core.multiarray", "numpy._core.multiarray", "_codecs",
};

static const struct {
    const char *name;
    int unit; /* bytes an element */
    enum dtype dtype;
} storages[] = {
    {"FloatStorage", 4, DTYPE_F32},         {"HalfStorage", 2, DTYPE_F16},
    {"BFloat16Storage", 2, DTYPE_BF16},     {"DoubleStorage", 8, DTYPE_F64},
    {"LongStorage", 8, DTYPE_I64},          {"IntStorage", 4, DTYPE_I32},
    {"ShortStorage", 2, DTYPE_I16},         {"CharStorage", 1, DTYPE_I8},
    {"ByteStorage", 1, DTYPE_U8},           {"BoolStorage", 1, DTYPE_BOOL},
    {"UntypedStorage", 1, DTYPE_U8},        {"ComplexFloatStorage", 8, DTYPE_ODD},
    {"ComplexDoubleStorage", 16, DTYPE_ODD}, {"QInt8Storage", 1, DTYPE_ODD},
    {"QUInt8Storage", 1, DTYPE_ODD},        {"QInt32Storage", 4, DTYPE_ODD},
    {"QUInt4x2Storage", 1, DTYPE_ODD},      {"QUInt2x4Storage", 1, DTYPE_ODD},
};

/* What stands behind the module in the name of a global; NULL for other values. */
static const char *global_name(const struct pval *v)
{
    const char *space = v->kind == PK_GLOBAL ? strchr((const char *)v->bytes, ' ') : NULL;
    return space ? space + 1 : NULL;
}

static bool storage_class(const struct pval *v, struct torch_storage_ref *out)
{
    const char *name = global_name(v);
    for (size_t i = 0; name && i < sizeof storages / sizeof storages[0]; i++)
        if (strcmp(name, storages[i].name) == 0) {
            out->dtype = storages[i].dtype;
            out->unit = (size_t)storages[i].unit;
            out->untyped = strcmp(name, "UntypedStorage") == 0;
            out->type = out->dtype == DTYPE_ODD ? storages[i].name : dtype_name(out->dtype);
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
        !storage_class(t->items[1], out) ||
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

int torch_shape(const struct pval *args, int64_t *out)
{
    return args->count >= 4 ? whole_numbers(args->items[2], out) : -1;
}

/* _rebuild_from_type_v2(function, class, arguments, state) writes tensors with attributes. */
static const struct pval *typed_args(const struct pval *v)
{
    const struct pval *call = v->items[1];
    const char *function = call->count >= 3 ? global_name(call->items[0]) : NULL;
    return function && strncmp(function, "_rebuild_tensor", 15) == 0 &&
           call->items[2]->kind == PK_TUPLE ? call->items[2] : NULL;
}

#define PARAMETERS_DEPTH 4

/* What a Parameter is made of; NULL for other values. */
static const struct pval *torch_in_parameter(const struct pval *v)
{
    bool is = torch_is_call(v, "torch._utils _rebuild_parameter") ||
              torch_is_call(v, "torch._utils _rebuild_parameter_with_state") ||
              torch_is_call(v, "torch.nn.parameter Parameter");
    return is && v->items[1]->count > 0 ? v->items[1]->items[0] : NULL;
}

const struct pval *torch_tensor_args(const struct pval *v)
{
    for (int depth = 0; v && depth < PARAMETERS_DEPTH; depth++) {
        if (torch_is_call(v, "torch._utils _rebuild_tensor_v2") ||
            torch_is_call(v, "torch._utils _rebuild_tensor_v3") ||
            torch_is_call(v, "torch._utils _rebuild_tensor"))
            return v->items[1];
        if (torch_is_call(v, "torch._tensor _rebuild_from_type_v2"))
            return typed_args(v);
        v = torch_in_parameter(v);
    }
    return NULL;
}

const char *torch_odd_tensor(const struct pval *v)
{
    static const char *const kinds[][2] = {
        {"torch._utils _rebuild_qtensor", "a quantized tensor"},
        {"torch._utils _rebuild_sparse_tensor", "a sparse tensor"},
        {"torch._utils _rebuild_sparse_csr_tensor", "a sparse tensor"},
        {"torch._utils _rebuild_nested_tensor", "a nested tensor"},
        {"torch._utils _rebuild_meta_tensor_no_storage", "a tensor without numbers (meta)"},
        {"torch._utils _rebuild_device_tensor_from_numpy", "a tensor of an unusual device"},
        {"torch._utils _rebuild_device_tensor_from_cpu_tensor", "a tensor of an unusual device"},
        {"torch._utils _rebuild_xla_tensor", "a tensor of an unusual device"},
        {"torch._utils _rebuild_wrapper_subclass", "a tensor of a class of its own"},
    };
    for (int depth = 0; v && depth < PARAMETERS_DEPTH; depth++, v = torch_in_parameter(v))
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            if (torch_is_call(v, kinds[i][0]))
                return kinds[i][1];
    return NULL;
}

/* Bytes of any type, which the tensor names beside them: version 3 of the arguments. */
static void take_own_type(const struct pval *args, struct torch_storage_ref *ref,
                          struct storage *s)
{
    static const struct {
        const char *name;
        enum dtype dtype;
    } types[] = {
        {"uint8", DTYPE_U8},    {"uint16", DTYPE_U16},  {"uint32", DTYPE_U32},
        {"uint64", DTYPE_U64},  {"float32", DTYPE_F32}, {"float16", DTYPE_F16},
        {"bfloat16", DTYPE_BF16}, {"float64", DTYPE_F64}, {"int64", DTYPE_I64},
        {"int32", DTYPE_I32},   {"int16", DTYPE_I16},   {"int8", DTYPE_I8}, {"bool", DTYPE_BOOL},
        {"float8_e4m3fn", DTYPE_F8_E4M3}, {"float8_e5m2", DTYPE_F8_E5M2},
    };
    const char *type = args->count >= 7 ? global_name(args->items[6]) : NULL;
    if (!type || !ref->untyped)
        return;
    s->dtype = DTYPE_ODD;
    ref->type = type;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, type) == 0)
            s->dtype = types[i].dtype;
}

struct collect {
    struct tensorfile *f;
    torch_resolve *resolve;
    void *arg;
    struct vs_err *err;
};

static int add_tensor(void *arg, const char *name, size_t len, const struct pval *args)
{
    struct collect *c = arg;
    struct torch_storage_ref ref;
    int64_t shape[TENSOR_MAX_DIMS], stride[TENSOR_MAX_DIMS], offset = 0;
    int shown = len > 200 ? 200 : (int)len;
    const char *odd = torch_odd_tensor(args);
    if (odd)
        return tensorfile_pass_over(c->f, name, len, odd, c->err);
    int ndim = args->count >= 4 ? whole_numbers(args->items[2], shape) : -1;
    if (ndim < 0 || whole_numbers(args->items[3], stride) != ndim ||
        args->items[1]->kind != PK_INT || !torch_storage(args->items[0], &ref) ||
        __builtin_add_overflow(args->items[1]->integer, ref.view_offset, &offset))
        return vs_fail(c->err, VS_E_FORMAT, "%s: tensor '%.*s' is not described as PyTorch does",
                       c->f->map.path, shown, name);
    struct storage s;
    int rc = c->resolve(c->arg, &ref, &s, c->err);
    if (rc != 0)
        return rc;
    take_own_type(args, &ref, &s);
    if (s.dtype == DTYPE_ODD)
        return tensorfile_pass_over(c->f, name, len, ref.type, c->err);
    return tensorfile_add(c->f, name, len, &s, offset, ndim, shape, stride, c->err);
}

/* ---- objects that are no tensors */

static bool is_usual(const char *global)
{
    for (size_t i = 0; i < sizeof usual_modules / sizeof usual_modules[0]; i++) {
        size_t n = strlen(usual_modules[i]);
        if (strncmp(global, usual_modules[i], n) == 0 && global[n] == ' ')
            return true;
    }
    return false;
}

#define OBJECTS_SHOWN 8

static void note_objects(struct tensorfile *f, const struct pickle *p)
{
    struct strmap seen = {0};
    struct buf all = {0};
    int n = 0;
    for (const struct pval *v = pickle_next(p, NULL); v; v = pickle_next(p, v))
        if (v->kind == PK_GLOBAL && !is_usual((const char *)v->bytes) &&
            strmap_add(&seen, (const char *)v->bytes, v->len, n) < 0 && n++ < OBJECTS_SHOWN)
            buf_printf(&all, "%s%s", n > 1 ? ", " : "", (const char *)v->bytes);
    for (char *c = all.data; c && *c; c++) /* "vilbert.utils tbLogger" */
        if (*c == ' ' && c > all.data && c[-1] != ',')
            *c = '.';
    if (n > OBJECTS_SHOWN)
        buf_printf(&all, " and %d more", n - OBJECTS_SHOWN);
    free(f->objects);
    f->objects = n ? buf_steal(&all) : NULL;
    buf_fini(&all);
    strmap_fini(&seen);
}

/* Whether the model is sharded: a tensor of which each process has a part is an object of a class
 * of its own, which is not read; no other tensor of the file has a name of a model's. */
static bool is_sharded(const struct tensorfile *f, const struct pickle *p)
{
    for (int i = 0; i < f->count; i++) {
        char *name = setname_unwrapped(f->list[i].raw_name);
        bool model = setname_before_landmark(name) >= 0;
        free(name);
        if (model)
            return false;
    }
    for (const struct pval *v = pickle_next(p, NULL); v; v = pickle_next(p, v)) {
        const char *name = v->kind == PK_GLOBAL ? (const char *)v->bytes : "";
        bool distributed = strncmp(name, "torch.distributed.", 18) == 0;
        name = distributed ? global_name(v) : NULL;
        if (name && (strcmp(name, "DTensor") == 0 || strcmp(name, "ShardedTensor") == 0))
            return true;
    }
    return false;
}

int torch_collect(void *file, const struct pickle *object, torch_resolve *resolve,
                  void *resolve_arg, struct vs_err *err)
{
    struct tensorfile *f = file;
    struct collect c = {.f = f, .resolve = resolve, .arg = resolve_arg, .err = err};
    const struct pval *root = pickle_root(object);
    struct torch_chosen chosen;
    note_objects(f, object);
    int rc = savedparts_refuse_object(f->map.path, root, err);
    if (rc == 0)
        rc = torch_choose_set(root, f->map.path, f->wanted, &chosen, &f->sets, &f->matched, err);
    if (rc != 0)
        return rc;
    if (!chosen.set && root->kind != PK_DICT)
        return vs_fail(err, VS_E_FORMAT, "%s: holds no dictionary of named tensors (a state dict)"
                       "%s%s%s: save model.state_dict()", f->map.path,
                       f->objects ? ", but an object of " : "", f->objects ? f->objects : "",
                       f->objects ? ", of which nothing is executed" : "");
    if (chosen.named)
        return torch_shadow_each(chosen.set, chosen.named, f->map.path, add_tensor, &c, err);
    rc = chosen.set ? torch_set_each(chosen.set, add_tensor, &c) : 0;
    return rc == 0 && is_sharded(f, object) ? savedparts_fail_sharded(f->map.path, err) : rc;
}

int torch_view(const char *path, const char *name, const struct pval *v, torch_resolve *resolve,
               void *resolve_arg, struct tensor *out, struct vs_err *err)
{
    struct tensorfile one = {.map = {.path = (char *)(uintptr_t)path}};
    struct collect c = {.f = &one, .resolve = resolve, .arg = resolve_arg, .err = err};
    const struct pval *args = torch_tensor_args(v);
    int rc = args ? add_tensor(&c, name, strlen(name), args)
                  : vs_fail(err, VS_E_FORMAT, "%s: '%s' is not a tensor", path, name);
    if (rc == 0 && one.count == 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: '%s' is a tensor of %s, which is not read", path, name,
                     one.odd[0].type);
    if (rc == 0) {
        *out = one.list[0];
        out->name = out->raw_name = "";
    }
    tensorlist_fini(&one);
    return rc;
}
