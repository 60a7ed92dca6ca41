/* SPDX-License-Identifier: MIT */
/* vilscope eval --from: evaluations again, from their rows alone. */
#include "src/cmd/cmd_eval.h"

#include "src/cmd/cmd_rows.h"
#include "src/cmd/vilscope.h"
#include "src/study/evaluation_rows.h"
#include "src/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct from {
    const struct rows_given *given;
    bool json, several;
    int shown;
    struct vs_err *err;
};

/* What could not be asked, as the log has it. */
static void from_take_flaws(struct evaluation *e, const char *text)
{
    json_t *list = text ? json_loads(text, 0, NULL) : NULL, *v;
    size_t i;
    json_array_foreach(list, i, v) {
        const char *item = json_string_value(json_object_get(v, "item"));
        const char *why = json_string_value(json_object_get(v, "why"));
        if (!item || !why)
            continue;
        e->flaws = xreallocarray(e->flaws, (size_t)e->flaw_count + 1, sizeof *e->flaws);
        e->flaws[e->flaw_count++] = (struct eval_flaw){.item = xstrdup(item), .why = xstrdup(why)};
    }
    json_decref(list);
}

static int from_print(struct from *f, const struct row_evaluation *rows,
                      const struct log_evaluated *logged, const struct evaluation *e,
                      struct rows_out *out)
{
    bool known = logged->id != 0;
    struct eval_document d = {
        .model = logged->e.model, .checkpoint = rows->checkpoint,
        .path = logged->e.checkpoint_path, .data = known ? logged->e.data_path : rows->source,
        .data_digest = logged->e.data_digest, .task = rows->task->name, .split = rows->split,
        .e = e, .ms = (double)NAN, .flaws_known = known};
    eval_say_unlisted("eval", rows->task, e->sums.unlisted, e->sums.scored);
    if (!f->json) {
        eval_line_print(rows->checkpoint, e, f->shown++ == 0);
        return 0;
    }
    int rc = rows_ready(out, f->err);
    if (rc != 0)
        return rc;
    if (f->several)
        fputs(eval_document_between(f->shown), stdout);
    f->shown++;
    eval_document_open(&d);
    rc = rows_print(out, f->err);
    fputs("\n}", stdout);
    return rc;
}

static int from_one(struct from *f, int number)
{
    const struct row_evaluation *rows = &f->given->set.list[number];
    const struct log_evaluated *logged = &f->given->logged[number];
    struct rows_out out = {0};
    struct evaluation e = {.row = rows_take, .row_arg = &out};
    int rc = rows_begin(&out, f->json, f->err);
    if (rc == 0)
        rc = evaluation_from_rows(rows, &e, f->err);
    from_take_flaws(&e, logged->e.left_out);
    if (rc == 0)
        rc = from_print(f, rows, logged, &e, &out);
    rows_end(&out);
    evaluation_rows_fini(&e);
    return rc;
}

int eval_from(const struct words *files, const struct words *evaluations,
              const struct rows_wanted *w, bool json)
{
    struct vs_err err = {0};
    struct rows_given given = {0};
    struct from f = {.given = &given, .json = json, .err = &err};
    int rc = rows_gather_typed(files, evaluations, w, &given, &err);
    f.several = rc == 0 && given.set.count > 1;
    for (int i = 0; rc == 0 && i < given.set.count; i++)
        rc = from_one(&f, i);
    if (json && f.shown)
        puts(f.several ? EVAL_DOCUMENTS_END : "");
    if (rc == 0 && rows_say_shares("eval", &given))
        rc = EXIT_PARTLY;
    rows_given_fini(&given);
    return rc < 0 ? command_fail("eval", &err) : rc;
}
