/* SPDX-License-Identifier: MIT */
/* Drawing boxes on the photo, by keys or with the mouse. */
#include "src/base/mem.h"
#include "ui/views/views.h"

#include <curses.h>
#include <string.h>

#define MOST 100
#define ESCAPE 27

static struct photo_state *boxes_current(struct workbench *w)
{
    return w->ses.photo < w->ses.photo_count ? &w->ses.states[w->ses.photo] : NULL;
}

void do_box(struct workbench *w, const char *arg)
{
    (void)arg;
    if (!boxes_current(w) || !w->ses.photos[w->ses.photo]->image)
        return;
    if (!w->ses.model || !model_has_detector(w->ses.model)) {
        workbench_say(w, true, "features of drawn boxes need a detector: --detector FILE, or "
                      "\"detector\" in model.json");
        return;
    }
    const struct image *im = w->ses.photos[w->ses.photo]->image;
    w->draw = (struct drawing){.x = im->width / 2.0, .y = im->height / 2.0};
    w->typed.mode = MODE_BOX;
    selection_region(w->selection, -1);
    if (panes_view(&w->panes) != &view_image && panes_find(&w->panes, &view_image) >= 0)
        w->panes.focus = panes_find(&w->panes, &view_image);
    screen_mouse(w);
    workbench_say(w, false, "arrows move (Shift: farther), Enter sets one corner, then the other; "
                  "or drag with the mouse; Esc cancels");
}

static void boxes_end(struct workbench *w)
{
    w->typed.mode = MODE_BROWSE;
    w->draw.from = false;
    screen_mouse(w);
}

static void boxes_tell(struct workbench *w)
{
    int n = boxes_current(w)->boxes.count;
    if (n == 0)
        workbench_say(w, false, "no drawn boxes: the detected regions are used");
    else if (w->ses.task->extra_regions > 0)
        workbench_say(w, false, "%d drawn box%s: %s chooses from %s; r asks again", n,
                      n > 1 ? "es" : "", w->ses.task->title, n > 1 ? "them" : "it");
    else
        workbench_say(w, false, "%d drawn box%s instead of the detected regions; r asks again, x "
                      "removes the last", n, n > 1 ? "es" : "");
}

void do_box_drop(struct workbench *w, const char *arg)
{
    struct photo_state *s = boxes_current(w);
    (void)arg;
    if (!s)
        return;
    s->boxes.count -= s->boxes.count > 0;
    boxes_tell(w);
}

/* The box between the corner that is set and the one that moves. */
static void box_corners(const struct drawing *d, float box[4])
{
    box[0] = (float)(d->x < d->from_x ? d->x : d->from_x);
    box[1] = (float)(d->y < d->from_y ? d->y : d->from_y);
    box[2] = (float)(d->x < d->from_x ? d->from_x : d->x);
    box[3] = (float)(d->y < d->from_y ? d->from_y : d->y);
}

static void add_box(struct workbench *w)
{
    struct photo_state *s = boxes_current(w);
    float box[4];
    box_corners(&w->draw, box);
    if (s->boxes.count == MOST || box[2] - box[0] < 1 || box[3] - box[1] < 1) {
        workbench_say(w, true, s->boxes.count == MOST ? "there are 100 boxes already"
                                                      : "the box is empty: move the corner");
        return;
    }
    s->boxes.boxes = xreallocarray(s->boxes.boxes, (size_t)s->boxes.count + 1, 4 * sizeof(float));
    memcpy(s->boxes.boxes + 4 * s->boxes.count++, box, sizeof box);
    boxes_end(w);
    boxes_tell(w);
}

static void set_corner(struct workbench *w)
{
    struct drawing *d = &w->draw;
    if (d->from) {
        add_box(w);
        return;
    }
    d->from = true;
    d->from_x = d->x;
    d->from_y = d->y;
}

static void move_to(struct workbench *w, double x, double y)
{
    const struct image *im = w->ses.photos[w->ses.photo]->image;
    w->draw.x = x < 0 ? 0 : x > im->width - 1 ? im->width - 1 : x;
    w->draw.y = y < 0 ? 0 : y > im->height - 1 ? im->height - 1 : y;
}

/* The middle of a cell in pixels of the picture. */
static void move_to_cell(struct workbench *w, int row, int col)
{
    const struct frame *f = photo_frame(w);
    int cw, ch;
    draw_cell(w, &cw, &ch);
    if (f->scale > 0)
        move_to(w, f->x + (col - f->at.col + 0.5) * cw / f->scale,
                f->y + (row - f->at.row + 0.5) * ch / f->scale);
}

void boxes_mouse(struct workbench *w, const struct input_event *e)
{
    move_to_cell(w, e->row, e->col);
    if (e->button != BUTTON_LEFT || e->moved)
        return;
    if (e->pressed)
        w->draw.from = false;
    set_corner(w);
}

void boxes_key(struct workbench *w, int key, bool special)
{
    const struct image *im = w->ses.photos[w->ses.photo]->image;
    double step_x = im->width / 60.0, step_y = im->height / 60.0, dx = 0, dy = 0;
    if (special) {
        dx = key == KEY_LEFT ? -1 : key == KEY_RIGHT ? 1 : key == KEY_SLEFT ? -6
             : key == KEY_SRIGHT ? 6 : 0;
        dy = key == KEY_UP ? -1 : key == KEY_DOWN ? 1 : key == KEY_SR ? -6 : key == KEY_SF ? 6 : 0;
    } else {
        dx = key == 'h' ? -1 : key == 'l' ? 1 : key == 'H' ? -6 : key == 'L' ? 6 : 0;
        dy = key == 'k' ? -1 : key == 'j' ? 1 : key == 'K' ? -6 : key == 'J' ? 6 : 0;
    }
    if (dx != 0 || dy != 0)
        move_to(w, w->draw.x + dx * step_x, w->draw.y + dy * step_y);
    else if (special ? key == KEY_ENTER : key == '\r' || key == '\n' || key == ' ')
        set_corner(w);
    else if (!special && (key == ESCAPE || key == 'q'))
        boxes_end(w);
}

/* ---- on the photo */

static void draw_frame(struct canvas *c, const struct frame *f, const float *b, int thick,
                       struct rgb color)
{
    canvas_frame(c, (int)((b[0] - f->x) * f->scale), (int)((b[1] - f->y) * f->scale),
                 (int)((b[2] - f->x) * f->scale), (int)((b[3] - f->y) * f->scale), thick, color);
}

void boxes_draw(struct workbench *w, struct canvas *c, const struct frame *f)
{
    static const struct rgb white = {255, 255, 255}, green = {0, 255, 128};
    const struct box_list *l = &w->ses.states[w->ses.photo].boxes;
    const struct drawing *d = &w->draw;
    int thick = gfx_has_pixels(&w->screen.gfx) ? 2 : 1;
    for (int i = 0; i < l->count; i++)
        draw_frame(c, f, l->boxes + 4 * i, thick, white);
    if (w->typed.mode != MODE_BOX)
        return;
    int x = (int)((d->x - f->x) * f->scale), y = (int)((d->y - f->y) * f->scale);
    canvas_frame(c, x, 0, x, c->h - 1, 1, green);
    canvas_frame(c, 0, y, c->w - 1, y, 1, green);
    if (d->from) {
        float b[4];
        box_corners(d, b);
        draw_frame(c, f, b, thick, green);
    }
}
