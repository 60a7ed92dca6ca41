/* SPDX-License-Identifier: MIT */
/* Queries of the log as JSON lines and CSV; the page of export_html.c is begun here, too. */
#include "sessions/db.h"
#include "sessions/export.h"
#include "sessions/tend.h"

#include "src/base/plain.h"
#include "src/study/attributed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The list's row of one query: what people said, and when. */
static int list_row(struct log *l, int64_t id, struct log_query **out, struct vs_err *err)
{
    struct log_filter f = {.before = id + 1, .limit = 1};
    int count = 0;
    int rc = log_find(l, &f, out, &count, err);
    if (rc == 0 && (count == 0 || (*out)[0].id != id)) {
        log_queries_free(*out, count);
        *out = NULL;
        rc = vs_fail(err, VS_E_MISSING, "%s: there is no query %lld", l->path, (long long)id);
    }
    return rc;
}

/* ---- JSON lines */

json_t *export_text(const char *s)
{
    return plain_string(s);
}

void export_json_line(json_t *head, const char *head_name, const char *name, const char *value,
                      FILE *out)
{
    char *text = head ? json_dumps(head, JSON_COMPACT) : NULL;
    if (text && text[0])
        text[strlen(text) - 1] = '\0'; /* the value goes before the closing brace */
    if (text)
        plain_json(out, text);
    else
        fprintf(out, "{\"%s\":0", head_name);
    fprintf(out, ",\"%s\":", name);
    plain_json(out, value);
    fputs("}\n", out);
    free(text);
    json_decref(head);
}

static json_t *tags_json(const char *tags)
{
    json_t *list = json_array();
    while (tags && *tags) {
        size_t n = strcspn(tags, " ");
        if (n)
            json_array_append_new(list, json_stringn(tags, n));
        tags += n + (tags[n] != '\0');
    }
    return list;
}

int export_session_uid(struct log *l, int64_t session, char uid[LOG_UID], struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT uid FROM sessions WHERE id = ?", &s, err);
    uid[0] = '\0';
    if (rc != 0)
        return rc;
    db_bind(s, "i", session);
    if (sqlite3_step(s) == SQLITE_ROW)
        db_copy(s, 0, uid, LOG_UID);
    else
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static int attributions_json(struct log *l, int64_t query, json_t **out, struct vs_err *err)
{
    struct attribution_record **list = NULL;
    int n = 0;
    int rc = log_read_attributions(l, query, &list, &n, err);
    *out = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(*out, attribution_record_json(list[i]));
    log_attributions_free(list, n);
    return rc;
}

static int put_json(struct log *l, const struct export_item *x, FILE *out, struct vs_err *err)
{
    char uid[LOG_UID];
    struct log_attention_size size = {0};
    json_t *attributions = NULL;
    int rc = export_session_uid(l, x->row->session, uid, err);
    if (rc == 0)
        rc = log_attention_size(l, x->row->id, &size, err);
    if (rc == 0)
        rc = attributions_json(l, x->row->id, &attributions, err);
    if (rc != 0) {
        json_decref(attributions);
        return rc;
    }
    char *result = result_json(x->result, 0);
    json_t *head = json_pack("{s:I, s:s, s:s, s:b, s:o, s:o, s:o, s:I, s:o}", "query",
                             (json_int_t)x->row->id, "session", uid, "asked", x->row->when,
                             "pinned", (int)x->row->pinned, "expected",
                             export_text(x->row->expected), "note", export_text(x->row->note),
                             "tags", tags_json(x->row->tags), "attention_bytes",
                             (json_int_t)size.packed, "attributions", attributions);
    export_json_line(head, "query", "result", result, out);
    free(result);
    return 0;
}

/* ---- CSV */

static int put_csv(struct log *l, const struct export_item *x, FILE *out, struct vs_err *err)
{
    const struct log_query *q = x->row;
    const char *texts[] = {q->when, q->task, q->text, q->answer};
    const char *more[] = {q->score_name, q->checkpoint, q->checkpoint_digest, q->image, q->changes,
                          q->expected, q->note, q->tags};
    (void)l, (void)err;
    fprintf(out, "%lld,%lld", (long long)q->id, (long long)q->session);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fputc(',', out);
        plain_csv(out, texts[i], false);
    }
    fprintf(out, ",%.9g", q->score);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        fputc(',', out);
        plain_csv(out, more[i], false);
    }
    fprintf(out, ",%d,%.9g,%.9g,%.9g,", q->pinned, x->result->entropy, x->result->margin,
            q->total_ms);
    plain_csv(out, x->result->notice, false);
    fputc('\n', out);
    return 0;
}

static const char csv_head[] =
    "query,session,asked,task,text,answer,score,score_name,checkpoint,checkpoint_digest,image,"
    "changes,expected,note,tags,pinned,entropy,margin,ms,notice\n";

/* ---- all of them */

static int put_one(struct log *l, int64_t id, enum log_format format, struct export_page *page,
                   FILE *out, struct vs_err *err)
{
    struct export_item x = {0};
    int rc = list_row(l, id, &x.row, err);
    if (rc == 0)
        rc = log_read_result(l, id, &x.result, err);
    if (rc == 0)
        rc = format == LOG_HTML  ? export_html_query(l, page, &x, out, err)
             : format == LOG_CSV ? put_csv(l, &x, out, err)
                                 : put_json(l, &x, out, err);
    result_free(x.result);
    log_queries_free(x.row, x.row ? 1 : 0);
    return rc;
}

int log_export(struct log *l, const struct log_exported *what, enum log_format format, FILE *out,
               struct vs_err *err)
{
    struct export_page page = {0};
    int rc = 0;
    if (format == LOG_CSV)
        fputs(csv_head, out);
    if (format == LOG_HTML)
        export_html_begin(l, what, out);
    for (int i = 0; i < what->count && rc == 0; i++)
        rc = put_one(l, what->queries[i], format, &page, out, err);
    for (int i = 0; i < what->difference_count && format != LOG_CSV && rc == 0; i++)
        rc = format == LOG_HTML ? export_html_difference(l, &what->differences[i], out, err)
                                : export_json_difference(l, &what->differences[i], out, err);
    if (format == LOG_HTML)
        export_html_end(&page, out);
    return rc;
}
