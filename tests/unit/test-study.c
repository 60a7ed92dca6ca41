/* SPDX-License-Identifier: MIT */
/* What is computed from a model about a model, against numpy (study.py): the effect of leaving out
 * each region, token and head on the log odds or the logit, the model with single blocks, layers
 * and heads of another checkpoint, and the smallest sets that flip an answer. A part that does not
 * take all of its weights along, a head without its columns of the output, an effect on another
 * scale, or a set that is not the smallest breaks it. */
#include "pair.h"
#include "study.h"
#include "tap.h"

#include "src/base/mem.h"
#include "src/study/bootstrap.h"
#include "src/study/compare.h"
#include "src/study/compare_cka.h"
#include "src/study/compare_patch.h"
#include "src/study/difference.h"
#include "src/study/effects.h"
#include "src/study/eval.h"
#include "src/study/removal.h"
#include "src/study/statistics.h"

#include <math.h>

#define COUNT(x) (int)(sizeof(x) / sizeof(x)[0])

static struct query about(const char *task, const char *text, struct photo **p)
{
    return (struct query){.task = task_find(task), .text = text, .photo_count = 1, .photos = p};
}

/* The largest difference of what is measured with single parts; 99 when they are others. */
static double off_values(const struct patch_result *s, const double *want, int count)
{
    double most = s->item_count == count ? 0 : 99;
    for (int i = 0; i < count && most < 99; i++)
        most = fmax(most, fabs(s->items[i].values[0] - want[i]));
    return most;
}

/* Whether the set is one of the sets of numpy. */
static bool is_smallest(const struct patch_result *s, int size, const int *sets)
{
    int bits = 0;
    for (int i = 0; i < s->set_count; i++)
        bits |= 1 << s->set[i];
    for (int i = 0; i < 8 && sets[i]; i++)
        if (sets[i] == bits)
            return s->smallest && s->set_count == size;
    return size == 0 && s->set_count == 0;
}

/* How far a share is from the way that numpy's value has gone. */
static double off_shares(const struct patch_result *s, const struct patch_golden *g,
                         const double *want)
{
    double most = 0;
    for (int i = 0; i < s->item_count; i++)
        most = fmax(most, fabs(s->items[i].share - (want[i] - g->before) / (g->after - g->before)));
    return most;
}

static void patch_level(struct model *m, struct photo **p, const struct patch_golden *g,
                        enum patch_level level, const double *want, int count, int size,
                        const int *sets)
{
    struct vs_err err = {0};
    struct patch_result *s = NULL;
    struct query q = about(g->task, g->text, p);
    struct patch_options o = {.a = 0, .b = 1, .level = level, .find_set = sets != NULL};
    const char *name = ((const char *[]){"blocks", "layers", "heads"})[level];
    if (!ok(patch_run(m, &q, 1, &o, &s, &err) == 0, "%s of \"%s\" times %g %s", name, g->text,
            g->factor, err.text))
        return;
    const struct patch_query *x = &s->queries[0];
    double ends = fmax(fabs(x->before - g->before), fabs(x->after - g->after));
    double values = off_values(s, want, count), shares = off_shares(s, g, want);
    ok(ends < 1e-4 && values < 1e-4 && shares < 1e-4,
       "log odds and shares are numpy's to %.1g, %.1g, %.1g", ends, values, shares);
    struct difference *d = difference_of_patch(m, s, &q, g->text);
    bool exact = strstr(d->data, "\"smallest_set\":[") && !strstr(d->data, "minimal_set");
    ok(exact == (count <= PATCH_ALL_SETS) && strstr(d->data, "\"scale\":\"log odds"),
       "its JSON says %s, and log odds", exact ? "smallest" : "minimal");
    difference_free(d);
    if (sets)
        ok(s->queries[0].changed == (size > 0) && is_smallest(s, size, sets),
           "%d parts flip it, by numpy %d", s->set_count, size);
    patch_free(s);
}

static void swaps(void)
{
    for (int i = 0; i < COUNT(patch_goldens); i++) {
        const struct patch_golden *g = &patch_goldens[i];
        struct model *m = NULL;
        struct photo *p = NULL;
        if (!open_pair("", g->factor, &m, &p))
            continue;
        patch_level(m, &p, g, PATCH_BLOCKS, g->blocks, COUNT(g->blocks), g->block_size,
                    g->block_sets);
        patch_level(m, &p, g, PATCH_LAYERS, g->layers, COUNT(g->layers), g->layer_size,
                    g->layer_sets);
        patch_level(m, &p, g, PATCH_HEADS, g->heads, COUNT(g->heads), 0, NULL);
        close_pair(m, p);
    }
}

/* Whether the set without item `left` (-1: all of it) gives b's answer. */
static bool gives(struct model *m, struct query q, const struct patch_result *s, int left)
{
    struct vs_err err = {0};
    struct result *mixed = NULL, *b = NULL;
    struct change *list = xcalloc((size_t)s->set_count + 1, sizeof *list);
    for (int i = 0; i < s->set_count; i++)
        if (i != left)
            list[q.change_count++] = s->items[s->set[i]].change;
    struct query other = q;
    other.checkpoint = 1;
    other.change_count = 0;
    q.changes = list;
    bool same = query_run(m, &q, NULL, &mixed, &err) == 0 &&
                query_run(m, &other, NULL, &b, &err) == 0 &&
                compare_key(mixed, 0) == compare_key(b, 0);
    result_free(mixed);
    result_free(b);
    free(list);
    return same;
}

/* Of more parts than all sets are tried of a minimal set is found, and is one. json: what its JSON
 * begins with, or NULL. */
static void minimal(const char *prefix, double factor, const char *task, const char *text,
                    const char *json)
{
    struct model *m = NULL;
    struct photo *p = NULL;
    struct vs_err err = {0};
    struct patch_result *s = NULL;
    if (!open_pair(prefix, factor, &m, &p))
        return;
    struct query q = about(task, text, &p);
    struct patch_options o = {.a = 0, .b = 1, .level = PATCH_HEADS, .find_set = true};
    int rc = patch_run(m, &q, 1, &o, &s, &err);
    if (!ok(rc == 0 && s->item_count > PATCH_ALL_SETS && !s->smallest && s->set_count > 1,
            "of %d heads a minimal set is looked for %s", rc == 0 ? s->item_count : 0, err.text))
        return;
    bool needed = true;
    for (int i = 0; i < s->set_count; i++)
        needed = needed && !gives(m, q, s, i);
    ok(gives(m, q, s, -1) && needed, "%d heads flip the answer, none can be left out",
       s->set_count);
    struct difference *d = difference_of_patch(m, s, &q, text);
    ok((!json || strstr(d->data, json)) && !strstr(d->data, "smallest_set"),
       "and its JSON says minimal");
    difference_free(d);
    patch_free(s);
    close_pair(m, p);
}

/* Heads that are needed beside others, but no more once those are gone, too. */
static void minimal_sets(void)
{
    minimal("bert.encoder.c_layer.", -3, "refcoco", "what color",
            "\"minimal_set\":[\"co-attention layer");
    minimal("bert.encoder.v_layer.", 0.2, "vqa", "where is the dog", NULL);
    minimal("bert.encoder.v_layer.", -0.5, "gqa", "how many", NULL);
}

/* ---- leaving out */

static double off_effects(struct model *m, struct query q, enum effects_of of, double whole,
                          const double *want, int count)
{
    struct vs_err err = {0};
    struct effects *e = NULL;
    double most = 0;
    if (effects_run(m, &q, of, -1, KERN_ZERO, NULL, NULL, NULL, &e, &err) != 0 ||
        e->count != count) {
        printf("# %d of %d: %s\n", e ? e->count : 0, count, err.text);
        effects_free(e);
        return 99;
    }
    most = fabs(e->measure - whole);
    for (int i = 0; i < count; i++) {
        double d = fabs(e->items[i].measure - want[i]);
        if (isnan(want[i]) ? !isnan(e->items[i].effect)
                           : !(fabs(e->items[i].effect - (want[i] - whole)) < 4e-5))
            most = 99;
        most = isnan(want[i]) ? most : fmax(most, d);
    }
    effects_free(e);
    return most;
}

static void effects(struct model *m, struct photo *p)
{
    for (int i = 0; i < COUNT(effect_goldens); i++) {
        const struct effect_golden *g = &effect_goldens[i];
        struct query q = about(g->task, g->text, &p);
        int words = 0;
        while (words < COUNT(g->tokens) && g->tokens[words] != 0)
            words++;
        double regions = off_effects(m, q, EFFECTS_REGIONS, g->measure, g->regions,
                                     COUNT(g->regions));
        double tokens = off_effects(m, q, EFFECTS_TOKENS, g->measure, g->tokens, words);
        double heads = off_effects(m, q, EFFECTS_HEADS, g->measure, g->heads, COUNT(g->heads));
        ok(regions < 2e-5 && tokens < 2e-5 && heads < 2e-5,
           "%s: leaving out regions, tokens, heads as in numpy to %.1g, %.1g, %.1g", g->task,
           regions, tokens, heads);
    }
}

/* Of two images each has its own logit: what the other loses is nothing to it. */
static void two_images(struct model *m, struct photo *p)
{
    struct vs_err err = {0};
    struct photo_options how = {0};
    struct photo *both[2] = {p, NULL};
    struct effects *e = NULL;
    const struct effect_golden *g = &effect_goldens[2];
    struct query q = {.task = task_find("coco"), .text = g->text, .photo_count = 2,
                      .photos = both};
    int n = COUNT(g->regions);
    double own = 0, others = 0;
    if (!ok(photo_open(source_path("tests/data/tiny/mirror.png"), &how, &both[1], &err) == 0 &&
            effects_run(m, &q, EFFECTS_REGIONS, 0, KERN_ZERO, NULL, NULL, NULL, &e, &err) == 0,
            "two images %s", err.text))
        return;
    for (int i = 0; i < e->count; i++)
        if (i < n)
            own = fmax(own, fabs(e->items[i].effect - (g->regions[i] - g->measure)));
        else
            others = fmax(others, fabs(e->items[i].effect));
    ok(e->scale == SCORE_LOGIT && e->count > n && own < 2e-5 && others == 0,
       "the %s of an image moves with its own regions only: %g, %g", score_scale_names[e->scale],
       own, others);
    effects_free(e);
    photo_free(both[1]);
}

/* The measures of a whole result, at once and one by one, are those of the knock-outs. */
static void measures(struct model *m, struct photo *p)
{
    for (int i = 0; i < COUNT(effect_goldens); i++) {
        const struct effect_golden *g = &effect_goldens[i];
        struct query q = about(g->task, g->text, &p);
        struct vs_err err = {0};
        struct result *r = NULL;
        if (!ok(query_run(m, &q, NULL, &r, &err) == 0, "%s answers %s", g->task, err.text))
            continue;
        int n = compare_count(r);
        double *all = xcalloc((size_t)n + 1, sizeof *all), most = 0;
        compare_measures(r, all);
        for (int k = 0; k < n; k++)
            most = fmax(most, fabs(all[k] - compare_measure(r, k)));
        ok(fabs(all[0] - g->measure) < 2e-5 && most < 1e-9 &&
               compare_scale(r) == (strcmp(g->task, "coco") == 0 ? SCORE_LOGIT : SCORE_LOG_ODDS),
           "%s of all %d entries: %.6f", score_scale_names[compare_scale(r)], n, all[0]);
        free(all);
        result_free(r);
    }
}

/* ---- hidden states */

static double off_matrix(const double *have, const double *want, int count)
{
    double most = 0;
    for (int i = 0; i < count; i++)
        most = fabs(have[i] - want[i]) < most ? most : fabs(have[i] - want[i]);
    return most;
}

static void states(void)
{
    enum { ASKED = COUNT(cka_texts) };
    struct model *m = NULL;
    struct photo *p = NULL;
    struct vs_err err = {0};
    struct cka c[2];
    struct query q[ASKED];
    if (!open_pair("", 1.7, &m, &p))
        return;
    for (int i = 0; i < ASKED; i++)
        q[i] = about("vqa", cka_texts[i], &p);
    if (ok(cka_run(m, q, ASKED, 0, 1, NULL, NULL, NULL, c, &err) == 0, "states are aligned %s",
           err.text)) {
        double values[2] = {off_matrix(c[0].values, cka_t, COUNT(cka_t)),
                            off_matrix(c[1].values, cka_v, COUNT(cka_v))};
        double floors[2] = {off_matrix(c[0].floors, cka_floor_t, COUNT(cka_floor_t)),
                            off_matrix(c[1].floors, cka_floor_v, COUNT(cka_floor_v))};
        ok(c[0].depths * c[0].depths == COUNT(cka_t) && c[1].depths * c[1].depths == COUNT(cka_v) &&
               c[0].rows == cka_n_t && c[1].rows == cka_n_v && c[0].queries == ASKED,
           "of %d tokens and %d regions of %d queries", c[0].rows, c[1].rows, c[0].queries);
        ok(values[0] < 1e-5 && values[1] < 1e-5, "debiased CKA is numpy's to %.1g, %.1g", values[0],
           values[1]);
        ok(floors[0] < 1e-5 && floors[1] < 1e-5, "and the noise floor to %.1g, %.1g", floors[0],
           floors[1]);
        cka_fini(&c[0]);
        cka_fini(&c[1]);
    }
    close_pair(m, p);
}

static double normal(void)
{
    static uint64_t seed = 7;
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(seed >> 40) / (1 << 24);
    }
    return sum - 6;
}

/* Unrelated states: around 0 however few rows there are, and seldom above the floor. */
static void noise(int n, int d, int times, double mean_limit)
{
    float *x = xcalloc((size_t)n * (size_t)d, sizeof *x), *y = xcalloc((size_t)n * (size_t)d,
                                                                       sizeof *y);
    double sum = 0;
    int above = 0;
    for (int t = 0; t < times; t++) {
        double floor = 0;
        for (int i = 0; i < n * d; i++) {
            x[i] = (float)(normal() + 1);
            y[i] = (float)(normal() - 2);
        }
        double v = cka_linear(x, d, y, d, n, &floor);
        sum += v / times;
        above += v > floor;
    }
    ok(fabs(sum) < mean_limit && above <= times / 5 + 1,
       "noise, n = %d of %d numbers: %.4f on average, %d of %d above the floor", n, d, sum, above,
       times);
    free(x);
    free(y);
}

/* ---- heads that are chosen on other items */

static void chosen_heads(void)
{
    struct eval_attention lucky = {.count = 10, .layers = 1, .heads = 10}, lone = lucky;
    struct eval_attention good = lucky;
    for (int i = 0; i < 10; i++) {
        lucky.hits[i][0][i + 1] = 1; /* each head is right once */
        good.hits[i][0][3] = i != 4;
        good.hits[i][0][7] = i < 5;
    }
    ok(eval_attention_share(&lucky, 0, eval_attention_best(&lucky, 0)) == 0.1 &&
           eval_attention_chosen(&lucky, 0) == 0, "ten lucky heads: none is any good elsewhere");
    ok(eval_attention_best(&good, 0) == 3 && eval_attention_share(&good, 0, 3) == 0.9 &&
           eval_attention_chosen(&good, 0) == 0.9, "a good one is");
    lone.count = 1;
    ok(isnan(eval_attention_chosen(&lone, 0)), "one item cannot choose for itself");
}

static void odds(void)
{
    const float sure[] = {60, 0, -INFINITY, 0}, lone[] = {3}, even[] = {1, 1};
    ok(fabs(score_log_odds(sure, 4, 0) - (60 - log(2))) < 1e-12,
       "log odds where the softmax is 1 to all digits: %.6f", score_log_odds(sure, 4, 0));
    ok(fabs(score_log_odds(sure, 4, 1) + 60) < 1e-12, "and 0: %.6f", score_log_odds(sure, 4, 1));
    ok(isinf(score_log_odds(lone, 1, 0)), "of a lone one there are none");
    ok(score_log_odds(even, 2, 1) == 0, "even ones: 0");
}

/* ---- intervals by resampling */

/* Numbers whose mean has a known error: the interval is 1.96 of it to both sides. Ten equal numbers
 * of one image are one number ten times, not ten. */
static void resampling(void)
{
    enum { N = 400, SAME = 10 };
    double x[N], *many = xcalloc(N * SAME, sizeof *many), sum = 0, var = 0;
    int cluster[N * SAME];
    uint64_t state = 7;
    for (int i = 0; i < N; i++)
        sum += x[i] = stats_roll_below(&state, 1000) / 1000.0;
    for (int i = 0; i < N; i++)
        var += (x[i] - sum / N) * (x[i] - sum / N) / N;
    for (int i = 0; i < N * SAME; i++) {
        many[i] = i % 7 == 6 && i / SAME % 2 ? NAN : x[i / SAME];
        cluster[i] = 1000000 - i / SAME; /* any numbers, in any order */
    }
    double half = 1.96 * sqrt(var / N);
    struct bootstrap a = bootstrap_mean(x, NULL, N, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    struct bootstrap b = bootstrap_mean(many, cluster, N * SAME, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    struct bootstrap c = bootstrap_mean(many, NULL, N * SAME, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    ok(fabs(a.mean - sum / N) < 1e-12 && a.count == N && a.clusters == N &&
           fabs(a.high - a.mean - half) < 0.1 * half && fabs(a.mean - a.low - half) < 0.1 * half,
       "an interval of a mean: %.4f (%.4f to %.4f), its error %.4f", a.mean, a.low, a.high, half);
    ok(b.clusters == N && b.count < N * SAME && fabs(b.high - b.low - 2 * half) < 0.2 * half,
       "ten numbers of one image are one: %.4f to %.4f", b.low, b.high);
    ok(c.high - c.low < half, "taken for their own they would be ten: %.4f to %.4f", c.low, c.high);
    for (int i = 0; i < N; i++)
        x[i] = stats_roll_below(&state, 2) ? 1 : -1;
    b = bootstrap_mean(x, NULL, N, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    ok(a.low > 0 && b.low < 0 && b.high > 0, "from 0: %.4f to %.4f, and %.4f to %.4f of signs by "
       "chance", a.low, a.high, b.low, b.high);
    a = bootstrap_mean(x, NULL, 0, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    b = bootstrap_mean(x, NULL, 1, BOOTSTRAP_TIMES, BOOTSTRAP_SEED);
    ok(isnan(a.mean) && isnan(a.low) && isfinite(b.mean) && isnan(b.low),
       "no number has no mean, one has no interval");
    free(many);
}

/* ---- which words can be removed */

static const struct net_term pair_term = {0, 1, 1};
static const struct net_target pair = {OUT_BINARY, 0, &pair_term, 1};

static void check_words(const char *what, const int32_t *mask, const char *want)
{
    struct net_input in = {.batch = 2, .tokens = 6, .regions = 1, .text_mask = mask};
    double worth[12] = {0};
    char got[8] = "";
    int count = 0;
    const struct removing words = {.in = &in, .target = &pair, .tokens = true};
    struct removable *list = removal_order(&words, worth, &count);
    for (int i = 0; i < count && i < 7; i++)
        got[i] = (char)('0' + list[i].index);
    ok(strcmp(got, want) == 0, "%s: words %s can be removed", what, got);
    free(list);
}

static void check_removal(void)
{
    static const int32_t ends[] = {1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0};
    static const int32_t begins[] = {0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1};
    static const int32_t second[] = {1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    check_words("padding at the end", ends, "123");
    check_words("padding at the beginning", begins, "34");
    check_words("a word of the second row only", second, "1234");
}

int main(void)
{
    struct model *m = NULL;
    struct photo *p = NULL;
    odds();
    resampling();
    check_removal();
    if (open_pair("none", 1, &m, &p)) {
        effects(m, p);
        measures(m, p);
        two_images(m, p);
        close_pair(m, p);
    }
    chosen_heads();
    states();
    noise(11, 768, 40, 0.05);
    noise(512, 64, 2, 0.01);
    swaps();
    minimal_sets();
    return tap_done();
}
