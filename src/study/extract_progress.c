/* SPDX-License-Identifier: MIT */
/* How far an extraction is, and what its stages took. */
#include "src/study/extract_priv.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

void extract_clear_line(const struct extract *e)
{
    if (!e->o->quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static void print_progress(const struct extract *e, const struct job *jobs)
{
    const struct extract_summary *s = &e->sum;
    struct progress p = {.all = e->count, .there = s->there, .done = s->written + s->failed,
                         .spent_ms = vs_now_ms() - e->start};
    char text[200];
    for (int i = 0; i < e->o->jobs; i++)
        p.begun += jobs[i].share;
    progress_text(&p, "images", text, sizeof text);
    bool tty = isatty(STDERR_FILENO);
    fputs(tty ? "\r\033[K" : "", stderr);
    plain_text(stderr, "%s", text);
    fputs(tty ? "" : "\n", stderr);
    fflush(stderr);
}

void extract_watch(struct extract *e, const struct job *jobs)
{
    double last = vs_now_ms(), every = isatty(STDERR_FILENO) ? 250 : 30000;
    pthread_mutex_lock(&e->lock);
    while (e->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 250000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&e->changed, &e->lock, &until);
        if (!e->o->quiet && e->running > 0 && vs_now_ms() - last >= every) {
            print_progress(e, jobs);
            last = vs_now_ms();
        }
    }
    extract_clear_line(e);
    pthread_mutex_unlock(&e->lock);
}

void extract_print_profile(const struct extract *e)
{
    double all = 0;
    int n = e->sum.written > 0 ? e->sum.written : 1;
    for (int i = 0; i < e->stage_count; i++)
        all += e->stages[i].ms;
    plain_text(stderr, "%-14s %10s %7s %9s\n", "stage", "ms/image", "share", "GFLOP/s");
    for (int i = 0; i < e->stage_count; i++) {
        const struct stage *s = &e->stages[i];
        plain_text(stderr, "%-14s %10.1f %6.1f%%", s->name, s->ms / n,
                   all > 0 ? 100 * s->ms / all : 0);
        if (s->work > 0 && s->ms > 0)
            fprintf(stderr, " %9.1f\n", 2 * s->work / s->ms / 1e6);
        else
            fputc('\n', stderr);
    }
}
