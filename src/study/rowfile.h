/* SPDX-License-Identifier: MIT */
/* Rows of evaluations, read (vilscope-data(5), "Rows"; eval_rows.h writes them): what came of each
 * item, as far as scores, tests, slices and calibration need it. */
#ifndef VS_ROWFILE_H
#define VS_ROWFILE_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct task;

/* Something to slice by: a member of the annotation, or of the row itself. Whole numbers from 16
 * on, and others, are ranges between powers of two ("64 to 127"), which depend on no other row. */
struct row_field {
    const char *name, *value;
};

struct row {
    const char *line; /* (length) as it was read, without its new line */
    size_t length;
    const struct task *task;
    const char *split, *checkpoint; /* what the evaluation is of */
    bool as_reference;
    int index;                      /* of the item in its set */
    const char *id, *image, *text;  /* "" where the row has none; images of a pair: "a + b" */
    const char *answer;             /* what was chosen, in words, or its number */
    const char *right;              /* the same of what is right, NULL: not known */
    bool right_named;               /* it is a word, also where answers are those of a vocabulary */
    int choice;
    bool scored, correct, truncated;
    double score, margin; /* score: 0 to 1, NAN where nothing is said to be right */
    /* Of what was chosen, 0 to 1, NAN: not known. The softmax over all that could be chosen; of an
     * answer of a vocabulary, whose logits are trained one by one and of which the row has the
     * first only, the sigmoid. */
    double confidence;
    int rank; /* retrieval: of the caption's image, from 0; -1 elsewhere */
    struct row_field *fields; /* (field_count) */
    int field_count;
};

/* ---- one line */

struct row_texts; /* what texts of rows are kept in */
struct row_texts *row_texts_new(void);
/* Texts that stand in an unlinked temporary file, as far as the disk has room: memory lets go of
 * what row_texts_passed was told of, a thousand rows at a time. */
struct row_texts *row_texts_on_disk(void);
/* One more row was looked at. */
void row_texts_passed(struct row_texts *t);
void row_texts_reset(struct row_texts *t); /* not on disk; ends all rows that were read with it */
void row_texts_free(struct row_texts *t);
/* A copy that lives as long as the rows. */
const char *row_texts_copy(struct row_texts *t, const char *text, size_t length);
const struct row *row_texts_keep(struct row_texts *t, const struct row *r);
/* The row borrows from line and t. On failure *why says in a few words what is wrong. */
bool row_read(const char *line, size_t length, struct row_texts *t, struct row *out,
              const char **why);

/* The boxes that there were to choose from, of the row's line; false: it has none, or one of them
 * is not known. The caller frees out->boxes. */
struct box_list;
bool row_candidates(const struct row *r, struct box_list *out);

/* ---- all rows of a file, or of the log, by evaluation */

struct row_evaluation {
    const struct task *task;
    const char *split, *checkpoint;
    bool as_reference;
    const struct row **rows; /* (count), by index, each item once; see row_at */
    int count, room;
    struct row_texts *texts; /* where they are, lines and all */
    int scored;         /* rows that have a score */
    const char *source; /* the file, or what rowset_begin was told */
    const char *data;   /* the digest of what was measured on, NULL: not known; borrowed */
};
/* The i-th row. Memory has those that were asked for last: all of a million at once would be as
 * much as their file. What is needed of many rows at a time is copied, or asked for again. */
const struct row *row_at(const struct row_evaluation *e, int i);
/* The same for who has the row already. */
void rows_passed(const struct row_evaluation *e);
struct rowset {
    struct row_evaluation *list; /* (count), in the order in which they first came */
    int count, first; /* first: of what is being added, others are of another source */
    const char *source;
    struct row_texts *texts;
};
/* Adds what a file holds, as rows of another run: a line for each row, empty ones left out. A line
 * that is cut off at the end of the file, of a run that was killed, is none. Rows of an item that
 * are equal are one, and others an error. The caller calls rowset_fini in any case. */
int rowset_add_file(struct rowset *s, const char *path, struct vs_err *err);
/* Rows that follow are of another run, also where evaluations are called the same. */
void rowset_begin(struct rowset *s, const char *source);
/* Forgets the evaluations that have come since rowset_begin. */
void rowset_drop(struct rowset *s);
/* The same as rowset_add_file of one row, whose text is copied; where: what messages call its
 * place. */
int rowset_add_line(struct rowset *s, const char *line, size_t length, const char *where,
                    struct vs_err *err);
/* Once all are there: puts the rows of each evaluation into order. */
int rowset_finish(struct rowset *s, struct vs_err *err);
void rowset_fini(struct rowset *s);

#endif
