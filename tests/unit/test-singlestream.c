/* SPDX-License-Identifier: MIT */
/* The reference's other two models against its numbers: the single-stream baseline and the
 * pre-trained two-stream model. Every output, state and map of every golden case, on every back end
 * that this machine has, padded and with padding left out. Broken by any change of order, position,
 * type row, mask, norm, activation or name; by a weight norm that is summed in float32; by a family
 * that is taken for the other.
 *
 * usage: test-singlestream                                 all cases
 *        test-singlestream CONFIG CHECKPOINT EXPECTED      one case */
#include "device.h"
#include "fakecuda.h"
#include "folder.h"
#include "golden.h"
#include "src/model/singlestream/singlestream.h"

#include <unistd.h>

struct loaded {
    struct net_config c;
    struct tensorfile *file, *want;
    struct net_input x;
};

static void free_loaded(struct loaded *l)
{
    golden_free(&l->x);
    net_config_fini(&l->c);
    tensorfile_close(l->file);
    tensorfile_close(l->want);
}

/* Limits of the golden README. */
static float limit_of(const char *name)
{
    if (strcmp(name, "out.alignment") == 0)
        return 1e-6f;
    if (strncmp(name, "out.prediction_scores_t", 23) == 0)
        return 3e-5f;
    return golden_limit(name);
}

static bool is_compared(const char *name)
{
    return strncmp(name, "in.", 3) != 0 && strncmp(name, "reference32.", 12) != 0 &&
           strncmp(name, "dataset.", 8) != 0;
}

/* only: outputs, else everything. */
static void compare_all(const struct loaded *l, const struct trace *t, bool only, const char *what)
{
    int compared = 0, wrong = 0;
    float padded = 0;
    for (int i = 0; i < tensorfile_count(l->want); i++) {
        const struct tensor *w = tensorfile_at(l->want, i);
        if (!is_compared(w->name) || (only && !trace_find(t, w->name)))
            continue;
        float d = golden_difference(t, w, &padded);
        compared++;
        if (d < 0 || d > limit_of(w->name)) {
            tap_note("%s: %s differs by %g", what, w->name, (double)d);
            wrong++;
        }
    }
    ok(wrong == 0 && compared >= (only ? 2 : 12) && (only || padded <= 2e-3f),
       "%s: %d tensors within their limits", what, compared);
}

/* Heads on pooled states and on real regions without computing padding, each alone: then only the
 * first row of the last layer is computed. */
static void compare_trimmed(struct net *n, const struct loaded *l, const char *what)
{
    static const enum net_head heads[] = {HEAD_VQA, HEAD_GQA, HEAD_ALIGN, HEAD_MATCH, HEAD_GROUND,
                                          HEAD_POOLED};
    struct trace *all = NULL;
    for (int i = 0; i < 6; i++) {
        struct net_want want = {.heads = n->heads & (unsigned)heads[i]};
        struct trace *t = NULL;
        struct vs_err err = {0};
        bool good = net_forward(n, &l->x, &want, &t, &err) == 0;
        for (int k = 0; good && k < t->count; k++) { /* gathered in one trace */
            struct trace_tensor *x = &t->tensors[k];
            if (!all) {
                all = xcalloc(1, sizeof *all);
                *all = (struct trace){t->batch, t->tokens, t->regions, 0, NULL, 0};
            }
            float *y = trace_add(all, x->at, x->ndim, x->shape);
            memcpy(y, x->data, trace_numbers(x) * sizeof *y);
        }
        trace_free(t);
    }
    compare_all(l, all, true, what);
    trace_free(all);
}

/* The golden README: the images of pre_retrieval rank 2, 0, 1, 3; read the other way round, the
 * reverse. */
static void compare_order(const struct trace *t, const char *what)
{
    const struct trace_tensor *x = trace_head(t, HEAD_MATCH);
    float s[4] = {0};
    if (strncmp(what, "pre_retrieval", 13) != 0 || !x)
        return;
    int n = trace_score_count(x);
    trace_scores(x, 0, n < 4 ? n : 4, s);
    ok(n == 4 && s[2] > s[0] && s[0] > s[1] && s[1] > s[3], "%s: the images' order", what);
}

static void run_net(struct net *n, const struct loaded *l, int times, const char *name)
{
    struct net_want want = {.heads = n->heads, .attention = true, .hidden = true,
                            .keep_padding = true};
    struct vs_err err = {0};
    char trimmed[200];
    for (int i = 0; i < times; i++) {
        struct trace *t = NULL;
        if (ok(net_forward(n, &l->x, &want, &t, &err) == 0, "%s: runs %s", name, err.text))
            compare_all(l, t, false, name);
        compare_order(t, name);
        trace_free(t);
    }
    snprintf(trimmed, sizeof trimmed, "%s, without padding", name);
    compare_trimmed(n, l, trimmed);
}

static void run_backend(struct loaded *l, const char *config, const char *device, int threads,
                        const char *what)
{
    struct kern *k = NULL;
    struct net *n = NULL;
    struct vs_err err = {0};
    char why[256], name[160];
    bool fake = strcmp(device, "fake") == 0;
    if (device_lacks(device, what))
        return;
    if (!ok(fakecuda_open(device, threads, &k, why, sizeof why) == 0, "%s: %s opens", what, device))
        return;
    snprintf(name, sizeof name, "%s on %s", what, kern_describe(k));
    if (ok(net_open(&l->c, config, l->file, k, &n, &err) == 0, "%s: opens %s", name, err.text))
        run_net(n, l, fake ? 3 : 1, name);
    net_free(n);
    kern_close(k);
    if (fake)
        ok(fakecuda.live == 0 && fakecuda.bad == 0, "%s: nothing is left, nothing was wrong (%s)",
           name, fakecuda.first);
}

static void run_case(const char *what, const char *config, const char *checkpoint,
                     const char *expected, bool every)
{
    struct loaded l = {0};
    struct vs_err err = {0};
    bool good = tensorfile_open(checkpoint, &l.file, &err) == 0 &&
                net_read_config(config, l.file, &l.c, &err) == 0 &&
                tensorfile_open(expected, &l.want, &err) == 0;
    if (ok(good, "%s: files open %s", what, err.text)) {
        l.x = golden_input(l.want, false);
        run_backend(&l, config, "auto", every ? 2 : 0, what);
        if (every) {
            run_backend(&l, config, "ref", 1, what);
            run_backend(&l, config, "cpu-portable", 1, what);
            run_backend(&l, config, "cpu-avx2", 3, what);
            run_backend(&l, config, "fake", 1, what);
        }
    }
    free_loaded(&l);
}

static const char *baseline_path(const char *name, const char *file, char *out, size_t size)
{
    snprintf(out, size, "golden/baseline/%s/%s", name, file);
    const char *path = shared_path(out);
    snprintf(out, size, "%s", path ? path : "");
    return path ? out : NULL;
}

static void run_shared(const char *name, const char *checkpoint)
{
    char config[300], file[300], want[300];
    if (!baseline_path(name, "config.json", config, sizeof config) ||
        !baseline_path(name, checkpoint, file, sizeof file) ||
        !baseline_path(name, "expected.safetensors", want, sizeof want))
        tap_skip("%s: the golden data is not there", name);
    else
        run_case(name, config, file, want, true);
}

/* Full size: its checkpoint is made by the golden data's own program (numpy); 478 MB. */
static void run_full(void)
{
    char config[300], want[300], made[300], command[1400];
    const char *dir = getenv("TMPDIR");
    const char *program = shared_path("golden/baseline/make_checkpoint.py");
    if (!getenv("VILSCOPE_FULL") || !program ||
        !baseline_path("base_full", "config.json", config, sizeof config) ||
        !baseline_path("base_full", "expected.safetensors", want, sizeof want)) {
        tap_skip("base_full: VILSCOPE_FULL=1 makes its checkpoint of 478 MB");
        return;
    }
    snprintf(made, sizeof made, "%s/base_full.bin", dir ? dir : "/tmp");
    snprintf(command, sizeof command, "for p in python3 /usr/bin/python3; do $p '%s' '%s' '%s' "
             "--model baseline --seed 1 >/dev/null 2>&1 && exit 0; done; exit 1", program, config,
             made);
    if (system(command) == 0)
        run_case("base_full", config, made, want, false);
    else
        tap_skip("base_full: its checkpoint needs python3 with numpy");
    unlink(made);
}

/* ---- what is told apart, and what is said of what does not fit */

static bool fails(const char *config, const char *checkpoint, int code, const char *says)
{
    struct net_config c = {0};
    struct tensorfile *f = NULL;
    struct kern *k = NULL;
    struct net *n = NULL;
    struct vs_err err = {0};
    char why[256];
    int rc = kern_open("ref", 1, &k, why, sizeof why) != 0 ? VS_E_USAGE : 0;
    if (rc == 0)
        rc = tensorfile_open(checkpoint, &f, &err);
    if (rc == 0)
        rc = net_read_config(config, f, &c, &err);
    if (rc == 0)
        rc = net_open(&c, config, f, k, &n, &err);
    bool good = rc == code && strstr(err.text, says);
    if (!good)
        tap_note("%d: %s", rc, err.text);
    net_free(n);
    net_config_fini(&c);
    tensorfile_close(f);
    kern_close(k);
    return good;
}

static void wrong_configurations(void)
{
    char base[300], other[300], config[300], small[300];
    char two_config[300];
    snprintf(two_config, sizeof two_config, "%s", source_path("tests/data/frozen/config.json"));
    if (!baseline_path("base_one", "checkpoint.bin", base, sizeof base) ||
        !baseline_path("base_one", "config.json", config, sizeof config) ||
        !baseline_path("base_batch", "config.json", other, sizeof other) ||
        !baseline_path("base_full", "config.json", small, sizeof small)) {
        tap_skip("wrong configurations: the golden data is not there");
        return;
    }
    ok(fails(two_config, base, VS_E_FORMAT, "this is the single-stream baseline"),
       "a baseline with ViLBERT's configuration is named");
    ok(fails(other, base, VS_E_FORMAT, "\"hidden_size\" is 20, the file has 24"),
       "and with another baseline's, with both numbers");
    ok(fails(small, base, VS_E_FORMAT, "\"num_hidden_layers\" is 12, the file has 2"),
       "layers are counted, not listed");
    ok(fails(config, source_path("tests/data/tiny/checkpoint.bin"), VS_E_FORMAT,
             "it is that of the single-stream baseline"),
       "two streams with a baseline's configuration are named");
}

/* Writes n tensors; opened with the two-stream configuration it is refused with these words. */
static void fails_written(const struct tensor_out *list, int n, const char *says, const char *what)
{
    char config[300];
    struct vs_err err = {0};
    char *path = temp_path("other.safetensors");
    snprintf(config, sizeof config, "%s", source_path("tests/data/tiny/config.json"));
    ok(safetensors_write(path, list, n, &err) == 0 && fails(config, path, VS_E_FORMAT, says), "%s",
       what);
    drop(path);
}

/* What has other things in the place of weights, in a line, and not as a list of missing names. */
static void no_weights(void)
{
    static const float x[4] = {0};
    struct tensorfile *f = NULL;
    const struct tensor_out lora[] = {
        {"base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight", DTYPE_F32, 2,
         {2, 2}, x}};
    const struct tensor_out other[] = {{"transformer.h.0.attn.weight", DTYPE_F32, 2, {2, 2}, x}};
    fails_written(lora, 1, "is an adapter (LoRA)", "an adapter is none");
    fails_written(other, 1, "none of its 1 tensors is this model's", "another model's is not");
    fails_written(other, 0, "no tensor of a model", "nor is nothing");
    if (tensorfile_open(source_path("tests/data/tiny/checkpoint.bin"), &f, NULL) != 0) {
        ok(false, "the tiny checkpoint");
        return;
    }
    int n = tensorfile_count(f);
    struct tensor_out *list = xcalloc((size_t)n, sizeof *list);
    for (int i = 0; i < n; i++) {
        const struct tensor *t = tensorfile_at(f, i);
        int64_t *whole = xcalloc((size_t)tensor_elements(t) + 1, sizeof *whole);
        tensor_to_i64(t, whole);
        list[i] = (struct tensor_out){t->name, DTYPE_I64, t->ndim, {0}, whole};
        memcpy(list[i].shape, t->shape, sizeof t->shape);
    }
    fails_written(list, n, "whole numbers without a scale", "whole numbers are no weights");
    for (int i = 0; i < n; i++)
        free((void *)(uintptr_t)list[i].data);
    free(list);
    tensorfile_close(f);
}

/* The matrix that g and v of a weight norm stand for, with the name that it has without them. */
static void take_norm_off(const struct tensorfile *f, struct tensor_out *o, float *x)
{
    char *g_name = xstrdup(o->name), *name = xstrdup(o->name);
    size_t count = (size_t)(o->shape[0] * o->shape[1]);
    double squares = 0;
    float g = 0;
    g_name[strlen(g_name) - 1] = 'g';
    name[strlen(name) - 2] = '\0';
    const struct tensor *t = tensorfile_find(f, g_name);
    if (ok(t && tensor_elements(t) == 1, "%s is there", g_name))
        tensor_to_f32(t, &g);
    for (size_t i = 0; i < count; i++)
        squares += (double)x[i] * (double)x[i];
    for (size_t i = 0; i < count; i++)
        x[i] = (float)((double)x[i] * (double)g / sqrt(squares));
    o->name = name;
    free(g_name);
}

/* A baseline that was saved after remove_weight_norm answers as before. */
static void without_weight_norm(void)
{
    char config[300], file[300], want[300], *path = temp_path("normless");
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    int n = 0;
    if (!baseline_path("base_one", "config.json", config, sizeof config) ||
        !baseline_path("base_one", "checkpoint.bin", file, sizeof file) ||
        !baseline_path("base_one", "expected.safetensors", want, sizeof want) ||
        tensorfile_open(file, &f, &err) != 0) {
        tap_skip("without a weight norm: the golden data is not there %s", err.text);
        free(path);
        return;
    }
    int all = tensorfile_count(f);
    struct tensor_out *list = xcalloc((size_t)all, sizeof *list);
    float **x = xcalloc((size_t)all, sizeof *x);
    bool *own = xcalloc((size_t)all, sizeof *own);
    for (int i = 0; i < all; i++) {
        const struct tensor *t = tensorfile_at(f, i);
        size_t len = strlen(t->name);
        if (len > 9 && strcmp(t->name + len - 9, ".weight_g") == 0)
            continue;
        x[n] = xcalloc((size_t)tensor_elements(t) + 1, sizeof **x);
        tensor_to_f32(t, x[n]);
        list[n] = (struct tensor_out){.name = t->name, .ndim = t->ndim, .data = x[n]};
        memcpy(list[n].shape, t->shape, sizeof t->shape);
        own[n] = len > 9 && strcmp(t->name + len - 9, ".weight_v") == 0;
        if (own[n])
            take_norm_off(f, &list[n], x[n]);
        n++;
    }
    ok(n == all - 2 && safetensors_write(path, list, n, &err) == 0, "two norms less %s", err.text);
    run_case("without a weight norm", config, path, want, true);
    for (int i = 0; i < n; i++) {
        free(x[i]);
        if (own[i])
            free((char *)(uintptr_t)list[i].name);
    }
    free(own);
    free(x);
    free(list);
    tensorfile_close(f);
    drop(path);
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        run_case("given case", argv[1], argv[2], argv[3], false);
        return tap_done();
    }
    run_shared("base_one", "checkpoint.bin");
    run_shared("base_batch", "checkpoint.bin");
    run_shared("base_pair", "checkpoint.safetensors");
    run_shared("pre_retrieval", "checkpoint.bin");
    run_shared("pre_regress", "checkpoint.bin");
    run_full();
    wrong_configurations();
    folder_make("singlestream");
    no_weights();
    without_weight_norm();
    return folder_remove();
}
