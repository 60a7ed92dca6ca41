/* SPDX-License-Identifier: MIT */
/* Pictures by the graphics of kitty and iTerm2.
 *
 * Source: kitty's documentation, "Terminal graphics protocol"; iTerm2's, "Inline Images Protocol";
 * the PNG specification, sections 5, 9 and 11. */
#include "protocols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- base64, zlib */

static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The bytes of base64 text, malloc'ed; NULL when it is none. */
static uint8_t *decoded(const char *text, size_t *size)
{
    size_t n = strlen(text), len = 0;
    uint8_t *out = malloc(n + 4);
    unsigned bits = 0;
    int have = 0;
    if (!out || n % 4 != 0)
        return free(out), NULL;
    for (size_t i = 0; i < n && text[i] != '='; i++) {
        int v = value_of(text[i]);
        if (v < 0)
            return free(out), NULL;
        bits = bits << 6 | (unsigned)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (uint8_t)(bits >> have);
        }
    }
    *size = len;
    return out;
}

static bool inflated(const uint8_t *data, size_t size, uint8_t *out, size_t want)
{
    uLongf n = (uLongf)want;
    return uncompress(out, &n, data, (uLong)size) == Z_OK && n == want;
}

/* ---- on the screen */

static void paint(struct terminal *t, int x0, int y0, const uint8_t *rgb, int w, int h)
{
    for (int y = 0; y < h && y0 + y < MAX_H; y++)
        for (int x = 0; x < w && x0 + x < MAX_W; x++) {
            memcpy(t->rgb[y0 + y][x0 + x], rgb + 3 * ((size_t)y * (size_t)w + (size_t)x), 3);
            t->painted[y0 + y][x0 + x] = true;
        }
}

static void cursor_place(const struct terminal *t, int *x, int *y)
{
    VTermPos pos;
    vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &pos);
    *x = pos.col * CELL_W;
    *y = pos.row * CELL_H;
}

static void paint_at_cursor(struct terminal *t, const uint8_t *rgb, int w, int h)
{
    int x, y;
    cursor_place(t, &x, &y);
    paint(t, x, y, rgb, w, h);
}

/* ---- kitty */

/* The number behind "key=" among keys, or -1. */
static long key_of(const char *keys, char key)
{
    for (const char *s = keys; s && *s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
        if (s[0] == key && s[1] == '=')
            return strtol(s + 2, NULL, 10);
    return -1;
}

static bool has(const char *keys, const char *pair)
{
    const char *s = strstr(keys, pair);
    size_t n = strlen(pair);
    return s && (s == keys || s[-1] == ',') && (s[n] == ',' || !s[n]);
}

static struct stored *stored_of(struct terminal *t, uint32_t id)
{
    struct stored *room = NULL;
    for (int i = 0; i < 256; i++) {
        if (t->stored[i].rgb && t->stored[i].id == id)
            return &t->stored[i];
        if (!t->stored[i].rgb && !room)
            room = &t->stored[i];
    }
    return room;
}

static void whole_picture(struct terminal *t)
{
    int w = (int)key_of(t->keys, 's'), h = (int)key_of(t->keys, 'v');
    uint32_t id = (uint32_t)strtoul(strstr(t->keys, "i=") ? strstr(t->keys, "i=") + 2 : "0", NULL,
                                    10);
    size_t size = 0, want = w > 0 && h > 0 ? 3 * (size_t)w * (size_t)h : 0;
    uint8_t *data = decoded(t->pieces, &size), *rgb = want ? malloc(want) : NULL;
    struct stored *s = stored_of(t, id);
    bool virtual = key_of(t->keys, 'U') == 1;
    bool good = data && rgb && s && id && has(t->keys, "o=z") && has(t->keys, "f=24") &&
                has(t->keys, "q=2") && inflated(data, size, rgb, want) &&
                (virtual || has(t->keys, "C=1"));
    free(data);
    t->refused += !good;
    if (!good) {
        free(rgb);
        return;
    }
    t->images++;
    free(s->rgb);
    *s = (struct stored){.id = id, .w = w, .h = h, .rgb = rgb, .cols = (int)key_of(t->keys, 'c'),
                         .rows = (int)key_of(t->keys, 'r'), .x = -1, .y = -1,
                         .turn = (unsigned)t->images};
    if (virtual)
        return;
    cursor_place(t, &s->x, &s->y);
    paint(t, s->x, s->y, rgb, w, h);
}

static void forget(struct terminal *t, uint32_t id)
{
    struct stored *s = stored_of(t, id);
    if (!s || !s->rgb)
        return;
    free(s->rgb);
    *s = (struct stored){0};
}

bool protocols_kitty(struct terminal *t, const char *text, char *out, int size)
{
    const char *data = strchr(text, ';');
    char keys[256];
    snprintf(keys, sizeof keys, "%.*s", (int)(data ? (size_t)(data - text) : strlen(text)), text);
    data = data ? data + 1 : "";
    if (has(keys, "a=q")) {
        bool feature = key_of(keys, 'e') == 1;
        snprintf(out, (size_t)size, "\033_Gi=%ld%s;OK\033\\", key_of(keys, 'i'),
                 feature && t->kind.placeholders ? ",U=1,e=1" : "");
        return true;
    }
    if (has(keys, "a=d")) {
        forget(t, (uint32_t)strtoul(strstr(keys, "i=") ? strstr(keys, "i=") + 2 : "0", NULL, 10));
        return false;
    }
    if (has(keys, "a=T")) {
        strcpy(t->keys, keys);
        free(t->pieces);
        t->pieces = calloc(1, 1);
    }
    size_t before = t->pieces ? strlen(t->pieces) : 0;
    char *more = t->pieces ? realloc(t->pieces, before + strlen(data) + 1) : NULL;
    if (!more || strlen(data) > 4096) {
        t->refused++;
        return false;
    }
    t->pieces = more;
    strcpy(t->pieces + before, data);
    if (key_of(keys, 'm') != 1)
        whole_picture(t);
    return false;
}

/* The first of the signs that count rows, columns, and values of the high byte. */
static int sign_of(uint32_t c)
{
    static const uint32_t signs[] = {
        0x305, 0x30d, 0x30e, 0x310, 0x312, 0x33d, 0x33e, 0x33f, 0x346, 0x34a, 0x34b, 0x34c, 0x350,
        0x351, 0x352, 0x357, 0x35b, 0x363, 0x364, 0x365, 0x366, 0x367, 0x368, 0x369, 0x36a, 0x36b,
        0x36c, 0x36d, 0x36e, 0x36f, 0x483, 0x484, 0x485, 0x486};
    for (int i = 0; i < (int)(sizeof signs / sizeof signs[0]); i++)
        if (signs[i] == c)
            return i;
    return -1;
}

/* The picture whose id is told by a cell's color, but for its high byte. */
static const struct stored *shown_by(const struct terminal *t, const VTermScreenCell *cell,
                                     int high)
{
    uint32_t low = VTERM_COLOR_IS_INDEXED(&cell->fg)
                       ? cell->fg.indexed.idx
                       : (uint32_t)cell->fg.rgb.red << 16 | (uint32_t)cell->fg.rgb.green << 8 |
                             cell->fg.rgb.blue;
    for (int i = 0; i < 256; i++)
        if (t->stored[i].rgb && t->stored[i].id == ((uint32_t)high << 24 | low))
            return &t->stored[i];
    return NULL;
}

struct part {
    const struct stored *of;
    int row, col, high;
};

/* A cell without signs goes on with the one on its left. */
static struct part part_of(const struct terminal *t, const VTermScreenCell *cell, struct part left)
{
    struct part p = {.row = sign_of(cell->chars[1]), .col = sign_of(cell->chars[2]),
                     .high = sign_of(cell->chars[3])};
    bool bare = cell->chars[1] == 0;
    if (bare)
        p = (struct part){.row = left.row, .col = left.col + 1, .high = left.high};
    p.of = shown_by(t, cell, p.high);
    if (bare && p.of != left.of)
        p.of = NULL;
    return p;
}

static bool is_sized(const struct stored *s)
{
    return s && s->w == s->cols * CELL_W && s->h == s->rows * CELL_H;
}

int protocols_placeholders(struct terminal *t)
{
    int n = 0;
    for (int row = 0; row < t->rows; row++) {
        struct part p = {0};
        for (int col = 0; col < t->cols; col++) {
            VTermScreenCell cell;
            vterm_screen_get_cell(t->screen, (VTermPos){row, col}, &cell);
            p = cell.chars[0] == 0x10eeee ? part_of(t, &cell, p) : (struct part){0};
            if (cell.chars[0] != 0x10eeee)
                continue;
            if (!is_sized(p.of) || p.row < 0 || p.col < 0 || p.row >= p.of->rows ||
                p.col >= p.of->cols)
                return -1;
            for (int y = 0; y < CELL_H; y++)
                paint(t, col * CELL_W, row * CELL_H + y,
                      p.of->rgb + 3 * (((size_t)p.row * CELL_H + (size_t)y) * (size_t)p.of->w +
                                       (size_t)p.col * CELL_W),
                      CELL_W, 1);
            n++;
        }
    }
    return n;
}

void protocols_kept(struct terminal *t)
{
    unsigned last = 0;
    memset(t->painted, 0, sizeof t->painted);
    for (;;) {
        const struct stored *next = NULL;
        for (int i = 0; i < 256; i++) {
            const struct stored *s = &t->stored[i];
            if (s->rgb && s->x >= 0 && s->turn > last && (!next || s->turn < next->turn))
                next = s;
        }
        if (!next)
            return;
        paint(t, next->x, next->y, next->rgb, next->w, next->h);
        last = next->turn;
    }
}

int protocols_stored(const struct terminal *t)
{
    int n = 0;
    for (int i = 0; i < 256; i++)
        n += t->stored[i].rgb != NULL;
    return n;
}

void protocols_free(struct terminal *t)
{
    for (int i = 0; i < 256; i++)
        free(t->stored[i].rgb);
    free(t->pieces);
}

/* ---- iTerm2 */

static unsigned big_endian(const uint8_t *p)
{
    return (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
}

static int paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* Takes the filters of rows back, in place: rows of 1 + 3 * w bytes become rows of 3 * w. */
static void unfiltered(uint8_t *rows, int w, int h, uint8_t *out)
{
    int n = 3 * w;
    for (int y = 0; y < h; y++) {
        const uint8_t *in = rows + (size_t)y * ((size_t)n + 1), *up = out - n;
        for (int x = 0; x < n; x++) {
            int a = x >= 3 ? out[x - 3] : 0, b = y ? up[x] : 0, c = x >= 3 && y ? up[x - 3] : 0;
            const int add[] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
            out[x] = (uint8_t)(in[1 + x] + add[in[0] % 5]);
        }
        out += n;
    }
}

/* A PNG of 8 bits and three channels, as it is written here: its data in one chunk or several. */
static uint8_t *png_pixels(const uint8_t *p, size_t size, int *w, int *h)
{
    uint8_t *packed = malloc(size + 1), *rows = NULL, *rgb = NULL;
    size_t n = 0;
    *w = *h = 0;
    for (size_t at = 8; packed && at + 12 <= size;) {
        size_t len = big_endian(p + at);
        if (len > size - at - 12)
            break;
        if (memcmp(p + at + 4, "IHDR", 4) == 0 && p[at + 16] == 8 && p[at + 17] == 2) {
            *w = (int)big_endian(p + at + 8);
            *h = (int)big_endian(p + at + 12);
        } else if (memcmp(p + at + 4, "IDAT", 4) == 0) {
            memcpy(packed + n, p + at + 8, len);
            n += len;
        }
        at += len + 12;
    }
    size_t want = (size_t)*h * (3 * (size_t)*w + 1);
    if (*w > 0 && *h > 0 && *w < 5000 && *h < 5000 && (rows = malloc(want)) != NULL &&
        inflated(packed, n, rows, want) && (rgb = malloc(want)) != NULL)
        unfiltered(rows, *w, *h, rgb);
    free(packed);
    free(rows);
    return rgb;
}

void protocols_iterm2(struct terminal *t, const char *text)
{
    const char *data = strchr(text, ':');
    size_t size = 0;
    int w = 0, h = 0;
    uint8_t *png = data ? decoded(data + 1, &size) : NULL;
    uint8_t *rgb = png && strstr(text, "inline=1") ? png_pixels(png, size, &w, &h) : NULL;
    const char *cols = strstr(text, "width="), *rows = strstr(text, "height=");
    bool good = rgb && cols && rows && atoi(cols + 6) * CELL_W == w && atoi(rows + 7) * CELL_H == h;
    t->refused += !good;
    t->images += good;
    if (good)
        paint_at_cursor(t, rgb, w, h);
    free(rgb);
    free(png);
}
