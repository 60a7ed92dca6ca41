/* SPDX-License-Identifier: MIT */
/* Writing the regions of many images.
 *
 * Source of the tables: tools/generate_tsv.py of bottom-up-attention, LXMERT's data/README. */
#include "src/formats/regionout.h"

#include "src/formats/base64.h"
#include "src/formats/boxcheck.h"
#include "src/formats/byteorder.h"
#include "src/formats/lmdbwrite.h"
#include "src/formats/outfile.h"
#include "src/formats/regions_priv.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct regionout {
    char *path;
    enum region_out kind;
    bool replace;
    struct lmdb_out *lmdb;
    FILE *table;
    bool made, emptied; /* the table: by us; of what it had before */
    struct strmap keys; /* of a table's lines; they are in list */
    char **list;
    int count;
};

/* ---- tables */

static void note_line(struct regionout *o, const char *key, size_t len)
{
    char *own = xstrndup(key, len);
    if (strmap_add(&o->keys, own, len, o->count) >= 0) {
        free(own);
        return;
    }
    if ((o->count & (o->count - 1)) == 0)
        o->list = xreallocarray(o->list, o->count ? 2 * (size_t)o->count : 1, sizeof *o->list);
    o->list[o->count++] = own;
}

static bool is_our_line(const struct regionout *o, const char *line, size_t n)
{
    const struct bytes one = {.data = (const uint8_t *)line, .size = n};
    return tsv_layout(&one) == (o->kind == REGION_OUT_OBJ36);
}

/* Where the last whole line ends: what a killed run left behind it is dropped. -1: one of the lines
 * is of something else. */
static off_t note_lines(struct regionout *o)
{
    char *line = NULL;
    size_t room = 0;
    off_t end = 0;
    for (ssize_t n; end >= 0 && (n = getline(&line, &room, o->table)) > 0;) {
        bool whole = line[n - 1] == '\n', ours = is_our_line(o, line, (size_t)n);
        if (whole && ours) {
            note_line(o, line, strcspn(line, "\t\r\n"));
            end += n;
        } else if (whole || (end == 0 && !ours)) {
            end = -1;
        }
    }
    free(line);
    return end;
}

static int go_on_table(struct regionout *o, struct vs_err *err)
{
    rewind(o->table);
    off_t end = note_lines(o);
    if (end < 0)
        return vs_fail(err, VS_E_USAGE, "%s: is there, and is no table of %s to go on with: give "
                       "another file, or --force to write it anew", o->path,
                       o->kind == REGION_OUT_OBJ36 ? "LXMERT's (obj36)" : "bottom-up-attention's");
    if (ferror(o->table) || ftruncate(fileno(o->table), end) != 0 ||
        fseeko(o->table, end, SEEK_SET) != 0)
        return vs_fail(err, VS_E_IO, "%s: %s", o->path, strerror(errno));
    return 0;
}

static int open_table(struct regionout *o, struct vs_err *err)
{
    struct stat st;
    o->made = stat(o->path, &st) != 0;
    if (!o->made && !S_ISREG(st.st_mode))
        return vs_fail(err, VS_E_USAGE, "%s: is no file: a table is written into one", o->path);
    o->table = fopen(o->path, "a+e");
    if (!o->table)
        return vs_fail(err, VS_E_IO, "%s: %s", o->path, strerror(errno));
    return o->replace ? 0 : go_on_table(o, err);
}

/* count numbers of size bytes in a column of their own. */
static void put_column(struct buf *b, const void *data, size_t count, size_t size)
{
    size_t n = count * size;
    uint8_t *raw = xmalloc(n + 1);
    le_copy(raw, data, count, size);
    buf_putc(b, '\t');
    base64_encode(raw, n, b);
    free(raw);
}

/* Classes that nobody found are 0 with a confidence of 0: LXMERT's file always has them. */
static void put_columns_of_objects(struct buf *b, const struct regions *r)
{
    size_t n = (size_t)r->count;
    int64_t *ids = xcalloc(n + 1, sizeof *ids);
    float *zero = xcalloc(n + 1, sizeof *zero);
    for (size_t i = 0; r->classes && i < n; i++)
        ids[i] = r->classes[i] < 0 ? 0 : r->classes[i];
    put_column(b, ids, n, sizeof *ids);
    put_column(b, r->conf ? r->conf : zero, n, sizeof *zero);
    memset(ids, 0, n * sizeof *ids);
    put_column(b, ids, n, sizeof *ids);
    put_column(b, zero, n, sizeof *zero);
    free(ids);
    free(zero);
}

static int put_line(struct regionout *o, const char *key, const struct regions *r,
                    struct vs_err *err)
{
    struct buf b = {0};
    size_t n = (size_t)r->count;
    int added = boxes_added(r->boxes, r->count, r->width, r->height);
    if (added)
        return vs_fail(err, VS_E_FORMAT, "image '%s': its boxes reach %d pixels out of the image, "
                       "for which a table has no place: write .npy, safetensors or an LMDB", key,
                       added);
    if (strpbrk(key, "\t\r\n"))
        return vs_fail(err, VS_E_FORMAT, "image '%s': a table has no place for a name with tabs or "
                       "line breaks", key);
    if (o->replace && !o->emptied && ftruncate(fileno(o->table), 0) != 0)
        return vs_fail(err, VS_E_IO, "%s: %s", o->path, strerror(errno));
    o->emptied = true; /* not before there is something to write */
    if (o->kind == REGION_OUT_TSV) {
        buf_printf(&b, "%s\t%d\t%d\t%d", key, r->width, r->height, r->count);
    } else {
        buf_printf(&b, "%s\t%d\t%d", key, r->height, r->width);
        put_columns_of_objects(&b, r);
        buf_printf(&b, "\t%d", r->count);
    }
    put_column(&b, r->boxes, 4 * n, sizeof *r->boxes);
    put_column(&b, r->features, n * (size_t)r->dim, sizeof *r->features);
    buf_putc(&b, '\n');
    bool good = fwrite(b.data, 1, b.len, o->table) == b.len && fflush(o->table) == 0;
    buf_fini(&b);
    if (!good)
        return vs_fail(err, VS_E_IO, "%s: %s", o->path, strerror(errno));
    note_line(o, key, strlen(key));
    return 0;
}

/* ---- files in a folder */

static int open_folder(struct regionout *o, struct vs_err *err)
{
    int rc = outfile_folder(o->path, err);
    if (rc != 0)
        return rc;
    char *folder = xasprintf("%s/", o->path);
    tempfile_sweep(folder);
    free(folder);
    return 0;
}

static char *file_of(const struct regionout *o, const char *key)
{
    return xasprintf("%s/%s.%s", o->path, key,
                     o->kind == REGION_OUT_SAFETENSORS ? "safetensors" : "npy");
}

static int put_file(struct regionout *o, const char *key, const struct regions *r,
                    struct vs_err *err)
{
    if (!key[0] || key[0] == '.' || strchr(key, '/') || strlen(key) > 240)
        return vs_fail(err, VS_E_FORMAT, "image '%.100s': cannot be the name of a file: write a "
                       "table or an LMDB", key);
    char *path = file_of(o, key), *stem = xasprintf("%s/%s", o->path, key);
    int rc = o->kind == REGION_OUT_NPY           ? regions_write_npy(path, r, err)
             : o->kind == REGION_OUT_SAFETENSORS ? regions_write_safetensors(path, r, err)
                                                 : regions_write_pair(stem, r, err);
    free(path);
    free(stem);
    return rc;
}

/* ---- all */

int regionout_open(const char *path, enum region_out kind, size_t room, bool replace,
                   struct regionout **out, struct vs_err *err)
{
    struct regionout *o = xcalloc(1, sizeof *o);
    o->path = xstrdup(path);
    o->kind = kind;
    o->replace = replace;
    int rc = kind == REGION_OUT_LMDB ? lmdb_out_open(path, room, &o->lmdb, err)
             : kind == REGION_OUT_TSV || kind == REGION_OUT_OBJ36 ? open_table(o, err)
                                                                 : open_folder(o, err);
    if (rc == 0)
        *out = o;
    else
        regionout_close(o);
    return rc;
}

bool regionout_has(struct regionout *o, const char *key)
{
    if (o->table)
        return strmap_get(&o->keys, key, strlen(key)) >= 0;
    if (o->replace)
        return false;
    if (o->lmdb)
        return lmdb_out_has(o->lmdb, key);
    char *path = file_of(o, key);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

int regionout_put(struct regionout *o, const char *key, const struct regions *r,
                  struct vs_err *err)
{
    if (o->table)
        return put_line(o, key, r, err);
    if (!o->lmdb)
        return put_file(o, key, r, err);
    size_t size = 0;
    void *value = regions_lmdb_value(r, &size);
    int rc = lmdb_out_put(o->lmdb, key, value, size, o->replace, err);
    free(value);
    return rc;
}

int regionout_finish(struct regionout *o, struct vs_err *err)
{
    if (o->lmdb)
        return lmdb_out_finish(o->lmdb, err);
    if (o->table && (fflush(o->table) != 0 || fsync(fileno(o->table)) != 0))
        return vs_fail(err, VS_E_IO, "%s: %s", o->path, strerror(errno));
    return 0;
}

void regionout_close(struct regionout *o)
{
    if (!o)
        return;
    lmdb_out_close(o->lmdb);
    if (o->table)
        fclose(o->table);
    if (o->made && o->count == 0)
        unlink(o->path);
    strmap_fini(&o->keys);
    for (int i = 0; i < o->count; i++)
        free(o->list[i]);
    free(o->list);
    free(o->path);
    free(o);
}
