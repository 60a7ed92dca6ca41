/* SPDX-License-Identifier: MIT */
/* The model against the reference's numbers: every output, hidden state and attention map of every
 * golden case, on every back end that this machine has, padded and with padding left out. Any
 * change of order, position, mask, epsilon, activation or scale breaks it.
 *
 * usage: test-vilbert                           the small cases
 *        test-vilbert CONFIG CHECKPOINT EXPECTED one case */
#include "device.h"
#include "fakecuda.h"
#include "golden.h"

#include <sys/wait.h>

struct loaded {
    struct config c;
    struct tensorfile *file, *in, *want;
    struct net_input x;
};

static void compare_all(const struct loaded *l, const struct trace *t, const char *what)
{
    int compared = 0, wrong = 0;
    float padded = 0;
    for (int i = 0; i < tensorfile_count(l->want); i++) {
        const struct tensor *w = tensorfile_at(l->want, i);
        if (strncmp(w->name, "in.", 3) == 0 || strncmp(w->name, "dataset.", 8) == 0)
            continue;
        float d = golden_difference(t, w, &padded);
        compared++;
        if (d < 0 || d > golden_limit(w->name)) {
            tap_note("%s: %s differs by %g", what, w->name, (double)d);
            wrong++;
        }
    }
    ok(wrong == 0 && compared > 20 && padded <= 2e-3f, "%s: %d tensors within their limits", what,
       compared);
}

/* Without padding: the heads on pooled states and on real regions must not change. */
static void compare_trimmed(struct vilbert *m, const struct loaded *l, const char *what)
{
    struct net_want want = {.heads = HEAD_VQA | HEAD_ALIGN | HEAD_TRI | HEAD_GROUND |
                                         HEAD_BINARY, .attention = true};
    struct trace *t = NULL;
    struct vs_err err = {0};
    float padded = 0, worst = 0;
    bool all = vilbert_forward(m, &l->x, &want, &t, &err) == 0;
    static const char *const names[] = {"out.vil_prediction", "out.vil_logit",
                                        "out.vil_tri_prediction", "out.vil_binary_prediction",
                                        "out.vision_logit"};
    for (int i = 0; all && i < 5; i++) {
        const struct tensor *w = tensorfile_find(l->want, names[i]);
        float d = w ? golden_difference(t, w, &padded) : 0;
        all = d >= 0;
        worst = d > worst ? d : worst;
    }
    ok(all && worst <= 2e-5f, "%s: the answers without computing padding (%g)", what,
       (double)worst);
    trace_free(t);
}

/* Once more: shapes that were seen before may take another way (a graph). */
static void run_again(struct vilbert *m, const struct loaded *l, const struct net_want *want,
                      const char *name)
{
    struct trace *t = NULL;
    struct vs_err err = {0};
    for (int i = 0; i < 2; i++) {
        if (ok(vilbert_forward(m, &l->x, want, &t, &err) == 0, "%s: again %s", name, err.text))
            compare_all(l, t, name);
        trace_free(t);
        t = NULL;
    }
    ok(fakecuda.replays > 0, "%s: %d passes were graphs", name, fakecuda.replays);
}

static void run_backend(struct loaded *l, const char *device, int threads, const char *what)
{
    struct kern *k = NULL;
    struct vilbert *m = NULL;
    struct trace *t = NULL;
    struct vs_err err = {0};
    char why[256], name[160];
    struct net_want want = {.heads = HEAD_ALL, .attention = true, .hidden = true,
                            .keep_padding = true};
    if (device_lacks(device, what))
        return;
    if (!ok(fakecuda_open(device, threads, &k, why, sizeof why) == 0, "%s: %s opens", what,
            device)) {
        tap_note("%s", why);
        return;
    }
    snprintf(name, sizeof name, "%s on %s", what, kern_describe(k));
    if (!ok(vilbert_open(&l->c, l->file, k, &m, &err) == 0, "%s: opens %s", name, err.text)) {
        kern_close(k);
        return;
    }
    l->x = golden_input(l->in, vilbert_net(m)->task_tokens);
    if (ok(vilbert_forward(m, &l->x, &want, &t, &err) == 0, "%s: runs %s", name, err.text))
        compare_all(l, t, name);
    compare_trimmed(m, l, name);
    if (strcmp(device, "fake") == 0)
        run_again(m, l, &want, name);
    trace_free(t);
    golden_free(&l->x);
    vilbert_free(m);
    kern_close(k);
    if (strcmp(device, "fake") == 0)
        ok(fakecuda.live == 0 && fakecuda.bad == 0, "%s: nothing is left, nothing was wrong (%s)",
           name, fakecuda.first);
}

static void run_case(const char *what, const char *config, const char *checkpoint,
                     const char *inputs, const char *expected, bool every)
{
    struct loaded l = {0};
    struct vs_err err = {0};
    bool good = config_read(config, &l.c, &err) == 0 &&
                tensorfile_open(checkpoint, &l.file, &err) == 0 &&
                tensorfile_open(inputs, &l.in, &err) == 0 &&
                tensorfile_open(expected, &l.want, &err) == 0;
    if (ok(good, "%s: files open %s", what, err.text)) {
        run_backend(&l, "auto", every ? 2 : 0, what);
        if (every) {
            run_backend(&l, "ref", 1, what);
            run_backend(&l, "cpu-portable", 1, what);
            run_backend(&l, "cpu-avx2", 3, what);
            run_backend(&l, "fake", 1, what);
        }
    }
    tensorfile_close(l.file);
    tensorfile_close(l.in);
    tensorfile_close(l.want);
}

/* Checkpoints that are not shipped are made by the golden data's own program (numpy). */
static bool make_checkpoint(const char *name, char *out, size_t size)
{
    char config[300], command[2000], line[300];
    int seed = -1;
    const char *dir = getenv("TMPDIR"), *program = shared_path("golden/vilbert/make_checkpoint.py");
    snprintf(config, sizeof config, "golden/vilbert/%s/case.json", name);
    FILE *f = fopen(shared_path(config), "r");
    while (f && fgets(line, sizeof line, f)) {
        char *at = strstr(line, "seed\":");
        if (at)
            seed = atoi(at + 6);
    }
    if (f)
        fclose(f);
    snprintf(config, sizeof config, "golden/vilbert/%s/config.json", name);
    snprintf(out, size, "%s/%s.bin", dir ? dir : "/tmp", name);
    /* The first python3 of the path may be one without numpy. */
    snprintf(command, sizeof command, "for p in python3 /usr/bin/python3; do $p '%s' '%s' '%s' "
             "--seed %d >/dev/null 2>&1 && exit 0; done; exit 1", program ? program : "",
             shared_path(config), out, seed);
    return program && seed >= 0 && system(command) == 0;
}

static void run_shared(const char *name, const char *checkpoint, const char *expected)
{
    char config[300], file[300], in[300], want[300], made[1000], what[300];
    snprintf(config, sizeof config, "golden/vilbert/%s/config.json", name);
    snprintf(file, sizeof file, "golden/vilbert/%s/%s", name, checkpoint ? checkpoint : "");
    snprintf(in, sizeof in, "golden/vilbert/%s/expected.safetensors", name);
    snprintf(want, sizeof want, "golden/vilbert/%s/%s", name, expected);
    snprintf(what, sizeof what, "%s %s", name, checkpoint ? checkpoint : "(made)");
    if (!shared_path(config)) {
        tap_skip("%s: the golden data is not there", name);
    } else if (checkpoint) {
        run_case(what, shared_path(config), shared_path(file), shared_path(in), shared_path(want),
                 true);
    } else if (!make_checkpoint(name, made, sizeof made)) {
        tap_skip("%s: its checkpoint needs python3 with numpy", name);
    } else {
        run_case(what, shared_path(config), made, shared_path(in), shared_path(want), true);
        unlink(made);
    }
}

/* Answers must not depend on the number of threads, to the last bit. */
static void same_for_all_threads(void)
{
    struct loaded l = {0};
    struct vs_err err = {0};
    float first[3129] = {0};
    bool same = true;
    if (config_read(source_path("tests/data/tiny/config.json"), &l.c, &err) != 0 ||
        tensorfile_open(source_path("tests/data/tiny/checkpoint.bin"), &l.file, &err) != 0 ||
        tensorfile_open(source_path("tests/data/tiny/expected.safetensors"), &l.in, &err) != 0) {
        ok(false, "tiny opens: %s", err.text);
        return;
    }
    for (int threads = 1; threads <= 5; threads++) {
        struct kern *k = NULL;
        struct vilbert *m = NULL;
        struct trace *t = NULL;
        struct net_want want = {.heads = HEAD_VQA};
        char why[256];
        same &= kern_open(NULL, threads, &k, why, sizeof why) == 0 &&
                vilbert_open(&l.c, l.file, k, &m, &err) == 0;
        l.x = golden_input(l.in, true);
        same &= same && vilbert_forward(m, &l.x, &want, &t, &err) == 0;
        const struct trace_tensor *x = trace_find(t, "out.vil_prediction");
        size_t size = x ? (size_t)(x->shape[0] * x->shape[1]) * sizeof(float) : 0;
        same &= size == sizeof first;
        if (same && threads == 1)
            memcpy(first, x->data, size);
        same &= same && memcmp(first, x->data, size) == 0;
        trace_free(t);
        golden_free(&l.x);
        vilbert_free(m);
        kern_close(k);
    }
    ok(same, "1 to 5 threads give the same bits");
    tensorfile_close(l.file);
    tensorfile_close(l.in);
}

/* What is missing or misshapen is named, all of it, in one message. */
static void names_what_is_missing(void)
{
    struct config c;
    struct tensorfile *f = NULL;
    struct kern *k = NULL;
    struct vilbert *m = NULL;
    struct vs_err err = {0};
    char why[256];
    if (config_read(source_path("tests/data/tiny/config.json"), &c, &err) != 0 ||
        tensorfile_open(source_path("tests/data/tiny/checkpoint.bin"), &f, &err) != 0 ||
        kern_open("ref", 1, &k, why, sizeof why) != 0) {
        ok(false, "tiny opens: %s", err.text);
        return;
    }
    c.text.layers++;
    ok(vilbert_open(&c, f, k, &m, &err) == VS_E_FORMAT &&
       strstr(err.text, "\"num_hidden_layers\" is 3, the file has 2"),
       "a layer too many: %s", err.text);
    c.text.layers--;
    c.dynamic_attention = true;
    ok(vilbert_open(&c, f, k, &m, &err) == VS_E_MISSING && strstr(err.text, "dyLinear_q.weight") &&
           strstr(err.text, "more"),
       "tensors that are not there: %s", err.text);
    c.text.layers--;
    c.text.max_positions++;
    ok(vilbert_open(&c, f, k, &m, &err) == VS_E_FORMAT &&
       strstr(err.text, "position_embeddings"), "another shape: %s", err.text);
    kern_close(k);
    tensorfile_close(f);
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        run_case("given case", argv[1], argv[2], argv[3], argv[3], false);
        return tap_done();
    }
    run_case("tests/data/tiny (float16)", source_path("tests/data/tiny/config.json"),
             source_path("tests/data/tiny/checkpoint.bin"),
             source_path("tests/data/tiny/expected.safetensors"),
             source_path("tests/data/tiny/expected.safetensors"), true);
    run_shared("tiny_base", "checkpoint.bin", "expected.safetensors");
    run_shared("tiny_base", "checkpoint_f16.bin", "expected_f16.safetensors");
    run_shared("tiny_pair", "checkpoint.bin", "expected.safetensors");
    run_shared("tiny_sum_dyn", "checkpoint.bin", "expected.safetensors");
    run_shared("tiny_retrieval", "checkpoint.safetensors", "expected.safetensors");
    run_shared("tiny_6conn", NULL, "expected.safetensors");
    run_shared("tiny_pair_short", NULL, "expected.safetensors");
    same_for_all_threads();
    names_what_is_missing();
    return tap_done();
}
