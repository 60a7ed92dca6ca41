/* SPDX-License-Identifier: MIT */
/* Comparing checkpoints, against what is known beforehand: divergence of equal and of disjoint
 * distributions, alignment of a matrix with itself, turned, shifted and unrelated, weights that
 * were scaled by a known factor, and a checkpoint in which one layer was changed, which the swap
 * has to name. A wrong base of a logarithm, a missing centring, a sum over the wrong tensors, or a
 * part that does not take all of its weights along breaks it. The folder of a training run: a file
 * that is found twice, for ever, or not at all breaks it.
 *
 * usage: test-compare                              the tests
 *        test-compare make IN OUT PREFIX FACTOR    a checkpoint whose tensors with that prefix are
 *                                                  those of IN times FACTOR, as safetensors */
#include "pair.h"
#include "tap.h"

#include "src/study/compare.h"
#include "src/study/compare_attention.h"
#include "src/study/compare_cka.h"
#include "src/study/compare_patch.h"
#include "src/study/compare_weights.h"
#include "src/base/mem.h"
#include "src/study/watch.h"

#include <math.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- distributions */

static void divergence(void)
{
    const float a[4] = {0.1f, 0.2f, 0.3f, 0.4f}, b[4] = {0, 0, 1, 0}, c[4] = {0.5f, 0.5f, 0, 0};
    const float d[4] = {0, 0, 0.5f, 0.5f}, twice[4] = {0.2f, 0.4f, 0.6f, 0.8f}, none[4] = {0};
    const float broken[4] = {NAN, 0.2f, 0.3f, INFINITY};
    ok(compare_jsd(a, a, 4) < 1e-12, "equal distributions: 0");
    ok(fabs(compare_jsd(c, d, 4) - 1) < 1e-12, "disjoint ones: 1 bit");
    ok(compare_jsd(a, twice, 4) < 1e-7, "only proportions count");
    ok(fabs(compare_jsd(a, b, 4) - compare_jsd(b, a, 4)) < 1e-12, "the order does not matter");
    /* m = (1/4, 3/4) of (1/2, 1/2) and (0, 1): (log2(2) + log2(2/3)) / 4 + log2(4/3) / 2 */
    const float half[2] = {0.5f, 0.5f}, one[2] = {0, 1};
    double want = (1 + log2(2.0 / 3)) / 4 + log2(4.0 / 3) / 2;
    ok(fabs(compare_jsd(half, one, 2) - want) < 1e-12, "a known one: %.6f", want);
    ok(compare_jsd(a, none, 4) == 0 && compare_jsd(broken, a, 4) >= 0 &&
       compare_jsd(broken, a, 4) <= 1, "empty and broken ones");
}

/* ---- alignment */

#define ROWS 40
#define COLS 6

static uint32_t state = 12345;
static double random_number(void)
{
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / (1 << 24) - 0.5;
}

static void alignment(void)
{
    float x[ROWS * COLS], y[ROWS * COLS], z[ROWS * COLS], flat[ROWS * COLS] = {0};
    double q[COLS][COLS];
    for (int i = 0; i < ROWS * COLS; i++) {
        x[i] = (float)(random_number() + 3); /* far from the origin: centring has to count */
        z[i] = (float)random_number();
    }
    /* A reflection I - 2 v v^T / v^T v is orthogonal. */
    double v[COLS], vv = 0;
    for (int i = 0; i < COLS; i++) {
        v[i] = random_number();
        vv += v[i] * v[i];
    }
    for (int i = 0; i < COLS; i++)
        for (int j = 0; j < COLS; j++)
            q[i][j] = (i == j) - 2 * v[i] * v[j] / vv;
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < COLS; j++) {
            double sum = 0;
            for (int i = 0; i < COLS; i++)
                sum += (double)x[r * COLS + i] * q[i][j];
            y[r * COLS + j] = (float)(sum * 7 - 11);
        }
    double floor = 0, self = cka_linear(x, COLS, x, COLS, ROWS, NULL);
    double turned = cka_linear(x, COLS, y, COLS, ROWS, NULL);
    double other = cka_linear(x, COLS, z, COLS, ROWS, &floor);
    ok(fabs(self - 1) < 1e-6, "a matrix with itself: %.7f", self);
    ok(fabs(turned - 1) < 1e-5, "turned, scaled and shifted: %.7f", turned);
    ok(fabs(other) < 0.1 && floor > 0 && floor < 0.2 && other <= floor,
       "unrelated: %.3f, noise goes to %.3f", other, floor);
    ok(isnan(cka_linear(x, COLS, flat, COLS, ROWS, &floor)) && isnan(floor),
       "one that does not vary is undefined");
    ok(isnan(cka_linear(x, COLS, x, COLS, CKA_LEAST - 1, NULL)) &&
           fabs(cka_linear(x, COLS, x, COLS, CKA_LEAST, NULL) - 1) < 1e-6,
       "%d rows are needed", CKA_LEAST);
    for (int i = 0; i < ROWS * COLS; i++)
        flat[i] = 2 + x[i] * 1e-6f;
    ok(isnan(cka_linear(x, COLS, flat, COLS, ROWS, NULL)), "as is one that varies by rounding");
    for (int i = 0; i < ROWS * COLS; i++)
        flat[i] = 2 + x[i] * 1e-3f;
    ok(cka_linear(x, COLS, flat, COLS, ROWS, NULL) > 0.99, "but not one that varies a little");
}

/* ---- weights */

static struct tensorfile *write_and_open(const char *path, const struct tensor_out *t, int n)
{
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    if (safetensors_write(path, t, n, &err) != 0 || tensorfile_open(path, &f, &err) != 0)
        ok(false, "%s", err.text);
    return f;
}

static const struct weight_change *find(const struct weight_change *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static void names_of_layers(void)
{
    static const char *const list[][2] = {
        {"bert.encoder.layer.11.attention.self.query.weight", "bert.encoder.layer.11"},
        {"bert.encoder.c_layer.0.biattention.query1.bias", "bert.encoder.c_layer.0"},
        {"bert.embeddings.word_embeddings.weight", "bert.embeddings"},
        {"cls.predictions.bias", "cls.predictions"},
        {"vil_prediction.logit_fc.0.weight", "vil_prediction"},
        {"bert.t_pooler.dense.weight", "bert.t_pooler"},
        {"x", "x"}, {"bert", "bert"}, {"", ""}, {"a..b", "a"},
    };
    bool good = true;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        char *name = weight_layer_name(list[i][0]);
        if (strcmp(name, list[i][1]) != 0) {
            tap_note("%s: %s", list[i][0], name);
            good = false;
        }
        free(name);
    }
    ok(good, "a tensor's layer is known from its name");
}

/* Two files: a layer that is 1.5 times the other one's, one that is equal, one with a NaN, and
 * tensors that only one has or that have another shape. */
enum { N = 300000 };
struct pair_of_files {
    char a[300], b[300];
    float *x;
    struct tensorfile *fa, *fb;
};

static void write_pair(struct pair_of_files *f)
{
    const char *dir = getenv("TMPDIR");
    float *x = f->x = xcalloc(3 * N, sizeof *x), *y = x + N, *z = y + N;
    snprintf(f->a, sizeof f->a, "%s/wa.safetensors", dir ? dir : "/tmp");
    snprintf(f->b, sizeof f->b, "%s/wb.safetensors", dir ? dir : "/tmp");
    for (int i = 0; i < N; i++) {
        x[i] = (float)random_number();
        y[i] = x[i] * 1.5f;
        z[i] = x[i];
    }
    z[7] = NAN;
    struct tensor_out ta[] = {{"bert.encoder.layer.0.w", DTYPE_F32, 2, {N / 100, 100}, x},
                              {"bert.encoder.layer.1.w", DTYPE_F32, 1, {N}, x},
                              {"bert.encoder.layer.1.b", DTYPE_F32, 1, {10}, x},
                              {"bert.encoder.layer.2.w", DTYPE_F32, 1, {N}, x},
                              {"gone", DTYPE_F32, 1, {3}, x},
                              {"other", DTYPE_F32, 1, {4}, x}};
    struct tensor_out tb[] = {{"bert.encoder.layer.0.w", DTYPE_F32, 2, {N / 100, 100}, y},
                              {"bert.encoder.layer.1.w", DTYPE_F32, 1, {N}, x},
                              {"bert.encoder.layer.1.b", DTYPE_F32, 1, {10}, x},
                              {"bert.encoder.layer.2.w", DTYPE_F32, 1, {N}, z},
                              {"new", DTYPE_F32, 1, {3}, x},
                              {"other", DTYPE_F32, 1, {5}, x}};
    f->fa = write_and_open(f->a, ta, 6);
    f->fb = write_and_open(f->b, tb, 6);
}

static void drop_pair(struct pair_of_files *f)
{
    tensorfile_close(f->fa);
    tensorfile_close(f->fb);
    unlink(f->a);
    unlink(f->b);
    free(f->x);
}

static void check_changes(const struct weights_change *w, const struct weights_change *one)
{
    const struct weight_change *t0 = find(w->tensors, w->tensor_count, "bert.encoder.layer.0.w");
    ok(t0 && fabs(t0->relative - 0.5) < 1e-6 && t0->changed == N, "times 1.5: 0.5 (%.7f)",
       t0 ? t0->relative : -1);
    const struct weight_change *l1 = find(w->layers, w->layer_count, "bert.encoder.layer.1");
    ok(l1 && l1->relative == 0 && l1->changed == 0 && l1->tensors == 2 && l1->elements == N + 10,
       "an equal layer of two tensors: 0");
    const struct weight_change *t2 = find(w->tensors, w->tensor_count, "bert.encoder.layer.2.w");
    ok(t2 && t2->relative == 0 && t2->broken == 1, "NaN is counted and spoils nothing");
    const struct weight_change *gone = find(w->tensors, w->tensor_count, "gone");
    const struct weight_change *new = find(w->tensors, w->tensor_count, "new");
    const struct weight_change *other = find(w->tensors, w->tensor_count, "other");
    ok(gone && gone->state == WEIGHT_ONLY_A && new && new->state == WEIGHT_ONLY_B && other &&
       other->state == WEIGHT_RESHAPED, "tensors of one file only, and of another shape");
    /* Three tensors of equal norm, one of them moved by half of it: 0.5 / sqrt(3). */
    ok(fabs(w->all.relative - 0.5 / sqrt(3.0)) < 1e-3 && w->all.relative == one->all.relative,
       "all together: %.6f, with any number of threads", w->all.relative);
}

static void weights(void)
{
    char why[256];
    struct pair_of_files f;
    struct weights_change *w = NULL, *one = NULL;
    struct vs_err err = {0};
    struct kern *k = NULL, *k1 = NULL;
    write_pair(&f);
    if (ok(kern_open(NULL, 2, &k, why, sizeof why) == 0 &&
               kern_open(NULL, 1, &k1, why, sizeof why) == 0 &&
               weights_compare(k, f.fa, f.fb, NULL, &w, &err) == 0 &&
               weights_compare(k1, f.fa, f.fb, NULL, &one, &err) == 0,
           "two files are compared %s", err.text))
        check_changes(w, one);
    weights_change_free(w);
    weights_change_free(one);
    kern_close(k);
    kern_close(k1);
    drop_pair(&f);
}

/* ---- a model with two checkpoints that differ in one layer */

static void patch_names(const char *prefix, double factor, const char *want)
{
    struct model *m = NULL;
    struct photo *p = NULL;
    struct vs_err err = {0};
    struct patch_result *s = NULL;
    if (!open_pair(prefix, factor, &m, &p))
        return;
    struct query q[] = {
        {.task = task_find("vqa"), .text = "what color", .photo_count = 1, .photos = &p},
        {.task = task_find("refcoco"), .text = "a dog", .photo_count = 1, .photos = &p}};
    struct patch_options o = {.a = 0, .b = 1, .level = PATCH_LAYERS, .find_set = true};
    if (ok(patch_run(m, q, 2, &o, &s, &err) == 0, "%s: swapped %s", want, err.text)) {
        int *order = patch_order(s);
        const struct patch_item *best = &s->items[s->best], *second = &s->items[order[1]];
        ok(strcmp(best->name, want) == 0 && order[0] == s->best && fabs(best->share - 1) < 1e-3,
           "it is %s that carries the change: %.4f", best->name, best->share);
        ok(fabs(second->share) < 1e-6, "no other part does: %s %.7f", second->name, second->share);
        ok(s->changed == 0 ? s->set_count == 0
                           : s->set_count == 1 && s->set[0] == s->best && best->flips >= 1,
           "%d answers flip, by %d part", s->changed, s->set_count);
        free(order);
    }
    patch_free(s);
    close_pair(m, p);
}

static void patch_heads(void)
{
    struct model *m = NULL;
    struct photo *p = NULL;
    struct vs_err err = {0};
    struct patch_result *s = NULL;
    if (!open_pair("bert.encoder.layer.1.attention.self.value", -3, &m, &p))
        return;
    struct query q = {
        .task = task_find("vqa"), .text = "what color", .photo_count = 1, .photos = &p};
    struct patch_options o = {.a = 0, .b = 1, .level = PATCH_HEADS};
    double sum = 0, others = 0;
    if (ok(patch_run(m, &q, 1, &o, &s, &err) == 0, "heads are swapped %s", err.text)) {
        for (int i = 0; i < s->item_count; i++)
            if (strncmp(s->items[i].name, "text layer 2, head", 18) == 0)
                sum += fabs(s->items[i].share);
            else
                others += fabs(s->items[i].share);
    }
    ok(s && sum > 0.05 && others < 1e-6, "only that layer's heads change anything: %.4f", sum);
    patch_free(s);
    close_pair(m, p);
}

static void check_attention(struct result *const r[2])
{
    struct vs_err err = {0};
    struct attention_change *list = NULL;
    int count = 0, rows, cols;
    float *map = NULL;
    if (!ok(attention_changes(r[0], r[1], &list, &count, &err) == 0 && count > 0,
            "attention of two checkpoints %s", err.text))
        return;
    ok(list[0].map == ATTN_TEXT_TO_IMAGE && list[0].layer == 1 && list[0].jsd > 0,
       "most changed: %s %d.%d, %.5f", attn_table[list[0].map].name, list[0].layer + 1,
       list[0].head + 1, list[0].jsd);
    bool earlier = false;
    for (int i = 0; i < count; i++)
        earlier |= list[i].map == ATTN_TEXT_TO_IMAGE && list[i].layer == 0 && list[i].jsd > 0;
    ok(!earlier, "nothing before it has changed");
    double sum = 0, most = 0;
    if (attention_difference(r[0], r[1], ATTN_TEXT_TO_IMAGE, 1, 0, 0, &rows, &cols, &map, &err) ==
        0)
        for (int i = 0; i < rows * cols; i++) {
            sum += (double)map[i];
            most = fabs((double)map[i]) > most ? fabs((double)map[i]) : most;
        }
    ok(map && fabs(sum) < 1e-4 && most > 1e-4, "a signed map that sums to nothing: %g of %g", sum,
       most);
    free(map);
    free(list);
}

static void check_answers(const struct result *a, const struct result *b)
{
    struct compare_change c = {0};
    ok(compare_results(a, b, 10, &c) && c.divergence > 0 && c.count >= 10,
       "the answers moved: %.6f bits", c.divergence);
    compare_fini(&c);
    ok(compare_results(a, a, 10, &c) && c.divergence == 0 &&
           c.count == 10 && c.moves[0].p_a == c.moves[0].p_b,
       "a result does not differ from itself");
    compare_fini(&c);
}

static void check_states(struct model *m, const struct query *q)
{
    struct vs_err err = {0};
    struct cka cka[2];
    if (!ok(cka_run(m, q, 1, 0, 1, NULL, NULL, NULL, cka, &err) == 0, "states are aligned %s",
            err.text))
        return;
    int n = cka[0].depths;
    ok(strcmp(cka[0].names[0], "embeddings") == 0 && fabs(cka[0].values[0] - 1) < 1e-6 &&
       cka[0].values[(size_t)n * (size_t)n - 1] < 1 - 1e-9, "equal at first, not at last: %.8f",
       cka[0].values[(size_t)n * (size_t)n - 1]);
    ok(cka[1].depths > 1 && cka[1].rows > 2 && !cka[1].text, "the visual stream: %d rows",
       cka[1].rows);
    cka_fini(&cka[0]);
    cka_fini(&cka[1]);
}

static void attention_and_states(void)
{
    struct model *m = NULL;
    struct photo *p = NULL;
    struct vs_err err = {0};
    struct result *r[2] = {NULL, NULL};
    if (!open_pair("bert.encoder.c_layer.1.biattention.query2.weight", 4, &m, &p))
        return;
    struct query q = {.task = task_find("vqa"), .text = "what color is the dog", .photo_count = 1,
                      .photos = &p, .attention = true};
    for (int i = 0; i < 2; i++) {
        q.checkpoint = i;
        query_run(m, &q, NULL, &r[i], &err);
    }
    if (ok(r[0] && r[1], "two checkpoints answer %s", err.text)) {
        check_attention(r);
        check_answers(r[0], r[1]);
        check_states(m, &q);
    }
    result_free(r[0]);
    result_free(r[1]);
    close_pair(m, p);
}

static void added_later(void)
{
    struct model *m = NULL;
    struct photo *p = NULL;
    struct vs_err err = {0};
    if (!open_pair("none", 1, &m, &p))
        return;
    int n = model_checkpoint_count(m);
    ok(model_add_checkpoint(m, source_path("tests/data/tiny/vocab.txt"), NULL, &err) < 0 &&
           err.text[0] && model_checkpoint_count(m) == n,
       "what is no checkpoint is not added: %s", err.text);
    int i = model_add_checkpoint(m, model_checkpoint_path(m, 1), NULL, &err);
    int j = model_add_checkpoint(m, model_checkpoint_path(m, 1), NULL, &err);
    ok(i == n && j == n + 1 && strcmp(model_checkpoint_name(m, i), "changed.safetensors") == 0 &&
       strcmp(model_checkpoint_name(m, j), "changed.safetensors") != 0, "two of one name: %s",
       model_checkpoint_name(m, j));
    struct query q = {.task = task_find("vqa"), .text = "what", .photo_count = 1, .photos = &p,
                      .checkpoint = j};
    struct result *r = NULL;
    ok(query_run(m, &q, NULL, &r, &err) == 0, "and the new one answers");
    result_free(r);
    close_pair(m, p);
}

/* ---- the folder of a training run */

/* Makes path below root, with a file of one tensor when it ends so, else a folder. */
static bool make_below(const char *root, const char *path)
{
    float x = 1;
    struct tensor_out t = {.name = "x", .dtype = DTYPE_F32, .ndim = 1, .shape = {1}, .data = &x};
    char *whole = xasprintf("%s/%s", root, path);
    bool made = strstr(path, ".safetensors") ? safetensors_write(whole, &t, 1, NULL) == 0
                                             : mkdir(whole, 0700) == 0;
    free(whole);
    return made;
}

static bool link_below(const char *root, const char *to, const char *path)
{
    char *whole = xasprintf("%s/%s", root, path);
    bool made = symlink(to, whole) == 0;
    free(whole);
    return made;
}

/* Which checkpoints a look at the folder finds, " NAME" each. */
static char *watched(const char *folder)
{
    struct vs_err err = {0};
    struct watch *w = NULL;
    struct buf all = {0};
    const char *path;
    buf_puts(&all, "");
    int rc = watch_open(folder, 1, &w, &err);
    for (int i = 0; rc >= 0 && i < 40; i++) { /* the second look finds that they stand still */
        rc = watch_next(w, &path, &err);
        if (rc > 0)
            buf_printf(&all, " %s ", path + strlen(folder) + 1);
        else
            usleep(5000);
    }
    if (rc < 0)
        printf("# %s\n", err.text);
    watch_close(w);
    return buf_steal(&all);
}

static bool watch_wakes(const struct watch *w)
{
    struct pollfd p = {.fd = watch_fd(w), .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* A look takes what woke it: else it would wake again and again, with nothing to find. */
static void woken_once(const char *root)
{
    struct vs_err err = {0};
    struct watch *w = NULL;
    const char *path;
    int rc = watch_open(root, 1, &w, &err);
    if (rc == 0 && watch_fd(w) < 0) {
        tap_skip("no inotify: what wakes a watch");
    } else {
        bool idle = rc == 0 && !watch_wakes(w);
        bool made = make_below(root, "late.safetensors"), woken = rc == 0 && watch_wakes(w);
        rc = rc == 0 ? watch_next(w, &path, &err) : rc;
        ok(idle && made && woken && rc >= 0 && !watch_wakes(w), "a file wakes a watch once");
    }
    watch_close(w);
}

static void watching(void)
{
    static const char *const there[] = {
        "top.safetensors", "checkpoint-1000", "checkpoint-1000/model.safetensors", "run",
        "run/epoch3", "run/epoch3/m.safetensors", "run/epoch3/deep",
        "run/epoch3/deep/m.safetensors",
        "run/epoch3/deep/er", "run/epoch3/deep/er/m.safetensors", ".git", ".git/m.safetensors",
        "run/.m.safetensors"};
    static const char *const all[] = {
        " top.safetensors ", " checkpoint-1000/model.safetensors ", " run/epoch3/m.safetensors ",
        " run/epoch3/deep/m.safetensors ", " run/out/m.safetensors "};
    const char *tmp = getenv("TMPDIR");
    char *base = xasprintf("%s/watched-XXXXXX", tmp ? tmp : "/tmp");
    bool made = mkdtemp(base) != NULL;
    char *root = xasprintf("%s/root", base), *out = xasprintf("%s/out", base);
    made = made && mkdir(root, 0700) == 0 && mkdir(out, 0700) == 0;
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        made = made && make_below(root, there[i]);
    made = made && make_below(out, "m.safetensors") && link_below(root, "../../out", "run/out") &&
           link_below(root, "..", "run/up") && link_below(root, "checkpoint-1000", "latest") &&
           link_below(root, "../..", "run/above") && link_below(root, "nowhere", "run/dangling") &&
           link_below(out, ".", "self");
    ok(made, "a folder with links and folders in folders");
    char *found = watched(root);
    size_t want = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        want += strstr(found, all[i]) ? strlen(all[i]) : 100;
    ok(strlen(found) == want, "each file is found once, three folders deep:%s", found);
    woken_once(root);
    char *command = xasprintf("rm -rf '%s'", base);
    ok(system(command) == 0, "the folder is removed");
    free(command);
    free(found);
    free(root);
    free(out);
    free(base);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "make") == 0)
        return make_checkpoint(argv[2], argv[3], argv[4], atof(argv[5]));
    divergence();
    alignment();
    names_of_layers();
    weights();
    patch_names("bert.encoder.c_layer.1.", 1.7, "co-attention layer 2");
    patch_names("bert.encoder.layer.0.", 1.7, "text layer 1");
    patch_names("bert.encoder.v_layer.1.", 0.3, "image layer 2");
    patch_names("bert.embeddings.", 2, "embeddings");
    patch_names("vil_prediction.", -2, "poolers and heads");
    patch_heads();
    attention_and_states();
    added_later();
    watching();
    return tap_done();
}
