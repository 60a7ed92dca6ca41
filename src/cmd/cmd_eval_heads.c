/* SPDX-License-Identifier: MIT */
/* vilscope eval --heads: how each head attends over a set of items, checkpoint by checkpoint, and
 * how it differs from the first one's. */
#include "src/cmd/vilscope.h"

#include "src/cmd/cmd_eval.h"
#include "src/cmd/cmd_model.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/headset.h"
#include "src/study/headstats.h"
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
    struct headset *sets; /* (checkpoints) */
    struct command_items show;
    json_t *rows;         /* of the document, or NULL */
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
    if (t->less)
        plain_out("\n%s less %s, item by item (* 0 is outside of the interval)\n", t->name,
                  t->against);
    else
        plain_out("\n%s: %d items\n", t->name, t->of->items);
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
            if (b->count == 0)
                continue;
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
        json_array_append_new(list, json_pack(
            "{s:o, s:o, s:s, s:i, s:i, s:o}", "checkpoint", plain_string(t->name), "less",
            t->against ? plain_string(t->against) : json_null(), "map", attn_table[h->map].word,
            "layer", h->layer + 1, "head", h->head + 1, "statistics", stats));
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

static int heads_measure(struct heads_run *r, int checkpoint)
{
    struct vs_err first = {0};
    struct buf notes = {0};
    struct eval_gone gone = {0};
    struct headset *h = &r->sets[checkpoint];
    const char *name = model_checkpoint_name(r->m, checkpoint);
    bool *without = xcalloc((size_t)task_count, sizeof *without);
    struct headset_wants w = {.checkpoint = checkpoint, .limit = r->o->limit,
                              .task = r->o->data->task, .without = without, .gone = &gone,
                              .cancel = r->o->stop, .report = command_items,
                              .report_arg = &r->show};
    r->show = (struct command_items){.checkpoint = name};
    int left = eval_check_heads(r->set, r->o->data->task, r->m, checkpoint, without,
                                "vilscope eval: note: ", &notes, &first);
    int rc = left || !first.code ? 0 : vs_fail(r->err, first.code, "%s", first.text);
    if (rc == 0 && notes.len)
        fputs(notes.data, stderr);
    if (rc == 0)
        rc = headset_run(r->m, r->set, &w, h, r->err);
    command_clear();
    if (rc == 0 && h->left_out)
        plain_text(stderr, "vilscope eval: %s: %d items are left out with %s: the first is %s\n",
                   r->set->path, h->left_out, name, h->first);
    if (rc == 0 && gone.items)
        plain_text(stderr, "vilscope eval: note: %d items are left out: %d of their images are not "
                   "there, the first is %s\n", gone.items, gone.pictures, gone.first);
    buf_fini(&notes);
    free(without);
    return rc;
}

static int heads_show(struct heads_run *r)
{
    const struct eval_study *o = r->o;
    int n = model_checkpoint_count(r->m);
    r->rows = o->json ? json_array() : NULL;
    if (o->csv)
        puts("checkpoint,less,map,layer,head,statistic,mean,low,high,items,images");
    else if (!o->json)
        plain_out("means over items with 95 %% intervals by images; rows are words and regions "
                  "proper\n");
    for (int i = 0; i < n; i++)
        heads_print(r, i, -1);
    for (int i = 1; i < n; i++)
        heads_print(r, i, 0);
    return o->json ? command_json(json_pack("{s:o, s:o, s:s, s:o}", "model",
                                            plain_string(model_name(r->m)), "data",
                                            plain_string(r->set->path), "data_digest",
                                            r->set->digest, "heads", r->rows), JSON_INDENT(1))
                   : 0;
}

int eval_heads(const struct eval_study *o, struct vs_err *err)
{
    struct heads_run r = {.o = o, .err = err};
    struct eval_set *set = NULL;
    int n = 0, rc = model_open(o->model, &r.m, err);
    if (rc == 0) {
        command_about("eval", r.m);
        rc = eval_open(o->data, &set, err);
    }
    if (rc == 0) {
        r.set = set;
        n = model_checkpoint_count(r.m);
        r.sets = xcalloc((size_t)n + 1, sizeof *r.sets);
    }
    for (int i = 0; i < n && rc == 0; i++)
        rc = heads_measure(&r, i);
    if (rc == 0)
        rc = heads_show(&r);
    bool partly = false;
    for (int i = 0; i < n; i++) {
        partly |= r.sets[i].left_out > 0;
        headset_fini(&r.sets[i]);
    }
    free(r.sets);
    eval_free(set);
    model_free(r.m);
    return rc ? rc : partly ? EXIT_PARTLY : EXIT_OK;
}
