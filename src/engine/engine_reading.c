/* From a trace to a reading: ranked answers, verdicts, aligned images or boxes. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"
#include "src/text/score.h"

#include <math.h>
#include <stdlib.h>

/* A head's output; that it is finite is the pass's to see. */
static const float *head_values(const struct trace *t, const char *name, int *count,
                                struct vs_err *err)
{
    const struct trace_tensor *h = trace_find(t, name);
    if (!h) {
        vs_fail(err, VS_E_MISSING, "the model gave no %s", name);
        return NULL;
    }
    int64_t n = 1;
    for (int i = 0; i < h->ndim; i++)
        n *= h->shape[i];
    *count = (int)n;
    return h->data;
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
static struct result_answer *rank(const float *logits, int n,
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
    r->answers = rank(logits, n, label, arg, r);
    r->answer_count = r->answer_total = n;
}

static char *list_label(const void *arg, int i)
{
    const struct labels *l = arg;
    return l ? xstrdup(l->names[i]) : xasprintf("#%d", i);
}

static char *pair_label(const void *arg, int i)
{
    (void)arg;
    return xstrdup(i ? "true" : "false");
}

static char *verdict_label(const void *arg, int i)
{
    static const char *const names[] = {"contradiction", "neutral", "entailment"};
    (void)arg;
    return i < 3 ? xstrdup(names[i]) : xasprintf("#%d", i);
}

static char *image_label(const void *arg, int i)
{
    const struct result *r = arg;
    const char *path = r->images[i].path;
    return path ? xstrdup(path) : xasprintf("image %d", i + 1);
}

/* The list of a head's answers, or NULL. */
static const struct labels *list_of(const struct model *m, unsigned head)
{
    return head == HEAD_GQA ? m->gqa : m->vqa;
}

/* The same when it has as many names as the head has answers: names of another list would be wrong,
 * all of them. */
static const struct labels *fitting_list(const struct model *m, unsigned head, int answers)
{
    const struct labels *l = list_of(m, head);
    return l && l->count == answers ? l : NULL;
}

/* Why there are no names; NULL when there are. Caller frees. */
static char *why_no_labels(const struct model *m, unsigned head, int answers)
{
    bool gqa = head == HEAD_GQA;
    const struct labels *l = list_of(m, head), *other = gqa ? m->vqa : m->gqa;
    const char *path = gqa ? m->parts.labels_gqa : m->parts.labels_vqa;
    if (l && l->count == answers)
        return NULL;
    if (!l)
        return xasprintf("there is no label list for %s: answers are numbers (\"labels\" in "
                         "model.json, or %s FILE)", gqa ? "GQA" : "VQA and Genome QA",
                         gqa ? "--gqa-labels" : "--labels");
    return xasprintf("%s has %d names, the checkpoint's head has %d answers: they do not belong "
                     "together, answers are numbers%s", path, l->count, answers,
                     other && other->count == answers ? " (the other label list has as many: are "
                                                        "they interchanged?)" : "");
}

static void tell_labels(const struct model *m, unsigned head, int answers, struct result *r)
{
    char *why = why_no_labels(m, head, answers);
    r->labels_missing = why != NULL;
    if (why)
        result_note(r, "%s", why);
    free(why);
}

int model_check_labels(const struct model *m, int checkpoint, const struct task *task,
                       struct vs_err *err)
{
    enum vilbert_head head = task->head == HEAD_GQA ? HEAD_GQA : HEAD_VQA;
    int answers = vilbert_answers(m->checkpoints[checkpoint].net, head);
    if (task->reading != READ_ANSWERS || answers == 0) /* the query says what is missing */
        return 0;
    char *why = why_no_labels(m, head, answers);
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
static int pick_rows(const struct result *r, int *rows)
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
    int *rows = xmalloc((size_t)r->rows * sizeof *rows), n = pick_rows(r, rows);
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

const char *reading_tensor(const struct task *t)
{
    switch (t->reading) {
    case READ_ALIGNMENT: return "out.vil_logit";
    case READ_BOXES: return "out.vision_logit";
    case READ_PAIR: return "out.vil_binary_prediction";
    case READ_VERDICT: return "out.vil_tri_prediction";
    case READ_ANSWERS: break;
    }
    return t->head == HEAD_GQA ? "out.vil_prediction_gqa" : "out.vil_prediction";
}

int reading_make(const struct model *m, const struct query *q, const struct trace *t,
                 struct result *r, struct vs_err *err)
{
    int n = 0;
    const float *v = head_values(t, reading_tensor(q->task), &n, err);
    if (!v)
        return err ? err->code : VS_E_FORMAT;
    switch (q->task->reading) {
    case READ_ANSWERS:
        tell_labels(m, q->task->head, n, r);
        rank_answers(v, n, list_label, fitting_list(m, q->task->head, n), r);
        break;
    case READ_ALIGNMENT:
        rank_answers(v, n, image_label, r, r);
        break;
    case READ_PAIR:
        rank_answers(v, n, pair_label, NULL, r);
        break;
    case READ_VERDICT:
        rank_answers(v, n, verdict_label, NULL, r);
        break;
    case READ_BOXES:
        if (q->task->extra_regions && !r->images[0].candidate_count)
            result_note(r, "no candidates given (--candidates): the detected regions are ranked");
        rank_boxes(m, q, v, r);
        break;
    }
    return 0;
}

/* ---- the other heads */

bool model_read_head(const struct model *m, const struct result *r, unsigned head,
                     struct result_answer **out, int *count)
{
    static const struct {
        unsigned head;
        const char *name;
        char *(*label)(const void *arg, int i);
    } heads[] = {
        {HEAD_VQA, "out.vil_prediction", list_label},
        {HEAD_GQA, "out.vil_prediction_gqa", list_label},
        {HEAD_ALIGN, "out.vil_logit", image_label},
        {HEAD_BINARY, "out.vil_binary_prediction", pair_label},
        {HEAD_TRI, "out.vil_tri_prediction", verdict_label},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        const struct trace_tensor *t = heads[i].head == head ? trace_find(r->trace, heads[i].name)
                                                             : NULL;
        if (!t)
            continue;
        *count = (int)(head == HEAD_ALIGN ? t->shape[0] : t->shape[1]);
        const void *arg = head == HEAD_VQA || head == HEAD_GQA
                              ? (const void *)fitting_list(m, head, *count) : (const void *)r;
        *out = rank(t->data, *count, heads[i].label, arg, NULL);
        return true;
    }
    return false;
}
