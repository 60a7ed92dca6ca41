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

/* ---- sums */

static void add_rank(struct reference_sums *s, const struct eval_item *it,
                     const struct eval_verdict *v, int pool)
{
    size_t n = (size_t)s->items, width = (size_t)pool;
    if ((s->items & (s->items - 1)) == 0) {
        size_t room = n ? 2 * n : 1;
        s->ranks = xreallocarray(s->ranks, room, sizeof *s->ranks);
        s->own = xreallocarray(s->own, room, sizeof *s->own);
        s->logits = xreallocarray(s->logits, vs_times(room, width), sizeof *s->logits);
    }
    s->pool = pool;
    s->ranks[n] = v->rank;
    s->own[n] = it->number;
    memcpy(s->logits + n * width, v->logits, width * sizeof *s->logits);
}

void reference_add(struct reference_sums *s, const struct eval_item *it,
                   const struct eval_verdict *v, int pool)
{
    if (pool)
        add_rank(s, it, v, pool);
    s->items++;
    s->scored += it->scored;
    s->shifted += v->shifted;
    s->score += it->scored ? v->score : 0;
}

static int by_rank(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double share_below(const int *ranks, int n, int rank)
{
    int below = 0;
    for (int i = 0; i < n; i++)
        below += ranks[i] < rank;
    return 100.0 * below / n;
}

/* ranks from 0, which are sorted. */
static void recall_of(int *ranks, int n, struct reference_recall *out)
{
    double sum = 0;
    if (n == 0)
        return;
    vs_sort(ranks, (size_t)n, sizeof *ranks, by_rank);
    for (int i = 0; i < n; i++)
        sum += ranks[i];
    out->r1 = share_below(ranks, n, 1);
    out->r5 = share_below(ranks, n, 5);
    out->r10 = share_below(ranks, n, 10);
    out->medr = floor((ranks[(n - 1) / 2] + ranks[n / 2]) / 2.0 + 1);
    out->meanr = sum / n + 1;
}

/* Among all captions, of the best of the image's own; -1: it has none. */
static int best_caption(const struct reference_sums *s, int image)
{
    int best = -1, rank = 0;
    for (int i = 0; i < s->items; i++) {
        float x = s->logits[(size_t)i * (size_t)s->pool + (size_t)image];
        if (s->own[i] == image &&
            (best < 0 || x > s->logits[(size_t)best * (size_t)s->pool + (size_t)image]))
            best = i;
    }
    for (int i = 0; best >= 0 && i < s->items; i++) {
        float x = s->logits[(size_t)i * (size_t)s->pool + (size_t)image];
        float own = s->logits[(size_t)best * (size_t)s->pool + (size_t)image];
        rank += x > own || (x == own && i < best && s->own[i] != image);
    }
    return best < 0 ? -1 : rank;
}

void reference_finish(struct reference_sums *s)
{
    int *ranks = xcalloc((size_t)s->pool + 1, sizeof *ranks);
    for (int i = 0; i < s->pool; i++) {
        int rank = best_caption(s, i);
        if (rank >= 0)
            ranks[s->asked++] = rank;
    }
    recall_of(ranks, s->asked, &s->captions);
    if (s->ranks)
        recall_of(s->ranks, s->items, &s->images);
    free(ranks);
}

void reference_sums_fini(struct reference_sums *s)
{
    free(s->ranks);
    free(s->own);
    free(s->logits);
    *s = (struct reference_sums){0};
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
