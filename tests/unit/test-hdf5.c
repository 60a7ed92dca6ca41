/* SPDX-License-Identifier: MIT */
/* Regions in HDF5 files, of each layout (tests/peers/region_files.py wrote them): image 42 has the
 * numbers of regions/mmf.npy. Breaks when a row of a table is taken for another image's, when rows
 * that only fill up are taken, when a size is read wrongly from shares of it, when big-endian or
 * compressed numbers stay as they are, and when a damaged file ends the program, or one
 * that says it has many images or has none. */
#include "folder.h"
#include "src/formats/regionhdf5.h"
#include "src/formats/regionstore.h"
#include "src/formats/sandbox.h"

#include <config.h> /* whether there is libhdf5 */
#include <unistd.h>

static char *hdf5_path(const char *name)
{
    return xasprintf("%s/%s", source_path("tests/data/regions"), name);
}

#ifdef HAVE_LIBHDF5

static struct regions *wanted; /* of mmf.npy */

static bool hdf5_same(const struct regions *a, const struct regions *b)
{
    return a && strcmp(a->digest, b->digest) == 0 && a->width == b->width &&
           a->height == b->height && a->count == b->count;
}

static void layouts(void)
{
    static const struct {
        const char *file, *key;
    } cases[] = {{"val36.h5", "42"}, {"adaptive.h5", "42"}, {"groups.h5", "42"},
                 {"gqa_objects_3.h5", "42"}, {"42.h5", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vs_err err = {0};
        struct regions *r = NULL;
        char *path = hdf5_path(cases[i].file);
        int rc = regions_open(path, cases[i].key, &r, &err);
        ok(rc == 0 && hdf5_same(r, wanted), "%s has the regions of the picture: %s", cases[i].file,
           err.text);
        ok(rc == 0 && strcmp(r->image_id, "42") == 0, "%s: and its name", cases[i].file);
        regions_free(r);
        free(path);
    }
}

/* Image 9 has half as large boxes, its features the other way round and doubled. */
static void other_image(void)
{
    static const char *const files[] = {"val36.h5", "adaptive.h5", "groups.h5", "gqa_objects_3.h5"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct vs_err err = {0};
        struct regions *r = NULL;
        char *path = hdf5_path(files[i]);
        bool good = regions_open(path, "9", &r, &err) == 0 && r->count == wanted->count;
        for (int j = 0; good && j < 4; j++)
            good = r->boxes[j] == 0.5f * wanted->boxes[j] &&
                   r->features[j] == 2 * wanted->features[(wanted->count - 1) * wanted->dim + j];
        ok(good && r->width == 50 && r->height == 40, "%s: image 9 is another %s", files[i],
           err.text);
        regions_free(r);
        free(path);
    }
}

static void classes(void)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    char *path = hdf5_path("groups.h5");
    ok(regions_open(path, "42", &r, &err) == 0 && r->classes && r->conf &&
           r->classes[0] == wanted->classes[0] && r->conf[6] == wanted->conf[6],
       "classes come of the probabilities");
    regions_free(r);
    free(path);
}

static void keys(void)
{
    static const struct {
        const char *file, *key, *says;
    } cases[] = {{"val36.h5", NULL, "several images (9, 42)"}, {"val36.h5", "8", "no image '8'"},
                 {"groups.h5", "4/2", "no image '4/2'"},
                 {"gqa_objects_3.h5", "n1", "no image 'n1'"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vs_err err = {0};
        struct regions *r = NULL;
        char *path = hdf5_path(cases[i].file);
        ok(regions_open(path, cases[i].key, &r, &err) == VS_E_MISSING &&
               strstr(err.text, cases[i].says),
           "%s, %s: %s", cases[i].file, cases[i].key ? cases[i].key : "no key", err.text);
        free(path);
    }
}

static void store(void)
{
    struct vs_err err = {0};
    struct regionstore *s = NULL;
    struct regions *r = NULL;
    char *path = hdf5_path("val36.h5"), *key = NULL;
    ok(regionstore_open(path, &s, &err) == 0, "a store of many images %s", err.text);
    ok(regionstore_get(s, "x/COCO_val2014_000000000042.jpg", &r, &key, &err) == 0 &&
           hdf5_same(r, wanted) && strcmp(key, "42") == 0,
       "gives those of a picture by its number");
    regions_free(r);
    r = NULL;
    ok(regionstore_get(s, "COCO_val2014_000000000043.jpg", &r, NULL, &err) == VS_E_MISSING,
       "and says which it lacks: %s", err.text);
    free(key);
    regionstore_close(s);
    free(path);
}

struct visited {
    int count;
    char names[64];
};

static bool visit_want(void *arg, const char *key)
{
    struct visited *v = arg;
    snprintf(v->names + strlen(v->names), 32, "%s ", key);
    return true;
}

static int visit_take(void *arg, const char *key, struct regions *r, const struct vs_err *why,
                      struct vs_err *err)
{
    struct visited *v = arg;
    (void)key;
    (void)why;
    (void)err;
    v->count += r != NULL;
    regions_free(r);
    return 0;
}

static void every(void)
{
    struct visited v = {0};
    struct region_sink sink = {visit_want, visit_take, &v};
    struct vs_err err = {0};
    char *path = hdf5_path("adaptive.h5");
    ok(regions_each(path, &sink, &err) == 0 && v.count == 2 && strcmp(v.names, "9 42 ") == 0,
       "all images in their order: %s", v.names);
    free(path);
}

/* ---- damage */

static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *data = xcalloc(1 << 16, 1);
    *n = f ? fread(data, 1, 1 << 16, f) : 0;
    if (f)
        fclose(f);
    return data;
}

/* Reads it; true when it was refused with a reason, or read. */
static bool survives(const char *path, const void *data, size_t n, int *refused)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        return false;
    int rc = regions_open(path, "42", &r, &err);
    regions_free(r);
    *refused += rc != 0;
    return rc == 0 || err.text[0];
}

static void damage(const char *name)
{
    size_t n = 0;
    char *from = hdf5_path(name), *to = temp_path("damaged.h5"), *data = slurp(from, &n);
    int refused = 0, cut = 0;
    bool good = n > 0;
    for (size_t i = 0; i < n && good; i += 1 + i / 16) {
        char was = data[i];
        data[i] ^= (char)(1 << i % 8);
        good = survives(to, data, n, &refused);
        data[i] = was;
    }
    ok(good && refused > 20, "%s: of flipped bits %d are refused, with a reason", name, refused);
    for (size_t i = 8; i < n && good; i += n / 16)
        good = survives(to, data, i, &cut);
    ok(good && cut >= 8, "%s: cut off it is refused", name);
    unlink(to);
    free(data);
    free(from);
    free(to);
}

/* A block of somebody's own before it. */
static void behind_a_block(void)
{
    size_t n = 0;
    struct vs_err err = {0};
    struct regions *r = NULL;
    char *from = hdf5_path("42.h5"), *data = slurp(from, &n), *block = xcalloc(n + 1024, 1);
    memcpy(block, "MATLAB 7.3 MAT-file", 19);
    memcpy(block + 1024, data, n);
    char *to = write_file("block.mat", block, n + 1024);
    ok(regions_open(to, NULL, &r, &err) == 0 && hdf5_same(r, wanted), "behind 1024 bytes %s",
       err.text);
    regions_free(r);
    drop(to);
    free(from);
    free(data);
    free(block);
}

static void hollow_says(const char *path, const char *what)
{
    static const char *const keys[] = {NULL, "42"};
    for (int i = 0; i < 2; i++) {
        struct vs_err err = {0};
        struct regions *r = NULL;
        ok(regions_open(path, keys[i], &r, &err) == VS_E_FORMAT && strstr(err.text, what),
           "%s, %s: %s", path, keys[i] ? "an image of it" : "as a whole", err.text);
        regions_free(r);
    }
}

/* Of no image, and of two billion that were never written, which take no room. */
static void hollow(void)
{
    size_t n = 0;
    char *none = hdf5_path("no_images.h5"), *many = hdf5_path("too_many_images.h5");
    char *from = hdf5_path("gqa_objects_3.h5"), *table = slurp(from, &n);
    char *to = write_file("gqa_objects_3.h5", table, n);
    char *beside = write_file("gqa_objects_info.json", "{}", 2);
    hollow_says(none, "no image in it");
    hollow_says(many, "images");
    hollow_says(to, "says the file beside it");
    char *part = hdf5_path("unwritten.h5"), *elsewhere = hdf5_path("virtual.h5");
    hollow_says(part, "not all of its numbers were written");
    hollow_says(elsewhere, "lie in other files");
    free(part);
    free(elsewhere);
    unlink(to);
    unlink(beside);
    free(none);
    free(many);
    free(from);
    free(table);
    free(to);
    free(beside);
}

int main(void)
{
    struct vs_err err = {0};
    char *path = hdf5_path("mmf.npy");
    ok(folder_make("vilscope-hdf5"), "a folder");
    if (!ok(regions_open(path, NULL, &wanted, &err) == 0, "mmf.npy %s", err.text))
        return 1;
    free(path);
    layouts();
    other_image();
    classes();
    keys();
    store();
    every();
    hollow();
    behind_a_block();
    if (sandbox_is_for_threads()) {
        damage("adaptive.h5");
        damage("groups.h5");
    } else {
        tap_skip("damage: libhdf5's own faults stay in the sandbox, which this build has not");
    }
    regions_free(wanted);
    return folder_remove();
}

#else

int main(void)
{
    struct vs_err err = {0};
    struct regions *r = NULL;
    char *path = hdf5_path("42.h5");
    ok(regions_open(path, NULL, &r, &err) == VS_E_REFUSED && strstr(err.text, "without libhdf5"),
       "it says what is missing: %s", err.text);
    free(path);
    tap_skip("HDF5: built without libhdf5");
    return tap_done();
}
#endif
