/* SPDX-License-Identifier: MIT */
/* Opening a checkpoint of ViLBERT, and a forward pass. */
#include "src/model/vilbert/vilbert.h"

#include "src/model/vilbert/tape.h"

#include <math.h>
#include <stdlib.h>

/* ---- opening */

uint64_t vilbert_number(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

void vilbert_keep(struct vilbert *m, struct prefix_cache *s)
{
    m->core.kept = s;
}

/* The share of "belongs", as people read it: the two logits in one number. */
static int vilbert_add_alignment(struct trace *t, struct vs_err *err)
{
    const struct trace_tensor *match = trace_output(t, OUT_MATCH);
    int64_t n = t->batch;
    if (!match)
        return 0;
    float *out = trace_add(t, (struct trace_at){.kind = TRACE_OUTPUT, .site = OUT_ALIGNMENT}, 1,
                           &n);
    if (!out)
        return vs_fail(err, VS_E_LIMIT, "no memory for %s", output_table[OUT_ALIGNMENT].name);
    const float *x = trace_output(t, OUT_MATCH)->data;
    for (int i = 0; i < t->batch; i++)
        out[i] = (float)(1 / (1 + exp((double)x[2 * i + 1] - (double)x[2 * i])));
    return 0;
}

static int vilbert_once(struct core *core, const struct net_input *in,
                        const struct net_want *want, bool keep, struct trace **out,
                        struct vs_err *err)
{
    double start = vs_now_ms();
    struct vilbert *m = (struct vilbert *)core;
    struct pass p = {.m = m, .keep = keep && core->kept && !core->recording,
                     .tape = (struct vilbert_tape *)core->recording};
    core_begin(core, in, want, &p.run, err);
    int rc = pass_start(&p);
    if (rc == 0 && p.tape)
        rc = vilbert_tape_begin(&p);
    if (rc == 0)
        rc = encoder_run(&p);
    if (rc == 0 && p.tape)
        rc = vilbert_tape_end(&p);
    rc = pass_finish(&p, rc);
    if (rc == 0)
        rc = vilbert_add_alignment(p.run.trace, err);
    p.run.trace->ms = vs_now_ms() - start;
    if (rc == 0)
        *out = p.run.trace;
    else
        trace_free(p.run.trace);
    return rc;
}

int vilbert_open(const struct config *c, const struct tensorfile *f, struct kern *k,
                 struct vilbert **out, struct vs_err *err)
{
    struct vilbert *m = xcalloc(1, sizeof *m);
    m->core.net = (struct net){.family = &vilbert_family, .sizes = config_sizes(c)};
    m->core.k = k;
    m->core.types = c->text.type_vocab;
    m->core.once = vilbert_once;
    m->c = *c;
    m->prefix_of[0] = vilbert_number();
    m->prefix_of[1] = vilbert_number();
    int rc = weights_bind(&m->w, &m->core.bound, c, f, c->task_tokens, &m->core.task_rows, err);
    if (rc == 0) {
        core_start(&m->core, f);
        m->pretrained = vilbert_is_pretrained(m->core.bound.heads);
        m->core.net.target = target_of(m->w.rows.region_out.n, c->v_feature, c->visual_target);
        *out = m;
    } else {
        if (c->one_stream)
            rc = vs_fail(err, rc, "%s: this is the two-stream ViLBERT, which does not fit the "
                         "configuration" CONFIG_ONE_STREAM, tensorfile_path(f));
        free(m);
    }
    return rc;
}

bool vilbert_is_pretrained(unsigned heads)
{
    return !(heads & (HEAD_VQA | HEAD_GQA | HEAD_ALIGN | HEAD_BINARY | HEAD_TRI | HEAD_GROUND |
                      HEAD_WORD_LOGIT));
}

void vilbert_free(struct vilbert *m)
{
    if (!m)
        return;
    core_fini(&m->core);
    weights_fini(&m->w);
    free(m);
}

int vilbert_pack(struct vilbert *m)
{
    return packer_wait(m->core.packer);
}

struct net *vilbert_net(struct vilbert *m)
{
    return &m->core.net;
}

int vilbert_forward(struct vilbert *m, const struct net_input *in, const struct net_want *want,
                    struct trace **out, struct vs_err *err)
{
    return core_forward(&m->core, in, want, out, err);
}
