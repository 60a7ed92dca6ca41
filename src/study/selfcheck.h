/* SPDX-License-Identifier: MIT */
/* Answers that the reference published with its code: whether weights, detector and this program
 * come to the same ones. */
#ifndef VS_SELFCHECK_H
#define VS_SELFCHECK_H

#include "src/formats/bytes.h"
#include "src/task/result.h"

#include <stdbool.h>

/* What one head said. */
struct selfcheck_item {
    unsigned head;      /* of enum net_head */
    const char *name;   /* "VQA" */
    const char *answer; /* the best label; NULL: a number alone */
    bool positive;      /* the number is above 0, more is not known of it */
    double logit;       /* else: of a head of one number, and how far another may be from it */
    double tolerance;
};

/* One question about one picture. */
struct selfcheck {
    const char *source;  /* where it is published */
    const char *picture; /* its name there */
    char digest[DIGEST_HEX]; /* of the picture's file */
    const char *task, *text;
    const struct selfcheck_item *items;
    int count;
};
/* The last cell of demo.ipynb in github.com/facebookresearch/vilbert-multi-task. */
extern const struct selfcheck selfcheck_notebook;

/* Whether a head's ranked answers (count of them) are the item's. said: both, in words. */
bool selfcheck_right(const struct selfcheck_item *item, const struct result_answer *answers,
                     int count, char *said, size_t size);

#endif
