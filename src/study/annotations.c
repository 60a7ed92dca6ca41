/* SPDX-License-Identifier: MIT */
/* Data sets as their makers annotated them: which one it is, and what their readers share. */
#include "src/study/annotations.h"

#include "src/formats/filekind.h"
#include "src/formats/gunzip.h"
#include "src/formats/labels.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* In the order in which they are tried. */
#define KIND(kind, title, splits)                                                                  \
    {title, annotations_are_##kind, annotations_read_##kind, splits}
static const struct annotation_kind kinds[] = {
    KIND(refcoco, "RefCOCO's references", true),
    KIND(entities, "Flickr30k Entities", true),
    KIND(tokens, "Flickr30k's captions", false),
    KIND(lines, "captions, a line for each image", false),
    KIND(guesswhat, "GuessWhat", false),
    KIND(snli, "SNLI-VE", false),
    KIND(nlvr2, "NLVR2", false),
    KIND(vqa, "VQA", false),
    KIND(vqa_answers, "VQA's answers", false),
    KIND(karpathy, "captions in Karpathy's splits", true),
    KIND(pointing, "Visual7W pointing", true),
    KIND(telling, "Visual7W telling", true),
    KIND(coco, "COCO's captions", false),
    KIND(instances, "COCO's instances", false),
    KIND(genome, "Visual Genome's questions", false),
    KIND(gqa, "GQA", false),
};
#define KINDS (sizeof kinds / sizeof kinds[0])

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
    const json_t *n = json_object_get(v, key);
    const char *text = json_string_value(n);
    char *end;
    if (!text || !text[0] || text[0] == ' ')
        return json_is_integer(n) ? (*out = json_integer_value(n), true) : false;
    *out = strtoll(text, &end, 10);
    return *end == '\0';
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

static json_t *parse(const struct bytes *map, struct vs_err *err)
{
    json_error_t why;
    json_t *v = json_loadb((const char *)map->data, map->size, JSON_DECODE_ANY, &why);
    if (!v)
        vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", map->path, why.line, why.text);
    return v;
}

static bool is_json(const struct bytes *map)
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
        return vs_fail(a->err, VS_E_USAGE, "%s: give %s with --annotations FILE%s", a->o->path, what,
                       a->pickled ? "" : " (without them: --predictions FILE)");
    int rc = gunzip_open(a->o->annotations, &map, a->err);
    if (rc != 0)
        return rc;
    if (!is_json(&map))
        rc = vs_fail(a->err, VS_E_FORMAT, "%s: is %s, JSON is expected: %s", map.path,
                     map.size ? file_kind(&map) : "empty", what);
    *out = rc ? NULL : parse(&map, a->err);
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

/* ---- which one it is */

/* The first line that is an object by itself, at *at or behind; NULL: none is. *whole: nothing but
 * that line is in the file. */
static json_t *first_line(const struct bytes *map, bool any, bool *whole)
{
    const char *p = (const char *)map->data, *end = p + map->size;
    json_t *v = NULL;
    *whole = true;
    while (!v && p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        v = json_loadb(p, (size_t)((stop ? stop : end) - p), 0, NULL);
        if (!json_is_object(v)) {
            json_decref(v);
            v = NULL;
        }
        p = stop ? stop + 1 : end;
        if (!any)
            break;
    }
    for (; p < end; p++)
        *whole &= *p == ' ' || *p == '\n' || *p == '\r' || *p == '\t';
    return v;
}

/* JSON of another kind: in words. */
static int unknown_json(const struct annotations *a)
{
    struct buf b = {0};
    const char *key;
    json_t *v;
    int n = 0;
    json_object_foreach((json_t *)(uintptr_t)a->root, key, v)
        if (n++ < 5)
            buf_printf(&b, "%s\"%s\"", b.len ? ", " : "", key);
    int rc = vs_fail(a->err, VS_E_FORMAT, "%s: a JSON document of no known data set%s%s%s "
                     "(vilscope-data(5) lists them)", a->o->path, b.len ? ", with " : "",
                     b.data ? b.data : "", n > 5 ? ", ..." : "");
    buf_fini(&b);
    return rc;
}

static int read_kind(struct annotations *a, const struct annotation_kind *k)
{
    if (a->o->split && !k->splits)
        return vs_fail(a->err, VS_E_USAGE, "%s: %s, all of one split: leave out --split '%s'",
                       a->o->path, k->name, a->o->split);
    int rc = k->read(a);
    if (rc == VS_E_FORMAT && a->err && !strstr(a->err->text, a->o->path) &&
        !(a->o->annotations && strstr(a->err->text, a->o->annotations)))
        vs_fail_prefix(a->err, "%s", a->o->path);
    return rc;
}

/* Whether it is one of them; then *rc. */
static bool try_kinds(struct annotations *a, int *rc)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].is(a)) {
            *rc = read_kind(a, &kinds[i]);
            return true;
        }
    return false;
}

/* JSON lines: false when they are of no known kind, ours among them. */
static bool try_lines(struct annotations *a, const json_t *line, int *rc)
{
    a->line = line;
    bool known = line && !json_object_get(line, "task") && try_kinds(a, rc);
    a->line = NULL;
    return known;
}

/* A document, which first may be; else *known is false. */
static int try_document(struct annotations *a, json_t *first, bool *known)
{
    struct vs_err why = {0};
    json_t *root = first ? json_incref(first) : parse(a->map, &why);
    int rc = 0;
    a->root = root;
    if (root && !try_kinds(a, &rc))
        rc = unknown_json(a);
    *known = root != NULL;
    a->root = NULL;
    json_decref(root);
    if (!root) { /* unless it is lines, of which the first is damaged */
        bool whole;
        json_t *line = first_line(a->map, true, &whole);
        *known = !line || try_lines(a, line, &rc);
        if (!line)
            rc = vs_fail(a->err, why.code, "%s", why.text);
        json_decref(line);
    }
    return rc;
}

static int read_text(struct annotations *a, bool *known)
{
    bool whole;
    int rc = 0;
    *known = true;
    if (!is_json(a->map))
        return try_kinds(a, &rc) ? rc
                                 : vs_fail(a->err, VS_E_FORMAT, "%s: is %s, not a data set "
                                           "(vilscope-data(5) lists them)", a->o->path,
                                           file_kind(a->map));
    json_t *line = first_line(a->map, false, &whole);
    if (json_object_get(line, "task"))
        *known = false; /* ours */
    else if (!try_lines(a, line, &rc))
        rc = line && !whole ? (*known = false, 0) : try_document(a, line, known);
    json_decref(line);
    return rc;
}

int eval_annotations(const struct eval_source *o, const struct bytes *map, struct eval_set *s,
                     bool *known, struct vs_err *err)
{
    struct annotations a = {.o = o, .s = s, .map = map, .err = err};
    int rc = 0;
    *known = false;
    if (map && map->size == 0)
        return 0;
    a.pickled = map && labels_are_pickled(map); /* of any protocol */
    if (map && !a.pickled)
        return read_text(&a, known);
    *known = try_kinds(&a, &rc);
    return rc;
}
