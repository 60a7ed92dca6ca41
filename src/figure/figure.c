/* SPDX-License-Identifier: MIT */
/* The description of a figure: filling it in, and freeing it. */
#include "src/figure/figure.h"

#include "src/base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

figure_color figure_category(int i)
{
    static const figure_color colors[] = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7,
                                          0xe69f00, 0x56b4e9, 0x000000};
    int n = (int)(sizeof colors / sizeof colors[0]);
    return colors[(i % n + n) % n];
}

void figure_line(struct figure *f, const char *fmt, ...)
{
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    f->lines = xreallocarray(f->lines, (size_t)f->line_count + 1, sizeof *f->lines);
    f->lines[f->line_count++] = xstrdup(text);
}

struct figure_panel *figure_panel(struct figure *f, enum figure_shape shape, char *title)
{
    f->panels = xreallocarray(f->panels, (size_t)f->panel_count + 1, sizeof *f->panels);
    struct figure_panel *p = &f->panels[f->panel_count++];
    *p = (struct figure_panel){.shape = shape, .title = title, .digits = 3};
    return p;
}

void figure_panel_numbers(struct figure_panel *p, int rows, int cols)
{
    size_t n = (size_t)rows * (size_t)cols;
    p->rows = rows;
    p->cols = cols;
    p->row_names = xcalloc((size_t)rows + 1, sizeof *p->row_names);
    p->col_names = xcalloc((size_t)cols + 1, sizeof *p->col_names);
    p->x = xcalloc(n + 1, sizeof *p->x);
    p->colors = xcalloc(n + 1, sizeof *p->colors);
}

void figure_panel_box(struct figure_panel *p, struct figure_box b)
{
    p->boxes = xreallocarray(p->boxes, (size_t)p->box_count + 1, sizeof *p->boxes);
    p->boxes[p->box_count++] = b;
}

struct figure_series *figure_panel_series(struct figure_panel *p, char *name, int count)
{
    p->series = xreallocarray(p->series, (size_t)p->series_count + 1, sizeof *p->series);
    struct figure_series *s = &p->series[p->series_count];
    *s = (struct figure_series){.name = name, .count = count,
                                .color = figure_category(p->series_count)};
    s->x = xcalloc((size_t)count + 1, sizeof *s->x);
    s->y = xcalloc((size_t)count + 1, sizeof *s->y);
    for (int i = 0; i < count; i++) {
        s->x[i] = i;
        s->y[i] = NAN;
    }
    p->series_count++;
    return s;
}

/* ---- freeing */

static void names_free(char **names, int count)
{
    for (int i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

static void series_fini(struct figure_series *s)
{
    free(s->name);
    free(s->x);
    free(s->y);
    free(s->low);
    free(s->high);
    free(s->of);
    names_free(s->labels, s->count);
}

static void panel_fini(struct figure_panel *p)
{
    free(p->title);
    free(p->note);
    free(p->ramp.label);
    names_free(p->row_names, p->rows);
    names_free(p->col_names, p->cols);
    free(p->x);
    free(p->colors);
    names_free(p->words, p->rows * p->cols);
    free(p->row_title);
    free(p->col_title);
    free(p->rgb);
    for (int i = 0; i < p->box_count; i++)
        free(p->boxes[i].label);
    free(p->boxes);
    for (int i = 0; i < p->series_count; i++)
        series_fini(&p->series[i]);
    free(p->series);
    names_free(p->x_names, p->x_name_count);
}

void figure_fini(struct figure *f)
{
    free(f->title);
    names_free(f->lines, f->line_count);
    free(f->caption);
    for (int i = 0; i < f->panel_count; i++)
        panel_fini(&f->panels[i]);
    free(f->panels);
    *f = (struct figure){0};
}
