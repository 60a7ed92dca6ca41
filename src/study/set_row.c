/* SPDX-License-Identifier: MIT */
/* Which item of a set, and which run, a row is of. */
#include "src/study/set_row.h"

#include <string.h>

static bool row_says(const json_t *row, const char *key, const char *text)
{
    const char *s = json_string_value(json_object_get(row, key));
    return s && strcmp(s, text) == 0;
}

enum set_row set_row_check(const struct set_row_kind *kind, const json_t *row,
                           const struct eval_set *set, const char *checkpoint, const char *digest,
                           const char *setup, int *index, const char **why)
{
    json_int_t at = json_integer_value(json_object_get(row, "index"));
    const char *task = json_string_value(json_object_get(row, "task"));
    const json_t *found = json_object_get(row, kind->member);
    if (!task || (!json_is_array(found) && !json_is_object(found))) {
        *why = kind->none;
        return SET_ROW_WRONG;
    }
    if (!row_says(row, "data", set->digest) || !row_says(row, "checkpoint", checkpoint))
        return SET_ROW_OF_OTHER;
    *why = !row_says(row, "digest", digest) ? "of a checkpoint of that name that had other bytes"
           : !row_says(row, "setup", setup) ? kind->other
           : at < 0 || at >= set->count     ? "of an item that the set has not"
           : strcmp(task, eval_task_of(set, (int)at)->name) != 0 ? "of an item that the set has not"
                                                                 : NULL;
    *index = *why ? -1 : (int)at;
    return *why ? SET_ROW_WRONG : SET_ROW_FITS;
}
