/* SPDX-License-Identifier: MIT */
/* What a model made of an item of a set whose answers were ranked by the engine: the same record as
 * of the reference's data folder. */
#include "src/study/eval_rows.h"

#include "src/base/mem.h"
#include "src/study/eval_priv.h"
#include "src/task/answers.h"
#include "src/text/score.h"

#include <stdlib.h>
#include <string.h>

/* The ranked answers' logits, by class or image. */
static void spread_answers(const struct result *r, struct eval_verdict *v)
{
    int n = 0;
    for (int i = 0; i < r->answer_count; i++)
        n = r->answers[i].index >= n ? r->answers[i].index + 1 : n;
    v->own = xcalloc((size_t)n + 1, sizeof *v->own);
    for (int i = 0; i < r->answer_count; i++)
        v->own[r->answers[i].index] = r->answers[i].logit;
    v->count = n;
    v->choice = r->answer_count ? r->answers[0].index : -1;
    v->answer = r->answer_count ? r->answers[0].label : NULL;
}

/* The class that the item's label names, of several the one that is worth most; -1: none. */
static int class_of(const struct eval_item *it)
{
    const struct reading *how = it->task->reading;
    int best = 0;
    for (int i = 1; i < it->label_count; i++)
        best = it->worths[i] > it->worths[best] ? i : best;
    for (int i = 0; !how->listed && it->label_count && i < how->class_count; i++)
        if (answers_equal(it->task, it->labels[best], how->classes[i]))
            return i;
    return -1;
}

/* Detected regions by their rows, with the whole image. */
static void spread_boxes(const struct eval_item *it, const struct result *r, struct eval_verdict *v)
{
    v->count = r->box_count;
    v->own = xcalloc((size_t)v->count + 1, sizeof *v->own);
    for (int i = 0; i < r->box_count; i++)
        if (r->boxes[i].region < v->count)
            v->own[r->boxes[i].region] = r->boxes[i].logit;
    v->choice = r->box_count ? r->boxes[0].region : -1;
    if (it->has_box && r->box_count)
        v->iou = score_iou(r->boxes[0].box, it->box);
}

/* The item's candidates by their numbers; of two in one place the best. */
static void spread_choices(const struct eval_item *it, const struct result *r,
                           struct eval_verdict *v)
{
    v->count = it->candidates.count;
    v->own = xcalloc((size_t)v->count, sizeof *v->own);
    v->rows = xcalloc((size_t)v->count, sizeof *v->rows);
    for (int i = r->box_count - 1; i >= 0; i--) {
        int at = eval_choice(it, r, i);
        if (at < 0 || at >= v->count)
            continue;
        v->own[at] = r->boxes[i].logit;
        v->rows[at] = r->boxes[i].region;
    }
    v->choice = eval_chosen(it, r);
    v->target = it->number;
}

/* Of a pool, or of texts: nothing is ranked. */
static void take_raw(const struct result *r, struct eval_verdict *v)
{
    v->logits = r->raw;
    v->count = r->raw_count;
    v->choice = reference_argmax(r->raw, r->raw_count);
}

void eval_judge(const struct eval_item *it, const struct result *r, struct eval_verdict *v)
{
    *v = (struct eval_verdict){.target = -1};
    eval_mark_of(it, r, &v->mark);
    v->score = v->mark.score;
    v->rank = v->mark.rank;
    switch (it->task->reading->ranked) {
    case RANKED_REGIONS:
        if (it->candidates.count)
            spread_choices(it, r, v);
        else
            spread_boxes(it, r, v);
        break;
    case RANKED_IMAGES:
        v->target = it->foil_count ? 0 : it->number;
        if (!r->raw)
            spread_answers(r, v);
        else
            take_raw(r, v);
        break;
    case RANKED_LABELS:
        spread_answers(r, v);
        v->target = class_of(it);
    }
    v->logits = v->own ? v->own : v->logits;
}
