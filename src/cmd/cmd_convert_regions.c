/* SPDX-License-Identifier: MIT */
/* vilscope convert-regions: region features from any format that is read into any that is
 * written. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/strmap.h"
#include "src/formats/bytes.h"
#include "src/formats/regionout.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OPTIONS struct options
struct options {
    const char *output;
    int format;
    bool force, quiet;
};

static const char *const formats[] = {REGION_OUT_NAMES, NULL};
static const struct option_row option_rows[] = {
    TEXT("output", 'o', "PATH", output, VALUES_WRITTEN,
         "a folder, NAME.lmdb, or NAME.tsv"),
    CHOICE("format", "KIND", format, formats, -1,
           "what is written; without it by the ending of PATH: .lmdb, .tsv (of "
           "bottom-up-attention; obj36 is LXMERT's), else a folder of the reference's .npy; mmf: "
           "pairs of .npy"),
    FLAG("force", force, "write again what is there; a table is begun anew"),
    FLAG("quiet", quiet, "only what went wrong"),
    END,
};

struct conversion {
    struct regionout *out;
    char *const *sources;
    int source;         /* the one that is read */
    bool ended;         /* by what is written, or by the user */
    struct strmap seen; /* images of the sources so far, to the source they came from */
    char **keys;        /* (seen.count) */
    int width;          /* of the first image; -1: others have been told of */
    int written, there, failed;
};

static atomic_bool regions_stop;

/* ---- one source */

/* Whether an image came before: the first is what is written. */
static bool is_twice(struct conversion *c, const char *key)
{
    size_t n = c->seen.count;
    char *own = xstrdup(key);
    int before = strmap_add(&c->seen, own, strlen(own), c->source);
    if (before >= 0) {
        bool same = before == c->source;
        plain_text(stderr, "vilscope convert-regions: image '%s' is in %s%s%s: the first is "
                   "taken\n", key, c->sources[before], same ? "" : " and in ",
                   same ? " twice" : c->sources[c->source]);
        free(own);
        return true;
    }
    if ((n & (n - 1)) == 0)
        c->keys = xreallocarray(c->keys, n ? 2 * n : 1, sizeof *c->keys);
    c->keys[n] = own;
    return false;
}

static bool convert_want(void *arg, const char *key)
{
    struct conversion *c = arg;
    bool twice = is_twice(c, key), there = !twice && regionout_has(c->out, key);
    c->failed += twice;
    c->there += there;
    return !twice && !there;
}

/* A model reads features of one width: others among them are told once. */
static void tell_width(struct conversion *c, const char *key, int dim)
{
    if (c->width == 0)
        c->width = dim;
    if (c->width > 0 && dim != c->width) {
        plain_text(stderr, "vilscope convert-regions: note: image '%s' has features of %d numbers, "
                   "those before it %d: no model reads both\n", key, dim, c->width);
        c->width = -1;
    }
}

static int convert_take(void *arg, const char *key, struct regions *r, const struct vs_err *why,
                        struct vs_err *err)
{
    struct conversion *c = arg;
    struct vs_err failed = {0};
    int rc = 0;
    if (!r) {
        plain_text(stderr, "vilscope convert-regions: %s\n", why->text);
        c->failed++;
    } else if ((rc = regionout_put(c->out, key, r, &failed)) == VS_E_FORMAT) {
        plain_text(stderr, "vilscope convert-regions: %s: %s\n", c->sources[c->source],
                   failed.text);
        c->failed++;
        rc = 0;
    } else if (rc == 0) {
        c->written++;
        tell_width(c, key, r->dim);
        if (r->note)
            plain_text(stderr, "vilscope convert-regions: note: %s\n", r->note);
    }
    regions_free(r);
    c->ended = rc != 0 || atomic_load(&regions_stop);
    if (rc != 0)
        return vs_fail(err, rc, "%s", failed.text);
    return c->ended
               ? vs_fail(err, VS_E_CANCELLED, "stopped: run the same command to continue")
               : 0;
}

/* Bad files are named, and the others go on; trouble with what is written ends it. */
static int convert_file(struct conversion *c, int source, struct vs_err *err)
{
    const struct region_sink sink = {convert_want, convert_take, c};
    size_t before = c->seen.count;
    int failed = c->failed;
    c->source = source;
    int rc = regions_each(c->sources[source], &sink, err);
    if (rc == 0 && c->seen.count == before && c->failed == failed)
        rc = vs_fail(err, VS_E_FORMAT, "%s: there is no image in it", c->sources[source]);
    if (rc == 0 || c->ended)
        return rc;
    plain_text(stderr, "vilscope convert-regions: %s\n", err->text);
    c->failed++;
    return 0;
}

/* ---- folders of files */

struct sources {
    char **list;
    int count;
    double bytes;
};

static void sources_add(struct sources *s, char *path)
{
    struct stat st;
    if ((s->count & (s->count - 1)) == 0)
        s->list = xreallocarray(s->list, s->count ? 2 * (size_t)s->count : 1, sizeof *s->list);
    s->list[s->count++] = path;
    if (stat(path, &st) == 0)
        s->bytes += (double)st.st_size;
}

static bool is_database(const char *folder)
{
    struct stat st;
    char *path = xasprintf("%s/data.mdb", folder);
    bool there = stat(path, &st) == 0;
    free(path);
    return there;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sources_add_folder(struct sources *s, const char *folder, struct vs_err *err)
{
    DIR *d = opendir(folder);
    int first = s->count;
    struct stat st;
    if (!d)
        return vs_fail(err, VS_E_IO, "%s: %s", folder, strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        char *path = xasprintf("%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.' && !ends_in(e->d_name + 1, "_info.npy") && stat(path, &st) == 0 &&
            S_ISREG(st.st_mode))
            sources_add(s, path);
        else
            free(path);
    }
    closedir(d);
    if (s->count == first)
        return vs_fail(err, VS_E_USAGE, "%s: no files in this folder", folder);
    vs_sort(s->list + first, (size_t)(s->count - first), sizeof *s->list, by_path);
    return 0;
}

static int sources_add_any(struct sources *s, const char *path, struct vs_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return vs_fail(err, VS_E_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode) || is_database(path)) {
        char *file = S_ISDIR(st.st_mode) ? xasprintf("%s/data.mdb", path) : NULL;
        if (file && stat(file, &st) == 0)
            s->bytes += (double)st.st_size;
        free(file);
        sources_add(s, xstrdup(path));
        return 0;
    }
    return sources_add_folder(s, path, err);
}

/* Both files of an MMF pair are one image: where both are given, as by "*.npy", one is read. */
static void sources_drop_infos(struct sources *s)
{
    struct strmap all = {0}; /* borrows the paths */
    bool *info = xcalloc((size_t)s->count + 1, sizeof *info);
    int kept = 0;
    for (int i = 0; i < s->count; i++)
        strmap_add(&all, s->list[i], strlen(s->list[i]), i);
    for (int i = 0; i < s->count; i++) {
        char *pair = regions_of_info(s->list[i]);
        info[i] = pair && strmap_get(&all, pair, strlen(pair)) >= 0;
        free(pair);
    }
    strmap_fini(&all);
    for (int i = 0; i < s->count; i++)
        if (info[i])
            free(s->list[i]);
        else
            s->list[kept++] = s->list[i];
    s->count = kept;
    free(info);
}

/* ---- the command */

static enum region_out kind_of(const struct options *o)
{
    if (o->format >= 0)
        return (enum region_out)o->format;
    const char *behind = o->output + (*o->output != 0); /* a name stands before the ending */
    return ends_in(behind, ".lmdb") ? REGION_OUT_LMDB
           : ends_in(behind, ".tsv") ? REGION_OUT_TSV
                                     : REGION_OUT_NPY;
}

/* What is read is not written over. */
static int check_output(const struct options *o, const struct sources *s, struct vs_err *err)
{
    for (int i = 0; i < s->count; i++)
        if (file_is_at(o->output, s->list[i]))
            return vs_fail(err, VS_E_USAGE, "%s: is what is read: give another place with -o",
                           o->output);
    return 0;
}

static int convert_all(const struct options *o, const struct sources *s, struct conversion *c,
                       struct vs_err *err)
{
    size_t room = s->bytes < 1e15 ? (size_t)(4 * s->bytes) + ((size_t)64 << 20) : SIZE_MAX / 2;
    int rc = check_output(o, s, err);
    c->sources = s->list;
    if (rc == 0)
        rc = regionout_open(o->output, kind_of(o), room, o->force, &c->out, err);
    for (int i = 0; i < s->count && rc == 0; i++)
        rc = convert_file(c, i, err);
    if (c->out && (rc == 0 || rc == VS_E_CANCELLED)) {
        int done = regionout_finish(c->out, err);
        rc = done != 0 ? done : rc;
    }
    regionout_close(c->out);
    for (size_t i = 0; i < c->seen.count; i++)
        free(c->keys[i]);
    free(c->keys);
    strmap_fini(&c->seen);
    return rc;
}

static int run_convert_regions(void *options, char **args, int count)
{
    const struct options *o = options;
    struct sources s = {.count = 0};
    struct conversion c = {.out = NULL};
    struct vs_err err = {0};
    int rc = 0;
    if (!o->output)
        return command_usage("convert-regions", "-o is missing: a folder, NAME.lmdb or NAME.tsv");
    if (count == 0)
        return command_usage("convert-regions", "which FILE?");
    for (int i = 0; i < count && rc == 0; i++)
        rc = sources_add_any(&s, args[i], &err);
    command_stop_by_signals(&regions_stop);
    sources_drop_infos(&s);
    if (rc == 0)
        rc = convert_all(o, &s, &c, &err);
    for (int i = 0; i < s.count; i++)
        free(s.list[i]);
    free(s.list);
    if (!o->quiet && (rc == 0 || c.written))
        fprintf(stderr, "%d images: %d written, %d there already, %d failed\n",
                c.written + c.there + c.failed, c.written, c.there, c.failed);
    if (rc != 0)
        return command_fail("convert-regions", &err);
    return c.failed ? EXIT_FAILED : EXIT_OK;
}

const struct command command_convert_regions = {
    .name = "convert-regions", .args = "[OPTION...] -o DIR|FILE FILE...",
    .summary = "Write region features in another format.",
    .about =
        "Reads region features in any of the formats that inspect knows and writes them in\n"
        "another, an image at a time. Run again, it continues where it stopped.\n",
    .after =
        "FILE is a file of one image or of many, an LMDB folder, or a folder of files. A bad\n"
        "entry is named and skipped; the exit status is 1 when one was. What a format has no\n"
        "place for is lost: classes in a table of bottom-up-attention, confidences in .npy and\n"
        "LMDB, attributes anywhere.\n\n"
        "  vilscope convert-regions -o coco.lmdb trainval_36.tsv\n"
        "  vilscope convert-regions -o features --format mmf coco.lmdb\n",
    .rows = option_rows, .most = -1, .values = VALUES_FILES, .size = sizeof(struct options),
    .run = run_convert_regions,
};
