/* SPDX-License-Identifier: MIT */
/* Boxes that a user gives. */
#include "src/formats/boxfile.h"

#include "src/formats/bytes.h"
#include "src/formats/npy.h"
#include "src/base/mem.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST 10000

struct reader {
    const char *path;
    float *boxes;
    int count;
    struct vs_err *err;
};

static int add(struct reader *r, const double *b, int where)
{
    for (int i = 0; i < 4; i++)
        if (!isfinite(b[i]) || fabs(b[i]) > 1e6)
            return vs_fail(r->err, VS_E_FORMAT, "%s: box %d: number %d is not a coordinate",
                           r->path, where, i + 1);
    if (b[0] > b[2] || b[1] > b[3])
        return vs_fail(r->err, VS_E_FORMAT, "%s: box %d: expected x1 y1 x2 y2, with x1 <= x2 and "
                       "y1 <= y2, not %g %g %g %g", r->path, where, b[0], b[1], b[2], b[3]);
    if (r->count == MOST)
        return vs_fail(r->err, VS_E_LIMIT, "%s: more than %d boxes", r->path, MOST);
    if ((r->count & (r->count - 1)) == 0)
        r->boxes = xreallocarray(r->boxes, r->count ? 2 * (size_t)r->count : 1,
                                 4 * sizeof *r->boxes);
    for (int i = 0; i < 4; i++)
        r->boxes[4 * r->count + i] = (float)b[i];
    r->count++;
    return 0;
}

static int read_text(struct reader *r, char *text)
{
    int line = 0;
    char *rest = text;
    for (char *s; (s = strsep(&rest, "\n")) != NULL;) {
        double b[4];
        int n = 0;
        line++;
        s[strcspn(s, "#\r")] = '\0';
        for (char *end; *(s += strspn(s, " \t,;")); s = end) {
            double x = strtod(s, &end);
            if (end == s || n == 4)
                return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: expected four numbers "
                               "x1 y1 x2 y2", r->path, line);
            b[n++] = x;
        }
        if (n != 0 && n != 4)
            return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: expected four numbers x1 y1 x2 y2",
                           r->path, line);
        int rc = n ? add(r, b, r->count + 1) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_json(struct reader *r, const char *text)
{
    json_error_t why;
    json_t *root = json_loads(text, JSON_DECODE_ANY, &why), *item;
    size_t i;
    int rc = 0;
    if (!root)
        return vs_fail(r->err, VS_E_FORMAT, "%s: line %d: %s", r->path, why.line, why.text);
    json_array_foreach(root, i, item) {
        double b[4] = {0};
        bool good = json_array_size(item) == 4;
        for (size_t j = 0; good && j < 4; j++) {
            good = json_is_number(json_array_get(item, j));
            b[j] = json_number_value(json_array_get(item, j));
        }
        rc = good ? add(r, b, (int)i + 1)
                  : vs_fail(r->err, VS_E_FORMAT, "%s: box %zu is not a list of four numbers",
                            r->path, i + 1);
        if (rc != 0)
            break;
    }
    json_decref(root);
    return rc;
}

static int read_npy(struct reader *r, struct bytes map)
{
    struct npy n;
    int rc = npy_read(map, &n, r->err);
    if (rc != 0)
        return rc;
    const struct tensor *t = &n.array;
    if (n.object || t->ndim != 2 || t->shape[1] != 4 || t->shape[0] > MOST) {
        rc = vs_fail(r->err, VS_E_FORMAT, "%s: expected an array of shape (N, 4)", r->path);
    } else {
        float *x = xcalloc((size_t)tensor_elements(t) + 1, sizeof *x);
        tensor_to_f32(t, x);
        for (int i = 0; i < (int)t->shape[0] && rc == 0; i++) {
            const double b[4] = {(double)x[4 * i], (double)x[4 * i + 1], (double)x[4 * i + 2],
                                 (double)x[4 * i + 3]};
            rc = add(r, b, i + 1);
        }
        free(x);
    }
    npy_close(&n);
    return rc;
}

int boxfile_read(const char *path, float **boxes, int *count, struct vs_err *err)
{
    struct bytes map;
    struct reader r = {.path = path, .err = err};
    int rc = bytes_open(path, &map, err);
    if (rc != 0)
        return rc;
    if (map.size > 0 && npy_recognise(&map)) {
        rc = read_npy(&r, map); /* takes over the map */
    } else if (map.size > (1 << 24)) {
        rc = vs_fail(err, VS_E_LIMIT, "%s: too large for a list of boxes", path);
        bytes_close(&map);
    } else {
        char *text = xstrndup(map.size ? (const char *)map.data : "", map.size);
        rc = text[strspn(text, " \t\r\n")] == '[' ? read_json(&r, text) : read_text(&r, text);
        free(text);
        bytes_close(&map);
    }
    if (rc == 0 && r.count == 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: there is no box in it", path);
    if (rc == 0) {
        *boxes = r.boxes;
        *count = r.count;
    } else {
        free(r.boxes);
    }
    return rc;
}
