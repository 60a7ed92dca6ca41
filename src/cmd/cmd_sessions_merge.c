/* SPDX-License-Identifier: MIT */
/* vilscope sessions merge: other logs, and evaluations that were measured by shards. */
#include "src/cmd/cmd_sessions.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/task/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- logs */

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static json_t *merged_value(const char *file, const struct log_merged *n)
{
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "file", plain_string(file),
                     "sessions", (json_int_t)n->sessions, "queries", (json_int_t)n->queries,
                     "others", (json_int_t)n->others, "notes", (json_int_t)n->notes, "notes_joined",
                     (json_int_t)n->joined, "tags", (json_int_t)n->tags, "pins",
                     (json_int_t)n->pins, "pins_kept", (json_int_t)n->kept_pins);
}

static void print_merged(const char *file, const struct log_merged *n)
{
    plain_out("%s: %lld new session%s, %lld new %s, %lld other record%s", file,
              (long long)n->sessions, n->sessions == 1 ? "" : "s", (long long)n->queries,
              n->queries == 1 ? "query" : "queries", (long long)n->others,
              n->others == 1 ? "" : "s");
    if (n->notes)
        printf(", %lld notes changed", (long long)n->notes);
    if (n->joined)
        printf(" (%lld edited in both logs: both versions are kept)", (long long)n->joined);
    if (n->tags || n->pins)
        printf(", %lld tags, %lld pins", (long long)n->tags, (long long)n->pins);
    if (n->kept_pins)
        printf(", %lld pins expect something else there: this log's stay", (long long)n->kept_pins);
    putchar('\n');
}

/* ---- shards */

static const char *joined_name(const struct log_joined *x)
{
    return x->checkpoint && x->checkpoint[0] ? x->checkpoint : "a checkpoint";
}

/* "3,11", "2-5,9" */
static char *list_numbers(const int *list, int count)
{
    struct buf b = {0};
    buf_puts(&b, "");
    for (int i = 0, end; i < count; i = end + 1) {
        for (end = i; end + 1 < count && list[end + 1] == list[end] + 1;)
            end++;
        end = end == i + 1 ? i : end; /* two stand by themselves */
        buf_printf(&b, "%s%d", i ? "," : "", list[i]);
        if (end > i)
            buf_printf(&b, "-%d", list[end]);
    }
    return buf_steal(&b);
}

static void print_joined(const struct log_joined *x)
{
    char *missing = list_numbers(x->missing, x->missing_count);
    if (!x->task) {
        plain_out("checkpoint %d of %d: none of its %d shards is there\n", x->place, x->places,
                  x->shards);
        free(missing);
        return;
    }
    plain_out("%-12s %-16s %d of %d items, %d of %d shards", x->task->name, joined_name(x),
              x->items, x->whole, x->shards - x->missing_count, x->shards);
    if (x->missing_count)
        plain_out(": %s %s missing: not scored\n", missing, x->missing_count == 1 ? "is" : "are");
    else if (x->unequal)
        plain_out(": not scored\n");
    else
        plain_out("  %.1f%% (%.1f to %.1f)\n", 100 * x->score, 100 * x->low, 100 * x->high);
    free(missing);
}

static json_t *joined_value(const struct log_joined *x)
{
    json_t *missing = json_array();
    for (int i = 0; i < x->missing_count; i++)
        json_array_append_new(missing, json_integer(x->missing[i]));
    json_t *v = json_pack("{s:o, s:o, s:o, s:i, s:i, s:i, s:o}", "task",
                          plain_string(x->task ? x->task->name : NULL), "split",
                          plain_string(x->split), "checkpoint", plain_string(x->checkpoint),
                          "items", x->items, "of", x->whole, "shards", x->shards, "missing",
                          missing);
    if (x->places) {
        json_object_set_new(v, "place", json_integer(x->place));
        json_object_set_new(v, "places", json_integer(x->places));
    }
    if (x->unequal)
        json_object_set_new(v, "unequal", plain_string(x->unequal));
    if (x->evaluation) {
        json_object_set_new(v, "evaluation", json_integer(x->evaluation));
        json_object_set_new(v, "score", json_real(x->score));
        json_object_set_new(v, "low", json_real(x->low));
        json_object_set_new(v, "high", json_real(x->high));
    }
    return v;
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Of several checkpoints each has its shards behind those of the one before it, as in the script
 * that "vilscope batch" prints. */
static void print_missing(const struct log_joined *list, int count)
{
    int *all = NULL, n = 0, kept = 0;
    for (int i = 0; i < count; i++) {
        const struct log_joined *x = &list[i];
        all = xreallocarray(all, (size_t)(n + x->missing_count) + 1, sizeof *all);
        for (int k = 0; k < x->missing_count; k++)
            all[n++] = (x->place > 0 ? x->place - 1 : 0) * x->shards + x->missing[k];
    }
    if (n)
        vs_sort(all, (size_t)n, sizeof *all, by_number);
    for (int i = 0; i < n; i++)
        if (kept == 0 || all[kept - 1] != all[i])
            all[kept++] = all[i];
    char *text = list_numbers(all, kept);
    if (kept)
        plain_out("%s\n", text);
    free(text);
    free(all);
}

/* What is there is joined. Status 1 while anything is missing or came out in two ways. */
static int merge_join(const struct sessions_options *o, struct log *l, json_t *all,
                      struct vs_err *err)
{
    struct log_joined *list = NULL;
    int n = 0, status = EXIT_OK;
    int rc = log_join(l, &list, &n, err);
    for (int i = 0; i < n && rc == 0; i++) {
        const struct log_joined *x = &list[i];
        if (x->missing_count || x->unequal)
            status = EXIT_FAILED;
        if (x->unequal)
            plain_text(stderr, "vilscope sessions: %s on %s: %s\n", x->task ? x->task->name : "?",
                       joined_name(x), x->unequal);
        if (o->json)
            json_array_append_new(all, joined_value(x));
        else if (!o->missing)
            print_joined(x);
    }
    if (rc == 0 && o->missing)
        print_missing(list, n);
    log_joined_free(list, n);
    return rc ? rc : status;
}

/* ---- the verb */

static int merge_file(const struct sessions_options *o, struct log *l, const char *file,
                      json_t *all, struct vs_err *err)
{
    struct log *from = NULL;
    struct log_merged n = {0};
    int rc = same_file(file, log_path(l))
                 ? vs_fail(err, VS_E_USAGE, "%s: this is the log itself", file)
                 : log_open_apart(file, &from, err);
    if (rc == 0)
        rc = log_merge(l, from, &n, err);
    log_close(from);
    if (rc == 0 && o->json)
        json_array_append_new(all, merged_value(file, &n));
    else if (rc == 0 && !o->missing)
        print_merged(file, &n);
    return rc;
}

int sessions_merge(const struct sessions_options *o, struct log *l, struct vs_err *err)
{
    json_t *all = json_array();
    int rc = o->json && o->missing
                 ? vs_fail(err, VS_E_USAGE, "either --json, which has what is missing, or "
                           "--missing")
                 : 0;
    for (int i = 0; i < o->arg_count && rc == 0; i++)
        rc = merge_file(o, l, o->args[i], all, err);
    if (rc == 0)
        rc = merge_join(o, l, all, err);
    if (rc >= 0 && o->json)
        command_json(all, JSON_INDENT(1));
    else
        json_decref(all);
    return rc;
}
