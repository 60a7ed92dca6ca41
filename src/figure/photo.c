/* SPDX-License-Identifier: MIT */
/* A picture with boxes, whose labels stand where they cover none of each other. */
#include "src/figure/page.h"

#include <math.h>

#define MOST_HEIGHT 360.0

static const struct figure_font label = {PEN_SMALL, true};

struct plate {
    double x, y, w, h;
};

static bool plate_free(const struct plate *list, int count, struct plate a)
{
    for (int i = 0; i < count; i++)
        if (a.x < list[i].x + list[i].w && list[i].x < a.x + a.w && a.y < list[i].y + list[i].h &&
            list[i].y < a.y + a.h)
            return false;
    return true;
}

/* Inside the corners of the box, or above it; the first place that is free and on the picture. */
static struct plate find_plate(const struct plate *list, int count, const struct plate *box,
                               const struct plate *picture, double w, double h)
{
    const double x[] = {box->x, box->x + box->w - w, box->x, box->x + box->w - w, box->x, box->x};
    const double y[] = {box->y, box->y, box->y + box->h - h, box->y + box->h - h, box->y - h,
                        box->y + box->h};
    struct plate first = {0};
    for (int i = 0; i < 6; i++) {
        struct plate a = {fmax(picture->x, fmin(x[i], picture->x + picture->w - w)),
                          fmax(picture->y, fmin(y[i], picture->y + picture->h - h)), w, h};
        if (plate_free(list, count, a))
            return a;
        first = i ? first : a;
    }
    for (int i = 1; i < 40; i++) { /* below each other */
        struct plate a = {first.x, first.y + i * h, w, h};
        if (a.y + h <= picture->y + picture->h && plate_free(list, count, a))
            return a;
    }
    return first;
}

#define MOST_PLATES 64

static void draw_labels(struct pen *p, const struct figure_panel *x, const struct plate *picture,
                        double scale)
{
    struct plate list[MOST_PLATES];
    int count = 0;
    for (int i = 0; i < x->box_count && count < MOST_PLATES; i++) {
        const struct figure_box *b = &x->boxes[i];
        if (!b->label)
            continue;
        struct plate box = {picture->x + b->x1 * scale, picture->y + b->y1 * scale,
                            (b->x2 - b->x1) * scale, (b->y2 - b->y1) * scale};
        double w = pen_width(p, b->label, label) + 3;
        struct plate a = find_plate(list, count, &box, picture, w, PEN_SMALL + 2);
        list[count++] = a;
        pen_frame(p, a.x, a.y, a.w, a.h, (struct figure_ink){.color = b->color, .fill = 1});
        pen_text(p, a.x + 1.5, a.y + PEN_SMALL + 0.2, b->label, label, pen_ink(b->color), PEN_LEFT);
    }
}

double figure_draw_photo(struct pen *p, const struct figure_panel *x, struct figure_place at)
{
    if (x->w < 1 || x->h < 1)
        return 0;
    double scale = fmin(at.w / x->w, MOST_HEIGHT / x->h);
    const struct plate picture = {at.x, at.y, x->w * scale, x->h * scale};
    pen_image(p, x->rgb, x->w, x->h, at.x, at.y, picture.w, picture.h);
    for (int i = x->box_count - 1; !p->dry && i >= 0; i--) { /* the first one lies on top */
        const struct figure_box *b = &x->boxes[i];
        double left = fmax(b->x1, 0) * scale, top = fmax(b->y1, 0) * scale;
        pen_frame(p, at.x + left, at.y + top, fmin(b->x2, x->w) * scale - left,
                  fmin(b->y2, x->h) * scale - top,
                  (struct figure_ink){.color = b->color, .width = (double)b->width,
                                      .fill = (double)b->fill, .dashed = b->dashed});
    }
    if (!p->dry)
        draw_labels(p, x, &picture, scale);
    double y = at.y + picture.h;
    if (x->ramp.count > 1)
        y += 5 + figure_draw_ramp(p, &x->ramp, (struct figure_place){at.x, y + 5, at.w});
    return y - at.y;
}
