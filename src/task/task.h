/* SPDX-License-Identifier: MIT */
/* The 12 datasets, and what pre-training learned, as one table: what text a query becomes, how many
 * images it takes, which head answers it and how that is read. Source: vilbert_tasks.yml and the
 * dataset classes of the reference. */
#ifndef VS_TASK_H
#define VS_TASK_H

#include "src/base/err.h"
#include "src/task/reading.h"
#include "src/text/tokenizer.h"

enum task_group {
    GROUP_QA, GROUP_RETRIEVAL, GROUP_GROUNDING, GROUP_VERIFICATION, GROUP_PRETRAINING
};
struct task {
    int id;            /* task token: 1, 2, 4, 7, 8, 9, 10, 11, 12, 13, 15, 17; 0: pre-training */
    const char *name;  /* for the command line and the log: "vqa", "gqa", "refcoco+" */
    const char *title; /* "VQA v2" */
    enum task_group group;
    const struct reading *reading;
    unsigned head;     /* of enum net_head */
    int min_images, max_images;
    int extra_regions; /* rows for candidate boxes beyond the model's 101: 99 for Visual7W, 205
                          for GuessWhat (max_region_num in vilbert_tasks.yml), else 0 */
    int max_tokens;    /* with [CLS] and [SEP], as the reference cuts */
    bool dialog;       /* text is "question? answer" rounds, one per line */
    const char *hint;  /* what to type, shown on the empty query line */
    const char *metric; /* how the dataset counts accuracy */
};

extern const struct task task_table[];
extern const int task_count;
const char *task_group_name(enum task_group g);
/* Of the heads of a model the one that answers the task: its own, or, of retrieval without one, the
 * alignment head of pre-training (zero-shot). 0: none. */
unsigned task_head(const struct task *t, unsigned heads);
/* The output of it. NULL: there is none. */
struct trace;
const struct trace_tensor *task_output(const struct task *t, const struct trace *trace);
const struct task *task_find(const char *name_or_id); /* NULL when unknown */

/* The text that the model reads. For a dialog: "start Q answer A stop " per round; a round is a
 * line "question | answer" (or ends in yes, no, n/a). Others: as typed. Caller frees. */
char *task_template(const struct task *t, const char *text);

/* [CLS] text [SEP], cut to max_tokens - 2 between them (task NULL: no cut). Token byte ranges
 * refer to text as given to this function. Returns the count, *out for the caller to free. */
int task_tokens(const struct task *t, const struct tokenizer *tok, const char *text,
                struct token **out);

#endif
