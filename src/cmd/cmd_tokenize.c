/* vilscope tokenize: plumbing for comparing tokenizers. JSON lines in, JSON lines out. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/task/task.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char tokenize_help[] =
    "Plumbing, for comparing with other implementations: reads JSON lines with \"text\" and\n"
    "writes JSON lines with \"tokens\" and \"ids\".\n\n"
    "      --vocab FILE  WordPiece vocabulary (vocab.txt)\n"
    "      --task TASK   apply the task's template, add [CLS] and [SEP], cut to its length\n"
    "      --help        this text\n";

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

int cmd_tokenize(int argc, char **argv)
{
    static const struct option list[] = {
        {"vocab", required_argument, NULL, 'v'}, {"task", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    const char *vocab = NULL, *name = NULL;
    struct tokenizer *t = NULL;
    struct vs_err err = {0};
    int opt;
    optind = 0;
    while ((opt = command_getopt("tokenize", argc, argv, "t:", list)) != -1) {
        if (opt == 'h')
            return command_help(command_find("tokenize"));
        if (opt != 'v' && opt != 't')
            return EXIT_USAGE;
        *(opt == 'v' ? &vocab : &name) = optarg;
    }
    if (optind < argc)
        return command_usage("tokenize", "'%s' is too much: texts come on standard input",
                             argv[optind]);
    const struct task *task = name ? task_find(name) : NULL;
    if (!vocab)
        return command_usage("tokenize", "--vocab FILE is needed");
    if (name && !task)
        return command_usage("tokenize", "there is no task '%s' (vilscope tasks)", name);
    int rc = tokenizer_open(vocab, &t, &err);
    if (rc == 0)
        rc = all_lines(t, task, &err);
    tokenizer_free(t);
    return rc == 0 ? EXIT_OK : command_fail("tokenize", &err);
}
