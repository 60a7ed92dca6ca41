/* SPDX-License-Identifier: MIT */
/* The program: chooses a command. Without one, the workbench opens. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <config.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command *const command_table[] = {
    &command_workbench, &command_query, &command_figure, &command_compare, &command_extract,
    &command_eval,
    &command_explain, &command_batch, &command_tasks, &command_sessions, &command_serve,
    &command_cache, &command_devices, &command_inspect, &command_convert, &command_convert_regions,
    &command_model,
    &command_doctor, &command_world, &command_detect, &command_forward, &command_relevance,
    &command_tokenize, &command_help_command, &command_completions,
};
const int command_count = (int)(sizeof command_table / sizeof command_table[0]);

const struct command *command_find(const char *name)
{
    for (int i = 0; i < command_count; i++)
        if (strcmp(command_table[i]->name, name) == 0)
            return command_table[i];
    return NULL;
}

/* argv[0]: the command's name. */
static int run_command(const struct command *c, int argc, char **argv)
{
    void *options = xcalloc(1, c->size + 1);
    char **args = xcalloc((size_t)argc + 1, sizeof *args);
    int count, status = options_parse(c, argc, argv, options, args, &count);
    if (status == -1)
        status = command_help(c);
    else if (status == -2)
        status = version_print();
    else if (status == 0)
        status = c->run(options, args, count);
    if (c->fini)
        c->fini(options);
    free(args);
    free(options);
    return status;
}

/* A word that is neither a command nor a file, nor could be a path, is a command with a mistake. */
static int check_command(const char *word)
{
    const char *near = NULL;
    if (word[0] == '-' || strpbrk(word, "./") || access(word, F_OK) == 0)
        return EXIT_OK;
    for (int i = 0; i < command_count; i++)
        near = options_nearer(word, near, command_table[i]->name);
    plain_text(stderr, "vilscope: there is no command or image '%s'%s%s%s (vilscope help lists the "
               "commands)\n", word, near ? ": did you mean " : "", near ? near : "",
               near ? "?" : "");
    return EXIT_USAGE;
}

/* A build for 32-bit processors counts on SSE2 (configure.ac), which the oldest lack. */
static bool has_instructions(void)
{
#if defined(__i386__) && defined(__SSE2__)
    return __builtin_cpu_supports("sse2");
#else
    return true;
#endif
}

static int run(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    bool nobody = argc == 1 && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO));
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || nobody) {
        help_overview(); /* also when nothing was asked for, and nobody looks */
        return EXIT_OK;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        return version_print();
    }
    const struct command *c = argc > 1 ? command_find(first) : NULL;
    if (c)
        return run_command(c, argc - 1, argv + 1);
    int status = argc > 1 ? check_command(first) : EXIT_OK;
    return status ? status : run_command(&command_workbench, argc, argv);
}

/* What was printed and did not arrive is a failure. If that was noticed in the middle of the output
 * nobody kept the reason: one more character of what is broken anyway tells it. */
static int written(int status)
{
    errno = 0;
    bool before = ferror(stdout), now = fflush(stdout) != 0;
    if (!before && !now)
        return status;
    if (!now && write(STDOUT_FILENO, "\n", 1) >= 0)
        errno = 0;
    if (status != EXIT_USAGE) /* also where what failed was said there */
        plain_text(stderr, "vilscope: standard output cannot be written%s%s\n",
                   errno ? ": " : "", errno ? strerror(errno) : "");
    return status == EXIT_USAGE ? status : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    if (!has_instructions()) {
        fputs("vilscope: this processor has no SSE2, which this program was built for\n", stderr);
        return EXIT_FAILED;
    }
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* numbers are read and written with a point everywhere */
    /* A closed pipe or a used-up quota is a failed write, not a death in the middle of one. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return written(run(argc, argv));
}
