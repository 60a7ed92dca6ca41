/* Several checkpoints: asking them, keeping what they say, choosing the two that are compared. */
#include "ui/jobs/compare.h"

#include "src/base/mem.h"
#include "ui/state/stale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comparison *comparison_of(struct workbench *w)
{
    if (!w->compare) {
        int n = w->model ? model_checkpoint_count(w->model) : 0;
        w->compare = xcalloc(1, sizeof *w->compare);
        w->compare->b = n > 1 ? n - 1 : 0;
        w->compare->drift.a = w->compare->swaps.a = -1;
        w->compare->swaps.level = SWAP_LAYERS;
        w->compare->generation = 1;
    }
    return w->compare;
}

static int checkpoint_count(const struct workbench *w)
{
    return w->model ? model_checkpoint_count(w->model) : 0;
}

static int number_of(const struct workbench *w, const struct result *r)
{
    for (int i = 0; r && i < checkpoint_count(w); i++)
        if (strcmp(model_checkpoint_name(w->model, i), r->checkpoint_name) == 0 &&
            strcmp(model_checkpoint_path(w->model, i), r->checkpoint_path) == 0)
            return i;
    return -1;
}

int compare_shown(const struct workbench *w)
{
    return number_of(w, w->now.r);
}

const struct result *compare_result(struct workbench *w, int checkpoint)
{
    if (checkpoint < 0 || checkpoint >= checkpoint_count(w))
        return NULL;
    return checkpoint == compare_shown(w) ? w->now.r : comparison_of(w)->results[checkpoint];
}

void compare_name(const struct workbench *w, int checkpoint, char *out, size_t size)
{
    bool known = checkpoint < checkpoint_count(w);
    const char *name = known ? model_checkpoint_name(w->model, checkpoint) : "";
    static const char *const ends[] = {".safetensors", ".bin", ".pth", ".pt", ".ckpt"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t k = strlen(ends[i]);
        if (n > k && strcmp(name + n - k, ends[i]) == 0) {
            n -= k;
            break;
        }
    }
    snprintf(out, size, "%.*s", (int)n, name);
}

void compare_pair_name(struct workbench *w, char *out, size_t size)
{
    char a[64], b[64];
    compare_name(w, comparison_of(w)->a, a, sizeof a);
    compare_name(w, comparison_of(w)->b, b, sizeof b);
    snprintf(out, size, "A %s, B %s", a, b);
}

/* ---- results */

static void drop(struct workbench *w, int i)
{
    struct comparison *c = w->compare;
    if (c->results[i])
        compare_log(w, c->results[i]);
    result_free(c->results[i]);
    free(c->errors[i]);
    c->results[i] = NULL;
    c->errors[i] = NULL;
    c->generation++;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* The same query, whoever was asked. */
static bool same_query(const struct result *a, const struct result *b)
{
    bool same = a->task == b->task && same_text(a->text, b->text) &&
                same_text(a->changes, b->changes) && a->image_count == b->image_count;
    for (int i = 0; same && i < a->image_count; i++)
        same = strcmp(a->images[i].digest, b->images[i].digest) == 0 &&
               strcmp(a->images[i].regions_digest, b->images[i].regions_digest) == 0 &&
               a->images[i].region_count == b->images[i].region_count &&
               a->images[i].candidate_count == b->images[i].candidate_count;
    return same;
}

static bool is_on_screen(const struct workbench *w)
{
    for (int i = 0; i < w->panes.count; i++) {
        const struct pane *p = &w->panes.list[i];
        if ((p->view == &view_compare || p->view == &view_difference) && p->shown)
            return true;
    }
    return false;
}

void compare_follow(struct workbench *w)
{
    struct comparison *c = w->compare;
    int shown = compare_shown(w);
    if (!c)
        return;
    for (int i = 0; i < checkpoint_count(w); i++)
        if (c->errors[i] || (c->results[i] && (i == shown || !same_query(c->results[i], w->now.r))))
            drop(w, i);
    c->generation++;
    c->number = 0; /* what still comes is of another query */
    if (is_on_screen(w))
        compare_ask(w);
}

/* ---- asking */

/* The boxes drawn on the photos of the shown result; the list is the caller's, not its boxes. */
static struct box_list *drawn_boxes(const struct workbench *w)
{
    struct box_list *list = xcalloc((size_t)w->now.r->image_count + 1, sizeof *list);
    for (int i = 0; i < w->now.r->image_count; i++)
        for (int j = 0; j < w->photo_count; j++)
            if (w->photos[j] == w->now.photos[i])
                list[i] = w->states[j].boxes;
    return list;
}

void compare_ask(struct workbench *w)
{
    struct comparison *c = comparison_of(w);
    const struct result *r = w->now.r;
    int n = 0, also[MODEL_CHECKPOINTS];
    struct change *changes = NULL;
    int change_count = 0;
    /* A query of the user that waits would be replaced; its result leads here again. */
    if (!r || !w->engine || c->number || w->running)
        return;
    if (stale_bits(w) & (STALE_BOXES | STALE_REGIONS))
        return; /* it would be another query: its pane says so */
    for (int i = 0; i < checkpoint_count(w); i++)
        if (!compare_result(w, i) && !c->errors[i])
            also[n++] = i;
    if (n == 0 || change_list_parse(r->changes, &changes, &change_count, NULL) != 0)
        return;
    struct box_list *boxes = drawn_boxes(w);
    struct query q = {.task = r->task, .text = r->text, .checkpoint = also[0], .also = also + 1,
                      .also_count = n - 1, .photo_count = r->image_count, .photos = w->now.photos,
                      .boxes = boxes, .attention = true, .changes = changes,
                      .change_count = change_count};
    c->number = engine_post(w->engine, &q);
    c->left = n;
    free(boxes);
    free(changes);
}

bool compare_take(struct workbench *w, struct event *e)
{
    struct comparison *c = w->compare;
    if (c && c->number && e->query > c->number)
        c->number = 0; /* it was replaced while it waited */
    if (!c || !e->query || e->query != c->number || e->arg)
        return false;
    if (e->kind != EVENT_RESULT && e->kind != EVENT_ERROR)
        return true;
    c->left = e->left;
    c->number = e->left ? c->number : 0;
    drop(w, e->checkpoint);
    if (e->kind == EVENT_ERROR) {
        c->errors[e->checkpoint] = xstrdup(e->error.text);
    } else if (w->now.r && same_query(e->result, w->now.r)) {
        c->results[e->checkpoint] = e->result;
        c->waiting = c->compared = true;
    } else {
        result_free(e->result);
    }
    return true;
}

/* ---- the loop */

/* A digest takes a moment the first time: results wait for it without holding up the screen. */
static bool log_waiting(struct workbench *w)
{
    struct comparison *c = w->compare;
    bool left = false;
    for (int i = 0; w->log && i < checkpoint_count(w); i++) {
        struct result *r = c->results[i];
        if (!r || r->log_id)
            continue;
        if (!left && model_complete_ready(w->model, r))
            compare_log(w, r);
        else
            left = true;
    }
    left = left || c->number || (w->unlogged && w->unlogged == w->now.r);
    if (!left && c->compared)
        compare_log_together(w);
    c->compared = c->compared && left;
    return left;
}

int compare_tick(struct workbench *w)
{
    struct comparison *c = w->compare;
    if (!c)
        return -1;
    if (c->waiting)
        c->waiting = log_waiting(w);
    bool waits = trend_log_tick(w, false);
    int ms = trend_tick(w);
    return c->waiting || waits ? 50 : ms;
}

int compare_fd(const struct workbench *w)
{
    const struct trend *t = w->compare ? &w->compare->trend : NULL;
    return t && t->watch && !t->runs ? watch_fd(t->watch) : -1;
}

bool compare_busy(const struct workbench *w)
{
    const struct trend *t = w->compare ? &w->compare->trend : NULL;
    return t && (w->compare->number ||
                 (t->runner && !t->stopped && t->next < checkpoint_count(w)));
}

void compare_stop(struct workbench *w)
{
    if (!w->compare)
        return;
    w->compare->trend.stopped = w->compare->trend.runs;
    w->compare->number = 0;
}

void compare_free(struct workbench *w)
{
    struct comparison *c = w->compare;
    if (!c)
        return;
    trend_log_tick(w, true);
    for (int i = 0; i < checkpoint_count(w); i++)
        drop(w, i);
    drift_fini(&c->drift);
    swaps_fini(&c->swaps);
    trend_fini(&c->trend);
    free(c);
    w->compare = NULL;
}

/* ---- actions */

static bool several(struct workbench *w)
{
    if (checkpoint_count(w) > 1)
        return true;
    workbench_say(w, true, "only one checkpoint is open: -c FILE -c FILE opens several");
    return false;
}

static void do_compare(struct workbench *w, const char *arg)
{
    (void)arg;
    if (!several(w))
        return;
    comparison_of(w);
    do_view(w, "compare");
    w->panes.zoomed = true;
    if (w->now.r)
        compare_ask(w);
    else
        workbench_say(w, false, "ask something: all checkpoints answer");
}

static void do_difference(struct workbench *w, const char *arg)
{
    (void)arg;
    if (!several(w))
        return;
    comparison_of(w);
    do_view(w, "difference");
    compare_ask(w);
}

static void do_drift(struct workbench *w, const char *arg)
{
    (void)arg;
    if (!several(w))
        return;
    do_view(w, "drift");
    drift_start(w);
}

static void do_swap(struct workbench *w, const char *arg)
{
    static const char *const levels[] = {"blocks", "layers", "heads"};
    int level = -1;
    for (int i = 0; i < 3; i++)
        level = strcmp(arg, levels[i]) == 0 ? i : level;
    if (*arg && level < 0) {
        workbench_say(w, true, "swap takes blocks, layers or heads, not '%s'", arg);
        return;
    }
    if (!several(w))
        return;
    struct comparison *c = comparison_of(w);
    if (!*arg && panes_view(&w->panes) == &view_swap)
        level = ((int)c->swaps.level + 1) % 3; /* the key again: the next level */
    if (level >= 0)
        c->swaps.level = (enum swap_level)level;
    do_view(w, "swap");
    swaps_start(w);
}

static void do_trend(struct workbench *w, const char *arg)
{
    (void)arg;
    comparison_of(w);
    do_view(w, "trend");
}

/* What is shown of the two follows. */
static void pair_changed(struct workbench *w)
{
    char pair[160];
    compare_pair_name(w, pair, sizeof pair);
    workbench_say(w, false, "%s are compared", pair);
    if (panes_find(&w->panes, &view_drift) >= 0)
        drift_start(w);
    if (panes_find(&w->panes, &view_swap) >= 0)
        swaps_start(w);
}

static void step(struct workbench *w, int *which, int other)
{
    int n = checkpoint_count(w);
    if (!several(w))
        return;
    *which = (*which + 1) % n;
    if (*which == other)
        *which = (*which + 1) % n;
    pair_changed(w);
}

static void do_first(struct workbench *w, const char *arg)
{
    struct comparison *c = comparison_of(w);
    (void)arg;
    step(w, &c->a, c->b);
}

static void do_second(struct workbench *w, const char *arg)
{
    struct comparison *c = comparison_of(w);
    (void)arg;
    step(w, &c->b, c->a);
}

static int find_checkpoint(const struct workbench *w, const char *name, size_t len)
{
    for (int i = 0; i < checkpoint_count(w); i++) {
        const char *have = model_checkpoint_name(w->model, i);
        if (strlen(have) == len && memcmp(have, name, len) == 0)
            return i;
    }
    return -1;
}

static void do_between(struct workbench *w, const char *arg)
{
    struct comparison *c = comparison_of(w);
    /* Names may hold blanks: every way to cut the line in two is tried. */
    for (const char *blank = strchr(arg, ' '); blank; blank = strchr(blank + 1, ' ')) {
        int a = find_checkpoint(w, arg, (size_t)(blank - arg));
        int b = find_checkpoint(w, blank + 1, strlen(blank + 1));
        if (a >= 0 && b >= 0 && a != b) {
            c->a = a;
            c->b = b;
            pair_changed(w);
            return;
        }
    }
    workbench_say(w, true, "between FIRST SECOND: two different checkpoints that are open");
}

const struct action compare_actions[] = {
    {"compare", "A", "", NULL, "ask all checkpoints the query, side by side", do_compare},
    {"columns", "&", "", "compare", "further checkpoints", do_columns},
    {"first-of-two", "(", "", NULL, "the next checkpoint as A, with which others are compared",
     do_first},
    {"second-of-two", ")", "", NULL, "the next checkpoint as B", do_second},
    {"between", "", "CHECKPOINT CHECKPOINT", NULL, "choose A and B", do_between},
    {"attention-change", "B", "", NULL, "how attention differs between A and B", do_difference},
    {"drift", "F", "", NULL, "how far weights and hidden states of A and B are apart", do_drift},
    {"swap", "E", "[LEVEL]", NULL, "which blocks, layers or heads of B change the answer of A",
     do_swap},
    {"trend", "J", "", NULL, "probes over all checkpoints", do_trend},
    {"probes", "", "FILE", NULL, "ask all checkpoints the probes of a file", do_probes},
    {"pin", "N", "[ANSWER]", NULL, "make the query that is shown a probe, with what is right",
     do_pin},
    {"watch", "", "FOLDER", NULL, "ask each new checkpoint of a training run the probes",
     do_watch},
    {0},
};
