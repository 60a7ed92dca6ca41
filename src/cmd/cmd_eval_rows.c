/* SPDX-License-Identifier: MIT */
/* vilscope eval: rows on their way out, and items that have none. What a task has of rows goes
 * through temporary files, so memory does not grow with the number of items. */
#include "src/cmd/cmd_eval.h"

#include "src/formats/outfile.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/stream.h"
#include "src/base/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int rows_failed(const char *path, struct vs_err *err)
{
    return vs_fail(err, VS_E_IO, "%s: rows cannot be written: %s", path,
                   strerror(errno ? errno : EIO));
}

/* ---- spools: entries with ", " between them */

static int spool_open(struct rows_spool *s, const char *between, struct vs_err *err)
{
    *s = (struct rows_spool){.file = spool_file(), .between = between};
    return s->file ? 0 : rows_failed("a temporary file", err);
}

static int spool_add(struct rows_spool *s, const char *text, struct vs_err *err)
{
    if (s->size > 0) {
        fputs(s->between, s->file);
        s->size += (long)strlen(s->between);
    }
    fputs(text, s->file);
    s->size += (long)strlen(text);
    return ferror(s->file) ? rows_failed("a temporary file", err) : 0;
}

static void spool_close(struct rows_spool *s)
{
    if (s->file)
        fclose(s->file);
    s->file = NULL;
}

/* Everything that was added, to take(arg); false when it cannot be read. */
typedef void spool_take(void *arg, const char *text, size_t len);
static bool spool_each(struct rows_spool *s, spool_take *take, void *arg)
{
    char some[65536];
    size_t n;
    if (fflush(s->file) != 0 || fseek(s->file, 0, SEEK_SET) != 0)
        return false;
    while ((n = fread(some, 1, sizeof some, s->file)) > 0)
        take(arg, some, n);
    bool good = !ferror(s->file);
    fseek(s->file, 0, SEEK_END);
    return good;
}

static void to_stdout(void *arg, const char *text, size_t len)
{
    (void)arg;
    fwrite(text, 1, len, stdout);
}

/* Lines as entries of a list: a row has no new line. */
static void to_stdout_list(void *arg, const char *text, size_t len)
{
    (void)arg;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n')
            fputs(",\n  ", stdout);
        else
            putchar(text[i]);
}

static void to_outfile(void *arg, const char *text, size_t len)
{
    outfile_write(arg, text, len);
}

/* ---- items without a row */

#define FLAWS_SAID 10 /* by name */

bool eval_say_flaws(const struct evaluation *e, const char *what)
{
    int images = 0;
    for (int i = 0; i < e->flaw_count; i++) {
        const struct eval_flaw *f = &e->flaws[i];
        images += f->image;
        if (i < FLAWS_SAID)
            plain_text(stderr, "vilscope eval: %s: %s %s is left out%s: %s\n", what,
                       f->image ? "image" : "item", f->item, f->image ? " of the pool" : "",
                       f->why);
    }
    int items = e->flaw_count - images;
    if (e->flaw_count)
        plain_text(stderr, "vilscope eval: %s: %d of %d items are left out\n", what, items,
                   items + e->sums.items);
    return e->flaw_count > 0;
}

/* ---- where they go */

bool rows_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Behind the rows that are there whole. */
static int open_again(struct rows_out *o, struct vs_err *err)
{
    int rc = evaluation_past_open(o->path, &o->past, err);
    if (rc != 0)
        return rc;
    off_t size = (off_t)evaluation_past_size(o->past);
    o->lines = fopen(o->path, "ae");
    return o->lines && ftruncate(fileno(o->lines), size) == 0 ? 0 : rows_failed(o->path, err);
}

int rows_open(struct rows_out *o, const char *path, bool several, bool resume, struct vs_err *err)
{
    *o = (struct rows_out){.path = path, .several = several};
    o->folder = path && rows_is_folder(path);
    if (resume && (!path || o->folder))
        return vs_fail(err, VS_E_USAGE, "--resume goes on from a file of rows: --rows FILE");
    if (!path || o->folder)
        return 0;
    int rc = stream_check(path, err);
    if (rc != 0)
        return rc;
    if (resume)
        return open_again(o, err);
    o->lines = fopen(path, "ae"); /* rows_begin empties it: once there is something to write */
    o->stale = true;
    return o->lines ? 0 : rows_failed(path, err);
}

/* After each batch: a kill loses what came behind it. */
void rows_flush(struct rows_out *o)
{
    if (o->lines && fflush(o->lines) != 0 && o->error == 0)
        o->error = errno;
}

static int lines_error(const struct rows_out *o, struct vs_err *err)
{
    errno = o->error;
    return o->error ? rows_failed(o->path, err) : 0;
}

/* What was computed is on the disk, or that is an error. */
int rows_close(struct rows_out *o, struct vs_err *err)
{
    rows_flush(o);
    if (o->lines && fclose(o->lines) != 0 && o->error == 0)
        o->error = errno;
    o->lines = NULL;
    rows_end(o);
    evaluation_past_close(o->past);
    o->past = NULL;
    return lines_error(o, err);
}

/* What cannot be cut is no file, but a pipe or a device. */
static int drop_stale(struct rows_out *o, struct vs_err *err)
{
    bool stale = o->stale;
    o->stale = false;
    return !stale || ftruncate(fileno(o->lines), 0) == 0 || errno == EINVAL
               ? 0 : rows_failed(o->path, err);
}

int rows_begin(struct rows_out *o, bool keep_items, struct vs_err *err)
{
    int rc = drop_stale(o, err);
    if (rc == 0 && keep_items)
        rc = spool_open(&o->items, "\n", err);
    if (rc == 0 && keep_items) {
        o->starts = xcalloc((size_t)task_count, sizeof *o->starts);
        for (int t = 0; t < task_count; t++)
            o->starts[t] = -1;
    }
    if (rc == 0 && (keep_items || o->folder))
        rc = spool_open(&o->reference, ", ", err);
    return rc;
}

void rows_end(struct rows_out *o)
{
    spool_close(&o->items);
    spool_close(&o->reference);
    free(o->starts);
    o->starts = NULL;
}

static int keep_item(struct rows_out *o, const struct task *task, const char *row,
                     struct vs_err *err)
{
    long *start = &o->starts[task - task_table];
    if (*start < 0)
        *start = o->items.size + (o->items.size > 0); /* behind the new line */
    return spool_add(&o->items, row, err);
}

int rows_take(void *arg, const struct eval_item *it, const char *row, const char *reference,
              bool past, struct vs_err *err)
{
    struct rows_out *o = arg;
    int rc = o->items.file ? keep_item(o, it->task, row, err) : 0;
    if (rc == 0 && reference && o->reference.file)
        rc = spool_add(&o->reference, reference, err);
    if (rc != 0 || !o->lines || past)
        return rc;
    if ((fputs(row, o->lines) < 0 || putc('\n', o->lines) < 0) && o->error == 0)
        o->error = errno;
    return lines_error(o, err);
}

/* ---- as the reference's programs write them */

static int write_list(const char *path, struct rows_spool *s, struct vs_err *err)
{
    struct outfile out;
    int rc = outfile_open(&out, path, err);
    if (rc != 0)
        return rc;
    outfile_write(&out, "[", 1);
    bool good = !s || spool_each(s, to_outfile, &out);
    outfile_write(&out, "]", 1);
    if (good)
        return outfile_close(&out, err);
    outfile_drop(&out);
    return rows_failed(path, err);
}

/* "FOLDER", or a folder in it for the checkpoint and task where there are several. */
static int place_of(const struct rows_out *o, const char *checkpoint, const char *task,
                    char **out, struct vs_err *err)
{
    *out = o->several ? xasprintf("%s/%s-%s", o->path, checkpoint, task) : xstrdup(o->path);
    for (char *c = *out + strlen(o->path) + 1; o->several && *c; c++)
        *c = *c == '/' ? '_' : *c;
    return outfile_folder(*out, err);
}

int rows_write_reference(struct rows_out *o, const char *checkpoint, const char *task,
                         const char *split, struct vs_err *err)
{
    char *place = NULL;
    if (!o->folder)
        return 0;
    int rc = place_of(o, checkpoint, task, &place, err);
    char *result = xasprintf("%s/%s_result.json", place, split);
    char *others = xasprintf("%s/%s_others.json", place, split);
    if (rc == 0)
        rc = write_list(result, &o->reference, err);
    if (rc == 0)
        rc = write_list(others, NULL, err);
    free(result);
    free(others);
    free(place);
    return rc;
}

int rows_ready(struct rows_out *o, struct vs_err *err)
{
    bool good = (!o->items.file || fflush(o->items.file) == 0) &&
                (!o->reference.file || fflush(o->reference.file) == 0);
    return good ? 0 : rows_failed("a temporary file", err);
}

/* Mapped, so that memory does not grow with the number of items. */
int rows_map(struct rows_out *o, const char **text, size_t *size, struct vs_err *err)
{
    struct stat st;
    *text = NULL;
    *size = 0;
    if (!o->items.file)
        return 0;
    if (fflush(o->items.file) != 0 || fstat(fileno(o->items.file), &st) != 0)
        return rows_failed("a temporary file", err);
    if (st.st_size == 0)
        return 0;
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fileno(o->items.file), 0);
    if (at == MAP_FAILED)
        return rows_failed("a temporary file", err);
    *text = at;
    *size = (size_t)st.st_size;
    return 0;
}

/* Rows come task by task: its own end where the next ones begin. */
const char *rows_of_task(const struct rows_out *o, const struct task *task, const char *text,
                         size_t size, size_t *count)
{
    long start = o->starts ? o->starts[task - task_table] : -1, end = (long)size;
    *count = 0;
    if (!text || start < 0)
        return NULL;
    for (int t = 0; t < task_count; t++)
        if (o->starts[t] > start && o->starts[t] < end)
            end = o->starts[t];
    *count = (size_t)(end - start);
    return text + start;
}

void rows_unmap(const char *text, size_t size)
{
    if (text)
        munmap((void *)(uintptr_t)text, size);
}

int rows_print(struct rows_out *o, struct vs_err *err)
{
    printf(",\n \"rows\": [");
    bool good = spool_each(&o->reference, to_stdout, NULL);
    printf("],\n \"per_item\": [\n  ");
    good = spool_each(&o->items, to_stdout_list, NULL) && good;
    printf("\n ]");
    return good ? 0 : vs_fail(err, VS_E_IO, "a temporary file: rows cannot be read: %s",
                              strerror(errno ? errno : EIO));
}
