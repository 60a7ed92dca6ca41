/* SPDX-License-Identifier: MIT */
/* The targets of vilscope relevance, from JSON. */
#include "src/cmd/cmd_relevance.h"

#include "src/base/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The output of a name without "out.", or OUT_COUNT. */
static enum net_output target_find_output(const char *name)
{
    int i = 0;
    while (i < OUT_COUNT && strcmp(output_table[i].name + 4, name) != 0)
        i++;
    return (enum net_output)i;
}

/* Of outputs with one number for each row "index" is the row; of those with many "row" is. */
static struct net_term target_term(enum net_output of, const json_t *v)
{
    enum output_rows rows = output_table[of].rows;
    bool on_rows = rows == ROWS_REGIONS || rows == ROWS_TOKENS;
    bool one = of == OUT_GROUND || of == OUT_WORD_LOGIT;
    const json_t *row = json_object_get(v, "row"), *weight = json_object_get(v, "weight");
    int index = (int)json_integer_value(json_object_get(v, "index"));
    return (struct net_term){on_rows && one ? index : (int)json_integer_value(row),
                             on_rows && one ? 0 : index,
                             weight ? (float)json_number_value(weight) : 1};
}

static int target_read(const char *path, size_t i, const json_t *v, struct named_target *out,
                       struct vs_err *err)
{
    const char *name = json_string_value(json_object_get(v, "name"));
    const char *output = json_string_value(json_object_get(v, "output"));
    const json_t *terms = json_object_get(v, "terms"), *b = json_object_get(v, "b");
    enum net_output of = output ? target_find_output(output) : OUT_COUNT;
    if (!name || of == OUT_COUNT)
        return vs_fail(err, VS_E_FORMAT, "%s: target %zu: no \"name\", or \"output\" is none of a "
                       "model (vil_prediction, vision_logit, ...)", path, i);
    if (json_array_size(terms) == 0 || json_array_size(terms) > 10000 || (b && !json_is_integer(b)))
        return vs_fail(err, VS_E_FORMAT, "%s: target %s: \"terms\" is a list of {\"index\", "
                       "\"weight\"}, \"b\" a number", path, name);
    out->name = xstrdup(name);
    out->terms = xcalloc(json_array_size(terms), sizeof *out->terms);
    out->target = (struct net_target){of, (int)json_integer_value(b), out->terms,
                                      (int)json_array_size(terms)};
    for (int j = 0; j < out->target.count; j++) {
        const json_t *term = json_array_get(terms, (size_t)j);
        if (!json_is_integer(json_object_get(term, "index")))
            return vs_fail(err, VS_E_FORMAT, "%s: target %s: a term without \"index\"", path, name);
        out->terms[j] = target_term(of, term);
    }
    return 0;
}

int targets_read(const char *path, struct target_file *out, struct vs_err *err)
{
    json_error_t why;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    const json_t *list = json_object_get(root, "targets");
    const json_t *steps = json_object_get(root, "ig_steps");
    int rc = 0;
    *out = (struct target_file){.ig_steps = steps ? (int)json_integer_value(steps) : 16};
    if (!root)
        rc = vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", path, why.line, why.text);
    else if (json_array_size(list) == 0 || out->ig_steps < 0 || out->ig_steps > 100000)
        rc = vs_fail(err, VS_E_FORMAT, "%s: no list \"targets\", or \"ig_steps\" is not from 0 to "
                     "100000", path);
    if (rc == 0)
        out->list = xcalloc(json_array_size(list), sizeof *out->list);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        out->count++;
        rc = target_read(path, i, json_array_get(list, i), &out->list[i], err);
    }
    json_decref(root);
    return rc;
}

void targets_fini(struct target_file *f)
{
    for (int i = 0; i < f->count; i++) {
        free(f->list[i].name);
        free(f->list[i].terms);
    }
    free(f->list);
}
