/* SPDX-License-Identifier: MIT */
/* Asking checkpoints the probes of a set. */
#include "src/study/probes.h"

#include "src/study/compare.h"
#include "src/study/eval_priv.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"
#include "src/task/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The parts of a probe's query. */
struct seat {
    struct photo **photos; /* (image_count), lent by the album */
    struct box_list *boxes; /* (image_count) or NULL */
};

struct probe_runner {
    struct model *model;
    struct probe_table table;
    struct probe_column *column; /* being filled, or NULL */
    atomic_int at;          /* its next probe; the screen looks while another thread asks */
    struct seat *seats;     /* (probes->count); photos NULL until asked */
    struct strmap names;    /* of opened photos: path and regions */
    char **keys;
    struct photo **photos;
    int photo_count;
};

struct probe_runner *probe_runner_new(struct model *m, const struct probes *p)
{
    struct probe_runner *r = xcalloc(1, sizeof *r);
    r->model = m;
    r->table.probes = p;
    r->seats = xcalloc((size_t)p->count + 1, sizeof *r->seats);
    return r;
}

static void column_free(struct probe_column *c, int count)
{
    for (int i = 0; c && i < count; i++) {
        free(c->answers[i].text);
        free(c->answers[i].error);
        free(c->answers[i].notice);
    }
    if (c) {
        free(c->answers);
        free(c->name);
        free(c->path);
    }
    free(c);
}

void probe_runner_free(struct probe_runner *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->table.count; i++)
        column_free(r->table.columns[i], r->table.probes->count);
    column_free(r->column, r->table.probes->count);
    for (int i = 0; i < r->table.probes->count; i++) {
        free(r->seats[i].photos);
        free(r->seats[i].boxes);
    }
    for (int i = 0; i < r->photo_count; i++) {
        photo_free(r->photos[i]);
        free(r->keys[i]);
    }
    strmap_fini(&r->names);
    free(r->seats);
    free(r->keys);
    free(r->photos);
    free(r);
}

const struct probe_table *probe_runner_table(const struct probe_runner *r)
{
    return &r->table;
}

/* ---- photos */

static int get_photo(struct probe_runner *r, const struct probe *p, int i, struct photo **out,
                     struct vs_err *err)
{
    struct photo_options how = {.regions = p->regions ? p->regions[i] : NULL,
                                .key = p->keys ? p->keys[i] : NULL,
                                .upright = p->upright};
    const char *path = p->item.images[i];
    char *key = xasprintf("%s\n%s\n%s", path ? path : "", how.regions ? how.regions : "",
                          how.key ? how.key : "");
    int at = strmap_get(&r->names, key, strlen(key)), rc = 0;
    if (at < 0) {
        struct photo *x = NULL;
        rc = photo_open(path, &how, &x, err);
        if (rc == 0) {
            size_t n = (size_t)r->photo_count + 1;
            r->keys = xreallocarray(r->keys, n, sizeof *r->keys);
            r->photos = xreallocarray(r->photos, n, sizeof(struct photo *));
            at = r->photo_count++;
            r->keys[at] = key;
            r->photos[at] = x;
            strmap_add(&r->names, key, strlen(key), at);
            key = NULL;
        }
    }
    free(key);
    if (rc == 0)
        *out = r->photos[at];
    return rc;
}

static int take_seat(struct probe_runner *r, int i, struct vs_err *err)
{
    const struct probe *p = &r->table.probes->list[i];
    struct seat *s = &r->seats[i];
    int n = p->item.image_count, rc = 0;
    if (s->photos)
        return 0;
    s->photos = xcalloc((size_t)n + 1, sizeof *s->photos);
    for (int k = 0; k < n && rc == 0; k++)
        rc = get_photo(r, p, k, &s->photos[k], err);
    if (rc == 0 && n > 0 && s->photos[0]->image)
        rc = eval_check_boxes(&p->item, s->photos[0]->image->width, s->photos[0]->image->height,
                              err);
    if (rc != 0) {
        free(s->photos);
        s->photos = NULL;
        return rc;
    }
    if (p->item.candidates.count) {
        s->boxes = xcalloc((size_t)n, sizeof *s->boxes);
        s->boxes[0] = p->item.candidates;
    }
    return 0;
}

int probe_runner_query(struct probe_runner *r, int i, int checkpoint, struct query *out,
                       struct vs_err *err)
{
    const struct eval_item *it = &r->table.probes->list[i].item;
    int rc = take_seat(r, i, err);
    if (rc == 0)
        *out = (struct query){.task = it->task, .text = it->text, .checkpoint = checkpoint,
                              .photo_count = it->image_count, .photos = r->seats[i].photos,
                              .boxes = r->seats[i].boxes};
    return rc;
}

/* ---- judging */

static bool is_expected(const struct eval_item *it, const struct result *r, int rank)
{
    switch (it->task->reading->ranked) {
    case RANKED_REGIONS:
        return it->has_box ? eval_box_is_right(r->boxes[rank].box, it->box)
                           : r->boxes[rank].region - r->images[0].region_count - 1 == it->number;
    case RANKED_IMAGES: return r->answers[rank].index == it->number;
    case RANKED_LABELS: break;
    }
    for (int i = 0; i < it->label_count; i++)
        if (it->worths[i] > 0 && answers_equal(it->task, it->labels[i], r->answers[rank].label))
            return true;
    return false;
}

static void runner_judge(const struct eval_item *it, const struct result *r, struct probe_answer *a)
{
    a->expected_rank = -1;
    a->expected = -1;
    a->judged = eval_has_truth(it);
    if (!a->judged)
        return;
    a->worth = eval_worth(it, r);
    a->right = a->worth >= 0.5;
    a->expected = 0;
    for (int i = 0; i < compare_count(r); i++)
        if (is_expected(it, r, i)) {
            a->expected += compare_softmax(r, i);
            a->expected_rank = a->expected_rank < 0 ? i : a->expected_rank;
        }
}

static void runner_tell(const struct eval_item *it, const struct result *r, struct probe_answer *a)
{
    int n = compare_count(r);
    runner_judge(it, r, a);
    a->notice = xstrdup_null(r->notice);
    a->entropy = r->entropy;
    a->margin = r->margin;
    if (n == 0) {
        a->error = xstrdup("no answer");
        return;
    }
    a->text = compare_label(r, 0);
    a->key = compare_key(r, 0);
    a->softmax = compare_softmax(r, 0);
    a->lone = n == 1;
    a->logit = compare_logit(r, 0);
    a->sigmoid = 1 / (1 + exp(-a->logit));
    a->top_count = n < PROBE_TOP ? n : PROBE_TOP;
    for (int i = 0; i < a->top_count; i++) {
        a->top[i].key = compare_key(r, i);
        a->top[i].softmax = compare_softmax(r, i);
    }
}

/* ---- a column */

static int run_probe(struct probe_runner *r, int i, int checkpoint, const atomic_bool *cancel,
                     struct probe_answer *a, struct result **out, struct vs_err *err)
{
    const struct eval_item *it = &r->table.probes->list[i].item;
    struct vs_err why = {0};
    struct query q;
    int rc = probe_runner_query(r, i, checkpoint, &q, &why);
    if (rc == 0 && eval_has_truth(it))
        rc = model_check_labels(r->model, checkpoint, it->task, &why);
    if (rc == 0)
        rc = query_run(r->model, &q, cancel, out, &why);
    if (rc == 0)
        runner_tell(it, *out, a);
    else if (vs_is_of_all(rc))
        return vs_fail(err, rc, "%s", why.text);
    else {
        a->error = xstrdup(why.text);
        a->diverged = rc == VS_E_DIVERGED;
    }
    return 0;
}

int probe_runner_begin(struct probe_runner *r, int checkpoint, struct vs_err *err)
{
    if (atomic_load(&r->table.count) == MODEL_CHECKPOINTS)
        return vs_fail(err, VS_E_LIMIT, "more than %d checkpoints", MODEL_CHECKPOINTS);
    column_free(r->column, r->table.probes->count);
    struct probe_column *c = r->column = xcalloc(1, sizeof *c);
    c->checkpoint = checkpoint;
    c->name = xstrdup(model_checkpoint_name(r->model, checkpoint));
    c->path = xstrdup(model_checkpoint_path(r->model, checkpoint));
    c->answers = xcalloc((size_t)r->table.probes->count + 1, sizeof *c->answers);
    atomic_store(&r->at, 0);
    return 0;
}

int probe_runner_at(const struct probe_runner *r)
{
    return atomic_load(&r->at);
}

void probe_runner_stop(struct probe_runner *r, const char *why)
{
    struct probe_column *c = r->column;
    int count = atomic_load(&r->table.count);
    if (!c || r->at == 0) /* a new one is made by whoever goes on */
        return;
    for (int i = r->at; i < r->table.probes->count; i++)
        c->answers[i].error = xasprintf("not asked: %s", why);
    r->table.columns[count] = c;
    r->column = NULL;
    atomic_store(&r->table.count, count + 1);
}

int probe_runner_step(struct probe_runner *r, const atomic_bool *cancel, probe_report *report,
                      void *arg, struct vs_err *err)
{
    struct probe_column *c = r->column;
    int i = r->at, count = atomic_load(&r->table.count);
    struct result *result = NULL;
    /* A probe that cannot be asked does not come as far as a pass, which would look. */
    if (cancel && atomic_load(cancel))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    if (i < r->table.probes->count) {
        int rc = run_probe(r, i, c->checkpoint, cancel, &c->answers[i], &result, err);
        if (rc == 0 && report)
            report(arg, i, &c->answers[i], &result);
        result_free(result);
        if (rc != 0)
            return rc;
        r->at++;
    }
    if (r->at < r->table.probes->count)
        return 1;
    r->table.columns[count] = c;
    r->column = NULL;
    atomic_store(&r->table.count, count + 1);
    return 0;
}

int probe_runner_add(struct probe_runner *r, int checkpoint, const atomic_bool *cancel,
                     probe_report *report, void *arg, struct vs_err *err)
{
    int rc = probe_runner_begin(r, checkpoint, err);
    if (rc == 0)
        rc = 1;
    while (rc == 1)
        rc = probe_runner_step(r, cancel, report, arg, err);
    return rc;
}
