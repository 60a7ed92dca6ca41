/* SPDX-License-Identifier: MIT */
/* vilscope compare of rows: how far confidence can be trusted, and which answers are taken for
 * which others. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/strmap.h"
#include "src/task/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- calibration */

struct trusted {
    const struct rows_group *g;
    const struct rows_column *c;
    const char *field, *value; /* a slice, or NULL */
    struct stats_calibration of;
};

static void calibrate(struct trusted *t)
{
    const struct row_evaluation *e = t->c->e;
    struct stats_item *list = xcalloc((size_t)e->count + 1, sizeof *list);
    int n = 0;
    for (int i = 0; i < e->count; i++) {
        const struct row *r = row_at(e, i);
        if (r->scored && isfinite(r->confidence) &&
            (!t->field || row_has_value(r, t->field, t->value)))
            list[n++] = (struct stats_item){r->confidence, r->score};
    }
    stats_calibrate(list, n, &t->of);
    free(list);
}

void compare_calibrate(const struct rows_column *c, struct stats_calibration *out)
{
    struct trusted t = {.c = c};
    calibrate(&t);
    *out = t.of;
}

static json_t *calibration_json(const struct trusted *t)
{
    const struct stats_calibration *c = &t->of;
    json_t *bins = json_array(), *risks = json_array();
    for (int i = 0; i < STATS_BINS; i++)
        if (c->bins[i].count)
            json_array_append_new(bins, json_pack("{s:f, s:f, s:i, s:f, s:f}", "from",
                                                  (double)i / STATS_BINS, "to",
                                                  (double)(i + 1) / STATS_BINS, "items",
                                                  c->bins[i].count, "confidence",
                                                  c->bins[i].confidence, "right",
                                                  c->bins[i].right));
    for (int i = 0; i < STATS_COVERAGES; i++)
        json_array_append_new(risks, json_pack("{s:f, s:o}", "coverage",
                                               (double)(i + 1) / STATS_COVERAGES, "risk",
                                               plain_number(c->risk[i])));
    json_t *v = json_pack("{s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "task",
                          t->c->e->task->name, "split", plain_string(t->c->e->split),
                          "checkpoint", plain_string(t->c->name), "items", c->count, "confidence",
                          plain_number(c->confidence), "right", plain_number(c->right), "ece",
                          plain_number(c->ece), "brier", plain_number(c->brier), "aurc",
                          plain_number(c->aurc), "reliability", bins, "risk_coverage", risks);
    if (t->field) {
        json_object_set_new(v, "field", plain_string(t->field));
        json_object_set_new(v, "value", plain_string(t->value));
    }
    return v;
}

static void calibration_line(const struct trusted *t)
{
    const struct stats_calibration *c = &t->of;
    char *name = t->field ? xasprintf("%s, %s = %s", t->c->name, t->field, t->value)
                          : xstrdup(t->c->name);
    plain_out("  %-36.36s %6d  %9.1f%% %6.1f%%  %6.4f  %6.4f  %6.4f  %5.1f%% %5.1f%% %5.1f%%\n",
              name, c->count, 100 * c->confidence, 100 * c->right, c->ece, c->brier, c->aurc,
              100 * c->risk[1], 100 * c->risk[4], 100 * c->risk[9]);
    free(name);
}

/* Bars of what is right, with the confidence as a mark. */
static void reliability_print(const struct trusted *t)
{
    enum { WIDTH = 40 };
    plain_out("  %s: confidence, items, right (#) and confidence (|)\n", t->c->name);
    for (int i = 0; i < STATS_BINS; i++) {
        const struct stats_bin *b = &t->of.bins[i];
        char bar[WIDTH + 2];
        if (b->count == 0)
            continue;
        int right = (int)(b->right * WIDTH + 0.5), sure = (int)(b->confidence * WIDTH + 0.5);
        for (int k = 0; k <= WIDTH; k++)
            bar[k] = k == sure ? '|' : k < right ? '#' : ' ';
        bar[WIDTH + 1] = '\0';
        plain_out("    %.2f to %.2f %6d  %s %5.1f%%\n", (double)i / STATS_BINS,
                  (double)(i + 1) / STATS_BINS, b->count, bar, 100 * b->right);
    }
}

static void calibration_show(const struct rows_judged *r, struct trusted *t, json_t *all)
{
    calibrate(t);
    if (t->of.count == 0 || (t->field && t->of.count < r->how.least))
        return;
    if (all)
        json_array_append_new(all, calibration_json(t));
    else
        calibration_line(t);
}

/* Each value that the field has, in the order in which they come. */
static void calibration_slices(const struct rows_judged *r, struct trusted *t, const char *field,
                               json_t *all)
{
    struct strmap seen = {0};
    const struct row_evaluation *e = t->c->e;
    for (int i = 0; i < e->count; i++) {
        const struct row *row = row_at(e, i);
        for (int k = 0; k < row->field_count; k++) {
            const struct row_field *f = &row->fields[k];
            if (strcmp(f->name, field) != 0 || strmap_get(&seen, f->value, strlen(f->value)) >= 0)
                continue;
            strmap_add(&seen, f->value, strlen(f->value), i);
            t->field = field;
            t->value = f->value;
            calibration_show(r, t, all);
        }
    }
    t->field = t->value = NULL;
    strmap_fini(&seen);
}

static void calibration_group(const struct rows_judged *r, const struct rows_group *g, json_t *all)
{
    char *name = rows_group_name(g);
    if (!all)
        plain_out("\n%s: calibration (risk: wrong among the surest 20 %%, 50 %%, all)\n"
                  "  %-36s %6s  %10s %7s  %6s  %6s  %6s  %s\n", name, "", "items", "confidence",
                  "right", "ECE", "Brier", "AURC", "risk");
    free(name);
    for (int i = 0; i < g->column_count; i++) {
        struct trusted t = {.g = g, .c = &g->columns[i]};
        calibration_show(r, &t, all);
        for (int f = 0; f < r->o->slices.count; f++)
            if (!strchr(r->o->slices.list[f], ','))
                calibration_slices(r, &t, r->o->slices.list[f], all);
        calibrate(&t);
        if (!all && t.of.count)
            reliability_print(&t);
    }
}

void compare_print_calibration(const struct rows_judged *r)
{
    json_t *all = r->json ? json_array() : NULL;
    for (int i = 0; i < r->group_count; i++)
        calibration_group(r, &r->groups[i], all);
    if (all)
        json_object_set_new(r->json, "calibration", all);
}

/* ---- confusion */

struct confused {
    char *key;                  /* right, NUL, answer: in words */
    const char *right, *answer;
    int *counts;                /* (columns of the group) */
    int sum;
};
struct confusing {
    const struct rows_group *g;
    struct strmap words, known; /* of the number of a class: its word; of a key: its entry */
    const char **answers;       /* (answer_count) */
    char **numbers;
    int answer_count;
    struct confused *list;
    int count, wrong;
};

/* Rows have what was chosen in words and, of vocabularies, what is right as a class: its word is
 * known where some item was answered with it. */
static void confusion_learn(struct confusing *x, const struct row_evaluation *e)
{
    for (int i = 0; i < e->count; i++) {
        char number[32];
        const struct row *r = row_at(e, i);
        size_t n = (size_t)snprintf(number, sizeof number, "%d", r->choice);
        if (strmap_get(&x->words, number, n) >= 0)
            continue;
        size_t count = (size_t)x->answer_count + 1;
        x->answers = xreallocarray(x->answers, count, sizeof *x->answers);
        x->numbers = xreallocarray(x->numbers, count, sizeof *x->numbers);
        x->answers[x->answer_count] = r->answer;
        x->numbers[x->answer_count] = xstrdup(number);
        strmap_add(&x->words, x->numbers[x->answer_count], n, x->answer_count);
        x->answer_count++;
    }
}

static const char *confusion_word(const struct confusing *x, const struct row *r)
{
    int at = r->task->reading->listed && !r->right_named
                 ? strmap_get(&x->words, r->right, strlen(r->right)) : -1;
    return at >= 0 ? x->answers[at] : r->right;
}

static void confusion_add(struct confusing *x, const struct row *r, int column)
{
    const char *right = confusion_word(x, r);
    struct buf key = {0};
    buf_add(&key, right, strlen(right) + 1);
    buf_puts(&key, r->answer);
    int at = strmap_get(&x->known, key.data, key.len);
    if (at < 0) {
        at = x->count++;
        x->list = xreallocarray(x->list, (size_t)x->count, sizeof *x->list);
        x->list[at] = (struct confused){
            .key = key.data, .right = key.data, .answer = key.data + strlen(right) + 1,
            .counts = xcalloc((size_t)x->g->column_count, sizeof *x->list[at].counts)};
        strmap_add(&x->known, key.data, key.len, at);
    } else {
        buf_fini(&key);
    }
    x->list[at].counts[column]++;
    x->list[at].sum++;
    x->wrong++;
}

static int confused_most(const void *a, const void *b)
{
    const struct confused *x = a, *y = b;
    if (x->sum != y->sum)
        return x->sum > y->sum ? -1 : 1;
    int c = strcmp(x->right, y->right);
    return c ? c : strcmp(x->answer, y->answer);
}

static json_t *confusion_json(const struct confusing *x, int top)
{
    json_t *pairs = json_array(), *names = json_array();
    for (int c = 0; c < x->g->column_count; c++)
        json_array_append_new(names, plain_string(x->g->columns[c].name));
    for (int i = 0; i < top; i++) {
        json_t *counts = json_array();
        for (int c = 0; c < x->g->column_count; c++)
            json_array_append_new(counts, json_integer(x->list[i].counts[c]));
        json_array_append_new(pairs, json_pack("{s:o, s:o, s:o}", "right",
                                               plain_string(x->list[i].right), "answer",
                                               plain_string(x->list[i].answer), "items", counts));
    }
    return json_pack("{s:s, s:o, s:o, s:i, s:o}", "task", x->g->columns[0].e->task->name, "split",
                     plain_string(x->g->columns[0].e->split), "checkpoints", names, "wrong",
                     x->wrong, "pairs", pairs);
}

static void confusion_text(const struct confusing *x, int top)
{
    char *name = rows_group_name(x->g);
    plain_out("\n%s: what is taken for what, items\n  %-26s %-26s", name, "right", "answer");
    for (int c = 0; c < x->g->column_count; c++)
        plain_out(" %10.10s", x->g->columns[c].name);
    putchar('\n');
    for (int i = 0; i < top; i++) {
        plain_out("  %-26.26s %-26.26s", x->list[i].right, x->list[i].answer);
        for (int c = 0; c < x->g->column_count; c++)
            printf(" %10d", x->list[i].counts[c]);
        putchar('\n');
    }
    if (top < x->count)
        plain_out("  ... %d more pairs: --top 0 shows all\n", x->count - top);
    free(name);
}

static void confusion_fini(struct confusing *x)
{
    for (int i = 0; i < x->count; i++) {
        free(x->list[i].key);
        free(x->list[i].counts);
    }
    for (int i = 0; i < x->answer_count; i++)
        free(x->numbers[i]);
    free(x->list);
    free(x->numbers);
    free(x->answers);
    strmap_fini(&x->words);
    strmap_fini(&x->known);
}

/* Of what is named in words only: a region is no other one's name. */
static void confusion_group(const struct rows_judged *r, const struct rows_group *g, json_t *all)
{
    struct confusing x = {.g = g};
    if (g->columns[0].e->task->reading->ranked != RANKED_LABELS)
        return;
    for (int c = 0; c < g->column_count; c++)
        confusion_learn(&x, g->columns[c].e);
    for (int c = 0; c < g->column_count; c++)
        for (int i = 0; i < g->columns[c].e->count; i++) {
            const struct row *row = row_at(g->columns[c].e, i);
            if (row->scored && !row->correct && row->right)
                confusion_add(&x, row, c);
        }
    vs_sort(x.list, (size_t)x.count, sizeof *x.list, confused_most);
    int top = r->o->top && r->o->top < x.count ? r->o->top : x.count;
    if (all)
        json_array_append_new(all, confusion_json(&x, top));
    else
        confusion_text(&x, top);
    confusion_fini(&x);
}

void compare_print_confusion(const struct rows_judged *r)
{
    json_t *all = r->json ? json_array() : NULL;
    for (int i = 0; i < r->group_count; i++)
        confusion_group(r, &r->groups[i], all);
    if (all)
        json_object_set_new(r->json, "confusion", all);
}
