/* vilscope compare: several checkpoints side by side: what they answer, and what changed between
 * them. */
#include "src/cmd/cmd_compare.h"

#include "src/cmd/cmd_model.h"
#include "src/engine/demo.h"
#include "src/study/eval_priv.h"
#include "src/base/mem.h"
#include "src/engine/modeldir.h"
#include "src/base/plain.h"
#include "src/cmd/vilscope.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

atomic_bool compare_stopped;

const char compare_help[] =
    "Asks several checkpoints the same and shows who answers what, who is right and what flips;\n"
    "or what changed between the first and the last of them. What is asked is a set of probes, or\n"
    "one query: -t TASK IMAGE... TEXT.\n\n"
    "  -m, --model DIR        model directory (vilscope-model(5)); the demo's without any\n"
    "  -c, --checkpoint NAME  checkpoint, by its name in the directory or its file; more than\n"
    "                         once; without any, all of the directory\n"
    "      --probes FILE      queries with what is expected of them (vilscope-probes(5))\n"
    "  -t, --task TASK        task of the one query\n"
    "      --regions FILE     regions of its image, as for query; once for each image\n"
    "      --key KEY          entry of the LMDB or TSV file; once for each image\n"
    "      --upright          turn its pictures as their EXIF orientation says\n"
    "      --weights          how far the weights of each further checkpoint are from those of\n"
    "                         the first, by layer\n"
    "      --tensors          by tensor\n"
    "      --cka              how alike the hidden states are, layer by layer; many queries\n"
    "      --attention        the heads whose attention changed most (Jensen-Shannon divergence)\n"
    "      --swap LEVEL       which weights carry the change of the answers: the first checkpoint\n"
    "                         runs with single blocks, layers or heads of the last\n"
    "      --watch DIR        wait for checkpoints of a training run in that folder, and ask each\n"
    "                         one when it is complete\n"
    "      --until N          stop at N checkpoints\n"
    "      --settle SECONDS   a file that has not changed for so long may be complete (default 2)\n"
    "      --top N            lines of a table (default 20; 0 for all)\n"
    "      --json             as JSON; with --watch one line for each checkpoint\n"
    "      --csv              as CSV\n"
    MODEL_PARTS_HELP
    "      --device NAME      auto, cpu, ref, cpu-avx2, ...\n"
    "      --threads N        threads to compute with (default: all CPUs)\n"
    "      --log FILE         log database (default: the one of the workbench), or FOLDER/: a log\n"
    "                         for each machine\n"
    "      --no-log           do not log what comes of it\n"
    "      --help             this text\n\n"
    "  vilscope compare -m demo/model --probes demo/model/queries.jsonl\n"
    "  vilscope compare -c old.bin -c new.bin -m models/12in1 --weights\n"
    "  vilscope compare -m demo/model -c early -c final --swap layers -t vqa a.png \"what?\"\n"
    "  vilscope compare -m models/12in1 --watch runs/7 --probes my.probes\n";

enum {
    OPT_KEY = 200, OPT_PROBES = 256, OPT_REGIONS, OPT_UPRIGHT, OPT_WEIGHTS, OPT_TENSORS, OPT_CKA,
    OPT_ATTENTION,
    OPT_SWAP, OPT_WATCH, OPT_UNTIL, OPT_SETTLE, OPT_TOP, OPT_JSON, OPT_CSV, OPT_DEVICE,
    OPT_THREADS, OPT_LOG, OPT_NO_LOG, OPT_HELP
};

static const struct option long_options[] = {
    {"model", required_argument, NULL, 'm'},
    {"checkpoint", required_argument, NULL, 'c'},
    {"task", required_argument, NULL, 't'},
    MODEL_PARTS_OPTIONS,
    {"probes", required_argument, NULL, OPT_PROBES},
    {"regions", required_argument, NULL, OPT_REGIONS},
    {"key", required_argument, NULL, OPT_KEY},
    {"upright", no_argument, NULL, OPT_UPRIGHT},
    {"weights", no_argument, NULL, OPT_WEIGHTS},
    {"tensors", no_argument, NULL, OPT_TENSORS},
    {"cka", no_argument, NULL, OPT_CKA},
    {"attention", no_argument, NULL, OPT_ATTENTION},
    {"swap", required_argument, NULL, OPT_SWAP},
    {"watch", required_argument, NULL, OPT_WATCH},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"settle", required_argument, NULL, OPT_SETTLE},
    {"top", required_argument, NULL, OPT_TOP},
    {"json", no_argument, NULL, OPT_JSON},
    {"csv", no_argument, NULL, OPT_CSV},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"log", required_argument, NULL, OPT_LOG},
    {"no-log", no_argument, NULL, OPT_NO_LOG},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* ---- options */

static int take_number(const char *name, const char *value, double min, double max, double *out)
{
    char *end;
    errno = 0;
    double v = strtod(value, &end);
    if (errno || end == value || *end || !(v >= min && v <= max))
        return command_usage("compare", "%s takes a number from %g to %g, not '%s'", name, min, max,
                             value);
    *out = v;
    return 0;
}

static int take_whole(const char *name, const char *value, int min, int max, int *out)
{
    double v = 0;
    int rc = take_number(name, value, min, max, &v);
    if (rc == 0 && strchr(value, '.'))
        rc = command_usage("compare", "%s takes a whole number, not '%s'", name, value);
    *out = (int)v;
    return rc;
}

static int take_what(struct compare_options *o, enum compare_what what)
{
    if (o->what != COMPARE_ANSWERS && o->what != what)
        return command_usage("compare", "one of --weights, --cka, --attention, --swap at a time");
    o->what = what;
    return 0;
}

static int take_swap(struct compare_options *o, const char *value)
{
    static const char *const levels[] = {"blocks", "layers", "heads"};
    for (int i = 0; i < 3; i++)
        if (strcmp(value, levels[i]) == 0) {
            o->level = (enum swap_level)i;
            return take_what(o, COMPARE_SWAP);
        }
    return command_usage("compare", "--swap takes blocks, layers or heads, not '%s'", value);
}

static int add_file(const char **list, int *count, const char *path, const char *what)
{
    if (*count >= COMPARE_MOST)
        return command_usage("compare", "more than %d %s", COMPARE_MOST, what);
    list[(*count)++] = path;
    return 0;
}

static int take_settle(struct compare_options *o, const char *value)
{
    double s = 0;
    int rc = take_number("--settle", value, 0.05, 3600, &s);
    o->settle_ms = (int)(s * 1000);
    return rc;
}

static int take_option(int opt, struct compare_options *o, const char *value)
{
    if (model_parts_take(opt, value, &o->model))
        return 0;
    switch (opt) {
    case 'm': o->model.dir = value; return 0;
    case 'c': return add_file(o->checkpoints, &o->checkpoint_count, value, "checkpoints");
    case 't': o->task = value; return 0;
    case OPT_PROBES: o->probes = value; return 0;
    case OPT_REGIONS: return add_file(o->regions, &o->region_count, value, "region files");
    case OPT_KEY: return add_file(o->keys, &o->key_count, value, "keys");
    case OPT_UPRIGHT: o->upright = true; return 0;
    case OPT_WEIGHTS: return take_what(o, COMPARE_WEIGHTS);
    case OPT_TENSORS: o->tensors = true; return take_what(o, COMPARE_WEIGHTS);
    case OPT_CKA: return take_what(o, COMPARE_CKA);
    case OPT_ATTENTION: return take_what(o, COMPARE_ATTENTION);
    case OPT_SWAP: return take_swap(o, value);
    case OPT_WATCH: o->watch = value; return 0;
    case OPT_UNTIL: return take_whole("--until", value, 1, MODEL_CHECKPOINTS, &o->until);
    case OPT_SETTLE: return take_settle(o, value);
    case OPT_TOP: return take_whole("--top", value, 0, 1000000, &o->top);
    case OPT_JSON: o->json = true; return 0;
    case OPT_CSV: o->csv = true; return 0;
    case OPT_DEVICE: o->model.device = value; return 0;
    case OPT_THREADS: return take_whole("--threads", value, 1, 1024, &o->model.threads);
    case OPT_LOG: o->log = value; return 0;
    case OPT_NO_LOG: o->no_log = true; return 0;
    case OPT_HELP: return -1;
    default: return EXIT_USAGE; /* getopt has said what is wrong */
    }
}

static int check_options(const struct compare_options *o)
{
    bool query = o->task || o->text || o->image_count || o->region_count;
    if (o->probes && query)
        return command_usage("compare", "either --probes or one query, not both");
    if (o->json && o->csv)
        return command_usage("compare", "either --json or --csv");
    if (o->watch && o->what != COMPARE_ANSWERS)
        return command_usage("compare", "--watch asks probes: no --weights, --cka, --attention or "
                             "--swap with it");
    if (o->watch && o->csv)
        return command_usage("compare", "--watch writes text or --json");
    if (!o->watch && (o->until || o->settle_ms))
        return command_usage("compare", "--until and --settle belong to --watch");
    if (o->what == COMPARE_WEIGHTS)
        return query || o->probes ? command_usage("compare", "--weights asks nothing: no probes "
                                                  "and no query with it") : 0;
    if (!o->probes && !query)
        return command_usage("compare", "what is to be asked? --probes FILE, or -t TASK IMAGE... "
                             "TEXT (or --weights)");
    if (query && (!o->task || !o->text))
        return command_usage("compare", o->task ? "the query's text is missing: it is the last "
                             "argument" : "--task is missing");
    if (query && !task_find(o->task))
        return command_usage("compare", "there is no task '%s' (\"vilscope tasks\" lists them)",
                             o->task);
    return 0;
}

/* 0, an exit status, or -1 when help was asked for. */
static int parse(int argc, char **argv, struct compare_options *o)
{
    int opt, rc;
    optind = 0;
    o->top = 20;
    while ((opt = command_getopt("compare", argc, argv, "m:c:t:", long_options)) != -1)
        if ((rc = take_option(opt, o, optarg)) != 0)
            return rc;
    for (int i = optind; i < argc - 1; i++)
        if ((rc = add_file(o->images, &o->image_count, argv[i], "images")) != 0)
            return rc;
    if (optind < argc)
        o->text = argv[argc - 1];
    return check_options(o);
}

/* ---- checkpoints by name or file */

struct chosen {
    const char *paths[COMPARE_MOST + 1], *names[COMPARE_MOST + 1];
    struct parts parts; /* holds what they point to */
};

static bool is_called(const struct part_checkpoint *c, const char *name)
{
    const char *slash = strrchr(c->path, '/');
    return strcmp(c->name, name) == 0 || strcmp(c->path, name) == 0 ||
           strcmp(slash ? slash + 1 : c->path, name) == 0;
}

static int choose(const struct compare_options *o, const char *dir, struct chosen *out,
                  struct vs_err *err)
{
    int rc = dir ? parts_read(dir, &out->parts, err) : 0;
    for (int i = 0; i < o->checkpoint_count && rc == 0; i++) {
        const struct part_checkpoint *c = NULL;
        for (int k = 0; k < out->parts.checkpoint_count && !c; k++)
            if (is_called(&out->parts.checkpoints[k], o->checkpoints[i]))
                c = &out->parts.checkpoints[k];
        out->paths[i] = c ? c->path : o->checkpoints[i];
        out->names[i] = c ? c->name : NULL;
        if (!c && dir && access(o->checkpoints[i], F_OK) != 0)
            rc = vs_fail(err, VS_E_USAGE, "%s: neither a checkpoint of %s nor a file",
                         o->checkpoints[i], dir);
    }
    return rc;
}

/* ---- what is asked */

static int images_of(const struct compare_options *o)
{
    return o->image_count > o->region_count ? o->image_count : o->region_count;
}

/* One query as a set of one. */
static struct probes *query_as_probes(const struct compare_options *o)
{
    struct probes *set = probes_new();
    struct probe *p = probes_add(set);
    int n = images_of(o);
    p->name = xstrdup(o->text);
    p->upright = o->upright;
    p->item.task = task_find(o->task);
    p->item.text = xstrdup(o->text);
    p->regions = xcalloc((size_t)n + 1, sizeof *p->regions);
    p->keys = xcalloc((size_t)n + 1, sizeof *p->keys);
    for (int i = 0; i < n; i++) {
        eval_add_image(&p->item, i < o->image_count ? xstrdup(o->images[i]) : NULL);
        if (o->region_count)
            p->regions[i] = xstrdup(o->regions[o->region_count == 1 ? 0 : i]);
        if (o->key_count)
            p->keys[i] = xstrdup(o->keys[i]);
    }
    return set;
}

static int open_probes(const struct compare_options *o, struct probes **out, struct vs_err *err)
{
    if (o->what == COMPARE_WEIGHTS)
        return 0;
    if (o->probes)
        return probes_open(o->probes, out, err);
    if (o->image_count && o->region_count > 1 && o->region_count != o->image_count)
        return vs_fail(err, VS_E_USAGE, "%d images but %d --regions: give one for each image",
                       o->image_count, o->region_count);
    if (o->key_count && o->key_count != images_of(o))
        return vs_fail(err, VS_E_USAGE, "%d images but %d --key: give one for each image",
                       images_of(o), o->key_count);
    *out = query_as_probes(o);
    return 0;
}

/* ---- the log, and progress */

void compare_clear(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* What waits is told at the end; what is not even kept, at once. */
static void tell_log(struct compare_run *r, int waited, int rc, const struct vs_err *err)
{
    if (rc == 0 || log_pending_count(r->log) > waited || r->log_failed)
        return;
    compare_clear();
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
        fprintf(stderr, "\r\033[Kprobe %d of %d", probe + 1, r->probes->count);
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

static void on_signal(int number)
{
    atomic_store(&compare_stopped, true);
    signal(number, SIG_DFL);
}

static int run_what(struct compare_run *r, struct vs_err *err)
{
    int n = model_checkpoint_count(r->m);
    if (n < 2 && r->o->what != COMPARE_ANSWERS)
        return vs_fail(err, VS_E_USAGE, "two checkpoints are needed (-c A -c B), there is %d", n);
    switch (r->o->what) {
    case COMPARE_WEIGHTS: return compare_weights(r, err);
    case COMPARE_CKA: return compare_cka(r, err);
    case COMPARE_SWAP: return compare_swap(r, err);
    case COMPARE_ATTENTION: return compare_attention(r, err);
    case COMPARE_ANSWERS: break;
    }
    return compare_answers(r, err);
}

/* A status of the program, or a negative code. */
static int run(const struct compare_options *o, struct vs_err *err)
{
    struct compare_run r = {.o = o, .logging.command = "compare"};
    struct chosen *chosen = xcalloc(1, sizeof *chosen);
    struct model_options how = o->model;
    bool named = how.dir || o->checkpoint_count || how.config || how.vocab;
    char *demo = named ? NULL : demo_find();
    how.dir = demo ? demo : how.dir;
    int rc = choose(o, how.dir, chosen, err);
    if (o->checkpoint_count) {
        how.checkpoints = chosen->paths;
        how.names = chosen->names;
    }
    if (rc == 0)
        rc = open_probes(o, &r.probes, err);
    if (rc == 0 && !o->watch)
        rc = model_open(&how, &r.m, err);
    if (rc == 0 && r.m)
        command_about("compare", r.m);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (rc == 0 && !o->no_log)
        logging_begin(&r.logging, "compare", "compare", o->log);
    r.log = r.logging.log;
    if (rc == 0 && r.probes && !o->watch)
        r.runner = probe_runner_new(r.m, r.probes);
    if (rc == 0)
        rc = o->watch ? compare_watch(&r, &how, err) : run_what(&r, err);
    compare_clear();
    if (rc == 0 && o->what == COMPARE_ANSWERS)
        compare_log_rows(&r);
    int logged = logging_end(&r.logging);
    probe_runner_free(r.runner);
    probes_free(r.probes);
    model_free(r.m);
    parts_fini(&chosen->parts);
    free(chosen);
    free(demo);
    return rc ? rc : logged;
}

int cmd_compare(int argc, char **argv)
{
    struct compare_options *o = xcalloc(1, sizeof *o);
    struct vs_err err = {0};
    int status = parse(argc, argv, o);
    if (status < 0)
        status = command_help(command_find("compare"));
    else if (status == 0 && (status = run(o, &err)) < 0)
        status = command_fail("compare", &err);
    free(o);
    return status;
}
