/* SPDX-License-Identifier: MIT */
/* The reference's single-stream baseline: tokens and regions in one stream through the layers of a
 * BERT, its heads, and what of it can be replaced.
 *
 * Source: vilbert/basebert.py of the reference, BaseBertForVLTasks. */
#ifndef VS_SINGLESTREAM_H
#define VS_SINGLESTREAM_H

#include "src/model/singlestream/config.h"
#include "src/model/transformer/heads.h"

struct single_weights {
    struct bert_embeddings text;
    struct norm_w region_embed_norm;
    struct linear_w features, places;
    const void *region_types; /* (2, hidden): row 1 is added to every region */
    struct layer_w *layers;
    struct linear_w pool;
    struct linear_w answers_in, answers_out; /* weight-normed */
    struct linear_w align, match;
    struct row_heads rows;
};

struct single {
    struct core core; /* first: it is one */
    struct single_config c;
    struct single_weights w;
    enum net_head answers; /* whose answers those of its one classifier are */
};

/* ---- weights.c */
/* The head whose answers so many are: VQA's, unless there are as many as GQA has. */
enum net_head single_answers(int count);
/* Tensors of the trunk that are missing or misshapen are all named in one message; a head that
 * lacks some is left out. */
int single_bind(struct single *m, const struct tensorfile *f, struct vs_err *err);
/* The heads whose tensors f has, all of them and in the shapes that go with its own trunk. */
unsigned single_heads(const struct tensorfile *f);
void single_weights_fini(struct single_weights *w);

/* ---- pass.c: core.once */
int single_once(struct core *core, const struct net_input *in, const struct net_want *want,
                bool keep, struct trace **out, struct vs_err *err);
/* ---- back.c: the way back */
int single_record(struct single *m, const struct net_input *in, const struct net_want *want,
                  struct tape **out, struct trace **trace, struct vs_err *err);
void single_tape_free(struct tape *t);
int single_backward(struct tape *t, const struct net_target *target,
                    const struct net_back_want *want, struct trace **out, struct vs_err *err);
/* family.batch */
int single_batch(const struct single *m, int tokens, int regions, int most);

/* ---- heads.c */
struct single_pass;
/* Whether a head reads all rows of the last states, and not only the first. */
bool single_reads_rows(unsigned heads);
/* Runs the heads that are wanted. */
int single_heads_run(struct single_pass *p);
int single_head_size(const struct single *m, enum net_head head);
int single_read_states(struct single *m, enum net_head head, const float *x, int rows, float *out,
                       struct vs_err *err);

/* ---- mix.c: family.mix */
int single_mix(struct single *m, const struct net_patch *list, int count, struct single **out,
               struct vs_err *err);

/* ---- family.c */
/* f and k are borrowed and must live as long as the model. */
int single_open(const struct single_config *c, const struct tensorfile *f, struct kern *k,
                struct single **out, struct vs_err *err);
void single_free(struct single *m);

#endif
