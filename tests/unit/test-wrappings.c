/* SPDX-License-Identifier: MIT */
/* What training programs put around weights (tests/data/wrappings/make.py). Breaks when a set of
 * weights is taken for another, an object of a foreign class stops the reading, or a view, a number
 * or a type that nobody needs does. */
#include "src/formats/savedparts.h"
#include "src/formats/tensorfile.h"
#include "folder.h"

#include <math.h>

#define WORDS "bert.embeddings.word_embeddings.weight"

static struct tensorfile *open_named(const char *name, const char *set, struct vs_err *err)
{
    char *file = xasprintf("tests/data/wrappings/%s", name);
    char *path = xasprintf("%s%s%s", source_path(file), set ? "@" : "", set ? set : "");
    struct tensorfile *f = NULL;
    *err = (struct vs_err){0};
    tensorfile_open(path, &f, err);
    free(path);
    free(file);
    return f;
}

/* The model's words count from `first`. */
static void holds(const char *name, const char *set, int first)
{
    struct vs_err err;
    struct tensorfile *f = open_named(name, set, &err);
    const struct tensor *t = f ? tensorfile_find(f, WORDS) : NULL;
    float x[6] = {0};
    if (t && tensor_elements(t) == 6)
        tensor_to_f32(t, x);
    bool good = t && tensorfile_find(f, "vil_logit.weight");
    for (int i = 0; i < 6; i++)
        good &= (int)x[i] == first + i;
    ok(good, "%s%s%s: its weights, from %g %s", name, set ? "@" : "", set ? set : "", (double)x[0],
       err.text);
    tensorfile_close(f);
}

static void refuses(const char *name, const char *set, const char *says)
{
    struct vs_err err;
    struct tensorfile *f = open_named(name, set, &err);
    ok(!f && strstr(err.text, says), "%s%s%s: %s", name, set ? "@" : "", set ? set : "", err.text);
    tensorfile_close(f);
}

static void sets(void)
{
    static const char *const two[] = {"ema.pt", "nested.pt", "beside.ckpt"};
    for (int i = 0; i < 3; i++) {
        holds(two[i], NULL, 0);
        holds(two[i], "ema", 10);
        refuses(two[i], "best", "has no weights called 'best': it has ");
    }
    holds("ema.pt", "state_dict_ema", 10);
    holds("ema.pt", "state_dict", 0);
    holds("nested.pt", "ema.module", 10);
    holds("beside.ckpt", "model_ema", 10);
    holds("two.pt", "teacher", 10);
    refuses("two.pt", NULL, "several sets of weights: student, teacher: choose one");
    refuses("two.pt", "ema", "has no weights called 'ema': it has student, teacher");
    holds("alias.pt", NULL, 0);
    refuses("whole.pt", "ema", "only one set of them");
    holds("empty_name.pt", NULL, 0); /* one tensor's name is empty */
}

/* A list without names: those of the model's parameters, in their order. */
static void nameless(void)
{
    struct vs_err err;
    holds("shadow.pt", NULL, 0);
    holds("shadow.pt", "ema", 10);
    struct tensorfile *f = open_named("shadow.pt", "ema", &err);
    const struct tensor *words = f ? tensorfile_find(f, WORDS) : NULL;
    const struct tensor *head = f ? tensorfile_find(f, "cls.predictions.decoder.weight") : NULL;
    ok(words && head && head->data == words->data && tensorfile_find(f, "position_ids"),
       "shadow.pt: a parameter with two names has both, and buffers are there %s", err.text);
    tensorfile_close(f);
    holds("shadow_short.pt", NULL, 0);
    refuses("shadow_short.pt", "ema", "2 tensors without names, the state dict 3 parameters");
    holds("shadow_turned.pt", NULL, 0);
    refuses("shadow_turned.pt", "ema", "its tensor 1 has not the shape of the parameter in that "
            "place, '" WORDS "'");
    refuses("shadow_alone.pt", NULL, "a list of tensors without names, and there is no state dict");
}

static void foreign(const char *name)
{
    struct vs_err err;
    struct tensorfile *f = open_named(name, NULL, &err);
    const char *objects = f ? tensorfile_objects(f) : NULL;
    ok(objects && strstr(objects, "vilbert.utils.MultiTaskStopOnPlateau"),
       "%s: objects that were passed over: %s", name, objects ? objects : err.text);
    tensorfile_close(f);
    holds(name, NULL, 0);
}

static void odd(const char *name)
{
    struct vs_err err;
    struct tensorfile *f = open_named(name, NULL, &err);
    const struct tensor *many = f ? tensorfile_find(f, "many") : NULL;
    int64_t x[2] = {0};
    const char *type = f ? tensorfile_odd(f, "phase") : NULL;
    const struct tensor *few = f ? tensorfile_find(f, "few") : NULL;
    float one[2] = {0};
    if (many)
        tensor_to_i64(many, x);
    if (few)
        tensor_to_f32(few, one);
    ok(f && tensorfile_odd_count(f) == 1 && type && strcmp(type, "ComplexFloatStorage") == 0 &&
       tensorfile_find(f, "steps") && x[1] == 65535 && one[0] == 1 && one[1] == 1,
       "%s: one tensor is passed over, of %s %s", name, type ? type : "?", err.text);
    tensorfile_close(f);
    holds(name, NULL, 0);
}

/* Which head MMF's classifier is: of one that reads `in` numbers, where the pooler has 2, and that
 * has so many answers. */
static void classifier(int in, int answers, const char *head)
{
    float *x = xcalloc((size_t)answers * 3 + 8, sizeof *x);
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    const struct tensor_out list[4] = {
        {"model." WORDS, DTYPE_F32, 2, {1, 2}, x},
        {"model.bert.t_pooler.dense.weight", DTYPE_F32, 2, {2, 2}, x},
        {"model.classifier.0.dense.weight", DTYPE_F32, 2, {2, in}, x},
        {"model.classifier.1.weight", DTYPE_F32, 2, {answers, 3}, x}};
    char *path = temp_path("mmf"), *name = xasprintf("%s.logit_fc.3.weight", head);
    ok(safetensors_write(path, list, 4, &err) == 0 && tensorfile_open(path, &f, &err) == 0 &&
       tensorfile_find(f, name), "MMF's classifier of %d by %d is %s %s", in, answers, head,
       err.text);
    tensorfile_close(f);
    drop(path);
    free(name);
    free(x);
}

/* Names of the same under other names. */
static void renamed(const char *name, const char *ours)
{
    static const float one = 1;
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    const struct tensor_out list[] = {{WORDS, DTYPE_F32, 1, {1}, &one},
                                      {name, DTYPE_F32, 1, {1}, &one}};
    char *path = temp_path("renamed");
    ok(safetensors_write(path, list, 2, &err) == 0 && tensorfile_open(path, &f, &err) == 0 &&
       tensorfile_find(f, ours), "%s is %s %s", name, ours, err.text);
    tensorfile_close(f);
    drop(path);
}

/* An average that is kept as buffers of a module, whose names may have no dots. */
static void dotless(void)
{
    static const float plain = 1, average = 2;
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    const struct tensor_out list[] = {
        {"model." WORDS, DTYPE_F32, 1, {1}, &plain},
        {"model_ema.bertembeddingsword_embeddingsweight", DTYPE_F32, 1, {1}, &average},
        {"model_ema.decay", DTYPE_F32, 1, {1}, &plain}};
    char *path = temp_path("dotless"), *of_average = xasprintf("%s@ema", path);
    const char *const paths[] = {path, of_average};
    ok(safetensors_write(path, list, 3, &err) == 0, "a file of both %s", err.text);
    for (int i = 0; i < 2; i++) {
        float x = 0;
        const struct tensor *t = tensorfile_open(paths[i], &f, &err) == 0
                                     ? tensorfile_find(f, WORDS) : NULL;
        if (t)
            tensor_to_f32(t, &x);
        ok((int)x == i + 1, "%s: %g %s", i ? "its average" : "its weights", (double)x, err.text);
        tensorfile_close(f);
        f = NULL;
    }
    free(of_average);
    drop(path);
}

/* The number of an 8-bit code, from what the formats are: e bits of exponent, m of mantissa. */
static double float8_value(int code, int m, int bias)
{
    int exponent = (code & 0x7f) >> m, mantissa = code & ((1 << m) - 1);
    double x = exponent ? ldexp(1 + ldexp(mantissa, -m), exponent - bias)
                        : ldexp(mantissa, 1 - bias - m);
    if (m == 3 && (code & 0x7f) == 0x7f)
        x = NAN;
    if (m == 2 && exponent == 31)
        x = mantissa ? NAN : INFINITY;
    return code & 0x80 ? -x : x;
}

static void float8(enum dtype type, int m, int bias)
{
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    uint8_t codes[256];
    float x[256] = {0};
    int wrong = -1;
    for (int i = 0; i < 256; i++)
        codes[i] = (uint8_t)i;
    const struct tensor_out list[] = {{"x.weight", type, 2, {16, 16}, codes}};
    char *path = temp_path("float8");
    bool good = safetensors_write(path, list, 1, &err) == 0 && tensorfile_open(path, &f, &err) == 0;
    const struct tensor *t = good ? tensorfile_find(f, "x.weight") : NULL;
    if (t)
        tensor_to_f32(t, x);
    for (int i = 0; i < 256; i++) {
        double want = float8_value(i, m, bias);
        if (isnan(want) ? !isnan(x[i]) : (double)x[i] != want || !signbit(x[i]) != !signbit(want))
            wrong = i;
    }
    ok(t && wrong < 0, "%s: all 256 codes (%d is not) %s", dtype_name(type), wrong, err.text);
    tensorfile_close(f);
    drop(path);
}

/* Numbers that mean something only with what stands beside them are no weights. */
static void scaled(const char *scale)
{
    static const uint8_t codes[4] = {0x38, 0x38, 0x38, 0x38};
    static const float one = 1;
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    const struct tensor_out list[] = {{WORDS, DTYPE_F8_E4M3, 2, {2, 2}, codes},
                                      {scale, DTYPE_F32, 0, {0}, &one}};
    char *path = temp_path("scaled");
    ok(safetensors_write(path, list, 2, &err) == 0 &&
       tensorfile_open(path, &f, &err) == VS_E_REFUSED && strstr(err.text, "not applied"),
       "%s: %s", scale, err.text);
    tensorfile_close(f);
    drop(path);
}

static void refuses_parts(const char *path, const char *says)
{
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    ok(tensorfile_open(path, &f, &err) == VS_E_REFUSED && strstr(err.text, says), "%s", err.text);
    tensorfile_close(f);
}

/* Folders of trainers, and what lies in parts. */
static void parts(void)
{
    char *from_run = savedparts_weights(source_path("tests/data/wrappings/deepspeed"));
    char *from_step =
        savedparts_weights(source_path("tests/data/wrappings/deepspeed/global_step3"));
    ok(from_run && from_step && strcmp(from_run, from_step) == 0, "the last step's model: %s",
       from_run ? from_run : "none");
    free(from_run);
    free(from_step);
    holds("deepspeed/global_step3/mp_rank_00_model_states.pt", NULL, 0);
    refuses("deepspeed/global_step3/zero_pp_rank_0_mp_rank_00_optim_states.pt", NULL,
            "zero_to_fp32.py");
    refuses("sharded.pt", NULL, "full_state_dict");
    char *path = write_file(".metadata", "x", 1), *other = write_file("__0_0.distcp", "PK\3\4", 4);
    const char *list[] = {folder, path, other};
    for (int i = 0; i < 3; i++)
        refuses_parts(list[i], "dcp_to_torch");
    drop(path);
    drop(other);
    path = write_file("zero_pp_rank_0_mp_rank_00_model_states.pt", "x", 1);
    other = write_file("latest", "no_such_step\n", 13);
    refuses_parts(folder, "zero_to_fp32.py");
    drop(path);
    drop(other);
}

/* A file of several is opened by the index beside it, if that names it and others. */
static void indexed(void)
{
    static const struct {
        const char *index;
        bool taken;
    } list[] = {
        {"{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"}}", true},
        {"{\"weight_map\": {\"a\": \"one.safetensors\"}}", false},
        {"{\"weight_map\": {\"a\": \"two.safetensors\", \"b\": \"three.safetensors\"}}", false},
        {"{\"weight_map\": {\"a\": 1, \"b\": null}}", false},
        {"{\"weight_map\": ", false},
    };
    char *path = write_file("one.safetensors", "x", 1);
    char *none = savedparts_weights(path);
    ok(!none, "without an index it is itself");
    free(none);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        char *index = write_file("one.safetensors.index.json", list[i].index,
                                 strlen(list[i].index));
        char *got = savedparts_weights(path);
        ok((got != NULL) == list[i].taken && (!got || strcmp(got, index) == 0), "%s: %s",
           list[i].index, got ? "the index" : "the file");
        free(got);
        drop(index);
    }
    drop(path);
}

/* What other programs keep beside the weights: a dictionary for each parameter, an average in an
 * object of a class of its own, tensors that are not read. */
static void kept(void)
{
    struct vs_err err;
    holds("named_optimizer.pt", NULL, 0);
    holds("named_shadow.pt", NULL, 0);
    holds("named_shadow.pt", "ema", 10);
    holds("average_object.pt", NULL, 0);
    holds("average_object.pt", "ema", 10);
    holds("callback.ckpt", NULL, 0);
    holds("callback.ckpt", "ema", 10);
    refuses("callback.ckpt", "call", "has no weights called 'call'");
    holds("protocol_1.pt", NULL, 0);
    refuses("script.pt", NULL, "a TorchScript program");
    holds("quantized.pt", NULL, 0);
    struct tensorfile *f = open_named("quantized.pt", NULL, &err);
    const char *bias = f ? tensorfile_odd(f, "vil_logit.bias") : NULL;
    const char *mask = f ? tensorfile_odd(f, "mask") : NULL;
    ok(bias && strcmp(bias, "a quantized tensor") == 0 && mask &&
       strcmp(mask, "a sparse tensor") == 0, "tensors that are not read are named: %s, %s %s",
       bias ? bias : "?", mask ? mask : "?", err.text);
    const char *frozen = f ? tensorfile_odd(f, "frozen") : NULL;
    ok(frozen && strcmp(frozen, "a quantized tensor") == 0, "and one in a Parameter: %s",
       frozen ? frozen : "?");
    tensorfile_close(f);
}

static void refuses_folder(const char *says)
{
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    ok(tensorfile_open(folder, &f, &err) != 0 && strstr(err.text, says), "%s", err.text);
    tensorfile_close(f);
}

/* Folders in which no name says where to begin. */
static void unnamed_folders(void)
{
    refuses_folder("the index of either");
    char *path = write_file("step.ckpt", "x", 1), *other = write_file("notes.txt", "x", 1);
    refuses_folder("the index of either: name one of its files, for example step.ckpt");
    drop(other);
    other = write_file("model-00002-of-00002.safetensors", "x", 1);
    refuses_folder("model-00002-of-00002.safetensors and other shards of a checkpoint");
    ok(savedparts_is_shard(other) && !savedparts_is_shard("a-of-b/model-00001-of-00001.bin") &&
       !savedparts_is_shard("run-00002-of-00002/model.bin") &&
       !savedparts_is_shard("1-of-00002.bin") && !savedparts_is_shard("model.bin"),
       "shards are told by their names");
    drop(path);
    drop(other);
}

/* PyTorch's old format has little-endian numbers whatever machine it says that it is from. */
static void from_big_endian(void)
{
    struct vs_err err = {0};
    struct tensorfile *f = NULL;
    struct bytes map;
    if (!ok(bytes_open(source_path("tests/data/wrappings/protocol_1.pt"), &map, &err) == 0,
            "PyTorch's old format %s", err.text))
        return;
    size_t n = map.size;
    char *data = memcpy(xmalloc(n + 1), map.data, n);
    bytes_close(&map);
    char *at = memmem(data, n, "little_endian", 13), *flag = at ? at + 15 : NULL;
    if (!ok(flag && memcmp(flag, "I01\n", 4) == 0, "it says what it is from"))
        return;
    flag[2] = '0';
    char *to = write_file("big.bin", data, n);
    float x[6] = {0};
    const struct tensor *t = tensorfile_open(to, &f, &err) == 0 ? tensorfile_find(f, WORDS) : NULL;
    if (t && tensor_elements(t) == 6)
        tensor_to_f32(t, x);
    ok(t && (int)x[1] == 1 && (int)x[5] == 5, "of a big-endian machine: %g %s", (double)x[5],
       err.text);
    tensorfile_close(f);
    drop(to);
    free(data);
}

int main(void)
{
    struct vs_err err;
    folder_make("wrappings");
    kept();
    from_big_endian();
    unnamed_folders();
    dotless();
    renamed("bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight");
    renamed("bert.embeddings.LayerNorm.beta", "bert.embeddings.LayerNorm.bias");
    renamed("vil_prediction.main.0.parametrizations.weight.original0",
            "vil_prediction.main.0.weight_g");
    renamed("vil_prediction.main.3.parametrizations.weight.original1",
            "vil_prediction.main.3.weight_v");
    classifier(4, 2, "vil_binary_prediction");
    classifier(2, 1533, "vil_prediction_gqa");
    classifier(2, 1842, "vil_prediction_gqa");
    classifier(2, 3129, "vil_prediction");
    sets();
    nameless();
    foreign("trainer.tar");
    foreign("trainer_old.tar");
    holds("whole.pt", NULL, 0);
    odd("odd.pt");
    odd("odd_old.pt");
    holds("lightning_average.ckpt", NULL, 0);
    holds("lightning_average.ckpt", "ema", 10);
    holds("lightning_average.ckpt", "state_dict", 10);
    holds("within.pt", NULL, 0);
    struct tensorfile *within = open_named("within.pt", NULL, &err);
    ok(within && tensorfile_find(within, "bert.t_pooler.dense.weight"),
       "within.pt: what stands within a name is taken off, too %s", err.text);
    tensorfile_close(within);
    holds("float8.pt", NULL, 0);
    float8(DTYPE_F8_E4M3, 3, 7);
    float8(DTYPE_F8_E5M2, 2, 15);
    scaled("bert.embeddings.word_embeddings.weight_scale");
    scaled("bert.embeddings.word_embeddings.scale_weight");
    parts();
    indexed();
    struct tensorfile *f = open_named("mmf.pth", NULL, &err);
    ok(f && tensorfile_find(f, "vil_prediction.logit_fc.0.weight") &&
       tensorfile_find(f, "vil_prediction.logit_fc.2.weight") &&
       tensorfile_find(f, "vil_prediction.logit_fc.3.weight") && tensorfile_find(f, WORDS),
       "MMF's classifier is the head of VQA %s", err.text);
    tensorfile_close(f);
    return folder_remove();
}
