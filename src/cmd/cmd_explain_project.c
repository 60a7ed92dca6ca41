/* SPDX-License-Identifier: MIT */
/* vilscope explain --project: hidden states of a set as points on a plane. */
#include "src/cmd/vilscope.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_explain.h"
#include "src/cmd/cmd_model.h"
#include "src/figure/figure.h"
#include "src/study/evaluation.h"
#include "src/study/plots.h"
#include "src/study/projection.h"
#include "src/study/reference.h"

#include <config.h> /* the version */
#include <stdlib.h>
#include <string.h>

struct project_run {
    const struct explain_project *o;
    struct model *m;
    const char *data, *digest; /* the set's */
    struct projection p;
    bool partly; /* items were left out */
    struct eval_gone gone;
    struct command_items show;
    struct vs_err *err;
};

/* ---- what is asked for */

int explain_check_project(const struct explain_project *o)
{
    if (o->near < 0 && o->neighbors)
        return command_usage("explain", "--neighbors is for --near N");
    if (!o->figure)
        return o->width || o->dpi ? command_usage("explain", "--width and --dpi are for --figure")
                                  : 0;
    if (!figure_is_name(o->figure))
        return command_usage("explain", "--figure writes .svg, .pdf or .png, not '%s'", o->figure);
    return figure_missing() ? command_usage("explain", "--figure: %s", figure_missing()) : 0;
}

static int project_one_checkpoint(const struct project_run *r)
{
    int n = model_checkpoint_count(r->m);
    return n == 1 ? 0
                  : vs_fail(r->err, VS_E_USAGE, "--project is of one checkpoint: choose it with -c "
                            "NAME (%d are open)", n);
}

/* ---- as text */

#define PROJECT_GROUPS 12 /* that are named */

static void project_print_groups(const struct projection *p, enum projection_by by)
{
    const char **names;
    int *of, n = projection_groups(p, by, &names, &of);
    int *count = xcalloc((size_t)n + 1, sizeof *count);
    for (int i = 0; i < p->n; i++)
        count[of[i]]++;
    plain_out("%s:", projection_bys[by]);
    for (int k = 0; k < n && k < PROJECT_GROUPS; k++)
        plain_out("%s %s %d", k ? "," : "", names[k], count[k]);
    plain_out(n > PROJECT_GROUPS ? ", and %d more\n" : "\n", n - PROJECT_GROUPS);
    free(count);
    free(names);
    free(of);
}

static void project_print_point(const struct projection *p, int i)
{
    const struct projection_point *o = &p->points[i];
    plain_out("%5d  %-22.22s  %-14.14s %-9s  (%.2f, %.2f)  item %s, %s\n", i + 1, o->name,
              o->answer, projection_group(p, i, PROJECT_BY_CORRECT), (double)p->xy[2 * i],
              (double)p->xy[2 * i + 1], o->id, o->image);
}

static void project_print_neighbors(const struct project_run *r)
{
    const struct projection *p = &r->p;
    const struct explain_project *o = r->o;
    int *order = xcalloc((size_t)o->neighbors + 1, sizeof *order);
    float *distance = xcalloc((size_t)o->neighbors + 1, sizeof *distance);
    int n = projection_neighbors(p, o->near, o->distance, o->neighbors, order, distance);
    plain_out("\nnearest to point %d by %s, in all %d dimensions:\n", o->near + 1,
              projection_distances[o->distance], p->dim);
    plain_out("%-9s ", "");
    project_print_point(p, o->near);
    for (int k = 0; k < n; k++) {
        plain_out("%9.4f ", (double)distance[k]);
        project_print_point(p, order[k]);
    }
    free(order);
    free(distance);
}

static void project_print(const struct project_run *r)
{
    const struct projection *p = &r->p;
    plain_out("%s of %s, after %s: %d points of %d items, %d dimensions\n",
              projection_what(p->of), model_checkpoint_name(r->m, 0), p->after, p->n, p->items,
              p->dim);
    plain_out("of all variance the first component has %.1f %%, the second %.1f %%\n",
              100 * (double)p->share[0], 100 * (double)p->share[1]);
    project_print_groups(p, r->o->by);
    if (r->o->near >= 0)
        project_print_neighbors(r);
}

static void project_csv(const struct projection *p)
{
    puts("point,item,task,name,class,answer,correct,image,x1,y1,x2,y2,first,second");
    for (int i = 0; i < p->n; i++) {
        const struct projection_point *o = &p->points[i];
        const char *const texts[] = {o->id, o->task->name, o->name, o->label, o->answer,
                                     projection_group(p, i, PROJECT_BY_CORRECT), o->image};
        printf("%d", i + 1);
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            putchar(',');
            plain_csv(stdout, texts[k], true);
        }
        for (int k = 0; k < 4; k++)
            printf(o->boxed ? ",%.9g" : ",", (double)o->box[k]);
        printf(",%.9g,%.9g\n", (double)p->xy[2 * i], (double)p->xy[2 * i + 1]);
    }
}

/* ---- as JSON */

static json_t *project_point_json(const struct projection *p, int i)
{
    const struct projection_point *o = &p->points[i];
    json_t *v = json_pack(
        "{s:i, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "point", i + 1, "item",
        plain_string(o->id), "task", o->task->name, "text", plain_string(o->text), "name",
        plain_string(o->name), "class", plain_string(o->label), "answer", plain_string(o->answer),
        "correct", o->scored ? json_boolean(o->correct) : json_null(), "image",
        plain_string(o->image), "place",
        json_pack("[o, o]", plain_number((double)p->xy[2 * i]),
                  plain_number((double)p->xy[2 * i + 1])));
    if (v && o->boxed)
        json_object_set_new(v, "box", json_pack("[f, f, f, f]", (double)o->box[0],
                                                (double)o->box[1], (double)o->box[2],
                                                (double)o->box[3]));
    return v;
}

static json_t *project_neighbors_json(const struct project_run *r)
{
    const struct explain_project *o = r->o;
    int *order = xcalloc((size_t)o->neighbors + 1, sizeof *order);
    float *distance = xcalloc((size_t)o->neighbors + 1, sizeof *distance);
    int n = projection_neighbors(&r->p, o->near, o->distance, o->neighbors, order, distance);
    json_t *list = json_array();
    for (int k = 0; k < n; k++)
        json_array_append_new(list, json_pack("{s:i, s:o}", "point", order[k] + 1, "distance",
                                              plain_number((double)distance[k])));
    free(order);
    free(distance);
    return json_pack("{s:i, s:s, s:o}", "of", o->near + 1, "distance",
                     projection_distances[o->distance], "nearest", list);
}

static int project_json(const struct project_run *r)
{
    const struct projection *p = &r->p;
    json_t *points = json_array();
    for (int i = 0; i < p->n; i++)
        json_array_append_new(points, project_point_json(p, i));
    json_t *v = json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:i, s:i, s:[f, f], s:o}", "model",
                          plain_string(model_name(r->m)), "checkpoint",
                          plain_string(model_checkpoint_name(r->m, 0)), "data",
                          plain_string(r->data), "data_digest", r->digest, "of",
                          projection_kinds[p->of], "what", projection_what(p->of), "after",
                          p->after, "items", p->items, "dimensions", p->dim, "explained",
                          (double)p->share[0], (double)p->share[1], "points", points);
    if (v && r->o->near >= 0)
        json_object_set_new(v, "neighbors", project_neighbors_json(r));
    if (v && p->left_out)
        json_object_set_new(v, "left_out", json_integer(p->left_out));
    return command_json(v, JSON_INDENT(1));
}

/* ---- as a figure */

static int project_figure(const struct project_run *r)
{
    const struct explain_project *o = r->o;
    const struct figure_how usual = FIGURE_HOW_USUAL;
    const struct figure_how how = {o->width ? o->width : usual.width, o->dpi ? o->dpi : usual.dpi};
    char digest[DIGEST_HEX];
    struct figure f = {0};
    model_checkpoint_digest(r->m, 0, digest);
    plot_projection(&f, &r->p, o->by);
    figure_line(&f, "%s, %s (%.8s)", model_name(r->m), model_checkpoint_name(r->m, 0), digest);
    figure_line(&f, "%s (%.8s), %d items", r->data, r->digest, r->p.items);
    f.caption = xasprintf("vilscope %s", VERSION);
    int rc = figure_write(&f, o->figure, &how, r->err);
    figure_fini(&f);
    return rc;
}

/* ---- the whole */

static int project_show(struct project_run *r)
{
    if (r->o->near >= r->p.n)
        return vs_fail(r->err, VS_E_USAGE, "--near %d: there are %d points", r->o->near + 1,
                       r->p.n);
    int rc = r->o->figure ? project_figure(r) : 0;
    if (rc != 0)
        return rc;
    if (r->o->json)
        return project_json(r);
    if (r->o->csv)
        project_csv(&r->p);
    else
        project_print(r);
    return 0;
}

static void project_say(struct project_run *r)
{
    r->partly |= r->p.left_out > 0;
    if (r->p.left_out)
        plain_text(stderr, "vilscope explain: %s: %d items are left out: the first is %s\n",
                   r->data, r->p.left_out, r->p.first);
    command_say_gone("explain", &r->gone);
}

static struct projection_wants project_wants(struct project_run *r, const bool *without)
{
    r->show = (struct command_items){.checkpoint = model_checkpoint_name(r->m, 0)};
    return (struct projection_wants){.of = (enum projection_of)r->o->of, .after = r->o->after,
                                     .limit = r->o->limit, .task = r->o->data->task,
                                     .without = without, .cancel = r->o->stop, .gone = &r->gone,
                                     .report = command_items, .report_arg = &r->show};
}

/* What came of it, while the set is open. */
static int project_tell(struct project_run *r, int rc)
{
    command_clear();
    if (rc == 0)
        project_say(r);
    rc = rc ? rc : project_show(r);
    projection_fini(&r->p);
    return rc;
}

static int project_set(void *arg, const struct eval_set *set)
{
    struct project_run *r = arg;
    struct vs_err first = {0};
    struct buf notes = {0};
    bool *without = xcalloc((size_t)task_count, sizeof *without);
    int left = eval_check_heads(set, r->o->data->task, r->m, 0, without,
                                "vilscope explain: note: ", &notes, &first);
    int rc = !left && first.code ? vs_fail(r->err, first.code, "%s", first.text) : 0;
    r->partly |= explain_say_flaws(set);
    if (rc == 0 && notes.len)
        fputs(notes.data, stderr); /* errors are clean */
    if (rc == 0) {
        struct projection_wants w = project_wants(r, without);
        r->data = set->path;
        r->digest = set->digest;
        rc = project_tell(r, projection_run(r->m, set, &w, &r->p, r->err));
    }
    buf_fini(&notes);
    free(without);
    return rc;
}

static int project_set_file(struct project_run *r)
{
    struct eval_set *set = NULL;
    int rc = eval_open(r->o->data, &set, r->err);
    if (rc == 0)
        rc = project_set(r, set);
    eval_free(set);
    return rc;
}

static int project_check_set(struct project_run *r)
{
    struct probes *p = NULL;
    int rc = probes_open(r->o->check_set, &p, r->err);
    if (rc == 0) {
        struct projection_wants w = project_wants(r, NULL);
        r->data = p->path;
        r->digest = p->digest;
        rc = project_tell(r, projection_run_probes(r->m, p, &w, &r->p, r->err));
    }
    probes_free(p);
    return rc;
}

int explain_project(const struct explain_project *o, struct vs_err *err)
{
    struct project_run r = {.o = o, .err = err};
    int rc = model_open(o->model, &r.m, err);
    if (rc == 0)
        command_opened("explain", r.m);
    if (rc == 0)
        rc = project_one_checkpoint(&r);
    if (rc == 0)
        rc = o->check_set   ? project_check_set(&r)
             : o->reference ? reference_each(o->reference, o->data->task, o->data->split,
                                             project_set, &r, err)
                            : project_set_file(&r);
    model_free(r.m);
    return rc ? rc : r.partly ? EXIT_PARTLY : EXIT_OK;
}
