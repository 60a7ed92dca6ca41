/* SPDX-License-Identifier: MIT */
/* The options of a command as one table: what is parsed, which values are taken, --help, the lists
 * of the manual and the shells' completion are made of it. HACKING says how to add one. */
#ifndef VS_CMD_OPTIONS_H
#define VS_CMD_OPTIONS_H

#include "src/base/err.h"
#include "src/base/shard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define WORDS_MOST 1024 /* how often an option may be given, at most */

/* The values of an option that may be given more than once, with a NULL behind the last. */
struct words {
    int count;
    const char *list[WORDS_MOST + 1];
};

enum option_kind {
    OPTION_END,
    OPTION_HEADING, /* name: a line of its own above those that follow */
    OPTION_FLAG,    /* bool: takes nothing */
    OPTION_TEXT,    /* const char *, borrowed from the command line */
    OPTION_WORDS,   /* struct words */
    OPTION_INT,     /* int, from least to most */
    OPTION_REAL,    /* double, from least to most */
    OPTION_CHOICE,  /* int: the place in choices; preset -1: none is chosen */
    OPTION_TASK,    /* const struct task * */
    OPTION_SHARD,   /* struct shard */
    OPTION_TAKE,    /* what take makes of it */
    OPTION_HELP, OPTION_VERSION
};

/* What a shell offers for a value, and for a command's other arguments. */
enum option_values {
    VALUES_NONE, VALUES_FILES, VALUES_FOLDERS, VALUES_CHECKPOINTS, VALUES_DEVICES, VALUES_TASKS,
    VALUES_COMMANDS,
    VALUES_WRITTEN /* files that are written: none of those that the same command is to read */
};

struct option_row {
    const char *name;  /* "threads", without the dashes */
    char letter;       /* 'c', or 0 */
    const char *value; /* "FILE", as the help calls it; NULL: it takes none */
    enum option_kind kind;
    size_t at;         /* where in the command's options it is put */
    enum option_values values;
    double least, most, preset;
    const char *const *choices; /* with a NULL behind the last */
    /* 0, or a failure of VS_E_USAGE whose text says what is wrong with the value */
    int (*take)(void *options, const char *value, struct vs_err *err);
    bool repeats;      /* take may be called more than once, as OPTION_WORDS may be given */
    const char *old;   /* its name of before, which works with a note, or NULL */
    bool hidden;       /* from help, manual and completion */
    const char *help;  /* ranges, choices and presets are added to it */
};

struct command_word { /* "sessions list": what the first argument can be */
    const char *name, *args, *help;
};

struct command {
    const char *name;
    const char *args;    /* "FILE..." for the usage line */
    const char *summary; /* one line */
    const char *about;   /* a paragraph or more before the options, or NULL */
    const char *after;   /* the same behind them: examples */
    const struct option_row *rows;
    const struct command_word *words; /* with an empty one behind the last; or NULL */
    int most;                         /* other arguments it takes; -1: any number */
    enum option_values values;        /* what its arguments are */
    size_t size;                      /* of the options */
    /* options: cleared, with presets, and what was given. args: the other arguments, count of
     * them, with a NULL behind. Returns the program's exit status. */
    int (*run)(void *options, char **args, int count);
    /* Frees what the options own, also where they could not all be read; or NULL. */
    void (*fini)(void *options);
};

/* Offsets that the compiler compares with the member's type. OPTIONS is the type of a file's
 * options. */
#define OPTION_AT(member, type)                                                                    \
    (offsetof(OPTIONS, member) + 0 * sizeof(_Generic(&((OPTIONS *)0)->member, type *: 1)))
#define FLAG(n, member, h)                                                                         \
    {.name = n, .kind = OPTION_FLAG, .at = OPTION_AT(member, bool), .help = h}
#define TEXT(n, l, v, member, what, h)                                                             \
    {.name = n, .letter = l, .value = v, .kind = OPTION_TEXT,                                      \
     .at = OPTION_AT(member, const char *), .values = what, .help = h}
#define WORDS(n, l, v, member, what, h)                                                            \
    {.name = n, .letter = l, .value = v, .kind = OPTION_WORDS,                                     \
     .at = OPTION_AT(member, struct words), .values = what, .help = h}
#define INT(n, l, v, member, min, max, first, h)                                                   \
    {.name = n, .letter = l, .value = v, .kind = OPTION_INT, .at = OPTION_AT(member, int),         \
     .least = min, .most = max, .preset = first, .help = h}
#define REAL(n, v, member, min, max, first, h)                                                     \
    {.name = n, .value = v, .kind = OPTION_REAL, .at = OPTION_AT(member, double), .least = min,    \
     .most = max, .preset = first, .help = h}
#define CHOICE(n, v, member, list, first, h)                                                       \
    {.name = n, .value = v, .kind = OPTION_CHOICE, .at = OPTION_AT(member, int), .choices = list,  \
     .preset = first, .help = h}
#define TASK(member, h)                                                                            \
    {.name = "task", .letter = 't', .value = "TASK", .kind = OPTION_TASK,                          \
     .at = OPTION_AT(member, const struct task *), .values = VALUES_TASKS, .help = h}
#define SHARD(n, member, h)                                                                        \
    {.name = n, .value = "I/N", .kind = OPTION_SHARD, .at = OPTION_AT(member, struct shard),       \
     .help = h}
#define TAKE(n, v, function, h)                                                                    \
    {.name = n, .value = v, .kind = OPTION_TAKE, .take = function, .help = h}
#define TAKES(n, v, function, h)                                                                   \
    {.name = n, .value = v, .kind = OPTION_TAKE, .take = function, .repeats = true, .help = h}
#define HEADING(text) {.name = text, .kind = OPTION_HEADING}
/* The last rows of every command. */
#define END                                                                                        \
    {.name = "help", .letter = 'h', .kind = OPTION_HELP, .help = "this text"},                     \
    {.name = "version", .kind = OPTION_VERSION, .hidden = true, .help = "the program's version"},  \
    {.kind = OPTION_END}

/* Reads argv[1...] into o, which has c->size bytes. Returns 0 with the other arguments in args
 * (room for argc + 1) and their number; -1 where help was asked for, -2 for the version; or an exit
 * status, when what is wrong has been said. */
int options_parse(const struct command *c, int argc, char **argv, void *o, char **args,
                  int *count);
/* The row of a name (without dashes, also an old one) or a letter, or NULL. */
const struct option_row *options_find(const struct command *c, const char *name);
const struct option_row *options_letter(const struct command *c, char letter);

/* The help's list of options, and the same as lists of the manual (mdoc). */
void options_print(const struct command *c);
void options_print_manual(const struct command *c);

/* The nearer one of two names to what was typed; NULL when neither is near. best: the answer about
 * other names, or NULL at first. */
const char *options_nearer(const char *typed, const char *best, const char *name);

#endif
