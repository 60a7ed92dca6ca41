/* SPDX-License-Identifier: MIT */
/* Readers of outside files against golden/files: the good ones give what expected.json says, the
 * bad ones are refused with a message that names the file, and nothing in a pickle is executed.
 * Also what has no golden file: pictures, .npy and safetensors that we write ourselves. */
#include "src/formats/byteorder.h"
#include "src/formats/bytes.h"
#include "src/formats/image.h"
#include "src/formats/image_priv.h"
#include "src/formats/labels.h"
#include "src/formats/lmdb.h"
#include "src/formats/lmdbwrite.h"
#include "src/formats/npy.h"
#include "src/formats/regions.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "tap.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>

static bool ends(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

static const json_t *get(const json_t *j, const char *key)
{
    return json_object_get(j, key);
}

/* zlib's crc32, as expected.json has it. */
static uint32_t crc32_of(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

/* ---- good files */

static void good_labels(const char *name, const char *path, const json_t *want)
{
    struct labels *l = NULL;
    struct vs_err err = {0};
    const char *key;
    json_t *v;
    if (!ok(labels_open(path, &l, &err) == 0, "%s opens %s", name, err.text))
        return;
    const json_t *answers = get(want, "answers"), *numbers = get(want, "labels");
    bool same = true;
    if (answers) {
        same = json_array_size(answers) == (size_t)l->count;
        for (int i = 0; same && i < l->count; i++)
            same = strcmp(l->names[i], json_string_value(json_array_get(answers, (size_t)i))) == 0;
    } else if (numbers) {
        same = json_object_size(numbers) == (size_t)l->count;
        json_object_foreach((json_t *)(uintptr_t)numbers, key, v)
            same &= strcmp(l->names[json_integer_value(v)], key) == 0;
    } else {
        same = l->count == json_integer_value(get(want, "count")) &&
               strcmp(l->names[0], "answer 0") == 0 &&
               strcmp(l->names[l->count - 1], "answer 3128") == 0;
    }
    ok(same, "%s: %d labels", name, l->count);
    labels_free(l);
}

static bool same_digest(const float *x, size_t n, const json_t *want)
{
    float *stored = xcalloc(n + 1, sizeof *stored);
    le_copy(stored, x, n, sizeof *stored);
    bool same = crc32_of(stored, n * 4) == (uint32_t)json_integer_value(get(want, "crc32"));
    free(stored);
    return same;
}

static void compare_regions(const char *name, const struct regions *r, const json_t *want)
{
    const json_t *boxes = get(want, "bbox");
    bool whole = json_is_array(boxes); /* else a digest of many */
    bool same = (whole ? json_array_size(boxes) == (size_t)r->count
                       : same_digest(r->boxes, 4 * (size_t)r->count, boxes)) &&
                r->width == json_integer_value(get(want, "image_width")) &&
                r->height == json_integer_value(get(want, "image_height"));
    for (int i = 0; whole && same && i < 4 * r->count; i++) {
        const json_t *v = json_array_get(json_array_get(boxes, (size_t)i / 4), (size_t)i % 4);
        same = fabs(json_number_value(v) - (double)r->boxes[i]) < 1e-4;
    }
    same &= same_digest(r->features, (size_t)(r->count * r->dim), get(want, "features"));
    ok(same, "%s: boxes, sizes and features", name);
    float *features = xcalloc((size_t)(r->count + 1) * (size_t)r->dim, sizeof *features);
    float *places = xcalloc((size_t)(r->count + 1) * 5, sizeof *places);
    regions_model_input(r, features, places);
    const json_t *first = get(want, "model_features_row0_first8");
    const json_t *spatials = get(want, "model_spatials");
    float worst = 0;
    for (size_t i = 0; i < json_array_size(first); i++)
        worst = fmaxf(worst, fabsf(features[i] -
                                   (float)json_number_value(json_array_get(first, i))));
    /* Long lists end in "...". */
    for (size_t i = 0; json_is_array(json_array_get(spatials, i)); i++)
        for (size_t j = 0; j < 5; j++)
            worst = fmaxf(worst, fabsf(places[5 * i + j] -
                                       (float)json_number_value(json_array_get(
                                           json_array_get(spatials, i), j))));
    ok(json_array_size(first) == 8 && worst < 1e-6f, "%s: what the model reads (%g)", name,
       (double)worst);
    free(features);
    free(places);
}

static void good_regions(const char *name, const char *path, const char *key, const json_t *want)
{
    struct regions *r = NULL;
    struct vs_err err = {0};
    if (ok(regions_open(path, key, &r, &err) == 0, "%s %s opens %s", name, key ? key : "",
           err.text))
        compare_regions(name, r, want);
    regions_free(r);
}

static void good_array(const char *name, const char *path, const json_t *want)
{
    struct bytes map;
    struct npy n;
    struct vs_err err = {0};
    if (!ok(bytes_open(path, &map, &err) == 0 && npy_read(map, &n, &err) == 0, "%s opens %s",
            name, err.text))
        return;
    const json_t *shape = get(want, "shape");
    bool same = (size_t)n.array.ndim == json_array_size(shape) &&
                strcmp(dtype_name(n.array.dtype), json_string_value(get(want, "dtype"))) == 0;
    for (int i = 0; same && i < n.array.ndim; i++)
        same = n.array.shape[i] == json_integer_value(json_array_get(shape, (size_t)i));
    size_t count = (size_t)tensor_elements(&n.array);
    float *x = xcalloc(count + 1, sizeof *x);
    tensor_to_f32(&n.array, x);
    const json_t *first = get(want, "first"), *values = get(want, "values");
    first = first ? first : values;
    for (size_t i = 0; same && i < json_array_size(first); i++)
        same = fabs((double)x[i] - json_number_value(json_array_get(first, i))) < 1e-2;
    ok(same && json_array_size(first) > 0, "%s: shape, type and first numbers", name);
    free(x);
    npy_close(&n);
}

static void good_checkpoint(const char *name, const char *path, const json_t *want)
{
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    const char *key;
    json_t *v;
    if (!ok(tensorfile_open(path, &f, &err) == 0, "%s opens %s", name, err.text))
        return;
    const json_t *all = get(want, "tensors");
    bool same = json_object_size(all) == (size_t)tensorfile_count(f);
    json_object_foreach((json_t *)(uintptr_t)all, key, v) {
        const struct tensor *t = tensorfile_find(f, key);
        const json_t *values = get(v, "values");
        bool one = t && (size_t)tensor_elements(t) == json_array_size(values) &&
                   strcmp(dtype_name(t->dtype), json_string_value(get(v, "dtype"))) == 0 &&
                   (size_t)t->ndim == json_array_size(get(v, "shape"));
        float x[64];
        if (one && tensor_elements(t) <= 64)
            tensor_to_f32(t, x);
        for (size_t i = 0; one && i < json_array_size(values); i++)
            one = (double)x[i] == json_number_value(json_array_get(values, i));
        if (!one)
            tap_note("%s: %s differs", name, key);
        same &= one;
    }
    ok(same, "%s: %d tensors", name, tensorfile_count(f));
    tensorfile_close(f);
}

struct seen {
    int count, wrong;
};

static bool see_key(void *arg, const uint8_t *key, size_t len, const uint8_t *data, size_t size)
{
    struct seen *s = arg;
    (void)data;
    s->count++;
    s->wrong += len == 0 || size == 0 || !key;
    return true;
}

static void many_keys(const char *path)
{
    struct lmdb l;
    struct vs_err err = {0};
    struct seen s = {0};
    bool right = true;
    if (!ok(lmdb_open(path, &l, &err) == 0, "many_keys.lmdb opens %s", err.text))
        return;
    int rc = lmdb_each(&l, see_key, &s, &err);
    ok(rc == 0 && s.count == 701 && s.wrong == 0, "many_keys.lmdb: %d entries", s.count);
    lmdb_close(&l);
    for (int i = 0; i < 700; i += 7) {
        struct regions *r = NULL;
        char key[16];
        snprintf(key, sizeof key, "%d", 37 * i);
        right &= regions_open(path, key, &r, &err) == 0 && r->height == 10 + i &&
                 r->width == 20 + i && r->boxes[3] == (float)(4 + i) &&
                 r->features[2] == (float)i;
        regions_free(r);
    }
    struct regions *r = NULL;
    ok(right, "many_keys.lmdb: keys are found through two levels");
    ok(regions_open(path, "none", &r, &err) == VS_E_MISSING, "a key that is not there: %s",
       err.text);
    ok(regions_open(path, NULL, &r, &err) == VS_E_MISSING, "no key: %s", err.text);
}

static void good_file(const char *name, const json_t *want)
{
    char relative[300];
    const char *kind = json_string_value(get(want, "kind"));
    snprintf(relative, sizeof relative, "golden/files/%s", name);
    const char *path = shared_path(relative);
    size_t i;
    json_t *v;
    if (strcmp(kind, "label2ans") == 0 || strcmp(kind, "ans2label") == 0)
        good_labels(name, path, want);
    else if (strcmp(kind, "npy-regions") == 0)
        good_regions(name, path, NULL, want);
    else if (strcmp(kind, "npy-array") == 0)
        good_array(name, path, want);
    else if (strcmp(kind, "checkpoint") == 0)
        good_checkpoint(name, path, want);
    else if (strcmp(kind, "lmdb") == 0)
        many_keys(path);
    else if (strcmp(kind, "lmdb-regions") == 0 || strcmp(kind, "tsv-regions") == 0) {
        const json_t *rows = get(want, kind[0] == 'l' ? "entries" : "rows");
        json_array_foreach((json_t *)(uintptr_t)rows, i, v) {
            const json_t *key = get(v, "key");
            key = key ? key : get(v, "image_id");
            good_regions(name, path, json_string_value(key), v);
        }
    } else {
        ok(false, "%s: a kind that this test does not know: %s", name, kind);
    }
}

/* ---- bad files */

static int open_anything(const char *name, const char *path, struct vs_err *err)
{
    struct labels *l = NULL;
    struct tensorfile *f = NULL;
    struct regions *r = NULL;
    int rc;
    if (strncmp(name, "label2ans", 9) == 0)
        rc = labels_open(path, &l, err);
    else if (ends(name, ".pt") || ends(name, ".safetensors"))
        rc = tensorfile_open(path, &f, err);
    else
        rc = regions_open(path, NULL, &r, err);
    /* Damage may lie in another entry than the one that is read. */
    struct lmdb db;
    struct seen s = {0};
    if (rc == VS_E_MISSING && ends(name, ".lmdb") && lmdb_open(path, &db, err) == 0) {
        rc = lmdb_each(&db, see_key, &s, err);
        lmdb_close(&db);
    }
    if (rc == 0 && r && r->dim != 2048)
        rc = vs_fail(err, VS_E_FORMAT, "%s: the model says so when it is asked (features of %d)",
                     path, r->dim);
    labels_free(l);
    tensorfile_close(f);
    regions_free(r);
    return rc;
}

static void bad_file(const char *name)
{
    char relative[300];
    struct vs_err err = {0};
    snprintf(relative, sizeof relative, "golden/files/bad/%s", name);
    int rc = open_anything(name, shared_path(relative), &err);
    if (strcmp(name, "zip_storage_dotdot.pt") == 0) /* reading the member is fine, too */
        ok(true, "%s: stays inside the archive", name);
    else if (strcmp(name, "npy_wrong_shape.npy") == 0 || strcmp(name, "npy_truncated.npy") == 0 ||
             strcmp(name, "npy_garbled_shape.npy") == 0)
        ok(rc != 0, "%s: %s", name, err.text);
    else
        ok(rc != 0 && strstr(err.text, name), "%s: %s", name, err.text);
}

static void golden_files(void)
{
    json_error_t why;
    const char *name;
    json_t *v, *root = json_load_file(shared_path("golden/files/expected.json"), 0, &why);
    if (!ok(root != NULL, "expected.json is read"))
        return;
    unlink("/tmp/pwned-by-pickle");
    json_object_foreach(json_object_get(root, "good"), name, v)
        good_file(name, v);
    json_object_foreach(json_object_get(root, "bad"), name, v)
        bad_file(name);
    ok(access("/tmp/pwned-by-pickle", F_OK) != 0, "no pickle was executed");
    json_decref(root);
}

/* ---- pictures and what we write */

static void pictures(void)
{
    struct image *im = NULL;
    struct vs_err err = {0};
    int rc = image_open(source_path("tests/data/tiny/scene.png"), &im, &err);
    if (rc != 0 && getenv("VILSCOPE_EMULATED") && strstr(err.text, "seccomp")) {
        tap_skip("a PNG opens: the emulator has no seccomp"); /* tests/ports/run sets it */
    } else if (ok(rc == 0, "a PNG opens %s", err.text)) {
        const uint8_t *p = im->rgb + 3 * (40 * 96 + 20);
        ok(im->width == 96 && im->height == 64 && im->orientation == 1 && p[0] == 200 &&
           p[1] == 40 && p[2] == 40, "its size, and a pixel of the red square");
        image_free(im);
    }
    ok(image_open(source_path("tests/data/tiny/vocab.txt"), &im, &err) == VS_E_FORMAT,
       "text is no picture: %s", err.text);
    ok(image_open(source_path("tests/data"), &im, &err) == VS_E_FORMAT, "a folder: %s", err.text);
    ok(image_open("/nowhere.png", &im, &err) == VS_E_IO, "no file: %s", err.text);
}

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(data, 1, n, f);
        fclose(f);
    }
}

/* Every cut of a picture is refused or decoded, never a crash; the child's death is a message. */
static void cut_pictures(const char *dir)
{
    struct bytes map;
    struct vs_err err = {0};
    char path[4096];
    int opened = 0, tried = 0;
    snprintf(path, sizeof path, "%s/cut.png", dir);
    if (bytes_open(source_path("tests/data/tiny/scene.png"), &map, &err) != 0)
        return;
    for (size_t n = 0; n < map.size; n += 23, tried++) {
        struct image *im = NULL;
        write_file(path, map.data, n);
        if (image_open(path, &im, &err) == 0)
            opened++;
        image_free(im);
    }
    ok(tried > 10 && opened == 0, "a cut PNG is refused, wherever it is cut: %s", err.text);
    bytes_close(&map);
    unlink(path);
}

/* A DHT segment whose counts overflow stb_image's table: the child may die, we may not. */
static void hostile_jpeg(const char *dir)
{
    uint8_t j[2 + 2 + 17 + 2 + 2 + 2 + 17 + 700] = {0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 16, 0, 16,
                                                    3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1};
    size_t at = 21;
    char path[4096];
    struct image *im = NULL;
    struct vs_err err = {0};
    j[at++] = 0xff;
    j[at++] = 0xc4;
    j[at++] = (uint8_t)((2 + 17 + 654) >> 8);
    j[at++] = (uint8_t)((2 + 17 + 654) & 255);
    j[at++] = 0;
    for (int i = 0; i < 16; i++)
        j[at++] = i < 2 ? 255 : i == 2 ? 144 : 0;
    snprintf(path, sizeof path, "%s/dht.jpg", dir);
    write_file(path, j, sizeof j);
    ok(image_open(path, &im, &err) != 0 && err.text[0], "a hostile JPEG: %s", err.text);
    image_free(im);
    unlink(path);
}

static void round_trips(const char *dir)
{
    char path[4096];
    struct vs_err err = {0};
    float x[6] = {1, -2, 3.5f, 4, 5, 1e-30f}, y[6];
    static const uint8_t little[8] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}; /* 1, -2 in every file */
    int64_t shape[2] = {2, 3};
    struct bytes map;
    struct npy n;
    snprintf(path, sizeof path, "%s/x.npy", dir);
    bool good = npy_write_f32(path, 2, shape, x, &err) == 0 && bytes_open(path, &map, &err) == 0 &&
                npy_read(map, &n, &err) == 0;
    if (good) {
        tensor_to_f32(&n.array, y);
        good = n.array.ndim == 2 && memcmp(x, y, sizeof x) == 0 &&
               memcmp(n.map.data + n.map.size - sizeof x, little, sizeof little) == 0;
        npy_close(&n);
    }
    ok(good, ".npy is written and read back %s", err.text);
    unlink(path);
    struct tensor_out t[2] = {{"a\"b", DTYPE_F32, 2, {2, 3}, x}, {"c", DTYPE_I64, 1, {2}, shape}};
    struct tensorfile *f = NULL;
    snprintf(path, sizeof path, "%s/x.safetensors", dir);
    good = safetensors_write(path, t, 2, &err) == 0 && tensorfile_open(path, &f, &err) == 0 &&
           tensorfile_find(f, "a\"b") && tensorfile_find(f, "c");
    if (good) {
        const struct tensor *a = tensorfile_find(f, "a\"b");
        int64_t back[2];
        tensor_to_f32(a, y);
        tensor_to_i64(tensorfile_find(f, "c"), back);
        good = memcmp(x, y, sizeof x) == 0 && memcmp(a->data, little, sizeof little) == 0 &&
               back[0] == 2 && back[1] == 3;
    }
    ok(good, "safetensors are written and read back %s", err.text);
    tensorfile_close(f);
    unlink(path);
    ok(safetensors_write("/nowhere/x.safetensors", t, 2, &err) == VS_E_IO, "no folder: %s",
       err.text);
}

/* A meta page as liblmdb leaves it on another machine: with 4 bytes less before the magic number,
 * or with the number's bytes the other way round. */
static void foreign_lmdb(const char *dir)
{
    static const uint8_t magic[3][4] = {{0xde, 0xc0, 0xef, 0xbe}, {0xbe, 0xef, 0xc0, 0xde}, {0}};
    static const int at[3] = {12, 16, 16};
    char path[4096];
    for (int i = 0; i < 3; i++) {
        struct lmdb l;
        struct vs_err err = {0};
        uint8_t page[8192] = {0};
        memcpy(page + at[i], magic[i], 4);
        snprintf(path, sizeof path, "%s/foreign.mdb", dir);
        FILE *f = fopen(path, "wb");
        bool made = f && fwrite(page, sizeof page, 1, f) == 1;
        made &= f && fclose(f) == 0;
        ok(made && lmdb_open(path, &l, &err) == VS_E_FORMAT &&
           !strstr(err.text, "32-bit or big-endian") == (i == 2), "%s", err.text);
        unlink(path);
    }
}

/* Where the library's files would be others' misery, none is made. */
static void write_lmdb(const char *dir)
{
    char path[4096], file[4200];
    struct lmdb_out *o = NULL;
    struct vs_err err = {0};
    snprintf(path, sizeof path, "%s/some.lmdb", dir);
    snprintf(file, sizeof file, "%s/data.mdb", path);
    int rc = lmdb_out_open(path, 1000, &o, &err);
    if (sizeof(size_t) == 8 && HOST_LITTLE) {
        struct lmdb l = {0};
        const uint8_t *data = NULL;
        size_t len = 0;
        bool good = rc == 0 && lmdb_out_put(o, "17", "abc", 3, false, &err) == 0;
        lmdb_out_close(o);
        good = good && lmdb_open(path, &l, &err) == 0 &&
               lmdb_get(&l, "17", 2, &data, &len, &err) == 0 && len == 3 &&
               memcmp(data, "abc", 3) == 0;
        ok(good, "LMDB is written and read back %s", err.text);
        lmdb_close(&l);
        static const off_t cuts[] = {4096, 4200, 100};
        for (int i = 0; i < 3; i++)
            ok(truncate(file, cuts[i]) == 0 && lmdb_open(path, &l, &err) == VS_E_FORMAT &&
               strstr(err.text, "damaged or not completely copied"), "cut off: %s", err.text);
    } else {
        ok(rc == VS_E_REFUSED && access(path, F_OK) != 0, "no LMDB here: %s", err.text);
    }
    unlink(file);
    snprintf(file, sizeof file, "%s/lock.mdb", path);
    unlink(file);
    rmdir(path);
}

/* ---- EXIF */

static size_t exif_put(uint8_t *at, bool little, size_t bytes, uint32_t value)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * (little ? i : bytes - 1 - i));
    return bytes;
}

static size_t exif_entry(uint8_t *at, bool little, uint32_t tag, uint32_t value)
{
    size_t n = exif_put(at, little, 2, tag);
    n += exif_put(at + n, little, 2, 3);
    n += exif_put(at + n, little, 4, 1);
    n += exif_put(at + n, little, 2, value);
    return n + exif_put(at + n, little, 2, 0);
}

struct exif {
    bool little;
    uint32_t magic, directory; /* 42; where entries begin: 8 is right after the head */
    uint32_t count, value;     /* of two entries the last is the orientation */
};

/* A JPEG's head with such a segment; the frame says 5 by 7 pixels. Its orientation, 0: refused. */
static int exif_orientation_of(struct exif x)
{
    uint8_t file[128] = {0xff, 0xd8, 0xff, 0xe1};
    static const uint8_t frame[] = {0xff, 0xc0, 0, 11, 8, 0, 7, 0, 5, 1, 1, 0x11, 0};
    size_t n = 6;
    memcpy(file + n, "Exif\0\0", 6);
    n += 6;
    memcpy(file + n, x.little ? "II" : "MM", 2);
    n += 2 + exif_put(file + n + 2, x.little, 2, x.magic);
    n += exif_put(file + n, x.little, 4, x.directory);
    n += exif_put(file + n, x.little, 2, x.count);
    n += exif_entry(file + n, x.little, 0x0100, 5);
    n += exif_entry(file + n, x.little, 0x0112, x.value);
    exif_put(file + 4, false, 2, (uint32_t)(n - 4));
    memcpy(file + n, frame, sizeof frame);
    n += sizeof frame;
    struct bytes map = {.data = file, .size = n, .path = (char *)(uintptr_t)"turned.jpg"};
    struct image_header h = {0};
    struct vs_err err = {0};
    if (image_header_read(&map, &h, &err) != 0 || h.width != 5 || h.height != 7)
        return 0;
    return h.orientation;
}

/* What is damaged has orientation 1, also when bytes after the segment look like an entry. */
static void orientations(void)
{
    int wrong = 0;
    for (uint32_t v = 1; v <= 8; v++)
        wrong += exif_orientation_of((struct exif){true, 42, 8, 2, v}) != (int)v ||
                 exif_orientation_of((struct exif){false, 42, 8, 2, v}) != (int)v;
    ok(wrong == 0, "orientations 1 to 8 in both orders of bytes: %d wrong", wrong);
    static const struct exif damaged[] = {
        {true, 43, 8, 2, 6}, {true, 42, 8, 1, 6}, {true, 42, 8, 2, 9}, {true, 42, 8, 2, 0},
        {true, 42, 0x7fffffff, 2, 6}, {true, 42, 34, 2, 6}, {true, 42, 22, 2, 6},
    };
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++)
        ok(exif_orientation_of(damaged[i]) == 1, "a damaged one (%zu) is none: %d", i,
           exif_orientation_of(damaged[i]));
}

/* The entries' number begins in the segment's last byte, and what follows is an entry. */
static void orientation_beyond(void)
{
    uint8_t file[64] = {0xff, 0xd8, 0xff, 0xe1, 0, 2 + 6 + 9};
    struct image_header h = {0};
    struct vs_err err = {0};
    memcpy(file + 6, "Exif\0\0II*\0\10\0\0\0\1", 15);
    file[21] = 0; /* the number is 1 with this byte, which is not the segment's */
    exif_entry(file + 22, true, 0x0112, 6);
    struct bytes map = {.data = file, .size = 64, .path = (char *)(uintptr_t)"turned.jpg"};
    image_header_read(&map, &h, &err);
    ok(h.orientation <= 1, "an entry after the segment is none of it: %d", h.orientation);
}

int main(void)
{
    orientations();
    orientation_beyond();
    const char *dir = getenv("TMPDIR");
    dir = dir ? dir : "/tmp";
    pictures();
    cut_pictures(dir);
    hostile_jpeg(dir);
    round_trips(dir);
    foreign_lmdb(dir);
    write_lmdb(dir);
    struct labels *l = NULL;
    struct vs_err err = {0};
    ok(labels_open(source_path("tests/data/tiny/classes.txt"), &l, &err) == 0 && l->count == 4 &&
       strcmp(l->names[2], "triangle") == 0, "labels from text");
    labels_free(l);
    if (shared_path("golden/files/expected.json"))
        golden_files();
    else
        tap_skip("the golden data is not there");
    return tap_done();
}
