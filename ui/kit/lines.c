/* SPDX-License-Identifier: MIT */
/* Lines of a script or a configuration. */
#include "ui/kit/lines.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts blanks off both ends. */
static char *trim(char *s)
{
    size_t len;
    while (is_blank(*s))
        s++;
    for (len = strlen(s); len > 0 && is_blank(s[len - 1]); len--)
        s[len - 1] = '\0';
    return s;
}

char *lines_next(struct lines *l)
{
    while (l->at && *l->at) {
        char *line = l->at, *end = strchr(line, '\n');
        l->at = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        l->number++;
        line = trim(line);
        if (*line && *line != '#')
            return line;
    }
    return NULL;
}

char *lines_split(char *line)
{
    char *rest = line + strcspn(line, " \t");
    if (*rest)
        *rest++ = '\0';
    return trim(rest);
}
