/* SPDX-License-Identifier: MIT */
/* vilscope tasks: the table of tasks. */
#include "src/cmd/vilscope.h"

#include "src/task/task.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"

#include <jansson.h>
#include <stdbool.h>

#define OPTIONS struct options
struct options {
    bool json;
};

static const struct option_row option_rows[] = {ROW_JSON(json), END};

static const char *images(const struct task *t)
{
    return t->max_images == 1 ? "1" : t->max_images == 2 ? "2" : "1 or more";
}

static int print_json(void)
{
    json_t *list = json_array();
    for (int i = 0; i < task_count; i++) {
        const struct task *t = &task_table[i];
        json_array_append_new(
            list, json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:s}", "id", t->id, "name",
                            t->name, "title", t->title, "group", task_group_name(t->group),
                            "min_images", t->min_images, "max_images", t->max_images,
                            "max_tokens", t->max_tokens, "input", t->hint, "metric", t->metric));
    }
    return command_json(list, JSON_INDENT(2));
}

static int run(void *options, char **args, int count)
{
    const struct options *o = options;
    (void)args;
    (void)count;
    if (o->json)
        return print_json();
    plain_out("%-4s %-10s %-20s %-19s %-9s %s\n", "ID", "NAME", "DATASET", "GROUP", "IMAGES",
              "INPUT");
    for (int i = 0; i < task_count; i++) {
        const struct task *t = &task_table[i];
        plain_out("%-4d %-10s %-20s %-19s %-9s %s\n", t->id, t->name, t->title,
                  task_group_name(t->group), images(t), t->hint);
    }
    return EXIT_OK;
}

const struct command command_tasks = {
    .name = "tasks", .args = "[--json]", .summary = "List the tasks.",
    .after = "A task can be given by its name or its number.\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run,
};
