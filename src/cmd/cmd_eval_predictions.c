/* SPDX-License-Identifier: MIT */
/* vilscope eval --predictions: what a model answers, as the data sets' servers take it.
 *
 * Source: the rows that eval_tasks.py of the reference writes for VQA and GQA. */
#include "src/cmd/cmd_eval.h"

#include "src/formats/outfile.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <stdlib.h>
#include <string.h>

void predictions_begin(struct predictions *p, const struct eval_set *set)
{
    *p = (struct predictions){.set = set};
    p->rows = xcalloc((size_t)set->count + 1, sizeof(json_t *));
}

static json_t *box_value(const struct result_box *b)
{
    return json_pack("[f,f,f,f]", (double)b->box[0], (double)b->box[1], (double)b->box[2],
                     (double)b->box[3]);
}

/* The answer, the number of an image or candidate, or a box. */
static json_t *best_of(const struct eval_item *it, const struct result *r)
{
    switch (it->task->reading->ranked) {
    case RANKED_REGIONS:
        if (r->box_count == 0)
            return json_null();
        if (it->candidates.count)
            return json_integer(eval_chosen(it, r));
        return box_value(&r->boxes[0]);
    case RANKED_IMAGES:
        if (r->raw)
            return json_integer(reference_argmax(r->raw, r->raw_count));
        return json_integer(r->answer_count ? r->answers[0].index : -1);
    case RANKED_LABELS: break;
    }
    return r->answer_count ? plain_string(r->answers[0].label) : json_null();
}

/* Where no server takes them. */
static json_t *plain_row(const struct eval_item *it, json_t *best)
{
    json_t *v = json_pack("{s:s, s:i, s:o}", "task", it->task->name, "line", it->line, "answer",
                          best);
    if (v && !it->no_id)
        json_object_set_new(v, "id", plain_string(it->id));
    return v;
}

/* Ids are numbers in VQA's files and text in the others. */
static bool is_number(const char *id)
{
    size_t n = strlen(id);
    return n > 0 && n < 19 && strspn(id, "0123456789") == n;
}

static json_t *row_of(const struct eval_item *it, const struct result *r)
{
    json_t *best = best_of(it, r);
    if (it->no_id)
        return plain_row(it, best);
    if (it->task->reading->pairs)
        return json_pack("{s:o, s:o}", "identifier", plain_string(it->id), "prediction", best);
    if (strcmp(it->task->name, "gqa") == 0)
        return json_pack("{s:o, s:o}", "questionId", plain_string(it->id), "prediction", best);
    if (!it->task->reading->listed || !is_number(it->id))
        return plain_row(it, best);
    return json_pack("{s:I, s:o}", "question_id", (json_int_t)strtoll(it->id, NULL, 10), "answer",
                     best);
}

void predictions_take(void *arg, const struct eval_item *it, const struct result *r)
{
    struct predictions *p = arg;
    size_t at = (size_t)(it - p->set->items);
    json_decref(p->rows[at]);
    p->rows[at] = row_of(it, r);
    p->count += p->rows[at] != NULL;
}

static char *as_json(const struct predictions *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->set->count; i++)
        if (p->rows[i])
            json_array_append(list, p->rows[i]);
    char *text = json_dumps(list, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(list);
    return text;
}

/* NLVR2's evaluation program reads a table: identifier,True. */
static char *as_table(const struct predictions *p, struct vs_err *err)
{
    struct buf b = {0};
    for (int i = 0; i < p->set->count; i++) {
        const char *id = json_string_value(json_object_get(p->rows[i], "identifier"));
        const char *word = json_string_value(json_object_get(p->rows[i], "prediction"));
        if (!p->rows[i])
            continue;
        if (!id || !word || strpbrk(id, ",\"\r\n")) {
            vs_fail(err, VS_E_USAGE, "a table (.csv) is of NLVR2's identifiers only: line %d has "
                    "none; give a file of another name, which gets JSON", p->set->items[i].line);
            buf_fini(&b);
            return NULL;
        }
        buf_printf(&b, "%s,%s\n", id, strcmp(word, "true") == 0 ? "True" : "False");
    }
    return buf_steal(&b);
}

int predictions_write(const struct predictions *p, const char *path, struct vs_err *err)
{
    struct outfile o;
    size_t n = strlen(path);
    bool table = n > 4 && strcmp(path + n - 4, ".csv") == 0;
    char *text = table ? as_table(p, err) : as_json(p);
    int rc = text ? outfile_open(&o, path, err)
             : table ? err->code
                     : vs_fail(err, VS_E_FORMAT, "%s: the answers cannot be JSON", path);
    if (rc == 0) {
        outfile_write(&o, text, strlen(text));
        if (!table)
            outfile_write(&o, "\n", 1);
        rc = outfile_close(&o, err);
    }
    free(text);
    return rc;
}

void predictions_end(struct predictions *p)
{
    for (int i = 0; p->rows && i < p->set->count; i++)
        json_decref(p->rows[i]);
    free(p->rows);
    *p = (struct predictions){0};
}
