/* SPDX-License-Identifier: MIT */
/* Regions that the detector has found, kept on the disk by the digests of image and detector:
 * $XDG_CACHE_HOME/vilscope/regions, at most $VILSCOPE_CACHE_MB megabytes (2048 by default), the
 * longest unused ones go first. Each file is safetensors with boxes, features, classes, conf and
 * size. */
#ifndef VS_REGIONCACHE_H
#define VS_REGIONCACHE_H

#include "src/formats/regions.h"

#include <stdbool.h>
#include <stdint.h>

/* false when they are not there (or damaged). */
bool regioncache_get(const char *image, const char *detector, struct regions **out);
/* A cache that cannot be written is silently not written. */
void regioncache_put(const char *image, const char *detector, const struct regions *r);

struct regioncache_usage {
    char *folder; /* caller frees; NULL without a home */
    int files;
    int64_t bytes, limit;
};
void regioncache_measure(struct regioncache_usage *out);
/* Removes all of it; how many files. */
int regioncache_clear(void);

#endif
