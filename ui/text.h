/* Untrusted text for the screen: labels, file names, what users type, messages. */
#ifndef UI_TEXT_H
#define UI_TEXT_H

#include <stddef.h>

/* Copies at most cells columns of s into out (size bytes, NUL terminated): invalid UTF-8, control
 * characters, line separators and direction marks become '?', tabs and new lines a space. Returns
 * the columns used. */
int text_fit(const char *s, int cells, char *out, size_t size);
/* Columns that s takes when shown through text_fit. */
int text_width(const char *s);
/* The same, but what does not fit whole is left out from the last comma or space on, if any. */
int text_fit_words(const char *s, int cells, char *out, size_t size);

#endif
