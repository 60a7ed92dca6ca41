/* SPDX-License-Identifier: MIT */
/* What a converted checkpoint says, beside what it was made of. */
#ifndef VS_CMD_CONVERT_H
#define VS_CMD_CONVERT_H

#include "src/engine/engine.h"
#include "src/study/outputerror.h"

/* Where the queries come from: a model directory, or its parts, and a set. */
struct convert_asked {
    struct model_options model;
    const char *set; /* a check set; NULL: the queries that the model directory names */
};

/* Whether there is anything to ask, and with what. */
bool convert_can_ask(const struct convert_asked *a);
/* What `made` computes in a precision (of KERN_PRECISION_NAMES) less what `from` does in float32,
 * on the set. stop: as query_run's cancel. The caller ends *out with output_errors_fini. */
int convert_measure(const struct convert_asked *a, const char *from, const char *made,
                    int precision, const atomic_bool *stop, struct output_errors *out,
                    struct vs_err *err);
/* "PATH HOW: 12 queries asked" and what came out; the path is a link. */
void convert_print(const char *path, const char *how, const struct output_errors *e);

#endif
