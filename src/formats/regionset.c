/* SPDX-License-Identifier: MIT */
/* The regions of one image, wherever they come from: made, checked, and as the model reads them. */
#include "src/formats/regions_priv.h"

#include "src/formats/boxcheck.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct regions *regions_new(int64_t count, int64_t dim, const char *where, struct vs_err *err)
{
    if (count < 0 || dim < 1 || count > REGIONS_MAX || dim > REGIONS_MAX_DIM) {
        vs_fail(err, VS_E_LIMIT, "%s: %" PRId64 " regions of %" PRId64 " numbers are too many",
                where, count, dim);
        return NULL;
    }
    struct regions *r = xcalloc(1, sizeof *r);
    r->count = (int)count;
    r->dim = (int)dim;
    r->num_boxes = (int)count;
    r->boxes = vs_try_calloc((size_t)count * 4 + 1, sizeof *r->boxes);
    r->features = vs_try_calloc(vs_times((size_t)count, (size_t)dim) + 1, sizeof *r->features);
    if (!r->boxes || !r->features) {
        vs_fail(err, VS_E_LIMIT, "%s: no memory for %" PRId64 " regions of %" PRId64 " numbers",
                where, count, dim);
        regions_free(r);
        return NULL;
    }
    return r;
}

void regions_free(struct regions *r)
{
    if (!r)
        return;
    free(r->boxes);
    free(r->features);
    free(r->classes);
    free(r->conf);
    free(r->prob);
    free(r->image_id);
    free(r->note);
    free(r);
}

int regions_most_class(const struct regions *r)
{
    int most = -1;
    for (int i = 0; r->classes && i < r->count; i++)
        most = r->classes[i] > most ? r->classes[i] : most;
    return most;
}

void regions_seal(struct regions *r)
{
    struct sha256 s;
    int32_t sizes[4] = {r->count, r->dim, r->width, r->height};
    sha256_init(&s);
    sha256_numbers(&s, sizes, 4, sizeof *sizes);
    sha256_numbers(&s, r->boxes, (size_t)r->count * 4, sizeof *r->boxes);
    sha256_numbers(&s, r->features, (size_t)r->count * (size_t)r->dim, sizeof *r->features);
    sha256_hex(&s, r->digest);
}

static int regions_check_size(const struct regions *r, const char *path, struct vs_err *err)
{
    if (r->width < 1 || r->height < 1 || r->width > 1000000 || r->height > 1000000)
        return vs_fail(err, VS_E_FORMAT, "%s: the image is said to be %dx%d pixels: boxes cannot "
                       "be divided by that", path, r->width, r->height);
    if (r->count < 1)
        return vs_fail(err, VS_E_FORMAT, "%s: there is no region in it", path);
    return 0;
}

/* No detector writes such: of doubles that are read as floats, most often without a word of base64
 * to tell them, every fourth is. */
#define FEATURE_ABSURD 1e18f

/* What was never written, or padding that counts as regions. */
static void tell_zeros(struct regions *r, const char *path)
{
    int n = 0, first = -1;
    for (int i = 0; i < r->count; i++) {
        const float *f = r->features + (size_t)i * (size_t)r->dim;
        int j = 0;
        while (j < r->dim && f[j] == 0)
            j++;
        first = j == r->dim && first < 0 ? i : first;
        n += j == r->dim;
    }
    if (n)
        note_add(&r->note, "%s: the features of %d of %d regions are zeros (region %d): were they "
                 "extracted?", path, n, r->count, first);
}

static int check_features(const struct regions *r, const char *path, struct vs_err *err)
{
    for (int i = 0; i < r->count; i++) {
        const float *f = r->features + (size_t)i * (size_t)r->dim;
        for (int j = 0; j < r->dim; j++)
            if (!isfinite(f[j]))
                return vs_fail(err, VS_E_FORMAT, "%s: the feature of region %d is not finite "
                               "(number %d is %s): extract it again", path, i, j,
                               isnan(f[j]) ? "NaN" : "infinite");
            else if (fabsf(f[j]) > FEATURE_ABSURD)
                return vs_fail(err, VS_E_FORMAT, "%s: the feature of region %d has the number %g: "
                               "damaged, or doubles where floats are expected", path, i,
                               (double)f[j]);
    }
    return 0;
}

int regions_check(struct regions *r, int added, const char *path, struct vs_err *err)
{
    int rc = regions_check_size(r, path, err);
    if (rc == 0)
        rc = boxes_check_found(r->boxes, r->count, r->width, r->height, added, path, &r->note,
                               err);
    if (rc == 0)
        rc = check_features(r, path, err);
    if (rc == 0)
        tell_zeros(r, path);
    if (rc == 0)
        regions_seal(r);
    return rc;
}

int regions_check_numbers(struct regions *r, const char *path, struct vs_err *err)
{
    int rc = regions_check_size(r, path, err);
    for (size_t i = 0; rc == 0 && i < 4 * (size_t)r->count; i++)
        if (!isfinite(r->boxes[i]))
            rc = vs_fail(err, VS_E_FORMAT, "%s: box %zu is not finite", path, i / 4);
    if (rc == 0)
        rc = check_features(r, path, err);
    if (rc == 0)
        regions_seal(r);
    return rc;
}

void regions_set_classes(struct regions *r, const float *prob, int columns, int first)
{
    free(r->classes);
    free(r->conf);
    r->classes = xcalloc((size_t)r->count, sizeof *r->classes);
    r->conf = xcalloc((size_t)r->count, sizeof *r->conf);
    for (int i = 0; i < r->count; i++) {
        const float *p = prob + (size_t)i * (size_t)columns;
        int best = first;
        bool sound = true;
        for (int j = first; j < columns; j++) {
            best = p[j] > p[best] ? j : best;
            sound &= isfinite(p[j]) != 0;
        }
        r->classes[i] = sound ? best - first : -1; /* of NaN there is no best one */
        r->conf[i] = sound ? p[best] : 0;
    }
}

int regions_still_sound(const struct bytes *map, int rc, struct regions **out, struct vs_err *err)
{
    bool made = rc == 0;
    rc = bytes_check(map, rc, err);
    if (made && rc != 0) {
        regions_free(*out);
        *out = NULL;
    }
    return rc;
}

/* ---- what images are called */

char *regions_stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}

void regions_note_key(struct some_keys *s, const char *key, size_t len)
{
    if (s->count == 0 && len < sizeof s->only)
        memcpy(s->only, key, len); /* the rest is zero */
    size_t used = strlen(s->text);
    char other[40] = "(no name)";
    if (len > sizeof s->text / 2)
        snprintf(other, sizeof other, "(a name of %zu bytes)", len);
    if (len == 0 || len > sizeof s->text / 2) {
        key = other;
        len = strlen(other);
    }
    if (s->count < 5 && used + len + 3 < sizeof s->text)
        snprintf(s->text + used, sizeof s->text - used, "%s%.*s", used ? ", " : "", (int)len, key);
    s->count++;
}

int regions_no_key(const char *path, const char *key, const struct some_keys *s,
                   struct vs_err *err)
{
    if (key)
        return vs_fail(err, VS_E_MISSING, "%s: there is no image '%s' in it; it has %s%s", path,
                       key, s->count ? s->text : "none", s->count > 5 ? ", ..." : "");
    return vs_fail(err, VS_E_MISSING, "%s: has %s images (%s%s): choose one with --key", path,
                   s->count >= 100 ? "many" : s->count ? "several" : "no", s->text,
                   s->count > 5 ? ", ..." : "");
}

/* ---- what the model reads */

void regions_model_input(const struct regions *r, float *features, float *spatials)
{
    size_t dim = (size_t)r->dim, n = (size_t)r->count;
    memset(features, 0, dim * sizeof *features);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < dim; j++)
            features[j] += r->features[i * dim + j];
    for (size_t j = 0; j < dim; j++)
        features[j] /= (float)n;
    memcpy(features + dim, r->features, n * dim * sizeof *features);
    static const float whole[5] = {0, 0, 1, 1, 1};
    memcpy(spatials, whole, sizeof whole);
    float w = (float)r->width, h = (float)r->height;
    float area = (float)((double)r->width * (double)r->height);
    for (size_t i = 0; i < n; i++) {
        const float *b = r->boxes + 4 * i;
        float *s = spatials + 5 * (i + 1);
        s[0] = b[0] / w;
        s[1] = b[1] / h;
        s[2] = b[2] / w;
        s[3] = b[3] / h;
        s[4] = (b[3] - b[1]) * (b[2] - b[0]) / area;
    }
}
