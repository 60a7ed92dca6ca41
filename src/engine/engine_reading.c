/* SPDX-License-Identifier: MIT */
/* From a trace to a reading: ranked answers, verdicts, aligned images or boxes. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"
#include "src/text/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A head's numbers, as it ranks; that they are finite is the pass's to see. Caller frees. */
static float *head_values(const struct task *task, const struct trace *t, int *count,
                          struct vs_err *err)
{
    const struct trace_tensor *x = task_output(task, t);
    if (!x) {
        vs_fail(err, VS_E_MISSING, "the model gave no %s",
                output_table[output_of(task->head)].name);
        return NULL;
    }
    *count = trace_score_count(x);
    float *v = xmalloc(((size_t)*count + 1) * sizeof *v);
    trace_scores(x, 0, *count, v);
    return v;
}

/* Entropy in nats and the distance between the two best of a softmax. */
static void tell_spread(const float *softmax, const int *order, int n, struct result *r)
{
    double entropy = 0;
    for (int i = 0; i < n; i++)
        if (softmax[i] > 0)
            entropy -= (double)softmax[i] * log((double)softmax[i]);
    r->entropy = entropy;
    r->margin = n > 1 ? (double)softmax[order[0]] - (double)softmax[order[1]] : 1;
}

/* n logits ranked; label gives the name of a class. Entropy and margin go to spread unless NULL. */
static struct result_answer *reading_rank(const float *logits, int n,
                                          char *(*label)(const void *arg, int i), const void *arg,
                                          struct result *spread)
{
    float *p = xmalloc((size_t)n * sizeof *p);
    int *order = xmalloc((size_t)n * sizeof *order);
    struct result_answer *list = xcalloc((size_t)n + 1, sizeof *list);
    score_softmax(logits, n, p);
    score_rank(logits, n, order);
    for (int i = 0; i < n; i++) {
        int k = order[i];
        list[i] = (struct result_answer){k, label(arg, k), logits[k], p[k],
                                         score_sigmoid(logits[k])};
    }
    if (spread)
        tell_spread(p, order, n, spread);
    free(p);
    free(order);
    return list;
}

static void rank_answers(const float *logits, int n, char *(*label)(const void *arg, int i),
                         const void *arg, struct result *r)
{
    r->answers = reading_rank(logits, n, label, arg, r);
    r->answer_count = r->answer_total = n;
}

static char *list_label(const void *arg, int i)
{
    const struct labels *l = arg;
    return l ? xstrdup(l->names[i]) : xasprintf("#%d", i);
}

static char *class_label(const void *arg, int i)
{
    const struct reading *how = arg;
    return i < how->class_count ? xstrdup(how->classes[i]) : xasprintf("#%d", i);
}

static char *image_label(const void *arg, int i)
{
    const struct result *r = arg;
    const char *path = r->images[i].path;
    return path ? xstrdup(path) : xasprintf("image %d", i + 1);
}

const struct labels *model_answer_list(const struct model *m, unsigned head)
{
    return head == HEAD_GQA ? m->gqa : m->vqa;
}

/* The same when it has as many names as the head has answers: names of another list would be wrong,
 * all of them. */
static const struct labels *fitting_list(const struct model *m, unsigned head, int answers)
{
    const struct labels *l = model_answer_list(m, head);
    return l && l->count == answers ? l : NULL;
}

/* Why there are no names; NULL when there are. options: of the command that takes them. Caller
 * frees. */
static char *why_no_labels(const struct model *m, unsigned head, int answers, bool options)
{
    bool gqa = head == HEAD_GQA;
    const struct labels *l = model_answer_list(m, head), *other = gqa ? m->vqa : m->gqa;
    const char *path = gqa ? m->parts.labels_gqa : m->parts.labels_vqa;
    if (l && l->count == answers)
        return NULL;
    if (!l)
        return xasprintf("there is no label list for %s: answers are numbers (\"labels\" in "
                         "model.json%s)", gqa ? "GQA" : "VQA and Genome QA",
                         !options ? " names one" : gqa ? ", or --gqa-labels FILE"
                                                       : ", or --labels FILE");
    return xasprintf("%s has %d names, the checkpoint's head has %d answers: they do not belong "
                     "together, answers are numbers%s", path, l->count, answers,
                     other && other->count == answers ? " (the other label list has as many: are "
                                                        "they interchanged?)" : "");
}

static void tell_labels(const struct model *m, unsigned head, int answers, struct result *r)
{
    char *why = why_no_labels(m, head, answers, true);
    if (why)
        note_add(&r->notice, "%s", why);
    free(why);
}

int model_answers(const struct model *m, int checkpoint, enum net_head head)
{
    return net_head_size(m->checkpoints[checkpoint].net, head);
}

int model_check_labels(const struct model *m, int checkpoint, const struct task *task,
                       struct vs_err *err)
{
    enum net_head head = task->head == HEAD_GQA ? HEAD_GQA : HEAD_VQA;
    int answers = net_head_size(m->checkpoints[checkpoint].net, head);
    if (!task->reading->listed || answers == 0) /* the query says what is missing */
        return 0;
    char *why = why_no_labels(m, head, answers, false);
    int rc = why ? vs_fail(err, VS_E_FORMAT, "%s: no answer can be right: %s", task->name, why) : 0;
    free(why);
    return rc;
}

/* ---- boxes */

static char *box_label(const struct model *m, const struct photo *p, int region)
{
    if (region == 0)
        return xstrdup("whole image");
    if (region > p->regions->count)
        return xasprintf("candidate %d", region - p->regions->count);
    if (!p->regions->classes)
        return NULL;
    int c = p->regions->classes[region - 1];
    const char *name = model_class_name(m, p->regions, c);
    return name ? xstrdup(name) : xasprintf("class %d", c);
}

static void set_box(const struct result_image *im, int region, float box[4])
{
    for (int i = 0; i < 4; i++)
        box[i] = region ? im->boxes[(size_t)(region - 1) * 4 + (size_t)i]
                        : (float)(i == 2 ? im->width : i == 3 ? im->height : 0);
}

/* Rows of the first batch row that take part: all, or the candidates when there are any. */
static int reading_pick_rows(const struct result *r, int *rows)
{
    bool choose = r->images[0].candidate_count > 0;
    int n = 0;
    for (int i = 0; i < r->rows; i++)
        if (r->sources[i].image >= 0 &&
            (!choose || r->sources[i].region > r->images[0].region_count))
            rows[n++] = i;
    return n;
}

static void rank_boxes(const struct model *m, const struct query *q, const float *all,
                       struct result *r)
{
    int *rows = xmalloc((size_t)r->rows * sizeof *rows), n = reading_pick_rows(r, rows);
    float *logits = xmalloc((size_t)n * sizeof *logits), *p = xmalloc((size_t)n * sizeof *p);
    int *order = xmalloc((size_t)n * sizeof *order);
    for (int i = 0; i < n; i++)
        logits[i] = all[rows[i]];
    score_softmax(logits, n, p);
    score_rank(logits, n, order);
    r->boxes = xcalloc((size_t)n, sizeof *r->boxes);
    r->box_count = n;
    for (int i = 0; i < n; i++) {
        struct result_source s = r->sources[rows[order[i]]];
        struct result_box *x = &r->boxes[i];
        *x = (struct result_box){.image = s.image, .region = s.region, .logit = logits[order[i]],
                                 .softmax = p[order[i]],
                                 .sigmoid = score_sigmoid(logits[order[i]])};
        set_box(&r->images[s.image], s.region, x->box);
        x->label = box_label(m, q->photos[s.image], s.region);
    }
    tell_spread(p, order, n, r);
    free(rows);
    free(logits);
    free(p);
    free(order);
}

/* ---- readings by their names, and the outputs that they read */

/* What a reading makes of the n values of its head. */
typedef void decode(const struct model *m, const struct query *q, const float *v, int n,
                    struct result *r);

static void decode_answers(const struct model *m, const struct query *q, const float *v, int n,
                           struct result *r)
{
    tell_labels(m, q->task->head, n, r);
    rank_answers(v, n, list_label, fitting_list(m, q->task->head, n), r);
}

static void decode_alignment(const struct model *m, const struct query *q, const float *v, int n,
                             struct result *r)
{
    (void)m;
    (void)q;
    rank_answers(v, n, image_label, r, r);
}

static void decode_classes(const struct model *m, const struct query *q, const float *v, int n,
                           struct result *r)
{
    (void)m;
    rank_answers(v, n, class_label, q->task->reading, r);
}
#define decode_pair decode_classes
#define decode_verdict decode_classes

static void decode_boxes(const struct model *m, const struct query *q, const float *v, int n,
                         struct result *r)
{
    (void)n;
    if (q->task->extra_regions && !r->images[0].candidate_count)
        note_add(&r->notice, "no candidates given (--candidates): the detected regions are ranked");
    rank_boxes(m, q, v, r);
}

static decode *const decoders[] = {
#define DECODER(ID, name) [READ_##ID] = decode_##name,
    READINGS(DECODER)
};

/* How the tasks read a head; NULL: none of them asks it. */
static const struct reading *reading_of(unsigned head)
{
    for (int i = 0; i < task_count; i++)
        if (task_table[i].head == head)
            return task_table[i].reading;
    return NULL;
}

int reading_make(const struct model *m, const struct query *q, const struct trace *t,
                 struct result *r, struct vs_err *err)
{
    int n = 0;
    float *v = head_values(q->task, t, &n, err);
    if (!v)
        return err ? err->code : VS_E_FORMAT;
    r->matched = !q->raw && output_table[task_output(q->task, t)->at.site].head == HEAD_MATCH;
    if (!trace_head(t, q->task->head))
        note_add(&r->notice, "zero-shot: the checkpoint has no head for retrieval, the alignment "
                 "head of its pre-training ranks the images");
    if (q->raw) {
        r->raw = v;
        r->raw_count = n;
    } else {
        decoders[q->task->reading->id](m, q, v, n, r);
        free(v);
    }
    return 0;
}

/* ---- the other heads */

bool model_read_head(const struct model *m, const struct result *r, unsigned head,
                     struct result_answer **out, int *count)
{
    const struct reading *reading = reading_of(head);
    const struct trace_tensor *t = trace_head(r->trace, head);
    if (!t || !reading || reading->ranked == RANKED_REGIONS)
        return false;
    bool images = reading->ranked == RANKED_IMAGES;
    *count = (int)(images ? t->shape[0] : t->shape[1]);
    float *v = xmalloc(((size_t)*count + 1) * sizeof *v);
    trace_scores(t, 0, *count, v);
    if (images)
        *out = reading_rank(v, *count, image_label, r, NULL);
    else if (reading->listed)
        *out = reading_rank(v, *count, list_label, fitting_list(m, head, *count), NULL);
    else
        *out = reading_rank(v, *count, class_label, reading, NULL);
    free(v);
    return true;
}
