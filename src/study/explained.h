/* SPDX-License-Identifier: MIT */
/* What tests of explanations came to on a checkpoint, kept for whoever shows its attributions: a
 * file of the cache for each checkpoint, by its digest, which vilscope explain writes. */
#ifndef VS_EXPLAINED_H
#define VS_EXPLAINED_H

#include "src/study/explain_sums.h"
#include "src/task/task.h"

struct explained; /* of one checkpoint */

/* Puts the means of a task into the checkpoint's file, in the place of what an earlier run said of
 * the same methods; that of another set, or of other orders, goes. set: its name; how: of random
 * orders and removal, in words. VS_E_IO: the cache cannot be written. */
int explained_save(const char *digest, const struct task *task, const char *set, const char *how,
                   const struct explain_sums *sums, struct vs_err *err);

/* NULL: nothing is known of it. The caller frees with explained_free. */
struct explained *explained_load(const char *digest);
void explained_free(struct explained *x); /* NULL is fine */

struct explained_score {
    struct bootstrap gain; /* insertion less deletion, as logits */
    struct bootstrap over; /* the same less that of random orders; count 0: there were none */
    int items;
    const char *set, *how; /* the struct explained's */
};
/* False: this method was not tested on this task. */
bool explained_find(const struct explained *x, const struct task *task,
                    const struct attribution_method *method, enum explanation_kind kind,
                    struct explained_score *out);
/* Both kinds as one line of JSON, which the caller frees; NULL: it was not tested. */
char *explained_json(const struct explained *x, const struct task *task,
                     const struct attribution_method *method);
/* "+0.93 (+0.80 to +1.06)", "+0.93" of one group of images. */
void explained_mean_text(const struct bootstrap *b, char *out, size_t size);

#endif
