/* SPDX-License-Identifier: MIT */
/* vilscope extract: the regions of many images. */
#include "src/cmd/vilscope.h"

#include "src/cmd/cmd_model.h"
#include "src/study/extract.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/stream.h"
#include "src/engine/modeldir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define OPTIONS struct options
struct options {
    struct extract_options e;
    const char *model, *list, *merge;
    bool verify;
    struct shard shard;
    int format;
};

static const char *const formats[] = {"npy", "safetensors", NULL};
static const struct option_row option_rows[] = {
    TEXT("output", 'o', "PATH", e.out, VALUES_WRITTEN,
         "a folder for one file an image, or NAME.lmdb"),
    CHOICE("format", "KIND", format, formats, 0, "kind of the files in a folder"),
    TEXT("model", 'm', "DIR", model, VALUES_FOLDERS, "model directory that names a detector"),
    TEXT("detector", 'd', "FILE", e.weights, VALUES_FILES,
         "the detector's weights (detectron_model.pth, safetensors)"),
    TEXT("detector-arch", 0, "FILE", e.arch, VALUES_FILES,
         "its description (JSON), when it is not the reference's"),
    TEXT("list", 0, "FILE", list, VALUES_FILES, "more images, a path a line; - is standard input"),
    TEXT("boxes", 0, "DIR", e.boxes, VALUES_FOLDERS,
         "features of given boxes instead of found ones: for IMAGE.jpg those in DIR/IMAGE.txt "
         "(four numbers a line), .json or .npy"),
    SHARD("shard", shard,
          "only every N-th image from the I-th on: one of N runs that share the work"),
    FLAG("verify", verify,
         "extract nothing: open what is there of each image, and print those of which nothing or "
         "something damaged is, a path a line"),
    TEXT("merge", 0, "LMDB", merge, VALUES_WRITTEN,
         "extract nothing: put the LMDBs that are named into this one, those of shards"),
    INT("jobs", 0, "N", e.jobs, 1, 256, 1, "images at a time; they share the threads"),
    INT("batch", 0, "N", e.batch, 1, EXTRACT_BATCH_MOST, 0,
        "images of one size that the detector takes at a time; on a GPU up to 8 without it, as "
        "many as there is room for, and 1 on the CPU"),
    ROW_THREADS(e.threads),
    ROW_DEVICE(e.device),
    ROW_UPRIGHT(e.upright),
    ROW_UNSAFE,
    FLAG("force", e.force, "overwrite what is there"),
    FLAG("profile", e.profile, "say where the time went"),
    FLAG("quiet", e.quiet, "no progress"),
    END,
};

struct images {
    char **paths;
    int count;
};

/* ---- the list of images */

static void extract_add(struct images *l, char *path)
{
    if ((l->count & (l->count - 1)) == 0)
        l->paths = xreallocarray(l->paths, l->count ? 2 * (size_t)l->count : 1,
                                 sizeof *l->paths);
    l->paths[l->count++] = path;
}

static bool extract_is_picture(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".pbm", ".pgm",
                                       ".ppm", ".pnm", ".webp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && name[0] != '.' && i < sizeof ends / sizeof ends[0]; i++)
        if (strcasecmp(dot, ends[i]) == 0)
            return true;
    return false;
}

static int extract_by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_images(struct images *l)
{
    for (int i = 0; i < l->count; i++)
        free(l->paths[i]);
    free(l->paths);
}

#define LEFT_OUT_SHOWN 6

/* What a folder has beside pictures is not extracted, and that is said. */
static void tell_left_out(const char *folder, struct images *out)
{
    struct buf names = {0};
    vs_sort(out->paths, (size_t)out->count, sizeof *out->paths, extract_by_name);
    for (int i = 0; i < out->count && i < LEFT_OUT_SHOWN; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", out->paths[i]);
    if (out->count > LEFT_OUT_SHOWN)
        buf_printf(&names, " and %d more", out->count - LEFT_OUT_SHOWN);
    if (out->count)
        plain_text(stderr, "vilscope extract: note: %s: %d left out, no picture by its name: %s\n",
                   folder, out->count, names.data);
    buf_fini(&names);
}

static int add_folder(struct images *l, const char *folder, struct vs_err *err)
{
    DIR *d = opendir(folder);
    struct images others = {.count = 0};
    int first = l->count;
    if (!d)
        return vs_fail(err, VS_E_IO, "%s: %s", folder, strerror(errno));
    for (struct dirent *e; (e = readdir(d));)
        if (extract_is_picture(e->d_name))
            extract_add(l, command_inside(folder, e->d_name));
        else if (e->d_name[0] != '.')
            extract_add(&others, xstrdup(e->d_name));
    closedir(d);
    tell_left_out(folder, &others);
    free_images(&others);
    if (l->count == first)
        return vs_fail(err, VS_E_USAGE, "%s: no images in this folder",
                       folder);
    vs_sort(l->paths + first, (size_t)(l->count - first), sizeof *l->paths, extract_by_name);
    return 0;
}

static int extract_add_path(struct images *l, const char *path, struct vs_err *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return add_folder(l, path, err);
    extract_add(l, xstrdup(path));
    return 0;
}

/* No more of a line is read than a path can have: a list may be a device that never ends. */
static int extract_add_lines(struct images *l, const char *file, FILE *f, struct vs_err *err)
{
    char line[PATH_MAX + 2];
    int rc = 0;
    for (long number = 1; rc == 0 && fgets(line, sizeof line, f); number++) {
        size_t n = strcspn(line, "\r\n");
        if (n == sizeof line - 1 || (line[n] == '\0' && !feof(f)))
            return vs_fail(err, VS_E_FORMAT, "%s: line %ld is longer than a path can be, or holds "
                           "zero bytes: a list has one path a line", file, number);
        line[n] = '\0';
        if (line[0])
            rc = extract_add_path(l, line, err);
    }
    if (ferror(f) && rc == 0)
        rc = vs_fail(err, VS_E_IO, "%s: %s", file, strerror(errno));
    return rc;
}

static int add_list(struct images *l, const char *file, struct vs_err *err)
{
    bool standard = strcmp(file, "-") == 0;
    int rc = standard ? 0 : stream_check(file, err);
    FILE *f = rc ? NULL : standard ? stdin : fopen(file, "r");
    if (!f)
        return rc ? rc : vs_fail(err, VS_E_IO, "%s: %s", file, strerror(errno));
    rc = extract_add_lines(l, file, f, err);
    if (!standard)
        fclose(f);
    return rc;
}

static void keep_shard(struct images *l, const struct shard *shard)
{
    int n = 0;
    for (int i = 0; i < l->count; i++)
        if (shard_has(shard, i))
            l->paths[n++] = l->paths[i];
        else
            free(l->paths[i]);
    l->count = n;
}

/* ---- options */

static int check_merge(const struct options *o, int files)
{
    if (o->verify || o->e.out || o->list || o->shard.count)
        return command_usage("extract", "--merge takes LMDBs alone: no -o, --list, --shard or "
                             "--verify with it");
    return files ? 0 : command_usage("extract", "--merge LMDB: which others are put into it?");
}

static int extract_check_options(struct options *o, int images)
{
    if (o->merge)
        return check_merge(o, images);
    if (!o->e.out)
        return command_usage("extract", "-o is missing: a folder, or NAME.lmdb");
    if (!o->e.weights && !o->model && !o->verify)
        return command_usage("extract", "no detector: -d WEIGHTS, or -m DIR of a model that has "
                             "one");
    if (images == 0 && !o->list)
        return command_usage("extract", "no image is given");
    size_t n = strlen(o->e.out);
    o->e.format = o->format == 0 ? EXTRACT_NPY : EXTRACT_SAFETENSORS;
    if (n > 5 && strcmp(o->e.out + n - 5, ".lmdb") == 0)
        o->e.format = EXTRACT_LMDB;
    return 0;
}

/* ---- running */

static atomic_bool stop;

static int extract_print_summary(const struct extract_summary *s)
{
    int all = s->written + s->there + s->failed + s->left;
    fprintf(stderr, "%d images: %d written", all, s->written);
    if (s->there)
        fprintf(stderr, ", %d there already", s->there);
    if (s->failed)
        fprintf(stderr, ", %d failed", s->failed);
    if (s->left)
        fprintf(stderr, ", %d left: run the same command to continue", s->left);
    fprintf(stderr, "; %.1f s", s->ms / 1000);
    if (s->written && s->ms > 0)
        fprintf(stderr, ", %.2f images/s", 1000.0 * s->written / s->ms);
    fputc('\n', stderr);
    return s->left && command_is_stopped() ? EXIT_AGAIN
           : s->failed || s->left           ? EXIT_FAILED : EXIT_OK;
}

static int extract_collect(const struct options *o, char **argv, int argc, struct images *l,
                           struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < argc && rc == 0; i++)
        rc = extract_add_path(l, argv[i], err);
    if (rc == 0 && o->list)
        rc = add_list(l, o->list, err);
    if (rc == 0)
        keep_shard(l, &o->shard);
    return rc;
}

/* ---- what is there already */

static void extract_tell_bad(void *arg, const char *image, const char *why)
{
    (void)arg;
    plain_out("%s\n", image);
    if (why)
        plain_text(stderr, "vilscope extract: %s\n", why);
}

static int extract_verify_all(const struct options *o, char **argv, int argc, struct vs_err *err)
{
    const struct extract_look look = {extract_tell_bad, NULL, &stop};
    struct extract_verified n = {0};
    struct images l = {0};
    int rc = extract_collect(o, argv, argc, &l, err);
    if (rc == 0)
        rc = extract_verify(&o->e, l.paths, l.count, &look, &n, err);
    if (rc == 0)
        plain_text(stderr, "%d images: %d there, %d missing, %d damaged\n", l.count, n.there,
                   n.missing, n.damaged);
    free_images(&l);
    return rc ? rc : n.missing || n.damaged ? EXIT_FAILED : EXIT_OK;
}

static int extract_merge_all(const struct options *o, char **files, int count, struct vs_err *err)
{
    struct extract_merged n = {0};
    int rc = extract_merge(o->merge, files, count, &stop, &n, err);
    if (rc == 0 && !o->e.quiet)
        plain_text(stderr, "%s: %d images added, %d there already\n", o->merge, n.added, n.there);
    return rc;
}

static int extract_all(struct options *o, char **argv, int argc, struct vs_err *err, int *status)
{
    struct images l = {0};
    struct parts parts = {0};
    struct extract_summary sum = {0};
    int rc = o->model ? parts_read(o->model, &parts, err) : 0;
    if (rc == 0 && !o->e.weights) {
        o->e.weights = parts.detector;
        o->e.arch = o->e.arch ? o->e.arch : parts.detector_arch;
        if (!parts.detector)
            rc = vs_fail(err, VS_E_USAGE, "%s: its model.json names no detector", o->model);
    }
    if (rc == 0)
        rc = extract_collect(o, argv, argc, &l, err);
    if (rc == 0) {
        command_stop_by_signals(&stop);
        rc = extract_run(&o->e, l.paths, l.count, &stop, &sum, err);
        if (rc == 0 || sum.written || sum.failed)
            *status = extract_print_summary(&sum);
    }
    free_images(&l);
    parts_fini(&parts);
    return rc;
}

static int run_extract(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    int status = extract_check_options(o, count);
    if (status != 0)
        return status;
    if (o->merge || o->verify) {
        command_stop_by_signals(&stop);
        status = o->merge ? extract_merge_all(o, args, count, &err)
                          : extract_verify_all(o, args, count, &err);
        return status < 0 ? command_fail("extract", &err) : status;
    }
    if (extract_all(o, args, count, &err, &status) != 0)
        return command_fail("extract", &err);
    return status;
}

const struct command command_extract = {
    .name = "extract", .args = "[OPTION...] -o DIR|FILE.lmdb IMAGE...",
    .summary = "Write the regions of many images to files.",
    .about =
        "Runs the region detector on images and writes their regions: files that vilscope and\n"
        "the reference's own programs read. Run again, it continues where it stopped.\n",
    .after =
        "IMAGE is an image (JPEG, PNG, GIF, BMP, PNM, WebP), or a folder of them. A bad image is\n"
        "named and skipped; the exit status is 1 when one was, 75 when TERM, HUP or USR1 ended\n"
        "it: then the same command goes on.\n\n"
        "  vilscope extract -d detectron_model.pth -o features images/\n"
        "  vilscope extract -d detectron_model.pth -o coco.lmdb --list images.txt --shard 3/16\n"
        "  vilscope extract --merge coco.lmdb parts/*.lmdb\n",
    .rows = option_rows, .most = -1, .values = VALUES_FILES, .size = sizeof(struct options),
    .run = run_extract,
};
