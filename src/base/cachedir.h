/* SPDX-License-Identifier: MIT */
/* Where what can be computed again is kept: $XDG_CACHE_HOME/vilscope, or ~/.cache/vilscope. */
#ifndef VS_CACHEDIR_H
#define VS_CACHEDIR_H

#include <stdbool.h>
#include <stdio.h>

/* The path of name there; NULL without a home, or where the folder is a link or another user's:
 * what lies in it would be theirs to choose. create: the folder that holds it is made, as far as
 * that can be done. Caller frees. */
char *cachedir_path(const char *name, bool create);
/* A folder or file that is there itself, not by a link, and belongs to this user. */
bool cachedir_is_ours(const char *path, bool folder);
/* A file of the cache to be read, or NULL. */
FILE *cachedir_open(const char *path);

#endif
