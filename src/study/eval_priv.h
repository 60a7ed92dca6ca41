/* SPDX-License-Identifier: MIT */
/* What the readers of data sets share. */
#ifndef VS_EVAL_PRIV_H
#define VS_EVAL_PRIV_H

#include "src/study/eval.h"
#include "src/formats/regionlmdb.h"
#include "src/base/strmap.h"

#include <jansson.h>

/* A new item of the set, all zero but number, which is -1. */
struct eval_item *eval_add(struct eval_set *s);
/* Calls take for every line that is not empty; a line that is no JSON object is an error. */
typedef int eval_line(void *arg, int line, const json_t *v);
int eval_lines(const struct bytes *map, eval_line *take, void *arg, struct vs_err *err);

/* What a result is worth, 0 to 1, and whether the item says what is right. */
double eval_worth(const struct eval_item *it, const struct result *r);
bool eval_has_truth(const struct eval_item *it);
void eval_item_fini(struct eval_item *it);
/* Whether the item's box and candidates can be boxes of a picture of that size. */
int eval_check_boxes(const struct eval_item *it, int width, int height, struct vs_err *err);
/* Intersection over union; last pixels count. */
double eval_overlap(const float *a, const float *b);
/* Whether a box stands for the one that is meant: they overlap by more than 0.5, as the reference
 * has it. */
bool eval_box_is_right(const float *box, const float *meant);
void eval_attention_add(struct eval_attention *a, const struct eval_item *it,
                        const struct result *r);

/* ---- eval_album.c: the photos of a set's items, kept while there is room */
struct eval_album {
    const struct eval_set *set;
    struct strmap names;
    struct photo **photos; /* NULL when it was dropped */
    int count, oldest;
    size_t bytes;
    struct image *pixels; /* the one whose pixels are kept; pictures are decoded in forked children,
                             which cost the more the more memory there is */
};
/* The photo of a path, or of a key in the set's LMDBs; it stays until eval_album_trim. pixels: they
 * are needed though the regions are known. */
int eval_album_get(struct eval_album *a, struct model *m, const char *path, bool pixels,
                   struct photo **out, struct vs_err *err);
/* Between items, when no photo is in use. */
void eval_album_trim(struct eval_album *a);
void eval_album_fini(struct eval_album *a);

/* ---- eval_sums.c: what comes of a task's items */
struct eval_sum {
    double score, at5, at10, blind, ms;
    int count, answered, named, found, foreign;
    struct strmap labels; /* of the most common answer */
    double *worths;
    char **names;         /* (label_count) as they are compared; `labels` borrows them */
    int label_count;
};
void eval_sum_add(struct eval_sum *s, const struct eval_item *it, const struct result *r);
void eval_sum_finish(const struct eval_sum *s, const struct task *task, struct eval_score *out);

/* ---- eval_pool.c: retrieval, every caption with every image of the set's pool. An item's result
 * has its tokens and, in raw, the logits of all images. */
int eval_pool_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
                  struct eval_album *album, struct eval_progress *progress, struct vs_err *err);

/* The annotations of the reference's data sets. *known: whether the file is one of them; then the
 * items are added to s. */
int eval_reference(const struct eval_source *o, const struct bytes *map, struct eval_set *s,
                   bool *known, struct vs_err *err);

#endif
