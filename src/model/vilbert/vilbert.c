/* SPDX-License-Identifier: MIT */
/* Opening a checkpoint of ViLBERT, and a forward pass: what comes in is checked, the encoder runs,
 * and what comes out is looked at. */
#include "src/model/vilbert/vilbert.h"

#include "src/base/mem.h"
#include "src/model/vilbert/layers.h"

#include <stdlib.h>

/* ---- opening */

uint64_t vilbert_number(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

void vilbert_keep(struct vilbert *m, struct kept *s)
{
    m->kept = s;
}

void vilbert_use_file(struct vilbert *m, const struct tensorfile *f)
{
    for (int i = 0; i < m->file_count; i++)
        if (m->files[i] == f)
            return;
    m->files = xreallocarray(m->files, (size_t)m->file_count + 1, sizeof *m->files);
    m->files[m->file_count++] = f;
}

int vilbert_check_files(const struct vilbert *m, int rc, struct vs_err *err)
{
    for (int i = 0; i < m->file_count; i++)
        rc = tensorfile_check(m->files[i], rc, err);
    return rc;
}

int vilbert_open(const struct config *c, const struct tensorfile *f, struct kern *k,
                 struct vilbert **out, struct vs_err *err)
{
    struct vilbert *m = xcalloc(1, sizeof *m);
    m->net = (struct net){.family = &vilbert_family, .sizes = config_sizes(c)};
    m->c = *c;
    m->k = k;
    m->early_of[0] = vilbert_number();
    m->early_of[1] = vilbert_number();
    int rc = weights_bind(&m->w, c, f, c->task_tokens, err);
    if (rc == 0) {
        m->net.task_tokens = m->w.task_rows > 0;
        m->net.heads = m->w.heads;
        m->set = kern_set_new(k, m->w.bytes);
        vilbert_use_file(m, f);
        *out = m;
    } else {
        free(m);
    }
    return rc;
}

void vilbert_free(struct vilbert *m)
{
    if (!m)
        return;
    kern_set_free(m->k, m->set);
    weights_fini(&m->w);
    pass_memory_fini(m);
    free(m->files);
    free(m);
}

struct net *vilbert_net(struct vilbert *m)
{
    return &m->net;
}

/* ---- checking what comes in: ids choose rows of tables */

static int forward_check_ids(const struct vilbert *m, const struct net_input *in,
                             struct vs_err *err)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)in->batch * in->tokens; i++) {
        if (in->ids[i] < 0 || in->ids[i] >= m->c.vocab_size)
            return vs_fail(err, VS_E_FORMAT, "token id %d is not below the vocabulary size %d",
                           in->ids[i], m->c.vocab_size);
        if (in->types && (in->types[i] < 0 || in->types[i] >= m->c.type_vocab))
            return vs_fail(err, VS_E_FORMAT, "token type %d is not below %d", in->types[i],
                           m->c.type_vocab);
    }
    for (int b = 0; m->w.task_rows && b < in->batch; b++)
        if (!in->task || in->task[b] < 0 || in->task[b] >= m->w.task_rows)
            return vs_fail(err, VS_E_FORMAT, "task id %d: the checkpoint has task tokens 0 to %d",
                           in->task ? in->task[b] : -1, m->w.task_rows - 1);
    return 0;
}

static int forward_check(const struct vilbert *m, const struct net_input *in,
                         const struct net_want *want, struct vs_err *err)
{
    if (in->batch < 1 || in->tokens < 1 || in->regions < 1)
        return vs_fail(err, VS_E_FORMAT, "an input of %d images, %d tokens, %d regions is empty",
                       in->batch, in->tokens, in->regions);
    if (in->tokens > m->c.max_positions)
        return vs_fail(err, VS_E_LIMIT, "%d tokens are more than the model's %d positions",
                       in->tokens, m->c.max_positions);
    if ((int64_t)in->batch * in->regions > 2000000 || (int64_t)in->batch * in->tokens > 2000000)
        return vs_fail(err, VS_E_LIMIT, "%d images at once are too many", in->batch);
    if (want->heads & HEAD_ALL & ~m->w.heads)
        return vs_fail(err, VS_E_MISSING, "the checkpoint lacks the tensors of a head that this "
                       "task reads (vilscope inspect lists what it has)");
    size_t rows = (size_t)in->batch * (size_t)in->regions;
    if (!kern_is_finite(in->features, rows * (size_t)m->c.v_feature) ||
        !kern_is_finite(in->spatials, rows * 5))
        return vs_fail(err, VS_E_FORMAT, "features or boxes of the regions are NaN or infinite");
    return forward_check_ids(m, in, err);
}

static int forward_once(struct vilbert *m, const struct net_input *in,
                        const struct net_want *want, bool keep, struct trace **out,
                        struct vs_err *err)
{
    double start = vs_now_ms();
    struct trace *t = xcalloc(1, sizeof *t);
    struct pass p = {.m = m, .in = in, .want = want, .ops = kern_table(m->k), .trace = t,
                     .keep = keep && m->kept, .err = err};
    t->batch = in->batch;
    t->tokens = net_token_row(&m->net, in->tokens);
    t->regions = in->regions;
    int rc = pass_start(&p);
    if (rc == 0)
        rc = encoder_run(&p);
    rc = pass_finish(&p, rc);
    t->ms = vs_now_ms() - start;
    if (rc == 0)
        *out = t;
    else
        trace_free(t);
    return rc;
}

/* Which layer made the first number that is none: NaN and infinity stay what they are in all that
 * follows, so it is looked for only when an output holds some, by a pass that keeps all states. */
static int forward_diverged(struct vilbert *m, const struct net_input *in,
                            const struct net_want *want, struct trace_at bad, struct vs_err *err)
{
    struct net_want all = *want;
    struct trace *t = NULL;
    char name[TRACE_NAME], where[80];
    all.hidden = all.attention = true;
    int rc = forward_once(m, in, &all, false, &t, err);
    const struct trace_tensor *first = t ? trace_not_finite(t) : NULL;
    struct trace_at at = first ? first->at : bad;
    trace_free(t);
    if (rc == VS_E_CANCELLED)
        return rc;
    trace_describe(at, where, sizeof where);
    return vs_fail(err, VS_E_DIVERGED, "%s: %s (%s) makes NaN or infinity of this input, though "
                   "all weights are finite: they are too large; no answer", m->w.path, where,
                   trace_name(at, name));
}

/* Those whose weights are finite, the trunk's being so. */
static unsigned forward_sound_heads(struct vilbert *m, unsigned heads)
{
    for (unsigned head = 1; head & HEAD_ALL; head <<= 1)
        if (heads & head && weights_ready(&m->w, m->k, head, NULL) != 0)
            heads &= ~head;
    return heads;
}

int vilbert_forward(struct vilbert *m, const struct net_input *in,
                    const struct net_want *want, struct trace **out, struct vs_err *err)
{
    struct net_want all = *want;
    int rc = forward_check(m, in, want, err);
    if (rc != 0)
        return rc;
    rc = weights_ready(&m->w, m->k, want->heads, err);
    if (rc != 0)
        return vilbert_check_files(m, rc, err);
    all.heads |= forward_sound_heads(m, want->others & m->w.heads);
    rc = forward_once(m, in, &all, true, out, err);
    /* Memory that ended may be what states were kept in. */
    if (rc == VS_E_LIMIT && kept_drop(m->kept))
        rc = forward_once(m, in, &all, false, out, err);
    bool made = rc == 0;
    rc = vilbert_check_files(m, rc, err);
    const struct trace_tensor *bad = rc == 0 ? trace_not_finite(*out) : NULL;
    if (bad)
        rc = forward_diverged(m, in, &all, bad->at, err);
    if (made && rc != 0) {
        trace_free(*out);
        *out = NULL;
    }
    return rc;
}
