/* SPDX-License-Identifier: MIT */
/* vilscope eval: a model's checkpoints measured on a set of items. */
#include "src/cmd/vilscope.h"

#include "sessions/log.h"
#include "src/cmd/cmd_eval.h"
#include "src/cmd/cmd_log.h"
#include "src/cmd/cmd_model.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS struct options
struct options {
    struct model_options model;
    struct words checkpoints;
    struct eval_source data;
    const char *log, *predictions, *reference, *rows;
    int limit, batch;
    bool json, no_log, attention, as_reference, strict, resume;
};

static const struct option_row option_rows[] = {
    TEXT("model", 'm', "DIR", model.dir, VALUES_FOLDERS, "model directory (vilscope-model(5))"),
    TEXT("data", 0, "SET", data.path, VALUES_FILES,
         "data.jsonl, or the folder that holds it; or the annotations of VQA v2, GQA, COCO and "
         "Flickr30k retrieval, RefCOCO, GuessWhat, NLVR2 or SNLI-VE as they were published, also "
         "compressed by gzip"),
    TEXT("reference", 0, "DIR", reference, VALUES_FOLDERS,
         "instead of --data: the reference's data folder (\"datasets\", or what holds it), no "
         "image files needed: all tasks that are in it, or those of -t"),
    TEXT("images", 0, "DIR", data.images, VALUES_FOLDERS,
         "where the images are (default: beside the set)"),
    TEXT("annotations", 0, "FILE", data.annotations, VALUES_FILES,
         "VQA v2: the answers; RefCOCO: COCO's instances.json"),
    TEXT("split", 0, "NAME", data.split, VALUES_NONE,
         "RefCOCO: which references (default val); --reference: any task's, by the name that the "
         "reference has for it (default: its configuration's)"),
    FLAG("as-reference", as_reference,
         "--reference: also where the reference takes wrong rows, which is said without it"),
    TEXT("rows", 0, "PATH", rows, VALUES_FILES,
         "--reference: what came of each item: a file of JSON lines, or a folder that gets the "
         "files that the reference writes (SPLIT_result.json)"),
    FLAG("resume", resume,
         "--rows FILE: go on behind the rows that are in it, of a run that was ended or killed"),
    FLAG("strict", strict, "--reference: an item that cannot be asked ends the evaluation"),
    TASK(data.task, "only this task"),
    ROW_CHECKPOINTS(checkpoints),
    INT("limit", 0, "N", limit, 1, 100000000, 0, "at most N items of each task"),
    FLAG("attention", attention,
         "also the pointing game: how often the region that a phrase's words attend to most is "
         "the one it names: text to image, by layer, mean of heads and best head, chosen on other "
         "items than it is scored on (cross-validation)"),
    INT("batch", 0, "N", batch, 1, 100000000, 0,
        "compute N items at once; what is fastest on the device without it; scores do not depend "
        "on it"),
    TEXT("predictions", 0, "FILE", predictions, VALUES_FILES,
         "write what the checkpoint answers, a row for each item, as the data sets' servers take "
         "it; items need not say what is right then"),
    ROW_JSON(json),
    ROW_DEVICE(model.device),
    ROW_THREADS(model.threads),
    ROW_LOG(log),
    ROW_NO_LOG(no_log),
    ROW_UNSAFE,
    END,
};

/* ---- running */

static atomic_bool stop;

static void on_signal(int number)
{
    atomic_store(&stop, true);
    signal(number, SIG_DFL);
}

struct show {
    double last;
    const char *checkpoint;
};

static void on_progress(void *arg, const struct eval_progress *p)
{
    struct show *s = arg;
    if (vs_now_ms() - s->last < 200 || !isatty(STDERR_FILENO))
        return;
    s->last = vs_now_ms();
    plain_text(stderr, "\r\033[K%s: %d of %d items, %s", s->checkpoint, p->done, p->all,
               p->task->name);
    fflush(stderr);
}

/* ---- printing */

struct column {
    int checkpoint;
    bool *without;  /* (task_count) what it has no head for */
    char *diverged; /* why nothing was measured, or NULL */
    struct eval_score *scores; /* (task_count) */
    struct eval_attention attention;
    struct eval_gone gone;
};

static void print_attention(const struct column *list, int count)
{
    int from = 0;
    while (from < count - 1 && list[from].attention.count == 0)
        from++;
    const struct eval_attention *first = &list[from].attention;
    if (first->count == 0)
        return;
    plain_out("\npointing game, %d phrases (mean of heads; best head, chosen on the other items, "
              "%d folds):\n"
              "%-12s %6s %7s\n", first->count,
              first->count < EVAL_FOLDS ? first->count : EVAL_FOLDS, "", "", "chance");
    for (int l = 0; l < first->layers; l++) {
        plain_out("layer %-6d %6s %6.1f%%", l + 1, "", 100 * first->blind / first->count);
        for (int i = 0; i < count; i++) {
            const struct eval_attention *a = &list[i].attention;
            if (a->count == 0 || l >= a->layers) {
                plain_out("  %14s       -", "-");
                continue;
            }
            double chosen = eval_attention_chosen(a, l);
            printf("  %13.1f%%", 100 * eval_attention_share(a, l, 0));
            printf(isfinite(chosen) ? " %6.1f%%" : "       -", 100 * chosen);
        }
        putchar('\n');
    }
}

/* best_head_cross_validated: of heads that were chosen on other items; head: the one chosen on all
 * of them. */
static json_t *attention_json(const struct eval_attention *a)
{
    json_t *layers = json_array();
    for (int l = 0; l < a->layers && a->count; l++) {
        double chosen = eval_attention_chosen(a, l);
        json_array_append_new(layers, json_pack("{s:f, s:o, s:i}", "mean_of_heads",
                                                eval_attention_share(a, l, 0),
                                                "best_head_cross_validated",
                                                plain_number(chosen), "head",
                                                eval_attention_best(a, l)));
    }
    return json_pack("{s:i, s:i, s:f, s:o}", "items", a->count, "folds", EVAL_FOLDS, "blind",
                     a->count ? a->blind / a->count : 0, "layers", layers);
}

/* "100.0% (87.9 to 100)" */
static void put_interval(const struct eval_score *s)
{
    if (s->count == 0) {
        plain_out("  %22s", "-");
        return;
    }
    double ends[2] = {100 * s->low, 100 * s->high};
    char text[2][16], all[48];
    for (int i = 0; i < 2; i++)
        snprintf(text[i], sizeof text[i], ends[i] >= 99.95 || ends[i] < 0.05 ? "%.0f" : "%.1f",
                 fabs(ends[i]));
    snprintf(all, sizeof all, "%.1f%% (%s to %s)", 100 * s->score, text[0], text[1]);
    plain_out("  %22s", all);
}

/* A task's score of the first checkpoint that has one. */
static const struct eval_score *first_score(const struct column *list, int count, int t)
{
    int i = 0;
    while (i < count - 1 && list[i].scores[t].count == 0)
        i++;
    return &list[i].scores[t];
}

static void put_recall(const struct eval_score *s)
{
    if (s->count)
        printf("  %14.1f%% %5.1f%%", 100 * s->at5, 100 * s->at10);
    else
        plain_out("  %22s", "-");
}

static void print_table(const struct model *m, const struct column *list, int count)
{
    plain_out("%-12s %6s %7s", "task", "items", "blind");
    for (int i = 0; i < count; i++)
        plain_out("  %22.22s", model_checkpoint_name(m, list[i].checkpoint));
    putchar('\n');
    for (int t = 0; t < task_count; t++) {
        const struct eval_score *first = first_score(list, count, t);
        if (first->count == 0)
            continue;
        plain_out("%-12s %6d %6.1f%%", task_table[t].name, first->count, 100 * first->baseline);
        for (int i = 0; i < count; i++)
            put_interval(&list[i].scores[t]);
        putchar('\n');
        if (task_table[t].reading->ranked == RANKED_IMAGES) {
            plain_out("%-12s %6s %7s", "  at 5, 10", "", "");
            for (int i = 0; i < count; i++)
                put_recall(&list[i].scores[t]);
            putchar('\n');
        }
    }
}

/* The regions are the same for all checkpoints. */
static void print_recall(const struct column *c)
{
    long named = 0, found = 0;
    for (int t = 0; t < task_count; t++) {
        named += c->scores[t].named;
        found += c->scores[t].found;
    }
    if (named)
        printf("\n%.1f%% of %ld boxes, named or candidates, have a region that overlaps them by "
               "0.5\n", 100.0 * (double)found / (double)named, named);
}

/* Words and pictures are the same for all checkpoints. */
static void print_foreign(const struct column *c)
{
    int foreign = 0, all = 0;
    for (int t = 0; t < task_count; t++) {
        foreign += c->scores[t].foreign;
        all += c->scores[t].count;
    }
    if (foreign)
        fprintf(stderr, "vilscope eval: note: %d of %d items have words, or images, that the "
                "model was not trained on\n", foreign, all);
}

/* Items with a score, or those without. */
static int answered(const struct column *c, bool scored)
{
    int n = 0;
    for (int t = 0; t < task_count; t++)
        n += scored ? c->scores[t].count : c->scores[t].answered;
    return n;
}

/* Nor are pictures. */
static void print_gone(const struct column *c)
{
    int all = c->gone.items + answered(c, true) + answered(c, false);
    if (c->gone.items)
        plain_text(stderr, "vilscope eval: note: %d of %d items are left out: %d of their images "
                   "%s not there, the first is %s\n", c->gone.items, all, c->gone.pictures,
                   c->gone.pictures == 1 ? "is" : "are", c->gone.first);
}

static json_t *score_json(const struct eval_score *s)
{
    json_t *v = json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f}", "task", s->task->name,
                          "metric", s->task->metric, "items", s->count, "score", s->score, "low",
                          s->low, "high", s->high, "baseline", s->baseline, "ms_per_item", s->ms);
    if (s->task->reading->ranked == RANKED_IMAGES) {
        json_object_set_new(v, "recall_at_5", json_real(s->at5));
        json_object_set_new(v, "recall_at_10", json_real(s->at10));
    }
    if (s->foreign)
        json_object_set_new(v, "outside_domain", json_integer(s->foreign));
    if (s->named) {
        json_object_set_new(v, "boxes", json_integer(s->named));
        json_object_set_new(v, "region_recall", json_real((double)s->found / s->named));
    }
    return v;
}

static void print_json(const struct model *m, const struct eval_set *set,
                       const struct column *list, int count)
{
    json_t *all = json_array();
    for (int i = 0; i < count; i++) {
        json_t *scores = json_array();
        for (int t = 0; t < task_count; t++)
            if (list[i].scores[t].count && !list[i].diverged)
                json_array_append_new(scores, score_json(&list[i].scores[t]));
        json_t *one = json_pack("{s:o, s:o, s:o}", "checkpoint",
                                plain_string(model_checkpoint_name(m, list[i].checkpoint)), "path",
                                plain_string(model_checkpoint_path(m, list[i].checkpoint)),
                                "scores", scores);
        if (list[i].diverged)
            json_object_set_new(one, "diverged", json_string(list[i].diverged));
        else if (list[i].attention.count)
            json_object_set_new(one, "attention", attention_json(&list[i].attention));
        json_array_append_new(all, one);
    }
    json_t *v = json_pack("{s:o, s:o, s:s, s:o}", "model", plain_string(model_name(m)), "data",
                          plain_string(set->path), "data_digest", set->digest, "checkpoints", all);
    int open = count ? answered(&list[0], false) : 0;
    if (v && open)
        json_object_set_new(v, "answered_without_score", json_integer(open));
    if (v && count && list[0].gone.items)
        json_object_set_new(v, "left_out",
                            json_pack("{s:i, s:i, s:o}", "items", list[0].gone.items,
                                      "missing_pictures", list[0].gone.pictures, "first",
                                      plain_string(list[0].gone.first)));
    command_json(v, JSON_INDENT(1));
}

/* ---- the log */

void eval_log_put(struct logging *g, const struct log_evaluation *e)
{
    struct vs_err err = {0};
    int waited = log_pending_count(g->log);
    if (log_evaluation_later(g->log, e, &err) == 0 || log_pending_count(g->log) > waited)
        return;
    plain_text(stderr, "vilscope eval: not logged: %s\n", err.text);
    g->unlogged = true;
}

/* A status of the program. */
static int log_scores(const struct options *o, struct model *m, const struct eval_set *set,
                      const struct column *list, int count)
{
    struct logging g;
    logging_begin(&g, "eval", "eval", o->log);
    for (int i = 0; i < count && g.log; i++) {
        struct log_evaluation e = {.model = model_name(m),
                                   .checkpoint_name = model_checkpoint_name(m, list[i].checkpoint),
                                   .checkpoint_path = model_checkpoint_path(m, list[i].checkpoint),
                                   .data_path = set->path, .data_digest = set->digest};
        model_checkpoint_digest(m, list[i].checkpoint, e.checkpoint_digest);
        for (int t = 0; t < task_count; t++) {
            const struct eval_score *s = &list[i].scores[t];
            e.task = &task_table[t];
            e.items = s->count;
            e.score = s->score;
            e.low = s->low;
            e.high = s->high;
            e.baseline = s->baseline;
            if (s->count)
                eval_log_put(&g, &e);
        }
    }
    return logging_end(&g);
}

/* ---- the whole */

/* Those that were measured come first. */
static int order_columns(struct column *list, int count, int sound, struct vs_err *err)
{
    struct column *copy = xcalloc((size_t)count + 1, sizeof *copy);
    int good = 0, bad = sound;
    memcpy(copy, list, (size_t)count * sizeof *copy);
    for (int i = 0; i < count; i++)
        list[copy[i].diverged ? bad++ : good++] = copy[i];
    free(copy);
    if (sound == 0 && count > 0)
        return vs_fail(err, VS_E_DIVERGED, "%s", list[0].diverged);
    return 0;
}

static int check_one(const struct options *o, const struct model *m, struct vs_err *err)
{
    int n = model_checkpoint_count(m);
    return !o->predictions || n == 1
               ? 0
               : vs_fail(err, VS_E_USAGE, "--predictions are those of one checkpoint: choose it "
                         "with -c NAME (%d are measured)", n);
}

/* Notes which tasks of the set a checkpoint has no head for, and tells each unless nothing else is
 * asked: *first says why then. Returns whether there is one left to measure it on, or none at all,
 * which is for others to say. */
static bool drop_tasks(const struct options *o, const struct model *m, const struct eval_set *set,
                       struct column *c, struct vs_err *first)
{
    struct buf notes = {0};
    bool *seen = xcalloc((size_t)task_count, sizeof *seen);
    int asked = 0, left = 0;
    c->without = xcalloc((size_t)task_count, sizeof *c->without);
    for (int i = 0; i < set->count; i++) {
        const struct task *t = set->items[i].task;
        struct vs_err why = {0};
        int at = (int)(t - task_table);
        if (seen[at] || (o->data.task && o->data.task != t))
            continue;
        seen[at] = true;
        c->without[at] = model_check_task(m, c->checkpoint, t, &why) != 0;
        if (c->without[at])
            buf_printf(&notes, "vilscope eval: note: %s\n", why.text);
        if (c->without[at] && !first->code)
            *first = why;
        left += !c->without[at];
        asked++;
    }
    free(seen);
    if (notes.len && (left > 0 || model_checkpoint_count(m) > 1))
        fputs(notes.data, stderr); /* errors are clean */
    buf_fini(&notes);
    return left > 0 || asked == 0;
}

static int measure(const struct options *o, struct model *m, const struct eval_set *set,
                   struct predictions *p, struct column *list, int *count, struct vs_err *err)
{
    int rc = check_one(o, m, err), sound = 0, measured = 0;
    struct vs_err first = {0};
    for (int i = 0; i < model_checkpoint_count(m) && rc == 0; i++) {
        struct show show = {0, model_checkpoint_name(m, i)};
        struct eval_options e = {.task = o->data.task, .checkpoint = i, .limit = o->limit,
                                 .batch = o->batch,
                                 .take = o->predictions ? predictions_take : NULL,
                                 .take_arg = p,
                                 .cancel = &stop, .report = on_progress, .report_arg = &show};
        list[*count] = (struct column){.checkpoint = i};
        list[*count].scores = xcalloc((size_t)task_count, sizeof *list->scores);
        e.gone = &list[*count].gone;
        bool any = drop_tasks(o, m, set, &list[*count], &first);
        e.without = list[*count].without;
        e.attention = o->attention ? &list[*count].attention : NULL;
        measured += any;
        rc = any ? eval_run(m, set, &e, list[*count].scores, err) : 0;
        if (isatty(STDERR_FILENO))
            fputs("\r\033[K", stderr);
        if (rc == VS_E_DIVERGED) /* the others are measured */
            list[*count].diverged = xstrdup(err->text);
        rc = rc == VS_E_DIVERGED ? 0 : rc;
        sound += !list[(*count)++].diverged;
    }
    if (rc == 0 && measured == 0 && *count > 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: no checkpoint has a head for what it asks: %s",
                     set->path, first.text);
    return rc ? rc : order_columns(list, *count, sound, err);
}

/* Scores, where items say what is right, and what was answered. */
static void print_text(const struct options *o, const struct model *m,
                       const struct predictions *p, const struct column *list, int sound)
{
    if (answered(&list[0], true) || !o->predictions)
        print_table(m, list, sound);
    print_recall(&list[0]);
    print_attention(list, sound);
    if (o->predictions)
        plain_out("%s: answers to %d items, %d of which have no score, as it is not known what is "
                  "right\n", o->predictions, p->count, answered(&list[0], false));
}

/* A status of the program, or a negative code. */
static int eval(const struct options *o, struct vs_err *err)
{
    int logged = EXIT_OK;
    struct model *m = NULL;
    struct eval_set *set = NULL;
    struct column *list = NULL;
    struct predictions p = {0};
    int count = 0, sound = 0, rc = model_open(&o->model, &m, err);
    if (rc == 0) {
        command_about("eval", m);
        rc = eval_open(&o->data, &set, err);
    }
    if (rc == 0) {
        list = xcalloc((size_t)model_checkpoint_count(m) + 1, sizeof *list);
        signal(SIGINT, on_signal);
        signal(SIGTERM, on_signal);
        predictions_begin(&p, set);
        rc = measure(o, m, set, &p, list, &count, err);
    }
    if (rc == 0 && o->predictions)
        rc = predictions_write(&p, o->predictions, err);
    while (rc == 0 && sound < count && !list[sound].diverged)
        sound++;
    if (rc == 0 && sound < count)
        print_foreign(&list[sound]);
    if (rc == 0 && count)
        print_gone(&list[0]);
    if (rc == 0 && o->json)
        print_json(m, set, list, count);
    else if (rc == 0)
        print_text(o, m, &p, list, sound);
    fflush(stdout);
    for (int i = sound; i < count && rc == 0; i++)
        plain_text(stderr, "vilscope eval: %s diverged and has no score: %s\n",
                   model_checkpoint_name(m, list[i].checkpoint), list[i].diverged);
    if (rc == 0 && !o->no_log)
        logged = log_scores(o, m, set, list, sound);
    for (int i = 0; i < count; i++) {
        free(list[i].scores);
        free(list[i].diverged);
        free(list[i].without);
    }
    free(list);
    predictions_end(&p);
    eval_free(set);
    model_free(m);
    return rc ? rc : logged;
}

/* The same on the reference's folder. */
static int eval_folder(const struct options *o, struct vs_err *err)
{
    struct model *m = NULL;
    struct show shown = {0};
    struct logging g = {0};
    int rc = model_open(&o->model, &m, err);
    if (rc != 0)
        return rc;
    command_about("eval", m);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    struct reference_wants w = {.folder = o->reference, .split = o->data.split, .rows = o->rows,
                                .task = o->data.task, .as_reference = o->as_reference,
                                .strict = o->strict, .resume = o->resume, .json = o->json,
                                .limit = o->limit,
                                .batch = o->batch, .stop = &stop, .report = on_progress,
                                .report_arg = &shown, .running = &shown.checkpoint};
    if (!o->no_log)
        logging_begin(&g, "eval", "eval", o->log);
    rc = eval_reference_folder(&w, m, o->no_log ? NULL : &g, err);
    int logged = o->no_log ? EXIT_OK : logging_end(&g);
    model_free(m);
    return rc ? rc : logged;
}

/* What belongs to the other kind of data. */
static int check_kind(const struct options *o)
{
    bool folder = o->reference != NULL;
    if (folder && o->data.path)
        return command_usage("eval", "either --data or --reference");
    if (!o->model.dir || (!folder && !o->data.path))
        return command_usage("eval", "-m DIR and --data SET or --reference DIR are needed");
    if (!folder && (o->rows || o->as_reference || o->strict || o->resume))
        return command_usage("eval", "--%s is for --reference",
                             o->rows ? "rows" : o->strict ? "strict"
                             : o->resume ? "resume" : "as-reference");
    if (folder && (o->predictions || o->attention || o->data.images || o->data.annotations))
        return command_usage("eval", "--%s is for --data",
                             o->predictions ? "predictions" : o->attention ? "attention"
                             : o->data.images ? "images" : "annotations");
    return 0;
}

static int run(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    (void)args;
    (void)count;
    int usage = check_kind(o);
    if (usage != 0)
        return usage;
    o->data.optional = o->predictions != NULL;
    struct chosen *chosen = NULL;
    int status = command_choose("eval", &o->checkpoints, &o->model, &chosen, &err);
    if (status == 0)
        status = o->reference ? eval_folder(o, &err) : eval(o, &err);
    command_chosen_free(chosen);
    return status < 0 ? command_fail("eval", &err) : status;
}

const struct command command_eval = {
    .name = "eval", .args = "-m DIR --data SET|--reference DIR [OPTION...]",
    .summary = "Measure checkpoints on a data set.",
    .about =
        "Measures checkpoints on a set of items (vilscope-data(5)) with each data set's own\n"
        "metric: a table of means with 95 % intervals, a column for each checkpoint (all of the\n"
        "model directory without -c). blind is the most common answer, or a choice at random.\n",
    .after =
        "  vilscope world -o held-out --seed 5000 --scenes 2000\n"
        "  vilscope eval -m demo/model --data held-out\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run,
};
