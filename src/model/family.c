/* SPDX-License-Identifier: MIT */
/* Which families there are, and what each does in its own way. */
#include "src/model/family.h"

#include "src/formats/savedparts.h"

#include <stdlib.h>
#include <string.h>

static const struct family *const families[] = {&vilbert_family, &singlestream_family};

const struct family *family_default(void)
{
    return families[0];
}

const struct family *family_of(const struct tensorfile *f)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (families[i]->owns(f))
            return families[i];
    return family_default();
}

/* Models whose names are those of no family here, though they look alike.
 * Source: volta/encoders.py of VOLTA (BertGatedSelfAttention, BertGatedFeedForward). */
bool family_is_volta(const struct tensorfile *f)
{
    static const char words[] = "bert.encoder.layer.0.attention_self.query.weight";
    static const char regions[] = "bert.encoder.layer.0.attention_self.v_query.weight";
    return tensorfile_find(f, words) || tensorfile_find(f, regions);
}

int family_check_known(const struct tensorfile *f, struct vs_err *err)
{
    if (!family_is_volta(f))
        return 0;
    return vs_fail(err, VS_E_FORMAT, "%s: this is a checkpoint of VOLTA, which is not supported: "
                   "attention and feed-forward are layers of their own in one list for both "
                   "streams (attention_self.v_query, ...), gated by its configuration, and its "
                   "heads are named by tasks (clfs_dict.TASK1)", tensorfile_path(f));
}

unsigned family_heads(const struct family *f)
{
    unsigned heads = 0;
    for (int i = 0; i < f->output_count; i++)
        heads |= output_table[f->outputs[i]].head;
    return heads;
}

enum net_output net_output_of(const struct net *n, unsigned head)
{
    for (int i = 0; i < n->family->output_count; i++)
        if (output_table[n->family->outputs[i]].head == (enum net_head)head)
            return n->family->outputs[i];
    return output_of(head);
}

int net_read_config(const char *config, const struct tensorfile *f, struct net_config *out,
                    struct vs_err *err)
{
    int rc = f ? family_check_known(f, err) : 0;
    return rc ? rc : (f ? family_of(f) : family_default())->read_config(config, out, err);
}

static int net_open_any(const struct net_config *c, const char *config, const struct tensorfile *f,
                        struct kern *k, struct net **out, struct vs_err *err)
{
    const struct family *family = family_of(f);
    struct net_config other = {0};
    if (family == c->family)
        return family->open(c, f, k, out, err);
    int rc = family->read_config(config, &other, err);
    if (rc == 0)
        rc = family->open(&other, f, k, out, err);
    net_config_fini(&other);
    return rc;
}

int net_open(const struct net_config *c, const char *config, const struct tensorfile *f,
             struct kern *k, struct net **out, struct vs_err *err)
{
    int rc = family_check_known(f, err);
    if (rc == 0)
        rc = net_open_any(c, config, f, k, out, err);
    if ((rc == VS_E_FORMAT || rc == VS_E_MISSING) && savedparts_is_shard(tensorfile_path(f)))
        vs_fail_prefix(err, "this is one shard of several; open their index instead");
    return rc;
}

int net_forward(struct net *n, const struct net_input *in, const struct net_want *want,
                struct trace **out, struct vs_err *err)
{
    return n->family->forward(n, in, want, out, err);
}

int net_record(struct net *n, const struct net_input *in, const struct net_want *want,
               struct tape **out, struct trace **trace, struct vs_err *err)
{
    if (!n->family->record)
        return vs_fail(err, VS_E_MISSING, "%s has no gradients here",
                       n->family->name);
    if (want->silence_count > 0)
        return vs_fail(err, VS_E_USAGE, "a pass with ablated heads has no gradients here");
    return n->family->record(n, in, want, out, trace, err);
}

int net_backward(struct tape *t, const struct net_target *target, const struct net_back_want *want,
                 struct trace **out, struct vs_err *err)
{
    return t->net->family->backward(t, target, want, out, err);
}

void tape_free(struct tape *t)
{
    if (t)
        t->net->family->tape_free(t);
}

int net_mix(struct net *n, const struct net_patch *list, int count, struct net **out,
            struct vs_err *err)
{
    for (int i = 0; i < count; i++) {
        const struct net *from = list[i].from;
        if (from->family != n->family)
            return vs_fail(err, VS_E_FORMAT, "parts of %s cannot replace parts of %s",
                           from->family->name, n->family->name);
        if (memcmp(&from->sizes, &n->sizes, sizeof n->sizes) != 0)
            return vs_fail(err, VS_E_FORMAT, "parts of a model of another size (width, layers, "
                           "heads, words or features) cannot replace parts of this one");
        if (!n->family->mixes(n, from))
            return vs_fail(err, VS_E_FORMAT, "parts of a model of another configuration (inner "
                           "widths, activations, token types or how its layers follow each other) "
                           "cannot replace parts of this one");
    }
    return n->family->mix(n, list, count, out, err);
}

size_t net_holds(const struct net *n)
{
    return n->family->holds ? n->family->holds(n) : 0;
}

void net_drop_spare(struct net *n)
{
    if (n->family->drop_spare)
        n->family->drop_spare(n);
}

int net_batch(const struct net *n, int tokens, int regions, int most)
{
    return n->family->batch(n, tokens, regions, most);
}

int net_head_size(const struct net *n, enum net_head head)
{
    return n->family->head_size(n, head);
}

int net_read_states(struct net *n, enum net_head head, const float *x, int rows, float *out,
                    struct vs_err *err)
{
    return n->family->read_states(n, head, x, rows, out, err);
}

void net_keep(struct net *n, struct prefix_cache *s)
{
    n->family->keep(n, s);
}

void net_config_fini(struct net_config *c)
{
    free(c->own);
    *c = (struct net_config){0};
}

void net_free(struct net *n)
{
    if (n)
        n->family->free(n);
}
