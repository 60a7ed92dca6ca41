/* SPDX-License-Identifier: MIT */
/* vilscope eval --data: scores as a table and as JSON. */
#include "src/cmd/cmd_eval.h"

#include "src/cmd/vilscope.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void column_print_attention(const struct column *list, int count)
{
    int from = 0;
    while (from < count - 1 && list[from].attention.count == 0)
        from++;
    const struct eval_attention *first = &list[from].attention;
    if (first->count == 0)
        return;
    plain_out("\npointing game, %d phrases (mean of heads; best head, chosen on the other items, "
              "%d folds):\n"
              "%-12s %6s %7s\n", first->count,
              first->count < EVAL_FOLDS ? first->count : EVAL_FOLDS, "", "", "chance");
    for (int l = 0; l < first->layers; l++) {
        plain_out("layer %-6d %6s %6.1f%%", l + 1, "", 100 * first->blind / first->count);
        for (int i = 0; i < count; i++) {
            const struct eval_attention *a = &list[i].attention;
            if (a->count == 0 || l >= a->layers) {
                plain_out("  %14s       -", "-");
                continue;
            }
            double chosen = eval_attention_chosen(a, l);
            printf("  %13.1f%%", 100 * eval_attention_share(a, l, 0));
            printf(isfinite(chosen) ? " %6.1f%%" : "       -", 100 * chosen);
        }
        putchar('\n');
    }
}

/* best_head_cross_validated: of heads that were chosen on other items; head: the one chosen on all
 * of them. */
static json_t *attention_json(const struct eval_attention *a)
{
    json_t *layers = json_array();
    for (int l = 0; l < a->layers && a->count; l++) {
        double chosen = eval_attention_chosen(a, l);
        json_array_append_new(layers, json_pack("{s:f, s:o, s:i}", "mean_of_heads",
                                                eval_attention_share(a, l, 0),
                                                "best_head_cross_validated",
                                                plain_number(chosen), "head",
                                                eval_attention_best(a, l)));
    }
    return json_pack("{s:i, s:i, s:f, s:o}", "items", a->count, "folds", EVAL_FOLDS, "blind",
                     a->count ? a->blind / a->count : 0, "layers", layers);
}

void eval_interval_text(double score, double low, double high, char *out, size_t size)
{
    double ends[2] = {100 * low, 100 * high};
    char text[2][16];
    for (int i = 0; i < 2; i++)
        snprintf(text[i], sizeof text[i], ends[i] >= 99.95 || ends[i] < 0.05 ? "%.0f" : "%.1f",
                 ends[i]);
    snprintf(out, size, "%.1f%% (%s to %s)", 100 * score, text[0], text[1]);
}

static void put_interval(const struct eval_score *s)
{
    char text[48] = "-";
    if (s->count)
        eval_interval_text(s->score, s->low, s->high, text, sizeof text);
    plain_out("  %22s", text);
}

/* A task's score of the first checkpoint that has one. */
static const struct eval_score *first_score(const struct column *list, int count, int t)
{
    int i = 0;
    while (i < count - 1 && list[i].scores[t].count == 0)
        i++;
    return &list[i].scores[t];
}

static void put_recall(const struct eval_score *s)
{
    if (s->count)
        printf("  %14.1f%% %5.1f%%", 100 * (s->pairs ? s->text : s->at5),
               100 * (s->pairs ? s->image : s->at10));
    else
        plain_out("  %22s", "-");
}

/* ---- retrieval, both ways */

static void put_recalls(const char *what, const struct reference_recall *r, int of)
{
    plain_out("%s R@1 %.1f%%, R@5 %.1f%%, R@10 %.1f%%; rank: median %.0f, mean %.2f of %d\n", what,
              r->r1, r->r5, r->r10, r->medr, r->meanr, of);
}

void eval_print_recalls(const struct reference_sums *s, int indent)
{
    put_recalls("images by captions:", &s->images, s->pool);
    plain_out("%*s", indent, "");
    put_recalls("captions by images:", &s->captions, s->items);
}

void column_print_pools(const struct model *m, const struct column *list, int count)
{
    for (int i = 0; i < count; i++) {
        if (list[i].e.sums.pool == 0)
            continue;
        plain_out("\n%s\n  ", model_checkpoint_name(m, list[i].checkpoint));
        eval_print_recalls(&list[i].e.sums, 2);
    }
}

void eval_recalls(const struct reference_recall *r, struct eval_number out[EVAL_RECALLS])
{
    const struct eval_number all[EVAL_RECALLS] = {
        {"r1", r->r1}, {"r5", r->r5}, {"r10", r->r10}, {"medr", r->medr}, {"meanr", r->meanr}};
    memcpy(out, all, sizeof all);
}

static void add_recall(json_t *v, const char *before, const struct reference_recall *r)
{
    struct eval_number all[EVAL_RECALLS];
    eval_recalls(r, all);
    for (int i = 0; i < EVAL_RECALLS; i++) {
        char *key = xasprintf("%s%s", before, all[i].name);
        json_object_set_new(v, key, json_real(all[i].v));
        free(key);
    }
}

/* ---- the table */

void column_print_table(const struct model *m, const struct column *list, int count)
{
    plain_out("%-12s %6s %7s", "task", "items", "blind");
    for (int i = 0; i < count; i++)
        plain_out("  %22.22s", model_checkpoint_name(m, list[i].checkpoint));
    putchar('\n');
    for (int t = 0; t < task_count; t++) {
        const struct eval_score *first = first_score(list, count, t);
        if (first->count == 0)
            continue;
        plain_out("%-12s %6d %6.1f%%", task_table[t].name, first->count, 100 * first->baseline);
        for (int i = 0; i < count; i++)
            put_interval(&list[i].scores[t]);
        putchar('\n');
        if (task_table[t].reading->ranked == RANKED_IMAGES && (!first->foils || first->pairs)) {
            plain_out("%-12s %6s %7s", first->pairs ? "  text, image" : "  at 5, 10", "", "");
            for (int i = 0; i < count; i++)
                put_recall(&list[i].scores[t]);
            putchar('\n');
        }
    }
}

/* Regions are the same for all checkpoints, but not all have the same tasks. */
void column_print_recall(const struct column *list, int count)
{
    long named = 0, found = 0;
    for (int t = 0; t < task_count && count; t++) {
        const struct eval_score *s = first_score(list, count, t);
        named += s->named;
        found += s->found;
    }
    if (named)
        printf("\n%.1f%% of %ld boxes, named or candidates, have a region that overlaps them by "
               "0.5\n", 100.0 * (double)found / (double)named, named);
}

/* So are words and pictures. */
void column_print_foreign(const struct column *list, int count)
{
    int foreign = 0, all = 0;
    for (int t = 0; t < task_count && count; t++) {
        const struct eval_score *s = first_score(list, count, t);
        foreign += s->foreign;
        all += s->count;
    }
    if (foreign)
        fprintf(stderr, "vilscope eval: note: %d of %d items have words, or images, that the "
                "model was not trained on\n", foreign, all);
}

void eval_say_unlisted(const char *command, const struct task *t, int unlisted, int items)
{
    if (unlisted)
        plain_text(stderr, "vilscope %s: note: %s: for %d of %d items no correct answer is in the "
                   "model's answer list: %s\n", command, t->name, unlisted, items,
                   unlisted == items ? "is it the list of another data set?"
                   : unlisted == 1   ? "it counts as wrong"
                                     : "they count as wrong");
}

/* And what is right. */
void column_print_unlisted(const struct column *list, int count)
{
    for (int t = 0; t < task_count && count; t++) {
        const struct eval_score *s = first_score(list, count, t);
        eval_say_unlisted("eval", &task_table[t], s->unlisted, s->count);
    }
}

int column_answered(const struct column *c, bool scored)
{
    int n = 0;
    for (int t = 0; t < task_count; t++)
        n += scored ? c->scores[t].count : c->scores[t].answered;
    return n;
}

static int asked(const struct column *c)
{
    return c->gone.items + column_answered(c, true) + column_answered(c, false);
}

const struct column *column_widest(const struct column *list, int count)
{
    const struct column *c = list;
    for (int i = 1; i < count; i++)
        if (asked(&list[i]) > asked(c))
            c = &list[i];
    return c;
}

void column_print_gone(const struct column *c)
{
    if (c->gone.items)
        plain_text(stderr, "vilscope eval: note: %d of %d items are left out: %d of their images "
                   "%s not there, the first is %s\n", c->gone.items, asked(c), c->gone.pictures,
                   c->gone.pictures == 1 ? "is" : "are", c->gone.first);
}

const char *eval_metric(const struct task *t, int foils, int pairs)
{
    return pairs   ? "share of pairs of which all four are right"
           : foils ? "share of captions above all their foils"
                   : t->metric;
}

static json_t *score_json(const struct eval_score *s, const struct reference_sums *all)
{
    json_t *v = json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f}", "task", s->task->name,
                          "metric", eval_metric(s->task, s->foils, s->pairs), "items", s->count,
                          "score", s->score, "low", s->low, "high", s->high, "baseline",
                          s->baseline, "ms_per_item", s->ms);
    if (s->pairs) {
        json_object_set_new(v, "text_score", json_real(s->text));
        json_object_set_new(v, "image_score", json_real(s->image));
    }
    if (s->task->reading->ranked == RANKED_IMAGES && !s->foils) {
        json_object_set_new(v, "recall_at_5", json_real(s->at5));
        json_object_set_new(v, "recall_at_10", json_real(s->at10));
    }
    if (all->pool) {
        add_recall(v, "", &all->images);
        json_object_set_new(v, "images", json_integer(all->pool));
        add_recall(v, "captions_", &all->captions);
    }
    if (s->foreign)
        json_object_set_new(v, "outside_domain", json_integer(s->foreign));
    if (s->unlisted)
        json_object_set_new(v, "unlisted", json_integer(s->unlisted));
    if (s->named) {
        json_object_set_new(v, "boxes", json_integer(s->named));
        json_object_set_new(v, "region_recall", json_real((double)s->found / s->named));
    }
    return v;
}

static json_t *flaws_json(const struct evaluation *e)
{
    json_t *list = json_array();
    for (int i = 0; i < e->flaw_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "item", plain_string(e->flaws[i].item),
                                              "why", plain_string(e->flaws[i].why)));
    return list;
}

void column_print_json(const struct model *m, const struct eval_set *set,
                       const struct column *list, int count, bool interrupted)
{
    json_t *all = json_array();
    for (int i = 0; i < count; i++) {
        json_t *scores = json_array();
        for (int t = 0; t < task_count; t++)
            if (list[i].scores[t].count && !list[i].diverged)
                json_array_append_new(scores, score_json(&list[i].scores[t], &list[i].e.sums));
        json_t *one = json_pack("{s:o, s:o, s:o}", "checkpoint",
                                plain_string(model_checkpoint_name(m, list[i].checkpoint)), "path",
                                plain_string(model_checkpoint_path(m, list[i].checkpoint)),
                                "scores", scores);
        if (list[i].diverged)
            json_object_set_new(one, "diverged", json_string(list[i].diverged));
        else if (list[i].attention.count)
            json_object_set_new(one, "attention", attention_json(&list[i].attention));
        if (list[i].e.flaw_count)
            json_object_set_new(one, "not_asked", flaws_json(&list[i].e));
        json_array_append_new(all, one);
    }
    json_t *v = json_pack("{s:o, s:o, s:s, s:o}", "model", plain_string(model_name(m)), "data",
                          plain_string(set->path), "data_digest", set->digest, "checkpoints", all);
    const struct column *most = column_widest(list, count);
    int open = count ? column_answered(most, false) : 0;
    if (v && open)
        json_object_set_new(v, "answered_without_score", json_integer(open));
    if (v && count && most->gone.items)
        json_object_set_new(v, "left_out",
                            json_pack("{s:i, s:i, s:o}", "items", most->gone.items,
                                      "missing_pictures", most->gone.pictures, "first",
                                      plain_string(most->gone.first)));
    if (v && interrupted)
        json_object_set_new(v, "interrupted", json_true());
    command_json(v, JSON_INDENT(1));
}

int column_order(struct column *list, int count, int sound, struct vs_err *err)
{
    struct column *copy = xcalloc((size_t)count + 1, sizeof *copy);
    int good = 0, bad = sound;
    memcpy(copy, list, (size_t)count * sizeof *copy);
    for (int i = 0; i < count; i++)
        list[copy[i].diverged ? bad++ : good++] = copy[i];
    free(copy);
    if (sound == 0 && count > 0)
        return vs_fail(err, VS_E_DIVERGED, "%s", list[0].diverged);
    return 0;
}

bool column_drop_tasks(struct column *c, const struct model *m, const struct eval_set *set,
                       const struct task *task, struct vs_err *first)
{
    struct buf notes = {0};
    c->without = xcalloc((size_t)task_count, sizeof *c->without);
    int left = eval_check_heads(set, task, m, c->checkpoint, c->without,
                                "vilscope eval: note: ", &notes, first);
    if (notes.len && (left > 0 || model_checkpoint_count(m) > 1))
        fputs(notes.data, stderr); /* errors are clean */
    bool any = left > 0 || !notes.len;
    buf_fini(&notes);
    return any;
}
