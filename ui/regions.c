/* The regions of the current photo: their list, and the chosen one on the photo. */
#include "ui/workbench_priv.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>

#define ESCAPE 27

static const struct regions *current(const struct workbench *w)
{
    return w->photo < w->photo_count ? photo_regions(w->photos[w->photo]) : NULL;
}

void regions_open_list(struct workbench *w)
{
    if (!current(w)) {
        workbench_say(w, true, "the regions of this image are not known yet");
        return;
    }
    w->mode = MODE_REGIONS;
    w->region = w->region < 0 ? 0 : w->region;
    w->photo_changed = true;
}

void regions_key(struct workbench *w, int key, bool special)
{
    const struct regions *g = current(w);
    int n = g ? g->count : 0, page = LINES > 10 ? LINES - 9 : 1, at = w->region;
    if (special)
        at = key == KEY_UP ? at - 1 : key == KEY_DOWN ? at + 1 : key == KEY_PPAGE ? at - page
             : key == KEY_NPAGE ? at + page : key == KEY_HOME ? 0 : key == KEY_END ? n : at;
    else
        at = key == 'k' ? at - 1 : key == 'j' ? at + 1 : at;
    w->region = at >= n ? n - 1 : at < 0 ? 0 : at;
    w->photo_changed = true;
    if (special ? key == KEY_ENTER : key == '\r' || key == '\n') {
        w->mode = MODE_BROWSE; /* it stays highlighted */
    } else if (!special && (key == ESCAPE || key == 'q' || key == 'g')) {
        w->mode = MODE_BROWSE;
        w->region = -1;
    }
}

static void class_text(const struct workbench *w, const struct regions *g, int i, char *out,
                       size_t size)
{
    const char *name = g->classes && w->model ? model_class_name(w->model, g->classes[i]) : NULL;
    if (name)
        snprintf(out, size, "%s", name);
    else if (g->classes)
        snprintf(out, size, "class %d", g->classes[i]);
    else
        snprintf(out, size, "region");
}

void regions_draw(const struct workbench *w, struct area a)
{
    const struct regions *g = current(w);
    if (!g)
        return;
    attrset(A_BOLD);
    panes_put(a.row, a.col, a.cols, "%d regions", g->count);
    attrset(A_DIM);
    bool wide = a.cols >= 40;
    int name_cols = a.cols - 4 - 6 - (wide ? 20 : 0), conf = a.col + 4 + name_cols;
    panes_put(a.row + 1, a.col + 4, name_cols, "class");
    panes_put(a.row + 1, conf, 6, " conf");
    if (wide)
        panes_put(a.row + 1, conf + 6, 20, "   x1   y1   x2   y2");
    attrset(A_NORMAL);
    int room = a.rows - 2, from = w->region >= room ? w->region - room + 1 : 0;
    for (int i = from; i < g->count && i - from < room; i++) {
        const float *b = g->boxes + 4 * i;
        char name[128];
        int row = a.row + 2 + i - from;
        class_text(w, g, i, name, sizeof name);
        attrset(i == w->region ? A_REVERSE : A_NORMAL);
        mvhline(row, a.col, ' ', a.cols);
        panes_put(row, a.col, 3, "%3d", i + 1);
        panes_put(row, a.col + 4, name_cols - 1, "%s", name);
        if (g->conf)
            panes_put(row, conf, 6, " %.3f", (double)g->conf[i]);
        if (wide)
            panes_put(row, conf + 6, 20, "%5.0f%5.0f%5.0f%5.0f", (double)b[0], (double)b[1],
                      (double)b[2], (double)b[3]);
        attrset(A_NORMAL);
    }
}

void regions_highlight(const struct workbench *w, struct canvas *c)
{
    static const struct rgb white = {255, 255, 255};
    const struct regions *g = current(w);
    if (!g || w->region < 0 || w->region >= g->count)
        return;
    const float *b = g->boxes + 4 * w->region;
    double sx = (double)c->w / g->width, sy = (double)c->h / g->height;
    int x1 = (int)(b[0] * sx), y1 = (int)(b[1] * sy);
    int x2 = (int)(b[2] * sx), y2 = (int)(b[3] * sy);
    canvas_spotlight(c, x1, y1, x2, y2);
    canvas_frame(c, x1, y1, x2, y2, w->gfx.mode == GFX_SIXEL ? 3 : 1, white);
}
