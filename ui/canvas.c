/* A picture in memory. */
#include "ui/canvas.h"

#include "src/mem.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SIDE 4096

struct canvas *canvas_new(int w, int h)
{
    if (w < 1 || h < 1 || w > MAX_SIDE || h > MAX_SIDE)
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
    free(c);
}

/* Mean of the source pixels that (x, y) of the canvas covers; at least one. */
static void average(const uint8_t *rgb, int w, int h, int x1, int x2, int y1, int y2, uint8_t *out)
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
    for (int y = 0; y < c->h; y++) {
        int y1 = (int)((int64_t)y * h / c->h), y2 = (int)((int64_t)(y + 1) * h / c->h);
        for (int x = 0; x < c->w; x++)
            average(rgb, w, h, (int)((int64_t)x * w / c->w), (int)((int64_t)(x + 1) * w / c->w),
                    y1, y2, c->rgb + 3 * ((size_t)y * (size_t)c->w + (size_t)x));
    }
}

void canvas_dim(struct canvas *c, float amount)
{
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        uint8_t *p = c->rgb + 3 * i;
        float gray = (0.3f * p[0] + 0.6f * p[1] + 0.1f * p[2]) * 0.6f;
        for (int j = 0; j < 3; j++)
            p[j] = (uint8_t)(p[j] * (1 - amount) + gray * amount);
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

static void dot(struct canvas *c, int x, int y, struct rgb k)
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
            dot(c, x, y, k);
}

void canvas_frame(struct canvas *c, int x1, int y1, int x2, int y2, int thick, struct rgb k)
{
    canvas_fill(c, x1, y1, x2, y1 + thick - 1, k);
    canvas_fill(c, x1, y2 - thick + 1, x2, y2, k);
    canvas_fill(c, x1, y1, x1 + thick - 1, y2, k);
    canvas_fill(c, x2 - thick + 1, y1, x2, y2, k);
}

/* 5x7 letters, a row a byte, the leftmost pixel in bit 4. */
static const struct {
    char c;
    uint8_t rows[7];
} font[] = {
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},
    {'2', {14, 17, 1, 2, 4, 8, 31}},     {'3', {31, 2, 4, 2, 1, 17, 14}},
    {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},
    {'8', {14, 17, 17, 14, 17, 17, 14}}, {'9', {14, 17, 17, 15, 1, 2, 12}},
    {'.', {0, 0, 0, 0, 0, 12, 12}},      {'-', {0, 0, 0, 31, 0, 0, 0}},
    {'%', {24, 25, 2, 4, 8, 19, 3}},     {'#', {10, 10, 31, 10, 31, 10, 10}},
};

static const uint8_t *glyph(char c)
{
    for (size_t i = 0; i < sizeof font / sizeof font[0]; i++)
        if (font[i].c == c)
            return font[i].rows;
    return NULL;
}

void canvas_label(struct canvas *c, int x, int y, const char *text, int scale, struct rgb k)
{
    static const struct rgb black = {0, 0, 0};
    int w = ((int)strlen(text) * 6 + 1) * scale, h = 9 * scale;
    x = x + w > c->w ? c->w - w : x;
    y = y + h > c->h ? c->h - h : y;
    x = x < 0 ? 0 : x;
    y = y < 0 ? 0 : y;
    canvas_fill(c, x, y, x + w - 1, y + h - 1, k);
    for (; *text; text++, x += 6 * scale) {
        const uint8_t *rows = glyph(*text);
        for (int i = 0; rows && i < 7; i++)
            for (int j = 0; j < 5; j++)
                if (rows[i] >> (4 - j) & 1)
                    canvas_fill(c, x + (j + 1) * scale, y + (i + 1) * scale,
                                x + (j + 2) * scale - 1, y + (i + 2) * scale - 1, black);
    }
}

/* Nine points of matplotlib's "inferno" (CC0), between which colors are mixed. */
struct rgb canvas_heat_color(float heat)
{
    static const struct rgb map[9] = {{0, 0, 4},      {31, 12, 72},   {85, 15, 109},
                                      {136, 34, 106}, {186, 54, 85},  {227, 89, 51},
                                      {249, 140, 10}, {249, 201, 50}, {252, 255, 164}};
    heat = heat > 0 ? heat < 1 ? heat : 1 : 0; /* NaN is cold, too */
    int i = (int)(heat * 8);
    i = i > 7 ? 7 : i;
    float f = heat * 8 - (float)i;
    return (struct rgb){(uint8_t)(map[i].r + f * (map[i + 1].r - map[i].r)),
                        (uint8_t)(map[i].g + f * (map[i + 1].g - map[i].g)),
                        (uint8_t)(map[i].b + f * (map[i + 1].b - map[i].b))};
}

void canvas_heat(struct canvas *c, const float *heat)
{
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        struct rgb k = canvas_heat_color(heat[i]);
        float a = 0.25f + 0.5f * (heat[i] > 0 ? heat[i] < 1 ? heat[i] : 1 : 0);
        uint8_t *p = c->rgb + 3 * i;
        p[0] = (uint8_t)(p[0] * (1 - a) + k.r * a);
        p[1] = (uint8_t)(p[1] * (1 - a) + k.g * a);
        p[2] = (uint8_t)(p[2] * (1 - a) + k.b * a);
    }
}
