/* SPDX-License-Identifier: MIT */
/* A terminal for tests. Escape sequences that libvterm must not see (questions, sixels) are taken
 * out of the stream first. */
#include "pixels.h"
#include "protocols.h"
#include "resting.h"

#include "tap.h" /* only where the sources are: what is asserted is the tests' */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <utmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void reply(struct terminal *t, const char *text)
{
    static const char *const noise[] = {"\033[I", "\033]11;rgb:00/00/00\033\\", "\033[?997;1n"};
    if (t->kind.late || t->kind.gap) {
        size_t len = t->late ? strlen(t->late) : 0;
        t->late = realloc(t->late, len + strlen(text) + 1);
        strcpy(t->late + len, text);
        return;
    }
    if (t->kind.noisy && write(t->fd, noise[t->bytes % 3], strlen(noise[t->bytes % 3])) < 0)
        t->kind.mute = true;
    if (!t->kind.mute && write(t->fd, text, strlen(text)) < 0)
        t->kind.mute = true;
}

/* ---- modes */

static const int known_modes[] = {25, 1000, 1002, 1003, 1006, 1049, 2004, 2026, 2031, 1};
#define MODES (int)(sizeof known_modes / sizeof known_modes[0])

/* "ESC [ ? 1006 ; 1000 h" */
static void take_modes(struct terminal *t, const char *s)
{
    char last = s[strlen(s) - 1];
    if (strncmp(s, "\033[?", 3) != 0 || (last != 'h' && last != 'l'))
        return;
    for (s += 3; *s;) {
        char *end;
        long n = strtol(s, &end, 10);
        t->left += n == 1049 && last == 'l';
        for (int i = 0; i < MODES; i++)
            if (known_modes[i] == n)
                t->modes = last == 'h' ? t->modes | 1u << i : t->modes & ~(1u << i);
        s = *end ? end + 1 : end;
    }
}

bool terminal_mode(const struct terminal *t, int number)
{
    for (int i = 0; i < MODES; i++)
        if (known_modes[i] == number)
            return t->modes >> i & 1;
    return false;
}

bool terminal_restored(const struct terminal *t, char *why, int size)
{
    struct termios now;
    int n = 0;
    why[0] = '\0';
    for (int i = 0; i < MODES && n < size; i++)
        if ((t->modes >> i & 1) != (known_modes[i] == 25))
            n += snprintf(why + n, (size_t)(size - n), "mode ?%d ", known_modes[i]);
    if (tcgetattr(t->fd, &now) != 0 || now.c_lflag != t->line.c_lflag ||
        now.c_iflag != t->line.c_iflag || now.c_oflag != t->line.c_oflag)
        snprintf(why + n, n < size ? (size_t)(size - n) : 0, "line");
    return !why[0];
}

/* ---- escape sequences */

static bool csi_done(const char *s, int len)
{
    return len > 2 && s[len - 1] >= 0x40 && s[len - 1] <= 0x7e;
}

/* A whole CSI sequence: answers our program's questions; true when libvterm must not see it. */
static bool answer(struct terminal *t, const char *s)
{
    if (strcmp(s, "\033[c") == 0) {
        reply(t, t->kind.sixel ? "\033[?63;1;2;4;6c" : "\033[?64;1;2;6;9c");
        return true;
    }
    if (strcmp(s, "\033[>q") == 0) {
        char text[128];
        snprintf(text, sizeof text, "\033P>|%s\033\\", t->kind.name ? t->kind.name : "");
        if (t->kind.name)
            reply(t, text);
        return true;
    }
    if (strcmp(s, "\033[16t") == 0) {
        reply(t, "\033[6;16;8t");
        return true;
    }
    if (t->kind.window && strcmp(s, "\033[?2;1;0S") == 0) {
        char size[64];
        snprintf(size, sizeof size, "\033[?2;0;%d;%dS", t->cols * CELL_W, t->rows * CELL_H);
        reply(t, size);
        return true;
    }
    if (strcmp(s, "\033[?1;1;0S") == 0 || strcmp(s, "\033[?2;1;0S") == 0) {
        reply(t, s[3] == '1' ? "\033[?1;0;256S" : "\033[?2;0;1000;800S");
        return true;
    }
    if (t->kind.motion && strcmp(s, "\033[?1003$p") == 0)
        reply(t, "\033[?1003;2$y");
    return (s[2] == '?' && s[strlen(s) - 1] == 'S') || strchr(s, '$') || strstr(s, "?2026") ||
           strstr(s, "?2031") || strstr(s, "?1003");
}

/* What stands between the introducer of a string and its end; tmux 3.3 does not know the
 * background, and hands on what is wrapped. */
static void take_string(struct terminal *t, char introducer, char *text, bool wrapped)
{
    char out[128];
    if (introducer == 'P' && strncmp(text, "tmux;\033\033", 7) == 0 && t->kind.tmux) {
        char *to = text;
        for (char *s = text + 5; *s; s++, to++) { /* every Escape came twice */
            s += s[0] == '\033' && s[1] == '\033';
            *to = *s;
        }
        to[-2] = '\0'; /* ESC \ */
        take_string(t, text[1], text + 2, true);
    } else if (introducer == 'P' && text[strspn(text, "0123456789;")] == 'q') {
        pixels_take(t, strchr(text, 'q') + 1);
    } else if (introducer == 'P' && strcmp(text, "$qm") == 0 && t->kind.color) {
        snprintf(out, sizeof out, "\033P1$r%sm\033\\", t->kind.color);
        reply(t, out);
    } else if (introducer == '_' && text[0] == 'G') {
        if (protocols_kitty(t, text + 1, out, sizeof out) && (t->kind.kitty || t->kind.tmux))
            reply(t, out);
    } else if (introducer == ']' && strncmp(text, "11;?", 4) == 0 && t->kind.back &&
               (wrapped || !t->kind.tmux)) {
        snprintf(out, sizeof out, "\033]11;%s\033\\", t->kind.back);
        reply(t, out);
    } else if (introducer == ']' && strcmp(text, "1337;ReportCellSize") == 0 && t->kind.iterm2) {
        reply(t, "\033]1337;ReportCellSize=16.0;8.0;1.0\033\\");
    } else if (introducer == ']' && strncmp(text, "1337;File=", 10) == 0) {
        protocols_iterm2(t, text + 10);
    }
}

/* Inside tmux nothing else is a question to the terminal around it. */
static bool is_string(char c)
{
    return c && strchr("P_]^X", c);
}

static void feed(struct terminal *t, char c)
{
    bool string = t->len > 1 && (t->seq[1] == 'P' || t->seq[1] == '_'); /* pictures */
    if (t->said_len < (int)sizeof t->said - 1 && !string)
        t->said[t->said_len++] = c;
    t->said[t->said_len] = '\0';
    if (t->len == 0 && c != 033) {
        vterm_input_write(t->vt, &c, 1);
        return;
    }
    if (t->len < (int)sizeof t->seq - 1)
        t->seq[t->len++] = c;
    t->seq[t->len] = '\0';
    string = t->len > 1 && is_string(t->seq[1]);
    bool csi = t->len > 1 && t->seq[1] == '[';
    bool wrapped = string && strncmp(t->seq, "\033Ptmux;", 7) == 0;
    bool end = c == '\\' && t->len > 2 && t->seq[t->len - 2] == 033 &&
               !(wrapped && t->seq[t->len - 3] == 033);
    bool done = string ? end || (c == 7 && t->seq[1] == ']')
                : csi  ? csi_done(t->seq, t->len)
                       : t->len > 1;
    if (!done)
        return;
    if (string) {
        t->seq[t->len - (c == 7 ? 1 : 2)] = '\0';
        take_string(t, t->seq[1], t->seq + 2, false);
    } else if (!(csi && (take_modes(t, t->seq), answer(t, t->seq)))) {
        /* ESC ( 0 and the like have one byte more: libvterm waits for it by itself. */
        vterm_input_write(t->vt, t->seq, (size_t)t->len);
    }
    t->len = 0;
}

/* ---- the program */

/* Whatever text writes to a cell wipes the picture from it. */
static int on_damage(VTermRect r, void *user)
{
    struct terminal *t = user;
    int right = r.end_col * CELL_W < MAX_W ? r.end_col * CELL_W : MAX_W;
    for (int y = r.start_row * CELL_H; y < r.end_row * CELL_H && y < MAX_H; y++)
        for (int x = r.start_col * CELL_W; x < right; x++)
            t->painted[y][x] = false;
    return 1;
}

/* Scrolling loses pixels in some terminals, and moves them in others: nothing may rely on it. */
static int on_move(VTermRect to, VTermRect from, void *user)
{
    on_damage(to, user);
    on_damage(from, user);
    return 0;
}

static const VTermScreenCallbacks callbacks = {.damage = on_damage, .moverect = on_move};

struct terminal *terminal_start(const char *const *argv, int rows, int cols, bool sixel, bool mute)
{
    const struct terminal_kind kind = {.sixel = sixel, .mute = mute};
    return terminal_start_as(argv, rows, cols, &kind);
}

struct terminal *terminal_start_as(const char *const *argv, int rows, int cols,
                                   const struct terminal_kind *kind)
{
    struct terminal *t = calloc(1, sizeof *t);
    struct winsize w = {(unsigned short)rows, (unsigned short)cols,
                        (unsigned short)(cols * CELL_W), (unsigned short)(rows * CELL_H)};
    if (!t)
        return NULL;
    if (kind->says) {
        w.ws_row = (unsigned short)kind->rows;
        w.ws_col = (unsigned short)kind->cols;
    }
    t->rows = rows;
    t->cols = cols;
    t->kind = *kind;
    t->vt = vterm_new(rows, cols);
    vterm_set_utf8(t->vt, 1);
    t->screen = vterm_obtain_screen(t->vt);
    vterm_screen_enable_altscreen(t->screen, !t->kind.flat);
    vterm_screen_set_callbacks(t->screen, &callbacks, t);
    vterm_screen_set_damage_merge(t->screen, VTERM_DAMAGE_CELL);
    vterm_screen_reset(t->screen, 1);
    t->modes = 1; /* the cursor */
    int line = -1; /* asked before the program can change it */
    t->pid = openpty(&t->fd, &line, NULL, NULL, &w) == 0 && tcgetattr(line, &t->line) == 0 ? fork()
                                                                                          : -1;
    if (t->pid == 0) {
        close(t->fd);
        login_tty(line);
        setenv("TERM", kind->term ? kind->term : "xterm-256color", 1);
        unsetenv("COLORTERM");
        unsetenv("VILSCOPE_CONNECT"); /* else a server of one's own would compute */
        unsetenv("VILSCOPE_SSH");
        if (kind->colorterm)
            setenv("COLORTERM", kind->colorterm, 1);
        setenv("TMUX", kind->tmux ? "/tmp/tmux,1,0" : "", 1);
        unsetenv("KITTY_WINDOW_ID");
        unsetenv("GHOSTTY_RESOURCES_DIR");
        unsetenv("TERM_PROGRAM");
        setenv("LC_ALL", "C.UTF-8", 1);
        setenv("VILSCOPE_FONT", "built-in", 0); /* the same letters on every machine */
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(line);
    return t;
}

static void pass(int ms)
{
    struct timespec ts = {.tv_nsec = ms * 1000000L};
    nanosleep(&ts, NULL);
}

static long now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int read_some(struct terminal *t, int ms);

void terminal_send(struct terminal *t, const char *bytes, size_t len)
{
    int flags = fcntl(t->fd, F_GETFL);
    long end = now_ms() + TERMINAL_PATIENCE_MS;
    fcntl(t->fd, F_SETFL, flags | O_NONBLOCK);
    while (len > 0 && now_ms() < end) {
        ssize_t n = write(t->fd, bytes, len);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            break;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        if (n <= 0 && read_some(t, 5) < 0)
            break;
    }
    fcntl(t->fd, F_SETFL, flags);
}

void terminal_type(struct terminal *t, const char *keys)
{
    if (t->kind.delay)
        pass(t->kind.delay);
    if (write(t->fd, keys, strlen(keys)) < 0)
        perror("terminal_type");
}

void terminal_resize(struct terminal *t, int rows, int cols)
{
    struct winsize w = {(unsigned short)rows, (unsigned short)cols,
                        (unsigned short)(cols * CELL_W), (unsigned short)(rows * CELL_H)};
    if (rows > 0 && cols > 0 && rows < 1000 && cols < 1000) { /* or it only says so */
        t->rows = rows;
        t->cols = cols;
        vterm_set_size(t->vt, rows, cols);
    }
    ioctl(t->fd, TIOCSWINSZ, &w);
    kill(t->pid, SIGWINCH);
}

/* How much of the answers that come in pieces was not sent. */
static size_t answers_left(const struct terminal *t)
{
    return t->kind.gap && t->late ? strlen(t->late) - t->late_at : 0;
}

/* Sends the next piece of the answers when its time has come. Returns ms until the next, or -1. */
static int send_piece(struct terminal *t)
{
    size_t left = answers_left(t);
    if (left == 0)
        return -1;
    long wait = t->piece_at + t->kind.gap - now_ms();
    if (wait > 0)
        return (int)wait;
    size_t n = left < (size_t)t->kind.piece ? left : (size_t)t->kind.piece;
    if (write(t->fd, t->late + t->late_at, n) < 0)
        t->kind.mute = true;
    t->late_at += n;
    t->piece_at = now_ms();
    return t->kind.gap;
}

/* What is there within ms; -1 when the program has ended. */
static int read_some(struct terminal *t, int ms)
{
    struct pollfd p = {t->fd, POLLIN, 0};
    char bytes[65536];
    size_t most = sizeof bytes;
    int piece = send_piece(t);
    ms = piece >= 0 && piece < ms ? piece : ms;
    if (t->kind.bytes_a_second) { /* a line's worth at a time */
        most = 512;
        pass((int)(1000 * 512 / t->kind.bytes_a_second));
    }
    if (poll(&p, 1, ms) <= 0)
        return 0;
    ssize_t n = read(t->fd, bytes, most);
    t->bytes += n > 0 ? n : 0;
    for (ssize_t i = 0; i < n; i++)
        feed(t, bytes[i]);
    return n > 0 ? (int)n : -1;
}

bool terminal_read(struct terminal *t, int ms)
{
    long end = now_ms() + ms;
    for (long left; (left = end - now_ms()) > 0;)
        if (read_some(t, (int)left) < 0)
            return false;
    return true;
}

void terminal_row(const struct terminal *t, int row, char *out, int size)
{
    VTermRect r = {.start_row = row, .end_row = row + 1, .start_col = 0, .end_col = t->cols};
    size_t n = vterm_screen_get_text(t->screen, out, (size_t)size - 1, r);
    out[n] = '\0';
}

/* A border is bold where the pane has the keys. */
static char sign(const VTermScreenCell *cell)
{
    uint32_t c = cell->chars[0];
    if (c == 0x2502)
        return cell->attrs.bold ? '!' : '|';
    return c == 0 || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) ? ' ' : c < 128 ? (char)c : '~';
}

static void put(char *out, int *n, int size, char c)
{
    char last = *n ? out[*n - 1] : ' ';
    if (*n + 1 < size && (c != last || (c != ' ' && c != '~')))
        out[(*n)++] = c;
}

void terminal_drawn(const struct terminal *t, int row, char *out, int size)
{
    int n = 0;
    bool reverse = false;
    for (int col = 0; col < t->cols; col++) {
        VTermScreenCell cell;
        VTermPos pos = {.row = row, .col = col};
        vterm_screen_get_cell(t->screen, pos, &cell);
        if (cell.attrs.reverse != reverse)
            put(out, &n, size, reverse ? '}' : '{');
        reverse = cell.attrs.reverse;
        put(out, &n, size, sign(&cell));
    }
    out[n] = '\0';
}

bool terminal_cursor(const struct terminal *t, int *row)
{
    VTermPos pos;
    vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &pos);
    *row = pos.row;
    return terminal_mode(t, 25);
}

void terminal_mark(struct terminal *t)
{
    t->said_len = 0;
    t->said[0] = '\0';
}

int terminal_row_of(const struct terminal *t, const char *text)
{
    char row[8192];
    for (int i = 0; i < t->rows; i++) {
        terminal_row(t, i, row, sizeof row);
        if (strstr(row, text))
            return i;
    }
    return -1;
}

bool terminal_has(const struct terminal *t, const char *text)
{
    return terminal_row_of(t, text) >= 0;
}

bool terminal_expect(struct terminal *t, const char *text)
{
    long end = now_ms() + TERMINAL_PATIENCE_MS;
    while (!terminal_has(t, text)) {
        long left = end - now_ms();
        if (left <= 0)
            tap_note("waited in vain for: %s", text);
        if (left <= 0 || read_some(t, (int)left) < 0)
            return terminal_has(t, text);
    }
    return true;
}

bool terminal_cell_color(const struct terminal *t, int row, int col, uint32_t sign,
                         uint8_t rgb[3])
{
    VTermScreenCell cell;
    VTermPos pos = {.row = row, .col = col};
    if (!vterm_screen_get_cell(t->screen, pos, &cell) || cell.chars[0] != sign)
        return false;
    vterm_screen_convert_color_to_rgb(t->screen, &cell.fg);
    rgb[0] = cell.fg.rgb.red;
    rgb[1] = cell.fg.rgb.green;
    rgb[2] = cell.fg.rgb.blue;
    return true;
}

void terminal_settle(struct terminal *t, int quiet_ms)
{
    long end = now_ms() + TERMINAL_PATIENCE_MS, quiet = now_ms() + quiet_ms;
    for (long left; (left = quiet - now_ms()) > 0 && now_ms() < end;) {
        int n = read_some(t, (int)left);
        if (n < 0)
            return;
        if (n > 0 || answers_left(t) || (now_ms() >= quiet && process_works(t->pid)))
            quiet = now_ms() + quiet_ms;
    }
}

int terminal_wait(struct terminal *t)
{
    return terminal_wait_ms(t, TERMINAL_PATIENCE_MS);
}

int terminal_wait_ms(struct terminal *t, int ms)
{
    int status = -1;
    long end = now_ms() + ms;
    if (t->ended)
        return t->status;
    t->ended = true;
    while (now_ms() < end && waitpid(t->pid, &status, WNOHANG) == 0)
        read_some(t, 20);
    if (now_ms() >= end) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, &status, 0);
        status = -1;
    }
    while (read_some(t, 20) > 0) { /* its last words */
    }
    t->status = status;
    return status;
}

void terminal_free(struct terminal *t)
{
    close(t->fd);
    vterm_free(t->vt);
    protocols_free(t);
    free(t->late);
    free(t);
}

int terminal_end(struct terminal *t)
{
    int status = terminal_wait(t);
    terminal_free(t);
    return status;
}

bool terminal_ends(struct terminal *t)
{
    int status = terminal_end(t);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void terminal_opens(enum terminal_model what)
{
    const char *dir = what == FROZEN_MODEL ? FROZEN : "demo/model";
    char *path = what == NO_MODEL ? NULL : realpath(source_path(dir), NULL);
    setenv("VILSCOPE_DEMO", path ? path : "none", 1);
    free(path);
}

void terminal_measure(const char *log)
{
    char command[9000];
    char *dir = realpath(source_path(FROZEN), NULL);
    snprintf(command, sizeof command, "'%s' eval -m '%s' --data '%s/queries.jsonl' -c early"
             " -c final --limit 3 --threads 1 --log '%s' >/dev/null 2>&1", terminal_program(),
             dir ? dir : "", dir ? dir : "", log);
    if (system(command) != 0)
        tap_note("nothing was measured: %s", command);
    free(dir);
}

const char *terminal_program(void)
{
    const char *program = getenv("VILSCOPE");
    return program ? program : "./vilscope";
}

struct terminal *terminal_demo(int rows, int cols)
{
    const char *argv[] = {terminal_program(), "--no-log", "--threads", "1", NULL};
    terminal_opens(FROZEN_MODEL);
    struct terminal *t = terminal_start(argv, rows, cols, true, false);
    terminal_expect(t, "1/24");
    terminal_expect(t, "answered");
    return t;
}

void terminal_command(struct terminal *t, const char *fmt, ...)
{
    char line[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    terminal_type(t, ":");
    terminal_read(t, 20);
    terminal_type(t, line);
    terminal_type(t, "\r");
    terminal_settle(t, 120);
}

bool terminal_goes(struct terminal *t, const char *text)
{
    TERMINAL_UNTIL(t, !terminal_has(t, text));
    bool gone = !terminal_has(t, text);
    if (!gone)
        tap_note("waited in vain for the end of: %s", text);
    return gone;
}
