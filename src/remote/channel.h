/* SPDX-License-Identifier: MIT */
/* A connection to a server of models, and the frames on it: a head, then so many bytes. */
#ifndef VS_CHANNEL_H
#define VS_CHANNEL_H

#include "src/base/err.h"
#include "src/base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Another one when messages mean something else, or a table that they number changes. */
#define PROTOCOL 2

/* What a client asks, and what comes back. */
enum frame_kind {
    FRAME_HELLO = 1, /* protocol; gives the model (remote.c) */
    FRAME_PART,      /* a small file of the model: its path and its content */
    FRAME_BATCH,     /* how many images to compute at once */
    FRAME_FORWARD,
    FRAME_RECORD,
    FRAME_BACKWARD,
    FRAME_FORGET_TAPE,
    FRAME_MIX,
    FRAME_FORGET_NET,
    FRAME_READ_STATES,
    FRAME_DETECT,
    FRAME_CANCEL,    /* what was asked last; nothing comes back for it */
    FRAME_DONE = 64, /* replies */
    FRAME_FAILED,    /* code, text */
    FRAME_PROGRESS   /* stage, done, all; the reply is to come */
};

#define FRAME_MAGIC 0x56534331u /* also tells the order of bytes */
struct frame_head {
    uint32_t magic, kind;
    uint64_t size; /* of what follows */
};
/* What a FRAME_FAILED holds. */
void frame_put_failure(struct buf *b, const struct vs_err *err);
/* 0, or why this is no head of a frame of at most `most` bytes. */
int frame_check(const struct frame_head *h, uint64_t most, struct vs_err *err);
#define FRAME_MOST ((uint64_t)2 << 30)

struct channel {
    int fd;      /* -1: closed */
    pid_t child; /* ssh, or 0 */
};

/* address: the path of a socket, or ssh://[USER@]HOST[:PORT]/PATH, where ssh (or $VILSCOPE_SSH)
 * runs "vilscope serve --relay /PATH" on HOST. silent: ssh asks and says nothing, as when a screen
 * is open. */
int channel_open(const char *address, bool silent, struct channel *out, struct vs_err *err);
void channel_close(struct channel *c);
/* False when the other side is gone. */
bool channel_send(const struct channel *c, enum frame_kind kind, const struct buf *body);
/* Waits at most ms for bytes, reads what is there: how many; 0: nothing yet, -1: gone. */
ssize_t channel_read(const struct channel *c, void *to, size_t size, int ms);

/* A socket at path: its address. False when the path is too long for one. */
struct sockaddr_un;
bool channel_address(const char *path, struct sockaddr_un *out);
/* Copies standard input to the socket and what it says to standard output, until one ends. */
int channel_relay(const char *path, struct vs_err *err);

#endif
