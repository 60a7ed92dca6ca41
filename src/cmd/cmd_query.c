/* SPDX-License-Identifier: MIT */
/* vilscope query: one query from the command line, answered, printed and logged. */
#include "src/cmd/vilscope.h"

#include "sessions/log.h"
#include "src/cmd/cmd_log.h"
#include "src/task/change.h"
#include "src/cmd/cmd_model.h"
#include "src/cmd/cmd_query.h"
#include "src/cmd/cmd_query_patch.h"
#include "src/engine/engine.h"
#include "src/formats/boxfile.h"
#include "src/formats/npy.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS struct options
struct options {
    struct model_options model;
    struct words checkpoints, regions, boxes, keys;
    const char *candidates, *attention, *log, *text;
    char **images; /* borrowed, image_count of them */
    int image_count;
    const struct task *task;
    bool json, no_log, log_maps, upright;
    int top, maps_limit; /* megabytes */
    int pair;            /* 1: separate */
    int leave_out;       /* of enum effects_of, or -1 */
    int attribute;       /* of query_methods, or -1 */
    bool matrices;
    const char *target, *against, *map;
    int verify, removal;
    struct attribution_how how; /* of --map, --verify, --removal */
    struct change *changes; /* owned */
    int change_count;
    struct query_patch patch;
};

static int query_add_change(struct change **list, int *count, const char *option,
                            const char *value, struct vs_err *err)
{
    *list = xreallocarray(*list, (size_t)*count + 1, sizeof **list);
    if (change_parse(value, &(*list)[*count], err) != 0)
        return vs_fail_prefix(err, "%s", option);
    ++*count;
    return 0;
}

static int take_change(void *options, const char *value, struct vs_err *err)
{
    struct options *o = options;
    int rc = query_add_change(&o->changes, &o->change_count, "--change", value, err);
    if (rc != 0)
        return rc;
    value += strspn(value, " ");
    if (strncmp(value, "silence", 7) == 0)
        command_renamed("query", "--change ", "silence", "ablate");
    if (strncmp(value, "swap", 4) == 0)
        command_renamed("query", "--change ", "swap", "patch");
    return 0;
}

static int take_patch_change(void *options, const char *value, struct vs_err *err)
{
    struct query_patch *p = &((struct options *)options)->patch;
    return query_add_change(&p->changes, &p->change_count, "--patch-from-change", value, err);
}

static int take_patch_state(void *options, const char *value, struct vs_err *err)
{
    return query_patch_state(&((struct options *)options)->patch, value, err);
}

static const char *const removals[] = {"attention", "mask", NULL};
static const char *const pairs[] = {"reference", "separate", NULL};
static const struct option_row option_rows[] = {
    ROW_MODEL(model.dir),
    ROW_CHECKPOINTS(checkpoints),
    ROWS_PARTS(model),
    ROW_WEIGHTS(model),
    ROW_REGIONS(regions),
    ROW_KEY(keys),
    TEXT("candidates", 0, "FILE", candidates, VALUES_FILES,
         "regions to choose from, for visual7w and guesswhat"),
    WORDS("boxes", 0, "FILE", boxes, VALUES_FILES,
          "boxes, as four numbers a line, JSON or .npy: the detector computes their features; "
          "visual7w and guesswhat choose from them, other tasks see only them; once for each "
          "image, or once for all"),
    ROW_UPRIGHT(upright),
    ROW_UNSAFE,
    TASK(task, "name or number of the task (\"vilscope tasks\" lists them)"),
    CHOICE("pair", "LAYOUT", pair, pairs, 0, "rows of nlvr2's two images"),
    TAKES("change", "WHAT", take_change,
         "an intervention; may be given more than once: \"mask token 4\" (the first is [CLS], "
         "the second the task's), \"drop token 4\", "
         "\"drop tokens special\" (or words, pieces, punctuation), \"mask word red\", "
         "\"drop region 7\" (of image 2), \"ablate text-to-image 3.2 zero\" (or uniform, mean), "
         "\"patch co 3 from early\""),
    {.name = "leave-one-out", .old = "knock-out", .value = "KIND", .kind = OPTION_CHOICE,
     .at = OPTION_AT(leave_out, int), .choices = query_leave_out_names, .preset = -1,
     .help = "leave-one-out attribution (occlusion): leave out every one in turn (tokens are "
             "masked) and print how the best answer changes"},
    CHOICE("attribute", "METHOD", attribute, query_methods, -1,
           "what an answer owes to each word and region (vilscope-explain(7)); with --top N lines"),
    TEXT("target", 0, "ANSWER", target, VALUES_NONE,
         "the answer that --attribute or --patch-from is about, by label or number; a region by "
         "its number, an image by its file or its number from 1; the best without it (of "
         "--patch-from the other query's best)"),
    TEXT("against", 0, "ANSWER", against, VALUES_NONE,
         "with --attribute: why the target and not this one; of --patch-from this query's best "
         "without it and without --target"),
    TEXT("map", 0, "MAP", map, VALUES_NONE,
         "--attribute attention: the map, \"text-to-image 3.2\" or without the head for the mean "
         "of all; without it the last layer's of words on regions and of regions on words"),
    FLAG("matrices", matrices,
         "--attribute relevancy --json: also its four matrices, of tokens and regions by tokens "
         "and regions; of the single-stream baseline one, joint"),
    INT("verify", 0, "N", verify, 0, 100000, 10,
        "--attribute attribution-patching: leave out the N largest heads, words and regions "
        "exactly; --patch-from: put the N largest states in exactly"),
    CHOICE("removal", "HOW", removal, removals, 0,
           "--attribute: how a word is left out: nothing attends to it, or [MASK] stands in"),
    TEXT("patch-from", 0, "TEXT", patch.text, VALUES_NONE,
         "activation patching: this query with states of the query TEXT, layer by layer and place "
         "by place: the share of the other's answer that comes with them (vilscope-explain(7))"),
    WORDS("patch-from-image", 0, "IMAGE", patch.images, VALUES_FILES,
          "the same with states of the query about another image, once for each image"),
    WORDS("patch-from-regions", 0, "FILE", patch.regions, VALUES_FILES,
          "its region features"),
    TAKES("patch-from-change", "WHAT", take_patch_change,
         "the same with states of the query with an intervention, as --change has them"),
    CHOICE("patch-site", "SITE", patch.site, activation_site_names, -1,
           "--patch-from: what is put in, the state after a layer (without it), what attention "
           "adds to it, or what the feed forward adds"),
    TAKES("patch-state", "WHAT", take_patch_state,
         "--patch-from: also put these states in, all that are given at once: \"text 3 token 4\", "
         "\"co 2 image region 7\", \"image 1 attention\", \"embeddings text\""),
    TEXT("pairs", 0, "PAIRS", patch.pairs, VALUES_NONE,
         "--patch-from: tokens that belong together, this query's first: 3:4,5:6; without it those "
         "of the same place, where there are as many"),
    TEXT("region-pairs", 0, "PAIRS", patch.region_pairs, VALUES_NONE,
         "--patch-from: the same of regions"),
    FLAG("json", json, "the whole result as JSON, one document a checkpoint"),
    INT("top", 0, "N", top, 0, 1000000, -1,
        "lines to print (default 5 of the answer, 20 of --attribute, --leave-one-out and "
        "--patch-from)"),
    TEXT("attention", 0, "FILE", attention, VALUES_WRITTEN,
         "write all attention maps as .safetensors, or the mean over heads of the text-to-image "
         "maps (layers, tokens, regions) as .npy"),
    ROW_DEVICE(model.device),
    ROW_PRECISION(model.precision),
    ROW_THREADS(model.threads),
    ROW_CONNECT(model.connect),
    ROW_LOG(log),
    ROW_NO_LOG(no_log),
    FLAG("log-attention", log_maps,
         "also log all attention maps, in half precision and compressed"),
    INT("attention-limit", 0, "MB", maps_limit, 1, 1000000, 16,
        "do not log the maps of a query that take more"),
    END,
};

/* ---- photos */

static int query_open_photos(const struct options *o, const struct model *m,
                             struct photo **photos, int count, struct vs_err *err)
{
    if (o->image_count && o->regions.count > 1 && o->regions.count != o->image_count)
        return vs_fail(err, VS_E_USAGE, "%d images but %d --regions: give one for each image",
                       o->image_count, o->regions.count);
    int rc = command_check_keys(&o->keys, count, err);
    for (int i = 0; i < count && rc == 0; i++) {
        const char *image = i < o->image_count ? o->images[i] : NULL;
        struct photo_options how = {words_of(&o->regions, i), words_of(&o->keys, i), o->upright};
        rc = photo_open(image, &how, &photos[i], err);
        if (rc == 0 && o->candidates)
            rc = photo_set_candidates(photos[i], o->candidates, how.key, err);
        if (rc == 0)
            rc = model_check_photo(m, photos[i], err);
    }
    return rc;
}

static int open_boxes(const struct options *o, struct box_list *boxes, int count,
                      struct vs_err *err)
{
    int rc = 0;
    if (o->boxes.count > 1 && o->boxes.count != count)
        return vs_fail(err, VS_E_USAGE, "%d images but %d --boxes: give one for each image", count,
                       o->boxes.count);
    for (int i = 0; i < count && o->boxes.count && rc == 0; i++)
        rc = boxfile_read(words_of(&o->boxes, i), &boxes[i].boxes, &boxes[i].count, err);
    return rc;
}

/* ---- progress of weights on their way to a GPU */

static void on_upload(void *arg, size_t done, size_t all)
{
    bool *shown = arg;
    *shown = true;
    fprintf(stderr, "\r\033[Kcopying weights to the GPU: %zu of %zu MB", done >> 20, all >> 20);
    fflush(stderr);
}

/* ---- attention */

/* (layers, images, tokens, regions): the mean over heads of where the text looks. */
static int write_means(const char *path, const struct trace *t, struct vs_err *err)
{
    enum attn_kind kind = trace_map_between(t, true, false);
    int rows = 0, cols = 0, layers = trace_attention_layers(t, kind);
    size_t one = (size_t)t->tokens * (size_t)t->regions;
    trace_attention(t, kind, 0, 0, -1, &rows, &cols, NULL);
    float *map = xcalloc((size_t)rows * (size_t)cols + 1, sizeof *map);
    int64_t shape[4] = {layers, t->batch, t->tokens, t->regions};
    float *all = xcalloc((size_t)layers * (size_t)t->batch * one, sizeof *all);
    for (int l = 0; l < layers; l++)
        for (int b = 0; b < t->batch; b++) {
            if (!trace_attention(t, kind, l, b, -1, &rows, &cols, map))
                continue;
            trace_block(t, kind, true, false, map, &rows, &cols);
            memcpy(all + ((size_t)l * (size_t)t->batch + (size_t)b) * one, map, one * sizeof *map);
        }
    free(map);
    int rc = npy_write_f32(path, 4, shape, all, err);
    free(all);
    return rc;
}

static int query_write_attention(const char *path, const struct trace *t, struct vs_err *err)
{
    if (ends_in(path, ".npy"))
        return write_means(path, t, err);
    if (ends_in(path, ".safetensors"))
        return trace_write(t, true, path, err);
    return vs_fail(err, VS_E_USAGE, "%s: attention is written to a .safetensors or .npy file",
                   path);
}

/* ---- running */

static void print_result(const struct options *o, const struct result *r)
{
    char *text = o->json ? result_json(r, 2) : result_text(r, o->top < 0 ? 5 : o->top);
    if (!o->json && r->notice)
        plain_text(stderr, "vilscope query: note: %s\n", r->notice);
    if (o->json)
        plain_json_line(text);
    else
        fputs(text, stdout);
    free(text);
}

static void log_maps(const struct options *o, struct logging *g, const struct result *r)
{
    struct log_attention_size size;
    struct vs_err err = {0};
    if (!o->log_maps)
        return;
    int rc = r->log_id > 0 ? log_attention(g->log, r->log_id, r->trace,
                                           (int64_t)o->maps_limit * 1000000, &size, &err)
                           : vs_fail(&err, VS_E_DB, "attention maps are not kept for a query that "
                                     "waits");
    g->unlogged |= rc != 0 && rc != VS_E_LIMIT;
    if (rc != 0)
        plain_text(stderr, "vilscope query: not logged: %s\n", err.text);
    else
        fprintf(stderr, "vilscope query: %d attention maps logged in %.1f KB (%.1f KB as they "
                "were)\n", size.maps, (double)size.packed / 1e3, (double)size.raw / 1e3);
}

static void query_log(const struct options *o, struct model *m, struct logging *g,
                      struct result *r, struct attribution_record *x)
{
    model_complete(m, r);
    log_result_later(g->log, r, NULL);
    log_maps(o, g, r);
    if (!x)
        return;
    struct explained *known = explained_load(r->checkpoint_digest);
    x->query = r->log_id;
    x->tested = explained_json(known, r->task, attribution_find(x->method));
    explained_free(known);
    log_attribution_later(g->log, x, NULL); /* what waits is told at the end */
}

static void tell_diverged(const struct vs_err *err)
{
    if (err->code != 0)
        plain_text(stderr, "vilscope query: %s\n", err->text);
}

static int run_checkpoints(const struct options *o, struct model *m, struct query *q,
                           struct logging *g, struct vs_err *err)
{
    int n = model_checkpoint_count(m), top = o->top < 0 ? 20 : o->top, rc = 0;
    bool all = o->checkpoints.count > 1;
    struct vs_err diverged = {0};
    for (int i = all ? 0 : n - 1; rc == 0 && i < n; i++) {
        struct result *r = NULL;
        struct attribution_record *owed = NULL;
        q->checkpoint = i;
        bool shown = false;
        q->report = isatty(STDERR_FILENO) ? command_detecting : NULL;
        q->report_arg = &shown;
        model_watch(m, q->report ? on_upload : NULL, &shown);
        rc = query_run(m, q, NULL, &r, err);
        model_watch(m, NULL, NULL);
        if (shown)
            fputs("\r\033[K", stderr);
        if (rc == VS_E_DIVERGED && all) { /* the others answer; it is told at the end */
            tell_diverged(&diverged);
            diverged = *err;
            rc = 0;
            continue;
        }
        if (rc != 0)
            break;
        if (all && !o->json)
            plain_out("%s\n", r->checkpoint_name);
        if (o->json)
            model_complete(m, r);
        print_result(o, r);
        fflush(stdout);
        if (o->leave_out >= 0)
            rc = query_leave_out(m, q, r, (enum effects_of)o->leave_out, o->json, top, err);
        if (rc == 0 && o->attribute >= 0) {
            struct attribute_options a = {attribution_find(query_methods[o->attribute]), o->target,
                                          o->against, o->how, o->json, o->matrices, top};
            rc = query_attribute(m, q, r, &a, &owed, err);
        }
        if (rc == 0 && query_patch_wanted(&o->patch)) {
            struct query_patch_how how = {o->target, o->against, o->json, top, o->verify};
            rc = query_patch(m, q, r, &o->patch, &how, err);
        }
        if (rc == 0 && o->attention)
            rc = query_write_attention(o->attention, r->trace, err);
        if (g->log)
            query_log(o, m, g, r, owed);
        attribution_record_free(owed);
        result_free(r);
    }
    if (rc == 0 && diverged.code != 0) {
        *err = diverged;
        rc = diverged.code;
    }
    return rc;
}

static int query_attribute_how(struct options *o, struct vs_err *err)
{
    struct change heads;
    int rc = o->map ? change_parse_heads(o->map, &heads, err) : 0;
    o->how = attribution_usual;
    o->how.verify = o->how.verify_heads = o->verify;
    o->how.mask_token = o->removal == 1;
    if (rc == 0 && o->map) {
        o->how.map = heads.map;
        o->how.layer = heads.layer;
        o->how.head = heads.head;
    }
    return rc ? vs_fail_prefix(err, "--map") : 0;
}

/* Before anything is computed or printed: no checkpoint answers when one of them has no
 * attributions. */
static int query_can_attribute(const struct options *o, const struct model *m, struct vs_err *err)
{
    int n = model_checkpoint_count(m), rc = 0;
    if (o->attribute < 0)
        return 0;
    for (int i = o->checkpoints.count > 1 ? 0 : n - 1; rc == 0 && i < n; i++)
        rc = attribution_check(m, i, attribution_find(query_methods[o->attribute]), err);
    return rc;
}

/* A status of the program, or a negative code. */
static int cmd_query_ask(struct options *o, struct vs_err *err)
{
    int count = o->image_count ? o->image_count : o->regions.count ? o->regions.count : 1;
    if (!o->image_count && o->regions.count == 1 && o->keys.count > 1)
        count = o->keys.count; /* entries of one file, no pictures */
    struct photo **photos = xcalloc((size_t)count, sizeof *photos);
    struct box_list *boxes = xcalloc((size_t)count, sizeof *boxes);
    struct model *m = NULL;
    struct logging g = {.command = "query"};
    struct chosen *chosen = NULL;
    int rc = query_attribute_how(o, err);
    command_server(&o->model);
    if (rc == 0)
        rc = command_choose("query", &o->checkpoints, &o->model, &chosen, err);
    if (rc == 0)
        rc = model_open(&o->model, &m, err);
    if (rc == 0)
        rc = query_can_attribute(o, m, err);
    if (rc == 0)
        rc = query_open_photos(o, m, photos, count, err);
    if (rc == 0)
        rc = open_boxes(o, boxes, count, err);
    if (rc == 0)
        command_opened("query", m);
    if (rc == 0) {
        struct query q = {.task = o->task, .text = o->text, .photo_count = count, .photos = photos,
                          .boxes = o->boxes.count ? boxes : NULL,
                          .attention = o->attention || o->log_maps, .masked = true,
                          .pair_separate = o->pair == 1,
                          .changes = o->changes, .change_count = o->change_count};
        if (query_patch_wanted(&o->patch))
            rc = query_patch_open(&o->patch, m, &q, o->upright, err);
        if (rc == 0 && !o->no_log)
            logging_begin(&g, "query", "query", o->log);
        if (rc == 0)
            rc = run_checkpoints(o, m, &q, &g, err);
    }
    int logged = logging_end(&g);
    for (int i = 0; i < count; i++) {
        photo_free(photos[i]);
        free(boxes[i].boxes);
    }
    free(boxes);
    free(photos);
    model_free(m);
    command_chosen_free(chosen);
    return rc ? rc : logged;
}

static int run_query(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    int status = EXIT_OK;
    struct query_patch_beside beside = {count - 1, o->boxes.count > 0, o->candidates != NULL,
                                        o->leave_out >= 0, o->attribute >= 0};
    const char *refusal = query_patch_refusal(&o->patch, &beside);
    if (!o->task)
        status = command_usage("query", "--task is missing");
    else if (count == 0)
        status = command_usage("query", "the query's text is missing: it is the last argument");
    else if (refusal)
        status = command_usage("query", "%s", refusal);
    else if ((o->target || o->against) && o->attribute < 0 && !query_patch_wanted(&o->patch))
        status = command_usage("query", "--target and --against belong to --attribute and "
                               "--patch-from");
    else if (o->map && (o->attribute < 0 || strcmp(query_methods[o->attribute], "attention") != 0))
        status = command_usage("query", "--map belongs to --attribute attention");
    else if (o->matrices && (!o->json || o->attribute < 0 ||
                             strcmp(query_methods[o->attribute], "relevancy") != 0))
        status = command_usage("query", "--matrices belongs to --attribute relevancy and --json");
    else if (o->attention && o->checkpoints.count > 1)
        status = command_usage("query", "--attention takes one checkpoint");
    o->images = args;
    o->image_count = count - 1;
    o->text = count ? args[count - 1] : NULL;
    if (status == EXIT_OK && (status = cmd_query_ask(o, &err)) < 0)
        status = command_fail("query", &err);
    return status;
}

static void query_fini(void *options)
{
    struct options *o = options;
    free(o->changes);
    query_patch_fini(&o->patch);
}

const struct command command_query = {
    .name = "query", .args = "[OPTION...] [IMAGE...] TEXT",
    .summary = "Answer one query and log it.",
    .after =
        "IMAGE is an image file (JPEG, PNG, ...); with --regions alone none is needed. TEXT is\n"
        "the last argument. Of several checkpoints in the model directory the last one answers;\n"
        "each that -c names does.\n\n"
        "  vilscope query -m models/12in1 --regions 42.npy -t refcoco 42.jpg \"the left dog\"\n",
    .rows = option_rows, .most = -1, .values = VALUES_FILES, .size = sizeof(struct options),
    .run = run_query, .fini = query_fini,
};
