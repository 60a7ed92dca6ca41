/* SPDX-License-Identifier: MIT */
/* The way back through the single-stream baseline, and activations in blocks for both families:
 * gradients are the slopes that small steps of words, features and boxes show; the same on every
 * back end; 0 where nothing leads to the target, and of padding; and to the last bit the same where
 * fewer activations are kept than the pass has, so that it is run again on the way. A missing term,
 * rows of the other kind, a window of layers that is one off, or memory that a second pass writes
 * into breaks it. What flows through the states of the layers is PyTorch's, by the rules of
 * layer-wise relevance propagation, too. (Of maps and inputs: tests/cli/relevance.sh.) */
#include "device.h"
#include "fakecuda.h"
#include "golden.h"
#include "src/study/gradients.h"

#define DATA "tests/data/baseline/"

/* A model of either family, and an input of two images with padding. */
struct subject {
    struct net_config c;
    struct tensorfile *file, *given;
    struct kern *k;
    struct net *n;
    struct net_input in;
};

static bool subject_opens(struct subject *s, const char *config, const char *checkpoint,
                          const char *inputs, const char *device, int threads)
{
    struct vs_err err = {0};
    char why[256] = "";
    *s = (struct subject){0};
    const char *path = source_path(config);
    int rc = fakecuda_open(device, threads, &s->k, why, sizeof why);
    if (rc == 0)
        rc = tensorfile_open(source_path(checkpoint), &s->file, &err);
    if (rc == 0)
        rc = tensorfile_open(source_path(inputs), &s->given, &err);
    if (rc == 0)
        rc = net_read_config(path, s->file, &s->c, &err);
    if (rc == 0)
        rc = net_open(&s->c, path, s->file, s->k, &s->n, &err);
    if (rc == 0)
        s->in = golden_input(s->given, s->n->task_tokens);
    if (rc != 0)
        tap_note("%s on %s: %s%s", checkpoint, device, why, err.text);
    return rc == 0;
}

static bool subject_open(struct subject *s, const char *config, const char *checkpoint,
                         const char *inputs, const char *device, int threads)
{
    return ok(subject_opens(s, config, checkpoint, inputs, device, threads), "%s opens on %s",
              checkpoint, device);
}

static void subject_close(struct subject *s)
{
    golden_free(&s->in);
    net_free(s->n);
    net_config_fini(&s->c);
    tensorfile_close(s->file);
    tensorfile_close(s->given);
    kern_close(s->k);
}

static bool open_single(struct subject *s, const char *device, int threads)
{
    return subject_open(s, DATA "config.json", DATA "baseline.bin", DATA "inputs.safetensors",
                        device, threads);
}

static bool open_pair(struct subject *s, const char *device, int threads)
{
    return subject_open(s, "tests/data/tiny/config.json", "tests/data/tiny/checkpoint.bin",
                        "tests/data/tiny/expected.safetensors", device, threads);
}

/* ---- targets: every kind of output that the baseline has */

#define TARGETS 7
static const struct net_term terms[TARGETS][2] = {
    {{0, 2, 1}, {0, 4, -1}}, {{0, 0, 2}}, {{0, 0, 1}, {0, 1, -1}}, {{1, 0, 1}}, {{3, 0, 1}},
    {{3, 40, 1}, {3, 5, -0.5f}}, {{1, 900, 1}}};
static const struct net_target targets[TARGETS] = {
    {OUT_VQA, 1, terms[0], 2}, {OUT_ALIGN, 0, terms[1], 1}, {OUT_JOINT_MATCH, 1, terms[2], 2},
    {OUT_GROUND, 0, terms[3], 1}, {OUT_WORD_LOGIT, 1, terms[4], 1}, {OUT_WORD, 0, terms[5], 2},
    {OUT_REGION_CLASS, 1, terms[6], 1}};

static const struct net_back_want everything = {.attention = true, .hidden = true, .added = true,
                                                .inputs = true};

/* kept: bytes of activations at most, 0: all. *bytes, or NULL: how many there were. */
static struct trace *gradients(struct subject *s, const struct net_target *t, size_t kept,
                               size_t *bytes)
{
    struct net_want want = {.heads = output_table[t->output].head, .attention = true,
                            .kept_most = kept};
    struct tape *tape = NULL;
    struct trace *pass = NULL, *grad = NULL;
    struct vs_err err = {0};
    int rc = net_record(s->n, &s->in, &want, &tape, &pass, &err);
    if (rc == 0 && bytes)
        *bytes = tape->bytes;
    if (rc == 0)
        rc = net_backward(tape, t, &everything, &grad, &err);
    if (rc != 0 && kept == 0)
        tap_note("%s", err.text);
    tape_free(tape);
    trace_free(pass);
    return grad;
}

/* ---- states, by PyTorch: tests/data/baseline/gradients.py --states */

/* The targets of gradients.json. */
static const struct net_term golden_terms[][2] = {
    {{0, 2, 1}}, {{0, 1, 1}, {0, 4, -1}}, {{0, 0, 2}}, {{0, 0, 1}, {0, 1, -1}}, {{2, 0, 1}},
    {{3, 40, 1}}, {{2, 900, 1}}, {{4, 0, 1}}};
static const struct {
    const char *name;
    struct net_target target;
} golden_targets[] = {
    {"answer", {OUT_VQA, 0, golden_terms[0], 1}}, {"contrast", {OUT_VQA, 1, golden_terms[1], 2}},
    {"align", {OUT_ALIGN, 1, golden_terms[2], 1}},
    {"match", {OUT_JOINT_MATCH, 0, golden_terms[3], 2}},
    {"region", {OUT_GROUND, 0, golden_terms[4], 1}}, {"word", {OUT_WORD, 1, golden_terms[5], 1}},
    {"class", {OUT_REGION_CLASS, 1, golden_terms[6], 1}},
    {"asked", {OUT_WORD_LOGIT, 0, golden_terms[7], 1}}};
#define GOLDEN_TARGETS (int)(sizeof golden_targets / sizeof golden_targets[0])

/* The derivatives of a target, and what they make of its inputs. */
struct golden_got {
    struct trace *grad;
    double *tokens, *regions, *boxes;
};

static struct golden_got golden_gradients(struct subject *s, const struct net_target *t, bool lrp)
{
    size_t rows = (size_t)(s->in.tokens + s->in.regions);
    double *x = xcalloc(2 * rows + 1, sizeof *x);
    struct golden_got got = {NULL, x, x + s->in.tokens, x + rows};
    struct net_want want = {.heads = output_table[t->output].head};
    struct net_back_want back = {.hidden = true, .added = true, .inputs = true, .lrp = lrp};
    struct tape *tape = NULL;
    struct trace *pass = NULL;
    struct vs_err err = {0};
    int rc = net_record(s->n, &s->in, &want, &tape, &pass, &err);
    if (rc == 0)
        rc = net_backward(tape, t, &back, &got.grad, &err);
    if (rc == 0) {
        const struct explained e = {pass, got.grad, t->b, 0};
        gradient_times_input(&e, &s->in, &(struct worths){got.tokens, got.regions, got.boxes});
    } else {
        tap_note("%s", err.text);
    }
    tape_free(tape);
    trace_free(pass);
    return got;
}

/* How far it is from what PyTorch has under `name`, which begins with the target's and "lrp.";
 * over the largest. */
static double golden_tensor_off(const struct golden_got *got, const struct tensor *want,
                                const char *name)
{
    size_t n = (size_t)tensor_elements(want);
    float *x = xcalloc(n + 1, sizeof *x);
    const double *sums = strcmp(name, "gxi.tokens") == 0    ? got->tokens
                         : strcmp(name, "gxi.regions") == 0 ? got->regions
                         : strcmp(name, "gxi.spatials") == 0 ? got->boxes : NULL;
    const struct trace_tensor *y = sums ? NULL : trace_find(got->grad, name);
    double worst = (sums || y) && (!y || trace_numbers(y) == n) ? 0 : INFINITY, top = 1e-30;
    tensor_to_f32(want, x);
    for (size_t i = 0; i < n && worst < INFINITY; i++) {
        double d = fabs((double)x[i] - (sums ? sums[i] : (double)y->data[i]));
        worst = d > worst || !(d >= 0) ? d : worst;
        top = fmax(top, fabs((double)x[i]));
    }
    free(x);
    return worst / top;
}

/* All of a target's tensors; *count: how many there are. */
static double golden_target_off(struct subject *s, const struct tensorfile *want, int target,
                                bool lrp, int *count)
{
    struct golden_got got = golden_gradients(s, &golden_targets[target].target, lrp);
    size_t cut = strlen(golden_targets[target].name);
    double worst = 0;
    for (int i = 0; got.grad && i < tensorfile_count(want); i++) {
        const struct tensor *w = tensorfile_at(want, i);
        const char *name = w->name + cut + 1;
        bool own = strncmp(w->name, golden_targets[target].name, cut) == 0 && w->name[cut] == '.';
        if (!own || (strncmp(name, "lrp.", 4) == 0) != lrp)
            continue;
        double d = golden_tensor_off(&got, w, name + (lrp ? 4 : 0));
        worst = d > worst || !(d >= 0) ? d : worst;
        ++*count;
    }
    trace_free(got.grad);
    free(got.tokens);
    return worst;
}

static void check_states(struct subject *s, const char *device)
{
    struct tensorfile *want = NULL;
    struct vs_err err = {0};
    double worst[2] = {0, 0};
    int count = 0, all = 0;
    if (tensorfile_open(source_path(DATA "states.safetensors"), &want, &err) == 0) {
        all = tensorfile_count(want);
        for (int i = 0; i < 2 * GOLDEN_TARGETS; i++) {
            double d = golden_target_off(s, want, i / 2, i % 2, &count);
            worst[i % 2] = d > worst[i % 2] || !(d >= 0) ? d : worst[i % 2];
        }
    }
    ok(count == all && all > 100 && worst[0] < 1e-4 && worst[1] < 1e-4,
       "%s: %d of %d states and products are PyTorch's (%.1e, by the rules of LRP %.1e) %s", device,
       count, all, worst[0], worst[1], err.text);
    tensorfile_close(want);
}

/* ---- small steps */

static double value_at(struct subject *s, const struct net_input *in, const struct net_target *t)
{
    struct net_want want = {.heads = output_table[t->output].head};
    struct trace *pass = NULL;
    struct vs_err err = {0};
    double y = net_forward(s->n, in, &want, &pass, &err) == 0 ? target_value(pass, t) : NAN;
    trace_free(pass);
    return y;
}

/* Along the whole gradient g of x (n numbers, which in reads) the value rises by its length. */
static double slope_off(struct subject *s, const struct net_input *in, const struct net_target *t,
                        float *x, const float *g, size_t n)
{
    float *was = xcalloc(n + 1, sizeof *was);
    double norm = 0, y[2];
    const double step = 1.0 / 256;
    memcpy(was, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        norm += (double)g[i] * (double)g[i];
    norm = sqrt(norm);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < n; i++)
            x[i] = (float)((double)was[i] + (k ? step : -step) * (double)g[i] / norm);
        y[k] = value_at(s, in, t);
    }
    memcpy(x, was, n * sizeof *x);
    free(was);
    return fabs((y[1] - y[0]) / (2 * step) - norm) / norm;
}

static const float *input_of(const struct trace *g, enum trace_input what)
{
    return trace_get(g, (struct trace_at){.kind = TRACE_INPUT, .site = (int)what})->data;
}

/* The word vectors of the input, as the checkpoint's table has them. */
static float *words_of(struct subject *s)
{
    const struct tensor *table = tensorfile_find(s->file,
                                                 "bert.embeddings.word_embeddings.weight");
    size_t n = (size_t)s->in.batch * (size_t)s->in.tokens, w = (size_t)table->shape[1];
    float *all = xcalloc((size_t)tensor_elements(table) + 1, sizeof *all);
    float *out = xcalloc(n * w + 1, sizeof *out);
    tensor_to_f32(table, all);
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * w, all + (size_t)s->in.ids[i] * w, w * sizeof *out);
    free(all);
    return out;
}

static void check_slopes(struct subject *s, const struct net_target *t)
{
    struct net_input in = s->in;
    struct trace *g = gradients(s, t, 0, NULL);
    size_t b = (size_t)t->b, rows = (size_t)in.regions, features = rows * 2048;
    size_t words = (size_t)in.tokens * (size_t)net_word_width(&s->n->sizes);
    float *own = words_of(s), *x = (float *)(uintptr_t)in.features;
    float *boxes = (float *)(uintptr_t)in.spatials;
    double before = value_at(s, &in, t);
    in.words = own;
    if (ok(g && value_at(s, &in, t) == before, "%s: the same words as vectors",
           output_table[t->output].name)) {
        double w = slope_off(s, &in, t, own + b * words, input_of(g, INPUT_TOKENS), words);
        double f = slope_off(s, &in, t, x + b * features, input_of(g, INPUT_FEATURES), features);
        double p = slope_off(s, &in, t, boxes + b * rows * 5, input_of(g, INPUT_BOXES), rows * 5);
        ok(w < 0.01 && f < 0.01 && p < 0.01, "%s: slopes of words, features, boxes "
           "(%.1e %.1e %.1e)", output_table[t->output].name, w, f, p);
    }
    free(own);
    trace_free(g);
}

/* ---- zeros */

static double largest(const float *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

/* A region's own number reads one row of the last layer; image 0 has padding of both kinds. */
static void check_zeros(struct subject *s)
{
    struct trace *g = gradients(s, &targets[3], 0, NULL);
    int t = s->in.tokens, n = t + s->in.regions, read = t + 1, last = 1;
    struct trace_at at = {.kind = TRACE_MAP, .site = ATTN_JOINT, .layer = last};
    const struct trace_tensor *map = trace_get(g, at);
    double own = 0, other = 0;
    for (int h = 0; map && h < 2; h++)
        for (int i = 0; i < n; i++) {
            double most = largest(map->data + (ptrdiff_t)(h * n + i) * n, (size_t)n);
            own = i == read ? fmax(own, most) : own;
            other = i == read ? other : fmax(other, most);
        }
    ok(own > 0 && other == 0, "of the last map the row that is read alone counts (%g, %g)", own,
       other);
    double padding = 0, real = 0;
    const float *f = input_of(g, INPUT_FEATURES), *w = input_of(g, INPUT_TOKENS);
    int width = net_word_width(&s->n->sizes);
    for (int i = 0; i < s->in.regions; i++) {
        double most = largest(f + (ptrdiff_t)i * 2048, 2048);
        if (s->in.image_mask[i])
            real = fmax(real, most);
        else
            padding = fmax(padding, most);
    }
    for (int i = 0; i < t; i++)
        if (!s->in.text_mask[i])
            padding = fmax(padding, largest(w + (ptrdiff_t)i * width, (size_t)width));
    ok(real > 0 && padding == 0, "padding has no gradient (%g, %g)", real, padding);
    trace_free(g);
}

/* Its text and its regions begin with padding: computed, as [CLS] is read, but it never counts. */
static void check_padding(struct subject *s)
{
    struct net_input was = s->in;
    int32_t *text = xcalloc((size_t)(was.batch * was.tokens), sizeof *text);
    int32_t *image = xcalloc((size_t)(was.batch * was.regions), sizeof *image);
    for (int i = 0; i < was.batch * was.tokens; i++)
        text[i] = i % was.tokens != 0;
    for (int i = 0; i < was.batch * was.regions; i++)
        image[i] = i % was.regions != 0;
    s->in.text_mask = text;
    s->in.image_mask = image;
    struct trace *g = gradients(s, &targets[0], 0, NULL);
    int n = was.tokens + was.regions, wrong = 0, right = 0;
    const struct trace_tensor *map =
        trace_get(g, (struct trace_at){.kind = TRACE_MAP, .site = ATTN_JOINT});
    for (int i = 0; map && i < 2 * n * n; i++) {
        int r = i / n % n, c = i % n;
        bool padding = r == 0 || c == 0 || r == was.tokens || c == was.tokens;
        wrong += padding && map->data[i] != 0;
        right += !padding && map->data[i] != 0;
    }
    ok(map && wrong == 0 && right > 0 &&
           largest(input_of(g, INPUT_FEATURES), 2048) == 0 &&
           largest(input_of(g, INPUT_BOXES), 5) == 0,
       "an image that begins with padding: %d numbers of it, %d of others", wrong, right);
    trace_free(g);
    free(text);
    free(image);
    s->in = was;
}

/* ---- in blocks */

static double off_by(const struct trace *a, const struct trace *b, bool relative)
{
    double worst = a && b && a->count == b->count ? 0 : INFINITY;
    for (int i = 0; worst < INFINITY && i < a->count; i++) {
        const struct trace_tensor *x = &a->tensors[i], *y = trace_get(b, x->at);
        size_t n = trace_numbers(x);
        double top = relative ? fmax(largest(x->data, n), 1e-30) : 1;
        for (size_t j = 0; j < n; j++) {
            double d = y ? fabs((double)x->data[j] - (double)y->data[j]) / top : INFINITY;
            worst = d > worst || !(d >= 0) ? d : worst;
        }
    }
    return worst;
}

/* From all of it down to what one layer takes, every smaller memory gives the same, or says that
 * it is too small for one. */
static void check_blocks(struct subject *s, const struct net_target *t, const char *name)
{
    size_t all = 0, bytes = 0;
    struct trace *whole = gradients(s, t, 0, &all);
    int same = 0, refused = 0, smaller = 0, other = 0;
    for (int i = 19; i >= 1; i--) {
        struct trace *g = gradients(s, t, all * (size_t)i / 20, &bytes);
        refused += g == NULL;
        same += g && off_by(whole, g, false) == 0;
        other += g && off_by(whole, g, false) != 0;
        smaller += g && bytes <= all * (size_t)i / 20;
        trace_free(g);
    }
    ok(whole && same > 2 && refused > 0 && other == 0 && smaller == same,
       "%s: in %d smaller memories the same to the last bit, %d are too small, %d differ", name,
       same, refused, other);
    trace_free(whole);
}

/* What is too small for one layer is refused, with numbers that differ though both are small. */
static void check_refusal(struct subject *s)
{
    struct net_want want = {.heads = HEAD_VQA, .attention = true, .kept_most = 2000};
    struct tape *tape = NULL;
    struct trace *pass = NULL;
    struct vs_err err = {0};
    double layer = 0, kept = 0;
    int rc = net_record(s->n, &s->in, &want, &tape, &pass, &err);
    int read = sscanf(err.text, "a layer's activations, which gradients need, are %lf MB, more "
                      "than the %lf MB that may be kept; use fewer regions", &layer, &kept);
    ok(rc == VS_E_LIMIT && !tape && !pass && read == 2 && layer > kept && kept > 0.001 &&
           kept < 0.003, "less than a layer is refused: %s", err.text);
}

/* A target that there is not: of a head that was not asked, of a number, row or image too many. */
static void check_targets(struct subject *s)
{
    static const struct net_term far[] = {{0, 6, 1}, {4, 0, 1}, {9, 0, 1}, {0, 0, 1}};
    const struct net_target list[] = {
        {OUT_VQA, 0, &far[0], 1},   {OUT_GROUND, 0, &far[1], 1}, {OUT_WORD_LOGIT, 0, &far[2], 1},
        {OUT_VQA, 2, &far[3], 1},   {OUT_VQA, -1, &far[3], 1},   {OUT_ALIGN, 0, &far[3], 1},
        {OUT_POOLED, 0, &far[3], 1}, {OUT_TRI, 0, &far[3], 1}};
    struct net_want want = {.heads = HEAD_VQA | HEAD_GROUND | HEAD_WORD_LOGIT | HEAD_POOLED};
    struct tape *tape = NULL;
    struct trace *pass = NULL;
    struct vs_err err = {0};
    if (!ok(net_record(s->n, &s->in, &want, &tape, &pass, &err) == 0, "recorded %s", err.text))
        return;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct trace *g = NULL;
        struct vs_err why = {0};
        int rc = net_backward(tape, &list[i], &everything, &g, &why);
        ok(rc != 0 && !g && why.text[0] && !strchr(why.text, '\n'), "refused: %s", why.text);
        trace_free(g);
    }
    tape_free(tape);
    trace_free(pass);
}

/* Memory that ends at any place is an error in one line, and leaves nothing. */
static void check_out_of_memory(void)
{
    int failed = 0, done = 0, text = 0;
    for (int nth = 1; nth < 20; nth++) {
        struct subject s;
        struct trace *pass = NULL, *g = NULL;
        struct tape *tape = NULL;
        struct vs_err err = {0};
        struct net_want want = {.heads = HEAD_VQA, .attention = true};
        if (!subject_opens(&s, DATA "config.json", DATA "baseline.bin", DATA "inputs.safetensors",
                           "fake", 1))
            break;
        fakecuda.fail_alloc = nth;
        int rc = net_record(s.n, &s.in, &want, &tape, &pass, &err);
        if (rc == 0)
            rc = net_backward(tape, &targets[0], &everything, &g, &err);
        failed += rc != 0 && !g;
        done += rc == 0 && g;
        text += rc != 0 && err.text[0] != '\0' && !strchr(err.text, '\n');
        fakecuda.fail_alloc = 0;
        trace_free(pass);
        trace_free(g);
        tape_free(tape);
        subject_close(&s);
    }
    ok(failed > 1 && text == failed && done > 0 && failed + done == 19,
       "memory that ends: %d of 19 fail, each in one line", failed);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
       fakecuda.first);
}

/* Two targets of one tape that has a block: the second begins where the first had not. */
static void check_two_targets(struct subject *s)
{
    struct net_want want = {.heads = HEAD_VQA | HEAD_GROUND, .attention = true};
    struct tape *tape = NULL;
    struct trace *pass = NULL, *g[2] = {NULL, NULL}, *h[2] = {NULL, NULL};
    struct vs_err err = {0};
    int rc = 0;
    size_t all = 0;
    for (int k = 0; k < 2 && rc == 0; k++) {
        want.kept_most = k ? all * 3 / 4 : 0;
        rc = net_record(s->n, &s->in, &want, &tape, &pass, &err);
        all = rc == 0 ? tape->bytes : 0;
        struct trace **to = k ? h : g;
        if (rc == 0)
            rc = net_backward(tape, &targets[0], &everything, &to[0], &err);
        value_at(s, &s->in, &targets[1]); /* a pass in between */
        if (rc == 0)
            rc = net_backward(tape, &targets[3], &everything, &to[1], &err);
        tape_free(tape);
        trace_free(pass);
    }
    ok(rc == 0 && off_by(g[0], h[0], false) == 0 && off_by(g[1], h[1], false) == 0,
       "two targets of one tape in blocks %s", err.text);
    for (int k = 0; k < 2; k++) {
        trace_free(g[k]);
        trace_free(h[k]);
    }
}

/* ---- back ends */

static struct trace *expected[TARGETS];

static void check_device(const char *device)
{
    struct subject s;
    double worst = 0;
    if (device_lacks(device, "gradients") || !open_single(&s, device, 3))
        return;
    for (int i = 0; i < TARGETS; i++) {
        struct trace *g = gradients(&s, &targets[i], 0, NULL);
        double d = off_by(expected[i], g, true);
        worst = d > worst || !(d >= 0) ? d : worst;
        trace_free(g);
    }
    ok(worst < 1e-4, "gradients on %s (%g)", device, worst);
    check_states(&s, device);
    check_blocks(&s, &targets[0], device);
    subject_close(&s);
    if (strcmp(device, "fake") == 0)
        ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
           fakecuda.first);
}

int main(void)
{
    static const char *const devices[] = {DEVICE_CPUS, "fake"};
    static const struct net_term answer = {0, 17, 1}, region = {1, 0, 1};
    const struct net_target two[] = {{OUT_VQA, 0, &answer, 1}, {OUT_GROUND, 0, &region, 1}};
    struct subject s;
    if (open_single(&s, "ref", 1)) {
        for (int i = 0; i < TARGETS; i++) {
            check_slopes(&s, &targets[i]);
            expected[i] = gradients(&s, &targets[i], 0, NULL);
        }
        check_states(&s, "ref");
        check_zeros(&s);
        check_padding(&s);
        check_blocks(&s, &targets[5], "a word of the baseline");
        check_two_targets(&s);
        check_refusal(&s);
        check_targets(&s);
        subject_close(&s);
    }
    for (int i = 0; i < DEVICES(devices); i++)
        check_device(devices[i]);
    if (open_pair(&s, "cpu", 2)) {
        check_blocks(&s, &two[0], "an answer of ViLBERT");
        check_blocks(&s, &two[1], "a region of ViLBERT");
        subject_close(&s);
    }
    if (open_pair(&s, "fake", 1)) {
        check_blocks(&s, &two[0], "an answer of ViLBERT on a GPU");
        subject_close(&s);
    }
    check_out_of_memory();
    for (int i = 0; i < TARGETS; i++)
        trace_free(expected[i]);
    return tap_done();
}
