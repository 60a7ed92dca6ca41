/* SPDX-License-Identifier: MIT */
/* What a server says of its model: made once, before anybody connects. */
#ifndef VS_SERVE_OFFER_H
#define VS_SERVE_OFFER_H

#include "src/engine/engine_priv.h"
#include "src/remote/channel.h"
#include "src/remote/wire.h"

struct offer {
    struct buf hello;               /* the model, as a message */
    struct buf parts[REMOTE_PARTS]; /* its small files, each as a message */
};
/* Computes digests of all files that are not remembered, which takes a moment for large ones.
 * offer_fini in any case. */
int offer_make(struct model *m, struct offer *out, struct vs_err *err);
void offer_fini(struct offer *f);
/* The reply to FRAME_HELLO and FRAME_PART, borrowed; NULL, with err, for what is wrong. */
const struct buf *offer_answer(const struct offer *f, enum frame_kind kind, struct wire *w,
                               struct vs_err *err);

#endif
