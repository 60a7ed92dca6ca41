/* SPDX-License-Identifier: MIT */
/* A server of opened models in this process: what is sent is what comes, whatever comes is refused
 * in words and harms nobody else, and a client outlives its server. Broken by a message that is
 * believed, by a net or a tape that is used after its connection, and by one client who stops the
 * others. */
#include "src/base/mem.h"
#include "src/engine/engine_priv.h"
#include "src/remote/channel.h"
#include "src/remote/netwire.h"
#include "src/serve/requests.h"
#include "src/serve/serve.h"
#include "tap.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void bail(const char *why)
{
    printf("Bail out! %s\n", why);
    exit(1);
}

static char folder[] = "/tmp/vilscope-serve-XXXXXX", *path;

/* ---- messages */

static void numbers(void)
{
    static const float list[3] = {1.5f, -0.0f, INFINITY};
    struct buf b = {0};
    size_t n;
    wire_int(&b, -7);
    wire_text(&b, "caf\xc3\xa9");
    wire_text(&b, NULL);
    wire_array(&b, list, 3, sizeof *list);
    wire_real(&b, 0.1);
    struct wire w = {.data = (const uint8_t *)b.data, .size = b.len};
    int64_t i = wire_get(&w);
    char *text = wire_get_text(&w), *none = wire_get_text(&w);
    const float *got = wire_get_array(&w, sizeof *got, &n);
    double x = wire_get_real(&w);
    ok(i == -7 && strcmp(text, "caf\xc3\xa9") == 0 && !none && n == 3 &&
           memcmp(got, list, sizeof list) == 0 && x == 0.1 && wire_end(&w, NULL) == 0,
       "numbers, texts and arrays come as they were sent");
    free(text);
    int bad = 0;
    for (size_t cut = 0; cut < b.len; cut++) {
        struct vs_err err = {0};
        w = (struct wire){.data = (const uint8_t *)b.data, .size = cut};
        wire_get(&w);
        free(wire_get_text(&w));
        free(wire_get_text(&w));
        wire_get_array(&w, sizeof *got, &n);
        wire_get_real(&w);
        bad += wire_end(&w, &err) != VS_E_FORMAT || strncmp(err.text, "a message that", 14) != 0;
    }
    ok(bad == 0, "a message that is cut anywhere is refused");
    const uint64_t huge[2] = {UINT64_MAX - 1, 0};
    w = (struct wire){.data = (const uint8_t *)huge, .size = sizeof huge};
    ok(!wire_get_array(&w, 8, &n) && n == 0 && wire_end(&w, NULL) != 0,
       "an array of more than memory is refused");
    buf_fini(&b);
}

static void states(void)
{
    static const int64_t shape[3] = {1, 2, 3};
    struct trace t = {.batch = 1, .tokens = 4, .regions = 5, .ms = 2.5};
    const struct trace_at at = {TRACE_STATE, PART_CO, STREAM_IMAGE, 2};
    float *x = trace_add(&t, at, 3, shape);
    for (int i = 0; i < 6; i++)
        x[i] = (float)i - 2.5f;
    struct buf b = {0};
    netwire_put_trace(&b, &t);
    struct wire w = {.data = (const uint8_t *)b.data, .size = b.len};
    struct trace *back = netwire_get_trace(&w);
    const struct trace_tensor *y = trace_get(back, at);
    ok(wire_end(&w, NULL) == 0 && back->tokens == 4 && back->ms == 2.5 && y && y->ndim == 3 &&
           y->shape[2] == 3 && memcmp(y->data, x, 6 * sizeof *x) == 0,
       "a trace comes as it was sent");
    trace_free(back);
    int bad = 0;
    for (size_t i = 0; i < b.len; i += 4) { /* each word of it is made huge in turn */
        uint32_t was;
        memcpy(&was, b.data + i, sizeof was);
        memset(b.data + i, 0x7f, sizeof was);
        w = (struct wire){.data = (const uint8_t *)b.data, .size = b.len};
        back = netwire_get_trace(&w);
        bad += wire_end(&w, NULL) == 0 ? !back : back != NULL;
        trace_free(back);
        memcpy(b.data + i, &was, sizeof was);
    }
    ok(bad == 0, "and with any word changed is read, or refused");
    buf_fini(&b);
    free(t.tensors[0].data);
    free(t.tensors);
}

/* ---- a server in a thread */

struct running {
    pthread_t thread;
    struct model *m;
    atomic_bool stop;
    int rc;
    struct vs_err err;
};

static void *run_server(void *arg)
{
    struct running *r = arg;
    const struct serve_options o = {.path = path, .clients = 3, .memory_mb = 64, .seconds = 600,
                                    .stop = &r->stop};
    r->rc = serve_run(r->m, &o, &r->err);
    return NULL;
}

/* Of this folder, or of a server. */
static const char *served = "tests/data/tiny";

static struct model *open_model(const char *connect)
{
    struct model *m = NULL;
    struct vs_err err = {0};
    struct model_options o = {.threads = 1};
    if (connect)
        o.connect = connect;
    else
        o.dir = source_path(served);
    if (model_open(&o, &m, &err) != 0)
        bail(err.text);
    return m;
}

static bool may_be_reached(void)
{
    struct channel c;
    bool yes = channel_open(path, false, &c, NULL) == 0;
    channel_close(&c);
    return yes;
}

static void server_begin(struct running *r)
{
    *r = (struct running){.m = open_model(NULL)};
    if (pthread_create(&r->thread, NULL, run_server, r) != 0)
        bail("no thread");
    for (int i = 0; i < 6000 && !may_be_reached(); i++)
        usleep(10000);
}

static void server_end(struct running *r)
{
    atomic_store(&r->stop, true);
    pthread_join(r->thread, NULL);
    ok(r->rc == 0 && access(path, F_OK) != 0, "the server ends, and its socket is gone %s",
       r->err.text);
    model_free(r->m);
}

/* ---- queries */

static struct photo *photo;

static struct result *ask(struct model *m, bool hidden, const atomic_bool *cancel,
                          struct vs_err *err)
{
    struct result *r = NULL;
    const struct query q = {.task = task_find("vqa"), .text = "what is it", .photo_count = 1,
                            .photos = &photo, .attention = true, .hidden = hidden};
    *err = (struct vs_err){0};
    return query_run(m, &q, cancel, &r, err) == 0 ? r : NULL;
}

static bool same_traces(const struct trace *a, const struct trace *b)
{
    bool same = a->count == b->count && a->count > 0;
    for (int i = 0; i < a->count && same; i++)
        same = trace_at_same(a->tensors[i].at, b->tensors[i].at) &&
               trace_numbers(&a->tensors[i]) == trace_numbers(&b->tensors[i]) &&
               memcmp(a->tensors[i].data, b->tensors[i].data,
                      trace_numbers(&a->tensors[i]) * sizeof(float)) == 0;
    return same;
}

static bool answers(struct model *m, const struct result *want)
{
    struct vs_err err;
    struct result *r = ask(m, true, NULL, &err);
    bool same = r && same_traces(r->trace, want->trace) && r->answer_count == want->answer_count &&
                r->answers[0].index == want->answers[0].index &&
                strcmp(r->device, want->device) == 0 &&
                strcmp(r->checkpoint_path, want->checkpoint_path) == 0;
    result_free(r);
    return same;
}

/* Holds the server's model up; raised when the pass is under way. */
struct raising {
    struct running *r;
    atomic_bool held, cancel;
    pthread_t thread;
};

static void *raise_later(void *arg)
{
    struct raising *x = arg;
    pthread_mutex_lock(&x->r->m->forward_lock);
    atomic_store(&x->held, true);
    usleep(200000);
    atomic_store(&x->cancel, true);
    usleep(300000);
    pthread_mutex_unlock(&x->r->m->forward_lock);
    return NULL;
}

static void hold_up(struct raising *x)
{
    if (pthread_create(&x->thread, NULL, raise_later, x) != 0)
        bail("no thread");
    while (!atomic_load(&x->held))
        usleep(1000);
}

/* The server is held up meanwhile: the query waits there, and ends before that does. */
static void cancelled(struct model *m, struct running *r)
{
    struct raising x = {.r = r};
    struct vs_err err;
    hold_up(&x);
    struct result *got = ask(m, false, &x.cancel, &err);
    pthread_join(x.thread, NULL);
    ok(!got && err.code == VS_E_CANCELLED && strcmp(err.text, "cancelled") == 0,
       "a query that is cancelled while it is computed says so: %s", err.text);
    result_free(got);
}

/* One that waits behind another client's is answered at once. */
static void cancelled_in_turn(struct model *other, struct running *r)
{
    struct raising x = {.r = r};
    struct vs_err err;
    struct channel c;
    const int64_t numbers[4] = {0, 1, 1, 1};
    struct buf b = {0};
    buf_add(&b, numbers, sizeof numbers);
    hold_up(&x);
    bool first = channel_open(path, false, &c, NULL) == 0 && channel_send(&c, FRAME_BATCH, &b);
    struct result *got = ask(other, false, &x.cancel, &err);
    ok(first && !got && err.code == VS_E_CANCELLED,
       "a query that waits for its turn is cancelled: %s", err.text);
    pthread_join(x.thread, NULL);
    channel_close(&c);
    buf_fini(&b);
    result_free(got);
}

/* ---- what does not speak the protocol */

/* What comes back for bytes on a connection of their own: its kind, 0 when that is closed. */
static uint32_t say_bytes(const void *bytes, size_t size, char *text, size_t room)
{
    struct channel c;
    struct frame_head h = {0};
    text[0] = '\0';
    if (channel_open(path, false, &c, NULL) != 0)
        return UINT32_MAX;
    bool sent = send(c.fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
    ssize_t n = sent ? recv(c.fd, &h, sizeof h, MSG_WAITALL) : -1;
    if (n == (ssize_t)sizeof h && h.size < room) {
        char body[1024];
        size_t most = h.size < sizeof body ? (size_t)h.size : sizeof body;
        n = most ? recv(c.fd, body, most, MSG_WAITALL) : 0; /* which waits for nothing, too */
        struct wire w = {.data = (const uint8_t *)body, .size = n > 0 ? (size_t)n : 0};
        wire_get(&w);
        char *said = h.kind == FRAME_FAILED ? wire_get_text(&w) : NULL;
        snprintf(text, room, "%s", said ? said : "");
        free(said);
    }
    channel_close(&c);
    return h.kind;
}

/* A frame of this kind with these numbers. */
static uint32_t say_numbers(enum frame_kind kind, const int64_t *list, size_t count, char *text,
                            size_t room)
{
    struct buf b = {0};
    const struct frame_head h = {FRAME_MAGIC, (uint32_t)kind, count * sizeof *list};
    buf_add(&b, &h, sizeof h);
    if (count)
        buf_add(&b, list, count * sizeof *list);
    uint32_t got = say_bytes(b.data, b.len, text, room);
    buf_fini(&b);
    return got;
}

static void strangers(struct model *m, const struct result *want)
{
    static const char web[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const struct frame_head huge = {FRAME_MAGIC, FRAME_FORWARD, UINT64_MAX};
    const int64_t other = PROTOCOL + 1, far = 1 << 20, tape = 0;
    const int64_t empty[4] = {0, 2000000, 1, 1};
    char text[1024];
    ok(say_bytes(web, sizeof web, text, sizeof text) == 0, "a browser is hung up on");
    ok(say_bytes(&huge, sizeof huge, text, sizeof text) == 0, "a message of all memory is, too");
    ok(say_numbers(FRAME_HELLO, &other, 1, text, sizeof text) == FRAME_FAILED &&
           strstr(text, "protocol 2, this program 3"), "another protocol: %s", text);
    ok(say_numbers((enum frame_kind)50, NULL, 0, text, sizeof text) == FRAME_FAILED &&
           strstr(text, "not known here: 50"), "another request: %s", text);
    ok(say_numbers(FRAME_FORWARD, &far, 1, text, sizeof text) == FRAME_FAILED &&
           strstr(text, "the number of a net"), "a net that is not there: %s", text);
    ok(say_numbers(FRAME_FORWARD, empty, 4, text, sizeof text) == FRAME_FAILED &&
           strstr(text, "ends early"), "an input without arrays: %s", text);
    ok(say_numbers(FRAME_BACKWARD, &tape, 1, text, sizeof text) == FRAME_FAILED &&
           strstr(text, "there is no tape 0"), "another's tape: %s", text);
    ok(say_numbers(FRAME_FORGET_NET, &tape, 1, text, sizeof text) == FRAME_DONE && answers(m, want),
       "a net of all is not freed by one");
}

/* ---- what one client keeps, and what it leaves unread */

/* Sends a frame and reads the head of what comes, and what that begins with. */
static uint32_t converse(const struct channel *c, enum frame_kind kind, const int64_t *list,
                         size_t count, int64_t *number)
{
    struct frame_head h = {0};
    struct buf b = {0};
    int64_t first = -1;
    for (size_t i = 0; i < count; i++)
        wire_int(&b, list[i]);
    bool sent = channel_send(c, kind, count ? &b : NULL);
    buf_fini(&b);
    if (!sent || recv(c->fd, &h, sizeof h, MSG_WAITALL) != (ssize_t)sizeof h)
        return 0;
    char *body = xmalloc((size_t)h.size + 8);
    if (h.size && recv(c->fd, body, (size_t)h.size, MSG_WAITALL) != (ssize_t)h.size)
        h.kind = 0;
    if (h.size >= sizeof first)
        memcpy(&first, body, sizeof first);
    free(body);
    *number = first;
    return h.kind;
}

/* What is made of a mixed net would outlive what it borrows from. */
static void mixes(void)
{
    struct channel c;
    int64_t place = -1, ignored;
    const int64_t patch[6] = {0, 1, PART_TEXT, 0, 0, 0};
    if (channel_open(path, false, &c, NULL) != 0)
        bail("no connection");
    uint32_t made = converse(&c, FRAME_MIX, patch, 6, &place);
    const int64_t again[6] = {place, 1, PART_TEXT, 0, 0, 0};
    const int64_t from[6] = {0, 1, PART_TEXT, 0, 0, place};
    ok(made == FRAME_DONE && place == 1 &&
           converse(&c, FRAME_MIX, again, 6, &ignored) == FRAME_FAILED &&
           converse(&c, FRAME_MIX, from, 6, &ignored) == FRAME_FAILED &&
           converse(&c, FRAME_FORGET_NET, &place, 1, &ignored) == FRAME_DONE &&
           converse(&c, FRAME_FORGET_NET, &place, 1, &ignored) == FRAME_FAILED,
       "patched models are made of opened checkpoints only, and forgotten once");
    const int64_t pooled[3] = {0, HEAD_VQA, 1};
    ok(converse(&c, FRAME_READ_STATES, pooled, 3, &ignored) == FRAME_FAILED,
       "a head that is not on rows reads no states");
    channel_close(&c);
}

/* Who asks without reading is answered once: what is not read waits in its own connection. */
static void unread(struct model *m, const struct result *want)
{
    struct channel c;
    const int64_t part = REMOTE_VOCAB;
    struct buf b = {0};
    struct timeval soon = {.tv_usec = 300000};
    wire_int(&b, part);
    if (channel_open(path, false, &c, NULL) != 0)
        bail("no connection");
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    int sent = 0;
    while (sent < 100000 && channel_send(&c, FRAME_PART, &b))
        sent++;
    ok(sent < 100000 && answers(m, want), "who reads nothing is read no more (%d requests), and "
       "others go on", sent);
    channel_close(&c);
    buf_fini(&b);
}

/* Ids that the vocabulary does not have, in an input that is whole. */
static void bad_ids(struct model *m)
{
    struct vs_err err = {0};
    struct net *n = m->checkpoints[0].net;
    int32_t ids[2] = {1, 1 << 30}, task[1] = {1};
    float *features = xcalloc((size_t)n->sizes.features, sizeof *features), places[5] = {0};
    const struct net_input in = {.batch = 1, .tokens = 2, .regions = 1, .ids = ids,
                                 .features = features, .spatials = places, .task = task};
    struct trace *t = NULL;
    int rc = net_forward(n, &in, &(struct net_want){.heads = HEAD_VQA}, &t, &err);
    ok(rc < 0 && rc != VS_E_IO && err.text[0], "an id beyond the vocabulary: %s", err.text);
    free(features);
}

/* ---- a request with any word of it changed */

/* Two tokens and a region on a model, as a client sends them. */
static void put_forward(struct buf *b, const struct net *n)
{
    static const int32_t ids[2] = {1, 2}, task[1] = {1};
    float *features = xcalloc((size_t)n->sizes.features, sizeof *features), places[5] = {0};
    float *with = xcalloc((size_t)n->sizes.width[STREAM_TEXT], sizeof *with);
    const struct net_input in = {.batch = 1, .tokens = 2, .regions = 1, .ids = ids,
                                 .features = features, .spatials = places, .task = task};
    const struct net_silence head = {.map = ATTN_TEXT, .how = KERN_MEAN, .b = -1};
    const struct net_replaced state = {.part = PART_TEXT, .stream = STREAM_TEXT, .with = with};
    wire_int(b, 0);
    netwire_put_input(b, &n->sizes, &in);
    netwire_put_want(b, &n->sizes, &(struct net_want){
        .heads = HEAD_VQA, .attention = true, .silences = &head, .silence_count = 1,
        .replaced = &state, .replaced_count = 1});
    free(features);
    free(with);
}

/* How a changed message is answered; 1 where that is neither an answer nor a refusal in words. */
static int ask_changed(struct model *m, struct buf *b, size_t at, const uint8_t *with, size_t size)
{
    uint8_t was[8];
    struct kept kept = {.most_bytes = 1 << 20};
    struct vs_err err = {0};
    struct buf out = {0};
    memcpy(was, b->data + at, size);
    memcpy(b->data + at, with, size);
    struct request q = {.m = m, .kept = &kept, .kind = FRAME_FORWARD,
                        .w = {.data = (const uint8_t *)b->data, .size = b->len}};
    int rc = request_answer(&q, &out, &err);
    memcpy(b->data + at, was, size);
    kept_fini(&kept);
    buf_fini(&out);
    return rc != 0 && !err.text[0];
}

static void put_seed(FILE *f, enum frame_kind kind, const void *body, size_t size)
{
    const uint8_t head[3] = {(uint8_t)kind, (uint8_t)size, (uint8_t)(size >> 8)};
    fwrite(head, sizeof head, 1, f);
    fwrite(body, size, 1, f);
}

/* A pass, one that is gone back through, and one of a patched model. */
static void write_seed(const char *path_of, const struct buf *pass)
{
    static const struct net_term term = {0, 1, 1};
    const struct net_target target = {OUT_VQA, 0, &term, 1};
    const int64_t patch[6] = {0, 1, PART_TEXT, 0, 0, 0}, zero = 0, one = 1;
    struct buf back = {0}, mixed = {0}, plain = {0};
    FILE *f = fopen(path_of, "wb");
    if (!f)
        bail("no seed can be written");
    wire_int(&back, 0);
    netwire_put_target(&back, &target);
    netwire_put_back(&back, &(struct net_back_want){.attention = true, .hidden = true});
    buf_add(&mixed, pass->data, pass->len);
    memcpy(mixed.data, &one, sizeof one);
    buf_add(&plain, pass->data, pass->len);
    put_seed(f, FRAME_FORWARD, pass->data, pass->len);
    put_seed(f, FRAME_RECORD, plain.data, plain.len);
    put_seed(f, FRAME_BACKWARD, back.data, back.len);
    put_seed(f, FRAME_FORGET_TAPE, &zero, sizeof zero);
    put_seed(f, FRAME_MIX, patch, sizeof patch);
    put_seed(f, FRAME_FORWARD, mixed.data, mixed.len);
    put_seed(f, FRAME_FORGET_NET, &one, sizeof one);
    if (fclose(f) != 0)
        bail("a seed is not whole");
    buf_fini(&back);
    buf_fini(&mixed);
    buf_fini(&plain);
}

/* With the name of a file also a seed for tests/fuzz/fuzz-serve. */
static void changed_words(struct model *m, const char *seed)
{
    static const uint8_t with[3][8] = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                       {0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0}, {0, 0, 1}};
    struct buf b = {0};
    int wordless = 0, asked = 0;
    put_forward(&b, m->checkpoints[0].net);
    for (size_t at = 0; at + 8 <= b.len; at += 8)
        for (size_t i = 0; i < 3; i++, asked++)
            wordless += ask_changed(m, &b, at, with[i], 8);
    ok(asked > 100 && wordless == 0, "a pass with any of %d numbers of it changed is computed, or "
       "refused in words", asked);
    if (seed)
        write_seed(seed, &b);
    buf_fini(&b);
}

/* ---- a server that goes and comes back */

static void comes_back(struct model *m, const struct result *want, struct running *r)
{
    struct vs_err err = {0};
    struct net *n = m->checkpoints[0].net, *mixed = NULL;
    const struct net_patch patch = {PART_TEXT, 0, -1, n};
    int rc = net_mix(n, &patch, 1, &mixed, &err);
    server_end(r);
    struct result *none = ask(m, false, NULL, &err);
    ok(!none && err.code == VS_E_GONE && strstr(err.text, path), "without a server: %s", err.text);
    server_begin(r);
    ok(answers(m, want), "when it is back, the client goes on");
    int32_t ids[1] = {1}, task[1] = {1};
    float *features = xcalloc((size_t)n->sizes.features, sizeof *features), places[5] = {0};
    const struct net_input in = {.batch = 1, .tokens = 1, .regions = 1, .ids = ids,
                                 .features = features, .spatials = places, .task = task};
    struct trace *t = NULL;
    int lost = rc == 0 ? net_forward(mixed, &in, &(struct net_want){.heads = HEAD_VQA}, &t, &err)
                       : 0;
    ok(lost == VS_E_GONE && strstr(err.text, "went with the connection"),
       "what it kept before is not taken for another's: %s", err.text);
    net_free(mixed);
    free(features);
    server_end(r);
    served = "tests/data/frozen";
    server_begin(r);
    none = ask(m, false, NULL, &err);
    ok(!none && err.code == VS_E_GONE && strstr(err.text, "another model"),
       "another model in its place is not asked: %s", err.text);
    server_end(r);
    served = "tests/data/tiny";
    server_begin(r);
    ok(answers(m, want), "and the same one again is");
}

int main(int argc, char **argv)
{
    struct running r;
    struct vs_err err = {0};
    numbers();
    states();
    if (!mkdtemp(folder))
        bail("no folder");
    path = xasprintf("%s/socket", folder);
    if (photo_open(source_path("tests/data/tiny/scene.png"), &(struct photo_options){0}, &photo,
                   &err) != 0)
        bail(err.text);
    struct model *own = open_model(NULL);
    struct result *want = ask(own, true, NULL, &err);
    changed_words(own, argc > 1 ? argv[1] : NULL);
    server_begin(&r);
    struct model *m = open_model(path);
    ok(answers(m, want), "a query's states, maps and answers are those of the same model here");
    cancelled(m, &r);
    ok(answers(m, want), "and the next one is answered");
    struct model *second = open_model(path);
    cancelled_in_turn(second, &r);
    ok(answers(second, want), "and answers when it asks again");
    model_free(second);
    strangers(m, want);
    mixes();
    unread(m, want);
    bad_ids(m);
    comes_back(m, want, &r);
    struct channel held[4];
    int full = 0;
    for (int i = 0; i < 3; i++)
        full += channel_open(path, false, &held[i], NULL) == 0;
    struct model *more = NULL;
    int rc = model_open(&(struct model_options){.threads = 1, .connect = path}, &more, &err);
    ok(full == 3 && rc == VS_E_REFUSED && strstr(err.text, "as many clients as it takes"),
       "one client too many: %s", err.text);
    for (int i = 0; i < 3; i++)
        channel_close(&held[i]);
    server_end(&r);
    model_free(m);
    result_free(want);
    model_free(own);
    photo_free(photo);
    rmdir(folder);
    free(path);
    return tap_done();
}
