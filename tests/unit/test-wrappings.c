/* SPDX-License-Identifier: MIT */
/* What training programs put around weights (tests/data/wrappings/make.py). Breaks when a set of
 * weights is taken for another, an object of a foreign class stops the reading, or a view, a number
 * or a type that nobody needs does. */
#include "src/formats/tensorfile.h"
#include "folder.h"

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
    const char *type = f ? tensorfile_odd(f, "few") : NULL;
    if (many)
        tensor_to_i64(many, x);
    ok(f && tensorfile_odd_count(f) == 2 && tensorfile_odd(f, "phase") && type &&
       strcmp(type, "float8_e4m3fn") == 0 && tensorfile_find(f, "steps") && x[1] == 65535,
       "%s: two tensors are passed over, few is %s %s", name, type ? type : "?", err.text);
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

int main(void)
{
    struct vs_err err;
    folder_make("wrappings");
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
    struct tensorfile *f = open_named("mmf.pth", NULL, &err);
    ok(f && tensorfile_find(f, "vil_prediction.logit_fc.0.weight") &&
       tensorfile_find(f, "vil_prediction.logit_fc.2.weight") &&
       tensorfile_find(f, "vil_prediction.logit_fc.3.weight") && tensorfile_find(f, WORDS),
       "MMF's classifier is the head of VQA %s", err.text);
    tensorfile_close(f);
    return folder_remove();
}
