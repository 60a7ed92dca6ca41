/* SPDX-License-Identifier: MIT */
/* The last hand on a text of the wide language. */
#ifndef DEMO_PHRASE_H
#define DEMO_PHRASE_H

#include "demo/world.h"

enum { PHRASES_MOST = 24 };
struct phrase {
    int start, end;   /* bytes of the text */
    unsigned objects; /* bits */
};
struct phrases {
    struct buf text; /* without marks */
    struct phrase list[PHRASES_MOST];
    int count;
};
/* Takes the marks out of a text (marks.h). The caller frees out->text. */
void phrase_read(const char *text, struct phrases *out);

/* A slip of the keyboard in one word of four letters or more: two letters swapped, one left out,
 * one twice, one beside its key. False when nothing changed. */
bool phrase_slip(struct dice *d, struct buf *text);

#endif
