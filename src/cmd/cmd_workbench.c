/* SPDX-License-Identifier: MIT */
/* vilscope without a command, or vilscope workbench: the screen. */
#include "src/cmd/cmd_workbench.h"
#include "src/cmd/vilscope.h"

#include "sessions/log.h"
#include "src/cmd/cmd_log.h"
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

#define OPTIONS struct workbench_command

static int take_screen(void *options, const char *value, struct vs_err *err)
{
    struct workbench_command *o = options;
    o->has_screen = true;
    return term_screen_parse(value, &o->screen, err);
}

static const struct option_row option_rows[] = {
    ROW_MODEL(model.dir),
    ROW_CHECKPOINTS(checkpoints),
    ROWS_PARTS(model),
    ROW_WEIGHTS(model),
    ROW_REGIONS(regions),
    ROW_KEY(keys_of),
    TEXT("candidates", 0, "FILE", candidates, VALUES_FILES,
         "boxes of the first image to choose from, for visual7w and guesswhat"),
    ROW_UPRIGHT(upright),
    ROW_UNSAFE,
    TASK(task, "task to begin with; without it the first one that the model answers"),
    CHOICE("graphics", "KIND", graphics, graphics_names, GRAPHICS_AUTO, "how images are drawn"),
    ROW_CHECK_SET(probes, "queries to ask every checkpoint (vilscope-check-set(5)); a new file is "
                  "made when the first is pinned"),
    TEXT("watch", 0, "DIR", watch, VALUES_FOLDERS,
         "ask each checkpoint of a training run when it is complete"),
    TEXT("script", 'S', "FILE", script, VALUES_FILES, "run the commands of a file, one a line"),
    TAKE("screen", "SIZE", take_screen, "a script's screen, instead of a terminal: rows and "
         "columns, and the pixels of a cell (without a terminal 50x160,10x20)"),
    FLAG("tour", tour, "a guided tour through the demo"),
    ROW_DEVICE(model.device),
    ROW_PRECISION(model.precision),
    ROW_THREADS(model.threads),
    ROW_CONNECT(model.connect),
    ROW_LOG(log),
    ROW_NO_LOG(no_log),
    {.name = "keys", .kind = OPTION_FLAG, .at = OPTION_AT(keys, bool), .hidden = true,
     .help = "print the manual's table of keys"},
    END,
};

static int workbench_open_photos(const struct workbench_command *o, const struct model *m,
                                 char **images, int count, struct photo ***out, int *opened,
                                 struct vs_err *err)
{
    int rc = command_check_keys(&o->keys_of, count, err);
    *out = xcalloc((size_t)count + 1, sizeof(struct photo *));
    for (int i = 0; i < count && rc == 0; i++) {
        struct photo_options how = {words_of(&o->regions, i), words_of(&o->keys_of, i),
                                    o->upright};
        rc = photo_open(images[i], &how, &(*out)[i], err);
        *opened += rc == 0;
    }
    if (rc == 0 && o->candidates && count > 0)
        rc = photo_set_candidates((*out)[0], o->candidates, words_of(&o->keys_of, 0), err);
    for (int i = 0; m && i < count && rc == 0; i++)
        rc = model_check_photo(m, (*out)[i], err);
    return rc;
}

static struct log *open_log(const char *command, const struct workbench_command *o, char *why,
                            size_t size)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    snprintf(why, size, "no log");
    if (o->no_log)
        return NULL;
    char *path = o->log ? xstrdup(o->log) : log_default_path(&err);
    if (!path || log_start(path, command, &l, &err) != 0)
        snprintf(why, size, "not logged yet: %s", err.text);
    free(path);
    return l;
}

/* A status of the program. */
static int close_log(const char *command, const struct workbench_command *o, struct log *l)
{
    struct vs_err err = {0};
    struct logging g = {.command = command, .log = l, .unlogged = !l && !o->no_log};
    char *path = o->log ? NULL : log_default_path(&err);
    if (g.unlogged)
        plain_text(stderr, "vilscope %s: nothing was logged: %s\n", command, err.text);
    free(path);
    return logging_end(&g);
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

static int workbench_open_all(struct workbench_command *o, char **images, int count,
                              const struct chosen *chosen, struct workbench_options *w,
                              struct eval_set **set, struct vs_err *err)
{
    bool none = !o->model.dir && !o->model.checkpoints && !o->model.config && !o->model.vocab &&
                !o->model.connect;
    int rc = none ? 0 : model_open(&o->model, &w->model, err);
    if (none)
        w->no_model = "no model is open: start with -m DIR, or -c FILE --config FILE --vocab FILE";
    if (rc == 0 && count > 0)
        rc = workbench_open_photos(o, w->model, images, count, &w->photos, &w->photo_count,
                                   err);
    if (rc == 0 && w->model && model_queries(w->model))
        rc = eval_open(&(struct eval_source){.path = model_queries(w->model)}, set, err);
    if (rc == 0 && *set && count == 0)
        rc = open_suggested(*set, w, err);
    w->suggestions = *set;
    w->begin = chosen->is_demo && count == 0;
    return rc;
}

/* What cannot be read is said before the screen opens. A set may be new. */
static int check_probes(const struct workbench_command *o, const struct model *m,
                        struct vs_err *err)
{
    struct probes *set = NULL;
    struct watch *folder = NULL;
    int rc = 0;
    if (!m && (o->probes || o->watch))
        return vs_fail(err, VS_E_USAGE, "--check-set and --watch need a model: -m DIR");
    if (o->probes && (access(o->probes, F_OK) == 0 || errno != ENOENT))
        rc = probes_open(o->probes, &set, err);
    if (rc == 0 && o->watch)
        rc = watch_open(o->watch, 0, &folder, err);
    watch_close(folder);
    probes_free(set);
    return rc;
}

/* Where a script runs without a terminal, or NULL. */
static const struct term_screen *screen_without_terminal(const struct workbench_command *o)
{
    static const struct term_screen usual = TERM_SCREEN_USUAL;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if ((!o->script && !o->lines) || (terminal && !o->has_screen))
        return NULL;
    return o->has_screen ? &o->screen : &usual;
}

/* A status of the program, or a negative code. */
static int open_and_run(const char *command, struct workbench_command *o, char **images, int count,
                        const struct chosen *chosen, struct vs_err *err)
{
    char no_log[700];
    struct workbench_options w = {.no_log = no_log,
                                  .script = o->script, .lines = o->lines, .tour = o->tour,
                                  .graphics = (enum graphics_choice)o->graphics,
                                  .probes = o->probes, .watch = o->watch,
                                    .screen = screen_without_terminal(o)};
    struct eval_set *set = NULL;
    char *tour = o->tour ? demo_tour() : NULL;
    int rc = workbench_open_all(o, images, count, chosen, &w, &set, err);
    w.task = o->task ? o->task : command_first_task(w.model);
    if (rc == 0)
        rc = check_probes(o, w.model, err);
    if (rc == 0 && o->tour && (!tour || !w.model))
        rc = vs_fail(err, VS_E_MISSING, "the demo is missing: set VILSCOPE_DEMO to its folder");
    w.script = tour ? tour : w.script;
    if (rc == 0) {
        w.log = open_log(command, o, no_log, sizeof no_log);
        rc = workbench_run(&w, err); /* frees the photos */
        int logged = close_log(command, o, w.log);
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

static int workbench_check_options(const struct workbench_command *o, int images)
{
    bool model = o->model.dir || o->checkpoints.count || o->model.config || o->model.vocab ||
                 o->model.connect;
    if (o->tour && (o->script || o->probes || o->watch || images || model))
        return command_usage("workbench", "--tour shows the demo: it takes no model, images, "
                             "check set or script");
    if (o->has_screen && !o->script)
        return command_usage("workbench", "--screen is that of a script: -S FILE");
    if (o->regions.count > 1 && o->regions.count != images)
        return command_usage("workbench", "%d region files for %d images", o->regions.count,
                             images);
    return 0;
}

int workbench_command_run(const char *command, struct workbench_command *o, char **images,
                          int count)
{
    struct vs_err err = {0};
    struct chosen *chosen = NULL;
    command_server(&o->model);
    int status = command_choose(command, &o->checkpoints, &o->model, &chosen, &err);
    if (status == 0)
        status = open_and_run(command, o, images, count, chosen, &err);
    if (status < 0)
        status = command_fail(command, &err);
    command_chosen_free(chosen);
    die_of(workbench_ended_by());
    return status;
}

static int run_workbench(void *options, char **args, int count)
{
    struct workbench_command *o = options;
    if (o->keys) {
        workbench_print_keys();
        return EXIT_OK;
    }
    int status = workbench_check_options(o, count);
    if (status != 0)
        return status;
    if (o->tour)
        o->model.connect = ""; /* whatever the environment says */
    return workbench_command_run("workbench", o, args, count);
}

const struct command command_workbench = {
    .name = "workbench", .args = "[OPTION...] [IMAGE...]",
    .summary = "Open the workbench (the default).",
    .after = "Press ? in the workbench for its keys.\n",
    .rows = option_rows, .most = -1, .values = VALUES_FILES,
    .size = sizeof(struct workbench_command),
    .run = run_workbench,
};
