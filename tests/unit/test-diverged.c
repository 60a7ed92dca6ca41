/* SPDX-License-Identifier: MIT */
/* Checkpoints of runs that diverged: NaN or infinity in a tensor, as float32 or as what the file's
 * type becomes, and finite weights that make such numbers of an input. There is no answer, and the
 * tensor or the first layer is named; what does not use it answers as ever. A check that is left
 * out, that looks at the wrong tensors, or names a later layer breaks it.
 *
 * usage: test-diverged                     checks
 *        test-diverged --write KIND FILE   the tiny model's checkpoint with that fault */
#include "copy.h"
#include "device.h"
#include "queries.h"
#include "src/formats/regions_priv.h"

#include <unistd.h>

static size_t elements(const struct tensor_out *t)
{
    size_t n = 1;
    for (int i = 0; i < t->ndim; i++)
        n *= (size_t)t->shape[i];
    return n;
}

static struct tensor_out *find(struct copy *c, const char *name)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->list[i].name, name) == 0)
            return &c->list[i];
    fprintf(stderr, "there is no %s\n", name);
    exit(2);
}

/* Number `at` becomes x. */
static void put(struct tensor_out *t, size_t at, float x)
{
    ((float *)(uintptr_t)t->data)[at] = x;
}

static void multiply(struct tensor_out *t, float f)
{
    for (size_t i = 0; i < elements(t); i++)
        ((float *)(uintptr_t)t->data)[i] *= f;
}

/* Zeros of another type, but for number `at`, whose bits are given. */
static void retype(struct tensor_out *t, enum dtype type, size_t at, uint64_t bits)
{
    size_t n = elements(t), size = dtype_size(type);
    unsigned char *data = xcalloc(n + 1, size);
    for (size_t i = 0; i < size; i++)
        data[at * size + i] = (unsigned char)(bits >> (8 * i));
    free((void *)(uintptr_t)t->data);
    t->data = data;
    t->dtype = type;
}

#define TEXT "bert.encoder.layer.1."
#define VISUAL "bert.encoder.v_layer.0."
#define CO "bert.encoder.c_layer.0."
#define GQA "vil_prediction_gqa.logit_fc.3."

static void nan_layer(struct copy *c) { put(find(c, TEXT "output.dense.weight"), 45, NAN); }
static void inf_bias(struct copy *c)
{
    put(find(c, VISUAL "attention.self.key.bias"), 3, INFINITY);
}
static void nan_words(struct copy *c)
{
    struct tensor_out *t = find(c, "bert.embeddings.word_embeddings.weight");
    put(t, elements(t) - 1, -NAN); /* of a word that nobody asks with */
}
static void inf_head(struct copy *c) { put(find(c, GQA "weight"), 7, -INFINITY); }
static void half(struct copy *c)
{
    retype(find(c, VISUAL "output.dense.weight"), DTYPE_F16, 2, 0xfc00);
}
static void brain(struct copy *c)
{
    retype(find(c, CO "biOutput.dense1.bias"), DTYPE_BF16, 0, 0x7fc1);
}
static void wide(struct copy *c)
{
    retype(find(c, CO "biattention.query2.weight"), DTYPE_F64, 1, 0x7e37e43c8800759cu); /* 1e300 */
}
static void large(struct copy *c)
{
    multiply(find(c, VISUAL "intermediate.dense.weight"), 3e38f);
    multiply(find(c, VISUAL "attention.output.LayerNorm.weight"), 100);
}
static void scores(struct copy *c)
{
    multiply(find(c, TEXT "attention.self.query.weight"), 1e25f);
    multiply(find(c, TEXT "attention.self.key.weight"), 1e25f);
}
static void embeddings(struct copy *c)
{
    multiply(find(c, "bert.v_embeddings.image_embeddings.weight"), 3e38f);
}
static void large_head(struct copy *c)
{
    multiply(find(c, GQA "weight"), 3e38f);
    multiply(find(c, "vil_prediction_gqa.logit_fc.2.weight"), 100);
}

/* What GQA says of it; head: VQA answers nevertheless. */
static const struct fault {
    const char *kind;
    void (*make)(struct copy *c);
    const char *says, *where;
    bool head;
} faults[] = {
    {"nan", nan_layer, TEXT "output.dense.weight", "1 of 960 numbers, the first in row 1)", false},
    {"bias", inf_bias, VISUAL "attention.self.key.bias", "in row 3)", false},
    {"word", nan_words, "bert.embeddings.word_embeddings.weight", "in row 199)", false},
    {"head", inf_head, GQA "weight", "1 of", true},
    {"half", half, VISUAL "output.dense.weight", "1 of", false},
    {"bfloat16", brain, CO "biOutput.dense1.bias", "1 of", false},
    {"float64", wide, CO "biattention.query2.weight", "1 of", false},
    {"large", large, "visual layer 0 (hid.v.0)", "all weights are finite", false},
    {"scores", scores, "textual attention of layer 1 (attn.t.1)", "all weights are finite", false},
    {"embedding", embeddings, "the embedding of the regions (hid.embeddings.v)", "finite", false},
    {"output", large_head, "the output (out.vil_prediction_gqa)", "finite", true},
};
#define FAULTS ((int)(sizeof faults / sizeof faults[0]))

static int write_fault(const struct fault *f, const char *path)
{
    struct copy c = {.count = 0};
    struct vs_err err = {0};
    if (!read_copy(source_path("tests/data/tiny/checkpoint.bin"), &c))
        return -1;
    f->make(&c);
    int rc = safetensors_write(path, c.list, c.count, &err);
    if (rc != 0)
        fprintf(stderr, "%s\n", err.text);
    free_copy(&c);
    return rc;
}

static int ask(const struct query_model *q, const struct net_input *in, unsigned heads,
               struct vs_err *err)
{
    struct net_want want = {.heads = heads};
    struct trace *t = NULL;
    *err = (struct vs_err){0};
    int rc = vilbert_forward(q->m, in, &want, &t, err);
    if (rc != 0 && t)
        rc = 1; /* nothing may be left */
    trace_free(t);
    return rc;
}

/* What a view would show besides: the head with the fault is left out. */
static void check_others(const struct query_model *q, const struct net_input *in,
                         const char *device)
{
    struct net_want want = {.heads = HEAD_VQA, .others = HEAD_GQA | HEAD_ALIGN};
    struct trace *t = NULL;
    struct vs_err err = {0};
    int rc = vilbert_forward(q->m, in, &want, &t, &err);
    ok(rc == 0 && trace_find(t, "out.vil_prediction") && trace_find(t, "out.vil_logit") &&
           !trace_find(t, "out.vil_prediction_gqa"), "%s: the other sound heads answer %s", device,
       err.text);
    trace_free(t);
}

static void check_fault(const struct fault *f, const char *device)
{
    char path[] = "/tmp/vilscope-diverged-XXXXXX", why[256], config[400];
    struct query_model q = {0};
    struct net_input in;
    struct vs_err err = {0};
    struct kern *k = NULL;
    int fd = mkstemp(path);
    snprintf(config, sizeof config, "%s", source_path("tests/data/tiny/config.json"));
    if (kern_open(device, 2, &k, why, sizeof why) != 0) {
        tap_skip("%s", why);
    } else if (fd < 0 || write_fault(f, path) != 0 || query_open(&q, config, path, k, &err) != 0) {
        ok(false, "%s: opens: %s", f->kind, err.text);
    } else {
        query_seed = 5;
        query_random(&q, &in);
        int rc = ask(&q, &in, HEAD_GQA, &err);
        bool again = ask(&q, &in, HEAD_GQA | HEAD_VQA, &err) == rc;
        ok(rc == VS_E_DIVERGED && again && strstr(err.text, f->says) &&
               strstr(err.text, f->where) && strstr(err.text, path), "%s, %s: %s", device,
           f->kind, err.text);
        rc = ask(&q, &in, HEAD_VQA, &err);
        ok(f->head ? rc == 0 : rc == VS_E_DIVERGED, "%s, %s: another head %s", device, f->kind,
           f->head ? "answers" : "does not answer");
        if (f->head && f->where[0] == '1')
            check_others(&q, &in, device);
        query_free(&in);
    }
    query_close(&q);
    close(fd);
    unlink(path);
}

/* Regions that are none; parts of two checkpoints; heads on inner states. */
static void check_inputs(void)
{
    char path[] = "/tmp/vilscope-diverged-XXXXXX", why[256], config[400], sound[400];
    struct query_model q = {0}, bad = {0};
    struct net_input in;
    struct vs_err err = {0};
    struct kern *k = NULL, *l = NULL;
    struct vilbert *mix = NULL;
    int fd = mkstemp(path);
    snprintf(config, sizeof config, "%s", source_path("tests/data/tiny/config.json"));
    snprintf(sound, sizeof sound, "%s", source_path("tests/data/tiny/checkpoint.bin"));
    bool open = fd >= 0 && write_fault(&faults[0], path) == 0 &&
                kern_open("cpu", 1, &k, why, sizeof why) == 0 &&
                kern_open("cpu", 1, &l, why, sizeof why) == 0 &&
                query_open(&q, config, sound, k, &err) == 0 &&
                query_open(&bad, config, path, l, &err) == 0;
    if (ok(open, "both open %s", err.text)) {
        query_random(&q, &in);
        float *x = (float *)(uintptr_t)in.features, keep = x[4];
        x[4] = NAN;
        ok(ask(&q, &in, HEAD_VQA, &err) == VS_E_FORMAT && strstr(err.text, "regions"), "%s",
           err.text);
        x[4] = keep;
        x = (float *)(uintptr_t)in.spatials;
        keep = x[1];
        x[1] = INFINITY;
        ok(ask(&q, &in, HEAD_VQA, &err) == VS_E_FORMAT && strstr(err.text, "boxes"), "%s",
           err.text);
        x[1] = keep;
        ok(ask(&q, &in, HEAD_VQA, &err) == 0, "and finite ones are answered %s", err.text);
        struct net_patch swap = {PART_VISUAL, -1, -1, vilbert_net(bad.m)};
        ok(vilbert_mix(q.m, &swap, 1, &mix, &err) == VS_E_DIVERGED && !mix &&
               strstr(err.text, TEXT), "a mix: %s", err.text);
        float states[24] = {0}, out[1] = {0};
        ok(vilbert_read_states(bad.m, HEAD_WORD_LOGIT, states, 1, out, &err) == VS_E_DIVERGED,
           "inner states: %s", err.text);
        query_free(&in);
    }
    query_close(&q);
    query_close(&bad);
    close(fd);
    unlink(path);
}

/* A region whose probabilities are none has no class, the others have theirs. */
static void check_classes(void)
{
    static const float prob[] = {0.1f, 0.2f, 0.7f, 0.9f, NAN, 0.1f, INFINITY, 0, 0, 0, 0.6f,
                                 0.4f};
    struct regions r = {.count = 4};
    regions_set_classes(&r, prob, 3, 0);
    ok(r.classes[0] == 2 && r.classes[1] == -1 && r.classes[2] == -1 && r.classes[3] == 1 &&
           r.conf[0] == 0.7f && r.conf[1] == 0 && r.conf[2] == 0, "classes of regions");
    free(r.classes);
    free(r.conf);
}

int main(int argc, char **argv)
{
    static const char *const devices[] = {"ref", DEVICE_CPUS};
    if (argc == 4 && strcmp(argv[1], "--write") == 0) {
        for (int i = 0; i < FAULTS; i++)
            if (strcmp(faults[i].kind, argv[2]) == 0)
                return write_fault(&faults[i], argv[3]) == 0 ? 0 : 1;
        fprintf(stderr, "there is no fault '%s'\n", argv[2]);
        return 2;
    }
    for (int i = 0; i < FAULTS; i++)
        for (int d = 0; d < DEVICES(devices); d++)
            check_fault(&faults[i], devices[d]);
    check_inputs();
    check_classes();
    return tap_done();
}
