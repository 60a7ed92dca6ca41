/* SPDX-License-Identifier: MIT */
/* vilscope explain: attributions tested on a set of items, method by method. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/formats/bytes.h"
#include "src/cmd/cmd_explain.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/cmd_set_rows.h"
#include "src/study/evaluation.h"
#include "src/study/explained.h"
#include "src/study/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    struct model_options model;
    struct words checkpoints;
    struct eval_source data;
    const char *reference, *methods, *rows;
    struct shard shard;
    int orders, seed, limit, removal, heads;
    bool json, resume, agreement;
    const char *after, *check_set, *figure;
    int project, by, distance, near, neighbors, width, dpi;
    bool csv;
};

static const char *const removals[] = {"attention", "mask", NULL};
static const struct option_row option_rows[] = {
    ROW_MODEL(model.dir),
    TEXT("data", 0, "SET", data.path, VALUES_FILES,
         "a set of items, as eval takes it (vilscope-data(5)); items need not say what is right"),
    TEXT("reference", 0, "DIR", reference, VALUES_FOLDERS,
         "instead of --data: the reference's data folder; all tasks that are in it but retrieval, "
         "or that of -t, which --project needs"),
    TEXT("images", 0, "DIR", data.images, VALUES_FOLDERS,
         "where the images are (default: beside the set)"),
    TEXT("annotations", 0, "FILE", data.annotations, VALUES_FILES,
         "VQA v2: the answers; RefCOCO: COCO's instances.json"),
    TEXT("split", 0, "NAME", data.split, VALUES_NONE, "as in vilscope eval"),
    TASK(data.task, "only this task"),
    ROW_CHECKPOINTS(checkpoints),
    TEXT("methods", 0, "LIST", methods, VALUES_NONE,
         "methods of query --attribute with commas between them (vilscope-explain(7)); all that "
         "the checkpoints can have without it"),
    INT("orders", 0, "N", orders, 0, 10000, 20, "random orders that methods are held against"),
    INT("seed", 0, "N", seed, 0, 1000000000, 1, "of these orders"),
    CHOICE("removal", "HOW", removal, removals, 0,
           "how a word is removed: nothing attends to it, or [MASK] stands in; regions are always "
           "masked"),
    INT("heads", 0, "N", heads, 0, 100000, 0,
        "attribution-patching: leave out its N largest heads exactly, too, and print the rank "
        "correlation of both numbers; at least 3"),
    INT("limit", 0, "N", limit, 1, 100000000, 0, "at most N items of each task"),
    SHARD("shard", shard,
          "only every N-th item of each task from the I-th on: rows of all shards in one file, and "
          "--resume, make the table"),
    TEXT("rows", 0, "FILE", rows, VALUES_WRITTEN, "what came of each item, a line of JSON"),
    FLAG("resume", resume,
         "--rows: go on behind the rows that are in it, of a run that was ended or killed"),
    FLAG("agreement", agreement, "also the rank correlation of every two methods"),
    ROW_JSON(json),
    HEADING("Projection"),
    CHOICE("project", "WHICH", project, projection_kinds, -1,
           "instead of tests: the hidden states of these tokens or regions of all items as points "
           "on their first two principal components"),
    TEXT("check-set", 0, "FILE", check_set, VALUES_FILES,
         "--project: of a check set (vilscope-probes(5)) instead of --data"),
    TEXT("after", 0, "LAYER", after, VALUES_NONE,
         "--project: the states after embeddings, \"text 3\", \"image 2\", \"co 1\" or "
         "\"joint 4\"; the last of their stream without it"),
    CHOICE("color", "BY", by, projection_bys, 0, "--project: what tells points apart"),
    INT("near", 0, "N", near, 1, PROJECTION_MOST, 0,
        "--project: also the points nearest to point N, in all dimensions"),
    INT("neighbors", 0, "N", neighbors, 1, 1000, 0, "--near: so many (default 10)"),
    CHOICE("distance", "HOW", distance, projection_distances, 0, "--near: by what"),
    TEXT("figure", 0, "FILE", figure, VALUES_WRITTEN,
         "--project: also as a figure: .svg, .pdf or .png"),
    INT("width", 0, "MM", width, 20, 1000, 0, "--figure: width of the page (default 170)"),
    INT("dpi", 0, "N", dpi, 30, 2400, 0, "--figure: pixels per inch of .png (default 300)"),
    FLAG("csv", csv, "--project: as CSV, a line for each point"),
    HEADING("All"),
    ROW_DEVICE(model.device),
    ROW_PRECISION(model.precision),
    ROW_THREADS(model.threads),
    ROW_CONNECT(model.connect),
    ROW_UNSAFE,
    END,
};

static atomic_bool stop;

/* The command under way. */
struct explaining {
    const struct options *o;
    struct model *m;
    const struct attribution_method **methods; /* (wants.method_count) owned */
    struct explanation_wants wants;
    char *setup, *how; /* of the wants in words; the second without the methods */
    struct set_rows rows;
    struct explain_column *list; /* (count) what came of each task on each checkpoint */
    int count;
    int checkpoint;              /* that runs */
    bool partly;                 /* items of a set could not be read */
    struct command_items show;
    struct vs_err *err;
};

/* ---- what is asked for */

static int explain_add_method(struct explaining *x, const struct attribution_method *method)
{
    for (int i = 0; i < x->wants.method_count; i++)
        if (x->methods[i] == method)
            return 0;
    x->methods[x->wants.method_count++] = method;
    return 0;
}

static int explain_read_methods(struct explaining *x, const char *list)
{
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        char *word = xstrndup(at + strspn(at, " "), n - strspn(at, " "));
        const struct attribution_method *method = attribution_find(word);
        int rc = method ? explain_add_method(x, method)
                        : vs_fail(x->err, VS_E_USAGE, "'%s' is no method (query --attribute lists "
                                  "them)", word);
        for (int i = 0; rc == 0 && i < model_checkpoint_count(x->m); i++)
            rc = attribution_check(x->m, i, method, x->err);
        free(word);
        if (rc != 0)
            return rc;
        at += n + (at[n] == ',');
    }
    return x->wants.method_count ? 0 : vs_fail(x->err, VS_E_USAGE, "--methods names none");
}

/* All that every checkpoint can have. */
static void explain_all_methods(struct explaining *x)
{
    for (int j = 0; j < attribution_count; j++) {
        struct vs_err why = {0};
        bool all = true;
        for (int i = 0; i < model_checkpoint_count(x->m); i++)
            all &= attribution_check(x->m, i, &attribution_table[j], &why) == 0;
        if (all)
            explain_add_method(x, &attribution_table[j]);
    }
}

static int explain_read_wants(struct explaining *x)
{
    const struct options *o = x->o;
    struct buf b = {0};
    int rc = 0;
    x->methods = xcalloc((size_t)attribution_count + 1, sizeof(void *));
    x->wants = (struct explanation_wants){.methods = x->methods, .how = attribution_usual,
                                          .orders = o->orders, .seed = (uint64_t)o->seed};
    x->wants.how.mask_token = o->removal == 1;
    x->wants.how.verify = 0;
    x->wants.how.verify_heads = o->heads;
    if (o->methods)
        rc = explain_read_methods(x, o->methods);
    else
        explain_all_methods(x);
    for (int i = 0; i < x->wants.method_count; i++)
        buf_printf(&b, "%s%s", i ? "," : "", x->methods[i]->word);
    x->how = xasprintf("%d random orders from %d; removed by %s", o->orders, o->seed,
                       removals[o->removal]);
    buf_printf(&b, "; %s", x->how);
    if (o->heads > 0)
        buf_printf(&b, "; %d heads left out exactly", o->heads);
    x->setup = buf_steal(&b);
    return rc;
}

/* ---- running */

static int explain_sum(struct explaining *x, const json_t *row, struct vs_err *err)
{
    const struct task *task = task_find(json_string_value(json_object_get(row, "task")));
    const char *name = model_checkpoint_name(x->m, x->checkpoint);
    int at = 0;
    while (at < x->count && (x->list[at].task != task || x->list[at].checkpoint != name))
        at++;
    if (at == x->count) {
        x->list = xreallocarray(x->list, (size_t)x->count + 1, sizeof *x->list);
        x->list[x->count++] = (struct explain_column){.checkpoint = name, .task = task};
    }
    return explain_sums_add(&x->list[at].sums, row, err);
}

static int explain_take_past(void *arg, int index, json_t *row, struct vs_err *err)
{
    (void)index;
    return explain_sum(arg, row, err);
}

static int explain_take(void *arg, json_t *row, struct vs_err *err)
{
    struct explaining *x = arg;
    int rc = set_rows_add(&x->rows, row, err);
    return rc ? rc : explain_sum(x, row, err);
}

/* Tasks of the set that the checkpoint has no head for are told, and left out. How many are not. */
static int explain_without(const struct explaining *x, const struct eval_set *set, bool *without)
{
    struct vs_err first = {0}; /* which is among the notes */
    struct buf notes = {0};
    int left = eval_check_heads(set, x->o->data.task, x->m, x->checkpoint, without,
                                "vilscope explain: note: ", &notes, &first);
    if (notes.len)
        fputs(notes.data, stderr); /* errors are clean */
    buf_fini(&notes);
    return left;
}

static int explain_checkpoint(struct explaining *x, const struct eval_set *set)
{
    char digest[DIGEST_HEX];
    struct eval_gone gone = {0};
    bool *done = xcalloc((size_t)set->count + 1, sizeof *done);
    bool *without = xcalloc((size_t)task_count, sizeof *without);
    struct explain_set e = {.set = set, .checkpoint = x->checkpoint, .task = x->o->data.task,
                            .without = without, .limit = x->o->limit, .shard = x->o->shard,
                            .wants = &x->wants, .setup = x->setup, .done = done,
                            .take = explain_take, .arg = x, .cancel = &stop,
                            .report = command_items, .report_arg = &x->show, .gone = &gone};
    x->show = (struct command_items){.checkpoint = model_checkpoint_name(x->m, x->checkpoint)};
    model_checkpoint_digest(x->m, x->checkpoint, digest);
    int rc = set_rows_past(&x->rows, set, model_checkpoint_name(x->m, x->checkpoint), digest,
                           x->setup, done, explain_take_past, x, x->err);
    if (rc == 0 && explain_without(x, set, without) > 0)
        rc = explain_set_run(x->m, &e, x->err);
    command_clear();
    if (rc == 0)
        command_say_gone("explain", &gone);
    free(done);
    free(without);
    return rc;
}

#define EXPLAIN_FLAWS 10 /* items that are left out, by name */

bool explain_say_flaws(const struct eval_set *set)
{
    for (int i = 0; i < set->flaw_count && i < EXPLAIN_FLAWS; i++)
        plain_text(stderr, "vilscope explain: %s: item %s is left out: %s\n", set->path,
                   set->flaws[i].item, set->flaws[i].why);
    if (set->flaw_count > EXPLAIN_FLAWS)
        plain_text(stderr, "vilscope explain: %s: %d items are left out\n", set->path,
                   set->flaw_count);
    return set->flaw_count > 0;
}

static int explain_one_set(void *arg, const struct eval_set *set)
{
    struct explaining *x = arg;
    int rc = 0;
    x->partly |= explain_say_flaws(set);
    for (x->checkpoint = 0; rc == 0 && x->checkpoint < model_checkpoint_count(x->m);
         x->checkpoint++)
        rc = explain_checkpoint(x, set);
    return rc;
}

static int explain_set_file(struct explaining *x)
{
    struct eval_set *set = NULL;
    int rc = eval_open(&x->o->data, &set, x->err);
    if (rc == 0 && x->o->rows && file_is_at(x->o->rows, set->path))
        rc = vs_fail(x->err, VS_E_USAGE, "%s: is the set that is read: give another file",
                     x->o->rows);
    if (rc == 0)
        rc = explain_one_set(x, set);
    eval_free(set);
    return rc;
}

static void explain_print(const struct explaining *x)
{
    json_t *list = json_array();
    for (int i = 0; i < x->count && x->o->json; i++)
        json_array_append_new(list, explain_column_json(&x->list[i]));
    if (x->o->json) {
        command_json(json_pack("{s:o, s:o, s:s, s:o}", "model", plain_string(model_name(x->m)),
                               "data", plain_string(x->o->reference ? x->o->reference
                                                                    : x->o->data.path),
                               "setup", x->setup, "explanations", list), JSON_INDENT(1));
        return;
    }
    json_decref(list);
    plain_out("what is explained is each checkpoint's own answer; %s; means of logits with 95 %% "
              "intervals by images\n\n", x->setup);
    for (int i = 0; i < x->count; i++)
        explain_print_text(&x->list[i], x->o->agreement);
}

static int explain_checkpoint_of(const struct explaining *x, const struct explain_column *c)
{
    int at = 0;
    while (model_checkpoint_name(x->m, at) != c->checkpoint)
        at++;
    return at;
}

/* For the workbench, which shows them beside each map. What a part of a set comes to is not kept; a
 * cache that cannot be written is no failure of the tests. */
static void explain_keep(const struct explaining *x)
{
    const char *set = x->o->reference ? x->o->reference : x->o->data.path;
    const char *slash = strrchr(set, '/'), *name = slash && slash[1] ? slash + 1 : set;
    for (int i = 0; i < x->count && x->o->shard.count < 2; i++) {
        char digest[DIGEST_HEX];
        struct vs_err why = {0};
        model_checkpoint_digest(x->m, explain_checkpoint_of(x, &x->list[i]), digest);
        if (digest[0] && explained_save(digest, x->list[i].task, name, x->how, &x->list[i].sums,
                                        &why) != 0)
            plain_text(stderr, "vilscope explain: note: the workbench will not know: %s\n",
                       why.text);
    }
}

static int explain_run_all(struct explaining *x)
{
    int rc = model_open(&x->o->model, &x->m, x->err), closed;
    struct vs_err why = {0};
    if (rc == 0)
        command_opened("explain", x->m);
    if (rc == 0)
        rc = explain_read_wants(x);
    if (rc == 0)
        rc = set_rows_open(&x->rows, &explain_set_rows, x->o->rows, x->o->resume, x->err);
    command_stop_by_signals(&stop);
    if (rc == 0)
        rc = x->o->reference ? reference_each(x->o->reference, x->o->data.task, x->o->data.split,
                                              explain_one_set, x, x->err)
                             : explain_set_file(x);
    if ((rc == 0 || vs_is_of_all(rc)) && x->count)
        explain_print(x);
    else if (rc == 0)
        rc = vs_fail(x->err, VS_E_USAGE, "no item was explained: no checkpoint has a head for what "
                     "the set asks, or the shard is empty");
    if (rc == 0)
        explain_keep(x);
    closed = set_rows_close(&x->rows, rc ? &why : x->err);
    if (x->o->rows)
        rc = command_stopped(rc, x->rows.stale ? NULL : x->rows.path, x->err);
    for (int i = 0; i < x->count; i++)
        explain_sums_fini(&x->list[i].sums);
    free(x->list);
    free(x->methods);
    free(x->setup);
    free(x->how);
    model_free(x->m);
    return rc ? rc : closed ? closed : x->partly ? EXIT_PARTLY : EXIT_OK;
}

/* What belongs to the other of both. */
static int explain_check(const struct options *o)
{
    const char *idle = o->methods     ? "methods"
                       : o->rows      ? "rows"
                       : o->heads     ? "heads"
                       : o->agreement ? "agreement"
                       : o->resume    ? "resume"
                       : o->shard.count ? "shard" : NULL;
    const char *lone = o->check_set   ? "check-set"
                       : o->after     ? "after"
                       : o->near      ? "near"
                       : o->neighbors ? "neighbors"
                       : o->figure    ? "figure"
                       : o->width     ? "width"
                       : o->dpi       ? "dpi"
                       : o->csv       ? "csv" : NULL;
    const char *of_set = o->data.images ? "images" : o->data.annotations ? "annotations" : NULL;
    bool project = o->project >= 0;
    if (of_set && !o->data.path)
        return command_usage("explain", "--%s is for --data", of_set);
    if (project && idle)
        return command_usage("explain", "--project: no --%s with it", idle);
    if (!project && lone)
        return command_usage("explain", "--%s is for --project", lone);
    if (project && !!o->data.path + !!o->check_set + !!o->reference != 1)
        return command_usage("explain", "--project: either --data SET, --reference DIR or "
                             "--check-set FILE");
    if (project && o->reference &&
        (!o->data.task || o->data.task->reading->ranked == RANKED_IMAGES))
        return command_usage("explain", "--project with --reference needs -t TASK, and not a task "
                             "that ranks images");
    if (project && o->json && o->csv)
        return command_usage("explain", "either --json or --csv");
    if (!project && !o->data.path == !o->reference)
        return command_usage("explain", "either --data SET or --reference DIR");
    return o->resume && !o->rows
               ? command_usage("explain", "--resume goes on from a file of rows: --rows FILE") : 0;
}

static int explain_run_project(const struct options *o, struct vs_err *err)
{
    struct explain_project p = {
        .model = &o->model, .data = &o->data, .check_set = o->check_set,
        .reference = o->reference, .after = o->after,
        .of = o->project, .by = (enum projection_by)o->by,
        .distance = (enum projection_distance)o->distance, .near = o->near - 1,
        .neighbors = o->neighbors, .limit = o->limit, .width = o->width, .dpi = o->dpi,
        .figure = o->figure, .json = o->json, .csv = o->csv, .stop = &stop};
    int rc = explain_check_project(&p);
    if (rc != 0)
        return rc;
    p.neighbors = o->near && !o->neighbors ? 10 : o->neighbors;
    command_stop_by_signals(&stop);
    return explain_project(&p, err);
}

static int run_explain(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    struct explaining x = {.o = o, .err = &err};
    struct chosen *chosen = NULL;
    (void)args;
    (void)count;
    int rc = explain_check(o);
    if (rc != 0)
        return rc;
    o->data.optional = true;
    command_server(&o->model);
    rc = command_choose("explain", &o->checkpoints, &o->model, &chosen, &err);
    if (rc == 0)
        rc = o->project >= 0 ? explain_run_project(o, &err) : explain_run_all(&x);
    command_chosen_free(chosen);
    return rc < 0 ? command_fail("explain", &err) : rc;
}

const struct command command_explain = {
    .name = "explain", .args = "[OPTION...] --data SET|--reference DIR",
    .summary = "Test attributions on a data set, method by method.",
    .about =
        "Removes regions and words of each item in the order of each method (deletion), and puts\n"
        "them back (insertion), beside random orders; looks whether methods point at true boxes;\n"
        "and prints, for each task and checkpoint, the means with 95 % intervals by resampling\n"
        "whole images. All terms and formulas: vilscope-explain(7). The means of a whole set are\n"
        "kept ($XDG_CACHE_HOME/vilscope/explained): the workbench shows them beside its\n"
        "attributions.\n"
        "--project shows hidden states of a whole set as points instead.\n",
    .after =
        "  vilscope world -o held-out --seed 5000 --scenes 60\n"
        "  vilscope explain --data held-out -t vqa --limit 200 --rows rows.jsonl\n"
        "  vilscope explain -m demo/model -c final --data held-out -t refcoco --limit 20 \\\n"
        "      --project regions --after \"co 3\" --figure regions.svg\n",
    .rows = option_rows, .size = sizeof(struct options), .run = run_explain,
};
