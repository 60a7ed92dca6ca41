/* SPDX-License-Identifier: MIT */
/* Untrusted text for the screen: labels, file names, what users type, messages. */
#ifndef UI_TEXT_H
#define UI_TEXT_H

#include "src/base/mem.h"

#include <stddef.h>

/* Copies at most cells columns of s into out (size bytes, NUL terminated): invalid UTF-8, control
 * characters, line separators and direction marks become '?', tabs and new lines a space. Returns
 * the columns used. */
int text_fit(const char *s, int cells, char *out, size_t size);
/* Columns that s takes when shown through text_fit. */
int text_width(const char *s);
/* The same, but a text that is cut ends in an ellipsis: any number, and words of six columns or
 * more. */
int text_cut(const char *s, int cells, char *out, size_t size);
/* The same as text_fit, but what does not fit whole is left out from the last comma or semicolon
 * on, or else from the last space, if any. */
int text_fit_words(const char *s, int cells, char *out, size_t size);

/* Bytes of s that are one line of so many columns, up to a blank where there is one; all that
 * remains when it fits. */
size_t text_line(const char *s, int cells);

/* What of a pasted text (len bytes, a NUL after them) can be in a line: UTF-8 without control
 * characters; line_break stands for line breaks and the blanks around them, except at the ends.
 * Adds to out; returns the bytes that were left out. */
size_t text_paste(const char *text, size_t len, char line_break, struct buf *out);

#endif
