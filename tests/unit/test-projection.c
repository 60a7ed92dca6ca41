/* SPDX-License-Identifier: MIT */
/* States of many: principal components against numpy's (numpy.linalg.svd of the same numbers, less
 * their means), nearest ones against all distances in order, groups by their size. Broken by a mean
 * that is left in, a component that has not converged, or a neighbor that is passed over. */
#include "src/base/mem.h"
#include "src/study/pca.h"
#include "src/study/projection.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* n by dim numbers, columns 1, 2 and 3 times as wide where `steps`; the same everywhere. */
static float *numbers(int n, int dim, uint32_t seed, bool steps)
{
    float *x = xcalloc((size_t)n * (size_t)dim, sizeof *x);
    for (int i = 0; i < n * dim; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = ((float)(seed >> 8) / (1 << 24) - 0.5f) * (steps ? (float)(1 + i % dim % 3) : 1);
    }
    return x;
}

struct golden {
    const char *name;
    int n, dim;
    uint32_t seed;
    bool steps;
    double share[2], first[2], second[2], last[2];
};
static const struct golden goldens[] = {
    {"more points than dimensions", 60, 7, 1, true, {0.322899203, 0.284610718},
     {0.507048388, 0.0367003618}, {-0.28889093, -0.0386975005}, {-0.27864994, -1.41077326}},
    {"more dimensions than points", 9, 50, 2, true, {0.217355735, 0.191223644},
     {0.369187881, 2.38980394}, {2.07758035, -3.032132}, {0.509863227, 0.143637218}},
    {"components that are nearly as large", 200, 12, 3, false, {0.122098883, 0.109703175},
     {0.651628665, 0.433170647}, {-0.215270164, 0.139073768}, {0.741943537, -0.251451326}}};

static bool is_place(const float *xy, const double want[2])
{
    return fabs((double)xy[0] - want[0]) < 2e-5 && fabs((double)xy[1] - want[1]) < 2e-5;
}

static void components(void)
{
    for (size_t k = 0; k < sizeof goldens / sizeof goldens[0]; k++) {
        const struct golden *g = &goldens[k];
        float *x = numbers(g->n, g->dim, g->seed, g->steps), share[2];
        float *xy = xcalloc((size_t)g->n, 2 * sizeof *xy);
        project_many(x, g->n, g->dim, NULL, xy, share);
        ok(fabs((double)share[0] - g->share[0]) < 1e-6 &&
               fabs((double)share[1] - g->share[1]) < 1e-6,
           "%s: variance %.7f %.7f as numpy's", g->name, (double)share[0], (double)share[1]);
        ok(is_place(xy, g->first) && is_place(xy + 2, g->second) &&
               is_place(xy + 2 * (ptrdiff_t)(g->n - 1), g->last),
           "%s: places, %.6f %.6f", g->name, (double)xy[2], (double)xy[3]);
        free(xy);
        free(x);
    }
    float same[6 * 3], xy[12], share[2];
    for (int i = 0; i < 18; i++)
        same[i] = (float)(i % 3);
    project_many(same, 6, 3, NULL, xy, share);
    ok(share[0] == 0 && share[1] == 0 && xy[0] == 0 && xy[11] == 0, "points that are one lie at 0");
    project_many(same, 2, 3, NULL, xy, share);
    ok(share[0] == 0 && xy[3] == 0, "two of them, too");
    same[0] = 5;
    project_many(same, 2, 3, NULL, xy, share);
    ok(fabs((double)share[0] - 1) < 1e-6 && share[1] == 0 &&
           fabs((double)xy[0] - 2.5) < 1e-6 && fabs((double)xy[2] + 2.5) < 1e-6,
       "two points lie on a line: %g, %g", (double)xy[0], (double)xy[2]);
}

static void cancelled(void)
{
    static const int sizes[2][2] = {{60, 7}, {9, 50}};
    for (int k = 0; k < 2; k++) {
        int n = sizes[k][0], dim = sizes[k][1];
        float *x = numbers(n, dim, 4, true), xy[120], share[2];
        atomic_bool stop = false;
        bool whole = project_many(x, n, dim, &stop, xy, share);
        atomic_store(&stop, true);
        ok(whole && !project_many(x, n, dim, &stop, xy, share), "%d points can be cancelled", n);
        free(x);
    }
}

/* ---- neighbors */

static double distance(const struct projection *p, int a, int b, bool cosine)
{
    const float *x = p->x + a * p->dim, *y = p->x + b * p->dim;
    double xy = 0, xx = 0, yy = 0, d = 0;
    for (int i = 0; i < p->dim; i++) {
        xy += (double)x[i] * (double)y[i];
        xx += (double)x[i] * (double)x[i];
        yy += (double)y[i] * (double)y[i];
        d += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    }
    return cosine ? xy / sqrt(xx * yy) : sqrt(d);
}

/* How many other points are nearer than the k-th of the list says, and whether that is its own
 * distance. */
static bool is_rank(const struct projection *p, int to, bool cosine, int k, int at, float says)
{
    double own = distance(p, to, at, cosine);
    int nearer = 0;
    for (int i = 0; i < p->n; i++)
        nearer += i != to && (cosine ? distance(p, to, i, cosine) > own + 1e-7
                                     : distance(p, to, i, cosine) < own - 1e-7);
    return fabs(own - (double)says) < 1e-6 && nearer <= k;
}

static void neighbors(void)
{
    struct projection p = {.n = 80, .dim = 5, .x = numbers(80, 5, 7, true)};
    int order[80];
    float far[80];
    memcpy(p.x + 40 * 5, p.x + 3 * 5, 5 * sizeof *p.x); /* points 3 and 40 are one */
    for (int how = 0; how < 2; how++) {
        enum projection_distance d = how ? PROJECT_EUCLID : PROJECT_COSINE;
        bool good = projection_neighbors(&p, 3, d, 10, order, far) == 10, own = false;
        for (int k = 0; k < 10 && good; k++) {
            good = is_rank(&p, 3, d == PROJECT_COSINE, k, order[k], far[k]);
            own |= order[k] == 3;
        }
        ok(good && !own, "the nearest ten of 80 by %s", projection_distances[how]);
        ok(order[0] == 40 && (how ? far[0] == 0 : far[0] > 0.9999f), "what is equal comes first");
        ok(projection_neighbors(&p, 0, d, 80, order, far) == 79, "no more than all others");
        ok(projection_neighbors(&p, 0, d, 0, order, far) == 0, "none where none are wanted");
    }
    free(p.x);
}

static void groups(void)
{
    struct projection_point points[5] = {
        {.label = (char[]){"cat"}, .answer = (char[]){"yes"}, .scored = true, .correct = true},
        {.label = (char[]){"dog"}, .answer = (char[]){""}, .scored = true},
        {.label = (char[]){"dog"}, .answer = (char[]){"yes"}},
        {.label = (char[]){"ant"}, .answer = (char[]){"yes"}, .scored = true},
        {.label = (char[]){"dog"}, .answer = (char[]){"no"}}};
    struct projection p = {.points = points, .n = 5};
    const char **names;
    int *of, n = projection_groups(&p, PROJECT_BY_CLASS, &names, &of);
    ok(n == 3 && strcmp(names[0], "dog") == 0 && strcmp(names[1], "ant") == 0 &&
           strcmp(names[2], "cat") == 0, "groups by their size, then by name");
    ok(of[0] == 2 && of[1] == 0 && of[2] == 0 && of[3] == 1 && of[4] == 0,
       "each point has its own");
    free(names);
    free(of);
    ok(strcmp(projection_group(&p, 0, PROJECT_BY_CORRECT), "right") == 0 &&
           strcmp(projection_group(&p, 1, PROJECT_BY_CORRECT), "wrong") == 0 &&
           strcmp(projection_group(&p, 2, PROJECT_BY_CORRECT), "not known") == 0,
       "what is not known to be right is neither");
    ok(strcmp(projection_group(&p, 1, PROJECT_BY_ANSWER), "none") == 0, "no answer is none");
}

int main(void)
{
    components();
    cancelled();
    neighbors();
    groups();
    return tap_done();
}
