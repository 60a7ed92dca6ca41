/* SPDX-License-Identifier: MIT */
/* Clients of a server: frames in and out, and the thread that answers them in turn. A client has
 * one request at a time, so that first come, first served gives all of them equal turns. */
#include "src/serve/clients.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MOST ((uint64_t)1 << 30)
#define GROWS ((size_t)1 << 20) /* a message's memory grows with what has come of it */

/* ---- what is sent */

static void put_frame(struct client *x, enum frame_kind kind, const struct buf *body)
{
    const struct frame_head h = {FRAME_MAGIC, (uint32_t)kind, body->len};
    if (x->out_at == x->out.len)
        x->out.len = x->out_at = 0;
    buf_add(&x->out, &h, sizeof h);
    if (body->len)
        buf_add(&x->out, body->data, body->len);
}

static void wake_up(struct clients *c)
{
    ssize_t n = write(c->wake[1], "!", 1); /* a full pipe wakes as well */
    (void)n;
}

static void send_frame(struct clients *c, struct client *x, enum frame_kind kind,
                       const struct buf *body, bool done)
{
    pthread_mutex_lock(&c->lock);
    put_frame(x, kind, body);
    x->busy = x->busy && !done;
    pthread_mutex_unlock(&c->lock);
    wake_up(c);
}

void client_wants(struct clients *c, struct client *x, bool *writes, bool *reads)
{
    pthread_mutex_lock(&c->lock);
    *writes = x->out_at < x->out.len;
    *reads = x->busy || !*writes;
    pthread_mutex_unlock(&c->lock);
}

bool client_write(struct clients *c, struct client *x)
{
    ssize_t n = 0;
    pthread_mutex_lock(&c->lock);
    if (x->out_at < x->out.len)
        n = send(x->fd, x->out.data + x->out_at, x->out.len - x->out_at,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    bool gone = n < 0 && errno != EAGAIN && errno != EINTR;
    x->out_at += n > 0 ? (size_t)n : 0;
    if (x->out_at == x->out.len) {
        buf_fini(&x->out);
        x->out_at = 0;
    }
    pthread_mutex_unlock(&c->lock);
    return !gone;
}

/* ---- what is answered */

struct telling {
    struct clients *c;
    struct client *x;
};

static void tell(void *arg, const char *stage, double done, double all)
{
    const struct telling *t = arg;
    struct buf body = {0};
    wire_text(&body, stage);
    wire_real(&body, done);
    wire_real(&body, all);
    send_frame(t->c, t->x, FRAME_PROGRESS, &body, false);
    buf_fini(&body);
}

/* What is read next is a new message. */
static void client_renew(struct client *x)
{
    free(x->body);
    x->body = NULL;
    x->head_have = x->body_have = x->body_room = 0;
}

/* x's turn begins; NULL: it is over. Whether the turn that ends was too long. */
static bool clients_turn(struct clients *c, struct client *x)
{
    pthread_mutex_lock(&c->lock);
    bool late = c->late;
    c->now = x;
    c->since = vs_now_ms();
    c->late = false;
    pthread_mutex_unlock(&c->lock);
    return late;
}

void clients_hurry(struct clients *c)
{
    pthread_mutex_lock(&c->lock);
    if (c->now && !c->late && vs_now_ms() - c->since > 1000.0 * c->seconds) {
        c->late = true;
        atomic_store(&c->now->cancel, true);
    }
    pthread_mutex_unlock(&c->lock);
}

static void client_answer(struct clients *c, struct client *x)
{
    struct telling telling = {c, x};
    struct request q = {.m = c->m, .kept = &x->kept, .kind = (enum frame_kind)x->head.kind,
                        .w = {.data = x->body, .size = (size_t)x->head.size},
                        .cancel = &x->cancel, .progress = tell, .arg = &telling};
    struct buf out = {0};
    struct vs_err err = {0};
    clients_turn(c, x);
    int rc = request_answer(&q, &out, &err);
    if (clients_turn(c, NULL) && rc == VS_E_CANCELLED)
        rc = vs_fail(&err, VS_E_LIMIT, "the server gave this up after %d s, the longest that it "
                     "computes for one client at a stretch (serve --seconds): ask for less at once",
                     c->seconds);
    if (rc != 0) {
        buf_fini(&out);
        frame_put_failure(&out, &err);
    }
    client_renew(x);
    send_frame(c, x, rc == 0 ? FRAME_DONE : FRAME_FAILED, &out, true);
    buf_fini(&out);
}

static void clients_forget(struct clients *c, struct client *x)
{
    pthread_mutex_lock(&c->m->forward_lock);
    kept_fini(&x->kept);
    pthread_mutex_unlock(&c->m->forward_lock);
    pthread_mutex_lock(&c->lock);
    x->over = true;
    pthread_mutex_unlock(&c->lock);
    wake_up(c);
}

/* The first of the queue; NULL when it is to end. */
static struct client *clients_next(struct clients *c)
{
    pthread_mutex_lock(&c->lock);
    while (!c->first && !c->ends)
        pthread_cond_wait(&c->more, &c->lock);
    struct client *x = c->first;
    if (x)
        c->first = x->next;
    pthread_mutex_unlock(&c->lock);
    return x;
}

static void *clients_main(void *arg)
{
    struct clients *c = arg;
    for (struct client *x; (x = clients_next(c)) != NULL;)
        if (x->fini)
            clients_forget(c, x);
        else
            client_answer(c, x);
    return NULL;
}

static void clients_enqueue(struct clients *c, struct client *x)
{
    pthread_mutex_lock(&c->lock);
    x->next = NULL;
    if (c->first)
        c->last->next = x;
    else
        c->first = x;
    c->last = x;
    x->busy = true;
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
}

/* A request is whole: what the model is can be said at once. */
static void client_ask(struct clients *c, struct client *x)
{
    struct wire w = {.data = x->body, .size = (size_t)x->head.size};
    struct vs_err err = {0};
    if (x->head.kind != FRAME_HELLO && x->head.kind != FRAME_PART) {
        atomic_store(&x->cancel, false);
        clients_enqueue(c, x);
        return;
    }
    struct buf out = {0};
    const struct buf *said = offer_answer(&c->offer, (enum frame_kind)x->head.kind, &w, &err);
    if (!said)
        frame_put_failure(&out, &err);
    client_renew(x);
    send_frame(c, x, said ? FRAME_DONE : FRAME_FAILED, said ? said : &out, false);
    buf_fini(&out);
}

/* One that waits for its turn needs no turn to be told that it was cancelled. */
static void client_cancel(struct clients *c, struct client *x)
{
    const struct vs_err why = {VS_E_CANCELLED, "cancelled"};
    struct buf out = {0};
    struct client *before = NULL;
    atomic_store(&x->cancel, true);
    pthread_mutex_lock(&c->lock);
    struct client *at = c->first;
    while (at && at != x) {
        before = at;
        at = at->next;
    }
    if (at && before)
        before->next = x->next;
    else if (at)
        c->first = x->next;
    if (at && c->last == x)
        c->last = before;
    pthread_mutex_unlock(&c->lock);
    if (!at)
        return;
    frame_put_failure(&out, &why);
    client_renew(x);
    send_frame(c, x, FRAME_FAILED, &out, true);
    buf_fini(&out);
}

void clients_release(struct clients *c, struct client *x)
{
    x->fini = true;
    clients_enqueue(c, x);
}

static void clients_fini(struct clients *c)
{
    pthread_cond_destroy(&c->more);
    pthread_mutex_destroy(&c->lock);
    close(c->wake[0]);
    close(c->wake[1]);
    offer_fini(&c->offer);
}

int clients_start(struct clients *c, struct model *m, int seconds, struct vs_err *err)
{
    *c = (struct clients){.m = m, .seconds = seconds};
    int rc = offer_make(m, &c->offer, err);
    if (rc != 0 || pipe2(c->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        offer_fini(&c->offer);
        return rc ? rc : vs_fail(err, VS_E_IO, "no pipe can be made: %s", strerror(errno));
    }
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->more, NULL);
    rc = pthread_create(&c->thread, NULL, clients_main, c);
    if (rc == 0)
        return 0;
    clients_fini(c);
    return vs_fail(err, VS_E_LIMIT, "no thread can be started: %s", strerror(rc));
}

void clients_stop(struct clients *c)
{
    pthread_mutex_lock(&c->lock);
    c->ends = true;
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    clients_fini(c);
}

/* ---- what is read */

/* At most size bytes; 0: nothing now, -1: gone. */
static ssize_t client_take(const struct client *x, void *to, size_t size)
{
    ssize_t n = recv(x->fd, to, size, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return n == 0 ? -1 : n;
}

static bool client_grow(struct client *x, struct vs_err *err)
{
    size_t size = (size_t)x->head.size, room = 2 * x->body_room + GROWS;
    if (x->body_have < x->body_room || x->body_room >= size)
        return true;
    room = room < size ? room : size;
    uint8_t *body = realloc(x->body, room);
    if (!body) {
        vs_fail(err, VS_E_LIMIT, "no memory for a message of %zu MB", size >> 20);
        return false;
    }
    x->body = body;
    x->body_room = room;
    return true;
}

static bool is_cancel(const struct frame_head *h)
{
    return h->magic == FRAME_MAGIC && h->kind == FRAME_CANCEL && h->size == 0;
}

/* Of a head that is read in pieces. */
static ssize_t client_take_head(const struct client *x, struct frame_head *to, size_t *have)
{
    ssize_t n = client_take(x, (char *)to + *have, sizeof *to - *have);
    *have += n > 0 ? (size_t)n : 0;
    return n;
}

/* A head is there: what it says is begun. */
static bool client_begin(struct clients *c, struct client *x, struct vs_err *err)
{
    if (frame_check(&x->head, REQUEST_MOST, err) != 0)
        return false;
    if (is_cancel(&x->head))
        x->head_have = 0; /* it came when all was answered */
    else if (x->head.size == 0)
        client_ask(c, x);
    return true;
}

/* While it is answered: what comes can be the word to stop, or the end. */
static bool client_listen(struct clients *c, struct client *x, struct vs_err *err)
{
    if (client_take_head(x, &x->word, &x->word_have) < 0)
        return false;
    if (x->word_have < sizeof x->word)
        return true;
    x->word_have = 0;
    if (!is_cancel(&x->word)) {
        vs_fail(err, VS_E_FORMAT, "asks while it is being answered");
        return false;
    }
    client_cancel(c, x);
    return true;
}

bool client_read(struct clients *c, struct client *x, struct vs_err *err)
{
    pthread_mutex_lock(&c->lock);
    bool busy = x->busy;
    pthread_mutex_unlock(&c->lock);
    if (busy)
        return client_listen(c, x, err);
    if (x->word_have) { /* it was answered in the middle of a head */
        x->head = x->word;
        x->head_have = x->word_have;
        x->word_have = 0;
    }
    if (x->head_have < sizeof x->head)
        return client_take_head(x, &x->head, &x->head_have) >= 0 &&
               (x->head_have < sizeof x->head || client_begin(c, x, err));
    if (!client_grow(x, err))
        return false;
    ssize_t n = client_take(x, x->body + x->body_have, x->body_room - x->body_have);
    x->body_have += n > 0 ? (size_t)n : 0;
    if (n >= 0 && x->body_have == (size_t)x->head.size)
        client_ask(c, x);
    return n >= 0;
}
