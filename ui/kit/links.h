/* SPDX-License-Identifier: MIT */
/* Links to files in the text of the screen (OSC 8), which curses does not know: after it has
 * written, the cells of a link are written once more, as they are, and with the link. */
#ifndef UI_LINKS_H
#define UI_LINKS_H

#include <stdint.h>

#define LINKS_MOST 16

struct links {
    struct link {
        int row, col, cols;
        char *uri;
    } list[LINKS_MOST]; /* of the frame being made */
    int count;
    struct link_shown { /* those on the screen */
        int row, col, cols;
        uint64_t what; /* they are, with their cells */
    } shown[LINKS_MOST];
    int shown_count;
    struct link_known { /* made once: a network's file may be long in saying where it is */
        char *path, *part, *uri;
    } known[LINKS_MOST];
    int next; /* of the known, which a new one takes the place of */
};

/* A new frame: it has none. */
void links_begin(struct links *l);
/* Cells of text are a link to a file, or a part of it (link_uri); nothing where no file is there,
 * or the terminal is not known for links. */
void links_add(struct links *l, int row, int col, int cols, const char *path, const char *part);
/* What stands in a row is written anew without any. */
void links_drop(struct links *l, int row);
/* In the place of curses' refresh: takes away what is no link any more, and writes those that are
 * not on the screen. */
void links_refresh(struct links *l);
/* Everything on the screen was lost. */
void links_lost(struct links *l);
void links_fini(struct links *l);

#endif
