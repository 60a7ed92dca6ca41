/* SPDX-License-Identifier: MIT */
/* vilscope completions: what a shell offers when Tab is pressed. The shells' scripts are short and
 * ask this program ("completions list"), so they are never behind it. */
#include "src/cmd/vilscope.h"

#include "kernels/kern.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"
#include "src/engine/demo.h"
#include "src/task/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The files of src/cmd/completions/, made into C by make. */
extern const char completions_bash[], completions_zsh[], completions_fish[];

/* What is being typed: the words before it, and itself. */
struct typed {
    char **words;
    int count;           /* of those before */
    const char *current; /* the beginning of a word */
};

/* "CANDIDATE<tab>TEXT", when it begins as what is typed. */
static void completions_offer(const struct typed *t, const char *dashes, const char *name,
                              const char *text)
{
    size_t n = strlen(dashes);
    bool fits = strncmp(t->current, dashes, strlen(t->current) < n ? strlen(t->current) : n) == 0 &&
                (strlen(t->current) <= n ||
                 strncmp(name, t->current + n, strlen(t->current) - n) == 0);
    if (fits)
        plain_out("%s%s\t%s\n", dashes, name, text);
}

static void offer_commands(const struct typed *t)
{
    for (int i = 0; i < command_count; i++)
        completions_offer(t, "", command_table[i]->name, command_table[i]->summary);
}

static void offer_options(const struct typed *t, const struct command *c)
{
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++)
        if (r->kind != OPTION_HEADING && !r->hidden)
            completions_offer(t, "--", r->name, r->help);
}

static void offer_devices(const struct typed *t)
{
    struct kern_device d;
    completions_offer(t, "", "auto", "the GPU with the most free memory, or else cpu");
    for (int i = 0; kern_device(i, &d); i++)
        if (d.usable)
            completions_offer(t, "", d.name, d.text);
}

static void offer_tasks(const struct typed *t)
{
    for (int i = 0; i < task_count; i++)
        completions_offer(t, "", task_table[i].name, task_table[i].title);
}

/* Those of the directory that -m names, or of the demo. */
static void offer_checkpoints(const struct typed *t)
{
    struct parts p = {0};
    struct vs_err err = {0};
    char *demo = demo_find();
    const char *dir = demo;
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->words[i], "-m") == 0 || strcmp(t->words[i], "--model") == 0)
            dir = i + 1 < t->count ? t->words[i + 1] : dir;
        else if (strncmp(t->words[i], "--model=", 8) == 0)
            dir = t->words[i] + 8;
    if (dir && parts_read(dir, &p, &err) == 0)
        for (int i = 0; i < p.checkpoint_count; i++)
            completions_offer(t, "", p.checkpoints[i].name,
                              p.checkpoints[i].note ? p.checkpoints[i].note : "");
    parts_fini(&p);
    free(demo);
}

static void offer_values(const struct typed *t, enum option_values values)
{
    switch (values) {
    case VALUES_CHECKPOINTS: offer_checkpoints(t); puts(":files"); break;
    case VALUES_FILES:
    case VALUES_WRITTEN: puts(":files"); break;
    case VALUES_FOLDERS: puts(":folders"); break;
    case VALUES_DEVICES: offer_devices(t); break;
    case VALUES_TASKS: offer_tasks(t); break;
    case VALUES_COMMANDS: offer_commands(t); break;
    case VALUES_NONE: break;
    }
}

static void offer_value(const struct typed *t, const struct option_row *r)
{
    for (int i = 0; r->choices && r->choices[i]; i++)
        completions_offer(t, "", r->choices[i], "");
    offer_values(t, r->values);
}

/* The option whose value comes next, or NULL; *others: how many other arguments there are. */
static const struct option_row *completions_waits(const struct command *c, const struct typed *t,
                                                  int from, int *others)
{
    const struct option_row *r = NULL;
    *others = 0;
    for (int i = from; i < t->count; i++) {
        const char *w = t->words[i];
        if (r)
            r = NULL; /* this is its value */
        else if (strncmp(w, "--", 2) == 0)
            r = options_find(c, w + 2);
        else if (w[0] == '-' && w[1] && !w[2])
            r = options_letter(c, w[1]);
        else
            *others += w[0] != '-';
        r = r && r->value ? r : NULL;
    }
    return r;
}

static void offer_all(struct typed *t)
{
    const struct command *c = t->count ? command_find(t->words[0]) : NULL;
    int from = c != NULL, others;
    c = c ? c : &command_workbench;
    const struct option_row *r = completions_waits(c, t, from, &others);
    if (r) {
        offer_value(t, r);
    } else if (t->current[0] == '-') {
        offer_options(t, c);
    } else {
        if (t->count == 0)
            offer_commands(t);
        for (const struct command_word *w = c->words; w && w->name && others == 0; w++)
            completions_offer(t, "", w->name, w->help);
        offer_values(t, c->values);
    }
}

/* words: what stands behind "vilscope"; the last one is being typed. Shells that part words at "="
 * give "--top", "=", "5". */
static void completions_list(char **words, int count)
{
    struct typed t = {xcalloc((size_t)count + 1, sizeof(char *)), 0, ""};
    for (int i = 0; i < count; i++)
        if (i == count - 1)
            t.current = strcmp(words[i], "=") == 0 ? "" : words[i];
        else if (strcmp(words[i], "=") != 0)
            t.words[t.count++] = words[i];
    offer_all(&t);
    free(t.words);
}

static const struct option_row option_rows[] = {END};
static const struct command_word words[] = {
    {"bash", NULL, "the script for bash: source <(vilscope completions bash)"},
    {"zsh", NULL, "the script for zsh: as _vilscope in a folder of $fpath"},
    {"fish", NULL, "the script for fish: vilscope completions fish | source"},
    {"list", "-- WORD...", "what the scripts ask: what the last word of a command line can be"},
    {NULL, NULL, NULL},
};

static int run_completions(void *options, char **args, int count)
{
    const char *const scripts[] = {completions_bash, completions_zsh, completions_fish};
    const char *what = count ? args[0] : "";
    (void)options;
    if (strcmp(what, "list") == 0) {
        completions_list(args + 1, count - 1);
        return EXIT_OK;
    }
    if (count > 1)
        return command_usage("completions", "unexpected argument '%s'", args[1]);
    for (int i = 0; i < 3; i++)
        if (strcmp(what, words[i].name) == 0) {
            fputs(scripts[i], stdout);
            return EXIT_OK;
        }
    return command_usage("completions", "which shell? bash, zsh or fish");
}

const struct command command_completions = {
    .name = "completions", .args = "bash | zsh | fish",
    .summary = "Print what makes a shell complete commands and options.",
    .after = "\"make install\" puts the scripts where the shells look for them.\n",
    .rows = option_rows, .words = words, .most = -1, .run = run_completions,
};
