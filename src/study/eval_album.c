/* SPDX-License-Identifier: MIT */
/* The photos of a set's items, kept while there is room. */
#include "src/study/eval_priv.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_NAMES (1 << 15)          /* of photos, also of those that were dropped */
#define KEEP_BYTES ((size_t)1 << 30) /* of photos */

static size_t region_bytes(const struct regions *g)
{
    return g ? (size_t)g->count * (size_t)g->dim * sizeof *g->features : 0;
}

static size_t photo_bytes(const struct photo *p)
{
    size_t n = p->image && p->image->rgb ? 3 * (size_t)p->image->width * (size_t)p->image->height
                                         : 0;
    return n + region_bytes(p->regions) + region_bytes(p->candidates);
}

static void album_keep_pixels(struct eval_album *a, struct image *im)
{
    if (a->pixels && a->pixels != im) {
        a->bytes -= 3 * (size_t)a->pixels->width * (size_t)a->pixels->height;
        free(a->pixels->rgb);
        a->pixels->rgb = NULL;
    }
    a->pixels = im;
}

static void album_drop(struct eval_album *a, int i)
{
    if (!a->photos[i])
        return;
    if (a->pixels == a->photos[i]->image)
        album_keep_pixels(a, NULL);
    a->bytes -= photo_bytes(a->photos[i]);
    photo_free(a->photos[i]);
    a->photos[i] = NULL;
}

static int open_picture(struct model *m, const char *path, struct photo **out, struct vs_err *err)
{
    struct photo_options how = {0};
    int rc = photo_open(path, &how, out, err);
    if (rc == 0) {
        photo_measure(m, *out); /* its pixels may be dropped later */
        rc = photo_detect(m, *out, NULL, NULL, NULL, err);
    }
    return rc;
}

/* Regions without their picture: detected ones, and the boxes of the annotations where the task
 * chooses among them. */
static int open_entry(const struct eval_set *s, const char *key, struct photo **out,
                      struct vs_err *err)
{
    struct photo *p = *out = xcalloc(1, sizeof *p);
    p->regions_path = xstrdup(regionlmdb_path(s->detected));
    p->regions_key = xstrdup(key);
    char *found = regionlmdb_key(s->detected, key);
    int rc = regionlmdb_get(s->detected, found, &p->regions, err);
    free(found);
    if (rc == 0 && s->annotated) {
        p->candidates_path = xstrdup(regionlmdb_path(s->annotated));
        found = regionlmdb_key(s->annotated, key);
        rc = regionlmdb_get(s->annotated, found, &p->candidates, err);
        free(found);
    }
    return rc;
}

/* Regions of a picture from the set's store. The picture itself is opened only where boxes are to
 * be pooled from it. */
static int open_stored(const struct eval_set *s, const char *path, bool pixels, struct photo **out,
                       struct vs_err *err)
{
    struct photo *p = *out = xcalloc(1, sizeof *p);
    p->path = xstrdup(path);
    char *key = NULL;
    int rc = regionstore_get(s->features, path, &p->regions, &p->regions_key, err);
    if (rc == 0)
        p->regions_path = regionstore_file(s->features, p->regions_key);
    if (rc == 0 && s->annotated_features) {
        rc = regionstore_get(s->annotated_features, path, &p->candidates, &key, err);
        if (rc == 0)
            p->candidates_path = regionstore_file(s->annotated_features, key);
        free(key);
        if (rc == VS_E_MISSING) /* of another task's item */
            rc = 0;
    }
    if (rc == 0 && pixels)
        rc = image_open(path, &p->image, err);
    return rc;
}

static int album_add(struct eval_album *a, struct model *m, const char *path, bool pixels, int at,
                     struct vs_err *err)
{
    struct photo *p = NULL;
    int rc = a->set->detected   ? open_entry(a->set, path, &p, err)
             : a->set->features ? open_stored(a->set, path, pixels, &p, err)
                                : open_picture(m, path, &p, err);
    if (rc != 0) {
        photo_free(p);
        return rc;
    }
    a->photos[at] = p;
    a->bytes += photo_bytes(p);
    if (p->image && p->regions)
        album_keep_pixels(a, p->image);
    return 0;
}

/* Pixels are needed until the regions are known, and for boxes. */
int eval_album_get(struct eval_album *a, struct model *m, const char *path, bool pixels,
                   struct photo **out, struct vs_err *err)
{
    int at = strmap_get(&a->names, path, strlen(path)), rc = 0;
    if (at < 0) {
        at = a->count;
        strmap_add(&a->names, path, strlen(path), at);
        a->photos = xreallocarray(a->photos, (size_t)a->count + 1, sizeof(struct photo *));
        a->photos[a->count++] = NULL;
    }
    const struct photo *p = a->photos[at];
    if (p && pixels && (p->image ? !p->image->rgb : a->set->features != NULL))
        album_drop(a, at);
    if (!a->photos[at])
        rc = album_add(a, m, path, pixels, at, err);
    *out = a->photos[at];
    return rc;
}

static void album_forget(struct eval_album *a)
{
    for (int i = 0; i < a->count; i++)
        album_drop(a, i);
    strmap_fini(&a->names);
    a->names = (struct strmap){0};
    a->count = a->oldest = 0;
}

/* Between items: nothing is in use. */
void eval_album_trim(struct eval_album *a)
{
    for (int i = 0; a->bytes > KEEP_BYTES && i < a->count; i++) {
        album_drop(a, a->oldest);
        a->oldest = (a->oldest + 1) % a->count;
    }
    if (a->count >= KEEP_NAMES)
        album_forget(a);
}

void eval_album_fini(struct eval_album *a)
{
    for (int i = 0; i < a->count; i++)
        photo_free(a->photos[i]);
    free(a->photos);
    strmap_fini(&a->names);
}
