/* SPDX-License-Identifier: MIT */
/* Regions in JSON: an object of one image, an object or a list of several, or a line for each.
 * Arrays are lists of numbers, or base64 of float32 as in a TSV. */
#include "src/formats/regionparts.h"

#include "src/base/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LOOKED_AT ((size_t)8 << 20)  /* bytes in which the names of arrays must be */
#define WHOLE_MOST ((size_t)1 << 29) /* bytes of a file that is one value */

/* ---- is it one? */

static bool json_has_any(const struct bytes *map, const char *const *names)
{
    size_t n = map->size < LOOKED_AT ? map->size : LOOKED_AT;
    bool found = false;
    for (int i = 0; names[i] && !found; i++) {
        char *quoted = xasprintf("\"%s\"", names[i]);
        found = memmem(map->data, n, quoted, strlen(quoted)) != NULL;
        free(quoted);
    }
    return found;
}

bool regions_are_json(const struct bytes *map)
{
    size_t i = map->size - bytes_text(map).size;
    while (i < map->size && i < 4096 && strchr(" \t\r\n", map->data[i]) && map->data[i])
        i++;
    return i < map->size && (map->data[i] == '{' || map->data[i] == '[') &&
           json_has_any(map, parts_features) && json_has_any(map, parts_boxes);
}

/* ---- arrays */

static const json_t *json_any(const json_t *object, const char *const *names)
{
    const json_t *x = NULL;
    for (int i = 0; !x && names[i]; i++)
        x = json_object_get(object, names[i]);
    return x;
}

static bool json_is_image(const json_t *x)
{
    return json_is_object(x) && json_any(x, parts_features) && json_any(x, parts_boxes);
}

static int json_row(const struct region_parts *p, const json_t *row, int64_t columns,
                    const char *what, size_t number, float *out, struct vs_err *err)
{
    if ((int64_t)json_array_size(row) != columns)
        return vs_fail(err, VS_E_FORMAT, "%s: row %zu of '%s' does not have as many numbers as "
                       "the first",
                       p->path, number, what);
    for (int64_t j = 0; j < columns; j++) {
        const json_t *x = json_array_get(row, (size_t)j);
        if (!json_is_number(x))
            return vs_fail(err, VS_E_FORMAT, "%s: row %zu of '%s' has something other than numbers",
                           p->path, number, what);
        out[j] = (float)json_number_value(x);
    }
    return 0;
}

/* A list of rows of numbers. */
static int json_rows(struct region_parts *p, const json_t *list, const char *what,
                     struct tensor *out, struct vs_err *err)
{
    size_t rows = json_array_size(list);
    int64_t columns = (int64_t)json_array_size(json_array_get(list, 0));
    float *numbers = NULL;
    if (rows < 1 || rows > REGIONS_MAX || columns < 1 || columns > REGIONS_MAX_DIM)
        return vs_fail(err, VS_E_FORMAT, "%s: '%s' is not a list of rows of numbers", p->path,
                       what);
    if (p->owned_count < PARTS_OWNED)
        numbers = vs_try_calloc(vs_times(rows, (size_t)columns), sizeof *numbers);
    if (!numbers)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for '%s'", p->path, what);
    p->owned[p->owned_count++] = numbers;
    for (size_t i = 0; i < rows; i++) {
        int rc = json_row(p, json_array_get(list, i), columns, what, i + 1,
                          numbers + (int64_t)i * columns, err);
        if (rc != 0)
            return rc;
    }
    *out = (struct tensor){.name = "", .raw_name = "", .dtype = DTYPE_F32, .ndim = 2,
                           .data = numbers, .shape = {(int64_t)rows, columns}};
    shape_strides(2, out->shape, out->stride);
    return 0;
}

/* A list of as many numbers as there are; what is no such list is passed over. */
static void json_column(struct region_parts *p, const json_t *list, struct tensor *out)
{
    size_t n = json_array_size(list);
    float *numbers = n && n <= REGIONS_MAX && p->owned_count < PARTS_OWNED
                         ? vs_try_calloc(n, sizeof *numbers)
                         : NULL;
    if (!numbers)
        return;
    p->owned[p->owned_count++] = numbers;
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        if (!json_is_number(x))
            return;
        numbers[i] = (float)json_number_value(x);
    }
    *out = (struct tensor){.name = "", .raw_name = "", .dtype = DTYPE_F32, .ndim = 1,
                           .data = numbers, .shape = {(int64_t)n}, .stride = {1}};
}

/* ---- an image */

#define PLAIN_MOST 6

/* What is text or a whole number, as the value of a dictionary. */
struct plain_dict {
    struct pval dict, keys[PLAIN_MOST], values[PLAIN_MOST], *items[2 * PLAIN_MOST];
};

static void plain_add(struct plain_dict *d, const char *const *names, const json_t *x)
{
    size_t i = d->dict.count / 2;
    bool text = json_is_string(x);
    if (i == PLAIN_MOST || (!text && !json_is_integer(x)))
        return;
    d->keys[i] = (struct pval){.kind = PK_STRING, .bytes = (const uint8_t *)names[0],
                               .len = strlen(names[0])};
    d->values[i] = text ? (struct pval){.kind = PK_STRING,
                                        .bytes = (const uint8_t *)json_string_value(x),
                                        .len = json_string_length(x)}
                        : (struct pval){.kind = PK_INT, .integer = json_integer_value(x)};
    d->items[2 * i] = &d->keys[i];
    d->items[2 * i + 1] = &d->values[i];
    d->dict.count += 2;
}

static const char *const id_names[] = {"image_id", "img_id", NULL};

static int json_parts(struct region_parts *p, const json_t *image, struct vs_err *err)
{
    struct plain_dict d = {.dict = {.kind = PK_DICT}};
    const char *const *const plain[] = {parts_features, parts_boxes, parts_width, parts_height,
                                        parts_rows, id_names};
    const json_t *features = json_any(image, parts_features), *boxes = json_any(image, parts_boxes);
    const json_t *rows = json_any(image, parts_rows);
    int rc = 0;
    d.dict.items = d.items;
    for (int i = 0; i < PLAIN_MOST; i++)
        plain_add(&d, plain[i], json_any(image, plain[i]));
    if (!json_is_string(features))
        rc = json_rows(p, features, "features", &p->features, err);
    if (rc == 0 && !json_is_string(boxes))
        rc = json_rows(p, boxes, "boxes", &p->boxes, err);
    if (rc == 0)
        rc = parts_add_dict(p, &d.dict, err);
    if (rc == 0 && p->rows < 0 && json_is_integer(rows) && json_integer_value(rows) >= 0)
        p->rows = json_integer_value(rows);
    json_column(p, json_any(image, parts_objects), &p->objects);
    json_column(p, json_any(image, parts_conf), &p->conf);
    return rc;
}

static int json_make(const json_t *image, const char *where, struct regions **out,
                     struct vs_err *err)
{
    struct region_parts p;
    parts_begin(&p, where);
    int rc = json_parts(&p, image, err);
    if (rc == 0)
        rc = parts_make(&p, out, err);
    parts_end(&p);
    return rc;
}

/* ---- the images of a file */

/* What is done with each: name is NULL where the file has none for it. Not 0 ends it. */
typedef int json_visit(void *arg, const char *name, const json_t *image, struct vs_err *err);

/* The name that an image has in it; text is room for a number. */
static const char *json_name(const json_t *image, char text[32])
{
    const json_t *id = json_any(image, id_names);
    if (json_is_integer(id))
        snprintf(text, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    return json_is_integer(id) ? text : json_string_value(id);
}

static int json_bad(const struct bytes *map, const json_error_t *why, int lines, struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", map->path, why->line + lines, why->text);
}

static int json_each_value(const struct bytes *map, const json_t *root, json_visit *visit,
                           void *arg, struct vs_err *err)
{
    const json_t *image;
    const char *name;
    char text[32];
    size_t i;
    int rc = 0;
    if (json_is_image(root))
        return visit(arg, json_name(root, text), root, err);
    if (json_is_array(root) && json_is_image(json_array_get(root, 0))) {
        json_array_foreach(root, i, image)
            if (rc == 0)
                rc = visit(arg, json_name(image, text), image, err);
        return rc;
    }
    void *first = json_object_iter((json_t *)root);
    if (!json_is_image(first ? json_object_iter_value(first) : NULL))
        return vs_fail(err, VS_E_FORMAT, "%s: JSON, but neither an image's features and boxes nor "
                       "a list or an object of such", map->path);
    for (void *at = first; at && rc == 0; at = json_object_iter_next((json_t *)root, at)) {
        name = json_object_iter_key(at);
        rc = visit(arg, name, json_object_iter_value(at), err);
    }
    return rc;
}

static bool json_is_blank(const char *s, size_t n)
{
    while (n && (*s == ' ' || *s == '\t' || *s == '\r')) {
        s++;
        n--;
    }
    return n == 0;
}

/* A line for each image. */
static int json_each_line(const struct bytes *map, json_visit *visit, void *arg, struct vs_err *err)
{
    const char *s = (const char *)map->data, *end = s + map->size;
    int rc = 0;
    for (int line = 0; s < end && rc == 0; line++) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        size_t n = (size_t)((stop ? stop : end) - s);
        char text[32];
        json_error_t why;
        if (!json_is_blank(s, n)) {
            json_t *image = json_loadb(s, n, 0, &why);
            rc = image ? visit(arg, json_name(image, text), image, err)
                       : json_bad(map, &why, line, err);
            json_decref(image);
        }
        s += n + 1;
    }
    return rc;
}

/* Whether the first value is the whole first line, and others follow. */
static bool json_is_lines(const struct bytes *map)
{
    const char *s = (const char *)map->data, *end = memchr(s, '\n', map->size);
    if (!end || (size_t)(end - s) + 1 >= map->size)
        return false;
    json_t *first = json_loadb(s, (size_t)(end - s), 0, NULL);
    bool lines = first != NULL;
    json_decref(first);
    for (s = end; lines && s < (const char *)map->data + map->size; s++)
        if (!strchr(" \t\r\n", *s))
            return true;
    return false;
}

static int json_each(const struct bytes *file, json_visit *visit, void *arg, struct vs_err *err)
{
    const struct bytes text = bytes_text(file), *map = &text;
    json_error_t why;
    if (json_is_lines(map))
        return json_each_line(map, visit, arg, err);
    if (map->size > WHOLE_MOST)
        return vs_fail(err, VS_E_LIMIT, "%s: JSON of %zu MB in one piece: write a line for each "
                       "image", map->path, map->size >> 20);
    json_t *root = json_loadb((const char *)map->data, map->size, JSON_REJECT_DUPLICATES, &why);
    int rc = root ? json_each_value(map, root, visit, arg, err) : json_bad(map, &why, 0, err);
    json_decref(root);
    return rc;
}

/* ---- one of them */

struct json_search {
    const struct bytes *map;
    const char *key;
    struct some_keys some;
    struct regions *found;
    bool unnamed; /* found has no name in the file */
};

/* The one that is asked for, or the first; one without a name is anything's, but where another one
 * has the name. */
static int json_take(void *arg, const char *name, const json_t *image, struct vs_err *err)
{
    struct json_search *s = arg;
    bool named = s->key && name && strcmp(name, s->key) == 0;
    bool wanted = s->key && name ? named : s->some.count == 0;
    int rc = 0;
    regions_note_key(&s->some, name ? name : "", name ? strlen(name) : 0);
    if (named && s->unnamed) {
        regions_free(s->found);
        s->found = NULL;
    }
    if (wanted && !s->found) {
        char *where = name ? xasprintf("%s: image '%s'", s->map->path, name)
                           : xstrdup(s->map->path);
        rc = json_make(image, where, &s->found, err);
        s->unnamed = !name;
        free(where);
    }
    return rc;
}

int regions_from_json(const struct bytes *map, const char *key, struct regions **out,
                      struct vs_err *err)
{
    struct json_search s = {.map = map, .key = key};
    int rc = json_each(map, json_take, &s, err);
    if (rc == 0 && (!s.found || ((!key || s.unnamed) && s.some.count > 1)))
        rc = regions_no_key(map->path, key, &s.some, err);
    if (rc == 0)
        *out = s.found;
    else
        regions_free(s.found);
    return rc;
}

/* ---- all of them */

struct json_all {
    const struct bytes *map;
    const struct region_sink *sink;
    int number;
};

static int json_give(void *arg, const char *name, const json_t *image, struct vs_err *err)
{
    struct json_all *a = arg;
    struct regions *r = NULL;
    struct vs_err why = {0};
    char *stem = regions_stem(a->map->path);
    a->number++;
    const char *key = name ? name : a->number == 1 ? stem : "";
    int rc = 0;
    if (a->sink->want(a->sink->arg, key)) {
        char *where = xasprintf("%s: image '%s'", a->map->path, key);
        json_make(image, where, &r, &why);
        rc = a->sink->take(a->sink->arg, key, r, &why, err);
        free(where);
    }
    free(stem);
    return rc;
}

int regions_each_json(const struct bytes *map, const struct region_sink *sink, struct vs_err *err)
{
    struct json_all a = {.map = map, .sink = sink};
    return json_each(map, json_give, &a, err);
}
