/* SPDX-License-Identifier: MIT */
/* What stands before a model can be asked: headers, names, descriptions that cannot be, and files
 * that are none. Breaks when a header's values are read wrongly or cost a multiple of their size,
 * when names of a wrapped model are not found, and when a refusal has no reason. */
#include "src/base/cachedir.h"
#include "src/engine/digestcache.h"
#include "src/formats/boxcheck.h"
#include "src/formats/gunzip.h"
#include "src/formats/jsonscan.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "src/model/vilbert/config.h"
#include "src/engine/modeldir.h"
#include "src/text/tokenizer.h"
#include "src/vision/arch.h"
#include "tap.h"

#include <math.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *folder;

static char *write_file(const char *name, const void *data, size_t n)
{
    char *path = xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        ok(false, "%s cannot be written", path);
    return path;
}

static void drop(char *path)
{
    unlink(path);
    free(path);
}

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
    ok(path && tensorfile_open(path, &f, &err) == 0 && !tensorfile_find(f, word) &&
       tensorfile_find(f, "model.bert.embeddings.word_embeddings.weight"),
       "what not all names begin with stays");
    tensorfile_close(f);
    drop(path);
}

/* ---- descriptions that cannot be */

static void configurations(void)
{
    static const struct {
        const char *json, *says; /* NULL: good */
    } cases[] = {
        {"{\"vocab_size\": 9}", NULL},
        {"{\"vocab_size\": 9, \"hidden_size\": 770}", "hidden_size 770 is not a multiple of its"},
        {"{\"vocab_size\": 9, \"v_hidden_size\": 770}", "v_hidden_size 770 is not a multiple"},
        {"{\"vocab_size\": 9, \"bi_hidden_size\": 1000}", "bi_hidden_size 1000 is not a"},
        {"{\"vocab_size\": 9, \"num_attention_heads\": 0}", "\"num_attention_heads\" is not"},
        {"{\"vocab_size\": 0}", "\"vocab_size\" is not a whole number from 1"},
        {"{\"vocab_size\": 1000001}", "\"vocab_size\" is not a whole number from 1"},
        {"{\"vocab_size\": 2.5}", "\"vocab_size\" is not a whole"},
        {"{}", "no \"vocab_size\""},
        {"[]", "not an object"},
        {"{\"vocab_size\": 9, \"hidden_act\": \"tanh\"}", "\"hidden_act\" is not"},
        {"{\"vocab_size\": 9, \"fusion_method\": \"mean\"}", "\"fusion_method\" is not"},
        {"{\"vocab_size\": 9, \"with_coattention\": 1}", "not true or false"},
        {"{\"vocab_size\": 9, \"with_coattention\": false}", "not supported"},
        {"{\"vocab_size\": 9, \"v_biattention_id\": [3]}", "entry 0 is not a layer from 0 to 2"},
        {"{\"vocab_size\": 9, \"v_biattention_id\": [0]}", "has 1 entries, \"t_biattention_id\" 2"},
        {"{\"vocab_size\": 9, \"v_biattention_id\": []}", "is not a list of 1 to"},
        {"{\"vocab_size\": 9, \"num_hidden_layers\": 6}", "does not exist"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config c;
        struct vs_err err = {0};
        char *path = write_file("config.json", cases[i].json, strlen(cases[i].json));
        int rc = config_read(path, &c, &err);
        ok(cases[i].says ? rc == VS_E_FORMAT && strstr(err.text, cases[i].says) &&
                               strstr(err.text, path)
                         : rc == 0, "%s: %s", cases[i].json, rc ? err.text : "read");
        drop(path);
    }
}

static void detectors(void)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{}", NULL},
        {"{\"anchor_sizes\": [32, 64, 128, 256, 512], \"aspect_ratios\": [0.5, 1, 2]}", NULL},
        {"{\"anchor_sizes\": [32, -64]}", "anchor_sizes"},
        {"{\"anchor_sizes\": [0]}", "anchor_sizes"},
        {"{\"anchor_sizes\": []}", "anchor_sizes"},
        {"{\"anchor_sizes\": 32}", "anchor_sizes"},
        {"{\"anchor_sizes\": [\"32\"]}", "anchor_sizes"},
        {"{\"aspect_ratios\": [0.5, 0]}", "aspect_ratios"},
        {"{\"anchor_strides\": [4, 8, 16, 32]}", "anchor_strides"},
        {"{\"anchor_strides\": [4, 8, 16, 32, 0]}", "anchor_strides"},
        {"{\"anchor_strides\": [4, 8, 16, 32, 5000]}", "anchor_strides"},
        {"{\"anchor_strides\": [4, 8, 16, 32, 6.5]}", "anchor_strides"},
        {"{\"rpn_nms_thresh\": 1.5}", "rpn_nms_thresh"},
        {"{\"rpn_nms_thresh\": -0.5}", "rpn_nms_thresh"},
        {"{\"min_side\": 0}", "min_side"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arch a;
        struct vs_err err = {0};
        char *path = write_file("detector.json", cases[i].json, strlen(cases[i].json));
        int rc = arch_read(path, &a, &err);
        ok(cases[i].says ? rc == VS_E_FORMAT && strstr(err.text, cases[i].says) : rc == 0,
           "%s: %s", cases[i].json, rc ? err.text : "read");
        drop(path);
    }
}

static void vocabularies(void)
{
    static const char *const needed[] = {"[UNK]", "[CLS]", "[SEP]"};
    for (int without = 0; without < 4; without++) {
        struct buf b = {0};
        struct tokenizer *t = NULL;
        struct vs_err err = {0};
        for (int i = 0; i < 3; i++)
            if (i != without)
                buf_printf(&b, "%s\n", needed[i]);
        buf_puts(&b, "dog\n");
        char *path = write_file("vocab.txt", b.data, b.len);
        int rc = tokenizer_open(path, &t, &err);
        ok(without == 3 ? rc == 0 && tokenizer_id(t, "dog") == 3
                        : rc == VS_E_FORMAT && strstr(err.text, needed[without]) &&
                              strstr(err.text, path), "a vocabulary: %s", rc ? err.text : "read");
        tokenizer_free(t);
        drop(path);
        buf_fini(&b);
    }
}

/* ---- boxes */

static void boxes(void)
{
    static const struct {
        float box[4];
        const char *says; /* of the failure, or of the note */
        bool good;
    } cases[] = {
        {{0, 0, 95, 63}, NULL, true},
        {{0, 0, 96, 64}, NULL, true},
        {{-1.5f, -1.5f, 97.5f, 65.5f}, NULL, true}, /* rounded sizes */
        {{-2.5f, 0, 20, 20}, "box 1, -2.5 0 20 20, is not inside", false},
        {{0, -2, 20, 20}, "is not inside", false},
        {{0, 0, 98.5f, 20}, "is not inside the image of 96x64", false},
        {{0, 0, 20, 66}, "is not inside", false},
        {{0, 0, 60, 90}, "interchanged", false},
        {{30, 30, 10, 40}, "x1 <= x2", false},
        {{30, 30, 40, 10}, "x1 <= x2", false},
        {{NAN, 0, 1, 1}, "box 1 is not finite", false},
        {{0, 0, INFINITY, 1}, "not finite", false},
        {{20, 20, 20, 30}, "1 of 2 boxes have no area (box 1)", true},
        {{20, 20, 30, 20}, "no area", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float list[8] = {2, 2, 50, 60};
        struct vs_err err = {0};
        char *note = NULL;
        memcpy(list + 4, cases[i].box, sizeof cases[i].box);
        int rc = boxes_check(list, 2, 96, 64, "x.npy", &note, &err);
        const char *text = rc ? err.text : note;
        bool same = memcmp(list + 4, cases[i].box, sizeof cases[i].box) == 0;
        ok((rc == 0) == cases[i].good && same &&
           (cases[i].says ? text && strstr(text, cases[i].says) && strstr(text, "x.npy") : !text),
           "%g %g %g %g: %s", (double)cases[i].box[0], (double)cases[i].box[1],
           (double)cases[i].box[2], (double)cases[i].box[3], text ? text : "a box");
        free(note);
    }
    float shares[8] = {0.25f, 0.5f, 0.75f, 1, 0, 0, 1, 0.5f};
    static const float want[8] = {24, 32, 72, 64, 0, 0, 96, 32};
    char *note = NULL;
    ok(boxes_check(shares, 2, 96, 64, "x.npy", &note, NULL) == 0 && note &&
       strstr(note, "shares of the image") && memcmp(shares, want, sizeof want) == 0,
       "shares become pixels: %s", note ? note : "no note");
    free(note);
}

/* ---- model.json */

static void many_checkpoints(void)
{
    struct buf b = {0};
    struct parts p = {0};
    struct vs_err err = {0};
    for (int i = 0; i < 1024; i++)
        buf_printf(&b, "%s\"%s.bin\"", i ? "," : "{\"checkpoints\":[",
                   i == 700 ? "x.bin (5)" : "x");
    buf_puts(&b, "]}");
    char *path = write_file("model.json", b.data, b.len);
    ok(parts_read(folder, &p, &err) == 0 && p.checkpoint_count == 1024 &&
       strcmp(p.checkpoints[0].name, "x.bin") == 0 &&
       strcmp(p.checkpoints[2].name, "x.bin (2)") != 0 &&
       strcmp(p.checkpoints[700].name, "x.bin (5).bin") == 0, "1024 of one name %s", err.text);
    bool apart = true;
    for (int i = 0; i < p.checkpoint_count; i++)
        for (int j = 0; j < i; j++)
            apart &= strcmp(p.checkpoints[i].name, p.checkpoints[j].name) != 0;
    ok(apart, "are told apart");
    parts_fini(&p);
    drop(path);
    b.len = 0;
    for (int i = 0; i < 20000; i++)
        buf_printf(&b, "%s\"x.bin\"", i ? "," : "{\"checkpoints\":[");
    buf_puts(&b, "]}");
    path = write_file("model.json", b.data, b.len);
    ok(parts_read(folder, &p, &err) == VS_E_LIMIT && strstr(err.text, "20000 checkpoints"), "%s",
       err.text);
    drop(path);
    b.len = 0;
    buf_puts(&b, "{}");
    while (b.len <= 16 << 20)
        buf_puts(&b, "                                                                ");
    path = write_file("model.json", b.data, b.len);
    ok(parts_read(folder, &p, &err) == VS_E_LIMIT, "%s", err.text);
    drop(path);
    buf_fini(&b);
}

static void no_files(void)
{
    char *path = xasprintf("%s/model.json", folder);
    struct parts p;
    struct vs_err err = {0};
    ok(mkfifo(path, 0600) == 0 && parts_read(folder, &p, &err) == VS_E_FORMAT &&
       strstr(err.text, "not a regular file"), "a FIFO: %s", err.text);
    unlink(path);
    ok(symlink("/dev/zero", path) == 0 && parts_read(folder, &p, &err) == VS_E_FORMAT &&
       strstr(err.text, "not a regular file"), "a device: %s", err.text);
    unlink(path);
    ok(mkdir(path, 0700) == 0 && parts_read(folder, &p, &err) == VS_E_FORMAT, "a folder: %s",
       err.text);
    rmdir(path);
    ok(parts_read(folder, &p, &err) == VS_E_MISSING, "nothing: %s", err.text);
    free(path);
}

/* ---- the cache of digests */

static bool text_is(const char *path, const char *text)
{
    char have[200] = "";
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(have, 1, sizeof have - 1, f) : 0;
    have[n] = '\0';
    if (f)
        fclose(f);
    return strcmp(have, text) == 0;
}

static void links(void)
{
    static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    char have[DIGEST_HEX], *cache = xasprintf("%s/vilscope", folder);
    char *digests = xasprintf("%s/digests", cache), *other = write_file("other", "mine\n", 5);
    struct stat st;
    setenv("XDG_CACHE_HOME", folder, 1);
    digestcache_put(other, hex);
    ok(digestcache_get(other, have) && strcmp(have, hex) == 0, "a digest is remembered");
    ok(lstat(digests, &st) == 0 && (st.st_mode & 07777) == 0600 && lstat(cache, &st) == 0 &&
       (st.st_mode & 07777) == 0700, "for nobody else");
    char *moved = xasprintf("%s/moved", folder);
    rename(digests, moved);
    ok(symlink(moved, digests) == 0 && !digestcache_get(other, have), "a link is not read");
    unlink(digests);
    ok(mkfifo(digests, 0600) == 0 && !digestcache_get(other, have), "nor is a FIFO");
    unlink(digests);
    ok(symlink(other, digests) == 0 && (digestcache_put(other, hex), text_is(other, "mine\n")) &&
       lstat(digests, &st) == 0 && S_ISREG(st.st_mode), "nor written through: it is replaced");
    unlink(digests);
    unlink(moved);
    rmdir(cache);
    ok(mkdir(moved, 0700) == 0 && symlink(moved, cache) == 0 && !cachedir_path("digests", true) &&
       (digestcache_put(other, hex), rmdir(moved) == 0), "a folder that is a link is not used");
    unlink(cache);
    free(cache);
    free(digests);
    free(moved);
    drop(other);
}

/* ---- gzip */

struct unpacked {
    size_t size;
    char digest[DIGEST_HEX];
    bool silent; /* refused without a reason, once */
};

static int opens(const void *data, size_t n, struct unpacked *u)
{
    struct bytes b = {0};
    struct vs_err err = {0};
    char *path = write_file("a.gz", data, n);
    int rc = gunzip_open(path, &b, &err);
    u->size = b.size;
    digest_bytes(b.data, b.size, u->digest);
    u->silent |= rc != 0 && !err.text[0];
    if (rc == 0)
        bytes_close(&b);
    drop(path);
    return rc;
}

/* All of it or nothing, whatever is cut off or changed behind the header. */
static void compressed(void)
{
    struct bytes whole;
    struct vs_err err = {0};
    struct unpacked u = {0}, whole_u = {0};
    size_t read = 0;
    if (!ok(bytes_open(source_path("tests/data/sets/guesswhat.valid.jsonl.gz"), &whole, &err) == 0,
            "a file compressed by gzip %s", err.text))
        return;
    size_t n = whole.size, head = 10;
    uint8_t *copy = xmalloc(2 * n);
    memcpy(copy, whole.data, n);
    memcpy(copy + n, whole.data, n);
    if (copy[3] & 8) /* its name stands in the header */
        head += strnlen((const char *)copy + 10, n - 10) + 1;
    int rc = opens(copy, n, &whole_u);
    ok(rc == 0 && whole_u.size > n, "has %zu bytes", whole_u.size);
    ok(opens(copy, 2 * n, &u) == 0 && u.size == 2 * whole_u.size, "put together, twice");
    for (size_t i = 2; i < n; i++)
        read += opens(copy, i, &u) == 0;
    ok(read == 0 && !u.silent, "cut off: %zu were read", read);
    for (size_t i = head; i < n; i++) { /* some bits make no difference */
        copy[i] ^= (uint8_t)(1 << i % 8);
        read += opens(copy, n, &u) == 0 && strcmp(u.digest, whole_u.digest) != 0;
        copy[i] ^= (uint8_t)(1 << i % 8);
    }
    ok(read == 0 && !u.silent, "a bit changed: %zu were read as something else", read);
    ok(opens(copy + 1, n - 1, &u) == 0 && u.size == n - 1, "others are as they are");
    free(copy);
    bytes_close(&whole);
}

int main(void)
{
    const char *dir = getenv("TMPDIR");
    folder = xasprintf("%s/inputs-XXXXXX", dir ? dir : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    strings();
    compressed();
    numbers();
    skipping();
    headers();
    cost();
    wrapped();
    configurations();
    detectors();
    vocabularies();
    boxes();
    many_checkpoints();
    no_files();
    links();
    ok(rmdir(folder) == 0, "nothing is left");
    free(folder);
    return tap_done();
}
