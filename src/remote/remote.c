/* SPDX-License-Identifier: MIT */
/* A connection to a server: one request at a time, and what is done when the server goes away. */
#include "src/remote/remote.h"

#include "src/formats/boxcheck.h"
#include "src/remote/netwire.h"
#include "src/remote/remote_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CHECKPOINTS 1024
#define LOOK_MS 50         /* how often it is looked whether what is waited for was cancelled */
#define CANCELLED_MS 10000 /* a server that does not let go of what was cancelled is left */

struct remote {
    pthread_mutex_t lock; /* of all below but model's names */
    char *address;
    struct channel channel;
    unsigned generation;  /* of the connection, from 1 */
    struct remote_model model;
};

/* ---- the hello */

void remote_model_fini(struct remote_model *m)
{
    for (int i = 0; i < m->checkpoint_count; i++) {
        free(m->checkpoints[i].name);
        free(m->checkpoints[i].path);
        free(m->checkpoints[i].note);
        for (int h = 0; h < HEAD_COUNT; h++)
            free(m->checkpoints[i].lacks[h]);
    }
    free(m->checkpoints);
    free(m->name);
    free(m->about);
    free(m->device);
    free(m->detector);
    *m = (struct remote_model){0};
}

void remote_put_model(struct buf *b, const struct remote_model *m)
{
    wire_text(b, m->name);
    wire_text(b, m->about);
    wire_text(b, m->device);
    wire_text(b, m->detector);
    wire_text(b, m->detector_digest);
    wire_text(b, m->parts_digest);
    wire_int(b, m->task_tokens);
    wire_int(b, m->max_regions);
    netwire_put_net(b, &m->net, NULL);
    wire_int(b, m->checkpoint_count);
    for (int i = 0; i < m->checkpoint_count; i++) {
        const struct remote_checkpoint *c = &m->checkpoints[i];
        wire_text(b, c->name);
        wire_text(b, c->path);
        wire_text(b, c->note);
        wire_text(b, c->digest);
        netwire_put_net(b, &c->net, c->head_sizes);
        for (int h = 0; h < HEAD_COUNT; h++)
            wire_text(b, c->lacks[h]);
    }
}

static void get_digest(struct wire *w, char out[DIGEST_HEX])
{
    char *text = wire_get_text(w);
    if (text && strlen(text) < DIGEST_HEX)
        memcpy(out, text, strlen(text) + 1);
    else if (!w->wrong)
        w->wrong = "a digest";
    free(text);
}

static void get_checkpoint(struct wire *w, struct remote_checkpoint *c)
{
    c->name = wire_get_text(w);
    c->path = wire_get_text(w);
    c->note = wire_get_text(w);
    get_digest(w, c->digest);
    netwire_get_net(w, &c->net, c->head_sizes);
    for (int h = 0; h < HEAD_COUNT; h++)
        c->lacks[h] = wire_get_text(w);
    if (!w->wrong && (!c->name || !c->path))
        w->wrong = "a checkpoint without a name";
}

int remote_get_model(struct wire *w, struct remote_model *out, struct vs_err *err)
{
    int none[HEAD_COUNT];
    *out = (struct remote_model){0};
    out->name = wire_get_text(w);
    out->about = wire_get_text(w);
    out->device = wire_get_text(w);
    out->detector = wire_get_text(w);
    get_digest(w, out->detector_digest);
    get_digest(w, out->parts_digest);
    out->task_tokens = wire_get_int(w, -1, 1, "whether it has task tokens");
    out->max_regions = wire_get_int(w, 2, 10000, "the number of regions");
    netwire_get_net(w, &out->net, none);
    int n = wire_get_int(w, 1, MOST_CHECKPOINTS, "the number of checkpoints");
    if (!w->wrong && (!out->name || !out->device))
        w->wrong = "a model without a name";
    if (!w->wrong) {
        out->checkpoints = xcalloc((size_t)n, sizeof *out->checkpoints);
        out->checkpoint_count = n;
    }
    for (int i = 0; i < out->checkpoint_count; i++)
        get_checkpoint(w, &out->checkpoints[i]);
    int rc = wire_end(w, err);
    if (rc != 0)
        remote_model_fini(out);
    return rc;
}

/* Whether what was opened is still what is served: its files are, to the byte. Checkpoints go by
 * their numbers. */
static bool same_model(const struct remote_model *a, const struct remote_model *b)
{
    bool same = a->checkpoint_count == b->checkpoint_count &&
                a->max_regions == b->max_regions && a->task_tokens == b->task_tokens &&
                memcmp(&a->net.sizes, &b->net.sizes, sizeof a->net.sizes) == 0 &&
                strcmp(a->detector_digest, b->detector_digest) == 0 &&
                strcmp(a->parts_digest, b->parts_digest) == 0;
    for (int i = 0; same && i < a->checkpoint_count; i++) {
        const struct remote_checkpoint *x = &a->checkpoints[i], *y = &b->checkpoints[i];
        same = strcmp(x->path, y->path) == 0 && strcmp(x->name, y->name) == 0 &&
               strcmp(x->digest, y->digest) == 0 && x->net.family == y->net.family &&
               x->net.heads == y->net.heads && x->net.task_tokens == y->net.task_tokens &&
               memcmp(&x->net.sizes, &y->net.sizes, sizeof x->net.sizes) == 0;
    }
    return same;
}

/* ---- a request */

/* Ctrl-C ends ssh, too, which is in the same group of processes: who cancelled meant that. */
static int call_gone(struct remote *r, const struct call *c, struct vs_err *err)
{
    channel_close(&r->channel);
    if (c->cancel && atomic_load(c->cancel))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    return vs_fail(err, VS_E_IO, "%s: the server is gone; what is asked next connects anew",
                   r->address);
}

/* Fills size bytes; what is cancelled meanwhile is told to the server. */
static int read_all(struct remote *r, const struct call *c, double *cancelled, void *to,
                    size_t size, struct vs_err *err)
{
    for (size_t have = 0; have < size;) {
        ssize_t n = channel_read(&r->channel, (char *)to + have, size - have, LOOK_MS);
        if (n < 0)
            return call_gone(r, c, err);
        have += (size_t)n;
        if (c->cancel && atomic_load(c->cancel) && *cancelled == 0) {
            *cancelled = vs_now_ms();
            if (!channel_send(&r->channel, FRAME_CANCEL, NULL))
                return call_gone(r, c, err);
        }
        if (n == 0 && *cancelled != 0 && vs_now_ms() - *cancelled > CANCELLED_MS) {
            channel_close(&r->channel);
            return vs_fail(err, VS_E_CANCELLED, "cancelled");
        }
    }
    return 0;
}

static int read_frame(struct remote *r, const struct call *c, double *cancelled,
                      struct frame_head *h, struct reply *out, struct vs_err *err)
{
    int rc = read_all(r, c, cancelled, h, sizeof *h, err);
    if (rc == 0 && (rc = frame_check(h, FRAME_MOST, err)) != 0) {
        channel_close(&r->channel);
        vs_fail_prefix(err, "%s", r->address);
    }
    if (rc != 0)
        return rc;
    out->data = vs_try_calloc((size_t)h->size + 8, 1);
    if (!out->data) {
        channel_close(&r->channel);
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for an answer of %llu MB", r->address,
                       (unsigned long long)(h->size >> 20));
    }
    out->w = (struct wire){.data = out->data, .size = (size_t)h->size};
    return read_all(r, c, cancelled, out->data, (size_t)h->size, err);
}

static void tell_progress(const struct call *c, struct wire *w)
{
    char *stage = wire_get_text(w);
    double done = wire_get_real(w), all = wire_get_real(w);
    if (c->progress && stage && !w->wrong)
        c->progress(c->arg, stage, done, all);
    free(stage);
}

/* What the server failed with, in its words. */
static int failed(struct remote *r, struct wire *w, struct vs_err *err)
{
    int code = wire_get_int(w, VS_E_DIVERGED, VS_E_USAGE, "the code of a failure");
    char *text = wire_get_text(w);
    int rc = wire_end(w, err);
    if (rc == 0)
        rc = vs_fail(err, code, "%s", text ? text : "");
    else
        vs_fail_prefix(err, "%s", r->address);
    free(text);
    return rc;
}

static int read_reply(struct remote *r, const struct call *c, struct reply *out,
                      struct vs_err *err)
{
    double cancelled = 0;
    for (;;) {
        struct frame_head h;
        int rc = read_frame(r, c, &cancelled, &h, out, err);
        if (rc == 0 && h.kind == FRAME_DONE)
            return 0;
        if (rc == 0 && h.kind == FRAME_PROGRESS)
            tell_progress(c, &out->w);
        else if (rc == 0 && h.kind == FRAME_FAILED)
            rc = failed(r, &out->w, err);
        else if (rc == 0) {
            channel_close(&r->channel);
            rc = vs_fail(err, VS_E_FORMAT, "%s: sent what was not asked for", r->address);
        }
        free(out->data);
        *out = (struct reply){0};
        if (rc != 0)
            return rc;
    }
}

/* Who is turned away is told why, and hung up on: that is read also where nothing can be sent. */
static int send_and_read(struct remote *r, const struct call *c, struct reply *out,
                         struct vs_err *err)
{
    (void)channel_send(&r->channel, c->kind, c->body);
    return read_reply(r, c, out, err);
}

static int say_hello(struct remote *r, struct remote_model *out, struct vs_err *err)
{
    struct reply reply = {0};
    struct buf body = {0};
    const struct call hello = {.kind = FRAME_HELLO, .body = &body};
    wire_int(&body, PROTOCOL);
    int rc = send_and_read(r, &hello, &reply, err);
    if (rc == 0)
        rc = remote_get_model(&reply.w, out, err);
    free(reply.data);
    buf_fini(&body);
    return rc;
}

static int connect_anew(struct remote *r, struct vs_err *err)
{
    struct remote_model now;
    int rc = channel_open(r->address, true, &r->channel, err);
    if (rc == 0)
        rc = say_hello(r, &now, err);
    if (rc == 0) {
        if (!same_model(&r->model, &now))
            rc = vs_fail(err, VS_E_REFUSED, "%s: another model is served there by now: end "
                         "vilscope and start it again", r->address);
        remote_model_fini(&now);
    }
    if (rc == 0)
        r->generation++;
    else
        channel_close(&r->channel);
    return rc;
}

static int call_locked(struct remote *r, const struct call *c, struct reply *out,
                       struct vs_err *err)
{
    bool bound = c->of && *c->of, fresh = r->channel.fd < 0;
    if (c->cancel && atomic_load(c->cancel))
        return vs_fail(err, VS_E_CANCELLED, "cancelled");
    if (bound && (fresh || *c->of != r->generation))
        return vs_fail(err, VS_E_GONE, "%s: what was kept there went with the connection: ask "
                       "again", r->address);
    int rc = fresh ? connect_anew(r, err) : 0;
    if (rc != 0)
        return rc;
    rc = send_and_read(r, c, out, err);
    /* It may have been gone for long, and be back. */
    bool again = rc == VS_E_IO && r->channel.fd < 0 && !fresh && !bound;
    if (again && (rc = connect_anew(r, err)) == 0)
        rc = send_and_read(r, c, out, err);
    if (rc == 0 && c->of)
        *c->of = r->generation;
    return rc;
}

int remote_call(struct remote *r, const struct call *c, struct reply *out, struct vs_err *err)
{
    *out = (struct reply){0};
    pthread_mutex_lock(&r->lock);
    int rc = call_locked(r, c, out, err);
    /* It is no fault of what was asked; an answer that is too large for here is. */
    if (rc != 0 && rc != VS_E_CANCELLED && rc != VS_E_LIMIT && r->channel.fd < 0) {
        rc = VS_E_GONE;
        if (err)
            err->code = rc;
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

/* ---- opening */

int remote_open(const char *address, struct remote **out, struct vs_err *err)
{
    struct remote *r = xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->address = xstrdup(address);
    r->generation = 1;
    int rc = channel_open(address, false, &r->channel, err);
    if (rc == 0 && (rc = say_hello(r, &r->model, err)) != 0 && !strstr(err->text, address))
        vs_fail_prefix(err, "%s", address);
    if (rc != 0) {
        remote_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

void remote_close(struct remote *r)
{
    if (!r)
        return;
    channel_close(&r->channel);
    remote_model_fini(&r->model);
    pthread_mutex_destroy(&r->lock);
    free(r->address);
    free(r);
}

const struct remote_model *remote_model(const struct remote *r)
{
    return &r->model;
}

/* ---- what is small */

int remote_part(struct remote *r, enum remote_part part, struct buf *out, char **path,
                struct vs_err *err)
{
    struct buf body = {0};
    struct reply reply;
    size_t n;
    *path = NULL;
    wire_int(&body, part);
    int rc = remote_call(r, &(struct call){.kind = FRAME_PART, .body = &body}, &reply, err);
    if (rc == 0) {
        char *at = wire_get_text(&reply.w);
        const void *content = wire_get_array(&reply.w, 1, &n);
        rc = wire_end(&reply.w, err);
        if (rc == 0 && at && content) {
            buf_add(out, content, n);
            *path = at;
            at = NULL;
        }
        free(at);
    }
    free(reply.data);
    buf_fini(&body);
    return rc;
}

/* ---- pictures */

void remote_put_picture(struct buf *b, const struct remote_picture *p)
{
    wire_int(b, p->w);
    wire_int(b, p->h);
    wire_array(b, p->rgb, (size_t)p->w * (size_t)p->h * 3, 1);
    wire_int(b, p->box_count);
    wire_array(b, p->boxes, (size_t)p->box_count * 4, sizeof *p->boxes);
}

void remote_get_picture(struct wire *w, struct remote_picture *out)
{
    static const char wrong[] = "the size of a picture";
    *out = (struct remote_picture){0};
    out->w = wire_get_int(w, 1, 1 << 16, wrong);
    out->h = wire_get_int(w, 1, 1 << 16, wrong);
    out->rgb = wire_get_exactly(w, (size_t)out->w * (size_t)out->h * 3, 1, true, wrong);
    out->box_count = wire_get_int(w, 0, 1 << 20, "the number of boxes");
    out->boxes = wire_get_exactly(w, (size_t)out->box_count * 4, sizeof *out->boxes, false,
                                  "the number of boxes");
}

/* What no detector finds is not let into a cache. */
static int check_regions(const struct remote *r, const struct remote_picture *p,
                         const struct regions *found, struct vs_err *err)
{
    if (found->dim != r->model.net.sizes.features || found->width != p->w || found->height != p->h)
        return vs_fail(err, VS_E_FORMAT, "%s: sent regions of another picture or model",
                       r->address);
    return boxes_look_found(found->boxes, found->count, p->w, p->h, r->address, err);
}

int remote_detect(struct remote *r, const struct remote_picture *p, const atomic_bool *cancel,
                  remote_progress *progress, void *arg, struct regions **out, struct vs_err *err)
{
    struct buf body = {0};
    struct reply reply;
    remote_put_picture(&body, p);
    const struct call c = {.kind = FRAME_DETECT, .body = &body, .cancel = cancel,
                           .progress = progress, .arg = arg};
    int rc = remote_call(r, &c, &reply, err);
    if (rc == 0) {
        struct regions *found = netwire_get_regions(&reply.w);
        rc = wire_end(&reply.w, err);
        if (rc == 0)
            rc = check_regions(r, p, found, err);
        if (rc == 0)
            *out = found;
        else
            regions_free(found);
    }
    free(reply.data);
    buf_fini(&body);
    return rc;
}
