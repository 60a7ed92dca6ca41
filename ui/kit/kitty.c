/* SPDX-License-Identifier: MIT */
/* Pictures by kitty's protocol: 24 bits of color, compressed. A picture has a number, and is placed
 * at the cursor, or in cells that hold a placeholder: those are text to everything between us and
 * the terminal, as tmux.
 *
 * Source: kitty's documentation, "Terminal graphics protocol" (transmission, Unicode placeholders),
 * and its list of row and column signs (rowcolumn-diacritics.txt). */
#include "ui/kit/way.h"

#include "src/formats/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CHUNK 4096 /* characters of data in a sequence, a multiple of 4 */
#define PLACEHOLDER 0x10eeee

/* The first of the signs that count rows and the high byte of ids: those that are older than the
 * tables of widths of all terminals. */
static const uint32_t signs[KITTY_SIGNS] = {
    0x0305, 0x030d, 0x030e, 0x0310, 0x0312, 0x033d, 0x033e, 0x033f, 0x0346, 0x034a, 0x034b,
    0x034c, 0x0350, 0x0351, 0x0352, 0x0357, 0x035b, 0x0363, 0x0364, 0x0365, 0x0366, 0x0367,
    0x0368, 0x0369, 0x036a, 0x036b, 0x036c, 0x036d, 0x036e, 0x036f, 0x0483, 0x0484, 0x0485,
    0x0486,
};

void kitty_pass(const char *s, size_t len, bool tmux, struct buf *out)
{
    if (!tmux) {
        buf_add(out, s, len);
        return;
    }
    buf_printf(out, "\033Ptmux;");
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\033')
            buf_putc(out, '\033');
        buf_putc(out, s[i]);
    }
    buf_printf(out, "\033\\");
}

/* One picture in as many sequences as it takes; keys are those of the first. */
static void kitty_chunks(const char *keys, const char *data, size_t len, bool tmux,
                         struct buf *out)
{
    for (size_t at = 0; at < len || at == 0; at += CHUNK) {
        size_t n = len - at < CHUNK ? len - at : CHUNK;
        struct buf part = {0};
        buf_printf(&part, "\033_G%s%sq=2,m=%d;", at ? "" : keys, at ? "" : ",", at + n < len);
        buf_add(&part, data + at, n);
        buf_printf(&part, "\033\\");
        kitty_pass(part.data, part.len, tmux, out);
        buf_fini(&part);
    }
}

static void kitty_send(const struct way_strip *s, const char *how, struct buf *out)
{
    const struct canvas *c = s->pixels;
    size_t n = 3 * (size_t)c->w * (size_t)c->h;
    uLongf packed = compressBound((uLong)n);
    uint8_t *data = malloc(packed);
    struct buf text = {0};
    char keys[160];
    if (data && compress2(data, &packed, c->rgb, (uLong)n, 1) == Z_OK) {
        snprintf(keys, sizeof keys, "a=T,t=d,f=24,o=z,s=%d,v=%d,i=%u,%s", c->w, c->h,
                 (unsigned)s->id, how);
        base64_encode(data, packed, &text);
        kitty_chunks(keys, text.data, text.len, s->tmux, out);
    }
    buf_fini(&text);
    free(data);
}

static void kitty_write(const struct way_strip *s, struct buf *out)
{
    kitty_send(s, "p=1,C=1", out);
}

static void kitty_write_text(const struct way_strip *s, struct buf *out)
{
    char how[64];
    snprintf(how, sizeof how, "U=1,c=%d,r=%d", s->cols, s->rows);
    kitty_send(s, how, out);
}

void kitty_delete(uint32_t id, bool tmux, struct buf *out)
{
    char text[64];
    int n = snprintf(text, sizeof text, "\033_Ga=d,d=I,i=%u,q=2;\033\\", (unsigned)id);
    kitty_pass(text, (size_t)n, tmux, out);
}

void kitty_cell(uint32_t id, int row, int col, uint32_t out[5])
{
    int high = (int)(id >> 24);
    memset(out, 0, 5 * sizeof *out);
    out[0] = PLACEHOLDER;
    if (col > 0 || row >= KITTY_SIGNS || high >= KITTY_SIGNS)
        return; /* it goes on with the cell on its left */
    out[1] = signs[row];
    out[2] = signs[0];
    out[3] = signs[high];
}

const struct way way_kitty = {.whole_cells = true, .numbered = true,
                              .write = kitty_write};
const struct way way_kitty_text = {.whole_cells = true, .numbered = true,
                                   .in_text = true, .write = kitty_write_text};
