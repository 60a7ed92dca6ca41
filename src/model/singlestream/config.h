/* SPDX-License-Identifier: MIT */
/* The configuration of the single-stream baseline: the reference's JSON, with its defaults for
 * absent keys. Keys of a two-stream model are passed over. */
#ifndef VS_SINGLE_CONFIG_H
#define VS_SINGLE_CONFIG_H

#include "src/model/family.h"
#include "src/model/transformer/bertsizes.h"

/* Fixed in the reference's code. */
#define SINGLE_FEATURES 2048
#define SINGLE_CLASSES 1601

struct single_config {
    struct bert_sizes text;
};

/* What everything above asks of it. */
struct net_sizes single_config_sizes(const struct single_config *c);

int single_config_read(const char *path, struct single_config *c, struct vs_err *err);

#endif
