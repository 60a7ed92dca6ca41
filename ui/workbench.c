/* SPDX-License-Identifier: MIT */
/* The workbench: opening and closing the screen, and its loop. The screen never computes: queries
 * run in the engine's thread, and the keyboard is always heard. */
#include "ui/workbench.h"

#include "src/base/mem.h"
#include "ui/actions/actions.h"
#include "ui/jobs/attribute.h"
#include "ui/jobs/compare.h"
#include "ui/jobs/leave_one_out.h"
#include "ui/jobs/project.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
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

/* ---- the terminal */

/* The screen goes, and the terminal is as it was. Not all have a second screen: what is on ours is
 * wiped away. */
static void leave_screen(struct workbench *w)
{
    if (w->screen.away)
        return;
    gfx_leave(&w->screen.gfx);
    term_modes(false);
    term_mouse(false, false);
    clear();
    refresh();
    term_wait(&w->screen.input);
    endwin();
    term_give_back();
    w->screen.away = true;
}

static void workbench_suspend(struct workbench *w)
{
    /* SIGTSTP, unlike SIGSTOP, does nothing where no shell could wake us again. */
    struct sigaction stop = {.sa_handler = SIG_DFL}, old;
    leave_screen(w);
    sigaction(SIGTSTP, &stop, &old);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &old, NULL);
    got_resume = 1;
}

/* Whoever had the terminal meanwhile may have changed its modes, and its size. Where it was ended
 * while it was stopped, the terminal is still theirs, and what is on it. */
static void workbench_resume(struct workbench *w)
{
    got_resume = 0;
    if (got_end)
        return;
    w->screen.away = false;
    got_resize = 1;
    reset_prog_mode();
    term_modes(true);
    screen_mouse(w);
    w->screen.redraw = true;
}

/* curses' own handler of SIGWINCH would be missed when it comes just before poll: ours wakes the
 * loop through the pipe, and tells curses here. */
static void workbench_resize(struct workbench *w)
{
    int rows, cols;
    got_resize = 0;
    if (term_size(&rows, &cols))
        resizeterm(rows, cols);
    screen_ask(w);
    w->screen.redraw = true;
}

static void stopped_by_key(struct workbench *w)
{
    w->screen.suspend = false;
    workbench_suspend(w);
    workbench_resume(w);
    if (!w->screen.away)
        workbench_resize(w);
}

static void redraw_all(struct workbench *w)
{
    screen_measure(w, w->screen.gfx.term);
    clearok(curscr, TRUE);
    gfx_lost(&w->screen.gfx);
    links_lost(&w->screen.links);
    w->screen.redraw = false;
}

/* Of two waits, where -1 is for ever. */
static int sooner_of(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Until when the loop may sleep: ms, or -1. */
static int workbench_patience(const struct workbench *w, int script_ms, int compare_ms)
{
    const struct script *s = &w->script;
    if (script_ms >= 0)
        return sooner_of(script_ms, input_wait(&w->screen.input, vs_now_ms()));
    if (s->at && !s->pauses && (!s->waits || s->ready))
        return 0;
    int ms = w->logging.waits ? 50 : workbench_busy(w) ? 100 : -1;
    ms = sooner_of(ms, input_wait(&w->screen.input, vs_now_ms()));
    return sooner_of(ms, compare_ms);
}

/* Waits for a key, an event, a picture, a signal, or for the log's turn. False: the terminal is
 * gone. *sent: what came was sent by the terminal, and nothing else did. */
static bool wait_for_something(struct workbench *w, int ms, bool *sent)
{
    struct pollfd fds[5] = {{STDIN_FILENO, POLLIN, 0},
                            {wake[0], POLLIN, 0},
                            {w->ses.engine ? engine_fd(w->ses.engine) : -1, POLLIN, 0},
                            {w->screen.gfx.wake, POLLIN, 0},
                            {compare_fd(w), POLLIN, 0}};
    int n = poll(fds, 5, ms);
    char bytes[64];
    while (read(wake[0], bytes, sizeof bytes) > 0) {
    }
    *sent = n == 1 && fds[0].revents == POLLIN;
    return n <= 0 || !(fds[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void workbench_draw(struct workbench *w)
{
    if (w->screen.redraw)
        redraw_all(w);
    panes_draw(w);
    bool left = gfx_flush(&w->screen.gfx);
    w->script.ready = !left && !workbench_busy(w) && gfx_settled(&w->screen.gfx);
}

/* Whether the terminal has sent nothing but where the mouse is: then a line is written, or nothing.
 * A picture that gave way to it goes on. */
static bool only_points(struct workbench *w, bool sent)
{
    struct keys_taken taken = keys_take(w);
    if (!sent || taken.acted || w->script.at || w->screen.redraw)
        return false;
    if (taken.pointed)
        hover_draw(w);
    gfx_flush(&w->screen.gfx);
    return true;
}

/* Without a terminal nobody could do more than the script did; what it began is finished. */
static bool is_over(const struct workbench *w)
{
    return term_virtual() && !w->script.at && w->script.ready;
}

static void workbench_loop(struct workbench *w)
{
    bool alive = true, sent = false;
    int script_ms = -1, compare_ms = -1, log_ms = -1;
    double turned = vs_now_ms(); /* when the last whole turn was: a mouse that never rests ... */
    events_want_regions(w);
    workbench_draw(w);
    while (!w->quit && !got_end && alive && !is_over(w)) {
        int ms = workbench_patience(w, script_ms, sooner_of(compare_ms, log_ms));
        alive = wait_for_something(w, ms, &sent);
        if (atomic_exchange(&got_stop, 0))
            workbench_suspend(w);
        if (got_resume)
            workbench_resume(w);
        if (w->screen.away)
            break;
        if (got_resize)
            workbench_resize(w);
        if (only_points(w, sent) && (ms < 0 || vs_now_ms() - turned < ms))
            continue;
        turned = vs_now_ms(); /* ... keeps nothing else waiting */
        if (w->screen.suspend)
            stopped_by_key(w);
        events_take(w);
        events_want_regions(w);
        workbench_log(w, false);
        compare_ms = compare_tick(w);
        log_ms = logging_tick(w);
        script_ms = script_step(w);
        attribute_follow(w);
        if (!w->quit && !w->screen.away)
            workbench_draw(w);
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

/* The terminal, or a screen that nobody sees. */
static int take_screen(struct workbench *w, const struct term_screen *virtual, struct vs_err *err)
{
    int rc = virtual ? term_virtual_take(virtual, &w->screen.input, err) : 0;
    if (rc != 0)
        return rc;
    screen_name(w);
    rc = virtual ? 0 : term_take(err);
    if (rc != 0)
        return rc;
    watch_signals();
    if (!virtual)
        term_ask(&w->screen.input);
    return 0;
}

static int open_screen(struct workbench *w, const struct workbench_options *o, struct vs_err *err)
{
    int rc = take_screen(w, o->screen, err);
    if (rc != 0)
        return rc;
    w->screen.graphics = o->graphics;
    screen_terminal(w, &w->screen.input.term);
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    if (!screen_open(w)) {
        term_give_back();
        return vs_fail(err, VS_E_USAGE, "terminfo has neither '%s' (TERM) nor xterm-256color: "
                       "install ncurses-base, or set TERMINFO to a folder of entries",
                       getenv("TERM"));
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
        w->screen.started = true;
        draw_init_colors();
    }
    curs_set(0);
    return 0;
}

static void close_all(struct workbench *w)
{
    query_stop_studies(w);
    if (w->ses.engine)
        engine_cancel(w->ses.engine);
    engine_free(w->ses.engine);
    workbench_log(w, true);
    compare_free(w);
    project_forget(w);
    events_free_results(w);
    work_free(&w->work);
    free(w->asked.photos);
    panes_free(&w->panes);
    selection_free(w->selection);
    for (int i = 0; i < w->ses.photo_count; i++) {
        photo_free(w->ses.photos[i]);
        free(w->ses.states[i].boxes.boxes);
        canvas_free(w->ses.states[i].thumb);
    }
    free(w->ses.photos);
    free(w->ses.states);
    bindings_free(&w->bound);
    free(w->changes.list);
    typed_fini(&w->typed);
    script_fini(w);
    gfx_fini(&w->screen.gfx);
    links_fini(&w->screen.links);
    input_fini(&w->screen.input);
    for (int i = 0; i < 2; i++)
        if (wake[i] >= 0)
            close(wake[i]);
}

static void workbench_greet(struct workbench *w, const struct workbench_options *o)
{
    if (!w->ses.model)
        workbench_say(w, true, "%s", o->no_model ? o->no_model : "no model is open: start with -m "
                                                                 "DIR");
    else if (w->ses.photo_count == 0)
        workbench_say(w, false, "o opens an image");
    else if (o->no_log && strncmp(o->no_log, "not logged", 10) == 0)
        workbench_say(w, true, "%s", o->no_log);
    else
        workbench_say(w, false, "/ to type a query");
}

/* The first things to do, by what was asked for. */
static int workbench_begin(struct workbench *w, const struct workbench_options *o,
                           struct vs_err *err)
{
    int rc = 0;
    panes_init(w);
    workbench_greet(w, o);
    logging_open(w);
    if (w->ses.model)
        rc = engine_new(w->ses.model, &w->ses.engine, err);
    screen_mouse(w);
    conf_load(w);
    w->screen.redraw = false;
    if (rc == 0 && o->script)
        rc = script_open(w, o->script, err);
    else if (rc == 0 && o->lines)
        script_lines(w, o->lines);
    w->script.strict = rc == 0 && w->script.at && !o->tour;
    if (rc == 0 && o->begin && !o->script)
        query_suggest(w, NULL);
    bool asks = rc == 0 && o->probes && trend_ask(w, o->probes);
    bool watches = rc == 0 && o->watch && trend_watch(w, o->watch);
    if (asks || watches)
        panes_show(&w->panes, view_find("trend"));
    return rc;
}

int workbench_run(const struct workbench_options *o, struct vs_err *err)
{
    struct workbench *w = xcalloc(1, sizeof *w);
    w->ses.model = o->model;
    w->ses.log = o->log;
    w->ses.photos = o->photos;
    w->ses.photo_count = o->photo_count;
    w->ses.task = o->task;
    w->ses.suggestions = o->suggestions;
    w->selection = selection_new(model_family(w->ses.model)->maps[0]);
    w->sel = selection_chosen(w->selection);
    w->how.boxes = 5;
    w->screen.mouse = true;
    w->actions = actions_all();
    w->ses.states = xcalloc((size_t)o->photo_count + 1, sizeof *w->ses.states);
    typed_init(&w->typed);
    gfx_init(&w->screen.gfx);
    open_pipe();
    w->ses.checkpoint = w->ses.model ? model_checkpoint_count(w->ses.model) - 1 : 0;
    int rc = open_screen(w, o, err);
    if (rc == 0) {
        rc = workbench_begin(w, o, err);
        if (rc == 0)
            workbench_loop(w);
        leave_screen(w);
    }
    if (rc == 0 && w->script.failed)
        rc = vs_fail(err, VS_E_USAGE, "%s", w->status.text);
    close_all(w);
    free(w);
    return rc;
}

static bool has_figure(const struct view *v)
{
    return v && (v->figure || v->table);
}

bool workbench_has_figure(const char *view)
{
    return has_figure(view_find(view));
}

bool workbench_figure_asks(const char *view)
{
    const struct view *v = view_find(view);
    return !v || !v->logged;
}

char *workbench_figures(void)
{
    struct buf b = {0};
    for (int i = 0; all_views[i]; i++)
        if (has_figure(all_views[i]))
            buf_printf(&b, "%s%s", b.len ? ", " : "", all_views[i]->name);
    return buf_steal(&b);
}

void workbench_print_keys(void)
{
    actions_print_mdoc();
}
