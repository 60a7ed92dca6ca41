/* SPDX-License-Identifier: MIT */
/* Exports: what is written of one query, and the parts of an HTML page. */
#ifndef VS_EXPORT_H
#define VS_EXPORT_H

#include "sessions/tend.h"

#include <jansson.h>

struct export_item {
    struct log_query *row;
    struct result *result;
};
/* The pictures that the page has so far: each is in it once. */
struct export_page {
    struct export_picture {
        char digest[DIGEST_HEX];
        bool there;
    } *pictures;
    int count;
};
void export_html_begin(struct log *l, const struct log_exported *what, FILE *out);
/* Text between tags or in a quoted attribute: escaped, and without what is no text. */
void export_put_text(FILE *out, const char *text);
/* Bytes as they stand in a page; and what a picture is there ("image/png"), NULL: none that a
 * browser has to know. */
void export_put_base64(FILE *out, const uint8_t *data, size_t size);
const char *export_picture_kind(const struct bytes *b);
/* What was found out about two checkpoints: a line of JSON, a section of the page. */
int export_json_difference(struct log *l, const struct log_difference *d, FILE *out,
                           struct vs_err *err);
int export_html_difference(struct log *l, const struct log_difference *d, FILE *out,
                           struct vs_err *err);
/* A string, or null: no text, or bytes that JSON cannot hold. */
json_t *export_text(const char *s);
/* A line: head's members, then name with a value that is JSON already, as it is. Takes head; with
 * NULL the line begins with a head_name of 0. */
void export_json_line(json_t *head, const char *head_name, const char *name, const char *value,
                      FILE *out);
int export_session_uid(struct log *l, int64_t session, char uid[LOG_UID], struct vs_err *err);
int export_html_query(struct log *l, struct export_page *page, const struct export_item *x,
                      FILE *out, struct vs_err *err);
/* Frees what the page has. */
void export_html_end(struct export_page *page, FILE *out);

#endif
