/* bottom-up-attention's TSV files: image_id, image_w, image_h, num_boxes, boxes, features and
 * perhaps cls_prob; the last three are base64 of float32.
 *
 * Source: tools/generate_tsv.py of bottom-up-attention. */
#include "src/formats/regions_priv.h"

#include "src/formats/byteorder.h"
#include "src/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS 8

struct field {
    const char *s;
    size_t len;
};

struct line {
    struct field f[MAX_FIELDS];
    int count;
    long number;
};

/* Splits the line at *at; false at the end of the file. Empty lines are skipped. */
static bool next_line(const struct bytes *map, size_t *at, struct line *out)
{
    const char *d = (const char *)map->data;
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
        return true;
    }
    return false;
}

void tsv_each(const struct bytes *map, tsv_visit *visit, void *arg)
{
    struct line l = {.number = 0};
    for (size_t at = 0; next_line(map, &at, &l);)
        if (!visit(arg, l.f[0].s, l.f[0].len))
            return;
}

static int whole(const struct field *f)
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

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes f into out (size bytes); the number of bytes, or -1 for what is not base64 or longer. */
static int64_t base64(const struct field *f, uint8_t *out, size_t size)
{
    size_t n = 0, len = f->len;
    uint32_t bits = 0;
    int have = 0;
    for (int pad = 0; pad < 2 && len && f->s[len - 1] == '='; pad++)
        len--;
    for (size_t i = 0; i < len; i++) {
        int x = digit(f->s[i]);
        if (x < 0)
            return -1;
        bits = bits << 6 | (uint32_t)x;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (n == size)
                return -1;
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    return (int64_t)n;
}

/* What line says, as an allocated array of floats with rows rows; NULL with a message. */
static float *numbers(const struct bytes *map, const struct line *l, int field, const char *what,
                      int rows, int *columns, struct vs_err *err)
{
    size_t size = l->f[field].len / 4 * 3 + 3;
    uint8_t *raw = vs_try_calloc(size, 1);
    int64_t n = raw ? base64(&l->f[field], raw, size) : -1;
    if (n < 0) {
        vs_fail(err, VS_E_FORMAT, "%s: line %ld: the %s are not base64", map->path, l->number,
                what);
    } else if (n == 0 || n % (4 * (int64_t)rows) != 0 ||
               (*columns && n / 4 / rows != *columns)) {
        vs_fail(err, VS_E_FORMAT, "%s: line %ld: num_boxes is %d, but the %s have %lld bytes",
                map->path, l->number, rows, what, (long long)n);
    } else {
        *columns = (int)(n / 4 / rows);
        le_copy(raw, raw, (size_t)n / 4, 4);
        return (float *)(void *)raw; /* calloc's memory suits any type */
    }
    free(raw);
    return NULL;
}

static int fill(const struct bytes *map, const struct line *l, int rows, struct regions **out,
                struct vs_err *err)
{
    int four = 4, dim = 0, columns = 0, rc = VS_E_FORMAT;
    float *boxes = numbers(map, l, 4, "boxes", rows, &four, err);
    float *features = boxes ? numbers(map, l, 5, "features", rows, &dim, err) : NULL;
    float *prob = features && l->count > 6 && l->f[6].len
                      ? numbers(map, l, 6, "class probabilities", rows, &columns, err) : NULL;
    bool good = features && (l->count <= 6 || !l->f[6].len || prob);
    char *where = xasprintf("%s: line %ld", map->path, l->number);
    struct regions *r = good ? regions_new(rows, dim, where, err) : NULL;
    free(where);
    if (good && !r)
        rc = VS_E_LIMIT;
    if (r) {
        r->width = whole(&l->f[1]);
        r->height = whole(&l->f[2]);
        r->image_id = xstrndup(l->f[0].s, l->f[0].len > 4095 ? 4095 : l->f[0].len);
        memcpy(r->boxes, boxes, (size_t)rows * 4 * sizeof *boxes);
        memcpy(r->features, features, (size_t)rows * (size_t)dim * sizeof *features);
        if (prob && columns > 1)
            regions_set_classes(r, prob, columns, columns % 100 == 1 ? 1 : 0);
        rc = regions_check(r, map->path, err);
    }
    free(boxes);
    free(features);
    free(prob);
    if (rc == 0)
        *out = r;
    else
        regions_free(r);
    return rc;
}

static int read_line(const struct bytes *map, const struct line *l, struct regions **out,
                     struct vs_err *err)
{
    static const char columns[] = "image_id, image_w, image_h, num_boxes, boxes, features";
    if (l->count < 6)
        return vs_fail(err, VS_E_FORMAT, "%s: line %ld has %d columns, wanted are %s", map->path,
                       l->number, l->count, columns);
    int rows = whole(&l->f[3]);
    if (whole(&l->f[1]) < 0 || whole(&l->f[2]) < 0 || rows < 1 || rows > REGIONS_MAX)
        return vs_fail(err, VS_E_FORMAT, "%s: line %ld: image_w, image_h and num_boxes are not "
                       "whole numbers (columns are %s)", map->path, l->number, columns);
    return fill(map, l, rows, out, err);
}

bool regions_are_tsv(const struct bytes *map)
{
    struct line l = {.number = 0};
    size_t at = 0;
    return map->size > 0 && next_line(map, &at, &l) && l.count >= 6 && whole(&l.f[1]) >= 0 &&
           whole(&l.f[2]) >= 0 && whole(&l.f[3]) >= 0;
}

int regions_from_tsv(const struct bytes *map, const char *key, struct regions **out,
                     struct vs_err *err)
{
    struct line l = {.number = 0}, found = {.number = 0};
    int count = 0;
    char some[200] = "";
    for (size_t at = 0; next_line(map, &at, &l); count++) {
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
    if (found.number && (key || count == 1))
        return read_line(map, &found, out, err);
    if (l.count < 6 && count > 0)
        return read_line(map, &l, out, err); /* no such file at all: says so */
    return vs_fail(err, VS_E_MISSING, key ? "%s: there is no image '%s' in it; it has %s%s"
                                          : "%s: has several images%s (%s%s): choose one with "
                                            "--key",
                   map->path, key ? key : "", some, count > 5 ? ", ..." : "");
}
