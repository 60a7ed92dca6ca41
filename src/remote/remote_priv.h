/* SPDX-License-Identifier: MIT */
/* A request and its reply, for the files of a connection. */
#ifndef VS_REMOTE_PRIV_H
#define VS_REMOTE_PRIV_H

#include "src/remote/channel.h"
#include "src/remote/remote.h"
#include "src/remote/wire.h"

struct reply {
    uint8_t *data; /* to be freed */
    struct wire w;
};

/* What is asked. */
struct call {
    enum frame_kind kind;
    const struct buf *body;
    const atomic_bool *cancel; /* or NULL */
    remote_progress *progress; /* or NULL */
    void *arg;
    unsigned *of; /* the connection that what it names was made in: fails when that is over, set
                     where it is 0; NULL: any will do */
};
/* Sends it and waits for the reply, whose content is to be freed also where it was not good. */
int remote_call(struct remote *r, const struct call *c, struct reply *out, struct vs_err *err);

#endif
