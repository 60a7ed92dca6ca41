/* SPDX-License-Identifier: MIT */
/* vilscope eval --heads: how each head attends over a set of items, checkpoint by checkpoint, and
 * how it differs from the first one's. */
#include "src/cmd/vilscope.h"

#include "src/cmd/cmd_eval.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/cmd_set_rows.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/headset.h"
#include "src/study/headstats.h"
#include "src/study/reference.h"
#include "src/study/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const eval_head_orders[] = {"place", "entropy", "k90", "peak", "special", "cross",
                                        "pointing", NULL};

struct heads_run {
    const struct eval_study *o;
    struct model *m;
    const struct eval_set *set;
    struct headset *sets; /* (checkpoints) of the set; those without its tasks have no items */
    struct set_rows lines;
    struct command_items show;
    json_t *rows;         /* of the document, or NULL */
    bool partly;          /* items were left out */
    int shown;            /* sets */
    struct vs_err *err;
};

/* A table: of a checkpoint, or of what it has more than another. */
struct heads_table {
    const struct heads_run *r;
    const struct headset *of, *less; /* less: what is taken off, or NULL */
    const char *name, *against;      /* against: NULL */
    struct bootstrap *x;             /* (heads, HEADSET_STATS) */
    int *order;                      /* (heads) */
    int count;
};

static const struct bootstrap *heads_number(const struct heads_table *t, int head, int stat)
{
    return &t->x[(size_t)head * HEADSET_STATS + (size_t)stat];
}

/* By falling numbers, of differences by their size; where there is none, last. */
static void heads_sort(struct heads_table *t)
{
    int by = t->r->o->sort - 1;
    float *key = xcalloc((size_t)t->count + 1, sizeof *key);
    for (int i = 0; i < t->count; i++) {
        double mean = by < 0 ? 0 : heads_number(t, i, by)->mean;
        key[i] = (float)(t->less ? fabs(mean) : mean);
    }
    stats_order(key, t->count, t->order);
    free(key);
}

static void heads_fill(struct heads_table *t)
{
    const struct headset *heads = t->less ? t->less : t->of;
    t->count = heads->head_count;
    t->x = xcalloc((size_t)t->count * HEADSET_STATS + 1, sizeof *t->x);
    t->order = xcalloc((size_t)t->count + 1, sizeof *t->order);
    for (int i = 0; i < t->count; i++)
        for (int s = 0; s < HEADSET_STATS; s++)
            t->x[(size_t)i * HEADSET_STATS + (size_t)s] =
                t->less ? headset_difference(t->less, t->of, i, (enum headset_stat)s)
                        : headset_mean(t->of, i, (enum headset_stat)s);
    heads_sort(t);
}

/* ---- printing */

static const struct headset_head *heads_of(const struct heads_table *t, int head)
{
    return &(t->less ? t->less : t->of)->heads[head];
}

/* Of the reference's folder: sets are named by their task and split. */
static const struct eval_set *heads_named(const struct heads_table *t)
{
    return t->r->set->reference ? t->r->set : NULL;
}

static bool heads_any(const struct heads_table *t, int stat)
{
    for (int i = 0; i < t->count; i++)
        if (heads_number(t, i, stat)->count)
            return true;
    return false;
}

/* "1.23 (1.20 to 1.26)", of a difference with a sign and a star where 0 is outside. */
static void heads_cell(const struct bootstrap *b, bool difference)
{
    char text[64];
    double mean = stats_shown(b->mean, 2), low = stats_shown(b->low, 2);
    double high = stats_shown(b->high, 2);
    bool aside = difference && (b->low > 0 || b->high < 0);
    if (b->count == 0)
        snprintf(text, sizeof text, "-");
    else if (isnan(b->low))
        snprintf(text, sizeof text, difference ? "%+.2f" : "%.2f", mean);
    else
        snprintf(text, sizeof text,
                 difference ? "%+.2f (%+.2f to %+.2f)%s" : "%.2f (%.2f to %.2f)%s", mean, low, high,
                 aside ? "*" : "");
    plain_out("  %-25s", text);
}

static void heads_text(const struct heads_table *t)
{
    int top = t->r->o->top && t->r->o->top < t->count ? t->r->o->top : t->count;
    const struct eval_set *set = heads_named(t);
    putchar('\n');
    if (set)
        plain_out("%s %s, ", set->items[0].task->name, set->split);
    if (t->less)
        plain_out("%s less %s, item by item (* 0 is outside of the interval)\n", t->name,
                  t->against);
    else
        plain_out("%s: %d items\n", t->name, t->of->items);
    plain_out("%-20s", "head");
    for (int s = 0; s < HEADSET_STATS; s++)
        if (heads_any(t, s))
            plain_out("  %-25s", headset_name((enum headset_stat)s));
    putchar('\n');
    for (int i = 0; i < top; i++) {
        const struct headset_head *h = heads_of(t, t->order[i]);
        char name[48];
        snprintf(name, sizeof name, "%s %d.%d", attn_table[h->map].word, h->layer + 1, h->head + 1);
        plain_out("%-20s", name);
        for (int s = 0; s < HEADSET_STATS; s++)
            if (heads_any(t, s))
                heads_cell(heads_number(t, t->order[i], s), t->less != NULL);
        putchar('\n');
    }
    if (top < t->count)
        plain_out("... %d more: --top 0 shows all\n", t->count - top);
}

/* A line for each head and statistic. */
static void heads_csv(const struct heads_table *t)
{
    for (int i = 0; i < t->count; i++)
        for (int s = 0; s < HEADSET_STATS; s++) {
            const struct headset_head *h = heads_of(t, t->order[i]);
            const struct bootstrap *b = heads_number(t, t->order[i], s);
            const struct eval_set *set = heads_named(t);
            if (b->count == 0)
                continue;
            if (set) {
                plain_out("%s,", set->items[0].task->name);
                plain_csv(stdout, set->split, true);
                putchar(',');
            }
            plain_csv(stdout, t->name, true);
            putchar(',');
            plain_csv(stdout, t->against ? t->against : "", true);
            plain_out(",%s,%d,%d,%s,%.9g,", attn_table[h->map].word, h->layer + 1, h->head + 1,
                      headset_name((enum headset_stat)s), b->mean);
            printf(isnan(b->low) ? ",," : "%.9g,%.9g,", b->low, b->high);
            printf("%d,%d\n", b->count, b->clusters);
        }
}

static void heads_json(const struct heads_table *t, json_t *list)
{
    for (int i = 0; i < t->count; i++) {
        const struct headset_head *h = heads_of(t, t->order[i]);
        json_t *stats = json_object();
        for (int s = 0; s < HEADSET_STATS; s++) {
            const struct bootstrap *b = heads_number(t, t->order[i], s);
            if (b->count)
                json_object_set_new(stats, headset_name((enum headset_stat)s),
                                    json_pack("{s:o, s:o, s:o, s:i, s:i}", "mean",
                                              plain_number(b->mean), "low", plain_number(b->low),
                                              "high", plain_number(b->high), "n", b->count,
                                              "images", b->clusters));
        }
        json_t *one = json_pack(
            "{s:o, s:o, s:s, s:i, s:i, s:o}", "checkpoint", plain_string(t->name), "less",
            t->against ? plain_string(t->against) : json_null(), "map", attn_table[h->map].word,
            "layer", h->layer + 1, "head", h->head + 1, "statistics", stats);
        const struct eval_set *set = heads_named(t);
        if (one && set) {
            json_object_set_new(one, "task", json_string(set->items[0].task->name));
            json_object_set_new(one, "split", plain_string(set->split));
            json_object_set_new(one, "data_digest", json_string(set->digest));
        }
        json_array_append_new(list, one);
    }
}

static void heads_print(const struct heads_run *r, int of, int less)
{
    struct heads_table t = {.r = r, .of = &r->sets[of], .less = less < 0 ? NULL : &r->sets[less],
                            .name = model_checkpoint_name(r->m, of),
                            .against = less < 0 ? NULL : model_checkpoint_name(r->m, less)};
    heads_fill(&t);
    if (r->rows)
        heads_json(&t, r->rows);
    else if (r->o->csv)
        heads_csv(&t);
    else
        heads_text(&t);
    free(t.x);
    free(t.order);
}

/* ---- running */

static int heads_keep(void *arg, json_t *row, struct vs_err *err)
{
    return set_rows_add(arg, row, err);
}

static int heads_take_past(void *arg, int index, json_t *row, struct vs_err *err)
{
    json_t **past = arg;
    (void)err;
    past[index] = row;
    return 0;
}

static void heads_say(struct heads_run *r, const struct headset *h, const struct eval_gone *gone)
{
    if (h->left_out)
        plain_text(stderr, "vilscope eval: %s: %d items are left out with %s: the first is %s\n",
                   r->set->path, h->left_out, r->show.checkpoint, h->first);
    command_say_gone("eval", gone);
    r->partly |= h->left_out > 0;
}

/* With the rows that are there. */
static int heads_ask(struct heads_run *r, int checkpoint, const bool *without)
{
    char digest[DIGEST_HEX] = "";
    struct eval_gone gone = {0};
    struct headset *h = &r->sets[checkpoint];
    const size_t n = (size_t)r->set->count + 1;
    const bool lines = r->o->rows != NULL;
    bool *done = xcalloc(n, sizeof *done);
    json_t **past = xcalloc(n, sizeof(json_t *));
    struct headset_wants w = {.checkpoint = checkpoint, .limit = r->o->limit,
                              .task = r->o->data->task, .without = without, .gone = &gone,
                              .shard = r->o->shard, .checkpoint_name = r->show.checkpoint,
                              .digest = digest, .past = past, .take = lines ? heads_keep : NULL,
                              .take_arg = &r->lines, .cancel = r->o->stop, .report = command_items,
                              .report_arg = &r->show};
    if (lines)
        model_checkpoint_digest(r->m, checkpoint, digest);
    int rc = set_rows_past(&r->lines, r->set, r->show.checkpoint, digest, headset_setup(), done,
                           heads_take_past, past, r->err);
    if (rc == 0)
        rc = headset_run(r->m, r->set, &w, h, r->err);
    command_clear();
    if (rc == 0)
        heads_say(r, h, &gone);
    free(done);
    free(past);
    return rc;
}

/* A checkpoint without a head for anything of the set ends it, unless there are other sets. */
static int heads_measure(struct heads_run *r, int checkpoint)
{
    struct vs_err first = {0};
    struct buf notes = {0};
    bool *without = xcalloc((size_t)task_count, sizeof *without);
    bool others = r->set->reference && !r->o->data->task;
    r->show = (struct command_items){.checkpoint = model_checkpoint_name(r->m, checkpoint)};
    int left = eval_check_heads(r->set, r->o->data->task, r->m, checkpoint, without,
                                "vilscope eval: note: ", &notes, &first);
    int rc = left || others || !first.code ? 0 : vs_fail(r->err, first.code, "%s", first.text);
    if (rc == 0 && notes.len)
        fputs(notes.data, stderr);
    if (rc == 0 && left)
        rc = heads_ask(r, checkpoint, without);
    buf_fini(&notes);
    free(without);
    return rc;
}

static void heads_show(struct heads_run *r)
{
    int n = model_checkpoint_count(r->m), first = 0;
    while (first < n && r->sets[first].items == 0)
        first++;
    if (r->shown++ == 0 && r->o->csv)
        plain_out("%scheckpoint,less,map,layer,head,statistic,mean,low,high,items,images\n",
                  r->o->reference ? "task,split," : "");
    else if (r->shown == 1 && !r->o->json)
        plain_out("means over items with 95 %% intervals by images; rows are words and regions "
                  "proper\n");
    for (int i = first; i < n; i++)
        if (r->sets[i].items)
            heads_print(r, i, -1);
    for (int i = first + 1; i < n; i++)
        if (r->sets[i].items)
            heads_print(r, i, first);
}

static int heads_one_set(void *arg, const struct eval_set *set)
{
    struct heads_run *r = arg;
    int n = model_checkpoint_count(r->m), rc = 0;
    r->set = set;
    r->sets = xcalloc((size_t)n + 1, sizeof *r->sets);
    for (int i = 0; i < n && rc == 0; i++)
        rc = heads_measure(r, i);
    if (rc == 0)
        heads_show(r);
    for (int i = 0; i < n; i++)
        headset_fini(&r->sets[i]);
    free(r->sets);
    r->sets = NULL;
    return rc;
}

static int heads_set_file(struct heads_run *r)
{
    struct eval_set *set = NULL;
    int rc = eval_open(r->o->data, &set, r->err);
    if (rc == 0 && r->o->rows && file_is_at(r->o->rows, set->path))
        rc = vs_fail(r->err, VS_E_USAGE, "%s: is the set that is read: give another file",
                     r->o->rows);
    if (rc == 0)
        rc = heads_one_set(r, set);
    if (rc == 0 && r->o->json)
        rc = command_json(json_pack("{s:o, s:o, s:s, s:O}", "model", plain_string(model_name(r->m)),
                                    "data", plain_string(set->path), "data_digest", set->digest,
                                    "heads", r->rows), JSON_INDENT(1));
    eval_free(set);
    return rc;
}

static int heads_folder(struct heads_run *r)
{
    int rc = reference_each(r->o->reference, r->o->data->task, r->o->data->split, heads_one_set, r,
                            r->err);
    if (rc == 0 && r->o->json)
        rc = command_json(json_pack("{s:o, s:o, s:O}", "model", plain_string(model_name(r->m)),
                                    "data", plain_string(r->o->reference), "heads", r->rows),
                          JSON_INDENT(1));
    return rc;
}

int eval_heads(const struct eval_study *o, struct vs_err *err)
{
    struct heads_run r = {.o = o, .err = err, .rows = o->json ? json_array() : NULL};
    struct vs_err why = {0};
    int rc = model_open(o->model, &r.m, err);
    if (rc == 0) {
        command_opened("eval", r.m);
        rc = set_rows_open(&r.lines, &headset_set_rows, o->rows, o->resume, err);
    }
    if (rc == 0)
        rc = o->reference ? heads_folder(&r) : heads_set_file(&r);
    int closed = set_rows_close(&r.lines, rc ? &why : err);
    if (o->rows)
        rc = command_stopped(rc, r.lines.stale ? NULL : r.lines.path, err);
    json_decref(r.rows);
    model_free(r.m);
    return rc ? rc : closed ? closed : r.partly ? EXIT_PARTLY : EXIT_OK;
}
