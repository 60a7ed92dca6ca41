/* SPDX-License-Identifier: MIT */
/* Outside text on its way to a terminal, or into a file: labels, file names, what users typed,
 * names in checkpoints and databases. It may hold anything; none of it may move the cursor, turn
 * the direction of a line or end it. */
#ifndef VS_PLAIN_H
#define VS_PLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct buf;
struct json_t; /* jansson's */

/* Decodes one code point; the bytes it takes, or 0 when s begins with something invalid. */
int plain_decode(const char *s, uint32_t *c);
/* Characters that move the cursor, end lines, turn the direction of text or cannot be seen. */
bool plain_harmful(uint32_t c);

/* In place: invalid UTF-8 and harmful characters become '?', tabs and new lines a space. */
void plain_clean(char *s);
/* A copy that takes at most columns of a screen; the caller frees it. NULL is "". */
char *plain_cut(const char *s, int columns);
/* The columns of s when it is shown cleaned. */
int plain_width(const char *s);

/* printf, with each text among the arguments cleaned; widths and precisions of texts are columns.
 * What the format itself says (new lines, escape sequences of ours) is written as it is. Knows the
 * conversions d, i, u, x, c, f, e, g, s and %%, with l, ll, z and t. */
void plain_text(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void plain_out(const char *format, ...) __attribute__((format(printf, 1, 2))); /* to stdout */
void plain_buf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A JSON document (or a part of one): to a terminal, harmful characters are written as \u escapes,
 * which mean the same; into a file it goes as it is. */
void plain_json(FILE *out, const char *json);
void plain_json_line(const char *json); /* to stdout, with a new line; NULL is {} */

/* A string of JSON: bytes that are not UTF-8, which it cannot hold, become U+FFFD. NULL is null. */
struct json_t *plain_string(const char *s);
/* A number of JSON, which has neither NaN nor infinity: they are null. */
struct json_t *plain_number(double v);

/* A field of CSV, which the caller frees: in quotes where it has to be, or always, and with '
 * before a text that a spreadsheet would take for a formula. Numbers stay as they are. NULL: "". */
char *plain_field(const char *s, bool always);
/* The same, written; to a terminal it is cleaned. */
void plain_csv(FILE *out, const char *s, bool always);

#endif
