/* vilscope query: one query from the command line, answered, printed and logged. */
#include "src/cmd/vilscope.h"

#include "sessions/log.h"
#include "src/cmd/cmd_log.h"
#include "src/task/change.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/cmd_query.h"
#include "src/engine/demo.h"
#include "src/engine/engine.h"
#include "src/formats/boxfile.h"
#include "src/formats/npy.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILES 1024

struct options {
    struct model_options model;
    const char *checkpoints[MAX_FILES + 1], *regions[MAX_FILES], *images[MAX_FILES];
    const char *boxes[MAX_FILES], *keys[MAX_FILES];
    int checkpoint_count, region_count, image_count, box_count, key_count;
    const char *candidates, *task, *attention, *log;
    char *text; /* owned */
    bool json, no_log, log_maps, pair_separate, upright;
    int top, maps_limit; /* megabytes */
    struct change *changes; /* owned */
    int change_count;
    bool knock;
    enum effects_of knock_of;
};

enum {
    OPT_REGIONS = 256, OPT_KEY, OPT_CANDIDATES, OPT_BOXES, OPT_UPRIGHT, OPT_JSON, OPT_TOP,
    OPT_ATTENTION, OPT_DEVICE, OPT_THREADS, OPT_LOG, OPT_NO_LOG, OPT_LOG_MAPS, OPT_MAPS_LIMIT,
    OPT_PAIR, OPT_CHANGE, OPT_KNOCK, OPT_HELP
};

static const struct option long_options[] = {
    {"model", required_argument, NULL, 'm'},
    {"checkpoint", required_argument, NULL, 'c'},
    {"task", required_argument, NULL, 't'},
    MODEL_PARTS_OPTIONS,
    {"regions", required_argument, NULL, OPT_REGIONS},
    {"key", required_argument, NULL, OPT_KEY},
    {"candidates", required_argument, NULL, OPT_CANDIDATES},
    {"boxes", required_argument, NULL, OPT_BOXES},
    {"upright", no_argument, NULL, OPT_UPRIGHT},
    {"pair", required_argument, NULL, OPT_PAIR},
    {"change", required_argument, NULL, OPT_CHANGE},
    {"knock-out", required_argument, NULL, OPT_KNOCK},
    {"json", no_argument, NULL, OPT_JSON},
    {"top", required_argument, NULL, OPT_TOP},
    {"attention", required_argument, NULL, OPT_ATTENTION},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"log", required_argument, NULL, OPT_LOG},
    {"no-log", no_argument, NULL, OPT_NO_LOG},
    {"log-attention", no_argument, NULL, OPT_LOG_MAPS},
    {"attention-limit", required_argument, NULL, OPT_MAPS_LIMIT},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

const char query_help[] =
    "  -m, --model DIR        model directory (vilscope-model(5)); the demo's without any\n"
    "  -c, --checkpoint FILE  checkpoint; given more than once, each one answers\n"
    MODEL_PARTS_HELP
    "      --regions FILE     regions of an image: .npy, LMDB folder, TSV; once for each image,\n"
    "                         or once for all when it holds several\n"
    "      --key KEY          entry of the LMDB or TSV file (default: the image's name, or the\n"
    "                         number it ends with); once for each image\n"
    "      --candidates FILE  regions to choose from, for visual7w and guesswhat\n"
    "      --boxes FILE       boxes, as four numbers a line, JSON or .npy: the detector computes\n"
    "                         their features; visual7w and guesswhat choose from them, other\n"
    "                         tasks see only them; once for each image, or once for all\n"
    "      --upright          turn pictures as their EXIF orientation says (the reference does\n"
    "                         not)\n"
    "  -t, --task TASK        name or number of the task (\"vilscope tasks\" lists them)\n"
    "      --pair LAYOUT      nlvr2: reference (default) or separate rows for each image\n"
    "      --change WHAT      an intervention; may be given more than once: \"mask token 4\",\n"
    "                         \"drop token 4\", \"drop region 7\" (of image 2), \"silence\n"
    "                         text-to-image 3.2 zero\" (or uniform, mean), \"swap co 3 from\n"
    "                         early\"\n"
    "      --knock-out KIND   also leave out every one of the regions, tokens (masked) or heads\n"
    "                         in turn, and print how much the best answer owes to each\n"
    "      --json             the whole result as JSON, one document a checkpoint\n"
    "      --top N            lines of the answer to print (default 5)\n"
    "      --attention FILE   write all attention maps as .safetensors, or the mean over heads\n"
    "                         of the text-to-image maps (layers, tokens, regions) as .npy\n"
    "      --device NAME      auto, cpu, cuda, ... (vilscope devices)\n"
    "      --threads N        threads to compute with (default: all CPUs)\n"
    "      --log FILE         log database (default: the one of the workbench), or FOLDER/: a log\n"
    "                         for each machine\n"
    "      --no-log           do not log this query\n"
    "      --log-attention    also log all attention maps, in half precision and compressed\n"
    "      --attention-limit MB  do not log those of a query that take more (default 16)\n"
    "      --help             this text\n\n"
    "IMAGE is a JPEG or PNG picture; with --regions alone no picture is needed. TEXT is the last\n"
    "argument.\n\n"
    "  vilscope query -m models/12in1 --regions 42.npy --task refcoco 42.jpg \"the left dog\"\n";

static int parse_count(const char *s, int min, int max, int *out)
{
    char *end;
    errno = 0;
    long v = strtol(s, &end, 10);
    if (errno || end == s || *end || v < min || v > max)
        return -1;
    *out = (int)v;
    return 0;
}

static int add_file(const char **list, int *count, const char *path, const char *what)
{
    if (*count >= MAX_FILES)
        return command_usage("query", "more than %d %s", MAX_FILES, what);
    list[(*count)++] = path;
    return 0;
}

static int take_number(int opt, struct options *o, const char *value)
{
    if (opt == OPT_TOP && parse_count(value, 0, 1000000, &o->top) != 0)
        return command_usage("query", "--top takes a number, not '%s'", value);
    if (opt == OPT_THREADS && parse_count(value, 1, 1024, &o->model.threads) != 0)
        return command_usage("query", "--threads takes a number from 1 to 1024, not '%s'", value);
    if (opt == OPT_MAPS_LIMIT && parse_count(value, 1, 1000000, &o->maps_limit) != 0)
        return command_usage("query", "--attention-limit takes megabytes from 1, not '%s'", value);
    return 0;
}

static int take_pair(struct options *o, const char *value)
{
    o->pair_separate = strcmp(value, "separate") == 0;
    if (!o->pair_separate && strcmp(value, "reference") != 0)
        return command_usage("query", "--pair takes reference or separate, not '%s'", value);
    return 0;
}

static int take_change(struct options *o, const char *value)
{
    struct vs_err err = {0};
    o->changes = xreallocarray(o->changes, (size_t)o->change_count + 1, sizeof *o->changes);
    if (change_parse(value, &o->changes[o->change_count], &err) != 0)
        return command_usage("query", "--change: %s", err.text);
    o->change_count++;
    return 0;
}

static int take_knock(struct options *o, const char *value)
{
    o->knock = knock_find(value, &o->knock_of);
    return o->knock ? 0 : command_usage("query", "--knock-out takes regions, tokens or heads, not "
                                        "'%s'", value);
}

static int take_option(int opt, struct options *o, const char *value)
{
    if (model_parts_take(opt, value, &o->model))
        return 0;
    switch (opt) {
    case 'm': o->model.dir = value; return 0;
    case 'c': return add_file(o->checkpoints, &o->checkpoint_count, value, "checkpoints");
    case 't': o->task = value; return 0;
    case OPT_REGIONS: return add_file(o->regions, &o->region_count, value, "region files");
    case OPT_KEY: return add_file(o->keys, &o->key_count, value, "keys");
    case OPT_CANDIDATES: o->candidates = value; return 0;
    case OPT_BOXES: return add_file(o->boxes, &o->box_count, value, "box files");
    case OPT_UPRIGHT: o->upright = true; return 0;
    case OPT_PAIR: return take_pair(o, value);
    case OPT_CHANGE: return take_change(o, value);
    case OPT_KNOCK: return take_knock(o, value);
    case OPT_JSON: o->json = true; return 0;
    case OPT_ATTENTION: o->attention = value; return 0;
    case OPT_DEVICE: o->model.device = value; return 0;
    case OPT_LOG: o->log = value; return 0;
    case OPT_NO_LOG: o->no_log = true; return 0;
    case OPT_LOG_MAPS: o->log_maps = true; return 0;
    case OPT_HELP: return -1;
    case OPT_TOP:
    case OPT_MAPS_LIMIT:
    case OPT_THREADS: return take_number(opt, o, value);
    default: return EXIT_USAGE; /* getopt has said what is wrong */
    }
}

/* 0, an exit status, or -1 when help was asked for. */
static int parse(int argc, char **argv, struct options *o)
{
    int opt, rc;
    optind = 1;
    while ((opt = command_getopt("query", argc, argv, "m:c:t:", long_options)) != -1)
        if ((rc = take_option(opt, o, optarg)) != 0)
            return rc;
    if (o->checkpoint_count)
        o->model.checkpoints = o->checkpoints;
    if (!o->task)
        return command_usage("query", "--task is missing");
    if (optind >= argc)
        return command_usage("query", "the query's text is missing: it is the last argument");
    o->text = xstrdup(argv[argc - 1]);
    for (int i = optind; i < argc - 1; i++)
        if ((rc = add_file(o->images, &o->image_count, argv[i], "images")) != 0)
            return rc;
    return 0;
}

/* ---- photos */

static const char *regions_of(const struct options *o, int i)
{
    if (o->region_count == 0)
        return NULL;
    return o->region_count == 1 ? o->regions[0] : o->regions[i];
}

static int open_photos(const struct options *o, struct photo **photos, int count,
                       struct vs_err *err)
{
    if (o->image_count && o->region_count > 1 && o->region_count != o->image_count)
        return vs_fail(err, VS_E_USAGE, "%d images but %d --regions: give one for each image",
                       o->image_count, o->region_count);
    if (o->key_count && o->key_count != count)
        return vs_fail(err, VS_E_USAGE, "%d image%s but %d --key: give one for each image", count,
                       count == 1 ? "" : "s", o->key_count);
    for (int i = 0; i < count; i++) {
        const char *image = i < o->image_count ? o->images[i] : NULL;
        const char *key = o->key_count ? o->keys[i] : NULL;
        struct photo_options how = {regions_of(o, i), key, o->upright};
        int rc = photo_open(image, &how, &photos[i], err);
        if (rc == 0 && o->candidates)
            rc = photo_set_candidates(photos[i], o->candidates, key, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int open_boxes(const struct options *o, struct box_list *boxes, int count,
                      struct vs_err *err)
{
    int rc = 0;
    if (o->box_count > 1 && o->box_count != count)
        return vs_fail(err, VS_E_USAGE, "%d images but %d --boxes: give one for each image", count,
                       o->box_count);
    for (int i = 0; i < count && o->box_count && rc == 0; i++)
        rc = boxfile_read(o->boxes[o->box_count == 1 ? 0 : i], &boxes[i].boxes, &boxes[i].count,
                          err);
    return rc;
}

/* ---- progress of the detector, on a terminal only */

static void on_detect(void *arg, const struct detect_progress *p)
{
    bool *shown = arg;
    *shown = true;
    char left[32];
    plain_text(stderr, "\r\033[Klooking for regions: %s, %.0f %%%s", p->stage, 100 * p->share,
               progress_left_text(p->left_ms, left));
    fflush(stderr);
}

/* ---- progress of weights on their way to a GPU */

static void on_upload(void *arg, size_t done, size_t all)
{
    bool *shown = arg;
    *shown = true;
    fprintf(stderr, "\r\033[Kcopying weights to the GPU: %zu of %zu MB", done >> 20, all >> 20);
    fflush(stderr);
}

/* ---- attention */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Every map of the trace, under the names of the golden data. */
static int write_maps(const char *path, const struct trace *t, struct vs_err *err)
{
    struct tensor_out *list = xcalloc((size_t)t->count, sizeof *list);
    int n = 0;
    for (int i = 0; i < t->count; i++) {
        const struct trace_tensor *x = &t->tensors[i];
        if (strncmp(x->name, "attn.", 5) != 0)
            continue;
        list[n] = (struct tensor_out){.name = x->name, .dtype = DTYPE_F32, .ndim = x->ndim,
                                      .data = x->data};
        memcpy(list[n++].shape, x->shape, sizeof x->shape);
    }
    int rc = safetensors_write(path, list, n, err);
    free(list);
    return rc;
}

/* (layers, images, tokens, regions): the mean over heads of where the text looks. */
static int write_means(const char *path, const struct trace *t, struct vs_err *err)
{
    int layers = trace_attention_layers(t, ATTN_TEXT_TO_IMAGE);
    size_t one = (size_t)t->tokens * (size_t)t->regions;
    int64_t shape[4] = {layers, t->batch, t->tokens, t->regions};
    float *all = xcalloc((size_t)layers * (size_t)t->batch * one, sizeof *all);
    for (int l = 0; l < layers; l++)
        for (int b = 0; b < t->batch; b++) {
            int rows, cols;
            trace_attention(t, ATTN_TEXT_TO_IMAGE, l, b, -1, &rows, &cols,
                            all + ((size_t)l * (size_t)t->batch + (size_t)b) * one);
        }
    int rc = npy_write_f32(path, 4, shape, all, err);
    free(all);
    return rc;
}

static int write_attention(const char *path, const struct trace *t, struct vs_err *err)
{
    if (ends_with(path, ".npy"))
        return write_means(path, t, err);
    if (ends_with(path, ".safetensors"))
        return write_maps(path, t, err);
    return vs_fail(err, VS_E_USAGE, "%s: attention is written to a .safetensors or .npy file",
                   path);
}

/* ---- running */

static void print_result(const struct options *o, const struct result *r)
{
    char *text = o->json ? result_json(r, 2) : result_text(r, o->top);
    if (!o->json && r->notice)
        plain_text(stderr, "vilscope query: note: %s\n", r->notice);
    if (o->json)
        plain_json_line(text);
    else
        fputs(text, stdout);
    free(text);
}

static void log_maps(const struct options *o, struct logging *g, const struct result *r)
{
    struct log_attention_size size;
    struct vs_err err = {0};
    if (!o->log_maps)
        return;
    int rc = r->log_id > 0 ? log_attention(g->log, r->log_id, r->trace,
                                           (int64_t)o->maps_limit * 1000000, &size, &err)
                           : vs_fail(&err, VS_E_DB, "attention maps do not wait with their query");
    g->unlogged |= rc != 0 && rc != VS_E_LIMIT;
    if (rc != 0)
        plain_text(stderr, "vilscope query: not logged: %s\n", err.text);
    else
        fprintf(stderr, "vilscope query: %d attention maps logged in %.1f KB (%.1f KB as they "
                "were)\n", size.maps, (double)size.packed / 1e3, (double)size.raw / 1e3);
}

static void tell_diverged(const struct vs_err *err)
{
    if (err->code != 0)
        plain_text(stderr, "vilscope query: %s\n", err->text);
}

static int run_checkpoints(const struct options *o, struct model *m, struct query *q,
                           struct logging *g, struct vs_err *err)
{
    int n = model_checkpoint_count(m), rc = 0;
    bool all = o->checkpoint_count > 1;
    struct vs_err diverged = {0};
    for (int i = all ? 0 : n - 1; rc == 0 && i < n; i++) {
        struct result *r = NULL;
        q->checkpoint = i;
        bool shown = false;
        q->report = isatty(STDERR_FILENO) ? on_detect : NULL;
        q->report_arg = &shown;
        model_watch(m, q->report ? on_upload : NULL, &shown);
        rc = query_run(m, q, NULL, &r, err);
        model_watch(m, NULL, NULL);
        if (shown)
            fputs("\r\033[K", stderr);
        if (rc == VS_E_DIVERGED && all) { /* the others answer; it is told at the end */
            tell_diverged(&diverged);
            diverged = *err;
            rc = 0;
            continue;
        }
        if (rc != 0)
            break;
        if (all && !o->json)
            plain_out("%s\n", r->checkpoint_name);
        if (o->json)
            model_complete(m, r);
        print_result(o, r);
        fflush(stdout);
        if (o->knock)
            rc = knock_print(m, q, r, o->knock_of, o->json, o->top > 5 ? o->top : 20, err);
        if (rc == 0 && o->attention)
            rc = write_attention(o->attention, r->trace, err);
        if (g->log) {
            model_complete(m, r);
            log_result_later(g->log, r, NULL);
            log_maps(o, g, r);
        }
        result_free(r);
    }
    if (rc == 0 && diverged.code != 0) {
        *err = diverged;
        rc = diverged.code;
    }
    return rc;
}

/* Without any part of a model the demo's is asked. */
static int open_model(const struct options *o, struct model **m, struct vs_err *err)
{
    struct model_options how = o->model;
    bool named = how.dir || how.checkpoints || how.config || how.vocab;
    char *demo = named ? NULL : demo_find();
    how.dir = demo ? demo : how.dir;
    int rc = model_open(&how, m, err);
    free(demo);
    return rc;
}

/* A status of the program, or a negative code. */
static int run(const struct options *o, const struct task *task, struct vs_err *err)
{
    int count = o->image_count ? o->image_count : o->region_count ? o->region_count : 1;
    if (!o->image_count && o->region_count == 1 && o->key_count > 1)
        count = o->key_count; /* entries of one file, no pictures */
    struct photo **photos = xcalloc((size_t)count, sizeof *photos);
    struct box_list *boxes = xcalloc((size_t)count, sizeof *boxes);
    struct model *m = NULL;
    struct logging g = {.command = "query"};
    int rc = open_model(o, &m, err);
    if (rc == 0)
        rc = open_photos(o, photos, count, err);
    if (rc == 0)
        rc = open_boxes(o, boxes, count, err);
    if (rc == 0)
        command_about("query", m);
    if (rc == 0) {
        struct query q = {.task = task, .text = o->text, .photo_count = count, .photos = photos,
                          .boxes = o->box_count ? boxes : NULL,
                          .attention = o->attention || o->log_maps,
                          .pair_separate = o->pair_separate,
                          .changes = o->changes, .change_count = o->change_count};
        if (!o->no_log)
            logging_begin(&g, "query", "query", o->log);
        rc = run_checkpoints(o, m, &q, &g, err);
    }
    int logged = logging_end(&g);
    for (int i = 0; i < count; i++) {
        photo_free(photos[i]);
        free(boxes[i].boxes);
    }
    free(boxes);
    free(photos);
    model_free(m);
    return rc ? rc : logged;
}

int cmd_query(int argc, char **argv)
{
    struct options *o = xcalloc(1, sizeof *o);
    struct vs_err err = {0};
    o->top = 5;
    o->maps_limit = 16;
    int status = parse(argc, argv, o);
    const struct task *task = status == 0 ? task_find(o->task) : NULL;
    if (status < 0)
        status = command_help(command_find("query"));
    else if (status == 0 && !task)
        status = command_usage("query", "there is no task '%s' (\"vilscope tasks\" lists them)",
                               o->task);
    else if (status == 0 && o->attention && o->checkpoint_count > 1)
        status = command_usage("query", "--attention takes one checkpoint");
    else if (status == 0 && (status = run(o, task, &err)) < 0)
        status = command_fail("query", &err);
    free(o->changes);
    free(o->text);
    free(o);
    return status;
}
