/* SPDX-License-Identifier: MIT */
/* vilscope help: the list of commands, or what one of them takes; and --version. */
#include "src/cmd/vilscope.h"

#include "kernels/kern.h"
#include "src/base/plain.h"

#include <config.h>
#include <stdio.h>
#include <string.h>

extern const char version_commit[]; /* of made_commit.c, which make writes */

#define OPTIONS struct options
struct options {
    bool manual;
};

static const struct option_row option_rows[] = {
    {.name = "manual", .kind = OPTION_FLAG, .at = OPTION_AT(manual, bool), .hidden = true,
     .help = "print the manual's list of options"},
    END,
};

void help_overview(void)
{
    plain_out("vilscope %s: a terminal workbench for the 12-in-1 vision-and-language model\n\n"
              "usage: vilscope [OPTION...] [IMAGE...]    open the workbench\n"
              "       vilscope COMMAND [ARGUMENT...]\n\n",
              VERSION);
    int width = 0;
    for (int i = 0; i < command_count; i++) {
        int n = (int)strlen(command_table[i]->name);
        width = n > width ? n : width;
    }
    for (int i = 0; i < command_count; i++)
        plain_out("  %-*s %s\n", width, command_table[i]->name, command_table[i]->summary);
    puts("\n\"vilscope help COMMAND\" explains one; \"man vilscope\" explains all.");
}

int version_print(void)
{
    struct kern_device d;
    const char *before = "devices: ";
    plain_out("vilscope %s\ncommit: %s\nlibraries: %s\n", VERSION, version_commit, VS_LIBRARIES);
    printf("JSON: version %d\n", JSON_FORMAT);
#ifdef HAVE_LIBJPEG
    printf("features: JPEG by libjpeg-turbo");
#else
    printf("features: JPEG by stb_image");
#endif
#ifdef HAVE_LIBWEBP
    printf(", WebP");
#else
    printf(", no WebP");
#endif
#ifdef HAVE_LIBHDF5
    printf(", HDF5");
#else
    printf(", no HDF5");
#endif
#ifdef HAVE_CAIRO
    printf(", figures");
#else
    printf(", no figures");
#endif
#ifdef HAVE_CUDA_MODULE
    printf(", CUDA module\n");
#else
    printf(", no CUDA module\n");
#endif
    for (int i = 0; kern_device(i, &d); i++)
        if (d.usable) {
            plain_out("%s%s", before, d.name);
            before = ", ";
        }
    putchar('\n');
    return EXIT_OK;
}

static int run(void *options, char **args, int count)
{
    const struct options *o = options;
    const char *near = NULL;
    const struct command *c = count ? command_find(args[0]) : NULL;
    if (count == 0) {
        help_overview();
        return EXIT_OK;
    }
    if (c && o->manual) {
        options_print_manual(c);
        return EXIT_OK;
    }
    if (c)
        return command_help(c);
    for (int i = 0; i < command_count; i++)
        near = options_nearer(args[0], near, command_table[i]->name);
    return near ? command_usage("help", "there is no command '%s': did you mean %s?", args[0], near)
                : command_usage("help", "there is no command '%s'", args[0]);
}

const struct command command_help_command = {
    .name = "help", .args = "[COMMAND]", .summary = "Explain a command, or list all of them.",
    .rows = option_rows, .most = 1, .values = VALUES_COMMANDS, .size = sizeof(struct options),
    .run = run,
};
