/* SPDX-License-Identifier: MIT */
/* What -m and -c name, and other options that commands share. */
#include "src/cmd/cmd_model.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/progress.h"
#include "src/engine/demo.h"
#include "src/formats/sandbox.h"
#include "src/formats/setname.h"
#include "src/study/eval.h"
#include "kernels/kern.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *words_of(const struct words *w, int i)
{
    return w->count == 1 ? w->list[0] : i < w->count ? w->list[i] : NULL;
}

int command_check_keys(const struct words *keys, int images, struct vs_err *err)
{
    if (keys->count == 0 || keys->count == images)
        return 0;
    return vs_fail(err, VS_E_USAGE, "%d image%s but %d --key: give one for each image", images,
                   images == 1 ? "" : "s", keys->count);
}

int command_unsafe(void *options, const char *value, struct vs_err *err)
{
    (void)options;
    (void)value;
    (void)err;
    sandbox_insist();
    return 0;
}

/* A processor has nothing else to note than that it is not the GPU. */
static void say_device(const char *command, bool is_host, const char *note)
{
    if (is_host && *note)
        plain_text(stderr, "vilscope %s: note: %s\n", command, note);
}

void command_device(const char *command, struct kern *k)
{
    char note[KERN_WHY];
    kern_note(k, note, sizeof note);
    say_device(command, kern_is_host(k), note);
}

const char *const command_precisions[] = {KERN_PRECISION_NAMES, NULL};

/* "out.vil_prediction 0.6 %, ..., as convert measured"; NULL: it has not. */
static char *measured_errors(const struct model *m, int i)
{
    char *text = model_precision_errors(m, i);
    json_t *root = text ? json_loads(text, 0, NULL) : NULL, *error;
    struct buf all = {0};
    const char *output;
    json_object_foreach (json_object_get(root, "outputs"), output, error)
        buf_printf(&all, "%s%s %.2g %%", all.len ? ", " : "", output,
                   100 * json_number_value(json_object_get(error, "relative")));
    json_decref(root);
    free(text);
    if (!all.len) {
        buf_fini(&all);
        return NULL;
    }
    return buf_steal(&all);
}

void command_say_precision(const char *command, const struct model *m)
{
    const char *name = command_precisions[model_precision(m)];
    struct buf others = {0};
    for (int i = 0; model_precision(m) && i < model_checkpoint_count(m); i++) {
        char *errors = measured_errors(m, i);
        if (errors)
            plain_text(stderr, "vilscope %s: note: %s computes in %s: outputs were off from "
                       "float32's by %s, when convert measured them\n", command,
                       model_checkpoint_name(m, i), name, errors);
        else
            buf_printf(&others, "%s%s", others.len ? ", " : "", model_checkpoint_name(m, i));
        free(errors);
    }
    if (others.len)
        plain_text(stderr, "vilscope %s: note: %s: computed in %s; how far outputs are off from "
                   "float32's has not been measured (vilscope convert --type %s does)\n", command,
                   others.data, name, name);
    buf_fini(&others);
}

void command_opened(const char *command, const struct model *m)
{
    char note[KERN_WHY];
    size_t used, limit;
    command_say_precision(command, m);
    if (model_about(m))
        plain_text(stderr, "vilscope %s: %s: %s\n", command, model_name(m), model_about(m));
    model_device_note(m, note, sizeof note);
    model_memory(m, &used, &limit);
    say_device(command, limit == 0, note);
}

void command_detecting(void *arg, const struct detect_progress *p)
{
    bool *shown = arg;
    *shown = true;
    char left[32];
    plain_text(stderr, "\r\033[Klooking for regions: %s, %.0f %%%s", p->stage, 100 * p->share,
               progress_left_text(p->left_ms, left));
    fflush(stderr);
}

void command_clear(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

void command_say_gone(const char *command, const struct eval_gone *gone)
{
    if (gone->items)
        plain_text(stderr, "vilscope %s: note: %d items are left out: %d of their images are not "
                   "there, the first is %s\n", command, gone->items, gone->pictures, gone->first);
}

void command_items(void *arg, const struct eval_progress *p)
{
    struct command_items *s = arg;
    char line[128], score[24] = "";
    double now = vs_now_ms();
    if (s->begun <= 0 || p->done < s->done) { /* the first one, or another task's */
        s->begun = now;
        s->base = p->done;
    }
    s->done = p->done;
    if (now - s->last < 200 || !isatty(STDERR_FILENO))
        return;
    s->last = now;
    int there = p->known > s->base ? p->known : s->base;
    struct progress how = {.all = p->all, .there = there, .done = p->done - there,
                           .spent_ms = now - s->begun};
    progress_text(&how, "items", line, sizeof line);
    if (isfinite(p->score))
        snprintf(score, sizeof score, ", %.1f%%", 100 * p->score);
    plain_text(stderr, "\r\033[K%s: %s%s, %s", s->checkpoint, p->task->name, score, line);
    fflush(stderr);
}

const struct task *command_first_task(const struct model *m)
{
    int last = model_checkpoint_count(m) - 1;
    for (int i = 0; i < task_count && last >= 0; i++)
        if (model_check_task(m, last, &task_table[i], NULL) == 0)
            return &task_table[i];
    return &task_table[0];
}

static bool is_called(const struct part_checkpoint *c, const char *name)
{
    const char *slash = strrchr(c->path, '/');
    return strcmp(c->name, name) == 0 || strcmp(c->path, name) == 0 ||
           strcmp(slash ? slash + 1 : c->path, name) == 0;
}

static const struct part_checkpoint *find(const struct parts *p, const char *name)
{
    for (int i = 0; i < p->checkpoint_count; i++)
        if (is_called(&p->checkpoints[i], name))
            return &p->checkpoints[i];
    return NULL;
}

/* A file of that name used to be meant. */
static void note_both(const char *command, const struct part_checkpoint *c, const char *name,
                      const char *dir)
{
    char *a = realpath(name, NULL), *b = realpath(c->path, NULL);
    if (a && (!b || strcmp(a, b) != 0))
        plain_text(stderr, "vilscope %s: note: %s is taken as a checkpoint of %s; the file of that "
                   "name is ./%s\n", command, name, dir, name);
    free(a);
    free(b);
}

static int fail_unknown(const struct parts *p, const char *dir, const char *name,
                        struct vs_err *err)
{
    const char *near = NULL;
    for (int i = 0; i < p->checkpoint_count; i++)
        near = options_nearer(name, near, p->checkpoints[i].name);
    return vs_fail(err, VS_E_USAGE, "%s: neither a checkpoint of %s nor a file%s%s%s", name, dir,
                   near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

/* NAME@SET of a checkpoint of the directory; its path, "FILE@SET", is put into owned. */
static const struct part_checkpoint *find_set(const struct parts *p, const char *name, char **owned)
{
    const char *at = strrchr(name, '@');
    char *first = at && at[1] ? xstrndup(name, (size_t)(at - name)) : NULL;
    const struct part_checkpoint *c = first ? find(p, first) : NULL;
    if (c)
        *owned = xasprintf("%s%s", c->path, at);
    free(first);
    return c;
}

static bool is_file(const char *name)
{
    const char *set;
    return access(name, F_OK) == 0 || (setname_split(name, &set) && set);
}

static int choose(const char *command, const struct words *wanted, const char *dir,
                  struct chosen *out, struct vs_err *err)
{
    for (int i = 0; i < wanted->count; i++) {
        const char *name = wanted->list[i];
        const struct part_checkpoint *c = find(&out->parts, name), *of = c;
        if (c)
            note_both(command, c, name, dir);
        else if (dir && !is_file(name) && !(of = find_set(&out->parts, name, &out->owned[i])))
            return fail_unknown(&out->parts, dir, name, err);
        out->configs[i] = parts_config(&out->parts, of);
        out->paths[i] = c ? c->path : out->owned[i] ? out->owned[i] : name;
        out->names[i] = c ? c->name : out->owned[i] ? name : NULL;
    }
    return 0;
}

static bool has_all(const struct parts *p, const struct words *wanted)
{
    for (int i = 0; i < wanted->count; i++)
        if (!find(p, wanted->list[i]))
            return false;
    return true;
}

/* What a server has open is not to be given again. */
static int choose_server(const struct words *wanted, struct model_options *o, struct vs_err *err)
{
    const struct {
        const char *option, *value;
    } own[] = {{"model", o->dir}, {"weights", o->weights}, {"config", o->config},
               {"vocab", o->vocab}, {"labels", o->labels_vqa}, {"gqa-labels", o->labels_gqa},
               {"classes", o->classes}, {"detector", o->detector},
               {"detector-arch", o->detector_arch}, {"device", o->device},
               {"precision", o->precision ? command_precisions[o->precision] : NULL}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i].value)
            return vs_fail(err, VS_E_USAGE, "--%s goes with \"vilscope serve\", which opens the "
                           "model that %s asks: leave one of them out", own[i].option,
                           o->connect == getenv("VILSCOPE_CONNECT") ? "VILSCOPE_CONNECT"
                                                                    : "--connect");
    o->checkpoints = wanted->count ? wanted->list : NULL;
    return 0;
}

bool command_server(struct model_options *o)
{
    bool named = o->dir || o->config || o->vocab || o->device;
    if (!o->connect && !named)
        o->connect = getenv("VILSCOPE_CONNECT");
    if (o->connect && !o->connect[0])
        o->connect = NULL;
    return o->connect != NULL;
}

int command_choose(const char *command, const struct words *wanted, struct model_options *o,
                   struct chosen **out, struct vs_err *err)
{
    struct chosen *c = *out = xcalloc(1, sizeof *c);
    if (o->connect)
        return choose_server(wanted, o, err);
    bool named = o->dir || o->config || o->vocab;
    const char *dir = o->dir;
    c->demo = named ? NULL : demo_find();
    if (c->demo)
        dir = c->demo;
    int rc = dir ? parts_read(dir, &c->parts, err) : 0;
    if (rc == 0 && c->demo && !has_all(&c->parts, wanted)) {
        parts_fini(&c->parts); /* files alone do not say that they belong to the demo */
        dir = NULL;
        c->parts = (struct parts){0};
    }
    if (rc == 0)
        rc = choose(command, wanted, dir, c, err);
    c->is_demo = c->demo && dir && wanted->count == 0;
    o->dir = dir;
    if (wanted->count) {
        o->checkpoints = c->paths;
        o->names = c->names;
    }
    return rc;
}

void command_chosen_free(struct chosen *c)
{
    if (!c)
        return;
    for (int i = 0; i < WORDS_MOST; i++)
        free(c->owned[i]);
    parts_fini(&c->parts);
    free(c->demo);
    free(c);
}
