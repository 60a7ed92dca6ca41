/* SPDX-License-Identifier: MIT */
/* pty COMMAND...: runs it on a pseudo-terminal, copies what it writes to standard output, and ends
 * with its status; 99 when it wrote something that drives a terminal and is not ours, which is told
 * on standard error. The check is written apart from the program's own (src/base/plain.c). */
#include <errno.h>
#include <pty.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char seen[1 << 22];
static size_t size;

/* A link (OSC 8) to a file, or its end: no sign in it but those that a URI has. */
static size_t own_link(const unsigned char *s)
{
    static const char begin[] = "\033]8;;";
    size_t n = sizeof begin - 1;
    if (memcmp(s, begin, n) != 0)
        return 0;
    while (s[n] > 0x20 && s[n] < 0x7f)
        n++;
    return memcmp(s + n, "\033\\", 2) == 0 ? n + 2 : 0;
}

/* What the program may write itself: new lines, links, and "back to the beginning, clear the
 * line". */
static size_t own(const unsigned char *s)
{
    if (own_link(s))
        return own_link(s);
    if (*s == '\n')
        return 1;
    if (memcmp(s, "\r\n", 2) == 0)
        return 2;
    return memcmp(s, "\r\033[K", 4) == 0 ? 4 : 0;
}

/* The bytes of one printable character, or 0. */
static size_t printable(const unsigned char *s)
{
    if (*s >= 0x20 && *s < 0x7f)
        return 1;
    size_t n = *s >= 0xf0 && *s < 0xf5 ? 4 : *s >= 0xe0 && *s < 0xf0 ? 3 : *s >= 0xc2 && *s < 0xe0
                                                                              ? 2 : 0;
    uint32_t c = n ? *s & (0x7fu >> n) : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    bool turns = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                 (c >= 0x2060 && c <= 0x206f) || c == 0x61c || c == 0xfeff ||
                 (c >= 0xe0000 && c < 0xe1000);
    return c < 0xa0 || turns ? 0 : n;
}

static bool is_clean(void)
{
    for (size_t i = 0; i < size;) {
        size_t n = own(seen + i);
        n = n ? n : printable(seen + i);
        if (n == 0) {
            fprintf(stderr, "byte %zu:", i);
            for (size_t k = i > 20 ? i - 20 : 0; k < i + 12 && k < size; k++)
                fprintf(stderr, seen[k] > 0x20 && seen[k] < 0x7f ? "%c" : "<%02x>", seen[k]);
            fputc('\n', stderr);
            return false;
        }
        i += n;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct winsize w = {.ws_row = 50, .ws_col = 200};
    int fd, status = 0;
    pid_t pid = argc > 1 ? forkpty(&fd, NULL, NULL, &w) : -1;
    if (pid < 0)
        return 98;
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1); /* whatever the tests run in, or nothing */
        execvp(argv[1], argv + 1);
        _exit(97);
    }
    for (ssize_t n; size + 16 < sizeof seen;) {
        n = read(fd, seen + size, sizeof seen - 16 - size);
        if (n <= 0 && errno != EINTR)
            break;
        size += n > 0 ? (size_t)n : 0;
    }
    waitpid(pid, &status, 0);
    fwrite(seen, 1, size, stdout);
    if (!is_clean())
        return 99;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 96;
}
