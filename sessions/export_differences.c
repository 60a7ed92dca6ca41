/* SPDX-License-Identifier: MIT */
/* What was found out about two checkpoints, as a line of JSON and as a section of the page: a
 * ranking of parts, or, of hidden states, a picture of layers by layers. */
#include "sessions/db.h"
#include "sessions/export.h"

#include "src/base/mem.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PARTS 12

int export_json_difference(struct log *l, const struct log_difference *d, FILE *out,
                           struct vs_err *err)
{
    char uid[LOG_UID], *data = NULL;
    int rc = export_session_uid(l, d->session, uid, err);
    if (rc == 0)
        rc = log_difference_json(l, d->id, &data, err);
    if (rc != 0)
        return rc;
    json_t *head = json_pack("{s:I, s:s, s:s, s:s, s:o, s:{s:o, s:s}, s:{s:o, s:s}, s:o, s:o}",
                             "difference", (json_int_t)d->id, "session", uid, "found", d->found,
                             "kind", d->kind, "level", export_text(d->level), "a", "name",
                             export_text(d->a), "digest", d->a_digest, "b", "name",
                             export_text(d->b), "digest", d->b_digest, "subject",
                             export_text(d->subject), "summary", export_text(d->summary));
    export_json_line(head, "difference", "data", data, out);
    free(data);
    return 0;
}

/* ---- parts */

static int read_parts(struct log *l, int64_t id, struct difference_part **out, int *count,
                      struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = db_ready(l, "SELECT part, other, value FROM difference_parts WHERE difference_id = ?"
                         " ORDER BY position", &s, err), code;
    *out = NULL;
    *count = 0;
    if (rc != 0)
        return rc;
    db_bind(s, "i", id);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        bool none = sqlite3_column_type(s, 2) == SQLITE_NULL;
        *out = xreallocarray(*out, (size_t)*count + 1, sizeof **out);
        (*out)[(*count)++] =
            (struct difference_part){db_need(s, 0), db_text(s, 1),
                                     none ? (double)NAN : sqlite3_column_double(s, 2)};
    }
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static void free_parts(struct difference_part *p, int count)
{
    for (int i = 0; i < count; i++) {
        free(p[i].part);
        free(p[i].other);
    }
    free(p);
}

/* Largest first, those without a value last. */
static int by_value(const void *a, const void *b)
{
    double x = ((const struct difference_part *)a)->value;
    double y = ((const struct difference_part *)b)->value;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x < y) - (x > y);
}

/* most: the largest value without its sign. */
static void put_part(const struct difference_part *p, int rank, double most, const char *unit,
                     FILE *out)
{
    fprintf(out, "<tr><td class=\"n\">%d.</td><td>", rank);
    export_put_text(out, p->part);
    if (isnan(p->value)) {
        fputs("</td><td>not compared</td></tr>\n", out);
        return;
    }
    bool small = p->value != 0 && fabs(p->value) < 0.001;
    fprintf(out, small ? "</td><td class=\"n\">%.2e" : "</td><td class=\"n\">%.4f", p->value);
    fprintf(out, "</td><td><div class=\"bar\"><div%s style=\"width:%.1f%%\"></div></div></td>"
                 "<td>%s</td></tr>\n", p->value < 0 ? " class=\"minus\"" : "",
            100 * fabs(p->value) / most, unit);
}

static void put_ranking(struct difference_part *p, int count, const char *unit, FILE *out)
{
    double most = 0;
    vs_sort(p, (size_t)count, sizeof *p, by_value);
    for (int i = 0; i < count; i++)
        most = fabs(p[i].value) > most ? fabs(p[i].value) : most;
    fputs("<table>\n", out);
    for (int i = 0; i < count && i < MOST_PARTS; i++)
        put_part(&p[i], i + 1, most > 0 ? most : 1, unit, out);
    fputs("</table>\n", out);
    if (count > MOST_PARTS)
        fprintf(out, "<p class=\"task\">and %d more</p>\n", count - MOST_PARTS);
}

/* ---- layers by layers: both depths of each stream, dark where they are alike */

/* The names without what is the same in all of them. */
static const char *after_stream(const char *name)
{
    const char *blank = strchr(name, ' ');
    return blank ? blank + 1 : name;
}

/* A cell without a number has an outline and no color: it is neither alike nor different. */
static void put_cell(const struct difference_part *p, int row, int col, FILE *out)
{
    bool known = !isnan(p->value);
    double v = !known || p->value < 0 ? 0 : p->value > 1 ? 1 : p->value;
    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"20\" height=\"20\" ", 90 + 20 * col, 20 * row);
    if (known)
        fprintf(out, "fill=\"#1f77b4\" fill-opacity=\"%.3f\"><title>", v);
    else
        fputs("fill=\"none\" stroke=\"#bbb\"><title>", out);
    export_put_text(out, p->part);
    fputs(" of A, ", out);
    export_put_text(out, p->other);
    if (known)
        fprintf(out, " of B: %.4f</title></rect>\n", p->value);
    else
        fputs(" of B: not measured</title></rect>\n", out);
}

static void put_stream(const struct difference_part *p, int depths, FILE *out)
{
    char *stream = xstrndup(p->part, strcspn(p->part, " "));
    fprintf(out, "<figure><svg class=\"grid\" viewBox=\"0 0 %d %d\" style=\"max-width:%dpx\">\n",
            90 + 20 * depths, 20 * depths + 4, 120 + 26 * depths);
    for (int i = 0; i < depths; i++) {
        fprintf(out, "<text x=\"84\" y=\"%d\">", 20 * i + 14);
        export_put_text(out, after_stream(p[i * depths].part));
        fputs("</text>\n", out);
        for (int j = 0; j < depths; j++)
            put_cell(&p[i * depths + j], i, j, out);
    }
    fputs("</svg><figcaption>", out);
    export_put_text(out, stream);
    fputs(" stream: down A, across B in the same order; the darker the more alike</figcaption>"
          "</figure>\n", out);
    free(stream);
}

/* Rows of one stream are as many as each of them has columns. */
static void put_streams(const struct difference_part *p, int count, FILE *out)
{
    fputs("<div class=\"row\">\n", out);
    for (int i = 0, depths = 0; i < count; i += depths * depths) {
        depths = 0;
        while (i + depths < count && depths < 1000 && strcmp(p[i + depths].part, p[i].part) == 0)
            depths++;
        if (depths * depths > count - i)
            break; /* not whole: "sessions check" tells */
        put_stream(&p[i], depths, out);
    }
    fputs("</div>\n", out);
}

/* ---- the section */

static const struct {
    const char *kind, *title, *unit;
} kinds[] = {
    {"weights", "Change of the weights", "relative"},
    {"cka", "Similarity of the hidden states", ""},
    {"attention", "Change of attention", "bits"},
    {"swap", "Swap of ", "share"},
};

static size_t found_kind_of(const char *kind)
{
    size_t i = 0;
    while (i < sizeof kinds / sizeof kinds[0] - 1 && strcmp(kinds[i].kind, kind) != 0)
        i++;
    return i;
}

static void found_put_names(const struct log_difference *d, FILE *out)
{
    fprintf(out, "<h2>%s", kinds[found_kind_of(d->kind)].title);
    if (d->level)
        export_put_text(out, d->level);
    fputs(": A ", out);
    export_put_text(out, d->a);
    fputs(", B ", out);
    export_put_text(out, d->b);
    fputs("</h2><p class=\"task\">", out);
    export_put_text(out, d->found);
    if (d->subject) {
        fputs(", asked: ", out);
        export_put_text(out, d->subject);
    }
    fputs("</p><p>", out);
    export_put_text(out, d->summary);
    fputs("</p>\n", out);
}

int export_html_difference(struct log *l, const struct log_difference *d, FILE *out,
                           struct vs_err *err)
{
    struct difference_part *p = NULL;
    int count = 0;
    int rc = read_parts(l, d->id, &p, &count, err);
    if (rc == 0) {
        fprintf(out, "<section id=\"d%lld\">", (long long)d->id);
        found_put_names(d, out);
        if (strcmp(d->kind, "cka") == 0)
            put_streams(p, count, out);
        else
            put_ranking(p, count, kinds[found_kind_of(d->kind)].unit, out);
        fputs("</section>\n", out);
    }
    free_parts(p, count);
    return rc;
}
