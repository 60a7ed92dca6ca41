/* SPDX-License-Identifier: MIT */
/* vilscope model: from published files to a model directory, and whether it answers as it should.
 * (cmd_model.c is what other commands share about models.) */
#include "src/cmd/cmd_setup.h"

#include "src/cmd/vilscope.h"

#include <string.h>

#define OPTIONS struct setup_options

static const struct option_row option_rows[] = {
    TEXT("name", 0, "NAME", name, VALUES_NONE, "what the model is called (default: the folder)"),
    FLAG("force", force, "write a model.json that is there anew"),
    TEXT("image", 0, "FILE", image, VALUES_FILES, "the image to ask about"),
    TEXT("regions", 0, "FILE", regions, VALUES_FILES, "its regions, when no detector finds them"),
    TEXT("key", 0, "KEY", key, VALUES_NONE, "their entry in an LMDB, TSV or HDF5 file"),
    TASK(task, "task of the question (default: the first that the checkpoint answers)"),
    TEXT("text", 0, "TEXT", text, VALUES_NONE, "the question"),
    FLAG("no-query", no_query, "ask nothing at the end"),
    ROW_UNSAFE,
    ROW_DEVICE(model.device),
    ROW_THREADS(model.threads),
    ROW_JSON(json),
    END,
};

static const struct command_word words[] = {
    {"init", "DIR [FILE...]",
     "write DIR/model.json: each file is recognised by its content; of folders, and of DIR when no "
     "file is given, the files in them, and lists of answers and classes in folders below; ends "
     "with one question"},
    {"check", "DIR",
     "ask what the reference's notebook asked of demo/1.jpg (--image), and compare the answers"},
    {NULL, NULL, NULL},
};

static int run_model(void *options, char **args, int count)
{
    const struct setup_options *o = options;
    if (count == 0)
        return command_usage("model", "init or check?");
    if (strcmp(args[0], "init") != 0 && strcmp(args[0], "check") != 0)
        return command_usage("model", "'%s' is neither init nor check", args[0]);
    if (count == 1)
        return command_usage("model", "%s: which DIR?", args[0]);
    if (strcmp(args[0], "init") == 0)
        return setup_init(o, args[1], args + 2, count - 2);
    if (count > 2)
        return command_usage("model", "check takes one DIR");
    return setup_check(o, args[1]);
}

const struct command command_model = {
    .name = "model", .args = "init DIR [FILE...] | check DIR",
    .summary = "Make a model directory of published files, or check it.",
    .after =
        "  vilscope model init models/12in1 downloads/\n"
        "  vilscope model check models/12in1 --image vilbert-multi-task/demo/1.jpg\n\n"
        "vilscope-model(7) says where the files are. Nothing is downloaded, copied or logged. The\n"
        "exit status is 1 where something is missing without which nothing is answered, 4 where a\n"
        "file that was named is no part of a model.\n",
    .rows = option_rows, .words = words, .most = -1, .values = VALUES_FILES,
    .size = sizeof(struct setup_options), .run = run_model,
};
