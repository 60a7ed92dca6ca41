/* SPDX-License-Identifier: MIT */
/* Interventions: on the inputs, on attention, on weights. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- tokens */

/* The place of a result's token among the model's inputs. */
static int find_token(const struct net *n, const struct result *r, int token, int *at,
                      struct vs_err *err)
{
    if (token >= r->token_count)
        return vs_fail(err, VS_E_USAGE, "there is no token %d: the query has %d", token + 1,
                       r->token_count);
    *at = net_input_token(n, token);
    return *at >= 0 ? 0 : vs_fail(err, VS_E_USAGE, "token %d is the task token: it stays",
                                   token + 1);
}

static int mask_token(const struct model *m, const struct net *n, struct inputs *in,
                      struct result *r, int token, struct vs_err *err)
{
    int at = 0, rc = find_token(n, r, token, &at, err);
    int32_t id = tokenizer_id(m->tokenizer, "[MASK]");
    if (rc == 0 && id < 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: the vocabulary has no [MASK]", m->parts.vocab);
    if (rc != 0)
        return rc;
    for (int b = 0; b < in->in.batch; b++)
        in->ids[b * in->in.tokens + at] = id;
    free(r->tokens[token].piece);
    r->tokens[token].piece = xstrdup("[MASK]");
    r->tokens[token].id = id;
    return 0;
}

static void need_text_mask(struct inputs *in)
{
    size_t n = (size_t)in->in.batch * (size_t)in->in.tokens;
    if (in->text_mask)
        return;
    in->text_mask = xmalloc(n * sizeof *in->text_mask);
    for (size_t i = 0; i < n; i++)
        in->text_mask[i] = 1;
    in->in.text_mask = in->text_mask;
}

static int drop_token(const struct net *n, struct inputs *in, const struct result *r, int token,
                      struct vs_err *err)
{
    int at = 0, rc = find_token(n, r, token, &at, err);
    if (rc != 0)
        return rc;
    need_text_mask(in);
    for (int b = 0; b < in->in.batch; b++)
        in->text_mask[b * in->in.tokens + at] = 0;
    return 0;
}

/* ---- regions */

static int drop_region(struct inputs *in, int image, int region, struct vs_err *err)
{
    for (int i = 0; i < in->in.batch * in->in.regions; i++)
        if (in->sources[i].image == image && in->sources[i].region == region) {
            in->image_mask[i] = 0;
            in->sources[i].image = -1;
            return 0;
        }
    return vs_fail(err, VS_E_USAGE, "image %d has no region %d, or it was dropped already",
                   image + 1, region);
}

/* ---- attention */

static int silence(const struct net *n, struct inputs *in, const struct change *c,
                   struct vs_err *err)
{
    int layers = net_map_layers(&n->sizes, c->map), heads = net_map_heads(&n->sizes, c->map);
    if (layers == 0)
        return vs_fail(err, VS_E_USAGE, "%s has no %s attention", n->family->name,
                       attn_table[c->map].name);
    if (c->layer >= layers || c->head >= heads)
        return vs_fail(err, VS_E_USAGE, "these maps have %d layers of %d heads", layers, heads);
    in->silences = xreallocarray(in->silences, (size_t)in->silence_count + 1,
                                 sizeof *in->silences);
    in->silences[in->silence_count++] =
        (struct net_silence){.map = c->map, .layer = c->layer, .head = c->head, .b = -1,
                             .how = c->how};
    return 0;
}

int changes_apply(struct model *m, const struct query *q, struct inputs *in, struct result *r,
                  struct vs_err *err)
{
    const struct net *n = m->checkpoints[q->checkpoint].net;
    int rc = 0;
    for (int i = 0; i < q->change_count && rc == 0; i++) {
        const struct change *c = &q->changes[i];
        switch (c->kind) {
        case CHANGE_MASK_TOKEN: rc = mask_token(m, n, in, r, c->token, err); break;
        case CHANGE_DROP_TOKEN: rc = drop_token(n, in, r, c->token, err); break;
        case CHANGE_DROP_REGION: rc = drop_region(in, c->image, c->region, err); break;
        case CHANGE_SILENCE: rc = silence(n, in, c, err); break;
        case CHANGE_SWAP: break; /* changes_net's */
        }
    }
    return rc;
}

/* ---- weights */

static int find_checkpoint(const struct model *m, const char *name, struct vs_err *err)
{
    for (int i = 0; i < model_checkpoint_count(m); i++)
        if (strcmp(m->parts.checkpoints[i].name, name) == 0)
            return i;
    return vs_fail(err, VS_E_USAGE, "there is no checkpoint '%s' to take weights from", name);
}

int changes_net(struct model *m, int checkpoint, const struct change *list, int count,
                struct net **net, struct net **mixed, struct vs_err *err)
{
    struct net_patch *patches = xcalloc((size_t)count + 1, sizeof *patches);
    int n = 0, rc = 0;
    *net = m->checkpoints[checkpoint].net;
    *mixed = NULL;
    for (int i = 0; i < count && rc == 0; i++) {
        if (list[i].kind != CHANGE_SWAP)
            continue;
        int from = find_checkpoint(m, list[i].from, err);
        if (from < 0)
            rc = from;
        else
            patches[n++] = (struct net_patch){list[i].part, list[i].layer, list[i].head,
                                            m->checkpoints[from].net};
    }
    if (rc == 0 && n > 0)
        rc = net_mix(*net, patches, n, mixed, err);
    if (*mixed)
        *net = *mixed;
    free(patches);
    return rc;
}
