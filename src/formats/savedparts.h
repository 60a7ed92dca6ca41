/* SPDX-License-Identifier: MIT */
/* Folders that trainers save, and checkpoints that lie in parts: of DeepSpeed (ZeRO), of
 * torch.distributed (FSDP). */
#ifndef VS_SAVEDPARTS_H
#define VS_SAVEDPARTS_H

#include "src/base/err.h"
#include "src/formats/pickle.h"

#include <stdbool.h>

/* The file of a folder that holds all weights: what transformers saves (one file, or the index of
 * several), DeepSpeed's model states where they are whole, also one level down where its file
 * "latest" says. Of a file that holds some tensors of a checkpoint, as convert writes them: the
 * index NAME.index.json beside it that names it. NULL: there is none. The caller frees. */
char *savedparts_weights(const char *dir);
/* The index NAME.index.json beside a file, where it names that and another one, whether or not the
 * file itself is there; NULL: there is none. The caller frees. */
char *savedparts_index(const char *path);
/* 0, or fails where path is a part of a checkpoint, or the folder of one, from which nothing can be
 * read by itself: says what it is and what makes one file of it. */
int savedparts_refuse(const char *path, struct vs_err *err);
/* Whether a file by this name is one of several, NAME-00001-of-00003.safetensors. */
bool savedparts_is_shard(const char *path);
/* 0, or fails where path is a folder in which savedparts_weights finds nothing: says what is there
 * instead. */
int savedparts_refuse_folder(const char *path, struct vs_err *err);
/* The same of what a PyTorch file holds: an optimizer's part of DeepSpeed. */
int savedparts_refuse_object(const char *path, const struct pval *root, struct vs_err *err);
/* Fails: its tensors are one process's parts of a model's. */
int savedparts_fail_sharded(const char *path, struct vs_err *err);
/* Whether a file by this name holds an optimizer's state, and never weights. */
bool savedparts_is_optimizer(const char *name);

#endif
