/* SPDX-License-Identifier: MIT */
/* vilscope explain: tables of methods, for people and as JSON. */
#include "src/cmd/cmd_explain.h"

#include "src/base/plain.h"
#include "src/study/statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- for people */

/* "+3.21 (2.90 to 3.52)" */
static void put_mean(const struct bootstrap *b, double scale, const char *unit)
{
    char text[64];
    if (b->count == 0)
        snprintf(text, sizeof text, "-");
    else if (isnan(b->low))
        snprintf(text, sizeof text, "%+.2f%s", stats_shown(scale * b->mean, 2), unit);
    else
        snprintf(text, sizeof text, "%+.2f%s (%+.2f to %+.2f)", stats_shown(scale * b->mean, 2),
                 unit, stats_shown(scale * b->low, 2), stats_shown(scale * b->high, 2));
    plain_out("  %-28s", text);
}

static void put_short(const struct bootstrap *b)
{
    if (b->count)
        printf("  %9.2f", stats_shown(b->mean, 2));
    else
        plain_out("  %9s", "-");
}

static void print_method(const struct explain_sums *s, int m, enum explanation_kind kind)
{
    struct bootstrap gain = explain_mean(s, m, kind, EXPLAIN_GAIN);
    struct bootstrap over = explain_mean(s, m, kind, EXPLAIN_OVER);
    struct bootstrap down = explain_mean(s, m, kind, EXPLAIN_DELETION);
    struct bootstrap up = explain_mean(s, m, kind, EXPLAIN_INSERTION);
    plain_out("%-22s", s->methods[m]);
    put_mean(&gain, 1, "");
    put_mean(&over, 1, "");
    put_short(&down);
    put_short(&up);
    putchar('\n');
}

static void print_kind(const struct explain_sums *s, enum explanation_kind kind)
{
    struct bootstrap whole = explain_mean(s, 0, kind, EXPLAIN_WHOLE);
    struct bootstrap end = explain_mean(s, 0, kind, EXPLAIN_END);
    if (whole.count == 0)
        return;
    plain_out("%-22s  %-28s  %-28s  %9s  %9s\n", explanation_kinds[kind], "insertion - deletion",
              "over random orders", "deletion", "insertion");
    for (int m = 0; m < s->method_count; m++)
        print_method(s, m, kind);
    plain_out("%s: the logit is %.2f, and %.2f with all of them removed%s\n\n",
              explanation_kinds[kind], whole.mean, end.mean,
              kind == EXPLAIN_REGIONS ? " (the whole image, region 0, stays)" : "");
}

static void print_pointing(const struct explain_sums *s)
{
    if (s->reachable + s->out_of_reach == 0)
        return;
    plain_out("pointing game: %d items, and %d in which no region overlaps a true box by 0.5\n"
              "%-22s  %-28s  %-28s\n", s->reachable, s->out_of_reach, "", "hits",
              "mass on true boxes");
    for (int m = 0; m < s->method_count && s->reachable > 0; m++) {
        struct bootstrap hit = explain_pointing(s, m, false), mass = explain_pointing(s, m, true);
        plain_out("%-22s", m < s->real ? s->methods[m] : "chance");
        put_mean(&hit, 100, "%");
        put_mean(&mass, 100, "%");
        putchar('\n');
    }
    putchar('\n');
}

static void print_heads(const struct explain_sums *s)
{
    for (int m = 0; m < s->real; m++) {
        struct bootstrap b = explain_heads(s, m);
        if (b.count == 0)
            continue;
        plain_out("heads: rank correlation of %s with leaving them out exactly", s->methods[m]);
        put_mean(&b, 1, "");
        plain_out("\n\n");
    }
}

/* A matrix: above the diagonal regions, below it words. */
static void print_agreement(const struct explain_sums *s)
{
    plain_out("rank correlation of methods (above the diagonal: regions, below: words)\n%-22s", "");
    for (int m = 0; m < s->real; m++)
        plain_out(" %6.6s", s->methods[m]);
    putchar('\n');
    for (int i = 0; i < s->real; i++) {
        plain_out("%-22s", s->methods[i]);
        for (int j = 0; j < s->real; j++) {
            int low = i < j ? i : j, high = i < j ? j : i;
            struct bootstrap b = {.count = 0};
            if (i != j)
                b = explain_agreement(s, low, high, i < j ? EXPLAIN_REGIONS : EXPLAIN_WORDS);
            if (b.count)
                printf(" %+6.2f", b.mean);
            else
                plain_out(" %6s", "-");
        }
        putchar('\n');
    }
    putchar('\n');
}

void explain_print_text(const struct explain_column *c, bool agreement)
{
    const struct explain_sums *s = &c->sums;
    struct bootstrap any = explain_mean(s, 0, EXPLAIN_WORDS, EXPLAIN_WHOLE);
    struct bootstrap other = explain_mean(s, 0, EXPLAIN_REGIONS, EXPLAIN_WHOLE);
    plain_out("%s on %s: %d items, %d groups of images\n", c->task->name, c->checkpoint, s->items,
              any.clusters > other.clusters ? any.clusters : other.clusters);
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        print_kind(s, (enum explanation_kind)k);
    print_pointing(s);
    print_heads(s);
    if (agreement && s->real > 1)
        print_agreement(s);
}

/* ---- JSON */

static json_t *mean_json(const struct bootstrap *b)
{
    return json_pack("{s:o, s:o, s:o, s:i, s:i}", "mean", plain_number(b->mean), "low",
                     plain_number(b->low), "high", plain_number(b->high), "n", b->count, "groups",
                     b->clusters);
}

static json_t *kind_json(const struct explain_sums *s, int m, enum explanation_kind kind)
{
    json_t *v = json_object();
    for (int i = 0; i < EXPLAIN_MEASURES; i++) {
        struct bootstrap b = explain_mean(s, m, kind, (enum explain_measure)i);
        if (b.count)
            json_object_set_new(v, explain_measures[i], mean_json(&b));
    }
    return v;
}

static json_t *method_json(const struct explain_sums *s, int m)
{
    json_t *v = json_pack("{s:s}", "method", s->methods[m]);
    for (int k = 0; k < EXPLAIN_KINDS; k++)
        json_object_set_new(v, explanation_kinds[k], kind_json(s, m, (enum explanation_kind)k));
    struct bootstrap hit = explain_pointing(s, m, false), mass = explain_pointing(s, m, true);
    struct bootstrap heads = explain_heads(s, m);
    if (heads.count)
        json_object_set_new(v, "heads", mean_json(&heads));
    if (hit.count)
        json_object_set_new(v, "hits", mean_json(&hit));
    if (mass.count)
        json_object_set_new(v, "mass", mean_json(&mass));
    return v;
}

static json_t *agreements_json(const struct explain_sums *s)
{
    json_t *list = json_array();
    for (int i = 0; i < s->real; i++)
        for (int j = i + 1; j < s->real; j++) {
            json_t *v = json_pack("{s:[s, s]}", "methods", s->methods[i], s->methods[j]);
            for (int k = 0; k < EXPLAIN_KINDS; k++) {
                struct bootstrap b = explain_agreement(s, i, j, (enum explanation_kind)k);
                json_object_set_new(v, explanation_kinds[k], mean_json(&b));
            }
            json_array_append_new(list, v);
        }
    return list;
}

json_t *explain_column_json(const struct explain_column *c)
{
    const struct explain_sums *s = &c->sums;
    json_t *tests = json_array();
    for (int m = 0; m < s->method_count; m++)
        json_array_append_new(tests, method_json(s, m));
    json_t *v = json_pack("{s:o, s:s, s:i, s:o, s:o}", "checkpoint", plain_string(c->checkpoint),
                          "task", c->task->name, "items", s->items, "tests", tests, "agreement",
                          agreements_json(s));
    if (v && s->reachable + s->out_of_reach)
        json_object_set_new(v, "pointing", json_pack("{s:i, s:i}", "items", s->reachable,
                                                     "out_of_reach", s->out_of_reach));
    return v;
}
