/* SPDX-License-Identifier: MIT */
/* vilscope compare: several checkpoints side by side: what they answer, and what changed between
 * them. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/compare.h"
#include "src/cmd/vilscope.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

atomic_bool compare_stopped;

#define OPTIONS struct compare_options
static const struct option_row option_rows[] = {
    ROW_MODEL(model.dir),
    ROW_CHECKPOINTS(checkpoints),
    ROW_CHECK_SET(probes, "queries with what is expected of them (vilscope-check-set(5))"),
    SHARD("shard", shard,
          "--check-set: only every N-th query of each task from the I-th on: one of N runs that "
          "share the work; what all logged is joined by sessions merge"),
    FLAG("resume", resume,
         "--check-set: log nothing twice when the same command was killed and is given again; so "
         "does each --shard"),
    TASK(task, "task of the one query"),
    ROW_REGIONS(regions),
    ROW_KEY(keys),
    ROW_UPRIGHT(upright),
    FLAG("weights", weights,
         "how far the weights of each further checkpoint are from those of the first, by layer"),
    FLAG("tensors", tensors, "by tensor"),
    FLAG("cka", cka,
         "similarity of the hidden states (linear CKA), layer by layer; give it many queries"),
    FLAG("attention", attention,
         "the heads whose attention changed most (Jensen-Shannon divergence)"),
    {.name = "patch", .old = "swap", .value = "LEVEL", .kind = OPTION_CHOICE,
     .at = OPTION_AT(level, int), .choices = patch_level_names, .preset = -1,
     .help = "weight patching, which weights carry the change of the answers: the first "
             "checkpoint runs with single parts of the last"},
    TEXT("watch", 0, "DIR", watch, VALUES_FOLDERS,
         "wait for checkpoints of a training run in that folder, and ask, or measure, each one "
         "when it is complete"),
    INT("until", 0, "N", until, 1, MODEL_CHECKPOINTS, 0, "stop at N checkpoints"),
    REAL("settle", "SECONDS", settle, 0.05, 3600, 0,
         "a file that has not changed for that long may be complete; 2 by default"),
    INT("top", 0, "N", top, 0, 1000000, 20, "lines of a table; 0 for all"),
    FLAG("json", json, "as JSON; with --watch one line for each checkpoint"),
    FLAG("csv", csv, "as CSV"),
    TEXT("figure", 0, "FILE", figure, VALUES_WRITTEN,
         "also draw it, as .svg, .pdf or .png: a check set, a query or rows"),
    INT("width", 0, "MM", width, 20, 1000, 0, "--figure: how wide; 170 by default"),
    INT("dpi", 0, "N", dpi, 30, 2400, 0, "--figure: pixels per inch, in PNG; 300 by default"),
    HEADING("Evaluations, judged by their rows"),
    WORDS("rows", 0, "FILE", rows, VALUES_FILES,
          "rows of evaluations (eval --rows); further arguments are further files"),
    TEXT("from", 0, "LOG", from, VALUES_FILES, "the same from a log, all evaluations with rows"),
    WORDS("evaluation", 0, "ID", evaluations, VALUES_NONE,
          "--from: only these (sessions evaluations); further arguments are further IDs"),
    TEXT("data", 0, "SET", data.path, VALUES_FILES,
         "measure the checkpoints on a set of items first (vilscope-data(5)), without logging it; "
         "--regions are the features of all its images"),
    TEXT("reference", 0, "DIR", reference, VALUES_FOLDERS,
         "the same on the reference's data folder"),
    TEXT("images", 0, "DIR", data.images, VALUES_FOLDERS,
         "--data: where the images are (default: beside the set)"),
    TEXT("candidates", 0, "PATH", data.candidates, VALUES_FILES,
         "--data: features of the boxes to choose from, as in vilscope eval"),
    TEXT("annotations", 0, "FILE", data.annotations, VALUES_FILES,
         "--data: as in vilscope eval, for VQA v2 and RefCOCO"),
    TEXT("split", 0, "NAME", data.split, VALUES_NONE, "only of this split"),
    INT("limit", 0, "N", limit, 1, 100000000, 0,
        "--data, --reference: at most N items of each task"),
    INT("sample", 0, "N", sample, 1, 100000000, 0,
        "--data, --reference: N items of each task, drawn by --seed: the same of every "
        "checkpoint"),
    ROW_SLICE(slices),
    ROW_SLICES(all_slices),
    FLAG("crossings", crossings, "the same of each two fields"),
    ROW_LEAST(least),
    FLAG("agreement", agreement, "which items all, none or only one gets right"),
    FLAG("trend", trend, "how the score moved from each checkpoint to the next"),
    FLAG("calibration", calibration,
         "how far confidence can be trusted: calibration error, Brier score, reliability, risk; "
         "with --slice of each value, too"),
    FLAG("confusion", confusion, "which answers are taken for which others"),
    TEXT("gallery", 0, "FILE", gallery, VALUES_WRITTEN,
         "write items that came out otherwise as a page of HTML, the surest answers first (--top)"),
    TEXT("pictures", 0, "DIR", pictures, VALUES_FOLDERS,
         "--gallery: where the images are, by the name that the rows have for them"),
    CHOICE("outcome", "KIND", outcome, gallery_outcomes, 0,
           "--gallery: which items: right with one only, with the second, with the first, wrong "
           "with both, right with both"),
    WORDS("where", 0, "FIELD=VALUE", where, VALUES_NONE,
          "--gallery: only items of this slice; may be given more than once"),
    REAL("sure", "P", sure, 0, 1, 0, "--gallery: only items with an answer of that confidence"),
    ROW_RESAMPLES(resamples),
    ROW_SEED(seed),
    HEADING("All"),
    ROWS_PARTS(model),
    ROW_UNSAFE,
    ROW_DEVICE(model.device),
    ROW_PRECISION(model.precision),
    ROW_THREADS(model.threads),
    ROW_CONNECT(model.connect),
    ROW_LOG(log),
    ROW_NO_LOG(no_log),
    END,
};

/* ---- options */

static int check_what(struct compare_options *o)
{
    bool weights = o->weights || o->tensors;
    if (weights + o->cka + o->attention + (o->level >= 0) > 1)
        return command_usage("compare", "only one of --weights, --cka, --attention, --patch at a "
                             "time");
    o->what = weights        ? COMPARE_WEIGHTS
              : o->cka       ? COMPARE_CKA
              : o->attention ? COMPARE_ATTENTION
              : o->level >= 0 ? COMPARE_SWAP
                              : COMPARE_ANSWERS;
    return 0;
}

static int check_watch(const struct compare_options *o)
{
    if (o->watch && o->what != COMPARE_ANSWERS)
        return command_usage("compare", "--watch asks a check set: no --weights, --cka, "
                             "--attention or --patch with it");
    if (o->watch && o->csv)
        return command_usage("compare", "--watch writes text or --json");
    if (!o->watch && (o->until || o->settle > 0))
        return command_usage("compare", "--until and --settle need --watch");
    return 0;
}

static bool judges_rows(const struct compare_options *o)
{
    return o->rows.count || o->from || o->reference || o->data.path;
}

/* What says where a set's parts are. */
static const char *wants_data(const struct compare_options *o)
{
    return o->data.images ? "images" : o->data.candidates ? "candidates"
           : o->data.annotations ? "annotations" : NULL;
}

static int check_data(const struct compare_options *o)
{
    if (!o->data.path && wants_data(o))
        return command_usage("compare", "--%s is for --data SET", wants_data(o));
    if (o->data.path && o->regions.count > 1)
        return command_usage("compare", "--data: one --regions has the features of all images");
    if (o->data.candidates && !o->regions.count)
        return command_usage("compare", "--candidates go with --regions");
    return 0;
}

/* What is told of all checkpoints, when all are there. */
static const char *follows_without(const struct compare_options *o)
{
    return o->slices.count ? "slice" : o->all_slices ? "slices" : o->crossings ? "crossings"
           : o->agreement ? "agreement" : o->calibration ? "calibration"
           : o->confusion ? "confusion" : o->gallery ? "gallery" : o->figure ? "figure"
           : o->csv ? "csv" : NULL;
}

/* Of evaluations nothing else is asked. */
static int check_rows(const struct compare_options *o)
{
    bool measured = o->reference || o->data.path;
    if ((o->rows.count > 0) + (o->from != NULL) + (o->reference != NULL) + (o->data.path != NULL) >
        1)
        return command_usage("compare", "only one of --rows, --from, --data and --reference");
    if (o->what != COMPARE_ANSWERS || (o->watch && !measured) || o->probes ||
        (o->regions.count && !o->data.path))
        return command_usage("compare", "rows are judged alone: no check set, query, --weights, "
                             "--cka, --attention or --patch with them, and --watch measures a set "
                             "(--data, --reference)");
    if (!o->watch && (o->until || o->settle > 0))
        return command_usage("compare", "--until and --settle need --watch");
    if (o->watch && follows_without(o))
        return command_usage("compare", "--watch tells scores as they come, without --%s: eval "
                             "--rows keeps what compare --rows can tell more of",
                             follows_without(o));
    if (o->evaluations.count && !o->from)
        return command_usage("compare", "--evaluation is for --from LOG");
    if ((o->limit || o->sample) && !measured)
        return command_usage("compare", "--%s is for --data and --reference",
                             o->limit ? "limit" : "sample");
    if (measured && o->more_count)
        return command_usage("compare", "unexpected argument '%s'", o->more[0]);
    if (o->json && o->csv)
        return command_usage("compare", "either --json or --csv");
    if (o->csv && (o->agreement || o->trend || o->calibration || o->confusion))
        return command_usage("compare", "--csv has scores or slices: --json has all");
    return check_data(o);
}

/* What only rows can tell. */
static const char *wants_rows(const struct compare_options *o)
{
    return o->slices.count ? "slice" : o->all_slices ? "slices" : o->crossings ? "crossings"
           : o->agreement ? "agreement" : o->trend ? "trend" : o->calibration ? "calibration"
           : o->confusion ? "confusion" : o->gallery ? "gallery"
           : o->evaluations.count ? "evaluation"
           : o->data.split ? "split" : o->limit ? "limit" : o->sample ? "sample" : wants_data(o);
}

static int compare_check_options(const struct compare_options *o)
{
    int drawn = compare_check_figure(o);
    if (drawn != 0)
        return drawn;
    if (judges_rows(o) && o->shard.count)
        return command_usage("compare", "--shard is for --check-set: eval --shard measures");
    if (judges_rows(o) && o->resume)
        return command_usage("compare", "--resume is for --check-set");
    if (judges_rows(o))
        return check_rows(o);
    if (wants_rows(o))
        return command_usage("compare", "--%s is for evaluations: --rows, --from, --data or "
                             "--reference",
                             wants_rows(o));
    if ((o->shard.count || o->resume) && (!o->probes || o->watch))
        return command_usage("compare", "--%s is for --check-set",
                             o->shard.count ? "shard" : "resume");
    bool query = o->task || o->text || o->regions.count;
    int status = check_watch(o);
    if (status != 0)
        return status;
    if (o->probes && query)
        return command_usage("compare", "either --check-set or one query, not both");
    if (o->json && o->csv)
        return command_usage("compare", "either --json or --csv");
    if (o->what == COMPARE_WEIGHTS)
        return query || o->probes ? command_usage("compare", "--weights asks nothing: no check set "
                                                  "and no query with it") : 0;
    if (!o->probes && !query)
        return command_usage("compare", "nothing to ask: give --check-set FILE, or -t TASK "
                             "IMAGE... TEXT (or --weights)");
    if (query && (!o->task || !o->text))
        return command_usage("compare", o->task ? "the query's text is missing: it is the last "
                             "argument" : "--task is missing");
    return 0;
}

/* ---- what is asked */

static int compare_images_of(const struct compare_options *o)
{
    return o->image_count > o->regions.count ? o->image_count : o->regions.count;
}

/* One query as a set of one. */
static struct probes *query_as_probes(const struct compare_options *o)
{
    struct probes *set = probes_new();
    struct probe *p = probes_add(set);
    int n = compare_images_of(o);
    p->name = xstrdup(o->text);
    p->upright = o->upright;
    p->item.task = o->task;
    p->item.text = xstrdup(o->text);
    p->regions = xcalloc((size_t)n + 1, sizeof *p->regions);
    p->keys = xcalloc((size_t)n + 1, sizeof *p->keys);
    for (int i = 0; i < n; i++) {
        eval_add_image(&p->item, i < o->image_count ? xstrdup(o->images[i]) : NULL);
        if (o->regions.count)
            p->regions[i] = xstrdup(words_of(&o->regions, i));
        if (o->keys.count)
            p->keys[i] = xstrdup(words_of(&o->keys, i));
    }
    return set;
}

static int open_probes(const struct compare_options *o, struct probes **out, struct vs_err *err)
{
    if (o->what == COMPARE_WEIGHTS)
        return 0;
    if (o->probes) {
        int opened = probes_open(o->probes, out, err);
        if (opened == 0)
            probes_keep(*out, &o->shard);
        return opened;
    }
    if (o->image_count && o->regions.count > 1 && o->regions.count != o->image_count)
        return vs_fail(err, VS_E_USAGE, "%d images but %d --regions: give one for each image",
                       o->image_count, o->regions.count);
    int rc = command_check_keys(&o->keys, compare_images_of(o), err);
    if (rc == 0)
        *out = query_as_probes(o);
    return rc;
}

/* ---- the log, and progress */

/* What waits is told at the end; what is not even kept, at once. */
static void tell_log(struct compare_run *r, int waited, int rc, const struct vs_err *err)
{
    if (rc == 0 || log_pending_count(r->log) > waited || r->log_failed)
        return;
    command_clear();
    plain_text(stderr, "vilscope compare: not logged: %s\n", err->text);
    r->log_failed = r->logging.unlogged = true;
}

#define FLUSH_MS 2000 /* between two tries to write what waits: each may take a moment */

/* What waits goes first. How many still wait. */
static int flush_log(struct compare_run *r)
{
    if (log_pending_count(r->log) > 0 && vs_now_ms() >= r->flush_at) {
        log_flush_pending(r->log, NULL);
        r->flush_at = vs_now_ms() + FLUSH_MS;
    }
    return log_pending_count(r->log);
}

void compare_log_answer(void *arg, int probe, struct probe_answer *a, struct result **result)
{
    struct compare_run *r = arg;
    struct vs_err err = {0};
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[Kquery %d of %d", probe + 1, r->probes->count);
        fflush(stderr);
    }
    if (!r->log || a->error || !*result)
        return;
    model_complete(r->m, *result);
    int waited = flush_log(r);
    tell_log(r, waited, log_result_later(r->log, *result, &err), &err);
    a->log_id = (*result)->log_id;
}

void compare_log_column(struct compare_run *r, int column)
{
    const struct probe_column *c = probe_runner_table(r->runner)->columns[column];
    int n = r->probes->count;
    struct log_probe_run run = {.probes_path = r->probes->path, .probes_digest = r->probes->digest,
                                .model = model_name(r->m), .checkpoint_name = c->name,
                                .checkpoint_path = c->path, .count = n};
    struct vs_err err = {0};
    if (!r->log || !r->probes->path) /* a query of the command line is no set */
        return;
    struct log_probe *list = xcalloc((size_t)n + 1, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = log_probe_of(&r->probes->list[i], &c->answers[i]);
    run.probes = list;
    model_checkpoint_digest(r->m, c->checkpoint, run.checkpoint_digest);
    int waited = flush_log(r);
    if (run.checkpoint_digest[0]) /* else its file changed, which every answer has told */
        tell_log(r, waited, log_probe_run_later(r->log, &run, &err), &err);
    for (int i = 0; i < n; i++)
        free((char *)(uintptr_t)list[i].expected);
    free(list);
}

void compare_log_rows(struct compare_run *r)
{
    const struct probe_table *t = r->runner ? probe_runner_table(r->runner) : NULL;
    struct vs_err err = {0};
    int64_t *ids = xcalloc(MODEL_CHECKPOINTS, sizeof *ids);
    for (int i = 0; r->log && t && i < t->probes->count; i++) {
        int n = 0;
        for (int c = 0; c < t->count; c++)
            if (t->columns[c]->answers[i].log_id)
                ids[n++] = t->columns[c]->answers[i].log_id;
        if (n > 1) {
            int waited = flush_log(r);
            tell_log(r, waited,
                     log_comparison_later(r->log, ids, n, t->probes->list[i].name, &err), &err);
        }
    }
    free(ids);
}

void compare_log_difference(struct compare_run *r, struct difference *d)
{
    struct vs_err err = {0};
    int waited = flush_log(r);
    tell_log(r, waited, log_difference_later(r->log, d, &err), &err);
    difference_free(d);
}

bool compare_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* ---- the whole */

/* The first checkpoint that is of another family or size than checkpoint 0; 0: there is none. */
static int compare_other_kind(const struct model *m)
{
    for (int i = 1; i < model_checkpoint_count(m); i++)
        if (compare_check_families(m, 0, i, NULL) != 0)
            return i;
    return 0;
}

/* Of models of two kinds answers and boxes can be compared, and nothing that lies inside. */
static int compare_kinds(const struct compare_run *r, struct vs_err *err)
{
    struct vs_err why = {0};
    int other = compare_other_kind(r->m);
    if (!other)
        return 0;
    if (r->o->what != COMPARE_ANSWERS)
        return compare_check_families(r->m, 0, other, err);
    if (model_checkpoint_family(r->m, other) == model_family(r->m)) {
        compare_check_families(r->m, 0, other, &why);
        plain_text(stderr, "vilscope compare: note: %s\n", why.text);
        return 0;
    }
    plain_text(stderr, "vilscope compare: note: %s is %s, %s is %s: answers and boxes are "
               "compared; weights, states, attention and patches cannot be\n",
               model_checkpoint_name(r->m, 0), model_family(r->m)->name,
               model_checkpoint_name(r->m, other), model_checkpoint_family(r->m, other)->name);
    return 0;
}

static int run_what(struct compare_run *r, struct vs_err *err)
{
    int n = model_checkpoint_count(r->m);
    int rc = compare_kinds(r, err);
    if (rc != 0)
        return rc;
    if (n < 2 && r->o->what != COMPARE_ANSWERS)
        return vs_fail(err, VS_E_USAGE, "two checkpoints are needed (-c A -c B), there is %d", n);
    switch (r->o->what) {
    case COMPARE_WEIGHTS: return compare_weights(r, err);
    case COMPARE_CKA: return compare_cka(r, err);
    case COMPARE_SWAP: return compare_patch(r, err);
    case COMPARE_ATTENTION: return compare_attention(r, err);
    case COMPARE_ANSWERS: break;
    }
    return compare_answers(r, err);
}

static void compare_begin_log(struct compare_run *r)
{
    const struct compare_options *o = r->o;
    char shard[32], what[32];
    snprintf(shard, sizeof shard, "%d/%d", o->shard.index, o->shard.count);
    snprintf(what, sizeof what, "%d %d", (int)o->what, o->level);
    const char *const texts[] = {"compare", r->probes ? r->probes->digest : NULL, shard, what};
    if (o->shard.count || o->resume)
        logging_begin_run(&r->logging, "compare", "compare", texts,
                          (int)(sizeof texts / sizeof texts[0]), r->m, o->log);
    else
        logging_begin(&r->logging, "compare", "compare", o->log);
}

/* A status of the program, or a negative code. */
static int compare_and_log(const struct compare_options *o, const struct model_options *how,
                           struct vs_err *err)
{
    struct compare_run r = {.o = o, .logging.command = "compare"};
    int rc = open_probes(o, &r.probes, err);
    if (rc == 0 && r.probes && r.probes->count == 0 && o->shard.count) {
        plain_text(stderr, "vilscope compare: note: shard %d of %d of %s has no query\n",
                   o->shard.index, o->shard.count, o->probes);
        probes_free(r.probes);
        return EXIT_OK;
    }
    if (rc == 0 && !o->watch)
        rc = model_open(how, &r.m, err);
    if (rc == 0 && r.m)
        command_opened("compare", r.m);
    command_stop_by_signals(&compare_stopped);
    if (rc == 0 && !o->no_log)
        compare_begin_log(&r);
    r.log = r.logging.log;
    if (rc == 0 && r.probes && !o->watch)
        r.runner = probe_runner_new(r.m, r.probes);
    if (rc == 0)
        rc = o->watch ? compare_watch(&r, how, err) : run_what(&r, err);
    command_clear();
    if (rc == 0 && o->what == COMPARE_ANSWERS)
        compare_log_rows(&r);
    if (rc == 0 && o->figure)
        rc = compare_write_trend(&r, err);
    int logged = logging_end(&r.logging);
    probe_runner_free(r.runner);
    probes_free(r.probes);
    model_free(r.m);
    return rc ? rc : logged;
}

static int measure_and_judge(const struct compare_options *o, const struct model_options *how,
                             struct vs_err *err)
{
    command_stop_by_signals(&compare_stopped);
    return o->watch ? compare_follow_rows(o, how, err)
                    : compare_rows(o, how, &compare_stopped, err);
}

static int run_compare(void *options, char **args, int count)
{
    struct compare_options *o = options;
    struct vs_err err = {0};
    o->images = args;
    o->image_count = count > 1 ? count - 1 : 0;
    o->text = count ? args[count - 1] : NULL;
    o->more = args;
    o->more_count = count;
    int status = check_what(o);
    if (status == 0)
        status = compare_check_options(o);
    if (status != 0)
        return status;
    bool measured = o->reference || o->data.path;
    if (judges_rows(o) && !measured) {
        status = compare_rows(o, NULL, &compare_stopped, &err);
        return status < 0 ? command_fail("compare", &err) : status;
    }
    struct chosen *chosen = NULL;
    struct model_options how = o->model;
    command_server(&how);
    status = command_choose("compare", &o->checkpoints, &how, &chosen, &err);
    if (status == 0 && o->watch && how.connect)
        status = vs_fail(&err, VS_E_USAGE, "--watch opens checkpoints as they come, and a server "
                         "has opened its own: run it where they are, without --connect");
    if (status == 0)
        status = measured ? measure_and_judge(o, &how, &err) : compare_and_log(o, &how, &err);
    command_chosen_free(chosen);
    return status < 0 ? command_fail("compare", &err) : status;
}

const struct command command_compare = {
    .name = "compare", .args = "[OPTION...] [IMAGE... TEXT]",
    .summary = "Ask several checkpoints the same, or tell what changed between them.",
    .about =
        "Asks several checkpoints the same and shows who answers what, who is right and what\n"
        "flips; or what changed between the first and the last of them. What is asked is a check\n"
        "set, or one query: -t TASK IMAGE... TEXT. Without -c all checkpoints of the model\n"
        "directory are compared. Evaluations are judged by what came of each item: --rows\n"
        "FILE..., --from LOG, --data SET or --reference DIR (vilscope-compare(1)).\n",
    .after =
        "  vilscope compare -m demo/model --check-set demo/model/queries.jsonl\n"
        "  vilscope compare -c old.bin -c new.bin -m models/12in1 --weights\n"
        "  vilscope compare -m demo/model -c early -c final --patch layers -t vqa a.png \"what?\"\n"
        "  vilscope compare -m models/12in1 --watch runs/7 --check-set my.checks\n"
        "  vilscope compare --rows old.jsonl new.jsonl --slices\n"
        "  vilscope compare -m demo/model -c early -c final --data held-out --gallery flips.html\n",
    .rows = option_rows, .most = -1, .values = VALUES_FILES, .size = sizeof(struct compare_options),
    .run = run_compare,
};
