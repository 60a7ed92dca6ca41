/* SPDX-License-Identifier: MIT */
/* Deletion and insertion curves of vilscope relevance, by the read-outs of relevancy, as JSON. */
#include "src/cmd/cmd_relevance.h"

#include "src/base/mem.h"
#include "src/formats/outfile.h"
#include "src/study/relevancy.h"
#include "src/study/removal.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct curves {
    json_t *root;
};

struct curves *curves_new(void)
{
    struct curves *c = xcalloc(1, sizeof *c);
    c->root = json_object();
    return c;
}

void curves_free(struct curves *c)
{
    json_decref(c->root);
    free(c);
}

/* Read-outs of the target's images: of regions (V), of tokens (T, without the task's). */
static void curve_worths(const struct subject *s, bool tokens, double *out)
{
    int first, images = net_target_images(&s->of->target, s->in->batch, &first);
    size_t t = (size_t)s->pass->tokens, v = (size_t)s->pass->regions;
    double *x = xcalloc(t + 1, sizeof *x), *y = xcalloc(v + 1, sizeof *y);
    for (int r = 0; r < images; r++) {
        struct explained e = {s->pass, s->grad, first + r, r};
        struct relevancy rel = {0};
        relevancy_make(&e, &rel);
        relevancy_read(&rel, &s->of->target, x, y);
        for (int i = 0; i < (tokens ? s->in->tokens : (int)v); i++)
            *out++ = tokens ? x[net_token_row(s->net, i)] : y[i];
        relevancy_fini(&rel);
    }
    free(x);
    free(y);
}

static json_t *curve_order(const struct removable *order, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_pack("[ii]", order[i].image, order[i].index));
    return list;
}

static void curve_add(json_t *to, const char *name, const double *y, int count)
{
    json_t *list = json_array();
    char area[64];
    for (int i = 0; i <= count; i++)
        json_array_append_new(list, json_real(y[i]));
    json_object_set_new(to, name, list);
    snprintf(area, sizeof area, "%s.auc", name);
    json_object_set_new(to, area, json_real(removal_area(y, count)));
}

static json_t *curve_of(const struct subject *s, bool tokens, struct vs_err *err)
{
    size_t most = (size_t)s->in->batch * (size_t)(s->in->tokens + s->in->regions);
    double *worth = xcalloc(most + 1, sizeof *worth);
    struct removal r = {0};
    json_t *out = NULL;
    int count = 0;
    const struct removing what = {.net = s->net, .in = s->in, .target = &s->of->target,
                                  .tokens = tokens, .stand_in = -1};
    curve_worths(s, tokens, worth);
    struct removable *order = removal_order(&what, worth, &count);
    int rc = removal_run(&what, order, count, &r, err);
    if (rc == 0) {
        out = json_pack("{s:o, s:i}", "order", curve_order(order, count), "steps", count);
        curve_add(out, "deletion.logit", r.deletion, count);
        curve_add(out, "insertion.logit", r.insertion, count);
        if (r.probability) {
            curve_add(out, "deletion.probability", r.deletion_p, count);
            curve_add(out, "insertion.probability", r.insertion_p, count);
        }
        removal_fini(&r);
    }
    free(order);
    free(worth);
    return out;
}

int curves_target(struct curves *c, const struct subject *s, struct vs_err *err)
{
    json_t *regions = curve_of(s, false, err);
    json_t *tokens = regions ? curve_of(s, true, err) : NULL;
    if (!tokens) {
        json_decref(regions);
        return err->code;
    }
    json_object_set_new(c->root, s->of->name,
                        json_pack("{s:o, s:o}", "regions", regions, "tokens", tokens));
    return 0;
}

int curves_write(const struct curves *c, const char *path, struct vs_err *err)
{
    struct outfile o;
    char *text = json_dumps(c->root, JSON_INDENT(1));
    int rc = text ? outfile_open(&o, path, err)
                  : vs_fail(err, VS_E_DIVERGED, "a curve has a point that is no number");
    if (rc == 0) {
        outfile_write(&o, text, strlen(text));
        outfile_write(&o, "\n", 1);
        rc = outfile_close(&o, err);
    }
    free(text);
    return rc;
}
