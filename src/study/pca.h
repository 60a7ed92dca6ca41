/* SPDX-License-Identifier: MIT */
/* Points in many dimensions: how alike they are, and where they lie on the plane that shows most of
 * them. It knows nothing of screens or results. */
#ifndef UI_PROJECT_H
#define UI_PROJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The cosine of the angle between a and b, -1 to 1; 0 when one of them is 0. */
float project_cosine(const float *a, const float *b, int dim);

/* Principal components: x[i] (dim) are n points, xy (n, 2) their places on the first two, share[k]
 * the part of all variance that component k explains, 0 to 1. Point 0 has no negative place, so
 * that pictures of neighboring layers lie alike. Everything is 0 when all points are one. */
void project_plane(const float *const *x, int n, int dim, float *xy, float share[2]);

/* The same of many points x (n, dim), also where there are more of them than dimensions, and where
 * several components are nearly as large. False once *cancel (NULL: never) is set: of 20 000
 * points in 1024 dimensions it takes seconds. */
bool project_many(const float *x, int n, int dim, const atomic_bool *cancel, float *xy,
                  float share[2]);

#endif
