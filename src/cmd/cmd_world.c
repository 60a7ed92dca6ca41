/* SPDX-License-Identifier: MIT */
/* vilscope world: scenes of the demo's world with questions about them, for training and for
 * measuring. */
#include "src/cmd/vilscope.h"

#include "demo/items.h"
#include "kernels/kern.h"
#include "src/cmd/cmd_model.h"
#include "src/formats/outfile.h"
#include "src/formats/pngwrite.h"
#include "src/task/task.h"

#include <stdlib.h>
#include <string.h>

#define MOST_TASKS 12

#define OPTIONS struct options
struct options {
    const char *out;
    int seed, scenes, items, retrieval, threads, task_count, language, stress;
    const struct task *tasks[MOST_TASKS];
    bool unseen, no_images;
};

static int world_take_task(void *options, const char *value, struct vs_err *err)
{
    struct options *o = options;
    const struct task *t = task_find(value);
    if (!t)
        return vs_fail(err, VS_E_USAGE, "there is no task '%s' (\"vilscope tasks\" lists them)",
                       value);
    if (o->task_count == MOST_TASKS)
        return vs_fail(err, VS_E_USAGE, "--task: more than %d of them", MOST_TASKS);
    if (!item_has(t->name))
        return vs_fail(err, VS_E_USAGE, "--task %s: the demo's world has no items of it", value);
    o->tasks[o->task_count++] = t;
    return 0;
}

static const char *const languages[] = {[LANGUAGE_BASIC] = "basic", [LANGUAGE_WIDE] = "wide", NULL};

static const struct option_row option_rows[] = {
    TEXT("output", 'o', "DIR", out, VALUES_FOLDERS,
         "folder: images/NNNNNN.png, data.jsonl, scenes.jsonl"),
    INT("seed", 0, "N", seed, 0, 1000000000, 1,
        "which scenes; the demo was trained on seeds below 1000"),
    INT("scenes", 0, "N", scenes, 1, 900000, 100, "how many"),
    INT("items", 0, "N", items, 1, 100, 1, "items of every task about each scene"),
    TAKES("task", "TASK", world_take_task, "only this task; may be given more than once"),
    INT("retrieval", 0, "N", retrieval, 2, 64, 20, "images to search for a caption"),
    FLAG("unseen", unseen, "questions in wordings that were not in training"),
    CHOICE("language", "KIND", language, languages, LANGUAGE_WIDE,
           "how questions are worded (wide: with negation, groups and more, and slices)"),
    CHOICE("stress", "KIND", stress, stress_names, STRESS_NONE,
           "hard scenes, marked by a slice: of things that are small, overlapping or crowded, or "
           "groups of eight pictures that only small differences tell apart (alike)"),
    FLAG("no-images", no_images, "texts only"),
    ROW_THREADS(threads),
    END,
};

struct drawing {
    const struct options *o;
    const struct scene *scenes;
    struct vs_err *errors; /* one for each scene: threads do not share */
};

static void draw_one(void *arg, int i)
{
    struct drawing *d = arg;
    uint8_t *rgb = xmalloc(3 * SCENE_W * SCENE_H);
    char *path = xasprintf("%s/images/%06d.png", d->o->out, i);
    scene_draw(&d->scenes[i], rgb);
    png_write(path, rgb, SCENE_W, SCENE_H, &d->errors[i]);
    free(path);
    free(rgb);
}

static int draw_all(const struct options *o, const struct scene *scenes, struct vs_err *err)
{
    struct kern *k = NULL;
    char why[KERN_WHY];
    struct drawing d = {o, scenes, xcalloc((size_t)o->scenes, sizeof *d.errors)};
    int rc = 0;
    if (kern_open("cpu", o->threads, &k, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    else
        kern_parallel(k, o->scenes, draw_one, &d);
    for (int i = 0; i < o->scenes && rc == 0; i++)
        if (d.errors[i].code) {
            rc = d.errors[i].code;
            *err = d.errors[i];
        }
    kern_close(k);
    free(d.errors);
    return rc;
}

static int write_text(const struct options *o, const char *name, const struct buf *text,
                      struct vs_err *err)
{
    struct outfile f;
    char *path = xasprintf("%s/%s", o->out, name);
    int rc = outfile_open(&f, path, err);
    if (rc == 0) {
        outfile_write(&f, text->data, text->len);
        rc = outfile_close(&f, err);
    }
    free(path);
    return rc;
}

static void make_items(const struct options *o, const struct scene *scenes, struct buf *out)
{
    struct world w = {scenes,      o->scenes, o->retrieval, o->unseen, (enum language)o->language,
                      (enum stress)o->stress};
    for (int i = 0; i < o->scenes; i++)
        for (int t = 0; t < task_count; t++) {
            bool wanted = o->task_count == 0;
            for (int j = 0; j < o->task_count; j++)
                wanted |= o->tasks[j] == &task_table[t];
            struct dice d;
            dice_seed(&d, scenes[i].seed, 100 + (uint64_t)task_table[t].id + (o->unseen ? 50 : 0));
            for (int n = 0; wanted && n < o->items; n++)
                item_make(&d, &w, i, task_table[t].name, out);
        }
}

static int make_world(const struct options *o, struct vs_err *err)
{
    struct scene *scenes = xcalloc((size_t)o->scenes, sizeof *scenes);
    struct buf items = {0}, truth = {0};
    char *images = xasprintf("%s/images", o->out);
    for (int i = 0; i < o->scenes; i++) {
        scene_make_hard((uint64_t)o->seed * 1000000u + (uint64_t)i, (enum stress)o->stress,
                        &scenes[i]);
        scene_json(&scenes[i], &truth);
        buf_putc(&truth, '\n');
    }
    make_items(o, scenes, &items);
    int rc = outfile_folder(o->out, err);
    if (rc == 0 && !o->no_images)
        rc = outfile_folder(images, err);
    if (rc == 0 && !o->no_images)
        rc = draw_all(o, scenes, err);
    if (rc == 0)
        rc = write_text(o, "scenes.jsonl", &truth, err);
    if (rc == 0)
        rc = write_text(o, "data.jsonl", &items, err);
    free(images);
    buf_fini(&items);
    buf_fini(&truth);
    free(scenes);
    return rc;
}

static int run_world(void *options, char **args, int count)
{
    const struct options *o = options;
    struct vs_err err = {0};
    (void)args;
    (void)count;
    if (!o->out)
        return command_usage("world", "-o DIR is missing");
    return make_world(o, &err) == 0 ? EXIT_OK : command_fail("world", &err);
}

const struct command command_world = {
    .name = "world", .args = "[OPTION...] -o DIR",
    .summary = "Draw scenes of the demo's world and ask about them.",
    .about =
        "Draws scenes of the world that the demo's model was trained on, and writes items of all\n"
        "12 data sets about them: what is asked and what is right. Everything follows from the\n"
        "seed.\n",
    .after = "vilscope-data(5) describes data.jsonl; vilscope eval measures a model on it.\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run_world,
};
