/* SPDX-License-Identifier: MIT */
/* Checkpoints made of others. Breaks when a number is rounded the wrong way, a share is taken of
 * another file, what is too large or no number is written, shared tensors are written twice or
 * lost, or one is left out of the header. */
#include "folder.h"
#include "src/base/mem.h"
#include "src/formats/narrow.h"
#include "src/formats/weightmix.h"

#include <math.h>
#include <unistd.h>

#define WORDS "bert.embeddings.word_embeddings.weight"
#define DECODER "cls.predictions.decoder.weight"

static float narrowed(float x, enum dtype dtype)
{
    uint16_t bits = 0;
    float back;
    struct tensor t = {.name = "", .dtype = dtype, .data = &bits};
    if (dtype == DTYPE_F16)
        narrow_to_f16(&x, 1, &bits);
    else
        narrow_to_bf16(&x, 1, &bits);
    tensor_to_f32(&t, &back);
    return back;
}

/* Every float16 comes back, and what lies between two goes to the nearer, ties to the even one. */
static void halves(void)
{
    bool same = true;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        uint16_t bits = (uint16_t)h, next = (uint16_t)(h + 1), got[3];
        float a, b;
        struct tensor t = {.name = "", .dtype = DTYPE_F16, .data = &bits};
        tensor_to_f32(&t, &a);
        t.data = &next;
        tensor_to_f32(&t, &b);
        if (h == 0x7bff)
            b = 65536;
        const float x[3] = {a, (a + b) / 2, nextafterf((a + b) / 2, 0)};
        narrow_to_f16(x, 3, got);
        same &= got[0] == h && got[1] == (h & 1 ? h + 1 : h) && got[2] == h;
    }
    ok(same, "float16: nearest, ties to even, all of them");
    ok(isinf(narrowed(1e6f, DTYPE_F16)) && isnan(narrowed(NAN, DTYPE_F16)) &&
       narrowed(-1e-9f, DTYPE_F16) >= 0 && signbit(narrowed(-1e-9f, DTYPE_F16)),
       "float16: what is no number, too large or too small");
    const float fits[2] = {65504, -1}, large = 65520;
    uint16_t out[2];
    ok(narrow_to_f16(fits, 2, out) && !narrow_to_f16(&large, 1, out), "float16 tells what is lost");
    ok(fabsf(narrowed(1.00390625f, DTYPE_BF16) - 1) < 1e-9f &&
       fabsf(narrowed(1.01171875f, DTYPE_BF16) - 1.015625f) < 1e-9f &&
       isnan(narrowed(NAN, DTYPE_BF16)), "bfloat16: ties to even");
}

static void rows(void)
{
    const float x[6] = {-3, 1.5f, 0.01f, 0, 0, 0};
    int8_t q[6];
    float scale[2];
    narrow_to_int8(x, 2, 3, q, scale);
    ok(q[0] == -127 && q[1] == 64 && q[2] == 0 && scale[1] <= 0 && q[4] == 0 &&
       fabsf((float)q[1] * scale[0] - x[1]) <= scale[0] / 2, "int8: each row by its largest");
}

static char *write_model(const char *name, float first, float second)
{
    float words[4] = {first, 2, -3, 4}, bias[2] = {1, second};
    int64_t steps[1] = {7};
    struct vs_err err = {0};
    const struct tensor_out list[3] = {{WORDS, DTYPE_F32, 2, {2, 2}, words},
                                       {"vil_logit.bias", DTYPE_F32, 1, {2}, bias},
                                       {"steps", DTYPE_I64, 1, {1}, steps}};
    char *path = temp_path(name);
    ok(safetensors_write(path, list, 3, &err) == 0, "%s is written %s", name, err.text);
    return path;
}

static float number(const char *path, const char *name, int i)
{
    struct tensorfile *f = NULL;
    float x = NAN;
    const struct tensor *t = tensorfile_open(path, &f, NULL) == 0 ? tensorfile_find(f, name) : NULL;
    if (t && i < tensor_elements(t)) {
        float *all = xcalloc((size_t)tensor_elements(t), sizeof *all);
        tensor_to_f32(t, all);
        x = all[i];
        free(all);
    }
    tensorfile_close(f);
    return x;
}

/* Of those that are the same in all tensors each file keeps one, and its index names both files. */
static void alike(void)
{
    struct vs_err err = {0};
    char *a = write_model("a", 1, 5), *b = write_model("b", 1, 5), *made = temp_path("made");
    char *index = temp_path("index"), *shared = temp_path("shared");
    struct tensorfile *from[2] = {NULL, NULL}, *f = NULL;
    const double share[2] = {0, 1};
    bool same[3], all = false;
    struct mix m = {.from = from, .from_count = 2, .type = MIX_F32};
    ok(tensorfile_open(a, &from[0], &err) == 0 && tensorfile_open(b, &from[1], &err) == 0 &&
       mix_find_same(&m, same, &all) == 24 && all && same[0] && same[1] && !same[2],
       "two that are the same %s", err.text);
    ok(mix_write(&m, share, same, true, NULL, shared, &err) == 0 &&
       mix_write(&m, share, same, false, NULL, made, &err) == 0 &&
       mix_write_index(&m, share, same, "shared", "made", index, &err) == 0 &&
       tensorfile_open(made, &f, &err) == 0 && tensorfile_count(f) == 1,
       "neither file is empty %s", err.text);
    tensorfile_close(f);
    ok(fabsf(number(index, WORDS, 3) - 4) < 1e-6f && fabsf(number(index, "steps", 0) - 7) < 1e-6f,
       "the index has all of them");
    tensorfile_close(from[0]);
    tensorfile_close(from[1]);
    char *const paths[] = {a, b, made, index, shared};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        drop(paths[i]);
}

static void mixes(void)
{
    static const char *const about[] = {"made_of", "two", NULL};
    struct vs_err err = {0};
    char *a = write_model("a", 1, 5), *b = write_model("b", 3, 5), *made = temp_path("made");
    char *index = temp_path("index"), *shared = temp_path("shared");
    struct tensorfile *from[2] = {NULL, NULL}, *f = NULL;
    bool same[3], alike;
    if (!ok(tensorfile_open(a, &from[0], &err) == 0 && tensorfile_open(b, &from[1], &err) == 0,
            "both open %s", err.text))
        return;
    struct mix m = {.from = from, .from_count = 2, .type = MIX_F32};
    const double share[2] = {0.25, 0.75};
    ok(mix_check(&m, &err) == 0 && mix_write(&m, share, NULL, true, about, made, &err) == 0 &&
       fabsf(number(made, WORDS, 0) - 2.5f) < 1e-6f && fabsf(number(made, WORDS, 2) + 3) < 1e-6f &&
       fabsf(number(made, "steps", 0) - 7) < 1e-6f, "a quarter and three %s", err.text);
    char *said = tensorfile_open(made, &f, &err) == 0 ? safetensors_metadata(f, "made_of") : NULL;
    ok(said && strcmp(said, "two") == 0, "its metadata: %s", said ? said : "none");
    free(said);
    tensorfile_close(f);
    m.type = MIX_INT8;
    ok(mix_write(&m, share, NULL, true, NULL, made, &err) == 0 &&
       fabsf(number(made, WORDS, 0) - 2.5f) < 2.5f / 254 + 1e-6f &&
       fabsf(number(made, WORDS, 3) - 4) < 1e-6f &&
       fabsf(number(made, "vil_logit.bias", 1) - 5) < 1e-6f,
       "int8 opens as the numbers that it stands for: %g %s", (double)number(made, WORDS, 0),
       err.text);
    ok(mix_find_same(&m, same, &alike) == 16 && !alike && !same[0] && same[1] && same[2],
       "what both have");
    ok(mix_write(&m, share, same, true, NULL, shared, &err) == 0 &&
       mix_write(&m, share, same, false, NULL, made, &err) == 0 &&
       mix_write_index(&m, share, same, "shared", "made", index, &err) == 0 &&
       tensorfile_open(index, &f, &err) == 0 && tensorfile_count(f) == 3 &&
       fabsf(number(index, WORDS, 3) - 4) < 1e-6f, "two files and their index %s", err.text);
    tensorfile_close(f);
    tensorfile_close(from[1]);
    drop(b);
    b = write_model("b", INFINITY, 5);
    m.type = MIX_F32;
    ok(tensorfile_open(b, &from[1], &err) == 0 &&
       mix_write(&m, share, NULL, true, NULL, made, &err) == VS_E_DIVERGED &&
       strstr(err.text, WORDS) && strstr(err.text, b),
       "no infinity is written, and the file is named: %s", err.text);
    m.type = MIX_F16;
    tensorfile_close(from[1]);
    drop(b);
    b = write_model("b", 1e6f, 5);
    ok(tensorfile_open(b, &from[1], &err) == 0 &&
       mix_write(&m, share, NULL, true, NULL, made, &err) == VS_E_LIMIT &&
       strstr(err.text, "bfloat16") && strstr(err.text, "the sum of ") && strstr(err.text, b),
       "nor what is too large: %s", err.text);
    tensorfile_close(from[0]);
    tensorfile_close(from[1]);
    drop(a);
    drop(b);
    drop(made);
    drop(index);
    drop(shared);
}

/* The words, the head that ranks them with the same numbers, and two norms that are only alike. */
static char *write_tied(const char *name, const char *decoder)
{
    float words[6] = {1, -2, 3, 0.5f, 0.25f, -4}, ones[2] = {1, 1};
    const struct tensor_out list[] = {{decoder, DTYPE_F32, 2, {3, 2}, words},
                                      {"a.weight", DTYPE_F32, 1, {2}, ones},
                                      {"b.weight", DTYPE_F32, 1, {2}, ones},
                                      {WORDS, DTYPE_F32, 2, {3, 2}, words}};
    char *path = temp_path(name);
    return safetensors_write(path, list, 4, NULL) == 0 ? path : NULL;
}

/* Whether both names are there, as one tensor. */
static bool are_one(const struct tensorfile *f)
{
    const struct tensor *t = f ? tensorfile_find(f, WORDS) : NULL;
    const struct tensor *u = f ? tensorfile_find(f, DECODER) : NULL;
    return t && u && t->data && t->data == u->data && t->row_scale == u->row_scale &&
           t->storage == u->storage && tensorfile_count(f) == 4;
}

/* Of what shares its numbers one is stored, and the other one is read again: also of a file that
 * was written so. */
static void tied(void)
{
    struct vs_err err = {0};
    char *a = write_tied("a", DECODER), *b = write_tied("b", "other.weight");
    char *made = temp_path("made"), *again = temp_path("again");
    const double share = 1;
    struct tensorfile *f = NULL, *g = NULL;
    for (int type = MIX_F32; type < MIX_TYPES; type++) {
        struct mix m = {.from = &f, .from_count = 1, .type = (enum mix_type)type};
        bool good = tensorfile_open(a, &f, &err) == 0 &&
                    mix_write(&m, &share, NULL, true, NULL, made, &err) == 0;
        tensorfile_close(f);
        f = NULL;
        good = good && tensorfile_open(made, &f, &err) == 0 && are_one(f);
        char *of = good ? safetensors_metadata(f, DECODER) : NULL;
        good = good && of && strcmp(of, WORDS) == 0 &&
               mix_write(&m, &share, NULL, true, NULL, again, &err) == 0 &&
               tensorfile_open(again, &g, &err) == 0 && are_one(g) &&
               tensorfile_bytes(f) == tensorfile_bytes(g);
        ok(good && fabsf(number(again, DECODER, 3) - 0.5f) < 0.02f,
           "%s: words and their head are stored once, and are both there %s", mix_type_names[type],
           err.text);
        free(of);
        tensorfile_close(f);
        tensorfile_close(g);
        f = g = NULL;
    }
    struct mix m = {.from = &f, .from_count = 1, .type = MIX_F32};
    bool good = tensorfile_open(b, &f, &err) == 0 &&
                mix_write(&m, &share, NULL, true, NULL, made, &err) == 0 &&
                tensorfile_open(made, &g, &err) == 0;
    char *of = good ? safetensors_metadata(g, "other.weight") : NULL;
    ok(good && !of && tensorfile_count(g) == 4 &&
       tensorfile_find(g, "a.weight")->data != tensorfile_find(g, "b.weight")->data,
       "what is only alike is stored twice %s", err.text);
    free(of);
    tensorfile_close(f);
    tensorfile_close(g);
    drop(a), drop(b), drop(made), drop(again);
}

/* What the header cannot name would be in the file, and in no list. */
static void names(void)
{
    float x[2] = {1, 2};
    struct vs_err err = {0};
    struct tensor_out list[2] = {{"a", DTYPE_F32, 1, {2}, x}, {"b\xff", DTYPE_F32, 1, {2}, x}};
    char *path = temp_path("names");
    ok(safetensors_write(path, list, 2, &err) == VS_E_FORMAT && strstr(err.text, "not UTF-8"),
       "a name that JSON cannot hold: %s", err.text);
    err.text[0] = '\0';
    list[1].name = "a";
    ok(safetensors_write(path, list, 2, &err) == VS_E_FORMAT && strstr(err.text, "two tensors"),
       "one name for two: %s", err.text);
    uint8_t length[8] = {1};
    list[1].name = "bcd";
    FILE *f = safetensors_write(path, list, 2, &err) == 0 ? fopen(path, "rb") : NULL;
    ok(f && fread(length, 1, 8, f) == 8 && length[0] % 8 == 0,
       "numbers begin where they can be used in place: behind %d bytes", length[0]);
    if (f)
        fclose(f);
    drop(path);
}

/* Of one model only, and of files that stay as they are. */
static void refused(void)
{
    float words[4] = {1, 2, 3, 4}, more[1] = {1};
    struct vs_err err = {0};
    const struct tensor_out list[2] = {{WORDS, DTYPE_F32, 2, {2, 2}, words},
                                       {"more", DTYPE_F32, 1, {1}, more}};
    char *a = temp_path("a"), *b = temp_path("b"), *made = temp_path("made");
    struct tensorfile *from[2] = {NULL, NULL};
    struct mix m = {.from = from, .from_count = 2, .type = MIX_F32};
    const double share[2] = {1, 0};
    ok(safetensors_write(a, list, 1, &err) == 0 && safetensors_write(b, list, 2, &err) == 0 &&
       tensorfile_open(a, &from[0], &err) == 0 && tensorfile_open(b, &from[1], &err) == 0,
       "two models %s", err.text);
    ok(mix_check(&m, &err) == VS_E_MISSING && strstr(err.text, "'more'"),
       "weights that only the second has: %s", err.text);
    tensorfile_close(from[1]);
    m.from_count = 1;
    FILE *f = fopen(a, "a");
    ok(f && fputs("more", f) >= 0 && fclose(f) == 0, "the file is written to");
    ok(mix_write(&m, share, NULL, true, NULL, made, &err) == VS_E_IO &&
       strstr(err.text, "changed while") && access(made, F_OK) != 0,
       "nothing is made of a file that changes: %s", err.text);
    tensorfile_close(from[0]);
    drop(a);
    drop(b);
    drop(made);
}

/* Whole numbers are of one file, the one that has the largest share, also what only that has. */
static void whole(void)
{
    static const struct {
        double share[2];
        int64_t shape; /* of the second's */
        float want;
    } list[] = {{{1, 0}, 1, 7}, {{0.5, 0.5}, 1, 7}, {{0.25, 0.75}, 1, 9}, {{0, 1}, 1, 9},
                {{0, 1}, 2, 9}, {{0.25, 0.75}, 2, 9}, {{1, 0}, 2, 7}};
    int64_t first[1] = {7}, second[2] = {9, 9};
    float x[1] = {1};
    struct vs_err err = {0};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        char *path[2] = {temp_path("a"), temp_path("b")}, *made = temp_path("made");
        const struct tensor_out a[2] = {{WORDS, DTYPE_F32, 1, {1}, x},
                                        {"steps", DTYPE_I64, 1, {1}, first}};
        const struct tensor_out b[3] = {{WORDS, DTYPE_F32, 1, {1}, x},
                                        {"steps", DTYPE_I64, 1, {list[i].shape}, second},
                                        {"seen", DTYPE_I64, 1, {1}, first}};
        struct tensorfile *from[2] = {NULL, NULL};
        struct mix m = {.from = from, .from_count = 2, .type = MIX_F32};
        int count = 0;
        ok(safetensors_write(path[0], a, 2, &err) == 0 &&
           safetensors_write(path[1], b, 3, &err) == 0 &&
           tensorfile_open(path[0], &from[0], &err) == 0 &&
           tensorfile_open(path[1], &from[1], &err) == 0 && mix_check(&m, &err) == 0 &&
           mix_write(&m, list[i].share, NULL, true, NULL, made, &err) == 0 &&
           fabsf(number(made, "steps", 0) - list[i].want) < 1e-6f &&
           isnan(number(made, "seen", 0)) == (list[i].want < 8),
           "%g of 7 and %g of %d times 9: %g %s", list[i].share[0], list[i].share[1],
           (int)list[i].shape, (double)number(made, "steps", 0), err.text);
        const char *name = mix_find_unlike(&m, &count);
        ok(name && strcmp(name, "steps") == 0 && count == 2, "they are told: %s, %d", name, count);
        struct tensorfile *const one[2] = {from[0], from[0]};
        m.from = one;
        ok(!mix_find_unlike(&m, &count), "those of one file are alike");
        tensorfile_close(from[0]);
        tensorfile_close(from[1]);
        for (int k = 0; k < 2; k++)
            drop(path[k]);
        drop(made);
    }
}

int main(void)
{
    folder_make("weightmix");
    whole();
    refused();
    names();
    halves();
    rows();
    mixes();
    alike();
    tied();
    return folder_remove();
}
