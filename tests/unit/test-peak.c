/* SPDX-License-Identifier: MIT */
/* The memory of "vilscope compare" does not grow with the rows: the peak of ten times as many is
 * nearly the same, whatever is asked of them. Broken by rows or texts that stay in memory, by a
 * report that looks at all rows without letting go, also where each evaluation has few, or by a
 * file that is read as a whole. */
#include "tap.h"

#include "src/base/mem.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define FEW 1000
#define MANY (10 * FEW)
#define GROWTH 4096 /* KB that MANY may take more; with all rows in memory it is 16,000 */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Of that many pairs of evaluations. */
static void write_rows(const char *path, int items, int pairs)
{
    FILE *f = fopen(path, "w");
    for (int k = 0; f && k < 2 * pairs; k++)
        for (int i = 0; i < items; i++)
            fprintf(f, "{\"task\": \"vqa\", \"split\": \"val%d\", \"checkpoint\": \"%s\","
                    " \"index\": %d, \"id\": %d, \"image\": %d, \"text\": \"what is the color of"
                    " thing %d at the left of the table?\", \"tokens\": [101, 2054, 2003, 1996,"
                    " 3609, 1997, 2518, 102], \"regions\": 101, \"choice\": %d, \"answer\":"
                    " \"answer %d\", \"top\": [[%d, 2.5], [9, 0.25], [10, 0.125], [11, -1.5], [12,"
                    " -2]], \"target\": [[8, 13], [1, 0.3]],"
                    " \"margin\": 1, \"score\": %d.0, \"correct\": %s,"
                    " \"fields\": {\"kind\": \"k%d\", \"turns\": %d}}\n",
                    k / 2, k % 2 ? "B" : "A", i, i, i / 3, i, (i + k) % 99, (i + k) % 99,
                    (i + k) % 99, (i + k) % 3 == 0, (i + k) % 3 == 0 ? "true" : "false", i % 7,
                    i % 10);
    if (f)
        fclose(f);
}

/* The peak of a run in KB, -1: it failed. args ends in NULL. */
static long peak_of(const char *const *args)
{
    struct rusage u;
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        int out = open("said.txt", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(out, 1);
        dup2(out, 2);
        execv(args[0], (char *const *)(uintptr_t)args);
        _exit(127);
    }
    bool good = child > 0 && wait4(child, &status, 0, &u) == child && WIFEXITED(status) &&
                WEXITSTATUS(status) == 0;
    return good ? u.ru_maxrss : -1;
}

static void flat(const char *what, const char *const *few, const char *const *many)
{
    long first = peak_of(few), then = peak_of(many);
    ok(first > 0 && then > 0 && (SANITIZED || then - first < GROWTH), "%s: %ld KB of %d items, %ld"
       " of %d", what, first, FEW, then, MANY);
}

int main(void)
{
    const char *program = getenv("VILSCOPE") ? getenv("VILSCOPE") : "./vilscope";
    if (getenv("TMPDIR") && chdir(getenv("TMPDIR")) != 0)
        tap_note("not in the temporary folder");
    write_rows("few.jsonl", FEW, 1);
    write_rows("many.jsonl", MANY, 1);
    write_rows("small.jsonl", FEW / 2, 2 * MANY / FEW);
    if (SANITIZED)
        tap_note("sanitizers keep what is freed: it only has to run");
    flat("compare --rows", (const char *[]){program, "compare", "--rows", "few.jsonl", NULL},
         (const char *[]){program, "compare", "--rows", "many.jsonl", NULL});
    flat("all that is asked of rows",
         (const char *[]){program, "compare", "--rows", "few.jsonl", "--slices", "--crossings",
                          "--agreement", "--trend", "--calibration", "--confusion", "--gallery",
                          "few.html", NULL},
         (const char *[]){program, "compare", "--rows", "many.jsonl", "--slices", "--crossings",
                          "--agreement", "--trend", "--calibration", "--confusion", "--gallery",
                          "many.html", NULL});
    flat("eval --from", (const char *[]){program, "eval", "--from", "few.jsonl", NULL},
         (const char *[]){program, "eval", "--from", "many.jsonl", NULL});
    flat("eval --from of small evaluations",
         (const char *[]){program, "eval", "--from", "few.jsonl", NULL},
         (const char *[]){program, "eval", "--from", "small.jsonl", NULL});
    return tap_done();
}
