/* SPDX-License-Identifier: MIT */
/* What a command found out. */
#include "src/cmd/cmd_findings.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const statuses[] = {"ok", "note", "problem"};

void finding_add(struct findings *f, enum finding how, const char *what, const char *todo,
                 const char *format, ...)
{
    va_list ap;
    char text[2048];
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (!f->list)
        f->list = json_array();
    f->problems += how == FOUND_PROBLEM;
    json_array_append_new(f->list, json_pack("{s:s, s:s, s:o, s:o}", "what", what, "status",
                                             statuses[how], "text", plain_string(text), "todo",
                                             plain_string(todo)));
}

void findings_print(struct findings *f)
{
    for (; f->printed < (int)json_array_size(f->list); f->printed++) {
        const json_t *v = json_array_get(f->list, (size_t)f->printed);
        const char *todo = json_string_value(json_object_get(v, "todo"));
        plain_out("%-8s %-14s %s\n", json_string_value(json_object_get(v, "status")),
                  json_string_value(json_object_get(v, "what")),
                  json_string_value(json_object_get(v, "text")));
        if (todo)
            plain_out("%-8s %-14s   -> %s\n", "", "", todo);
    }
    fflush(stdout);
}

json_t *findings_json(const struct findings *f)
{
    return f->list ? json_incref(f->list) : json_array();
}

void findings_fini(struct findings *f)
{
    json_decref(f->list);
    *f = (struct findings){0};
}
