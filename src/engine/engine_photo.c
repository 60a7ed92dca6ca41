/* SPDX-License-Identifier: MIT */
/* An image and its regions. */
#include "src/engine/engine.h"

#include "src/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_DIGITS 6 /* fewer may count the pictures of a folder; COCO's names have twelve */

/* The number that a name ends with, without its leading zeros: what published files of COCO's
 * regions have as keys. NULL when the name is that number, or has none. *digits: of all that it was
 * written in. Caller frees. */
static char *photo_number_of(const char *name, size_t *digits)
{
    size_t n = strlen(name), at = n;
    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
        at--;
    *digits = n - at;
    while (at + 1 < n && name[at] == '0')
        at++;
    return at == n || at == 0 ? NULL : xstrdup(name + at);
}

/* Which entry is taken for an image whose name is not a key. */
static void tell_entry(struct regions *g, const char *path, const char *image, const char *which)
{
    note_add(&g->note, "%s: %s, '%s', is taken for %s, whose name is not a key there", path, which,
             g->image_id ? g->image_id : "?", image);
}

/* A key of a file that has no entries was meant for another file. */
static int check_keyed(const char *path, const char *key, struct vs_err *err)
{
    return !key || !*key || regions_keyed(path)
               ? 0
               : vs_fail(err, VS_E_USAGE, "%s: holds the regions of one image, so it has no entry "
                         "'%s': leave out --key, or give an empty one", path, key);
}

/* With no key given, the image's name is tried first, the number that it ends with second, and a
 * file's only entry third. *found gets the key unless it is the name; caller frees. */
static int open_regions(const char *image, const char *path, const char *key,
                        struct regions **out, char **found, struct vs_err *err)
{
    key = key && *key ? key : NULL;
    *found = xstrdup_null(key);
    if (key || !image)
        return regions_open(path, key, out, err);
    size_t digits;
    char *name = regions_stem(image), *number = photo_number_of(name, &digits);
    int rc = regions_open(path, name, out, err);
    if (rc == VS_E_MISSING && number) {
        rc = regions_open(path, number, out, err);
        if (rc == 0) {
            *found = number;
            number = NULL;
            if (digits < ID_DIGITS)
                tell_entry(*out, path, image, "the entry with the number at the end of its name");
        }
    }
    struct vs_err why = {0};
    int only = rc == VS_E_MISSING ? regions_open(path, NULL, out, &why) : VS_E_MISSING;
    if (only == 0)
        tell_entry(*out, path, image, "its only entry");
    else if (only != VS_E_MISSING && err)
        *err = why;
    rc = only != VS_E_MISSING ? only : rc;
    free(name);
    free(number);
    return rc;
}

/* Boxes of another picture would be drawn in the wrong places, without a word. */
static int photo_check_size(const struct photo *p, struct vs_err *err)
{
    const struct image *im = p->image;
    const struct regions *g = p->regions;
    if (!im || (im->width == g->width && im->height == g->height))
        return 0;
    bool turned = im->width == g->height && im->height == g->width;
    return vs_fail(err, VS_E_FORMAT, "%s: these regions are of an image of %dx%d pixels, but %s "
                   "has %dx%d%s", p->regions_path, g->width, g->height, p->path, im->width,
                   im->height, turned ? ": interchanged, or was the image turned (--upright)?"
                                      : "");
}

/* "photos/42.jpg" has its regions in "photos/42.npy" when there is such a file. */
static char *regions_beside(const char *path)
{
    const char *name = strrchr(path, '/'), *dot = strrchr(name ? name : path, '.');
    char *guess = xasprintf("%.*s.npy", dot ? (int)(dot - path) : (int)strlen(path), path);
    if (access(guess, R_OK) == 0)
        return guess;
    free(guess);
    return NULL;
}

int photo_open(const char *path, const struct photo_options *o, struct photo **out,
               struct vs_err *err)
{
    if (!path && !o->regions)
        return vs_fail(err, VS_E_USAGE, "neither an image nor regions are given");
    struct photo *p = xcalloc(1, sizeof *p);
    p->path = xstrdup_null(path);
    p->regions_path = o->regions ? xstrdup(o->regions) : regions_beside(path);
    int rc = path ? image_open(path, &p->image, err) : 0;
    if (rc == 0 && p->image && o->upright)
        image_turn(p->image);
    if (rc == 0 && p->regions_path)
        rc = check_keyed(p->regions_path, o->key, err);
    if (rc == 0 && p->regions_path)
        rc = open_regions(path, p->regions_path, o->key, &p->regions, &p->regions_key, err);
    if (rc == 0 && p->regions)
        rc = photo_check_size(p, err);
    if (rc == 0)
        *out = p;
    else
        photo_free(p);
    return rc;
}

struct box_list box_list_copy(const struct box_list *l)
{
    size_t size = (size_t)l->count * 4 * sizeof *l->boxes;
    struct box_list out = {size ? xmalloc(size) : NULL, l->count};
    if (size)
        memcpy(out.boxes, l->boxes, size);
    return out;
}

int photo_set_candidates(struct photo *p, const char *path, const char *key, struct vs_err *err)
{
    struct regions *c = NULL;
    char *found = NULL;
    if (key && !regions_keyed(path))
        key = NULL; /* it is that of the image's regions, too */
    int rc = open_regions(p->path, path, key, &c, &found, err);
    free(found);
    if (rc != 0)
        return rc;
    regions_free(p->candidates);
    free(p->candidates_path);
    p->candidates = c;
    p->candidates_path = xstrdup(path);
    return 0;
}

void photo_free(struct photo *p)
{
    if (!p)
        return;
    image_free(p->image);
    regions_free(p->regions);
    regions_free(p->candidates);
    regions_free(p->pooled);
    free(p->path);
    free(p->regions_path);
    free(p->regions_key);
    free(p->candidates_path);
    free(p);
}
