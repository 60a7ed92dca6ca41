/* SPDX-License-Identifier: MIT */
/* Pictures among curses' text.
 *
 * curses knows nothing of pixels: under a picture we keep blanks that are no spaces, which curses
 * leaves alone as long as they stay, and send the picture after curses has written. */
#include "ui/kit/gfx.h"

#include "ui/kit/blocks.h"
#include "ui/kit/font.h"
#include "ui/kit/way.h"

#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>


#define TMUX_STRIPS 3 /* of a place, in sixels */
#define IDS 20 /* numbers of strips that a place has, of 240 */

bool gfx_has_pixels(const struct gfx *g)
{
    return g->mode <= GFX_ITERM2;
}

static const struct way *way_of(const struct gfx *g)
{
    static const struct way *const ways[] = {&way_sixel, &way_kitty, &way_kitty_text, &way_iterm2};
    return ways[g->mode <= GFX_ITERM2 ? g->mode : GFX_SIXEL];
}

const char *gfx_mode_name(enum gfx_mode mode)
{
    static const char *const names[] = {"sixel", "kitty", "kitty, placed in text", "iTerm2",
                                        "blocks", "ascii", "none"};
    return names[mode];
}

/* Inside tmux only what it takes for text, or draws itself, is at its place. */
enum gfx_mode gfx_best(const struct term *t)
{
    if (t->kitty && (!t->tmux || t->kitty_text))
        return t->tmux ? GFX_KITTY_TEXT : GFX_KITTY;
    if (t->sixel && t->cell_w && !t->no_outer_sixel)
        return GFX_SIXEL;
    return t->iterm2 && !t->tmux && t->cell_w ? GFX_ITERM2 : GFX_BLOCKS;
}

/* The limit that a terminal names is that of sixels. */
static void set_limits(struct gfx *g)
{
    bool sixel = g->mode == GFX_SIXEL;
    g->most_w = sixel ? g->term.max_w : CANVAS_MOST;
    g->most_h = sixel ? g->term.max_h : CANVAS_MOST;
}

/* What was wanted is not encoded any more: the next frame says anew. */
static void want_nothing(struct gfx *g)
{
    for (int i = 0; i < GFX_PLACES; i++) {
        g->places[i].strips = 0;
        g->places[i].at = (struct area){0};
        for (int j = 0; j < GFX_STRIPS; j++)
            g->places[i].strip[j].have = 0;
    }
}

void gfx_set_term(struct gfx *g, const struct term *t)
{
    pthread_mutex_lock(&g->lock);
    if (t->cell_w != g->term.cell_w || t->cell_h != g->term.cell_h)
        want_nothing(g);
    g->term = *t;
    set_limits(g);
    pthread_mutex_unlock(&g->lock);
    font_set_row(t->cell_h);
}

void gfx_set_back(struct gfx *g, struct rgb back)
{
    pthread_mutex_lock(&g->lock);
    g->back = back;
    pthread_mutex_unlock(&g->lock);
}

void gfx_set_mode(struct gfx *g, enum gfx_mode mode)
{
    if (mode != g->mode)
        gfx_leave(g);
    pthread_mutex_lock(&g->lock);
    if (mode != g->mode)
        want_nothing(g);
    g->mode = mode;
    set_limits(g);
    pthread_mutex_unlock(&g->lock);
}

bool area_holds(struct area a, int row, int col)
{
    return row >= a.row && row < a.row + a.rows && col >= a.col && col < a.col + a.cols;
}

void gfx_fit(const struct gfx *g, struct area a, int w, int h, int *canvas_w, int *canvas_h)
{
    /* A half block is about as high as it is wide. */
    int cw = gfx_has_pixels(g) ? g->term.cell_w : 1;
    int ch = gfx_has_pixels(g) ? g->term.cell_h : 2;
    double room_w = a.cols * cw, room_h = a.rows * ch;
    if (gfx_has_pixels(g)) {
        room_w = room_w < g->most_w ? room_w : g->most_w;
        room_h = room_h < g->most_h ? room_h : g->most_h;
    }
    double scale = room_w / w < room_h / h ? room_w / w : room_h / h;
    *canvas_w = (int)(w * scale);
    *canvas_h = (int)(h * scale);
    if (*canvas_w < 1)
        *canvas_w = 1;
    if (*canvas_h < 1)
        *canvas_h = 1;
}

void gfx_begin(struct gfx *g)
{
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < GFX_PLACES; i++)
        g->places[i].wanted = false;
    pthread_mutex_unlock(&g->lock);
}

/* ---- places */

/* A picture that has another shape or place than before gets other blanks than any had, so that
 * curses rewrites the cells and nothing is left of pixels that are not covered any more. */
static const wchar_t *const blanks[] = {L"\u00a0", L"\u2000", L"\u2002", L"\u2004", L"\u2005",
                                        L"\u2006", L"\u2007", L"\u2008", L"\u2009", L"\u200a"};
#define BLANKS (int)(sizeof blanks / sizeof blanks[0])

static int choose_blank(const struct gfx *g)
{
    bool used[BLANKS] = {false};
    for (int i = 0; i < GFX_PLACES; i++)
        used[g->places[i].blank] = true;
    for (int i = 0; i < BLANKS; i++)
        if (!used[i])
            return i;
    return 0;
}

/* The first two cells of a row tell its number: curses moves rows that are alike by scrolling,
 * which would move pixels, or lose them. */
static void fill_blank(struct area a, int which)
{
    cchar_t blank[BLANKS];
    for (int i = 0; i < BLANKS; i++)
        setcchar(&blank[i], blanks[i], 0, 0, NULL);
    for (int y = a.row; y < a.row + a.rows; y++)
        for (int x = 0; x < a.cols; x++) {
            int i = which + (x == 0 ? y : x == 1 ? y / BLANKS : 0);
            mvadd_wch(y, a.col + x, &blank[i % BLANKS]);
        }
}

static bool same_area(struct area a, struct area b)
{
    return a.row == b.row && a.col == b.col && a.rows == b.rows && a.cols == b.cols;
}

static bool is_tmux_sixel(const struct gfx *g)
{
    return g->term.tmux && g->mode == GFX_SIXEL;
}

/* Rows of cells in a strip. Terminals draw sixels six rows of pixels at a time, and some wipe the
 * rest of a cell that they touch: a strip ends at a border of both. */
static int strip_rows(const struct gfx *g, const struct gfx_place *p)
{
    int h = g->term.cell_h, rows = 1;
    if (way_of(g)->numbered) { /* there are so many numbers for each place */
        rows = (p->at.rows + IDS - 1) / IDS;
        return rows < 4 ? 4 : rows;
    }
    while (rows < 6 && rows * h % 6 != 0)
        rows++;
    if (is_tmux_sixel(g)) { /* it keeps 20 pictures of all panes, and draws them again from these */
        int few = (p->at.rows + TMUX_STRIPS - 1) / TMUX_STRIPS;
        return rows * ((few + rows - 1) / rows);
    }
    return rows < 3 ? rows * (3 / rows + (3 % rows != 0)) : rows;
}

/* FNV-1a over words: pictures are large, and looked at on every key. Never 0. */
static uint64_t hash_rows(const struct canvas *c, int y, int h)
{
    uint64_t x = 14695981039346656037u ^ ((uint64_t)c->w << 32 | (uint64_t)h);
    const uint8_t *p = c->rgb + 3 * (size_t)y * (size_t)c->w;
    size_t n = 3 * (size_t)c->w * (size_t)h, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        x = (x ^ word) * 1099511628211u;
        x ^= x >> 29;
    }
    for (; i < n; i++)
        x = (x ^ p[i]) * 1099511628211u;
    return x | 1;
}

/* What remains is a strip of its own if it is as high as a cell: mlterm draws what is lower at the
 * cell's bottom. */
static int strip_count(const struct gfx *g, const struct gfx_place *p)
{
    int h = strip_rows(g, p) * g->term.cell_h, n = (p->h + h - 1) / h;
    return n > 1 && p->h - (n - 1) * h < g->term.cell_h ? n - 1 : n;
}

/* The pixel rows of strip i. */
static int strip_height(const struct gfx *g, const struct gfx_place *p, int i, int *y)
{
    int h = strip_rows(g, p) * g->term.cell_h;
    *y = i * h;
    return i + 1 == strip_count(g, p) ? p->h - *y : h;
}

/* What the newest canvas wants on each strip; with the lock held. */
static void want_strips(struct gfx *g, struct gfx_place *p, bool moved)
{
    int n = strip_count(g, p);
    p->strips = n < GFX_STRIPS ? n : GFX_STRIPS;
    p->strips = p->strips > IDS && way_of(g)->numbered ? IDS : p->strips;
    for (int i = 0; i < p->strips; i++) {
        int y, rows = strip_height(g, p, i, &y);
        p->strip[i].want = hash_rows(p->canvas, y, rows);
        if (moved)
            p->strip[i].shown = 0;
    }
}

/* The terminal's number of a strip: the process in its high byte, so that two workbenches in one
 * terminal do not share any, and the place and strip in its low one, from 16 on, as lower ones are
 * names of colors where cells tell it by their color. */
static uint32_t strip_id(const struct gfx *g, const struct gfx_place *p, int strip)
{
    uint32_t high = 1 + (uint32_t)getpid() % (KITTY_SIGNS - 1);
    return high << 24 | (uint32_t)(16 + (p - g->places) * IDS + strip);
}

/* The cells of a strip. */
static struct area strip_area(const struct gfx *g, const struct gfx_place *p, int strip)
{
    int rows = strip_rows(g, p), left = p->at.rows - strip * rows;
    bool last = strip + 1 == strip_count(g, p);
    return (struct area){p->at.row + strip * rows, p->at.col, last ? left : rows, p->at.cols};
}

/* Cells that say which part of which picture they show. */
static void fill_placeholders(const struct gfx *g, const struct gfx_place *p)
{
    for (int i = 0; i < p->strips; i++) {
        struct area a = strip_area(g, p, i);
        uint32_t id = strip_id(g, p, i), signs[5];
        int pair = alloc_pair((int)(id & 255), -1);
        for (int row = 0; row < a.rows; row++)
            for (int col = 0; col < a.cols; col++) {
                wchar_t text[5];
                cchar_t cell;
                kitty_cell(id, row, col, signs);
                for (int k = 0; k < 5; k++)
                    text[k] = (wchar_t)signs[k];
                if (setcchar(&cell, text, 0, 0, &pair) == OK)
                    mvadd_wch(a.row + row, a.col + col, &cell);
            }
    }
}

/* The cells of an area that a canvas at its corner touches: where it is as wide as the terminal
 * takes, that may be fewer than there are. */
static struct area gfx_touched(const struct gfx *g, struct area a, const struct canvas *c)
{
    int cols = (c->w + g->term.cell_w - 1) / g->term.cell_w;
    int rows = (c->h + g->term.cell_h - 1) / g->term.cell_h;
    a.cols = cols < a.cols ? cols : a.cols;
    a.rows = rows < a.rows ? rows : a.rows;
    return a;
}

void gfx_place(struct gfx *g, int i, struct area a, struct canvas *c)
{
    struct gfx_place *p = &g->places[i];
    if (!c)
        return;
    if (g->gray)
        canvas_dim(c, 1);
    a = gfx_has_pixels(g) ? gfx_touched(g, a, c) : a;
    pthread_mutex_lock(&g->lock);
    bool moved = !same_area(p->at, a) || p->w != c->w || p->h != c->h;
    canvas_free(p->canvas);
    p->canvas = c;
    p->wanted = true;
    p->at = a;
    p->w = c->w;
    p->h = c->h;
    if (moved)
        p->blank = choose_blank(g);
    if (gfx_has_pixels(g)) {
        want_strips(g, p, moved);
        pthread_cond_signal(&g->changed);
    } else {
        p->strips = 0;
    }
    pthread_mutex_unlock(&g->lock);
    if (gfx_has_pixels(g))
        way_of(g)->in_text ? fill_placeholders(g, p) : fill_blank(a, p->blank);
    else if (g->mode != GFX_NONE)
        blocks_draw(g->mode, a, c);
    if (!gfx_has_pixels(g))
        blocks_texts(a, c);
}

/* ---- encoding */

/* A strip that is wanted and not yet encoded; with the lock held. */
static struct gfx_strip *next_strip(struct gfx *g, struct gfx_place **place, int *number)
{
    for (int i = 0; i < GFX_PLACES && gfx_has_pixels(g); i++)
        for (int j = 0; g->places[i].wanted && j < g->places[i].strips; j++) {
            struct gfx_strip *s = &g->places[i].strip[j];
            if (s->want != s->shown && s->want != s->have) {
                *place = &g->places[i];
                *number = j;
                return s;
            }
        }
    return NULL;
}

/* tmux scales a sixel image to the cells that it touches, and counts rows of pixels in sixes: one
 * of whole cells in fewer rows than they have gets its height back there. */
static struct canvas *strip_in_sixes(struct canvas *c)
{
    struct canvas *out = c && c->h % 6 != 0 && c->h > 6 ? canvas_new(c->w, c->h - c->h % 6) : NULL;
    if (!out)
        return c;
    canvas_keep_those(out, c);
    canvas_photo(out, c->rgb, c->w, c->h);
    canvas_free(c);
    return out;
}

/* The pixels of a strip; of whole cells where its way wants that. NULL: without memory. */
static struct canvas *strip_pixels(const struct gfx *g, const struct gfx_place *p, int number)
{
    int y, h = strip_height(g, p, number, &y);
    struct area a = strip_area(g, p, number);
    bool tmux = is_tmux_sixel(g), whole = way_of(g)->whole_cells || tmux;
    struct canvas *part = canvas_new(whole ? a.cols * g->term.cell_w : p->w,
                                     whole ? a.rows * g->term.cell_h : h);
    if (!part)
        return NULL;
    canvas_keep_those(part, p->canvas);
    if (whole)
        canvas_fill(part, 0, 0, part->w - 1, part->h - 1, g->back);
    for (int i = 0; i < h && i < part->h; i++)
        memcpy(part->rgb + 3 * (size_t)i * (size_t)part->w,
               p->canvas->rgb + 3 * (size_t)(y + i) * (size_t)p->w,
               3 * (size_t)(p->w < part->w ? p->w : part->w));
    return tmux ? strip_in_sixes(part) : part;
}

/* Encodes one strip with the lock given back meanwhile. */
static void encode_strip(struct gfx *g, struct gfx_strip *s, const struct gfx_place *p, int number)
{
    const struct way *way = way_of(g);
    struct area a = strip_area(g, p, number);
    uint64_t hash = s->want;
    struct canvas *part = strip_pixels(g, p, number);
    const struct way_strip x = {.pixels = part, .colors = g->term.registers,
                                .id = strip_id(g, p, number), .cols = a.cols, .rows = a.rows,
                                .tmux = g->term.tmux};
    struct buf out = {0};
    pthread_mutex_unlock(&g->lock);
    if (part)
        way->write(&x, &out);
    canvas_free(part);
    pthread_mutex_lock(&g->lock);
    if (s->want != hash || way != way_of(g)) { /* another is wanted by now, which may be sent */
        buf_fini(&out);
        return;
    }
    buf_fini(&s->data);
    s->data = out;
    s->have = hash;
}

static void *encode_main(void *arg)
{
    struct gfx *g = arg;
    struct gfx_place *p = NULL;
    int number = 0;
    pthread_mutex_lock(&g->lock);
    while (!g->quit) {
        struct gfx_strip *s = next_strip(g, &p, &number);
        if (!s) {
            pthread_cond_wait(&g->changed, &g->lock);
            continue;
        }
        encode_strip(g, s, p, number);
        uint64_t one = 1;
        ssize_t n = write(g->wake, &one, sizeof one);
        (void)n; /* it is full: the reader has been woken already */
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

void gfx_init(struct gfx *g)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t all, before;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    g->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigfillset(&all); /* signals are the main thread's, but for faults of the encoder itself */
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    g->threaded = g->wake >= 0 && pthread_create(&g->thread, NULL, encode_main, g) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- sending */

static bool input_waits(void)
{
    struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
    return poll(&fd, 1, 0) > 0;
}

static void send_strip(struct gfx *g, const struct gfx_place *p, int number,
                       const struct buf *data)
{
    struct buf out = {0};
    bool placed = !way_of(g)->in_text;
    struct area a = strip_area(g, p, number);
    if (g->term.sync)
        buf_printf(&out, "\033[?2026h");
    if (placed && g->cursor) /* where it passes over a picture it leaves a hole */
        buf_printf(&out, "\033[?25l");
    if (placed)
        buf_printf(&out, "\0337\033[%d;%dH", a.row + 1, a.col + 1);
    buf_add(&out, data->data, data->len);
    if (placed)
        buf_printf(&out, "\0338");
    if (placed && g->cursor)
        buf_printf(&out, "\033[?25h");
    if (g->term.sync)
        buf_printf(&out, "\033[?2026l");
    if (way_of(g)->numbered)
        g->used[strip_id(g, p, number) & 255] = true;
    term_write_all(out.data, out.len);
    g->sent += out.len;
    buf_fini(&out);
}

static void take_away(struct gfx *g, uint32_t id)
{
    struct buf out = {0};
    if (!g->used[id & 255])
        return;
    g->used[id & 255] = false;
    kitty_delete(id, g->term.tmux, &out);
    term_write_all(out.data, out.len);
    buf_fini(&out);
}

void gfx_leave(struct gfx *g)
{
    for (int i = 0; i < GFX_PLACES; i++)
        for (int j = 0; j < IDS; j++)
            take_away(g, strip_id(g, &g->places[i], j));
}

/* What is no longer wanted is not on the screen any more: curses has written over it; where text
 * does not do that it is taken away. */
static void forget_unwanted(struct gfx *g)
{
    bool numbered = way_of(g)->numbered && gfx_has_pixels(g);
    for (int i = 0; i < GFX_PLACES; i++) {
        struct gfx_place *p = &g->places[i];
        for (int j = p->wanted ? p->strips : 0; j < GFX_STRIPS; j++) {
            p->strip[j].shown = 0;
            if (numbered && j < IDS)
                take_away(g, strip_id(g, p, j));
        }
        if (p->wanted)
            continue;
        canvas_free(p->canvas);
        p->canvas = NULL;
        p->strips = 0;
    }
}

/* With the lock held, which is given back while bytes are written: only this thread sends, and the
 * encoder leaves data alone that is wanted. */
static bool send_ready(struct gfx *g)
{
    for (int i = 0; i < GFX_PLACES; i++)
        for (int j = 0; g->places[i].wanted && j < g->places[i].strips; j++) {
            struct gfx_place *p = &g->places[i];
            struct gfx_strip *s = &p->strip[j];
            if (s->want == s->shown || s->want != s->have)
                continue;
            if (input_waits())
                return true;
            s->shown = s->want;
            pthread_mutex_unlock(&g->lock);
            send_strip(g, p, j, &s->data);
            pthread_mutex_lock(&g->lock);
        }
    return false;
}

bool gfx_flush(struct gfx *g)
{
    uint64_t n;
    struct gfx_place *p = NULL;
    int number = 0;
    while (g->wake >= 0 && read(g->wake, &n, sizeof n) > 0) {
    }
    pthread_mutex_lock(&g->lock);
    forget_unwanted(g);
    for (struct gfx_strip *s; !g->threaded && (s = next_strip(g, &p, &number));)
        encode_strip(g, s, p, number);
    bool left = send_ready(g);
    pthread_mutex_unlock(&g->lock);
    return left;
}

void gfx_send(struct gfx *g, const char *data, size_t len)
{
    if (term_write_all(data, len))
        g->sent += len;
}

bool gfx_settled(struct gfx *g)
{
    bool settled = true;
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < GFX_PLACES && gfx_has_pixels(g); i++)
        for (int j = 0; g->places[i].wanted && j < g->places[i].strips; j++)
            settled &= g->places[i].strip[j].want == g->places[i].strip[j].shown;
    pthread_mutex_unlock(&g->lock);
    return settled;
}

void gfx_lost(struct gfx *g)
{
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < GFX_PLACES; i++)
        for (int j = 0; j < GFX_STRIPS; j++)
            g->places[i].strip[j].shown = 0;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

void gfx_fini(struct gfx *g)
{
    pthread_mutex_lock(&g->lock);
    g->quit = true;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
    if (g->threaded)
        pthread_join(g->thread, NULL);
    for (int i = 0; i < GFX_PLACES; i++) {
        for (int j = 0; j < GFX_STRIPS; j++)
            buf_fini(&g->places[i].strip[j].data);
        canvas_free(g->places[i].canvas);
    }
    if (g->wake >= 0)
        close(g->wake);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->changed);
}
