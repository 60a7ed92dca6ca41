/* The workbench: opening and closing the screen, and its loop. The screen never computes: queries
 * run in the engine's thread, and the keyboard is always heard. */
#include "ui/workbench.h"

#include "src/base/mem.h"
#include "ui/jobs/compare.h"
#include "ui/jobs/knock.h"
#include "ui/state/stale.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Signals only leave a note here and wake the loop through the pipe. Any thread may take them. */
static atomic_int got_end, got_resume, got_resize, got_stop;
static int wake[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGCONT)
        got_resume = 1;
    else if (number == SIGWINCH)
        got_resize = 1;
    else if (number == SIGTSTP)
        got_stop = 1;
    else
        got_end = number;
    ssize_t n = write(wake[1], "!", 1);
    (void)n;
    errno = saved;
}

void workbench_say(struct workbench *w, bool bad, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->status, sizeof w->status, fmt, ap);
    va_end(ap);
    w->status_bad = bad;
}

/* ---- the log */

/* A result is logged when its checkpoint's digest is known, which takes a moment the first time;
 * wait: now, whatever it takes. */
/* What the status line says of a query that was, or was not, written. */
void workbench_logged(struct workbench *w, const struct result *r, const struct vs_err *err)
{
    int waiting = log_pending_count(w->log);
    if (r->log_id > 0) {
        snprintf(w->log_state, sizeof w->log_state, "logged as %lld", (long long)r->log_id);
        return;
    }
    snprintf(w->log_state, sizeof w->log_state, "%d wait%s for the log", waiting,
             waiting == 1 ? "s" : "");
    if (waiting < 2) /* the others wait for the same */
        workbench_say(w, true, "not logged yet: %s", err->text);
}

void workbench_log(struct workbench *w, bool wait)
{
    struct result *r = w->unlogged;
    struct vs_err err = {0};
    if (!r || !w->log || (!wait && !model_complete_ready(w->model, r)))
        return;
    model_complete(w->model, r);
    log_result_later(w->log, r, &err);
    workbench_logged(w, r, &err);
    w->unlogged = NULL;
    if (r != w->now.r)
        result_free(r);
}

#define FLUSH_MS 2000 /* between two tries to write what waits */

/* Tries again to write what waits. Returns how long to wait for the next try, or -1. */
static int log_tick(struct workbench *w)
{
    if (log_pending_count(w->log) == 0)
        return -1;
    double left = w->flush_at - vs_now_ms();
    if (left > 0)
        return (int)left + 1;
    w->flush_at = vs_now_ms() + FLUSH_MS;
    if (log_flush_pending(w->log, NULL) != 0)
        return FLUSH_MS;
    snprintf(w->log_state, sizeof w->log_state, "log is open");
    workbench_say(w, false, "what waited for the log is written");
    return -1;
}

static void begin_log(struct workbench *w)
{
    bool open = log_started_session(w->log) > 0; /* else the long story is told once, by greet */
    snprintf(w->log_state, sizeof w->log_state, "%s", open      ? "log is open"
                                                      : w->log ? "not logged yet"
                                                               : "no log");
    if (open && log_notice(w->log))
        workbench_say(w, false, "%s", log_notice(w->log));
}

/* ---- results */

static bool same_question(const struct result *a, const struct result *b)
{
    if (a->task != b->task || strcmp(a->text, b->text) != 0 || a->image_count != b->image_count ||
        strcmp(a->checkpoint_name, b->checkpoint_name) != 0)
        return false;
    for (int i = 0; i < a->image_count; i++)
        if (strcmp(a->images[i].digest, b->images[i].digest) != 0)
            return false;
    return true;
}

/* Work that runs may still read it. */
static void drop_result(struct workbench *w, struct result *r)
{
    if (!r)
        return;
    if (!w->jobs) {
        result_free(r);
        return;
    }
    w->old = xreallocarray(w->old, (size_t)w->old_count + 1, sizeof(struct result *));
    w->old[w->old_count++] = r;
}

/* What was found out about the result that was shown. */
static void forget_result(struct workbench *w)
{
    effects_free(w->knocks.known);
    w->knocks.known = NULL;
    for (int i = 0; i < 2; i++)
        lens_free(w->lenses.known[i]);
    w->lenses = (struct lenses){0};
}

/* Whether the result is to be compared with one that is here already: it has interventions, or
 * other words than the one that it is compared with. */
static bool is_variant(struct workbench *w, const struct result *r)
{
    bool varies = w->changes.varies, same = w->now.r && same_question(w->now.r, r);
    w->changes.varies = false;
    bool other_words = w->plain && strcmp(w->plain->text, r->text) != 0;
    if (varies)
        return r->changes || other_words || !w->plain;
    return same && (r->changes || other_words);
}

/* A variant is compared with what was asked first. */
static void keep_plain(struct workbench *w, const struct result *r)
{
    struct result *before = w->now.r;
    bool variant = is_variant(w, r);
    if (variant && !w->plain && !before->changes) {
        w->plain = before;
        return;
    }
    if (!variant) {
        drop_result(w, w->plain);
        w->plain = NULL;
    }
    drop_result(w, before);
}

static void show_result(struct workbench *w, struct result *r)
{
    bool same = w->now.r && same_question(w->now.r, r);
    workbench_log(w, true); /* the one before, if it still waits */
    forget_result(w);
    keep_plain(w, r);
    free(w->now.photos);
    w->now = (struct shown){r, w->asked, w->asked_boxes, stale_regions(w->asked, r->image_count),
                            w->asked_open, w->now.serial + 1};
    w->asked = NULL;
    w->asked_count = 0;
    w->running = 0;
    if (!same) {
        selection_look(w->selection, -1);
        do_rank(w, "1"); /* of a retrieval the best image is the current one */
    }
    look_settle(w);
    compare_follow(w);
    knock_resume(w);
    if (r->notice)
        workbench_say(w, true, "note: %s", r->notice);
    else if (!w->script.at)
        workbench_say(w, false, "%s", w->suggestions
                                          ? "answered; Right: where words look, s: another query, "
                                            "c: checkpoint, / to type, ? help"
                                          : "answered; Left and Right show where a token looks");
    if (w->log) {
        w->unlogged = r;
        snprintf(w->log_state, sizeof w->log_state, "logging");
        workbench_log(w, false);
    }
}

/* ---- other work */

struct job {
    int number;
    void *arg;
    job_done *done;
    struct job *next;
};

int workbench_call(struct workbench *w, engine_work *run, job_done *done, void (*drop)(void *arg),
                   void *arg)
{
    struct job *j = xcalloc(1, sizeof *j);
    j->arg = arg;
    j->done = done;
    j->next = w->jobs;
    w->jobs = j;
    j->number = engine_call(w->engine, run, drop, arg);
    return j->number;
}

static void end_job(struct workbench *w, const struct event *e)
{
    struct job **at = &w->jobs;
    while (*at && (*at)->number != e->query)
        at = &(*at)->next;
    struct job *j = *at;
    if (!j)
        return;
    *at = j->next;
    j->done(w, e->arg, e->kind == EVENT_ERROR ? &e->error : NULL);
    free(j);
    for (int i = 0; !w->jobs && i < w->old_count; i++)
        result_free(w->old[i]);
    w->old_count = w->jobs ? w->old_count : 0;
}

/* ---- events of the engine */

/* The detector has found the regions of a photo, or has not. */
static void take_regions(struct workbench *w, const struct event *e)
{
    for (int i = 0; i < w->photo_count; i++)
        if (w->photos[i] == e->photo)
            w->states[i].waits = false;
    const struct regions *g = photo_regions(e->photo);
    bool answered = w->now.r && photo_in_result(w) >= 0; /* which says more */
    if (e->kind == EVENT_REGIONS && g && !answered)
        workbench_say(w, false, "%d regions found; g lists them", g->count);
    else if (e->kind == EVENT_REGIONS)
        return;
    else if (e->error.code == VS_E_CANCELLED)
        workbench_say(w, false, "no regions: cancelled; d looks for them again");
    else
        workbench_say(w, true, "%s", e->error.text);
}

/* An image that is looked at gets its regions without being asked for. */
static void want_regions(struct workbench *w)
{
    struct photo_state *s = w->photo < w->photo_count ? &w->states[w->photo] : NULL;
    if (!s || s->asked || !w->engine || !model_has_detector(w->model) ||
        photo_regions(w->photos[w->photo]))
        return;
    s->asked = s->waits = true;
    engine_detect(w->engine, w->photos[w->photo]);
}

bool workbench_detecting(const struct workbench *w)
{
    return w->running || (w->photo < w->photo_count && w->states[w->photo].waits);
}

bool workbench_busy(const struct workbench *w)
{
    bool detects = false;
    for (int i = 0; i < w->photo_count; i++)
        detects |= w->states[i].waits;
    return w->running || w->jobs || detects || compare_busy(w);
}

void workbench_add_photo(struct workbench *w, struct photo *p)
{
    size_t n = (size_t)w->photo_count + 1;
    w->photos = xreallocarray(w->photos, n, sizeof(struct photo *));
    w->states = xreallocarray(w->states, n, sizeof *w->states);
    w->states[w->photo_count] = (struct photo_state){0};
    w->photos[w->photo_count] = p;
    photo_go(w, w->photo_count++);
}

static bool take_events(struct workbench *w)
{
    struct event e;
    bool any = false;
    while (w->engine && engine_poll(w->engine, &e)) {
        any = true;
        if (compare_take(w, &e)) {
            continue;
        } else if (e.kind == EVENT_RESULT && e.query == w->running) {
            show_result(w, e.result);
        } else if (e.kind == EVENT_RESULT) {
            result_free(e.result);
        } else if (e.arg) {
            end_job(w, &e);
        } else if (e.photo) {
            take_regions(w, &e);
        } else if (e.kind == EVENT_ERROR && e.query == w->running) {
            w->running = 0;
            workbench_say(w, e.error.code != VS_E_CANCELLED, "%s", e.error.text);
        }
    }
    return any;
}

/* ---- the terminal */

void workbench_terminal(struct workbench *w, const struct term *said)
{
    struct term t = *said;
    term_settle(&t);
    term_measure(&t);
    if (w->gfx.mode == GFX_SIXEL && t.cell_w == 0) { /* a usual one was assumed */
        t.cell_w = w->gfx.term.cell_w;
        t.cell_h = w->gfx.term.cell_h;
    }
    gfx_set_term(&w->gfx, &t);
    if (w->graphics == GRAPHICS_AUTO && t.sixel && t.cell_w && w->gfx.mode == GFX_BLOCKS) {
        gfx_set_mode(&w->gfx, GFX_SIXEL);
        w->redraw = true;
    }
}

bool workbench_graphics(const char *name, enum graphics_choice *out)
{
    static const char *const names[] = {"auto", "sixel", "blocks", "ascii", "none"};
    for (int i = 0; i < 5; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum graphics_choice)i;
            return true;
        }
    return false;
}

void workbench_set_graphics(struct workbench *w, enum graphics_choice choice)
{
    struct term t = w->gfx.term;
    bool sixel = choice == GRAPHICS_SIXEL || (choice == GRAPHICS_AUTO && t.sixel);
    if (choice == GRAPHICS_SIXEL && t.cell_w == 0) {
        t.cell_w = 10; /* asked for, and the terminal does not say: a usual cell */
        t.cell_h = 20;
        gfx_set_term(&w->gfx, &t);
    }
    w->graphics = choice;
    gfx_set_mode(&w->gfx, choice == GRAPHICS_ASCII  ? GFX_ASCII
                          : choice == GRAPHICS_NONE ? GFX_NONE
                          : sixel && t.cell_w       ? GFX_SIXEL
                                                    : GFX_BLOCKS);
    w->redraw = true;
}

/* The screen goes, and the terminal is as it was. */
static void leave_screen(void)
{
    term_modes(false);
    endwin();
    term_give_back();
}

void workbench_suspend(void)
{
    /* SIGTSTP, unlike SIGSTOP, does nothing where no shell could wake us again. */
    struct sigaction stop = {.sa_handler = SIG_DFL}, old;
    leave_screen();
    sigaction(SIGTSTP, &stop, &old);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &old, NULL);
    got_resume = 1;
}

/* Whoever had the terminal meanwhile may have changed its modes, and its size. */
static void resume(struct workbench *w)
{
    got_resume = 0;
    got_resize = 1;
    reset_prog_mode();
    term_modes(true);
    w->redraw = true;
}

/* curses' own handler of SIGWINCH would be missed when it comes just before poll: ours wakes the
 * loop through the pipe, and tells curses here. */
static void resize(struct workbench *w)
{
    int rows, cols;
    got_resize = 0;
    if (term_size(&rows, &cols))
        resizeterm(rows, cols);
    w->redraw = true;
}

static void redraw_all(struct workbench *w)
{
    struct term t = w->gfx.term;
    term_measure(&t);
    gfx_set_term(&w->gfx, &t);
    if (t.cell_w == 0 && w->gfx.mode == GFX_SIXEL)
        gfx_set_mode(&w->gfx, GFX_BLOCKS);
    clearok(curscr, TRUE);
    gfx_lost(&w->gfx);
    w->redraw = false;
}

/* Of two waits, where -1 is for ever. */
static int sooner(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Until when the loop may sleep: ms, or -1. */
static int patience(const struct workbench *w, int script_ms, int compare_ms)
{
    const struct script *s = &w->script;
    if (script_ms >= 0)
        return sooner(script_ms, input_wait(&w->input, vs_now_ms()));
    if (s->at && !s->pauses && (!s->waits || s->ready))
        return 0;
    int ms = w->unlogged ? 50 : workbench_busy(w) ? 100 : -1;
    ms = sooner(ms, input_wait(&w->input, vs_now_ms()));
    return sooner(ms, compare_ms);
}

/* Waits for a key, an event, a picture, a signal, or for the log's turn. False: the terminal is
 * gone. */
static bool wait_for_something(struct workbench *w, int ms)
{
    struct pollfd fds[5] = {{STDIN_FILENO, POLLIN, 0},
                            {wake[0], POLLIN, 0},
                            {w->engine ? engine_fd(w->engine) : -1, POLLIN, 0},
                            {w->gfx.wake, POLLIN, 0},
                            {compare_fd(w), POLLIN, 0}};
    int n = poll(fds, 5, ms);
    char bytes[64];
    while (read(wake[0], bytes, sizeof bytes) > 0) {
    }
    return n <= 0 || !(fds[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void draw(struct workbench *w)
{
    if (w->redraw)
        redraw_all(w);
    panes_draw(w);
    bool left = gfx_flush(&w->gfx);
    w->script.ready = !left && !workbench_busy(w) && gfx_settled(&w->gfx);
}

static void loop(struct workbench *w)
{
    bool alive = true;
    int script_ms = -1, compare_ms = -1, log_ms = -1;
    want_regions(w);
    draw(w);
    while (!w->quit && !got_end && alive) {
        alive = wait_for_something(w, patience(w, script_ms, sooner(compare_ms, log_ms)));
        if (got_stop)
            workbench_suspend();
        got_stop = 0;
        if (got_resume)
            resume(w);
        if (got_resize)
            resize(w);
        keys_take(w);
        take_events(w);
        want_regions(w);
        workbench_log(w, false);
        compare_ms = compare_tick(w);
        log_ms = log_tick(w);
        script_ms = -1;
        script_step(w, &script_ms);
        if (!w->quit)
            draw(w);
    }
}

/* ---- opening and closing */

static void open_pipe(void)
{
    if (pipe(wake) != 0)
        wake[0] = wake[1] = -1;
    for (int i = 0; i < 2 && wake[i] >= 0; i++) {
        fcntl(wake[i], F_SETFL, O_NONBLOCK);
        fcntl(wake[i], F_SETFD, FD_CLOEXEC);
    }
}

static bool ends_us(int number)
{
    static const int others[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGURG, SIGTTIN, SIGTTOU, SIGPIPE,
                                 SIGXFSZ};
    struct sigaction now;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] == number)
            return false;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL;
}

/* Every signal that would end the program ends it in order, so that the terminal is given back.
 * Faults have handlers already: term_take. */
static void watch_signals(void)
{
    static const int ours[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCONT, SIGWINCH, SIGTSTP};
    struct sigaction a = {.sa_handler = on_signal};
    got_end = got_resume = got_resize = got_stop = 0;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        sigaction(ours[i], &a, NULL);
    for (int i = 1; i <= SIGRTMAX; i++)
        if (ends_us(i))
            sigaction(i, &a, NULL);
}

int workbench_ended_by(void)
{
    static const int usual[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (usual[i] == got_end)
            return 0;
    return got_end;
}

/* curses asks for the size by itself, and fails where it is more than it can count to: it is told
 * one. */
static bool new_screen(void)
{
    int rows, cols;
    char number[16];
    if (!term_size(&rows, &cols))
        return newterm(NULL, stdout, stdin) != NULL;
    snprintf(number, sizeof number, "%d", rows);
    setenv("LINES", number, 1);
    snprintf(number, sizeof number, "%d", cols);
    setenv("COLUMNS", number, 1);
    bool opened = newterm(NULL, stdout, stdin) != NULL;
    unsetenv("LINES");
    unsetenv("COLUMNS");
    return opened;
}

static int open_screen(struct workbench *w, enum graphics_choice choice, struct vs_err *err)
{
    int rc = term_take(err);
    if (rc != 0)
        return rc;
    watch_signals();
    term_ask(&w->input);
    workbench_terminal(w, &w->input.term);
    workbench_set_graphics(w, choice);
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    if (!new_screen()) {
        term_give_back();
        return vs_fail(err, VS_E_USAGE, "TERM is '%s', which this machine does not know: set it "
                       "to your terminal's name", getenv("TERM"));
    }
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    typeahead(-1); /* a frame is always written whole: pictures come after it */
    keys_learn(w);
    term_modes(true);
    if (has_colors()) {
        start_color();
        use_default_colors();
        draw_init_colors();
    }
    curs_set(0);
    return 0;
}

/* The engine has ended: nobody reads them any more. */
static void free_results(struct workbench *w)
{
    while (w->jobs) {
        struct job *j = w->jobs;
        w->jobs = j->next;
        free(j);
    }
    forget_result(w);
    result_free(w->now.r);
    result_free(w->plain);
    for (int i = 0; i < w->old_count; i++)
        result_free(w->old[i]);
    free(w->old);
    free(w->now.photos);
}

static void close_all(struct workbench *w)
{
    knock_stop(w);
    if (w->engine)
        engine_cancel(w->engine);
    engine_free(w->engine);
    workbench_log(w, true);
    compare_free(w);
    free_results(w);
    free(w->asked);
    panes_free(&w->panes);
    selection_free(w->selection);
    for (int i = 0; i < w->photo_count; i++) {
        photo_free(w->photos[i]);
        free(w->states[i].boxes.boxes);
        canvas_free(w->states[i].thumb);
    }
    free(w->photos);
    free(w->states);
    for (int i = 0; i < w->binding_count; i++) {
        free(w->bindings[i].key);
        free(w->bindings[i].line);
    }
    free(w->bindings);
    free(w->changes.list);
    edit_fini(&w->query);
    edit_fini(&w->open);
    edit_fini(&w->command);
    edit_fini(&w->filter);
    script_fini(w);
    gfx_fini(&w->gfx);
    input_fini(&w->input);
    for (int i = 0; i < 2; i++)
        if (wake[i] >= 0)
            close(wake[i]);
}

static void greet(struct workbench *w, const struct workbench_options *o)
{
    if (!w->model)
        workbench_say(w, true, "%s", o->no_model ? o->no_model : "no model is open: start with -m "
                                                                 "DIR");
    else if (w->photo_count == 0)
        workbench_say(w, false, "o opens an image");
    else if (o->no_log && strncmp(o->no_log, "not logged", 10) == 0)
        workbench_say(w, true, "%s", o->no_log);
    else
        workbench_say(w, false, "/ to type a query, ? for help");
}

/* The first things to do, by what was asked for. */
static int begin(struct workbench *w, const struct workbench_options *o, struct vs_err *err)
{
    int rc = 0;
    panes_init(w);
    greet(w, o);
    begin_log(w);
    if (w->model)
        rc = engine_new(w->model, &w->engine, err);
    keys_mouse(w, w->mouse);
    conf_load(w);
    w->redraw = false;
    if (rc == 0 && o->script)
        rc = script_open(w, o->script, err);
    w->script.strict = rc == 0 && o->script && !o->tour;
    if (rc == 0 && o->begin && !o->script)
        do_suggest(w, "");
    if (rc == 0 && o->probes)
        do_probes(w, o->probes);
    if (rc == 0 && o->watch)
        do_watch(w, o->watch);
    return rc;
}

int workbench_run(const struct workbench_options *o, struct vs_err *err)
{
    struct workbench *w = xcalloc(1, sizeof *w);
    w->model = o->model;
    w->log = o->log;
    w->photos = o->photos;
    w->photo_count = o->photo_count;
    w->task = o->task;
    w->suggestions = o->suggestions;
    w->selection = selection_new(model_family(w->model)->maps[0]);
    w->sel = selection_chosen(w->selection);
    w->boxes_shown = 5;
    w->mouse = true;
    w->states = xcalloc((size_t)o->photo_count + 1, sizeof *w->states);
    edit_init(&w->query);
    edit_init(&w->open);
    edit_init(&w->command);
    edit_init(&w->filter);
    gfx_init(&w->gfx);
    open_pipe();
    w->checkpoint = w->model ? model_checkpoint_count(w->model) - 1 : 0;
    int rc = open_screen(w, o->graphics, err);
    if (rc == 0) {
        rc = begin(w, o, err);
        if (rc == 0)
            loop(w);
        leave_screen();
    }
    if (rc == 0 && w->failed)
        rc = vs_fail(err, VS_E_USAGE, "%s", w->status);
    close_all(w);
    free(w);
    return rc;
}

void workbench_print_keys(void)
{
    actions_print_mdoc();
}
