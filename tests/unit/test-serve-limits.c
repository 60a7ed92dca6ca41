/* SPDX-License-Identifier: MIT */
/* What one client may take of a server's memory and time: patched models and what their passes
 * leave count with what is kept, a pass has so many rows and so much time, an image so many boxes.
 * Broken by a patch that copies a layer for each of its heads, by memory that nobody counts or that
 * is not in use, and by a pass that all others wait for. */
#include "src/engine/engine_priv.h"
#include "src/remote/netwire.h"
#include "src/serve/requests.h"
#include "src/serve/serve.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct model *model;
static struct kept kept;

/* The server's words, "" where it did what it was asked; frees what was sent. */
static const char *ask(enum frame_kind kind, struct buf *sent)
{
    static struct vs_err err;
    struct buf out = {0};
    struct request q = {.m = model, .kept = &kept, .kind = kind,
                        .w = {.data = (const uint8_t *)sent->data, .size = sent->len}};
    err = (struct vs_err){0};
    int rc = request_answer(&q, &out, &err);
    buf_fini(sent);
    buf_fini(&out);
    return rc == 0 ? "" : err.code == VS_E_LIMIT ? err.text : "not of a limit";
}

/* The model with so many heads of its own first layer, one after the other, and again. */
static const char *mix(int count)
{
    struct buf b = {0};
    int heads = model->checkpoints[0].net->sizes.part[PART_TEXT].heads;
    wire_int(&b, 0);
    wire_int(&b, count);
    for (int i = 0; i < count; i++) {
        wire_int(&b, PART_TEXT);
        wire_int(&b, 0);
        wire_int(&b, i % heads);
        wire_int(&b, 0);
    }
    return ask(FRAME_MIX, &b);
}

static const char *forget(void)
{
    struct buf b = {0};
    wire_int(&b, 1);
    return ask(FRAME_FORGET_NET, &b);
}

static void put_pass(struct buf *b, int net, int images, int tokens, int regions)
{
    const struct net *n = model->checkpoints[0].net;
    size_t rows = (size_t)images * (size_t)regions, words = (size_t)images * (size_t)tokens;
    float *features = xcalloc(rows * (size_t)n->sizes.features, sizeof *features);
    float *places = xcalloc(rows * 5, sizeof *places);
    int32_t *ids = xcalloc(words, sizeof *ids), *task = xcalloc((size_t)images, sizeof *task);
    const struct net_input in = {.batch = images, .tokens = tokens, .regions = regions,
                                 .ids = ids, .features = features, .spatials = places,
                                 .task = task};
    wire_int(b, net);
    netwire_put_input(b, &n->sizes, &in);
    netwire_put_want(b, &n->sizes, &(struct net_want){.heads = HEAD_VQA});
    free(features);
    free(places);
    free(ids);
    free(task);
}

static const char *pass(int net, int images, int tokens, int regions)
{
    struct buf b = {0};
    put_pass(&b, net, images, tokens, regions);
    return ask(FRAME_FORWARD, &b);
}

static const char *record_tokens(int net, int tokens)
{
    struct buf b = {0};
    put_pass(&b, net, 1, tokens, 3);
    return ask(FRAME_RECORD, &b);
}

/* One that keeps its activations, as the first tape. */
static const char *record(int net)
{
    return record_tokens(net, 4);
}

static const char *forget_tape(void)
{
    struct buf b = {0};
    wire_int(&b, 0);
    return ask(FRAME_FORGET_TAPE, &b);
}

static const char over[] = " MB that the server keeps for one (serve --memory)";

static void patched(void)
{
    kept.most_bytes = (size_t)64 << 20;
    bool once = !*mix(1);
    size_t one = once ? net_holds(kept.nets[0]) : 0;
    forget();
    bool often = !*mix(4000);
    ok(once && often && one > 1000 && net_holds(kept.nets[0]) == one,
       "a layer whose heads are patched 4000 times is copied once (%zu bytes)", one);
    forget();
    kept.most_bytes = one - 1;
    ok(strstr(mix(1), over) && !kept.nets[0], "a patched model that is larger is refused: %s",
       mix(1));
    kept.most_bytes = 2 * one;
    bool two = !*mix(1) && !*mix(1) && kept.nets[1];
    ok(two && strstr(mix(1), over) && !kept.nets[2], "and a third one where there is room for two");
    ok(!*forget() && !*mix(1), "which is let in when one is gone");
    kept_fini(&kept);
}

static void left_by_passes(void)
{
    kept.most_bytes = (size_t)64 << 20;
    bool made = !*mix(1) && !*pass(1, 2, 4, 3);
    size_t size = made ? net_holds(kept.nets[0]) : 0;
    kept.most_bytes = size - 1;
    ok(made && strstr(pass(1, 1, 4, 3), over), "what a patched model's pass leaves is counted (%zu "
       "bytes): %s", size, pass(1, 1, 4, 3));
    ok(!*forget() && !*pass(0, 1, 4, 3), "which ends with it");
    kept_fini(&kept);
}

static void gradients(void)
{
    kept.most_bytes = (size_t)64 << 20;
    bool made = !*mix(1) && !*pass(1, 1, 4, 3);
    size_t used = made ? net_holds(kept.nets[0]) : 0;
    bool recorded = made && !*record(1);
    size_t tape = recorded ? kept.tapes[0]->bytes : 0;
    bool again = recorded && !*forget_tape() && net_holds(kept.nets[0]) >= used + tape;
    kept.most_bytes = used + tape;
    bool twice = again && !*pass(1, 1, 4, 3) && !*record(1) && !*forget_tape() && !*record(1);
    ok(twice && tape > 1000 && kept.tapes[0]->bytes == tape,
       "what a tape leaves to the next one (%zu bytes) refuses nothing, and makes no pass go in "
       "blocks", tape);
    forget_tape();
    kept.most_bytes = used + 100;
    const char *said = record(1);
    ok(strstr(said, "are taken by its patched models"), "where patched models leave no room: %s",
       said);
    said = record_tokens(1, model->checkpoints[0].net->sizes.positions + 1);
    ok(strstr(said, "tokens are more than the model's"), "but not where it is something else: %s",
       said);
    kept_fini(&kept);
}

static void rows(void)
{
    static const char many[] = "computes at once: 32768 tokens and regions in all";
    kept.most_bytes = (size_t)64 << 20;
    const char *said = pass(0, 9, 4000, 1);
    ok(strstr(said, many), "a pass of 36009 rows is refused: %s", said);
    ok(!*pass(0, 4096, 4, 4) && strstr(pass(0, 4097, 4, 4), many),
       "one of 32768 is computed, of an image more it is not");
}

static void boxes(void)
{
    static const uint8_t pixel[3];
    float *list = xcalloc(5000 * 4, sizeof *list);
    struct buf b = {0};
    remote_put_picture(&b, &(struct remote_picture){pixel, 1, 1, list, 5000});
    free(list);
    const char *said = ask(FRAME_DETECT, &b);
    ok(strstr(said, "5000 boxes"), "boxes without end are refused: %s", said);
}

/* ---- time */

static atomic_bool stop;
static char path[] = "/tmp/vilscope-limits-XXXXXX/socket";

static void *run_server(void *arg)
{
    const struct serve_options o = {.path = path, .clients = 1, .memory_mb = 64, .seconds = 1,
                                    .stop = &stop};
    return serve_run(model, &o, arg) == 0 ? NULL : arg;
}

/* What the server says to a pass, once it got to it; a second and a half is enough for nobody. */
static const char *asked_late(struct channel *c)
{
    static char text[4096];
    struct buf b = {0};
    size_t have = 0;
    ssize_t n = 0;
    put_pass(&b, 0, 1, 4, 3);
    pthread_mutex_lock(&model->forward_lock);
    bool sent = channel_send(c, FRAME_FORWARD, &b);
    usleep(1500000);
    pthread_mutex_unlock(&model->forward_lock);
    for (int i = 0; sent && i < 600 && have < 64 && n >= 0; i++) {
        n = channel_read(c, text + have, sizeof text - 1 - have, 100);
        have += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < have; i++)
        text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '.';
    text[have] = '\0';
    buf_fini(&b);
    const char *said = strstr(text, "the server");
    return said ? said : text;
}

static void seconds(void)
{
    struct vs_err err = {0};
    struct channel c = {.fd = -1};
    pthread_t thread;
    *strrchr(path, '/') = '\0';
    bool made = mkdtemp(path) != NULL;
    path[strlen(path)] = '/';
    made &= pthread_create(&thread, NULL, run_server, &err) == 0;
    for (int i = 0; made && channel_open(path, false, &c, NULL) != 0 && i < 600; i++)
        usleep(100000);
    const char *said = c.fd >= 0 ? asked_late(&c) : "no server";
    ok(strstr(said, "gave this up after 1 s"), "what takes too long is given up: %s", said);
    channel_close(&c);
    atomic_store(&stop, true);
    void *failed = NULL;
    ok(made && pthread_join(thread, &failed) == 0 && !failed, "and the server goes on %s",
       err.text);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

int main(void)
{
    struct vs_err err = {0};
    const struct model_options o = {.dir = source_path("tests/data/tiny"), .threads = 1};
    if (model_open(&o, &model, &err) != 0 || detect_ready(model, &err) != 0) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    patched();
    left_by_passes();
    gradients();
    rows();
    boxes();
    seconds();
    model_free(model);
    return tap_done();
}
