/* SPDX-License-Identifier: MIT */
/* What the files of "vilscope compare" share that judge evaluations by their rows. */
#ifndef VS_CMD_COMPARE_ROWS_H
#define VS_CMD_COMPARE_ROWS_H

#include "src/cmd/cmd_compare.h"
#include "src/cmd/cmd_rows.h"
#include "src/study/judge.h"

/* Two columns of a group: a comes before b. */
struct rows_pair {
    int a, b;                /* columns */
    struct judge_items items;
    struct judged judged;    /* adjusted: Holm's, of all pairs of all groups */
};
struct rows_column {
    const struct row_evaluation *e;
    char *name; /* the checkpoint, with the source where two have one name */
    double score, low, high; /* of all its rows; NAN: none has a score */
};
/* One task and split: what was measured on the same items. */
struct rows_group {
    struct rows_column *columns; /* (column_count), in the order in which they were given */
    int column_count;
    struct rows_pair *pairs;     /* (pair_count), all of them */
    int pair_count;
};
struct rows_judged {
    const struct compare_options *o;
    struct judge_options how;
    bool steps;  /* only each with the one before it */
    bool newest; /* and of these only the last */
    bool alone;  /* none with another */
    bool partly; /* what was measured is not all, which was said */
    struct rows_group *groups;
    int group_count;
    json_t *json; /* the document, or NULL */
};

/* Of two columns, a before b; NULL: there is none. */
const struct rows_pair *rows_pair_of(const struct rows_group *g, int a, int b);
/* A new object with the task, the split, and who is compared; and the same as fields of CSV, each
 * with its comma. */
json_t *rows_pair_json(const struct rows_group *g, const struct rows_pair *p);
void rows_pair_csv(const struct rows_group *g, const struct rows_pair *p);
/* "vqa minval" */
char *rows_group_name(const struct rows_group *g);
/* A p value in words: "p 0.0123", "p < 0.0001". The caller frees it. */
char *rows_p(double p);
/* "+9.2 points (7.1 to 11.3)" */
char *rows_difference(const struct judged *j);
/* Members of a comparison. */
json_t *rows_judged_json(const struct judged *j);

/* ---- what is printed, each into the JSON where there is one */
void compare_print_judged(const struct rows_judged *r); /* cmd_compare_judged.c */
int compare_print_slices(const struct rows_judged *r, struct vs_err *err); /* _slices.c */
void compare_print_calibration(const struct rows_judged *r); /* cmd_compare_trust.c */
void compare_print_confusion(const struct rows_judged *r);
void compare_print_agreement(const struct rows_judged *r); /* cmd_compare_agreement.c */
void compare_print_trend(const struct rows_judged *r);

/* cmd_compare_figure.c */
int compare_write_figure(const struct rows_judged *r, struct vs_err *err);
/* The same of evaluations that are not compared: scores and reliability alone. */
int compare_draw_rows(const struct rowset *set, const struct compare_options *o,
                      struct vs_err *err);
/* How far the confidence of a column's rows can be trusted. */
void compare_calibrate(const struct rows_column *c, struct stats_calibration *out);

/* cmd_compare_gallery.c */
int compare_write_gallery(const struct rows_judged *r, struct vs_err *err);
extern const char *const gallery_outcomes[];

/* cmd_compare_measured.c: what rows call a checkpoint with interventions, "final [drop word red]",
 * the caller frees it; and whether a name is that of this checkpoint with some. */
char *rows_changed_name(const char *checkpoint, const char *change);
bool rows_is_changed(const char *name, const char *checkpoint);
/* Measures the checkpoints on a set, or on the reference's folder; the rows are added to set and
 * put in order. What came to nothing is said: then EXIT_FAILED. */
int compare_measured(const struct compare_options *o, const struct model_options *how,
                     const atomic_bool *stop, struct rowset *set, struct vs_err *err);
/* The same of checkpoints first to first+count-1 of an open model. */
int rows_measure(const struct compare_options *o, struct model *m, int first, int count,
                 const atomic_bool *stop, struct rowset *set, struct vs_err *err);
/* Whether the task can be measured at all. */
int compare_check_measured(const struct compare_options *o, struct vs_err *err);

/* cmd_compare_rows.c: differences and tests of a rowset, whose rows are borrowed. The caller calls
 * rows_judged_fini in any case. */
struct rows_judged rows_judged_of(const struct compare_options *o);
int rows_judge(struct rows_judged *r, const struct rowset *set, struct vs_err *err);
void rows_judged_fini(struct rows_judged *r);

#endif
