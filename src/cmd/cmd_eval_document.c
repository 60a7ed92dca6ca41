/* SPDX-License-Identifier: MIT */
/* vilscope eval --reference, --from: one evaluation as JSON, and as a line. In JSON,
 * members are in the order in which they are read best, and numbers have the digits that the
 * reference's programs write. */
#include "src/cmd/cmd_eval.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <math.h>
#include <stdlib.h>

static void put_number(const char *key, double v)
{
    struct buf b = {0};
    buf_printf(&b, ",\n \"%s\": ", key);
    if (isnan(v))
        buf_puts(&b, "null");
    else
        reference_real(&b, v);
    fputs(b.data, stdout);
    buf_fini(&b);
}

/* All of it is ASCII without control characters. */
static void put_text(const char *before, const char *key, const char *text)
{
    struct buf b = {0};
    buf_printf(&b, "%s\"%s\": ", before, key);
    if (text)
        reference_quote(&b, text);
    else
        buf_puts(&b, "null");
    fputs(b.data, stdout);
    buf_fini(&b);
}

static void put_bool(const char *key, bool v)
{
    struct buf b = {0};
    buf_printf(&b, ",\n \"%s\": %s", key, v ? "true" : "false");
    fputs(b.data, stdout);
    buf_fini(&b);
}

static void put_identity(const struct eval_document *d)
{
    put_text("{", "model", d->model);
    put_text(",\n ", "checkpoint", d->checkpoint);
    put_text(",\n ", "path", d->path);
    put_text(",\n ", "data", d->data);
    if (d->data_digest)
        put_text(",\n ", "data_digest", d->data_digest);
    put_text(",\n ", "task", d->task);
    put_text(",\n ", "split", d->split);
}

char *eval_flaws_text(const struct evaluation *e, const struct task *task, bool places)
{
    struct buf b = {0};
    buf_putc(&b, '[');
    for (int i = 0; i < e->flaw_count; i++) {
        const struct eval_flaw *f = &e->flaws[i];
        if (task && f->task && f->task != task)
            continue;
        buf_printf(&b, "%s\n  {\"item\": ", b.len > 1 ? "," : "");
        reference_quote(&b, f->item);
        buf_puts(&b, ", \"why\": ");
        reference_quote(&b, f->why);
        if (places && f->place)
            buf_printf(&b, ", \"place\": %d", f->place);
        buf_putc(&b, '}');
    }
    buf_puts(&b, b.len > 1 ? "\n ]" : "]");
    return buf_steal(&b);
}

static void put_recall(const char *before, const struct reference_recall *r)
{
    struct eval_number all[EVAL_RECALLS];
    eval_recalls(r, all);
    for (int i = 0; i < EVAL_RECALLS; i++) {
        char *key = xasprintf("%s%s", before, all[i].name);
        put_number(key, all[i].v);
        free(key);
    }
}

static void put_scores(const struct evaluation *e)
{
    const struct reference_sums *s = &e->sums;
    put_text(",\n ", "metric", eval_metric(e->set->items[0].task, s->foils, s->pairs));
    printf(",\n \"items\": %d", s->items);
    if (s->scored == 0) {
        printf(",\n \"score\": null");
        return;
    }
    put_number("score", evaluation_score(e));
    put_number("score_sum", s->score);
    put_number("low", e->low);
    put_number("high", e->high);
    if (s->pairs) {
        put_number("text_score", (double)s->text / s->pairs);
        put_number("image_score", (double)s->image / s->pairs);
    }
    if (s->unlisted)
        printf(",\n \"unlisted\": %d", s->unlisted);
    if (!e->set->pool)
        return;
    put_recall("", &s->images);
    printf(",\n \"images\": %d", e->set->pool_count);
    put_recall("captions_", &s->captions);
}

void eval_document_open(const struct eval_document *d)
{
    const struct evaluation *e = d->e;
    put_identity(d);
    put_scores(e);
    put_number("ms_per_item", d->ms);
    if (d->interrupted)
        put_bool("interrupted", true);
    if (e->set->reference && e->set->reference->annotated) {
        put_bool("as_reference", e->set->as_reference);
        printf(",\n \"shifted\": %d", e->sums.shifted);
    }
    char *flaws = d->flaws_known ? eval_flaws_text(e, NULL, false) : xstrdup("null");
    fputs(",\n \"left_out\": ", stdout);
    fputs(flaws, stdout); /* ASCII */
    free(flaws);
}

void eval_document_failed(const struct eval_document *d, const char *why)
{
    put_identity(d);
    put_text(",\n ", "error", why);
    putchar('}');
}

const char *eval_document_between(int shown)
{
    return shown == 0 ? "{\"evaluations\": [\n" : ",\n";
}

/* ---- for people */

void eval_line_print(const char *checkpoint, const struct evaluation *e, bool first)
{
    const struct reference_sums *s = &e->sums;
    char score[48];
    if (first)
        plain_out("%-12s %-10s %7s  %-22s %s\n", "task", "split", "items", "checkpoint", "score");
    plain_out("%-12s %-10s %7d  %-22.22s ", e->set->items[0].task->name, e->set->split, s->items,
              checkpoint);
    if (s->scored == 0) {
        printf("the split has no answers\n");
    } else if (e->set->pool) {
        eval_print_recalls(s, 56);
    } else {
        eval_interval_text(evaluation_score(e), e->low, e->high, score, sizeof score);
        plain_out("%s\n", score);
        if (s->pairs)
            plain_out("%56stext %.1f%%, image %.1f%%\n", "", 100.0 * s->text / s->pairs,
                      100.0 * s->image / s->pairs);
    }
    fflush(stdout);
}
