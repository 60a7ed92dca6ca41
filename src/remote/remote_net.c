/* SPDX-License-Identifier: MIT */
/* Nets whose passes are computed at a server: a family's functions, each one request. */
#include "src/remote/netwire.h"
#include "src/remote/remote_priv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct remote_net {
    struct net net; /* the first member: what others see */
    struct remote *r;
    int number;     /* the server's; up to the number of checkpoints theirs, then mixed ones */
    unsigned of;    /* the connection that a mixed one was made in; else 0 */
    const int *head_sizes;
    char *const *lacks;
};

struct remote_tape {
    struct tape tape;
    int number;
    unsigned of;
};

static struct remote_net *own(const struct net *n)
{
    return (struct remote_net *)(uintptr_t)n;
}

/* A request about n: its number comes first. of: as of struct call. */
static int net_call_of(const struct net *n, enum frame_kind kind, const struct buf *rest,
                       const atomic_bool *cancel, unsigned *of, struct reply *out,
                       struct vs_err *err)
{
    struct buf body = {0};
    wire_int(&body, own(n)->number);
    buf_add(&body, rest->data, rest->len);
    const struct call c = {.kind = kind, .body = &body, .cancel = cancel, .of = of};
    int rc = remote_call(own(n)->r, &c, out, err);
    buf_fini(&body);
    return rc;
}

/* Of opened checkpoints any connection will do. */
static int net_call(const struct net *n, enum frame_kind kind, const struct buf *rest,
                    const atomic_bool *cancel, struct reply *out, struct vs_err *err)
{
    unsigned of = own(n)->of;
    return net_call_of(n, kind, rest, cancel, of ? &of : NULL, out, err);
}

/* ---- passes */

static int read_trace(struct reply *reply, struct trace **out, struct vs_err *err)
{
    struct trace *t = netwire_get_trace(&reply->w);
    int rc = wire_end(&reply->w, err);
    if (rc == 0)
        *out = t;
    else
        trace_free(t);
    return rc;
}

static int remote_forward(struct net *n, const struct net_input *in, const struct net_want *want,
                          struct trace **out, struct vs_err *err)
{
    struct buf body = {0};
    struct reply reply;
    netwire_put_input(&body, &n->sizes, in);
    netwire_put_want(&body, &n->sizes, want);
    int rc = net_call(n, FRAME_FORWARD, &body, want->cancel, &reply, err);
    if (rc == 0)
        rc = read_trace(&reply, out, err);
    free(reply.data);
    buf_fini(&body);
    return rc;
}

static int remote_record(struct net *n, const struct net_input *in, const struct net_want *want,
                         struct tape **out, struct trace **trace, struct vs_err *err)
{
    struct remote_tape *t = xcalloc(1, sizeof *t);
    struct buf body = {0};
    struct reply reply;
    netwire_put_input(&body, &n->sizes, in);
    netwire_put_want(&body, &n->sizes, want);
    t->of = own(n)->of;
    int rc = net_call_of(n, FRAME_RECORD, &body, want->cancel, &t->of, &reply, err);
    if (rc == 0) {
        t->number = wire_get_int(&reply.w, 0, INT32_MAX, "the number of a tape");
        t->tape = (struct tape){.net = n, .bytes = (size_t)wire_get(&reply.w)};
        rc = read_trace(&reply, trace, err);
    }
    if (rc == 0)
        *out = &t->tape;
    else
        free(t);
    free(reply.data);
    buf_fini(&body);
    return rc;
}

static int remote_backward(struct tape *tape, const struct net_target *target,
                           const struct net_back_want *want, struct trace **out,
                           struct vs_err *err)
{
    struct remote_tape *t = (struct remote_tape *)tape;
    struct buf body = {0};
    struct reply reply;
    wire_int(&body, t->number);
    netwire_put_target(&body, target);
    netwire_put_back(&body, want);
    int rc = remote_call(own(tape->net)->r, &(struct call){.kind = FRAME_BACKWARD, .body = &body,
                                                           .cancel = want->cancel, .of = &t->of},
                         &reply, err);
    if (rc == 0)
        rc = read_trace(&reply, out, err);
    free(reply.data);
    buf_fini(&body);
    return rc;
}

/* What is kept at the server goes, with the connection if that is over. */
static void forget(struct remote *r, enum frame_kind kind, int number, unsigned of)
{
    struct buf body = {0};
    struct reply reply;
    wire_int(&body, number);
    (void)remote_call(r, &(struct call){.kind = kind, .body = &body, .of = &of}, &reply, NULL);
    free(reply.data);
    buf_fini(&body);
}

static void remote_tape_free(struct tape *tape)
{
    struct remote_tape *t = (struct remote_tape *)tape;
    forget(own(tape->net)->r, FRAME_FORGET_TAPE, t->number, t->of);
    free(t);
}

static int remote_read_states(struct net *n, enum net_head head, const float *x, int rows,
                              float *out, struct vs_err *err)
{
    size_t width = netwire_state_width(&n->sizes, head);
    size_t size = (size_t)rows * (size_t)net_head_size(n, head);
    struct buf body = {0};
    struct reply reply;
    wire_int(&body, head);
    wire_int(&body, rows);
    wire_array(&body, x, (size_t)rows * width, sizeof *x);
    int rc = net_call(n, FRAME_READ_STATES, &body, NULL, &reply, err);
    if (rc == 0) {
        const float *read = wire_get_exactly(&reply.w, size, sizeof *read, true,
                                             "the numbers of a head");
        rc = wire_end(&reply.w, err);
        if (rc == 0)
            memcpy(out, read, size * sizeof *out);
    }
    free(reply.data);
    buf_fini(&body);
    return rc;
}

/* ---- what a net is */

static void remote_lacks(const struct net *n, enum net_head head, char *out, size_t size)
{
    const char *why = own(n)->lacks[__builtin_ctz((unsigned)head)];
    snprintf(out, size, "%s", why ? why : "the server did not say why");
}

static int remote_head_size(const struct net *n, enum net_head head)
{
    return own(n)->head_sizes[__builtin_ctz((unsigned)head)];
}

static int remote_batch(const struct net *n, int tokens, int regions, int most)
{
    struct buf body = {0};
    struct reply reply;
    int images = 1;
    wire_int(&body, tokens);
    wire_int(&body, regions);
    wire_int(&body, most);
    if (net_call(n, FRAME_BATCH, &body, NULL, &reply, NULL) == 0)
        images = wire_get_int(&reply.w, 1, 1 << 20, "the number of images");
    free(reply.data);
    buf_fini(&body);
    return images;
}

/* The server shares states among passes as it likes. */
static void remote_keep(struct net *n, struct prefix_cache *s)
{
    (void)n;
    (void)s;
}

/* Only the server has the configurations, and says so in mix. */
static bool remote_mixes(const struct net *a, const struct net *b)
{
    return own(a)->r == own(b)->r;
}

static struct net *make_net(const struct remote_net *like, int number, unsigned of)
{
    struct remote_net *x = xcalloc(1, sizeof *x);
    *x = *like;
    x->number = number;
    x->of = of;
    return &x->net;
}

static int remote_mix(struct net *n, const struct net_patch *list, int count, struct net **out,
                      struct vs_err *err)
{
    struct remote_net *x = own(n);
    struct buf body = {0};
    struct reply reply;
    unsigned of = 0;
    for (int i = 0; i < count; i++)
        if (own(list[i].from)->of || x->of)
            return vs_fail(err, VS_E_USAGE, "a server patches opened checkpoints only, not what "
                           "was patched before");
    wire_int(&body, x->number);
    wire_int(&body, count);
    for (int i = 0; i < count; i++) {
        const struct remote_net *from = own(list[i].from);
        wire_int(&body, list[i].part);
        wire_int(&body, list[i].layer);
        wire_int(&body, list[i].head);
        wire_int(&body, from->number);
    }
    int rc = remote_call(x->r, &(struct call){.kind = FRAME_MIX, .body = &body, .of = &of}, &reply,
                         err);
    if (rc == 0) {
        int number = wire_get_int(&reply.w, 0, INT32_MAX, "the number of a net");
        rc = wire_end(&reply.w, err);
        if (rc == 0)
            *out = make_net(x, number, of);
    }
    free(reply.data);
    buf_fini(&body);
    return rc;
}

static void remote_free(struct net *n)
{
    struct remote_net *x = own(n);
    if (x->of)
        forget(x->r, FRAME_FORGET_NET, x->number, x->of);
    free(x);
}

/* ---- the families */

static const struct family *const local[] = {&vilbert_family, &singlestream_family};
#define FAMILIES (sizeof local / sizeof local[0])
static struct family remote_families[FAMILIES];
static pthread_once_t made = PTHREAD_ONCE_INIT;

/* What a family is stays, what it does goes over the connection. */
static void make_families(void)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        struct family *f = &remote_families[i];
        *f = *local[i];
        f->lacks = remote_lacks;
        f->free = remote_free;
        f->keep = remote_keep;
        f->batch = remote_batch;
        f->forward = remote_forward;
        f->record = f->record ? remote_record : NULL;
        f->backward = f->backward ? remote_backward : NULL;
        f->tape_free = f->tape_free ? remote_tape_free : NULL;
        f->mixes = remote_mixes;
        f->mix = remote_mix;
        f->holds = NULL; /* its memory is the server's */
        f->drop_spare = NULL;
        f->head_size = remote_head_size;
        f->read_states = remote_read_states;
    }
}

struct net *remote_net(struct remote *r, int i)
{
    const struct remote_checkpoint *c = &remote_model(r)->checkpoints[i];
    struct remote_net like = {.net = c->net, .r = r, .head_sizes = c->head_sizes,
                              .lacks = c->lacks};
    pthread_once(&made, make_families);
    for (size_t k = 0; k < FAMILIES; k++)
        if (local[k] == c->net.family)
            like.net.family = &remote_families[k];
    return make_net(&like, i, 0);
}
