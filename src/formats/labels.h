/* SPDX-License-Identifier: MIT */
/* A list of names by number: answers (label2ans), object classes. */
#ifndef VS_LABELS_H
#define VS_LABELS_H

#include "src/base/err.h"

#include <stdbool.h>

struct labels {
    char **names; /* UTF-8, may be empty strings */
    int count;
};

/* Reads a pickled list of strings (protocols 0 to 5, written by Python 2 or 3), the pickled
 * dictionary answer -> number (ans2label), JSON (a list, or such a dictionary), or plain text with
 * a name per line. The caller frees with labels_free. */
int labels_open(const char *path, struct labels **out, struct vs_err *err);
/* Whether a file begins as such a pickle, whatever else its bytes may look like. */
struct bytes;
bool labels_are_pickled(const struct bytes *map);
void labels_free(struct labels *l);
/* How the file was written: "pickle", "JSON", "text". */
const char *labels_format(const struct labels *l);

#endif
