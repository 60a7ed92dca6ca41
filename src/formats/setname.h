/* SPDX-License-Identifier: MIT */
/* Names of the sets of weights that one file may have ("state_dict", "model_ema"), and of the
 * tensors that tell where in a name the model begins. */
#ifndef VS_SETNAME_H
#define VS_SETNAME_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes before the name of a tensor that every model and every detector has, -1 where it is none:
 * what stands there is the name of what the model was wrapped into. */
int setname_before_landmark(const char *tensor);
/* A tensor's name without what wrappers put anywhere into it (torch.compile of a layer, FSDP,
 * checkpointed activations): "layer.0._orig_mod.output" is "layer.0.output". The caller frees. */
char *setname_unwrapped(const char *tensor);
/* Whether a name is that of averaged weights: "model_ema", "ema.module", "swa_model". */
bool setname_is_average(const char *name);

/* The i-th of some sets. */
typedef const char *setname_get(const void *sets, int i);
/* *out: the one that is called so, else the only one with that word in its name ("ema": any
 * average), else -1. Fails where several are. */
int setname_match(const char *wanted, const char *path, const void *sets, int count,
                  setname_get *get, int *out, struct vs_err *err);
/* That the file has several, by their names. */
int setname_fail_several(const char *path, const void *sets, int count, setname_get *get,
                         struct vs_err *err);

/* The bytes of "FILE" in "FILE@NAME", if there is no file of the whole name, but one of the first
 * part; else all of it. *name: behind the @, or NULL. */
size_t setname_split(const char *path, const char **name);

#endif
