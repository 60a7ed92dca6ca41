/* SPDX-License-Identifier: MIT */
/* vilscope relevance: plumbing for comparing implementations. Runs the model on prepared inputs,
 * goes back from targets, and writes gradients, relevancy and what else is made of them. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/cmd/cmd_prepared.h"
#include "src/cmd/cmd_relevance.h"
#include "src/formats/tensorfile.h"
#include "src/study/gradients.h"
#include "src/study/removal.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    struct words checkpoints;
    struct model_options model;
    const char *inputs, *targets, *dump, *curves;
};

static const struct option_row option_rows[] = {
    ROWS_PREPARED(model, checkpoints, inputs),
    TEXT("targets", 0, "FILE", targets, VALUES_FILES,
         "JSON: {\"targets\": [{\"name\", \"output\", \"b\", \"terms\": [{\"index\", "
         "\"weight\"}]}, ...]}, and \"ig_steps\" (16; 0 for none)"),
    TEXT("dump", 0, "FILE", dump, VALUES_WRITTEN,
         "safetensors with grad.*, head.*, Rhat.*, R.*, read.*, mask.*, gxi.*, ig.* of each "
         "target, behind its name"),
    TEXT("curves", 0, "FILE", curves, VALUES_WRITTEN,
         "JSON with deletion and insertion curves of regions and tokens"),
    ROW_THREADS(model.threads),
    ROW_DEVICE(model.device),
    END,
};

/* Whether an image of the target begins with padding, which is read all the same. */
static bool begins_with_padding(const struct net_input *in, const struct net_target *t)
{
    int first, n = net_target_images(t, in->batch, &first);
    bool any = false;
    for (int b = first; b < first + n && b < in->batch; b++)
        any |= !removal_is_real(in->text_mask, in->tokens, b, 0) ||
               !removal_is_real(in->image_mask, in->regions, b, 0);
    return any;
}

static int relevance_target(struct prepared_run *x, const struct named_target *t, int ig_steps,
                            struct tape *tape, const struct trace *pass, struct dump *dump,
                            struct curves *curves, struct vs_err *err)
{
    struct net_back_want want = {.attention = true, .hidden = true, .inputs = true};
    struct trace *grad = NULL, *whole = NULL;
    int rc = net_backward(tape, &t->target, &want, &grad, err);
    want = (struct net_back_want){.attention = true, .padding = true};
    if (rc == 0 && begins_with_padding(&x->in, &t->target))
        rc = net_backward(tape, &t->target, &want, &whole, err);
    struct subject s = {x->net, &x->in, t, pass, grad, whole ? whole : grad, ig_steps};
    if (rc == 0)
        rc = dump_target(dump, &s, err);
    if (rc == 0 && curves)
        rc = curves_target(curves, &s, err);
    trace_free(grad);
    trace_free(whole);
    return rc;
}

static int relevance_backward(struct prepared_run *x, const struct target_file *f,
                              const struct options *o, struct tape *tape, const struct trace *pass,
                              struct vs_err *err)
{
    struct dump *dump = dump_new();
    struct curves *curves = curves_new();
    int rc = 0;
    for (int i = 0; i < f->count && rc == 0; i++)
        rc = relevance_target(x, &f->list[i], f->ig_steps, tape, pass, dump,
                              o->curves ? curves : NULL, err);
    if (rc == 0 && o->dump)
        rc = dump_write(dump, o->dump, err);
    if (rc == 0 && o->curves)
        rc = curves_write(curves, o->curves, err);
    dump_free(dump);
    curves_free(curves);
    return rc;
}

/* An output whose name is several heads' is that of the one that the model has. */
static void relevance_name_outputs(const struct net *n, struct target_file *f)
{
    for (int i = 0; i < f->count; i++) {
        enum net_output *of = &f->list[i].target.output;
        for (int j = 0; j < n->family->output_count; j++) {
            enum net_output other = n->family->outputs[j];
            if (!(n->heads & (unsigned)output_table[*of].head) &&
                (n->heads & (unsigned)output_table[other].head) &&
                strcmp(output_table[other].name, output_table[*of].name) == 0)
                *of = other;
        }
    }
}

static int relevance_run(struct prepared_run *x, const struct target_file *f,
                         const struct options *o, struct vs_err *err)
{
    struct net_want want = {.attention = true};
    struct tape *tape = NULL;
    struct trace *pass = NULL;
    for (int i = 0; i < f->count; i++)
        want.heads |= output_table[f->list[i].target.output].head;
    int rc = net_record(x->net, &x->in, &want, &tape, &pass, err);
    if (rc == 0)
        rc = relevance_backward(x, f, o, tape, pass, err);
    tape_free(tape);
    trace_free(pass);
    return rc;
}

static int run(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    struct prepared_run x = {0};
    struct target_file targets = {0};
    (void)args;
    (void)count;
    if ((!o->model.config && !o->model.dir) || o->checkpoints.count != 1 || !o->inputs ||
        !o->targets || (!o->dump && !o->curves))
        return command_usage("relevance", "--config (or -m), one -c, --inputs, --targets, and "
                             "--dump or --curves are needed");
    int rc = targets_read(o->targets, &targets, &err);
    if (rc != 0) {
        targets_fini(&targets);
        return command_fail("relevance", &err);
    }
    rc = prepared_open("relevance", &o->checkpoints, &o->model, o->inputs, &x, &err);
    if (rc == 0) {
        relevance_name_outputs(x.net, &targets);
        rc = relevance_run(&x, &targets, o, &err);
    }
    prepared_close(&x);
    targets_fini(&targets);
    return rc == 0 ? EXIT_OK : command_fail("relevance", &err);
}

const struct command command_relevance = {
    .name = "relevance",
    .args = "--config FILE -c FILE --inputs FILE --targets FILE --dump FILE",
    .summary = "Gradients and relevancy of targets on prepared inputs (plumbing).",
    .about =
        "Plumbing, for comparing with other implementations: one forward pass on prepared inputs,\n"
        "as of vilscope forward, one pass back for each target, and what is made of gradients.\n",
    .after = "The rules of relevancy and all other formulas: vilscope-explain(7).\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run,
};
