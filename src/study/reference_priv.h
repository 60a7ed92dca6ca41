/* SPDX-License-Identifier: MIT */
/* What the readers of the reference's data folder share. */
#ifndef VS_REFERENCE_PRIV_H
#define VS_REFERENCE_PRIV_H

#include "src/formats/labels.h"
#include "src/formats/pickle.h"
#include "src/study/eval_priv.h"
#include "src/study/reference.h"
#include "src/base/mem.h"

struct reference_reader {
    const struct reference_task *kind;
    const struct task *task;
    char *root; /* the folder of the task's annotations */
    const char *split;
    struct eval_set *set;
    struct vs_err *err;
};

/* ---- the tasks: what is read, how it is scored, what is written */
#define REFERENCE_PARTS(name)                                                                      \
    int reference_read_##name(struct reference_reader *r);                                         \
    int reference_judge_##name(const struct eval_set *s, const struct eval_item *it,               \
                               const struct result *r, struct eval_verdict *v, struct vs_err *err)
REFERENCE_PARTS(vqa);
REFERENCE_PARTS(genome);
REFERENCE_PARTS(gqa);
REFERENCE_PARTS(refcoco);
REFERENCE_PARTS(visual7w);
REFERENCE_PARTS(guesswhat);
REFERENCE_PARTS(nlvr2);
REFERENCE_PARTS(snli);
REFERENCE_PARTS(retrieval);
#undef REFERENCE_PARTS
#define REFERENCE_ROW(name)                                                                        \
    void reference_row_##name(const struct eval_set *s, const struct eval_item *it,                \
                              const struct eval_verdict *v, struct buf *out)
REFERENCE_ROW(vqa);
REFERENCE_ROW(gqa);
REFERENCE_ROW(refcoco);
REFERENCE_ROW(choice);
REFERENCE_ROW(retrieval);
#undef REFERENCE_ROW

/* Box of a row of the model's regions: row 0 is the whole image. */
void reference_box(const struct result_image *im, int row, float box[4]);

/* ---- reference_files.c: the files of a task, each named in what is said of it */

char *reference_path(const struct reference_reader *r, const char *name); /* caller frees */
bool reference_is_there(const struct reference_reader *r, const char *name);
/* The caller frees *out with json_decref. */
int reference_json(const struct reference_reader *r, const char *name, json_t **out);
struct reference_pickle {
    struct bytes map;
    struct pickle *p;
    const struct pval *root;
};
/* kind: of its root. reference_pickle_close in any case. */
int reference_pickle_open(const struct reference_reader *r, const char *name, enum pkind kind,
                          struct reference_pickle *out);
void reference_pickle_close(struct reference_pickle *p);
/* A JSON object in each line; one that is none is a flaw of the set. take's failures end it. */
int reference_lines(struct reference_reader *r, const char *name, eval_line *take, void *arg);
/* The split is none: names those there are, files of the folder between before and after. */
int reference_no_split(const struct reference_reader *r, const char *names);
int reference_no_file(const struct reference_reader *r, const char *before, const char *after);

/* ---- reference_index.c: values by number, and fields of records */

struct numbered {
    struct numbered_entry {
        int64_t key;
        size_t order;
        const void *value;
    } *list;
    size_t count, room;
};
void numbered_add(struct numbered *n, int64_t key, const void *value);
void numbered_sort(struct numbered *n); /* before it is asked */
/* The last that was added with that key, or NULL. */
const void *numbered_get(const struct numbered *n, int64_t key);
bool numbered_has(const struct numbered *n, int64_t key);
void numbered_fini(struct numbered *n);
/* The whole numbers of an array of numpy (the lists of ids), sorted; the values are not NULL. */
int reference_ids(const struct reference_reader *r, const char *name, struct numbered *out);

/* What a split keeps of the images that such a list has. */
enum reference_keep { KEEP_ALL, KEEP_OTHERS, KEEP_LISTED };
enum reference_keep reference_keep_of(const char *split);
bool reference_is_kept(enum reference_keep keep, const struct numbered *ids, int64_t image);

/* A field of a dictionary: a whole number, also written as text; text (caller frees), number, list
 * or tuple. */
bool record_number(const struct pval *dict, const char *key, int64_t *out);
bool record_integer(const struct pval *v, int64_t *out);
char *record_text(const struct pval *dict, const char *key);
const struct pval *record_list(const struct pval *dict, const char *key);
bool record_real(const struct pval *v, double *out);
/* A whole number in decimal digits, blanks around it; false for other texts. */
bool reference_integer(const char *text, int64_t *out);
/* A JSON value that is a whole number, also one written as 3.0 or "3". */
bool reference_json_integer(const json_t *v, int64_t *out);
/* Four numbers; sized: x y width height, which become corners in double precision. */
bool reference_json_box(const json_t *v, bool sized, float box[4]);

/* ---- items */

struct eval_item *reference_item(struct reference_reader *r, const char *text, int line);
void reference_set_id(struct eval_item *it, int64_t id);
void reference_set_image(struct eval_item *it, int64_t image);
/* Takes a new reference to value. */
void reference_set_field(struct eval_item *it, const char *name, json_t *value);

#endif
