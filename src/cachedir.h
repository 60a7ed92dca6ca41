/* Where what can be computed again is kept: $XDG_CACHE_HOME/vilscope, or ~/.cache/vilscope. */
#ifndef VS_CACHEDIR_H
#define VS_CACHEDIR_H

#include <stdbool.h>

/* The path of name there; NULL without a home. create: the folder that holds it is made, as far as
 * that can be done. Caller frees. */
char *cachedir_path(const char *name, bool create);

#endif
