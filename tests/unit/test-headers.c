/* SPDX-License-Identifier: MIT */
/* Headers of weights, and the JSON in them, which is read without a tree: breaks when values are
 * read wrongly or cost a multiple of their size, when names of a wrapped model are not found,
 * and when a refusal has no reason. */
#include "folder.h"
#include "src/formats/jsonscan.h"
#include "src/formats/tensorfile.h"

#include <sys/resource.h>
#include <sys/wait.h>

/* ---- JSON without a tree */

static const char *why(const struct jsonscan *s)
{
    return s->why ? s->why : "nothing";
}

static struct jsonscan scan_of(const char *text)
{
    return (struct jsonscan){.text = text, .len = strlen(text)};
}

static void strings(void)
{
    static const struct {
        const char *json, *text; /* text NULL: refused */
    } cases[] = {
        {"\"\"", ""}, {" \t\n\"a b\"", "a b"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"}, {"\"\xc3\xa9\"", "\xc3\xa9"},
        {"\"\\ud83d\"", NULL}, {"\"\\ude00\"", NULL}, {"\"\\ud83d\\u0041\"", NULL},
        {"\"\\u0000\"", NULL}, {"\"\\u12g4\"", NULL}, {"\"\\x\"", NULL}, {"\"a\nb\"", NULL},
        {"\"\xff\"", NULL}, {"\"\xc3\"", NULL}, {"\"abc", NULL}, {"\"abc\\", NULL}, {"abc", NULL},
        {"", NULL},
    };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jsonscan s = scan_of(cases[i].json);
        bool good = jsonscan_string(&s, &b);
        ok(cases[i].text ? good && strcmp(b.data, cases[i].text) == 0 && s.at == s.len
                         : !good && s.why,
           "a string, case %zu: %s", i, good ? "read" : why(&s));
    }
    buf_fini(&b);
}

static void numbers(void)
{
    int64_t x = 0;
    struct jsonscan s = scan_of(" 9223372036854775807,");
    ok(jsonscan_whole(&s, &x) && x == INT64_MAX && jsonscan_take(&s, ','), "the largest number");
    s = scan_of("9223372036854775808");
    ok(!jsonscan_whole(&s, &x) && strstr(why(&s), "too large"), "one more: %s", why(&s));
    s = scan_of("1.5");
    ok(!jsonscan_whole(&s, &x) && strstr(why(&s), "whole"), "no whole one: %s", why(&s));
    s = scan_of("-1");
    ok(!jsonscan_whole(&s, &x) && strstr(why(&s), "whole"), "a negative one: %s", why(&s));
}

static void skipping(void)
{
    static const char *const good[] = {
        "1", "-1.5e+3", "true", "null", "\"a]\"", "[]", "{}", "[[],{}]",
        "[1, [2, {\"a\": [3]}], 4]",
        "{\"a\": {\"b\": \"}\"}, \"c\": []}", "{\"a\":[{},{}],\"b\":null}"};
    static const char *const bad[] = {"", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{1:2}",
                                      "[}", "{]", "]", "[1 2]", "{\"a\":1 \"b\":2}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct jsonscan s = scan_of(good[i]);
        ok(jsonscan_skip(&s) && jsonscan_end(&s), "passed over: %s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jsonscan s = scan_of(bad[i]);
        ok(!jsonscan_skip(&s) && s.why, "refused: %s (%s)", bad[i], why(&s));
    }
    char deep[201];
    memset(deep, '[', 200);
    deep[200] = '\0';
    struct jsonscan s = scan_of(deep);
    ok(!jsonscan_skip(&s) && strstr(why(&s), "deep"), "200 lists in each other: %s", why(&s));
}

/* ---- headers of safetensors */

static char *safetensors(const char *header, size_t data)
{
    struct buf b = {0};
    uint64_t n = strlen(header);
    for (int i = 0; i < 8; i++)
        buf_putc(&b, (char)(n >> 8 * i & 255));
    buf_puts(&b, header);
    for (size_t i = 0; i < data; i++)
        buf_putc(&b, (char)i);
    char *path = write_file("x.safetensors", b.data, b.len);
    buf_fini(&b);
    return path;
}

static void headers(void)
{
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    char *path = safetensors(" {\"__metadata__\": {\"format\": \"pt\", \"x\": \"}\"},\n"
                             " \"a\\u0062\" : {\"shape\": [2, 1], \"dtype\": \"F32\","
                             " \"more\": [{}], \"data_offsets\": [4, 12]},"
                             "\"s\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[0,1]}}  ", 12);
    bool good = tensorfile_open(path, &f, &err) == 0 && tensorfile_count(f) == 2;
    const struct tensor *a = good ? tensorfile_find(f, "ab") : NULL;
    ok(a && a->ndim == 2 && a->shape[0] == 2 && a->shape[1] == 1 && a->dtype == DTYPE_F32 &&
       *(const uint8_t *)a->data == 4 && tensorfile_find(f, "s")->ndim == 0,
       "a header in any order, with metadata and more %s", err.text);
    tensorfile_close(f);
    drop(path);
    static const struct {
        const char *header, *says;
    } bad[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", "needs 4 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "not inside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}", "not inside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "data_offsets are missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         "tensors 'b' and 'a' lie over each other"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "its shape is not one"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", "a dtype that"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", "a dtype that"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
         "up to 8 whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", "']' expected"},
        {"{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[1,2]}}", "there twice"},
        {"{} {}", "more than one value"}, {"{\"a\":1}", "'{' expected"}, {"{", "a string expected"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        f = NULL;
        path = safetensors(bad[i].header, 8);
        ok(tensorfile_open(path, &f, &err) != 0 && strstr(err.text, bad[i].says) &&
           strstr(err.text, path), "%s", err.text);
        drop(path);
    }
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* In a process of its own, whose peak is that of this file. */
static long cost_of(const char *path)
{
    int status = -1, pipe_of[2];
    long kb = -1;
    if (pipe(pipe_of) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        struct tensorfile *f = NULL;
        long before = peak_kb();
        bool good = tensorfile_open(path, &f, NULL) == 0;
        kb = peak_kb() - before;
        _exit(!good || write(pipe_of[1], &kb, sizeof kb) != sizeof kb);
    }
    bool there = child > 0 && waitpid(child, &status, 0) == child && status == 0 &&
                 read(pipe_of[0], &kb, sizeof kb) == sizeof kb;
    close(pipe_of[0]);
    close(pipe_of[1]);
    return there ? kb : -1;
}

static void cost(void)
{
    struct buf b = {0};
    buf_puts(&b, "{\"__metadata__\":{\"a\":\"b\"");
    while (b.len < (24 << 20))
        buf_puts(&b, ",\"a\":\"b\"");
    buf_puts(&b, "},\"x\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
    long size = (long)(b.len >> 10);
    char *path = safetensors(b.data, 1);
    buf_fini(&b);
    long kb = cost_of(path);
    ok(kb >= 0 && kb < 3 * size, "a header of %ld KB costs %ld KB", size, kb);
    drop(path);
    for (int i = 0; i <= 1 << 18; i++)
        buf_printf(&b, "%s\"%x\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                   i ? "," : "{", (unsigned)i);
    buf_puts(&b, "}");
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    path = safetensors(b.data, 0);
    ok(tensorfile_open(path, &f, &err) == VS_E_LIMIT && strstr(err.text, "262144 tensors"), "%s",
       err.text);
    drop(path);
    buf_fini(&b);
}

/* ---- names of wrapped models */

/* The tiny model's tensors under other names; caller frees the path. */
static char *renamed(const char *prefix, const char *odd)
{
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    if (tensorfile_open(source_path("tests/data/tiny/checkpoint.bin"), &f, &err) != 0) {
        ok(false, "%s", err.text);
        return NULL;
    }
    int n = tensorfile_count(f);
    struct tensor_out *t = xcalloc((size_t)n, sizeof *t);
    char *path = xasprintf("%s/renamed.safetensors", folder);
    for (int i = 0; i < n; i++) {
        const struct tensor *x = tensorfile_at(f, i);
        t[i] = (struct tensor_out){.name = xasprintf("%s%s", i == n - 1 && odd ? odd : prefix,
                                                     x->name),
                                   .dtype = x->dtype, .ndim = x->ndim, .data = x->data};
        memcpy(t[i].shape, x->shape, sizeof x->shape);
    }
    ok(safetensors_write(path, t, n, &err) == 0, "names begin with '%s' %s", prefix, err.text);
    for (int i = 0; i < n; i++)
        free((char *)(uintptr_t)t[i].name);
    free(t);
    tensorfile_close(f);
    return path;
}

static void wrapped(void)
{
    static const char *const prefixes[] = {"", "module.", "_orig_mod.", "model.", "module.model.",
                                           "module.module.module.", "net.student._orig_mod.",
                                           "a.bert.b."};
    static const char word[] = "bert.embeddings.word_embeddings.weight";
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct tensorfile *f = NULL;
        struct vs_err err = {0};
        char *path = renamed(prefixes[i], NULL);
        bool good = path && tensorfile_open(path, &f, &err) == 0 && tensorfile_find(f, word) &&
                    tensorfile_find(f, "vil_prediction_gqa.logit_fc.0.weight");
        ok(good && strncmp(tensorfile_at(f, 0)->raw_name, prefixes[i], strlen(prefixes[i])) == 0,
           "'%s' before all names is taken off %s", prefixes[i], err.text);
        tensorfile_close(f);
        drop(path);
    }
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    char *path = renamed("model.", "loss.");
    bool opened = path && tensorfile_open(path, &f, &err) == 0;
    int last = opened ? tensorfile_count(f) - 1 : 0;
    ok(opened && tensorfile_find(f, word) &&
       !tensorfile_find(f, "model.bert.embeddings.word_embeddings.weight"),
       "what a trainer keeps beside the model is no reason to leave its prefix %s", err.text);
    ok(opened && strncmp(tensorfile_at(f, last)->raw_name, "loss.", 5) == 0 &&
       strcmp(tensorfile_at(f, last)->raw_name, tensorfile_at(f, last)->name) == 0,
       "and that keeps the name that it has");
    tensorfile_close(f);
    drop(path);
}

int main(void)
{
    if (!folder_make("headers"))
        return 1;
    strings();
    numbers();
    skipping();
    headers();
    cost();
    wrapped();
    return folder_remove();
}
