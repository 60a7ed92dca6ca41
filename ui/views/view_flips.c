/* SPDX-License-Identifier: MIT */
/* Items of evaluations in the log that came out otherwise with A than with B, or as they are asked
 * for, task by task, the surest answers first. Enter asks one of both. */
#include "src/base/mem.h"
#include "ui/jobs/compare.h"
#include "ui/kit/text.h"
#include "ui/views/figures.h"
#include "ui/views/flips.h"
#include "ui/views/list.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct view view_flips;

#define PAGE 1000  /* items of a task that are read at once */
#define FLIPS_DRAWN 400 /* of a figure */
#define FLIPS_TRIED 16 /* pages of a frame, in which words are looked for */

static const char *const flips_outcomes[] = {"flipped", "gained", "lost", "wrong", "right"};
static const double flips_sure[] = {0, 0.5, 0.8, 0.95};

/* Two evaluations: all items that are asked for, and those of them that were read. */
struct flips_source {
    struct log_pairs pairs;
    int64_t next; /* of the pairs, behind those that were read */
    const char *data;
    struct flip *list; /* (count) */
    int count;
    int *hits;         /* (hit_count) of the first `looked` of the list, those with the words */
    int hit_count, looked;
};
struct flips_view {
    bool asked;             /* for the pair that follows */
    int a, b;               /* checkpoints */
    enum log_outcomes outcome;
    int sure;               /* of flips_sure */
    const struct task *task; /* NULL: all */
    char *field, *value;    /* a slice, or NULL */
    char filter[128];       /* words that a line has to have */
    struct flips_source *sources; /* (source_count), task by task */
    int source_count, room;
    int64_t listed;         /* items of all sources, read or not */
    const struct flip **lines; /* (line_count) those that are shown */
    int line_count, pick, top;
    struct row_texts *texts;
    char why[256];          /* why there is none */
};

/* ---- what there is */

static void flips_forget(struct flips_view *v)
{
    for (int i = 0; i < v->source_count; i++) {
        log_pairs_fini(&v->sources[i].pairs);
        free(v->sources[i].list);
        free(v->sources[i].hits);
    }
    free(v->sources);
    free(v->lines);
    row_texts_free(v->texts);
    v->sources = NULL;
    v->lines = NULL;
    v->texts = NULL;
    v->source_count = v->room = v->line_count = v->pick = v->top = 0;
    v->listed = 0;
    v->why[0] = '\0';
}

static void flips_end(struct pane *p)
{
    struct flips_view *v = p->state;
    flips_forget(v);
    free(v->field);
    free(v->value);
}

struct flips_reading {
    struct flips_view *v;
    struct flips_source *s;
};

/* A row that a program without this one's rules wrote is passed over. */
static int flips_take(void *arg, const struct log_row_pair *x, struct vs_err *err)
{
    struct flips_reading *g = arg;
    struct flips_view *v = g->v;
    struct flips_source *s = g->s;
    struct flip f = {.data = s->data};
    (void)err;
    if (!flips_read_pair(v->texts, x, &f))
        return 0;
    s->list = xreallocarray(s->list, (size_t)s->count + 1, sizeof *s->list);
    s->list[s->count++] = f;
    return 0;
}

/* The next page of a source. */
static void flips_read_on(struct workbench *w, struct flips_view *v, struct flips_source *s)
{
    struct flips_reading g = {v, s};
    struct vs_err err = {0};
    int rc = log_read_pairs(w->ses.log, &s->pairs, &s->next, PAGE, flips_take, &g, &err);
    if (rc == 0)
        return;
    s->next = s->pairs.count; /* it would be the same again */
    workbench_say(w, true, "%s", err.text);
}

static int flips_list(struct workbench *w, struct flips_view *v, const struct log_wanted *want,
                      const char *data, struct vs_err *err)
{
    if (v->source_count == v->room) {
        v->room = v->room ? 2 * v->room : 16;
        v->sources = xreallocarray(v->sources, (size_t)v->room, sizeof *v->sources);
    }
    struct flips_source *s = &v->sources[v->source_count++];
    *s = (struct flips_source){.data = row_texts_copy(v->texts, data, strlen(data))};
    int rc = log_list_pairs(w->ses.log, want, &s->pairs, err);
    v->listed += s->pairs.count;
    if (rc == 0)
        flips_read_on(w, v, s);
    return rc;
}

/* Each of A's that is its newest of the kind, with B's. */
static int flips_read(struct workbench *w, struct flips_view *v, const struct log_evaluated *list,
                      int count, struct vs_err *err)
{
    char a[DIGEST_HEX], b[DIGEST_HEX];
    int rc = 0;
    model_checkpoint_digest(w->ses.model, v->a, a);
    model_checkpoint_digest(w->ses.model, v->b, b);
    for (int i = 0; i < count && rc == 0; i++) {
        const struct log_evaluation *e = &list[i].e;
        const struct log_evaluated *other = flips_newest(list, count, b, e);
        if (flips_newest(list, count, a, e) != &list[i] || !other ||
            (v->task && v->task != e->task))
            continue;
        struct log_wanted want = {list[i].id, other->id, v->outcome, flips_sure[v->sure], v->field,
                                  v->value};
        rc = flips_list(w, v, &want, e->data_path ? e->data_path : "", err);
    }
    return rc;
}

static void flips_load(struct workbench *w, struct flips_view *v)
{
    const struct comparison *c = comparison_of(w);
    struct log_evaluated *list = NULL;
    struct vs_err err = {0};
    int n = 0;
    flips_forget(v);
    v->asked = true;
    v->a = c->a;
    v->b = c->b;
    v->texts = row_texts_new();
    int rc = w->ses.log ? log_list_evaluations(w->ses.log, 0, &list, &n, &err) : 0;
    if (rc == 0 && w->ses.log)
        rc = flips_read(w, v, list, n, &err);
    log_evaluations_free(list, n);
    if (rc != 0)
        snprintf(v->why, sizeof v->why, "%.250s", err.text);
    else if (!w->ses.log)
        snprintf(v->why, sizeof v->why, "nothing is logged: --log FILE");
    else if (!v->source_count)
        snprintf(v->why, sizeof v->why, "the log has no rows of both: vilscope eval --data SET "
                 "measures them");
    else if (!v->listed)
        snprintf(v->why, sizeof v->why, "none of the items is %s", flips_outcomes[v->outcome]);
}

/* ---- lines */

/* What is searched: also "kind=odd". */
static bool flips_matches(const struct flips_view *v, const struct flip *f)
{
    struct buf b = {0};
    if (!v->filter[0])
        return true;
    buf_printf(&b, "%s %s %s %s %s %s", f->a.task->name, flips_outcome(f), f->a.text, f->a.answer,
               f->b.answer, f->a.id);
    for (int i = 0; i < f->a.field_count; i++)
        buf_printf(&b, " %s=%s", f->a.fields[i].name, f->a.fields[i].value);
    bool good = list_matches(b.data, v->filter);
    buf_fini(&b);
    return good;
}

/* What was read since is searched: each item once, as the words stay from frame to frame. */
static void flips_search(const struct flips_view *v, struct flips_source *s)
{
    s->hits = xreallocarray(s->hits, (size_t)s->count + 1, sizeof *s->hits);
    for (; s->looked < s->count; s->looked++)
        if (flips_matches(v, &s->list[s->looked]))
            s->hits[s->hit_count++] = s->looked;
}

/* *behind: lines up to and with those of the chosen line's source, whose number is returned; -1:
 * there is no line. */
static int flips_collect(struct flips_view *v, int *behind)
{
    int count = 0, of_pick = -1;
    for (int i = 0; i < v->source_count; i++) {
        flips_search(v, &v->sources[i]);
        count += v->sources[i].hit_count;
    }
    v->lines = xreallocarray(v->lines, (size_t)count + 1, sizeof *v->lines);
    v->line_count = 0;
    for (int i = 0; i < v->source_count; i++) {
        int before = v->line_count;
        for (int k = 0; k < v->sources[i].hit_count; k++)
            v->lines[v->line_count++] = &v->sources[i].list[v->sources[i].hits[k]];
        if (v->line_count > before && (of_pick < 0 || v->pick >= before)) {
            of_pick = i;
            *behind = v->line_count;
        }
    }
    v->pick = v->pick < v->line_count ? v->pick : v->line_count ? v->line_count - 1 : 0;
    return of_pick;
}

/* The first source of which not all is read, or NULL. */
static struct flips_source *flips_unread(const struct flips_view *v)
{
    for (int i = 0; i < v->source_count; i++)
        if (v->sources[i].next < v->sources[i].pairs.count)
            return &v->sources[i];
    return NULL;
}

/* The next page of a source. What was chosen of a later one stays so, but for the first line. */
static void flips_read_into(struct workbench *w, struct flips_view *v, struct flips_source *s,
                            int of_pick)
{
    int before = s->hit_count;
    flips_read_on(w, v, s);
    flips_search(v, s);
    if (v->pick > 0 && s - v->sources < of_pick)
        v->pick += s->hit_count - before;
}

/* What is asked for, of the two that are compared. At the end of a task's lines the next page is
 * read; with words that are looked for those of all tasks are, some a frame. */
static void flips_follow(struct workbench *w, struct flips_view *v)
{
    const struct comparison *c = comparison_of(w);
    if (!v->asked || v->a != c->a || v->b != c->b)
        flips_load(w, v);
    for (int i = 0; i < FLIPS_TRIED; i++) {
        int behind = 0, at = flips_collect(v, &behind);
        bool all = at < 0 || v->filter[0];
        struct flips_source *s = all ? flips_unread(v) : &v->sources[at];
        if (!s || s->next == s->pairs.count || (!all && v->pick + 1 < behind))
            return;
        flips_read_into(w, v, s, at);
    }
    flips_collect(v, &(int){0});
}

/* NULL: there is none. */
static const struct flip *flips_chosen(const struct flips_view *v)
{
    return v->pick < v->line_count ? v->lines[v->pick] : NULL;
}

/* ---- drawing */

static void flips_draw_answer(const struct row *r, int row, int col, int width, bool chosen)
{
    char sure[16] = "";
    if (isfinite(r->confidence))
        snprintf(sure, sizeof sure, "%.2f", r->confidence);
    struct answer_cell x = {r->answer, sure, r->correct ? LOG_RIGHT : LOG_WRONG, chosen};
    list_answer(&x, row, col, width);
}

static void flips_draw_line(const struct flip *f, struct area a, bool chosen)
{
    int answer = a.cols >= 90 ? 22 : a.cols >= 70 ? 15 : a.cols >= 44 ? 13 : ANSWER_NARROW;
    int text = a.cols - 10 - 2 * answer; /* the chosen one's stands below */
    attrset(chosen ? A_REVERSE : A_NORMAL);
    mvhline(a.row, a.col, ' ', a.cols);
    draw_text(a.row, a.col, 9, "%s", f->a.task->name);
    if (text > 4)
        draw_text(a.row, a.col + 10, text - 1, "%s", f->a.text);
    flips_draw_answer(&f->a, a.row, a.col + a.cols - 2 * answer, answer, chosen);
    flips_draw_answer(&f->b, a.row, a.col + a.cols - answer, answer, chosen);
    attrset(A_NORMAL);
}

/* All that the lines have no room for. */
static void flips_draw_chosen(const struct flip *f, struct area a)
{
    struct buf fields = {0};
    for (int i = 0; i < f->a.field_count; i++)
        buf_printf(&fields, "%s%s %s", i ? ", " : "", f->a.fields[i].name, f->a.fields[i].value);
    mvhline(a.row, a.col, ACS_HLINE, a.cols);
    attrset(A_BOLD);
    draw_text(a.row + 1, a.col, a.cols, "%s", f->a.text);
    attrset(A_NORMAL);
    draw_text(a.row + 2, a.col, a.cols, "%s: %s %.2f, %s %.2f%s%s; item %s of %s",
              flips_outcome(f), f->a.answer, f->a.confidence, f->b.answer, f->b.confidence,
              f->a.right ? ", right is " : "", f->a.right ? f->a.right : "", f->a.id,
              strstr(f->a.image, " + ") ? "several images" : draw_base_name(f->a.image));
    attrset((int)draw_dim());
    draw_text(a.row + 3, a.col, a.cols, "%s", fields.data ? fields.data : "");
    attrset(A_NORMAL);
    buf_fini(&fields);
}

static void flips_draw_title(struct workbench *w, const struct flips_view *v, struct area a)
{
    char pair[128], sure[32] = "", of[32] = "";
    compare_pair_name(w, pair, sizeof pair);
    if (flips_sure[v->sure] > 0)
        snprintf(sure, sizeof sure, ", %.0f %% sure", 100 * flips_sure[v->sure]);
    if (flips_unread(v)) /* which the end of the list reads */
        snprintf(of, sizeof of, " of %lld", (long long)v->listed);
    attrset(A_BOLD);
    int n = draw_text(a.row, a.col, a.cols, "%s%s%s%s%s: %d%s items, %s", v->task ? v->task->name
                      : "", v->task ? " " : "", flips_outcomes[v->outcome], sure,
                      v->field ? ", in a slice" : "", v->line_count, of, pair);
    attrset((int)draw_dim());
    if (v->filter[0])
        n += draw_text(a.row, a.col + n, a.cols - n, " '%s'", v->filter);
    if (v->field)
        draw_text(a.row, a.col + n, a.cols - n, " %s=%s", v->field, v->value);
    draw_text(a.row + 1, a.col, a.cols, "Enter asks both, C-o outcome, C-f how sure, / words");
    attrset(A_NORMAL);
}

static void flips_draw(struct workbench *w, struct pane *p, struct area a)
{
    struct flips_view *v = p->state;
    flips_follow(w, v);
    flips_draw_title(w, v, a);
    if (v->why[0] || !v->line_count) {
        draw_text(a.row + 2, a.col, a.cols, "%s", v->why[0] ? v->why :
                  flips_unread(v) ? "no match in the items read so far; an arrow key reads on" :
                  "no item has these words");
        return;
    }
    int room = a.rows - 2 - LIST_DETAILS, from = list_top(&v->top, v->pick, v->line_count, room);
    for (int i = from; i < v->line_count && i - from < room; i++)
        flips_draw_line(v->lines[i],
                        (struct area){a.row + 2 + i - from, a.col, 1, a.cols}, i == v->pick);
    struct area at = {a.row + a.rows - LIST_DETAILS, a.col, LIST_DETAILS, a.cols};
    if (a.rows > 2 + LIST_DETAILS) {
        flips_draw_chosen(flips_chosen(v), at);
        list_where(at, from, v->line_count, room);
    }
}

/* ---- asking */

static void flips_accept(struct workbench *w, struct pane *p)
{
    struct flips_view *v = p->state;
    flips_follow(w, v);
    if (flips_chosen(v))
        flips_ask(w, flips_chosen(v), v->a, v->b);
}

static bool flips_click(struct workbench *w, struct pane *p, int row, int col)
{
    struct flips_view *v = p->state;
    int at = v->top + row - 2;
    (void)w;
    (void)col;
    if (row < 2 || at >= v->line_count || row >= p->at.rows - LIST_DETAILS)
        return false;
    v->pick = at;
    return true;
}

static void flips_move(struct workbench *w, struct pane *p, enum motion m)
{
    struct flips_view *v = p->state;
    flips_follow(w, v);
    if (m == MOVE_LEFT || m == MOVE_RIGHT)
        look_move(w, m);
    else
        v->pick = panes_pick(v->pick, v->line_count, p->at.rows - 3 - LIST_DETAILS, m);
}

static void flips_filter(struct workbench *w, struct pane *p)
{
    struct flips_view *v = p->state;
    snprintf(v->filter, sizeof v->filter, "%s", w->typed.filter.text);
    for (int i = 0; i < v->source_count; i++)
        v->sources[i].looked = v->sources[i].hit_count = 0;
    v->pick = 0;
}

static bool flips_table(struct workbench *w, struct pane *p, struct table *out)
{
    static const char *const names[] = {"A right", "A confidence", "B right", "B confidence"};
    struct flips_view *v = p->state;
    flips_follow(w, v);
    if (!v->line_count)
        return false;
    table_init(out, v->line_count, 4);
    for (int k = 0; k < 4; k++)
        out->col_names[k] = xstrdup(names[k]);
    for (int i = 0; i < v->line_count; i++) {
        const struct flip *f = v->lines[i];
        float *x = out->x + (ptrdiff_t)i * 4;
        out->row_names[i] = xasprintf("%s %s: %s", f->a.task->name, f->a.id, f->a.text);
        x[0] = f->a.correct;
        x[1] = (float)f->a.confidence;
        x[2] = f->b.correct;
        x[3] = (float)f->b.confidence;
    }
    return true;
}

/* Not of the query on the screen: of what was logged of A and B. */
static bool flips_figure(struct workbench *w, struct pane *p, struct figure *out)
{
    struct flips_view *v = p->state;
    char pair[128];
    flips_follow(w, v);
    if (!v->line_count)
        return false;
    int rows = v->line_count < FLIPS_DRAWN ? v->line_count : FLIPS_DRAWN;
    figure_forget(out);
    compare_pair_name(w, pair, sizeof pair);
    out->title = xasprintf("Items of logged evaluations, %s: %s", flips_outcomes[v->outcome], pair);
    if (v->task)
        figure_line(out, "Task %s", v->task->name);
    if (flips_sure[v->sure] > 0)
        figure_line(out, "Answers at least %.0f %% sure", 100 * flips_sure[v->sure]);
    if (v->field)
        figure_line(out, "%s = %s", v->field, v->value);
    if (v->filter[0])
        figure_line(out, "With the words \u201c%s\u201d", v->filter);
    struct figure_panel *x = figure_panel(out, FIGURE_TABLE, NULL);
    figure_panel_numbers(x, rows, 5);
    x->words = xcalloc((size_t)rows * 5 + 1, sizeof *x->words);
    for (int k = 0; k < 5; k++)
        x->col_names[k] = xstrdup(k == 4 ? "right" : k % 2 ? "confidence" : k ? "B" : "A");
    for (int i = 0; i < rows; i++)
        flips_words(x, i, v->lines[i]);
    if ((rows < v->line_count || flips_unread(v)) && v->filter[0])
        x->note = xasprintf("the first %d", rows); /* the rest may not be read yet */
    else if (rows < v->line_count || flips_unread(v))
        x->note = xasprintf("the first %d of %lld", rows, (long long)v->listed);
    return true;
}

static const char *flips_why(struct workbench *w, struct pane *p)
{
    const struct flips_view *v = p->state;
    (void)w;
    return v->why[0] ? v->why : NULL;
}

/* ---- keys */

static struct flips_view *flips_state(struct workbench *w)
{
    return panes_of(&w->panes, &view_flips)->state;
}

/* A word with "=" is a slice, another one a task. False: there is no such task. */
static bool flips_choose(struct workbench *w, struct flips_view *v, const char *word)
{
    const char *equals = strchr(word, '=');
    const struct task *t = equals ? NULL : task_find(word);
    if (!equals && !t) {
        workbench_say(w, true, "there is no task '%s': flips [TASK] [FIELD=VALUE]", word);
        return false;
    }
    if (!equals) {
        v->task = t;
        return true;
    }
    free(v->field);
    free(v->value);
    v->field = xstrndup(word, (size_t)(equals - word));
    v->value = xstrdup(equals + 1);
    return true;
}

static void do_flips(struct workbench *w, const char *arg)
{
    if (!compare_several(w))
        return;
    panes_show(&w->panes, &view_flips);
    struct flips_view *v = flips_state(w);
    char *end = NULL, *text = xstrdup(arg), *task = text;
    free(v->field);
    free(v->value);
    v->field = v->value = NULL;
    v->task = NULL;
    v->asked = false;
    v->filter[0] = '\0';
    end = strchr(text, ' ');
    if (end && !memchr(text, '=', (size_t)(end - text))) { /* a value may have blanks */
        *end = '\0';
        if (flips_choose(w, v, task) && end[1])
            flips_choose(w, v, end + 1);
    } else if (*text) {
        flips_choose(w, v, text);
    }
    free(text);
}

static void do_flips_outcome(struct workbench *w, const char *arg)
{
    struct flips_view *v = flips_state(w);
    int to = word_choose(w, flips_outcomes, 5, (int)v->outcome, arg);
    if (to < 0)
        return;
    v->outcome = (enum log_outcomes)to;
    v->asked = false;
}

static void do_flips_sure(struct workbench *w, const char *arg)
{
    struct flips_view *v = flips_state(w);
    (void)arg;
    v->sure = (v->sure + 1) % (int)(sizeof flips_sure / sizeof *flips_sure);
    v->asked = false;
}

static const struct action flips_actions[] = {
    ACTIONS_AFTER("watch"),
    {"flips", "%", "[TASK] [FIELD=VALUE]", NULL,
     "items of logged evaluations that came out otherwise with A than with B", do_flips},
    {"flips-outcome", "C-o", "[OUTCOME]", "flips",
     "which items: flipped, gained, lost, wrong with both, right with both", do_flips_outcome},
    {"flips-sure", "C-f", "", "flips", "only items with a sure answer", do_flips_sure},
    {0},
};

const struct view view_flips = {
    .name = "flips",
    .what = "items of logged evaluations that came out otherwise with A than with B",
    .hints = "Up Down choose, Enter asks both, C-o outcome, C-f sure",
    .state = sizeof(struct flips_view),
    .end = flips_end,
    .draw = flips_draw,
    .move = flips_move,
    .accept = flips_accept,
    .click = flips_click,
    .filter = flips_filter,
    .table = flips_table,
    .figure = flips_figure,
    .logged = true,
    .why = flips_why,
    .actions = flips_actions,
};
