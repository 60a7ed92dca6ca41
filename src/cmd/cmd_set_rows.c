/* SPDX-License-Identifier: MIT */
/* What vilscope explain and eval --heads keep of each item, on its way out, and that of an earlier
 * run or of others that share the work. */
#include "src/cmd/cmd_set_rows.h"

#include "src/base/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_rows_failed(const char *path, struct vs_err *err)
{
    return vs_fail(err, VS_E_IO, "%s: rows cannot be written: %s", path,
                   strerror(errno ? errno : EIO));
}

/* Whole lines; what was cut off when the run ended is left out, *size are the bytes before it. */
static int set_rows_read(struct set_rows *r, FILE *f, long *size, struct vs_err *err)
{
    char *line = NULL;
    size_t room = 0;
    int rc = 0, number = 0;
    r->past = json_array();
    *size = 0;
    for (ssize_t n; rc == 0 && (n = getline(&line, &room, f)) > 0;) {
        if (line[n - 1] != '\n' && line[0] == '{')
            break;
        json_t *row = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);
        number++;
        if (!json_is_object(row))
            rc = vs_fail(err, VS_E_FORMAT, "%s: line %d is no row of %s", r->path, number,
                         r->kind->what);
        json_array_append_new(r->past, row ? row : json_null());
        *size += n;
    }
    if (rc == 0 && ferror(f))
        rc = vs_fail(err, VS_E_IO, "%s: cannot be read: %s", r->path, strerror(errno));
    free(line);
    return rc;
}

/* Behind the rows that are there whole. */
static int set_rows_again(struct set_rows *r, struct vs_err *err)
{
    long size = 0;
    FILE *f = fopen(r->path, "re");
    int rc = 0;
    if (!f && errno != ENOENT)
        return vs_fail(err, VS_E_IO, "%s: cannot be read: %s", r->path, strerror(errno));
    if (f) {
        rc = set_rows_read(r, f, &size, err);
        fclose(f);
    }
    if (rc != 0)
        return rc;
    r->file = fopen(r->path, "ae");
    return r->file && ftruncate(fileno(r->file), (off_t)size) == 0
               ? 0 : set_rows_failed(r->path, err);
}

int set_rows_open(struct set_rows *r, const struct set_row_kind *kind, const char *path,
                  bool resume, struct vs_err *err)
{
    *r = (struct set_rows){.path = path, .kind = kind};
    if (!path)
        return 0;
    int rc = stream_check(path, err);
    if (rc != 0)
        return rc;
    if (resume)
        return set_rows_again(r, err);
    r->file = fopen(path, "ae");
    r->stale = true; /* what is in it goes once there is a row to write */
    return r->file ? 0 : set_rows_failed(path, err);
}

/* Each row is on its way to the disk when the next item begins. */
int set_rows_add(struct set_rows *r, const json_t *row, struct vs_err *err)
{
    if (!r->file)
        return 0;
    if (r->stale && ftruncate(fileno(r->file), 0) != 0 && errno != EINVAL) /* of a device */
        return set_rows_failed(r->path, err);
    r->stale = false;
    char *text = json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(17));
    bool good = text && fputs(text, r->file) >= 0 && putc('\n', r->file) >= 0 &&
                fflush(r->file) == 0;
    free(text);
    return good ? 0 : set_rows_failed(r->path, err);
}

int set_rows_close(struct set_rows *r, struct vs_err *err)
{
    int rc = r->file && fclose(r->file) != 0 ? set_rows_failed(r->path, err) : 0;
    r->file = NULL;
    json_decref(r->past);
    r->past = NULL;
    return rc;
}

int set_rows_past(const struct set_rows *r, const struct eval_set *set,
                  const char *checkpoint, const char *digest, const char *setup, bool *done,
                  set_rows_take *take, void *arg, struct vs_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(r->past); i++) {
        json_t *row = json_array_get(r->past, i);
        const char *why = "";
        int index = -1;
        enum set_row is = set_row_check(r->kind, row, set, checkpoint, digest, setup, &index, &why);
        if (is == SET_ROW_WRONG)
            rc = vs_fail(err, VS_E_FORMAT, "%s: line %d is %s: give another file, or none to go on "
                         "from", r->path, (int)i + 1, why);
        if (is != SET_ROW_FITS || done[index])
            continue;
        done[index] = true;
        rc = take(arg, index, row, err);
    }
    return rc;
}
