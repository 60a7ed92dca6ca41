/* SPDX-License-Identifier: MIT */
/* How far a converted checkpoint is from what it was made of. */
#include "src/cmd/cmd_convert.h"

#include "src/base/link.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"
#include "src/engine/modeldir.h"

bool convert_can_ask(const struct convert_asked *a)
{
    return a->model.dir || (a->model.config && a->model.vocab && a->set);
}

static int open_one(const struct convert_asked *a, const char *path, int precision,
                    struct model **out, struct vs_err *err)
{
    const char *const paths[] = {path, NULL};
    struct model_options o = a->model;
    o.checkpoints = paths;
    o.names = NULL;
    o.precision = precision;
    return model_open(&o, out, err);
}

int convert_measure(const struct convert_asked *a, const char *from, const char *made,
                    int precision, const atomic_bool *stop, struct output_errors *out,
                    struct vs_err *err)
{
    struct model *m = NULL, *other = NULL;
    struct probes *set = NULL;
    int rc = open_one(a, from, 0, &m, err);
    if (rc == 0)
        command_opened("convert", m);
    if (rc == 0)
        rc = open_one(a, made, precision, &other, err);
    const char *path = rc == 0 && !a->set ? model_queries(m) : a->set;
    if (rc == 0 && !path)
        rc = vs_fail(err, VS_E_USAGE, "%s: names no queries: give a set with --check-set FILE",
                     model_name(m));
    if (rc == 0)
        rc = probes_open(path, &set, err);
    if (rc == 0)
        rc = output_errors_measure(m, 0, other, 0, set, stop, out, err);
    probes_free(set);
    model_free(other);
    model_free(m);
    return rc;
}

void convert_print(const char *path, const char *how, const struct output_errors *e)
{
    link_print(stdout, path, NULL, path);
    plain_out(" %s: %d queries asked", how, e->asked);
    if (e->failed)
        plain_out(", %d could not be (%s)", e->failed, e->first_failure);
    plain_out("\n  %-28s %12s %12s\n", "output", "largest", "relative");
    for (int i = 0; i < e->count; i++)
        plain_out("  %-28s %12.3g %12.3g\n", e->list[i].name, e->list[i].largest,
                  e->list[i].relative);
    plain_out("  %-14s %14s %14s %9s %20s %9s\n", "task", "same answer", "logit: largest", "mean",
              "probability: largest", "mean");
    for (int i = 0; i < e->task_count; i++) {
        const struct output_task *t = &e->tasks[i];
        plain_out("  %-14s %6d of %4d %14.3g %9.2g %20.3g %9.2g\n", t->task->name, t->same,
                  t->asked, t->largest, t->mean, t->largest_chance, t->mean_chance);
    }
}
