/* SPDX-License-Identifier: MIT */
/* Digests of large files, remembered between runs by (device, inode, size, change times). */
#ifndef VS_DIGESTCACHE_H
#define VS_DIGESTCACHE_H

#include "src/formats/bytes.h"

#include <stdbool.h>

/* Look path up in $XDG_CACHE_HOME/vilscope/digests. false when the file is unknown or changed. */
bool digestcache_get(const char *path, char hex[DIGEST_HEX]);
/* Remember; a cache that cannot be written is silently not written. */
void digestcache_put(const char *path, const char hex[DIGEST_HEX]);

#endif
