/* SPDX-License-Identifier: MIT */
/* The regions of the current photo: classes, confidence, boxes. The chosen one is lit. */
#include "src/base/mem.h"
#include "ui/views/list.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct regions *regions_current(const struct workbench *w)
{
    return w->ses.photo < w->ses.photo_count ? photo_regions(w->ses.photos[w->ses.photo]) : NULL;
}

static void class_text(const struct workbench *w, const struct regions *g, int i, char *out,
                       size_t size)
{
    const char *name =
        g->classes && w->ses.model ? model_class_name(w->ses.model, g, g->classes[i]) : NULL;
    if (name)
        snprintf(out, size, "%s", name);
    else if (g->classes)
        snprintf(out, size, "class %d", g->classes[i]);
    else
        snprintf(out, size, "region");
}

/* Line i is region i + 1: 0 would be the whole image. */
static int regions_chosen(const struct workbench *w)
{
    return w->sel->region < 1 ? 0 : w->sel->region - 1;
}

static int regions_top(const struct workbench *w, int rows)
{
    int room = rows - 2 > 1 ? rows - 2 : 1;
    return regions_chosen(w) >= room ? regions_chosen(w) - room + 1 : 0;
}

static void draw_regions_line(const struct workbench *w, const struct regions *g, struct area a,
                              int row, int i, int name_cols)
{
    const float *b = g->boxes + 4 * i;
    int conf = a.col + 4 + name_cols;
    char name[128];
    class_text(w, g, i, name, sizeof name);
    attrset(i + 1 == w->sel->region ? A_REVERSE : A_NORMAL);
    mvhline(row, a.col, ' ', a.cols);
    draw_text(row, a.col, 3, "%3d", i + 1);
    draw_text(row, a.col + 4, name_cols - 1, "%s", name);
    if (g->conf)
        draw_text(row, conf, 6, " %.3f", (double)g->conf[i]);
    if (conf + 26 <= a.col + a.cols)
        draw_text(row, conf + 6, 20, "%5.0f%5.0f%5.0f%5.0f", (double)b[0], (double)b[1],
                  (double)b[2], (double)b[3]);
    attrset(A_NORMAL);
}

static void regions_draw(struct workbench *w, struct pane *p, struct area a)
{
    (void)p;
    const struct regions *g = regions_current(w);
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, g ? "%d regions" : "Regions", g ? g->count : 0);
    attrset(A_NORMAL);
    if (!g) {
        draw_text(a.row + 1, a.col, a.cols, "not known yet; d detects them");
        return;
    }
    bool wide = a.cols >= 40;
    int name_cols = a.cols - 4 - 6 - (wide ? 20 : 0), conf = a.col + 4 + name_cols;
    attrset((int)draw_dim());
    draw_text(a.row + 1, a.col + 4, name_cols, "class");
    draw_text(a.row + 1, conf, 6, " conf");
    if (wide)
        draw_text(a.row + 1, conf + 6, 20, "   x1   y1   x2   y2");
    attrset(A_NORMAL);
    int from = regions_top(w, a.rows);
    for (int i = from; i < g->count && i - from < a.rows - 2; i++)
        draw_regions_line(w, g, a, a.row + 2 + i - from, i, name_cols);
}

static void regions_move(struct workbench *w, struct pane *p, enum motion m)
{
    (void)p;
    const struct regions *g = regions_current(w);
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else if (g && g->count)
        look_choose_region(w, w->sel->region < 1 && (m == MOVE_DOWN || m == MOVE_UP)
                                  ? 1 : panes_pick(regions_chosen(w), g->count, 10, m) + 1);
}

static bool regions_click(struct workbench *w, struct pane *p, int row, int col)
{
    const struct regions *g = regions_current(w);
    int at = regions_top(w, p->at.rows) + row - 2;
    (void)col;
    if (!g || row < 2 || at >= g->count)
        return false;
    look_choose_region(w, at + 1);
    return true;
}

/* The next region whose class is the one that is searched. */
static void regions_filter(struct workbench *w, struct pane *p)
{
    (void)p;
    const struct regions *g = regions_current(w);
    for (int k = 0; g && k < g->count; k++) {
        char name[128];
        int i = (regions_chosen(w) + k) % g->count;
        class_text(w, g, i, name, sizeof name);
        if (list_matches(name, w->typed.filter.text)) {
            look_choose_region(w, i + 1);
            return;
        }
    }
}

static bool regions_table(struct workbench *w, struct pane *p, struct table *out)
{
    (void)p;
    static const char *const names[] = {"x1", "y1", "x2", "y2", "confidence"};
    const struct regions *g = regions_current(w);
    if (!g)
        return false;
    table_init(out, g->count, 5);
    for (int j = 0; j < 5; j++)
        out->col_names[j] = xstrdup(names[j]);
    for (int i = 0; i < g->count; i++) {
        char name[128];
        class_text(w, g, i, name, sizeof name);
        out->row_names[i] = xstrdup(name);
        memcpy(out->x + (ptrdiff_t)i * 5, g->boxes + 4 * i, 4 * sizeof(float));
        out->x[i * 5 + 4] = g->conf ? g->conf[i] : NAN;
    }
    return true;
}

static void do_regions(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_regions);
    if (w->sel->region < 1)
        panes_move(w, MOVE_FIRST); /* one is lit at once */
}

static const struct action regions_actions[] = {
    ACTIONS_AFTER("hide"),
    {"regions", "g", "", NULL, "the list of regions", do_regions},
    {0},
};

const struct view view_regions = {
    .name = "regions",
    .what = "the regions of the image; the chosen one is highlighted",
    .hints = "Up Down choose, Esc closes",
    .draw = regions_draw,
    .move = regions_move,
    .click = regions_click,
    .filter = regions_filter,
    .table = regions_table,
    .actions = regions_actions,
};
