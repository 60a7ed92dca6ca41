/* SPDX-License-Identifier: MIT */
/* ViLBERT as a family of models: its tables, and its functions on a net. */
#include "src/base/mem.h"
#include "src/model/vilbert/tape.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(list) (int)(sizeof(list) / sizeof(list)[0])

static const enum attn_kind maps[] = {ATTN_TEXT_TO_IMAGE, ATTN_IMAGE_TO_TEXT, ATTN_TEXT,
                                      ATTN_VISUAL};
static const enum net_part parts[] = {PART_EMBEDDINGS, PART_TEXT, PART_VISUAL, PART_CO,
                                      PART_HEADS};
static const enum net_output outputs[] = {
    OUT_VQA, OUT_GQA, OUT_ALIGN, OUT_BINARY, OUT_TRI, OUT_REGION_CLASS, OUT_GROUND, OUT_WORD,
    OUT_WORD_LOGIT, OUT_POOLED_T, OUT_POOLED_V, OUT_SEQUENCE_T, OUT_SEQUENCE_V,
    OUT_MATCH, OUT_ALIGNMENT, OUT_PRE_WORD, OUT_PRE_REGION_CLASS};

/* What is a net is ViLBERT's here: it is the first member. */
static struct vilbert *own(const struct net *n)
{
    return (struct vilbert *)(uintptr_t)n;
}

static bool family_owns(const struct tensorfile *f)
{
    return tensorfile_find(f, "bert.v_embeddings.image_embeddings.weight") != NULL;
}

/* What the reference's classes have, in the order of their outputs. */
static const enum net_output of_tasks[] = {
    OUT_VQA, OUT_GQA, OUT_ALIGN, OUT_BINARY, OUT_TRI, OUT_REGION_CLASS, OUT_GROUND, OUT_WORD,
    OUT_WORD_LOGIT};
static const enum net_output of_pretraining[] = {OUT_PRE_WORD, OUT_PRE_REGION_CLASS, OUT_MATCH};

static void family_about(const struct tensorfile *f, struct net_about *out)
{
    unsigned heads = weights_heads(f);
    bool pretrained = vilbert_is_pretrained(heads);
    *out = (struct net_about){
        .kind = pretrained ? "two-stream ViLBERT, pre-trained (BertForMultiModalPreTraining)"
                           : "two-stream ViLBERT, multi-task (VILBertForVLTasks)",
        .stage = pretrained           ? "pre-training: masked words, masked regions, alignment"
                 : heads & HEAD_MATCH ? "tasks, from a pre-trained model (whose heads cls.* it has)"
                                      : "tasks",
        .heads = heads,
        .expected = pretrained ? of_pretraining : of_tasks,
        .expected_count = pretrained ? COUNT(of_pretraining) : COUNT(of_tasks),
        .region_numbers = bound_rows(f, "cls.imagePredictions.decoder.weight"),
        .features = bound_columns(f, "bert.v_embeddings.image_embeddings.weight"),
    };
}

static void family_lacks(const struct net *n, enum net_head head, char *out, size_t size)
{
    if (vilbert_is_pretrained(n->heads))
        snprintf(out, size, "it is the pre-trained two-stream model, which has no head of a task%s",
                 n->heads & HEAD_MATCH ? " but alignment" : "");
    else
        snprintf(out, size, "the file lacks tensors of the head behind %s, or has them in "
                 "another shape",
                 output_table[output_of(head)].name);
}

static int family_read_config(const char *path, struct net_config *out, struct vs_err *err)
{
    struct config *c = xcalloc(1, sizeof *c);
    int rc = config_read(path, c, err);
    *out = (struct net_config){.family = &vilbert_family, .own = c};
    if (rc != 0) {
        net_config_fini(out);
        return rc;
    }
    out->sizes = config_sizes(c);
    out->task_tokens = c->task_tokens;
    return 0;
}

static int family_open(const struct net_config *c, const struct tensorfile *f, struct kern *k,
                       struct net **out, struct vs_err *err)
{
    struct config own_config = *(const struct config *)c->own;
    struct vilbert *m = NULL;
    own_config.task_tokens = c->task_tokens;
    int rc = vilbert_open(&own_config, f, k, &m, err);
    if (rc == 0)
        *out = vilbert_net(m);
    return rc;
}

static void family_free(struct net *n)
{
    vilbert_free(own(n));
}

static void family_keep(struct net *n, struct prefix_cache *s)
{
    vilbert_keep(own(n), s);
}

static int family_batch(const struct net *n, int tokens, int regions, int most)
{
    return vilbert_batch(own(n), tokens, regions, most);
}

static int family_forward(struct net *n, const struct net_input *in, const struct net_want *want,
                          struct trace **out, struct vs_err *err)
{
    return vilbert_forward(own(n), in, want, out, err);
}

static int family_record(struct net *n, const struct net_input *in, const struct net_want *want,
                         struct tape **out, struct trace **trace, struct vs_err *err)
{
    return vilbert_record(own(n), in, want, out, trace, err);
}

static bool family_mixes(const struct net *a, const struct net *b)
{
    return config_computes_alike(&own(a)->c, &own(b)->c);
}

static int family_mix(struct net *n, const struct net_patch *list, int count, struct net **out,
                      struct vs_err *err)
{
    struct vilbert *m = NULL;
    int rc = vilbert_mix(own(n), list, count, &m, err);
    if (rc == 0)
        *out = vilbert_net(m);
    return rc;
}

static int family_head_size(const struct net *n, enum net_head head)
{
    return vilbert_head_size(own(n), head);
}

static int family_read_states(struct net *n, enum net_head head, const float *x, int rows,
                              float *out, struct vs_err *err)
{
    return vilbert_read_states(own(n), head, x, rows, out, err);
}

const struct family vilbert_family = {
    .name = "ViLBERT",
    .maps = maps,
    .map_count = COUNT(maps),
    .parts = parts,
    .part_count = COUNT(parts),
    .outputs = outputs,
    .output_count = COUNT(outputs),
    .task_place = VILBERT_TASK_PLACE,
    .owns = family_owns,
    .about = family_about,
    .lacks = family_lacks,
    .read_config = family_read_config,
    .open = family_open,
    .free = family_free,
    .keep = family_keep,
    .batch = family_batch,
    .forward = family_forward,
    .record = family_record,
    .backward = vilbert_backward,
    .tape_free = vilbert_tape_free,
    .mixes = family_mixes,
    .mix = family_mix,
    .holds = core_holds,
    .drop_spare = core_drop_spare,
    .head_size = family_head_size,
    .read_states = family_read_states,
};
