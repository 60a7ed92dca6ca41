/* SPDX-License-Identifier: MIT */
/* Logs of what could not be written when it was asked. They are logs like any other: "sessions
 * merge" adds them, and so does the next program that opens the log they are for. */
#include "sessions/left.h"

#include "sessions/place.h"
#include "sessions/tend.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD ".waiting-"
#define TAIL ".db"

static char *name_after(const char *log)
{
    char random[TEMPFILE_RANDOM];
    return tempfile_random(random, NULL) == 0 ? xasprintf("%s" WORD "%s" TAIL, log, random) : NULL;
}

char *left_name(const char *log, bool in_folder)
{
    if (in_folder || !place_is_folder(log))
        return name_after(log);
    char *one = place_name(log, 1), *name = name_after(one);
    free(one);
    return name;
}

/* Under names that no log merges by itself: it would be another one than was meant. */
static char *name_in(const char *folder, const char *word)
{
    char random[TEMPFILE_RANDOM];
    return tempfile_random(random, NULL) == 0
               ? xasprintf("%s%s%s" TAIL, folder, word, random) : NULL;
}

char *left_home_name(void)
{
    char *log = log_default_path(NULL), *slash = log ? strrchr(log, '/') : NULL;
    if (slash && !place_is_folder(log))
        slash[1] = '\0';
    char *name = slash ? name_in(log, "waiting-") : NULL;
    free(log);
    return name;
}

char *left_temporary_name(void)
{
    const char *tmp = getenv("TMPDIR");
    return name_in(tmp && tmp[0] == '/' ? tmp : "/tmp", "/vilscope-waiting-");
}

/* "BASE.waiting-0123456789abcdef.db", an ordinary file of ours. */
static bool is_left(int folder, const char *entry, const char *base)
{
    struct stat st;
    size_t n = strlen(base), digits = TEMPFILE_RANDOM - 1;
    if (strncmp(entry, base, n) != 0 || strncmp(entry + n, WORD, strlen(WORD)) != 0)
        return false;
    const char *rest = entry + n + strlen(WORD);
    return strspn(rest, "0123456789abcdef") == digits && strcmp(rest + digits, TAIL) == 0 &&
           fstatat(folder, entry, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_uid == geteuid();
}

/* Whoever merges the same at once writes nothing twice. */
static int64_t take_one(struct log *l, const char *path)
{
    struct log *from = NULL;
    struct log_merged n = {0};
    int rc = log_open(path, true, &from, NULL);
    if (rc == 0) {
        rc = log_merge(l, from, &n, NULL);
        log_close(from);
    }
    if (rc == 0)
        unlink(path);
    return rc == 0 ? n.queries + n.others : 0;
}

void left_take(struct log *l)
{
    const char *slash = strrchr(l->path, '/'), *base = slash ? slash + 1 : l->path;
    char *folder = slash ? xstrndup(l->path, (size_t)(slash - l->path) + 1) : xstrdup("./");
    DIR *d = opendir(folder);
    int64_t taken = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!is_left(dirfd(d), e->d_name, base))
            continue;
        char *path = xasprintf("%s%s", folder, e->d_name);
        taken += take_one(l, path);
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
    if (taken > 0 && !l->notice)
        l->notice = xasprintf("%s: %lld record%s that had waited %s added", l->path,
                              (long long)taken, taken == 1 ? "" : "s", taken == 1 ? "is" : "are");
}
