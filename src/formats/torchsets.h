/* SPDX-License-Identifier: MIT */
/* The sets of weights in what a training script saved. */
#ifndef VS_TORCHSETS_H
#define VS_TORCHSETS_H

#include "src/formats/tensorfile_priv.h"
#include "src/base/mem.h"

/* A tensor of a set: its name there, and the arguments that rebuild it, or for torch_odd_tensor the
 * whole value. Not 0 ends the walk. */
typedef int torch_visit(void *arg, const char *name, size_t len, const struct pval *args);
/* All tensors of a state dict, or of a module that was pickled as a whole. What visit returned. */
int torch_set_each(const struct pval *set, torch_visit *visit, void *arg);

/* The same of a list of tensors without names (torch-ema's shadow_params): they are called as the
 * parameters of the set `named` in their order; what has two names there has both, and buffers are
 * that set's. Fails where numbers or shapes do not agree. */
int torch_shadow_each(const struct pval *list, const struct pval *named, const char *path,
                      torch_visit *visit, void *arg, struct vs_err *err);

/* What is chosen: a state dict or module, or a list of tensors and the set that has their names. */
struct torch_chosen {
    const struct pval *set;   /* NULL: there are no tensors */
    const struct pval *named; /* NULL: set has names */
};
/* The state dict or module in root, wherever training scripts put it: the one that wanted names
 * (then *matched), else the plain weights. names: of all sets that are a model, for messages. Fails
 * where several could be meant. */
int torch_choose_set(const struct pval *root, const char *path, const char *wanted,
                     struct torch_chosen *out, struct buf *names, bool *matched,
                     struct vs_err *err);

#endif
