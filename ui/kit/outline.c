/* SPDX-License-Identifier: MIT */
/* Smooth letters by stb_truetype. It trusts a font, so only those are opened that the system has
 * installed, at the places where distributions put them. */
#include <config.h> /* whether stb_truetype is there */

#include "ui/kit/outline.h"

#include "src/formats/bytes.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_STB_TRUETYPE
#include <utf8proc.h>

#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#pragma GCC diagnostic push
#include "src/base/quiet.h"
#include <stb_truetype.h>
#pragma GCC diagnostic pop
#pragma GCC diagnostic ignored "-Wunused-function" /* reported at the end of the file */

#define GLYPHS 512          /* that are kept; a power of two */

/* Sans-serif ones with many scripts first. */
static const char *const places[] = {
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",        /* Debian, Ubuntu */
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",      /* Fedora */
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",                 /* older Fedora, Alpine */
    "/usr/share/fonts/TTF/DejaVuSans.ttf",                    /* Arch */
    "/usr/share/fonts/truetype/DejaVuSans.ttf",               /* openSUSE */
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/liberation-sans/LiberationSans-Regular.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/freefont/FreeSans.ttf",
    "/Library/Fonts/Arial.ttf",
};

/* One letter at one height: how much of each pixel it covers. */
struct glyph {
    int code, px; /* px 0: free */
    int x, y, w, h; /* of its pixels, from the pen on the base line */
    float advance;
    uint8_t *cover;
};

static struct {
    bool sought;
    struct bytes file; /* data NULL: no font */
    stbtt_fontinfo info;
    int ascent, descent;
    struct glyph glyph[GLYPHS];
    int glyphs;
} font;

static void font_forget(void)
{
    for (int i = 0; i < GLYPHS; i++)
        free(font.glyph[i].cover);
    memset(font.glyph, 0, sizeof font.glyph);
    font.glyphs = 0;
}

static void font_close(void)
{
    font_forget();
    bytes_close(&font.file);
}

static void font_seek(void)
{
    const char *wish = getenv("VILSCOPE_FONT");
    int gap;
    font.sought = true;
    if (wish && strcmp(wish, "built-in") == 0)
        return;
    for (size_t i = 0; i < sizeof places / sizeof places[0] && !font.file.data; i++)
        if (bytes_open(places[i], &font.file, NULL) == 0 &&
            !stbtt_InitFont(&font.info, font.file.data, 0))
            font_close();
    if (!font.file.data)
        return;
    stbtt_GetFontVMetrics(&font.info, &font.ascent, &font.descent, &gap);
    if (font.ascent <= font.descent || atexit(font_close) != 0)
        font_close();
}

bool outline_found(void)
{
    if (!font.sought)
        font_seek();
    return font.file.data != NULL;
}

static float font_scale(int px)
{
    return (float)px / (float)(font.ascent - font.descent);
}

static void glyph_make(struct glyph *g, int code, int px)
{
    int advance, left;
    float scale = font_scale(px);
    g->code = code;
    g->px = px;
    stbtt_GetCodepointHMetrics(&font.info, code, &advance, &left);
    g->advance = (float)advance * scale;
    g->cover = stbtt_GetCodepointBitmap(&font.info, scale, scale, code, &g->w, &g->h, &g->x, &g->y);
    if (!g->cover) /* a blank, or no memory: nothing is drawn */
        g->w = g->h = 0;
}

static const struct glyph *glyph_of(int code, int px)
{
    unsigned at = ((unsigned)code * 31 + (unsigned)px) & (GLYPHS - 1);
    if (font.glyphs > GLYPHS / 2)
        font_forget();
    while (font.glyph[at].px && (font.glyph[at].code != code || font.glyph[at].px != px))
        at = (at + 1) & (GLYPHS - 1);
    if (!font.glyph[at].px) {
        glyph_make(&font.glyph[at], code, px);
        font.glyphs++;
    }
    return &font.glyph[at];
}

/* The next character; what is no UTF-8 is a '?' of one byte. */
static int next_code(const char **text)
{
    utf8proc_int32_t code = -1;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)*text, -1, &code);
    *text += n > 0 ? n : 1;
    return n > 0 && code >= ' ' ? (int)code : '?';
}

int outline_width(const char *text, int px)
{
    float x = 0;
    while (*text)
        x += glyph_of(next_code(&text), px)->advance;
    return (int)(x + 0.999f);
}

/* In five steps, so that a palette has room for the colors of an edge. */
static void draw_glyph(struct canvas *c, int left, int top, const struct glyph *g, struct rgb k)
{
    for (int i = 0; i < g->h; i++)
        for (int j = 0; j < g->w; j++) {
            int x = left + j, y = top + i, cover = (g->cover[i * g->w + j] + 32) / 64;
            if (x < 0 || y < 0 || x >= c->w || y >= c->h || !cover)
                continue;
            canvas_keep(c, canvas_blend(c, (size_t)y * (size_t)c->w + (size_t)x, k,
                                        (float)cover / 4));
        }
}

void outline_draw(struct canvas *c, int x, int y, const char *text, int px, struct rgb color)
{
    int base = y + (int)((float)font.ascent * font_scale(px) + 0.5f);
    float pen = (float)x;
    while (*text) {
        const struct glyph *g = glyph_of(next_code(&text), px);
        if (pen + g->advance > (float)c->w + 1)
            return;
        draw_glyph(c, (int)(pen + 0.5f) + g->x, base + g->y, g, color);
        pen += g->advance;
    }
}

#else

bool outline_found(void)
{
    return false;
}

int outline_width(const char *text, int px)
{
    (void)text;
    (void)px;
    return 0;
}

void outline_draw(struct canvas *c, int x, int y, const char *text, int px, struct rgb color)
{
    (void)c;
    (void)x;
    (void)y;
    (void)text;
    (void)px;
    (void)color;
}
#endif
