/* SPDX-License-Identifier: MIT */
/* A part of a set that a seed decides: so many items of each task, each as likely as the others,
 * and the same of every checkpoint.
 *
 * Source: selection sampling, algorithm S of Knuth, The Art of Computer Programming, volume 2,
 * 3.4.2: an item is taken with the odds of what is still wanted to what is still left. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"
#include "src/study/statistics.h"

#include <stdlib.h>

struct sampled {
    uint64_t state; /* of a task alone: it has the same items whatever else is asked */
    int wanted, left;
};

bool *eval_sample_pick(const struct eval_set *s, const struct eval_options *o)
{
    if (o->sample <= 0)
        return NULL;
    struct sampled *tasks = xcalloc((size_t)task_count, sizeof *tasks);
    bool *picked = xcalloc((size_t)s->count + 1, sizeof *picked);
    for (int t = 0; t < task_count; t++) {
        int n = eval_count(s, &task_table[t], o->limit);
        tasks[t] = (struct sampled){.state = o->seed ^ ((uint64_t)t << 32), .left = n,
                                    .wanted = o->sample < n ? o->sample : n};
    }
    for (int i = 0; i < s->count; i++) {
        struct sampled *x = &tasks[eval_task_of(s, i) - task_table];
        if (x->left == 0) /* behind the limit */
            continue;
        picked[i] = stats_roll_below(&x->state, x->left) < x->wanted;
        x->wanted -= picked[i];
        x->left--;
    }
    free(tasks);
    return picked;
}
