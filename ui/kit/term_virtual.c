/* SPDX-License-Identifier: MIT */
/* A screen that nobody sees, for scripts that run from cron, a cluster or CI: standard input never
 * says anything, standard output goes nowhere, and the size is what was asked for. */
#include "ui/kit/term_virtual.h"

#include "ui/kit/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "xterm-256color" /* whatever TERM says: a figure is the same everywhere */

static struct {
    bool on;
    struct term_screen size;
    int saved[2]; /* standard input and output as they were; -1: closed */
    int quiet;    /* the end of the pipe that is never written */
} away = {.saved = {-1, -1}, .quiet = -1};

int term_screen_parse(const char *text, struct term_screen *out, struct vs_err *err)
{
    struct term_screen s = TERM_SCREEN_USUAL;
    int end = 0, all = (int)strlen(text);
    bool good = sscanf(text, "%4dx%4d%n", &s.rows, &s.cols, &end) == 2 && end == all;
    if (!good && end && text[end] == ',') {
        int at = end + 1;
        end = 0;
        good = sscanf(text + at, "%4dx%4d%n", &s.cell_w, &s.cell_h, &end) == 2 && at + end == all;
    }
    if (!good || s.rows < 10 || s.rows > 500 || s.cols < 20 || s.cols > 1000 || s.cell_w < 4 ||
        s.cell_w > 64 || s.cell_h < 4 || s.cell_h > 128)
        return vs_fail(err, VS_E_USAGE, "a screen is ROWSxCOLS or ROWSxCOLS,WIDTHxHEIGHT of a cell "
                       "in pixels, as 50x160,10x20 (10 to 500 rows, 20 to 1000 columns, cells from "
                       "4x4 to 64x128), not '%.40s'", text);
    *out = s;
    return 0;
}

/* Puts `fd` in the place of a standard stream, which is kept. */
static bool stand_in(int fd, int stream)
{
    away.saved[stream] = fcntl(stream, F_DUPFD_CLOEXEC, 3);
    return dup2(fd, stream) == stream;
}

static void give_back(int stream)
{
    if (away.saved[stream] < 0)
        return;
    dup2(away.saved[stream], stream);
    close(away.saved[stream]);
    away.saved[stream] = -1;
}

static int fail_back(struct vs_err *err)
{
    int rc = vs_fail(err, VS_E_IO, "no screen without a terminal: %s", strerror(errno));
    term_virtual_leave();
    return rc;
}

int term_virtual_take(const struct term_screen *size, struct input *in, struct vs_err *err)
{
    int silent[2], sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (sink < 0)
        return fail_back(err);
    if (pipe(silent) != 0) {
        close(sink);
        return fail_back(err);
    }
    fflush(stdout);
    away.quiet = silent[1];
    fcntl(away.quiet, F_SETFD, FD_CLOEXEC);
    away.on = true;
    away.size = *size;
    bool taken = stand_in(silent[0], STDIN_FILENO) && stand_in(sink, STDOUT_FILENO) &&
                 setenv("TERM", NAME, 1) == 0 && unsetenv("COLORTERM") == 0;
    close(silent[0]);
    close(sink);
    if (!taken)
        return fail_back(err);
    in->term = (struct term){.sixel = true, .cell_w = size->cell_w, .cell_h = size->cell_h,
                             .registers = 256, .max_w = 4096, .max_h = 4096};
    in->replied = true;
    return 0;
}

void term_virtual_leave(void)
{
    if (away.on)
        fflush(stdout);
    give_back(STDIN_FILENO);
    give_back(STDOUT_FILENO);
    if (away.quiet >= 0)
        close(away.quiet);
    away.quiet = -1;
    away.on = false;
}

const struct term_screen *term_virtual(void)
{
    return away.on ? &away.size : NULL;
}
