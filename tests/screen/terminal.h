/* SPDX-License-Identifier: MIT */
/* A terminal for tests: a pseudo-terminal, libvterm for the text, and our own eyes for sixels. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>
#include <vterm.h>

enum { CELL_W = 8, CELL_H = 16, MAX_W = 1400, MAX_H = 900 };

/* What kind of terminal it is. */
struct terminal_kind {
    bool sixel;      /* answers DA1 with 4 */
    bool mute;       /* answers nothing */
    bool late;       /* answers when the program has stopped waiting */
    bool noisy;      /* says other things between its answers */
    long bytes_a_second; /* that it takes; 0: all */
    int piece, gap;  /* answers come so many bytes at a time, so many ms apart; 0: at once */
    bool says;       /* that it has another size than it has: */
    int rows, cols;
    int delay;       /* ms until a key arrives, and until what is written is seen */
    const char *term, *colorterm; /* of the environment; NULL: xterm-256color, none */
    bool window;     /* pictures may be as large as the window, at any time */
    bool kitty, placeholders, iterm2; /* it knows them, and says so */
    bool flat;       /* it has no screen beside the shell's, as GNU screen is usually set up */
    bool motion;     /* says that it reports the mouse without a button */
    const char *color; /* how it says which color was set (DECRQSS), or NULL */
    bool tmux;       /* questions reach it only if they are wrapped for tmux */
    const char *name, *back; /* what it calls itself; its background, "rgb:..."; or NULL */
};

struct terminal {
    int fd, rows, cols;
    pid_t pid;
    bool ended;
    int status;       /* then */
    struct terminal_kind kind;
    char *late;       /* answers that wait */
    size_t late_at;   /* how much of them has been sent */
    long piece_at;    /* ms: when the last piece was */
    unsigned modes;   /* private modes that are on: terminal_mode */
    struct termios line; /* as it was before the program */
    long long bytes;  /* that came, pictures included */
    VTerm *vt;
    VTermScreen *screen;
    char seq[1 << 20]; /* an escape sequence under way */
    int len;
    int images;       /* pictures so far, or strips of them */
    int uneven;       /* those that are no whole cells wide, and sixes high: tmux scales them */
    int low;          /* sixels that were lower than a cell: mlterm draws them at its bottom */
    struct stored {   /* by kitty's graphics: what it keeps */
        uint32_t id;
        int w, h, cols, rows;
        int x, y;     /* in pixels of the screen; -1: placed by cells of text */
        unsigned turn; /* in which it was placed: later ones lie over it */
        uint8_t *rgb; /* NULL: none */
    } stored[256];
    int refused;      /* how many were wrong */
    char keys[256];   /* of a picture that comes in pieces, */
    char *pieces;     /* and its data */
    int left;         /* how often the program has left its screen */
    char said[1 << 15]; /* what it wrote since terminal_mark, but for pictures */
    int said_len;
    uint8_t rgb[MAX_H][MAX_W][3]; /* what pictures left, in pixels of the screen */
    bool painted[MAX_H][MAX_W];   /* by a picture, and not written over by text */
};

/* The path of the program that is tested. */
const char *terminal_program(void);
/* Starts argv[0]; argv ends in NULL. NULL when that fails. */
struct terminal *terminal_start(const char *const *argv, int rows, int cols, bool sixel, bool mute);
struct terminal *terminal_start_as(const char *const *argv, int rows, int cols,
                                   const struct terminal_kind *kind);
void terminal_type(struct terminal *t, const char *keys);
/* The same for any bytes, as many as there are: what the program writes meanwhile is read. */
void terminal_send(struct terminal *t, const char *bytes, size_t len);
void terminal_resize(struct terminal *t, int rows, int cols);
/* Reads what the program writes for so long. False when it has ended. */
bool terminal_read(struct terminal *t, int ms);
/* How long is waited for what is to be seen. Only tests that fail wait so long; sanitizers on a
 * busy machine need much of it. */
#define TERMINAL_PATIENCE_MS 60000
/* Reads until some row has text; gives up after TERMINAL_PATIENCE_MS. */
bool terminal_expect(struct terminal *t, const char *text);
/* Reads until it is so, as long: for what is seen in pixels. */
#define TERMINAL_UNTIL(t, so)                                                                      \
    for (int until_ = 0; until_ < TERMINAL_PATIENCE_MS / 20 && !(so) && terminal_read(t, 20);      \
         until_++) {                                                                               \
    }
bool terminal_has(const struct terminal *t, const char *text);
/* The first row that has the text, from 0, or -1. */
int terminal_row_of(const struct terminal *t, const char *text);
/* One row as UTF-8. */
void terminal_row(const struct terminal *t, int row, char *out, int size);
/* One row as it looks: blanks once, what is reverse in {}, a pane's border as "|", that of the pane
 * with the keys as "!", bars and other signs as "~". */
void terminal_drawn(const struct terminal *t, int row, char *out, int size);
/* Whether the cursor is seen, and on which row. */
bool terminal_cursor(const struct terminal *t, int *row);
/* From now on what is said is kept, as much as there is room for. */
void terminal_mark(struct terminal *t);
/* The color of a cell that shows the sign. U+2580 is a block of a picture. */
bool terminal_cell_color(const struct terminal *t, int row, int col, uint32_t sign,
                         uint8_t rgb[3]);
/* Reads until nothing has come for so long from a program that rests. */
void terminal_settle(struct terminal *t, int quiet_ms);
/* Whether a private mode (of ?25, ?1000, ?1003, ?1006, ?1049, ?2004, ?2026) is on. */
bool terminal_mode(const struct terminal *t, int number);
/* Whether it is as it was before the program: line and modes. What is not is told in why. */
bool terminal_restored(const struct terminal *t, char *why, int size);
/* Waits for the end; its wait status. */
int terminal_wait(struct terminal *t);
/* At most so long; -1, and killed, when it has not ended. */
int terminal_wait_ms(struct terminal *t, int ms);
/* What the program opens when it is given no model. Decided here for all screens: the frozen model,
 * which golden screens hang on, the demo that is shipped (test-demo.c only), or nothing. */
enum terminal_model { FROZEN_MODEL, SHIPPED_DEMO, NO_MODEL };
void terminal_opens(enum terminal_model what);
/* Logs evaluations of two checkpoints of the frozen model, three items of each task. */
void terminal_measure(const char *log);
/* The workbench on the frozen model, with its first query answered; nothing is logged. */
struct terminal *terminal_demo(int rows, int cols);
/* Types a command behind ':' and waits until the screen rests. */
void terminal_command(struct terminal *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Reads until no row has the text, as long; whether it went. */
bool terminal_goes(struct terminal *t, const char *text);
void terminal_free(struct terminal *t);
/* Both. */
int terminal_end(struct terminal *t);
/* The same; whether it ended with status 0. */
bool terminal_ends(struct terminal *t);

#endif
