/* The parts of vilscope query. */
#ifndef VS_CMD_QUERY_H
#define VS_CMD_QUERY_H

#include "src/study/effects.h"

/* regions, tokens, heads; false for another word. */
bool knock_find(const char *name, enum effects_of *of);
/* Leaves out every one in turn and prints how the best answer changes: the strongest `top` lines,
 * or all as JSON. r is the query's result. */
int knock_print(struct model *m, const struct query *q, const struct result *r,
                enum effects_of of, bool json, int top, struct vs_err *err);

#endif
