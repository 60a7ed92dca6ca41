/* SPDX-License-Identifier: MIT */
/* What a file holds, told by its content: for inspect, and for model init. */
#ifndef VS_CMD_INSPECT_H
#define VS_CMD_INSPECT_H

#include "src/formats/bytes.h"

struct json_t; /* jansson's */

/* An object of "path", "kind" and what belongs to the kind (vilscope(1), inspect), which the caller
 * frees; key: an entry of an LMDB or TSV file, or NULL. What cannot be read is an error that says
 * what it is. */
int inspect_report(const char *path, const char *key, struct json_t **out, struct vs_err *err);

/* ---- among inspect's own files */

struct report {
    const char *path, *key;
    struct json_t *root;
    struct vs_err *err;
};
void inspect_set(struct report *r, const char *key, struct json_t *v);
/* Configurations: of a model, of a detector, a model.json. False: it is none of them; else *rc is
 * how reading went. */
bool inspect_configuration(struct report *r, const struct bytes *map, int *rc);

#endif
