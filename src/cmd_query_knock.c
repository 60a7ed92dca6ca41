/* vilscope query --knock-out: what the answer owes to each region, token or head. */
#include "src/cmd_query.h"

#include "src/effects.h"
#include "src/mem.h"
#include "src/plain.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool knock_find(const char *name, enum effects_of *of)
{
    static const char *const names[EFFECTS_KINDS] = {"regions", "tokens", "heads"};
    for (int i = 0; i < EFFECTS_KINDS; i++)
        if (strcmp(names[i], name) == 0) {
            *of = (enum effects_of)i;
            return true;
        }
    return false;
}

static void on_batch(void *arg, const struct effects *e)
{
    (void)arg;
    fprintf(stderr, "\r\033[Kknock-outs: %d of %d", e->done, e->count);
    fflush(stderr);
}

/* The strongest first; both ends of the sign. */
static int by_change(const void *a, const void *b)
{
    float x = fabsf(((const struct effect *)a)->change_softmax);
    float y = fabsf(((const struct effect *)b)->change_softmax);
    return (x < y) - (x > y);
}

/* What the changed thing is: a piece of text, or nothing. */
static const char *piece_of(const struct result *r, const struct effect *f)
{
    return f->change.kind == CHANGE_MASK_TOKEN ? r->tokens[f->change.token].piece : "";
}

static void print_text(const struct result *r, const struct effects *e, int top)
{
    printf("softmax of the answer %.4f; without\n", (double)e->softmax);
    for (int i = 0; i < e->count && i < top; i++) {
        const struct effect *f = &e->items[i];
        char what[CHANGE_TEXT];
        change_format(&f->change, what);
        plain_out("%3d. %-36s %-14s %.4f (%+.4f), rank %d%s\n", i + 1, what, piece_of(r, f),
                  (double)f->softmax, (double)f->change_softmax, f->rank + 1,
                  f->best != e->best ? ", another answer is first" : "");
    }
}

static void print_json(const struct effects *e)
{
    json_t *list = json_array();
    for (int i = 0; i < e->count; i++) {
        const struct effect *f = &e->items[i];
        char what[CHANGE_TEXT];
        change_format(&f->change, what);
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:i, s:i}", "change", what,
                                              "softmax", (double)f->softmax, "difference",
                                              (double)f->change_softmax, "rank", f->rank + 1,
                                              "best", f->best));
    }
    json_t *root = json_pack("{s:i, s:f, s:i, s:o}", "choice", e->choice, "softmax",
                             (double)e->softmax, "best", e->best, "without", list);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    plain_json_line(text);
    free(text);
}

int knock_print(struct model *m, const struct query *q, const struct result *r,
                enum effects_of of, bool json, int top, struct vs_err *err)
{
    struct effects *e = NULL;
    bool shown = isatty(STDERR_FILENO);
    int rc = effects_run(m, q, of, -1, KERN_ZERO, NULL, shown ? on_batch : NULL, NULL, &e, err);
    if (shown)
        fputs("\r\033[K", stderr);
    if (rc != 0)
        return rc;
    qsort(e->items, (size_t)e->count, sizeof *e->items, by_change);
    if (json)
        print_json(e);
    else
        print_text(r, e, top);
    effects_free(e);
    return 0;
}
