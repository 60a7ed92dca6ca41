/* What keys do. */
#include "src/mem.h"
#include "ui/workbench_priv.h"

#include <curses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CTRL(c) ((c) & 31)
#define ESCAPE 27
#define HISTORY 500

/* ---- asking */

static void forget_asked(struct workbench *w)
{
    free(w->asked);
    w->asked = NULL;
    w->asked_count = 0;
}

/* Which photos a query is on: the current one, the current and the next, or all. */
static void choose_photos(struct workbench *w)
{
    const struct task *t = w->task;
    int n = t->max_images > 2 ? w->photo_count : t->max_images;
    forget_asked(w);
    w->asked = xcalloc((size_t)n + 1, sizeof(struct photo *));
    if (t->max_images > 2) {
        for (int i = 0; i < n; i++)
            w->asked[i] = w->photos[i];
        w->asked_count = n;
        return;
    }
    int first = t->min_images == 2 && w->photo == w->photo_count - 1 && w->photo > 0
                    ? w->photo - 1 : w->photo;
    for (int i = 0; i < n && first + i < w->photo_count; i++)
        w->asked[w->asked_count++] = w->photos[first + i];
}

/* The boxes drawn on the photos of the query; borrowed, the list is the caller's. */
static struct box_list *drawn_boxes(const struct workbench *w)
{
    struct box_list *list = xcalloc((size_t)w->asked_count + 1, sizeof *list);
    for (int i = 0; i < w->asked_count; i++)
        for (int j = 0; j < w->photo_count; j++)
            if (w->photos[j] == w->asked[i])
                list[i] = w->states[j].boxes;
    return list;
}

/* Posts the query line's text about the chosen photos. */
static void post(struct workbench *w)
{
    struct query q = {.task = w->task, .text = w->query.text, .checkpoint = w->checkpoint,
                      .photo_count = w->asked_count, .photos = w->asked, .attention = true};
    struct box_list *boxes = drawn_boxes(w);
    q.boxes = boxes;
    w->asked_at = vs_now_ms();
    w->running = engine_post(w->engine, &q);
    free(boxes);
    edit_remember(&w->query, w->query.text);
    w->mode = MODE_BROWSE;
}

static void ask(struct workbench *w)
{
    if (!w->model || !w->engine || w->photo_count == 0) {
        if (!w->model || !w->engine)
            workbench_say(w, true, "no model is open: start with -m DIR, or -c FILE --config FILE "
                          "--vocab FILE");
        else
            workbench_say(w, true, "no image is open: o opens one");
        w->mode = MODE_BROWSE;
        return;
    }
    if (!w->query.len)
        return;
    choose_photos(w);
    post(w);
}

/* ---- suggested queries */

static int photo_of(const struct workbench *w, const char *path)
{
    for (int i = 0; i < w->photo_count; i++)
        if (w->photos[i]->path && strcmp(w->photos[i]->path, path) == 0)
            return i;
    return -1;
}

/* The candidates of a suggestion stand as if the user had drawn them. */
static void set_boxes(struct photo_state *s, const struct box_list *l)
{
    size_t size = (size_t)l->count * 4 * sizeof *l->boxes;
    free(s->boxes.boxes);
    s->boxes = (struct box_list){xmalloc(size + 1), l->count};
    if (size)
        memcpy(s->boxes.boxes, l->boxes, size);
}

/* Takes over a suggestion; false when one of its images is not open. */
static bool take_suggestion(struct workbench *w, const struct eval_item *it)
{
    forget_asked(w);
    w->asked = xcalloc((size_t)it->image_count + 1, sizeof(struct photo *));
    for (int i = 0; i < it->image_count; i++) {
        int at = photo_of(w, it->images[i]);
        if (at < 0)
            return false;
        w->asked[w->asked_count++] = w->photos[at];
        set_boxes(&w->states[at], &it->candidates);
    }
    w->photo = photo_of(w, it->images[0]);
    w->task = it->task;
    w->region = -1;
    edit_set(&w->query, it->text);
    w->photo_changed = true;
    return true;
}

void actions_suggest(struct workbench *w)
{
    int n = w->suggestions && w->engine ? w->suggestions->count : 0;
    for (int i = 0; i < n; i++) {
        const struct eval_item *it = &w->suggestions->items[w->suggestion];
        w->suggestion = (w->suggestion + 1) % n;
        if (take_suggestion(w, it)) {
            post(w);
            return;
        }
    }
    workbench_say(w, n > 0, n ? "the images of the suggested queries are not open"
                              : "this model suggests no queries (\"queries\" in model.json)");
}

/* ---- opening an image */

/* Where the regions begin in "IMAGE REGIONS": after the last blank that leaves a file on its left;
 * NULL when all of it is the image. */
static char *split_typed(char *text)
{
    if (access(text, F_OK) == 0)
        return NULL;
    for (char *p = text + strlen(text); p > text; p--)
        if (*p == ' ') {
            *p = '\0';
            if (access(text, F_OK) == 0)
                return p + 1;
            *p = ' ';
        }
    return NULL;
}

static void open_typed(struct workbench *w)
{
    struct vs_err err = {0};
    struct photo *p = NULL;
    char *image = xstrdup(w->open.text), *regions = split_typed(image);
    struct photo_options how = {.regions = regions && regions[0] ? regions : NULL};
    bool finds = w->model && model_has_detector(w->model);
    if (photo_open(image, &how, &p, &err) == 0) {
        workbench_add_photo(w, p);
        if (p->regions)
            workbench_say(w, false, "%s: %d regions", image, p->regions->count);
        else
            workbench_say(w, !finds, finds ? "%s: looking for regions"
                                           : "%s is open, but has no regions", image);
        edit_remember(&w->open, w->open.text);
        edit_set(&w->open, "");
        w->mode = MODE_BROWSE;
    } else {
        workbench_say(w, true, "%s", err.text);
    }
    free(image);
}

/* ---- lists */

static void leave_lists(struct workbench *w)
{
    log_queries_free(w->history, w->history_count);
    w->history = NULL;
    w->history_count = 0;
    w->mode = MODE_BROWSE;
}

static void open_history(struct workbench *w)
{
    struct vs_err err = {0};
    if (!w->log) {
        workbench_say(w, true, "nothing is logged: %s", w->log_state);
        return;
    }
    if (log_list_queries(w->log, 0, NULL, HISTORY, &w->history, &w->history_count, &err) != 0) {
        workbench_say(w, true, "%s", err.text);
        return;
    }
    w->pick = 0;
    w->mode = MODE_HISTORY;
}

static void pick_history(struct workbench *w)
{
    if (w->pick < w->history_count) {
        const struct task *t = task_find(w->history[w->pick].task);
        edit_set(&w->query, w->history[w->pick].text);
        w->task = t ? t : w->task;
    }
    leave_lists(w);
    w->mode = MODE_TYPE;
}

static void list_key(struct workbench *w, int key, bool special)
{
    int count = w->mode == MODE_TASKS ? task_count : w->history_count;
    int page = LINES > 8 ? LINES - 7 : 1;
    if (special && key == KEY_UP)
        w->pick--;
    else if (special && key == KEY_DOWN)
        w->pick++;
    else if (special && key == KEY_PPAGE)
        w->pick -= page;
    else if (special && key == KEY_NPAGE)
        w->pick += page;
    else if (special && key == KEY_HOME)
        w->pick = 0;
    else if (special && key == KEY_END)
        w->pick = count;
    else if (key == '\r' || key == '\n' || (special && key == KEY_ENTER)) {
        if (w->mode == MODE_HISTORY) {
            pick_history(w);
            return;
        }
        w->task = &task_table[w->pick];
        w->mode = MODE_TYPE;
        return;
    } else if (!special && (key == ESCAPE || key == 'q'))
        leave_lists(w);
    w->pick = w->pick >= count ? count - 1 : w->pick;
    w->pick = w->pick < 0 ? 0 : w->pick;
}

/* ---- typing */

static bool edit_special(struct edit *e, int key)
{
    static const struct {
        int key;
        enum edit_key action;
    } map[] = {{KEY_LEFT, EDIT_LEFT}, {KEY_RIGHT, EDIT_RIGHT}, {KEY_HOME, EDIT_HOME},
               {KEY_END, EDIT_END}, {KEY_BACKSPACE, EDIT_BACKSPACE}, {KEY_DC, EDIT_DELETE},
               {KEY_UP, EDIT_OLDER}, {KEY_DOWN, EDIT_NEWER}};
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].key == key) {
            edit_key(e, map[i].action);
            return true;
        }
    return false;
}

static bool edit_control(struct edit *e, int key)
{
    static const struct {
        int key;
        enum edit_key action;
    } map[] = {{CTRL('a'), EDIT_HOME}, {CTRL('e'), EDIT_END}, {CTRL('b'), EDIT_LEFT},
               {CTRL('f'), EDIT_RIGHT}, {CTRL('h'), EDIT_BACKSPACE}, {127, EDIT_BACKSPACE},
               {CTRL('d'), EDIT_DELETE}, {CTRL('k'), EDIT_KILL_END}, {CTRL('u'), EDIT_KILL_START},
               {CTRL('w'), EDIT_KILL_WORD}, {CTRL('p'), EDIT_OLDER}, {CTRL('n'), EDIT_NEWER}};
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].key == key) {
            edit_key(e, map[i].action);
            return true;
        }
    return false;
}

static void insert_character(struct edit *e, int key)
{
    char utf8[5] = {0};
    unsigned c = (unsigned)key;
    if (c < 0x80) {
        utf8[0] = (char)c;
    } else if (c < 0x800) {
        utf8[0] = (char)(0xc0 | c >> 6);
        utf8[1] = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        utf8[0] = (char)(0xe0 | c >> 12);
        utf8[1] = (char)(0x80 | (c >> 6 & 63));
        utf8[2] = (char)(0x80 | (c & 63));
    } else {
        utf8[0] = (char)(0xf0 | c >> 18);
        utf8[1] = (char)(0x80 | (c >> 12 & 63));
        utf8[2] = (char)(0x80 | (c >> 6 & 63));
        utf8[3] = (char)(0x80 | (c & 63));
    }
    edit_insert(e, utf8);
}

static void type_key(struct workbench *w, int key, bool special)
{
    struct edit *e = w->mode == MODE_OPEN ? &w->open : &w->query;
    if (special ? key == KEY_ENTER : key == '\r' || key == '\n') {
        if (w->mode == MODE_OPEN)
            open_typed(w);
        else if (w->task->dialog && !special && key == '\n')
            edit_insert(e, "\n"); /* ^J: another round */
        else
            ask(w);
    } else if (special) {
        edit_special(e, key);
    } else if (key == ESCAPE) {
        w->mode = MODE_BROWSE;
    } else if (key == '\t' && w->mode == MODE_TYPE) {
        w->pick = (int)(w->task - task_table);
        w->mode = MODE_TASKS;
    } else if (!edit_control(e, key) && key >= 32) {
        insert_character(e, key);
    }
}

/* ---- looking */

static void move_token(struct workbench *w, int step)
{
    int n = w->now.r ? w->now.r->token_count : 0;
    w->token += step;
    w->token = w->token < -1 ? n - 1 : w->token >= n ? -1 : w->token;
    w->overlay = w->token >= 0;
    w->photo_changed = true;
}

static void move_layer(struct workbench *w, int step)
{
    int n = w->now.r ? look_layers(w->now.r) : 0;
    w->layer = n ? (w->layer + step + n) % n : 0;
    w->photo_changed = true;
}

static void move_head(struct workbench *w, int step)
{
    int n = w->now.r ? look_heads(w->now.r) : 0;
    w->head += step;
    w->head = w->head < -1 ? n - 1 : w->head >= n ? -1 : w->head;
    w->photo_changed = true;
}

static void move_photo(struct workbench *w, int step)
{
    if (w->photo_count)
        w->photo = (w->photo + step + w->photo_count) % w->photo_count;
    w->region = -1;
    w->photo_changed = true;
}

/* For a retrieval answer the chosen image is shown. */
static void show_chosen(struct workbench *w)
{
    const struct result *r = w->now.r;
    if (r->task->reading != READ_ALIGNMENT || w->box >= r->answer_count)
        return;
    int image = r->answers[w->box].index;
    for (int i = 0; i < w->photo_count && image < r->image_count; i++)
        if (w->photos[i] == w->now.photos[image])
            w->photo = i;
}

static void move_box(struct workbench *w, int step)
{
    const struct result *r = w->now.r;
    int n = r ? (r->box_count ? r->box_count : r->answer_count) : 0;
    w->box += step;
    w->box = w->box >= n ? n - 1 : w->box;
    w->box = w->box < 0 ? 0 : w->box;
    if (r)
        show_chosen(w);
    w->photo_changed = true;
}

static void move_checkpoint(struct workbench *w)
{
    int n = w->model ? model_checkpoint_count(w->model) : 0;
    if (n > 1) {
        w->checkpoint = (w->checkpoint + 1) % n;
        workbench_say(w, false, "checkpoint %s", model_checkpoint_name(w->model, w->checkpoint));
    } else {
        workbench_say(w, false, "only one checkpoint is open: -c FILE -c FILE opens several");
    }
}

static void more_boxes(struct workbench *w, int step)
{
    w->boxes_shown += step;
    w->boxes_shown = w->boxes_shown < 1 ? 1 : w->boxes_shown > 100 ? 100 : w->boxes_shown;
    workbench_say(w, false, "%d boxes are drawn", w->boxes_shown);
    w->photo_changed = true;
}

/* Drops the query and the detections; what runs ends with an event. */
static void stop_work(struct workbench *w)
{
    struct detect_progress p;
    bool runs = engine_progress(w->engine, &p);
    engine_cancel(w->engine);
    for (int i = 0; i < w->photo_count; i++)
        w->states[i].waits = false;
    if (runs)
        workbench_say(w, false, "cancelled; d looks for regions again");
}

static void detect_again(struct workbench *w)
{
    if (w->photo < w->photo_count && photo_regions(w->photos[w->photo]))
        workbench_say(w, false, "the regions are known; g lists them");
    else if (w->photo < w->photo_count && !(w->model && model_has_detector(w->model)))
        workbench_say(w, true, "no detector: --detector FILE, or \"detector\" in model.json");
    else if (w->photo < w->photo_count)
        w->states[w->photo].asked = w->states[w->photo].waits;
}

static void cancel(struct workbench *w)
{
    if (workbench_detecting(w))
        stop_work(w);
    w->token = -1;
    w->region = -1;
    w->overlay = false;
    w->photo_changed = true;
}

/* Shown by "?"; the order is that of the screen. */
const struct key_help action_help[] = {
    {"/  i  Enter", "type a query; Enter asks, Esc leaves the line"},
    {"Up Down (typing)", "older and newer queries; Ctrl-A E K U W edit; Tab chooses the task"},
    {"Ctrl-J (typing)", "another round of a GuessWhat dialog"},
    {"t", "choose the task"},
    {"Left Right", "choose a token: the photo shows where it looks"},
    {"[  ]", "co-attention layer before, next"},
    {"{  }", "head before, next; the mean of all heads is one of them"},
    {"a", "attention overlay on and off"},
    {"Up Down", "choose an answer, box or ranked image"},
    {"m", "the attention as a matrix: all maps, layers and heads"},
    {"+  -", "draw more or fewer boxes"},
    {"n  p", "next image, image before"},
    {"o", "open an image: IMAGE, or IMAGE REGIONS"},
    {"g", "list the regions; the chosen one is lit, Enter keeps it so"},
    {"d", "look for regions again after a cancel"},
    {"b  x", "draw a box (arrows, hjkl, mouse), take the last one away"},
    {"c", "next checkpoint"},
    {"s", "ask the next suggested query of the model"},
    {"r", "ask again"},
    {"h", "history: all logged queries"},
    {"Esc", "cancel the query or the detector, drop what is chosen"},
    {"Ctrl-L", "draw the screen again"},
    {"Ctrl-Z", "suspend"},
    {"?", "this help"},
    {"q", "quit"},
    {NULL, NULL},
};

/* SIGTSTP, unlike SIGSTOP, does nothing where no shell could wake us again. */
static void suspend(struct workbench *w)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, old;
    endwin();
    sigaction(SIGTSTP, &stop, &old);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &old, NULL);
    w->redraw = true;
}

static void browse_special(struct workbench *w, int key)
{
    switch (key) {
    case KEY_LEFT: move_token(w, -1); break;
    case KEY_RIGHT: move_token(w, 1); break;
    case KEY_UP: move_box(w, -1); break;
    case KEY_DOWN: move_box(w, 1); break;
    case KEY_ENTER: w->mode = MODE_TYPE; break;
    default: break;
    }
}

static void browse_key(struct workbench *w, int key)
{
    switch (key) {
    case '/': case 'i': case '\r': case '\n': w->mode = MODE_TYPE; break;
    case 't':
        w->pick = (int)(w->task - task_table);
        w->mode = MODE_TASKS;
        break;
    case '[': move_layer(w, -1); break;
    case ']': move_layer(w, 1); break;
    case '{': move_head(w, -1); break;
    case '}': move_head(w, 1); break;
    case 'a':
        w->overlay = !w->overlay;
        w->photo_changed = true;
        break;
    case '+': case '=': more_boxes(w, 1); break;
    case '-': more_boxes(w, -1); break;
    case 'n': move_photo(w, 1); break;
    case 'p': move_photo(w, -1); break;
    case 'o': w->mode = MODE_OPEN; break;
    case 'c': move_checkpoint(w); break;
    case 'r': ask(w); break;
    case 'm': matrix_open(w); break;
    case 'g': regions_open_list(w); break;
    case 'd': detect_again(w); break;
    case 'b': boxes_begin(w); break;
    case 'x': boxes_drop(w); break;
    case 'h': open_history(w); break;
    case 's': actions_suggest(w); break;
    case '?': w->mode = MODE_HELP; break;
    case 'q': w->quit = true; break;
    case ESCAPE: cancel(w); break;
    default: workbench_say(w, false, "? shows the keys");
    }
}

void actions_key(struct workbench *w, int key, bool special)
{
    if (special && key == KEY_RESIZE) {
        w->redraw = true;
    } else if (!special && key == CTRL('l')) {
        w->redraw = true;
    } else if (!special && key == CTRL('z')) {
        suspend(w);
    } else if (!special && key == CTRL('c')) {
        if (workbench_detecting(w))
            cancel(w);
        else
            w->quit = true;
    } else if (w->mode == MODE_TYPE || w->mode == MODE_OPEN) {
        type_key(w, key, special);
    } else if (w->mode == MODE_TASKS || w->mode == MODE_HISTORY) {
        list_key(w, key, special);
    } else if (w->mode == MODE_REGIONS) {
        regions_key(w, key, special);
    } else if (w->mode == MODE_MATRIX) {
        matrix_key(w, key, special);
    } else if (w->mode == MODE_BOX) {
        boxes_key(w, key, special);
    } else if (w->mode == MODE_HELP) {
        w->mode = MODE_BROWSE;
    } else if (special) {
        browse_special(w, key);
    } else {
        browse_key(w, key);
    }
}
