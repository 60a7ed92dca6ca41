/* SPDX-License-Identifier: MIT */
/* Reading prepared inputs, and opening the model that they are for. */
#include "src/cmd/cmd_prepared.h"

#include "src/base/mem.h"
#include "src/formats/tensorfile.h"

#include <stdlib.h>

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

static int read_inputs(struct prepared_run *x, struct vs_err *err)
{
    const struct tensorfile *f = x->inputs;
    const struct net *m = x->net;
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
                               x->spatials, x->image_mask, x->task, NULL};
    return rc;
}

static int open_model(const char *command, struct prepared_run *x, const struct model_options *o,
                      struct vs_err *err)
{
    char why[KERN_WHY];
    int rc = tensorfile_open(o->checkpoints[0], &x->weights, err);
    if (rc == 0)
        rc = net_read_config(o->config, x->weights, &x->config, err);
    if (x->config.task_tokens < 0)
        x->config.task_tokens = 0; /* the reference's default; queries look at the checkpoint */
    if (rc == 0 && kern_open_for(o->device, o->threads, tensorfile_widened(x->weights) + NET_ROOM,
                                 &x->k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    if (rc == 0)
        command_device(command, x->k);
    return rc ? rc : net_open(&x->config, o->config, x->weights, x->k, &x->net, err);
}

int prepared_open(const char *command, const struct words *checkpoints, struct model_options *model,
                  const char *inputs, struct prepared_run *out, struct vs_err *err)
{
    *out = (struct prepared_run){0};
    int rc = command_choose(command, checkpoints, model, &out->chosen, err);
    if (rc == 0 && !model->config && !(model->config = out->chosen->configs[0]))
        rc = vs_fail(err, VS_E_USAGE, "%s: its model.json names no configuration", model->dir);
    if (rc == 0)
        rc = open_model(command, out, model, err);
    if (rc == 0)
        rc = tensorfile_open(inputs, &out->inputs, err);
    return rc ? rc : tensorfile_check(out->inputs, read_inputs(out, err), err);
}

void prepared_close(struct prepared_run *p)
{
    net_free(p->net);
    net_config_fini(&p->config);
    kern_close(p->k);
    tensorfile_close(p->weights);
    tensorfile_close(p->inputs);
    command_chosen_free(p->chosen);
    free(p->ids);
    free(p->types);
    free(p->text_mask);
    free(p->image_mask);
    free(p->task);
    free(p->features);
    free(p->spatials);
}
