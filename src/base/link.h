/* SPDX-License-Identifier: MIT */
/* Links to files, which many terminals open at a click (OSC 8). */
#ifndef VS_LINK_H
#define VS_LINK_H

#include <stdbool.h>
#include <stdio.h>

/* Whether a terminal of the environment's TERM takes OSC 8 for a link, or swallows it: those that
 * may show it as text, as the Linux console, GNU screen and what has no name here, get none. */
bool link_known(void);
/* "file://HOST/FOLDER/FILE#PART", percent-encoded, of a file that is there; part may be NULL. The
 * caller frees; NULL: there is no such file. */
char *link_uri(const char *path, const char *part);
/* Writes a text, cleaned, and makes it a link where a terminal reads out that knows them. */
void link_print(FILE *out, const char *path, const char *part, const char *text);

#endif
