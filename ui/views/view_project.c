/* SPDX-License-Identifier: MIT */
/* Hidden states of a whole set as points on the plane of most variance, the chosen point, and those
 * that are nearest to it in all dimensions, with their images. */
#include "src/base/mem.h"
#include "src/study/plots.h"
#include "ui/jobs/project.h"
#include "ui/kit/theme.h"
#include "ui/views/figures.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_project;

#define NEAR 5      /* neighbors at most */
#define THUMB 3     /* rows of one at least */
#define TEXTS 26    /* columns of what stands beside the images */
#define COLORED 5   /* groups with a color of their own */

/* The points nearest to one; looked for again when something of it is another. */
struct project_near {
    int serial, to, room; /* the projection's number from 1 on, the point, how many there may be */
    enum projection_distance how;
    int order[NEAR], count;
    float distance[NEAR];
};

struct project_view {
    int serial;       /* of what the following is of */
    int chosen;
    enum projection_by by;
    enum projection_distance distance;
    struct area at;   /* of the points, from the pane's corner */
    int *of;          /* (n) the group of each point */
    const char **groups;
    int group_count;
    enum projection_by grouped;
    struct project_near near;
};

/* What is shown in one frame. */
struct project_frame {
    struct project *p;
    struct project_view *v;
};

static void project_end(struct pane *at)
{
    struct project_view *v = at->state;
    free(v->of);
    free(v->groups);
}

/* NULL: nothing is known. */
static const struct projection *project_of(const struct workbench *w)
{
    const struct project *p = w->ses.project;
    return p && p->known.n ? &p->known : NULL;
}

/* The state of the pane, of the projection that there is. */
static struct project_view *project_follow(const struct workbench *w, struct pane *at)
{
    struct project_view *v = at->state;
    const struct projection *p = project_of(w);
    bool other = v->serial != w->ses.project->serial;
    if (other)
        v->chosen = 0;
    if (other || v->grouped != v->by || !v->of) {
        free(v->of);
        free(v->groups);
        v->group_count = projection_groups(p, v->by, &v->groups, &v->of);
        v->grouped = v->by;
        v->serial = w->ses.project->serial;
    }
    return v;
}

/* All points are compared, in all dimensions: not for every frame. */
static void project_find_near(struct project_view *v, const struct projection *p, int room)
{
    struct project_near *n = &v->near;
    if (n->serial == v->serial && n->to == v->chosen && n->room == room && n->how == v->distance)
        return;
    *n = (struct project_near){.serial = v->serial, .to = v->chosen, .room = room,
                               .how = v->distance};
    n->count = projection_neighbors(p, v->chosen, v->distance, room, n->order, n->distance);
}

/* ---- where points are */

struct project_scale {
    double x, y, s; /* the middle, pixels of a unit */
    int w, h;
};

static struct project_scale project_scale(const struct projection *p, int w, int h)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], (double)p->xy[2 * i + k]);
            high[k] = fmax(high[k], (double)p->xy[2 * i + k]);
        }
    double wide = high[0] - low[0], tall = high[1] - low[1];
    double sx = wide > 0 ? 0.92 * w / wide : 1, sy = tall > 0 ? 0.92 * h / tall : sx;
    return (struct project_scale){(low[0] + high[0]) / 2, (low[1] + high[1]) / 2,
                                  wide > 0 && sx < sy ? sx : sy, w, h};
}

static void project_spot(const struct projection *p, const struct project_scale *s, int i, int *x,
                         int *y)
{
    *x = (int)(s->w / 2.0 + s->s * ((double)p->xy[2 * i] - s->x));
    *y = (int)(s->h / 2.0 - s->s * ((double)p->xy[2 * i + 1] - s->y));
}

/* ---- painting */

static struct rgb project_color(int group)
{
    return group < COLORED ? draw_rank_color(group) : theme_shade(0.45);
}

static void paint_dot(struct canvas *c, int x, int y, int r, struct rgb color)
{
    canvas_fill(c, x - r, y - r, x + r, y + r, color);
}

static void paint_points(const struct project_frame *f, struct canvas *c, bool pixels)
{
    const struct projection *p = &f->p->known;
    struct project_scale s = project_scale(p, c->w, c->h);
    int x, y, r = pixels ? 2 : 0;
    canvas_frame(c, 0, 0, c->w - 1, c->h - 1, 1, theme_shade(0.25));
    for (int turn = f->v->group_count - 1; turn >= 0; turn--) /* the largest on top */
        for (int i = 0; i < p->n; i++)
            if (f->v->of[i] == turn) {
                project_spot(p, &s, i, &x, &y);
                paint_dot(c, x, y, r, project_color(turn));
            }
    for (int k = 0; k < f->v->near.count; k++) {
        project_spot(p, &s, f->v->near.order[k], &x, &y);
        canvas_frame(c, x - r - 2, y - r - 2, x + r + 2, y + r + 2, 1, theme_shade(1));
    }
    project_spot(p, &s, f->v->chosen, &x, &y);
    paint_dot(c, x, y, r + 3, theme_shade(1));
    paint_dot(c, x, y, r + 1, project_color(f->v->of[f->v->chosen]));
}

/* The image of a point, with its region in a frame. */
static void paint_thumb(struct workbench *w, const struct project_frame *f, int point,
                        struct canvas *all, struct pixels box)
{
    const struct image *im = project_image(w, f->p, point);
    const struct projection_point *o = &f->p->known.points[point];
    int width = box.x2 - box.x1 + 1, height = box.y2 - box.y1 + 1;
    if (!im) {
        canvas_frame(all, box.x1, box.y1, box.x2, box.y2, 1, theme_shade(0.25));
        return;
    }
    double s = fmin((double)width / im->width, (double)height / im->height);
    int tw = (int)fmax(1, s * im->width), th = (int)fmax(1, s * im->height);
    struct canvas *c = draw_canvas(w, tw, th);
    if (!c)
        return;
    canvas_photo(c, im->rgb, im->width, im->height);
    if (o->boxed) {
        double sx = (double)tw / im->width, sy = (double)th / im->height;
        canvas_frame(c, (int)((double)o->box[0] * sx), (int)((double)o->box[1] * sy),
                     (int)((double)o->box[2] * sx), (int)((double)o->box[3] * sy),
                     gfx_has_pixels(&w->screen.gfx) ? 2 : 1, theme_color(THEME_ACCENT));
    }
    canvas_put(all, box.x1, box.y1, c);
    canvas_free(c);
}

/* ---- drawing */

static void draw_project_title(const struct project_frame *f, struct area a)
{
    const struct projection *p = &f->p->known;
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "States of a set after %s: %d points of %s%d items, %s",
              p->after, p->n, p->cut ? "the first " : "", p->items, projection_what(p->of));
    attrset(A_NORMAL);
    draw_text(a.row + 1, a.col, a.cols, "variance across %.1f %%, up %.1f %%; nearest by %s; "
              "%s on %s, %s",
              100 * (double)p->share[0], 100 * (double)p->share[1],
              projection_distances[f->v->distance], f->p->task->name, f->p->checkpoint,
              f->p->set);
}

/* Which color is which, at the foot. */
static void draw_project_groups(const struct project_frame *f, struct area a)
{
    int row = a.row + a.rows - 1, used = draw_text(row, a.col, a.cols, "%s:",
                                                   projection_bys[f->v->by]);
    for (int k = 0; k < f->v->group_count && k < COLORED && used < a.cols - 4; k++) {
        attrset((int)draw_rank_attr(k));
        used += draw_text(row, a.col + used, a.cols - used, " %s", f->v->groups[k]);
    }
    attrset((int)draw_dim());
    if (f->v->group_count > COLORED && used < a.cols)
        draw_text(row, a.col + used, a.cols - used, " and %d more",
                  f->v->group_count - COLORED);
    attrset(A_NORMAL);
}

static void draw_project_point(const struct project_frame *f, int point, const char *distance,
                               struct area a)
{
    const struct projection_point *o = &f->p->known.points[point];
    attrset(*distance ? A_NORMAL : A_BOLD);
    draw_text(a.row, a.col, a.cols, "%s%s%s", distance, *distance ? " " : "", o->name);
    attrset(A_NORMAL);
    draw_text(a.row + 1, a.col, a.cols, "%s%s", o->answer,
              !o->scored ? "" : o->correct ? " (right)" : " (wrong)");
    attrset((int)draw_dim());
    if (a.rows > 2)
        draw_text(a.row + 2, a.col, a.cols, "%s", o->text);
    attrset(A_NORMAL);
}

/* The chosen point, then its neighbors: texts beside their places in the picture. */
static void draw_project_near(struct workbench *w, const struct project_frame *f,
                              struct canvas *all, struct area a, int left, int cols)
{
    const struct project_near *n = &f->v->near;
    int cw, ch, each = a.rows / (n->count + 1);
    draw_cell(w, &cw, &ch);
    for (int k = 0; k <= n->count; k++) {
        int point = k ? n->order[k - 1] : n->to, top = k * each;
        char distance[32] = "";
        if (k)
            snprintf(distance, sizeof distance, "%.3f", (double)n->distance[k - 1]);
        struct pixels box = {left * cw + cw / 2, top * ch, (left + cols) * cw - 1,
                             (top + each) * ch - (gfx_has_pixels(&w->screen.gfx) ? 4 : 1)};
        if (all)
            paint_thumb(w, f, point, all, box);
        draw_project_point(f, point, distance, (struct area){a.row + top, a.col + left + cols + 1,
                                                             each, a.cols - left - cols - 1});
    }
}

/* Columns of the images, whose rows are so high; 0: there is no room. */
static int project_thumb_cols(const struct workbench *w, struct area a, int near)
{
    int cw, ch, each = a.rows / (near + 1);
    draw_cell(w, &cw, &ch);
    int cols = each * ch * 4 / 3 / cw + 1, most = a.cols / 4;
    return a.cols < 60 ? 0 : cols < most ? cols : most;
}

static void draw_project_body(struct workbench *w, struct pane *at,
                              const struct project_frame *f, struct area a)
{
    int cw, ch, room = a.rows / THUMB - 1;
    room = room < 1 ? 1 : room > NEAR ? NEAR : room;
    project_find_near(f->v, &f->p->known, room);
    int thumbs = project_thumb_cols(w, a, f->v->near.count), texts = thumbs ? TEXTS : 0;
    int plane = draw_cols(w, a.cols - texts) - thumbs;
    draw_cell(w, &cw, &ch);
    struct canvas *all = draw_canvas(w, (plane + thumbs) * cw, a.rows * ch);
    struct canvas *points = draw_canvas(w, plane * cw, a.rows * ch);
    if (all && points) {
        paint_points(f, points, gfx_has_pixels(&w->screen.gfx));
        canvas_put(all, 0, 0, points);
    }
    canvas_free(points);
    if (thumbs)
        draw_project_near(w, f, all, a, plane, thumbs);
    f->v->at = area_in_pane(at, (struct area){a.row, a.col, a.rows, plane});
    gfx_place(&w->screen.gfx, at->slot, (struct area){a.row, a.col, a.rows, plane + thumbs}, all);
}

static void project_draw(struct workbench *w, struct pane *at, struct area a)
{
    struct project *p = w->ses.project;
    int done, all;
    if (project_of(w) && a.rows >= 7 && a.cols >= 30) {
        struct project_frame f = {.p = p, .v = project_follow(w, at)};
        draw_project_title(&f, a);
        draw_project_groups(&f, a);
        draw_project_body(w, at, &f, (struct area){a.row + 2, a.col, a.rows - 3, a.cols});
        return;
    }
    attrset(A_BOLD);
    draw_text(a.row, a.col, a.cols, "States of a set");
    attrset(A_NORMAL);
    struct area body = {a.row + 1, a.col, a.rows - 1, a.cols};
    if (!p) {
        inside_hint(body, 0, ":project FILE asks a data set or check set");
    } else if (p->why[0]) {
        inside_hint(body, 0, p->why);
    } else if (p->known.n) {
        inside_hint(body, 0, "no room for the points");
    } else {
        project_progress(p, &done, &all);
        draw_text(body.row, body.col, body.cols, "asking, %d of %d items; Esc stops", done, all);
    }
}

/* ---- keys */

/* The nearest point in a direction: what is aside counts twice. */
static int project_toward(const struct projection *p, int from, int dx, int dy)
{
    double least = INFINITY;
    int best = from;
    for (int i = 0; i < p->n; i++) {
        double x = (double)p->xy[2 * i] - (double)p->xy[2 * from];
        double y = (double)p->xy[2 * i + 1] - (double)p->xy[2 * from + 1];
        double along = dx * x + dy * y, aside = fabs(dx ? y : x);
        if (i != from && along > 0 && along + 2 * aside < least) {
            least = along + 2 * aside;
            best = i;
        }
    }
    return best;
}

static void project_move(struct workbench *w, struct pane *at, enum motion m)
{
    const struct projection *p = project_of(w);
    if (!p)
        return;
    struct project_view *v = project_follow(w, at);
    switch (m) {
    case MOVE_LEFT: v->chosen = project_toward(p, v->chosen, -1, 0); break;
    case MOVE_RIGHT: v->chosen = project_toward(p, v->chosen, 1, 0); break;
    case MOVE_UP: v->chosen = project_toward(p, v->chosen, 0, 1); break;
    case MOVE_DOWN: v->chosen = project_toward(p, v->chosen, 0, -1); break;
    default: v->chosen = panes_pick(v->chosen, p->n, 10, m);
    }
}

/* Its nearest neighbor becomes the chosen one. */
static void project_accept(struct workbench *w, struct pane *at)
{
    const struct projection *p = project_of(w);
    int order;
    float distance;
    if (!p)
        return;
    struct project_view *v = project_follow(w, at);
    if (projection_neighbors(p, v->chosen, v->distance, 1, &order, &distance))
        v->chosen = order;
}

/* The point nearest to a cell, or -1 outside of the plot; *least: the square of how many pixels it
 * is away. */
static int project_nearest(const struct workbench *w, const struct projection *p,
                           const struct project_view *v, int row, int col, int *least)
{
    int cw, ch, best = -1;
    draw_cell(w, &cw, &ch);
    if (!area_holds(v->at, row, col))
        return -1;
    row -= v->at.row;
    col -= v->at.col;
    struct project_scale s = project_scale(p, v->at.cols * cw, v->at.rows * ch);
    for (int i = 0; i < p->n; i++) {
        int x, y;
        project_spot(p, &s, i, &x, &y);
        x -= col * cw + cw / 2;
        y -= row * ch + ch / 2;
        if (best < 0 || x * x + y * y < *least) {
            best = i;
            *least = x * x + y * y;
        }
    }
    return best;
}

static bool project_click(struct workbench *w, struct pane *at, int row, int col)
{
    const struct projection *p = project_of(w);
    int least = 0;
    if (!p)
        return false;
    struct project_view *v = project_follow(w, at);
    int best = project_nearest(w, p, v, row, col, &least);
    if (best >= 0)
        v->chosen = best;
    return best >= 0;
}

/* A point that is no farther away than a row. */
static bool project_under(struct workbench *w, struct pane *at, int row, int col, char *out,
                          size_t size)
{
    const struct projection *p = project_of(w);
    int cw, ch, least = 0;
    if (!p)
        return false;
    int best = project_nearest(w, p, project_follow(w, at), row, col, &least);
    draw_cell(w, &cw, &ch);
    if (best < 0 || least > ch * ch)
        return false;
    snprintf(out, size, "%.60s, %.90s: %.3f, %.3f", p->points[best].id, p->points[best].name,
             (double)p->xy[2 * best], (double)p->xy[2 * best + 1]);
    return true;
}

/* ---- exports */

static bool project_table(struct workbench *w, struct pane *at, struct table *out)
{
    const struct projection *p = project_of(w);
    (void)at;
    if (!p)
        return false;
    table_init(out, p->n, 2);
    memcpy(out->x, p->xy, (size_t)p->n * 2 * sizeof *out->x);
    out->col_names[0] = xstrdup("first component");
    out->col_names[1] = xstrdup("second component");
    for (int i = 0; i < p->n; i++)
        out->row_names[i] = xasprintf("%s: %s", p->points[i].id, p->points[i].name);
    return true;
}

static bool project_figure(struct workbench *w, struct pane *at, struct figure *out)
{
    const struct projection *p = project_of(w);
    if (!p)
        return false;
    figure_forget(out);
    plot_projection(out, p, project_follow(w, at)->by);
    figure_line(out, "%s on %s; %s", w->ses.project->task->name, w->ses.project->checkpoint,
                w->ses.project->set);
    return true;
}

/* ---- commands */

/* " regions" in "set.jsonl regions co 3": where the kind begins that ends the file's name. */
static const char *project_find_kind(const char *arg, enum projection_of *of)
{
    for (const char *at = strchr(arg, ' '); at; at = strchr(at + 1, ' '))
        for (int k = 0; k < PROJECT_KINDS; k++) {
            size_t n = strlen(projection_kinds[k]);
            if (strncmp(at + 1, projection_kinds[k], n) == 0 && (at[1 + n] == ' ' || !at[1 + n])) {
                *of = (enum projection_of)k;
                return at;
            }
        }
    return NULL;
}

static void do_project(struct workbench *w, const char *arg)
{
    enum projection_of of = PROJECT_REGIONS;
    const char *kind = project_find_kind(arg, &of), *after = "";
    char *set = kind ? xstrndup(arg, (size_t)(kind - arg)) : xstrdup(arg);
    if (kind) {
        after = kind + 1 + strlen(projection_kinds[of]);
        after += strspn(after, " ");
    }
    panes_show(&w->panes, &view_project);
    if (*set)
        project_start(w, set, of, after);
    free(set);
}

static struct project_view *project_state(struct workbench *w)
{
    return panes_of(&w->panes, &view_project)->state;
}

static void do_project_color(struct workbench *w, const char *arg)
{
    struct project_view *v = project_state(w);
    int to = word_choose(w, projection_bys, PROJECT_BYS, (int)v->by, arg);
    if (to >= 0)
        v->by = (enum projection_by)to;
}

static void do_project_distance(struct workbench *w, const char *arg)
{
    struct project_view *v = project_state(w);
    int to = word_choose(w, projection_distances, 2, (int)v->distance, arg);
    if (to >= 0)
        v->distance = (enum projection_distance)to;
}

static const struct action project_actions[] = {
    ACTIONS_AFTER("plane-of"),
    {"project", "", "[FILE [WHICH [LAYER]]]", NULL,
     "hidden states of a data set or check set as points (PCA): regions, image, chosen, words, cls "
     "...", do_project},
    {"project-color", "C-o", "[BY]", "project",
     "points by class, answer, right or wrong, task", do_project_color},
    {"project-distance", "C-f", "[HOW]", "project",
     "the nearest points by cosine or Euclidean distance", do_project_distance},
    {0},
};

const struct view view_project = {
    .name = "project",
    .what = "hidden states of a whole set on their first two principal components, and neighbors",
    .hints = "arrows choose, Enter the nearest, C-o colors, C-f distance",
    .state = sizeof(struct project_view),
    .end = project_end,
    .draw = project_draw,
    .move = project_move,
    .accept = project_accept,
    .click = project_click,
    .under = project_under,
    .table = project_table,
    .figure = project_figure,
    .actions = project_actions,
};
