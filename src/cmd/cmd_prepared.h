/* SPDX-License-Identifier: MIT */
/* For the commands that run a model on prepared inputs: a file with in.* of everything. */
#ifndef VS_CMD_PREPARED_H
#define VS_CMD_PREPARED_H

#include "src/cmd/cmd_model.h"
#include "src/model/family.h"

#define ROWS_PREPARED(o_model, o_checkpoints, o_inputs)                                            \
    TEXT("config", 0, "FILE", o_model.config, VALUES_FILES,                                        \
         "the model's configuration (JSON); that of -m DIR without it"),                           \
    TEXT("model", 'm', "DIR", o_model.dir, VALUES_FOLDERS,                                         \
         "model directory (vilscope-model(5))"),                                                   \
    WORDS("checkpoint", 'c', "NAME", o_checkpoints, VALUES_CHECKPOINTS,                            \
          "one checkpoint, by its name in the model directory or its file"),                       \
    TEXT("inputs", 0, "FILE", o_inputs, VALUES_FILES,                                              \
         "safetensors with in.input_ids (B, T), in.features (B, V, F), in.spatials (B, V, 5), "    \
         "in.task_ids (B, 1); and perhaps in.token_type_ids, in.attention_mask (B, T), "           \
         "in.image_mask (B, V)")

/* An opened model, and the inputs. */
struct prepared_run {
    struct net *net;
    struct net_input in;
    int32_t *ids, *types, *text_mask, *image_mask, *task;
    float *features, *spatials;
    struct net_config config;
    struct tensorfile *weights, *inputs;
    struct kern *k;
    struct chosen *chosen;
};

/* As in the reference, a task token is put in only when the configuration says so. *out is to be
 * closed in any case. */
int prepared_open(const char *command, const struct words *checkpoints, struct model_options *model,
                  const char *inputs, struct prepared_run *out, struct vs_err *err);
void prepared_close(struct prepared_run *p);

#endif
