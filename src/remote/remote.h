/* SPDX-License-Identifier: MIT */
/* A model that a server holds open (vilscope serve): what it is, and passes computed there. Nets
 * made of it are like others to whoever runs passes, and give the same numbers to the last bit. */
#ifndef VS_REMOTE_H
#define VS_REMOTE_H

#include "src/base/mem.h"
#include "src/formats/bytes.h"
#include "src/formats/regions.h"
#include "src/model/family.h"

struct remote_checkpoint {
    char *name, *path, *note; /* path: the server's; note may be NULL */
    char digest[DIGEST_HEX];  /* of its file */
    struct net net;           /* as the server has it open */
    int head_sizes[HEAD_COUNT];
    char *lacks[HEAD_COUNT];  /* why it lacks a head, as the end of a sentence; or NULL */
};

/* What the server said. */
struct remote_model {
    char *name, *about, *device; /* about may be NULL */
    char *detector; /* its weights' path there; NULL: it has none */
    char detector_digest[DIGEST_HEX]; /* of weights and description; "" without one */
    char parts_digest[DIGEST_HEX];    /* of the small files */
    int task_tokens, max_regions; /* as in struct parts */
    struct net net; /* family and sizes as the configuration of all says */
    int checkpoint_count;
    struct remote_checkpoint *checkpoints;
};
void remote_model_fini(struct remote_model *m);

/* The small files of a model. */
enum remote_part {
    REMOTE_VOCAB, REMOTE_LABELS_VQA, REMOTE_LABELS_GQA, REMOTE_CLASSES, REMOTE_KNOWN_WORDS,
    REMOTE_DOMAIN, REMOTE_QUERIES, REMOTE_PARTS
};

struct remote;
/* address: channel.h. Fails where nobody serves there, or another protocol. */
int remote_open(const char *address, struct remote **out, struct vs_err *err);
void remote_close(struct remote *r); /* after its nets; NULL is fine */
const struct remote_model *remote_model(const struct remote *r);

/* All functions below may be called from any thread; one at a time is asked of the server, others
 * wait. When the server is gone they fail with VS_E_GONE, and connect anew at the next call. */

/* A file's content, and its path there, to be freed; NULL when the model has none. */
int remote_part(struct remote *r, enum remote_part part, struct buf *out, char **path,
                struct vs_err *err);

/* Checkpoint i as a net, to be freed with net_free. */
struct net *remote_net(struct remote *r, int i);

/* What is to be found in a picture; boxes (box_count, 4) are pooled instead when they are given. */
struct remote_picture {
    const uint8_t *rgb; /* (h, w, 3) */
    int w, h;
    const float *boxes;
    int box_count;
};
void remote_put_picture(struct buf *b, const struct remote_picture *p);
struct wire;
void remote_get_picture(struct wire *w, struct remote_picture *out);
/* As of detector_want: stage, done and all. */
typedef void remote_progress(void *arg, const char *stage, double done, double all);
int remote_detect(struct remote *r, const struct remote_picture *p, const atomic_bool *cancel,
                  remote_progress *progress, void *arg, struct regions **out, struct vs_err *err);

/* ---- the hello, both ways */
void remote_put_model(struct buf *b, const struct remote_model *m);
int remote_get_model(struct wire *w, struct remote_model *out, struct vs_err *err);

#endif
