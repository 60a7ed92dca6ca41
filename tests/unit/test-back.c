/* SPDX-License-Identifier: MIT */
/* The way back through the small model: gradients are the slopes that small steps of the inputs
 * show, the same on every back end and for every number of threads, exactly 0 where nothing leads
 * to the target and in all rows of padding, and those of a tape stay what they are while other
 * passes run; and keys are worth what one more copy of them changes. A missing term, rows of
 * another image, memory that two layers share, or a target that is not checked breaks it.
 *
 * usage: test-back              the small model
 *        test-back WANT GOT     compares what vilscope relevance wrote with golden data */
#include "device.h"
#include "fakecuda.h"
#include "queries.h"
#include "src/study/gradients.h"
#include "src/study/removal.h"

static struct query_model q;

static bool open_model(const char *device, int threads)
{
    struct kern *k = NULL;
    struct vs_err err = {0};
    char why[256] = "";
    int rc = fakecuda_open(device, threads, &k, why, sizeof why);
    return ok(rc == 0 && query_open(&q, source_path("tests/data/tiny/config.json"),
                                    source_path("tests/data/tiny/checkpoint.bin"), k, &err) == 0,
              "tiny opens on %s %s%s", device, why, err.text);
}

/* ---- targets: every kind of output, a contrast, a pair */

#define TARGETS 9
static const struct net_term terms[TARGETS][2] = {
    {{0, 17, 1}, {0, 3000, -1}}, {{0, 7, 1}}, {{0, 0, 2}}, {{0, 2, 1}}, {{0, 1, 1}},
    {{0, 0, 1}}, {{0, 0, 1}}, {{1, 40, 1}, {1, 5, -0.5f}}, {{1, 12, 1}}};
static const struct net_target targets[TARGETS] = {
    {OUT_VQA, 0, terms[0], 2}, {OUT_GQA, 0, terms[1], 1}, {OUT_ALIGN, 0, terms[2], 1},
    {OUT_TRI, 0, terms[3], 1}, {OUT_BINARY, 0, terms[4], 1}, {OUT_GROUND, 0, terms[5], 1},
    {OUT_WORD_LOGIT, 0, terms[6], 1}, {OUT_WORD, 0, terms[7], 2},
    {OUT_REGION_CLASS, 0, terms[8], 1}};

static int record(const struct net_input *in, unsigned heads, struct tape **tape,
                  struct trace **pass, struct vs_err *err)
{
    struct net_want want = {.heads = heads, .attention = true};
    return net_record(vilbert_net(q.m), in, &want, tape, pass, err);
}

static const struct net_back_want everything = {.attention = true, .hidden = true, .inputs = true};

static struct trace *gradients(const struct net_input *in, const struct net_target *t)
{
    struct tape *tape = NULL;
    struct trace *pass = NULL, *grad = NULL;
    struct vs_err err = {0};
    int rc = record(in, output_table[t->output].head, &tape, &pass, &err);
    if (rc == 0)
        rc = net_backward(tape, t, &everything, &grad, &err);
    if (rc != 0)
        tap_note("%s", err.text);
    tape_free(tape);
    trace_free(pass);
    return grad;
}

/* Another input of so many images, of so many regions at least. */
static void make_input(int batch, int regions, struct net_input *in)
{
    do {
        query_random(&q, in);
        if (in->batch != batch || in->regions < regions || in->tokens < 3)
            query_free(in);
    } while (in->batch != batch || in->regions < regions || in->tokens < 3);
}

/* ---- small steps */

static double value_at(const struct net_input *in, const struct net_target *t)
{
    struct net_want want = {.heads = output_table[t->output].head};
    struct trace *pass = NULL;
    struct vs_err err = {0};
    double y = net_forward(vilbert_net(q.m), in, &want, &pass, &err) == 0 ? target_value(pass, t)
                                                                          : NAN;
    trace_free(pass);
    return y;
}

/* The slope along a direction of n numbers at x, which in reads, by steps of both signs. */
static double slope_along(const struct net_input *in, const struct net_target *t, float *x,
                          const float *way, size_t n)
{
    const float step = 1.0f / 128;
    float *was = xcalloc(n + 1, sizeof *was);
    double y[2];
    memcpy(was, x, n * sizeof *x);
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < n; i++)
            x[i] = was[i] + (s ? step : -step) * way[i];
        y[s] = value_at(in, t);
    }
    memcpy(x, was, n * sizeof *x);
    free(was);
    return (y[1] - y[0]) / (2 * (double)step);
}

/* Directions of one row after the other: the row's own gradient, made as long as a number. */
static double worst_slope(const struct net_input *in, const struct net_target *t, float *x,
                          const struct trace_tensor *g, int images, int rows, int from)
{
    size_t n = (size_t)g->shape[2], all = (size_t)images * (size_t)rows * n;
    double worst = 0, most = 0;
    float *way = xcalloc(all + 1, sizeof *way);
    for (int r = 0; r < images * rows; r++) {
        int b = r / rows, place = from ? net_token_row(vilbert_net(q.m), r % rows) : r % rows;
        const float *d = g->data + ((ptrdiff_t)b * (int)g->shape[1] + place) * (ptrdiff_t)n;
        double norm = 0;
        for (size_t i = 0; i < n; i++)
            norm += (double)d[i] * (double)d[i];
        norm = sqrt(norm);
        most = norm > most ? norm : most;
        memset(way, 0, all * sizeof *way);
        for (size_t i = 0; i < n; i++)
            way[(size_t)r * n + i] = norm > 0 ? (float)((double)d[i] / norm) : 0.1f;
        double off = fabs(slope_along(in, t, x, way, all) - norm);
        worst = off > worst || !(off >= 0) ? off : worst;
    }
    free(way);
    return worst / (most > 0 ? most : 1);
}

/* The gradient of every row of words, features and boxes is as long as the slope along it. */
static void check_slopes(const struct net_input *given, const struct net_target *t)
{
    struct net_input in = *given;
    struct trace *pass = NULL, *g = gradients(&in, t);
    struct tape *tape = NULL;
    struct vs_err err = {0};
    int first, images = net_target_images(t, in.batch, &first);
    size_t width = (size_t)q.c.text.hidden, count = (size_t)(in.batch * in.tokens);
    float *words = xcalloc(count * width + 1, sizeof *words);
    if (!ok(g && record(&in, HEAD_POOLED, &tape, &pass, &err) == 0, "gradients of %s",
            output_table[t->output].name))
        return;
    struct trace_at at = {.kind = TRACE_INPUT, .site = INPUT_TOKENS};
    const struct trace_tensor *x = trace_get(pass, at);
    for (size_t i = 0; i < count; i++) {
        size_t place = i / (size_t)in.tokens * (size_t)pass->tokens +
                       (size_t)net_token_row(vilbert_net(q.m), (int)(i % (size_t)in.tokens));
        memcpy(words + i * width, x->data + place * width, width * sizeof *words);
    }
    in.words = words;
    double w = worst_slope(&in, t, words, trace_get(g, at), images, in.tokens, 1);
    at.site = INPUT_FEATURES;
    double f = worst_slope(&in, t, (float *)(uintptr_t)in.features, trace_get(g, at), images,
                           in.regions, 0);
    at.site = INPUT_BOXES;
    double s = worst_slope(&in, t, (float *)(uintptr_t)in.spatials, trace_get(g, at), images,
                           in.regions, 0);
    ok(w < 0.01 && f < 0.01 && s < 0.01, "%s: slopes of words, features, boxes (%.1e %.1e %.1e)",
       output_table[t->output].name, w, f, s);
    free(words);
    tape_free(tape);
    trace_free(pass);
    trace_free(g);
}

/* ---- the same on all back ends */

static struct trace *expected[TARGETS];
static struct net_input input;

/* Differences over the largest number of each tensor. */
static double relative_difference(const struct trace *a, const struct trace *b)
{
    double worst = a && b && a->count == b->count ? 0 : INFINITY;
    for (int i = 0; worst < INFINITY && i < a->count; i++) {
        const struct trace_tensor *x = &a->tensors[i], *y = trace_get(b, x->at);
        size_t n = 1;
        double top = 0, off = 0;
        for (int d = 0; d < x->ndim; d++)
            n *= (size_t)x->shape[d];
        for (size_t j = 0; j < n; j++) {
            double d = y ? fabs((double)x->data[j] - (double)y->data[j]) : INFINITY;
            top = fabs((double)x->data[j]) > top ? fabs((double)x->data[j]) : top;
            off = d > off || !(d >= 0) ? d : off;
        }
        off = top > 0 ? off / top : off > 0 ? INFINITY : 0;
        worst = off > worst || !(off >= 0) ? off : worst;
    }
    return worst;
}

static void check_device(const char *device)
{
    double worst = 0;
    if (device_lacks(device, "gradients") || !open_model(device, 3))
        return;
    for (int i = 0; i < TARGETS; i++) {
        struct trace *g = gradients(&input, &targets[i]);
        double d = relative_difference(expected[i], g);
        worst = d > worst || !(d >= 0) ? d : worst;
        trace_free(g);
    }
    ok(worst < 1e-4, "gradients on %s (%g)", device, worst);
    query_close(&q);
    if (strcmp(device, "fake") == 0)
        ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
           fakecuda.first);
}

static void check_threads(void)
{
    struct trace *first = NULL;
    bool same = true;
    for (int threads = 1; threads <= 5; threads++) {
        if (!open_model("cpu", threads))
            return;
        struct trace *g = gradients(&input, &targets[0]);
        same &= g && (!first || query_difference(first, g) == 0);
        if (threads > 1)
            trace_free(g);
        else
            first = g;
        query_close(&q);
    }
    trace_free(first);
    ok(same, "1 to 5 threads give the same gradients, to the last bit");
}

/* ---- zeros */

static bool is_zero(const struct trace *t, enum trace_kind kind, int site, enum net_stream stream,
                    int layer)
{
    const struct trace_tensor *x = trace_get(t, (struct trace_at){kind, site, stream, layer});
    size_t n = 1;
    for (int d = 0; x && d < x->ndim; d++)
        n *= (size_t)x->shape[d];
    for (size_t i = 0; x && i < n; i++)
        if (x->data[i] != 0)
            return false;
    return x != NULL;
}

/* A region's number does not depend on what becomes of the text behind the last co-attention; with
 * all heads recorded those layers were run. */
static void check_zeros(void)
{
    struct tape *tape = NULL;
    struct trace *pass = NULL, *g = NULL;
    struct vs_err err = {0};
    int last = q.c.connections - 1, text = q.c.text.layers - 1;
    if (!ok(record(&input, HEAD_ALL & vilbert_net(q.m)->heads, &tape, &pass, &err) == 0 &&
            net_backward(tape, &targets[5], &everything, &g, &err) == 0, "a region %s", err.text))
        return;
    ok(is_zero(g, TRACE_MAP, ATTN_TEXT, STREAM_TEXT, text) &&
           is_zero(g, TRACE_MAP, ATTN_TEXT_TO_IMAGE, STREAM_TEXT, last) &&
           is_zero(g, TRACE_STATE, PART_TEXT, STREAM_TEXT, text) &&
           is_zero(g, TRACE_STATE, PART_CO, STREAM_TEXT, last),
       "nothing leads to it from the last text layers");
    ok(!is_zero(g, TRACE_MAP, ATTN_IMAGE_TO_TEXT, STREAM_TEXT, last) &&
           !is_zero(g, TRACE_MAP, ATTN_TEXT, STREAM_TEXT, 0) &&
           !is_zero(g, TRACE_STATE, PART_EMBEDDINGS, STREAM_TEXT, 0) &&
           !is_zero(g, TRACE_STATE, PART_CO, STREAM_IMAGE, last),
       "but much does from the earlier ones");
    trace_free(g);
    trace_free(pass);
    tape_free(tape);
}

/* ---- padding */

static bool is_padding(const struct net_input *in, bool text, size_t b, size_t row)
{
    int i = text ? net_input_token(vilbert_net(q.m), (int)row) : (int)row;
    const int32_t *mask = text ? in->text_mask : in->image_mask;
    return i >= 0 && mask[b * (size_t)(text ? in->tokens : in->regions) + (size_t)i] == 0;
}

/* Numbers of x that are not 0: in rows and columns of padding, and in others. */
static void count_padding(const struct net_input *in, const struct trace_tensor *x, int count[2])
{
    bool map = x->at.kind == TRACE_MAP;
    bool text = map                             ? attn_table[x->at.site].from == STREAM_TEXT
                : x->at.kind == TRACE_STATE ? x->at.stream == STREAM_TEXT
                                            : x->at.site == INPUT_TOKENS;
    size_t n = trace_numbers(x), last = (size_t)x->shape[x->ndim - 1];
    size_t rows = (size_t)x->shape[x->ndim - 2], image = n / (size_t)x->shape[0];
    for (size_t i = 0; i < n; i++) {
        bool padding = is_padding(in, text, i / image, i / last % rows) ||
                       (map && is_padding(in, attn_table[x->at.site].to == STREAM_TEXT, i / image,
                                          i % last));
        count[!padding] += x->data[i] != 0;
    }
}

/* Images whose text, or whose regions begin with padding: it is pooled, but never counts. */
static void check_padding(const struct net_input *pair)
{
    struct net_input in = *pair;
    int32_t *masks[2] = {xcalloc((size_t)(2 * in.tokens), sizeof **masks),
                         xcalloc((size_t)(2 * in.regions), sizeof **masks)};
    for (int i = 0; i < 2 * in.tokens; i++)
        masks[0][i] = i != 0 && i != 2 * in.tokens - 1;
    for (int i = 0; i < 2 * in.regions; i++)
        masks[1][i] = i != in.regions;
    in.text_mask = masks[0];
    in.image_mask = masks[1];
    struct trace *g = gradients(&in, &targets[4]);
    int count[2] = {0, 0}, tensors = g ? g->count : 0;
    for (int i = 0; i < tensors; i++)
        count_padding(&in, &g->tensors[i], count);
    ok(tensors > 10 && count[0] == 0 && count[1] > 1000, "padding at the beginning: %d numbers of "
       "its rows and columns are not 0, %d of others", count[0], count[1]);
    trace_free(g);
    free(masks[0]);
    free(masks[1]);
}

/* ---- what keys are worth */

#define TIMES 8 /* each region, so that one of its copies is a small step */

/* An image that begins with a masked row; region `more` stands there once more, or not once. */
static double value_of_copies(const struct net_input *one, int region, int more)
{
    struct net_input in = *one;
    size_t n = (size_t)vilbert_net(q.m)->sizes.features, at = 1;
    in.regions = 1 + TIMES * (one->regions - 1) + more;
    float *x = xcalloc((size_t)in.regions * n, sizeof *x);
    float *boxes = xcalloc((size_t)in.regions * 5, sizeof *boxes);
    int32_t *mask = xcalloc((size_t)in.regions, sizeof *mask);
    memcpy(x, one->features, n * sizeof *x);
    memcpy(boxes, one->spatials, 5 * sizeof *boxes);
    for (int i = 1; i < one->regions; i++)
        for (int k = 0; k < TIMES + (i == region ? more : 0); k++, at++) {
            memcpy(x + at * n, one->features + (size_t)i * n, n * sizeof *x);
            memcpy(boxes + at * 5, one->spatials + (size_t)i * 5, 5 * sizeof *boxes);
            mask[at] = 1;
        }
    in.features = x;
    in.spatials = boxes;
    in.image_mask = mask;
    double y = value_at(&in, &targets[0]);
    free(x);
    free(boxes);
    free(mask);
    return y;
}

/* One more copy of a region is a bias of log((n + 1) / n) on its key. Row 0, which nobody attends
 * to, is read all the same: what it looks at counts. */
static void check_keys(void)
{
    struct net_input given, in;
    struct vs_err err = {0};
    struct trace *pass = NULL, *grad = NULL;
    const struct net_back_want want = {.attention = true, .padding = true};
    make_input(1, 4, &given);
    in = given;
    int32_t *mask = xcalloc((size_t)in.regions, sizeof *mask);
    double *tokens = xcalloc(200, sizeof *tokens), *keys = xcalloc(200, sizeof *keys);
    double worst = 0, most = 0, step = log((TIMES + 1.0) / (TIMES - 1.0));
    for (int i = 1; i < in.regions; i++)
        mask[i] = 1;
    in.image_mask = mask;
    in.text_mask = NULL;
    int rc = target_gradients(vilbert_net(q.m), &in, &targets[0], &want, &pass, &grad, &err);
    if (ok(rc == 0 && in.regions < 200, "gradients of an image that begins with padding")) {
        relevancy_keys(&(struct explained){pass, grad, 0, 0}, tokens, keys);
        for (int i = 1; i < in.regions; i++) {
            double slope = (value_of_copies(&in, i, 1) - value_of_copies(&in, i, -1)) / step;
            most = fmax(most, fabs(slope));
            worst = fmax(worst, fabs(slope - keys[i]));
        }
        ok(most > 0 && worst < 0.05 * most, "keys are worth what one copy more of them changes "
           "(%.1e of %.1e)", worst, most);
    }
    trace_free(pass);
    trace_free(grad);
    query_free(&given);
    free(mask);
    free(tokens);
    free(keys);
}

/* ---- a tape among other passes, and targets one after the other */

static void check_tape(void)
{
    struct tape *tape = NULL;
    struct trace *pass = NULL, *g = NULL;
    struct vs_err err = {0};
    struct net_input other;
    double worst = 0;
    make_input(4, 2, &other);
    if (!ok(record(&input, HEAD_ALL & vilbert_net(q.m)->heads, &tape, &pass, &err) == 0,
            "all heads are recorded %s", err.text))
        return;
    ok(tape->bytes > 1000, "%zu bytes are kept", tape->bytes);
    for (int i = 0; i < TARGETS; i++) {
        value_at(&other, &targets[2]); /* a larger pass in between */
        if (net_backward(tape, &targets[i], &everything, &g, &err) == 0) {
            const struct trace_at at = {.kind = TRACE_INPUT, .site = INPUT_FEATURES};
            struct trace a = {.count = 1}, b = {.count = 1};
            a.tensors = (struct trace_tensor *)(uintptr_t)trace_get(expected[i], at);
            b.tensors = (struct trace_tensor *)(uintptr_t)trace_get(g, at);
            double d = relative_difference(&a, &b);
            worst = d > worst || !(d >= 0) ? d : worst;
            trace_free(g);
        } else {
            worst = INFINITY;
        }
    }
    ok(worst < 1e-5, "targets of one tape, with other passes in between (%g)", worst);
    query_free(&other);
    trace_free(pass);
    tape_free(tape);
}

/* ---- what cannot be */

static void refuses(struct tape *tape, struct net_target t, const char *word)
{
    struct vs_err err = {0};
    struct trace *g = NULL;
    int rc = net_backward(tape, &t, &everything, &g, &err);
    ok(rc != 0 && strstr(err.text, word) && !strchr(err.text, '\n'), "refused: %s", err.text);
}

static void check_refusals(void)
{
    static const struct net_term far = {0, 3129, 1}, below = {0, -1, 1}, row = {900, 0, 1};
    static const struct net_term two[] = {{0, 1, 1}, {1, 1, 1}};
    struct tape *tape = NULL;
    struct trace *pass = NULL;
    struct vs_err err = {0};
    const unsigned heads = HEAD_VQA | HEAD_GROUND | HEAD_WORD | HEAD_POOLED | HEAD_MATCH;
    if (!ok(record(&input, heads, &tape, &pass, &err) == 0, "some heads are recorded %s", err.text))
        return;
    refuses(tape, (struct net_target){OUT_VQA, 0, &far, 1}, "it has 3129");
    refuses(tape, (struct net_target){OUT_VQA, 0, &below, 1}, "number -1");
    refuses(tape, (struct net_target){OUT_VQA, 9, terms[0], 1}, "image or pair 9");
    refuses(tape, (struct net_target){OUT_GROUND, 0, &row, 1}, "row 900");
    refuses(tape, (struct net_target){OUT_WORD, 0, two, 2}, "one row");
    refuses(tape, (struct net_target){OUT_ALIGN, 0, terms[2], 1}, "not computed by this pass");
    refuses(tape, (struct net_target){OUT_POOLED_T, 0, terms[2], 1}, "no target");
    /* Not a logit; and a name that this head has in models of another kind. */
    refuses(tape, (struct net_target){OUT_ALIGNMENT, 0, terms[2], 1}, "no target");
    refuses(tape, (struct net_target){OUT_PRE_WORD, 0, terms[7], 2}, "no target");
    trace_free(pass);
    tape_free(tape);
    struct net_silence s = {.map = ATTN_TEXT, .head = -1, .b = -1};
    struct net_want want = {.heads = HEAD_VQA, .silences = &s, .silence_count = 1};
    ok(net_record(vilbert_net(q.m), &input, &want, &tape, &pass, &err) == VS_E_USAGE &&
           strstr(err.text, "ablated"), "refused: %s", err.text);
}

static void check_out_of_memory(void)
{
    int failed = 0, done = 0, text = 0;
    for (int nth = 1; nth < 60; nth++) {
        struct tape *tape = NULL;
        struct trace *pass = NULL, *g = NULL;
        struct vs_err err = {0};
        fakecuda.fail_alloc = nth;
        int rc = record(&input, HEAD_VQA, &tape, &pass, &err);
        if (rc == 0)
            rc = net_backward(tape, &targets[0], &everything, &g, &err);
        failed += rc != 0;
        done += rc == 0;
        text += rc != 0 && err.text[0] != '\0' && !strchr(err.text, '\n');
        trace_free(pass);
        trace_free(g);
        tape_free(tape);
        fakecuda.fail_alloc = 0;
    }
    ok(failed > 0 && text == failed && done > 0, "memory that ends: %d of 59 fail, each in one "
       "line, the others go on without kept weights", failed);
}

/* ---- golden data */

/* Limits of the golden README, over the largest number of a tensor; absolute for values. */
static double golden_limit_of(const char *name)
{
    static const struct {
        const char *begins;
        double limit;
    } list[] = {{"grad.", 1e-4}, {"head.", 2e-4}, {"mask.", 5e-5}, {"Rhat.", 5e-5}, {"R.", 5e-5},
                {"read.", 5e-5}, {"gxi.", 5e-5}, {"ig.", 2e-5}, {"value", 2e-5}};
    const char *kind = strchr(name, '.') + 1;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (strncmp(kind, list[i].begins, strlen(list[i].begins)) == 0)
            return list[i].limit;
    return -1;
}

/* A range of the second dimension, ".rows3-7" or ".heads0-1": cut off the name. */
static int golden_part(char *name, int all)
{
    int from = 0, to = all - 1;
    char *part = strstr(name, ".rows");
    part = part ? part : strstr(name, ".heads");
    if (part && sscanf(part + strcspn(part, "0123456789"), "%d-%d", &from, &to) == 2)
        *part = '\0';
    return from;
}

static double golden_off(const struct tensor *want, const struct tensor *got, int from)
{
    size_t n = (size_t)tensor_elements(want), inner = 1, off = 0;
    float *x = xcalloc(n + 1, sizeof *x);
    float *y = xcalloc((size_t)tensor_elements(got) + 1, sizeof *y);
    double worst = 0, top = 0;
    tensor_to_f32(want, x);
    tensor_to_f32(got, y);
    for (int d = 2; d < want->ndim; d++)
        inner *= (size_t)want->shape[d];
    for (size_t i = 0; i < n && want->ndim > 1; i++) {
        size_t rows = (size_t)want->shape[1], b = i / (rows * inner), r = i / inner % rows;
        off = (b * (size_t)got->shape[1] + r + (size_t)from) * inner + i % inner;
        double d = fabs((double)x[i] - (double)y[off]);
        worst = d > worst || !(d >= 0) ? d : worst;
        top = fabs((double)x[i]) > top ? fabs((double)x[i]) : top;
    }
    if (want->ndim == 1) /* value, ig.base: absolute */
        worst = fabs((double)x[0] - (double)y[0]), top = 1;
    free(x);
    free(y);
    return top > 0 ? worst / top : worst > 0 ? INFINITY : 0;
}

static int compare_golden(const char *want_path, const char *got_path)
{
    struct tensorfile *want = NULL, *got = NULL;
    struct vs_err err = {0};
    int wrong = 0, compared = 0;
    if (!ok(tensorfile_open(want_path, &want, &err) == 0 &&
            tensorfile_open(got_path, &got, &err) == 0, "both open %s", err.text))
        return tap_done();
    for (int i = 0; i < tensorfile_count(want); i++) {
        const struct tensor *w = tensorfile_at(want, i);
        char name[200];
        snprintf(name, sizeof name, "%s", w->name);
        int from = golden_part(name, w->ndim > 1 ? (int)w->shape[1] : 1);
        const struct tensor *g = tensorfile_find(got, name);
        double limit = golden_limit_of(w->name), off = g && g->ndim == w->ndim
                                                           ? golden_off(w, g, from) : INFINITY;
        compared++;
        if (!(off <= limit)) {
            tap_note("%s is off by %g", w->name, off);
            wrong++;
        }
    }
    ok(wrong == 0 && compared > 40, "%d of %d tensors are within their limits", compared - wrong,
       compared);
    tensorfile_close(want);
    tensorfile_close(got);
    return tap_done();
}

int main(int argc, char **argv)
{
    static const char *const devices[] = {DEVICE_CPUS, "fake"};
    struct net_input pair;
    if (argc == 3)
        return compare_golden(argv[1], argv[2]);
    if (!open_model("ref", 1))
        return tap_done();
    make_input(1, 2, &input);
    make_input(2, 2, &pair);
    for (int i = 0; i < TARGETS; i++) {
        expected[i] = gradients(&input, &targets[i]);
        check_slopes(i == 4 ? &pair : &input, &targets[i]);
    }
    check_zeros();
    check_padding(&pair);
    check_keys();
    check_tape();
    check_refusals();
    query_close(&q);
    for (int i = 0; i < DEVICES(devices); i++)
        check_device(devices[i]);
    check_threads();
    if (open_model("fake", 1)) {
        check_out_of_memory();
        query_close(&q);
        ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
           fakecuda.first);
    }
    for (int i = 0; i < TARGETS; i++)
        trace_free(expected[i]);
    query_free(&input);
    query_free(&pair);
    return tap_done();
}
