/* SPDX-License-Identifier: MIT */
/* A configuration as the reference writes them: one JSON object, whose absent keys have defaults.
 * The first thing that is wrong is told; what is read afterwards may be anything in range. */
#ifndef VS_CONFIGFILE_H
#define VS_CONFIGFILE_H

#include "kernels/kern.h"
#include "src/base/err.h"

#include <jansson.h>

struct configfile {
    json_t *root; /* an object, unless rc tells otherwise */
    const char *path;
    int rc;
    struct vs_err *err;
};

#define CONFIG_BAD(r, ...)                                                                         \
    ((r)->rc = (r)->rc ? (r)->rc : vs_fail((r)->err, VS_E_FORMAT, __VA_ARGS__))

/* Returns r->rc. */
int configfile_open(struct configfile *r, const char *path, struct vs_err *err);
/* Returns r->rc. */
int configfile_close(struct configfile *r);

/* A whole number from 1 to a million. */
int configfile_whole(struct configfile *r, const char *key, int fallback);
bool configfile_flag(struct configfile *r, const char *key, bool fallback);
enum kern_act configfile_activation(struct configfile *r, const char *key);
/* size is a multiple of heads. */
void configfile_check_heads(struct configfile *r, const char *what, int size, int heads);

#endif
