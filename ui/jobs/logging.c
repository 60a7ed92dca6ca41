/* SPDX-License-Identifier: MIT */
/* Logging what was answered, as soon as it can be. */
#include "ui/jobs/jobs.h"

#include "src/base/mem.h"

#include <stdio.h>

#define FLUSH_MS 2000 /* between two tries to write what waits */

void workbench_logged(struct workbench *w, const struct result *r, const struct vs_err *err)
{
    int waiting = log_pending_count(w->ses.log);
    if (r->log_id > 0) {
        snprintf(w->logging.state, sizeof w->logging.state, "logged as %lld", (long long)r->log_id);
        return;
    }
    snprintf(w->logging.state, sizeof w->logging.state, "%d wait%s for the log", waiting,
             waiting == 1 ? "s" : "");
    if (waiting < 2) /* the others wait for the same */
        workbench_note(w, "not logged yet: %s", err->text);
}

void workbench_log(struct workbench *w, bool wait)
{
    struct result *r = w->logging.waits;
    struct vs_err err = {0};
    if (!r || !w->ses.log || (!wait && !model_complete_ready(w->ses.model, r)))
        return;
    model_complete(w->ses.model, r);
    log_result_later(w->ses.log, r, &err);
    workbench_logged(w, r, &err);
    w->logging.waits = NULL;
    if (r != w->now.r)
        result_free(r);
}

int logging_tick(struct workbench *w)
{
    if (log_pending_count(w->ses.log) == 0)
        return -1;
    double left = w->logging.flush_at - vs_now_ms();
    if (left > 0)
        return (int)left + 1;
    w->logging.flush_at = vs_now_ms() + FLUSH_MS;
    if (log_flush_pending(w->ses.log, NULL) != 0)
        return FLUSH_MS;
    snprintf(w->logging.state, sizeof w->logging.state, "log is open");
    workbench_say(w, false, "the queries that waited are in the log now");
    return -1;
}

void logging_open(struct workbench *w)
{
    bool open =
        log_started_session(w->ses.log) > 0; /* else the long story is told once, by greet */
    snprintf(w->logging.state, sizeof w->logging.state, "%s", open      ? "log is open"
                                                      : w->ses.log ? "not logged yet"
                                                               : "no log");
    if (open && log_notice(w->ses.log))
        workbench_say(w, false, "%s", log_notice(w->ses.log));
}
