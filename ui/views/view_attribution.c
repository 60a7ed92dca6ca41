/* SPDX-License-Identifier: MIT */
/* Attributions beside each other: a row for every word and region, a column for every method, each
 * in its own scale; the chosen method's numbers, and what they mean. */
#include "src/base/mem.h"
#include "src/study/headstats.h"
#include "ui/jobs/attribute.h"
#include "ui/state/stale.h"
#include "ui/views/inside.h"
#include "ui/views/list.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern const struct view view_attribution;

#define NUMBER 11 /* columns of the chosen method's numbers */
#define HEAD 4    /* rows above the words and regions */

struct attribution_view {
    struct grid grid; /* where it was drawn last, counted from the pane's corner */
    int top[2];
};

/* ---- what is known */

/* Words and regions that are shown, and what each method gave them. */
struct worths_shown {
    struct item *items;
    int count;
    float *x;   /* (count, attribution_count), NAN where it is not known */
    float *top; /* (attribution_count) the largest of a method, by its size */
    int *order; /* (count) from above */
    int method; /* the chosen one, or -1 */
    int at;     /* the chosen item's row, or -1 */
};

static void worths_fini(struct worths_shown *s)
{
    free(s->items);
    free(s->x);
    free(s->top);
    free(s->order);
}

/* The slice with another method. */
static struct slice with_method(const struct workbench *w, const struct pane *p, int method)
{
    struct slice x = *pane_slice(w, p);
    x.method = &attribution_table[method];
    return x;
}

static void take_method(const struct workbench *w, const struct attributed *a,
                        struct worths_shown *s, int method)
{
    const struct result *r = w->now.r;
    int image = photo_in_result(w), regions = look_regions(r, image);
    float *tokens = xcalloc((size_t)r->token_count + 1, sizeof *tokens);
    float *of = xcalloc((size_t)regions + 1, sizeof *of);
    bool here = attribute_regions(w, a, image, of);
    attribute_tokens(w, a, tokens);
    for (int i = 0; i < s->count; i++) {
        const struct item *it = &s->items[i];
        struct result_source src = {-1, -1};
        if (!it->token && it->at < r->rows)
            src = r->sources[inside_batch(w) * r->rows + it->at];
        float x = it->token ? tokens[it->at]
                  : here && src.image == image && src.region < regions ? of[src.region]
                                                                       : NAN;
        s->x[(ptrdiff_t)i * attribution_count + method] = x;
        s->top[method] = fmaxf(s->top[method], fabsf(x)); /* NaN counts for nothing */
    }
    free(tokens);
    free(of);
}

static void worths_order(const struct workbench *w, struct worths_shown *s)
{
    float *x = xcalloc((size_t)s->count + 1, sizeof *x);
    for (int i = 0; i < s->count; i++) {
        s->order[i] = i;
        x[i] = s->method < 0 ? NAN
                             : fabsf(s->x[(ptrdiff_t)i * attribution_count + s->method]);
    }
    if (w->how.sort && s->method >= 0)
        stats_order(x, s->count, s->order);
    for (int i = 0; i < s->count; i++)
        if (inside_is_chosen(w, s->items[s->order[i]]))
            s->at = i;
    free(x);
}

/* False: there is nothing of the current image. worths_fini in any case. */
static bool worths_open(const struct workbench *w, const struct pane *p, struct worths_shown *s)
{
    const struct attribution_method *method = pane_slice(w, p)->method;
    *s = (struct worths_shown){.method = method ? (int)(method - attribution_table) : -1, .at = -1};
    if (!w->now.r || !w->now.r->trace || photo_in_result(w) < 0)
        return false;
    s->items = inside_items(w, &s->count);
    size_t n = (size_t)s->count * (size_t)attribution_count;
    s->x = xcalloc(n + 1, sizeof *s->x);
    s->top = xcalloc((size_t)attribution_count, sizeof *s->top);
    s->order = xcalloc((size_t)s->count + 1, sizeof *s->order);
    for (size_t i = 0; i < n; i++)
        s->x[i] = NAN;
    for (int m = 0; m < attribution_count; m++) {
        const struct slice x = with_method(w, p, m);
        const struct attributed *a = attribute_of(w, &x);
        if (a && a->known.method)
            take_method(w, a, s, m);
    }
    worths_order(w, s);
    return s->count > 0;
}

static float worth_at(const struct worths_shown *s, int row, int method)
{
    return s->x[(ptrdiff_t)s->order[row] * attribution_count + method];
}

/* ---- moving */

/* The method of a pane; NULL: attention again. */
static void choose_method(struct workbench *w, struct pane *p,
                          const struct attribution_method *method)
{
    struct slice x = *pane_slice(w, p);
    struct chosen next = *w->sel;
    x.method = method;
    if (p->own) {
        pane_set_slice(w, p, &x);
        return;
    }
    next.slice = x;
    next.overlay = method || next.token >= 0;
    selection_set(w->selection, &next);
}

/* Up and down choose a word or region, sideways a method. */
static void attribution_move(struct workbench *w, struct pane *p, enum motion way)
{
    struct worths_shown s;
    bool sideways = way == MOVE_LEFT || way == MOVE_RIGHT;
    if (worths_open(w, p, &s) && sideways) {
        int at = s.method < 0 && way == MOVE_LEFT ? attribution_count : s.method;
        at = panes_pick(at, attribution_count, 1, way == MOVE_LEFT ? MOVE_UP : MOVE_DOWN);
        choose_method(w, p, &attribution_table[at]);
    } else if (s.count > 0 && !sideways) {
        int at = s.at < 0 && way == MOVE_UP ? s.count : s.at;
        inside_choose_item(w, s.items[s.order[panes_pick(at, s.count, 10, way)]]);
    }
    worths_fini(&s);
}

/* The cell at a place; *j is -1 beside the methods. worths_fini in any case. */
static bool attribution_at(const struct workbench *w, const struct pane *p, int row, int col,
                           struct worths_shown *s, int *i, int *j)
{
    const struct attribution_view *v = p->state;
    return worths_open(w, p, s) &&
           grid_find(&v->grid, s->count, attribution_count, row, col, i, j);
}

static bool attribution_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct worths_shown s;
    int i, j;
    bool there = attribution_at(w, p, row, col, &s, &i, &j);
    if (there)
        inside_choose_item(w, s.items[s.order[i]]);
    if (there && j >= 0)
        choose_method(w, p, &attribution_table[j]);
    worths_fini(&s);
    return there;
}

static bool attribution_under(struct workbench *w, struct pane *p, int row, int col, char *out,
                              size_t size)
{
    struct worths_shown s;
    char name[120];
    int i, j;
    bool there = attribution_at(w, p, row, col, &s, &i, &j) && j >= 0;
    if (there) {
        struct item x = s.items[s.order[i]];
        inside_name(w, x.token, x.at, name, sizeof name);
        snprintf(out, size, "%s, %s: %+.4f", name, attribution_table[j].title,
                 (double)worth_at(&s, i, j));
    }
    worths_fini(&s);
    return there;
}

/* ---- drawing */

static bool removes(const struct attribution_method *method)
{
    return method->needs == NEEDS_OUTPUTS || strcmp(method->word, "attribution-patching") == 0;
}

/* The target, and what the chosen method's numbers mean. */
static void draw_attribution_title(const struct workbench *w, const struct pane *p, struct area a)
{
    const struct slice *x = pane_slice(w, p);
    const struct attributed *of = attribute_of(w, x);
    char text[320] = "";
    attrset(A_BOLD);
    if (of && of->known.method) {
        attribute_target_name(w, of, text, sizeof text);
        draw_text(a.row, a.col, a.cols, "Attribution, %s of %s, %s %.3f", x->method->brief, text,
                  of->against >= 0 ? "difference of logits" : "logit", of->known.value);
    } else {
        draw_text(a.row, a.col, a.cols, a.cols < 55 ? "Attribution by word and region"
                                        : "Attribution: what the answer owes to words and regions");
    }
    attrset((int)draw_dim());
    attribute_waits(w, x, text, sizeof text);
    if (!x->method)
        draw_text(a.row + 1, a.col, a.cols, "u or Left and Right choose a method");
    else
        draw_text(a.row + 1, a.col, a.cols, "%s%s%s%s",
                  of && of->known.method ? x->method->title : "",
                  of && of->known.method ? ": " : "",
                  of && of->known.method ? x->method->about : text,
                  of && of->known.method && removes(x->method) ? "; removed: nothing attends to it"
                                                               : "");
    attribute_score(w, x, EXPLAIN_REGIONS, text, sizeof text);
    int n = draw_text(a.row + 2, a.col, a.cols, "%s", text) + 2;
    char words[320];
    attribute_score(w, x, EXPLAIN_WORDS, words, sizeof words);
    if (strcmp(words, text) != 0 && n < a.cols)
        draw_text(a.row + 2, a.col + n, a.cols - n, "%s", words);
    attrset(A_NORMAL);
}

static void draw_attribution_rows(const struct workbench *w, const struct worths_shown *s,
                                  const struct grid *g, struct area body)
{
    for (int i = 0; i < g->shown_rows; i++) {
        char name[128];
        int k = g->first_row + i;
        const struct item *it = &s->items[s->order[k]];
        inside_name(w, it->token, it->at, name, sizeof name);
        attrset(k == s->at ? A_REVERSE : A_NORMAL);
        draw_text(body.row + i, body.col, g->label - 1, "%s", inside_brief(name, g->label));
        attrset(A_NORMAL);
        if (s->method < 0 || isnan(worth_at(s, k, s->method)))
            continue;
        char number[32];
        grid_number((double)worth_at(s, k, s->method), attribution_table[s->method].is_signed, 4,
                    number, sizeof number);
        draw_text(body.row + i, g->at.col + g->at.cols + 1, NUMBER - 1, "%s", number);
    }
}

#define NAME 4.5 /* columns that a method's name takes, with a gap */

/* In how many rows names stand beside each other, as stairs: 0 where even four are too few. */
static int name_rows(const struct grid *g)
{
    int n = 1;
    while (n < 5 && n * g->cell_cols < NAME)
        n++;
    return n < 5 ? n : 0;
}

/* Over their columns in so many rows, the last one `row`; where there is no room (0) only the
 * chosen one's. */
static void draw_attribution_methods(const struct worths_shown *s, const struct grid *g, int row,
                                     int rows)
{
    for (int m = 0; m < attribution_count; m++) {
        int left = grid_left(g, m), right = rows == 1 ? grid_left(g, m + 1) : left + (int)NAME + 1;
        if (rows == 0 && m != s->method)
            continue;
        attrset((int)(m == s->method ? A_REVERSE : draw_dim()));
        draw_text(row - (rows ? rows - 1 - m % rows : 0), g->at.col + left, right - left - 1, "%s",
                  attribution_table[m].brief);
        attrset(A_NORMAL);
    }
}

/* Shares of each method's largest, dense; caller frees. */
static float *grid_shares(const struct worths_shown *s)
{
    float *x = xcalloc((size_t)s->count * (size_t)attribution_count + 1, sizeof *x);
    for (int i = 0; i < s->count; i++)
        for (int m = 0; m < attribution_count; m++) {
            float top = s->top[m] > 0 ? s->top[m] : 1;
            x[(ptrdiff_t)i * attribution_count + m] = worth_at(s, i, m) / top;
        }
    return x;
}

static void draw_worths(struct workbench *w, struct pane *p, const struct worths_shown *s,
                        struct area a)
{
    struct attribution_view *v = p->state;
    bool legend = a.rows >= HEAD + 5;
    float *x = grid_shares(s);
    int head = HEAD;
    struct area body = {a.row + head, a.col, a.rows - head - legend, a.cols};
    struct grid g = {.rows = s->count, .cols = attribution_count, .x = x, .top = 1,
                     .scale = SCALE_SIGNED, .at_row = s->at, .at_col = s->method,
                     .label = inside_label(a.cols), .right = NUMBER, .digits = 2};
    grid_fit(w, &g, body, v->top);
    int names = name_rows(&g), more = names - 1;
    if (more > 0 && a.rows < HEAD + 5 + more) {
        names = 0;
    } else if (more > 0) {
        head += more;
        body.row += more;
        body.rows -= more;
        grid_fit(w, &g, body, v->top);
    }
    draw_attribution_title(w, p, a);
    draw_attribution_methods(s, &g, a.row + head - 1, names);
    grid_more(&g, a.row + head - 1, a.col);
    draw_attribution_rows(w, s, &g, body);
    grid_draw(w, p->slot, &g);
    if (legend) {
        int n = a.cols < 64 ? a.cols : 40;
        grid_legend(a.row + head + g.shown_rows, a.col, n, 1, SCALE_SIGNED);
        draw_text(a.row + head + g.shown_rows, a.col + n + 1, a.cols - n - 1,
                  "of each method's largest");
    }
    v->grid = grid_in_pane(p, &g);
    free(x);
}

static void attribution_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct worths_shown s;
    bool any = worths_open(w, p, &s);
    if (any && a.rows >= HEAD + 3 && a.cols >= 30)
        draw_worths(w, p, &s, a);
    else
        draw_text(a.row, a.col, a.cols, "%s", any         ? "no room for the attributions"
                                              : w->now.r ? "Attribution: no query on this image"
                                                         : "Attribution: ask something first");
    worths_fini(&s);
}

/* "What "yellow" owes to words and regions: relevancy" */
static char *attribution_words(struct workbench *w, struct pane *p, int methods)
{
    const struct slice *x = pane_slice(w, p);
    const struct attributed *a = attribute_of(w, x);
    char target[200] = "the answer";
    if (a && a->known.method)
        attribute_target_name(w, a, target, sizeof target);
    return xasprintf("What %s owes to words and regions: %s", target,
                     methods == 1 && x->method ? x->method->title : "method beside method");
}

/* Of the methods that are known. */
static bool attribution_table_of(struct workbench *w, struct pane *p, struct table *out)
{
    struct worths_shown s;
    int known[64], n = 0;
    bool any = worths_open(w, p, &s);
    for (int m = 0; any && m < attribution_count && n < 64; m++) {
        const struct slice x = with_method(w, p, m);
        const struct attributed *a = attribute_of(w, &x);
        if (a && a->known.method)
            known[n++] = m;
    }
    if (n > 0) {
        table_init(out, s.count, n);
        out->shape = n == 1 ? TABLE_BARS : TABLE_TEXT;
        out->sign = n == 1 && attribution_table[known[0]].is_signed;
        out->title = attribution_words(w, p, n);
    }
    for (int j = 0; j < n; j++)
        out->col_names[j] = xstrdup(attribution_table[known[j]].word);
    for (int i = 0; n > 0 && i < s.count; i++) {
        char name[128];
        const struct item *it = &s.items[s.order[i]];
        inside_name(w, it->token, it->at, name, sizeof name);
        out->row_names[i] = xstrdup(name);
        for (int j = 0; j < n; j++)
            out->x[(ptrdiff_t)i * n + j] = worth_at(&s, i, known[j]);
    }
    worths_fini(&s);
    return n > 0;
}

/* ---- keys */

static bool can_have(const struct workbench *w, const struct attribution_method *method)
{
    struct vs_err why = {0};
    int checkpoint = model_checkpoint_of(w->ses.model, w->now.r);
    return attribution_check(w->ses.model, checkpoint, method, &why) == 0;
}

/* The next one that the checkpoint can have; NULL behind the last. */
static const struct attribution_method *next_method(const struct workbench *w,
                                                    const struct attribution_method *now)
{
    for (int i = now ? (int)(now - attribution_table) + 1 : 0; i < attribution_count; i++)
        if (can_have(w, &attribution_table[i]))
            return &attribution_table[i];
    return NULL;
}

static void begin_all(struct workbench *w, const struct pane *p)
{
    for (int i = 0; i < attribution_count; i++) {
        const struct slice x = with_method(w, p, i);
        if (can_have(w, x.method))
            attribute_begin(w, &x);
    }
}

/* A method, the next one, all, or attention again. */
static void do_attribute(struct workbench *w, const char *arg)
{
    struct pane *p = panes_focused(&w->panes);
    const struct attribution_method *now = pane_slice(w, p)->method;
    const struct attributed *of = attribute_of(w, pane_slice(w, p));
    bool all = strcmp(arg, "all") == 0, off = strcmp(arg, "off") == 0;
    if (!w->now.r || look_choice(w) < 0) {
        workbench_say(w, true, "ask something first: an attribution is of an answer");
        return;
    }
    const struct attribution_method *method = all                   ? now
                                              : off                 ? NULL
                                              : *arg                ? attribution_find(arg)
                                              : of && of->why[0]    ? now
                                                                    : next_method(w, now);
    if (*arg && !all && !off && !method) {
        workbench_say(w, true, "there is no method '%s': Tab lists them", arg);
        return;
    }
    if (all)
        begin_all(w, p);
    choose_method(w, p, method);
    if (method)
        attribute_begin(w, pane_slice(w, p));
    workbench_say(w, false, "%s", all ? "all methods are computed"
                                  : method ? method->title : "attention is shown again");
}

/* Without a name the best other answer, or none again. */
static int other_choice(const struct workbench *w, const char *arg)
{
    const struct result *r = w->now.r;
    if (*arg)
        return attribution_choice(r, arg);
    for (int i = 0; i < 2 && i < r->answer_count; i++)
        if (r->answers[i].index != look_choice(w))
            return r->answers[i].index;
    for (int i = 0; i < 2 && i < r->box_count; i++) {
        int at = look_place(r, 0, r->boxes[i].image, r->boxes[i].region);
        if (at != look_choice(w))
            return at;
    }
    return -1;
}

static void do_against(struct workbench *w, const char *arg)
{
    struct attributions *x = &w->attributions;
    char name[32];
    if (!w->now.r) {
        workbench_say(w, true, "ask something first");
    } else if (w->now.r->task->reading->ranked == RANKED_IMAGES) {
        workbench_say(w, true, "images are scored one by one: none is held against another");
    } else if (x->contrasts && !*arg) {
        x->contrasts = false;
        workbench_say(w, false, "attributions of the chosen answer alone");
    } else if (other_choice(w, arg) < 0) {
        workbench_say(w, true, "there is no answer '%s' to hold it against", arg);
    } else {
        x->contrasts = true;
        x->against = other_choice(w, arg);
        workbench_say(w, false, "why the chosen answer and not %s",
                      attribution_label(w->now.r, x->against, name));
    }
}

static void do_attribution(struct workbench *w, const char *arg)
{
    (void)arg;
    panes_show(&w->panes, &view_attribution);
}

static const struct action attribution_actions[] = {
    ACTIONS_AFTER("head"),
    {"attribute", "u", "[METHOD]", NULL,
     "what the chosen answer owes to words and regions, instead of attention: the next method; "
     "also all, off", do_attribute},
    {"against", "!", "[ANSWER]", NULL,
     "attributions of why the chosen answer and not this one; without it the best other, or none",
     do_against},
    ACTIONS_AFTER("effects"),
    {"attribution", "F9", "", NULL, "attributions, method beside method", do_attribution},
    {0},
};

const struct view view_attribution = {
    .name = "attribution",
    .what = "what the answer owes to words and regions, method beside method",
    .hints = "arrows choose, u method, ! against, S sorts",
    .sliced = true,
    .state = sizeof(struct attribution_view),
    .draw = attribution_draw,
    .move = attribution_move,
    .click = attribution_click,
    .under = attribution_under,
    .stale = stale_result,
    .table = attribution_table_of,
    .actions = attribution_actions,
};
