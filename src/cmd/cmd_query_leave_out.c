/* SPDX-License-Identifier: MIT */
/* vilscope query --leave-one-out: how the answer depends on each region, token or head. */
#include "src/cmd/cmd_query.h"
#include "src/cmd/vilscope.h"

#include "src/study/effects.h"
#include "src/base/mem.h"
#include "src/base/plain.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *const query_leave_out_names[] = {"regions", "tokens", "heads", NULL};
_Static_assert(EFFECTS_KINDS == 3, "each kind has a name");

static void on_batch(void *arg, const struct effects *e)
{
    (void)arg;
    fprintf(stderr, "\r\033[Kleave-one-out: %d of %d", e->done, e->count);
    fflush(stderr);
}

/* The strongest first; both ends of the sign; those without a number last. */
static int by_effect(const void *a, const void *b)
{
    double x = fabs(((const struct effect *)a)->effect);
    double y = fabs(((const struct effect *)b)->effect);
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x < y) - (x > y);
}

/* What the changed thing is: a piece of text, or nothing. */
static const char *piece_of(const struct result *r, const struct effect *f)
{
    return f->change.kind == CHANGE_MASK_TOKEN ? r->tokens[f->change.token].piece : "";
}

static void print_effect(const struct effects *e, const struct effect *f)
{
    if (isnan(f->effect))
        fputs(isfinite(f->logit) ? "nothing else is left" : "is left out itself", stdout);
    else
        printf("%+.4f", f->effect);
    plain_out(" (softmax %.4f, %+.4f), rank %d%s\n", (double)f->softmax,
              (double)f->softmax - (double)e->softmax, f->rank + 1,
              f->best != e->best ? ", another answer is first" : "");
}

static void print_text(const struct result *r, const struct effects *e, int top)
{
    const char *scale = score_scale_names[e->scale];
    plain_out("%s of the answer %.4f (softmax %.4f); change of the %s without\n", scale,
              e->measure, (double)e->softmax, scale);
    for (int i = 0; i < e->count && i < top; i++) {
        const struct effect *f = &e->items[i];
        char what[CHANGE_TEXT];
        change_show(&f->change, what);
        plain_out("%3d. %-36s %-14s ", i + 1, what, piece_of(r, f));
        print_effect(e, f);
    }
}

static json_t *effect_json(const struct effects *e, const struct effect *f)
{
    char what[CHANGE_TEXT];
    change_format(&f->change, what);
    return json_pack("{s:o, s:o, s:o, s:o, s:f, s:f, s:i, s:i}", "change", plain_string(what),
                     "effect", plain_number(f->effect), "measure", plain_number(f->measure),
                     "logit", plain_number((double)f->logit), "softmax", (double)f->softmax,
                     "softmax_difference", (double)f->softmax - (double)e->softmax, "rank",
                     f->rank + 1, "best", f->best);
}

static void print_json(const struct effects *e)
{
    json_t *list = json_array();
    for (int i = 0; i < e->count; i++)
        json_array_append_new(list, effect_json(e, &e->items[i]));
    json_t *root = json_pack("{s:i, s:s, s:o, s:o, s:f, s:i, s:o}", "choice", e->choice, "scale",
                             score_scale_names[e->scale], "measure", plain_number(e->measure),
                             "logit", plain_number((double)e->logit), "softmax",
                             (double)e->softmax, "best", e->best, "without", list);
    command_json(root, JSON_INDENT(2));
}

int query_leave_out(struct model *m, const struct query *q, const struct result *r,
                    enum effects_of of, bool json, int top, struct vs_err *err)
{
    struct effects *e = NULL;
    bool shown = isatty(STDERR_FILENO);
    int rc = effects_run(m, q, of, -1, KERN_ZERO, NULL, shown ? on_batch : NULL, NULL, &e, err);
    if (shown)
        fputs("\r\033[K", stderr);
    if (rc != 0)
        return rc;
    vs_sort(e->items, (size_t)e->count, sizeof *e->items, by_effect);
    if (json)
        print_json(e);
    else
        print_text(r, e, top);
    effects_free(e);
    return 0;
}
