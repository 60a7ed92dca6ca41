/* SPDX-License-Identifier: MIT */
/* Pictures among curses' text.
 *
 * curses knows nothing of pixels: under a picture we keep blanks that are no spaces, which curses
 * leaves alone as long as they stay, and send the picture after curses has written. */
#include "ui/kit/gfx.h"

#include "ui/kit/sixel.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What was wanted for cells of another size is not encoded any more: the next frame says anew. */
void gfx_set_term(struct gfx *g, const struct term *t)
{
    pthread_mutex_lock(&g->lock);
    bool same = t->cell_w == g->term.cell_w && t->cell_h == g->term.cell_h;
    g->term = *t;
    for (int i = 0; i < GFX_PLACES && !same; i++) {
        g->places[i].strips = 0;
        g->places[i].at = (struct area){0};
    }
    pthread_mutex_unlock(&g->lock);
}

void gfx_set_mode(struct gfx *g, enum gfx_mode mode)
{
    pthread_mutex_lock(&g->lock);
    g->mode = mode;
    pthread_mutex_unlock(&g->lock);
}

bool area_holds(struct area a, int row, int col)
{
    return row >= a.row && row < a.row + a.rows && col >= a.col && col < a.col + a.cols;
}

void gfx_fit(const struct gfx *g, struct area a, int w, int h, int *canvas_w, int *canvas_h)
{
    /* A half block is about as high as it is wide. */
    int cw = g->mode == GFX_SIXEL ? g->term.cell_w : 1;
    int ch = g->mode == GFX_SIXEL ? g->term.cell_h : 2;
    double room_w = a.cols * cw, room_h = a.rows * ch;
    if (g->mode == GFX_SIXEL) {
        room_w = room_w < g->term.max_w ? room_w : g->term.max_w;
        room_h = room_h < g->term.max_h ? room_h : g->term.max_h;
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

/* ---- blocks */

/* The step of xterm's cube of 6 levels that is nearest. */
static int cube_step(int value)
{
    return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
}

static int gfx_distance(const uint8_t *p, int r, int g, int b)
{
    return (p[0] - r) * (p[0] - r) + (p[1] - g) * (p[1] - g) + (p[2] - b) * (p[2] - b);
}

/* The nearest of xterm's 256 colors, in its cube or among its grays. */
static int nearest_of_256(const uint8_t *p)
{
    static const int levels[6] = {0, 95, 135, 175, 215, 255};
    int r = cube_step(p[0]), g = cube_step(p[1]), b = cube_step(p[2]);
    int gray = (p[0] + p[1] + p[2]) / 3, step = gray < 8 ? 0 : gray > 238 ? 23 : (gray - 3) / 10;
    int light = 8 + 10 * step;
    if (gfx_distance(p, light, light, light) < gfx_distance(p, levels[r], levels[g], levels[b]))
        return 232 + step;
    return 16 + 36 * r + 6 * g + b;
}

int gfx_color_index(const uint8_t *p)
{
    if (COLORS >= 1 << 24) /* terminals whose color numbers are colors */
        return p[0] << 16 | p[1] << 8 | p[2];
    if (COLORS >= 256)
        return nearest_of_256(p);
    return (p[0] > 127 ? 1 : 0) | (p[1] > 127 ? 2 : 0) | (p[2] > 127 ? 4 : 0);
}

static void put_block(const struct gfx *g, int row, int col, const uint8_t *top,
                      const uint8_t *bottom)
{
    cchar_t cell;
    if (!has_colors() || g->mode == GFX_ASCII) {
        int light = (top[0] + 2 * top[1] + top[2] + bottom[0] + 2 * bottom[1] + bottom[2]) / 8;
        mvaddch(row, col, (chtype)" .:-=+*#%@"[light * 9 / 255]);
        return;
    }
    int pair = alloc_pair(gfx_color_index(top), gfx_color_index(bottom));
    short small = pair > 32767 ? 0 : (short)pair;
    if (setcchar(&cell, L"\u2580", 0, small, pair > 32767 ? &pair : NULL) == OK)
        mvadd_wch(row, col, &cell);
}

static void draw_blocks(const struct gfx *g, struct area a, const struct canvas *c)
{
    for (int y = 0; y < a.rows && 2 * y < c->h; y++)
        for (int x = 0; x < a.cols && x < c->w; x++) {
            const uint8_t *top = c->rgb + 3 * ((size_t)(2 * y) * (size_t)c->w + (size_t)x);
            bool last = 2 * y + 1 >= c->h;
            put_block(g, a.row + y, a.col + x, top, last ? top : top + 3 * (size_t)c->w);
        }
}

/* ---- sixels */

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

/* Rows of cells in a strip. Terminals draw sixels six rows of pixels at a time, and some wipe the
 * rest of a cell that they touch: a strip ends at a border of both. */
static int strip_rows(const struct gfx *g)
{
    int h = g->term.cell_h, rows = 1;
    while (rows < 6 && rows * h % 6 != 0)
        rows++;
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

/* The pixel rows of strip i. */
static int strip_height(const struct gfx *g, const struct gfx_place *p, int i, int *y)
{
    int h = strip_rows(g) * g->term.cell_h;
    *y = i * h;
    return p->h - *y < h ? p->h - *y : h;
}

/* What the newest canvas wants on each strip; with the lock held. */
static void want_strips(struct gfx *g, struct gfx_place *p, bool moved)
{
    int h = strip_rows(g) * g->term.cell_h, n = (p->h + h - 1) / h;
    p->strips = n < GFX_STRIPS ? n : GFX_STRIPS;
    for (int i = 0; i < p->strips; i++) {
        int y, rows = strip_height(g, p, i, &y);
        p->strip[i].want = hash_rows(p->canvas, y, rows);
        if (moved)
            p->strip[i].shown = 0;
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
    a = g->mode == GFX_SIXEL ? gfx_touched(g, a, c) : a;
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
    if (g->mode == GFX_SIXEL) {
        want_strips(g, p, moved);
        pthread_cond_signal(&g->changed);
    } else {
        p->strips = 0;
    }
    pthread_mutex_unlock(&g->lock);
    if (g->mode == GFX_SIXEL)
        fill_blank(a, p->blank);
    else if (g->mode != GFX_NONE)
        draw_blocks(g, a, c);
}

/* ---- encoding */

/* A strip that is wanted and not yet encoded; with the lock held. */
static struct gfx_strip *next_strip(struct gfx *g, struct gfx_place **place, int *number)
{
    for (int i = 0; i < GFX_PLACES && g->mode == GFX_SIXEL; i++)
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

/* Encodes one strip with the lock given back meanwhile. */
static void encode_strip(struct gfx *g, struct gfx_strip *s, const struct gfx_place *p, int number)
{
    int y, h = strip_height(g, p, number, &y), colors = g->term.registers;
    uint64_t hash = s->want;
    struct canvas *part = canvas_new(p->w, h);
    struct buf out = {0};
    if (part)
        memcpy(part->rgb, p->canvas->rgb + 3 * (size_t)y * (size_t)p->w,
               3 * (size_t)p->w * (size_t)h);
    pthread_mutex_unlock(&g->lock);
    if (part)
        sixel_write(part, colors, &out);
    canvas_free(part);
    pthread_mutex_lock(&g->lock);
    if (s->want != hash) { /* another is wanted by now, and what is there may just be sent */
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

/* All bytes, also to a terminal that is slow to take them. */
static bool gfx_write_all(const char *s, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, s, len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd fd = {STDOUT_FILENO, POLLOUT, 0};
            poll(&fd, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            s += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool input_waits(void)
{
    struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
    return poll(&fd, 1, 0) > 0;
}

static void send_strip(struct gfx *g, const struct gfx_place *p, int number,
                       const struct buf *data)
{
    struct buf out = {0};
    buf_printf(&out, "%s\0337\033[%d;%dH", g->term.sync ? "\033[?2026h" : "",
               p->at.row + 1 + number * strip_rows(g), p->at.col + 1);
    buf_add(&out, data->data, data->len);
    buf_printf(&out, "\0338%s", g->term.sync ? "\033[?2026l" : "");
    gfx_write_all(out.data, out.len);
    g->sent += out.len;
    buf_fini(&out);
}

/* What is no longer wanted is not on the screen any more: curses has written over it. */
static void forget_unwanted(struct gfx *g)
{
    for (int i = 0; i < GFX_PLACES; i++) {
        struct gfx_place *p = &g->places[i];
        if (p->wanted)
            continue;
        for (int j = 0; j < GFX_STRIPS; j++)
            p->strip[j].shown = 0;
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
    if (gfx_write_all(data, len))
        g->sent += len;
}

bool gfx_settled(struct gfx *g)
{
    bool settled = true;
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < GFX_PLACES && g->mode == GFX_SIXEL; i++)
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
