/* SPDX-License-Identifier: MIT */
/* Reading model.json and joining it with the command line's options. */
#include "src/engine/modeldir.h"

#include "src/formats/bytes.h"
#include "src/formats/savedparts.h"
#include "src/formats/setname.h"
#include "src/base/mem.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REFERENCE_MAX_REGIONS 101
#define MAX_FILE (16 << 20)

void parts_fini(struct parts *p)
{
    for (int i = 0; i < p->checkpoint_count; i++)
        part_checkpoint_fini(&p->checkpoints[i]);
    free(p->checkpoints);
    free(p->name);
    free(p->config);
    free(p->vocab);
    free(p->labels_vqa);
    free(p->labels_gqa);
    free(p->classes);
    free(p->detector);
    free(p->detector_arch);
    free(p->queries);
    free(p->known_words);
    free(p->domain);
    free(p->about);
    *p = (struct parts){0};
}

static char *base_name(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t from = n;
    while (from > 0 && path[from - 1] != '/')
        from--;
    return xstrndup(path + from, n - from);
}

static char *in_dir(const char *dir, const char *path)
{
    return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
}

static bool modeldir_is_there(const char *dir, const char *name, char **path)
{
    struct stat st;
    *path = xasprintf("%s/%s", dir, name);
    if (stat(*path, &st) == 0 && S_ISREG(st.st_mode))
        return true;
    free(*path);
    *path = NULL;
    return false;
}

static void modeldir_replace(char **where, const char *with)
{
    if (with) {
        free(*where);
        *where = xstrdup(with);
    }
}

void part_checkpoint_fini(struct part_checkpoint *c)
{
    free(c->name);
    free(c->path);
    free(c->note);
    free(c->config);
    *c = (struct part_checkpoint){0};
}

static bool is_taken(const struct parts *p, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(p->checkpoints[i].name, name) == 0)
            return true;
    return false;
}

/* The number k of "stem (k)", 1 of stem itself, else 0. */
static int modeldir_number_of(const char *name, const char *stem)
{
    size_t n = strlen(stem);
    int number = 0, used = 0;
    if (strncmp(name, stem, n) != 0)
        return 0;
    if (!name[n])
        return 1;
    bool whole = sscanf(name + n, " (%9d)%n", &number, &used) == 1 && used && !name[n + used];
    return whole && number > 1 ? number : 0;
}

/* The least number that no "stem (k)" of the first n has; 1 when the stem is free. One pass. */
static int free_number(const struct parts *p, int n, const char *stem)
{
    bool *used = xcalloc((size_t)n + 2, sizeof *used);
    int k = 1;
    for (int i = 0; i < n; i++) {
        int number = modeldir_number_of(p->checkpoints[i].name, stem);
        if (number <= n)
            used[number] = true;
    }
    while (used[k])
        k++;
    free(used);
    return k;
}

/* "run2/model.bin" of "/data/run2/model.bin". */
static char *folder_name(const char *path)
{
    char *base = base_name(path), *folder = xstrndup(path, strlen(path) - strlen(base));
    char *last = base_name(folder);
    char *name = last[0] && strcmp(last, "/") != 0 ? xasprintf("%s/%s", last, base)
                                                  : xstrdup(base);
    free(base);
    free(folder);
    free(last);
    return name;
}

struct part_checkpoint parts_checkpoint(const struct parts *p, int i, const char *path,
                                        const char *name)
{
    char *own = name ? xstrdup(name) : base_name(path);
    if (!name && is_taken(p, i, own)) {
        free(own);
        own = folder_name(path);
    }
    int k = free_number(p, i, own);
    if (k > 1) {
        char *stem = own;
        own = xasprintf("%s (%d)", stem, k);
        free(stem);
    }
    char *saved = savedparts_weights(path), *config = NULL;
    if (saved)
        modeldir_is_there(path, "config.json", &config);
    return (struct part_checkpoint){.name = own, .path = saved ? saved : xstrdup(path),
                                    .config = config};
}

const char *parts_config(const struct parts *p, const struct part_checkpoint *c)
{
    return c && c->config ? c->config : p->config;
}

static void add_checkpoint(struct parts *p, const char *name, const char *path, const char *note)
{
    int n = p->checkpoint_count;
    p->checkpoints = xreallocarray(p->checkpoints, (size_t)n + 1, sizeof *p->checkpoints);
    p->checkpoints[n] = parts_checkpoint(p, n, path, name);
    p->checkpoints[n].note = xstrdup_null(note);
    p->checkpoint_count++;
}

void parts_add_checkpoint(struct parts *p, const char *path)
{
    add_checkpoint(p, NULL, path, NULL);
}

/* A string member, or NULL; anything else than a string is an error. */
static int modeldir_member(const json_t *object, const char *key, const char *file,
                           const char **out, struct vs_err *err)
{
    const json_t *v = json_object_get(object, key);
    *out = NULL;
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return vs_fail(err, VS_E_FORMAT, "%s: \"%s\" is not a string", file, key);
    *out = json_string_value(v);
    return 0;
}

static int path_member(const json_t *object, const char *key, const char *dir, const char *file,
                       char **out, struct vs_err *err)
{
    const char *s;
    int rc = modeldir_member(object, key, file, &s, err);
    if (rc == 0 && s)
        *out = in_dir(dir, s);
    return rc;
}

static int read_checkpoints(const json_t *list, const char *dir, const char *file, struct parts *p,
                            struct vs_err *err)
{
    if (!json_is_array(list))
        return vs_fail(err, VS_E_FORMAT, "%s: \"checkpoints\" is missing or is not a list", file);
    if (json_array_size(list) > MODEL_CHECKPOINTS)
        return vs_fail(err, VS_E_LIMIT, "%s: lists %zu checkpoints, %d can be opened at once", file,
                       json_array_size(list), MODEL_CHECKPOINTS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *path = json_string_value(item), *name = NULL, *note = NULL;
        char *config = NULL;
        if (json_is_object(item)) {
            int rc = modeldir_member(item, "file", file, &path, err);
            if (rc == 0)
                rc = modeldir_member(item, "name", file, &name, err);
            if (rc == 0)
                rc = modeldir_member(item, "note", file, &note, err);
            if (rc == 0 && path)
                rc = path_member(item, "config", dir, file, &config, err);
            if (rc != 0)
                return rc;
        }
        if (!path)
            return vs_fail(err, VS_E_FORMAT, "%s: checkpoint %zu has no \"file\"", file, i + 1);
        char *full = in_dir(dir, path);
        add_checkpoint(p, name, full, note);
        modeldir_replace(&p->checkpoints[p->checkpoint_count - 1].config, config);
        free(config);
        free(full);
    }
    return 0;
}

static int modeldir_read_numbers(const json_t *root, const char *file, struct parts *p,
                                 struct vs_err *err)
{
    const json_t *tokens = json_object_get(root, "task_tokens");
    const json_t *max = json_object_get(root, "max_regions");
    if (tokens && !json_is_boolean(tokens))
        return vs_fail(err, VS_E_FORMAT, "%s: \"task_tokens\" is neither true nor false", file);
    if (tokens)
        p->task_tokens = json_is_true(tokens);
    if (max) {
        json_int_t n = json_integer_value(max);
        if (n < 2 || n > 10000)
            return vs_fail(err, VS_E_FORMAT, "%s: \"max_regions\" is not a number from 2 to 10000",
                           file);
        p->max_regions = (int)n;
    }
    return 0;
}

static int read_members(const json_t *root, const char *dir, const char *file, struct parts *p,
                        struct vs_err *err)
{
    const char *name;
    const json_t *labels = json_object_get(root, "labels");
    if (!json_is_object(root))
        return vs_fail(err, VS_E_FORMAT, "%s: is not a JSON object", file);
    if (labels && !json_is_object(labels))
        return vs_fail(err, VS_E_FORMAT, "%s: \"labels\" is not an object with vqa and gqa", file);
    int rc = modeldir_member(root, "name", file, &name, err);
    if (rc == 0 && name)
        p->name = xstrdup(name);
    if (rc == 0)
        rc = modeldir_member(root, "about", file, &name, err);
    if (rc == 0 && name)
        p->about = xstrdup(name);
    if (rc == 0)
        rc = path_member(root, "config", dir, file, &p->config, err);
    if (rc == 0)
        rc = path_member(root, "vocab", dir, file, &p->vocab, err);
    if (rc == 0)
        rc = path_member(root, "classes", dir, file, &p->classes, err);
    if (rc == 0)
        rc = path_member(root, "detector", dir, file, &p->detector, err);
    if (rc == 0)
        rc = path_member(root, "detector_arch", dir, file, &p->detector_arch, err);
    if (rc == 0)
        rc = path_member(root, "queries", dir, file, &p->queries, err);
    if (rc == 0)
        rc = path_member(root, "known_words", dir, file, &p->known_words, err);
    if (rc == 0)
        rc = path_member(root, "domain", dir, file, &p->domain, err);
    if (rc == 0)
        rc = path_member(labels, "vqa", dir, file, &p->labels_vqa, err);
    if (rc == 0)
        rc = path_member(labels, "gqa", dir, file, &p->labels_gqa, err);
    if (rc == 0)
        rc = modeldir_read_numbers(root, file, p, err);
    if (rc == 0)
        rc = read_checkpoints(json_object_get(root, "checkpoints"), dir, file, p, err);
    return rc;
}

/* A FIFO or a device in its place would never end. */
static int modeldir_read_file(const char *dir, const char *file, struct parts *p,
                              struct vs_err *err)
{
    struct bytes map;
    struct stat st;
    json_error_t why;
    if (stat(file, &st) != 0)
        return errno == ENOENT
                   ? vs_fail(err, VS_E_MISSING, "%s: neither model.json nor config.json with its "
                             "weights is there (man 5 vilscope-model)", dir)
                   : vs_fail(err, VS_E_MISSING, "%s: %s", file, strerror(errno));
    int rc = bytes_open(file, &map, err);
    if (rc == 0 && map.size > MAX_FILE)
        rc = vs_fail(err, VS_E_LIMIT, "%s: has %zu bytes, more than %d: not the description of a "
                     "model", file, map.size, MAX_FILE);
    if (rc == 0) {
        const struct bytes text = bytes_text(&map);
        json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &why);
        rc = root ? read_members(root, dir, file, p, err)
                  : vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", file, why.line, why.text);
        json_decref(root);
    }
    bytes_close(&map);
    return rc;
}

/* What transformers' save_pretrained leaves: files of fixed names, no model.json. */
static bool read_saved(const char *dir, struct parts *p)
{
    char *weights = savedparts_weights(dir), *config = NULL;
    bool good = weights && modeldir_is_there(dir, "config.json", &config);
    if (good) {
        p->name = base_name(dir);
        p->config = config;
        modeldir_is_there(dir, "vocab.txt", &p->vocab);
        add_checkpoint(p, p->name, weights, NULL);
    }
    free(weights);
    return good;
}

static int read_dir(const char *dir, struct parts *p, struct vs_err *err)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return vs_fail(err, VS_E_IO, "%s: %s", dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return vs_fail(err, VS_E_USAGE, "%s: is not a folder; -m takes a model directory, -c a "
                       "checkpoint file", dir);
    char *file = xasprintf("%s/model.json", dir);
    if (stat(file, &st) != 0 && read_saved(dir, p)) {
        free(file);
        return 0;
    }
    int rc = modeldir_read_file(dir, file, p, err);
    if (rc == 0 && !p->name)
        p->name = base_name(dir);
    free(file);
    return rc;
}

/* One that names its set keeps it. */
static void choose_weights(struct part_checkpoint *c, const char *set)
{
    const char *own;
    setname_split(c->path, &own);
    if (own)
        return;
    char *path = xasprintf("%s@%s", c->path, set);
    free(c->path);
    c->path = path;
}

/* Of a checkpoint with files of its own: --config is said of all; what nobody else says is
 * theirs. */
static void own_parts(struct parts *p, struct part_checkpoint *c, const struct model_options *o)
{
    if (!c->config)
        return;
    if (!p->config)
        p->config = xstrdup(c->config);
    if (!p->vocab) {
        char *base = base_name(c->config);
        char *folder = xstrndup(c->config, strlen(c->config) - strlen(base));
        modeldir_is_there(folder[0] ? folder : ".", "vocab.txt", &p->vocab);
        free(base);
        free(folder);
    }
    if (o->config) {
        free(c->config);
        c->config = NULL;
    }
}

/* Also where another set of its weights is named. */
static bool modeldir_same_file(const char *a, const char *b)
{
    const char *set;
    size_t n = setname_split(a, &set);
    return setname_split(b, &set) == n && memcmp(a, b, n) == 0;
}

/* A checkpoint of the folder that options name keeps what the folder says of it: under this name,
 * where several are of one file. */
static void keep_config(const struct part_checkpoint *before, int n, struct part_checkpoint *c)
{
    const struct part_checkpoint *of = NULL;
    for (int i = 0; i < n; i++)
        if (modeldir_same_file(before[i].path, c->path) &&
            (!of || strcmp(before[i].name, c->name) == 0))
            of = &before[i];
    if (of && !c->config)
        c->config = xstrdup_null(of->config);
}

static void apply_options(struct parts *p, const struct model_options *o)
{
    modeldir_replace(&p->config, o->config);
    modeldir_replace(&p->vocab, o->vocab);
    modeldir_replace(&p->labels_vqa, o->labels_vqa);
    modeldir_replace(&p->labels_gqa, o->labels_gqa);
    modeldir_replace(&p->classes, o->classes);
    modeldir_replace(&p->detector, o->detector);
    modeldir_replace(&p->detector_arch, o->detector_arch);
    if (o->checkpoints && o->checkpoints[0]) {
        struct part_checkpoint *before = p->checkpoints;
        int n = p->checkpoint_count;
        p->checkpoints = NULL;
        p->checkpoint_count = 0;
        for (int i = 0; o->checkpoints[i]; i++) {
            add_checkpoint(p, o->names ? o->names[i] : NULL, o->checkpoints[i], NULL);
            keep_config(before, n, &p->checkpoints[i]);
        }
        for (int i = 0; i < n; i++)
            part_checkpoint_fini(&before[i]);
        free(before);
    }
    for (int i = 0; i < p->checkpoint_count; i++)
        own_parts(p, &p->checkpoints[i], o);
    for (int i = 0; o->weights && i < p->checkpoint_count; i++)
        choose_weights(&p->checkpoints[i], o->weights);
    if (!p->name && p->checkpoint_count)
        p->name = xstrdup(p->checkpoints[0].name);
}

static int check_complete(const struct parts *p, struct vs_err *err)
{
    static const char hint[] = "give a model directory (-m DIR), or -c CHECKPOINT --config FILE "
                               "--vocab FILE";
    if (p->checkpoint_count == 0)
        return vs_fail(err, VS_E_USAGE, "no checkpoint: %s", hint);
    if (!p->config)
        return vs_fail(err, VS_E_USAGE, "no configuration for %s: %s", p->checkpoints[0].path,
                       hint);
    if (!p->vocab)
        return vs_fail(err, VS_E_USAGE, "no vocabulary for %s: %s", p->checkpoints[0].path, hint);
    return 0;
}

int parts_read(const char *dir, struct parts *out, struct vs_err *err)
{
    *out = (struct parts){.task_tokens = -1, .max_regions = REFERENCE_MAX_REGIONS};
    int rc = read_dir(dir, out, err);
    if (rc != 0)
        parts_fini(out);
    return rc;
}

int parts_find(const struct model_options *o, struct parts *out, struct vs_err *err)
{
    *out = (struct parts){.task_tokens = -1, .max_regions = REFERENCE_MAX_REGIONS};
    int rc = o->dir ? read_dir(o->dir, out, err) : 0;
    if (rc == 0) {
        apply_options(out, o);
        rc = check_complete(out, err);
    }
    if (rc != 0)
        parts_fini(out);
    return rc;
}
