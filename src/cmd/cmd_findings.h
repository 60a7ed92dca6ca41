/* SPDX-License-Identifier: MIT */
/* What a command found out, a line each: fine, worth knowing, or a problem and what to do. */
#ifndef VS_CMD_FINDINGS_H
#define VS_CMD_FINDINGS_H

#include <stdbool.h>

struct json_t; /* jansson's */

enum finding { FOUND_OK, FOUND_NOTE, FOUND_PROBLEM };
struct findings {
    struct json_t *list; /* NULL at first; findings_fini frees it */
    int problems, printed;
};

/* what: a word or two ("terminal"); todo: what to do about it, or NULL; then what was found. */
void finding_add(struct findings *f, enum finding how, const char *what, const char *todo,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Those that were not printed yet: "ok  terminal  ..." and, below it, what to do. */
void findings_print(struct findings *f);
/* The list, for a document of JSON: "what", "status", "text", "todo". */
struct json_t *findings_json(const struct findings *f);
void findings_fini(struct findings *f);

#endif
