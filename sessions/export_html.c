/* SPDX-License-Identifier: MIT */
/* A page of queries that needs nothing beside it: pictures are in it, boxes are drawn over them as
 * SVG. Everything that came from outside is escaped; the page itself forbids scripts. */
#include "sessions/export.h"

#include "sessions/db.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "src/formats/base64.h"
#include "src/task/change.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST (16 * 1024 * 1024) /* bytes of a picture that goes into the page */
#define MOST_BOXES 5
#define MOST_ANSWERS 5

/* Text between tags or in a quoted attribute. Bytes that are not UTF-8, controls, and marks that
 * turn the direction of text become a replacement character. */
void export_put_text(FILE *out, const char *text)
{
    for (const char *p = text ? text : ""; *p;) {
        uint32_t c = 0;
        int n = plain_decode(p, &c);
        if (n == 0 || (plain_harmful(c) && c != '\n' && c != '\t'))
            fputs("\xef\xbf\xbd", out);
        else if (c < 128 && strchr("&<>\"'\n\t", (int)c))
            fprintf(out, "&#%d;", (int)c);
        else
            fwrite(p, 1, (size_t)n, out);
        p += n ? n : 1;
    }
}

void export_put_base64(FILE *out, const uint8_t *data, size_t size)
{
    struct buf text = {0};
    base64_encode(data, size, &text);
    fwrite(text.data, 1, text.len, out);
    buf_fini(&text);
}

/* ---- pictures */

const char *export_picture_kind(const struct bytes *b)
{
    if (b->size > 8 && memcmp(b->data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "image/png";
    return b->size > 3 && memcmp(b->data, "\xff\xd8\xff", 3) == 0 ? "image/jpeg" : NULL;
}

/* The file at path, if it is still the picture that was asked about. */
static bool open_same(const char *path, const char *digest, struct bytes *b)
{
    char hex[DIGEST_HEX] = "";
    if (!path || bytes_open(path, b, NULL) != 0)
        return false;
    if (b->size <= LARGEST && export_picture_kind(b))
        digest_bytes(b->data, b->size, hex);
    if (strcmp(hex, digest) == 0)
        return true;
    bytes_close(b);
    return false;
}

/* Where it was, or wherever else the log has met it. */
static bool find_picture(struct log *l, const struct result_image *im, struct bytes *b)
{
    char **paths = NULL;
    int count = 0;
    bool found = open_same(im->path, im->digest, b);
    if (!found)
        log_image_paths(l, im->digest, &paths, &count, NULL);
    for (int i = 0; i < count; i++) {
        found = found || open_same(paths[i], im->digest, b);
        free(paths[i]);
    }
    free(paths);
    return found;
}

static const struct export_picture *need_picture(struct log *l, struct export_page *page,
                                                 const struct result_image *im, FILE *out)
{
    for (int i = 0; i < page->count; i++)
        if (strcmp(page->pictures[i].digest, im->digest) == 0)
            return &page->pictures[i];
    page->pictures = xreallocarray(page->pictures, (size_t)page->count + 1,
                                   sizeof *page->pictures);
    struct export_picture *p = &page->pictures[page->count++];
    struct bytes b;
    memcpy(p->digest, im->digest, sizeof p->digest);
    p->there = im->digest[0] && find_picture(l, im, &b);
    if (!p->there)
        return p;
    fputs("<svg class=\"kept\"><defs><image id=\"p", out);
    export_put_text(out, p->digest);
    fprintf(out, "\" width=\"%d\" height=\"%d\" href=\"data:%s;base64,", im->width, im->height,
            export_picture_kind(&b));
    export_put_base64(out, b.data, b.size);
    fputs("\"/></defs></svg>\n", out);
    bytes_close(&b);
    return p;
}

static const char *const colors[MOST_BOXES] = {"#d62728", "#1f77b4", "#2ca02c", "#ff7f0e",
                                               "#9467bd"};

static void put_boxes(const struct result *r, int image, FILE *out)
{
    const struct result_image *im = &r->images[image];
    double line = (double)(im->width > im->height ? im->width : im->height) / 200;
    for (int i = r->box_count < MOST_BOXES ? r->box_count - 1 : MOST_BOXES - 1; i >= 0; i--) {
        const struct result_box *x = &r->boxes[i];
        if (x->image != image)
            continue;
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
                     "stroke=\"%s\" stroke-width=\"%.2f\"><title>%d. ",
                (double)x->box[0], (double)x->box[1], (double)(x->box[2] - x->box[0]),
                (double)(x->box[3] - x->box[1]), colors[i], i == 0 ? 2 * line : line, i + 1);
        export_put_text(out, x->label);
        fputs("</title></rect>", out);
    }
}

static void put_image(struct log *l, struct export_page *page, const struct result *r, int i,
                      FILE *out)
{
    const struct result_image *im = &r->images[i];
    const struct export_picture *p = need_picture(l, page, im, out);
    fprintf(out, "<figure><svg viewBox=\"0 0 %d %d\">", im->width, im->height);
    if (p->there) {
        fputs("<use href=\"#p", out);
        export_put_text(out, p->digest);
        fputs("\"/>", out);
    } else {
        fprintf(out, "<rect width=\"%d\" height=\"%d\" fill=\"#ddd\"/>", im->width, im->height);
    }
    put_boxes(r, i, out);
    fputs("</svg><figcaption>", out);
    export_put_text(out, im->path ? im->path : im->regions_path);
    if (!p->there)
        fputs(im->digest[0] ? " (the image was not found)" : " (regions without an image)", out);
    fputs("</figcaption></figure>\n", out);
}

/* ---- words */

/* bar: from 0 to 1, or negative for none. */
static void put_bar(FILE *out, const char *color, int rank, const char *label, double value,
                    double bar, const char *name)
{
    fprintf(out, "<tr><td class=\"n\">%d.</td><td>", rank);
    if (color)
        fprintf(out, "<span class=\"box\" style=\"background:%s\"></span> ", color);
    export_put_text(out, label && label[0] ? label : "(no name)");
    fprintf(out, "</td><td class=\"n\">%.4f</td><td>", value);
    if (bar >= 0)
        fprintf(out, "<div class=\"bar\"><div style=\"width:%.1f%%\"></div></div>",
                100 * (bar > 1 ? 1 : bar));
    fprintf(out, "</td><td>%s</td></tr>\n", name);
}

static void put_reading(const struct result *r, FILE *out)
{
    bool align = r->task->reading->by_logit;
    fputs("<table>\n", out);
    for (int i = 0; i < r->answer_count && i < MOST_ANSWERS; i++)
        put_bar(out, NULL, i + 1, r->answers[i].label,
                align ? (double)r->answers[i].logit : (double)r->answers[i].softmax,
                align ? -1 : (double)r->answers[i].softmax, align ? "logit" : "softmax");
    for (int i = 0; i < r->box_count && i < MOST_BOXES; i++) {
        char *label = xasprintf("region %d%s%s", r->boxes[i].region, r->boxes[i].label ? " " : "",
                                r->boxes[i].label ? r->boxes[i].label : "");
        double softmax = (double)r->boxes[i].softmax;
        put_bar(out, colors[i], i + 1, label, softmax, softmax, "softmax");
        free(label);
    }
    fputs("</table>\n", out);
}

static void put_field(FILE *out, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    fprintf(out, "<dt>%s</dt><dd>", name);
    export_put_text(out, value);
    fputs("</dd>\n", out);
}

/* What the other checkpoints of the newest comparison said, with links to them. */
static int put_compared(struct log *l, int64_t query, FILE *out, struct vs_err *err)
{
    sqlite3_stmt *s = NULL;
    int n = 0, code;
    int rc = db_ready(l, "SELECT q.id, q.checkpoint_name, q.best, q.best_score FROM"
                         " comparison_queries x JOIN queries q ON q.id = x.query_id WHERE"
                         " x.comparison_id = (SELECT max(comparison_id) FROM comparison_queries"
                         " WHERE query_id = ?1) AND q.id <> ?1 ORDER BY x.position", &s, err);
    if (rc != 0)
        return rc;
    db_bind(s, "i", query);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        fprintf(out, "%s<a href=\"#q%lld\">", n++ ? "<br>" : "<dt>compared with</dt><dd>",
                (long long)sqlite3_column_int64(s, 0));
        export_put_text(out, (const char *)sqlite3_column_text(s, 1));
        fputs("</a>: ", out);
        export_put_text(out, (const char *)sqlite3_column_text(s, 2));
        fprintf(out, " %.4f", sqlite3_column_double(s, 3));
    }
    fputs(n ? "</dd>\n" : "", out);
    if (code != SQLITE_DONE)
        rc = db_fail(l, "reading", err);
    sqlite3_reset(s);
    return rc;
}

static int put_attention(struct log *l, int64_t query, FILE *out, struct vs_err *err)
{
    struct log_attention_size size = {0};
    int rc = log_attention_size(l, query, &size, err);
    if (rc == 0 && size.maps)
        fprintf(out, "<dt>attention</dt><dd>%d map%s in the log, %.1f KB</dd>\n", size.maps,
                size.maps == 1 ? "" : "s", (double)size.packed / 1e3);
    return rc;
}

static int put_fields(struct log *l, const struct export_item *x, FILE *out, struct vs_err *err)
{
    char *changes = change_list_show(x->row->changes);
    fputs("<dl>\n", out);
    put_field(out, "asked", x->row->when);
    put_field(out, "checkpoint", x->row->checkpoint);
    fputs("<dt>digest</dt><dd class=\"hex\">", out);
    export_put_text(out, x->row->checkpoint_digest);
    fputs("</dd>\n", out);
    put_field(out, "changes", changes);
    free(changes);
    put_field(out, "pair", x->result->pair_separate ? "separate rows" : NULL);
    put_field(out, "expected", x->row->expected);
    put_field(out, "note", x->row->note);
    put_field(out, "tags", x->row->tags);
    put_field(out, "notice", x->result->notice);
    put_field(out, "device", x->result->device);
    int rc = put_compared(l, x->row->id, out, err);
    if (rc == 0)
        rc = put_attention(l, x->row->id, out, err);
    fputs("</dl>\n", out);
    return rc;
}

int export_html_query(struct log *l, struct export_page *page, const struct export_item *x,
                      FILE *out, struct vs_err *err)
{
    fprintf(out, "<section id=\"q%lld\"><h2>%s", (long long)x->row->id,
            x->row->pinned ? "&#9733; " : "");
    export_put_text(out, x->row->text);
    fprintf(out, "</h2><p class=\"task\">%lld, ", (long long)x->row->id);
    export_put_text(out, x->result->task->title);
    fputs("</p><div class=\"row\"><div class=\"pictures", out);
    fputs(x->result->image_count > 1 ? " many\">\n" : "\">\n", out);
    for (int i = 0; i < x->result->image_count; i++)
        put_image(l, page, x->result, i, out);
    fputs("</div><div class=\"words\">\n", out);
    put_reading(x->result, out);
    int rc = put_fields(l, x, out, err);
    fputs("</div></div></section>\n", out);
    return rc;
}

void export_html_begin(struct log *l, const struct log_exported *what, FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "img-src data:; style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\"><title>vilscope</title><style>\n"
          "body{font:15px/1.4 sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}\n"
          "section{border-top:1px solid #bbb;padding:.5em 0}h2{font-size:1.2em;margin:.4em 0 0}\n"
          ".task{color:#666;margin:0 0 .6em}.row{display:flex;flex-wrap:wrap;gap:1.5em}\n"
          ".pictures{flex:1 1 20em}.words{flex:1 1 24em}figure{margin:0 0 .5em}\n"
          "figure svg{width:100%;max-height:32em;background:#eee}figcaption{color:#666;\n"
          "font-size:.85em;overflow-wrap:anywhere}td{padding:.1em .5em .1em 0}\n"
          ".n{text-align:right;font-variant-numeric:tabular-nums}\n"
          ".bar{width:9em;height:.8em;background:#eee}\n"
          ".bar div{height:100%;background:#1f77b4}.box{display:inline-block;width:.8em;"
          "height:.8em}\ndl{display:grid;grid-template-columns:auto 1fr;gap:0 1em;font-size:.9em}\n"
          "dt{color:#666}dd{margin:0;overflow-wrap:anywhere}\n"
          ".many{display:grid;grid-template-columns:1fr 1fr;gap:0 .8em;align-content:start}\n"
          "figure svg.grid{background:none}.grid text{font-size:11px;text-anchor:end;fill:#222}\n"
          ".bar .minus{background:#d62728}\n"
          ".kept{position:absolute;width:0;height:0}dd.hex{font-size:.85em}\n"
          "</style></head><body><h1>vilscope</h1><p>", out);
    fprintf(out, "%d quer%s", what->count, what->count == 1 ? "y" : "ies");
    if (what->difference_count)
        fprintf(out, " and %d comparison%s of checkpoints", what->difference_count,
                what->difference_count == 1 ? "" : "s");
    fputs(" of ", out);
    export_put_text(out, l->path);
    fputs("</p>\n", out);
}

void export_html_end(struct export_page *page, FILE *out)
{
    fputs("</body></html>\n", out);
    free(page->pictures);
}
