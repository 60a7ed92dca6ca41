/* SPDX-License-Identifier: MIT */
/* How long a key takes to be on the screen, and how many bytes a frame has, through a
 * pseudo-terminal, while queries or the detector run: 120x40, sixels, three panes with pictures.
 *
 * usage: bench-latency MODEL-DIR [KEYS]    prints the median, the 95th percentile, the longest */
#include "median.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

/* The line of tokens, with the chosen one reversed: what Right and Left change. */
static int chosen_col(const struct terminal *t)
{
    for (int col = 0; col < t->cols; col++) {
        VTermScreenCell cell;
        VTermPos pos = {.row = t->rows - 4, .col = col};
        vterm_screen_get_cell(t->screen, pos, &cell);
        if (cell.attrs.reverse)
            return col;
    }
    return -1;
}

struct sample {
    double *ms, *bytes;
    int count;
};

/* Presses a key; the time until the chosen token is another. */
static void press(struct terminal *t, const char *key, struct sample *s)
{
    int before = chosen_col(t);
    long long bytes = t->bytes;
    double start = now_ms();
    terminal_type(t, key);
    while (chosen_col(t) == before && now_ms() - start < 2000)
        terminal_read(t, 1);
    s->ms[s->count] = now_ms() - start;
    terminal_read(t, 60); /* as fast as a held key; pictures come meanwhile */
    s->bytes[s->count++] = (double)(t->bytes - bytes);
}

static void tell(const char *what, struct sample *s)
{
    qsort(s->ms, (size_t)s->count, sizeof *s->ms, by_value);
    qsort(s->bytes, (size_t)s->count, sizeof *s->bytes, by_value);
    int middle = s->count / 2, most = s->count * 95 / 100;
    printf("%-26s median %5.1f ms, 95%% %5.1f, longest %5.1f; %6.0f bytes a key, 95%% %6.0f\n",
           what, s->ms[middle], s->ms[most], s->ms[s->count - 1], s->bytes[middle], s->bytes[most]);
    s->count = 0;
}

static void command(struct terminal *t, const char *line)
{
    terminal_type(t, ":");
    terminal_type(t, line);
    terminal_type(t, "\r");
    terminal_settle(t, 300);
}

/* A query runs again and again: every fourth key asks. */
static void while_asking(struct terminal *t, int keys, struct sample *s)
{
    for (int i = 0; i < keys; i++) {
        if (i % 4 == 0)
            terminal_type(t, "r");
        press(t, i % 16 < 8 ? "\033OC" : "\033OD", s);
    }
    tell("while queries run", s);
}

/* Every region, token or head is left out in turn: work for a second or more. */
static void while_working(struct terminal *t, int keys, struct sample *s)
{
    for (int i = 0; i < keys; i++) {
        if (i % 8 == 0)
            terminal_type(t, ":leave-one-out heads\r:view image\r");
        press(t, i % 16 < 8 ? "\033OC" : "\033OD", s);
    }
    tell("while leave-one-out runs", s);
}

/* The detector finds regions of an image without a cache; the tokens are those of the query. */
static void while_detecting(struct terminal *t, int keys, struct sample *s)
{
    for (int i = 0; i < keys; i++) {
        if (i % 4 == 0)
            terminal_type(t, "n");
        press(t, i % 16 < 8 ? "\033OC" : "\033OD", s);
    }
    tell("while the detector runs", s);
}

/* The mouse goes over cells of the matrix: each is another name in the last line. */
static void while_pointing(struct terminal *t, int moves)
{
    double *bytes = calloc((size_t)moves + 1, sizeof *bytes);
    int images = t->images;
    for (int i = 0; bytes && i < moves; i++) {
        char text[40];
        long long before = t->bytes;
        snprintf(text, sizeof text, "\033[<35;%d;%dM", 100 + i % 16, 6 + i % 8);
        terminal_type(t, text);
        terminal_read(t, 30);
        bytes[i] = (double)(t->bytes - before);
    }
    if (bytes)
        qsort(bytes, (size_t)moves, sizeof *bytes, by_value);
    if (bytes)
        printf("%-26s %.0f bytes a move, 95%% %.0f, %d pictures\n", "the mouse elsewhere",
               bytes[moves / 2], bytes[moves * 95 / 100], t->images - images);
    free(bytes);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    int keys = argc > 2 ? atoi(argv[2]) : 200;
    if (argc < 2 || keys < 20) {
        fprintf(stderr, "usage: bench-latency MODEL-DIR [KEYS]\n");
        return 2;
    }
    setenv("VILSCOPE_DEMO", argv[1], 1);
    setenv("VILSCOPE_CACHE_MB", "0", 1);
    const char *run[] = {terminal_program(), "--no-log", NULL};
    const struct terminal_kind kind = {.sixel = true, .motion = true};
    struct terminal *t = terminal_start_as(run, 40, 120, &kind);
    struct sample s = {calloc((size_t)keys + 1, sizeof(double)),
                       calloc((size_t)keys + 1, sizeof(double)), 0};
    if (!t || !terminal_expect(t, "softmax"))
        return 1;
    command(t, "view matrix");
    command(t, "split heads");
    command(t, "hide answer");
    command(t, "view image");
    terminal_type(t, "\033OC");
    terminal_settle(t, 500);
    for (int i = 0; i < keys; i++)
        press(t, i % 16 < 8 ? "\033OC" : "\033OD", &s);
    tell("at rest", &s);
    while_asking(t, keys, &s);
    while_working(t, keys, &s);
    while_detecting(t, keys, &s);
    long long bytes = t->bytes;
    terminal_settle(t, 1500);
    while_pointing(t, keys);
    bytes = t->bytes;
    terminal_type(t, "\033[<0;1;1m"); /* a button let go: a frame that changes nothing */
    terminal_settle(t, 500);
    printf("a frame that changes nothing: %lld bytes\n", t->bytes - bytes);
    terminal_type(t, "\033\033q");
    terminal_end(t);
    free(s.ms);
    free(s.bytes);
    return 0;
}
