/* SPDX-License-Identifier: MIT */
/* Attributions of the result that is shown: what the panes want of them is computed in the engine's
 * thread, each once for its target. */
#ifndef UI_ATTRIBUTE_H
#define UI_ATTRIBUTE_H

#include "src/study/explanation.h"
#include "ui/jobs/jobs.h"

struct attribute_job;

/* One method of one target. */
struct attributed {
    const struct attribution_method *method;
    int choice, against;        /* as attribution_run takes them */
    struct attribution_how how; /* of raw attention the map */
    struct attribution known;   /* method NULL: not yet */
    char why[256];              /* why it is not known; "": it is, or runs */
    struct attribute_job *runs; /* the worker's; NULL: none */
    bool logged;                /* or left to the log to be kept */
};

/* The other answer that the chosen one is held against, or -1. */
int attribute_against(const struct workbench *w);
/* The attribution that a slice shows, of the chosen answer; NULL: it shows none, or none was
 * begun. */
const struct attributed *attribute_of(const struct workbench *w, const struct slice *x);
/* What a slice's method is told. */
struct attribution_how attribute_how(const struct slice *x,
                                     const struct attribution_method *method);
/* Why a slice's attribution is not on the screen: it is computed, or cannot be; "": it is. */
void attribute_waits(const struct workbench *w, const struct slice *x, char *out, size_t size);
/* What the slice's method is worth on this checkpoint and task, by deletion and insertion over a
 * set: "+0.93 over random orders ...", or "not tested on this model"; "": nobody knows yet. */
void attribute_score(const struct workbench *w, const struct slice *x, enum explanation_kind kind,
                     char *out, size_t size);
/* Begins what the panes show, and is not known; what nobody looks at any more stops. */
void attribute_follow(struct workbench *w);
/* Begins that of a slice, of the chosen answer, whether it is shown or not. What failed is tried
 * again. */
void attribute_begin(struct workbench *w, const struct slice *x);
/* Stops what runs, before its next pass. */
void attribute_stop(struct workbench *w);
/* Another result is shown, or none. */
void attribute_forget(struct workbench *w);

/* out[region] of an image of the result (look_regions entries), NAN of what leave-one-out does not
 * leave out; false: the target is of other images. */
bool attribute_regions(const struct workbench *w, const struct attributed *a, int image,
                       float *out);
/* Relevancy's matrices of row b of the batch, borrowed; NULL: it is of other images, or none. */
const struct relevancy *attribute_relevancy(const struct workbench *w, const struct attributed *a,
                                            int b);
/* The same of tokens, out (r->token_count): a word of a pair has the sum over both images. */
void attribute_tokens(const struct workbench *w, const struct attributed *a, float *out);
/* With its quotes: "star", "star" against "no". */
void attribute_target_name(const struct workbench *w, const struct attributed *a, char *out,
                           size_t size);

#endif
