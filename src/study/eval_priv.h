/* SPDX-License-Identifier: MIT */
/* What the readers of data sets share. */
#ifndef VS_EVAL_PRIV_H
#define VS_EVAL_PRIV_H

#include "src/study/eval.h"
#include "src/formats/regionlmdb.h"
#include "src/formats/regionstore.h"
#include "src/base/strmap.h"

#include <jansson.h>

/* A new item of the set, all zero but number, which is -1. */
struct eval_item *eval_add(struct eval_set *s);
/* Says whether it has a score, and what it is called, of an item that is read. */
void eval_name_item(struct eval_item *it);
/* Calls take for every line that is not empty. A line that is no JSON object, or of which take says
 * VS_E_FORMAT, is a flaw of the set: items that take added leave it, and why are the error's words.
 * Other failures end it. */
typedef int eval_line(void *arg, int line, const json_t *v);
int eval_lines(struct eval_set *s, const struct bytes *map, eval_line *take, void *arg,
               struct vs_err *err);
/* The same of anything with a name: rc, or 0 when it became a flaw; before: items of the set until
 * then. */
int eval_go_on(struct eval_set *s, int before, const char *item, int rc, struct vs_err *err);

/* ---- eval_store.c: items in files, as memory is not to grow with them */
/* Room for one item more. */
void eval_store_room(struct eval_set *s);
/* Stores all items that are not yet: from now on they are read only, but for their numbers. */
void eval_store_items(struct eval_set *s);
/* Memory lets go of what is stored; it is read again when it is looked at. */
void eval_store_rest(const struct eval_set *s);
/* The same every some thousand items, where all of them are looked at in turn. */
void eval_store_passed(const struct eval_set *s, int item);
void eval_store_free(struct eval_set *s);

/* What a result is worth, 0 to 1, where the item says what is right. */
double eval_worth(const struct eval_item *it, const struct result *r);
/* What came of an item of a set that is not the reference's. */
void eval_mark_of(const struct eval_item *it, const struct result *r, struct eval_mark *out);
bool eval_has_truth(const struct eval_item *it);
void eval_item_fini(struct eval_item *it);
/* Whether the item's box and candidates can be boxes of a picture of that size. */
int eval_check_boxes(const struct eval_item *it, int width, int height, struct vs_err *err);
/* Intersection over union; last pixels count. */
double eval_overlap(const float *a, const float *b);
/* Whether a box stands for the one that is meant: they overlap by more than 0.5, as the reference
 * has it. */
bool eval_box_is_right(const float *box, const float *meant);
/* Which of the boxes (count, 4) is that one, the nearest of those at most two pixels away, as
 * extraction may have rounded them; -1: none. */
int eval_box_among(const float *box, const float *boxes, int count);
/* The number of the item's candidate that the i'th ranked box is; -1: none. */
int eval_choice(const struct eval_item *it, const struct result *r, int i);
/* The column among regions that words, special tokens aside, attend to most, column 0 of the whole
 * image aside; head -1: the mean of heads. map: room for a whole map, sum: for its columns. */
int eval_looked_at(const struct result *r, enum attn_kind kind, int layer, int head, float *map,
                   float *sum);
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

/* ---- eval_foils.c: a result whose raw are the logits of all texts, text by text, with all images;
 * how: the item's query */
int eval_foils_run(struct model *m, const struct eval_item *it, const struct query *how,
                   const atomic_bool *cancel, struct result **out, struct vs_err *err);
void eval_foils_mark(const struct eval_item *it, const struct result *r, struct eval_mark *out);

/* ---- eval_sums.c: what comes of a task's items */
struct eval_sum {
    double score, at5, at10, blind, ms;
    int truths; /* items that say what is right, also those of other shards */
    int count, timed, answered, named, found, foreign, unlisted, foils, pairs, text, image;
    struct strmap labels; /* of the most common answer */
    double *worths;
    char **names;         /* (label_count) as they are compared; `labels` borrows them */
    int label_count;
};
/* Adds an item of which it is known what is right; r is NULL where it was computed before. */
void eval_sum_add(struct eval_sum *s, const struct eval_item *it, const struct eval_mark *mark,
                  const struct result *r);
/* What is right of an item of another shard: the most common answer is one of the whole set. */
void eval_sum_add_truth(struct eval_sum *s, const struct eval_item *it);
void eval_sum_finish(const struct eval_sum *s, const struct task *task, struct eval_score *out);

/* ---- eval_listed.c: the names of a task's answers, as they are compared */
struct eval_listed {
    const struct task *task;
    struct strmap names;
    char **texts; /* (count); names borrows them */
    int count;
};
/* Whether one of the item's right answers is in the model's list; true where there is none. l is
 * all zero at first. */
bool eval_is_listed(struct eval_listed *l, const struct model *m, const struct eval_item *it);
void eval_listed_fini(struct eval_listed *l);

/* ---- eval_pool.c: retrieval, every caption with every image of the set's pool; picked: which
 * captions (eval_sample_pick). An item's result
 * has its tokens and, in raw, the logits of all images. */
struct eval_pool_user {
    bool (*known)(void *arg, const struct eval_item *it); /* it need not be asked */
    void (*take)(void *arg, const struct eval_item *it, struct result *r); /* r is the taker's */
    void *arg;
};
int eval_pool_run(struct model *m, const struct eval_set *s, const struct eval_options *o,
                  const bool *picked, struct eval_album *album, struct eval_progress *progress,
                  const struct eval_pool_user *user, struct vs_err *err);

/* eval_sample.c: (count of the set) whether an item is of the sample; NULL: all are. The caller
 * frees it. */
bool *eval_sample_pick(const struct eval_set *s, const struct eval_options *o);

/* annotations.c: data sets as their makers annotated them; map NULL: o->path is a folder. *known:
 * whether it is one of them; then the items are added to s. */
int eval_annotations(const struct eval_source *o, const struct bytes *map, struct eval_set *s,
                     bool *known, struct vs_err *err);
/* Whether an item can be asked of a picture: its regions are in the set's store, or, where there is
 * none, it is not known to be missing. */
bool eval_has_image(const struct eval_set *s, const char *path);
/* The error that all items have flaws, of which there are some. */
int eval_none_sound(const char *what, const struct eval_flaw *flaws, int count, struct vs_err *err);
/* The error that no picture can be asked of. */
int eval_none_there(const struct eval_set *s, int pictures, const char *first, struct vs_err *err);

#endif
