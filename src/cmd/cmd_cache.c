/* SPDX-License-Identifier: MIT */
/* vilscope cache: the regions kept on the disk. */
#include "src/cmd/vilscope.h"

#include "src/cmd/cmd_model.h"
#include "src/base/plain.h"
#include "src/engine/regioncache.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    bool json;
};

static const struct option_row option_rows[] = {ROW_JSON(json), END};

static const struct command_word words[] = {
    {"show", NULL, "where they are, how many, how large (the default)"},
    {"clear", NULL, "remove all of them"},
    {NULL, NULL, NULL},
};

static int show(bool json)
{
    struct regioncache_usage u;
    regioncache_measure(&u);
    if (json) {
        command_json(json_pack("{s:o, s:i, s:I, s:I}", "folder", plain_string(u.folder), "images",
                               u.files, "bytes", (json_int_t)u.bytes, "limit_bytes",
                               (json_int_t)u.limit),
                     JSON_INDENT(1));
    } else if (u.folder) {
        plain_out("%s: %d images, %.1f MB of at most %" PRId64 " MB\n", u.folder, u.files,
                  (double)u.bytes / (1 << 20), u.limit >> 20);
    } else {
        printf("no cache: neither XDG_CACHE_HOME nor HOME is set\n");
    }
    free(u.folder);
    return EXIT_OK;
}

static int clear(bool json)
{
    int n = regioncache_clear();
    struct regioncache_usage u;
    regioncache_measure(&u);
    printf(json ? "{\"removed\": %d}\n" : "removed the regions of %d images\n", n);
    int status = EXIT_OK;
    if (u.files) {
        plain_text(stderr, "vilscope cache: %s: %d files cannot be removed: check who owns them\n",
                   u.folder, u.files);
        status = EXIT_FAILED;
    }
    free(u.folder);
    return status;
}

static int run(void *options, char **args, int count)
{
    const struct options *o = options;
    if (count == 0 || strcmp(args[0], "show") == 0)
        return show(o->json);
    if (strcmp(args[0], "clear") == 0)
        return clear(o->json);
    return command_usage("cache", "'%s' is neither show nor clear", args[0]);
}

const struct command command_cache = {
    .name = "cache", .args = "[show | clear] [--json]",
    .summary = "Show or clear the regions kept on the disk.",
    .about = "Found regions are kept, so that the detector runs once on an image.\n",
    .after =
        "They are in $XDG_CACHE_HOME/vilscope/regions (~/.cache without it). VILSCOPE_CACHE_MB\n"
        "is the limit in megabytes, 2048 by default, 0 for none at all; the longest unused go\n"
        "first.\n",
    .rows = option_rows, .words = words, .most = 1, .size = sizeof(struct options), .run = run,
};
