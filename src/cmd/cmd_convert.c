/* SPDX-License-Identifier: MIT */
/* vilscope convert: checkpoints as safetensors, in fewer bits, averaged, between two others. */
#include "src/cmd/vilscope.h"

#include "src/base/link.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/strmap.h"
#include "src/cmd/cmd_convert.h"
#include "src/cmd/cmd_model.h"
#include "src/formats/bytes.h"
#include "src/formats/outfile.h"
#include "src/formats/regions.h"
#include "src/formats/savedparts.h"
#include "src/formats/weightmix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MOST 64
#define STEPS 5
#define SHARED "shared" /* the file of what all have in common */

static atomic_bool convert_stopped;

#define OPTIONS struct options
struct options {
    struct convert_asked asked;
    const char *output;
    int type, steps;
    bool average, interpolate, force;
};

static const char *const mix_type_choices[] = {MIX_TYPE_NAMES, NULL};
static const struct option_row option_rows[] = {
    TEXT("output", 'o', "PATH", output, VALUES_WRITTEN,
         "the file to write; a folder where several checkpoints come of it"),
    CHOICE("type", "TYPE", type, mix_type_choices, 0,
           "numbers of the weights; int8: each row of a matrix with a scale of its own"),
    FLAG("average", average, "one checkpoint: the mean of those that are given"),
    FLAG("interpolate", interpolate,
         "checkpoints on the straight way from the first to the second"),
    INT("steps", 0, "N", steps, 2, 1000, STEPS, "how many of them, both ends counted"),
    HEADING("To measure the error of every output:"),
    ROW_MODEL(asked.model.dir),
    ROWS_PARTS(asked.model),
    ROW_CHECK_SET(asked.set, "the queries to ask (vilscope-probes(5)); without it those that the "
                             "model directory names"),
    ROW_THREADS(asked.model.threads),
    ROW_DEVICE(asked.model.device),
    ROW_WEIGHTS(asked.model),
    ROW_UNSAFE,
    FLAG("force", force, "overwrite what is there"),
    END,
};

/* Checkpoints that are read, and those that are made. */
struct conversion {
    const struct options *o;
    struct tensorfile *from[FILES_MOST];
    char *paths[FILES_MOST];
    int from_count;
    struct mix mix;
    bool *same; /* tensors that all have: stored once. NULL: everything is in one file */
};

/* ---- what is made: shares of those that are read */

static int made_count(const struct conversion *c)
{
    return c->o->interpolate ? c->o->steps : c->o->average ? 1 : c->from_count;
}

static void shares_of(const struct conversion *c, int i, double *share)
{
    for (int k = 0; k < c->from_count; k++)
        share[k] = c->o->average ? 1.0 / c->from_count : k == i;
    if (c->o->interpolate) {
        share[1] = (double)i / (c->o->steps - 1);
        share[0] = 1 - share[1];
    }
}

/* Which of those that are read it is to be compared with: the one that it has most of. */
static int nearest_of(const struct conversion *c, const double *share)
{
    int best = 0;
    for (int k = 1; k < c->from_count; k++)
        best = share[k] > share[best] ? k : best;
    return best;
}

static char *stem_of(const char *path)
{
    static const char *const ends[] = {".safetensors.index", ".bin.index"};
    char *stem = regions_stem(path);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) { /* what one file resolves to */
        size_t n = strlen(stem), k = strlen(ends[i]);
        if (n > k && strcmp(stem + n - k, ends[i]) == 0)
            stem[n - k] = '\0';
    }
    for (char *p = stem; *p; p++)
        *p = *p == '@' ? '-' : *p;
    return stem;
}

/* "step-03", or the name of the file that it is made of. */
static char *made_name(const struct conversion *c, int i)
{
    int digits = c->o->steps > 100 ? 4 : c->o->steps > 10 ? 2 : 1;
    return c->o->interpolate ? xasprintf("step-%0*d", digits, i) : stem_of(c->paths[i]);
}

/* ---- writing */

/* "0.25 a.bin + 0.75 b.bin" */
static char *describe(const struct conversion *c, const double *share)
{
    struct buf text = {0};
    for (int k = 0; k < c->from_count; k++) {
        const char *slash = strrchr(c->paths[k], '/');
        char hex[DIGEST_HEX];
        struct vs_err err = {0};
        if (share[k] == 0 || tensorfile_digest(c->from[k], hex, &err) != 0)
            continue;
        buf_printf(&text, "%s%.6g %s (sha256 %s)", text.len ? " + " : "", share[k],
                   slash ? slash + 1 : c->paths[k], hex);
    }
    return buf_steal(&text);
}

/* What is measured of a written checkpoint, as JSON: of products in float32, and, of int8, of those
 * in whole numbers. */
struct measured {
    char *of_weights, *of_products;
};

static void measured_fini(struct measured *e)
{
    free(e->of_weights);
    free(e->of_products);
}

static int write_one(struct conversion *c, const double *share, const char *path,
                     const struct measured *e, struct vs_err *err)
{
    char *made_of = describe(c, share);
    const char *errors = e->of_weights ? e->of_weights : "not measured";
    const char *const metadata[] = {"format", "pt", "made_by", "vilscope convert", "made_of",
                                    made_of, "type", mix_type_names[c->mix.type],
                                    "output_errors", errors,
                                    e->of_products ? "output_errors_int8" : NULL, e->of_products,
                                    NULL};
    int rc = mix_write(&c->mix, share, c->same, false, metadata, path, err);
    free(made_of);
    return rc;
}

/* Opened to be asked: with the tensors that all have. */
static char *index_path(const char *path)
{
    return xasprintf("%s.index.json", path);
}

static int write_index(struct conversion *c, const double *share, const char *path,
                       struct vs_err *err)
{
    const char *slash = strrchr(path, '/');
    char *index = index_path(path);
    int rc = mix_write_index(&c->mix, share, c->same, SHARED ".safetensors",
                             slash ? slash + 1 : path, index, err);
    free(index);
    return rc;
}

/* In a precision; the errors are printed, and *json becomes them. */
static int measure_in(struct conversion *c, const char *from, const char *path, int precision,
                      char **json, struct vs_err *err)
{
    struct output_errors e = {.count = 0};
    char *made = c->same ? index_path(path) : xstrdup(path);
    int rc = convert_measure(&c->o->asked, from, made, precision, &convert_stopped, &e, err);
    if (rc == 0) {
        char *title = xasprintf("against %s%s", from,
                                precision ? ", --precision int8" : "");
        *json = output_errors_json(&e);
        convert_print(path, title, &e);
        free(title);
    }
    output_errors_fini(&e);
    free(made);
    return rc;
}

/* Of a GPU there is no int8. */
static bool has_int8(const struct conversion *c)
{
    const char *device = c->o->asked.model.device;
    return c->mix.type == MIX_INT8 && (!device || strncmp(device, "cuda", 4) != 0);
}

static int measure_one(struct conversion *c, const double *share, const char *path,
                       struct vs_err *err)
{
    const char *from = c->paths[nearest_of(c, share)];
    struct measured e = {NULL, NULL};
    int rc = measure_in(c, from, path, KERN_FLOAT32, &e.of_weights, err);
    if (rc == 0 && has_int8(c))
        rc = measure_in(c, from, path, KERN_INT8, &e.of_products, err);
    if (rc == 0)
        rc = write_one(c, share, path, &e, err);
    measured_fini(&e);
    return rc;
}

/* What is read is not written over: it may be asked again, and is what the errors are of. What all
 * have in common belongs to those that were written with it. */
static int check_place(const struct conversion *c, const char *path, struct vs_err *err)
{
    struct stat st;
    for (int k = 0; k < c->from_count; k++) {
        bool is_read = file_is_at(path, tensorfile_path(c->from[k]));
        const char *shard;
        for (int i = 0; !is_read && (shard = tensorfile_shard(c->from[k], i)); i++)
            is_read = file_is_at(path, shard);
        if (is_read)
            return vs_fail(err, VS_E_USAGE, "%s: is one of the checkpoints that are read, or of "
                           "their files: give another file with -o", path);
    }
    return c->o->force || stat(path, &st) != 0
               ? 0 : vs_fail(err, VS_E_USAGE, "%s: is there already (--force overwrites it)", path);
}

/* An index that is written over, or that would say that tensors of path are in another file. */
static int check_index(const struct conversion *c, const char *path, struct vs_err *err)
{
    char *index = c->same ? index_path(path) : savedparts_index(path);
    int rc = index ? check_place(c, index, err) : 0;
    free(index);
    return rc;
}

/* Not what a device stands for, nor a link. */
static void remove_file(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        unlink(path);
}

/* An earlier file of this name had tensors elsewhere; this one has them all. */
static void remove_stale_index(const struct conversion *c, const char *path)
{
    char *index = c->same ? NULL : savedparts_index(path);
    if (index)
        remove_file(index);
    free(index);
}

/* What was written, and could not be measured or has no index, is not left: it would keep the same
 * command from writing it, or open as a smaller model. */
static void convert_unmake(const struct conversion *c, const char *path)
{
    char *index = c->same ? index_path(path) : NULL;
    remove_file(path);
    if (index)
        remove_file(index);
    free(index);
}

/* Written, asked, and written again with what was found out: what it says of itself is a part of
 * it. */
static int make_one(struct conversion *c, int i, const char *path, struct vs_err *err)
{
    double share[FILES_MOST];
    shares_of(c, i, share);
    int rc = check_place(c, path, err);
    if (rc == 0)
        rc = check_index(c, path, err);
    if (rc == 0)
        rc = write_one(c, share, path, &(struct measured){NULL, NULL}, err);
    if (rc != 0)
        return rc;
    remove_stale_index(c, path);
    bool asked = convert_can_ask(&c->o->asked);
    if (c->same)
        rc = write_index(c, share, path, err);
    if (rc == 0 && asked)
        rc = measure_one(c, share, path, err);
    if (rc != 0) {
        convert_unmake(c, path);
        return rc;
    }
    if (asked)
        return 0;
    link_print(stdout, path, NULL, path);
    plain_out(": written; the error of its outputs was not measured (-m DIR --check-set FILE "
              "does)\n");
    return 0;
}

static char *shared_path(const struct conversion *c)
{
    return xasprintf("%s/" SHARED ".safetensors", c->o->output);
}

/* What all have in common is stored once, if there is any. */
static int write_shared(struct conversion *c, struct vs_err *err)
{
    int n = tensorfile_count(c->from[0]);
    double share[FILES_MOST] = {1};
    c->same = xcalloc((size_t)n + 1, sizeof *c->same);
    bool alike;
    uint64_t bytes = mix_find_same(&c->mix, c->same, &alike);
    if (bytes == 0) {
        free(c->same);
        c->same = NULL;
        return 0;
    }
    char *path = shared_path(c);
    int rc = check_place(c, path, err);
    if (rc == 0 && alike)
        plain_text(stderr, "vilscope convert: note: all of them have the same weights\n");
    if (rc == 0)
        rc = mix_write(&c->mix, share, c->same, true, NULL, path, err);
    if (rc == 0)
        plain_out("%s: %.1f MB that all have, stored once\n", path, (double)bytes / 1e6);
    free(path);
    return rc;
}

/* None is written over another one, or over what all have in common. */
static int check_made_names(const struct conversion *c, struct vs_err *err)
{
    struct strmap taken = {0};
    char *names[FILES_MOST];
    int rc = 0, n = 0;
    strmap_add(&taken, SHARED, strlen(SHARED), FILES_MOST);
    for (; n < c->from_count && n < made_count(c) && rc == 0; n++) {
        names[n] = made_name(c, n);
        int by = strmap_add(&taken, names[n], strlen(names[n]), n);
        if (by == FILES_MOST)
            rc = vs_fail(err, VS_E_USAGE, "%s: %s.safetensors is the file of what all have in "
                         "common: give it another name", c->paths[n], names[n]);
        else if (by >= 0)
            rc = vs_fail(err, VS_E_USAGE, "%s and %s would both be written to %s.safetensors: give "
                         "one of them another name", c->paths[by], c->paths[n], names[n]);
    }
    strmap_fini(&taken);
    for (int i = 0; i < n; i++)
        free(names[i]);
    return rc;
}

static int make_several(struct conversion *c, struct vs_err *err)
{
    int rc = check_made_names(c, err);
    if (rc == 0)
        rc = outfile_folder(c->o->output, err);
    if (rc == 0)
        rc = write_shared(c, err);
    bool shared = rc == 0 && c->same;
    int made = 0;
    for (; made < made_count(c) && rc == 0; made += rc == 0) {
        int i = made;
        char *name = made_name(c, i), *path = xasprintf("%s/%s.safetensors", c->o->output, name);
        rc = make_one(c, i, path, err);
        free(path);
        free(name);
    }
    if (shared && made == 0) { /* of none */
        char *path = shared_path(c);
        remove_file(path);
        free(path);
    }
    return rc;
}

/* ---- the command */

static int convert_check_options(const struct options *o, int count)
{
    if (!o->output)
        return command_usage("convert", "-o is missing: the file to write");
    if (o->average && o->interpolate)
        return command_usage("convert", "only one of --average and --interpolate at a time");
    if (!o->interpolate && o->steps != STEPS)
        return command_usage("convert", "--steps is for --interpolate");
    if (count == 0 || count > FILES_MOST)
        return command_usage("convert", "1 to %d checkpoints can be read", FILES_MOST);
    if (o->interpolate && count != 2)
        return command_usage("convert", "--interpolate goes from one checkpoint to another: give "
                             "two");
    if (o->average && count < 2)
        return command_usage("convert", "--average needs two checkpoints or more");
    return 0;
}

static int open_sources(struct conversion *c, const struct chosen *chosen, int count,
                        struct vs_err *err)
{
    const char *set = c->o->asked.model.weights;
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        char *saved = savedparts_weights(chosen->paths[i]);
        c->paths[i] = set ? xasprintf("%s@%s", saved ? saved : chosen->paths[i], set)
                          : xstrdup(saved ? saved : chosen->paths[i]);
        free(saved);
        rc = tensorfile_open(c->paths[i], &c->from[i], err);
        c->from_count += rc == 0;
        if (rc != 0)
            free(c->paths[i]);
    }
    c->mix = (struct mix){.from = c->from, .from_count = c->from_count,
                          .type = (enum mix_type)c->o->type, .stop = &convert_stopped};
    return rc == 0 ? mix_check(&c->mix, err) : rc;
}

/* Whole numbers have no mean; where nothing is mixed each file has its own. */
static void convert_say_unlike(const struct conversion *c)
{
    int count;
    if (!c->o->average && !c->o->interpolate)
        return;
    const char *name = mix_find_unlike(&c->mix, &count);
    if (!name)
        return;
    plain_text(stderr, "vilscope convert: note: '%.200s'", name);
    if (count > 1)
        plain_text(stderr, " and %d other%s", count - 1, count > 2 ? "s" : "");
    plain_text(stderr, " (whole numbers) are not the same in all files: those of the file with the "
                       "largest share are written\n");
}

static int run_convert(void *options, char **args, int count)
{
    struct options *o = options;
    struct conversion c = {.o = o};
    struct words wanted = {.count = 0};
    struct chosen *chosen = NULL;
    struct vs_err err = {0};
    struct stat st;
    int status = convert_check_options(o, count);
    if (status != 0)
        return status;
    for (int i = 0; i < count; i++)
        wanted.list[wanted.count++] = args[i];
    int rc = command_choose("convert", &wanted, &o->asked.model, &chosen, &err);
    if (rc == 0)
        rc = open_sources(&c, chosen, count, &err);
    if (rc == 0)
        convert_say_unlike(&c);
    command_stop_by_signals(&convert_stopped);
    if (rc == 0 && made_count(&c) == 1 && (stat(o->output, &st) != 0 || !S_ISDIR(st.st_mode)))
        rc = make_one(&c, 0, o->output, &err);
    else if (rc == 0)
        rc = make_several(&c, &err);
    for (int i = 0; i < c.from_count; i++) {
        tensorfile_close(c.from[i]);
        free(c.paths[i]);
    }
    free(c.same);
    command_chosen_free(chosen);
    if (err.code == VS_E_CANCELLED)
        vs_fail(&err, VS_E_CANCELLED, "stopped: what was not finished is not there");
    if (rc == 0)
        return EXIT_OK;
    status = command_fail("convert", &err);
    return status == EXIT_AGAIN ? EXIT_FAILED : status; /* the same command does not go on */
}

const struct command command_convert = {
    .name = "convert", .args = "[OPTION...] -o FILE|DIR CHECKPOINT...",
    .summary = "Write checkpoints as safetensors: in fewer bits, averaged, interpolated.",
    .about =
        "Reads checkpoints in any of the formats that inspect knows and writes safetensors. With\n"
        "a model directory it asks the old and the new one a set of queries, prints how far each\n"
        "output is off, and keeps that in the file's metadata (\"output_errors\").\n",
    .after =
        "CHECKPOINT is a file, FILE@SET of one with several sets of weights, or a name in the\n"
        "model directory. Tensors that all written checkpoints share are stored once, in\n"
        "shared.safetensors; then NAME.safetensors.index.json is what is opened.\n\n"
        "  vilscope convert multi_task_model.bin -o small.safetensors --type int8 -m models/12in1\n"
        "  vilscope convert --average epoch5.bin epoch6.bin epoch7.bin -o soup.safetensors\n"
        "  vilscope convert --interpolate a.bin b.bin --steps 5 -o way/\n",
    .rows = option_rows, .most = FILES_MOST, .values = VALUES_CHECKPOINTS,
    .size = sizeof(struct options), .run = run_convert,
};
