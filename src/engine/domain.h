/* SPDX-License-Identifier: MIT */
/* What a model knows, as its model.json states it (vilscope-model(5)): the words that its training
 * texts had, and how far a picture is from those that it was trained on. */
#ifndef VS_DOMAIN_H
#define VS_DOMAIN_H

#include "src/base/err.h"
#include "src/formats/image.h"
#include "src/task/result.h"

struct domain;
/* words: a label list of known words, file: the statistics of pictures; either may be NULL. The
 * caller frees *out, which is NULL when both are. */
int domain_open(const char *words, const char *file, struct domain **out, struct vs_err *err);
void domain_free(struct domain *d);

#define DOMAIN_NUMBERS 42
/* How much neighbouring pixels differ: for the picture and for means of 2x2 and 4x4 pixels, from
 * row to row and from column to column, the shares of differences up to 0, 2, 5, 10, 20, 40, 80.
 * False for pictures under 8 pixels. */
bool domain_describe(const struct image *im, float out[DOMAIN_NUMBERS]);
/* The picture's distance, about 1 for those of training, in units of the limit: above 1 is far.
 * Negative when it is not known: no statistics, or no pixels. */
float domain_distance(const struct domain *d, const struct image *im);

/* The words of r's text that are not known, "a, b, c"; NULL: all are, or no list is stated. Caller
 * frees. */
char *domain_unknown(const struct domain *d, const struct result *r);

#endif
