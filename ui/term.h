/* What the terminal can do, asked before curses starts. */
#ifndef UI_TERM_H
#define UI_TERM_H

#include "src/err.h"

#include <stdbool.h>
#include <stddef.h>

struct term {
    bool sixel;         /* DA1 has parameter 4 */
    bool sync;          /* knows synchronised output, mode 2026 */
    int cell_w, cell_h; /* pixels of a character cell; 0 unknown */
    int registers;      /* colours that a sixel image may have */
    int max_w, max_h;   /* largest image in pixels */
};

/* Replies are read byte by byte. Zero-initialise. */
struct term_parser {
    struct term term;
    bool done;        /* DA1 has come: it is asked last */
    char seq[64];     /* an escape sequence under way */
    size_t len;
    char keys[256];   /* bytes that are no replies: typed by the user meanwhile */
    size_t key_count;
};
void term_feed(struct term_parser *p, unsigned char byte);
/* Bounds what was heard to sane values. */
void term_settle(struct term *t);

/* Asks the terminal on standard input and output; with no answer after 300 ms it is one without
 * graphics. keys gets what the user typed meanwhile (size bytes at most, NUL terminated). Fails
 * when they are no terminal. */
int term_probe(struct term *out, char *keys, size_t size, struct vs_err *err);
/* Reads the cell's pixels again after a resize. */
void term_measure(struct term *t);

/* Restores the terminal when the program is killed by a fault. Call before curses starts. */
void term_guard(void);

#endif
