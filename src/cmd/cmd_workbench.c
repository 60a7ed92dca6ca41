/* vilscope without a command, or vilscope workbench: the screen. */
#include "src/cmd/vilscope.h"

#include "sessions/log.h"
#include "src/cmd/cmd_log.h"
#include "src/cmd/cmd_model.h"
#include "src/engine/demo.h"
#include "src/engine/engine.h"
#include "src/study/eval.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/probes.h"
#include "src/study/watch.h"
#include "ui/workbench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILES 1024

const char workbench_help[] =
    "  -m, --model DIR        model directory (vilscope-model(5)); the demo's without any\n"
    "  -c, --checkpoint FILE  checkpoint; may be given more than once\n"
    MODEL_PARTS_HELP
    "      --regions FILE     regions of an image: .npy, LMDB folder, TSV; once for each image,\n"
    "                         or once for all; without it IMAGE.npy beside the image is taken\n"
    "      --key KEY          entry of the LMDB or TSV file (default: the image's name, or the\n"
    "                         number it ends with); once for each image\n"
    "      --candidates FILE  boxes of the first image to choose from, for visual7w and guesswhat\n"
    "      --upright          turn pictures as their EXIF orientation says (the reference does\n"
    "                         not)\n"
    "  -t, --task TASK        task to begin with (default vqa)\n"
    "      --graphics KIND    auto (default), sixel, blocks, ascii or none\n"
    "      --probes FILE      probes to ask every checkpoint (vilscope-probes(5)); a new file is\n"
    "                         made when the first is pinned\n"
    "      --watch DIR        ask each checkpoint of a training run when it is complete\n"
    "  -S, --script FILE      run the commands of a file, one a line\n"
    "      --tour             a guided tour through the demo\n"
    "      --device NAME      auto, cpu, cuda, ... (vilscope devices)\n"
    "      --threads N        threads to compute with (default: all CPUs)\n"
    "      --log FILE         log database, or FOLDER/: a log for each machine\n"
    "      --no-log           log nothing\n"
    "      --help             this text\n\n"
    "Press ? in the workbench for its keys.\n";

struct options {
    struct model_options model;
    const char *checkpoints[MAX_FILES + 1], *regions[MAX_FILES], *keys_of[MAX_FILES];
    int checkpoint_count, region_count, key_count;
    const char *candidates, *log, *script, *probes, *watch;
    bool no_log, help, upright, tour, keys;
    const struct task *task;
    enum graphics_choice graphics;
};

enum {
    OPT_REGIONS = 256, OPT_KEY, OPT_CANDIDATES, OPT_UPRIGHT, OPT_GRAPHICS, OPT_PROBES,
    OPT_WATCH, OPT_DEVICE, OPT_THREADS, OPT_LOG, OPT_NO_LOG, OPT_TOUR, OPT_KEYS, OPT_HELP
};

static const struct option long_options[] = {
    {"model", required_argument, NULL, 'm'},
    {"checkpoint", required_argument, NULL, 'c'},
    {"task", required_argument, NULL, 't'},
    MODEL_PARTS_OPTIONS,
    {"regions", required_argument, NULL, OPT_REGIONS},
    {"key", required_argument, NULL, OPT_KEY},
    {"candidates", required_argument, NULL, OPT_CANDIDATES},
    {"upright", no_argument, NULL, OPT_UPRIGHT},
    {"graphics", required_argument, NULL, OPT_GRAPHICS},
    {"probes", required_argument, NULL, OPT_PROBES},
    {"watch", required_argument, NULL, OPT_WATCH},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"log", required_argument, NULL, OPT_LOG},
    {"no-log", no_argument, NULL, OPT_NO_LOG},
    {"script", required_argument, NULL, 'S'},
    {"tour", no_argument, NULL, OPT_TOUR},
    {"keys", no_argument, NULL, OPT_KEYS}, /* for the manual: prints the table of keys */
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int take_word(int opt, struct options *o, const char *value)
{
    char *end = NULL;
    switch (opt) {
    case 't':
        o->task = task_find(value);
        return o->task ? 0 : command_usage("workbench", "there is no task '%s' (\"vilscope tasks\" "
                                           "lists them)", value);
    case OPT_GRAPHICS:
        if (!workbench_graphics(value, &o->graphics))
            return command_usage("workbench", "--graphics takes auto, sixel, blocks, ascii or "
                                 "none, not '%s'", value);
        return 0;
    case OPT_THREADS:
        o->model.threads = (int)strtol(value, &end, 10);
        if (*end || o->model.threads < 1 || o->model.threads > 1024)
            return command_usage("workbench", "--threads takes a number from 1 to 1024, not '%s'",
                                 value);
        return 0;
    default: return EXIT_USAGE; /* getopt has said why */
    }
}

static int take_option(int opt, struct options *o, const char *value)
{
    if (model_parts_take(opt, value, &o->model))
        return 0;
    switch (opt) {
    case 'm': o->model.dir = value; return 0;
    case 'c':
        if (o->checkpoint_count == MAX_FILES)
            return command_usage("workbench", "more than %d checkpoints", MAX_FILES);
        o->checkpoints[o->checkpoint_count++] = value;
        o->model.checkpoints = o->checkpoints;
        return 0;
    case OPT_REGIONS:
        if (o->region_count == MAX_FILES)
            return command_usage("workbench", "more than %d region files", MAX_FILES);
        o->regions[o->region_count++] = value;
        return 0;
    case OPT_KEY:
        if (o->key_count == MAX_FILES)
            return command_usage("workbench", "more than %d keys", MAX_FILES);
        o->keys_of[o->key_count++] = value;
        return 0;
    case OPT_CANDIDATES: o->candidates = value; return 0;
    case OPT_UPRIGHT: o->upright = true; return 0;
    case OPT_PROBES: o->probes = value; return 0;
    case OPT_WATCH: o->watch = value; return 0;
    case OPT_DEVICE: o->model.device = value; return 0;
    case OPT_LOG: o->log = value; return 0;
    case OPT_NO_LOG: o->no_log = true; return 0;
    case 'S': o->script = value; return 0;
    case OPT_TOUR: o->tour = true; return 0;
    case OPT_KEYS: o->keys = true; return 0;
    case OPT_HELP: o->help = true; return 0;
    default: return take_word(opt, o, value);
    }
}

static int open_photos(const struct options *o, char **images, int count, struct photo ***out,
                       int *opened, struct vs_err *err)
{
    int rc = 0;
    *out = xcalloc((size_t)count + 1, sizeof(struct photo *));
    if (o->key_count && o->key_count != count)
        rc = vs_fail(err, VS_E_USAGE, "%d image%s but %d --key: give one for each image", count,
                     count == 1 ? "" : "s", o->key_count);
    for (int i = 0; i < count && rc == 0; i++) {
        const char *regions = o->region_count == 1 ? o->regions[0]
                              : i < o->region_count ? o->regions[i] : NULL;
        struct photo_options how = {regions, o->key_count ? o->keys_of[i] : NULL, o->upright};
        rc = photo_open(images[i], &how, &(*out)[i], err);
        *opened += rc == 0;
    }
    if (rc == 0 && o->candidates && count > 0)
        rc = photo_set_candidates((*out)[0], o->candidates, o->key_count ? o->keys_of[0] : NULL,
                                  err);
    return rc;
}

static struct log *open_log(const struct options *o, char *why, size_t size)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    snprintf(why, size, "no log");
    if (o->no_log)
        return NULL;
    char *path = o->log ? xstrdup(o->log) : log_default_path(&err);
    if (!path || log_start(path, "workbench", &l, &err) != 0)
        snprintf(why, size, "not logged yet: %s", err.text);
    free(path);
    return l;
}

/* A status of the program. */
static int close_log(const struct options *o, struct log *l)
{
    struct vs_err err = {0};
    struct logging g = {.command = "workbench", .log = l, .unlogged = !l && !o->no_log};
    char *path = o->log ? NULL : log_default_path(&err);
    if (g.unlogged)
        plain_text(stderr, "vilscope workbench: nothing was logged: %s\n", err.text);
    free(path);
    return logging_end(&g);
}

static bool names_a_model(const struct options *o)
{
    return o->model.dir || o->checkpoint_count || o->model.config || o->model.vocab;
}

/* Without images those of the suggested queries are opened, each once. */
static int open_suggested(const struct eval_set *s, struct workbench_options *w,
                          struct vs_err *err)
{
    struct photo_options how = {0};
    int rc = 0;
    for (int i = 0; i < s->count && rc == 0; i++)
        for (int j = 0; j < s->items[i].image_count && rc == 0; j++) {
            const char *path = s->items[i].images[j];
            bool open = false;
            for (int k = 0; k < w->photo_count; k++)
                open |= strcmp(w->photos[k]->path, path) == 0;
            if (open)
                continue;
            w->photos = xreallocarray(w->photos, (size_t)w->photo_count + 1,
                                      sizeof(struct photo *));
            rc = photo_open(path, &how, &w->photos[w->photo_count], err);
            w->photo_count += rc == 0;
        }
    return rc;
}

static int open_all(struct options *o, char **images, int count, struct workbench_options *w,
                    struct eval_set **set, struct vs_err *err)
{
    char *demo = names_a_model(o) ? NULL : demo_find();
    bool none = !names_a_model(o) && !demo;
    o->model.dir = demo ? demo : o->model.dir;
    int rc = none ? 0 : model_open(&o->model, &w->model, err);
    if (none)
        w->no_model = "no model is open: start with -m DIR, or -c FILE --config FILE --vocab FILE";
    if (rc == 0 && count > 0)
        rc = open_photos(o, images, count, &w->photos, &w->photo_count, err);
    if (rc == 0 && w->model && model_queries(w->model))
        rc = eval_open(&(struct eval_source){.path = model_queries(w->model)}, set, err);
    if (rc == 0 && *set && count == 0)
        rc = open_suggested(*set, w, err);
    w->suggestions = *set;
    w->begin = demo && count == 0;
    free(demo);
    return rc;
}

/* What cannot be read is said before the screen opens. A set may be new. */
static int check_probes(const struct options *o, const struct model *m, struct vs_err *err)
{
    struct probes *set = NULL;
    struct watch *folder = NULL;
    int rc = 0;
    if (!m && (o->probes || o->watch))
        return vs_fail(err, VS_E_USAGE, "--probes and --watch want a model: -m DIR");
    if (o->probes && (access(o->probes, F_OK) == 0 || errno != ENOENT))
        rc = probes_open(o->probes, &set, err);
    if (rc == 0 && o->watch)
        rc = watch_open(o->watch, 0, &folder, err);
    watch_close(folder);
    probes_free(set);
    return rc;
}

/* A status of the program, or a negative code. */
static int run(struct options *o, char **images, int count, struct vs_err *err)
{
    char no_log[700];
    struct workbench_options w = {.task = o->task ? o->task : task_find("vqa"),
                                  .graphics = o->graphics, .no_log = no_log,
                                  .script = o->script, .tour = o->tour,
                                  .probes = o->probes, .watch = o->watch};
    struct eval_set *set = NULL;
    char *tour = o->tour ? demo_tour() : NULL;
    int rc = open_all(o, images, count, &w, &set, err);
    if (rc == 0)
        rc = check_probes(o, w.model, err);
    if (rc == 0 && o->tour && (!tour || !w.model))
        rc = vs_fail(err, VS_E_MISSING, "the demo is not there: VILSCOPE_DEMO names its folder");
    w.script = tour ? tour : w.script;
    if (rc == 0) {
        w.log = open_log(o, no_log, sizeof no_log);
        rc = workbench_run(&w, err); /* frees the photos */
        int logged = close_log(o, w.log);
        rc = rc ? rc : logged;
    } else {
        for (int i = 0; i < w.photo_count; i++)
            photo_free(w.photos[i]);
        free(w.photos);
    }
    eval_free(set);
    model_free(w.model);
    free(tour);
    return rc;
}

/* Of a signal that was not meant to end it in order the program dies, now that all is closed. */
static void die_of(int number)
{
    if (number == 0)
        return;
    signal(number, SIG_DFL);
    raise(number);
}

int cmd_workbench(int argc, char **argv)
{
    struct options *o = xcalloc(1, sizeof *o);
    struct vs_err err = {0};
    int opt, status = EXIT_OK;
    optind = 0;
    while (status == EXIT_OK &&
           (opt = command_getopt("workbench", argc, argv, "m:c:t:S:", long_options)) != -1)
        status = take_option(opt, o, optarg);
    if (status == EXIT_OK && o->help)
        status = command_help(command_find("workbench"));
    else if (status == EXIT_OK && o->keys)
        workbench_print_keys();
    else if (status == EXIT_OK && o->tour && (o->script || o->probes || o->watch || argc > optind ||
                                            names_a_model(o)))
        status = command_usage("workbench", "--tour shows the demo: it takes no model, images, "
                               "probes or script");
    else if (status == EXIT_OK && o->region_count > 1 && o->region_count != argc - optind)
        status = command_usage("workbench", "%d region files for %d images", o->region_count,
                               argc - optind);
    else if (status == EXIT_OK && (status = run(o, argv + optind, argc - optind, &err)) < 0)
        status = command_fail("workbench", &err);
    free(o);
    die_of(workbench_ended_by());
    return status;
}
