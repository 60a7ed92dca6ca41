/* SPDX-License-Identifier: MIT */
/* The sets of weights in what a training script saved. */
#ifndef VS_TORCHSETS_H
#define VS_TORCHSETS_H

#include "src/formats/tensorfile_priv.h"
#include "src/base/mem.h"

/* A tensor of a set: its name there, and the arguments that rebuild it. Not 0 ends the walk. */
typedef int torch_visit(void *arg, const char *name, size_t len, const struct pval *args);
/* All tensors of a state dict, or of a module that was pickled as a whole. What visit returned. */
int torch_set_each(const struct pval *set, torch_visit *visit, void *arg);

/* The state dict or module in root, wherever training scripts put it: the one that wanted names
 * (then *matched), else the plain weights; *out is NULL when there are no tensors. names: of all
 * sets that are a model, for messages. Fails where several could be meant. */
int torch_choose_set(const struct pval *root, const char *path, const char *wanted,
                     const struct pval **out, struct buf *names, bool *matched,
                     struct vs_err *err);

#endif
