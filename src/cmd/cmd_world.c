/* vilscope world: scenes of the demo's world with questions about them, for training and for
 * measuring. */
#include "src/cmd/vilscope.h"

#include "demo/items.h"
#include "kernels/kern.h"
#include "src/formats/outfile.h"
#include "src/formats/pngwrite.h"
#include "src/task/task.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char world_help[] =
    "Draws scenes of the world that the demo's model was trained on, and writes items of all 12\n"
    "data sets about them: what is asked and what is right. Everything follows from the seed.\n\n"
    "  -o, --output DIR   folder: images/NNNNNN.png, data.jsonl, scenes.jsonl\n"
    "      --seed N       which scenes (default 1); the demo was trained on seeds below 1000\n"
    "      --scenes N     how many (default 100)\n"
    "      --items N      items of every task about each scene (default 1)\n"
    "      --task TASK    only this task; may be given more than once\n"
    "      --retrieval N  images that a caption is looked for in (default 20)\n"
    "      --unseen       questions in wordings that training never had\n"
    "      --no-images    texts only\n"
    "      --threads N    threads to draw with (default: all CPUs)\n"
    "      --help         this text\n\n"
    "vilscope-data(5) describes data.jsonl; vilscope eval measures a model on it.\n";

#define MOST_TASKS 12

struct options {
    const char *out;
    long long seed;
    int scenes, items, retrieval, threads, task_count;
    const struct task *tasks[MOST_TASKS];
    bool unseen, no_images, help;
};

static int take_number(const char *name, const char *value, long long least, long long most,
                       long long *out)
{
    char *end;
    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (errno || *end || end == value || n < least || n > most)
        return command_usage("world", "%s takes a number from %lld to %lld, not '%s'", name, least,
                             most, value);
    *out = n;
    return 0;
}

static int take_int(const char *name, const char *value, int least, int most, int *out)
{
    long long n = 0;
    int rc = take_number(name, value, least, most, &n);
    *out = rc ? *out : (int)n;
    return rc;
}

static int take_task(struct options *o, const char *value)
{
    const struct task *t = task_find(value);
    if (!t || o->task_count == MOST_TASKS)
        return command_usage("world", "there is no task '%s'", value);
    o->tasks[o->task_count++] = t;
    return 0;
}

static int take_option(int opt, struct options *o, const char *value)
{
    switch (opt) {
    case 'o': o->out = value; return 0;
    case 's': return take_number("--seed", value, 0, 1000000000, &o->seed);
    case 'n': return take_int("--scenes", value, 1, 900000, &o->scenes);
    case 'i': return take_int("--items", value, 1, 100, &o->items);
    case 'r': return take_int("--retrieval", value, 2, 64, &o->retrieval);
    case 't': return take_int("--threads", value, 1, 1024, &o->threads);
    case 'k': return take_task(o, value);
    case 'u': o->unseen = true; return 0;
    case 'x': o->no_images = true; return 0;
    case 'h': o->help = true; return 0;
    default: return EXIT_USAGE; /* getopt has said why */
    }
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option list[] = {
        {"output", required_argument, NULL, 'o'}, {"seed", required_argument, NULL, 's'},
        {"scenes", required_argument, NULL, 'n'}, {"items", required_argument, NULL, 'i'},
        {"retrieval", required_argument, NULL, 'r'}, {"threads", required_argument, NULL, 't'},
        {"task", required_argument, NULL, 'k'},   {"unseen", no_argument, NULL, 'u'},
        {"no-images", no_argument, NULL, 'x'},    {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt, rc;
    optind = 0;
    while ((opt = command_getopt("world", argc, argv, "o:", list)) != -1)
        if ((rc = take_option(opt, o, optarg)) != 0)
            return rc;
    if (!o->help && (!o->out || optind < argc))
        return command_usage("world", o->out ? "'%s' is too much" : "-o DIR is missing%s",
                             o->out ? argv[optind] : "");
    return 0;
}

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
    char why[256];
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

static int make_folder(const char *path, struct vs_err *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return 0;
    return vs_fail(err, VS_E_IO, "%s: the folder cannot be made: %s", path, strerror(errno));
}

static void make_items(const struct options *o, const struct scene *scenes, struct buf *out)
{
    struct world w = {scenes, o->scenes, o->retrieval, o->unseen};
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

static int run(const struct options *o, struct vs_err *err)
{
    struct scene *scenes = xcalloc((size_t)o->scenes, sizeof *scenes);
    struct buf items = {0}, truth = {0};
    char *images = xasprintf("%s/images", o->out);
    for (int i = 0; i < o->scenes; i++) {
        scene_make((uint64_t)o->seed * 1000000u + (uint64_t)i, &scenes[i]);
        scene_json(&scenes[i], &truth);
        buf_putc(&truth, '\n');
    }
    make_items(o, scenes, &items);
    int rc = make_folder(o->out, err);
    if (rc == 0 && !o->no_images)
        rc = make_folder(images, err);
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

int cmd_world(int argc, char **argv)
{
    struct options o = {.seed = 1, .scenes = 100, .items = 1, .retrieval = 20};
    struct vs_err err = {0};
    int status = parse(argc, argv, &o);
    if (o.help)
        return command_help(command_find("world"));
    if (status != 0)
        return status;
    return run(&o, &err) == 0 ? EXIT_OK : command_fail("world", &err);
}
