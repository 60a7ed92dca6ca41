/* SPDX-License-Identifier: MIT */
/* A pass from the outside. */
#include "src/model/transformer/core.h"

#include "src/model/transformer/tape.h"

#include <stdlib.h>

/* ---- files */

static void core_use_file(struct core *m, const struct tensorfile *f)
{
    for (int i = 0; i < m->file_count; i++)
        if (m->files[i] == f)
            return;
    m->files = xreallocarray(m->files, (size_t)m->file_count + 1, sizeof *m->files);
    m->files[m->file_count++] = f;
}

int core_check_files(const struct core *m, int rc, struct vs_err *err)
{
    for (int i = 0; i < m->file_count; i++)
        rc = tensorfile_check(m->files[i], rc, err);
    return rc;
}

int core_ready(struct core *m, unsigned heads, struct vs_err *err)
{
    int rc = bound_ready(&m->bound, m->k, heads, err);
    return rc ? core_check_files(m, rc, err) : 0;
}

void core_start(struct core *m, const struct tensorfile *f)
{
    m->net.heads = m->bound.heads;
    m->net.task_tokens = m->task_rows > 0;
    m->set = kern_set_new(m->k, m->bound.bytes);
    m->packer = packer_new(m->k, &m->bound);
    core_use_file(m, f);
}

void core_start_mix(struct core *x, const struct core *m, const struct net_patch *list, int count)
{
    *x = (struct core){.net = m->net, .k = m->k, .kept = m->kept, .types = m->types,
                       .task_rows = m->task_rows, .once = m->once};
    x->bound = (struct bound){.path = m->bound.path, .bytes = m->bound.bytes,
                              .heads = m->bound.heads};
    x->set = kern_set_new(x->k, x->bound.bytes);
    for (int i = 0; i < m->file_count; i++)
        core_use_file(x, m->files[i]);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < core_of(list[i].from)->file_count; j++)
            core_use_file(x, core_of(list[i].from)->files[j]);
}

size_t core_holds(const struct net *n)
{
    const struct core *m = (const struct core *)n;
    size_t bytes = m->bound.own_bytes + forward_memory_bytes(&m->memory);
    for (int i = 0; i < m->spare_count; i++)
        bytes += m->spare[i].n * sizeof(float);
    return bytes;
}

void core_drop_spare(struct net *n)
{
    tape_drop_spare(core_of(n));
}

void core_fini(struct core *m)
{
    tape_drop_spare(m);
    packer_free(m->packer);
    kern_set_free(m->k, m->set);
    bound_fini(&m->bound);
    forward_memory_fini(&m->memory, m->k);
    free(m->files);
}

/* ---- checking what comes in: ids choose rows of tables */

static int core_check_ids(const struct core *m, const struct net_input *in, struct vs_err *err)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)in->batch * in->tokens; i++) {
        if (in->ids[i] < 0 || in->ids[i] >= m->net.sizes.words)
            return vs_fail(err, VS_E_FORMAT, "token id %d is not below the vocabulary size %d",
                           in->ids[i], m->net.sizes.words);
        if (in->types && (in->types[i] < 0 || in->types[i] >= m->types))
            return vs_fail(err, VS_E_FORMAT, "token type %d is not below %d", in->types[i],
                           m->types);
    }
    for (int b = 0; m->task_rows && b < in->batch; b++)
        if (!in->task || in->task[b] < 0 || in->task[b] >= m->task_rows)
            return vs_fail(err, VS_E_FORMAT, "task id %d: the checkpoint has task tokens 0 to %d",
                           in->task ? in->task[b] : -1, m->task_rows - 1);
    return 0;
}

/* Layers of a part, in a stream that has it; of embeddings one. */
static int core_layers_of(const struct net_sizes *s, enum net_part part, enum net_stream stream)
{
    bool own = false;
    for (int i = 0; i < ATTN_COUNT; i++)
        own |= attn_table[i].part == part && attn_table[i].from == stream;
    if (s->width[stream] == 0)
        return 0;
    return part == PART_EMBEDDINGS ? 1 : own ? s->part[part].layers : 0;
}

static int core_check_replaced(const struct core *m, const struct net_input *in,
                               const struct net_want *want, struct vs_err *err)
{
    for (int i = 0; i < want->replaced_count; i++) {
        const struct net_replaced *x = &want->replaced[i];
        int tokens = net_token_row(&m->net, in->tokens);
        int rows = (int)stream_rows(x->stream, (size_t)tokens, (size_t)in->regions);
        if (x->layer < 0 || x->layer >= core_layers_of(&m->net.sizes, x->part, x->stream) ||
            (x->part == PART_EMBEDDINGS && x->site != SITE_STATE))
            return vs_fail(err, VS_E_USAGE, "%s has no %s layer %d with states of the %s",
                           m->net.family->name, part_table[x->part].word, x->layer + 1,
                           stream_table[x->stream].what);
        if (x->b < 0 || x->b >= in->batch || x->row < 0 || x->row >= rows)
            return vs_fail(err, VS_E_USAGE, "there is no row %d of image %d to put a state into",
                           x->row, x->b + 1);
        if (!kern_is_finite(x->with, (size_t)m->net.sizes.width[x->stream]))
            return vs_fail(err, VS_E_FORMAT, "a state that replaces another is NaN or infinite");
    }
    return 0;
}

static int core_check_input(const struct core *m, const struct net_input *in,
                            const struct net_want *want, struct vs_err *err)
{
    if (in->batch < 1 || in->tokens < 1 || in->regions < 1)
        return vs_fail(err, VS_E_FORMAT, "an input of %d images, %d tokens, %d regions is empty",
                       in->batch, in->tokens, in->regions);
    if (in->tokens > m->net.sizes.positions)
        return vs_fail(err, VS_E_LIMIT, "%d tokens are more than the model's %d positions",
                       in->tokens, m->net.sizes.positions);
    if ((int64_t)in->batch * in->regions > 2000000 || (int64_t)in->batch * in->tokens > 2000000)
        return vs_fail(err, VS_E_LIMIT, "%d images at once are too many", in->batch);
    if (want->heads & HEAD_ALL & ~m->bound.heads)
        return vs_fail(err, VS_E_MISSING, "the checkpoint lacks the tensors of a head that this "
                       "task reads (vilscope inspect lists what it has)");
    size_t rows = (size_t)in->batch * (size_t)in->regions;
    if (!kern_is_finite(in->features, rows * (size_t)m->net.sizes.features) ||
        !kern_is_finite(in->spatials, rows * 5))
        return vs_fail(err, VS_E_FORMAT, "features or boxes of the regions are NaN or infinite");
    int rc = core_check_replaced(m, in, want, err);
    return rc ? rc : core_check_ids(m, in, err);
}

/* ---- running */

void core_begin(struct core *m, const struct net_input *in, const struct net_want *want,
                struct forward *out, struct vs_err *err)
{
    struct trace *t = xcalloc(1, sizeof *t);
    t->batch = in->batch;
    t->tokens = net_token_row(&m->net, in->tokens);
    t->regions = in->regions;
    *out = (struct forward){.k = m->k, .ops = kern_table(m->k), .in = in, .want = want, .trace = t,
                        .memory = tape_memory(m), .err = err};
}

/* Which layer made the first number that is none: NaN and infinity stay what they are in all that
 * follows, so it is looked for only when an output holds some, by a pass that keeps all states. */
static int core_diverged(struct core *m, const struct net_input *in, const struct net_want *want,
                         struct trace_at bad, struct vs_err *err)
{
    struct net_want all = *want;
    struct trace *t = NULL;
    char name[TRACE_NAME], where[80];
    all.hidden = all.attention = true;
    int rc = m->once(m, in, &all, false, &t, err);
    const struct trace_tensor *first = t ? trace_not_finite(t) : NULL;
    struct trace_at at = first ? first->at : bad;
    trace_free(t);
    if (rc == VS_E_CANCELLED)
        return rc;
    trace_describe(at, where, sizeof where);
    return vs_fail(err, VS_E_DIVERGED, "%s: %s (%s) makes NaN or infinity of this input, though "
                   "all weights are finite: they are too large; no answer", m->bound.path, where,
                   trace_name(at, name));
}

/* Those whose weights are finite, the trunk's being so. */
static unsigned core_sound_heads(struct core *m, unsigned heads)
{
    for (unsigned head = 1; head & HEAD_ALL; head <<= 1)
        if (heads & head && bound_ready(&m->bound, m->k, head, NULL) != 0)
            heads &= ~head;
    return heads;
}

int core_forward(struct core *m, const struct net_input *in, const struct net_want *want,
                 struct trace **out, struct vs_err *err)
{
    struct net_want all = *want;
    int rc = core_check_input(m, in, want, err);
    if (rc == 0)
        rc = core_ready(m, want->heads, err);
    if (rc != 0)
        return rc;
    all.heads |= core_sound_heads(m, want->others & m->bound.heads);
    rc = m->once(m, in, &all, true, out, err);
    /* Memory that ended may be what states were kept in. */
    if (rc == VS_E_LIMIT && prefix_drop(m->kept))
        rc = m->once(m, in, &all, false, out, err);
    bool made = rc == 0;
    if (made)
        packer_passed(m->packer);
    rc = core_check_files(m, rc, err);
    const struct trace_tensor *bad = rc == 0 ? trace_not_finite(*out) : NULL;
    if (bad)
        rc = core_diverged(m, in, &all, bad->at, err);
    if (made && rc != 0) {
        trace_free(*out);
        *out = NULL;
    }
    return rc;
}
