/* SPDX-License-Identifier: MIT */
/* What the readers of annotations share. */
#include "src/study/annotations.h"

#include "src/formats/filekind.h"
#include "src/formats/gunzip.h"
#include "src/study/wholenumber.h"

#include <stdlib.h>
#include <string.h>

/* ---- items */

struct eval_item *annotations_add(const struct annotations *a, const char *task, const char *text,
                                  int line)
{
    struct eval_item *it = eval_add(a->s);
    it->task = task_find(task);
    it->text = xstrdup(text && text[0] ? text : "?");
    it->line = line;
    return it;
}

int annotations_bad(const struct annotations *a, const char *what)
{
    return vs_fail(a->err, VS_E_FORMAT, "%s", what);
}

char *annotations_image(const struct annotations *a, const char *name)
{
    return xasprintf("%s/%s", a->o->images ? a->o->images : ".", name);
}

char *annotations_coco_image(const struct annotations *a, const char *part, json_int_t image)
{
    char *name = xasprintf("COCO_%s_%012" JSON_INTEGER_FORMAT ".jpg", part, image);
    char *path = annotations_image(a, name);
    free(name);
    return path;
}

const char *annotations_text(const json_t *v, const char *key)
{
    return json_string_value(json_object_get(v, key));
}

bool annotations_number(const json_t *v, const char *key, json_int_t *out)
{
    return annotations_integer(json_object_get(v, key), out);
}

bool annotations_integer(const json_t *n, json_int_t *out)
{
    const char *text = json_string_value(n);
    const char *end;
    long long number = 0;
    bool whole = text ? whole_number(text, &end, &number) && *end == '\0' : json_is_integer(n);
    if (whole)
        *out = text ? (json_int_t)number : json_integer_value(n);
    return whole;
}

void annotations_field(struct eval_item *it, const char *name, json_t *value)
{
    if (!value || json_is_null(value))
        return;
    if (!it->fields)
        it->fields = json_object();
    json_object_set(it->fields, name, value);
}

int annotations_each(struct annotations *a, const json_t *list, const char *what,
                     annotations_take *take, void *arg)
{
    json_t *v;
    size_t i;
    int rc = 0;
    json_array_foreach((json_t *)(uintptr_t)list, i, v) {
        int before = a->s->count;
        rc = take(a, v, (int)i + 1, arg);
        if (rc != 0) {
            char *item = xasprintf("%s %zu", what, i + 1);
            rc = eval_go_on(a->s, before, item, rc, a->err);
            free(item);
        }
        if (rc != 0)
            break;
    }
    return rc;
}

int annotations_task(const struct annotations *a, const char *const *names, const char **out)
{
    struct buf list = {0};
    *out = names[0];
    if (!a->o->task)
        return 0;
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], a->o->task->name) == 0) {
            *out = names[i];
            buf_fini(&list);
            return 0;
        }
        buf_printf(&list, "%s%s", !i ? "" : names[i + 1] ? ", " : " or ", names[i]);
    }
    int rc = vs_fail(a->err, VS_E_USAGE, "%s: these are items of %s, not of %s", a->o->path,
                     list.data, a->o->task->name);
    buf_fini(&list);
    return rc;
}

/* ---- files */

json_t *annotations_parse(const struct bytes *map, struct vs_err *err)
{
    json_error_t why;
    json_t *v = json_loadb((const char *)map->data, map->size, JSON_DECODE_ANY, &why);
    if (!v)
        vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", map->path, why.line, why.text);
    return v;
}

bool annotations_are_json(const struct bytes *map)
{
    size_t i = 0;
    while (i < map->size && map->data[i] && strchr(" \t\r\n", map->data[i]))
        i++;
    return i < map->size && (map->data[i] == '{' || map->data[i] == '[');
}

int annotations_more(const struct annotations *a, const char *what, json_t **out)
{
    struct bytes map;
    if (!a->o->annotations)
        return vs_fail(a->err, VS_E_USAGE, "%s: give %s with --annotations FILE%s", a->o->path,
                       what, a->pickled ? "" : " (without them: --predictions FILE)");
    a->s->second_read = true;
    int rc = gunzip_open(a->o->annotations, &map, a->err);
    if (rc != 0)
        return rc;
    const struct bytes text = bytes_text(&map);
    if (!annotations_are_json(&text))
        rc = vs_fail(a->err, VS_E_FORMAT, "%s: is %s, JSON is expected: %s", map.path,
                     map.size ? file_kind(&map) : "empty", what);
    *out = rc ? NULL : annotations_parse(&text, a->err);
    rc = bytes_check(&map, *out ? 0 : VS_E_FORMAT, a->err);
    bytes_close(&map);
    if (rc != 0) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

/* ---- splits */

bool annotations_in_split(const char *split, const char *wanted, json_t *names)
{
    if (split && json_object_size(names) < 100)
        json_object_set_new(names, split, json_true());
    return split && strcmp(split, wanted) == 0;
}

int annotations_no_split(const struct annotations *a, const char *wanted, const json_t *names)
{
    struct buf b = {0};
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)names, name, v)
        buf_printf(&b, "%s%s", b.len ? ", " : "", name);
    int rc = vs_fail(a->err, VS_E_USAGE, "%s: there is no split '%s'%s%s", a->o->path, wanted,
                     b.len ? ": it has " : ", nor any other", b.data ? b.data : "");
    buf_fini(&b);
    return rc;
}

/* ---- retrieval */

int annotations_pool(struct annotations *a, char *path, size_t captions)
{
    struct eval_set *s = a->s;
    if (!eval_has_image(s, path)) {
        s->gone.items += (int)captions;
        if (s->gone.pictures++ == 0)
            s->gone.first = s->gone_first = xstrdup(path);
        free(path);
        return -1;
    }
    if ((s->pool_count & (s->pool_count - 1)) == 0)
        s->pool = xreallocarray(s->pool, s->pool_count ? 2 * (size_t)s->pool_count : 1,
                                sizeof *s->pool);
    s->pool[s->pool_count] = path;
    return s->pool_count++;
}

void annotations_caption(struct annotations *a, const char *task, const char *text, int place,
                         int line)
{
    struct eval_item *it = annotations_add(a, task, text, line);
    eval_add_image(it, xstrdup(a->s->pool[place]));
    it->number = place;
}
