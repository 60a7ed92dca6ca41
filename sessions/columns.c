/* SPDX-License-Identifier: MIT */
/* Cells of the log by their kind: how each is written and read. */
#include "sessions/columns.h"

#include "src/base/mem.h"

#include <string.h>

static const char *const outcome_names[] = {
    [PROBE_RIGHT] = "right",
    [PROBE_WRONG] = "wrong",
    [PROBE_UNJUDGED] = "unjudged",
    [PROBE_FAILED] = "failed",
};

/* ---- writing */

int column_begin(struct log *l, const char *sql, struct column_row *row, struct vs_err *err,
                 const char *format, ...)
{
    va_list ap;
    *row = (struct column_row){.at = (int)strlen(format) + 1, .good = true};
    int rc = db_ready(l, sql, &row->s, err);
    if (rc != 0)
        return rc;
    va_start(ap, format);
    db_bind_list(row->s, format, ap);
    va_end(ap);
    return 0;
}

void column_put_text(struct column_row *row, const char *text)
{
    if (text)
        sqlite3_bind_text(row->s, row->at++, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(row->s, row->at++);
}

void column_put_words(struct column_row *row, const char *text)
{
    column_put_text(row, text);
}

void column_put_blank(struct column_row *row, const char *text)
{
    column_put_text(row, text ? text : "");
}

void column_put_digest(struct column_row *row, const char *digest)
{
    column_put_text(row, digest);
}

void column_put_task(struct column_row *row, const struct task *task)
{
    column_put_text(row, task->name);
}

void column_put_outcome(struct column_row *row, enum log_outcome outcome)
{
    column_put_text(row, outcome_names[outcome]);
}

void column_put_origin(struct column_row *row, enum region_origin origin)
{
    column_put_text(row, region_origin_names[origin]);
}

void column_put_layout(struct column_row *row, bool separate)
{
    column_put_text(row, separate ? "separate" : "");
}

void column_put_bool(struct column_row *row, bool value)
{
    column_put_id(row, value);
}

void column_put_int(struct column_row *row, int value)
{
    column_put_id(row, value);
}

void column_put_id(struct column_row *row, int64_t value)
{
    sqlite3_bind_int64(row->s, row->at++, value);
}

void column_put_real(struct column_row *row, double value)
{
    sqlite3_bind_double(row->s, row->at++, value);
}

void column_put_float(struct column_row *row, float value)
{
    column_put_real(row, (double)value);
}

/* ---- reading */

char *column_get_text(struct column_row *row)
{
    return db_text(row->s, row->at++);
}

char *column_get_words(struct column_row *row)
{
    char *text = db_text(row->s, row->at++);
    row->good &= text != NULL;
    return text ? text : xstrdup("");
}

char *column_get_blank(struct column_row *row)
{
    const char *text = (const char *)sqlite3_column_text(row->s, row->at++);
    return text && text[0] ? xstrdup(text) : NULL;
}

void column_get_digest(struct column_row *row, char out[DIGEST_HEX])
{
    db_copy(row->s, row->at++, out, DIGEST_HEX);
}

const struct task *column_get_task(struct column_row *row)
{
    const char *name = (const char *)sqlite3_column_text(row->s, row->at++);
    return name ? task_find(name) : NULL;
}

enum log_outcome column_get_outcome(struct column_row *row)
{
    const char *name = (const char *)sqlite3_column_text(row->s, row->at++);
    int o = sizeof outcome_names / sizeof outcome_names[0] - 1;
    while (o > 0 && strcmp(name ? name : "", outcome_names[o]) != 0)
        o--;
    return (enum log_outcome)o;
}

enum region_origin column_get_origin(struct column_row *row)
{
    const char *name = (const char *)sqlite3_column_text(row->s, row->at++);
    for (int o = 0; name && o < REGION_ORIGINS; o++)
        if (strcmp(name, region_origin_names[o]) == 0)
            return (enum region_origin)o;
    row->good = false;
    return ORIGIN_FILE;
}

bool column_get_layout(struct column_row *row)
{
    const char *layout = (const char *)sqlite3_column_text(row->s, row->at++);
    return layout && strcmp(layout, "separate") == 0;
}

int column_get_int(struct column_row *row)
{
    int64_t n = sqlite3_column_int64(row->s, row->at);
    row->good &= n >= 0 && n <= INT32_MAX &&
                 sqlite3_column_type(row->s, row->at) == SQLITE_INTEGER;
    row->at++;
    return (int)n;
}

bool column_get_bool(struct column_row *row)
{
    return sqlite3_column_int(row->s, row->at++) != 0;
}

double column_get_real(struct column_row *row)
{
    return sqlite3_column_double(row->s, row->at++);
}
