/* SPDX-License-Identifier: MIT */
/* vilscope query --patch-from: the query with states of another one's run in place of its own. */
#include "src/cmd/cmd_query.h"
#include "src/cmd/cmd_query_patch.h"
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/study/attribution.h"
#include "src/study/compare.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL 20 /* columns of a row's name */
#define CELL 9   /* of a depth */

/* ---- what was asked for */

bool query_patch_wanted(const struct query_patch *p)
{
    return p->text || p->images.count > 0 || p->change_count > 0;
}

const char *query_patch_refusal(const struct query_patch *p, const struct query_patch_beside *o)
{
    if (!query_patch_wanted(p))
        return p->pairs || p->region_pairs || p->spot_count > 0 || p->regions.count > 0 ||
                       p->site >= 0
                   ? "--pairs, --region-pairs, --patch-site, --patch-state and "
                     "--patch-from-regions belong to --patch-from"
                   : NULL;
    if (o->leave_out || o->attribute)
        return "--patch-from, --attribute and --leave-one-out are asked for one at a time";
    if (p->images.count > 0 && p->images.count != o->images)
        return "--patch-from-image is given once for each image of the query";
    if (p->images.count > 0 && (o->boxes || o->candidates))
        return "--boxes and --candidates are of the query's own image: not with --patch-from-image";
    return p->regions.count > 0 && p->regions.count != p->images.count
               ? "--patch-from-regions is given once for each --patch-from-image"
               : NULL;
}

int query_patch_state(struct query_patch *p, const char *text, struct vs_err *err)
{
    p->spots = xreallocarray(p->spots, (size_t)p->spot_count + 1, sizeof *p->spots);
    int rc = activation_spot_parse(text, &p->spots[p->spot_count], err);
    if (rc != 0)
        return vs_fail_prefix(err, "--patch-state");
    p->spot_count++;
    return 0;
}

static int query_patch_pairs(struct query_patch *p, struct vs_err *err)
{
    int rc = p->pairs ? activation_pairs_parse(p->pairs, 1, &p->token_list, &p->token_count, err)
                      : 0;
    if (rc != 0)
        return vs_fail_prefix(err, "--pairs");
    if (p->region_pairs)
        rc = activation_pairs_parse(p->region_pairs, 0, &p->region_list, &p->region_count, err);
    return rc ? vs_fail_prefix(err, "--region-pairs") : 0;
}

int query_patch_open(struct query_patch *p, const struct model *m, const struct query *q,
                     bool upright, struct vs_err *err)
{
    int rc = query_patch_pairs(p, err);
    p->other = *q;
    p->other.attention = false;
    p->other.text = p->text ? p->text : q->text;
    p->photos = xcalloc((size_t)p->images.count + 1, sizeof *p->photos);
    for (int i = 0; i < p->images.count && rc == 0; i++) {
        const char *regions = p->regions.count > 0 ? p->regions.list[i] : NULL;
        struct photo_options how = {regions, NULL, upright};
        rc = photo_open(p->images.list[i], &how, &p->photos[i], err);
        if (rc == 0)
            rc = model_check_photo(m, p->photos[i], err);
    }
    if (p->images.count > 0)
        p->other.photos = p->photos;
    int n = q->change_count + p->change_count;
    p->all = xcalloc((size_t)n + 1, sizeof *p->all);
    for (int i = 0; i < n; i++)
        p->all[i] = i < q->change_count ? q->changes[i] : p->changes[i - q->change_count];
    p->other.changes = p->all;
    p->other.change_count = n;
    return rc;
}

void query_patch_fini(struct query_patch *p)
{
    for (int i = 0; p->photos && i < p->images.count; i++)
        photo_free(p->photos[i]);
    free(p->photos);
    free(p->changes);
    free(p->all);
    free(p->spots);
    free(p->token_list);
    free(p->region_list);
}

/* ---- what came of it */

/* Both results and what is between them. */
struct patched {
    const struct query_patch *p;
    const struct result *of[2];
    struct activation x;
    int choice, against;
    const char *target, *other;
    char names[2][32];
};

/* Shares, or, where A and B are too close, effects. */
static double patched_shown(const struct patched *d, double effect)
{
    bool close = isnan(activation_share(&d->x, 1));
    return close ? effect : activation_share(&d->x, effect);
}

/* "+0.93", "    -" */
static void patched_number(const struct patched *d, double effect, char out[16])
{
    if (isnan(effect))
        snprintf(out, 16, "-");
    else
        snprintf(out, 16, "%+.3f", patched_shown(d, effect));
    if (strcmp(out, "+0.000") == 0 || strcmp(out, "-0.000") == 0)
        snprintf(out, 16, "0");
}

/* "4 blue", "4 blue (3 red)", "region 7" */
static void patched_name(const struct patched *d, const struct activation_column *c, char *out,
                         size_t size)
{
    const struct result_token *t[2] = {d->of[0]->tokens, d->of[1]->tokens};
    bool pair = d->of[0]->image_count > 1;
    if (c->token && (c->a != c->b || strcmp(t[0][c->a].piece, t[1][c->b].piece) != 0))
        snprintf(out, size, "%d %s (%d %s)", c->a + 1, t[0][c->a].piece, c->b + 1,
                 t[1][c->b].piece);
    else if (c->token)
        snprintf(out, size, "%d %s", c->a + 1, t[0][c->a].piece);
    else if (c->of[0].region != c->of[1].region)
        snprintf(out, size, "region %d (%d)", c->of[0].region, c->of[1].region);
    else if (pair)
        snprintf(out, size, "image %d region %d", c->of[0].image + 1, c->of[0].region);
    else
        snprintf(out, size, "region %d", c->of[0].region);
}

/* The largest of a column, by its size. */
static double patched_most(const struct patched *d, const struct activation_map *map, int column)
{
    double most = 0;
    for (int i = 0; i < map->depths; i++)
        most = fmax(most, fabs(activation_effect(&d->x, map, i * map->columns + column)));
    return most;
}

/* Words are all shown; of regions those with the `top` largest numbers. */
static bool patched_is_shown(const struct patched *d, const struct activation_map *map, int column,
                             int top)
{
    int before = 0;
    double own = patched_most(d, map, column);
    for (int i = 0; i < map->columns; i++) {
        double most = patched_most(d, map, i);
        before += !map->column[i].token && (most > own || (most == own && i < column));
    }
    return map->column[column].token || before < top;
}

static void patched_print_map(const struct patched *d, const struct activation_map *map, int top)
{
    char depth[TRACE_DEPTH], name[96], number[16];
    int hidden = 0;
    plain_out("%-*s", LABEL, map->stream == STREAM_IMAGE ? "image"
                             : map->stream == STREAM_TEXT ? "text" : "text and image");
    for (int i = 0; i < map->depths; i++) {
        trace_depth(map->at[i], true, depth);
        plain_out("%*.*s", CELL, CELL - 1, map->at[i].site == PART_EMBEDDINGS ? "embedded" : depth);
    }
    plain_out("\n");
    for (int j = 0; j < map->columns; j++) {
        if (!patched_is_shown(d, map, j, top)) {
            hidden++;
            continue;
        }
        patched_name(d, &map->column[j], name, sizeof name);
        plain_out("%-*.*s", LABEL, LABEL - 1, name);
        for (int i = 0; i < map->depths; i++) {
            patched_number(d, activation_effect(&d->x, map, i * map->columns + j), number);
            plain_out("%*s", CELL, number);
        }
        plain_out("\n");
    }
    if (hidden > 0)
        plain_out("%d more regions have less (--top N shows N of them)\n", hidden);
}

static const char *patched_site_about(enum net_site site)
{
    return site == SITE_STATE       ? "the state after each layer"
           : site == SITE_ATTENTION ? "what attention adds to the state in each layer"
                                    : "what the feed forward adds to the state in each layer";
}

static void patched_print_ends(const struct patched *d)
{
    const struct activation *x = &d->x;
    char *best[2] = {compare_label(d->of[0], 0), compare_label(d->of[1], 0)};
    for (int i = 0; i < 2; i++) {
        const char *changes = d->of[i]->changes;
        plain_out("%s: \"%s\"%s%s%s: %s", i ? "B" : "A", d->of[i]->text,
                  i && d->p->images.count > 0 ? " about the other image" : "",
                  changes ? ", " : "", changes ? changes : "", best[i]);
        if (d->of[i]->task->reading->ranked != RANKED_IMAGES) /* of one image it is 1 */
            plain_out(" (softmax %.4f)", compare_softmax(d->of[i], 0));
        plain_out("\n");
        free(best[i]);
    }
    plain_out("activation patching: A with states of B; the logit of \"%s\"%s%s%s is %.4f in A and "
              "%.4f in B\n", d->target, d->other ? " less that of \"" : "",
              d->other ? d->other : "", d->other ? "\"" : "", x->a, x->b);
    if (isnan(activation_share(x, 1)))
        plain_out("A and B differ by %.4f, too little to divide by: numbers are changes of the "
                  "logit, no shares\n", x->b - x->a);
    else
        plain_out("shares, (patched - A) / (B - A): 0 is A, 1 is B\n");
    for (int i = 0; i < 2; i++)
        if (x->unaligned[i][0])
            plain_out("%s (%s)\n", x->unaligned[i], i ? "--region-pairs" : "--pairs");
    plain_out("%s, %s:\n", patched_site_about(x->site),
              !x->screened ? "exactly, as a query with ablated heads has no gradient"
              : x->all     ? "exactly"
                           : "to first order, by the gradient at A");
}

static void patched_print_cells(const struct patched *d, int top)
{
    int n, shown = 0;
    struct activation_cell *list = activation_cells(&d->x, &n);
    char name[96], depth[TRACE_DEPTH], number[2][16];
    if (d->x.verified > 0)
        plain_out("the largest, run exactly:\n");
    for (int i = 0; i < n && shown < d->x.verified && shown < top; i++) {
        const struct activation_cell *c = &list[i];
        if (isnan(c->exact))
            continue;
        trace_depth(c->map->at[c->depth], false, depth);
        patched_name(d, &c->map->column[c->column], name, sizeof name);
        patched_number(d, c->screen, number[0]);
        patched_number(d, c->exact, number[1]);
        plain_out("%3d. %-12s %-24s", ++shown, depth, name);
        if (d->x.screened)
            plain_out(" %8s  exactly", number[0]);
        plain_out(" %8s\n", number[1]);
    }
    free(list);
}

static void patched_print(const struct patched *d, int top)
{
    char number[16];
    patched_print_ends(d);
    for (int i = 0; i < d->x.map_count; i++)
        patched_print_map(d, &d->x.maps[i], top);
    patched_print_cells(d, top);
    patched_number(d, d->x.together, number);
    for (int i = 0; i < d->p->spot_count; i++)
        plain_out("%s%s", i ? "; " : "all at once, ", d->p->spots[i].text);
    if (d->p->spot_count > 0)
        plain_out(": %s\n", number);
}

/* ---- JSON */

static json_t *patched_grid(const double *x, int rows, int cols)
{
    json_t *out = json_array();
    for (int i = 0; i < rows; i++) {
        json_t *row = json_array();
        for (int j = 0; j < cols; j++)
            json_array_append_new(row, plain_number(x[(ptrdiff_t)i * cols + j]));
        json_array_append_new(out, row);
    }
    return out;
}

static json_t *patched_column_json(const struct patched *d, const struct activation_column *c)
{
    if (c->token)
        return json_pack("{s:i, s:i, s:o, s:o}", "token", c->a + 1, "other", c->b + 1, "piece",
                         plain_string(d->of[0]->tokens[c->a].piece), "other_piece",
                         plain_string(d->of[1]->tokens[c->b].piece));
    return json_pack("{s:i, s:i, s:i}", "image", c->of[0].image + 1, "region", c->of[0].region,
                     "other", c->of[1].region);
}

static json_t *patched_map_json(const struct patched *d, const struct activation_map *map)
{
    json_t *depths = json_array(), *columns = json_array();
    char name[TRACE_DEPTH];
    for (int i = 0; i < map->depths; i++) {
        trace_depth(map->at[i], false, name);
        json_array_append_new(depths, json_string(name));
    }
    for (int j = 0; j < map->columns; j++)
        json_array_append_new(columns, patched_column_json(d, &map->column[j]));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "stream", stream_table[map->stream].word,
                     "depths", depths, "columns", columns, "first_order",
                     d->x.screened ? patched_grid(map->screen, map->depths, map->columns)
                                   : json_null(),
                     "exact", patched_grid(map->exact, map->depths, map->columns));
}

static json_t *patched_states_json(const struct patched *d)
{
    json_t *list = json_array();
    for (int i = 0; i < d->p->spot_count; i++)
        json_array_append_new(list, plain_string(d->p->spots[i].text));
    return json_pack("{s:o, s:o, s:o}", "states", list, "effect", plain_number(d->x.together),
                     "share", plain_number(activation_share(&d->x, d->x.together)));
}

static json_t *patched_run_json(const struct patched *d, int of_b)
{
    const struct result *r = d->of[of_b];
    json_t *images = json_array();
    char *best = compare_label(r, 0);
    for (int i = 0; i < r->image_count; i++)
        json_array_append_new(images, plain_string(r->images[i].path));
    json_t *out = json_pack("{s:o, s:o, s:o, s:o, s:o}", "text", plain_string(r->text), "images",
                            images, "changes", plain_string(r->changes), "answer",
                            plain_string(best), "target", plain_number(of_b ? d->x.b : d->x.a));
    free(best);
    return out;
}

static void patched_json(const struct patched *d)
{
    json_t *maps = json_array(), *notes = json_array();
    for (int i = 0; i < d->x.map_count; i++)
        json_array_append_new(maps, patched_map_json(d, &d->x.maps[i]));
    for (int i = 0; i < 2; i++)
        if (d->x.unaligned[i][0])
            json_array_append_new(notes, plain_string(d->x.unaligned[i]));
    command_json(json_pack("{s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:i, s:o, s:o}", "a",
                           patched_run_json(d, 0), "b", patched_run_json(d, 1), "target",
                           plain_string(d->target), "against",
                           d->other ? plain_string(d->other) : json_null(), "site",
                           activation_site_names[d->x.site], "shares",
                           !isnan(activation_share(&d->x, 1)), "unaligned", notes, "verified",
                           d->x.verified, "maps", maps, "together",
                           d->p->spot_count > 0 ? patched_states_json(d) : json_null()),
                 JSON_INDENT(2));
}

/* ---- running */

static int patched_choose(struct patched *d, const char *target, const char *against,
                          struct vs_err *err)
{
    int rc = 0;
    activation_choices(d->of[0], d->of[1], &d->choice, &d->against);
    if (target) {
        d->against = -1;
        rc = query_find_answer(d->of[0], "target", target, &d->choice, err);
    }
    if (rc == 0 && against)
        rc = query_find_answer(d->of[0], "against", against, &d->against, err);
    if (rc != 0)
        return rc;
    d->target = attribution_label(d->of[0], d->choice, d->names[0]);
    d->other = d->against >= 0 ? attribution_label(d->of[0], d->against, d->names[1]) : NULL;
    return 0;
}

int query_patch(struct model *m, const struct query *q, const struct result *r,
                const struct query_patch *p, const struct query_patch_how *how, struct vs_err *err)
{
    struct patched d = {.p = p, .of = {r}};
    struct query other = p->other;
    struct result *b = NULL;
    struct activation_how all = {.site = p->site < 0 ? SITE_STATE : (enum net_site)p->site,
                                 .tokens = p->token_list, .regions = p->region_list,
                                 .token_pairs = p->token_count, .region_pairs = p->region_count,
                                 .verify = how->verify, .spots = p->spots,
                                 .spot_count = p->spot_count};
    other.checkpoint = q->checkpoint;
    int rc = query_run(m, &other, NULL, &b, err);
    d.of[1] = b;
    if (rc == 0 && b->notice && !how->json && !text_equals(b->notice, r->notice))
        plain_text(stderr, "vilscope query: note: of the other query: %s\n", b->notice);
    if (rc == 0)
        rc = patched_choose(&d, how->target, how->against, err);
    if (rc == 0) {
        rc = activation_run(m, q, &other, d.choice, d.against, &all, NULL, &d.x, err);
        if (rc == 0 && how->json)
            patched_json(&d);
        else if (rc == 0)
            patched_print(&d, how->top);
        activation_fini(&d.x);
    }
    result_free(b);
    return rc;
}
