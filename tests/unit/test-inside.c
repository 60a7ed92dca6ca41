/* SPDX-License-Identifier: MIT */
/* The arithmetic of the views inside the model, with answers that are known: entropy and k90 of
 * even and lone weights, statistics of a small map, principal components of points on a line and a
 * rectangle, cosines, a chosen set of heads, and rollout of the tiny model's maps against numpy's.
 * A wrong sign, a lost normalization, a mixed-up axis, or a step that is left out breaks it. */
#include "src/engine/engine.h"
#include "src/base/mem.h"
#include "study.h"
#include "tap.h"
#include "src/study/look.h"
#include "src/study/pca.h"
#include "src/study/headstats.h"

#include <math.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-5;
}

static void rows(void)
{
    float even[8], lone[8] = {0, 0, 3, 0, 0, 0, 0, 0}, none[4] = {0};
    for (int i = 0; i < 8; i++)
        even[i] = 0.125f;
    ok(near(stats_entropy(even, 8), log(8)), "entropy of even weights: %f", stats_entropy(even, 8));
    ok(near(stats_entropy(lone, 8), 0), "of a lone weight 0, whatever its size");
    ok(stats_entropy(none, 4) == 0 && stats_holders(none, 4, 0.9) == 0, "of no weight 0");
    ok(stats_holders(even, 8, 0.9) == 8 && stats_holders(even, 8, 0.5) == 4,
       "half of even weights is held by half of them");
    ok(stats_holders(lone, 8, 0.9) == 1, "a lone weight holds all");
    float steps[4] = {0.05f, 0.6f, 0.3f, 0.05f};
    ok(stats_holders(steps, 4, 0.9) == 2, "0.6 and 0.3 hold 90 %%, exactly");
}

static void heads(void)
{
    const float map[] = {0.5f, 0.25f, 0.25f, 0, 1, 0, 0.2f, 0.2f, 0.6f};
    const bool skip[3] = {false, false, true}, special[3] = {true, false, false};
    float s[STAT_COUNT];
    stats_head(map, 3, 3, skip, special, s);
    ok(near(s[STAT_PEAK], 0.75), "mean of the peaks 0.5 and 1: %f", (double)s[STAT_PEAK]);
    ok(near(s[STAT_SPECIAL], 0.25) && near(s[STAT_CONTENT], 0.75), "special and content share 1");
    ok(near(s[STAT_ENTROPY], 1.0397208 / 2), "mean entropy %f", (double)s[STAT_ENTROPY]);
    ok(near(s[STAT_K90], 2), "90 %% in 3 and 1 columns: %f", (double)s[STAT_K90]);
    ok(near(stats_on_column(map, 3, 3, skip, -1, 1), 0.625), "weight on a column, of rows shown");
    ok(near(stats_on_column(map, 3, 3, skip, 2, 1), 0.2), "and of one row");
    ok(isnan(stats_on_column(map, 3, 3, skip, -1, -1)), "no column, no number");
    enum head_stat found;
    ok(stats_find("k90", &found) && found == STAT_K90 && !stats_find("no", &found), "names");
}

static void order(void)
{
    const float x[] = {1, NAN, 3, 3, -2};
    int o[5];
    stats_order(x, 5, o);
    ok(o[0] == 2 && o[1] == 3 && o[2] == 0 && o[3] == 4 && o[4] == 1,
       "falling, equal ones in their order, NaN last: %d %d %d %d %d", o[0], o[1], o[2], o[3],
       o[4]);
    const float a[] = {0, 1, 2}, b[] = {3, 1, -1};
    ok(near(stats_difference(a, b, 3), 2), "mean distance of numbers");
}

/* What rows and columns of a map get and give. */
static void flows(void)
{
    const float map[] = {0.1f, 0.2f, 0.7f, 0.3f, 0.3f, 0.4f};
    float of_columns[3] = {0}, of_rows[2] = {0};
    look_flow(map, 2, 3, -1, true, of_columns, 3);
    ok(near(of_columns[0], 0.2) && near(of_columns[1], 0.25) && near(of_columns[2], 0.55),
       "the mean that columns get from all rows");
    look_flow(map, 2, 3, 1, true, of_columns, 2);
    ok(near(of_columns[0], 0.5) && near(of_columns[1], 0.55) && near(of_columns[2], 0.55),
       "what the first two get from the second row is added");
    look_flow(map, 2, 3, 2, false, of_rows, 2);
    ok(near(of_rows[0], 0.7) && near(of_rows[1], 0.4), "what rows give to the last column");
    look_flow(NULL, 2, 3, 2, false, of_rows, 2);
    ok(near(of_rows[0], 0.7), "no map gives nothing");
}

/* n points into pointers. */
static void plane(const float *points, int n, int dim, float *xy, float share[2])
{
    const float **x = xcalloc((size_t)n, sizeof *x);
    for (int i = 0; i < n; i++)
        x[i] = points + (ptrdiff_t)i * dim;
    project_plane(x, n, dim, xy, share);
    free(x);
}

static void components(void)
{
    float line[5 * 4], xy[64], share[2];
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 4; k++)
            line[4 * i + k] = (float)(7 * k + i * (k + 1)); /* along (1, 2, 3, 4) */
    plane(line, 5, 4, xy, share);
    ok(near(share[0], 1) && near(share[1], 0), "points on a line: %f %f", (double)share[0],
       (double)share[1]);
    double gap = fabs((double)xy[2] - (double)xy[0]);
    ok(fabs(gap - sqrt(30)) < 1e-4 && near(xy[1], 0), "as far apart as they are: %f", gap);
    ok(xy[0] >= 0, "the first has no negative place");
    /* Corners of a rectangle 6 by 2, in a plane of three dimensions. */
    const float box[] = {0, 0, 5, 6, 0, 5, 6, 2, 5, 0, 2, 5};
    plane(box, 4, 3, xy, share);
    ok(fabs((double)share[0] - 0.9) < 1e-4 && fabs((double)share[1] - 0.1) < 1e-4,
       "a rectangle's variance is 9 to 1: %f %f", (double)share[0], (double)share[1]);
    ok(fabs((double)xy[0] - 3) < 1e-3 && fabs((double)xy[1] - 1) < 1e-3,
       "its first corner lies at 3, 1: %f %f", (double)xy[0], (double)xy[1]);
    const float same[] = {1, 2, 1, 2};
    plane(same, 2, 2, xy, share);
    ok(share[0] == 0 && xy[0] == 0 && xy[3] == 0, "points that are one lie at 0");
    plane(box, 1, 3, xy, share);
    ok(share[0] == 0 && xy[0] == 0, "a single point, too");
}

static void cosines(void)
{
    const float a[] = {1, 2, 3}, b[] = {-2, -4, -6}, c[] = {3, 0, -1}, none[] = {0, 0, 0};
    ok(near(project_cosine(a, a, 3), 1) && near(project_cosine(a, b, 3), -1), "along, against");
    ok(near(project_cosine(a, c, 3), 0) && project_cosine(a, none, 3) == 0, "across, and nothing");
}

/* ---- maps, of the tiny model */

static struct model *model;
static struct photo *photo;

static struct result *ask(void)
{
    struct vs_err err = {0};
    struct result *r = NULL;
    struct query q = {.task = task_find("vqa"), .text = "what color", .photo_count = 1,
                      .photos = &photo, .attention = true};
    if (query_run(model, &q, NULL, &r, &err) != 0)
        printf("# %s\n", err.text);
    return r;
}

static bool open_model(void)
{
    struct vs_err err = {0};
    struct photo_options how = {0};
    char *dir = xstrdup(source_path("tests/data/tiny"));
    struct model_options o = {.dir = dir, .threads = 1};
    bool good = model_open(&o, &model, &err) == 0 &&
                photo_open(source_path("tests/data/tiny/scene.png"), &how, &photo, &err) == 0;
    free(dir);
    return ok(good, "the tiny model opens %s", err.text);
}

/* The largest difference from golden numbers; 1 when there is no such map, or of another size. */
static double off(const struct result *r, enum attn_kind kind, int layer, const double *want,
                  int count)
{
    int rows, cols;
    float *map = NULL;
    double most = 0;
    if (!look_map(r, kind, layer, 0, LOOK_ROLLOUT, &rows, &cols, &map) || rows * cols != count)
        most = 1;
    for (int i = 0; i < count && most < 1; i++)
        most = fmax(most, fabs((double)map[i] - want[i]));
    free(map);
    return most;
}

#define OFF(r, kind, layer, want) off(r, kind, layer, want, (int)(sizeof want / sizeof want[0]))

/* Against numpy (study.py), every number of every map. */
static void rollout(void)
{
    struct result *r = ask();
    if (!ok(r != NULL, "it answers"))
        return;
    ok(OFF(r, ATTN_TEXT, 0, rollout_text_0) < 1e-6, "rollout, text to text, layer 1");
    ok(OFF(r, ATTN_TEXT, 1, rollout_text_1) < 1e-6, "layer 2, after the first co-attention");
    ok(OFF(r, ATTN_VISUAL, 0, rollout_image_0) < 1e-6, "image to image, layer 1");
    ok(OFF(r, ATTN_VISUAL, 1, rollout_image_1) < 1e-6, "layer 2");
    ok(OFF(r, ATTN_TEXT_TO_IMAGE, 0, rollout_text_to_image_0) < 1e-6, "text to image, layer 1");
    ok(OFF(r, ATTN_TEXT_TO_IMAGE, 1, rollout_text_to_image_1) < 1e-6, "layer 2");
    ok(OFF(r, ATTN_IMAGE_TO_TEXT, 0, rollout_image_to_text_0) < 1e-6,
       "image to text, layer 1: its own co-attention is in it");
    ok(OFF(r, ATTN_IMAGE_TO_TEXT, 1, rollout_image_to_text_1) < 1e-6, "layer 2");
    result_free(r);
}

static void sets(void)
{
    struct result *r = ask();
    int n, m;
    float *all = NULL, *mean = NULL, *two = NULL, *a = NULL, *b = NULL;
    char name[64];
    look_map(r, ATTN_TEXT, 0, 0, look_set(7), &n, &m, &all);
    look_map(r, ATTN_TEXT, 0, 0, LOOK_MEAN, &n, &m, &mean);
    look_map(r, ATTN_TEXT, 0, 0, look_set(5), &n, &m, &two);
    look_map(r, ATTN_TEXT, 0, 0, 0, &n, &m, &a);
    look_map(r, ATTN_TEXT, 0, 0, 2, &n, &m, &b);
    ok(near(all[4], mean[4]), "the set of all heads is their mean");
    ok(near(two[4], ((double)a[4] + (double)b[4]) / 2), "a set of two is the mean of the two");
    look_set_name(look_set_heads(look_set(5)), name, sizeof name);
    ok(strcmp(name, "heads 1,3") == 0, "its name: %s", name);
    ok(look_set_heads(LOOK_ROLLOUT) == 0 && look_set_heads(3) == 0, "others are no sets");
    free(all);
    free(mean);
    free(two);
    free(a);
    free(b);
    result_free(r);
}

int main(void)
{
    rows();
    flows();
    heads();
    order();
    components();
    cosines();
    if (open_model()) {
        rollout();
        sets();
    }
    photo_free(photo);
    model_free(model);
    return tap_done();
}
