/* SPDX-License-Identifier: MIT */
/* The user's own keys and settings: vilscope.conf(5). */
#include "src/formats/bytes.h"
#include "src/base/mem.h"
#include "src/base/stream.h"
#include "ui/kit/lines.h"
#include "ui/actions/actions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST (1 << 20) /* bytes of a configuration or script */

/* NULL when the environment names no home. */
static char *conf_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && config[0] == '/')
        return xasprintf("%s/vilscope/vilscope.conf", config);
    return home && home[0] ? xasprintf("%s/.config/vilscope/vilscope.conf", home) : NULL;
}

char *conf_read_text(const char *path, struct vs_err *err)
{
    FILE *f = stream_check(path, err) == 0 ? fopen(path, "re") : NULL;
    struct buf b = {0};
    char part[4096];
    size_t n;
    if (!f) {
        if (!err->code)
            vs_fail(err, VS_E_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    while ((n = fread(part, 1, sizeof part, f)) > 0 && b.len <= MOST)
        buf_add(&b, part, n);
    bool bad = ferror(f) != 0;
    fclose(f);
    if (bad || b.len > MOST || memchr(b.data ? b.data : "", '\0', b.len)) {
        vs_fail(err, VS_E_FORMAT, "%s: %s", path, bad ? "cannot be read" : b.len > MOST
                ? "larger than a megabyte: not a script"
                : "contains zero bytes: not a text file");
        buf_fini(&b);
        return NULL;
    }
    return buf_steal(&b);
}

/* Only what makes sense before anything is open. */
static bool is_setting(const char *word)
{
    return strcmp(word, "bind") == 0 || strcmp(word, "set") == 0;
}

static void run_line(struct workbench *w, const char *path, int number, char *line)
{
    char *whole = xstrdup(line), *why;
    char *rest = lines_split(line);
    (void)rest;
    if (!is_setting(line))
        workbench_say(w, true, "'%s': lines are bind KEY COMMAND, or set OPTION VALUE", line);
    else
        actions_line(w, whole);
    if (w->status.bad) {
        why = xstrdup(w->status.text);
        workbench_say(w, true, "%s:%d: %s", draw_base_name(path), number, why);
        free(why);
    }
    free(whole);
}

void conf_load(struct workbench *w)
{
    struct vs_err err = {0};
    char *path = conf_path(), *text = NULL, *first = NULL;
    struct stat st;
    if (!path || stat(path, &st) != 0) {
        free(path);
        return;
    }
    if (S_ISREG(st.st_mode)) /* reading a pipe waits for who writes to it */
        text = conf_read_text(path, &err);
    else
        vs_fail(&err, VS_E_FORMAT, "%s: is not a regular file: no keys are read from it", path);
    struct lines l = {.at = text};
    for (char *line; (line = lines_next(&l));) {
        run_line(w, path, l.number, line);
        if (w->status.bad && !first)
            first = xstrdup(w->status.text);
    }
    if (!text)
        workbench_say(w, true, "%s", err.text);
    else if (first)
        workbench_say(w, true, "%s", first);
    else
        workbench_say(w, false, "%s", "");
    free(first);
    free(text);
    free(path);
}
