/* The program: chooses a command. Without one, the workbench opens. */
#include "src/cmd/vilscope.h"
#include "src/base/plain.h"

#include <config.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const char workbench_help[], sessions_help[], detect_help[], extract_help[], cache_help[];
extern const char compare_help[], eval_help[], world_help[], query_help[], tasks_help[];
extern const char inspect_help[];
extern const char forward_help[], tokenize_help[], devices_help[];

const struct command command_table[] = {
    {"workbench", "[OPTION...] [IMAGE...]", "Open the workbench (the default).", workbench_help,
     cmd_workbench},
    {"query", "[OPTION...] [IMAGE...] TEXT", "Answer one query and log it.", query_help, cmd_query},
    {"compare", "[OPTION...] [IMAGE... TEXT]",
     "Ask several checkpoints the same, or tell what changed between them.", compare_help,
     cmd_compare},
    {"extract", "[OPTION...] -o DIR|FILE.lmdb IMAGE...",
     "Write the regions of many images to files.", extract_help, cmd_extract},
    {"eval", "-m DIR --data SET [OPTION...]", "Measure checkpoints on a data set.", eval_help,
     cmd_eval},
    {"tasks", "[--json]", "List the 12 tasks.", tasks_help, cmd_tasks},
    {"sessions", "[OPTION...] [VERB [ARGUMENT...]]", "Find, compare and export what was logged.",
     sessions_help,
     cmd_sessions},
    {"cache", "[show | clear] [--json]", "Show or clear the regions kept on the disk.", cache_help,
     cmd_cache},
    {"devices", "[--json]", "List what can compute: processors and GPUs.", devices_help,
     cmd_devices},
    {"inspect", "[OPTION...] FILE...", "Show what a file holds.", inspect_help, cmd_inspect},
    {"world", "[OPTION...] -o DIR", "Draw scenes of the demo's world and ask about them.",
     world_help, cmd_world},
    {"detect", "[OPTION...] -d WEIGHTS IMAGE", "Find the regions of one image (plumbing).",
     detect_help, cmd_detect},
    {"forward", "--config FILE -c FILE --inputs FILE --output FILE",
     "Run the model on prepared inputs (plumbing).", forward_help, cmd_forward},
    {"tokenize", "--vocab FILE [--task TASK]", "Cut texts into tokens (plumbing).", tokenize_help,
     cmd_tokenize},
};
const int command_count = (int)(sizeof command_table / sizeof command_table[0]);

const struct command *command_find(const char *name)
{
    for (int i = 0; i < command_count; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

int command_fail(const char *command, const struct vs_err *err)
{
    plain_text(stderr, "vilscope %s: %s\n", command, err->text);
    return err->code == VS_E_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

int command_usage(const char *command, const char *fmt, ...)
{
    struct vs_err err = {0};
    va_list ap;
    va_start(ap, fmt);
    vs_vfail(&err, VS_E_USAGE, fmt, ap);
    va_end(ap);
    plain_text(stderr, "vilscope %s: %s (vilscope %s --help explains)\n", command, err.text,
               command);
    return EXIT_USAGE;
}

/* "--json=1" where json takes nothing. */
static bool takes_nothing(const char *word, const struct option *list)
{
    size_t n = strcspn(word, "=");
    for (; word[n] && n > 2 && list->name; list++)
        if (list->has_arg == no_argument && strncmp(list->name, word + 2, n - 2) == 0)
            return true;
    return false;
}

int command_getopt(const char *command, int argc, char **argv, const char *letters,
                   const struct option *list)
{
    char spec[32];
    snprintf(spec, sizeof spec, ":%s", letters);
    opterr = 0;
    int opt = getopt_long(argc, argv, spec, list, NULL);
    const char *word = argv[optind > 0 ? optind - 1 : 0];
    if (opt == ':')
        command_usage(command, "%s needs an argument", word);
    else if (opt == '?' && strncmp(word, "--", 2) == 0 && takes_nothing(word, list))
        command_usage(command, "%.*s takes no argument", (int)strcspn(word, "="), word);
    else if (opt == '?' && optopt)
        command_usage(command, "there is no option -%c", optopt);
    else if (opt == '?')
        command_usage(command, "there is no option %s, or it is short for several", word);
    return opt == ':' ? '?' : opt;
}

int command_help(const struct command *c)
{
    printf("usage: vilscope %s %s\n\n%s\n\n%s", c->name, c->args, c->summary, c->help);
    return EXIT_OK;
}

static int print_overview(void)
{
    printf("vilscope %s: a terminal workbench for the 12-in-1 vision-and-language model\n\n"
           "usage: vilscope [OPTION...] [IMAGE...]    open the workbench\n"
           "       vilscope COMMAND [ARGUMENT...]\n\n",
           VERSION);
    for (int i = 0; i < command_count; i++)
        printf("  %-10s %s\n", command_table[i].name, command_table[i].summary);
    printf("\n\"vilscope COMMAND --help\" explains one; \"man vilscope\" explains all.\n");
    return EXIT_OK;
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
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        return print_overview();
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        printf("vilscope %s\n", VERSION);
        return EXIT_OK;
    }
    if (argc == 1 && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
        return print_overview(); /* nothing was asked for, and nobody looks */
    const struct command *c = argc > 1 ? command_find(first) : NULL;
    return c ? c->run(argc - 1, argv + 1) : cmd_workbench(argc, argv);
}

/* What was printed and did not arrive is a failure. Why is known of the last write only. */
static int written(int status)
{
    bool before = ferror(stdout);
    errno = 0;
    bool now = fflush(stdout) != 0;
    if (!before && !now)
        return status;
    if (status == EXIT_OK || status == EXIT_UNLOGGED)
        plain_text(stderr, "vilscope: standard output cannot be written%s%s\n",
                   now && errno ? ": " : "", now && errno ? strerror(errno) : "");
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
