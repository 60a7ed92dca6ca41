/* SPDX-License-Identifier: MIT */
/* What was found out about two checkpoints as JSON values; the caller owns them. */
#ifndef VS_DIFFERENCE_JSON_H
#define VS_DIFFERENCE_JSON_H

#include "src/study/difference.h"

#include <jansson.h>

json_t *weights_json(const struct model *m, int a, int b, const struct weights_change *w);
json_t *cka_json(const struct model *m, int a, int b, const struct cka c[2]);
json_t *attention_json(const struct attention_change *list, int count);
json_t *patch_json(const struct model *m, const struct patch_result *s,
                   const struct query *queries);

/* notices: objects with "name" and "notice", of the queries that d is about. They become a part of
 * its line, and of its JSON where that is an object. */
void difference_note(struct difference *d, json_t *notices);

#endif
