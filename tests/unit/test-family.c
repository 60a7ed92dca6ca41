/* SPDX-License-Identifier: MIT */
/* Whoever asks about maps, states and outputs asks the tables and the trace: a family with one
 * stream, one map and no task token, made here through the same struct as ViLBERT, is logged,
 * exported, looked at, measured and changed without a line elsewhere. Broken by code that takes a
 * map's rows for tokens, counts maps itself, or expects ViLBERT's streams or task token. */
#include "logs.h"
#include "src/engine/engine_priv.h"
#include "src/study/compare_attention.h"
#include "src/study/compare_cka.h"
#include "src/study/effects.h"
#include "src/study/headstats.h"
#include "src/study/lens.h"
#include "src/study/look.h"
#include "src/study/rollout.h"

#define LAYERS 2
#define HEADS 2
#define WIDTH 4
#define ANSWERS 5
#define NAMES 64 /* of words, of regions: more than rows, so that a row can be named */

/* ---- the family */

static struct net_silence silenced; /* the last one of a pass */
static int silences;

static struct trace_at at(enum trace_kind kind, int site, int layer)
{
    return (struct trace_at){kind, site, kind == TRACE_STATE ? STREAM_JOINT : STREAM_TEXT, layer};
}

/* Rows sum to 1, no two rows and no two heads are the same. */
static void fill_map(float *x, int n, int layer, int head)
{
    for (int i = 0; i < n; i++) {
        float sum = 0;
        for (int j = 0; j < n; j++)
            sum += x[i * n + j] = (float)(1 + (3 * i + 5 * j + 7 * layer + 2 * head) % 11);
        for (int j = 0; j < n; j++)
            x[i * n + j] /= sum;
    }
}

static void add_layer(struct trace *t, const struct net_want *want, int l)
{
    int n = t->tokens + t->regions;
    const int64_t maps[] = {t->batch, HEADS, n, n}, states[] = {t->batch, n, WIDTH};
    float *x = want->attention ? trace_add(t, at(TRACE_MAP, ATTN_JOINT, l), 4, maps) : NULL;
    for (int i = 0; x && i < t->batch * HEADS; i++)
        fill_map(x + (ptrdiff_t)i * n * n, n, l, i % HEADS);
    x = want->hidden ? trace_add(t, at(TRACE_STATE, PART_JOINT, l), 3, states) : NULL;
    for (int i = 0; x && i < t->batch * n * WIDTH; i++)
        x[i] = (float)(i / WIDTH % n + i % WIDTH * (i % 7)); /* the first number is the row */
}

static int toy_forward(struct net *net, const struct net_input *in, const struct net_want *want,
                       struct trace **out, struct vs_err *err)
{
    struct trace *t = xcalloc(1, sizeof *t);
    int n = in->tokens + in->regions;
    const int64_t states[] = {in->batch, n, WIDTH}, answers[] = {in->batch, ANSWERS};
    (void)net;
    (void)err;
    *t = (struct trace){.batch = in->batch, .tokens = in->tokens, .regions = in->regions};
    float *x = want->hidden ? trace_add(t, at(TRACE_STATE, PART_EMBEDDINGS, 0), 3, states) : NULL;
    for (int i = 0; x && i < in->batch * n; i++)
        x[i * WIDTH] = (float)(i % n);
    for (int l = 0; l < LAYERS; l++)
        add_layer(t, want, l);
    x = trace_add(t, at(TRACE_OUTPUT, OUT_VQA, 0), 2, answers);
    for (int i = 0; x && i < in->batch * ANSWERS; i++)
        x[i] = (float)(i % ANSWERS);
    silences = want->silence_count;
    if (silences)
        silenced = want->silences[silences - 1];
    *out = t;
    return 0;
}

static int toy_batch(const struct net *n, int tokens, int regions, int most)
{
    (void)n;
    (void)tokens;
    (void)regions;
    return most < 1 ? 1 : most;
}

static int toy_head_size(const struct net *n, enum net_head head)
{
    (void)n;
    return head == HEAD_VQA ? ANSWERS : head == HEAD_WORD || head == HEAD_REGION_CLASS ? NAMES : 0;
}

/* A state says the number of its row in the stream. */
static int toy_read_states(struct net *n, enum net_head head, const float *x, int rows, float *out,
                           struct vs_err *err)
{
    (void)n;
    (void)head;
    (void)err;
    for (int i = 0; i < rows; i++)
        out[i * NAMES + (int)x[i * WIDTH] % NAMES] = 1;
    return 0;
}

static const enum attn_kind toy_maps[] = {ATTN_JOINT};
static const enum net_part toy_parts[] = {PART_EMBEDDINGS, PART_JOINT, PART_HEADS};
static const enum net_output toy_outputs[] = {OUT_VQA, OUT_WORD, OUT_REGION_CLASS};
static const struct family toy = {
    .name = "toy", .maps = toy_maps, .map_count = 1,
    .parts = toy_parts, .part_count = 3, .outputs = toy_outputs, .output_count = 3,
    .batch = toy_batch, .forward = toy_forward, .head_size = toy_head_size,
    .read_states = toy_read_states};
static struct net net = {
    .family = &toy, .sizes = {.width = {[STREAM_JOINT] = WIDTH},
                              .part = {[PART_JOINT] = {LAYERS, HEADS}}},
    .heads = HEAD_VQA | HEAD_WORD | HEAD_REGION_CLASS};

/* ---- a question to it */

static struct model *m;
static struct photo *photo;
static struct query question;

static struct result *ask_toy(struct vs_err *err)
{
    struct result *r = NULL;
    *err = (struct vs_err){0};
    query_run(m, &question, NULL, &r, err);
    return r;
}

static void rows(const struct trace *t)
{
    int first, n = t->tokens + t->regions, wrong = 0;
    for (int i = 0; i < n; i++) {
        struct trace_place p = trace_place(t, STREAM_JOINT, i);
        wrong += p.token != (i < t->tokens) || p.number != (p.token ? i : i - t->tokens) ||
                 trace_row(t, STREAM_JOINT, p.token, p.number) != i;
    }
    ok(wrong == 0, "tokens first, then regions: %d of %d rows are wrong", wrong, n);
    ok(trace_rows(t, STREAM_JOINT, false, &first) == t->regions && first == t->tokens &&
           trace_rows(t, STREAM_TEXT, false, &first) == 0,
       "regions begin behind the tokens");
    ok(trace_row(t, STREAM_JOINT, true, t->tokens) == -1 &&
           trace_row(t, STREAM_IMAGE, true, 0) == -1 && trace_row(t, STREAM_IMAGE, false, 2) == 2,
       "what a stream has no row of");
}

static void names(const struct trace *t)
{
    static const char *const good[] = {
        "attn.j.0", "attn.t.3", "attn.c.0.1", "attn.c.95.2", "hid.embeddings.j", "hid.j.1",
        "hid.t.0", "hid.c.1.v", "out.pooled", "out.vil_prediction_gqa"};
    static const char *const bad[] = {
        "", "attn", "attn.", "attn.j", "attn.j.", "attn.j.0.1", "attn.t.1.1", "attn.c.0",
        "attn.c.0.3", "attn.x.0", "attn.j.-1", "attn.j.12345678901", "hid.embeddings", "hid.j.1.t",
        "hid.c.1", "hid.c.1.", "hid.c.1.x", "hid..1", "hid.heads.0", "out.", "out.nothing", "j.0"};
    int wrong = 0;
    struct trace_at parsed;
    char name[TRACE_NAME];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        wrong += !trace_at_parse(good[i], &parsed) ||
                 strcmp(trace_name(parsed, name), good[i]) != 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (trace_at_parse(bad[i], &parsed)) {
            printf("# '%s' is taken for %s\n", bad[i], trace_name(parsed, name));
            wrong++;
        }
    ok(wrong == 0, "names and what is none, %d wrong", wrong);
    wrong = 0;
    for (int i = 0; i < t->count; i++)
        wrong += trace_find(t, trace_name(t->tensors[i].at, name)) != &t->tensors[i];
    ok(t->count == 2 * LAYERS + 2 && wrong == 0, "all of a trace is found by its names");
    ok(target_of(1601, 2048, 1) == TARGET_CLASSES && target_of(2048, 2048, 1) == TARGET_FEATURES &&
           target_of(2048, 2048, 2) == TARGET_CONTRAST && target_of(2048, 2048, 0) == TARGET_VECTOR,
       "the width of a masked region's head is the file's, whatever is configured");
    trace_describe(at(TRACE_MAP, ATTN_JOINT, 1), name, sizeof name);
    ok(strcmp(name, "joint attention of layer 1") == 0, "for people: %s", name);
}

/* Row 3, a token, is that of the last map's rollout; streams that the family lacks add nothing. */
static void rolled_out(const struct trace *t, const float *row, int tokens)
{
    int cols = t->tokens + t->regions, wrong = 0;
    double *x = xcalloc((size_t)cols + 1, sizeof *x);
    ok(!rollout_row(t, STREAM_TEXT, 3, 0, x, x + tokens) &&
           !rollout_row(t, STREAM_IMAGE, 3, 0, x, x + tokens) &&
           rollout_row(t, STREAM_JOINT, 3, 0, x, x + tokens), "a row behind the last layer");
    for (int j = 0; j < cols; j++)
        wrong += fabs(x[j] - (double)row[j]) > 1e-6;
    ok(wrong == 0, "has what its stream's map has, and no other's: %d differ", wrong);
    free(x);
}

static void maps(const struct result *r)
{
    const struct trace *t = r->trace;
    int n = 0, cols = 0, tokens = t->tokens, wrong = 0;
    float *map = NULL, sum = 0, stats[STAT_COUNT];
    ok(trace_map_between(t, true, false) == ATTN_JOINT &&
           trace_map_between(t, false, true) == ATTN_JOINT && !attn_joins(ATTN_TEXT, true, false) &&
           trace_attention_layers(t, ATTN_TEXT) == 0,
       "one map for words on regions and regions on words");
    if (!ok(look_map(r, ATTN_JOINT, 1, 0, 1, &n, &cols, &map) && n == tokens + t->regions &&
                cols == n, "the map of a head"))
        return;
    stats_head(map, n, cols, NULL, NULL, stats);
    ok(fabsf(stats[STAT_CONTENT] - 1) < 1e-5f && stats[STAT_ENTROPY] > 1, "its statistics");
    float *whole = xcalloc((size_t)n * (size_t)n, sizeof *whole);
    memcpy(whole, map, (size_t)n * (size_t)n * sizeof *whole);
    trace_block(t, ATTN_JOINT, true, false, map, &n, &cols);
    for (int i = 0; i < n * cols; i++)
        wrong += map[i] != whole[i / cols * (n + cols) + n + i % cols];
    ok(n == tokens && cols == t->regions && wrong == 0, "words on regions are a block of it");
    float *weights = xcalloc((size_t)look_regions(r, 0), sizeof *weights);
    ok(look_image_map(r, ATTN_TEXT) == ATTN_JOINT && look_source_is_token(ATTN_JOINT, 2) &&
           !look_source_is_token(ATTN_JOINT, -1) &&
           look_at_image(r, 0, ATTN_JOINT, true, 2, 1, 1, weights) &&
           weights[3] == map[2 * cols + 3],
       "what a word looks at in the image");
    ok(look_at_image(r, 0, ATTN_JOINT, false, 4, 1, 1, weights) &&
           weights[1] == whole[(n + 4) * (n + cols) + n + 1], "and what a region does");
    free(map);
    n += cols;
    map = rollout_map(t, ATTN_JOINT, 1, 0, n, n);
    for (int j = 0; j < n; j++)
        sum += map[3 * n + j];
    ok(fabsf(sum - 1) < 1e-5f && map[3 * n + 3] > 0.25f, "rollout through two layers: %f",
       (double)sum);
    rolled_out(t, map + 3 * n, tokens);
    free(map);
    free(whole);
    free(weights);
}

static void files(struct result *r)
{
    int64_t session = 0;
    struct vs_err err = {0};
    struct log_attention_size size = {0};
    struct trace *back = NULL;
    struct tensorfile *f = NULL;
    struct log *l = NULL;
    const char *path = file("maps.safetensors");
    model_complete(m, r);
    ok(log_open(file("family.db"), false, &l, &err) == 0 &&
           log_begin_session(l, "family", &session, &err) == 0 &&
           log_result(l, session, r, &err) == 0 &&
           log_attention(l, r->log_id, r->trace, LOG_ATTENTION_LIMIT, &size, &err) == 0 &&
           size.maps == LAYERS, "its maps are logged %s", err.text);
    ok(log_attention_read(l, r->log_id, &back, &err) == 0 && back->count == LAYERS &&
           back->tokens == r->trace->tokens && back->regions == r->trace->regions &&
           back->tensors[1].at.site == ATTN_JOINT && back->tensors[1].at.layer == 1,
       "and read back, with as many tokens and regions %s", err.text);
    ok(trace_write(r->trace, true, path, &err) == 0 && tensorfile_open(path, &f, &err) == 0 &&
           tensorfile_count(f) == LAYERS && tensorfile_find(f, "attn.j.1"),
       "and exported by name %s", err.text);
    tensorfile_close(f);
    trace_free(back);
    log_close(l);
}

static void changes(void)
{
    struct vs_err err = {0};
    struct change c[1];
    char text[CHANGE_TEXT];
    question.changes = c;
    question.change_count = 1;
    ok(change_parse("silence joint 2.1 mean", c, &err) == 0 && c->map == ATTN_JOINT,
       "a change of it %s", err.text);
    change_format(c, text);
    struct result *r = ask_toy(&err);
    ok(r && strcmp(text, "silence joint 2.1 mean") == 0 && silences == 1 &&
           silenced.map == ATTN_JOINT && silenced.layer == 1 && silenced.head == 0,
       "goes to the pass %s", err.text);
    result_free(r);
    change_parse("silence text 1 zero", c, &err);
    r = ask_toy(&err);
    ok(!r && strstr(err.text, "toy has no text attention"), "of another family's: %s", err.text);
    result_free(r);
    change_parse("drop token 2", c, &err);
    r = ask_toy(&err);
    ok(r != NULL, "its second token is a word, no task's %s", err.text);
    result_free(r);
    question.changes = NULL;
    question.change_count = 0;
}

static void study(struct result *r)
{
    struct vs_err err = {0};
    struct attention_change *list = NULL;
    struct effects *e = NULL;
    struct cka cka[2];
    int count = 0;
    ok(attention_changes(r, r, &list, &count, &err) == 0 && count == LAYERS * HEADS &&
           list[0].map == ATTN_JOINT, "its heads are compared %s", err.text);
    ok(effects_run(m, &question, EFFECTS_HEADS, -1, KERN_ZERO, NULL, NULL, NULL, &e, &err) == 0 &&
           e->count == LAYERS * HEADS && e->items[3].change.map == ATTN_JOINT &&
           e->items[3].change.layer == 1, "and left out %s", err.text);
    for (int text = 0; text < 2; text++) {
        struct lens *l = NULL;
        int n = text ? r->trace->tokens : r->trace->regions, first = text ? 0 : r->trace->tokens;
        ok(lens_make(m, r, text, 0, &l, &err) == 0 && l->depths == LAYERS + 1 && l->rows == n &&
               strcmp(l->names[0], "embeddings") == 0 && strcmp(l->names[2], "layer 2") == 0 &&
               l->cells[0].best == first && l->cells[n - 1].best == first + n - 1,
           "the lens reads the rows of %s %s", text ? "words" : "regions", err.text);
        lens_free(l);
    }
    ok(cka_run(m, &question, 1, 0, 0, NULL, NULL, NULL, cka, &err) == 0 &&
           cka[0].depths == LAYERS + 1 && cka[0].rows == r->trace->tokens &&
           cka[1].rows == r->trace->regions && strcmp(cka[1].names[1], "layer 1") == 0,
       "and so does CKA %s", err.text);
    cka_fini(&cka[0]);
    cka_fini(&cka[1]);
    free(list);
    effects_free(e);
}

int main(void)
{
    struct vs_err err = {0};
    struct photo_options how = {0};
    struct model_options o = {.dir = source_path("tests/data/tiny"), .threads = 1};
    if (!make_folder())
        return tap_done();
    if (!ok(model_open(&o, &m, &err) == 0 &&
                photo_open(source_path("tests/data/tiny/scene.png"), &how, &photo, &err) == 0,
            "a model to be replaced %s", err.text))
        return remove_folder();
    struct net *own = m->checkpoints[0].net;
    net.sizes.features = own->sizes.features;
    net.sizes.positions = own->sizes.positions;
    m->checkpoints[0].net = &net;
    question = (struct query){.task = task_find("vqa"), .text = "what color is the red square",
                              .photo_count = 1, .photos = &photo, .attention = true,
                              .hidden = true};
    struct result *r = ask_toy(&err);
    if (ok(r && r->trace && r->token_count == r->trace->tokens &&
               !strstr(r->tokens[1].piece, "TASK"),
           "it answers, without a task token %s", err.text)) {
        ok(model_family(m)->maps[0] == ATTN_JOINT && family_heads(&toy) == net.heads,
           "what the model has is the family's");
        rows(r->trace);
        names(r->trace);
        maps(r);
        files(r);
        changes();
        study(r);
    }
    result_free(r);
    m->checkpoints[0].net = own;
    photo_free(photo);
    model_free(m);
    return remove_folder();
}
