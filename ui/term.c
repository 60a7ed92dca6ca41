/* What the terminal can do.
 *
 * Source: ECMA-48; xterm's ctlseqs (DA1, XTWINOPS 14/16, XTSMGRAPHICS, DECRQM). */
#include "ui/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Cell size, 256 registers please, how many are there, largest image, mode 2026, who are you. */
static const char questions[] =
    "\033[16t\033[?1;3;256S\033[?1;1;0S\033[?2;1;0S\033[?2026$p\033[c";

/* ---- replies */

/* "6;19;9" -> 6, 19, 9; the count. */
static int numbers(const char *s, int *out, int max)
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

/* A whole sequence without its ESC [; false when it is none of the replies. */
static bool take_reply(struct term_parser *p, const char *s, size_t len)
{
    int v[32] = {0}, n;
    char last = s[len - 1];
    if (s[0] == '?' && last == 'c') {
        n = numbers(s + 1, v, 32);
        for (int i = 1; i < n; i++) /* the first is the terminal's class */
            p->term.sixel |= v[i] == 4;
        p->done = true;
        return true;
    }
    if (s[0] == '?' && last == 'S') {
        n = numbers(s + 1, v, 32);
        graphics_reply(&p->term, v, n);
        return true;
    }
    if (s[0] == '?' && last == 'y') {
        n = numbers(s + 1, v, 32);
        p->term.sync |= n >= 2 && v[0] == 2026 && (v[1] == 1 || v[1] == 2);
        return true;
    }
    if (last == 't' && s[0] >= '0' && s[0] <= '9') {
        n = numbers(s, v, 32);
        if (n >= 3 && v[0] == 6) {
            p->term.cell_h = v[1];
            p->term.cell_w = v[2];
        }
        return true;
    }
    return false;
}

static void give_back(struct term_parser *p)
{
    for (size_t i = 0; i < p->len && p->key_count + 1 < sizeof p->keys; i++)
        p->keys[p->key_count++] = p->seq[i];
    p->len = 0;
}

void term_feed(struct term_parser *p, unsigned char byte)
{
    if (p->len == sizeof p->seq - 1)
        give_back(p);
    if (byte == 0x1b && p->len)
        give_back(p);
    p->seq[p->len++] = (char)byte;
    p->seq[p->len] = '\0';
    if (p->seq[0] != 0x1b || (p->len == 2 && byte != '['))
        give_back(p);
    else if (p->len > 2 && byte >= 0x40 && byte <= 0x7e) {
        if (take_reply(p, p->seq + 2, p->len - 2))
            p->len = 0;
        else
            give_back(p);
    }
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

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void listen_to(struct term_parser *p)
{
    long end = now_ms() + 300;
    while (!p->done) {
        struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
        long left = end - now_ms();
        if (left <= 0)
            return;
        int n = poll(&fd, 1, (int)left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        unsigned char bytes[256];
        ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++)
            term_feed(p, bytes[i]);
    }
}

static bool write_all(const char *s, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, s, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            s += n;
            len -= (size_t)n;
        }
    }
    return true;
}

void term_measure(struct term *t)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_xpixel && w.ws_ypixel && w.ws_col &&
        w.ws_row) {
        t->cell_w = w.ws_xpixel / w.ws_col;
        t->cell_h = w.ws_ypixel / w.ws_row;
    }
    term_settle(t);
}

int term_probe(struct term *out, char *keys, size_t size, struct vs_err *err)
{
    struct termios old, raw;
    struct term_parser p = {0};
    const char *name = getenv("TERM");
    keys[0] = '\0';
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &old) != 0)
        return vs_fail(err, VS_E_USAGE, "the workbench needs a terminal; from a script use "
                       "\"vilscope query\"");
    if (!name || !name[0] || strcmp(name, "dumb") == 0)
        return vs_fail(err, VS_E_USAGE, "TERM is '%s': the workbench needs a terminal that can "
                       "place text", name ? name : "");
    raw = old;
    cfmakeraw(&raw);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
        return vs_fail(err, VS_E_IO, "the terminal cannot be set up: %s", strerror(errno));
    if (write_all(questions, sizeof questions - 1))
        listen_to(&p);
    give_back(&p);
    tcsetattr(STDIN_FILENO, TCSANOW, &old);
    *out = p.term;
    term_settle(out);
    term_measure(out);
    size_t n = p.key_count < size - 1 ? p.key_count : size - 1;
    memcpy(keys, p.keys, n);
    keys[n] = '\0';
    return 0;
}

/* ---- a fault: leave a terminal that can be used */

static struct termios saved;

/* End synchronised output, attributes off, cursor on, keypad off, main screen. */
static const char restore[] = "\033[?2026l\033[0m\033[?25h\033[?1l\033>\033[?1049l\r\n";

static void on_fault(int number)
{
    ssize_t n = write(STDOUT_FILENO, restore, sizeof restore - 1);
    (void)n;
    tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    signal(number, SIG_DFL);
    raise(number);
}

void term_guard(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    tcgetattr(STDIN_FILENO, &saved);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct sigaction a = {.sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND};
        sigaction(faults[i], &a, NULL);
    }
}
