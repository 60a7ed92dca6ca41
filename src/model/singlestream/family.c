/* SPDX-License-Identifier: MIT */
/* The single-stream baseline as a family of models: its tables, and its functions on a net. */
#include "src/model/singlestream/singlestream.h"

#include <stdio.h>
#include <stdlib.h>

#define SINGLE_COUNT(list) (int)(sizeof(list) / sizeof(list)[0])

static const enum attn_kind single_maps[] = {ATTN_JOINT};
static const enum net_part single_parts[] = {PART_EMBEDDINGS, PART_JOINT, PART_HEADS};
static const enum net_output single_outputs[] = {
    OUT_VQA, OUT_JOINT_GQA, OUT_ALIGN, OUT_JOINT_MATCH, OUT_REGION_CLASS, OUT_GROUND, OUT_WORD,
    OUT_WORD_LOGIT, OUT_POOLED, OUT_SEQUENCE_T, OUT_SEQUENCE_V};
/* What the reference's class has; of the first and the last, which are one classifier's, a file has
 * one or none. */
static const enum net_output single_expected[] = {
    OUT_VQA, OUT_ALIGN, OUT_JOINT_MATCH, OUT_REGION_CLASS, OUT_GROUND, OUT_WORD, OUT_WORD_LOGIT,
    OUT_JOINT_GQA};

/* A net of this family begins a baseline. */
static struct single *single_of(const struct net *n)
{
    return (struct single *)(uintptr_t)n;
}

int single_open(const struct single_config *c, const struct tensorfile *f, struct kern *k,
                struct single **out, struct vs_err *err)
{
    struct single *m = xcalloc(1, sizeof *m);
    m->core.net = (struct net){.family = &singlestream_family, .sizes = single_config_sizes(c)};
    m->core.k = k;
    m->core.types = c->text.type_vocab;
    m->core.once = single_once;
    m->c = *c;
    int rc = single_bind(m, f, err);
    if (rc == 0) {
        core_start(&m->core, f);
        *out = m;
    } else {
        free(m);
    }
    return rc;
}

void single_free(struct single *m)
{
    if (!m)
        return;
    core_fini(&m->core);
    single_weights_fini(&m->w);
    free(m);
}

/* ---- what a file is */

static bool single_owns(const struct tensorfile *f)
{
    return tensorfile_find(f, "bert.image_embeddings.image_embeddings.weight") ||
           tensorfile_find(f, "bert.pooler.dense.weight");
}

static void single_about(const struct tensorfile *f, struct net_about *out)
{
    int answers = bound_rows(f, "vil_prediction.main.3.bias");
    bool vqa = answers && single_answers(answers) == HEAD_VQA, gqa = answers && !vqa;
    *out = (struct net_about){
        .kind = "single-stream baseline (BaseBertForVLTasks)",
        .stage = answers ? "tasks" : "not said: it has no answer classifier",
        .heads = single_heads(f),
        .expected = single_expected + !vqa,
        .expected_count = SINGLE_COUNT(single_expected) - !vqa - !gqa,
        .answers = answers,
        .region_numbers = bound_rows(f, "cls.imagePredictions.decoder.weight"),
        .features = bound_columns(f, "bert.image_embeddings.image_embeddings.weight"),
    };
}

static void single_lacks(const struct net *n, enum net_head head, char *out, size_t size)
{
    const struct single *m = single_of(n);
    int answers = m->w.answers_out.n;
    if (head == HEAD_BINARY || head == HEAD_TRI)
        snprintf(out, size, "the single-stream baseline has no such head%s",
                 head == HEAD_BINARY ? " (of two images it sees one after the other)" : "");
    else if ((head == HEAD_VQA || head == HEAD_GQA) && answers && head != m->answers)
        snprintf(out, size, "this baseline has one classifier, of %d answers, which are those of "
                 "%s", answers, m->answers == HEAD_GQA ? "GQA" : "VQA and Genome QA");
    else
        snprintf(out, size, "the file lacks tensors of the head behind %s, or has them in "
                 "another shape",
                 output_table[output_of(head)].name);
}

/* ---- its functions on a net */

static int single_family_config(const char *path, struct net_config *out, struct vs_err *err)
{
    struct single_config *c = xcalloc(1, sizeof *c);
    int rc = single_config_read(path, c, err);
    *out = (struct net_config){.family = &singlestream_family, .own = c};
    if (rc == 0)
        out->sizes = single_config_sizes(c);
    else
        net_config_fini(out);
    return rc;
}

static int single_family_open(const struct net_config *c, const struct tensorfile *f,
                              struct kern *k, struct net **out, struct vs_err *err)
{
    struct single *m = NULL;
    int rc = single_open(c->own, f, k, &m, err);
    if (rc == 0)
        *out = &m->core.net;
    return rc;
}

static void single_family_free(struct net *n)
{
    single_free(single_of(n));
}

/* Text and regions meet in the first layer: there is nothing that passes could share. */
static void single_family_keep(struct net *n, struct prefix_cache *s)
{
    (void)n;
    (void)s;
}

static int single_family_batch(const struct net *n, int tokens, int regions, int most)
{
    return single_batch(single_of(n), tokens, regions, most);
}

static int single_family_forward(struct net *n, const struct net_input *in,
                                 const struct net_want *want, struct trace **out,
                                 struct vs_err *err)
{
    return core_forward(core_of(n), in, want, out, err);
}

static int single_family_record(struct net *n, const struct net_input *in,
                                const struct net_want *want, struct tape **out,
                                struct trace **trace, struct vs_err *err)
{
    return single_record(single_of(n), in, want, out, trace, err);
}

static bool single_family_mixes(const struct net *a, const struct net *b)
{
    return bert_sizes_same(&single_of(a)->c.text, &single_of(b)->c.text);
}

static int single_family_mix(struct net *n, const struct net_patch *list, int count,
                             struct net **out, struct vs_err *err)
{
    struct single *m = NULL;
    int rc = single_mix(single_of(n), list, count, &m, err);
    if (rc == 0)
        *out = &m->core.net;
    return rc;
}

static int single_family_head_size(const struct net *n, enum net_head head)
{
    return single_head_size(single_of(n), head);
}

static int single_family_read_states(struct net *n, enum net_head head, const float *x, int rows,
                                     float *out, struct vs_err *err)
{
    return single_read_states(single_of(n), head, x, rows, out, err);
}

const struct family singlestream_family = {
    .name = "the single-stream baseline",
    .maps = single_maps,
    .map_count = SINGLE_COUNT(single_maps),
    .parts = single_parts,
    .part_count = SINGLE_COUNT(single_parts),
    .outputs = single_outputs,
    .output_count = SINGLE_COUNT(single_outputs),
    .owns = single_owns,
    .about = single_about,
    .lacks = single_lacks,
    .read_config = single_family_config,
    .open = single_family_open,
    .free = single_family_free,
    .keep = single_family_keep,
    .batch = single_family_batch,
    .forward = single_family_forward,
    .record = single_family_record,
    .backward = single_backward,
    .tape_free = single_tape_free,
    .mixes = single_family_mixes,
    .mix = single_family_mix,
    .holds = core_holds,
    .drop_spare = core_drop_spare,
    .head_size = single_family_head_size,
    .read_states = single_family_read_states,
};
