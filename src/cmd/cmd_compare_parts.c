/* SPDX-License-Identifier: MIT */
/* vilscope compare --weights, --cka, --attention, --swap: what changed between checkpoints. */
#include "src/cmd/cmd_compare.h"
#include "src/cmd/vilscope.h"

#include "src/study/compare.h"
#include "src/study/difference_json.h"
#include "src/engine/engine_priv.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parts_shown(const struct compare_run *r, int count)
{
    return r->o->top && r->o->top < count ? r->o->top : count;
}

static void told_more(const struct compare_run *r, int count)
{
    if (parts_shown(r, count) < count)
        printf("... and %d more (--top 0)\n", count - parts_shown(r, count));
}

/* The probes as queries; the caller frees the array. */
static int make_queries(struct compare_run *r, struct query **out, struct vs_err *err)
{
    struct query *list = xcalloc((size_t)r->probes->count + 1, sizeof *list);
    int rc = 0;
    for (int i = 0; i < r->probes->count && rc == 0; i++)
        rc = probe_runner_query(r->runner, i, 0, &list[i], err);
    if (rc == 0)
        *out = list;
    else
        free(list);
    return rc;
}

/* What was asked, as the log has it; NULL for nothing. */
static const char *parts_subject(const struct compare_run *r)
{
    return r->probes->path ? r->probes->path : r->probes->list[0].item.text;
}

/* Told, and added to what the log and JSON have. */
static void tell_notice(json_t *all, const char *name, const char *text)
{
    plain_text(stderr, "vilscope compare: note: %s%s%s%s\n", name ? "\"" : "", name ? name : "",
               name ? "\": " : "", text);
    json_array_append_new(all, json_pack("{s:o, s:o}", "name", plain_string(name ? name : ""),
                                         "notice", plain_string(text)));
}

/* What there is to know about what was compared and the queries' inputs, each told; the caller owns
 * the array. The queries were asked before, so their regions are there, and what fails here did not
 * hinder anything. */
static json_t *tell_notices(struct compare_run *r, const struct query *q)
{
    json_t *all = json_array();
    char tasks[256];
    int last = model_checkpoint_count(r->m) - 1;
    if (compare_task_tokens(r->m, 0, last, tasks, sizeof tasks))
        tell_notice(all, NULL, tasks);
    for (int i = 0; i < r->probes->count; i++) {
        const char *name = r->probes->list[i].name;
        struct prepared p;
        struct vs_err err = {0};
        if (query_prepare(r->m, &q[i], &compare_stopped, &p, &err) == 0 && p.r->notice)
            tell_notice(all, name, p.r->notice);
        prepared_fini(&p);
    }
    return all;
}

/* Takes v and d, which may be NULL: what was found goes to the log, and is printed as JSON. */
static void put_found(struct compare_run *r, json_t *notices, json_t *v, struct difference *d)
{
    if (d) {
        difference_note(d, notices);
        compare_log_difference(r, d);
    }
    if (v) {
        if (json_is_object(v) && json_array_size(notices) > 0)
            json_object_set(v, "notices", notices);
        if (json_is_array(v) && json_array_size(notices) > 0) /* behind what was found */
            json_array_append_new(v, json_pack("{s:O}", "notices", notices));
        command_json(v, JSON_INDENT(1));
    }
}

static void parts_on_progress(void *arg, int done, int all)
{
    const char *what = arg;
    if (isatty(STDERR_FILENO)) {
        plain_text(stderr, "\r\033[K%s %d of %d", what, done, all);
        fflush(stderr);
    }
}

/* ---- weights */

static int by_relative(const void *a, const void *b)
{
    const struct weight_change *x = *(const struct weight_change *const *)a;
    const struct weight_change *y = *(const struct weight_change *const *)b;
    if (x->state != y->state)
        return (x->state < y->state) - (x->state > y->state); /* what cannot be compared first */
    return (x->relative < y->relative) - (x->relative > y->relative);
}

static const struct weight_change **parts_ranked(const struct weight_change *list, int count)
{
    const struct weight_change **order = xcalloc((size_t)count + 1, sizeof(void *));
    for (int i = 0; i < count; i++)
        order[i] = &list[i];
    vs_sort(order, (size_t)count, sizeof(void *), by_relative);
    return order;
}

static void print_weights(const struct compare_run *r, const struct weights_change *w, int b)
{
    bool tensors = r->o->tensors;
    int count = tensors ? w->tensor_count : w->layer_count;
    const struct weight_change **order = parts_ranked(tensors ? w->tensors : w->layers, count);
    plain_out("%s -> %s: all weights moved by %.6g of their norm, %lld of %lld elements differ",
              model_checkpoint_name(r->m, 0), model_checkpoint_name(r->m, b), w->all.relative,
              (long long)w->all.changed, (long long)w->all.elements);
    if (w->all.broken)
        printf(", %lld are not numbers", (long long)w->all.broken);
    plain_out("\n%-52s %12s %12s %12s\n", tensors ? "tensor" : "layer", "relative", "largest",
              "elements");
    for (int i = 0; i < parts_shown(r, count); i++) {
        compare_put_cell(order[i]->name, 52);
        if (order[i]->state == WEIGHT_COMPARED)
            plain_out(" %12.6g %12.6g %12lld%s\n", order[i]->relative, order[i]->most,
                      (long long)order[i]->elements, order[i]->broken ? "  NaN or infinite" : "");
        else
            plain_out(" %s\n", weight_state_names[order[i]->state]);
    }
    told_more(r, count);
    free(order);
}

static void csv_weights(const struct compare_run *r, const struct weights_change *w, int b)
{
    int count = r->o->tensors ? w->tensor_count : w->layer_count;
    for (int i = 0; i < count; i++) {
        const struct weight_change *c = r->o->tensors ? &w->tensors[i] : &w->layers[i];
        compare_put_field(model_checkpoint_name(r->m, 0), ',');
        compare_put_field(model_checkpoint_name(r->m, b), ',');
        compare_put_field(c->name, ',');
        plain_out("%s,%.9g,%.9g,%.9g,%lld,%lld,%lld\n", weight_state_names[c->state], c->relative,
                  c->distance, c->most, (long long)c->elements, (long long)c->changed,
                  (long long)c->broken);
    }
}

int compare_weights(struct compare_run *r, struct vs_err *err)
{
    json_t *all = json_array();
    int rc = 0;
    if (r->o->csv)
        puts("from,to,name,state,relative,distance,largest,elements,changed,broken");
    for (int b = 1; b < model_checkpoint_count(r->m) && rc == 0; b++) {
        struct weights_change *w = NULL;
        rc = weights_compare_opened(r->m, 0, b, &compare_stopped, &w, err);
        if (rc != 0)
            break;
        if (r->log)
            compare_log_difference(r, difference_of_weights(r->m, 0, b, w));
        if (r->o->json)
            json_array_append_new(all, weights_json(r->m, 0, b, w));
        else if (r->o->csv)
            csv_weights(r, w, b);
        else {
            fputs(b > 1 ? "\n" : "", stdout);
            print_weights(r, w, b);
        }
        weights_change_free(w);
    }
    if (rc == 0 && r->o->json)
        command_json(all, JSON_INDENT(1));
    else
        json_decref(all);
    return rc;
}

/* ---- hidden states */

static const char *depth_name(const struct cka *c, int i)
{
    if (i == 0)
        return "emb";
    return strncmp(c->names[i], "co", 2) == 0 ? c->names[i] : strchr(c->names[i], ' ') + 1;
}

/* What stands below a matrix. */
static void explain_cka(const struct cka *c)
{
    bool none = false;
    for (int i = 0; i < c->depths * c->depths; i++)
        none = none || !isfinite(c->values[i]);
    if (isfinite(cka_floor(c)))
        printf("noise floor: at most %.3f, the largest of %d permutations of the rows; (in "
               "brackets): not above its own\n", cka_floor(c), CKA_SHUFFLES);
    if (c->rows < CKA_LEAST)
        printf("-: fewer than %d rows\n", CKA_LEAST);
    else if (none)
        puts("-: these states do not vary by more than rounding");
}

/* Models with one stream have both kinds of rows in it. */
static void print_cka(const struct cka *c, bool joint)
{
    const char *rows = c->text ? "tokens" : "regions";
    char stream[24];
    snprintf(stream, sizeof stream, joint ? "joint stream, %s" : "%s stream",
             joint ? rows : c->text ? "text" : "image");
    plain_out("%s, CKA (debiased), n = %d %s of %d %s (down: the first checkpoint, across: "
              "the last)\n", stream, c->rows, rows,
              c->queries, c->queries == 1 ? "query, which says little of others" : "queries");
    plain_out("%-12s", "");
    for (int j = 0; j < c->depths; j++)
        plain_out(" %7s", depth_name(c, j));
    putchar('\n');
    for (int i = 0; i < c->depths; i++) {
        plain_out("%-12s", c->names[i]);
        for (int j = 0; j < c->depths; j++) {
            int at = i * c->depths + j;
            char text[24] = "-";
            if (isfinite(c->values[at]))
                snprintf(text, sizeof text, cka_is_noise(c, at) ? "(%.2f)" : "%.3f",
                         c->values[at]);
            plain_out(" %7s", text);
        }
        putchar('\n');
    }
    explain_cka(c);
}

static void csv_cka(const struct cka *c)
{
    for (int i = 0; i < c->depths * c->depths; i++) {
        compare_put_field(c->text ? "text" : "image", ',');
        compare_put_field(c->names[i / c->depths], ',');
        compare_put_field(c->names[i % c->depths], ',');
        if (isfinite(c->values[i]))
            printf("%.9g,%.9g", c->values[i], c->floors[i]);
        else
            putchar(',');
        printf(",%d,%d\n", c->rows, c->queries);
    }
}

int compare_cka(struct compare_run *r, struct vs_err *err)
{
    static char what[] = "query";
    struct query *q = NULL;
    struct cka c[2];
    int last = model_checkpoint_count(r->m) - 1, rc = make_queries(r, &q, err);
    bool joint = model_family(r->m)->maps[0] == ATTN_JOINT;
    if (rc == 0)
        rc = cka_run(r->m, q, r->probes->count, 0, last, &compare_stopped, parts_on_progress, what,
                     c, err);
    command_clear();
    json_t *notices = rc == 0 ? tell_notices(r, q) : NULL;
    free(q);
    if (rc != 0)
        return rc;
    put_found(r, notices, r->o->json ? cka_json(r->m, 0, last, c) : NULL,
              r->log ? difference_of_cka(r->m, 0, last, c, parts_subject(r)) : NULL);
    json_decref(notices);
    if (r->o->csv) {
        puts("stream,first,last,similarity,floor,rows,queries");
        csv_cka(&c[0]);
        csv_cka(&c[1]);
    } else if (!r->o->json) {
        print_cka(&c[0], joint);
        putchar('\n');
        print_cka(&c[1], joint);
    }
    cka_fini(&c[0]);
    cka_fini(&c[1]);
    return 0;
}

/* ---- attention */

static int parts_by_jsd(const void *a, const void *b)
{
    const struct attention_change *x = a, *y = b;
    return (x->jsd < y->jsd) - (x->jsd > y->jsd);
}

static int by_place(const void *a, const void *b)
{
    const struct attention_change *x = a, *y = b;
    return x->map != y->map       ? (x->map > y->map) - (x->map < y->map)
           : x->layer != y->layer ? x->layer - y->layer
                                  : x->head - y->head;
}

/* Adds one query's table, in the order of the model, to the sum. */
static int add_query(struct compare_run *r, const struct query *q, struct attention_change **sum,
                     int *count, struct vs_err *err)
{
    struct result *x[2] = {NULL, NULL};
    struct attention_change *list = NULL;
    int n = 0, rc = 0, numbers[2] = {0, model_checkpoint_count(r->m) - 1};
    for (int i = 0; i < 2 && rc == 0; i++) {
        struct query one = *q;
        one.checkpoint = numbers[i];
        one.attention = true;
        rc = query_run(r->m, &one, &compare_stopped, &x[i], err);
    }
    if (rc == 0)
        rc = attention_changes(x[0], x[1], &list, &n, err);
    if (rc == 0) {
        vs_sort(list, (size_t)n, sizeof *list, by_place);
        if (!*sum) {
            *sum = xcalloc((size_t)n + 1, sizeof **sum);
            memcpy(*sum, list, (size_t)n * sizeof *list);
            *count = n;
        } else {
            for (int i = 0; i < n && n == *count; i++) {
                (*sum)[i].jsd += list[i].jsd;
                (*sum)[i].most = fmax((*sum)[i].most, list[i].most);
                (*sum)[i].rows += list[i].rows;
            }
        }
    }
    free(list);
    result_free(x[0]);
    result_free(x[1]);
    return rc;
}

static void parts_print_attention(const struct compare_run *r, const struct attention_change *list,
                                  int count)
{
    int n = r->o->csv ? count : parts_shown(r, count);
    if (r->o->csv)
        puts("map,layer,head,divergence,largest,rows");
    else
        plain_out("%-16s %5s %5s %12s %12s %6s\n", "attention", "layer", "head", "JSD (bits)",
                  "largest row", "rows");
    for (int i = 0; i < n; i++)
        plain_out(r->o->csv ? "%s,%d,%d,%.9g,%.9g,%d\n" : "%-16s %5d %5d %12.6f %12.6f %6d\n",
                  attn_table[list[i].map].name, list[i].layer + 1, list[i].head + 1, list[i].jsd,
                  list[i].most, list[i].rows);
    if (!r->o->csv)
        told_more(r, count);
}

int compare_attention(struct compare_run *r, struct vs_err *err)
{
    struct query *q = NULL;
    struct attention_change *sum = NULL;
    int count = 0, rc = make_queries(r, &q, err);
    for (int i = 0; i < r->probes->count && rc == 0; i++) {
        rc = add_query(r, &q[i], &sum, &count, err);
        parts_on_progress((char[]){"query"}, i + 1, r->probes->count);
    }
    command_clear();
    if (rc == 0) {
        for (int i = 0; i < count; i++)
            sum[i].jsd /= r->probes->count;
        vs_sort(sum, (size_t)count, sizeof *sum, parts_by_jsd);
        json_t *notices = tell_notices(r, q);
        put_found(r, notices, r->o->json ? attention_json(sum, count) : NULL,
                  r->log ? difference_of_attention(r->m, 0, model_checkpoint_count(r->m) - 1, sum,
                                                   count, parts_subject(r))
                         : NULL);
        json_decref(notices);
        if (!r->o->json)
            parts_print_attention(r, sum, count);
    }
    free(sum);
    free(q);
    return rc;
}

/* ---- swaps */

static void on_patch(void *arg, const struct patch_result *s)
{
    (void)arg;
    if (!isatty(STDERR_FILENO))
        return;
    if (s->tries)
        fprintf(stderr, "\r\033[Kset %d", s->tries);
    else
        fprintf(stderr, "\r\033[Kpart %d of %d", s->done, s->item_count);
    fflush(stderr);
}

static void print_patch_queries(const struct compare_run *r, const struct patch_result *s)
{
    for (int i = 0; i < s->query_count && i < 8; i++)
        plain_out("  \"%s\": %s -> %s, %s %.4f -> %.4f\n", r->probes->list[i].name,
                  s->queries[i].answer_a, s->queries[i].answer_b,
                  patch_measure_name(&s->queries[i]), s->queries[i].before, s->queries[i].after);
    if (s->query_count > 8)
        printf("  ... %d queries, %d change their answer\n", s->query_count, s->changed);
}

static void print_set(const struct compare_run *r, const struct patch_result *s)
{
    if (s->flip_query < 0) {
        puts("no answer flips");
        return;
    }
    const char *name = r->probes->list[s->flip_query].name;
    const char *answer = s->queries[s->flip_query].answer_b;
    if (s->set_count == 0) {
        plain_out("%s flip \"%s\" to %s%s\n",
                  s->smallest ? "no parts of these together" : "all of these parts together do not",
                  name, answer, s->smallest ? "" : "; smaller sets were not tried");
        return;
    }
    plain_out("%s that flips \"%s\" to %s (%s):\n",
              s->smallest ? "a smallest set" : "a minimal set", name, answer,
              s->smallest ? "no smaller one does" : "none of it can be left out");
    for (int i = 0; i < s->set_count; i++)
        plain_out("  %s\n", s->items[s->set[i]].name);
}

static void print_patch(const struct compare_run *r, const struct patch_result *s)
{
    int *order = patch_order(s);
    plain_out("%s with single parts of %s\n", model_checkpoint_name(r->m, s->a),
              model_checkpoint_name(r->m, s->b));
    print_patch_queries(r, s);
    plain_out("%-36s %10s %8s\n", "part", "recovered", "flips");
    for (int i = 0; i < parts_shown(r, s->item_count); i++) {
        const struct patch_item *x = &s->items[order[i]];
        plain_out("%-36s %9.1f%% %5d of %d\n", x->name, 100 * x->share, x->flips, s->changed);
    }
    told_more(r, s->item_count);
    if (s->best >= 0 && s->items[s->best].share > 0)
        plain_out("most is recovered by: %s, %.1f%% of the change\n", s->items[s->best].name,
                  100 * s->items[s->best].share);
    print_set(r, s);
    free(order);
}

static void csv_patch(const struct patch_result *s)
{
    puts("part,change,share,flips");
    for (int i = 0; i < s->item_count; i++) {
        char text[CHANGE_TEXT];
        change_format(&s->items[i].change, text);
        compare_put_field(s->items[i].name, ',');
        compare_put_field(text, ',');
        printf("%.9g,%d\n", s->items[i].share, s->items[i].flips);
    }
}

/* Scores of a head of its own, and of the one that stands in for it, are not of one kind. */
static void tell_heads(struct compare_run *r, const struct query *q, json_t *notices)
{
    int last = model_checkpoint_count(r->m) - 1;
    for (int i = 0; i < r->probes->count; i++) {
        unsigned a = task_head(q[i].task, r->m->checkpoints[0].net->heads);
        unsigned b = task_head(q[i].task, r->m->checkpoints[last].net->heads);
        if (a == b)
            continue;
        bool first = (a & q[i].task->head) == 0;
        char *text = xasprintf("%s ranks the images of %s by the alignment head of its "
                               "pre-training (zero-shot), %s by its head for retrieval: poolers "
                               "and heads change what the scores are",
                               model_checkpoint_name(r->m, first ? 0 : last), q[i].task->title,
                               model_checkpoint_name(r->m, first ? last : 0));
        tell_notice(notices, NULL, text);
        free(text);
        return;
    }
}

int compare_patch(struct compare_run *r, struct vs_err *err)
{
    struct query *q = NULL;
    struct patch_result *s = NULL;
    struct patch_options o = {.a = 0, .b = model_checkpoint_count(r->m) - 1, .level = r->o->level,
                              .find_set = true, .cancel = &compare_stopped, .report = on_patch};
    int rc = make_queries(r, &q, err);
    if (rc == 0)
        rc = patch_run(r->m, q, r->probes->count, &o, &s, err);
    command_clear();
    if (rc == 0) {
        json_t *notices = tell_notices(r, q);
        tell_heads(r, q, notices);
        put_found(r, notices, r->o->json ? patch_json(r->m, s, q) : NULL,
                  r->log ? difference_of_patch(r->m, s, q, parts_subject(r)) : NULL);
        json_decref(notices);
    }
    if (rc == 0 && r->o->csv)
        csv_patch(s);
    else if (rc == 0 && !r->o->json)
        print_patch(r, s);
    patch_free(s);
    free(q);
    return rc;
}
