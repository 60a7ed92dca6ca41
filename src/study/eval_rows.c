/* SPDX-License-Identifier: MIT */
/* What came of an item, as one line of JSON. */
#include "src/study/eval_rows.h"

#include "src/base/mem.h"
#include "src/study/reference_priv.h"
#include "src/text/score.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_text(struct buf *b, const char *key, const char *text)
{
    buf_printf(b, ", \"%s\": ", key);
    reference_quote(b, text);
}

/* A name that is a number is written as one. */
static void put_name(struct buf *b, const char *key, const char *name, bool number)
{
    if (number)
        buf_printf(b, ", \"%s\": %s", key, name);
    else
        put_text(b, key, name);
}

static void put_ints(struct buf *b, const char *key, const int *list, int count)
{
    buf_printf(b, ", \"%s\": [", key);
    for (int i = 0; i < count; i++)
        buf_printf(b, "%s%d", i ? ", " : "", list[i]);
    buf_putc(b, ']');
}

static void put_logits(struct buf *b, const struct eval_verdict *v)
{
    buf_puts(b, ", \"logits\": [");
    for (int i = 0; i < v->count; i++)
        if (isfinite(v->logits[i]))
            buf_printf(b, "%s%.9g", i ? ", " : "", (double)v->logits[i]);
        else /* of an image that could not be read */
            buf_puts(b, i ? ", null" : "null");
    buf_putc(b, ']');
}

/* As the text alone has them: without the task's token. */
static void put_tokens(struct buf *b, const struct result *r)
{
    bool first = true;
    buf_puts(b, ", \"tokens\": [");
    for (int i = 0; i < r->token_count; i++) {
        const struct result_token *t = &r->tokens[i];
        if (result_is_task_token(t))
            continue;
        buf_printf(b, "%s%d", first ? "" : ", ", (int)t->id);
        first = false;
    }
    buf_putc(b, ']');
}

/* Rows that are regions, the whole image among them; of a pair, those of each half. */
static void put_regions(struct buf *b, const struct result *r)
{
    int *count = xcalloc((size_t)r->batch + 1, sizeof *count);
    for (int i = 0; i < r->batch; i++)
        for (int k = 0; k < r->rows; k++)
            count[i] += r->sources[i * r->rows + k].image >= 0;
    if (r->batch == 1)
        buf_printf(b, ", \"regions\": %d", count[0]);
    else if (r->batch > 1)
        put_ints(b, "regions", count, r->batch);
    free(count);
}

static void put_images(struct buf *b, const struct eval_item *it)
{
    if (it->image_count == 1) {
        put_name(b, "image", reference_image(it), it->image_is_number);
        return;
    }
    buf_puts(b, ", \"images\": [");
    for (int i = 0; i < it->image_count; i++) {
        buf_puts(b, i ? ", " : "");
        reference_quote(b, it->images[i]);
    }
    buf_putc(b, ']');
}

/* ---- what there was to choose, by what is ranked */

static void put_top(struct buf *b, const struct eval_verdict *v)
{
    int *order = xcalloc((size_t)v->count + 1, sizeof *order);
    score_rank(v->logits, v->count, order);
    buf_puts(b, ", \"top\": [");
    for (int i = 0; i < v->count && i < EVAL_ROW_TOP; i++)
        buf_printf(b, "%s[%d, %.9g]", i ? ", " : "", order[i], (double)v->logits[order[i]]);
    buf_putc(b, ']');
    free(order);
}

/* Words and what they are worth. */
static void put_right(struct buf *b, const struct eval_item *it)
{
    buf_puts(b, ", \"right\": {");
    for (int i = 0; i < it->label_count; i++) {
        buf_puts(b, i ? ", " : "");
        reference_quote(b, it->labels[i]);
        buf_printf(b, ": %.8g", (double)it->worths[i]);
    }
    buf_putc(b, '}');
}

static void put_answer(struct buf *b, const struct eval_set *s, const struct eval_item *it,
                       const struct eval_verdict *v)
{
    put_text(b, "answer", v->answer ? v->answer : reference_answer(s, v->choice));
    put_top(b, v);
    if (!it->scored)
        return;
    if (it->labels) {
        put_right(b, it);
        return;
    }
    buf_puts(b, ", \"target\": [[");
    for (int i = 0; i < it->label_count; i++)
        buf_printf(b, "%s%d", i ? ", " : "", it->classes[i]);
    buf_puts(b, "], [");
    for (int i = 0; i < it->label_count; i++)
        buf_printf(b, "%s%.8g", i ? ", " : "", (double)it->worths[i]);
    buf_puts(b, "]]");
}

static void put_class(struct buf *b, const struct eval_item *it, const struct eval_verdict *v)
{
    put_logits(b, v);
    if (it->scored && v->target >= 0)
        buf_printf(b, ", \"label\": %d", v->target);
    else if (it->scored)
        buf_puts(b, ", \"label\": null");
}

/* The numbers of the boxes that there were to choose from. */
static void put_choices(struct buf *b, const struct eval_item *it, const struct eval_verdict *v)
{
    int *all = xcalloc((size_t)v->count + 1, sizeof *all);
    for (int i = 0; i < v->count; i++)
        all[i] = it->choices ? it->choices[i] : i;
    put_ints(b, "choices", all, v->count);
    put_ints(b, "rows", v->rows, v->count);
    buf_printf(b, ", \"target\": %d", v->target);
    free(all);
}

/* The box that is meant, or NULL. */
static const float *meant_box(const struct eval_item *it)
{
    if (it->has_box)
        return it->box;
    return it->candidates.count && it->number >= 0 ? it->candidates.boxes + 4 * it->number : NULL;
}

/* The box of a row of the regions; false: the row is padding. */
static bool row_box(const struct result *r, int row, float box[4])
{
    const struct result_image *im = &r->images[0];
    if (r->image_count != 1 || row < 0 || row > im->region_count + im->candidate_count)
        return false;
    reference_box(im, row, box);
    return true;
}

/* That of the row that was chosen. */
static bool chosen_box(const struct result *r, const struct eval_verdict *v, float box[4])
{
    bool listed = v->rows && v->choice >= 0 && v->choice < v->count;
    return row_box(r, listed ? v->rows[v->choice] : v->rows ? -1 : v->choice, box);
}

static void put_box_numbers(struct buf *b, const float *box)
{
    buf_printf(b, "[%.9g, %.9g, %.9g, %.9g]", (double)box[0], (double)box[1], (double)box[2],
               (double)box[3]);
}

static void put_corners(struct buf *b, const char *key, const float *box)
{
    buf_printf(b, ", \"%s\": ", key);
    put_box_numbers(b, box);
}

/* The boxes that there were to choose from; null for a row that is padding. */
static void put_candidates(struct buf *b, const struct eval_item *it, const struct result *r,
                           const struct eval_verdict *v)
{
    float box[4];
    buf_puts(b, ", \"candidates\": [");
    for (int i = 0; i < v->count; i++) {
        buf_puts(b, i ? ", " : "");
        if (i < it->candidates.count)
            put_box_numbers(b, it->candidates.boxes + 4 * i);
        else if (row_box(r, v->rows[i], box))
            put_box_numbers(b, box);
        else
            buf_puts(b, "null");
    }
    buf_putc(b, ']');
}

static void put_box(struct buf *b, const struct eval_set *s, const struct eval_item *it,
                    const struct result *r, const struct eval_verdict *v)
{
    const float *box = meant_box(it);
    float chosen[4];
    if (v->rows) {
        put_choices(b, it, v);
        if (s->reference)
            buf_printf(b, ", \"shifted\": %s", v->shifted ? "true" : "false");
    } else {
        buf_puts(b, ", \"iou\": ");
        reference_real(b, (double)v->iou);
    }
    if (box)
        put_corners(b, "box", box);
    if (chosen_box(r, v, chosen))
        put_corners(b, "chosen_box", chosen);
    if (v->rows)
        put_candidates(b, it, r, v);
    put_logits(b, v);
}

static void put_foils(struct buf *b, const struct eval_item *it, const struct eval_verdict *v)
{
    if (!it->foil_count)
        return;
    buf_puts(b, ", \"foils\": [");
    for (int i = 0; i < it->foil_count; i++) {
        buf_puts(b, i ? ", " : "");
        reference_quote(b, it->foils[i]);
    }
    buf_putc(b, ']');
    if (it->image_count == 2)
        buf_printf(b, ", \"text_right\": %s, \"image_right\": %s", v->mark.text ? "true" : "false",
                   v->mark.image ? "true" : "false");
}

static void put_chosen(struct buf *b, const struct eval_set *s, const struct eval_item *it,
                       const struct result *r, const struct eval_verdict *v)
{
    buf_printf(b, ", \"choice\": %d", v->choice);
    switch (it->task->reading->ranked) {
    case RANKED_LABELS:
        if (it->task->reading->listed)
            put_answer(b, s, it, v);
        else
            put_class(b, it, v);
        return;
    case RANKED_REGIONS: put_box(b, s, it, r, v); return;
    case RANKED_IMAGES:
        buf_printf(b, ", \"rank\": %d, \"target\": %d", v->rank, v->target);
        put_foils(b, it, v);
        put_logits(b, v);
    }
}

/* What sums need that cannot be told from the rest of the row. */
static void put_mark(struct buf *b, const struct eval_item *it, const struct eval_mark *m)
{
    if (it->scored) {
        buf_puts(b, ", \"chance\": ");
        reference_real(b, m->chance);
    }
    if (m->named)
        buf_printf(b, ", \"boxes\": [%d, %d]", m->found, m->named);
    if (m->foreign)
        buf_puts(b, ", \"outside_domain\": true");
    if (m->unlisted)
        buf_puts(b, ", \"unlisted\": true");
}

static double margin_of(const struct eval_verdict *v)
{
    if (v->count == 0)
        return 0;
    float best = v->logits[reference_argmax(v->logits, v->count)], second = 0;
    bool seen = false, other = false;
    for (int i = 0; i < v->count; i++) {
        bool first = !seen && v->logits[i] == best;
        seen |= first;
        if (!first && isfinite(v->logits[i]) && (!other || v->logits[i] > second)) {
            second = v->logits[i];
            other = true;
        }
    }
    return other ? (double)best - (double)second : 0;
}

void eval_row_add(struct buf *out, const struct eval_set *s, const struct eval_item *it, int index,
                  const char *checkpoint, const struct result *r, const struct eval_verdict *v)
{
    buf_printf(out, "{\"task\": \"%s\"", it->task->name);
    put_text(out, "split", s->split);
    put_text(out, "checkpoint", checkpoint);
    if (s->as_reference && s->annotated) /* elsewhere it changes nothing */
        buf_puts(out, ", \"as_reference\": true");
    buf_printf(out, ", \"index\": %d", index);
    put_name(out, "id", it->id, it->id_is_number);
    put_images(out, it);
    put_text(out, "text", it->text);
    put_tokens(out, r);
    put_regions(out, r);
    put_chosen(out, s, it, r, v);
    buf_printf(out, ", \"margin\": %.9g", margin_of(v));
    if (it->scored) {
        buf_puts(out, ", \"score\": ");
        reference_real(out, v->score);
        buf_printf(out, ", \"correct\": %s", v->score >= 0.5 ? "true" : "false");
    }
    if (!s->reference)
        put_mark(out, it, &v->mark);
    if (r->truncated)
        buf_puts(out, ", \"truncated\": true");
    if (it->field_text)
        buf_printf(out, ", \"fields\": %s", it->field_text);
    buf_putc(out, '}');
}
