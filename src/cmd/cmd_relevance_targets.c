/* SPDX-License-Identifier: MIT */
/* The targets of vilscope relevance, from JSON. */
#include "src/cmd/cmd_relevance.h"

#include "src/base/mem.h"

#include <float.h>
#include <jansson.h>
#include <stdio.h>
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

#define TARGET_NUMBER 10000000 /* "b", "index", "row" at most */
#define TARGET_NAME 300        /* bytes */

/* Member `key` of v, from 0 to TARGET_NUMBER, or 0 without one; false: it is something else. */
static bool target_number(const json_t *v, const char *key, int *out)
{
    const json_t *x = json_object_get(v, key);
    json_int_t n = json_integer_value(x);
    *out = n >= 0 && n <= TARGET_NUMBER ? (int)n : 0;
    return !x || (json_is_integer(x) && n == *out);
}

/* Of outputs with one number for each row "index" is the row; of those with many "row" is. */
static int target_term(const char *where, enum net_output of, const json_t *v,
                       struct net_term *out, struct vs_err *err)
{
    enum output_rows rows = output_table[of].rows;
    bool on_rows = rows == ROWS_REGIONS || rows == ROWS_TOKENS;
    bool one = on_rows && (of == OUT_GROUND || of == OUT_WORD_LOGIT);
    const json_t *weight = json_object_get(v, "weight");
    double w = weight ? json_number_value(weight) : 1;
    int index, row;
    if (!json_object_get(v, "index"))
        return vs_fail(err, VS_E_FORMAT, "%s: a term without \"index\"", where);
    if (!target_number(v, "index", &index) || !target_number(v, "row", &row))
        return vs_fail(err, VS_E_FORMAT, "%s: \"index\" and \"row\" are whole numbers from 0 to %d",
                       where, TARGET_NUMBER);
    if ((weight && !json_is_number(weight)) || !(w >= -(double)FLT_MAX && w <= (double)FLT_MAX))
        return vs_fail(err, VS_E_FORMAT, "%s: a \"weight\" that is no number, or too large", where);
    *out = (struct net_term){one ? index : row, one ? 0 : index, (float)w};
    return 0;
}

/* A name is the beginning of those of its tensors. */
static int target_check_name(const char *path, const struct target_file *f, const char *name,
                             struct vs_err *err)
{
    if (strlen(name) > TARGET_NAME)
        return vs_fail(err, VS_E_FORMAT, "%s: target %.40s...: its name is longer than %d bytes",
                       path, name, TARGET_NAME);
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->list[i].name, name) == 0)
            return vs_fail(err, VS_E_FORMAT, "%s: two targets have the name %s", path, name);
    return 0;
}

/* The next target of f. */
static int target_read(const char *path, const json_t *v, struct target_file *f,
                       struct vs_err *err)
{
    struct named_target *out = &f->list[f->count];
    const char *name = json_string_value(json_object_get(v, "name"));
    const char *output = json_string_value(json_object_get(v, "output"));
    const json_t *terms = json_object_get(v, "terms");
    enum net_output of = output ? target_find_output(output) : OUT_COUNT;
    char where[TARGET_NAME + 600];
    int b, rc = 0;
    if (!name || of == OUT_COUNT)
        return vs_fail(err, VS_E_FORMAT, "%s: target %d: no \"name\", or \"output\" is none of a "
                       "model (vil_prediction, vision_logit, ...)", path, f->count);
    if ((rc = target_check_name(path, f, name, err)) != 0)
        return rc;
    snprintf(where, sizeof where, "%s: target %s", path, name);
    if (json_array_size(terms) == 0 || json_array_size(terms) > 10000 ||
        !target_number(v, "b", &b))
        return vs_fail(err, VS_E_FORMAT, "%s: \"terms\" is a list of {\"index\", "
                       "\"weight\"}, \"b\" a whole number from 0 to %d", where, TARGET_NUMBER);
    out->name = xstrdup(name);
    out->terms = xcalloc(json_array_size(terms), sizeof *out->terms);
    out->target = (struct net_target){of, b, out->terms, (int)json_array_size(terms)};
    f->count++;
    for (int j = 0; j < out->target.count && rc == 0; j++)
        rc = target_term(where, of, json_array_get(terms, (size_t)j), &out->terms[j], err);
    return rc;
}

int targets_read(const char *path, struct target_file *out, struct vs_err *err)
{
    json_error_t why;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    const json_t *list = json_object_get(root, "targets");
    const json_t *steps = json_object_get(root, "ig_steps");
    int rc = 0;
    json_int_t n = steps ? json_integer_value(steps) : 16;
    *out = (struct target_file){.ig_steps = n >= 0 && n <= 100000 ? (int)n : -1};
    if (!root)
        rc = vs_fail(err, VS_E_FORMAT, "%s: line %d: %s", path, why.line, why.text);
    else if (json_array_size(list) == 0 || (steps && !json_is_integer(steps)) ||
             out->ig_steps < 0)
        rc = vs_fail(err, VS_E_FORMAT, "%s: no list \"targets\", or \"ig_steps\" is no whole "
                     "number from 0 to 100000", path);
    if (rc == 0)
        out->list = xcalloc(json_array_size(list), sizeof *out->list);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        rc = target_read(path, json_array_get(list, i), out, err);
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
