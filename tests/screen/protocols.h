/* SPDX-License-Identifier: MIT */
/* Pictures by the graphics of kitty and iTerm2, decoded without the program's own code. */
#ifndef PROTOCOLS_H
#define PROTOCOLS_H

#include "terminal.h"

/* What stands behind ESC _ G. True when it is to be answered, with what is in out. What is wrong is
 * counted in t->refused. */
bool protocols_kitty(struct terminal *t, const char *text, char *out, int size);
/* What stands behind "File=". */
void protocols_iterm2(struct terminal *t, const char *text);
/* Paints what cells with placeholders show; how many there are. -1: one shows nothing. */
int protocols_placeholders(struct terminal *t);
/* What kitty shows, whatever text was written since: painted and rgb are made anew of the pictures
 * that it keeps. */
void protocols_kept(struct terminal *t);
/* Pictures that the terminal keeps. */
int protocols_stored(const struct terminal *t);
void protocols_free(struct terminal *t);

#endif
