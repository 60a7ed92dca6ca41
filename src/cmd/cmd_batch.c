/* SPDX-License-Identifier: MIT */
/* vilscope batch: the script of a Slurm job array, each of whose tasks has a shard. It talks to no
 * scheduler: it prints text, with every number in it, so that a task that is submitted again,
 * alone, is the same one. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/engine/modeldir.h"
#include "src/formats/outfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS struct options
struct options {
    int shards, gpus, cpus;
    const char *name, *time, *memory, *partition;
    bool merge;
};

static const struct option_row option_rows[] = {
    INT("shards", 'n', "N", shards, 1, SHARDS_MOST, 0,
        "how many shards; of several checkpoints each has so many"),
    INT("gpus", 0, "N", gpus, 1, 64, 0,
        "GPUs of each task, which then computes with --device cuda"),
    INT("cpus", 0, "N", cpus, 1, 1024, 4, "CPUs of each task, and its threads"),
    TEXT("memory", 0, "SIZE", memory, VALUES_NONE, "memory of each task, as Slurm has it: 8G"),
    TEXT("time", 0, "TIME", time, VALUES_NONE,
         "how long a task may take (4:00:00); one that is not done by then goes on in the next"),
    TEXT("partition", 0, "NAME", partition, VALUES_NONE, "where it runs"),
    TEXT("name", 0, "NAME", name, VALUES_NONE,
         "of the job, of the folder NAME.logs and of the log NAME.db (default: the command's)"),
    FLAG("then-merge", merge,
         "when all tasks have ended, a job joins what they left: into NAME.db, or the LMDB"),
    END,
};

/* What is run. */
struct batch {
    const struct options *o;
    const struct command *c;
    const void *inner;   /* its options */
    char **words;        /* (word_count) its arguments, without checkpoints */
    int word_count;
    const char *list[WORDS_MOST + 1]; /* (count) checkpoints, a task each; none: not chosen */
    int count;
    struct parts parts;  /* of the model directory, which names them */
    char *here, *name, *logs, *program, *lmdb; /* lmdb: what shards of an extraction become */
    struct vs_err *err;
};

/* ---- the command's own options */

static const void *inner_at(const struct batch *b, const char *option)
{
    const struct option_row *r = options_find(b->c, option);
    return r ? (const char *)b->inner + r->at : NULL;
}

static const char *inner_text(const struct batch *b, const char *option)
{
    const char *const *at = inner_at(b, option);
    return at ? *at : NULL;
}

static bool has_shard(const struct batch *b)
{
    const struct shard *s = inner_at(b, "shard");
    return s && s->count;
}

/* Whether a word is "-c", "-cX", "--checkpoint" or "--checkpoint=X"; *two: its value is the next
 * word. */
static bool names_checkpoint(const char *word, bool *two)
{
    static const char name[] = "--checkpoint";
    size_t n = sizeof name - 1;
    bool is_long = strncmp(word, name, n) == 0 && (word[n] == '\0' || word[n] == '=');
    *two = is_long ? word[n] == '\0' : word[0] == '-' && word[1] == 'c' && word[2] == '\0';
    return is_long || (word[0] == '-' && word[1] == 'c');
}

static void take_words(struct batch *b, char **args, int count)
{
    bool two, checkpoints = inner_at(b, "checkpoint") != NULL;
    b->words = xcalloc((size_t)count + 1, sizeof *b->words);
    for (int i = 1; i < count; i++)
        if (checkpoints && names_checkpoint(args[i], &two))
            i += two;
        else
            b->words[b->word_count++] = args[i];
}

/* Those that are named, or all of the model directory: a task opens one. */
static int take_checkpoints(struct batch *b)
{
    const struct words *named = inner_at(b, "checkpoint");
    const char *dir = inner_text(b, "model");
    if (!named)
        return 0;
    for (int i = 0; i < named->count; i++)
        b->list[b->count++] = named->list[i];
    if (b->count || !dir)
        return 0;
    int rc = parts_read(dir, &b->parts, b->err);
    for (int i = 0; rc == 0 && i < b->parts.checkpoint_count && i < WORDS_MOST; i++)
        b->list[b->count++] = b->parts.checkpoints[i].name;
    return rc;
}

static int check_word(const struct batch *b, const char *word)
{
    for (const char *c = word; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return vs_fail(b->err, VS_E_USAGE, "'%s': has a character that a script cannot have",
                           word);
    return 0;
}

/* ---- text */

/* 'as a shell takes it' */
static void add_quoted(struct buf *b, const char *word)
{
    if (*word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "_-./,:=+@%")] == '\0') {
        buf_puts(b, word);
        return;
    }
    buf_putc(b, '\'');
    for (; *word; word++)
        if (*word == '\'')
            buf_puts(b, "'\\''");
        else
            buf_putc(b, *word);
    buf_putc(b, '\'');
}

static void add_directives(const struct batch *b, struct buf *s)
{
    const struct options *o = b->o;
    int tasks = o->shards * (b->count ? b->count : 1);
    buf_printf(s, "#SBATCH --job-name=%s\n#SBATCH --array=1-%d\n", b->name, tasks);
    buf_puts(s, "#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --signal=B:USR1@60\n");
    buf_printf(s, "#SBATCH --output=\"%s/%s%%a.out\"\n#SBATCH --cpus-per-task=%d\n", b->here,
               b->logs, o->cpus);
    if (o->gpus)
        buf_printf(s, "#SBATCH --gres=gpu:%d\n", o->gpus);
    if (o->memory)
        buf_printf(s, "#SBATCH --mem=%s\n", o->memory);
    if (o->time)
        buf_printf(s, "#SBATCH --time=%s\n", o->time);
    if (o->partition)
        buf_printf(s, "#SBATCH --partition=%s\n", o->partition);
}

/* What joins the shards; nothing where they write to one place. */
static void add_merge(const struct batch *b, struct buf *s)
{
    if (b->lmdb) {
        buf_puts(s, "\"$vilscope\" extract --merge ");
        add_quoted(s, b->lmdb);
        buf_printf(s, " %s*.lmdb", b->logs);
    } else if (inner_at(b, "log")) {
        buf_printf(s, "\"$vilscope\" sessions --log %s.db merge %s", b->name, b->logs);
    }
}

static void add_head(const struct batch *b, struct buf *s)
{
    struct buf merge = {0};
    add_merge(b, &merge);
    buf_printf(s, "#!/bin/bash\n# vilscope %s in %d shards%s. Submit it with sbatch; what is "
               "killed, or out of time, goes on.\n", b->c->name, b->o->shards,
               b->count > 1 ? " of each checkpoint" : "");
    if (b->lmdb || !inner_at(b, "log"))
        buf_puts(s, "# Submit it again when a task has failed: what is there is passed over.\n");
    else
        buf_printf(s, "# What is missing:  vilscope sessions --log %s.db merge --missing %s\n"
                   "# which prints what  sbatch --array=  takes.\n", b->name, b->logs);
    add_directives(b, s);
    buf_puts(s, "set -u\ncd ");
    add_quoted(s, b->here);
    buf_puts(s, " || exit 1\nvilscope=${VILSCOPE:-");
    add_quoted(s, b->program);
    buf_printf(s, "}\ntask=${SLURM_ARRAY_TASK_ID:?this is a script for sbatch}\nshards=%d\n"
               "shard=$(((task - 1) %% shards + 1))\n", b->o->shards);
    if (b->o->merge && merge.len) {
        buf_puts(s, "if [ \"$task\" = \"${SLURM_ARRAY_TASK_MIN-}\" ] &&\n"
                    "    [ \"${SLURM_RESTART_COUNT:-0}\" = 0 ]; then\n"
                    "    sbatch --dependency=afterany:\"$SLURM_ARRAY_JOB_ID\" --job-name=");
        buf_printf(s, "%s-merge \\\n        --output=%smerge.out --wrap=", b->name, b->logs);
        char *command = xasprintf("vilscope='%s'; %s", b->program, merge.data);
        add_quoted(s, command);
        buf_puts(s, "\nfi\n");
        free(command);
    }
    buf_fini(&merge);
}

static void add_choice(const struct batch *b, struct buf *s)
{
    if (b->count == 0)
        return;
    buf_puts(s, "place=$(((task - 1) / shards + 1))\ncase $place in\n");
    for (int i = 0; i < b->count; i++) {
        buf_printf(s, "%d) checkpoint=", i + 1);
        add_quoted(s, b->list[i]);
        buf_puts(s, " ;;\n");
    }
    buf_puts(s, "*) echo \"task $task is none of this array\" >&2; exit 2 ;;\nesac\n");
}

/* What each task has of its own, behind what was typed. */
static void add_own(const struct batch *b, struct buf *s)
{
    if (b->count)
        buf_puts(s, " -c \"$checkpoint\"");
    buf_puts(s, " \\\n    --shard \"$shard/$shards\"");
    if (b->count && inner_at(b, "place"))
        buf_printf(s, " --place \"$place/%d\"", b->count);
    if (inner_at(b, "threads") && *(const int *)inner_at(b, "threads") == 0)
        buf_puts(s, " --threads \"${SLURM_CPUS_PER_TASK:-1}\"");
    if (b->o->gpus && !inner_text(b, "device"))
        buf_puts(s, " --device cuda");
    if (b->lmdb)
        buf_printf(s, " -o %s\"$shard\".lmdb", b->logs);
    else if (inner_at(b, "log"))
        buf_printf(s, " --log %s", b->logs);
    else if (inner_at(b, "rows"))
        buf_printf(s, " --rows %s\"$task\".rows --resume", b->logs);
}

static const char tail[] =
    " &\n"
    "pid=$! status=\n"
    "trap 'signalled=1; kill -USR1 $pid 2>/dev/null' USR1 TERM\n"
    "until [ -n \"$status\" ]; do # a signal ends the waiting, not what is waited for\n"
    "    signalled=\n"
    "    wait $pid\n"
    "    last=$?\n"
    "    [ -n \"$signalled\" ] || status=$last\n"
    "done\n"
    "# 75: it was ended, and the same command goes on.\n"
    "if [ \"$status\" -eq 75 ]; then\n"
    "    scontrol requeue \"${SLURM_ARRAY_JOB_ID}_$task\"\n"
    "fi\n"
    "exit \"$status\"\n";

static void add_command(const struct batch *b, struct buf *s)
{
    buf_printf(s, "\"$vilscope\" %s", b->c->name);
    for (int i = 0; i < b->word_count; i++) {
        bool output = b->lmdb && strcmp(b->words[i], "-o") == 0;
        i += output;
        if (output)
            continue; /* the shard's own stands behind the others */
        buf_putc(s, ' ');
        add_quoted(s, b->words[i]);
    }
    add_own(b, s);
    buf_puts(s, tail);
}

/* ---- the whole */

static int check_inner(struct batch *b)
{
    const char *out = inner_text(b, "output");
    size_t n = out ? strlen(out) : 0;
    if (!inner_at(b, "shard"))
        return vs_fail(b->err, VS_E_USAGE, "%s has no --shard: a task of an array would do all of "
                       "it", b->c->name);
    if (b->c == &command_sessions)
        return vs_fail(b->err, VS_E_USAGE, "sessions reads a log where others write one: give "
                       "replay its --shard by hand");
    if (has_shard(b))
        return vs_fail(b->err, VS_E_USAGE, "leave out --shard: the script has it for each task");
    if (inner_at(b, "log") && inner_text(b, "log"))
        return vs_fail(b->err, VS_E_USAGE, "leave out --log: shards have their logs in a folder "
                       "(--name)");
    if (!inner_at(b, "log") && inner_at(b, "rows") && inner_text(b, "rows"))
        return vs_fail(b->err, VS_E_USAGE, "leave out --rows: shards have their rows in a folder "
                       "(--name)");
    b->lmdb = n > 5 && strcmp(out + n - 5, ".lmdb") == 0 ? xstrdup(out) : NULL;
    for (int i = 0; i < b->word_count && b->lmdb; i++)
        if (strcmp(b->words[i], "-o") == 0)
            return 0;
    return b->lmdb ? vs_fail(b->err, VS_E_USAGE, "give the LMDB as -o NAME.lmdb") : 0;
}

static int find_places(struct batch *b)
{
    char here[PATH_MAX], program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (!getcwd(here, sizeof here))
        return vs_fail(b->err, VS_E_IO, "the working directory cannot be told: %s",
                       strerror(errno));
    b->here = xstrdup(here);
    b->program = n > 0 ? xstrndup(program, (size_t)n) : xstrdup("vilscope");
    b->name = b->o->name ? xstrdup(b->o->name) : xasprintf("vilscope-%s", b->c->name);
    if (b->name[0] == '-' || b->name[strspn(b->name, "abcdefghijklmnopqrstuvwxyz"
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")])
        return vs_fail(b->err, VS_E_USAGE, "--name takes letters, digits, '_', '-' and '.', not "
                       "'%s'", b->name);
    b->logs = xasprintf("%s.logs/", b->name);
    return outfile_folder(b->logs, b->err); /* Slurm opens no file in a folder that is not there */
}

static int check_words(const struct batch *b)
{
    const char *const texts[] = {b->o->time, b->o->memory, b->o->partition, b->here, b->program};
    int rc = 0;
    for (int i = 0; i < b->word_count && rc == 0; i++)
        rc = check_word(b, b->words[i]);
    for (int i = 0; i < b->count && rc == 0; i++)
        rc = check_word(b, b->list[i]);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && rc == 0; i++)
        rc = texts[i] ? check_word(b, texts[i]) : 0;
    return rc;
}

static void print_lines(const char *text)
{
    for (size_t n; *text; text += n + 1) {
        n = strcspn(text, "\n");
        char *line = xstrndup(text, n);
        plain_out("%s\n", line);
        free(line);
    }
}

static int batch_print(struct batch *b, char **args, int count)
{
    struct buf s = {0};
    take_words(b, args, count);
    int rc = check_inner(b);
    if (rc == 0)
        rc = take_checkpoints(b);
    if (rc == 0 && (int64_t)b->o->shards * b->count > SHARDS_MOST)
        rc = vs_fail(b->err, VS_E_USAGE, "%d shards of %d checkpoints are too many tasks",
                     b->o->shards, b->count);
    if (rc == 0)
        rc = check_words(b);
    if (rc == 0)
        rc = find_places(b);
    if (rc == 0) {
        add_head(b, &s);
        add_choice(b, &s);
        add_command(b, &s);
        print_lines(s.data);
    }
    buf_fini(&s);
    return rc;
}

static void batch_fini(struct batch *b)
{
    parts_fini(&b->parts);
    free(b->words);
    free(b->here);
    free(b->name);
    free(b->logs);
    free(b->program);
    free(b->lmdb);
}

static int run_batch(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    const struct command *c = count ? command_find(args[0]) : NULL;
    if (o->shards == 0)
        return command_usage("batch", "-n is missing: how many shards");
    if (!c)
        return command_usage("batch", "which command? as in: vilscope batch -n 16 -- eval -m DIR "
                             "--data SET");
    void *inner = xcalloc(1, c->size + 1);
    char **others = xcalloc((size_t)count + 1, sizeof *others);
    int other_count, status = options_parse(c, count, args, inner, others, &other_count);
    if (status < 0)
        status = command_usage("batch", "%s: --help makes no sense in a job", c->name);
    if (status == 0) {
        struct batch b = {.o = o, .c = c, .inner = inner, .err = &err};
        int rc = batch_print(&b, args, count);
        status = rc ? command_fail("batch", &err) : EXIT_OK;
        batch_fini(&b);
    }
    if (c->fini)
        c->fini(inner);
    free(others);
    free(inner);
    return status;
}

const struct command command_batch = {
    .name = "batch", .args = "-n N [OPTION...] -- COMMAND [ARGUMENT...]",
    .summary = "Print the script of a Slurm job array that runs a command in shards.",
    .about =
        "COMMAND is eval, extract, explain or compare --check-set. Each task of the array has one\n"
        "shard of one checkpoint; what is killed or out of time goes on where it was. Output and\n"
        "logs of the tasks are in the folder NAME.logs, which is made.\n",
    .after =
        "  vilscope batch -n 16 --gpus 1 -- eval -m models/12in1 --data nlvr2 >nlvr2.sbatch\n"
        "  sbatch nlvr2.sbatch\n"
        "  vilscope sessions --log vilscope-eval.db merge vilscope-eval.logs/\n",
    .rows = option_rows, .most = -1, .values = VALUES_COMMANDS, .size = sizeof(struct options),
    .run = run_batch,
};
