/* SPDX-License-Identifier: MIT */
/* Parsing of the command line by a command's table of options. */
#include "src/cmd/options.h"

#include "src/base/mem.h"
#include "src/cmd/vilscope.h"
#include "src/formats/bytes.h"
#include "src/task/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const struct option_row *options_find(const struct command *c, const char *name)
{
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++)
        if (r->kind != OPTION_HEADING &&
            (strcmp(r->name, name) == 0 || (r->old && strcmp(r->old, name) == 0)))
            return r;
    return NULL;
}

const struct option_row *options_letter(const struct command *c, char letter)
{
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++)
        if (r->letter == letter)
            return r;
    return NULL;
}

/* ---- names that nearly fit */

static int options_least(int a, int b)
{
    return a < b ? a : b;
}

/* Letters to insert, leave out, replace or interchange with their neighbour. */
static int options_distance(const char *a, const char *b)
{
    enum { MOST = 24 };
    int d[MOST + 1][MOST + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n > MOST || m > MOST)
        return MOST;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            d[i][j] = i ? i : j;
            if (!i || !j)
                continue;
            d[i][j] = options_least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
                                    options_least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = options_least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

const char *options_nearer(const char *typed, const char *best, const char *name)
{
    int far = strlen(typed) < 4 ? 1 : strlen(typed) < 9 ? 2 : 3;
    int now = best ? options_distance(typed, best) : far + 1;
    return name && options_distance(typed, name) < now ? name : best;
}

/* ---- values */

static int take_number(const struct option_row *r, const char *value, void *at,
                       struct vs_err *err)
{
    char *end;
    errno = 0;
    double v = strtod(value, &end);
    bool whole = r->kind == OPTION_INT;
    bool bad = errno || end == value || *end || !(v >= r->least && v <= r->most) ||
               (whole && value[strspn(value, "+-0123456789")]);
    if (bad)
        return vs_fail(err, VS_E_USAGE, "--%s takes a %snumber from %.10g to %.10g, not '%s'",
                       r->name, whole && strchr(value, '.') ? "whole " : "", r->least, r->most,
                       value);
    if (whole)
        *(int *)at = (int)v;
    else
        *(double *)at = v;
    return 0;
}

/* "a, b or c" */
static char *list_text(const char *const *list)
{
    struct buf b = {0};
    for (int i = 0; list[i]; i++)
        buf_printf(&b, "%s%s", i == 0 ? "" : list[i + 1] ? ", " : " or ", list[i]);
    return b.data;
}

static int take_choice(const struct option_row *r, const char *value, int *at, struct vs_err *err)
{
    for (int i = 0; r->choices[i]; i++)
        if (strcmp(value, r->choices[i]) == 0) {
            *at = i;
            return 0;
        }
    char *all = list_text(r->choices);
    int rc = vs_fail(err, VS_E_USAGE, "--%s takes %s, not '%s'", r->name, all, value);
    free(all);
    return rc;
}

static int options_take_task(const char *value, const struct task **at, struct vs_err *err)
{
    const char *near = NULL;
    *at = task_find(value);
    if (*at)
        return 0;
    for (int i = 0; i < task_count; i++)
        near = options_nearer(value, near, task_table[i].name);
    return near ? vs_fail(err, VS_E_USAGE, "there is no task '%s': did you mean %s?", value, near)
                : vs_fail(err, VS_E_USAGE, "there is no task '%s' (\"vilscope tasks\" lists them)",
                          value);
}

static int take_word(const struct option_row *r, const char *value, struct words *at,
                     struct vs_err *err)
{
    if (at->count == WORDS_MOST)
        return vs_fail(err, VS_E_USAGE, "more than %d times --%s", WORDS_MOST, r->name);
    at->list[at->count++] = value;
    return 0;
}

static int take_value(const struct option_row *r, const char *value, void *options,
                      struct vs_err *err)
{
    void *at = (char *)options + r->at;
    switch (r->kind) {
    case OPTION_FLAG: *(bool *)at = true; return 0;
    case OPTION_TEXT: *(const char **)at = value; return 0;
    case OPTION_WORDS: return take_word(r, value, at, err);
    case OPTION_INT:
    case OPTION_REAL: return take_number(r, value, at, err);
    case OPTION_CHOICE: return take_choice(r, value, at, err);
    case OPTION_TASK: return options_take_task(value, at, err);
    case OPTION_SHARD: return shard_read(r->name, value, at, err);
    case OPTION_TAKE: return r->take(options, value, err);
    case OPTION_HEADING:
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_END: break;
    }
    return 0;
}

static void put_presets(const struct command *c, void *o)
{
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++)
        if (r->kind == OPTION_INT || r->kind == OPTION_CHOICE)
            *(int *)((char *)o + r->at) = (int)r->preset;
        else if (r->kind == OPTION_REAL)
            *(double *)((char *)o + r->at) = r->preset;
}

/* ---- files that are read and written */

/* Two names of one file, which may have to be made yet; a folder may be read and written. */
static bool options_same_file(const char *a, const char *b)
{
    struct stat st;
    return stat(a, &st) == 0 ? S_ISREG(st.st_mode) && file_is_at(a, b) : strcmp(a, b) == 0;
}

/* Whether one of the files that r takes is the one at path. */
static bool options_take_file(const struct option_row *r, const void *o, const char *path)
{
    const void *at = (const char *)o + r->at;
    bool files = r->values == VALUES_FILES || r->values == VALUES_WRITTEN ||
                 r->values == VALUES_CHECKPOINTS;
    if (files && r->kind == OPTION_TEXT)
        return *(const char *const *)at && options_same_file(*(const char *const *)at, path);
    const struct words *w = files && r->kind == OPTION_WORDS ? at : NULL;
    for (int i = 0; w && i < w->count; i++)
        if (options_same_file(w->list[i], path))
            return true;
    return false;
}

static int options_check_written(const struct command *c, const void *o, char **args, int count)
{
    bool files = c->values == VALUES_FILES || c->values == VALUES_CHECKPOINTS;
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++) {
        const char *path = r->values == VALUES_WRITTEN
                               ? *(const char *const *)(const void *)((const char *)o + r->at)
                               : NULL;
        for (const struct option_row *x = c->rows; path && x->kind != OPTION_END; x++)
            if (x != r && options_take_file(x, o, path))
                return command_usage(c->name, "--%s %s: is the file of --%s, too: give another one",
                                     r->name, path, x->name);
        for (int i = 0; path && files && i < count; i++)
            if (options_same_file(args[i], path))
                return command_usage(c->name, "--%s %s: is what is read: give another file",
                                     r->name, path);
    }
    return 0;
}

/* ---- the command line */

struct parse {
    const struct command *c;
    char **next; /* the arguments that are left */
    void *o;
    int help; /* what is returned where help or the version was asked for */
    const char **given; /* of each row: its value so far, or NULL */
};

/* One value cannot be two: the last one is not taken without a word, as the first may be what was
 * meant. The same again is what a shell's alias and a script add. */
static int options_take_once(struct parse *p, const struct option_row *r, const char *value)
{
    const char **before = &p->given[r - p->c->rows];
    bool many = r->kind == OPTION_WORDS || r->repeats;
    if (*before && !many && strcmp(*before, value) != 0)
        return command_usage(p->c->name, "--%s is given twice, as '%s' and as '%s': give it once",
                             r->name, *before, value);
    *before = value;
    return 0;
}

static int options_fail_unknown(const struct command *c, const char *typed, int dashes)
{
    const char *near = NULL;
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++)
        if (r->kind != OPTION_HEADING)
            near = options_nearer(typed, near, r->name);
    if (near)
        return command_usage(c->name, "there is no option %.*s%s: did you mean --%s?", dashes, "--",
                             typed, near);
    return command_usage(c->name, "there is no option %.*s%s", dashes, "--", typed);
}

/* The one whose name begins so: "--thr". */
static int find_short(const struct command *c, const char *typed, const struct option_row **out)
{
    const struct option_row *found = NULL;
    size_t n = strlen(typed);
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++) {
        if (r->kind == OPTION_HEADING || strncmp(r->name, typed, n) != 0)
            continue;
        if (found)
            return command_usage(c->name, "--%s is short for --%s and --%s", typed, found->name,
                                 r->name);
        found = r;
    }
    *out = found;
    return found ? 0 : options_fail_unknown(c, typed, 2);
}

/* value: what stands behind "=" or the letter, or NULL. */
static int options_take_row(struct parse *p, const struct option_row *r, const char *value,
                            bool joined)
{
    struct vs_err err = {0};
    if (!r->value && joined)
        return command_usage(p->c->name, "--%s takes no argument", r->name);
    if (r->kind == OPTION_HELP || r->kind == OPTION_VERSION) {
        p->help = r->kind == OPTION_HELP ? -1 : -2;
        return 0;
    }
    if (r->value && !joined)
        value = *p->next ? *p->next++ : NULL;
    if (r->value && !value)
        return command_usage(p->c->name, "--%s needs an argument: %s", r->name, r->value);
    int rc = r->value ? options_take_once(p, r, value) : 0;
    if (rc == 0 && take_value(r, value, p->o, &err) != 0)
        rc = command_usage(p->c->name, "%s", err.text);
    return rc;
}

static int take_long(struct parse *p, const char *word)
{
    const char *equals = strchr(word, '=');
    char *name = xstrndup(word, equals ? (size_t)(equals - word) : strlen(word));
    const struct option_row *r = options_find(p->c, name);
    int rc = r ? 0 : find_short(p->c, name, &r);
    if (rc == 0 && r->old && strcmp(name, r->old) == 0)
        command_renamed(p->c->name, "--", r->old, r->name);
    free(name);
    return rc ? rc : options_take_row(p, r, equals ? equals + 1 : NULL, equals != NULL);
}

/* "-mDIR", "-m DIR"; letters that take nothing may stand together. */
static int take_letters(struct parse *p, const char *word)
{
    int rc = 0;
    for (; *word && rc == 0 && !p->help; word++) {
        const struct option_row *r = options_letter(p->c, *word);
        if (!r)
            return options_find(p->c, word) ? options_fail_unknown(p->c, word, 1)
                                            : command_usage(p->c->name, "there is no option -%c",
                                                            *word);
        bool joined = r->value && word[1];
        rc = options_take_row(p, r, joined ? word + 1 : NULL, joined);
        if (r->value)
            break;
    }
    return rc;
}

int options_parse(const struct command *c, int argc, char **argv, void *o, char **args,
                  int *count)
{
    struct parse p = {.c = c, .next = argv + (argc > 0), .o = o};
    bool more = true;
    int rc = 0, rows = 0;
    *count = 0;
    put_presets(c, o);
    while (c->rows[rows].kind != OPTION_END)
        rows++;
    p.given = xcalloc((size_t)rows + 1, sizeof *p.given);
    while (rc == 0 && !p.help && *p.next) {
        char *word = *p.next++;
        if (more && strcmp(word, "--") == 0)
            more = false;
        else if (more && strncmp(word, "--", 2) == 0)
            rc = take_long(&p, word + 2);
        else if (more && word[0] == '-' && word[1])
            rc = take_letters(&p, word + 1);
        else
            args[(*count)++] = word;
    }
    args[*count] = NULL;
    free(p.given);
    if (rc == 0 && !p.help && c->most >= 0 && *count > c->most)
        return command_usage(c->name, "unexpected argument '%s'", args[c->most]);
    return rc ? rc : p.help ? p.help : options_check_written(c, o, args, *count);
}
