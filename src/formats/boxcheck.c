/* SPDX-License-Identifier: MIT */
/* Boxes of the wrong kind are the commonest mistake in files of regions: they would be drawn and
 * ranked as if nothing were wrong. */
#include "src/formats/boxcheck.h"

#include "src/base/mem.h"

#include <math.h>

static int check_one(const float *b, int i, const char *where, struct vs_err *err)
{
    for (int j = 0; j < 4; j++)
        if (!isfinite(b[j]))
            return vs_fail(err, VS_E_FORMAT, "%s: box %d is not finite", where, i);
    if (b[2] < b[0] || b[3] < b[1])
        return vs_fail(err, VS_E_FORMAT, "%s: box %d is %g %g %g %g: x1 y1 x2 y2 are expected, "
                       "with x1 <= x2 and y1 <= y2, not x y width height", where, i,
                       (double)b[0], (double)b[1], (double)b[2], (double)b[3]);
    return 0;
}

/* What a detector adds to the right and below, up to 31 pixels of an image whose sides it has made
 * that small and that large at most, belongs to the image for it: boxes lie there, too. */
#define PUBLISHED_SMALL 800
#define PUBLISHED_LARGE 1333
#define DEMO_SMALL 192
#define DEMO_LARGE 256
#define ADDED_MOST 1e6f
static float padding(int width, int height, float small, float large)
{
    float w = (float)width, h = (float)height;
    return 31 * fmaxf(fminf(w, h) / small, fmaxf(w, h) / large);
}

/* pad: how far the image goes on to the right and below. */
static bool fits(const float *b, int width, int height, float pad)
{
    float w = (float)width, h = (float)height, x = 1 + w / 100, y = 1 + h / 100;
    return b[0] >= -x && b[1] >= -y && b[2] <= w + pad + x && b[3] <= h + pad + y;
}

static bool all_fit(const float *boxes, int count, int width, int height, float pad)
{
    for (int i = 0; i < count; i++)
        if (!fits(boxes + 4 * (size_t)i, width, height, pad))
            return false;
    return true;
}

/* No detector finds boxes that all lie in the first pixel: they are shares of the image. */
static bool in_first_pixel(const float *boxes, int count, int width, int height, float least)
{
    for (size_t i = 0; i < 4 * (size_t)count; i++)
        if (boxes[i] > 1.001f || boxes[i] < least - 0.001f)
            return false;
    return count > 0 && (width > 2 || height > 2);
}

bool boxes_are_shares(const float *boxes, int count, int width, int height)
{
    return in_first_pixel(boxes, count, width, height, 0);
}

/* Of many boxes some lie outside of the upper left quarter, or they are of a smaller image. */
static bool in_corner(const float *boxes, int count, int width, int height)
{
    for (int i = 0; i < count; i++)
        if (boxes[4 * (size_t)i + 2] > (float)width / 2 ||
            boxes[4 * (size_t)i + 3] > (float)height / 2)
            return false;
    return count >= 10;
}

static int outside(const float *boxes, int count, int width, int height, float pad,
                   const char *where, struct vs_err *err)
{
    int i = 0;
    while (fits(boxes + 4 * (size_t)i, width, height, pad))
        i++;
    const float *b = boxes + 4 * (size_t)i;
    bool turned = all_fit(boxes, count, height, width, pad);
    return vs_fail(err, VS_E_FORMAT, "%s: box %d, %g %g %g %g, is not inside the image of "
                   "%dx%d pixels%s", where, i, (double)b[0], (double)b[1], (double)b[2],
                   (double)b[3], width, height,
                   turned ? ": width and height are interchanged?" : "");
}

static void tell_empty(const float *boxes, int count, const char *where, char **note)
{
    int n = 0, first = -1;
    for (int i = 0; i < count; i++) {
        const float *b = boxes + 4 * (size_t)i;
        bool empty = b[0] >= b[2] || b[1] >= b[3];
        first = empty && first < 0 ? i : first;
        n += empty;
    }
    if (n)
        note_add(note, "%s: %d of %d boxes have no area (box %d)", where, n, count, first);
}

static int look_padded(const float *boxes, int count, int width, int height, float pad,
                       const char *where, struct vs_err *err)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++)
        rc = check_one(boxes + 4 * (size_t)i, i, where, err);
    if (rc == 0 && !all_fit(boxes, count, width, height, pad))
        rc = outside(boxes, count, width, height, pad, where, err);
    if (rc == 0 && in_first_pixel(boxes, count, width, height, -1) &&
        !boxes_are_shares(boxes, count, width, height))
        rc = vs_fail(err, VS_E_FORMAT, "%s: its boxes are between -1 and 1: pixels of the image, "
                     "%dx%d, are expected", where, width, height);
    return rc;
}

int boxes_look(const float *boxes, int count, int width, int height, const char *where,
               struct vs_err *err)
{
    return look_padded(boxes, count, width, height, 0, where, err);
}

int boxes_look_found(const float *boxes, int count, int width, int height, const char *where,
                     struct vs_err *err)
{
    float most = 2 * (float)(width > height ? width : height) + 1024;
    return look_padded(boxes, count, width, height, most, where, err);
}

/* What may have to be changed of boxes that are good otherwise. */
static void boxes_mend(float *boxes, int count, int width, int height, const char *where,
                       char **note)
{
    if (boxes_are_shares(boxes, count, width, height)) {
        for (size_t i = 0; i < 4 * (size_t)count; i++)
            boxes[i] *= (float)(i % 2 ? height : width);
        note_add(note,
                 "%s: its boxes are shares of the image, 0 to 1: they were multiplied by "
                 "its %dx%d pixels",
                 where, width, height);
    }
    if (in_corner(boxes, count, width, height))
        note_add(note, "%s: all %d boxes are in the upper left quarter of the image of %dx%d "
                 "pixels: are they of a smaller one?", where, count, width, height);
    tell_empty(boxes, count, where, note);
}

int boxes_check(float *boxes, int count, int width, int height, const char *where, char **note,
                struct vs_err *err)
{
    int rc = boxes_look(boxes, count, width, height, where, err);
    if (rc == 0)
        boxes_mend(boxes, count, width, height, where, note);
    return rc;
}

/* How far boxes of an unnamed detector may reach out of the image; *usual: the published one's. */
static float padding_of(const float *boxes, int count, int width, int height, float *usual)
{
    float pad = padding(width, height, PUBLISHED_SMALL, PUBLISHED_LARGE);
    float more = padding(width, height, DEMO_SMALL, DEMO_LARGE);
    *usual = pad;
    bool far = !all_fit(boxes, count, width, height, pad) &&
               all_fit(boxes, count, width, height, more);
    return far && !all_fit(boxes, count, height, width, pad) ? more : pad;
}

int boxes_added(const float *boxes, int count, int width, int height)
{
    float usual, most = 0;
    if (all_fit(boxes, count, width, height, padding_of(boxes, count, width, height, &usual)))
        return 0;
    for (size_t i = 0; i < 4 * (size_t)count; i++)
        most = fmaxf(most, boxes[i] - (float)(i % 2 ? height : width));
    return (int)ceilf(fminf(most, ADDED_MOST));
}

int boxes_check_found(float *boxes, int count, int width, int height, int added,
                      const char *where, char **note, struct vs_err *err)
{
    float usual, pad = padding_of(boxes, count, width, height, &usual);
    if (!all_fit(boxes, count, width, height, pad) && added > 0)
        pad = fminf((float)added, ADDED_MOST);
    if (pad > usual) {
        note_add(note, "%s: boxes reach farther out of the image of %dx%d pixels than those of the "
                 "published detector, %.0f pixels", where, width, height, (double)usual);
    }
    int rc = look_padded(boxes, count, width, height, pad, where, err);
    if (rc == 0)
        boxes_mend(boxes, count, width, height, where, note);
    return rc;
}
