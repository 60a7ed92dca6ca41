/* SPDX-License-Identifier: MIT */
/* The baseline's configuration.
 *
 * Source: vilbert/basebert.py of the reference, BertConfig. */
#include "src/model/singlestream/config.h"

int single_config_read(const char *path, struct single_config *c, struct vs_err *err)
{
    struct configfile r = {0};
    *c = (struct single_config){0};
    r.rc = configfile_open(&r, path, err);
    if (r.rc == 0)
        bert_read_sizes(&r, "single-stream baseline", &c->text);
    return configfile_close(&r);
}

struct net_sizes single_config_sizes(const struct single_config *c)
{
    return (struct net_sizes){
        .words = c->text.vocab_size,
        .positions = c->text.max_positions,
        .features = SINGLE_FEATURES,
        .width = {[STREAM_JOINT] = c->text.hidden},
        .part = {[PART_JOINT] = {c->text.layers, c->text.heads}},
    };
}
