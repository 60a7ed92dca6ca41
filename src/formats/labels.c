/* SPDX-License-Identifier: MIT */
/* Label lists: pickle, JSON, text. */
#include "src/formats/labels.h"

#include "src/formats/filekind.h"
#include "src/formats/bytes.h"
#include "src/formats/pickle.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABELS 10000000
#define MAX_NAME 10000

struct list {
    struct labels pub; /* first: what the caller sees */
    const char *format;
    const char *path;
};

static int labels_reserve(struct list *l, size_t count, struct vs_err *err)
{
    if (count > MAX_LABELS)
        return vs_fail(err, VS_E_LIMIT, "%s: %zu labels, more than %d", l->path, count, MAX_LABELS);
    l->pub.names = vs_try_calloc(count + 1, sizeof *l->pub.names);
    if (!l->pub.names)
        return vs_fail(err, VS_E_LIMIT, "%s: no memory for %zu labels", l->path, count);
    l->pub.count = (int)count;
    return 0;
}

/* Python 2 wrote str as bytes: they are UTF-8 or, failing that, latin-1, as its reader assumes. */
static char *labels_text_of(const uint8_t *s, size_t len)
{
    size_t i = 0;
    while (i < len) { /* a plain check: lead byte, then continuation bytes */
        int more = s[i] < 0x80 ? 0 : s[i] >= 0xf0 ? 3 : s[i] >= 0xe0 ? 2 : s[i] >= 0xc2 ? 1 : -1;
        i++;
        while (more > 0 && i < len && (s[i] & 0xc0) == 0x80) {
            more--;
            i++;
        }
        if (more != 0)
            break;
    }
    if (i == len && (len == 0 || s[len - 1] < 0xc0))
        return xstrndup((const char *)s, len);
    struct buf b = {0};
    for (i = 0; i < len; i++)
        if (s[i] < 0x80)
            buf_putc(&b, (char)s[i]);
        else {
            buf_putc(&b, (char)(0xc0 | s[i] >> 6));
            buf_putc(&b, (char)(0x80 | (s[i] & 63)));
        }
    return buf_steal(&b);
}

static int add_name(struct list *l, int64_t i, const uint8_t *s, size_t len, struct vs_err *err)
{
    if (i < 0 || i >= l->pub.count || l->pub.names[i])
        return vs_fail(err, VS_E_FORMAT, "%s: a dictionary whose numbers are not 0 to %d, each "
                       "once (%" PRId64 "): not a list of labels", l->path, l->pub.count - 1, i);
    if (len > MAX_NAME)
        return vs_fail(err, VS_E_LIMIT, "%s: label %" PRId64 " has %zu bytes", l->path, i, len);
    l->pub.names[i] = labels_text_of(s, len);
    return 0;
}

/* ---- pickle */

static bool labels_is_text(const struct pval *v)
{
    return v->kind == PK_STRING || v->kind == PK_BYTES;
}

static int from_list(struct list *l, const struct pval *v, struct vs_err *err)
{
    int rc = labels_reserve(l, v->count, err);
    for (size_t i = 0; rc == 0 && i < v->count; i++)
        rc = labels_is_text(v->items[i])
                 ? add_name(l, (int64_t)i, v->items[i]->bytes, v->items[i]->len, err)
                 : vs_fail(err, VS_E_FORMAT, "%s: entry %zu of the list is not a string", l->path,
                           i);
    return rc;
}

static int from_dict(struct list *l, const struct pval *v, struct vs_err *err)
{
    int rc = labels_reserve(l, v->count / 2, err);
    for (size_t i = 0; rc == 0 && i < v->count; i += 2)
        rc = labels_is_text(v->items[i]) && v->items[i + 1]->kind == PK_INT
                 ? add_name(l, v->items[i + 1]->integer, v->items[i]->bytes, v->items[i]->len, err)
                 : vs_fail(err, VS_E_FORMAT, "%s: a dictionary, but not of label to number",
                           l->path);
    return rc;
}

static int from_pickle(struct list *l, const struct bytes *map, struct vs_err *err)
{
    static const char *const allowed[] = {"_codecs encode", "collections OrderedDict", NULL};
    struct pickle *p = NULL;
    l->format = "pickle";
    int rc = pickle_load(map->data, map->size, allowed, l->path, &p, NULL, err);
    if (rc != 0)
        return rc;
    const struct pval *v = pickle_root(p);
    if (v->kind == PK_LIST || v->kind == PK_TUPLE)
        rc = from_list(l, v, err);
    else if (v->kind == PK_DICT)
        rc = from_dict(l, v, err);
    else
        rc = vs_fail(err, VS_E_FORMAT, "%s: holds no list of labels", l->path);
    pickle_free(p);
    return rc;
}

/* ---- JSON */

static int from_array(struct list *l, const json_t *v, struct vs_err *err)
{
    int rc = labels_reserve(l, json_array_size(v), err);
    for (size_t i = 0; rc == 0 && i < json_array_size(v); i++) {
        const json_t *s = json_array_get(v, i);
        rc = json_is_string(s)
                 ? add_name(l, (int64_t)i, (const uint8_t *)json_string_value(s),
                            json_string_length(s), err)
                 : vs_fail(err, VS_E_FORMAT, "%s: entry %zu of the list is not a string", l->path,
                           i);
    }
    return rc;
}

static int from_object(struct list *l, json_t *v, struct vs_err *err)
{
    int rc = labels_reserve(l, json_object_size(v), err);
    const char *name;
    json_t *number;
    json_object_foreach(v, name, number)
        if (rc == 0)
            rc = json_is_integer(number)
                     ? add_name(l, json_integer_value(number), (const uint8_t *)name, strlen(name),
                                err)
                     : vs_fail(err, VS_E_FORMAT, "%s: a dictionary, but not of label to number",
                               l->path);
    return rc;
}

static int from_json(struct list *l, const struct bytes *map, struct vs_err *err)
{
    json_error_t why;
    l->format = "JSON";
    json_t *v = json_loadb((const char *)map->data, map->size, JSON_REJECT_DUPLICATES, &why);
    if (!v)
        return vs_fail(err, VS_E_FORMAT, "%s: line %d: not valid JSON: %s", l->path, why.line,
                       why.text);
    int rc = json_is_array(v) ? from_array(l, v, err) : from_object(l, v, err);
    json_decref(v);
    return rc;
}

/* ---- text */

/* A name may begin as some kinds of files do (BMW), but not as a web page or a document. */
static bool labels_may_be(const char *kind, uint8_t first)
{
    static const char *const kinds[] = {"text", "JSON", "of an unknown kind"};
    if (strcmp(kind, "an image") == 0)
        return first < 0x80;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

static int from_text(struct list *l, const struct bytes *map, struct vs_err *err)
{
    const uint8_t *s = map->data, *end = s + map->size;
    size_t lines = 0;
    l->format = "text";
    const char *kind = file_kind(map);
    if (memchr(s, 0, map->size) || !labels_may_be(kind, s[0])) /* of a failed download, too */
        return vs_fail(err, VS_E_FORMAT, "%s: is %s, not a list of labels: those are read from a "
                       "pickle, JSON, or text with one name per line", l->path, kind);
    for (const uint8_t *p = s; p < end; p++)
        lines += *p == '\n';
    lines += end[-1] != '\n';
    int rc = labels_reserve(l, lines, err);
    for (size_t i = 0; rc == 0 && i < lines; i++) {
        const uint8_t *stop = memchr(s, '\n', (size_t)(end - s));
        const uint8_t *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        size_t len = (size_t)(stop - s);
        if (len && s[len - 1] == '\r')
            len--;
        rc = add_name(l, (int64_t)i, s, len, err);
        s = next;
    }
    return rc;
}

/* The opcodes that a pickled list or dictionary begins with, in protocols 0 and 1. */
bool labels_are_pickled(const struct bytes *map)
{
    static const char *const starts[] = {"(l", "(d", "]q", "}q", "](", "}(", "]r", "ccoll"};
    if (map->size > 0 && map->data[0] == 0x80)
        return true;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (map->size > strlen(starts[i]) &&
            memcmp(map->data, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static int labels_read_any(struct list *l, const struct bytes *file, struct vs_err *err)
{
    const struct bytes text = bytes_text(file), *map = &text;
    if (map->size == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: the file is empty", l->path);
    if (labels_are_pickled(map))
        return from_pickle(l, map, err);

    if (map->data[0] == '[' || map->data[0] == '{')
        return from_json(l, map, err);
    return from_text(l, map, err);
}

int labels_open(const char *path, struct labels **out, struct vs_err *err)
{
    struct bytes map;
    int rc = bytes_open(path, &map, err);
    if (rc != 0)
        return rc;
    struct list *l = xcalloc(1, sizeof *l);
    l->path = path;
    rc = labels_read_any(l, &map, err);
    l->path = NULL;
    bytes_close(&map);
    if (rc == 0)
        *out = &l->pub;
    else
        labels_free(&l->pub);
    return rc;
}

void labels_free(struct labels *l)
{
    if (!l)
        return;
    for (int i = 0; l->names && i < l->count; i++)
        free(l->names[i]);
    free(l->names);
    free((struct list *)l);
}

const char *labels_format(const struct labels *l)
{
    return ((const struct list *)l)->format;
}
