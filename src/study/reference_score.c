/* SPDX-License-Identifier: MIT */
/* Scores and rows of the reference's data folder: what its tasks share.
 *
 * Source: task_utils.py, eval_tasks.py and eval_retrieval.py of the reference. */
#include "src/study/reference_priv.h"

#include "src/base/plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int reference_argmax(const float *v, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        best = v[i] > v[best] ? i : best;
    return best;
}

void reference_box(const struct result_image *im, int row, float box[4])
{
    if (row > 0) {
        memcpy(box, im->boxes + 4 * (size_t)(row - 1), 4 * sizeof *box);
        return;
    }
    box[0] = box[1] = 0;
    box[2] = (float)im->width;
    box[3] = (float)im->height;
}

void eval_verdict_fini(struct eval_verdict *v)
{
    free(v->rows);
    free(v->own);
    *v = (struct eval_verdict){0};
}

/* ---- rows as Python's json.dump writes them */

/* One code point as \uXXXX, those beyond 16 bits as two of them. */
static void add_escape(struct buf *out, uint32_t c)
{
    if (c >= 0x10000) {
        c -= 0x10000;
        buf_printf(out, "\\u%04x", 0xd800 + (c >> 10));
        c = 0xdc00 + (c & 0x3ff);
    }
    buf_printf(out, "\\u%04x", c);
}

static void add_ascii(struct buf *out, char c)
{
    static const char plain[] = "\"\\\n\r\t\b\f", names[] = "\"\\nrtbf";
    const char *at = c ? strchr(plain, c) : NULL;
    if (at)
        buf_printf(out, "\\%c", names[at - plain]);
    else if (c >= ' ' && c < 0x7f)
        buf_putc(out, c);
    else
        add_escape(out, (uint32_t)(unsigned char)c);
}

void reference_quote(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    while (*text) {
        uint32_t c = 0;
        int n = (unsigned char)*text < 0x80 ? 0 : plain_decode(text, &c);
        if (n > 0)
            add_escape(out, c);
        else if ((unsigned char)*text < 0x80)
            add_ascii(out, *text);
        else
            add_escape(out, 0xfffd);
        text += n > 0 ? n : 1;
    }
    buf_putc(out, '"');
}

void reference_real(struct buf *out, double v)
{
    char text[40];
    int digits = 0;
    do
        snprintf(text, sizeof text, "%.*g", ++digits, v);
    while (digits < 17 && strtod(text, NULL) != v);
    /* Python writes whole numbers with a point, and no exponent below 1e16. */
    if (strchr(text, 'e') && fabs(v) >= 1 && fabs(v) < 1e16)
        snprintf(text, sizeof text, "%.0f", v);
    buf_puts(out, text);
    if (!strpbrk(text, ".en"))
        buf_puts(out, ".0");
}

/* ---- the tasks' rows */

const char *reference_answer(const struct eval_set *s, int class)
{
    return s->labels && class < s->labels->count ? s->labels->names[class] : "";
}

int reference_chosen(const struct eval_set *s, const struct eval_item *it, const struct result *r,
                     char **name, double *score, struct vs_err *err)
{
    struct eval_verdict v = {0};
    int choice = -1;
    if (s->reference->judge(s, it, r, &v, err) == 0)
        choice = v.rows && v.choice < v.count ? v.rows[v.choice] : v.choice;
    const char *word = it->task->reading->ranked == RANKED_LABELS && choice >= 0
                           ? reference_answer(s, choice) : "";
    *name = *word ? xstrdup(word) : xasprintf("#%d", choice);
    if (score)
        *score = v.score;
    eval_verdict_fini(&v);
    return choice;
}

void reference_row_vqa(const struct eval_set *s, const struct eval_item *it,
                       const struct eval_verdict *v, struct buf *out)
{
    buf_printf(out, "{\"question_id\": %s, \"answer\": ", it->id);
    reference_quote(out, reference_answer(s, v->choice));
    buf_putc(out, '}');
}

void reference_row_gqa(const struct eval_set *s, const struct eval_item *it,
                       const struct eval_verdict *v, struct buf *out)
{
    buf_printf(out, "{\"questionId\": \"%s\", \"prediction\": ", it->id);
    reference_quote(out, reference_answer(s, v->choice));
    buf_putc(out, '}');
}

void reference_row_refcoco(const struct eval_set *s, const struct eval_item *it,
                           const struct eval_verdict *v, struct buf *out)
{
    (void)s;
    buf_printf(out, "{\"id\": %s, \"target\": %d, \"IOU\": ", it->images[0], v->choice);
    reference_real(out, (double)v->iou);
    buf_putc(out, '}');
}
