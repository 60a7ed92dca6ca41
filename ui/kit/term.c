/* SPDX-License-Identifier: MIT */
/* What the terminal can do.
 *
 * Source: ECMA-48; xterm's ctlseqs (DA1, XTWINOPS 14/16, XTSMGRAPHICS, DECRQM,
 * DECRQSS). */
#include "ui/kit/term.h"

#include "src/formats/guard.h"
#include "src/base/mem.h"
#include "ui/kit/input.h"
#include "ui/kit/term_virtual.h"
#include "ui/kit/way.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Cell size, 256 registers please, how many are there, largest image, modes 2026 and 1003. */
#define SIZES "\033[16t\033[?1;3;256S\033[?1;1;0S\033[?2;1;0S\033[?2026$p\033[?1003$p"
/* Its name; 24 bits of color; its background; what iTerm2 can do. */
#define STRINGS "\033[>q\033P+q524742\033\\" COLOR BACKGROUND "\033]1337;ReportCellSize\033\\"
/* A color of 24 bits is set, and it is asked which one is: xterm, unless told to, does not say it
 * otherwise. */
#define COLOR "\033[48;2;1;2;3m\033P$qm\033\\\033[m"
#define BACKGROUND "\033]11;?\033\\"
/* Of kitty's graphics: a picture of one pixel that is not to be kept; and whether placeholders are
 * known ("e" asks to name the keys that are; older ones know U, but not e). */
#define KITTY "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\"
#define KITTY_TEXT "\033_Gi=32,s=1,v=1,a=q,t=d,f=24,U=1,e=1;AAAA\033\\"
#define KITTY_OLDER "\033_Gi=33,s=1,v=1,a=q,t=d,f=24,U=1;AAAA\033\\"
/* Who are you: all know this one, and answer in order. */
#define LAST "\033[c"
/* What a terminal shows of questions that it does not know is wiped away. */
#define WIPE "\r\033[K"

/* ---- replies */

/* "6;19;9" -> 6, 19, 9; the count. */
static int term_numbers(const char *s, int *out, int max)
{
    int n = 0;
    while (n < max) {
        long x = 0;
        while (*s >= '0' && *s <= '9') {
            x = x < 100000 ? 10 * x + (*s - '0') : x;
            s++;
        }
        out[n++] = (int)x;
        if (*s != ';')
            break;
        s++;
    }
    return n;
}

static void graphics_reply(struct term *t, const int *v, int n)
{
    if (n >= 3 && v[0] == 1 && v[1] == 0)
        t->registers = v[2];
    if (n >= 4 && v[0] == 2 && v[1] == 0) {
        t->max_w = v[2];
        t->max_h = v[3];
    }
}

/* "rgb:ffff/0000/8080", in 1 to 4 digits, or "rgba:": the high bytes. */
static bool color_reply(const char *s, uint8_t out[3])
{
    s += strncmp(s, "rgba:", 5) == 0 ? 5 : strncmp(s, "rgb:", 4) == 0 ? 4 : 0;
    for (int i = 0; i < 3; i++, s += *s == '/') {
        size_t n = strspn(s, "0123456789abcdefABCDEF");
        if (n < 1 || n > 4 || (i < 2 && s[n] != '/'))
            return false;
        unsigned long x = strtoul(s, NULL, 16);
        out[i] = (uint8_t)(x * 255 / ((1ul << (4 * n)) - 1));
        s += n;
    }
    return true;
}

/* Older ones of these know placeholders, and not the question for them; their names are in the
 * environment inside tmux, too. Names alone decide nothing: a picture with the key of placeholders
 * was answered, which kitty before 0.28 takes for malformed. */
static bool is_known_for_placeholders(void)
{
    const char *program = getenv("TERM_PROGRAM");
    return getenv("KITTY_WINDOW_ID") || getenv("GHOSTTY_RESOURCES_DIR") ||
           (program && strcmp(program, "ghostty") == 0);
}

/* "Gi=32,U=1,e=1;OK" */
static void kitty_reply(struct term *t, const char *text)
{
    const char *end = strchr(text, ';');
    bool good = end && strcmp(end, ";OK") == 0;
    if (strncmp(text, "Gi=31", 5) == 0)
        t->kitty = good;
    if (strncmp(text, "Gi=33", 5) == 0)
        t->kitty_text |= good && is_known_for_placeholders();
    const char *u = strstr(text, "U=1"), *e = strstr(text, "e=1");
    if (strncmp(text, "Gi=32", 5) == 0)
        t->kitty_text |= good && u && e && u < end && e < end;
    t->passes |= t->tmux;
}

/* "1$r0;48:2::1:2:3m": the color that COLOR sets; it is rounded where there are 256. */
static bool is_exact_color(const char *s)
{
    static const char *const numbers[] = {"48", "2", "1", "2", "3"};
    s = strstr(s, "48");
    for (size_t i = 0; s && i < sizeof numbers / sizeof numbers[0]; i++) {
        size_t n = strlen(numbers[i]);
        s = strncmp(s, numbers[i], n) == 0 ? s + n + strspn(s + n, ":;") : NULL;
    }
    return s && *s == 'm';
}

bool term_string(struct term *t, char introducer, const char *text)
{
    uint8_t color[3];
    if (introducer == '_' && text[0] == 'G') {
        kitty_reply(t, text);
    } else if (introducer == 'P' && strncmp(text, ">|", 2) == 0) {
        snprintf(t->name, sizeof t->name, "%.63s", text + 2);
        t->tmux |= strncmp(text + 2, "tmux", 4) == 0;
        t->motion |= t->tmux; /* it has had it for long, and is asked in vain by older questions */
    } else if (introducer == 'P' && strncmp(text, "1+r524742", 9) == 0) {
        t->rgb = true;
    } else if (introducer == 'P' && strncmp(text, "1$r", 3) == 0) {
        t->rgb |= is_exact_color(text + 3);
    } else if (introducer == ']' && strncmp(text, "11;", 3) == 0 && color_reply(text + 3, color)) {
        memcpy(t->back, color, 3);
        t->back_known = true;
    } else if (introducer == ']' && strncmp(text, "1337;ReportCellSize=", 20) == 0) {
        t->iterm2 = true;
    } else {
        return false;
    }
    return true;
}

bool term_reply(struct term *t, const char *seq)
{
    int v[32] = {0}, n;
    size_t len = strlen(seq);
    char last = len ? seq[len - 1] : '\0';
    bool asked = seq[0] == '?';
    n = term_numbers(seq + asked, v, 32);
    if (asked && last == 'c') {
        for (int i = 1; i < n; i++) /* the first is the terminal's class */
            t->sixel |= v[i] == 4;
    } else if (asked && last == 'S') {
        graphics_reply(t, v, n);
    } else if (asked && last == 'y') {
        t->sync |= n >= 2 && v[0] == 2026 && (v[1] == 1 || v[1] == 2);
        t->motion |= n >= 2 && v[0] == 1003 && (v[1] == 1 || v[1] == 2);
    } else if (asked && last == 'n' && n == 2 && v[0] == 997) {
        t->scheme = v[1] == 2 ? 2 : 1;
    } else if (last == 't' && seq[0] >= '0' && seq[0] <= '9') {
        if (n >= 3 && v[0] == 6) {
            t->cell_h = v[1];
            t->cell_w = v[2];
        }
    } else {
        return false;
    }
    return true;
}

void term_settle(struct term *t)
{
    if (t->cell_w < 4 || t->cell_w > 64 || t->cell_h < 4 || t->cell_h > 128)
        t->cell_w = t->cell_h = 0;
    if (t->registers < 2 || t->registers > 65536)
        t->registers = 16;
    if (t->max_w < 16 || t->max_w > 10000 || t->max_h < 16 || t->max_h > 10000)
        t->max_w = t->max_h = 1000;
}

/* ---- asking */

/* How long a start waits for answers, which may come later, too. Before the terminal is given back
 * they would be typed into the shell: then it is waited as long as more of them come. */
enum { ANSWERS_MS = 300, LAST_ANSWERS_MS = 1500, LAST_OF_ALL_MS = 8000 };

/* Waits ms for the answers, and as long again after each piece of them, until most_ms are over. */
static void listen_to(struct input *in, int ms, int most_ms)
{
    double begin = vs_now_ms(), end = begin + ms, left;
    while (!in->replied && !input_full(in) && (left = end - vs_now_ms()) > 0) {
        struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
        char bytes[256];
        int n = poll(&fd, 1, (int)left + 1);
        if (n < 0 && errno == EINTR)
            continue;
        ssize_t got = n > 0 ? read(STDIN_FILENO, bytes, sizeof bytes) : 0;
        if (got <= 0)
            return;
        input_feed(in, bytes, (size_t)got, vs_now_ms());
        end = vs_now_ms() + ms < begin + most_ms ? vs_now_ms() + ms : begin + most_ms;
    }
}

bool term_write_all(const char *s, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, s, len);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd fd = {STDOUT_FILENO, POLLOUT, 0};
            poll(&fd, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            s += n;
            len -= (size_t)n;
        }
    }
    return true;
}

void term_measure(struct term *t)
{
    const struct term_screen *virtual = term_virtual();
    struct winsize w;
    if (virtual) {
        t->cell_w = virtual->cell_w;
        t->cell_h = virtual->cell_h;
    } else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_xpixel && w.ws_ypixel &&
               w.ws_col && w.ws_row) {
        t->cell_w = w.ws_xpixel / w.ws_col;
        t->cell_h = w.ws_ypixel / w.ws_row;
    }
    term_settle(t);
}

#define MOST_ROWS 500
#define MOST_COLS 1000

bool term_size(int *rows, int *cols)
{
    const struct term_screen *virtual = term_virtual();
    struct winsize w = {0};
    if (virtual) {
        w.ws_row = (unsigned short)virtual->rows;
        w.ws_col = (unsigned short)virtual->cols;
    } else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || !w.ws_row || !w.ws_col)
        return false;
    *rows = w.ws_row < MOST_ROWS ? w.ws_row : MOST_ROWS;
    *cols = w.ws_col < MOST_COLS ? w.ws_col : MOST_COLS;
    return true;
}

/* ---- the terminal is taken, and given back */

static struct termios saved;
static bool taken;

/* End of any string, end of synchronised output, no marks around pasted text, no reports of the
 * mouse, attributes off, cursor on, keypad off, main screen. */
static const char restore[] = "\033\\\033[?2026l\033[?2031l\033[?2004l"
                              "\033[?1006l\033[?1003l\033[?1002l\033[?1000l\033[0m"
                              "\033[?25h\033[?1l\033>\033[?1049l\r\n";

static void on_fault(int number)
{
    ssize_t n = write(STDOUT_FILENO, restore, sizeof restore - 1);
    (void)n;
    tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    signal(number, SIG_DFL);
    raise(number);
}

/* A stack of their own: they may come when the stack has ended. */
static void term_guard(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    static char room[32768];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    bool other = sigaltstack(&stack, NULL) == 0;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct sigaction a = {.sa_handler = on_fault,
                              .sa_flags = (int)SA_RESETHAND | (other ? SA_ONSTACK : 0)};
        if (faults[i] == SIGBUS)
            guard_otherwise(&a); /* that of a file cut short is no fault of ours */
        else
            sigaction(faults[i], &a, NULL);
    }
}

int term_take(struct vs_err *err)
{
    struct termios raw;
    const char *name = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0)
        return vs_fail(err, VS_E_USAGE, "the workbench needs a terminal; without one, "
                       "\"vilscope -S FILE\" runs a script, \"vilscope query\" asks");
    if (!name || !name[0] || strcmp(name, "dumb") == 0)
        return vs_fail(err, VS_E_USAGE, "TERM is '%s': the workbench needs a terminal that can "
                       "place text", name ? name : "");
    term_guard();
    raw = saved;
    cfmakeraw(&raw);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
        return vs_fail(err, VS_E_IO, "the terminal cannot be set up: %s", strerror(errno));
    taken = true;
    return 0;
}

/* tmux and screen take the sequence of kitty's graphics for a title. */
static bool is_inside_tmux(void)
{
    const char *name = getenv("TERM"), *tmux = getenv("TMUX");
    return (tmux && tmux[0]) || (name && (strncmp(name, "tmux", 4) == 0));
}

static bool is_terminal_with_strings(void)
{
    const char *name = getenv("TERM");
    return name && strncmp(name, "linux", 5) != 0 && strncmp(name, "screen", 6) != 0;
}

/* All that a terminal is asked. */
static void term_questions(bool tmux, struct buf *out)
{
    buf_puts(out, SIZES);
    if (tmux || is_terminal_with_strings()) {
        buf_puts(out, STRINGS);
        if (tmux) /* 3.3 has no answer of its own, and hands on the terminal's */
            kitty_pass(BACKGROUND, sizeof BACKGROUND - 1, tmux, out);
        kitty_pass(KITTY, sizeof KITTY - 1, tmux, out);
        kitty_pass(KITTY_TEXT, sizeof KITTY_TEXT - 1, tmux, out);
        kitty_pass(KITTY_OLDER, sizeof KITTY_OLDER - 1, tmux, out);
    }
    buf_puts(out, LAST WIPE);
}

static bool put_questions(const struct input *in)
{
    struct buf text = {0};
    term_questions(in->term.tmux, &text);
    bool written = term_write_all(text.data, text.len);
    buf_fini(&text);
    return written;
}

void term_ask(struct input *in)
{
    in->term.tmux = is_inside_tmux();
    if (put_questions(in))
        listen_to(in, ANSWERS_MS, ANSWERS_MS);
}

void term_ask_anew(struct input *in)
{
    struct term *t = &in->term;
    t->sixel = t->kitty = t->kitty_text = t->iterm2 = t->passes = false;
    t->name[0] = '\0';
    in->replied = !put_questions(in);
}

void term_ask_color(void)
{
    if (is_terminal_with_strings())
        term_write_all(BACKGROUND, sizeof BACKGROUND - 1);
}

void term_ask_again(struct input *in)
{
    static const char again[] = "\033[16t\033[?2;1;0S\033[c";
    in->replied = !term_write_all(again, sizeof again - 1);
}

void term_modes(bool on)
{
    const char *s = on ? "\033[?2004h\033[?2031h" : "\033[?2004l\033[?2031l";
    term_write_all(s, strlen(s));
}

/* Buttons; what moves while one is down, where the terminal can, and while none is; in decimals.
 * The last of the modes holds, and each is taken back by its own number. */
void term_mouse(bool on, bool motion)
{
    const char *s = !on      ? "\033[?1006l\033[?1003l\033[?1002l\033[?1000l"
                    : motion ? "\033[?1000h\033[?1002h\033[?1003h\033[?1006h"
                             : "\033[?1000h\033[?1002h\033[?1006h";
    term_write_all(s, strlen(s));
}

void term_wait(struct input *in)
{
    if (!in->replied)
        listen_to(in, LAST_ANSWERS_MS, LAST_OF_ALL_MS);
}

void term_give_back(void)
{
    if (taken)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    term_virtual_leave();
}
