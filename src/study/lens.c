/* SPDX-License-Identifier: MIT */
/* What the heads say of states between the layers. */
#include "src/study/lens.h"

#include "src/engine/engine_priv.h"
#include "src/base/mem.h"
#include "src/text/score.h"

#include <stdlib.h>
#include <string.h>

void lens_free(struct lens *l)
{
    if (!l)
        return;
    for (int i = 0; l->cells && i < l->depths * l->rows; i++)
        free(l->cells[i].label);
    free(l->cells);
    free(l->names);
    free(l);
}

static char *label_of(const struct model *m, bool text, int i, int n)
{
    const char *s = text ? tokenizer_piece(m->tokenizer, i) : model_target_name(m, i, n);
    return s ? xstrdup(s) : xasprintf("#%d", i);
}

static void read_row(const struct model *m, bool text, const float *logits, int n, float *softmax,
                     struct lens_cell *c)
{
    score_softmax(logits, n, softmax);
    for (int i = 1; i < n; i++)
        if (softmax[i] > softmax[c->best])
            c->best = i;
    c->softmax = softmax[c->best];
    c->label = label_of(m, text, c->best, n);
}

/* Appends the depth whose states (rows of the lens, width) are. */
static int read_depth(struct model *m, struct net *net, bool text, const float *states,
                      struct lens *l, struct vs_err *err)
{
    enum net_head head = text ? HEAD_WORD : HEAD_REGION_CLASS;
    int n = net_head_size(net, head);
    size_t rows = (size_t)l->rows;
    float *out = vs_try_calloc(rows * (size_t)n + 1, sizeof *out);
    float *softmax = vs_try_calloc((size_t)n + 1, sizeof *softmax);
    int rc = out && softmax ? 0 : vs_fail(err, VS_E_LIMIT, "no memory for %d words", n);
    if (rc == 0) {
        pthread_mutex_lock(&m->forward_lock);
        rc = net_read_states(net, head, states, l->rows, out, err);
        pthread_mutex_unlock(&m->forward_lock);
    }
    if (rc == 0) {
        l->cells = xreallocarray(l->cells, (size_t)(l->depths + 1) * rows, sizeof *l->cells);
        struct lens_cell *cells = l->cells + (size_t)l->depths * rows;
        memset(cells, 0, rows * sizeof *cells);
        for (size_t i = 0; i < rows; i++)
            read_row(m, text, out + i * (size_t)n, n, softmax, &cells[i]);
        l->depths++;
    }
    free(out);
    free(softmax);
    return rc;
}

static int read_depths(struct model *m, struct net *net, const struct result *r, bool text,
                       int b, struct lens *l, struct vs_err *err)
{
    int rc = 0, row;
    for (int i = 0; i < r->trace->count && rc == 0; i++) {
        const struct trace_tensor *x = &r->trace->tensors[i];
        if (!trace_is_state(x->at, text))
            continue;
        l->names = xreallocarray(l->names, (size_t)l->depths + 1, sizeof *l->names);
        trace_depth(x->at, true, l->names[l->depths]);
        trace_rows(r->trace, x->at.stream, text, &row);
        rc = read_depth(m, net, text, x->data + ((int64_t)b * x->shape[1] + row) * x->shape[2], l,
                        err);
    }
    if (rc == 0 && l->depths == 0)
        rc = vs_fail(err, VS_E_USAGE, "the result holds no states");
    return rc;
}

int lens_make(struct model *m, const struct result *r, bool text, int b, struct lens **out,
              struct vs_err *err)
{
    struct change *list = NULL;
    struct net *net = NULL, *mixed = NULL;
    struct lens *l = xcalloc(1, sizeof *l);
    int count = 0;
    int rc = r->trace && b >= 0 && b < r->trace->batch
                 ? change_list_parse(r->changes, &list, &count, err)
                 : vs_fail(err, VS_E_USAGE, "the result holds no states");
    if (rc == 0)
        rc = changes_net(m, model_checkpoint_of(m, r), list, count, &net, &mixed, err);
    if (rc == 0) {
        l->rows = text ? r->trace->tokens : r->trace->regions;
        if (net_head_size(net, text ? HEAD_WORD : HEAD_REGION_CLASS) == 0)
            rc = vs_fail(err, VS_E_MISSING, "the checkpoint lacks the masked-%s head",
                         text ? "word" : "region");
    }
    if (rc == 0 && !text && net->target != TARGET_CLASSES)
        rc = vs_fail(err, VS_E_MISSING, "the masked-region head gives %d numbers that are no "
                     "classes: %s", net_head_size(net, HEAD_REGION_CLASS),
                     target_name(net->target));
    if (rc == 0)
        rc = read_depths(m, net, r, text, b, l, err);
    net_free(mixed);
    free(list);
    if (rc == 0)
        *out = l;
    else
        lens_free(l);
    return rc;
}
