/* SPDX-License-Identifier: MIT */
/* The files of a task in the reference's data folder: opened, and named as what they are when they
 * are something else. */
#include "src/study/reference_priv.h"

#include "src/formats/filekind.h"
#include "src/formats/gunzip.h"
#include "src/formats/ndarray.h"
#include "src/base/mem.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *reference_path(const struct reference_reader *r, const char *name)
{
    return xasprintf("%s/%s", r->root, name);
}

bool reference_is_there(const struct reference_reader *r, const char *name)
{
    char *path = reference_path(r, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* ---- JSON */

static bool begins_json(const struct bytes *map)
{
    size_t i = 0;
    while (i < map->size && strchr(" \t\r\n", map->data[i]) && map->data[i])
        i++;
    return i < map->size && (map->data[i] == '{' || map->data[i] == '[');
}

static int open_text(const struct reference_reader *r, const char *name, struct bytes *out)
{
    char *path = reference_path(r, name);
    int rc = gunzip_open(path, out, r->err);
    if (rc == 0 && !begins_json(out)) {
        rc = vs_fail(r->err, VS_E_FORMAT, "%s: is %s, JSON is expected", path,
                     out->size ? file_kind(out) : "empty");
        bytes_close(out);
    }
    free(path);
    return rc;
}

/* Texts lose their U+0000, as the tokenizer drops it; a C string would end there. */
static void drop_nul(json_t *v)
{
    json_t *child;
    const char *key;
    size_t i, n = 0, all = json_string_length(v);
    json_array_foreach(v, i, child)
        drop_nul(child);
    json_object_foreach(v, key, child)
        drop_nul(child);
    if (!json_is_string(v) || !memchr(json_string_value(v), '\0', all))
        return;
    char *text = xcalloc(all + 1, 1);
    for (i = 0; i < all; i++)
        if (json_string_value(v)[i])
            text[n++] = json_string_value(v)[i];
    json_string_setn(v, text, n);
    free(text);
}

static json_t *parse_json(const char *p, size_t n, json_error_t *why)
{
    json_t *v = json_loadb(p, n, JSON_ALLOW_NUL, why);
    if (v && memmem(p, n, "\\u0000", 6))
        drop_nul(v);
    return v;
}

int reference_json(const struct reference_reader *r, const char *name, json_t **out)
{
    struct bytes map;
    json_error_t why;
    int rc = open_text(r, name, &map);
    if (rc != 0)
        return rc;
    *out = parse_json((const char *)map.data, map.size, &why);
    if (!*out)
        rc = vs_fail(r->err, VS_E_FORMAT, "%s: line %d: %s", map.path, why.line, why.text);
    rc = bytes_check(&map, rc, r->err);
    bytes_close(&map);
    if (rc != 0) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

static bool is_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
            return false;
    return true;
}

static int take_line(struct reference_reader *r, const struct bytes *map, const char *p, size_t n,
                     int line, eval_line *take, void *arg)
{
    json_error_t why;
    if (is_blank(p, n))
        return 0;
    json_t *v = parse_json(p, n, &why);
    int rc = 0;
    if (json_is_object(v)) {
        rc = take(arg, line, v);
    } else {
        char *item = xasprintf("%s: line %d", map->path, line);
        eval_add_flaw(r->set, item, v ? "not a JSON object" : why.text);
        free(item);
    }
    json_decref(v);
    return rc;
}

int reference_lines(struct reference_reader *r, const char *name, eval_line *take, void *arg)
{
    struct bytes map;
    int rc = open_text(r, name, &map);
    if (rc != 0)
        return rc;
    const char *p = (const char *)map.data, *end = p + map.size;
    for (int line = 1; p < end && rc == 0; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        rc = take_line(r, &map, p, (size_t)((stop ? stop : end) - p), line, take, arg);
        p = stop ? stop + 1 : end;
    }
    rc = bytes_check(&map, rc, r->err);
    bytes_close(&map);
    return rc;
}

/* ---- pickles */

static const char *kind_name(enum pkind kind)
{
    return kind == PK_DICT ? "dictionary" : "list";
}

int reference_pickle_open(const struct reference_reader *r, const char *name, enum pkind kind,
                          struct reference_pickle *out)
{
    *out = (struct reference_pickle){0};
    char *path = reference_path(r, name);
    int rc = bytes_open(path, &out->map, r->err);
    free(path);
    if (rc != 0)
        return rc;
    const char *where = out->map.path;
    if (!labels_are_pickled(&out->map))
        return vs_fail(r->err, VS_E_FORMAT, "%s: is %s, a pickle is expected", where,
                       out->map.size ? file_kind(&out->map) : "empty");
    rc = pickle_load(out->map.data, out->map.size, pickle_any, where, &out->p, NULL, r->err);
    if (rc == 0)
        out->root = pickle_root(out->p);
    if (rc == 0 && out->root->kind != kind)
        rc = vs_fail(r->err, VS_E_FORMAT, "%s: a pickle of something else than a %s", where,
                     kind_name(kind));
    return bytes_check(&out->map, rc, r->err);
}

void reference_pickle_close(struct reference_pickle *p)
{
    pickle_free(p->p);
    bytes_close(&p->map);
    *p = (struct reference_pickle){0};
}

/* ---- splits that are none */

int reference_no_split(const struct reference_reader *r, const char *names)
{
    return vs_fail(r->err, VS_E_USAGE, "%s: there is no split '%s' of %s%s%s", r->root, r->split,
                   r->task->name, names[0] ? ": it has " : ", nor any other", names);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names between before and after, of the files that have both. */
static int list_files(const char *folder, const char *before, const char *after, char ***out)
{
    size_t b = strlen(before), a = strlen(after);
    DIR *d = opendir(folder);
    int count = 0;
    *out = NULL;
    for (const struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n <= a + b || strncmp(e->d_name, before, b) != 0 ||
            strcmp(e->d_name + n - a, after) != 0 || e->d_name[0] == '.')
            continue;
        *out = xreallocarray(*out, (size_t)count + 1, sizeof **out);
        (*out)[count++] = xstrndup(e->d_name + b, n - a - b);
    }
    if (d)
        closedir(d);
    if (count)
        vs_sort(*out, (size_t)count, sizeof **out, by_name);
    return count;
}

int reference_no_file(const struct reference_reader *r, const char *before, const char *after)
{
    char **names;
    struct buf b = {0};
    int count = list_files(r->root, before, after, &names);
    for (int i = 0; i < count; i++) {
        buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
        free(names[i]);
    }
    free(names);
    int rc = reference_no_split(r, b.data ? b.data : "");
    buf_fini(&b);
    return rc;
}
