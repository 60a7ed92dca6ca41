/* Exports: what is written of one query, and the parts of an HTML page. Inside sessions/ only. */
#ifndef VS_EXPORT_H
#define VS_EXPORT_H

#include "sessions/tend.h"

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
/* What was found out about two checkpoints: a line of JSON, a section of the page. */
int export_json_difference(struct log *l, const struct log_difference *d, FILE *out,
                           struct vs_err *err);
int export_html_difference(struct log *l, const struct log_difference *d, FILE *out,
                           struct vs_err *err);
int export_session_uid(struct log *l, int64_t session, char uid[LOG_UID], struct vs_err *err);
int export_html_query(struct log *l, struct export_page *page, const struct export_item *x,
                      FILE *out, struct vs_err *err);
/* Frees what the page has. */
void export_html_end(struct export_page *page, FILE *out);

#endif
