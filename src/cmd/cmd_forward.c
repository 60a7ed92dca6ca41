/* SPDX-License-Identifier: MIT */
/* vilscope forward: plumbing for comparing implementations. Runs the model on prepared inputs and
 * writes every tensor. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_prepared.h"
#include "src/model/trace.h"

#include <stdio.h>
#include <stdlib.h>

#define OPTIONS struct options
struct options {
    struct words checkpoints;
    struct model_options model;
    const char *inputs, *output;
};

static const struct option_row option_rows[] = {
    ROWS_PREPARED(model, checkpoints, inputs),
    TEXT("output", 'o', "FILE", output, VALUES_WRITTEN,
         "safetensors with out.*, hid.* and attn.*"),
    ROW_THREADS(model.threads),
    ROW_DEVICE(model.device),
    END,
};

/* Heads that a file of its kind has and this one lacks. */
static void note_lacking(const struct prepared_run *x, const char *path)
{
    struct net_about about;
    struct buf names = {0};
    x->net->family->about(x->weights, &about);
    for (int i = 0; i < about.expected_count; i++) {
        const struct output_names *o = &output_table[about.expected[i]];
        if (!(o->head & x->net->heads))
            buf_printf(&names, "%s%s", names.len ? ", " : "", o->name);
    }
    if (names.len)
        plain_text(stderr, "vilscope forward: note: %s lacks heads, so these outputs are left "
                   "out: %s\n", path, names.data);
    buf_fini(&names);
}

static int run_model(const struct prepared_run *x, const struct options *o, struct vs_err *err)
{
    struct net *m = x->net;
    struct trace *t = NULL;
    struct net_want want = {.heads = m->heads, .attention = true, .hidden = true,
                            .keep_padding = true};
    note_lacking(x, o->model.checkpoints[0]);
    int rc = net_forward(m, &x->in, &want, &t, err);
    if (rc == 0)
        rc = trace_write(t, false, o->output, err);
    trace_free(t);
    return rc;
}

static int run(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    struct prepared_run x = {0};
    (void)args;
    (void)count;
    if ((!o->model.config && !o->model.dir) || o->checkpoints.count != 1 || !o->inputs ||
        !o->output)
        return command_usage("forward", "--config (or -m), one -c, --inputs and --output are "
                             "needed");
    int rc = prepared_open("forward", &o->checkpoints, &o->model, o->inputs, &x, &err);
    if (rc == 0)
        rc = run_model(&x, o, &err);
    prepared_close(&x);
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
