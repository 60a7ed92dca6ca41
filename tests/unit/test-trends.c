/* SPDX-License-Identifier: MIT */
/* The mean of a check set over checkpoints and its interval, and the band that is drawn of it.
 * Broken by an interval of other than what was answered, one beyond 0 and 1, and a band
 * elsewhere. */
#include "tap.h"
#include "src/study/probes.h"
#include "ui/kit/canvas.h"

#include <math.h>

enum { PROBES = 3, COLUMNS = 3 };

/* Of each query what the right answer has, by checkpoint; below 0: it failed. */
static const double worth[PROBES][COLUMNS] = {{0.2, 0.9, -1}, {0.4, 1.0, 0.5}, {0.6, -1, -1}};

static void means(void)
{
    static char failed[] = "failed";
    struct probe_answer answers[COLUMNS][PROBES] = {0};
    struct probe_column columns[COLUMNS] = {0};
    struct probes set = {.count = PROBES};
    struct probe_table t = {.probes = &set};
    double mean[COLUMNS], low[COLUMNS], high[COLUMNS];
    for (int j = 0; j < COLUMNS; j++) {
        for (int i = 0; i < PROBES; i++) {
            answers[j][i].judged = true;
            answers[j][i].expected = worth[i][j];
            answers[j][i].error = worth[i][j] < 0 ? failed : NULL;
        }
        columns[j].answers = answers[j];
        t.columns[j] = &columns[j];
    }
    t.count = COLUMNS;
    probe_table_mean(&t, t.count, mean);
    probe_table_interval(&t, t.count, low, high);
    ok(fabs(mean[0] - 0.4) < 1e-12 && fabs(mean[1] - 0.95) < 1e-12 && fabs(mean[2] - 0.5) < 1e-12,
       "means of what was answered: %.3f, %.3f, %.3f", mean[0], mean[1], mean[2]);
    /* the standard deviation is 0.2, of three; 1.96 * 0.2 / sqrt(3) */
    ok(fabs(low[0] - 0.17368) < 1e-4 && fabs(high[0] - 0.62632) < 1e-4,
       "of three: %.5f to %.5f", low[0], high[0]);
    /* 0.070711 of two: 1.96 * 0.070711 / sqrt(2) = 0.098 */
    ok(fabs(low[1] - 0.852) < 1e-4 && fabs(high[1] - 1) < 1e-12,
       "of two, not beyond 1: %.5f to %.5f", low[1], high[1]);
    ok(isnan(low[2]) && isnan(high[2]), "of one there is none");
}

static bool is_lit(const struct canvas *c, int x, int y)
{
    return c->rgb[3 * (y * c->w + x)] > 0;
}

static void band(void)
{
    static const struct plot_range range = {0, 1};
    static const struct rgb white = {255, 255, 255};
    const double low[] = {0.5, 0, (double)NAN}, high[] = {0.5, 1, (double)NAN};
    struct canvas *c = canvas_new(41, 101);
    canvas_fill(c, 0, 0, 40, 100, (struct rgb){0, 0, 0});
    canvas_band(c, low, high, 3, &range, white);
    ok(is_lit(c, 0, 50) && !is_lit(c, 0, 45) && !is_lit(c, 0, 55), "it begins as narrow as it is");
    ok(is_lit(c, 10, 30) && is_lit(c, 10, 70) && !is_lit(c, 10, 20) && !is_lit(c, 10, 80),
       "and grows between two checkpoints");
    ok(!is_lit(c, 30, 50) && !is_lit(c, 40, 50), "where none is known nothing is drawn");
    canvas_free(c);
}

int main(void)
{
    means();
    band();
    return tap_done();
}
