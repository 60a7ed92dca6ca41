/* A result: freeing it and telling it in a few lines. Its JSON is in result_json.c. */
#include "src/task/result.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <stdlib.h>

static void free_images(struct result *r)
{
    for (int i = 0; i < r->image_count; i++) {
        free(r->images[i].path);
        free(r->images[i].regions_path);
        free(r->images[i].regions_key);
        free(r->images[i].boxes);
    }
    free(r->images);
}

void result_answers_free(struct result_answer *a, int count)
{
    for (int i = 0; i < count; i++)
        free(a[i].label);
    free(a);
}

void result_free(struct result *r)
{
    if (!r)
        return;
    free_images(r);
    for (int i = 0; i < r->token_count; i++)
        free(r->tokens[i].piece);
    for (int i = 0; i < r->box_count; i++)
        free(r->boxes[i].label);
    free(r->tokens);
    result_answers_free(r->answers, r->answer_count);
    free(r->boxes);
    free(r->sources);
    trace_free(r->trace);
    free(r->text);
    free(r->model_text);
    free(r->model_name);
    free(r->checkpoint_path);
    free(r->checkpoint_name);
    free(r->device);
    free(r->changes);
    free(r->notice);
    free(r);
}

static void answer_line(struct buf *b, const struct result *r, int rank)
{
    const struct result_answer *a = &r->answers[rank];
    if (r->task->reading == READ_ALIGNMENT)
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

char *result_text(const struct result *r, int top)
{
    struct buf b = {0};
    for (int i = 0; i < r->answer_count && i < top; i++)
        answer_line(&b, r, i);
    for (int i = 0; i < r->box_count && i < top; i++)
        box_line(&b, r, i);
    return buf_steal(&b);
}
