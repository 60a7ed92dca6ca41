/* SPDX-License-Identifier: MIT */
/* What a pass leaves out must not show: answers are the same to the last bit when the rows that
 * nobody reads are computed as well, and when states of earlier passes are not used. A row too few,
 * one that is taken from the wrong place, a state of other weights, words, masks or regions, one
 * that an intervention touches, or a kernel whose sums depend on the number of rows, or on whether
 * its weights are packed, breaks it.
 *
 * Random queries: heads, padding, batches, silenced heads, checkpoints, swapped weights.
 *
 * usage: test-pass                    the small models
 *        test-pass CONFIG CHECKPOINT  one model at the sizes of real queries */
#include "again.h"
#include "device.h"
#include "queries.h"

/* Every tensor of a is one of b, with the same bits. */
static bool is_within(const struct trace *a, const struct trace *b)
{
    for (int i = 0; i < a->count; i++) {
        const struct trace_tensor *x = &a->tensors[i], *y = trace_get(b, x->at);
        size_t n = 1;
        for (int d = 0; d < x->ndim; d++) {
            n *= (size_t)x->shape[d];
            if (!y || y->ndim != x->ndim || y->shape[d] != x->shape[d])
                return false;
        }
        if (memcmp(x->data, y->data, n * sizeof *x->data) != 0) {
            char name[TRACE_NAME];
            tap_note("%s differs", trace_name(x->at, name));
            return false;
        }
    }
    return true;
}

/* A want without states and maps, of one head or several. */
static struct net_want some_heads(const struct query_model *q, struct net_silence *s)
{
    struct net_want want = query_want(q, s);
    want.attention = want.hidden = false;
    want.heads = 0;
    for (int i = query_below(3); i >= 0; i--)
        want.heads |= 1u << query_below(HEAD_COUNT);
    want.heads &= vilbert_net(q->m)->heads;
    s->map = (enum attn_kind)query_below(4);
    s->layer = query_below(s->map == ATTN_TEXT ? q->c.text.layers : s->map == ATTN_VISUAL
                                                                   ? q->c.v_layers
                                                                   : q->c.connections);
    return want;
}

static int compare_rows(struct query_model *q)
{
    struct net_input in;
    struct net_silence s;
    struct vs_err err = {0};
    struct trace *a = NULL, *b = NULL;
    query_random(q, &in);
    struct net_want want = some_heads(q, &s), all = want;
    all.hidden = true;
    int same = vilbert_forward(q->m, &in, &want, &a, &err) == 0 &&
               vilbert_forward(q->m, &in, &all, &b, &err) == 0 && is_within(a, b);
    if (!same)
        tap_note("heads %x, %d images, %d tokens, %d regions, %d silenced (%d %d): %s", want.heads,
                 in.batch, in.tokens, in.regions, want.silence_count, (int)s.map, s.layer,
                 err.text);
    trace_free(a);
    trace_free(b);
    query_free(&in);
    return same;
}

/* Opens the model on a device, or skips. */
static bool open_on(struct query_model *q, const char *what, const char *config,
                    const char *checkpoint, const char *device)
{
    struct kern *k = NULL;
    struct vs_err err = {0};
    char why[256];
    if (device_lacks(device, what))
        return false;
    if (kern_open(device, 2, &k, why, sizeof why) != 0)
        return ok(false, "%s on %s: %s", what, device, why);
    return ok(query_open(q, config, checkpoint, k, &err) == 0, "%s on %s opens %s", what, device,
              err.text);
}

static void test_model(const char *what, const char *config, const char *checkpoint)
{
    static const char *const devices[] = {"ref", DEVICE_CPUS};
    for (int i = 0; i < DEVICES(devices); i++) {
        struct query_model q = {0};
        int same = 0, count = 60;
        if (!open_on(&q, what, config, checkpoint, devices[i]))
            continue;
        for (int j = 0; j < count; j++)
            same += compare_rows(&q);
        ok(same == count, "%s on %s: %d of %d queries are the same without the rows that nobody "
           "reads", what, devices[i], same, count);
        query_close(&q);
    }
}

/* Large stores, small ones whose states displace each other, one that takes hardly any. */
static void test_again(const char *what, const char *config, const char *checkpoint)
{
    static const char *const devices[] = {"ref", "cpu"};
    static const size_t sizes[] = {(size_t)1 << 20, 40000, 3000};
    for (int i = 0; i < 2; i++) {
        struct again x;
        struct kern *k = NULL;
        struct vs_err err = {0};
        char why[256], name[100];
        bool open = kern_open(devices[i], 2, &k, why, sizeof why) == 0 &&
                    again_open(&x, config, checkpoint, k, &err) == 0;
        if (!ok(open, "%s on %s opens %s", what, devices[i], err.text))
            continue;
        for (int j = 0; j < 3; j++) {
            snprintf(name, sizeof name, "%s on %s, store %zu", what, devices[i], sizes[j]);
            again_run(&x, name, sizes[j], 80, true);
        }
        again_close(&x);
    }
}

/* A pass of a model that is mixed of a and a head of b. */
static struct trace *mixed_pass(struct again *x, const struct net_input *in,
                                const struct net_want *want, struct vs_err *err)
{
    struct net_patch swap = {.part = PART_CO, .layer = 0, .from = vilbert_net(x->b.m)};
    struct vilbert *m = NULL;
    struct trace *t = NULL;
    if (vilbert_mix(x->a_plain, &swap, 1, &m, err) == 0)
        vilbert_forward(m, in, want, &t, err);
    vilbert_free(m);
    return t;
}

/* The same question before weights are packed, while they are, and after; and of a model that is
 * mixed of packed and other weights. */
static void test_packed(const char *config, const char *checkpoint, const char *device)
{
    struct again x;
    struct kern *k = NULL;
    struct vs_err err = {0};
    struct net_input in;
    struct trace *t[5] = {NULL}, *mixed[2];
    char why[256];
    bool good = kern_open(device, 2, &k, why, sizeof why) == 0 &&
                again_open(&x, config, checkpoint, k, &err) == 0;
    if (!ok(good, "packing on %s opens %s", device, err.text))
        return;
    struct net_want want = {.heads = vilbert_net(x.b.m)->heads, .hidden = true, .attention = true};
    again_input(&x, &in);
    mixed[0] = mixed_pass(&x, &in, &want, &err);
    int before = vilbert_pack(x.b.m), packed = 0;
    for (int i = 0; i < 5 && good; i++) {
        packed = i == 4 ? vilbert_pack(x.b.m) : 0;
        good = vilbert_forward(x.b.m, &in, &want, &t[i], &err) == 0 && is_within(t[i], t[0]);
    }
    ok(good, "%s: five passes, the last of them with packed weights %s", device, err.text);
    ok(before == 0 && (packed > 40) == (strcmp(device, "ref") != 0), "%s: %d weights are packed",
       device, packed);
    mixed[1] = mixed_pass(&x, &in, &want, &err);
    ok(mixed[0] && mixed[1] && is_within(mixed[0], mixed[1]),
       "%s: a head of a packed checkpoint in another one %s", device, err.text);
    for (int i = 0; i < 5; i++)
        trace_free(t[i]);
    for (int i = 0; i < 2; i++)
        trace_free(mixed[i]);
    query_free(&in);
    again_close(&x);
}

/* The golden checkpoints: dynamic attention, more layers of text than of image. */
static void test_shared(const char *name, const char *file)
{
    char config[300], checkpoint[300], path[300];
    snprintf(config, sizeof config, "golden/vilbert/%s/config.json", name);
    snprintf(checkpoint, sizeof checkpoint, "golden/vilbert/%s/%s", name, file);
    const char *there = shared_path(config);
    if (!there) {
        tap_skip("%s: the golden data is not there", name);
        return;
    }
    snprintf(path, sizeof path, "%s", there);
    test_model(name, path, shared_path(checkpoint));
    test_again(name, path, shared_path(checkpoint));
}

/* ---- real sizes */

enum { REAL_IMAGES = 3, REAL_TOKENS = 23, REAL_REGIONS = 101 };

/* Three images; the texts of the first two are the same. */
static void real_input(const struct query_model *q, struct net_input *in)
{
    size_t t = REAL_IMAGES * REAL_TOKENS, v = REAL_IMAGES * REAL_REGIONS;
    size_t n = (size_t)q->c.v_feature;
    int32_t *ids = xcalloc(t, sizeof *ids), *task = xcalloc(REAL_IMAGES, sizeof *task);
    float *features = xcalloc(v * n, sizeof *features);
    float *spatials = xcalloc(v * 5, sizeof *spatials);
    for (int i = 0; i < (int)t; i++)
        ids[i] = i >= REAL_TOKENS && i < 2 * REAL_TOKENS ? ids[i - REAL_TOKENS]
                                                         : query_below(q->c.text.vocab_size);
    for (size_t i = 0; i < v * n; i++)
        features[i] = (float)query_below(2000) / 1000;
    for (size_t i = 0; i < v * 5; i++)
        spatials[i] = (float)query_below(1000) / 1000;
    *in = (struct net_input){REAL_IMAGES, REAL_TOKENS, REAL_REGIONS, ids, NULL, NULL, features,
                             spatials, NULL, vilbert_net(q->m)->task_tokens ? task : NULL, NULL};
    if (!in->task)
        free(task);
}

/* Image b alone answers as it did in the batch. */
static bool is_alone_same(const struct query_model *q, const struct net_input *in, int b,
                          const struct trace *all)
{
    struct net_want want = {.heads = HEAD_VQA & vilbert_net(q->m)->heads};
    struct net_input one = *in;
    struct vs_err err = {0};
    struct trace *t = NULL;
    one.batch = 1;
    one.ids += b * REAL_TOKENS;
    one.features += (ptrdiff_t)b * REAL_REGIONS * q->c.v_feature;
    one.spatials += (ptrdiff_t)b * REAL_REGIONS * 5;
    one.task = in->task ? in->task + b : NULL;
    bool same = vilbert_forward(q->m, &one, &want, &t, &err) == 0;
    const struct trace_tensor *x = trace_find(t, "out.vil_prediction");
    const struct trace_tensor *y = trace_find(all, "out.vil_prediction");
    size_t n = x && y ? (size_t)x->shape[1] : 0;
    same = same && n > 0 && memcmp(x->data, y->data + (size_t)b * n, n * sizeof *x->data) == 0;
    trace_free(t);
    return same;
}

static void test_real(const char *config, const char *checkpoint)
{
    struct query_model q = {0};
    struct net_input in;
    struct vs_err err = {0};
    struct trace *t[4] = {NULL};
    struct net_want few = {.heads = HEAD_VQA | HEAD_ALIGN}, all = few, ground = few;
    if (!open_on(&q, "the model", config, checkpoint, "cpu"))
        return;
    struct prefix_cache *s = prefix_new(q.k, (size_t)256 << 20);
    real_input(&q, &in);
    all.hidden = true;
    all.heads |= ground.heads = HEAD_GROUND;
    bool good = vilbert_forward(q.m, &in, &all, &t[0], &err) == 0 &&
                vilbert_forward(q.m, &in, &few, &t[1], &err) == 0;
    ok(good && is_within(t[1], t[0]), "without the rows that nobody reads %s", err.text);
    for (int b = 0; b < REAL_IMAGES; b++)
        ok(good && is_alone_same(&q, &in, b, t[0]), "image %d alone", b);
    vilbert_keep(q.m, s);
    for (int i = 0; i < 2 && good; i++) { /* kept now, then used */
        good = vilbert_forward(q.m, &in, i ? &ground : &few, &t[2 + i], &err) == 0;
        ok(good && is_within(t[2 + i], t[0]), "%s %s", i ? "with what is kept" : "equal texts once",
           err.text);
    }
    for (int i = 0; i < 4; i++)
        trace_free(t[i]);
    query_free(&in);
    vilbert_keep(q.m, NULL);
    prefix_free(s);
    query_close(&q);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        test_real(argv[1], argv[2]);
        return tap_done();
    }
    test_model("tiny", source_path("tests/data/tiny/config.json"),
               source_path("tests/data/tiny/checkpoint.bin"));
    test_again("tiny", source_path("tests/data/tiny/config.json"),
               source_path("tests/data/tiny/checkpoint.bin"));
    for (int i = 0; i < 2; i++)
        test_packed(source_path("tests/data/tiny/config.json"),
                    source_path("tests/data/tiny/checkpoint.bin"), i ? "cpu" : "ref");
    test_shared("tiny_pair", "checkpoint.bin");
    test_shared("tiny_sum_dyn", "checkpoint.bin");
    return tap_done();
}
