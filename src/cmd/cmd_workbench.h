/* SPDX-License-Identifier: MIT */
/* What commands share that open the workbench: the screen, or a figure of it. */
#ifndef VS_CMD_WORKBENCH_H
#define VS_CMD_WORKBENCH_H

#include "src/cmd/cmd_model.h"
#include "src/cmd/options.h"
#include "ui/kit/term_virtual.h"

struct workbench_command {
    struct model_options model;
    struct words checkpoints, regions, keys_of;
    const char *candidates, *log, *script, *probes, *watch;
    const char *lines; /* a script that is no file, or NULL */
    bool no_log, upright, tour, keys;
    const struct task *task;
    int graphics; /* of enum graphics_choice */
    struct term_screen screen;
    bool has_screen;
};

/* Opens model and images, runs the workbench, and says what failed, as `command`. A status of the
 * program. */
int workbench_command_run(const char *command, struct workbench_command *o, char **images,
                          int count);

#endif
