/* What is drawn where. */
#include "ui/text.h"
#include "ui/workbench_priv.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_ROWS 12
#define MIN_COLS 40

int panes_put(int row, int col, int width, const char *fmt, ...)
{
    char text[2048], fitted[4096];
    va_list ap;
    if (width <= 0)
        return 0;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    int used = text_fit(text, width, fitted, sizeof fitted);
    mvaddstr(row, col, fitted);
    return used;
}

static void bar(int row, attr_t attr)
{
    attrset(attr);
    mvhline(row, 0, ' ', COLS);
}

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

/* The first color pairs: what COLOR_PAIR can name. Blocks take theirs behind them. */
void panes_init_colors(void)
{
    for (int rank = 0; rank < 6 && has_colors(); rank++) {
        struct rgb k = photo_rank_color(rank);
        const uint8_t color[3] = {k.r, k.g, k.b};
        init_pair((short)(1 + rank), (short)gfx_color_index(color), -1);
    }
}

unsigned panes_rank_attr(int rank)
{
    unsigned pair = has_colors() ? (unsigned)COLOR_PAIR(1 + (rank < 5 ? rank : 5)) : 0;
    return pair | (unsigned)A_BOLD;
}

/* ---- title, tasks, query and status lines */

/* The reference passes EXIF orientation over: whoever opens such a picture should know. */
static const char *turned(const struct photo *p)
{
    return p->image && p->image->orientation > 1 ? " (EXIF: lies turned; --upright)" : "";
}

static void draw_title(const struct workbench *w)
{
    bar(0, A_REVERSE);
    int n = panes_put(0, 1, COLS - 2, "vilscope");
    if (w->model)
        n += panes_put(0, n + 3, COLS - n - 4, "%s / %s", model_name(w->model),
                 model_checkpoint_name(w->model, w->checkpoint)) + 2;
    char right[256] = "no image";
    if (w->photo < w->photo_count)
        snprintf(right, sizeof right, "%.180s%s  %d/%d", base_name(w->photos[w->photo]->path),
                 turned(w->photos[w->photo]), w->photo + 1, w->photo_count);
    int width = text_width(right);
    if (n + width + 6 < COLS)
        panes_put(0, COLS - width - 1, width, "%s", right);
    attrset(A_NORMAL);
}

static void draw_task(const struct workbench *w, int row)
{
    attrset(A_BOLD);
    int n = panes_put(row, 1, COLS - 2, "%s", w->task->title);
    attrset(A_DIM);
    panes_put(row, n + 3, COLS - n - 4, "%s", w->task->hint);
    attrset(A_NORMAL);
}

/* The line being typed, scrolled so that the cursor shows. */
static void draw_line(const char *prompt, const struct edit *e, int row)
{
    int left = panes_put(row, 1, COLS - 2, "%s", prompt) + 1, room = COLS - left - 2;
    size_t from = 0;
    char head[8192];
    for (;;) {
        memcpy(head, e->text + from, e->at - from);
        head[e->at - from] = '\0';
        if (text_width(head) <= room || from >= e->at)
            break;
        do
            from++;
        while (from < e->at && ((unsigned char)e->text[from] & 0xc0) == 0x80);
    }
    panes_put(row, left, room, "%s", e->text + from);
    move(row, left + text_width(head));
    curs_set(1);
}

static void draw_query(const struct workbench *w, int row)
{
    if (w->mode == MODE_OPEN) {
        draw_line("open image [regions]: ", &w->open, row);
        return;
    }
    if (w->mode == MODE_TYPE) {
        draw_line("> ", &w->query, row);
        return;
    }
    int n = panes_put(row, 1, COLS - 2, "> ");
    if (w->query.len) {
        panes_put(row, n + 1, COLS - n - 2, "%s", w->query.text);
    } else {
        attrset(A_DIM);
        panes_put(row, n + 1, COLS - n - 2,
                  "/ to type a query, t for the task, ? for help, q to quit");
        attrset(A_NORMAL);
    }
}

/* "looking for regions [####------] stage 3 of 4, 4 s left; then the query": false when the
 * detector does not work. */
static bool draw_progress(const struct workbench *w, int row, int cols)
{
    struct detect_progress p;
    char bar_text[24], left[32] = "";
    if (!w->engine || !workbench_detecting(w))
        return false;
    bool known = engine_progress(w->engine, &p);
    if (!known && !w->states[w->photo].waits)
        return false;
    for (int i = 0; i < 20; i++)
        bar_text[i] = known && p.share * 20 > i ? '#' : '-';
    bar_text[20] = '\0';
    if (known && p.left_ms >= 0)
        snprintf(left, sizeof left, ", %.0f s left", p.left_ms / 1000);
    panes_put(row, 1, cols, "regions [%s] %s%s%s (Esc cancels)", bar_text,
              known ? p.stage : "begin", left, w->running ? "; then the query" : "");
    return true;
}

/* What computes, and of a GPU how much of its memory is in use. */
static const char *device_text(const struct workbench *w, char *text, size_t size)
{
    size_t used = 0, limit = 0;
    if (!w->model)
        return "no model";
    model_memory(w->model, &used, &limit);
    if (limit == 0)
        return model_device(w->model);
    snprintf(text, size, "%s, %zu of %zu MB", model_device(w->model), used >> 20, limit >> 20);
    return text;
}

static void draw_status(const struct workbench *w, int row)
{
    char right[512] = "", device[200];
    const char *what = device_text(w, device, sizeof device);
    if (w->model && w->now.r && !w->running)
        snprintf(right, sizeof right, "%s | %.0f ms | %s", what, w->now.r->ms.total, w->log_state);
    else
        snprintf(right, sizeof right, "%s | %s", what, w->log_state);
    bar(row, A_REVERSE);
    int width = text_width(right);
    width = width < COLS / 2 ? width : COLS / 2;
    panes_put(row, COLS - width - 1, width, "%s", right);
    attrset(A_REVERSE | (w->status_bad ? A_BOLD : A_NORMAL));
    if (w->mode != MODE_BOX && draw_progress(w, row, COLS - width - 4))
        attrset(A_NORMAL);
    else if (w->running)
        panes_put(row, 1, COLS - width - 4, "computing ... (Esc cancels)");
    else
        panes_put(row, 1, COLS - width - 4, "%s", w->status);
    attrset(A_NORMAL);
}

/* ---- tokens: choose one to see where it looks */

static void draw_tokens(const struct workbench *w, int row)
{
    const struct result *r = w->now.r;
    int col = 1, first = 0;
    if (!r) {
        attrset(A_DIM);
        panes_put(row, 1, COLS - 2, "tokens appear here; Left and Right choose one to see where it "
            "looks");
        attrset(A_NORMAL);
        return;
    }
    for (int i = 0; i <= w->token; i++) /* begin so late that the chosen one fits */
        while (first < w->token) {
            int need = 0;
            for (int j = first; j <= w->token; j++)
                need += text_width(r->tokens[j].piece) + 1;
            if (need <= COLS - 4)
                break;
            first++;
        }
    for (int i = first; i < r->token_count && col < COLS - 2; i++) {
        attrset(i == w->token ? A_REVERSE | A_BOLD : r->tokens[i].special ? A_DIM : A_NORMAL);
        col += panes_put(row, col, COLS - 1 - col, "%s", r->tokens[i].piece);
        attrset(A_NORMAL);
        col++;
    }
}

/* ---- the answer */

static void draw_answer_row(const struct workbench *w, struct area a, int row, int i)
{
    const struct result_answer *x = &w->now.r->answers[i];
    bool align = w->task->reading == READ_ALIGNMENT;
    const char *label = align ? base_name(x->label) : x->label;
    attrset(i == w->box ? A_REVERSE : A_NORMAL);
    mvhline(row, a.col, ' ', a.cols);
    int n = panes_put(row, a.col, a.cols, "%2d ", i + 1);
    panes_put(row, a.col + n, a.cols - n - 9, "%s", label);
    panes_put(row, a.col + a.cols - 8, 8, align ? "%8.3f" : "%8.4f",
        (double)(align ? x->logit : x->softmax));
    attrset(A_NORMAL);
}

static void draw_box_row(const struct workbench *w, struct area a, int row, int i)
{
    const struct result_box *x = &w->now.r->boxes[i];
    attrset(i == w->box ? A_REVERSE : A_NORMAL);
    mvhline(row, a.col, ' ', a.cols);
    attrset(panes_rank_attr(i < w->boxes_shown ? i : 5) | (i == w->box ? A_REVERSE : A_NORMAL));
    int n = panes_put(row, a.col, a.cols, "%2d ", i + 1);
    attrset(i == w->box ? A_REVERSE : A_NORMAL);
    panes_put(row, a.col + n, a.cols - n - 9, "region %d %s", x->region, x->label ? x->label : "");
    panes_put(row, a.col + a.cols - 8, 8, "%8.4f", (double)x->softmax);
    attrset(A_NORMAL);
}

static void draw_answer(const struct workbench *w, struct area a)
{
    const struct result *r = w->now.r;
    attrset(A_BOLD);
    panes_put(a.row, a.col, a.cols, "%s", r ? r->task->title : "Answer");
    attrset(A_NORMAL);
    if (!r) {
        panes_put(a.row + 1, a.col, a.cols, "no query yet");
        return;
    }
    int row = a.row + 1, end = a.row + a.rows;
    panes_put(row++, a.col, a.cols, "\"%s\"", r->text);
    attrset(A_DIM);
    panes_put(row++, a.col, a.cols, "%s", r->task->reading == READ_ALIGNMENT
                                        ? "alignment logit" : "probability (softmax)");
    if (r->notice && row < end)
        panes_put(row++, a.col, a.cols, "! %s", r->notice);
    attrset(A_NORMAL);
    int n = r->box_count ? r->box_count : r->answer_count, room = end - row;
    int from = w->box >= room ? w->box - room + 1 : 0;
    for (int i = from; i < n && row < end; i++, row++) {
        if (r->box_count)
            draw_box_row(w, a, row, i);
        else
            draw_answer_row(w, a, row, i);
    }
}

/* ---- where the chosen token looks, in numbers */

struct weighted {
    float weight;
    int region;
};

static int heavier(const void *a, const void *b)
{
    const struct weighted *x = a, *y = b;
    return x->weight != y->weight ? (x->weight > y->weight ? -1 : 1) : x->region - y->region;
}

void panes_region_name(const struct workbench *w, int region, char *out, size_t size)
{
    const struct result *r = w->now.r;
    const char *label = NULL;
    int image = photo_in_result(w);
    const struct regions *g = image < 0 ? NULL : photo_regions(w->photos[w->photo]);
    for (int i = 0; i < r->box_count; i++)
        if (r->boxes[i].region == region && r->boxes[i].image == photo_in_result(w))
            label = r->boxes[i].label;
    if (!label && region > 0 && g && g->classes && region <= g->count && w->model &&
        strcmp(g->digest, r->images[image].regions_digest) == 0)
        label = model_class_name(w->model, g->classes[region - 1]);
    snprintf(out, size, "region %d %s", region, region == 0 ? "whole image" : label ? label : "");
}

static void draw_looks(const struct workbench *w, struct area a)
{
    const struct result *r = w->now.r;
    int n = 0;
    float *weights = photo_weights(w, &n);
    char head[32] = "mean of heads", name[256];
    if (w->head >= 0)
        snprintf(head, sizeof head, "head %d/%d", w->head + 1, r ? look_heads(r) : 0);
    attrset(A_BOLD);
    panes_put(a.row, a.col, a.cols, weights ? "\"%s\" looks at" : "Co-attention",
        weights ? r->tokens[w->token].piece : "");
    attrset(A_DIM);
    if (r)
        panes_put(a.row + 1, a.col, a.cols, "layer %d/%d, %s", w->layer + 1, look_layers(r), head);
    attrset(A_NORMAL);
    if (!weights) {
        panes_put(a.row + 2, a.col, a.cols, r ? "choose a token with Left, Right" : "");
        return;
    }
    struct weighted *list = xcalloc((size_t)n, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = (struct weighted){weights[i], i};
    qsort(list, (size_t)n, sizeof *list, heavier);
    for (int i = 0; i < n && i + 2 < a.rows; i++) {
        panes_region_name(w, list[i].region, name, sizeof name);
        panes_put(a.row + 2 + i, a.col, a.cols - 9, "%2d %s", i + 1, name);
        panes_put(a.row + 2 + i, a.col + a.cols - 8, 8, "%8.4f", (double)list[i].weight);
    }
    free(list);
    free(weights);
}

/* ---- lists that cover the body */

static void draw_help(struct area a)
{
    attrset(A_BOLD);
    panes_put(a.row, a.col, a.cols, "Keys");
    attrset(A_NORMAL);
    for (int i = 0; action_help[i].keys && i + 2 < a.rows; i++) {
        attrset(A_BOLD);
        panes_put(a.row + 2 + i, a.col + 2, 20, "%s", action_help[i].keys);
        attrset(A_NORMAL);
        panes_put(a.row + 2 + i, a.col + 24, a.cols - 24, "%s", action_help[i].what);
    }
}

static void draw_tasks(const struct workbench *w, struct area a)
{
    int row = a.row, group = -1;
    for (int i = 0; i < task_count && row < a.row + a.rows; i++) {
        const struct task *t = &task_table[i];
        if ((int)t->group != group) {
            group = (int)t->group;
            attrset(A_BOLD);
            panes_put(row++, a.col, a.cols, "%s", task_group_name(t->group));
        }
        attrset(i == w->pick ? A_REVERSE : A_NORMAL);
        panes_put(row, a.col + 2, a.cols - 2, "%3d  %-20s %s", t->id, t->title, t->hint);
        attrset(A_NORMAL);
        row++;
    }
}

static void draw_history(const struct workbench *w, struct area a)
{
    attrset(A_BOLD);
    panes_put(a.row, a.col, a.cols, "History: Enter takes a query again, Esc leaves");
    attrset(A_NORMAL);
    if (w->history_count == 0)
        panes_put(a.row + 1, a.col, a.cols, "nothing is logged yet");
    int room = a.rows - 1, from = w->pick >= room ? w->pick - room + 1 : 0;
    for (int i = from; i < w->history_count && i - from < room; i++) {
        const struct log_query *q = &w->history[i];
        attrset(i == w->pick ? A_REVERSE : A_NORMAL);
        panes_put(a.row + 1 + i - from, a.col, a.cols, "%5lld %.16s  %-10s %s  ->  %s %.4f  [%s]",
            (long long)q->id, q->when, q->task, q->text, q->answer ? q->answer : "", q->score,
            base_name(q->image));
        attrset(A_NORMAL);
    }
}

static void draw_no_photo(const struct workbench *w, struct area a)
{
    panes_put(a.row + 1, a.col + 1, a.cols - 2, "No image is open.");
    panes_put(a.row + 3, a.col + 1, a.cols - 2, "o opens one: IMAGE, or IMAGE REGIONS");
    if (!w->model)
        panes_put(a.row + 5, a.col + 1, a.cols - 2, "No model is open: start with -m DIR.");
}

static void draw_body(struct workbench *w, struct area a)
{
    int left = a.cols * 3 / 5, half = a.rows / 2;
    struct area photo = {a.row, a.col, a.rows, left - 1};
    struct area answer = {a.row, a.col + left + 1, half - 1, a.cols - left - 2};
    struct area looks = {a.row + half, a.col + left + 1, a.rows - half, a.cols - left - 2};
    for (int i = 0; i < a.rows; i++)
        mvaddch(a.row + i, left, ACS_VLINE);
    if (w->photo < w->photo_count)
        photo_draw(w, photo);
    else
        draw_no_photo(w, photo);
    if (w->mode == MODE_REGIONS) {
        answer.rows = a.rows;
        regions_draw(w, answer);
        return;
    }
    draw_answer(w, answer);
    draw_looks(w, looks);
}

void panes_draw(struct workbench *w)
{
    erase();
    gfx_begin(&w->gfx);
    curs_set(0);
    if (LINES < MIN_ROWS || COLS < MIN_COLS) {
        panes_put(0, 0, COLS, "too small: %dx%d", COLS, LINES);
        panes_put(1, 0, COLS, "needs %dx%d", MIN_COLS, MIN_ROWS);
    } else {
        /* A picture must end above the last row, or terminals scroll. */
        struct area body = {1, 0, LINES - 5, COLS}, inside = {1, 1, LINES - 5, COLS - 2};
        switch (w->mode) {
        case MODE_HELP: draw_help(inside); break;
        case MODE_TASKS: draw_tasks(w, inside); break;
        case MODE_HISTORY: draw_history(w, inside); break;
        case MODE_MATRIX: matrix_draw(w, inside); break;
        default: draw_body(w, body);
        }
        draw_title(w);
        draw_tokens(w, LINES - 4);
        draw_task(w, LINES - 3);
        draw_status(w, LINES - 1);
        draw_query(w, LINES - 2); /* last: it places the cursor */
    }
    refresh();
    gfx_flush(&w->gfx);
}
