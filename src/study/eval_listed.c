/* SPDX-License-Identifier: MIT */
/* Answers that the model cannot give: a list of labels of another data set has as many names as the
 * right one at times, and no item can be right then. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"
#include "src/engine/engine_priv.h"
#include "src/formats/labels.h"
#include "src/task/answers.h"

#include <stdlib.h>
#include <string.h>

void eval_listed_fini(struct eval_listed *l)
{
    strmap_fini(&l->names);
    for (int i = 0; i < l->count; i++)
        free(l->texts[i]);
    free(l->texts);
    *l = (struct eval_listed){.task = NULL};
}

/* Items come task by task. */
static void begin(struct eval_listed *l, const struct model *m, const struct task *task)
{
    const struct labels *list = model_answer_list(m, task->head);
    eval_listed_fini(l);
    l->task = task;
    l->count = list ? list->count : 0;
    l->texts = xcalloc((size_t)l->count + 1, sizeof *l->texts);
    for (int i = 0; i < l->count; i++) {
        l->texts[i] = answer_normalise(task, list->names[i]);
        strmap_add(&l->names, l->texts[i], strlen(l->texts[i]), i);
    }
}

bool eval_is_listed(struct eval_listed *l, const struct model *m, const struct eval_item *it)
{
    if (!it->task->reading->listed || it->label_count == 0)
        return true;
    if (l->task != it->task)
        begin(l, m, it->task);
    bool listed = false;
    for (int i = 0; i < it->label_count && !listed; i++) {
        char *label = answer_normalise(it->task, it->labels[i]);
        listed = it->worths[i] > 0 && strmap_get(&l->names, label, strlen(label)) >= 0;
        free(label);
    }
    return listed;
}
