/* SPDX-License-Identifier: MIT */
/* TSV files with a line an image, arrays in base64: bottom-up-attention's, and those that LXMERT
 * made of it ("obj36"), which have what the detector thought of each region.
 *
 * Source: tools/generate_tsv.py of bottom-up-attention; data/README and src/utils.py of LXMERT. */
#include "src/formats/regions_priv.h"

#include "src/formats/base64.h"
#include "src/formats/byteorder.h"
#include "src/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS 12

struct field {
    const char *s;
    size_t len;
};

struct line {
    struct field f[MAX_FIELDS];
    int count;
    long number;
};

/* Columns' names, as a table's first line may have them. */
static bool is_header(const struct line *l)
{
    const struct field *f = &l->f[0];
    return l->number == 1 && l->count >= 6 &&
           ((f->len == 8 && memcmp(f->s, "image_id", 8) == 0) ||
            (f->len == 6 && memcmp(f->s, "img_id", 6) == 0));
}

/* Splits the line at *at; false at the end of the file. Empty lines, a first one with the names of
 * the columns and a byte order mark are skipped. */
static bool next_line(const struct bytes *map, size_t *at, struct line *out)
{
    const char *d = (const char *)map->data;
    if (*at == 0)
        *at = map->size - bytes_text(map).size;
    while (*at < map->size) {
        const char *s = d + *at, *end = memchr(s, '\n', map->size - *at);
        size_t len = end ? (size_t)(end - s) : map->size - *at;
        *at += len + (end ? 1 : 0);
        out->number++;
        if (len && s[len - 1] == '\r')
            len--;
        if (len == 0)
            continue;
        out->count = 0;
        for (const char *p = s, *stop = s + len; p <= stop && out->count < MAX_FIELDS;) {
            const char *tab = memchr(p, '\t', (size_t)(stop - p));
            out->f[out->count++] = (struct field){p, (size_t)((tab ? tab : stop) - p)};
            p = tab ? tab + 1 : stop + 1;
        }
        if (is_header(out))
            continue;
        return true;
    }
    return false;
}

void tsv_each(const struct bytes *map, tsv_visit *visit, void *arg)
{
    struct line l = {.number = 0};
    for (size_t at = 0; next_line(map, &at, &l);) {
        struct tsv_place place = {(size_t)(l.f[0].s - (const char *)map->data), l.number};
        if (!visit(arg, l.f[0].s, l.f[0].len, place))
            return;
    }
}

static int tsv_whole(const struct field *f)
{
    int x = 0;
    if (f->len == 0 || f->len > 8)
        return -1;
    for (size_t i = 0; i < f->len; i++) {
        if (f->s[i] < '0' || f->s[i] > '9')
            return -1;
        x = 10 * x + (f->s[i] - '0');
    }
    return x;
}

/* What line says, as allocated numbers of size bytes with rows rows; NULL with a message. */
static void *tsv_numbers(const struct bytes *map, const struct line *l, int field, const char *what,
                         int rows, size_t size, int *columns, struct vs_err *err)
{
    const struct field *f = &l->f[field];
    size_t room = BASE64_ROOM(f->len), row = size * (size_t)rows;
    uint8_t *raw = vs_try_calloc(room, 1);
    int64_t n = raw ? base64_decode(f->s, f->len, raw, room) : -1;
    if (!raw) {
        vs_fail(err, VS_E_LIMIT, "%s: line %ld: no memory for the %s", map->path, l->number, what);
    } else if (n < 0) {
        vs_fail(err, VS_E_FORMAT, "%s: line %ld: the %s are not base64", map->path, l->number,
                what);
    } else if (n == 0 || (size_t)n % row != 0 ||
               (*columns && (size_t)n / row != (size_t)*columns)) {
        vs_fail(err, VS_E_FORMAT, "%s: line %ld: num_boxes is %d, but the %s have %lld bytes",
                map->path, l->number, rows, what, (long long)n);
    } else {
        *columns = (int)((size_t)n / row);
        le_copy(raw, raw, (size_t)n / size, size);
        return raw; /* calloc's memory suits any type */
    }
    free(raw);
    return NULL;
}

/* Where a file's columns are; -1: it has none. */
struct layout {
    const char *columns;
    int least, width, height, rows, boxes, features, prob, objects, conf;
};

static const struct layout layouts[] = {
    {"image_id, image_w, image_h, num_boxes, boxes, features", 6, 1, 2, 3, 4, 5, 6, -1, -1},
    {"img_id, img_h, img_w, objects_id, objects_conf, attrs_id, attrs_conf, num_boxes, boxes, "
     "features", 10, 2, 1, 7, 8, 9, 10, 3, 4},
};

static bool has_numbers(const struct line *l, const struct layout *y)
{
    return l->count >= y->least && tsv_whole(&l->f[y->width]) >= 0 &&
           tsv_whole(&l->f[y->height]) >= 0 && tsv_whole(&l->f[y->rows]) >= 0;
}

/* NULL for a line that is of neither. */
static const struct layout *layout_of(const struct line *l)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (has_numbers(l, &layouts[i]))
            return &layouts[i];
    return NULL;
}

/* Class numbers and what the detector thought of them, as LXMERT's file has them: the background
 * is not counted. Whole numbers of 4 or 8 bytes. */
static int tsv_take_objects(const struct bytes *map, const struct line *l, const struct layout *y,
                            struct regions *r, struct vs_err *err)
{
    int one = 1;
    size_t most = ((size_t)r->count * 4 + 2) / 3 * 4; /* letters of base64 of 4 bytes each */
    size_t size = l->f[y->objects].len > most ? 8 : 4;
    uint8_t *ids = tsv_numbers(map, l, y->objects, "object classes", r->count, size, &one, err);
    r->conf =
        ids ? tsv_numbers(map, l, y->conf, "object confidences", r->count, 4, &one, err) : NULL;
    if (r->conf) {
        r->classes = xcalloc((size_t)r->count, sizeof *r->classes);
        for (int i = 0; i < r->count; i++) {
            int32_t few = 0;
            int64_t x = 0;
            memcpy(size == 8 ? (void *)&x : &few, ids + (size_t)i * size, size);
            x = size == 8 ? x : few;
            r->classes[i] = x < 0 || x > INT32_MAX ? -1 : (int)x;
        }
    }
    free(ids);
    return r->conf ? 0 : VS_E_FORMAT;
}

static int take_classes(const struct bytes *map, const struct line *l, const struct layout *y,
                        struct regions *r, struct vs_err *err)
{
    int columns = 0;
    if (y->objects >= 0)
        return tsv_take_objects(map, l, y, r, err);
    if (y->prob >= l->count || !l->f[y->prob].len)
        return 0;
    float *prob = tsv_numbers(map, l, y->prob, "class probabilities", r->count, 4, &columns, err);
    if (prob && columns > 1)
        regions_set_classes(r, prob, columns, columns % 100 == 1 ? 1 : 0);
    free(prob);
    return prob ? 0 : VS_E_FORMAT;
}

static struct regions *take_rows(const struct bytes *map, const struct line *l,
                                 const struct layout *y, int rows, struct vs_err *err)
{
    int four = 4, dim = 0;
    float *boxes = tsv_numbers(map, l, y->boxes, "boxes", rows, 4, &four, err);
    float *features =
        boxes ? tsv_numbers(map, l, y->features, "features", rows, 4, &dim, err) : NULL;
    char *where = xasprintf("%s: line %ld", map->path, l->number);
    struct regions *r = features ? regions_new(rows, dim, where, err) : NULL;
    free(where);
    if (r) {
        r->width = tsv_whole(&l->f[y->width]);
        r->height = tsv_whole(&l->f[y->height]);
        r->image_id = xstrndup(l->f[0].s, l->f[0].len > 4095 ? 4095 : l->f[0].len);
        memcpy(r->boxes, boxes, (size_t)rows * 4 * sizeof *boxes);
        memcpy(r->features, features, (size_t)rows * (size_t)dim * sizeof *features);
    }
    free(boxes);
    free(features);
    return r;
}

static int tsv_fill(const struct bytes *map, const struct line *l, const struct layout *y, int rows,
                    struct regions **out, struct vs_err *err)
{
    struct vs_err why = {0};
    struct regions *r = take_rows(map, l, y, rows, &why);
    int rc = r ? take_classes(map, l, y, r, &why) : why.code;
    if (rc == 0)
        rc = regions_check(r, 0, map->path, &why);
    if (rc == 0) {
        *out = r;
        return 0;
    }
    regions_free(r);
    return vs_fail(err, why.code, "%s", why.text);
}

static int tsv_read_line(const struct bytes *map, const struct line *l, struct regions **out,
                         struct vs_err *err)
{
    const struct layout *y = layout_of(l);
    const char *columns = layouts[l->count >= layouts[1].least].columns;
    int rows = y ? tsv_whole(&l->f[y->rows]) : 0;
    if (l->count < 6)
        return vs_fail(err, VS_E_FORMAT, "%s: line %ld has %d columns, expected %s", map->path,
                       l->number, l->count, columns);
    if (y && rows == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: line %ld: num_boxes is 0: there is no region in it",
                       map->path, l->number);
    if (rows < 1 || rows > REGIONS_MAX)
        return vs_fail(err, VS_E_FORMAT, "%s: line %ld: width, height and num_boxes are not "
                       "whole numbers (columns are %s)", map->path, l->number, columns);
    return tsv_fill(map, l, y, rows, out, err);
}

bool regions_are_tsv(const struct bytes *map)
{
    return tsv_layout(map) >= 0;
}

int tsv_layout(const struct bytes *map)
{
    struct line l = {.number = 0};
    size_t at = 0;
    const struct layout *y = map->size > 0 && next_line(map, &at, &l) ? layout_of(&l) : NULL;
    return y ? (int)(y - layouts) : -1;
}

int regions_from_tsv_line(const struct bytes *map, struct tsv_place at, struct regions **out,
                          struct vs_err *err)
{
    struct line l = {.number = at.line - 1};
    if (!next_line(map, &at.at, &l))
        return vs_fail(err, VS_E_MISSING, "%s: has no line %ld", map->path, at.line);
    return tsv_read_line(map, &l, out, err);
}

/* How far behind an entry another one of its key is looked for: all of a small file, but not
 * gigabytes for each image. */
#define TWICE_WITHIN ((size_t)64 << 20)

/* Notes the line of the next entry of that key, which nobody reads; at: behind the first one. */
static void note_twice(const struct bytes *map, size_t at, const struct line *first,
                       struct regions *r)
{
    struct line l = {.number = first->number};
    const struct field *key = &first->f[0];
    size_t end = at;
    while (end - at < TWICE_WITHIN && next_line(map, &end, &l))
        if (l.f[0].len == key->len && memcmp(l.f[0].s, key->s, key->len) == 0) {
            note_add(
                &r->note, "%s: '%.*s' is in it twice, in lines %ld and %ld: the first is taken",
                map->path, key->len > 200 ? 200 : (int)key->len, key->s, first->number, l.number);
            return;
        }
}

int regions_from_tsv(const struct bytes *map, const char *key, struct regions **out,
                     struct vs_err *err)
{
    struct line l = {.number = 0}, found = {.number = 0};
    int count = 0;
    char some[200] = "";
    size_t at = 0;
    for (; next_line(map, &at, &l); count++) {
        bool match = !key || (strlen(key) == l.f[0].len && memcmp(key, l.f[0].s, l.f[0].len) == 0);
        if (match && (found.number == 0 || key)) {
            found = l;
            if (key)
                break;
        }
        size_t used = strlen(some);
        if (count < 5 && used + l.f[0].len + 3 < sizeof some)
            snprintf(some + used, sizeof some - used, "%s%.*s", used ? ", " : "", (int)l.f[0].len,
                     l.f[0].s);
    }
    if (found.number && (key || count == 1)) {
        int rc = tsv_read_line(map, &found, out, err);
        if (rc == 0 && key)
            note_twice(map, at, &found, *out);
        return rc;
    }
    if (l.count < 6 && count > 0)
        return tsv_read_line(map, &l, out, err); /* no such file at all: says so */
    return vs_fail(err, VS_E_MISSING, key ? "%s: there is no image '%s' in it; it has %s%s"
                                          : "%s: has several images%s (%s%s): choose one with "
                                            "--key",
                   map->path, key ? key : "", some, count > 5 ? ", ..." : "");
}

int regions_each_tsv(const struct bytes *map, const struct region_sink *sink, struct vs_err *err)
{
    struct line l = {.number = 0};
    int rc = 0;
    for (size_t at = 0; rc == 0 && next_line(map, &at, &l);) {
        char *key = xstrndup(l.f[0].s, l.f[0].len > 4095 ? 4095 : l.f[0].len);
        if (sink->want(sink->arg, key)) {
            struct regions *r = NULL;
            struct vs_err why = {0};
            tsv_read_line(map, &l, &r, &why);
            rc = sink->take(sink->arg, key, r, &why, err);
        }
        free(key);
    }
    return rc;
}
