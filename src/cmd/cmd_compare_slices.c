/* SPDX-License-Identifier: MIT */
/* vilscope compare of rows: in which slices of the items two evaluations differ. */
#include "src/cmd/cmd_compare_rows.h"

#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/task/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sliced {
    const struct rows_judged *r;
    const struct rows_group *g;
    const struct rows_pair *p;
    json_t *all; /* or NULL */
};

static void slices_json(const struct sliced *x, const struct judge_slice *s)
{
    json_t *v = rows_pair_json(x->g, x->p);
    json_t *where = json_array(), *numbers = rows_judged_json(&s->judged);
    for (int i = 0; i < 2 && s->field[i]; i++)
        json_array_append_new(where, json_pack("{s:o, s:o}", "field", plain_string(s->field[i]),
                                               "value", plain_string(s->value[i])));
    json_object_set_new(v, "slice", where);
    json_object_update(v, numbers);
    json_decref(numbers);
    json_object_set_new(v, "false_discovery", plain_number(s->judged.adjusted));
    json_array_append_new(x->all, v);
}

static void slices_csv(struct sliced *x, const struct judge_slice *s)
{
    const struct judged *j = &s->judged;
    const char *const texts[] = {s->field[0], s->value[0], s->field[1], s->value[1]};
    rows_pair_csv(x->g, x->p);
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        plain_csv(stdout, texts[t], true);
        putchar(',');
    }
    printf("%d,%.9g,%.9g,%.9g,%.9g,%.9g,%d,%d,%.9g,%.9g\n", j->items, j->a, j->b, j->difference,
           j->low, j->high, j->only_a, j->only_b, j->p, j->adjusted);
}

static void slices_text(const struct judge_slice *s)
{
    const struct judged *j = &s->judged;
    char *name = judge_slice_name(s), *difference = rows_difference(j);
    char *p = rows_p(j->adjusted);
    plain_out("  %-36.36s %6d  %5.1f%%  %5.1f%%  %-32s %5d %5d  %s%s\n", name, j->items, 100 * j->a,
              100 * j->b, difference, j->only_a, j->only_b, p, j->adjusted < 0.05 ? " *" : "");
    free(name);
    free(difference);
    free(p);
}

static void slices_head(const struct sliced *x, const struct judge_slices *s)
{
    char *name = rows_group_name(x->g);
    const char *a = x->g->columns[x->p->a].name, *b = x->g->columns[x->p->b].name;
    int shown = 0;
    for (int i = 0; i < s->count; i++)
        shown += s->list[i].judged.adjusted < 0.05;
    plain_out("\n%s, %s to %s: %d slices of %d items or more, %d of them differ (*, false "
              "discovery rate 5 %%)\n", name, a, b, s->count, x->r->how.least, shown);
    if (s->small)
        plain_out("  %d slices have fewer items\n", s->small);
    if (x->r->o->change_count) {
        a = "as is";
        b = "changed";
    }
    if (s->count)
        plain_out("  %-36s %6s  %6.6s  %7.7s %-32s %5s %5s  %s\n", "slice", "items", a, b,
                  "difference", "only", "only", "false discovery");
    free(name);
}

static void slices_print(struct sliced *x, const struct judge_slices *s)
{
    int top = x->r->o->top && x->r->o->top < s->count ? x->r->o->top : s->count;
    bool csv = x->r->o->csv;
    if (!x->all && !csv)
        slices_head(x, s);
    for (int i = 0; i < top; i++)
        if (x->all)
            slices_json(x, &s->list[i]);
        else if (csv)
            slices_csv(x, &s->list[i]);
        else
            slices_text(&s->list[i]);
    if (!x->all && !csv && top < s->count)
        plain_out("  ... %d more: --top 0 shows all\n", s->count - top);
}

static void slices_pair(struct sliced *x, const struct judge_fields *f)
{
    struct judge_slices s;
    judge_slice(&x->p->items, f, &x->r->how, &s);
    slices_print(x, &s);
    judge_slices_fini(&s);
}

/* ---- what is asked for */

static bool slices_have(const struct rows_judged *r, const char *field)
{
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].columns[0].e->count; k++)
            if (row_has_value(row_at(r->groups[i].columns[0].e, k), field, NULL))
                return true;
    return false;
}

/* The fields that there are, for who asked for another one. */
static char *slices_fields(const struct rows_judged *r)
{
    struct buf b = {0};
    for (int i = 0; i < r->group_count; i++) {
        const struct row_evaluation *e = r->groups[i].columns[0].e;
        for (int k = 0; k < e->count; k++) {
            const struct row *row = row_at(e, k);
            for (int f = 0; f < row->field_count; f++) {
                const char *name = row->fields[f].name;
                char *listed = xasprintf(" %s,", name);
                if (!b.data || !strstr(b.data, listed))
                    buf_puts(&b, listed);
                free(listed);
            }
        }
    }
    if (b.len)
        b.data[b.len - 1] = '\0';
    return buf_steal(&b);
}

static int slices_unknown(const struct rows_judged *r, const char *field, struct vs_err *err)
{
    char *known = slices_fields(r);
    int rc = vs_fail(err, VS_E_USAGE, "--slice %s: no row has such a field; there are%s", field,
                     *known ? known : " none");
    free(known);
    return rc;
}

/* "FIELD" or "FIELD,FIELD"; text is cut in two. */
static int slices_parse(const struct rows_judged *r, char *text, struct judge_fields *f,
                        struct vs_err *err)
{
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '\0';
    *f = (struct judge_fields){.first = text, .second = comma ? comma + 1 : NULL};
    if (f->second && strchr(f->second, ','))
        return vs_fail(err, VS_E_USAGE, "--slice %s,%s: one field, or two to cross", f->first,
                       f->second);
    if (!slices_have(r, f->first))
        return slices_unknown(r, f->first, err);
    return f->second && !slices_have(r, f->second) ? slices_unknown(r, f->second, err) : 0;
}

static void slices_every_pair(const struct rows_judged *r, const struct judge_fields *f,
                              json_t *all)
{
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].pair_count; k++) {
            struct sliced x = {.r = r, .g = &r->groups[i], .p = &r->groups[i].pairs[k],
                               .all = all};
            slices_pair(&x, f);
        }
}

int compare_print_slices(const struct rows_judged *r, struct vs_err *err)
{
    const struct compare_options *o = r->o;
    json_t *all = r->json ? json_array() : NULL;
    int rc = 0;
    if (o->csv)
        puts("task,split,a,b,field,value,field_2,value_2,items,a_score,b_score,difference,low,high,"
             "only_a,only_b,p,false_discovery");
    for (int i = 0; i < o->slices.count && rc == 0; i++) {
        char *text = xstrdup(o->slices.list[i]);
        struct judge_fields f;
        rc = slices_parse(r, text, &f, err);
        if (rc == 0)
            slices_every_pair(r, &f, all);
        free(text);
    }
    if (rc == 0 && o->all_slices)
        slices_every_pair(r, &(struct judge_fields){0}, all);
    if (rc == 0 && o->crossings)
        slices_every_pair(r, &(struct judge_fields){.crossed = true}, all);
    if (rc == 0 && all)
        json_object_set_new(r->json, "slices", all);
    else
        json_decref(all);
    return rc;
}
