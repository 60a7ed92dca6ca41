/* SPDX-License-Identifier: MIT */
/* TAP output for C tests. ok(condition, what) per assertion; return tap_done() from main.
 * Golden data: golden_path() finds the shared folder or the test skips with a visible reason. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused)) static bool ok(bool pass, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%sok %d - ", pass ? "" : "not ", ++tap_count);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
    tap_failed += !pass;
    return pass;
}

__attribute__((format(printf, 1, 2), unused)) static void tap_skip(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("ok %d # SKIP ", ++tap_count);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
}

__attribute__((format(printf, 1, 2), unused)) static void tap_note(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("# ");
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
}

__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

/* The path of a file in the source tree; static buffer, four in turn. */
__attribute__((unused)) static const char *source_path(const char *relative)
{
    static char path[4][4096];
    static int turn;
    const char *dir = getenv("SRCDIR");
    char *p = path[turn++ & 3];
    snprintf(p, sizeof path[0], "%s/%s", dir ? dir : ".", relative);
    return p;
}

/* The model directory that numbers and golden screens hang on: it stays when a new demo comes. */
#define FROZEN "tests/data/frozen"

/* The path of something under the shared folder beside the source tree ($VILSCOPE_SHARED, or
 * ../shared), or NULL when it is not there: then skip. */
__attribute__((unused)) static const char *shared_path(const char *relative)
{
    static char path[4][4096];
    static int turn;
    const char *dir = getenv("VILSCOPE_SHARED");
    char *p = path[turn++ & 3];
    if (dir)
        snprintf(p, sizeof path[0], "%s/%s", dir, relative);
    else
        snprintf(p, sizeof path[0], "%s/%s", source_path("../shared"), relative);
    return access(p, R_OK) == 0 ? p : NULL;
}

#endif
