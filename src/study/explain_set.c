/* SPDX-License-Identifier: MIT */
/* Items of a set, one after the other: asked, explained, tested. */
#include "src/study/explain_set.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/look.h"
#include "src/study/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct set_row_kind explain_set_rows = {"explanations", "tests",
                                              "no row of explanations",
                                              "of other methods, orders, seed or removal"};

struct explain_run {
    const struct explain_set *e;
    struct model *m;
    char digest[DIGEST_HEX];
};

/* ---- a row */

static json_t *curves_json(const struct removal *r)
{
    int n = r->count;
    if (n == 0)
        return json_null();
    json_t *v = json_pack("{s:i, s:f, s:f, s:f, s:f}", "removable", n, "deletion",
                          removal_area(r->deletion, n), "insertion", removal_area(r->insertion, n),
                          "whole", r->deletion[0], "end", r->deletion[n]);
    if (v && r->probability)
        json_object_set_new(v, "probability",
                            json_pack("{s:f, s:f, s:f, s:f}", "deletion",
                                      removal_area(r->deletion_p, n), "insertion",
                                      removal_area(r->insertion_p, n), "whole", r->deletion_p[0],
                                      "end", r->deletion_p[n]));
    return v;
}

static json_t *test_json(const struct explanation_test *t, bool pointed)
{
    json_t *v = json_pack("{s:s}", "method", t->method ? t->method->word : "random");
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        json_object_set_new(v, explanation_kinds[k], curves_json(&t->curves[k]));
    if (isfinite(t->heads))
        json_object_set_new(v, "heads", json_real(t->heads));
    if (pointed) {
        json_object_set_new(v, "hit", plain_number(t->hit));
        json_object_set_new(v, "mass", plain_number(t->mass));
    }
    return v;
}

/* Of every two methods, the first with the second, the first with the third, and so on. */
static json_t *agreement_json(const struct explanation *x, enum explanation_kind kind)
{
    json_t *list = json_array();
    for (int i = 0; i < x->count; i++)
        for (int j = i + 1; j < x->count; j++) {
            const struct explanation_test *a = &x->list[i], *b = &x->list[j];
            if (!a->method || !b->method)
                continue;
            int n = a->curves[kind].count;
            double r = a->worth[kind] && b->worth[kind] && n > 1
                           ? explanation_agreement(a->worth[kind], b->worth[kind], n)
                           : (double)NAN;
            json_array_append_new(list, plain_number(r));
        }
    return list;
}

/* Items of the same pictures hang together: of many images the first is the group's. */
static json_t *images_json(const struct eval_item *it)
{
    json_t *list = json_array();
    for (int i = 0; i < it->image_count && i < 2; i++)
        json_array_append_new(list, plain_string(it->images[i]));
    return list;
}

static json_t *row_json(const struct explain_run *g, const struct eval_item *it,
                        const char *answer, const struct explanation *x)
{
    const struct explain_set *e = g->e;
    json_t *tests = json_array(), *agreement = json_object();
    for (int i = 0; i < x->count; i++)
        json_array_append_new(tests, test_json(&x->list[i], x->pointed));
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        json_object_set_new(agreement, explanation_kinds[k],
                            agreement_json(x, (enum explanation_kind)k));
    json_t *v = json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "checkpoint",
                          plain_string(model_checkpoint_name(g->m, e->checkpoint)), "digest",
                          g->digest, "data", e->set->digest, "setup", e->setup, "task",
                          it->task->name, "index", (int)(it - e->set->items), "images",
                          images_json(it), "answer", plain_string(answer), "value",
                          plain_number(x->value), "tests", tests, "agreement", agreement);
    if (v && (x->pointed || x->out_of_reach))
        json_object_set_new(v, "reachable", json_boolean(x->pointed));
    return v;
}

/* ---- an item */

/* What of the result is explained: as attribution_run counts it; -1: nothing was answered. name:
 * in words, to be freed. */
static int chosen_of(const struct result *r, char **name)
{
    if (r->answer_count > 0) {
        *name = xstrdup(r->answers[0].label ? r->answers[0].label : "");
        return r->answers[0].index;
    }
    if (r->box_count == 0)
        return -1;
    *name = xasprintf("region %d", r->boxes[0].region);
    return look_place(r, 0, r->boxes[0].image, r->boxes[0].region);
}

static int explain_answer(struct explain_run *g, const struct eval_item *it, const struct query *q,
                          int choice, const char *name, struct vs_err *err)
{
    struct explanation_wants w = *g->e->wants;
    struct explanation x;
    const struct box_list one = {(float *)(uintptr_t)it->box, 1};
    w.meant = it->evidence.count ? &it->evidence : it->has_box ? &one : NULL;
    w.seed = w.seed + (uint64_t)(it - g->e->set->items) * 1000003u;
    int rc = explanation_run(g->m, q, choice, -1, &w, g->e->cancel, &x, err);
    if (rc != 0)
        return rc;
    json_t *row = row_json(g, it, name, &x);
    rc = row ? g->e->take(g->e->arg, row, err)
             : vs_fail(err, VS_E_DIVERGED, "a curve has a point that is no number");
    json_decref(row);
    explanation_fini(&x);
    return rc;
}

static int explain_item(void *arg, const struct eval_item *it, const struct query *q,
                        struct vs_err *err)
{
    struct explain_run *g = arg;
    struct result *r = NULL;
    char *name = NULL;
    int rc = query_run(g->m, q, g->e->cancel, &r, err), choice = -1;
    if (rc == 0)
        choice = g->e->set->reference ? reference_chosen(g->e->set, it, r, &name, NULL, err)
                                      : chosen_of(r, &name);
    if (rc == 0 && choice < 0)
        rc = err->code ? err->code
                       : vs_fail(err, VS_E_FORMAT, "there is no answer to be explained");
    if (rc == 0)
        rc = explain_answer(g, it, q, choice, name, err);
    free(name);
    result_free(r);
    return rc;
}

static bool is_done(void *arg, const struct eval_item *it, struct eval_mark *mark)
{
    const struct explain_run *g = arg;
    (void)mark; /* scores are not asked for */
    const struct explain_set *e = g->e;
    int at = (int)(it - e->set->items);
    return e->done && e->done[at];
}

int explain_set_run(struct model *m, const struct explain_set *e, struct vs_err *err)
{
    struct explain_run g = {.e = e, .m = m};
    struct eval_score *scores = xcalloc((size_t)task_count, sizeof *scores);
    struct eval_options o = {.task = e->task, .without = e->without, .checkpoint = e->checkpoint,
                             .limit = e->limit, .shard = e->shard, .gone = e->gone,
                             .ask = explain_item, .ask_arg = &g,
                             .skip = is_done, .skip_arg = &g, .cancel = e->cancel,
                             .report = e->report, .report_arg = e->report_arg};
    model_checkpoint_digest(m, e->checkpoint, g.digest);
    int rc = eval_run(m, e->set, &o, scores, err);
    free(scores);
    return rc;
}
