/* SPDX-License-Identifier: MIT */
/* Work of the engine for the screen, and what comes of it. */
#ifndef UI_JOBS_H
#define UI_JOBS_H

#include "ui/state/state.h"

/* ---- work.c */
/* Other work for the engine's thread. done gets arg back in this thread, err NULL when all went
 * well; it frees arg. When the result on the screen is replaced meanwhile, the old one lives on
 * until all such work is done. */
typedef void job_done(struct workbench *w, void *arg, const struct vs_err *err);
int workbench_call(struct workbench *w, engine_work *run, job_done *done, void (*drop)(void *arg),
                   void *arg);
void work_end(struct workbench *w, const struct event *e);
/* Frees a result, now or when nothing reads it any more; NULL does nothing. */
void work_drop_result(struct workbench *w, struct result *r);
/* Forgets all work; the engine has ended. */
void work_free(struct work *x);
/* Whether queries, detections or other work run. */
bool workbench_busy(const struct workbench *w);
/* Whether the detector works, or will, for the current photo or the query. */
bool workbench_detecting(const struct workbench *w);

/* ---- logging.c */
void logging_open(struct workbench *w);
/* Logs the result that waits when its checkpoint's digest is known, which takes a moment the first
 * time; wait: now, whatever it takes. */
void workbench_log(struct workbench *w, bool wait);
/* What the status line says of a query that was, or was not, written. */
void workbench_logged(struct workbench *w, const struct result *r, const struct vs_err *err);
/* Tries again to write what waits. Returns how long to wait for the next try, or -1. */
int logging_tick(struct workbench *w);

/* ---- events.c */
/* Acts on what the engine says. */
void events_take(struct workbench *w);
/* An image that is looked at gets its regions without being asked for. */
void events_want_regions(struct workbench *w);
/* The results that are shown. */
void events_free_results(struct workbench *w);

/* ---- query.c */
/* Asks the query line about the photos that the task wants. */
void query_ask(struct workbench *w);
/* The same about certain photos (count), by their numbers. */
void query_ask_of(struct workbench *w, const int *photos, int count);
/* Boxes to choose from stand as if the user had drawn them. */
struct photo_state;
struct box_list;
void query_set_boxes(struct photo_state *s, const struct box_list *l);
/* Posts the text of the query line about the photos of the result that is shown. */
void query_repeat(struct workbench *w);
/* The same with another text; the result is compared with the one that is shown. */
void query_vary(struct workbench *w, const char *text);
/* The next suggested query, of a task or of any; false: there is none. */
bool query_suggest(struct workbench *w, const struct task *only);
/* Stops what is computed beside the query: leave-one-out, attributions, patching, projections. */
void query_stop_studies(struct workbench *w);
/* Drops the query and the detections. */
void query_stop(struct workbench *w);
/* Whether something is shown that can be changed; says so where not. */
bool change_possible(struct workbench *w);
/* Adds it to the changes, or takes it away when it is there. */
void change_put(struct workbench *w, const struct change *c);
/* The same, and asks again. */
void change_toggle(struct workbench *w, const struct change *c);

#endif
