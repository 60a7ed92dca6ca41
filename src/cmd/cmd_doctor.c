/* SPDX-License-Identifier: MIT */
/* vilscope doctor: whether what the program needs of this machine is there. */
#ifdef HAVE_CONFIG_H
#include <config.h> /* which libraries there are */
#endif

#include "src/cmd/vilscope.h"

#include "sessions/log.h"
#include "src/base/cachedir.h"
#include "src/base/mem.h"
#include "src/cmd/cmd_findings.h"
#include "src/cmd/cmd_model.h"
#include "src/engine/regioncache.h"
#include "src/formats/filesystem.h"
#include "src/formats/image_priv.h"
#include "kernels/kern.h"
#include "src/model/family.h"
#include "ui/kit/input.h"

#include <errno.h>
#include <jansson.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPTIONS struct options
struct options {
    struct model_options model;
    struct words checkpoints;
    const char *log;
    bool json;
};

static const struct option_row option_rows[] = {
    ROW_MODEL(model.dir), ROW_DEVICE(model.device), ROW_LOG(log), ROW_UNSAFE, ROW_JSON(json), END,
};

/* ---- the terminal */

static const char *doctor_env(const char *name)
{
    const char *s = getenv(name);
    return s && s[0] ? s : NULL;
}

static void doctor_graphics(struct findings *f)
{
    struct input in = {0};
    bool multiplexer = doctor_env("TMUX") || doctor_env("STY");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || term_take(NULL) != 0) {
        finding_add(f, FOUND_NOTE, "graphics", "run vilscope doctor in the terminal itself",
                    "not asked: standard input and output are no terminal");
        return;
    }
    term_ask(&in);
    tmux_ask(&in.term);
    term_give_back();
    term_measure(&in.term);
    enum gfx_mode best = gfx_best(&in.term);
    if (best == GFX_SIXEL)
        finding_add(f, FOUND_OK, "graphics", NULL, "sixel, %d colors", in.term.registers);
    else if (best != GFX_BLOCKS)
        finding_add(f, FOUND_OK, "graphics", NULL, "%s", gfx_mode_name(best));
    else if (!in.replied)
        finding_add(f, FOUND_NOTE, "graphics", "if the line is slow, --graphics says what the "
                    "terminal has", "the terminal did not answer in time: colored blocks");
    else if (in.term.sixel || in.term.iterm2)
        finding_add(f, FOUND_NOTE, "graphics", "--graphics sixel, or iterm2, takes cells of 10 by "
                    "20 pixels", "the terminal does not tell the size of its cells: colored "
                    "blocks");
    else
        finding_add(f, FOUND_NOTE, "graphics",
                    multiplexer ? "tmux 3.4 built for sixel, or \"set -g allow-passthrough on\" in "
                                  "~/.tmux.conf: man 7 vilscope-terminals"
                                : "man 7 vilscope-terminals lists terminals that have some",
                    "the terminal knows none of kitty's, sixel and iTerm2's: colored blocks");
    input_fini(&in);
}

static void doctor_terminal(struct findings *f)
{
    const char *term = doctor_env("TERM"), *charset = nl_langinfo(CODESET);
    if (!term || strcmp(term, "dumb") == 0)
        finding_add(f, FOUND_PROBLEM, "terminal", "set TERM to what the terminal is, such as "
                    "xterm-256color", "TERM is %s: the workbench cannot draw", term ? term
                                                                                    : "not set");
    else
        finding_add(f, FOUND_OK, "terminal", NULL, "%s%s%s", term,
                    doctor_env("TMUX") ? ", in tmux" : doctor_env("STY") ? ", in screen" : "",
                    doctor_env("SSH_CONNECTION") ? ", over SSH" : "");
    if (strcmp(charset, "UTF-8") == 0)
        finding_add(f, FOUND_OK, "locale", NULL, "%s", charset);
    else
        finding_add(f, FOUND_PROBLEM, "locale", "export LC_ALL=C.UTF-8", "the character set is %s, "
                    "not UTF-8: letters beyond ASCII are not drawn", charset);
    doctor_graphics(f);
}

/* ---- where things are written */

/* Whether a file can be made at path: the nearest folder that is there lets us. */
static bool doctor_can_make(const char *path)
{
    struct stat st;
    char *dir = xstrdup(path), *slash;
    bool can = false;
    while ((slash = strrchr(dir, '/')) != NULL) {
        slash[slash == dir] = '\0';
        if (stat(dir, &st) == 0) {
            can = S_ISDIR(st.st_mode) && access(dir, W_OK | X_OK) == 0;
            break;
        }
        if (dir[1] == '\0')
            break;
    }
    if (!slash)
        can = access(".", W_OK | X_OK) == 0;
    free(dir);
    return can;
}

static void doctor_old_log(struct findings *f, const char *path)
{
    struct vs_err err = {0};
    struct log *l = NULL;
    int64_t mb = 0;
    struct stat st;
    if (stat(path, &st) == 0)
        mb = (int64_t)st.st_size >> 20;
    if (log_open(path, true, &l, &err) != 0)
        finding_add(f, FOUND_PROBLEM, "log", "vilscope sessions check says more; --log FILE takes "
                    "another one", "%s", err.text);
    else if (access(path, W_OK) != 0)
        finding_add(f, FOUND_PROBLEM, "log", "--log FILE, or VILSCOPE_LOG, names another one",
                    "%s: cannot be written: %s", path, strerror(errno));
    else
        finding_add(f, FOUND_OK, "log", NULL, "%s, %lld MB", path, (long long)mb);
    log_close(l);
}

static void doctor_log(struct findings *f, const char *said)
{
    struct vs_err err = {0};
    char *path = said ? xstrdup(said) : log_default_path(&err);
    if (!path)
        finding_add(f, FOUND_PROBLEM, "log", "set HOME, or VILSCOPE_LOG", "%s", err.text);
    else if (access(path, F_OK) == 0)
        doctor_old_log(f, path);
    else if (doctor_can_make(path))
        finding_add(f, FOUND_OK, "log", NULL, "%s, made with the first query", path);
    else
        finding_add(f, FOUND_PROBLEM, "log", "--log FILE, or VILSCOPE_LOG, names another place",
                    "%s: cannot be made there", path);
    const char *shared = path ? filesystem_shared(path) : NULL;
    if (shared && !log_names_folder(path))
        finding_add(f, FOUND_NOTE, "log", "VILSCOPE_LOG=FOLDER/ keeps a log for each machine",
                    "it lies on %s, which machines may share", shared);
    free(path);
}

static void doctor_cache(struct findings *f)
{
    struct regioncache_usage u;
    regioncache_measure(&u);
    char *probe = cachedir_path("regions", false);
    if (!u.folder || !probe)
        finding_add(f, FOUND_PROBLEM, "cache", "set HOME or XDG_CACHE_HOME to a folder of yours",
                    "there is no folder for it: the detector runs again on every image");
    else if (access(u.folder, F_OK) == 0 ? access(u.folder, W_OK | X_OK) != 0
                                         : !doctor_can_make(u.folder))
        finding_add(f, FOUND_PROBLEM, "cache", "give it back to yourself, or set XDG_CACHE_HOME",
                    "%s: cannot be written: the detector runs again on every image", u.folder);
    else if (u.limit == 0)
        finding_add(f, FOUND_NOTE, "cache", NULL, "switched off by VILSCOPE_CACHE_MB=0");
    else
        finding_add(f, FOUND_OK, "cache", NULL, "%s, %d images, %lld of at most %lld MB", u.folder,
                    u.files, (long long)(u.bytes >> 20), (long long)(u.limit >> 20));
    free(probe);
    free(u.folder);
}

/* ---- what computes */

/* How much a GPU needs to have free, and what was counted for that. r NULL: no model is known. */
static void doctor_room(struct findings *f, const struct model_room *r)
{
    char detector[80] = "";
    if (!r) {
        finding_add(f, FOUND_NOTE, "GPU", "-m DIR counts a model's weights, too", "auto asks for "
                    "%zu MB free, which a pass takes: no weights are counted, as no model is open",
                    NET_ROOM >> 20);
        return;
    }
    if (r->detector)
        snprintf(detector, sizeof detector, ", %zu MB of the detector's, %zu MB for a picture "
                 "in it", r->detector >> 20, r->picture >> 20);
    finding_add(f, FOUND_OK, "GPU", NULL, "auto asks for %zu MB free: %zu MB of weights, %zu MB "
                "for a pass%s", (r->weights + r->pass + r->detector + r->picture) >> 20,
                r->weights >> 20, r->pass >> 20, detector);
}

/* What computes for the model; for a pass alone where none could be opened. */
static void doctor_device(struct findings *f, const char *wanted, const struct model *m)
{
    char why[KERN_WHY], note[KERN_WHY] = "";
    struct kern *k = NULL;
    if (!m && kern_open_for(wanted, 0, NET_ROOM, &k, why, sizeof why) != 0) {
        finding_add(f, FOUND_PROBLEM, "device", "vilscope devices lists what there is", "%s", why);
        return;
    }
    finding_add(f, FOUND_OK, "device", NULL, "%s computes", m ? model_device(m) : kern_describe(k));
    if (m)
        model_device_note(m, note, sizeof note);
    else
        kern_note(k, note, sizeof note);
    if (*note)
        finding_add(f, FOUND_NOTE, "device", NULL, "%s", note);
    kern_close(k);
}

static void doctor_devices(struct findings *f, const char *wanted, const struct model *m)
{
    struct kern_device d;
    struct model_room room;
    int gpus = 0;
    for (int i = 0; kern_device(i, &d); i++)
        if (strncmp(d.name, "cuda", 4) == 0) {
            finding_add(f, d.usable ? FOUND_OK : FOUND_NOTE, "GPU", NULL, "%s: %s", d.name, d.text);
            gpus += d.usable;
        }
    if (m)
        model_room(m, &room);
    if (gpus > 0)
        doctor_room(f, m ? &room : NULL);
    doctor_device(f, wanted, m);
}

/* A picture of one point, decoded as every other one is. */
static void doctor_sandbox(struct findings *f)
{
    static const char picture[] = "P6\n1 1\n255\n\1\2\3";
    struct bytes map = {.data = (const uint8_t *)picture, .size = sizeof picture - 1,
                        .path = (char *)(uintptr_t)"a picture of one point"};
    struct image_header h;
    struct vs_err err = {0};
    uint8_t *rgb = NULL;
    int rc = image_header_read(&map, &h, &err);
    if (rc == 0)
        rc = image_decode(&map, &h, &rgb, &err);
    if (rc == 0 && memcmp(rgb, "\1\2\3", 3) == 0)
        finding_add(f, FOUND_OK, "sandbox", NULL, "images are decoded in a process that can do "
                    "nothing else");
    else
        finding_add(f, FOUND_PROBLEM, "sandbox", "--unsafe-decode reads images that you trust",
                    "%s", rc != 0 ? err.text : "decoding gave other pixels");
    free(rgb);
}

static void doctor_libraries(struct findings *f)
{
    static const char *const missing[] = {
#ifndef HAVE_LIBJPEG
        "libjpeg-turbo (JPEG has other pixels than the reference's)",
#endif
#ifndef HAVE_LIBWEBP
        "libwebp (WebP is not read)",
#endif
#ifndef HAVE_LIBYAML
        "libyaml (the detector's published configuration is not read)",
#endif
        NULL};
    for (int i = 0; missing[i]; i++)
        finding_add(f, FOUND_NOTE, "libraries", "./bootstrap installs it and builds again",
                    "built without %s", missing[i]);
    if (!missing[0])
        finding_add(f, FOUND_OK, "libraries", NULL, "built with all of them");
}

/* ---- the model */

struct subject {
    struct chosen *chosen;
    struct model *m; /* NULL: it does not open, as err says */
    struct vs_err err;
    bool named;
};

static void doctor_open(struct options *o, struct subject *s)
{
    s->named = o->model.dir != NULL;
    int rc = command_choose("doctor", &o->checkpoints, &o->model, &s->chosen, &s->err);
    if (rc == 0 && !o->model.dir)
        rc = vs_fail(&s->err, VS_E_MISSING, "none was named, and the demo is not installed");
    if (rc == 0)
        model_open(&o->model, &s->m, &s->err);
}

static void doctor_model(struct findings *f, const struct options *o, struct subject *s)
{
    struct model *m = s->m;
    if (!m) {
        finding_add(f, FOUND_PROBLEM, "model", "vilscope model init makes a model directory: man 7 "
                    "vilscope-model", "%s", s->err.text);
        return;
    }
    finding_add(f, FOUND_OK, "model", NULL, "%s, %d checkpoint%s", model_name(m),
                model_checkpoint_count(m), model_checkpoint_count(m) == 1 ? "" : "s");
    if (!s->named)
        finding_add(f, FOUND_NOTE, "model", "-m DIR looks at another one", "it is the demo's, in "
                    "%s", o->model.dir);
    if (!model_has_detector(m))
        finding_add(f, FOUND_NOTE, "detector", "\"detector\" in model.json: man 5 vilscope-model",
                    "none: images need files of regions");
    for (int i = 0; i < task_count; i++)
        if (model_check_labels(m, model_checkpoint_count(m) - 1, &task_table[i], &s->err) != 0)
            finding_add(f, FOUND_NOTE, "answers", NULL, "%s", s->err.text);
}

static int run_doctor(void *options, char **args, int count)
{
    struct options *o = options;
    struct findings f = {0};
    struct subject s = {0};
    (void)args;
    (void)count;
    doctor_terminal(&f);
    doctor_log(&f, o->log);
    doctor_cache(&f);
    doctor_open(o, &s);
    doctor_devices(&f, o->model.device, s.m);
    doctor_sandbox(&f);
    doctor_libraries(&f);
    doctor_model(&f, o, &s);
    model_free(s.m);
    command_chosen_free(s.chosen);
    if (o->json)
        command_json(json_pack("{s:i, s:i, s:o}", "version", JSON_FORMAT, "problems", f.problems,
                               "findings", findings_json(&f)), JSON_INDENT(1));
    else
        findings_print(&f);
    int status = f.problems ? EXIT_FAILED : EXIT_OK;
    findings_fini(&f);
    return status;
}

const struct command command_doctor = {
    .name = "doctor", .args = "[OPTION...]",
    .summary = "Say whether all that is needed is there, and what to do.",
    .about = "A line for each of terminal, log, cache, GPU, sandbox, libraries and model: ok, a\n"
             "note, or a problem with what to do about it. Nothing is changed. The exit status is\n"
             "1 where there is a problem.\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run_doctor,
};
