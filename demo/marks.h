/* SPDX-License-Identifier: MIT */
/* Which words of a text name which objects. A name stands between MARK, MARK_BITS with a bit for
 * each object, and MARK_END, until the text is finished (phrase.c). */
#ifndef DEMO_MARKS_H
#define DEMO_MARKS_H

enum { MARK = 1, MARK_END = 2, MARK_BITS = 0x80 };
/* Takes text; without objects it stays as it is. Caller frees. */
char *marked(char *text, unsigned objects);

#endif
