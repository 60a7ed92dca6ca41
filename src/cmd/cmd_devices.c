/* SPDX-License-Identifier: MIT */
/* vilscope devices: what --device can name on this machine. */
#include "src/cmd/vilscope.h"

#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"
#include "kernels/kern.h"

#include <jansson.h>
#include <stdbool.h>

#define OPTIONS struct options
struct options {
    bool json;
};

static const struct option_row option_rows[] = {ROW_JSON(json), END};

static int print_json(void)
{
    struct kern_device d;
    json_t *list = json_array();
    for (int i = 0; kern_device(i, &d); i++)
        json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "name", d.name, "usable",
                                              (int)d.usable, "text", d.text));
    return command_json(list, JSON_INDENT(2));
}

static int run(void *options, char **args, int count)
{
    const struct options *o = options;
    struct kern_device d;
    (void)args;
    (void)count;
    if (o->json)
        return print_json();
    plain_out("%-14s %-7s %s\n", "NAME", "USABLE", "WHAT");
    for (int i = 0; kern_device(i, &d); i++)
        plain_out("%-14s %-7s %s\n", d.name, d.usable ? "yes" : "no", d.text);
    return EXIT_OK;
}

const struct command command_devices = {
    .name = "devices", .args = "[--json]",
    .summary = "List what can compute: processors and GPUs.",
    .after =
        "Other commands take a name from this list with --device. \"auto\", the default, is the\n"
        "GPU with the most free memory, if that holds the weights, or else \"cpu\", the fastest\n"
        "of the processor. A GPU's name may be followed by \",tf32\", \",bf16\" or \",half\"\n"
        "(faster, less exact products; their error is measured and reported), by \",memory=MB\"\n"
        "(at most that much of its memory) and by \",sync\" (slow: a failure is told where it\n"
        "happens): cuda:0,memory=4000.\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run,
};
