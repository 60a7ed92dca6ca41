/* SPDX-License-Identifier: MIT */
/* What runs here: model, device, terminal, times by stage, memory, caches, the log. */
#include "src/engine/regioncache.h"
#include "ui/kit/text.h"
#include "ui/views/views.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_status;

struct pen {
    struct area a;
    int row;
    struct links *links;
};

static void title(struct pen *p, const char *text)
{
    if (p->row > p->a.row)
        p->row++;
    if (p->row >= p->a.row + p->a.rows)
        return;
    attrset(A_BOLD);
    draw_text(p->row++, p->a.col, p->a.cols, "%s", text);
    attrset(A_NORMAL);
}

static void line(struct pen *p, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void line(struct pen *p, const char *name, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (p->row >= p->a.row + p->a.rows)
        return;
    attrset((int)draw_dim());
    draw_text(p->row, p->a.col + 1, 12, "%s", name);
    attrset(A_NORMAL);
    draw_text(p->row++, p->a.col + 14, p->a.cols - 14, "%s", text);
}

/* A line whose last so many columns name a file. */
static void line_links(const struct pen *p, int row, int from, int cols, const char *path)
{
    int room = p->a.cols - 14 - from;
    if (p->row > row)
        links_add(p->links, row, p->a.col + 14 + from, cols < room ? cols : room, path, NULL);
}

/* Text that goes on in further lines, between words. */
static void lines(struct pen *p, const char *name, const char *text)
{
    int room = p->a.cols - 14;
    while (*text && room > 0) {
        int n = (int)strlen(text);
        for (int i = n = n < room ? n : room; i > 0 && text[n]; i--)
            if (text[i] == ' ') {
                n = i;
                break;
            }
        line(p, name, "%.*s", n, text);
        text += n + (text[n] == ' ');
        name = "";
    }
}

/* Megabytes of a line of /proc/self/status, or -1. */
static double memory_mb(const char *name)
{
    FILE *f = fopen("/proc/self/status", "re");
    char text[256];
    double kb = -1024;
    while (f && fgets(text, sizeof text, f))
        if (strncmp(text, name, strlen(name)) == 0)
            kb = strtod(text + strlen(name), NULL);
    if (f)
        fclose(f);
    return kb / 1024;
}

static void about_model(const struct workbench *w, struct pen *p)
{
    char note[KERN_WHY];
    title(p, "Model");
    if (!w->ses.model) {
        line(p, "none", "start with -m DIR");
        return;
    }
    line(p, "name", "%s", model_name(w->ses.model));
    for (int i = 0; i < model_checkpoint_count(w->ses.model); i++) {
        const char *name = model_checkpoint_name(w->ses.model, i);
        const char *path = model_checkpoint_path(w->ses.model, i), *file = draw_base_name(path);
        int row = p->row;
        line(p, i ? "" : "checkpoints", "%c %s  %s", i == w->ses.checkpoint ? '*' : ' ', name,
             file);
        line_links(p, row, 4 + text_width(name), text_width(file), path);
    }
    line(p, "device", "%s", model_device(w->ses.model));
    model_device_note(w->ses.model, note, sizeof note);
    lines(p, "", note);
    if (model_server(w->ses.model))
        line(p, "server", "%s", model_server(w->ses.model));
    line(p, "detector", "%s", model_has_detector(w->ses.model) ? "yes" : "none");
}

static void about_time(const struct workbench *w, struct pen *p)
{
    const struct result *r = w->now.r;
    title(p, "The last query, in milliseconds");
    if (!r) {
        line(p, "none", "nothing has been asked yet");
        return;
    }
    line(p, "regions", "%.1f", r->ms.regions);
    line(p, "tokenizer", "%.1f", r->ms.tokenize);
    line(p, "forward", "%.1f", r->ms.forward);
    line(p, "decoding", "%.1f", r->ms.reading);
    line(p, "total", "%.1f", r->ms.total);
}

/* What was asked, what it answered, what was chosen, and why nothing better. */
static void about_graphics(const struct workbench *w, struct pen *p)
{
    const struct term *t = &w->screen.gfx.term;
    char why[256];
    screen_why(w, why, sizeof why);
    lines(p, "chosen", why);
    line(p, "its name", "%s%s", t->name[0] ? t->name : "not told",
         t->tmux && !t->passes ? ", and tmux lets no question through" : "");
    line(p, "kitty", "%s%s", t->kitty ? "yes" : "no",
         !t->kitty        ? ""
         : t->kitty_text ? ", also placed in text"
                         : ", not said to be placed in text");
    if (t->sixel)
        line(p, "sixel", "yes, %d colors, at most %d x %d pixels", t->registers, t->max_w,
             t->max_h);
    else
        line(p, "sixel", "no");
    line(p, "iTerm2", "%s", t->iterm2 ? "yes" : "no");
    line(p, "graphics", "%.1f kB sent", (double)w->screen.gfx.sent / 1024);
}

static void about_places(const struct workbench *w, struct pen *p)
{
    const struct term *t = &w->screen.gfx.term;
    struct regioncache_usage u;
    title(p, "Terminal and storage");
    char colors[48] = "true color";
    if (COLORS < 1 << 24)
        snprintf(colors, sizeof colors, "%d colors", has_colors() ? COLORS : 0);
    line(p, "terminal", "%d x %d, %s, cell %d x %d pixels%s", COLS, LINES, colors, t->cell_w,
         t->cell_h, t->sync ? ", synchronized" : "");
    if (w->screen.unknown)
        line(p, "TERM", "%.60s, drawn as xterm-256color", w->screen.unknown);
    about_graphics(w, p);
    line(p, "memory", "%.1f MB, at most %.1f MB", memory_mb("VmRSS:"), memory_mb("VmHWM:"));
    regioncache_measure(&u);
    line(p, "regions", u.folder ? "%d images, %.1f MB in %s" : "no cache%.0d%.0f%s", u.files,
         (double)u.bytes / (1 << 20), u.folder ? u.folder : "");
    free(u.folder);
    int row = p->row;
    line(p, "log", "%s", w->ses.log ? log_path(w->ses.log) : w->logging.state);
    if (w->ses.log)
        line_links(p, row, 0, text_width(log_path(w->ses.log)), log_path(w->ses.log));
}

static void status_draw(struct workbench *w, struct pane *at, struct area a)
{
    struct pen p = {a, a.row, &w->screen.links};
    bool beside = a.cols >= 100; /* each other */
    (void)at;
    p.a.cols = beside ? a.cols / 2 - 1 : a.cols;
    about_model(w, &p);
    about_time(w, &p);
    if (beside) {
        p.a.col += a.cols / 2;
        p.a.cols = a.cols - a.cols / 2;
        p.row = a.row;
    }
    about_places(w, &p);
}

static void do_status(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_popup(w, &view_status);
}

static const struct action status_actions[] = {
    ACTIONS_AFTER("tag"),
    {"status", "I", "", NULL, "model, device, times, memory, caches", do_status},
    {0},
};

const struct view view_status = {
    .name = "status",
    .what = "model, device, times by stage, memory, caches",
    .hints = "Esc closes",
    .popup = true,
    .draw = status_draw,
    .actions = status_actions,
};
