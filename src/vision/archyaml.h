/* SPDX-License-Identifier: MIT */
/* The configuration of a detector as its authors publish it: YAML of maskrcnn-benchmark. */
#ifndef VS_ARCHYAML_H
#define VS_ARCHYAML_H

#include "src/base/err.h"
#include "src/formats/bytes.h"

#include <stdbool.h>

struct json_t; /* jansson's */

/* Whether it looks like one: text with a line that begins with MODEL: */
bool archyaml_is(const struct bytes *map);
/* The same as an object with the keys of our own description (vilscope-model(5)), which the caller
 * frees. Keys that are absent have maskrcnn-benchmark's defaults. Detectors of another build than
 * the reference's family are refused; so is everything where libyaml was not there when the program
 * was built. */
int archyaml_read(const struct bytes *map, struct json_t **out, struct vs_err *err);

#endif
