/* SPDX-License-Identifier: MIT */
/* Regions as other programs write them: all of these files are of one picture. Breaks when one is
 * read otherwise than the others, when rows beyond num_boxes are taken, when half of a pair is
 * taken for the whole, and when a damaged file ends the program or is refused without a reason. */
#include "folder.h"
#include "src/formats/base64.h"
#include "src/formats/regionparts.h"
#include "src/formats/regions.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static struct regions *wanted; /* of regions/mmf.npy */

static char *data_path(const char *name)
{
    return xasprintf("%s/%s", source_path("tests/data"), name);
}

static char *find_bytes(char *data, size_t n, const char *what, size_t len)
{
    for (size_t i = 0; i + len <= n; i++)
        if (memcmp(data + i, what, len) == 0)
            return data + i;
    return NULL;
}

static char *load(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    struct buf b = {0};
    char block[4096];
    size_t got = 0;
    while (f && (got = fread(block, 1, sizeof block, f)) > 0)
        buf_add(&b, block, got);
    if (!f)
        ok(false, "%s cannot be read", path);
    else
        fclose(f);
    *n = b.len;
    return buf_steal(&b);
}

static void save(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        ok(false, "%s cannot be written", path);
}

static void copy(const char *from, const char *name)
{
    size_t n = 0;
    char *path = data_path(from), *data = load(path, &n), *to = temp_path(name);
    save(to, data, n);
    free(path);
    free(data);
    free(to);
}

/* ---- the same regions from all of them */

static bool same(const struct regions *a, const struct regions *b)
{
    size_t n = (size_t)b->count;
    return a->count == b->count && a->dim == b->dim && a->width == b->width &&
           a->height == b->height &&
           memcmp(a->boxes, b->boxes, n * 4 * sizeof *a->boxes) == 0 &&
           memcmp(a->features, b->features, n * (size_t)b->dim * sizeof *a->features) == 0;
}

/* What numpy reads of mmf.npy and mmf_info.npy. */
static void numbers(void)
{
    const struct regions *r = wanted;
    static const float box[4] = {12.9666815f, 38.392437f, 42.8750954f, 48.1183052f};
    double sum = 0;
    for (int i = 0; i < r->count * r->dim; i++)
        sum += (double)r->features[i];
    ok(r->count == 7 && r->dim == 20 && r->width == 96 && r->height == 64,
       "7 regions of 20 numbers");
    ok(memcmp(r->boxes + 24, box, sizeof box) == 0, "the last box");
    ok(fabs(sum - 117.67864852026105) < 1e-6, "the sum of the features, %.9g", sum);
}

static void reads(const char *name, const char *id, int first_class)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    char *path = data_path(name);
    int rc = regions_open(path, NULL, &r, &err);
    ok(rc == 0 && same(r, wanted), "%s has the same regions as mmf.npy %s", name, err.text);
    ok(r && (id ? r->image_id && strcmp(r->image_id, id) == 0 : !r->image_id),
       "%s: its image is %s", name, r && r->image_id ? r->image_id : "not named");
    ok(r && (first_class < 0 ? !r->classes : r->classes && r->classes[0] == first_class),
       "%s: the class of its first region is %d", name, r && r->classes ? r->classes[0] : -1);
    regions_free(r);
    free(path);
}

/* ---- pairs */

static void refuses(const char *name, int code, const char *why, const char *what)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    char *path = temp_path(name);
    int rc = regions_open(path, NULL, &r, &err);
    ok(rc == code && strstr(err.text, why), "%s: %s", what, rc ? err.text : "it was read");
    regions_free(r);
    free(path);
}

/* num_boxes of mmf_info.npy becomes n: pickle writes BININT1. */
static void claim(int n)
{
    static const char key[] = "num_boxes\x94K";
    size_t size = 0;
    char *path = temp_path("a_info.npy"), *data = load(path, &size);
    char *at = find_bytes(data, size, key, sizeof key - 1);
    if (!at)
        ok(false, "mmf_info.npy has no num_boxes");
    else
        at[sizeof key - 1] = (char)n;
    save(path, data, size);
    free(path);
    free(data);
}

static void pairs(void)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    copy("regions/mmf.npy", "a.npy");
    refuses("a.npy", VS_E_MISSING, "a_info.npy, which is not there", "features alone");
    copy("regions/mmf.npy", "a_info.npy");
    refuses("a.npy", VS_E_FORMAT, "features without boxes, and so has", "two files of features");
    copy("regions/mmf_info.npy", "a_info.npy");
    claim(3);
    char *path = temp_path("a.npy");
    int rc = regions_open(path, NULL, &r, &err);
    ok(rc == 0 && r->count == 3 && r->classes && r->classes[2] == 5 &&
           memcmp(r->features, wanted->features,
                  3 * (size_t)wanted->dim * sizeof *r->features) == 0,
       "rows beyond num_boxes are no regions: %d %s", r ? r->count : -1, err.text);
    regions_free(r);
    free(path);
    claim(8);
    refuses("a.npy", VS_E_FORMAT, "num_boxes is 8, but there are 7 boxes", "more than there are");
    claim(0);
    refuses("a.npy", VS_E_FORMAT, "there is no region in it", "none");
    drop(temp_path("a.npy"));
    refuses("a_info.npy", VS_E_MISSING, "a.npy, which is not there", "boxes alone");
    copy("regions/mmf_info.npy", "b.npy");
    refuses("b.npy", VS_E_FORMAT, "NAME_info.npy", "boxes under another name");
    drop(temp_path("a_info.npy"));
    drop(temp_path("b.npy"));
}

/* ---- text that is no base64 of what is claimed */

/* The file with `from` replaced by `to`, which is as long. */
static void edited(const char *name, const char *to_name, const char *from, const char *to)
{
    size_t n = 0;
    char *path = data_path(name), *data = load(path, &n), *out = temp_path(to_name);
    char *at = find_bytes(data, n, from, strlen(from));
    if (!at || strlen(from) != strlen(to))
        ok(false, "%s has no %s", name, from);
    else
        memcpy(at, to, strlen(to));
    save(out, data, n);
    free(path);
    free(data);
    free(out);
}

/* Classes of 8 bytes and of 4, also of one region alone: what we write is read again. */
static void one_region(void)
{
    static const char *const ids[] = {"BQAAAAAAAAA=", "BQAAAA=="};
    for (int i = 0; i < 2; i++) {
        char *path = temp_path("c.tsv"), line[400];
        struct vs_err err = {0};
        struct regions *r = NULL;
        int n = snprintf(line, sizeof line, "a\t64\t96\t%s\tAAAAPw==\t%s\tAAAAAA==\t1\t"
                         "AACAPwAAgD8AAEBAAABAQA==\tAACAPw==\n", ids[i], ids[i]);
        save(path, line, (size_t)n);
        ok(regions_open(path, NULL, &r, &err) == 0 && r->count == 1 && r->classes[0] == 5,
           "one region, its class in %d bytes: %s", i ? 4 : 8, err.text);
        regions_free(r);
        free(path);
    }
    drop(temp_path("c.tsv"));
}

static void contradictions(void)
{
    static const char tsv[] = "regions/lxmert_obj36.tsv";
    edited(tsv, "c.tsv", "=\t7\t", "=\t6\t");
    refuses("c.tsv", VS_E_FORMAT, "num_boxes is 6, but the boxes have 112 bytes", "another number");
    edited(tsv, "c.tsv", "=\t7\t", "=\t0\t");
    refuses("c.tsv", VS_E_FORMAT, "num_boxes is 0: there is no region", "no region");
    edited(tsv, "c.tsv", "\t64\t96\t", "\t96\t64\t");
    refuses("c.tsv", VS_E_FORMAT, "width and height are interchanged?", "height before width");
    edited(tsv, "c.tsv", "AAAAAAAAAAAB", "AAAA.AAAAAAB");
    refuses("c.tsv", VS_E_FORMAT, "the object classes are not base64", "classes of other letters");
    drop(temp_path("c.tsv"));
    one_region();
    static const char mdb[] = "regions/vilbert_beta.lmdb/data.mdb";
    edited(mdb, "c.mdb", "num_boxes\x94K\7", "num_boxes\x94K\6");
    refuses("c.mdb", VS_E_FORMAT, "num_boxes is 6, but 'features' has 560 bytes", "LMDB: another");
    edited(mdb, "c.mdb", "num_boxes\x94K\7", "Num_boxes\x94K\7");
    refuses("c.mdb", VS_E_FORMAT, "does not say of how many regions", "LMDB: no number");
    edited("regions/one.pkl", "c.pkl", "f4", "g4");
    refuses("c.pkl", VS_E_FORMAT, "is an array of 'g4', which is not read", "another type");
    drop(temp_path("c.pkl"));
    edited(mdb, "c.mdb", "v8E1QaTB", "v8E1*aTB");
    refuses("c.mdb", VS_E_FORMAT, "'bbox' is neither an array nor base64", "LMDB: no base64");
    drop(temp_path("c.mdb"));
}

/* ---- a pickle of several images */

static void collection(void)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    char *path = data_path("regions/two.pkl");
    ok(regions_open(path, NULL, &r, &err) == VS_E_MISSING && strstr(err.text, "several") &&
           strstr(err.text, "42, 7") && strstr(err.text, "--key"), "which image: %s", err.text);
    ok(regions_open(path, "8", &r, &err) == VS_E_MISSING && strstr(err.text, "no image '8'"),
       "none of that name: %s", err.text);
    ok(regions_open(path, "42", &r, &err) == 0 && same(r, wanted), "the key is a number");
    regions_free(r);
    r = NULL;
    ok(regions_open(path, "7", &r, &err) == 0 && r->count == 1, "the key is a string");
    regions_free(r);
    free(path);
}

/* ---- JSON, which tests/peers/region_files.py wrote: image 42 is the picture's */

static void json_files(void)
{
    static const char *const files[] = {"regions/keyed.json", "regions/lines.jsonl.gz"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct vs_err err = {0};
        struct regions *r = NULL;
        char *path = data_path(files[i]);
        ok(regions_open(path, "42", &r, &err) == 0 && same(r, wanted), "%s %s", files[i],
           err.text);
        ok(r && (i > 0 || (r->classes && r->classes[3] == wanted->classes[3] &&
                           r->conf[3] == 0.5f)), "classes and what the detector thought of them");
        regions_free(r);
        r = NULL;
        ok(regions_open(path, "9", &r, &err) == 0 && r->width == 50 &&
               r->boxes[2] == 0.5f * wanted->boxes[2], "%s: image 9 is another", files[i]);
        regions_free(r);
        ok(regions_open(path, NULL, &r, &err) == VS_E_MISSING && strstr(err.text, "9, 42"),
           "%s has two: %s", files[i], err.text);
        free(path);
    }
}

#define JSON_SIZE "\"image_w\": 9, \"image_h\": 9, "

static void bad_json(void)
{
    static const struct {
        const char *text, *what;
    } cases[] = {
        {"{" JSON_SIZE "\"boxes\": [[0, 0, 5, 5], [0, 0, 5]], \"features\": [[1], [2]]}",
         "row 2 of 'boxes' does not have as many numbers as the first"},
        {"{" JSON_SIZE "\"boxes\": [[0, 0, 5, null]], \"features\": [[1]]}",
         "row 1 of 'boxes' has something other than numbers"},
        {"{" JSON_SIZE "\"boxes\": [], \"features\": [[1]]}", "'boxes' is not a list of rows"},
        {"{" JSON_SIZE "\"boxes\": [[0, 0, 5, 5]], \"features\": [[1], [2]]}", "1 boxes, but 2"},
        {"{" JSON_SIZE "\"boxes\": [[0, 0, 5, 5]], \"features\": \"AAAA\"}", "num_boxes"},
        {"{" JSON_SIZE "\"num_boxes\": 3, \"boxes\": [[0, 0, 5, 5]], \"features\": [[1]]}",
         "num_boxes is 3"},
        {"{\"boxes\": [[0, 0, 5, 5]], \"features\": [[1]]}", "no 'image_width'"},
        {"{" JSON_SIZE "\n\"boxes\": [[0, 0, 5, 5]],\n\"features\": [[1]}", "line 3: "},
        {"[{\"x\": {\"boxes\": 1, \"features\": 1}}]", "neither an image's features"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = temp_path("k.json");
        save(path, cases[i].text, strlen(cases[i].text));
        refuses("k.json", VS_E_FORMAT, cases[i].what, cases[i].text);
        drop(path);
    }
}

/* Doubles in base64 have twice as many columns of floats, which nobody counts before a model. */
static void doubles(void)
{
    static const float boxes[12] = {0, 0, 5, 5, 1, 1, 6, 6, 2, 2, 8, 8};
    double features[12];
    struct buf text = {0};
    char *path = temp_path("k.tsv");
    for (int i = 0; i < 12; i++)
        features[i] = (double)(0.1f * (float)(i + 1));
    buf_puts(&text, "42\t9\t9\t3\t");
    base64_encode(boxes, sizeof boxes, &text);
    buf_puts(&text, "\t");
    base64_encode(features, sizeof features, &text);
    save(path, text.data, text.len);
    refuses("k.tsv", VS_E_FORMAT, "doubles where floats are expected", "doubles in base64");
    buf_fini(&text);
    drop(path);
}

/* ---- what editors and tables put before and behind it */

static void opens(const char *text, const char *name, const char *key, int count, const char *what)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    char *path = temp_path(name);
    save(path, text, strlen(text));
    ok(regions_open(path, key, &r, &err) == 0 && r->count == count, "%s %s", what, err.text);
    regions_free(r);
    drop(path);
}

static void margins(void)
{
#define JSON_IMAGE(id) "{" id JSON_SIZE "\"boxes\": [[0, 0, 5, 5]], \"features\": [[1]]}"
    opens(JSON_IMAGE("\"image_id\": 3, ") "\n" JSON_IMAGE("\"image_id\": 4, ") "\n    ",
          "k.jsonl", "4", 1, "the last line is blank, and ends with the file");
    opens("\xef\xbb\xbf" JSON_IMAGE(""), "k.json", NULL, 1, "a byte order mark");
    opens(JSON_IMAGE(""), "k.json", "scene", 1, "one without a name is any image's");
    opens("[" JSON_IMAGE("") ", " JSON_IMAGE("\"image_id\": \"4\", ") "]", "k.json", "4", 1,
          "but where another one has that name");
    char *path = temp_path("k.json");
    save(path, "[" JSON_IMAGE("") ", " JSON_IMAGE("") "]",
         2 * strlen(JSON_IMAGE("")) + 4);
    refuses("k.json", VS_E_MISSING, "several images ((no name), (no name))", "two without names");
    drop(path);
    size_t n = 0;
    path = data_path("regions/lxmert_obj36.tsv");
    char *table = load(path, &n), *text = xasprintf(
        "\xef\xbb\xbfimg_id\timg_h\timg_w\tobjects_id\tobjects_conf\tattrs_id\tattrs_conf\t"
        "num_boxes\tboxes\tfeatures\r\n%.*s", (int)n, table);
    opens(text, "k.tsv", NULL, wanted->count, "names of columns, behind a byte order mark");
    opens(text + 3 + strcspn(text + 3, "\n") + 1, "k.tsv", "COCO_val2014_000000000042",
          wanted->count, "and without them");
    free(text);
    free(table);
    free(path);
}

/* ---- files that are something else */

static void kinds(void)
{
    static const struct {
        const char *data;
        size_t n;
        const char *what;
    } cases[] = {
        {"\x1f\x8b\x08\t\0\0\0\0", 8, "compressed by gzip, and damaged or cut off"},
        {"version https://git-lfs.github.com/spec/v1\noid", 46, "is a Git LFS pointer"},
        {"<!DOCTYPE html><html>\t\t\t\t\t\t", 27, "is a web page, in place of a download"},
        {"[1, 2]", 6, "is JSON"}, {"a\tb\n", 4, "is text"}, {"\1\2\3", 3, "of an unknown kind"},
        {"a\0b\n", 4, "of an unknown kind"}, {"II*\0", 4, "is a TIFF image"},
        {"\xff\xfe" "4\0002\0\t", 7, "is text in UTF-16"},
        {"\x80\2]q\1.", 6, "is a pickle"}, {"", 0, "the file is empty"},
        {"PK\3\4xxxx", 8, "the zip archive is damaged or not completely copied"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = temp_path("k.tsv.part");
        save(path, cases[i].data, cases[i].n);
        refuses("k.tsv.part", VS_E_FORMAT, cases[i].what, "something else");
        free(path);
    }
    drop(temp_path("k.tsv.part"));
    static const struct {
        const char *name, *what;
    } files[] = {{"tiny/scene.png", "is an image"},
                 {"checkpoints/training.pt", "is a checkpoint of PyTorch"},
                 {"checkpoints/training_old.bin", "is a checkpoint of PyTorch"},
                 {"tiny/vocab.txt", "is text"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        copy(files[i].name, "k");
        refuses("k", VS_E_FORMAT, files[i].what, files[i].name);
        drop(temp_path("k"));
    }
}

/* ---- damage */

static uint32_t state = 1;

static size_t below(size_t n)
{
    state = state * 1664525u + 1013904223u;
    return n ? (state >> 8) % n : 0;
}

/* Damaged features may still be numbers; boxes must be boxes then. */
static bool sound(const struct regions *r)
{
    for (int i = 0; i < r->count; i++)
        for (int j = 0; j < r->dim; j++)
            if (!isfinite(r->features[(size_t)i * (size_t)r->dim + (size_t)j]))
                return false;
    for (int i = 0; i < 4 * r->count; i++)
        if (!isfinite(r->boxes[i]))
            return false;
    return r->count > 0 && r->dim > 0 && r->width > 0 && r->height > 0;
}

/* Whether it was read; *bad: without a reason, or what cannot be. */
static bool try_one(const char *path, bool *bad)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    int rc = regions_open(path, NULL, &r, &err);
    if (rc == 0 ? !sound(r) : !err.text[0] || strchr(err.text, '\n'))
        *bad = true;
    regions_free(r);
    return rc == 0;
}

/* Cuts and flipped bits of the file that is there as name; opened as `open`. all: none may be
 * read. */
static void damage(const char *from, const char *name, const char *open, bool all)
{
    size_t n = 0, read = 0;
    bool bad = false;
    char *path = data_path(from), *data = load(path, &n), *to = temp_path(name);
    char *opened = temp_path(open);
    for (int i = 0; i < 300; i++) {
        save(to, data, below(n - 1)); /* the end of a last line is not missed */
        read += try_one(opened, &bad);
    }
    ok(!bad && (!all || read == 0), "%s: 300 cuts, %zu of them were read", from, read);
    read = 0;
    for (int i = 0; i < 300; i++) {
        size_t at = below(n);
        char bit = (char)(1 << below(8));
        data[at] ^= bit;
        save(to, data, n);
        read += try_one(opened, &bad);
        data[at] ^= bit;
    }
    ok(!bad, "%s: 300 bits, %zu of them were read", from, read);
    save(to, data, n);
    free(path);
    free(data);
    free(to);
    free(opened);
}

/* A zip archive has checksums: no bit of an array may change unnoticed. */
static void checksums(void)
{
    size_t n = 0, read = 0;
    bool bad = false;
    char *path = data_path("regions/padded.npz"), *data = load(path, &n);
    char *to = temp_path("d.npz"), *x = find_bytes(data, n, "NUMPY", 5);
    for (int i = 0; x && i < 200; i++) {
        size_t at = below(800); /* header, features */
        x[at] ^= 1;
        save(to, data, n);
        read += try_one(to, &bad);
        x[at] ^= 1;
    }
    ok(x && !bad && read == 0, "no changed array is read");
    free(path);
    free(data);
    free(to);
}

/* What is written is read again, down to the smallest: one region of one number. */
static void written(int count, int dim)
{
    struct regions *r = regions_new(count, dim, "made", NULL), *back = NULL;
    char *path = temp_path("made.safetensors");
    struct vs_err err = {0};
    r->width = 30, r->height = 20;
    for (int i = 0; i < count * dim; i++)
        r->features[i] = 0.5f + (float)i;
    for (int i = 0; i < count; i++)
        r->boxes[4 * i + 2] = 10, r->boxes[4 * i + 3] = 5 + (float)i;
    int rc = regions_write_safetensors(path, r, &err);
    rc = rc ? rc : regions_open(path, NULL, &back, &err);
    ok(rc == 0 && back->count == count && back->dim == dim && back->width == 30 &&
       memcmp(back->boxes, r->boxes, 16 * (size_t)count) == 0 &&
       memcmp(back->features, r->features, 4 * (size_t)(count * dim)) == 0,
       "%d region(s) of %d number(s), written and read %s", count, dim, err.text);
    regions_free(r);
    regions_free(back);
    unlink(path);
    free(path);
}

static struct tensor tensor_of(const float *data, int ndim, int64_t a, int64_t b, int64_t c)
{
    struct tensor t = {.name = "", .raw_name = "", .dtype = DTYPE_F32, .ndim = ndim,
                       .shape = {a, b, c}, .data = (const uint8_t *)data};
    shape_strides(ndim, t.shape, t.stride);
    return t;
}

/* As the reference takes them out of its LMDB: features of any shape are rows of 2048, and of more
 * boxes than rows the first ones count. */
static void test_as_is(void)
{
    enum { DIM = 2048, ROWS = 2, BOXES = 3 };
    float *features = xcalloc(ROWS * DIM, sizeof *features);
    float boxes[BOXES * 4] = {0, 0, 4, 4, 1, 1, 5, 5, 2, 2, 6, 6};
    for (int as_is = 0; as_is < 2; as_is++) {
        struct region_parts p = {.path = "a dictionary", .rows = -1, .width = 9, .height = 9,
                                 .as_is = as_is};
        struct regions *r = NULL;
        struct vs_err err = {0};
        features[DIM] = 7;
        p.features = tensor_of(features, 1, ROWS * DIM, 0, 0);
        p.boxes = tensor_of(boxes, 2, BOXES, 4, 0);
        int rc = parts_make(&p, &r, &err);
        if (as_is)
            ok(rc == 0 && r->count == ROWS && r->dim == DIM && r->features[DIM] != 0,
               "rows of 2048, and as many boxes %s", err.text);
        else
            ok(rc != 0, "elsewhere they are refused: %s", err.text);
        regions_free(r);
        parts_end(&p);
    }
    free(features);
}

/* A batch of one has its classes in the same batch. */
static void batch_classes(void)
{
    enum { ROWS = 2, CLASSES = 101 };
    static const float boxes[ROWS * 4] = {0, 0, 4, 4, 1, 1, 5, 5}, numbers[ROWS] = {0, 1};
    static const float prob[ROWS * CLASSES] = {[6] = 1, [CLASSES + 8] = 1}; /* background first */
    for (int by_prob = 0; by_prob < 2; by_prob++) {
        struct region_parts p = {.path = "a dictionary", .rows = -1, .width = 9, .height = 9};
        struct regions *r = NULL;
        struct vs_err err = {0};
        p.features = p.boxes = tensor_of(boxes, 3, 1, ROWS, 4);
        p.objects = p.conf = tensor_of(numbers, 2, 1, ROWS, 0);
        p.prob = tensor_of(by_prob ? prob : NULL, 3, 1, ROWS, CLASSES);
        ok(parts_make(&p, &r, &err) == 0 && r->classes && r->classes[1] == (by_prob ? 7 : 1) &&
           r->conf && r->conf[1] == 1, "%s of a batch of one %s",
           by_prob ? "probabilities" : "class numbers", err.text);
        regions_free(r);
        parts_end(&p);
    }
}

int main(void)
{
    struct vs_err err = {0};
    char *first = data_path("regions/mmf.npy");
    if (!ok(folder_make("regions") && regions_open(first, NULL, &wanted, &err) == 0, "mmf.npy %s",
            err.text))
        return tap_done();
    numbers();
    reads("regions/mmf.npy", NULL, 13);
    reads("regions/mmf_info.npy", NULL, 13);
    reads("regions/lxmert_obj36.tsv", "COCO_val2014_000000000042", 0);
    reads("regions/vilbert_beta.lmdb", "42", -1);
    reads("regions/bua.npz", NULL, 0);
    reads("regions/padded.npz", "42", 0); /* not compressed; two rows more, which are NaN */
    reads("regions/one.pkl", "42", -1);
    reads("regions/strange.npy", NULL, 13); /* big-endian, a batch of one, objects beside it */
    reads("regions/protocol_1.pt", NULL, -1);
    collection();
    json_files();
    margins();
    doubles();
    bad_json();
    kinds();
    pairs();
    contradictions();
    written(3, 7);
    written(1, 1);
    copy("regions/mmf_info.npy", "d_info.npy");
    damage("regions/mmf.npy", "d.npy", "d.npy", true);
    damage("regions/mmf_info.npy", "d_info.npy", "d.npy", true);
    damage("regions/lxmert_obj36.tsv", "d.tsv", "d.tsv", true);
    damage("regions/vilbert_beta.lmdb/data.mdb", "d.mdb", "d.mdb", true);
    damage("regions/bua.npz", "d.npz", "d.npz", true);
    damage("regions/padded.npz", "d.npz", "d.npz", true);
    checksums();
    damage("regions/one.pkl", "d.pkl", "d.pkl", true);
    static const char *const left[] = {"d.pkl", "d.npz", "d.npy", "d_info.npy", "d.tsv", "d.mdb"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        drop(temp_path(left[i]));
    regions_free(wanted);
    free(first);
    test_as_is();
    batch_classes();
    return folder_remove();
}
