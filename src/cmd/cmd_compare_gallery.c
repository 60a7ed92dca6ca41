/* SPDX-License-Identifier: MIT */
/* vilscope compare --gallery: items that came out otherwise, as a page that needs nothing beside
 * it: pictures are in it, the boxes that were chosen and that is meant are drawn
 * over them. Everything that came from
 * outside is escaped; the page itself forbids scripts. */
#include "src/cmd/cmd_compare_rows.h"

#include "sessions/export.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/formats/image.h"
#include "src/formats/outfile.h"
#include "src/study/imagename.h"
#include "src/task/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST ((size_t)16 << 20) /* bytes of a picture that goes into the page */

const char *const gallery_outcomes[] = {"flipped", "gained", "lost", "wrong", "right", NULL};
enum { SHOWS_FLIPPED, SHOWS_GAINED, SHOWS_LOST, SHOWS_WRONG, SHOWS_RIGHT };

struct gallery_picture {
    char *name;
    int width, height; /* 0: there is none */
};
struct gallery {
    const struct rows_judged *r;
    FILE *out;
    struct gallery_picture *pictures;
    int picture_count, shown, found;
};

/* ---- which */

static double gallery_surer(const struct judge_item *it)
{
    double a = isfinite(it->a->confidence) ? it->a->confidence : 0;
    double b = isfinite(it->b->confidence) ? it->b->confidence : 0;
    return a > b ? a : b;
}

static bool gallery_has_values(const struct gallery *g, const struct row *r)
{
    const struct words *w = &g->r->o->where;
    for (int i = 0; i < w->count; i++) {
        size_t n = strcspn(w->list[i], "=");
        char *field = xstrndup(w->list[i], n);
        bool has = w->list[i][n] == '=' && row_has_value(r, field, w->list[i] + n + 1);
        free(field);
        if (!has)
            return false;
    }
    return true;
}

static bool gallery_shows(const struct gallery *g, const struct judge_item *it)
{
    bool a = it->right_a, b = it->right_b, wanted = false;
    switch (g->r->o->outcome) {
    case SHOWS_FLIPPED: wanted = a != b; break;
    case SHOWS_GAINED: wanted = !a && b; break;
    case SHOWS_LOST: wanted = a && !b; break;
    case SHOWS_WRONG: wanted = !a && !b; break;
    default: wanted = a && b;
    }
    return wanted && gallery_surer(it) >= g->r->o->sure && gallery_has_values(g, it->a);
}

/* One that is shown; the rows need not be in memory. */
struct gallery_found {
    const struct judge_item *it; /* of a list in the order of the items */
    double sure;
};

static int gallery_surest_first(const void *a, const void *b)
{
    const struct gallery_found *x = a, *y = b;
    if (x->sure != y->sure)
        return x->sure > y->sure ? -1 : 1;
    return (x->it > y->it) - (x->it < y->it);
}

/* ---- pictures */

/* Puts the picture into the page, where there is one: for later use by its number. */
static void gallery_embed(struct gallery *g, struct gallery_picture *p, const char *path)
{
    struct image *im = NULL;
    struct bytes b;
    if (bytes_open(path, &b, NULL) != 0)
        return;
    const char *kind = b.size <= LARGEST ? export_picture_kind(&b) : NULL;
    if (kind && image_open(path, &im, NULL) == 0) {
        p->width = im->width;
        p->height = im->height;
        plain_text(g->out, "<svg class=\"kept\"><defs><image id=\"p%d\" width=\"%d\" height=\"%d\""
                " href=\"data:%s;base64,", g->picture_count, p->width, p->height, kind);
        export_put_base64(g->out, b.data, b.size);
        fputs("\"/></defs></svg>\n", g->out);
    }
    image_free(im);
    bytes_close(&b);
}

/* The number of a picture, which is put into the page when it is new. */
static int gallery_picture(struct gallery *g, const char *name)
{
    for (int i = 0; i < g->picture_count; i++)
        if (strcmp(g->pictures[i].name, name) == 0)
            return i;
    g->pictures = xreallocarray(g->pictures, (size_t)g->picture_count + 1, sizeof *g->pictures);
    struct gallery_picture *p = &g->pictures[g->picture_count];
    *p = (struct gallery_picture){.name = xstrdup(name)};
    const struct compare_options *o = g->r->o;
    char *path = o->pictures    ? imagename_find(o->pictures, name)
                 : o->data.path ? xstrdup(name) /* as the set that was measured has it */
                                : NULL;
    if (path)
        gallery_embed(g, p, path);
    free(path);
    return g->picture_count++;
}

/* ---- boxes: what each chose, and what is meant */

struct gallery_item {
    const struct rows_group *group;
    const struct rows_pair *pair;
    const struct judge_item *it;
};
enum { BOX_A, BOX_B, BOX_MEANT, BOXES };
/* The first is wide, so that it is seen around the second; the last is dashed over both. */
static const struct {
    const char *color;
    double width;
} gallery_strokes[BOXES] = {{"#e6550d", 2.5}, {"#1f77b4", 1}, {"#2ca02c", 1}};

/* A member of the row's line. */
static bool gallery_box(const struct row *r, const char *key, double box[4])
{
    json_t *line = json_loadb(r->line, r->length, JSON_ALLOW_NUL, NULL);
    json_t *list = json_object_get(line, key);
    bool good = json_array_size(list) == 4;
    for (size_t i = 0; i < 4 && good; i++)
        box[i] = json_number_value(json_array_get(list, i));
    json_decref(line);
    return good;
}

/* Which there are, as bits. */
static int gallery_boxes(const struct judge_item *it, double boxes[BOXES][4])
{
    return gallery_box(it->a, "chosen_box", boxes[BOX_A]) << BOX_A |
           gallery_box(it->b, "chosen_box", boxes[BOX_B]) << BOX_B |
           gallery_box(it->a, "box", boxes[BOX_MEANT]) << BOX_MEANT;
}

/* Those that there were to choose from, below the others. */
static void gallery_draw_candidates(struct gallery *g, const struct row *r, double width)
{
    struct box_list list;
    if (!row_candidates(r, &list))
        return;
    for (int i = 0; i < list.count; i++) {
        const float *box = list.boxes + 4 * (size_t)i;
        plain_text(g->out, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill=\"none\""
                   " stroke=\"#888\" stroke-width=\"%g\"/>", (double)box[0], (double)box[1],
                   (double)box[2] - (double)box[0], (double)box[3] - (double)box[1], width);
    }
    free(list.boxes);
}

static void gallery_draw_boxes(struct gallery *g, const struct judge_item *it, double unit)
{
    double boxes[BOXES][4] = {{0}};
    int there = gallery_boxes(it, boxes);
    gallery_draw_candidates(g, it->a, unit / 2);
    for (int i = 0; i < BOXES; i++) {
        const double *box = boxes[i];
        double w = unit * gallery_strokes[i].width;
        if (!(there >> i & 1))
            continue;
        plain_text(g->out, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill=\"none\""
                   " stroke=\"%s\" stroke-width=\"%g\"", box[0], box[1], fmax(box[2] - box[0], 0),
                   fmax(box[3] - box[1], 0), gallery_strokes[i].color, w);
        if (i == BOX_MEANT)
            plain_text(g->out, " stroke-dasharray=\"%g\"", 4 * w);
        fputs("/>", g->out);
    }
}

static void gallery_legend(struct gallery *g, const struct gallery_item *x)
{
    double boxes[BOXES][4];
    const char *names[BOXES] = {x->group->columns[x->pair->a].name,
                                x->group->columns[x->pair->b].name, "meant (dashed)"};
    int there = gallery_boxes(x->it, boxes);
    if (!there)
        return;
    fputs("<p class=\"legend\">boxes:", g->out);
    for (int i = 0; i < BOXES; i++) {
        if (!(there >> i & 1))
            continue;
        plain_text(g->out, " <b style=\"color:%s\">&#9632; ", gallery_strokes[i].color);
        export_put_text(g->out, names[i]);
        fputs("</b>", g->out);
    }
    fputs("</p>\n", g->out);
}

/* ---- an item's pictures */

static void gallery_draw(struct gallery *g, int number, const struct judge_item *it)
{
    const struct gallery_picture *p = &g->pictures[number];
    if (!p->width) {
        fputs("<p class=\"none\">", g->out);
        export_put_text(g->out, p->name);
        fputs(": no picture</p>\n", g->out);
        return;
    }
    g->found++;
    plain_text(g->out, "<svg viewBox=\"0 0 %d %d\"><use href=\"#p%d\"/>", p->width, p->height,
               number);
    gallery_draw_boxes(g, it, p->width / 150.0 + 1);
    fputs("</svg>\n", g->out);
}

/* Each image of a pair: "a + b". */
static void gallery_images(struct gallery *g, const struct judge_item *it)
{
    char *names = xstrdup(it->a->image), *next = names;
    while (next) {
        char *name = next, *between = strstr(next, " + ");
        next = between ? between + 3 : NULL;
        if (between)
            *between = '\0';
        if (*name)
            gallery_draw(g, gallery_picture(g, name), it);
    }
    free(names);
}

/* ---- the page */

static void gallery_answer(struct gallery *g, const char *checkpoint, const struct row *r)
{
    plain_text(g->out, "<tr class=\"%s\"><th>", r->correct ? "right" : "wrong");
    export_put_text(g->out, checkpoint);
    fputs("</th><td>", g->out);
    export_put_text(g->out, r->answer);
    plain_text(g->out, "</td><td>%s</td>", r->correct ? "right" : "wrong");
    if (isfinite(r->confidence))
        plain_text(g->out, "<td>%.1f %%</td>", 100 * r->confidence);
    fputs("</tr>\n", g->out);
}

static void gallery_item(struct gallery *g, const struct rows_group *group,
                         const struct rows_pair *p, const struct judge_item *it)
{
    fputs("<article>\n", g->out);
    gallery_images(g, it);
    gallery_legend(g, &(struct gallery_item){group, p, it});
    fputs("<h3>", g->out);
    export_put_text(g->out, it->a->text);
    fputs("</h3><table>\n", g->out);
    gallery_answer(g, group->columns[p->a].name, it->a);
    gallery_answer(g, group->columns[p->b].name, it->b);
    fputs("</table><p class=\"fields\">item ", g->out);
    export_put_text(g->out, it->a->id);
    for (int i = 0; i < it->a->field_count; i++) {
        fputs(" &middot; ", g->out);
        export_put_text(g->out, it->a->fields[i].name);
        fputs(": ", g->out);
        export_put_text(g->out, it->a->fields[i].value);
    }
    fputs("</p></article>\n", g->out);
    g->shown++;
}

static void gallery_pair(struct gallery *g, const struct rows_group *group,
                         const struct rows_pair *p)
{
    struct gallery_found *list = xcalloc((size_t)p->items.count + 1, sizeof *list);
    int n = 0, top = g->r->o->top;
    for (int i = 0; i < p->items.count; i++) {
        const struct judge_item *it = &p->items.list[i];
        if (gallery_shows(g, it))
            list[n++] = (struct gallery_found){it, gallery_surer(it)};
        rows_passed(p->items.of);
    }
    vs_sort(list, (size_t)n, sizeof *list, gallery_surest_first);
    char *name = rows_group_name(group);
    fputs("<h2>", g->out);
    export_put_text(g->out, name);
    fputs(": ", g->out);
    export_put_text(g->out, group->columns[p->a].name);
    fputs(" to ", g->out);
    export_put_text(g->out, group->columns[p->b].name);
    plain_text(g->out, "</h2><p>%d of %d items, %s; ", n, p->items.count,
            gallery_outcomes[g->r->o->outcome]);
    plain_text(g->out, top && top < n ? "the %d with the surest answers</p>\n" : "all</p>\n", top);
    for (int i = 0; i < n && (top == 0 || i < top); i++) {
        gallery_item(g, group, p, list[i].it);
        rows_passed(p->items.of);
    }
    free(name);
    free(list);
}

static const char gallery_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src"
    " 'unsafe-inline'; img-src data:\">\n<title>vilscope: items that differ</title>\n<style>"
    "body{font:15px/1.4 sans-serif;max-width:75em;margin:2em auto;padding:0 1em}"
    "article{display:inline-block;vertical-align:top;width:20em;margin:0 1em 2em 0}"
    "svg{max-width:100%;max-height:16em;display:block}svg.kept{display:none}"
    "h3{font-size:1em;margin:.5em 0}th{text-align:left;padding-right:1em}td{padding-right:1em}"
    ".legend{margin:.2em 0;font-size:85%}"
    ".right td{color:#116611}.wrong td{color:#aa1111}.fields,.none{color:#666;font-size:85%}"
    "</style></head><body>\n<h1>Items of two evaluations</h1>\n";

int compare_write_gallery(const struct rows_judged *r, struct vs_err *err)
{
    struct gallery g = {.r = r};
    struct outfile o;
    int rc = outfile_open(&o, r->o->gallery, err);
    if (rc != 0)
        return rc;
    g.out = o.file;
    fputs(gallery_head, g.out);
    for (int i = 0; i < r->group_count; i++)
        for (int k = 0; k < r->groups[i].pair_count; k++)
            gallery_pair(&g, &r->groups[i], &r->groups[i].pairs[k]);
    fputs("</body></html>\n", g.out);
    rc = outfile_close(&o, err);
    if (rc == 0)
        plain_text(stderr, "vilscope compare: %s: %d items, %d pictures\n", r->o->gallery, g.shown,
                   g.found);
    for (int i = 0; i < g.picture_count; i++)
        free(g.pictures[i].name);
    free(g.pictures);
    return rc;
}
