/* SPDX-License-Identifier: MIT */
/* Which part of a model a file is: inspect says what it holds, here it gets its place. */
#include "src/cmd/cmd_setup.h"

#include "src/base/mem.h"
#include "src/cmd/cmd_inspect.h"
#include "src/cmd/vilscope.h"
#include "src/formats/savedparts.h"
#include "src/vision/arch.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PUBLISHED_VQA 3129
#define PUBLISHED_GQA 1533
#define PUBLISHED_CLASSES 1600
#define FOLDER_FILES 1000 /* of a folder that are looked at */
/* Where lists are looked for below one that was named (vilscope-model(7) says so): */
#define DEEP_FOLDERS 4
#define DEEP_FILES 1000
#define DEEP_BYTES ((off_t)1 << 20) /* of a list */

/* named: by the user, not found in a folder. */
static void setup_unused(struct setup *s, bool named, const char *path, const char *why)
{
    s->unused += named;
    if (strstr(why, path))
        finding_add(&s->found, FOUND_NOTE, "not used", NULL, "%s", why);
    else
        finding_add(&s->found, FOUND_NOTE, "not used", NULL, "%s: %s", path, why);
}

static const char *setup_says(const json_t *report, const char *key)
{
    const char *s = json_string_value(json_object_get(report, key));
    return s ? s : "";
}

/* There is room for one of each. */
static void setup_fill(struct setup *s, bool named, char **slot, const char *path)
{
    char why[600];
    snprintf(why, sizeof why, "is a second one: %s is taken", *slot ? *slot : "");
    if (*slot)
        setup_unused(s, named, path, why);
    else
        *slot = xstrdup(path);
}

/* Those that a checkpoint was trained to answer. */
static int setup_count_tasks(const char *list)
{
    int n = *list && strcmp(list, "none") != 0;
    for (const char *s = list; *s; s++)
        n += *s == ',';
    for (const char *s = list; (s = strstr(s, "(zero-shot)")); s++)
        n--;
    return n;
}

/* The last checkpoint answers where none is named, so it is one that answers most tasks: of what is
 * published the multi-task one, not the pre-trained one behind it. Else they keep their order. */
static void setup_checkpoint(struct setup *s, const char *path, const json_t *report)
{
    struct part_checkpoint *list;
    parts_add_checkpoint(&s->parts, path);
    int at = s->parts.checkpoint_count - 1;
    list = s->parts.checkpoints;
    const struct part_checkpoint added = list[at];
    const struct setup_kind kind = {
        .tasks = setup_count_tasks(setup_says(report, "tasks")),
        .says = xasprintf("%s: %s; answers: %s", path, setup_says(report, "model"),
                          setup_says(report, "tasks"))};
    s->kinds = xreallocarray(s->kinds, (size_t)at + 1, sizeof *s->kinds);
    for (; at > 0 && s->kinds[at - 1].tasks > kind.tasks; at--) {
        s->kinds[at] = s->kinds[at - 1];
        list[at] = list[at - 1];
    }
    s->kinds[at] = kind;
    list[at] = added;
}

static void setup_list(struct setup *s, const char *path, bool deep, const json_t *report)
{
    int size = (int)json_integer_value(json_object_get(report, "label_count"));
    s->lists = xreallocarray(s->lists, (size_t)s->list_count + 1, sizeof *s->lists);
    s->lists[s->list_count++] = (struct setup_list){xstrdup(path), size, deep};
}

static void setup_regions(struct setup *s, const char *path, const json_t *report)
{
    const json_t *images = json_object_get(report, "images");
    const char *first = json_string_value(json_array_get(images, 0));
    if (images)
        finding_add(&s->found, FOUND_OK, "features", NULL, "%s: regions of %zu images, for "
                    "--regions", path, json_array_size(images));
    else
        finding_add(&s->found, FOUND_OK, "features", NULL, "%s: regions of one image, for "
                    "--regions", path);
    if (s->regions || (images && !first))
        return;
    s->regions = xstrdup(path);
    s->key = xstrdup_null(first);
}

/* A folder as transformers saves it names its own parts. */
static void setup_saved(struct setup *s, bool named, const char *path, const json_t *report)
{
    struct parts p = {0};
    if (parts_read(path, &p, NULL) != 0 || p.checkpoint_count == 0) {
        parts_fini(&p);
        setup_unused(s, named, path, "a folder of weights without a config.json");
        return;
    }
    setup_checkpoint(s, p.checkpoints[0].path, report);
    setup_fill(s, named, &s->parts.config, p.config);
    if (p.vocab)
        setup_fill(s, named, &s->parts.vocab, p.vocab);
    parts_fini(&p);
}

static void setup_weights(struct setup *s, bool named, const char *path, const json_t *report)
{
    struct stat st;
    if (json_object_get(report, "detector"))
        setup_fill(s, named, &s->parts.detector, path);
    else if (!json_object_get(report, "model"))
        setup_unused(s, named, path, "holds tensors, but neither those of a model nor those of a "
                     "region detector");
    else if (!json_object_get(report, "tasks"))
        setup_unused(s, named, path, setup_says(report, "model"));
    else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        setup_saved(s, named, path, report);
    else
        setup_checkpoint(s, path, report);
}

static void setup_file(struct setup *s, bool named, const char *path, const json_t *report)
{
    const char *kind = setup_says(report, "kind");
    char why[200];
    if (strcmp(kind, "checkpoint") == 0)
        setup_weights(s, named, path, report);
    else if (strcmp(kind, "configuration") == 0)
        setup_fill(s, named, &s->parts.config, path);
    else if (strcmp(kind, "vocabulary") == 0)
        setup_fill(s, named, &s->parts.vocab, path);
    else if (strcmp(kind, "detector configuration") == 0)
        setup_fill(s, named, &s->parts.detector_arch, path);
    else if (strcmp(kind, "labels") == 0)
        setup_list(s, path, false, report);
    else if (strcmp(kind, "region database") == 0 || strcmp(kind, "regions") == 0)
        setup_regions(s, path, report);
    else if (strcmp(kind, "image") == 0)
        s->image = s->image ? s->image : xstrdup(path);
    else {
        snprintf(why, sizeof why, "is %s %s, no part of a model",
                 strchr("aeiou", kind[0]) ? "an" : "a", kind);
        setup_unused(s, named, path, why);
    }
}

static void setup_one(struct setup *s, bool named, const char *path)
{
    struct vs_err err = {0};
    json_t *report = NULL;
    if (inspect_report(path, NULL, &report, &err) != 0)
        setup_unused(s, named, path, err.text);
    else
        setup_file(s, named, path, report);
    json_decref(report);
}

/* A folder that is itself something: features, or saved weights. */
static bool setup_is_one(const char *path)
{
    struct stat st;
    char *data = xasprintf("%s/data.mdb", path), *weights = savedparts_weights(path);
    bool one = weights || stat(data, &st) == 0;
    free(weights);
    free(data);
    return one;
}

static int setup_visible(const struct dirent *e)
{
    return e->d_name[0] != '.' && strcmp(e->d_name, "model.json") != 0;
}

static void setup_one_deep(struct setup *s, const char *path)
{
    struct vs_err none = {0};
    json_t *report = NULL;
    if (inspect_report(path, NULL, &report, &none) == 0 &&
        strcmp(setup_says(report, "kind"), "labels") == 0)
        setup_list(s, path, true, report);
    json_decref(report);
}

static bool setup_may_be_list(const char *name)
{
    return ends_in(name, ".pkl") || ends_in(name, ".json") || ends_in(name, ".txt");
}

/* Lists in the folder at path, and in those in it; left: files that are still looked at, below 0
 * where there were more. */
static void setup_deeper(struct setup *s, const char *path, int depth, int *left)
{
    struct dirent **list = NULL;
    struct stat st;
    int n = scandir(path, &list, setup_visible, alphasort);
    for (int i = 0; i < n; i++) {
        char *file = command_inside(path, list[i]->d_name);
        bool there = *left >= 0 && stat(file, &st) == 0;
        if (there && S_ISDIR(st.st_mode) && depth < DEEP_FOLDERS)
            setup_deeper(s, file, depth + 1, left);
        else if (there && S_ISREG(st.st_mode) && st.st_size <= DEEP_BYTES &&
                 setup_may_be_list(file) && (*left)-- > 0)
            setup_one_deep(s, file);
        free(file);
        free(list[i]);
    }
    free(list);
}

void setup_add(struct setup *s, const char *path)
{
    struct dirent **list = NULL;
    struct stat st;
    int left = DEEP_FILES;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode) && !setup_is_one(path);
    int n = folder ? scandir(path, &list, setup_visible, alphasort) : -1;
    if (n < 0) {
        setup_one(s, true, path);
        return;
    }
    for (int i = 0; i < n; i++) {
        char *file = command_inside(path, list[i]->d_name);
        bool deeper = stat(file, &st) == 0 && S_ISDIR(st.st_mode) && !setup_is_one(file);
        if (deeper)
            setup_deeper(s, file, 1, &left);
        else if (i < FOLDER_FILES)
            setup_one(s, false, file);
        free(file);
        free(list[i]);
    }
    if (n > FOLDER_FILES)
        finding_add(&s->found, FOUND_NOTE, "not used", "name the files that are meant", "%s: only "
                    "the first %d of its %d files are looked at", path, FOLDER_FILES, n);
    if (left < 0)
        finding_add(&s->found, FOUND_NOTE, "not used", "name the lists that are meant", "%s: only "
                    "the first %d files in the folders below it are looked at for lists of names",
                    path, DEEP_FILES);
    free(list);
}

/* How many names a list of each kind has. */
struct setup_sizes {
    int vqa, gqa, classes;
};

static void setup_place_list(struct setup *s, const struct setup_list *l,
                             const struct setup_sizes *of)
{
    int n = l->size;
    bool is_gqa = n == of->gqa &&
                  (n != of->vqa || strcasestr(l->path, "gqa") || s->parts.labels_vqa);
    char why[200];
    snprintf(why, sizeof why, "a list of %d names: the checkpoint has %d answers of VQA and %d of "
             "GQA, the detector %d classes", n, of->vqa, of->gqa, of->classes);
    if (is_gqa)
        setup_fill(s, !l->deep, &s->parts.labels_gqa, l->path);
    else if (n == of->vqa)
        setup_fill(s, !l->deep, &s->parts.labels_vqa, l->path);
    else if (n == of->classes)
        setup_fill(s, !l->deep, &s->parts.classes, l->path);
    else if (!l->deep)
        setup_unused(s, false, l->path, why);
}

void setup_place_lists(struct setup *s, const struct model *m)
{
    int last = m ? model_checkpoint_count(m) - 1 : 0;
    struct setup_sizes of = {.vqa = m ? model_answers(m, last, HEAD_VQA) : PUBLISHED_VQA,
                             .gqa = m ? model_answers(m, last, HEAD_GQA) : PUBLISHED_GQA,
                             .classes = PUBLISHED_CLASSES};
    struct vs_err err = {0};
    struct arch a = {.num_classes = PUBLISHED_CLASSES + 1};
    if (s->parts.detector_arch && arch_read(s->parts.detector_arch, &a, &err) == 0)
        of.classes = a.num_classes - 1; /* otherwise setup_tell says what is wrong */
    for (int deep = 0; deep < 2; deep++) /* what was found deep takes the place of nothing else */
        for (int i = 0; i < s->list_count; i++)
            if (s->lists[i].deep == deep)
                setup_place_list(s, &s->lists[i], &of);
}

void setup_fini(struct setup *s)
{
    for (int i = 0; i < s->list_count; i++)
        free(s->lists[i].path);
    free(s->lists);
    free(s->image);
    free(s->regions);
    free(s->key);
    for (int i = 0; i < s->parts.checkpoint_count; i++)
        free(s->kinds[i].says);
    free(s->kinds);
    parts_fini(&s->parts);
    findings_fini(&s->found);
}
