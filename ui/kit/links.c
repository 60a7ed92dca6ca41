/* SPDX-License-Identifier: MIT */
/* Links in the text of the screen. Cells that curses writes anew have none: a link is written again
 * when its cells, or its place, are others than they were. Cells that have the same sign as before
 * are not written anew, and keep the link that they had: where one was, all are written. */
#include "ui/kit/links.h"

#include "src/base/hash.h"
#include "src/base/link.h"
#include "src/base/mem.h"
#include "ui/kit/term.h"
#include "ui/kit/term_virtual.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void link_forget(struct link_known *x)
{
    free(x->path);
    free(x->part);
    free(x->uri);
}

void links_begin(struct links *l)
{
    for (int i = 0; i < l->count; i++)
        free(l->list[i].uri);
    l->count = 0;
}

/* NULL, and asked again the next time: there is no such file. */
static const char *links_uri(struct links *l, const char *path, const char *part)
{
    struct link_known *x = l->known;
    part = part ? part : "";
    for (; x < l->known + LINKS_MOST; x++)
        if (x->uri && strcmp(x->path, path) == 0 && strcmp(x->part, part) == 0)
            return x->uri;
    char *uri = link_uri(path, part[0] ? part : NULL);
    if (!uri)
        return NULL;
    x = &l->known[l->next];
    l->next = (l->next + 1) % LINKS_MOST;
    link_forget(x);
    *x = (struct link_known){xstrdup(path), xstrdup(part), uri};
    return uri;
}

void links_add(struct links *l, int row, int col, int cols, const char *path, const char *part)
{
    bool able = l->count < LINKS_MOST && cols > 0 && !term_virtual() && link_known();
    const char *uri = able ? links_uri(l, path, part) : NULL;
    if (uri)
        l->list[l->count++] = (struct link){row, col, cols, xstrdup(uri)};
}

void links_drop(struct links *l, int row)
{
    int n = 0;
    for (int i = 0; i < l->count; i++)
        if (l->list[i].row == row)
            free(l->list[i].uri);
        else
            l->list[n++] = l->list[i];
    l->count = n;
}

void links_lost(struct links *l)
{
    l->shown_count = 0;
}

void links_fini(struct links *l)
{
    links_begin(l);
    for (int i = 0; i < LINKS_MOST; i++)
        link_forget(&l->known[i]);
}

/* ---- writing */

static void link_color(struct buf *b, int color, int first)
{
    if (color < 0)
        return;
    if (COLORS >= 1 << 24)
        buf_printf(b, ";%d;2;%d;%d;%d", first + 8, color >> 16 & 255, color >> 8 & 255,
                   color & 255);
    else if (COLORS >= 256)
        buf_printf(b, ";%d;5;%d", first + 8, color);
    else
        buf_printf(b, ";%d", first + (color & 7));
}

/* "ESC [ 0;1;38;5;231 m": what a cell looks like. */
static void link_look(struct buf *b, attr_t attr, int pair)
{
    int front, behind;
    buf_printf(b, "\033[0%s%s%s%s", attr & A_BOLD ? ";1" : "", attr & A_DIM ? ";2" : "",
               attr & A_UNDERLINE ? ";4" : "", attr & A_REVERSE ? ";7" : "");
    if (pair > 0 && extended_pair_content(pair, &front, &behind) == OK) {
        link_color(b, front, 30);
        link_color(b, behind, 40);
    }
    buf_putc(b, 'm');
}

/* The cells as they are, with their looks. */
static void link_cells(struct buf *b, const struct link *x)
{
    for (int i = 0; i < x->cols; i++) {
        cchar_t cell;
        wchar_t text[CCHARW_MAX + 1];
        attr_t attr;
        short number;
        int pair = 0;
        char bytes[4 * (CCHARW_MAX + 1)];
        if (mvin_wch(x->row, x->col + i, &cell) != OK ||
            getcchar(&cell, text, &attr, &number, &pair) != OK)
            continue;
        size_t n = wcstombs(bytes, text, sizeof bytes - 1);
        link_look(b, attr, pair);
        if (n != (size_t)-1)
            buf_add(b, bytes, n);
        i += wcwidth(text[0]) > 1;
    }
}

/* What a terminal gets for a link; the caller frees it. */
static struct buf link_bytes(const struct link *x)
{
    struct buf b = {0};
    buf_printf(&b, "\0337\033[%d;%dH\033]8;;%s\033\\", x->row + 1, x->col + 1, x->uri);
    link_cells(&b, x);
    buf_puts(&b, "\033]8;;\033\\\0338");
    return b;
}

static bool link_is_in(const struct link_shown *list, int count, uint64_t what)
{
    for (int i = 0; i < count; i++)
        if (list[i].what == what)
            return true;
    return false;
}

/* Has curses write the cells anew, and no others: pictures may be beside them. */
static void link_take_away(const struct link_shown *x)
{
    WINDOW *cells = derwin(stdscr, 1, x->cols, x->row, x->col);
    if (!cells) /* the screen is smaller now, and all of it new */
        return;
    wredrawln(cells, 0, 1);
    delwin(cells);
    touchline(stdscr, x->row, 1);
}

void links_refresh(struct links *l)
{
    struct link_shown now[LINKS_MOST];
    struct buf bytes[LINKS_MOST];
    int row, col;
    getyx(stdscr, row, col);
    for (int i = 0; i < l->count; i++) {
        const struct link *x = &l->list[i];
        bytes[i] = link_bytes(x);
        now[i] = (struct link_shown){x->row, x->col, x->cols,
                                     hash_bytes(HASH_SEED, bytes[i].data, bytes[i].len)};
    }
    move(row, col);
    for (int i = 0; i < l->shown_count; i++)
        if (!link_is_in(now, l->count, l->shown[i].what))
            link_take_away(&l->shown[i]);
    refresh();
    for (int i = 0; i < l->count; i++) {
        if (!link_is_in(l->shown, l->shown_count, now[i].what))
            term_write_all(bytes[i].data, bytes[i].len);
        buf_fini(&bytes[i]);
    }
    memcpy(l->shown, now, (size_t)l->count * sizeof now[0]);
    l->shown_count = l->count;
}
