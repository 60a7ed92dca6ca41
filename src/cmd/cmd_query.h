/* SPDX-License-Identifier: MIT */
/* The parts of vilscope query. */
#ifndef VS_CMD_QUERY_H
#define VS_CMD_QUERY_H

#include "src/study/attributed.h"
#include "src/study/effects.h"

/* regions, tokens, heads: names of enum effects_of, with a NULL behind. */
extern const char *const query_leave_out_names[];
/* Leaves out every one in turn and prints how the best answer changes: the strongest `top` lines,
 * or all as JSON. r is the query's result. */
int query_leave_out(struct model *m, const struct query *q, const struct result *r,
                    enum effects_of of, bool json, int top, struct vs_err *err);

/* Which answer is meant by what `option` was given ("target", "against"); name NULL: the best. */
int query_find_answer(const struct result *r, const char *option, const char *name, int *out,
                      struct vs_err *err);

/* The words of attribution_table, with a NULL behind: options' rows need them as a constant. */
extern const char *const query_methods[];
/* target, against: answers by label or number, or NULL. */
struct attribute_options {
    const struct attribution_method *method;
    const char *target, *against;
    struct attribution_how how;
    bool json, matrices;
    int top;
};
/* Prints what an answer of r, the query's result, owes to words and regions (and heads, where the
 * method knows them), the most first. *out: the same for the log, which does not say yet what was
 * logged and what the method is worth; the caller frees it with attribution_record_free. */
int query_attribute(struct model *m, const struct query *q, const struct result *r,
                    const struct attribute_options *o, struct attribution_record **out,
                    struct vs_err *err);

#endif
