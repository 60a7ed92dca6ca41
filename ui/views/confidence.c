/* SPDX-License-Identifier: MIT */
/* Items of evaluations in the log as plots: read as numbers alone, a quarter of a million of them
 * in a tenth of a second. */
#include "ui/views/confidence.h"

#include "src/base/mem.h"
#include "ui/jobs/compare.h"

#include <config.h> /* the version */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was measured */

static void confidence_forget_kind(struct confidence *c)
{
    free(c->pairs);
    free(c->items);
    figure_fini(&c->plots);
    c->pairs = NULL;
    c->items = NULL;
    c->pair_count = 0;
    c->of[0] = c->of[1] = NULL;
    memset(c->trusted, 0, sizeof c->trusted);
    for (int i = 0; i < CONFIDENCE_FORMS; i++)
        c->panels[i] = -1;
}

void confidence_fini(struct confidence *c)
{
    confidence_forget_kind(c);
    log_evaluations_free(c->list, c->count);
    free(c->kinds);
    *c = (struct confidence){0};
}

void confidence_name(const struct confidence *c, char *out, size_t size)
{
    const struct log_evaluated *x = c->of[0] ? c->of[0] : c->of[1];
    const char *split = x && x->e.split ? x->e.split : "";
    snprintf(out, size, "%s%s%s%s", x ? x->e.task->name : "", *split ? " " : "", split,
             x && x->e.as_reference ? ", as the reference" : "");
}

/* The newest evaluation of each side on what one of the list was measured on. */
static void confidence_find(struct workbench *w, struct confidence *c,
                            const struct log_evaluation *like, const struct log_evaluated *of[2])
{
    of[0] = of[1] = NULL;
    for (int i = 0; i < c->sides; i++) {
        char digest[DIGEST_HEX];
        model_checkpoint_digest(w->ses.model, c->side[i], digest);
        of[i] = flips_newest(c->list, c->count, digest, like);
    }
}

static void confidence_kinds(struct workbench *w, struct confidence *c)
{
    c->kinds = xcalloc((size_t)c->count + 1, sizeof *c->kinds);
    for (int i = 0; i < c->count; i++) {
        const struct log_evaluated *of[2];
        bool again = c->list[i].e.task == NULL;
        for (int k = 0; !again && k < c->kind_count; k++)
            again = flips_alike(&c->list[c->kinds[k]].e, &c->list[i].e);
        if (again)
            continue;
        confidence_find(w, c, &c->list[i].e, of);
        if (of[0] || of[1])
            c->kinds[c->kind_count++] = i;
    }
}

/* ---- numbers */

static void confidence_calibrate(const struct log_item *list, int count,
                                 struct stats_calibration *out)
{
    struct stats_item *x = xcalloc((size_t)count + 1, sizeof *x);
    int n = 0;
    for (int i = 0; i < count; i++)
        if (isfinite(list[i].score) && isfinite(list[i].confidence))
            x[n++] = (struct stats_item){list[i].confidence, list[i].score};
    stats_calibrate(x, n, out);
    free(x);
}

/* Items of both that are called the same and have a score. */
static void confidence_match(struct confidence *c, const struct log_item *a, int a_count,
                             const struct log_item *b, int b_count)
{
    int most = a_count < b_count ? a_count : b_count, n = 0;
    c->pairs = xcalloc((size_t)most + 1, sizeof *c->pairs);
    c->items = xcalloc((size_t)most + 1, sizeof *c->items);
    c->score[0] = c->score[1] = 0;
    for (int i = 0, k = 0; i < a_count && k < b_count;) {
        const struct log_item *x = &a[i], *y = &b[k];
        bool same = x->item == y->item;
        i += x->item <= y->item;
        k += y->item <= x->item;
        if (!same || x->name != y->name || !isfinite(x->score) || !isfinite(y->score))
            continue;
        c->items[n] = x->item;
        c->pairs[n++] = (struct plot_pair){x->confidence, y->confidence, x->right, y->right};
        c->score[0] += x->score;
        c->score[1] += y->score;
    }
    c->pair_count = n;
    for (int i = 0; i < 2; i++)
        c->score[i] /= n ? n : 1;
}

/* ---- plots */

/* Whether there is a pair of which both confidences are known. */
static bool confidence_has_points(const struct confidence *c)
{
    for (int i = 0; i < c->pair_count; i++)
        if (plot_pair_known(&c->pairs[i]))
            return true;
    return false;
}

static void confidence_plots(struct workbench *w, const struct confidence *c, struct figure *out,
                             int panels[CONFIDENCE_FORMS])
{
    struct plot_trusted list[2];
    char name[128], of[2][64], says[200];
    int n = 0;
    confidence_name(c, name, sizeof name);
    for (int i = 0; i < c->sides; i++) {
        compare_name(w, c->side[i], of[i], sizeof of[i]);
        if (c->trusted[i].count)
            list[n++] = (struct plot_trusted){of[i], &c->trusted[i]};
    }
    for (int i = 0; i < CONFIDENCE_FORMS; i++)
        panels[i] = -1;
    if (confidence_has_points(c)) {
        snprintf(says, sizeof says, "mean score %.1f %% with %s, %.1f %% with %s",
                 100 * c->score[0], of[0], 100 * c->score[1], of[1]);
        panels[CONFIDENCE_SCATTER] = out->panel_count;
        plot_scatter(out, name, of[0], of[1], c->pairs, c->pair_count, says);
    }
    if (n) {
        panels[CONFIDENCE_RELIABILITY] = out->panel_count;
        plot_reliability(out, name, list, n);
    }
}

const struct figure_panel *confidence_panel(const struct confidence *c, enum confidence_form form)
{
    int at = c->panels[form];
    return at >= 0 && at < c->plots.panel_count ? &c->plots.panels[at] : NULL;
}

void confidence_figure(struct workbench *w, const struct confidence *c, struct figure *out)
{
    struct buf b = {0};
    char name[128];
    int panels[CONFIDENCE_FORMS];
    confidence_name(c, name, sizeof name);
    out->title = xasprintf("Confidence of logged evaluations: %s", name);
    out->columns = 2;
    confidence_plots(w, c, out, panels);
    buf_printf(&b, "vilscope %s", VERSION);
    for (int i = 0; i < 2; i++)
        if (c->of[i])
            buf_printf(&b, "; evaluation %lld, checkpoint %s %.16s", (long long)c->of[i]->id,
                       model_checkpoint_name(w->ses.model, c->side[i]),
                       c->of[i]->e.checkpoint_digest);
    const struct log_evaluated *x = c->of[0] ? c->of[0] : c->of[1];
    if (x && x->e.data_digest)
        buf_printf(&b, "; data %.16s", x->e.data_digest);
    out->caption = buf_steal(&b);
}

/* ---- reading */

static void confidence_read_kind(struct workbench *w, struct confidence *c)
{
    struct log_item *list[2] = {NULL, NULL};
    struct vs_err err = {0};
    int count[2] = {0, 0}, rc = 0;
    confidence_forget_kind(c);
    confidence_find(w, c, &c->list[c->kinds[c->kind]].e, c->of);
    for (int i = 0; i < 2 && rc == 0; i++) {
        if (c->of[i])
            rc = log_list_items(w->ses.log, c->of[i]->id, &list[i], &count[i], &err);
        if (rc == 0)
            confidence_calibrate(list[i], count[i], &c->trusted[i]);
    }
    if (rc == 0) {
        confidence_match(c, list[0], count[0], list[1], count[1]);
        confidence_plots(w, c, &c->plots, c->panels);
    } else {
        snprintf(c->why, sizeof c->why, "%.250s", err.text);
    }
    free(list[0]);
    free(list[1]);
}

void confidence_load(struct workbench *w, const struct task *task, struct confidence *out)
{
    const struct comparison *pair = comparison_of(w);
    struct confidence *c = out;
    struct vs_err err = {0};
    *c = (struct confidence){.side = {pair->a, pair->b}, .panels = {-1, -1}};
    c->sides = model_checkpoint_count(w->ses.model) < 2 ? 1 : 2;
    int rc = w->ses.log ? log_list_evaluations(w->ses.log, 0, &c->list, &c->count, &err) : 0;
    if (rc == 0 && w->ses.log)
        confidence_kinds(w, c);
    while (task && c->kind + 1 < c->kind_count && c->list[c->kinds[c->kind]].e.task != task)
        c->kind++;
    bool other = task && c->kind_count && c->list[c->kinds[c->kind]].e.task != task;
    if (rc != 0)
        snprintf(c->why, sizeof c->why, "%.250s", err.text);
    else if (!w->ses.log)
        snprintf(c->why, sizeof c->why, "nothing is logged: --log FILE");
    else if (!c->kind_count || other)
        snprintf(c->why, sizeof c->why, "the log has no rows of %s%s: vilscope eval --data SET "
                 "measures them", other ? task->name : c->sides > 1 ? "A or B" : "the checkpoint",
                 other ? " with A or B" : "");
    else
        confidence_read_kind(w, c);
}

void confidence_next(struct workbench *w, struct confidence *c)
{
    if (!c->kind_count)
        return;
    c->kind = (c->kind + 1) % c->kind_count;
    c->why[0] = '\0';
    confidence_read_kind(w, c);
}

struct confidence_reading {
    struct row_texts *texts;
    struct flip *out;
    bool good;
};

static int confidence_take(void *arg, const struct log_row_pair *x, struct vs_err *err)
{
    struct confidence_reading *g = arg;
    (void)err;
    g->good = flips_read_pair(g->texts, x, g->out);
    return 0;
}

bool confidence_read(struct workbench *w, const struct confidence *c, int pair,
                     struct row_texts *t, struct flip *out)
{
    struct confidence_reading g = {.texts = t, .out = out};
    struct vs_err err = {0};
    int64_t next = 0;
    if (pair < 0 || pair >= c->pair_count || !c->of[0] || !c->of[1])
        return false;
    struct log_paired item = {c->items[pair], 0};
    const struct log_pairs one = {c->of[0]->id, c->of[1]->id, &item, 1};
    row_texts_reset(t);
    *out = (struct flip){.data = c->of[0]->e.data_path ? c->of[0]->e.data_path : ""};
    return log_read_pairs(w->ses.log, &one, &next, 1, confidence_take, &g, &err) == 0 && g.good;
}
