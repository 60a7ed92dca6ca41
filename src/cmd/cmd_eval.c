/* SPDX-License-Identifier: MIT */
/* vilscope eval: a model's checkpoints measured on a set of items. */
#include "src/cmd/vilscope.h"

#include "sessions/log.h"
#include "src/cmd/cmd_compare.h"
#include "src/cmd/cmd_eval.h"
#include "src/cmd/cmd_log.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/cmd_rows.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/stream.h"
#include "src/formats/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    struct model_options model;
    struct words checkpoints;
    struct eval_source data;
    const char *log, *predictions, *reference, *rows;
    struct eval_figure figure;
    struct words from, evaluations;
    struct eval_study study;
    struct shard shard, place;
    int limit, batch;
    bool json, no_log, attention, as_reference, strict, resume;
};

static const struct option_row option_rows[] = {
    TEXT("model", 'm', "DIR", model.dir, VALUES_FOLDERS, "model directory (vilscope-model(5))"),
    TEXT("data", 0, "SET", data.path, VALUES_FILES,
         "data.jsonl, or the folder that holds it; or a data set's annotations as they were "
         "published (vilscope-data(5)), also compressed by gzip"),
    TEXT("reference", 0, "DIR", reference, VALUES_FOLDERS,
         "instead of --data: the reference's data folder (\"datasets\", or what holds it), no "
         "image files needed: all tasks that are in it, or those of -t"),
    TEXT("images", 0, "DIR", data.images, VALUES_FOLDERS,
         "where the images are (default: beside the set)"),
    TEXT("regions", 0, "PATH", data.regions, VALUES_FILES,
         "features of all images, in place of the images: LMDB, TSV, or a folder with a .npy for "
         "each"),
    TEXT("candidates", 0, "PATH", data.candidates, VALUES_FILES,
         "the same of the boxes to choose from (Visual7W, GuessWhat)"),
    TEXT("annotations", 0, "FILE", data.annotations, VALUES_FILES,
         "VQA v2: the answers; RefCOCO: COCO's instances.json"),
    TEXT("split", 0, "NAME", data.split, VALUES_NONE,
         "which part of a file that has several (default val or test); --reference: by the name "
         "that the reference has for it (default: its configuration's)"),
    FLAG("as-reference", as_reference,
         "--reference: also where the reference takes wrong rows, which is said without it"),
    TEXT("rows", 0, "PATH", rows, VALUES_WRITTEN,
         "what came of each item: a file of JSON lines; with --reference also a folder, that gets "
         "the files that the reference writes (SPLIT_result.json)"),
    WORDS("from", 0, "FILE", from, VALUES_FILES,
          "measure nothing: the same scores from rows that are there, a file of --rows or a log"),
    WORDS("evaluation", 0, "ID", evaluations, VALUES_NONE,
          "--from LOG: only this evaluation (vilscope sessions evaluations); may be given more "
          "than once"),
    FLAG("resume", resume,
         "--rows FILE: go on behind the rows that are in it, of a run that was ended or killed; of "
         "--change and --heads also those of all shards together"),
    FLAG("strict", strict, "an item that cannot be asked ends the evaluation"),
    TASK(data.task, "only this task"),
    ROW_CHECKPOINTS(checkpoints),
    ROW_WEIGHTS(model),
    INT("limit", 0, "N", limit, 1, 100000000, 0, "at most N items of each task"),
    SHARD("shard", shard,
          "only every N-th item of each task from the I-th on: one of N runs that share the work, "
          "each with a log of its own in --log FOLDER/ (vilscope-batch(1)); the same command goes "
          "on where it was ended; of --change and --heads each with --rows of its own"),
    SHARD("place", place,
          "--shard: this is the I-th of N checkpoints that are measured, which sessions merge "
          "counts"),
    FLAG("attention", attention,
         "also the pointing game: how often the region that a phrase's words attend to most is "
         "the one it names: text to image, by layer, mean of heads and best head, chosen on other "
         "items than it is scored on (cross-validation)"),
    INT("batch", 0, "N", batch, 1, 100000000, 0,
        "compute N items at once; what is fastest on the device without it; scores do not depend "
        "on it"),
    TEXT("predictions", 0, "FILE", predictions, VALUES_WRITTEN,
         "write what the checkpoint answers, a row for each item, as the data sets' servers take "
         "it; items need not say what is right then"),
    TEXT("figure", 0, "FILE", figure.path, VALUES_WRITTEN,
         "also a figure (.svg, .pdf or .png): scores with their intervals, and how far confidence "
         "can be trusted (reliability); with --change the items with and without it, too"),
    INT("width", 0, "MM", figure.width, 20, 1000, 0, "--figure: how wide; 170 by default"),
    INT("dpi", 0, "N", figure.dpi, 30, 2400, 0,
        "--figure: pixels per inch, in PNG; 300 by default"),
    ROW_JSON(json),
    HEADING("Interventions"),
    WORDS("change", 0, "WHAT", study.changes, VALUES_NONE,
          "also with this intervention in every item's query, as query --change has it (several "
          "that are applied together: \"WHAT; WHAT\"), and test what it changes, item by item; may "
          "be given more than once; nothing of it is logged, --rows has the rows of all"),
    ROW_SLICE(study.slices),
    ROW_SLICES(study.all_slices),
    ROW_LEAST(study.least),
    ROW_RESAMPLES(study.resamples),
    ROW_SEED(study.seed),
    HEADING("Heads"),
    FLAG("heads", study.heads,
         "no scores: how each head attends on these items (entropy, k90, peak, the shares of "
         "special tokens and of the other modality, pointing), and the differences of further "
         "checkpoints from the first"),
    CHOICE("sort", "STATISTIC", study.sort, eval_head_orders, 0,
           "--heads: the largest first, of differences those farthest from 0; place: by map, "
           "layer and head"),
    HEADING("Both"),
    INT("top", 0, "N", study.top, 0, 1000000, 20, "lines of a table; 0 for all"),
    FLAG("csv", study.csv, "as CSV"),
    HEADING("All"),
    ROW_DEVICE(model.device),
    ROW_PRECISION(model.precision),
    ROW_THREADS(model.threads),
    ROW_CONNECT(model.connect),
    ROW_LOG(log),
    ROW_NO_LOG(no_log),
    ROW_UNSAFE,
    END,
};

static atomic_bool stop;

/* ---- running */

static int check_one(const struct options *o, const struct model *m, struct vs_err *err)
{
    int n = model_checkpoint_count(m);
    return !o->predictions || n == 1
               ? 0
               : vs_fail(err, VS_E_USAGE, "--predictions are those of one checkpoint: choose it "
                         "with -c NAME (%d are measured)", n);
}

struct measuring {
    const struct options *o;
    struct model *m;
    const struct eval_set *set;
    struct predictions *p;
    struct rows_out rows;
    struct column *list;
    int count;        /* of them that were begun */
    bool interrupted; /* what was measured until then is shown */
    bool predicted;   /* answers are in their file */
    struct eval_part part;
    struct logging logging;
    struct command_items show;
    struct vs_err *err;
};

/* Of a share also tasks are logged of which it has no item: else it would seem to be missing. */
static bool is_logged(const struct measuring *g, const struct column *c, const struct task *t)
{
    const struct task *only = g->o->data.task;
    return c->scores[t - task_table].count ||
           (g->part.shard.count && (!only || only == t) && !c->without[t - task_table] &&
            eval_count(g->set, t, g->o->limit) > 0);
}

/* The scores of a checkpoint, each with its rows; where those cannot be read again, without. */
static void log_column(struct measuring *g, const struct column *c)
{
    const char *split = g->set->split[0] ? g->set->split : NULL, *rows = NULL;
    struct log_evaluation e = {.model = model_name(g->m), .split = split,
                               .checkpoint_name = model_checkpoint_name(g->m, c->checkpoint),
                               .checkpoint_path = model_checkpoint_path(g->m, c->checkpoint),
                               .data_path = g->set->path, .data_digest = g->set->digest};
    struct vs_err why = {0};
    size_t size = 0;
    eval_part_begin_log(&g->part, &g->logging);
    if (!g->logging.log)
        return;
    if (rows_map(&g->rows, &rows, &size, &why) != 0)
        plain_text(stderr, "vilscope eval: rows are not logged: %s\n", why.text);
    model_checkpoint_digest(g->m, c->checkpoint, e.checkpoint_digest);
    for (int t = 0; t < task_count; t++) {
        const struct eval_score *s = &c->scores[t];
        if (!is_logged(g, c, &task_table[t]))
            continue;
        char *flaws = eval_flaws_text(&c->e, &task_table[t], g->part.shard.count > 0);
        e.task = &task_table[t];
        e.items = s->count;
        e.score = s->score;
        e.low = s->low;
        e.high = s->high;
        e.baseline = s->baseline;
        e.left_out = flaws;
        e.rows = rows_of_task(&g->rows, e.task, rows, size, &e.rows_size);
        e.rows_mapped = true;
        if (eval_part_describe(&g->part, g->set, g->o->limit, &e))
            eval_log_put(&g->logging, &e);
        free(flaws);
    }
    rows_unmap(rows, size);
}

static void report(void *arg, const struct eval_progress *p)
{
    struct measuring *g = arg;
    rows_flush(&g->rows);
    command_items(&g->show, p);
}

/* One checkpoint; *first: why it is not asked one of the tasks. */
static int measure_one(struct measuring *g, int checkpoint, bool *any, struct vs_err *first)
{
    const struct options *o = g->o;
    struct column *c = &g->list[g->count++];
    *c = (struct column){.checkpoint = checkpoint};
    c->scores = xcalloc((size_t)task_count, sizeof *c->scores);
    *any = column_drop_tasks(c, g->m, g->set, o->data.task, first);
    g->show = (struct command_items){.checkpoint = model_checkpoint_name(g->m, checkpoint)};
    c->e = (struct evaluation){
        .set = g->set, .checkpoint = checkpoint, .limit = o->limit, .batch = o->batch,
        .task = o->data.task, .without = c->without, .gone = o->strict ? NULL : &c->gone,
        .attention = o->attention ? &c->attention : NULL,
        .take = o->predictions ? predictions_take : NULL, .take_arg = g->p, .scores = c->scores,
        .shard = o->shard, .past_is_ours = g->part.rows != NULL, .strict = o->strict,
        .row = rows_take, .row_arg = &g->rows, .past = g->rows.past,
        .cancel = &stop, .report = report, .report_arg = g};
    bool logs = g->logging.log || g->part.log;
    int rc = *any ? rows_begin(&g->rows, logs, g->err) : 0;
    if (rc == 0 && *any)
        rc = evaluation_run(&c->e, g->m, g->err);
    if (rc == 0)
        log_column(g, c);
    rows_end(&g->rows);
    command_clear();
    if (rc == VS_E_DIVERGED) /* the others are measured */
        c->diverged = xstrdup(g->err->text);
    g->interrupted = vs_is_of_all(rc) && c->e.sums.items > 0;
    return c->diverged ? 0 : rc;
}

static int measure(struct measuring *g)
{
    int rc = check_one(g->o, g->m, g->err), sound = 0, measured = 0;
    struct vs_err first = {0};
    for (int i = 0; i < model_checkpoint_count(g->m) && rc == 0; i++) {
        bool any;
        rc = measure_one(g, i, &any, &first);
        measured += any;
        sound += !g->list[g->count - 1].diverged;
    }
    if (rc == 0 && measured == 0 && g->count > 0)
        rc = vs_fail(g->err, VS_E_MISSING, "%s: no checkpoint has a head for what it asks: %s",
                     g->set->path, first.text);
    if (rc != 0 && !g->interrupted)
        return rc;
    int ordered = column_order(g->list, g->count, sound, g->err);
    return rc ? rc : ordered;
}

/* Scores, where items say what is right, and what was answered. */
static void print_text(const struct measuring *g, int sound)
{
    const struct options *o = g->o;
    const struct column *list = g->list, *most = column_widest(list, sound);
    if (column_answered(most, true) || !o->predictions)
        column_print_table(g->m, list, sound);
    column_print_pools(g->m, list, sound);
    column_print_recall(list, sound);
    column_print_attention(list, sound);
    if (g->predicted)
        plain_out("%s: answers to %d items, %d of which have no score, as it is not known what is "
                  "right\n", o->predictions, g->p->count, column_answered(most, false));
}

/* Sets are read once, so most flaws are those of the first checkpoint. */
static bool say_flaws(const struct measuring *g)
{
    bool any = false;
    for (int i = 0; i < g->count; i++)
        if (i == 0 || g->list[i].e.flaw_count != g->list[i - 1].e.flaw_count)
            any |= eval_say_flaws(&g->list[i].e, g->set->path);
    return any;
}

/* What came of it, on standard output and standard error. A status of the program. */
static int show(const struct measuring *g)
{
    int sound = 0;
    while (sound < g->count && !g->list[sound].diverged)
        sound++;
    column_print_foreign(g->list, sound);
    column_print_unlisted(g->list, sound);
    if (g->count)
        column_print_gone(column_widest(g->list, g->count));
    bool partly = say_flaws(g);
    if (g->o->json)
        column_print_json(g->m, g->set, g->list, g->count, g->interrupted);
    else
        print_text(g, sound);
    fflush(stdout);
    for (int i = sound; i < g->count; i++)
        plain_text(stderr, "vilscope eval: %s diverged and has no score: %s\n",
                   model_checkpoint_name(g->m, g->list[i].checkpoint), g->list[i].diverged);
    return partly ? EXIT_PARTLY : EXIT_OK;
}

/* Of a folder the set is a file in it. */
static int check_written(const struct measuring *g)
{
    const char *const written[] = {g->o->rows, g->o->predictions};
    for (size_t i = 0; i < 2; i++)
        if (written[i] && file_is_at(written[i], g->set->path))
            return vs_fail(g->err, VS_E_USAGE, "%s: is the set that is read: give another file",
                           written[i]);
    return g->o->predictions ? stream_check(g->o->predictions, g->err) : 0; /* not at the end */
}

/* Whether what is measured is shared, and goes to a log. */
static bool is_part(const struct options *o)
{
    return o->shard.count > 0 && !o->no_log;
}

/* Where the rows go, with those of earlier runs of a share, and where the log is. */
static int open_outputs(struct measuring *g)
{
    const struct options *o = g->o;
    struct eval_part *p = &g->part;
    int rc = 0;
    if (is_part(o)) {
        struct eval_part_of of = {.m = g->m, .data_digest = g->set->digest, .source = &o->data,
                                  .device = o->model.device, .limit = o->limit};
        *p = (struct eval_part){.shard = o->shard, .place = o->place};
        rc = eval_part_open(p, &of, o->log, g->err);
    }
    if (rc == 0)
        rc = rows_open(&g->rows, p->rows ? p->rows : o->rows, false, p->rows || o->resume, g->err);
    if (rc == 0 && g->rows.folder)
        rc = vs_fail(g->err, VS_E_USAGE, "%s: is a folder: with --data --rows is a file", o->rows);
    if (rc == 0 && !o->no_log && !p->log)
        logging_begin(&g->logging, "eval", "eval", o->log);
    return rc;
}

static int measure_set(struct measuring *g)
{
    const struct options *o = g->o;
    struct vs_err why = {0};
    int status = EXIT_OK, logged = EXIT_OK, rc = check_written(g);
    if (rc != 0)
        return rc;
    rc = open_outputs(g);
    if (rc == 0)
        rc = measure(g);
    if (g->logging.command)
        logged = logging_end(&g->logging);
    int written = rc == 0 && o->predictions ? predictions_write(g->p, o->predictions, g->err) : 0;
    g->predicted = rc == 0 && o->predictions && written == 0;
    if (rc == 0 || g->interrupted)
        status = show(g); /* also where answers could not be written */
    rc = rc ? rc : written;
    int closed = rows_close(&g->rows, rc ? &why : g->err);
    rc = eval_stopped(&g->part, o->rows, rc ? rc : closed, g->err);
    int parted = eval_part_close(&g->part, rc == 0 && logged == EXIT_OK, rc ? &why : g->err);
    return rc ? rc : parted ? parted : logged ? logged : status;
}

static void measuring_fini(struct measuring *g)
{
    for (int i = 0; i < g->count; i++) {
        free(g->list[i].scores);
        free(g->list[i].diverged);
        free(g->list[i].without);
        evaluation_fini(&g->list[i].e);
    }
    free(g->list);
}

/* A status of the program, or a negative code. */
static int eval(const struct options *o, struct vs_err *err)
{
    struct model *m = NULL;
    struct eval_set *set = NULL;
    struct predictions p = {0};
    struct measuring g = {.o = o, .p = &p, .err = err};
    int rc = model_open(&o->model, &m, err);
    if (rc == 0) {
        command_opened("eval", m);
        rc = eval_open(&o->data, &set, err);
    }
    if (rc == 0) {
        g.m = m;
        g.set = set;
        g.list = xcalloc((size_t)model_checkpoint_count(m) + 1, sizeof *g.list);
        command_stop_by_signals(&stop);
        predictions_begin(&p, set);
        rc = measure_set(&g);
    }
    measuring_fini(&g);
    predictions_end(&p);
    eval_free(set);
    model_free(m);
    return rc;
}

/* The same on the reference's folder. */
static int eval_folder(const struct options *o, struct vs_err *err)
{
    struct model *m = NULL;
    struct command_items shown = {0};
    struct logging g = {0};
    int rc = model_open(&o->model, &m, err);
    if (rc != 0)
        return rc;
    command_opened("eval", m);
    command_stop_by_signals(&stop);
    struct eval_part part = {.shard = is_part(o) ? o->shard : (struct shard){0, 0},
                             .place = o->place};
    if (is_part(o)) {
        struct eval_part_of of = {.m = m, .data = o->reference, .source = &o->data,
                                  .device = o->model.device, .limit = o->limit,
                                  .as_reference = o->as_reference};
        rc = eval_part_open(&part, &of, o->log, err);
    }
    struct reference_wants w = {.folder = o->reference, .split = o->data.split,
                                .rows = part.rows ? part.rows : o->rows, .part = &part,
                                .task = o->data.task, .as_reference = o->as_reference,
                                .strict = o->strict, .resume = part.rows || o->resume,
                                .json = o->json, .limit = o->limit, .shard = o->shard,
                                .batch = o->batch, .stop = &stop, .report = command_items,
                                .report_arg = &shown, .running = &shown.checkpoint};
    if (rc == 0 && !o->no_log && !part.log)
        logging_begin(&g, "eval", "eval", o->log);
    if (rc == 0)
        rc = eval_stopped(&part, o->rows,
                          eval_reference_folder(&w, m, o->no_log ? NULL : &g, err), err);
    int logged = g.command ? logging_end(&g) : EXIT_OK;
    int parted = eval_part_close(&part, rc >= 0 && logged == EXIT_OK, rc < 0 ? NULL : err);
    model_free(m);
    return rc ? rc : parted ? parted : logged;
}

/* ---- interventions and heads */

static int check_study(const struct options *o)
{
    const char *idle = o->from.count     ? "from"
                       : o->predictions  ? "predictions"
                       : o->attention    ? "attention"
                       : o->place.count  ? "place"
                       : o->strict       ? "strict"
                       : o->batch        ? "batch"
                       : o->log          ? "log"
                       : o->as_reference ? "as-reference" : NULL;
    const struct eval_study *s = &o->study;
    const char *lone = s->slices.count ? "slice" : s->all_slices ? "slices" : NULL;
    if ((s->changes.count || s->heads) && idle)
        return command_usage("eval", "--%s: no --%s with it", s->heads ? "heads" : "change", idle);
    if (!s->changes.count && lone)
        return command_usage("eval", "--%s is for --change; of checkpoints vilscope compare tells "
                             "it", lone);
    if (s->heads && s->changes.count)
        return command_usage("eval", "either --heads or --change");
    if ((s->heads || s->changes.count) && o->resume && !o->rows)
        return command_usage("eval", "--resume goes on from a file of rows: --rows FILE");
    if (!s->heads && (s->sort || (s->csv && !s->changes.count)))
        return command_usage("eval", s->sort ? "--sort is for --heads"
                                             : "--csv is for --change and --heads");
    return o->json && s->csv ? command_usage("eval", "either --json or --csv") : 0;
}

/* What is studied instead of scores. */
static int eval_study(struct options *o, struct vs_err *err)
{
    struct eval_study *s = &o->study;
    s->model = &o->model;
    s->data = &o->data;
    s->reference = o->reference;
    s->rows = o->rows;
    s->figure = o->figure;
    s->limit = o->limit;
    s->shard = o->shard;
    s->resume = o->resume;
    s->json = o->json;
    s->stop = &stop;
    command_stop_by_signals(&stop);
    return s->heads ? eval_heads(s, err) : eval_changed(s, err);
}

/* What belongs to the other kind of data. */
static int check_kind(const struct options *o)
{
    const char *idle = !o->from.count         ? NULL
                       : o->data.path          ? "data"
                       : o->reference          ? "reference"
                       : o->rows               ? "rows"
                       : o->predictions        ? "predictions"
                       : o->data.images        ? "images"
                       : o->data.regions       ? "regions"
                       : o->data.annotations   ? "annotations"
                       : o->limit              ? "limit"
                       : o->attention          ? "attention"
                       : o->strict             ? "strict"
                       : o->resume             ? "resume"
                       : o->as_reference       ? "as-reference" : NULL;
    if (idle)
        return command_usage("eval", "--from measures nothing: no --%s with it", idle);
    if (o->from.count)
        return 0;
    if (o->evaluations.count)
        return command_usage("eval", "--evaluation is for --from LOG");
    bool folder = o->reference != NULL;
    if (folder && o->data.path)
        return command_usage("eval", "either --data or --reference");
    if ((!o->model.dir && !o->model.connect) || (!folder && !o->data.path))
        return command_usage("eval", "-m DIR and --data SET or --reference DIR are needed");
    if (!folder && o->as_reference)
        return command_usage("eval", "--as-reference is for --reference");
    if ((o->resume || o->shard.count) && (o->predictions || o->attention))
        return command_usage("eval", "--%s is of all items: not with --%s",
                             o->predictions ? "predictions" : "attention",
                             o->resume ? "resume" : "shard");
    if (o->place.count && !o->shard.count)
        return command_usage("eval", "--place is for --shard");
    if (is_part(o) && o->rows && !o->study.heads && !o->study.changes.count)
        return command_usage("eval", "--shard keeps the rows in its log: --rows is for --no-log");
    if (o->data.candidates && !o->data.regions)
        return command_usage("eval", "--candidates go with --regions");
    const char *own = o->predictions ? "predictions" : o->attention ? "attention"
                      : o->data.images ? "images" : o->data.regions ? "regions"
                      : o->data.annotations ? "annotations" : NULL;
    if (folder && own)
        return command_usage("eval", "--%s is for --data", own);
    return 0;
}

/* The rows that a figure is drawn of are those of --rows, or in a file of their own. */
static int run_drawn(struct options *o, struct vs_err *err)
{
    char *own = NULL;
    int status = eval_figure_begin(&o->figure, &o->rows, &own, err);
    if (status == 0)
        status = o->reference ? eval_folder(o, err) : eval(o, err);
    return eval_figure_end(&o->figure, o->rows, own, status);
}

static int run_measuring(struct options *o)
{
    struct vs_err err = {0};
    struct chosen *chosen = NULL;
    int status = command_choose("eval", &o->checkpoints, &o->model, &chosen, &err);
    if (status == 0)
        status = o->study.changes.count || o->study.heads ? eval_study(o, &err)
                                                          : run_drawn(o, &err);
    command_chosen_free(chosen);
    return status < 0 ? command_fail("eval", &err) : status;
}

static int run(void *options, char **args, int count)
{
    struct options *o = options;
    (void)args;
    (void)count;
    command_server(&o->model);
    int usage = check_study(o);
    if (usage == 0)
        usage = check_kind(o);
    const char *idle = o->study.heads ? "heads" : is_part(o) ? "shard" : NULL;
    if (usage == 0)
        usage = eval_figure_check(&o->figure, idle);
    if (usage != 0)
        return usage;
    struct rows_wanted all = {.task = o->data.task, .split = o->data.split,
                              .checkpoints = &o->checkpoints};
    if (o->from.count) {
        int told = eval_from(&o->from, &o->evaluations, &all, o->json);
        return told == EXIT_OK || told == EXIT_PARTLY
                   ? eval_figure_of(&o->figure, &o->from, &o->evaluations, &all, told) : told;
    }
    o->data.optional = o->predictions != NULL || o->study.heads;
    return run_measuring(o);
}

const struct command command_eval = {
    .name = "eval", .args = "-m DIR --data SET|--reference DIR [OPTION...]|--from FILE [OPTION...]",
    .summary = "Measure checkpoints on a data set.",
    .about =
        "Measures checkpoints on a set of items (vilscope-data(5)) with each data set's own\n"
        "metric: a table of means with 95 % intervals, a column for each checkpoint (all of the\n"
        "model directory without -c). blind is the most common answer, or a choice at random.\n",
    .after =
        "  vilscope world -o held-out --seed 5000 --scenes 2000\n"
        "  vilscope eval -m demo/model --data held-out\n"
        "  vilscope eval --from rows.jsonl --json\n"
        "  vilscope eval -m demo/model -c final --data held-out -t vqa --slices \\\n"
        "      --change \"ablate text-to-image 2.1 uniform\" --change \"drop word not\"\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run,
};
