/* SPDX-License-Identifier: MIT */
/* Clients of a server: what they send and are sent, and whose turn it is. */
#ifndef VS_SERVE_CLIENTS_H
#define VS_SERVE_CLIENTS_H

#include "src/serve/offer.h"
#include "src/serve/requests.h"

#include <pthread.h>

/* One belongs to the thread that polls but while its request is computed (busy), when that thread
 * only looks whether it is cancelled, and adds to out with the lock held. */
struct client {
    int fd;            /* -1: gone */
    int number;        /* from 1, in the order in which they came */
    struct frame_head head; /* of what is being read, or answered */
    struct frame_head word; /* what comes while it is answered */
    size_t head_have, word_have, body_have, body_room;
    uint8_t *body;
    struct buf out;    /* to be sent */
    size_t out_at;
    atomic_bool cancel;
    bool busy;         /* waits for its turn, or is computed */
    bool fini, over;   /* its turn is to free what it kept; that was done */
    struct kept kept;
    struct client *next; /* in the queue */
};

struct clients {
    struct model *m;
    struct offer offer;
    pthread_mutex_t lock; /* of the queue, of whose turn it is, of busy and over, and of out while
                             busy */
    pthread_cond_t more;
    pthread_t thread;
    struct client *first, *last; /* whose turn it is */
    struct client *now; /* who is being answered, since when (vs_now_ms); NULL: nobody */
    double since;
    int seconds; /* what takes longer is given up */
    bool late;   /* as what is computed now was */
    bool ends;
    int wake[2]; /* the computing thread has something for the polling one */
};

/* seconds: how long one may be answered. */
int clients_start(struct clients *c, struct model *m, int seconds, struct vs_err *err);
void clients_stop(struct clients *c); /* when what is computed is done */

/* Cancels what has been computed for too long. */
void clients_hurry(struct clients *c);

/* What is kept for it goes, in its turn. */
void clients_release(struct clients *c, struct client *x);

/* Reads what is there. False when it is gone, or sent what it must not; then err says what, or is
 * empty. */
bool client_read(struct clients *c, struct client *x, struct vs_err *err);
/* Sends what can be sent. False when it is gone. */
bool client_write(struct clients *c, struct client *x);
/* Whether something is to be sent, and whether it is to be listened to: one that does not read what
 * it was sent is not, but for a word to stop. */
void client_wants(struct clients *c, struct client *x, bool *writes, bool *reads);

#endif
