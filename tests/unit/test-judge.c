/* SPDX-License-Identifier: MIT */
/* Two evaluations judged by their rows, against what was counted by hand. An item that is matched
 * with another one, images that are taken for items, a slice with the items of its neighbour, or a
 * difference of slices that is not corrected for how many there are breaks it. */
#include "rows.h"
#include "tap.h"

#include "src/study/judge.h"

#include <math.h>

#define ITEMS 200

/* a is right in every fourth item, b in the odd ones and in every tenth. */
static bool is_right(int i, bool b)
{
    return b ? i % 2 || i % 10 == 0 : i % 4 == 0;
}

static bool fill(struct rowset *s, const char *name, bool b, int skip, struct vs_err *err)
{
    struct buf line = {0};
    bool good = true;
    rowset_begin(s, name);
    for (int i = 0; i < ITEMS && good; i++) {
        line.len = 0;
        add_row(&line, name, i, is_right(i, b));
        if (i != skip)
            good = rowset_add_line(s, line.data, line.len - 1, name, err) == 0;
    }
    buf_fini(&line);
    return good && rowset_finish(s, err) == 0;
}

static const struct judge_slice *find(const struct judge_slices *s, const char *field,
                                      const char *value)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->list[i].field[0], field) == 0 && strcmp(s->list[i].value[0], value) == 0)
            return &s->list[i];
    return NULL;
}

static void differences(const struct rowset *s, const struct judge_options *o)
{
    struct judge_items m;
    struct judged j;
    struct vs_err err = {0};
    int rc = judge_match(&s->list[0], &s->list[1], &m, &err);
    ok(rc == 0 && m.count == ITEMS - 2 && m.only_a == 1 && m.only_b == 1 && m.clusters == ITEMS / 2,
       "items that both have, of half as many images: %d of %d %s", m.count, m.clusters, err.text);
    judge_compare(&m, NULL, m.count, o, &j);
    /* a is right in 50 (0, 4, 8, ...), b in 120 (100 odd ones, 20 tens), both in the ten twenties;
     * without items 0 and 3, which one of them lacks. */
    ok(j.both == 9 && j.only_a == 40 && j.only_b == 109 && j.neither == 40,
       "both %d, only a %d, only b %d, neither %d", j.both, j.only_a, j.only_b, j.neither);
    ok(fabs(j.a - 49. / 198) < 1e-12 && fabs(j.b - 118. / 198) < 1e-12 &&
       fabs(j.difference - 69. / 198) < 1e-12, "scores %.4f and %.4f", j.a, j.b);
    /* Images have an even and an odd item: the difference varies less between them than between
     * items, so its interval is narrow. */
    ok(j.low < j.difference && j.high > j.difference && j.high - j.low < 0.16,
       "the interval: %.3f to %.3f", j.low, j.high);
    ok(fabs(j.p - stats_mcnemar(40, 109)) < 1e-15 && judge_verdict(&j) == JUDGED_B,
       "McNemar's p %.3g: b is better", j.p);
    j.adjusted = 0.06;
    ok(judge_verdict(&j) == JUDGED_MAYBE, "unless it is one of so many");
    j.low = -0.1;
    j.p = 0.06;
    ok(judge_verdict(&j) == JUDGED_OPEN, "nothing is shown");
    judge_items_fini(&m);
}

static void slices(const struct rowset *s, const struct judge_options *o)
{
    struct judge_items m;
    struct judge_slices all;
    struct vs_err err = {0};
    judge_match(&s->list[0], &s->list[1], &m, &err);
    judge_slice(&m, &(struct judge_fields){.first = "kind"}, o, &all);
    const struct judge_slice *even = find(&all, "kind", "even"), *odd = find(&all, "kind", "odd");
    ok(all.count == 2 && all.list == odd && even && odd->judged.items == 99 &&
       even->judged.items == 99, "two kinds, the larger difference first");
    ok(odd && odd->judged.only_b == 99 && odd->judged.difference == 1 && even &&
       even->judged.only_a == 40 && even->judged.only_b == 10, "each with its own items");
    ok(even && fabs(even->judged.adjusted - even->judged.p) < 1e-15 && odd &&
       odd->judged.adjusted < 2.1 * odd->judged.p, "corrected as one of two");
    judge_slices_fini(&all);
    judge_slice(&m, &(struct judge_fields){.first = "kind", .second = "first_word"}, o, &all);
    ok(all.count == 2 && all.list[0].judged.items == 99 && all.list[0].field[1],
       "two fields crossed: %d", all.count);
    judge_slices_fini(&all);
    judge_slice(&m, &(struct judge_fields){.crossed = true}, o, &all);
    const struct judge_slice *first = all.count ? &all.list[0] : NULL;
    char *name = first ? judge_slice_name(first) : NULL;
    ok(all.count > 3 && first && first->field[1] && first->judged.adjusted < 0.05 && name &&
       strstr(name, " = ") && strstr(name, ", "), "crossings: %d, the first is %s", all.count,
       name ? name : "-");
    free(name);
    judge_slices_fini(&all);
    judge_slice(&m, &(struct judge_fields){.first = "turns"}, o, &all);
    ok(all.small > 10 && all.count == 3, "values with few items are counted: %d", all.small);
    judge_slices_fini(&all);
    judge_items_fini(&m);
}

static void other_data(void)
{
    struct rowset s = {0};
    struct judge_items m;
    struct vs_err err = {0};
    struct buf b = {0};
    for (int i = 0; i < 2; i++) {
        rowset_begin(&s, "x");
        b.len = 0;
        add_row(&b, "x", 4, true);
        if (i)
            memcpy(strstr(b.data, "dev-4"), "dev-5", 5);
        rowset_add_line(&s, b.data, b.len - 1, "x", &err);
    }
    ok(judge_match(&s.list[0], &s.list[1], &m, &err) == VS_E_FORMAT && strstr(err.text, "dev-5"),
       "%s", err.text);
    judge_items_fini(&m);
    rowset_fini(&s);
    buf_fini(&b);
}

int main(void)
{
    const struct judge_options o = {.resamples = 2000, .seed = 1, .least = 20};
    struct rowset s = {0};
    struct vs_err err = {0};
    if (ok(fill(&s, "a", false, 3, &err) && fill(&s, "b", true, 0, &err) && s.count == 2,
           "two evaluations %s", err.text)) {
        differences(&s, &o);
        slices(&s, &o);
    }
    rowset_fini(&s);
    other_data();
    return tap_done();
}
