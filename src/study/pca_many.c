/* SPDX-License-Identifier: MIT */
/* Principal components of many points: eigenvectors of their covariance, or, where there are fewer
 * points than dimensions, of their inner products, which has the same eigenvalues.
 *
 * Subspace iteration (Golub and Van Loan, Matrix Computations, 8.2.4) on more vectors than are
 * wanted: the first ones converge as the largest eigenvalue that is not among them is smaller than
 * theirs, so two that are nearly equal do no harm. What the matrix does inside of the subspace is
 * made diagonal by Jacobi's rotations after every step. */
#include "src/study/pca.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 8       /* vectors */
#define STEPS_MOST 300
#define SWEEPS_MOST 60
#define CLOSE 1e-10   /* of the largest eigenvalue: how far a vector is from being one */

/* A symmetric matrix (n, n), and vectors (block, n) in rows. */
struct eigen {
    const double *g;
    int n, block;
    double *v, *gv; /* gv: g v */
    double value[BLOCK];
    const atomic_bool *cancel; /* or NULL */
};

static bool many_stopped(const atomic_bool *cancel)
{
    return cancel && atomic_load(cancel);
}

/* ---- points to a matrix */

/* (n, dim) less the mean of each column. */
static double *many_centered(const float *x, int n, int dim)
{
    double *c = xcalloc(vs_times((size_t)n, (size_t)dim) + 1, sizeof *c);
    double *mean = xcalloc((size_t)dim + 1, sizeof *mean);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < dim; j++)
            mean[j] += (double)x[(ptrdiff_t)i * dim + j] / n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < dim; j++)
            c[(ptrdiff_t)i * dim + j] = (double)x[(ptrdiff_t)i * dim + j] - mean[j];
    free(mean);
    return c;
}

static double many_dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* c^T c (dim, dim), row by row of c. */
static double *many_scatter(const double *c, int n, int dim, const atomic_bool *cancel)
{
    double *g = xcalloc((size_t)dim * (size_t)dim + 1, sizeof *g);
    for (int i = 0; i < n && !many_stopped(cancel); i++)
        for (int a = 0; a < dim; a++) {
            const double *row = c + (ptrdiff_t)i * dim;
            double *to = g + (ptrdiff_t)a * dim, f = row[a];
            for (int b = a; b < dim; b++)
                to[b] += f * row[b];
        }
    for (int a = 0; a < dim; a++)
        for (int b = 0; b < a; b++)
            g[(ptrdiff_t)a * dim + b] = g[(ptrdiff_t)b * dim + a];
    return g;
}

/* c c^T (n, n) */
static double *many_products(const double *c, int n, int dim, const atomic_bool *cancel)
{
    double *g = xcalloc((size_t)n * (size_t)n + 1, sizeof *g);
    for (int i = 0; i < n && !many_stopped(cancel); i++)
        for (int j = 0; j <= i; j++)
            g[(ptrdiff_t)i * n + j] = g[(ptrdiff_t)j * n + i] =
                many_dot(c + (ptrdiff_t)i * dim, c + (ptrdiff_t)j * dim, dim);
    return g;
}

/* ---- eigenvectors */

/* Rows of v at right angles to each other, of length 1; one that has nothing of its own is 0. */
static void eigen_orthogonal(struct eigen *e)
{
    for (int k = 0; k < e->block; k++) {
        double *v = e->v + (ptrdiff_t)k * e->n, before = sqrt(many_dot(v, v, e->n));
        for (int turn = 0; turn < 2; turn++) /* once more for what rounding left */
            for (int j = 0; j < k; j++) {
                const double *u = e->v + (ptrdiff_t)j * e->n;
                double f = many_dot(u, v, e->n);
                for (int i = 0; i < e->n; i++)
                    v[i] -= f * u[i];
            }
        double length = sqrt(many_dot(v, v, e->n));
        bool own = length > 1e-13 * before && length > 0;
        for (int i = 0; i < e->n; i++)
            v[i] = own ? v[i] / length : 0;
    }
}

static void eigen_multiply(struct eigen *e)
{
    for (int k = 0; k < e->block; k++)
        for (int i = 0; i < e->n; i++)
            e->gv[(ptrdiff_t)k * e->n + i] =
                many_dot(e->g + (ptrdiff_t)i * e->n, e->v + (ptrdiff_t)k * e->n, e->n);
}

/* Turns rows p and q of a list of vectors. */
static void eigen_turn_rows(double *v, int n, int p, int q, double c, double s)
{
    for (int i = 0; i < n; i++) {
        double a = v[(ptrdiff_t)p * n + i], b = v[(ptrdiff_t)q * n + i];
        v[(ptrdiff_t)p * n + i] = c * a - s * b;
        v[(ptrdiff_t)q * n + i] = s * a + c * b;
    }
}

/* Jacobi's rotation that makes h[p][q] 0; v and gv turn with it. */
static void eigen_rotate(struct eigen *e, double h[BLOCK][BLOCK], int p, int q)
{
    double theta = (h[q][q] - h[p][p]) / (2 * h[p][q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < e->block; i++) {
        double a = h[i][p], b = h[i][q];
        h[i][p] = c * a - s * b;
        h[i][q] = s * a + c * b;
    }
    for (int i = 0; i < e->block; i++) {
        double a = h[p][i], b = h[q][i];
        h[p][i] = c * a - s * b;
        h[q][i] = s * a + c * b;
    }
    eigen_turn_rows(e->v, e->n, p, q, c, s);
    eigen_turn_rows(e->gv, e->n, p, q, c, s);
}

static void eigen_swap(double *a, double *b, int n)
{
    for (int i = 0; i < n; i++) {
        double x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

/* The vectors become those that g stretches inside of their own space, the largest first. */
static void eigen_inside(struct eigen *e)
{
    double h[BLOCK][BLOCK];
    for (int i = 0; i < e->block; i++)
        for (int j = 0; j < e->block; j++)
            h[i][j] = many_dot(e->v + (ptrdiff_t)i * e->n, e->gv + (ptrdiff_t)j * e->n, e->n);
    for (int sweep = 0, turned = 1; turned && sweep < SWEEPS_MOST; sweep++) {
        turned = 0;
        for (int p = 0; p < e->block; p++)
            for (int q = p + 1; q < e->block; q++)
                if (fabs(h[p][q]) > 1e-15 * sqrt(fabs(h[p][p] * h[q][q]))) {
                    eigen_rotate(e, h, p, q);
                    turned++;
                }
    }
    for (int k = 0; k < e->block; k++)
        e->value[k] = h[k][k];
    for (int k = 0; k < e->block; k++)
        for (int j = k + 1; j < e->block; j++)
            if (e->value[j] > e->value[k]) {
                eigen_swap(&e->value[j], &e->value[k], 1);
                eigen_swap(e->v + (ptrdiff_t)j * e->n, e->v + (ptrdiff_t)k * e->n, e->n);
                eigen_swap(e->gv + (ptrdiff_t)j * e->n, e->gv + (ptrdiff_t)k * e->n, e->n);
            }
}

/* How far g v is from value v, of the first two. */
static double eigen_left(const struct eigen *e)
{
    double most = 0;
    for (int k = 0; k < 2 && k < e->block; k++) {
        double sum = 0;
        for (int i = 0; i < e->n; i++) {
            double d = e->gv[(ptrdiff_t)k * e->n + i] - e->value[k] * e->v[(ptrdiff_t)k * e->n + i];
            sum += d * d;
        }
        most = fmax(most, sqrt(sum));
    }
    return most;
}

static void eigen_run(struct eigen *e)
{
    uint32_t seed = 1;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)e->block * e->n; i++) {
        seed = seed * 1664525u + 1013904223u; /* at right angles to nothing but by chance */
        e->v[i] = (double)(seed >> 8) / (1 << 24) - 0.5;
    }
    for (int step = 0; step < STEPS_MOST && !many_stopped(e->cancel); step++) {
        eigen_orthogonal(e);
        eigen_multiply(e);
        eigen_inside(e);
        if (eigen_left(e) <= CLOSE * e->value[0] || step == STEPS_MOST - 1)
            break;
        memcpy(e->v, e->gv, (size_t)e->block * (size_t)e->n * sizeof *e->v);
    }
}

/* ---- the plane */

/* Places on component k, from its eigenvector. */
static void many_places(const struct eigen *e, const double *c, int n, int dim, int k, float *xy)
{
    const double *v = e->v + (ptrdiff_t)k * e->n;
    double sign = 0;
    for (int i = 0; i < n; i++) {
        double at = n > dim ? many_dot(c + (ptrdiff_t)i * dim, v, dim) : v[i] * sqrt(e->value[k]);
        sign = i ? sign : at < 0 ? -1 : 1;
        xy[2 * i + k] = (float)(at == 0 ? 0 : sign * at);
    }
}

bool project_many(const float *x, int n, int dim, const atomic_bool *cancel, float *xy,
                  float share[2])
{
    double *c = many_centered(x, n, dim), total = 0, scale = 0;
    double *g = n > dim ? many_scatter(c, n, dim, cancel) : many_products(c, n, dim, cancel);
    struct eigen e = {.g = g, .n = n > dim ? dim : n, .cancel = cancel};
    share[0] = share[1] = 0;
    memset(xy, 0, (size_t)n * 2 * sizeof *xy);
    e.block = e.n < BLOCK ? e.n : BLOCK;
    e.v = xcalloc((size_t)e.block * (size_t)e.n + 1, sizeof *e.v);
    e.gv = xcalloc((size_t)e.block * (size_t)e.n + 1, sizeof *e.gv);
    for (int i = 0; i < e.n; i++)
        total += g[(ptrdiff_t)i * e.n + i];
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n * dim; i++)
        scale += (double)x[i] * (double)x[i];
    if (total > 1e-12 * scale)
        eigen_run(&e);
    for (int k = 0; k < 2 && k < e.block && e.value[k] > 1e-9 * total; k++) {
        share[k] = (float)(e.value[k] / total < 1 ? e.value[k] / total : 1);
        many_places(&e, c, n, dim, k, xy);
    }
    free(e.v);
    free(e.gv);
    free(g);
    free(c);
    return !many_stopped(cancel);
}
