/* SPDX-License-Identifier: MIT */
/* What an attribution came to, as it is kept: what was asked of which method, and a number for each
 * word and region. */
#ifndef VS_ATTRIBUTED_H
#define VS_ATTRIBUTED_H

#include "src/study/attribution.h"
#include "src/study/explained.h"

#include <jansson.h>

/* Every text is the record's own. */
struct attribution_record {
    int64_t query;         /* of the log, as log_result_later names it */
    char *method;          /* its word */
    char *target, *against; /* answers in words; against NULL: the target alone */
    int target_index, against_index; /* as attribution_run takes them; -1: none */
    char *map;     /* of raw attention "text-to-image 3.2", "text-to-image last"; else "" */
    char *removal; /* how words were left out: "attention", "mask"; "": nothing was */
    int verify;    /* of attribution patching, else 0 */
    char *scale;   /* what value is: "logit", "logit difference" */
    double value;
    int steps;     /* of integrated gradients, with base and missing; else 0 */
    double base, missing;
    /* numbers: of each token (tokens), then of each region of each image (images, regions), 0 the
     * whole image; where exact, the same again as it was when left out. NAN of what has none:
     * special tokens, whole images, boxes that an image does not have. Of a task that ranks images
     * there is one image: the target's. */
    int images, tokens, regions;
    bool exact;
    float *numbers;
    char digest[DIGEST_HEX]; /* of numbers, little-endian */
    char *tested; /* JSON: what the method is worth on this model, or NULL: not known */
};

/* r: the query's result, with its sources. known: of its checkpoint, or NULL. The caller frees it
 * with attribution_record_free. */
struct attribution_record *attribution_record_new(const struct result *r,
                                                  const struct attribution *a, int choice,
                                                  int against, const struct explained *known);
void attribution_record_free(struct attribution_record *x); /* NULL is fine */
struct attribution_record *attribution_record_copy(const struct attribution_record *x);
/* relevancy of "yes" against "no": the method and its target in words. The caller frees it. */
char *attribution_record_name(const struct attribution_record *x);
/* How many words and regions it is about, and how many numbers it has: of those that were left out
 * exactly, too, it has two each. */
size_t attribution_record_places(const struct attribution_record *x);
size_t attribution_record_count(const struct attribution_record *x);
void attribution_record_digest(const struct attribution_record *x, char out[DIGEST_HEX]);
/* What to tell the method so that it computes the record again; false: a map that is not known. */
bool attribution_record_how(const struct attribution_record *x, struct attribution_how *how);
/* A new object: as "query --attribute --json" prints it, without what the log does not have. */
json_t *attribution_record_json(const struct attribution_record *x);

/* How far two of the same target are from each other, as a share of the largest number of a
 * (INFINITY: numbers are missing in one of them). Up to ATTRIBUTION_SAME they say the same: other
 * processors and numbers of threads add in another order. */
double attribution_record_distance(const struct attribution_record *a,
                                   const struct attribution_record *b);
#define ATTRIBUTION_SAME 0.001

#endif
