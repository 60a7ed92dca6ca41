/* SPDX-License-Identifier: MIT */
/* vilscope tokenize: plumbing for comparing tokenizers. JSON lines in, JSON lines out. */
#include "src/cmd/vilscope.h"

#include "src/task/task.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    const char *vocab;
    const struct task *task;
};

static const struct option_row option_rows[] = {
    TEXT("vocab", 0, "FILE", vocab, VALUES_FILES, "WordPiece vocabulary (vocab.txt)"),
    TASK(task, "apply the task's template, add [CLS] and [SEP], truncate to its length"),
    END,
};

static json_t *line_result(const struct tokenizer *t, const struct task *task, const char *text,
                           size_t len)
{
    struct token *list = NULL;
    char *whole = task ? task_template(task, text) : NULL;
    int n = task ? task_tokens(task, t, whole, &list) : tokenizer_run(t, text, len, &list);
    json_t *tokens = json_array(), *ids = json_array();
    for (int i = 0; i < n; i++) {
        /* A vocabulary may hold bytes that are no UTF-8; JSON cannot. */
        json_t *piece = json_string(tokenizer_piece(t, list[i].id));
        json_array_append_new(tokens, piece ? piece : json_null());
        json_array_append_new(ids, json_integer(list[i].id));
    }
    free(list);
    free(whole);
    return json_pack("{s:o, s:o}", "tokens", tokens, "ids", ids);
}

static int one_line(const struct tokenizer *t, const struct task *task, const char *line,
                    size_t len, long number, struct vs_err *err)
{
    json_error_t why;
    json_t *in = json_loadb(line, len, JSON_ALLOW_NUL, &why);
    json_t *text = json_object_get(in, "text");
    if (!json_is_string(text)) {
        int rc = in ? vs_fail(err, VS_E_FORMAT, "line %ld has no string \"text\"", number)
                    : vs_fail(err, VS_E_FORMAT, "line %ld is not valid JSON: %s", number, why.text);
        json_decref(in);
        return rc;
    }
    json_t *out = line_result(t, task, json_string_value(text), json_string_length(text));
    char *s = json_dumps(out, JSON_COMPACT | JSON_ENSURE_ASCII);
    int rc = s && puts(s) >= 0 ? 0 : vs_fail(err, VS_E_IO, "standard output cannot be written");
    free(s);
    json_decref(out);
    json_decref(in);
    return rc;
}

static int all_lines(const struct tokenizer *t, const struct task *task, struct vs_err *err)
{
    char *line = NULL;
    size_t cap = 0;
    long number = 0;
    ssize_t n;
    int rc = 0;
    while (rc == 0 && (n = getline(&line, &cap, stdin)) > 0)
        if (++number && strspn(line, " \r\n\t") < (size_t)n)
            rc = one_line(t, task, line, (size_t)n, number, err);
    free(line);
    if (rc == 0 && fflush(stdout) != 0)
        rc = vs_fail(err, VS_E_IO, "standard output cannot be written");
    return rc;
}

static int run(void *options, char **args, int count)
{
    const struct options *o = options;
    struct tokenizer *t = NULL;
    struct vs_err err = {0};
    if (count)
        return command_usage("tokenize", "unexpected argument '%s': texts come on standard input",
                             args[0]);
    if (!o->vocab)
        return command_usage("tokenize", "--vocab FILE is needed");
    int rc = tokenizer_open(o->vocab, &t, &err);
    if (rc == 0)
        rc = all_lines(t, o->task, &err);
    tokenizer_free(t);
    return rc == 0 ? EXIT_OK : command_fail("tokenize", &err);
}

const struct command command_tokenize = {
    .name = "tokenize", .args = "--vocab FILE [--task TASK]",
    .summary = "Split texts into tokens (plumbing).",
    .about = "Plumbing, for comparing with other implementations: reads JSON lines with \"text\" "
             "and\nwrites JSON lines with \"tokens\" and \"ids\".\n",
    .rows = option_rows, .most = -1, .size = sizeof(struct options), .run = run,
};
