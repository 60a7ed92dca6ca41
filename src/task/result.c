/* SPDX-License-Identifier: MIT */
/* A result: copying and freeing it, and telling it in a few lines. Its JSON is in result_json.c. */
#include "src/task/result.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <stdlib.h>
#include <string.h>

const char *const region_origin_names[REGION_ORIGINS] = {
    [ORIGIN_FILE] = "file",
    [ORIGIN_DETECTOR] = "detector",
    [ORIGIN_USER] = "user",
};

/* ---- copying and freeing: whoever owns a member is told in both */

/* The texts that a result owns. */
#define RESULT_TEXTS(X)                                                                            \
    X(text) X(model_text) X(model_name) X(checkpoint_path) X(checkpoint_name) X(device)            \
    X(changes) X(notice)
#define IMAGE_TEXTS(X) X(path) X(regions_path) X(regions_key)
#define COPY_TEXT(member) c->member = xstrdup_null(c->member);
#define FREE_TEXT(member) free(r->member);

/* count things of `size` bytes, and room for one more; NULL stays NULL. */
static void *copy_array(const void *from, int count, size_t size)
{
    if (!from)
        return NULL;
    void *to = xcalloc((size_t)count + 1, size);
    memcpy(to, from, (size_t)count * size);
    return to;
}

static void copy_image(struct result_image *c)
{
    IMAGE_TEXTS(COPY_TEXT)
    c->boxes = copy_array(c->boxes, c->region_count + c->candidate_count, 4 * sizeof *c->boxes);
}

bool result_goes_on(const struct result_token *t)
{
    return !t->special && strncmp(t->piece, "##", 2) == 0;
}

bool result_is_task_token(const struct result_token *t)
{
    return t->special && strncmp(t->piece, "[TASK ", 6) == 0;
}

static void free_image(struct result_image *r)
{
    IMAGE_TEXTS(FREE_TEXT)
    free(r->boxes);
}

static void copy_masked(struct result *c)
{
    c->masked = copy_array(c->masked, c->masked_count, sizeof *c->masked);
    for (int i = 0; i < c->masked_count; i++) {
        struct result_masked *x = &c->masked[i];
        x->words = copy_array(x->words, x->count, sizeof *x->words);
        for (int k = 0; k < x->count; k++)
            x->words[k].label = xstrdup_null(x->words[k].label);
    }
}

static void copy_lists(struct result *c)
{
    c->images = copy_array(c->images, c->image_count, sizeof *c->images);
    c->tokens = copy_array(c->tokens, c->token_count, sizeof *c->tokens);
    c->answers = copy_array(c->answers, c->answer_count, sizeof *c->answers);
    c->boxes = copy_array(c->boxes, c->box_count, sizeof *c->boxes);
    c->sources = copy_array(c->sources, c->batch * c->rows, sizeof *c->sources);
    c->raw = copy_array(c->raw, c->raw_count, sizeof *c->raw);
    for (int i = 0; i < c->image_count; i++)
        copy_image(&c->images[i]);
    for (int i = 0; i < c->token_count; i++)
        c->tokens[i].piece = xstrdup_null(c->tokens[i].piece);
    for (int i = 0; i < c->answer_count; i++)
        c->answers[i].label = xstrdup_null(c->answers[i].label);
    for (int i = 0; i < c->box_count; i++)
        c->boxes[i].label = xstrdup_null(c->boxes[i].label);
    copy_masked(c);
}

static void free_lists(struct result *r)
{
    for (int i = 0; i < r->image_count; i++)
        free_image(&r->images[i]);
    for (int i = 0; i < r->token_count; i++)
        free(r->tokens[i].piece);
    for (int i = 0; i < r->box_count; i++)
        free(r->boxes[i].label);
    for (int i = 0; i < r->masked_count; i++)
        result_answers_free(r->masked[i].words, r->masked[i].count);
    free(r->masked);
    result_answers_free(r->answers, r->answer_count);
    free(r->images);
    free(r->tokens);
    free(r->boxes);
    free(r->sources);
    free(r->raw);
}

void result_answers_free(struct result_answer *a, int count)
{
    for (int i = 0; i < count; i++)
        free(a[i].label);
    free(a);
}

struct result *result_copy(const struct result *r, int answers)
{
    struct result *c = xmalloc(sizeof *c);
    *c = *r;
    c->trace = NULL;
    if (c->answer_count > answers)
        c->answer_count = answers;
    RESULT_TEXTS(COPY_TEXT)
    copy_lists(c);
    return c;
}

void result_free(struct result *r)
{
    if (!r)
        return;
    RESULT_TEXTS(FREE_TEXT)
    free_lists(r);
    trace_free(r->trace);
    free(r);
}

static void answer_line(struct buf *b, const struct result *r, int rank)
{
    const struct result_answer *a = &r->answers[rank];
    if (r->matched)
        plain_buf(b, "%3d. %-24s belongs %.4f   logit difference %.4f\n", rank + 1, a->label,
                  (double)a->sigmoid, (double)a->logit);
    else if (r->task->reading->by_logit)
        plain_buf(b, "%3d. %-24s alignment logit %9.4f   softmax over the images %.4f\n", rank + 1,
                   a->label, (double)a->logit, (double)a->softmax);
    else
        plain_buf(b, "%3d. %-24s softmax %.4f   sigmoid %.4f   logit %8.4f\n", rank + 1, a->label,
                   (double)a->softmax, (double)a->sigmoid, (double)a->logit);
}

static void box_line(struct buf *b, const struct result *r, int rank)
{
    const struct result_box *x = &r->boxes[rank];
    plain_buf(b, "%3d. region %-4d", rank + 1, x->region);
    if (r->image_count > 1)
        plain_buf(b, " image %d", x->image + 1);
    plain_buf(b, " [%7.1f %7.1f %7.1f %7.1f]  logit %9.4f   sigmoid %.4f   softmax %.4f  %s\n",
               (double)x->box[0], (double)x->box[1], (double)x->box[2], (double)x->box[3],
               (double)x->logit, (double)x->sigmoid, (double)x->softmax, x->label ? x->label : "");
}

static void masked_lines(struct buf *b, const struct result *r, const struct result_masked *x,
                         int top)
{
    plain_buf(b, "words that fit [MASK], token %d", x->token + 1);
    if (r->image_count > 1)
        plain_buf(b, ", beside image %d", x->image + 1);
    plain_buf(b, ":\n");
    for (int i = 0; i < x->count && i < top; i++)
        plain_buf(b, "%3d. %-24s softmax %.4f   logit %8.4f\n", i + 1, x->words[i].label,
                  (double)x->words[i].softmax, (double)x->words[i].logit);
}

char *result_text(const struct result *r, int top)
{
    struct buf b = {0};
    for (int i = 0; i < r->answer_count && i < top; i++)
        answer_line(&b, r, i);
    for (int i = 0; i < r->box_count && i < top; i++)
        box_line(&b, r, i);
    for (int i = 0; i < r->masked_count; i++)
        masked_lines(&b, r, &r->masked[i], top);
    return buf_steal(&b);
}
