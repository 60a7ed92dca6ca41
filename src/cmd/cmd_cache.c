/* vilscope cache: the regions kept on the disk. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/engine/regioncache.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char cache_help[] =
    "Regions that the detector has found are kept, so that an image is looked at once.\n\n"
    "  show               where they are, how many, how large (the default)\n"
    "  clear              remove all of them\n\n"
    "      --json         as JSON\n"
    "      --help         this text\n\n"
    "They are in $XDG_CACHE_HOME/vilscope/regions (~/.cache without it). VILSCOPE_CACHE_MB is the\n"
    "limit in megabytes, 2048 by default, 0 for none at all; the longest unused go first.\n";

static int show(bool json)
{
    struct regioncache_usage u;
    regioncache_measure(&u);
    if (json) {
        json_t *v = json_pack("{s:o, s:i, s:I, s:I}", "folder", plain_string(u.folder),
                              "images", u.files, "bytes", (json_int_t)u.bytes, "limit_bytes",
                              (json_int_t)u.limit);
        char *s = v ? json_dumps(v, JSON_INDENT(1)) : NULL;
        plain_json_line(s);
        free(s);
        json_decref(v);
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

int cmd_cache(int argc, char **argv)
{
    bool json = false;
    const char *what = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--help") == 0)
            return command_help(command_find("cache"));
        else if (argv[i][0] == '-' || what)
            return command_usage("cache", "'%s' is unknown", argv[i]);
        else
            what = argv[i];
    }
    if (!what || strcmp(what, "show") == 0)
        return show(json);
    if (strcmp(what, "clear") == 0)
        return clear(json);
    return command_usage("cache", "'%s' is neither show nor clear", what);
}
