/* SPDX-License-Identifier: MIT */
/* Rows of tested explanations as columns of numbers. */
#include "src/study/explain_sums.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const explain_measures[EXPLAIN_MEASURES] = {
    "gain", "over_random", "deletion", "insertion", "whole", "end", "gain_probability"};

/* ---- columns: of each method its measures by kind, heads, hits, mass; then agreements by kind */

#define EACH (EXPLAIN_KINDS * EXPLAIN_MEASURES + 3)

static int sums_column(int method, enum explanation_kind kind, enum explain_measure measure)
{
    return method * EACH + (int)kind * EXPLAIN_MEASURES + (int)measure;
}

static int sums_pairs(const struct explain_sums *s)
{
    return s->real * (s->real - 1) / 2;
}

/* Pairs in the order of rows: (0, 1), (0, 2), ..., (1, 2), ... */
static int sums_pair(const struct explain_sums *s, int a, int b, enum explanation_kind kind)
{
    int place = a * (2 * s->real - a - 1) / 2 + b - a - 1;
    return s->method_count * EACH + (int)kind * sums_pairs(s) + place;
}

static double sums_number(const json_t *v, const char *key)
{
    const json_t *x = json_object_get(v, key);
    return json_is_number(x) ? json_number_value(x) : (double)NAN;
}

/* ---- taking in */

static void sums_begin(struct explain_sums *s, const json_t *tests)
{
    s->method_count = (int)json_array_size(tests);
    s->methods = xcalloc((size_t)s->method_count + 1, sizeof(char *));
    for (int i = 0; i < s->method_count; i++) {
        const char *name = json_string_value(
            json_object_get(json_array_get(tests, (size_t)i), "method"));
        s->methods[i] = xstrdup(name ? name : "");
        s->real += strcmp(s->methods[i], "random") != 0;
    }
    s->columns = s->method_count * EACH + EXPLAIN_KINDS * sums_pairs(s);
    s->x = xcalloc((size_t)s->columns + 1, sizeof(double *));
}

static bool sums_same_methods(const struct explain_sums *s, const json_t *tests)
{
    bool same = (int)json_array_size(tests) == s->method_count;
    for (int i = 0; same && i < s->method_count; i++) {
        const char *name = json_string_value(
            json_object_get(json_array_get(tests, (size_t)i), "method"));
        same = name && strcmp(name, s->methods[i]) == 0;
    }
    return same;
}

static void sums_grow(struct explain_sums *s)
{
    if (s->items == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->cluster = xreallocarray(s->cluster, (size_t)s->room, sizeof *s->cluster);
        s->keys = xreallocarray(s->keys, (size_t)s->room, sizeof(char *));
        for (int c = 0; c < s->columns; c++)
            s->x[c] = xreallocarray(s->x[c], (size_t)s->room, sizeof **s->x);
    }
    for (int c = 0; c < s->columns; c++)
        s->x[c][s->items] = NAN;
}

static int sums_cluster(struct explain_sums *s, const json_t *row)
{
    struct buf key = {0};
    size_t i;
    json_t *image;
    json_array_foreach(json_object_get(row, "images"), i, image)
        buf_printf(&key, "%s\n", json_string_value(image) ? json_string_value(image) : "");
    buf_puts(&key, ".");
    size_t len = key.len;
    char *own = buf_steal(&key);
    int at = strmap_add(&s->images, own, len, s->items);
    s->keys[s->items] = at < 0 ? own : NULL;
    if (at >= 0)
        free(own);
    return at < 0 ? s->items : at;
}

static void sums_take_curves(struct explain_sums *s, int method, enum explanation_kind kind,
                             const json_t *v)
{
    const json_t *p = json_object_get(v, "probability");
    double x[EXPLAIN_MEASURES];
    x[EXPLAIN_DELETION] = sums_number(v, "deletion");
    x[EXPLAIN_INSERTION] = sums_number(v, "insertion");
    x[EXPLAIN_WHOLE] = sums_number(v, "whole");
    x[EXPLAIN_END] = sums_number(v, "end");
    x[EXPLAIN_GAIN] = x[EXPLAIN_INSERTION] - x[EXPLAIN_DELETION];
    x[EXPLAIN_GAIN_P] = sums_number(p, "insertion") - sums_number(p, "deletion");
    x[EXPLAIN_OVER] = NAN;
    for (int i = 0; i < EXPLAIN_MEASURES; i++)
        s->x[sums_column(method, kind, (enum explain_measure)i)][s->items] = x[i];
}

/* What is more than random orders have of the same item. */
static void sums_compare(struct explain_sums *s)
{
    for (int m = 0; m < s->real && s->real < s->method_count; m++)
        for (int k = 0; k < EXPLAIN_KINDS; k++) {
            enum explanation_kind kind = (enum explanation_kind)k;
            double mine = s->x[sums_column(m, kind, EXPLAIN_GAIN)][s->items];
            double floor = s->x[sums_column(s->real, kind, EXPLAIN_GAIN)][s->items];
            s->x[sums_column(m, kind, EXPLAIN_OVER)][s->items] = mine - floor;
        }
}

static void sums_take_agreement(struct explain_sums *s, const json_t *row)
{
    const json_t *all = json_object_get(row, "agreement");
    for (int k = 0; k < EXPLAIN_KINDS; k++) {
        const json_t *list = json_object_get(all, explanation_kinds[k]);
        for (int i = 0; i < sums_pairs(s); i++) {
            const json_t *x = json_array_get(list, (size_t)i);
            s->x[s->method_count * EACH + k * sums_pairs(s) + i][s->items] =
                json_is_number(x) ? json_number_value(x) : (double)NAN;
        }
    }
}

int explain_sums_add(struct explain_sums *s, const json_t *row, struct vs_err *err)
{
    const json_t *tests = json_object_get(row, "tests");
    const json_t *reachable = json_object_get(row, "reachable");
    if (!json_is_array(tests) || json_array_size(tests) > 100)
        return vs_fail(err, VS_E_FORMAT, "a row without \"tests\"");
    if (!s->x)
        sums_begin(s, tests);
    if (!sums_same_methods(s, tests))
        return vs_fail(err, VS_E_FORMAT, "a row of other methods than those before");
    sums_grow(s);
    for (int m = 0; m < s->method_count; m++) {
        const json_t *t = json_array_get(tests, (size_t)m);
        for (int k = 0; k < EXPLAIN_KINDS; k++)
            sums_take_curves(s, m, (enum explanation_kind)k,
                             json_object_get(t, explanation_kinds[k]));
        s->x[m * EACH + EACH - 3][s->items] = sums_number(t, "heads");
        s->x[m * EACH + EACH - 2][s->items] = sums_number(t, "hit");
        s->x[m * EACH + EACH - 1][s->items] = sums_number(t, "mass");
    }
    sums_compare(s);
    sums_take_agreement(s, row);
    s->cluster[s->items] = sums_cluster(s, row);
    s->reachable += json_is_true(reachable);
    s->out_of_reach += json_is_false(reachable);
    s->items++;
    return 0;
}

void explain_sums_fini(struct explain_sums *s)
{
    for (int c = 0; c < s->columns; c++)
        free(s->x[c]);
    for (int i = 0; i < s->method_count; i++)
        free(s->methods[i]);
    free(s->x);
    free(s->methods);
    for (int i = 0; i < s->items; i++)
        free(s->keys[i]);
    free(s->keys);
    free(s->cluster);
    strmap_fini(&s->images);
    *s = (struct explain_sums){0};
}

/* ---- means */

static struct bootstrap sums_mean(const struct explain_sums *s, int column)
{
    return bootstrap_mean(s->x[column], s->cluster, s->items, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
}

struct bootstrap explain_mean(const struct explain_sums *s, int method, enum explanation_kind kind,
                              enum explain_measure measure)
{
    return sums_mean(s, sums_column(method, kind, measure));
}

struct bootstrap explain_pointing(const struct explain_sums *s, int method, bool mass)
{
    return sums_mean(s, method * EACH + EACH - 2 + mass);
}

struct bootstrap explain_heads(const struct explain_sums *s, int method)
{
    return sums_mean(s, method * EACH + EACH - 3);
}

struct bootstrap explain_agreement(const struct explain_sums *s, int a, int b,
                                   enum explanation_kind kind)
{
    return sums_mean(s, sums_pair(s, a, b, kind));
}
