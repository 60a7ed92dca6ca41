/* SPDX-License-Identifier: MIT */
/* Activation patching: every cell of the tiny model's maps is numpy's (patched.py), exactly and to
 * first order, of states, attention and feed forward; nothing changes where a state is its own, or
 * where nobody reads it; all states of a layer of both streams bring B's answer, to the last bit;
 * what does not align is said; the single-stream family has one map. A state that goes
 * into another row, layer or copy, before its layer norm instead of after it, or into what passes
 * share, breaks it. */
#include "pair.h"
#include "patched.h"
#include "src/base/mem.h"
#include "src/study/activation.h"

#include <math.h>

static struct query about(const char *task, const char *text, struct photo **p)
{
    return (struct query){.task = task_find(task), .text = text, .photo_count = 1, .photos = p};
}

static const struct activation_map *map_of(const struct activation *x, enum net_stream s)
{
    for (int i = 0; i < x->map_count; i++)
        if (x->maps[i].stream == s)
            return &x->maps[i];
    return NULL;
}

/* ---- numpy's numbers */

struct golden {
    const double *exact, *screen;
    int count;
};
#define GOLDEN(x) {x##_exact, x##_screen, (int)(sizeof x##_exact / sizeof x##_exact[0])}
#define GOLDENS(x)                                                                                 \
    {{GOLDEN(x##_state_t), GOLDEN(x##_state_v)},                                                   \
     {GOLDEN(x##_attention_t), GOLDEN(x##_attention_v)},                                           \
     {GOLDEN(x##_feed_t), GOLDEN(x##_feed_v)}}

static const struct golden_case {
    const char *name, *task, *text[2];
    bool mirror; /* B is about the other picture */
    const double *ends;
    int choice, against;
    struct golden of[SITE_COUNT][2];
} goldens[] = {
    {"words", "vqa", {"what color", "a dog"}, false, words_ends, words_choice, words_against,
     GOLDENS(words)},
    {"pictures", "gqa", {"the red square", "the red square"}, true, pictures_ends,
     pictures_choice, pictures_against, GOLDENS(pictures)},
};

static double off_by(const double *x, const double *want, int n)
{
    double most = 0;
    for (int i = 0; i < n; i++) {
        double off = fabs(x[i] - want[i]);
        most = off > most || isnan(off) ? off : most;
    }
    return most;
}

static void check_golden(const struct activation *x, const struct golden_case *g)
{
    double ends = fmax(fabs(x->a - g->ends[0]), fabs(x->b - g->ends[1]));
    ok(ends < 1e-4, "%s: the target of A and B is numpy's to %.1g", g->name, ends);
    for (int i = 0; i < 2; i++) {
        const struct golden *want = &g->of[x->site][i];
        const struct activation_map *map = map_of(x, i ? STREAM_IMAGE : STREAM_TEXT);
        bool same = map && map->depths * map->columns == want->count;
        double exact = same ? off_by(map->exact, want->exact, want->count) : NAN;
        double screen = same ? off_by(map->screen, want->screen, want->count) : NAN;
        ok(exact < 1e-4 && screen < 1e-3, "%s, %s, %s: exact to %.1g, to first order %.1g", g->name,
           activation_site_names[x->site], i ? "image" : "text", exact, screen);
    }
}

static void golden_numbers(struct model *m, struct photo **scene, struct photo **mirror)
{
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++)
        for (int site = 0; site < SITE_COUNT; site++) {
            const struct golden_case *g = &goldens[i];
            struct activation_how how = activation_usual;
            struct activation x;
            struct vs_err err = {0};
            struct query a = about(g->task, g->text[0], scene);
            struct query b = about(g->task, g->text[1], g->mirror ? mirror : scene);
            how.site = (enum net_site)site;
            how.verify = 1000;
            if (ok(activation_run(m, &a, &b, g->choice, g->against, &how, NULL, &x, &err) == 0,
                   "%s runs %s", g->name, err.text))
                check_golden(&x, g);
            activation_fini(&x);
        }
}

/* ---- what theory gives */

static int spots_of(struct model *m, const struct query *a, const struct query *b,
                    const char *const *texts, int verify, struct activation *x,
                    struct vs_err *err)
{ /* of answers that both models have */
    struct activation_spot spots[4];
    struct activation_how how = activation_usual;
    int rc = 0;
    *x = (struct activation){.together = NAN};
    for (how.spot_count = 0; texts[how.spot_count] && rc == 0; how.spot_count++)
        rc = activation_spot_parse(texts[how.spot_count], &spots[how.spot_count], err);
    how.spots = spots;
    how.verify = verify;
    return rc ? rc : activation_run(m, a, b, 3, 2, &how, NULL, x, err);
}

/* Shares that are 0 or 1 to the last bit. */
static void check_share(struct model *m, const struct query *a, const struct query *b,
                        const char *const *texts, double want)
{
    struct activation x;
    struct vs_err err = {0};
    int rc = spots_of(m, a, b, texts, 0, &x, &err);
    double share = rc == 0 ? x.together / (x.b - x.a) : NAN;
    ok(share == want, "%s ...: a share of %g is %g %s", texts[0], share, want, err.text);
    activation_fini(&x);
}

static void ends_of_shares(struct model *m, struct photo **scene)
{
    struct query a = about("vqa", "what color", scene), b = about("vqa", "a dog", scene);
    check_share(m, &a, &b, (const char *const[]){"embeddings", NULL}, 1);
    check_share(m, &a, &b, (const char *const[]){"embeddings text", NULL}, 1);
    check_share(m, &a, &b, (const char *const[]){"embeddings image", NULL}, 0);
    check_share(m, &a, &b, (const char *const[]){"text 2", "image 2", NULL}, 1);
    check_share(m, &a, &b, (const char *const[]){"text 2 token 1", "image 2 region 0", NULL}, 1);
    check_share(m, &a, &b, (const char *const[]){"text 2 token 3", NULL}, 0);
    check_share(m, &a, &b, (const char *const[]){"co 1", NULL}, 1);
    check_share(m, &a, &b, (const char *const[]){"co 1 text attention", "co 1", NULL}, 1);
}

static void own_states(struct model *m, struct photo **scene)
{
    struct query a = about("vqa", "what color", scene);
    for (int site = 0; site < SITE_COUNT; site++) {
        struct activation_how how = activation_usual;
        struct activation x;
        struct vs_err err = {0};
        how.site = (enum net_site)site;
        how.verify = 1000;
        int rc = activation_run(m, &a, &a, 3, 7, &how, NULL, &x, &err), cells = 0, changed = 0;
        for (int i = 0; i < x.map_count; i++)
            for (int j = 0; j < x.maps[i].depths * x.maps[i].columns; j++, cells++)
                changed += x.maps[i].exact[j] != 0 || x.maps[i].screen[j] != 0;
        ok(rc == 0 && cells > 50 && changed == 0 && x.a == x.b &&
               isnan(activation_share(&x, 0)),
           "its own %s: %d of %d cells change the target, and there is no share %s",
           activation_site_names[site], changed, cells, err.text);
        activation_fini(&x);
    }
}

/* Passes beside each other and after patched ones are what they were. */
static void nothing_stays(struct model *m, struct photo **scene)
{
    struct query a = about("vqa", "what color", scene), b = about("vqa", "a dog", scene);
    struct result *before = NULL, *after = NULL;
    struct activation x;
    struct vs_err err = {0};
    a.raw = true;
    int rc = query_run(m, &a, NULL, &before, &err);
    if (rc == 0)
        rc = spots_of(m, &a, &b, (const char *const[]){"embeddings", "text 1", "co 1", NULL}, 1000,
                      &x, &err);
    activation_fini(&x);
    if (rc == 0)
        rc = query_run(m, &a, NULL, &after, &err);
    ok(rc == 0 && before->raw_count > 0 &&
           memcmp(before->raw, after->raw, (size_t)before->raw_count * sizeof(float)) == 0,
       "the query answers as before, to the last bit %s", err.text);
    result_free(before);
    result_free(after);
}

/* ---- what aligns */

static void alignment(struct model *m, struct photo **scene)
{
    struct query a = about("vqa", "what color", scene);
    struct query b = about("vqa", "the red square", scene);
    struct activation_how how = activation_usual;
    struct activation_pair *pairs = NULL;
    struct activation x;
    struct vs_err err = {0};
    ok(activation_run(m, &a, &b, 3, 7, &how, NULL, &x, &err) == 0 && x.map_count == 1 &&
           x.maps[0].stream == STREAM_IMAGE && strstr(x.unaligned[0], "5 tokens here and 6") &&
           x.unaligned[1][0] == '\0',
       "other counts of tokens: the regions alone, and \"%s\"", x.unaligned[0]);
    activation_fini(&x);
    ok(activation_run(m, &a, &a, 3, 100000, &how, NULL, &x, &err) == VS_E_USAGE, "%s", err.text);
    activation_fini(&x);
    ok(activation_pairs_parse("3:3,4:5", 1, &pairs, &how.token_pairs, &err) == 0 &&
           how.token_pairs == 2 && pairs[1].a == 3 && pairs[1].b == 4,
       "3:4,4:5 are two pairs, from 1");
    how.tokens = pairs;
    ok(activation_run(m, &a, &b, 3, 7, &how, NULL, &x, &err) == 0 && x.map_count == 2 &&
           x.maps[0].columns == 2 && x.maps[0].column[1].a == 3 && x.maps[0].column[1].b == 4,
       "pairs are the map's columns");
    activation_fini(&x);
    /* Of the query itself: a state that stays where it is changes nothing, another one does. */
    pairs[0] = (struct activation_pair){2, 2};
    pairs[1] = (struct activation_pair){3, 2};
    how.verify = 1000;
    int rc = activation_run(m, &a, &a, 3, 7, &how, NULL, &x, &err);
    const double *exact = rc == 0 ? x.maps[0].exact : NULL;
    const double *screen = rc == 0 ? x.maps[0].screen : NULL;
    ok(rc == 0 && exact[0] == 0 && screen[0] == 0 && exact[1] != 0 && screen[1] != 0,
       "a pair's state is that of the other place: %g exactly, %g to first order",
       exact ? exact[1] : NAN, screen ? screen[1] : NAN);
    activation_fini(&x);
    pairs[0] = (struct activation_pair){2, 2};
    pairs[1] = (struct activation_pair){3, 6};
    ok(activation_run(m, &a, &b, 3, 7, &how, NULL, &x, &err) == VS_E_USAGE &&
           strstr(err.text, "tokens 4:7: this query has 5 tokens, the other one 6"), "%s",
       err.text);
    activation_fini(&x);
    free(pairs);
    static const char *const bad[] = {"", "3", "3:", "3:4,", "0:1", "3:4;5:6", "a:b", "3:4 ,5:6"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int n;
        ok(activation_pairs_parse(bad[i], 1, &pairs, &n, &err) == VS_E_USAGE, "'%s': %s", bad[i],
           err.text);
        free(pairs);
    }
}

static void bad_spots(struct model *m, struct photo **scene)
{
    static const char *const bad[] = {"", "heads", "text", "text 0", "text one", "co 1 token",
                                      "co 1 token 0", "text 1 region x", "text 1 token 2 more"};
    static const char *const none[] = {"text 3", "joint 1", "text 1 image", "text 1 token 9",
                                       "image 1 region 99", "embeddings attention"};
    struct query a = about("vqa", "what color", scene), b = about("vqa", "a dog", scene);
    struct vs_err err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct activation_spot s;
        ok(activation_spot_parse(bad[i], &s, &err) == VS_E_USAGE, "%s", err.text);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct activation x;
        ok(spots_of(m, &a, &b, (const char *const[]){none[i], NULL}, 0, &x, &err) == VS_E_USAGE,
           "%s: %s", none[i], err.text);
        activation_fini(&x);
    }
}

/* ---- the other family */

static void single_stream(void)
{
    struct model_options o = {.dir = source_path("tests/data/tiny"), .threads = 1,
                              .config = source_path("tests/data/baseline/config.json")};
    const char *file = source_path("tests/data/baseline/baseline.bin");
    const char *files[] = {file, NULL};
    struct photo_options how = {.regions = source_path("tests/data/baseline/scene.npy")};
    struct model *m = NULL;
    struct photo *p = NULL;
    struct vs_err err = {0};
    o.checkpoints = files;
    bool good = model_open(&o, &m, &err) == 0 && photo_open(NULL, &how, &p, &err) == 0;
    if (!ok(good, "the single-stream model opens %s", err.text))
        return;
    struct query a = about("vqa", "what color", &p), b = about("vqa", "a dog", &p);
    struct activation x;
    int rc = spots_of(m, &a, &b, (const char *const[]){"joint 2", NULL}, 3, &x, &err);
    const struct activation_map *map = rc == 0 ? map_of(&x, STREAM_JOINT) : NULL;
    int known = 0, exact = 0, columns = map ? map->columns : 0;
    for (int i = 0; map && i < map->depths * columns; i++) {
        known += !isnan(map->screen[i]);
        exact += !isnan(map->exact[i]);
    }
    ok(map && x.screened && columns > 5 && known == map->depths * columns && exact == x.verified,
       "one map of tokens and regions, %d cells by gradient, %d exact %s", known, exact, err.text);
    ok(rc == 0 && x.together == x.b - x.a, "a whole layer is a share of 1");
    double last = 0;
    for (int j = 1; map && j < columns; j++)
        last = fmax(last, fabs(map->screen[(map->depths - 1) * columns + j]));
    ok(map && last == 0 && map->screen[(map->depths - 1) * columns] != 0,
       "of the last layer the row that is read alone matters: %g, %g of %g", last,
       map ? map->screen[(map->depths - 1) * columns] : NAN, x.b - x.a);
    activation_fini(&x);
    photo_free(p);
    model_free(m);
}

int main(void)
{
    struct model *m = NULL;
    struct photo *scene = NULL, *mirror = NULL;
    struct photo_options how = {0};
    struct vs_err err = {0};
    if (open_pair("", 1, &m, &scene) &&
        ok(photo_open(source_path("tests/data/tiny/mirror.png"), &how, &mirror, &err) == 0,
           "both pictures %s", err.text)) {
        golden_numbers(m, &scene, &mirror);
        ends_of_shares(m, &scene);
        own_states(m, &scene);
        nothing_stays(m, &scene);
        alignment(m, &scene);
        bad_spots(m, &scene);
        photo_free(mirror);
        close_pair(m, scene);
    }
    single_stream();
    return tap_done();
}
