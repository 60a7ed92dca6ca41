/* vilscope devices: what --device can name on this machine. */
#include "src/cmd/vilscope.h"
#include "src/base/plain.h"

#include "kernels/kern.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

const char devices_help[] =
    "      --json  as JSON\n"
    "      --help  this text\n\n"
    "Other commands take a name of this list with --device. \"auto\", the default, is the first\n"
    "GPU if it works, or else \"cpu\", the fastest of the processor. A GPU's name may be followed\n"
    "by \",tf32\", \",bf16\" or \",half\" (faster, less exact products; their error is measured\n"
    "and told) and by \",memory=MB\" (at most so much of its memory): cuda:0,memory=4000.\n";

static int print_json(void)
{
    struct kern_device d;
    json_t *list = json_array();
    for (int i = 0; kern_device(i, &d); i++)
        json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "name", d.name, "usable",
                                              (int)d.usable, "text", d.text));
    char *s = json_dumps(list, JSON_INDENT(2));
    json_decref(list);
    plain_json_line(s);
    free(s);
    return EXIT_OK;
}

int cmd_devices(int argc, char **argv)
{
    static const struct option list[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct kern_device d;
    bool json = false;
    int opt;
    optind = 0;
    while ((opt = command_getopt("devices", argc, argv, "", list)) != -1) {
        if (opt == 'h')
            return command_help(command_find("devices"));
        if (opt != 'j')
            return EXIT_USAGE;
        json = true;
    }
    if (optind < argc)
        return command_usage("devices", "'%s' is too much", argv[optind]);
    if (json)
        return print_json();
    plain_out("%-14s %-7s %s\n", "NAME", "USABLE", "WHAT");
    for (int i = 0; kern_device(i, &d); i++)
        plain_out("%-14s %-7s %s\n", d.name, d.usable ? "yes" : "no", d.text);
    return EXIT_OK;
}
