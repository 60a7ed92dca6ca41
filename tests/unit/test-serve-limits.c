/* SPDX-License-Identifier: MIT */
/* What one client may take of a server's memory and time: patched models and what their passes
 * leave count with what is kept, a pass has so many rows, an image so many boxes. Broken by a patch
 * that copies a layer for each of its heads, by memory that nobody counts, and by a pass that all
 * others wait for. */
#include "src/engine/engine_priv.h"
#include "src/remote/netwire.h"
#include "src/serve/requests.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

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

static const char *pass(int net, int images, int tokens, int regions)
{
    const struct net *n = model->checkpoints[0].net;
    size_t rows = (size_t)images * (size_t)regions, words = (size_t)images * (size_t)tokens;
    float *features = xcalloc(rows * (size_t)n->sizes.features, sizeof *features);
    float *places = xcalloc(rows * 5, sizeof *places);
    int32_t *ids = xcalloc(words, sizeof *ids), *task = xcalloc((size_t)images, sizeof *task);
    const struct net_input in = {.batch = images, .tokens = tokens, .regions = regions,
                                 .ids = ids, .features = features, .spatials = places,
                                 .task = task};
    struct buf b = {0};
    wire_int(&b, net);
    netwire_put_input(&b, &n->sizes, &in);
    netwire_put_want(&b, &n->sizes, &(struct net_want){.heads = HEAD_VQA});
    free(features);
    free(places);
    free(ids);
    free(task);
    return ask(FRAME_FORWARD, &b);
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
    rows();
    boxes();
    model_free(model);
    return tap_done();
}
