/* SPDX-License-Identifier: MIT */
/* What clients ask, answered by the model. */
#ifndef VS_SERVE_REQUESTS_H
#define VS_SERVE_REQUESTS_H

#include "src/engine/engine_priv.h"
#include "src/remote/channel.h"
#include "src/remote/wire.h"

/* What a client keeps at the server. */
#define KEPT_MOST 64
struct kept {
    struct net *nets[KEPT_MOST]; /* patched ones */
    struct tape *tapes[KEPT_MOST];
    size_t most_bytes; /* of all of them */
};
/* Everything goes. Called by the thread that computes. */
void kept_fini(struct kept *k);

struct request {
    struct model *m;
    struct kept *kept;
    enum frame_kind kind;
    struct wire w;
    const atomic_bool *cancel;
    remote_progress *progress;
    void *arg;
};
/* The reply's content to out, or a failure. */
int request_answer(struct request *q, struct buf *out, struct vs_err *err);

#endif
