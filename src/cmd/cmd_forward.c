/* SPDX-License-Identifier: MIT */
/* vilscope forward: plumbing for comparing implementations. Runs the model on prepared inputs and
 * writes every tensor. */
#include "src/cmd/vilscope.h"

#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/model/trace.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"

#include <stdio.h>
#include <stdlib.h>

#define OPTIONS struct options
struct options {
    struct words checkpoints;
    struct model_options model;
    const char *inputs, *output;
};

static const struct option_row option_rows[] = {
    TEXT("config", 0, "FILE", model.config, VALUES_FILES,
         "the model's configuration (JSON); that of -m DIR without it"),
    TEXT("model", 'm', "DIR", model.dir, VALUES_FOLDERS, "model directory (vilscope-model(5))"),
    ROW_CHECKPOINTS(checkpoints),
    TEXT("inputs", 0, "FILE", inputs, VALUES_FILES,
         "safetensors with in.input_ids (B, T), in.features (B, V, F), in.spatials (B, V, 5), "
         "in.task_ids (B, 1); and perhaps in.token_type_ids, in.attention_mask (B, T), "
         "in.image_mask (B, V)"),
    TEXT("output", 'o', "FILE", output, VALUES_FILES,
         "safetensors with out.*, hid.* and attn.*"),
    ROW_THREADS(model.threads),
    ROW_DEVICE(model.device),
    END,
};

/* ---- inputs */

struct inputs {
    struct net_input in;
    int32_t *ids, *types, *text_mask, *image_mask, *task;
    float *features, *spatials;
};

static const struct tensor *find(const struct tensorfile *f, const char *name, int ndim,
                                 struct vs_err *err)
{
    const struct tensor *t = tensorfile_find(f, name);
    if (!t)
        vs_fail(err, VS_E_MISSING, "%s: no tensor %s", tensorfile_path(f), name);
    else if (t->ndim != ndim || tensor_elements(t) > 100000000)
        vs_fail(err, VS_E_FORMAT, "%s: %s has %d dimensions instead of %d, or is too large",
                tensorfile_path(f), name, t->ndim, ndim);
    else
        return t;
    return NULL;
}

static bool same_shape(const struct tensor *t, int64_t a, int64_t b, int64_t c)
{
    return t->shape[0] == a && t->shape[1] == b && (t->ndim < 3 || t->shape[2] == c);
}

static int read_whole(const struct tensorfile *f, const char *name, int rows, int columns,
                      bool optional, int32_t **out, struct vs_err *err)
{
    const struct tensor *t = tensorfile_find(f, name) || !optional ? find(f, name, 2, err) : NULL;
    if (!t)
        return optional && !tensorfile_find(f, name) ? 0 : err->code;
    if (!same_shape(t, rows, columns, 0))
        return vs_fail(err, VS_E_FORMAT, "%s: %s is not (%d, %d)", tensorfile_path(f), name, rows,
                       columns);
    size_t n = (size_t)tensor_elements(t);
    int64_t *wide = xcalloc(n + 1, sizeof *wide);
    *out = xcalloc(n + 1, sizeof **out);
    tensor_to_i64(t, wide);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = wide[i] < INT32_MIN || wide[i] > INT32_MAX ? -1 : (int32_t)wide[i];
    free(wide);
    return 0;
}

static int read_floats(const struct tensorfile *f, const char *name, int rows, int regions,
                       int columns, float **out, struct vs_err *err)
{
    const struct tensor *t = find(f, name, 3, err);
    if (!t)
        return err->code;
    if (!same_shape(t, rows, regions, columns))
        return vs_fail(err, VS_E_FORMAT, "%s: %s is not (%d, %d, %d)", tensorfile_path(f), name,
                       rows, regions, columns);
    *out = xcalloc((size_t)tensor_elements(t) + 1, sizeof **out);
    tensor_to_f32(t, *out);
    return 0;
}

static int read_inputs(const struct tensorfile *f, const struct net *m, struct inputs *x,
                       struct vs_err *err)
{
    const struct tensor *ids = find(f, "in.input_ids", 2, err);
    const struct tensor *features = ids ? find(f, "in.features", 3, err) : NULL;
    if (!features)
        return err->code;
    int b = (int)ids->shape[0], t = (int)ids->shape[1], v = (int)features->shape[1];
    int rc = read_whole(f, "in.input_ids", b, t, false, &x->ids, err);
    if (rc == 0)
        rc = read_whole(f, "in.token_type_ids", b, t, true, &x->types, err);
    if (rc == 0)
        rc = read_whole(f, "in.attention_mask", b, t, true, &x->text_mask, err);
    if (rc == 0)
        rc = read_whole(f, "in.image_mask", b, v, true, &x->image_mask, err);
    if (rc == 0 && m->task_tokens)
        rc = read_whole(f, "in.task_ids", b, 1, false, &x->task, err);
    if (rc == 0)
        rc = read_floats(f, "in.features", b, v, m->sizes.features, &x->features, err);
    if (rc == 0)
        rc = read_floats(f, "in.spatials", b, v, 5, &x->spatials, err);
    x->in = (struct net_input){b, t, v, x->ids, x->types, x->text_mask, x->features,
                               x->spatials, x->image_mask, x->task};
    return rc;
}

static void inputs_fini(struct inputs *x)
{
    free(x->ids);
    free(x->types);
    free(x->text_mask);
    free(x->image_mask);
    free(x->task);
    free(x->features);
    free(x->spatials);
}

/* ---- running */

static int run_model(struct net *m, const struct options *o, struct vs_err *err)
{
    struct tensorfile *f = NULL;
    struct inputs x = {0};
    struct trace *t = NULL;
    struct net_want want = {.heads = m->heads, .attention = true, .hidden = true,
                            .keep_padding = true};
    int rc = tensorfile_open(o->inputs, &f, err);
    if (rc == 0)
        rc = tensorfile_check(f, read_inputs(f, m, &x, err), err);
    if (rc == 0 && want.heads != family_heads(m->family))
        plain_text(stderr, "vilscope forward: %s lacks some heads: their outputs are left out\n",
                   o->model.checkpoints[0]);
    if (rc == 0)
        rc = net_forward(m, &x.in, &want, &t, err);
    if (rc == 0)
        rc = trace_write(t, false, o->output, err);
    trace_free(t);
    inputs_fini(&x);
    tensorfile_close(f);
    return rc;
}

static int open_and_run(const struct options *o, struct vs_err *err)
{
    struct net_config c = {0};
    struct tensorfile *f = NULL;
    struct kern *k = NULL;
    struct net *m = NULL;
    char why[256];
    int rc = family_default()->read_config(o->model.config, &c, err);
    if (c.task_tokens < 0)
        c.task_tokens = 0; /* the reference's default; queries look at the checkpoint instead */
    if (rc == 0)
        rc = tensorfile_open(o->model.checkpoints[0], &f, err);
    if (rc == 0 && kern_open(o->model.device, o->model.threads, &k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    if (rc == 0)
        rc = net_open(&c, o->model.config, f, k, &m, err);
    if (rc == 0)
        rc = run_model(m, o, err);
    net_free(m);
    net_config_fini(&c);
    kern_close(k);
    tensorfile_close(f);
    return rc;
}

static int run(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    (void)args;
    (void)count;
    if ((!o->model.config && !o->model.dir) || o->checkpoints.count != 1 || !o->inputs ||
        !o->output)
        return command_usage("forward", "--config (or -m), one -c, --inputs and --output are "
                             "needed");
    struct chosen *chosen = NULL;
    int rc = command_choose("forward", &o->checkpoints, &o->model, &chosen, &err);
    if (rc == 0 && !o->model.config && !(o->model.config = chosen->parts.config))
        rc = vs_fail(&err, VS_E_USAGE, "%s: its model.json names no configuration", o->model.dir);
    if (rc == 0)
        rc = open_and_run(o, &err);
    command_chosen_free(chosen);
    return rc == 0 ? EXIT_OK : command_fail("forward", &err);
}

const struct command command_forward = {
    .name = "forward", .args = "--config FILE -c FILE --inputs FILE --output FILE",
    .summary = "Run the model on prepared inputs (plumbing).",
    .about =
        "Plumbing, for comparing with other implementations: runs the model on prepared inputs,\n"
        "with padding computed too, and writes all outputs, hidden states and attention maps.\n",
    .after = "As in the reference, a task token is put in only when the configuration says\n"
             "\"task_specific_tokens\": true; in.task_ids is needed then.\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run,
};
