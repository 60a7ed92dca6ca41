/* SPDX-License-Identifier: MIT */
/* Every format of regions that is read into every one that is written, and back: the same boxes and
 * features. Breaks when a pair of formats loses an image or a number, when a format of the table is
 * in no file here, or when a conversion that was killed begins anew, or ends with other bytes. */
#include "src/formats/gunzip.h"
#include "src/formats/regionout.h"
#include "src/formats/regions_priv.h"
#include "src/formats/tensorfile.h"
#include "folder.h"

#include <config.h> /* whether there is libhdf5 */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGES_MOST 8

/* What a file holds: images and the digests of their boxes and features. */
struct pair_images {
    int count;
    char *keys[IMAGES_MOST], digests[IMAGES_MOST][DIGEST_HEX];
};

static void pair_images_fini(struct pair_images *p)
{
    for (int i = 0; i < p->count; i++)
        free(p->keys[i]);
    *p = (struct pair_images){.count = 0};
}

static bool every_image(void *arg, const char *key)
{
    (void)arg, (void)key;
    return true;
}

static int note_image(void *arg, const char *key, struct regions *r, const struct vs_err *why,
                      struct vs_err *err)
{
    struct pair_images *p = arg;
    if (!r || p->count == IMAGES_MOST)
        return vs_fail(err, VS_E_FORMAT, "%s", r ? "too many images" : why->text);
    p->keys[p->count] = xstrdup(key);
    memcpy(p->digests[p->count++], r->digest, DIGEST_HEX);
    regions_free(r);
    return 0;
}

static int note_file(const char *path, struct pair_images *p, struct vs_err *err)
{
    const struct region_sink sink = {every_image, note_image, p};
    return regions_each(path, &sink, err);
}

/* The same images with the same numbers, in any order. */
static bool pair_equal(const struct pair_images *a, const struct pair_images *b)
{
    int found = 0;
    for (int i = 0; i < a->count; i++)
        for (int j = 0; j < b->count; j++)
            found += strcmp(a->keys[i], b->keys[j]) == 0 &&
                     strcmp(a->digests[i], b->digests[j]) == 0;
    return a->count > 0 && found == a->count && a->count == b->count;
}

/* ---- what is written */

static const char *const kinds[] = {REGION_OUT_NAMES};

static bool is_folder(enum region_out kind)
{
    return kind <= REGION_OUT_PAIR;
}

static int note_written(const char *path, enum region_out kind, struct pair_images *p,
                        struct vs_err *err)
{
    if (!is_folder(kind))
        return note_file(path, p, err);
    DIR *d = opendir(path);
    int rc = d ? 0 : vs_fail(err, VS_E_IO, "%s: no folder", path);
    for (struct dirent *e; d && rc == 0 && (e = readdir(d));) {
        char *file = xasprintf("%s/%s", path, e->d_name);
        if (e->d_name[0] != '.' && !ends_in(e->d_name, "_info.npy"))
            rc = note_file(file, p, err);
        free(file);
    }
    if (d)
        closedir(d);
    return rc;
}

/* All bytes of a file, or of the files of a folder; adds up to the same whatever their order. */
static uint64_t sum_of(const char *path)
{
    uint64_t sum = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *file = xasprintf("%s/%s", path, e->d_name);
        sum += e->d_name[0] == '.' ? 0 : sum_of(file);
        free(file);
    }
    if (d) {
        closedir(d);
        return sum;
    }
    FILE *f = fopen(path, "rb");
    sum = 14695981039346656037u; /* FNV-1a */
    for (int c; f && (c = fgetc(f)) != EOF;)
        sum = (sum ^ (uint64_t)c) * 1099511628211u;
    if (f)
        fclose(f);
    return sum;
}

static void remove_all(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *file = xasprintf("%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(file);
        free(file);
    }
    if (d) {
        closedir(d);
        rmdir(path);
    }
    unlink(path);
}

/* ---- converting */

struct pair_run {
    struct regionout *out;
    int written, there;
    int last; /* dies before it writes more than so many; -1: lives */
};

static bool pair_want(void *arg, const char *key)
{
    struct pair_run *c = arg;
    bool there = regionout_has(c->out, key);
    c->there += there;
    return !there;
}

static int pair_take(void *arg, const char *key, struct regions *r, const struct vs_err *why,
                     struct vs_err *err)
{
    struct pair_run *c = arg;
    if (c->written == c->last)
        kill(getpid(), SIGKILL);
    int rc = r ? regionout_put(c->out, key, r, err) : vs_fail(err, VS_E_FORMAT, "%s", why->text);
    c->written += rc == 0;
    regions_free(r);
    return rc;
}

static int pair_convert(const char *from, const char *to, enum region_out kind, struct pair_run *c,
                        struct vs_err *err)
{
    const struct region_sink sink = {pair_want, pair_take, c};
    c->written = c->there = 0;
    int rc = regionout_open(to, kind, (size_t)1 << 20, false, &c->out, err);
    if (rc == 0)
        rc = regions_each(from, &sink, err);
    if (rc == 0)
        rc = regionout_finish(c->out, err);
    regionout_close(c->out);
    return rc;
}

/* Killed before the second image, then run again. */
static bool goes_on(const char *from, enum region_out kind, const struct pair_images *want,
                    uint64_t whole, struct vs_err *err)
{
    char *to = temp_path(kind == REGION_OUT_LMDB ? "killed.lmdb" : "killed");
    struct pair_run c = {.last = 1};
    struct pair_images got = {.count = 0};
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pair_convert(from, to, kind, &c, err);
        _exit(0);
    }
    bool killed = child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
    c.last = -1;
    bool good = killed && pair_convert(from, to, kind, &c, err) == 0 &&
                c.written + c.there == want->count &&
                note_written(to, kind, &got, err) == 0 && pair_equal(want, &got);
    /* A folder keeps what was complete; a database may have to write its last part again, and
     * has its pages in another order then. */
    good &= !is_folder(kind) || c.there == 1;
    good &= kind == REGION_OUT_LMDB || sum_of(to) == whole;
    pair_images_fini(&got);
    remove_all(to);
    free(to);
    return good;
}

static bool convert_pair(const char *from, enum region_out kind, struct vs_err *err)
{
    char *to = temp_path(kind == REGION_OUT_LMDB ? "made.lmdb" : "made");
    struct pair_images want = {.count = 0}, got = {.count = 0};
    struct pair_run c = {.last = -1}, again = {.last = -1};
    bool good = note_file(from, &want, err) == 0 && pair_convert(from, to, kind, &c, err) == 0 &&
                c.written == want.count && note_written(to, kind, &got, err) == 0;
    if (good && !pair_equal(&want, &got)) {
        vs_fail(err, VS_E_FORMAT, "other images or numbers: %d of %d", got.count, want.count);
        good = false;
    }
    uint64_t whole = good ? sum_of(to) : 0;
    if (good && (pair_convert(from, to, kind, &again, err) != 0 || again.written != 0 ||
                 again.there != want.count ||
                 (kind != REGION_OUT_LMDB && sum_of(to) != whole))) {
        vs_fail(err, VS_E_FORMAT, "a second run changes it");
        good = false;
    }
    if (good && want.count > 1 && !goes_on(from, kind, &want, whole, err)) {
        vs_fail(err, VS_E_FORMAT, "a killed run does not go on");
        good = false;
    }
    pair_images_fini(&want);
    pair_images_fini(&got);
    remove_all(to);
    free(to);
    return good;
}

/* ---- what is read */

static const char *const given[] = {
    "mmf.npy",           "bua.npz",       "padded.npz",     "one.pkl",  "two.pkl",
    "lxmert_obj36.tsv",  "keyed.json",    "lines.jsonl.gz",
#ifdef HAVE_LIBHDF5
    "42.h5",             "groups.h5",     "val36.h5",       "gqa_objects_3.h5", "adaptive.h5",
#endif
    "vilbert_beta.lmdb",
};
#define GIVEN ((int)(sizeof given / sizeof given[0]))

/* How many formats have a file here, of those that a message lists; below 0: not all of them. */
static int count_known(const char *const *paths, int count, const char *all)
{
    char *left = xstrdup(all);
    int known = 0;
    for (int i = 0; i < count; i++) {
        struct bytes map = {0};
        struct stat st;
        bool database = stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode);
        bool open = !database && gunzip_open(paths[i], &map, NULL) == 0;
        const struct region_format *f = regions_format(paths[i], open ? &map : NULL);
        char *at = f ? strstr(left, f->which) : NULL;
        if (at) {
            memset(at, '-', strlen(f->which));
            known++;
        }
        bytes_close(&map);
    }
    const char *rest = strstr(left, "read from ");
    bool all_known = rest != NULL; /* nothing but what was struck out is left */
    for (const char *p = rest ? rest + 10 : ""; *p; p++)
        all_known &= strchr("-, ", *p) != NULL;
    free(left);
    return all_known ? known : -known;
}

static void all_pairs(char *const *paths, int count)
{
    for (int k = 0; k < REGION_OUT_COUNT; k++) {
        struct buf bad = {0};
        struct vs_err err = {0};
        int good = 0;
        for (int i = 0; i < count; i++)
            if (convert_pair(paths[i], (enum region_out)k, &err))
                good++;
            else
                buf_printf(&bad, " %s: %s;", strrchr(paths[i], '/') + 1, err.text);
        if (good == 0 && strstr(err.text, "32-bit or big-endian"))
            tap_skip("lmdb: not written on this machine");
        else
            ok(good == count, "%s: from %d of %d files%s", kinds[k], good, count,
               bad.data ? bad.data : "");
        buf_fini(&bad);
    }
}

/* safetensors of somebody else's, whose names are those of other formats. */
static void other_names(void)
{
    struct vs_err err = {0};
    struct regions *r = NULL, *wanted = NULL;
    if (!ok(regions_open(source_path("tests/data/regions/mmf.npy"), NULL, &wanted, &err) == 0,
            "mmf.npy %s", err.text))
        return;
    int64_t n = wanted->count, w = wanted->width, h = wanted->height;
    const struct tensor_out list[] = {{"x", DTYPE_F32, 2, {n, wanted->dim}, wanted->features},
                                      {"bbox", DTYPE_F32, 2, {n, 4}, wanted->boxes},
                                      {"image_w", DTYPE_I64, 1, {1}, &w},
                                      {"image_h", DTYPE_I64, 0, {0}, &h}};
    char *path = temp_path("others.safetensors");
    ok(safetensors_write(path, list, 4, &err) == 0 && regions_open(path, NULL, &r, &err) == 0 &&
           strcmp(r->digest, wanted->digest) == 0, "safetensors with other names %s", err.text);
    regions_free(r);
    r = NULL;
    ok(safetensors_write(path, list, 3, &err) == 0 &&
           regions_open(path, NULL, &r, &err) == VS_E_FORMAT &&
           strstr(err.text, "no tensor image_h:"),
       "without a height: %s", err.text);
    regions_free(wanted);
    drop(path);
}

int main(void)
{
    char *paths[GIVEN + REGION_OUT_COUNT];
    struct vs_err err = {0};
    int count = 0;
    folder_make("regionpairs");
    other_names();
    for (int i = 0; i < GIVEN; i++) {
        char *name = xasprintf("tests/data/regions/%s", given[i]);
        paths[count++] = xstrdup(source_path(name));
        free(name);
    }
    for (int k = REGION_OUT_SAFETENSORS; k < REGION_OUT_COUNT; k++) { /* and what is written */
        char *to = xasprintf("%s/from-%s%s", folder, kinds[k], k == REGION_OUT_LMDB ? ".lmdb" : "");
        struct pair_run c = {.last = -1};
        int rc = k == REGION_OUT_PAIR
                     ? -1 : pair_convert(paths[4], to, (enum region_out)k, &c, &err);
        if (rc == 0)
            paths[count++] = is_folder((enum region_out)k) ? xasprintf("%s/42.safetensors", to)
                                                           : xstrdup(to);
        free(to);
    }
    char unknown[] = "x";
    struct bytes nothing = {.path = unknown, .data = (const uint8_t *)"\1\2\3\4", .size = 4};
    regions_refuse(&nothing, &err);
    int known = count_known((const char *const *)paths, count, err.text);
    ok(known > 0, "each format of the table has a file here: %d of: %s", known, err.text);
    all_pairs(paths, count);
    for (int k = REGION_OUT_SAFETENSORS; k < REGION_OUT_COUNT; k++) {
        char *to = xasprintf("%s/from-%s%s", folder, kinds[k], k == REGION_OUT_LMDB ? ".lmdb" : "");
        remove_all(to);
        free(to);
    }
    for (int i = 0; i < count; i++)
        free(paths[i]);
    return folder_remove();
}
