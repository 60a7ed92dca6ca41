/* The program's commands. */
#ifndef VS_VILSCOPE_H
#define VS_VILSCOPE_H

#include "src/base/err.h"

/* Exit statuses. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_UNLOGGED = 3 /* all was done, but not all of it could be logged */
};

struct command {
    const char *name;
    const char *args;    /* "FILE..." for the usage line */
    const char *summary; /* one line */
    const char *help;    /* options and examples, many lines */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};
extern const struct command command_table[];
extern const int command_count;

/* Print "vilscope CMD: MESSAGE" on stderr and return the matching exit status. */
int command_fail(const char *command, const struct vs_err *err);
int command_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int command_help(const struct command *c);
/* getopt_long, but what is wrong is said cleaned, and as all commands say it. */
struct option;
int command_getopt(const char *command, int argc, char **argv, const char *letters,
                   const struct option *list);
const struct command *command_find(const char *name);

int cmd_workbench(int argc, char **argv);
int cmd_query(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_extract(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_world(int argc, char **argv);
int cmd_tasks(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_sessions(int argc, char **argv);
int cmd_forward(int argc, char **argv);
int cmd_tokenize(int argc, char **argv);
int cmd_devices(int argc, char **argv);

#endif
