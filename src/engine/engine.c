/* SPDX-License-Identifier: MIT */
/* The worker: one thread, one waiting query, photos to detect, other work, a queue of events and a
 * pipe that wakes the screen. */
#include "src/engine/engine.h"

#include "src/task/change.h"
#include "src/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DETECT 64 /* photos that wait for their regions */

struct pending {
    struct query query; /* text, photos and boxes are our copies */
    struct box_list *boxes;
    struct change *changes;
    int *also;
    int number;
};

/* Other work. */
struct call {
    engine_work *run;
    void (*drop)(void *arg);
    void *arg;
    int number;
    struct call *next;
};

struct node {
    struct event event;
    struct node *next;
};

struct engine {
    struct model *model;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* work came, or work ended */
    struct pending *waiting; /* at most one: the newest */
    struct photo *detect[MAX_DETECT];
    int detect_count;
    struct call *calls; /* that wait, in order */
    bool detecting;
    struct detect_progress progress;
    bool busy, quit;
    atomic_bool cancel;
    struct node *first, **last;
    int numbers;
    int wake[2]; /* a byte in the pipe for every event */
};

static void pending_free(struct pending *p)
{
    if (!p)
        return;
    for (int i = 0; p->boxes && i < p->query.photo_count; i++)
        free(p->boxes[i].boxes);
    free(p->boxes);
    free(p->changes);
    free(p->also);
    free((void *)(uintptr_t)p->query.text);
    free((void *)(uintptr_t)p->query.photos);
    free(p);
}

static void copy_boxes(struct pending *p, const struct query *q)
{
    if (!q->boxes)
        return;
    p->boxes = xcalloc((size_t)q->photo_count + 1, sizeof *p->boxes);
    for (int i = 0; i < q->photo_count; i++)
        p->boxes[i] = box_list_copy(&q->boxes[i]);
    p->query.boxes = p->boxes;
}

static void *copy_of(const void *x, size_t size)
{
    void *y = xmalloc(size + 1);
    if (size)
        memcpy(y, x, size);
    return y;
}

static struct pending *pending_new(const struct query *q, int number)
{
    struct pending *p = xcalloc(1, sizeof *p);
    p->query = *q;
    p->query.text = xstrdup(q->text);
    p->query.photos = copy_of(q->photos, (size_t)q->photo_count * sizeof *q->photos);
    p->number = number;
    p->changes = copy_of(q->changes, (size_t)q->change_count * sizeof *p->changes);
    p->also = copy_of(q->also, (size_t)q->also_count * sizeof *p->also);
    p->query.changes = p->changes;
    p->query.also = p->also;
    copy_boxes(p, q);
    return p;
}

/* Called with the lock held. */
static void send_event(struct engine *e, const struct event *event)
{
    struct node *n = xcalloc(1, sizeof *n);
    n->event = *event;
    *e->last = n;
    e->last = &n->next;
    /* A full pipe means that the reader has been woken already. */
    while (write(e->wake[1], "", 1) < 0 && errno == EINTR)
        ;
}

static void on_report(void *arg, const struct detect_progress *p)
{
    struct engine *e = arg;
    pthread_mutex_lock(&e->lock);
    e->detecting = true;
    e->progress = *p;
    pthread_mutex_unlock(&e->lock);
}

static void detect_one(struct engine *e, struct photo *p)
{
    struct event event = {.photo = p};
    int rc = photo_detect(e->model, p, &e->cancel, on_report, e, &event.error);
    event.kind = rc == 0 ? EVENT_REGIONS : EVENT_ERROR;
    pthread_mutex_lock(&e->lock);
    e->detecting = false;
    send_event(e, &event);
    pthread_mutex_unlock(&e->lock);
}

static void run_one(struct engine *e, struct pending *p)
{
    struct event event = {.kind = EVENT_STARTED, .query = p->number};
    p->query.report = on_report;
    p->query.report_arg = e;
    pthread_mutex_lock(&e->lock);
    send_event(e, &event);
    pthread_mutex_unlock(&e->lock);
    for (int i = -1; i < p->query.also_count; i++) {
        struct query q = p->query;
        q.checkpoint = i < 0 ? q.checkpoint : q.also[i];
        event = (struct event){.query = p->number, .checkpoint = q.checkpoint,
                               .left = q.also_count - 1 - i};
        int rc = query_run(e->model, &q, &e->cancel, &event.result, &event.error);
        event.kind = rc == 0 ? EVENT_RESULT : EVENT_ERROR;
        pthread_mutex_lock(&e->lock);
        e->detecting = false;
        send_event(e, &event);
        pthread_mutex_unlock(&e->lock);
    }
}

static void end_call(struct engine *e, struct call *c, struct event *event)
{
    event->query = c->number;
    event->arg = c->arg;
    event->drop = c->drop;
    pthread_mutex_lock(&e->lock);
    send_event(e, event);
    pthread_mutex_unlock(&e->lock);
    free(c);
}

static void run_call(struct engine *e, struct call *c)
{
    struct event event = {.kind = EVENT_DONE};
    if (c->run(e->model, c->arg, &e->cancel, &event.error) != 0)
        event.kind = EVENT_ERROR;
    end_call(e, c, &event);
}

/* What is next: a photo, else the query, else other work. False: nothing. With the lock held. */
static bool take_work(struct engine *e, struct photo **photo, struct pending **query,
                      struct call **call)
{
    *photo = NULL;
    *query = NULL;
    *call = NULL;
    if (e->detect_count) {
        *photo = e->detect[0];
        memmove(e->detect, e->detect + 1, (size_t)--e->detect_count * sizeof e->detect[0]);
    } else if (e->waiting) {
        *query = e->waiting;
        e->waiting = NULL;
    } else if (e->calls) {
        *call = e->calls;
        e->calls = e->calls->next;
    }
    return *photo || *query || *call;
}

static void *worker_main(void *arg)
{
    struct engine *e = arg;
    pthread_mutex_lock(&e->lock);
    while (!e->quit) {
        struct photo *photo;
        struct pending *p;
        struct call *call;
        if (!take_work(e, &photo, &p, &call)) {
            pthread_cond_wait(&e->changed, &e->lock);
            continue;
        }
        e->busy = true;
        atomic_store(&e->cancel, false);
        pthread_mutex_unlock(&e->lock);
        if (photo)
            detect_one(e, photo);
        else if (p)
            run_one(e, p);
        else
            run_call(e, call);
        pending_free(p);
        pthread_mutex_lock(&e->lock);
        e->busy = false;
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

int engine_new(struct model *m, struct engine **out, struct vs_err *err)
{
    struct engine *e = xcalloc(1, sizeof *e);
    e->model = m;
    e->last = &e->first;
    if (pipe2(e->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(e);
        return vs_fail(err, VS_E_IO, "no pipe for the worker: %s", strerror(errno));
    }
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    int rc = pthread_create(&e->thread, NULL, worker_main, e);
    if (rc != 0) {
        close(e->wake[0]);
        close(e->wake[1]);
        free(e);
        return vs_fail(err, VS_E_IO, "no worker thread: %s", strerror(rc));
    }
    *out = e;
    return 0;
}

/* Everything that nobody will take any more. */
static void drop_events(struct engine *e)
{
    struct event event;
    while (engine_poll(e, &event)) {
        result_free(event.result);
        if (event.drop)
            event.drop(event.arg);
    }
    for (struct call *c = e->calls, *next; c; c = next) {
        next = c->next;
        if (c->drop)
            c->drop(c->arg);
        free(c);
    }
    e->calls = NULL;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->detect_count = 0;
    e->quit = true;
    atomic_store(&e->cancel, true);
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    drop_events(e);
    pending_free(e->waiting);
    close(e->wake[0]);
    close(e->wake[1]);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->changed);
    free(e);
}

int engine_post(struct engine *e, const struct query *q)
{
    pthread_mutex_lock(&e->lock);
    int number = ++e->numbers;
    pending_free(e->waiting);
    e->waiting = pending_new(q, number);
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    return number;
}

int engine_call(struct engine *e, engine_work *run, void (*drop)(void *arg), void *arg)
{
    struct call *c = xcalloc(1, sizeof *c), **end = &e->calls;
    *c = (struct call){.run = run, .drop = drop, .arg = arg};
    pthread_mutex_lock(&e->lock);
    c->number = ++e->numbers;
    while (*end)
        end = &(*end)->next;
    *end = c;
    int number = c->number;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    return number;
}

void engine_detect(struct engine *e, struct photo *p)
{
    pthread_mutex_lock(&e->lock);
    bool there = e->detect_count == MAX_DETECT;
    for (int i = 0; i < e->detect_count; i++)
        there |= e->detect[i] == p;
    if (!there)
        e->detect[e->detect_count++] = p;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

bool engine_progress(struct engine *e, struct detect_progress *out)
{
    pthread_mutex_lock(&e->lock);
    bool running = e->detecting;
    *out = e->progress;
    pthread_mutex_unlock(&e->lock);
    return running;
}

void engine_cancel(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->detect_count = 0;
    pending_free(e->waiting);
    e->waiting = NULL;
    for (struct call *c = e->calls, *next; c; c = next) {
        struct event event = {.kind = EVENT_ERROR, .query = c->number, .arg = c->arg,
                              .drop = c->drop};
        vs_fail(&event.error, VS_E_CANCELLED, "cancelled");
        send_event(e, &event);
        next = c->next;
        free(c);
    }
    e->calls = NULL;
    atomic_store(&e->cancel, true);
    pthread_mutex_unlock(&e->lock);
}

void engine_wait_idle(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    while (e->busy || e->waiting || e->detect_count || e->calls)
        pthread_cond_wait(&e->changed, &e->lock);
    pthread_mutex_unlock(&e->lock);
}

bool engine_poll(struct engine *e, struct event *out)
{
    char byte;
    pthread_mutex_lock(&e->lock);
    struct node *n = e->first;
    if (n) {
        *out = n->event;
        e->first = n->next;
        if (!e->first)
            e->last = &e->first;
        while (read(e->wake[0], &byte, 1) < 0 && errno == EINTR)
            ;
    }
    pthread_mutex_unlock(&e->lock);
    free(n);
    return n != NULL;
}

int engine_fd(const struct engine *e)
{
    return e->wake[0];
}
