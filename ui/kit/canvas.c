/* SPDX-License-Identifier: MIT */
/* A picture in memory. */
#include "ui/kit/canvas.h"

#include "src/base/mem.h"
#include "ui/kit/font.h"
#include "ui/kit/text.h"
#include "ui/kit/theme.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HATCH 8 /* pixels from line to line */

struct canvas *canvas_new(int w, int h)
{
    if (w < 1 || h < 1 || w > CANVAS_MOST || h > CANVAS_MOST)
        return NULL;
    struct canvas *c = xcalloc(1, sizeof *c);
    c->w = w;
    c->h = h;
    c->rgb = xcalloc((size_t)w * (size_t)h, 3);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (!c)
        return;
    free(c->rgb);
    free(c->texts);
    free(c);
}

/* Mean of the source pixels that (x, y) of the canvas covers; at least one. */
static void canvas_average(const uint8_t *rgb, int w, int h, int x1, int x2, int y1, int y2,
                           uint8_t *out)
{
    unsigned sum[3] = {0}, n = 0;
    x2 = x2 > x1 ? x2 : x1 + 1;
    y2 = y2 > y1 ? y2 : y1 + 1;
    for (int y = y1; y < y2 && y < h; y++)
        for (int x = x1; x < x2 && x < w; x++, n++)
            for (int i = 0; i < 3; i++)
                sum[i] += rgb[3 * ((size_t)y * (size_t)w + (size_t)x) + (size_t)i];
    for (int i = 0; i < 3 && n; i++)
        out[i] = (uint8_t)(sum[i] / n);
}

void canvas_photo(struct canvas *c, const uint8_t *rgb, int w, int h)
{
    canvas_photo_part(c, rgb, w, h, 0, 0, (double)c->w / w, (double)c->h / h);
}

void canvas_photo_part(struct canvas *c, const uint8_t *rgb, int w, int h, double left, double top,
                       double scale_x, double scale_y)
{
    for (int y = 0; y < c->h; y++) {
        int y1 = (int)(top + y / scale_y), y2 = (int)(top + (y + 1) / scale_y);
        for (int x = 0; x < c->w; x++)
            canvas_average(rgb, w, h, (int)(left + x / scale_x), (int)(left + (x + 1) / scale_x),
                           y1, y2, c->rgb + 3 * ((size_t)y * (size_t)c->w + (size_t)x));
    }
}

bool pixels_free(const struct pixels *list, int count, struct pixels p)
{
    for (int i = 0; i < count; i++)
        if (p.x1 <= list[i].x2 && p.x2 >= list[i].x1 && p.y1 <= list[i].y2 && p.y2 >= list[i].y1)
            return false;
    return true;
}

void canvas_keep(struct canvas *c, struct rgb k)
{
    for (int i = 0; i < c->kept; i++)
        if (c->keep[i].r == k.r && c->keep[i].g == k.g && c->keep[i].b == k.b)
            return;
    if (c->kept < CANVAS_KEEP)
        c->keep[c->kept++] = k;
}

void canvas_keep_those(struct canvas *c, const struct canvas *from)
{
    for (int i = 0; i < from->kept; i++)
        canvas_keep(c, from->keep[i]);
}

/* The text, at another place. */
static void canvas_note(struct canvas *c, int x, int y, const struct canvas_text *t)
{
    c->texts = xreallocarray(c->texts, (size_t)c->text_count + 1, sizeof *c->texts);
    c->texts[c->text_count] = *t;
    c->texts[c->text_count].x = x;
    c->texts[c->text_count++].y = y;
}

void canvas_put(struct canvas *c, int x, int y, const struct canvas *from)
{
    int w = from->w < c->w - x ? from->w : c->w - x;
    for (int i = 0; i < from->h && y + i < c->h && w > 0; i++)
        memcpy(c->rgb + 3 * ((size_t)(y + i) * (size_t)c->w + (size_t)x),
               from->rgb + 3 * (size_t)i * (size_t)from->w, 3 * (size_t)w);
    canvas_keep_those(c, from);
    for (int i = 0; i < from->text_count; i++)
        canvas_note(c, x + from->texts[i].x, y + from->texts[i].y, &from->texts[i]);
}

static void dim_color(uint8_t *r, uint8_t *g, uint8_t *b, float amount)
{
    float gray = (0.3f * *r + 0.6f * *g + 0.1f * *b) * 0.6f;
    *r = (uint8_t)(*r * (1 - amount) + gray * amount);
    *g = (uint8_t)(*g * (1 - amount) + gray * amount);
    *b = (uint8_t)(*b * (1 - amount) + gray * amount);
}

void canvas_dim(struct canvas *c, float amount)
{
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        uint8_t *p = c->rgb + 3 * i;
        dim_color(&p[0], &p[1], &p[2], amount);
    }
    for (int i = 0; i < c->text_count; i++) {
        struct rgb *k = &c->texts[i].plate;
        dim_color(&k->r, &k->g, &k->b, amount);
    }
}

void canvas_spotlight(struct canvas *c, int x1, int y1, int x2, int y2)
{
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++) {
            uint8_t *p = c->rgb + 3 * ((size_t)y * (size_t)c->w + (size_t)x);
            for (int i = 0; (x < x1 || x > x2 || y < y1 || y > y2) && i < 3; i++)
                p[i] = (uint8_t)(p[i] * 2 / 5);
        }
}

static void canvas_dot(struct canvas *c, int x, int y, struct rgb k)
{
    if (x < 0 || y < 0 || x >= c->w || y >= c->h)
        return;
    uint8_t *p = c->rgb + 3 * ((size_t)y * (size_t)c->w + (size_t)x);
    p[0] = k.r;
    p[1] = k.g;
    p[2] = k.b;
}

void canvas_fill(struct canvas *c, int x1, int y1, int x2, int y2, struct rgb k)
{
    for (int y = y1 < 0 ? 0 : y1; y <= y2 && y < c->h; y++)
        for (int x = x1 < 0 ? 0 : x1; x <= x2 && x < c->w; x++)
            canvas_dot(c, x, y, k);
}

void canvas_frame(struct canvas *c, int x1, int y1, int x2, int y2, int thick, struct rgb k)
{
    canvas_fill(c, x1, y1, x2, y1 + thick - 1, k);
    canvas_fill(c, x1, y2 - thick + 1, x2, y2, k);
    canvas_fill(c, x1, y1, x1 + thick - 1, y2, k);
    canvas_fill(c, x2 - thick + 1, y1, x2, y2, k);
}

void canvas_dashed(struct canvas *c, int x1, int y1, int x2, int y2, int thick, int gap,
                   struct rgb k)
{
    int dash = 4 * thick + 4;
    for (int x = x1; x <= x2; x += dash + gap) {
        int end = x + dash - 1 < x2 ? x + dash - 1 : x2;
        canvas_fill(c, x, y1, end, y1 + thick - 1, k);
        canvas_fill(c, x, y2 - thick + 1, end, y2, k);
    }
    for (int y = y1; y <= y2; y += dash + gap) {
        int end = y + dash - 1 < y2 ? y + dash - 1 : y2;
        canvas_fill(c, x1, y, x1 + thick - 1, end, k);
        canvas_fill(c, x2 - thick + 1, y, x2, end, k);
    }
}

void canvas_plate_size(const struct canvas *c, const char *text, int scale, int *w, int *h)
{
    *w = c->cells ? text_width(text) : font_width(text, scale);
    *h = c->cells ? 2 : font_height(scale);
}

void canvas_plate(struct canvas *c, int x, int y, const char *text, int scale, struct rgb ink,
                  struct rgb plate)
{
    int w, h;
    struct canvas_text t = {.ink = ink, .plate = plate};
    canvas_plate_size(c, text, scale, &w, &h);
    x = x + w > c->w ? c->w - w : x;
    y = y + h > c->h ? c->h - h : y;
    x = x < 0 ? 0 : x;
    y = y < 0 ? 0 : y;
    if (c->cells) {
        text_fit(text, c->w - x, t.text, sizeof t.text);
        canvas_note(c, x, y, &t);
        return;
    }
    canvas_fill(c, x, y, x + w - 1, y + h - 1, plate);
    canvas_keep(c, plate);
    font_draw(c, x, y, text, scale, ink);
}

void canvas_label(struct canvas *c, int x, int y, const char *text, int scale, struct rgb k)
{
    canvas_plate(c, x, y, text, scale, theme_ink(k), k);
}

/* Nine points of each map, between which colors are mixed; dark to bright, so that they hold
 * without hue. inferno, viridis and cividis are matplotlib's (CC0); cividis is made for color-blind
 * eyes. */
static const struct {
    const char *name;
    struct rgb at[9];
} color_maps[] = {
    {"inferno", {{0, 0, 4}, {31, 12, 72}, {85, 15, 109}, {136, 34, 106}, {186, 54, 85},
                 {227, 89, 51}, {249, 140, 10}, {249, 201, 50}, {252, 255, 164}}},
    {"viridis", {{68, 1, 84}, {71, 44, 122}, {59, 81, 139}, {44, 113, 142}, {33, 144, 141},
                 {39, 173, 129}, {92, 200, 99}, {170, 220, 50}, {253, 231, 37}}},
    {"cividis", {{0, 34, 78}, {18, 53, 112}, {59, 73, 108}, {87, 93, 109}, {112, 113, 115},
                 {138, 134, 120}, {165, 156, 116}, {195, 179, 105}, {254, 232, 56}}},
    {"gray", {{0, 0, 0}, {32, 32, 32}, {64, 64, 64}, {96, 96, 96}, {128, 128, 128},
              {160, 160, 160}, {192, 192, 192}, {224, 224, 224}, {255, 255, 255}}},
};
#define COLOR_MAPS (int)(sizeof color_maps / sizeof color_maps[0])
static int color_map;

bool canvas_set_color_map(const char *name)
{
    for (int i = 0; i < COLOR_MAPS; i++)
        if (strcmp(color_maps[i].name, strcmp(name, "grey") == 0 ? "gray" : name) == 0) {
            color_map = i;
            return true;
        }
    return false;
}

const char *canvas_next_color_map(void)
{
    return color_maps[(color_map + 1) % COLOR_MAPS].name;
}

const char *canvas_color_maps(void)
{
    return "inferno, viridis, cividis, gray";
}

struct rgb canvas_heat_color(float heat)
{
    const struct rgb *map = color_maps[theme_is_plain() ? COLOR_MAPS - 1 : color_map].at;
    heat = heat > 0 ? heat < 1 ? heat : 1 : 0; /* NaN is cold, too */
    int i = (int)(heat * 8);
    i = i > 7 ? 7 : i;
    float f = heat * 8 - (float)i;
    return (struct rgb){(uint8_t)(map[i].r + f * (map[i + 1].r - map[i].r)),
                        (uint8_t)(map[i].g + f * (map[i + 1].g - map[i].g)),
                        (uint8_t)(map[i].b + f * (map[i + 1].b - map[i].b))};
}

/* Blue over white to orange, the ends as far apart for color-blind eyes as for others. In steps
 * that every terminal of 256 colors has as they are, so that a value has one color as a pixel, in a
 * block and behind letters, and paler ones do not turn violet or green. */
struct rgb canvas_signed_color(float x)
{
    static const struct rgb less[] = {{238, 238, 238}, {175, 215, 255}, {95, 175, 255},
                                      {0, 135, 255},   {0, 95, 175}};
    static const struct rgb more[] = {{238, 238, 238}, {255, 215, 175}, {255, 175, 95},
                                      {255, 135, 0},   {215, 95, 0}};
    float f = x < 0 ? -x : x;
    int step = f < 0.05f ? 0 : f < 0.25f ? 1 : f < 0.5f ? 2 : f < 0.75f ? 3 : 4;
    if (theme_is_plain()) { /* from black over gray to white */
        uint8_t gray = (uint8_t)(128 + 31 * (x < 0 ? -step : step));
        return (struct rgb){gray, gray, gray};
    }
    return x < 0 ? less[step] : more[step];
}

/* Without colors: the hotter, the denser are lines, white ones that rise and, of what is less than
 * nothing, black ones that fall. */
static void canvas_hatch(struct canvas *c, const float *heat)
{
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++) {
            float h = heat[(size_t)y * (size_t)c->w + (size_t)x];
            bool falls = h < 0;
            int line = falls ? (x - y % HATCH + HATCH) % HATCH : (x + y) % HATCH;
            uint8_t ink = falls ? 0 : 255;
            if (line < (int)(fabsf(h) * (HATCH - 1) + 0.5f))
                canvas_dot(c, x, y, (struct rgb){ink, ink, ink});
        }
}

struct rgb canvas_blend(struct canvas *c, size_t i, struct rgb k, float amount)
{
    uint8_t *p = c->rgb + 3 * i;
    p[0] = (uint8_t)(p[0] * (1 - amount) + k.r * amount);
    p[1] = (uint8_t)(p[1] * (1 - amount) + k.g * amount);
    p[2] = (uint8_t)(p[2] * (1 - amount) + k.b * amount);
    return (struct rgb){p[0], p[1], p[2]};
}

void canvas_heat(struct canvas *c, const float *heat)
{
    if (theme_is_plain()) {
        canvas_hatch(c, heat);
        return;
    }
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        float a = 0.25f + 0.5f * (heat[i] > 0 ? heat[i] < 1 ? heat[i] : 1 : 0);
        canvas_blend(c, i, canvas_heat_color(heat[i]), a);
    }
}

void canvas_signs(struct canvas *c, const float *x)
{
    if (theme_is_plain()) {
        canvas_hatch(c, x);
        return;
    }
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        float size = x[i] < 0 ? -x[i] : x[i];
        canvas_blend(c, i, canvas_signed_color(x[i]), 0.75f * (size < 1 ? size : 1));
    }
}

/* ---- curves */

static int plot_x(const struct canvas *c, int i, int n)
{
    return n > 1 ? (int)((c->w - 1) * (double)i / (n - 1)) : c->w / 2;
}

static int plot_y(const struct canvas *c, double v, const struct plot_range *r)
{
    double share = r->high > r->low ? (v - r->low) / (r->high - r->low) : 0.5;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return (int)((1 - share) * (c->h - 1));
}

static void draw_stroke(struct canvas *c, int x1, int y1, int x2, int y2, int thick,
                        struct rgb color)
{
    int steps = abs(x2 - x1) > abs(y2 - y1) ? abs(x2 - x1) : abs(y2 - y1);
    for (int i = 0; i <= steps; i++) {
        int x = steps ? x1 + (x2 - x1) * i / steps : x1;
        int y = steps ? y1 + (y2 - y1) * i / steps : y1;
        int before = thick / 2, after = (thick - 1) / 2;
        canvas_fill(c, x - before, y - before, x + after, y + after, color);
    }
}

void canvas_curve(struct canvas *c, const double *v, int n, const struct plot_range *r, int thick,
                  struct rgb color)
{
    int last = -1;
    for (int i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        int from = last < 0 ? i : last;
        draw_stroke(c, plot_x(c, from, n), plot_y(c, v[from], r), plot_x(c, i, n),
                    plot_y(c, v[i], r), thick, color);
        last = i;
    }
}

void canvas_band(struct canvas *c, const double *low, const double *high, int n,
                 const struct plot_range *r, struct rgb color)
{
    for (int x = 0; x < c->w && n > 1; x++) {
        double at = c->w > 1 ? (double)x * (n - 1) / (c->w - 1) : 0;
        int i = (int)at < n - 1 ? (int)at : n - 2;
        double a = low[i] + (at - i) * (low[i + 1] - low[i]);
        double b = high[i] + (at - i) * (high[i + 1] - high[i]);
        if (!isnan(a) && !isnan(b))
            canvas_fill(c, x, plot_y(c, b, r), x, plot_y(c, a, r), color);
    }
}
