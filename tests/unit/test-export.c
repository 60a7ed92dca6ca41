/* SPDX-License-Identifier: MIT */
/* The page of queries and of what was found out about checkpoints, byte by byte against
 * tests/data/export/page.html (times aside), and cell by cell against what was logged: a map that
 * is transposed, a cell, bar or box beside its place, a name, sign or rank that is missing or of
 * another row, and text that is not escaped break it.
 *
 * VILSCOPE_GOLDEN=write writes the page anew: look at it in a browser before you commit it. */
#include "logs.h"
#include "sessions/tend.h"

/* ---- what is logged */

static void add_part(struct difference *d, char *part, char *other, double value)
{
    d->parts = xreallocarray(d->parts, (size_t)d->count + 1, sizeof *d->parts);
    d->parts[d->count++] = (struct difference_part){part, other, value};
}

static struct difference *new_difference(const char *kind, const char *level, const char *subject)
{
    struct difference *d = make_difference("x");
    for (int i = 0; i < d->count; i++) {
        free(d->parts[i].part);
        free(d->parts[i].other);
    }
    free(d->subject);
    free(d->summary);
    d->count = 0;
    d->kind = kind;
    d->level = level;
    d->subject = subject ? xstrdup(subject) : NULL;
    d->summary = xasprintf("the summary of %s <&>", kind);
    return d;
}

/* No two cells are alike, and none is its mirror image's. */
static double similarity(int stream, int i, int j)
{
    return stream == 0 && i == 1 && j == 2 ? (double)NAN
                                           : 0.05 + 0.25 * i + 0.075 * j + 0.4 * stream;
}

static const char *const streams[] = {"text", "<image>"};
static const char *const depths[] = {"embeddings", "layer 1", "layer \"2\""};

static struct difference *states(void)
{
    struct difference *d = new_difference("cka", NULL, "is it <red>?");
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < 3 - s; i++)
            for (int j = 0; j < 3 - s; j++)
                add_part(d, xasprintf("%s %s", streams[s], depths[i]),
                         xasprintf("%s %s", streams[s], depths[j]), similarity(s, i, j));
    return d;
}

static struct difference *swap(void)
{
    struct difference *d = new_difference("swap", "layers", "a \"query\"");
    add_part(d, xstrdup("text layer 1"), NULL, 0.25);
    add_part(d, xstrdup("image & layer 2"), NULL, -0.5);
    add_part(d, xstrdup("heads"), NULL, (double)NAN);
    add_part(d, xstrdup("poolers"), NULL, 2e-4);
    add_part(d, xstrdup("co layer 1"), NULL, 1.0);
    return d;
}

static struct difference *weights(void)
{
    struct difference *d = new_difference("weights", NULL, NULL);
    for (int i = 0; i < 14; i++)
        add_part(d, xasprintf("layer %d", i + 1), NULL, i == 3 ? 2e-5 : 0.01 * (i + 1));
    return d;
}

static struct result *query(const char *task, const char *text)
{
    struct result *r = make_result(task, text);
    for (int i = 0; i < r->box_count; i++) {
        struct result_box *b = &r->boxes[i];
        const float box[4] = {4.0f + 10 * (float)i, 2, 24.0f + 10 * (float)i, 20.0f + 8 * (float)i};
        memcpy(b->box, box, sizeof box);
        b->image = i == 2;
        free(b->label);
        b->label = xasprintf("label <%d>", i);
        b->softmax = 0.6f / (float)(i + 1);
    }
    for (int i = 0; i < r->answer_count; i++)
        r->answers[i].softmax = 0.5f / (float)(i + 1);
    return r;
}

/* Two queries and three differences; the picture of the first image lies beside the log. */
static bool fill(struct log *l, struct vs_err *err)
{
    int64_t session, id;
    struct difference *list[] = {states(), swap(), weights()};
    struct result *a = query("refcoco", "the <red> one"), *b = query("vqa", "what & why");
    struct bytes picture;
    bool good = log_begin_session(l, NULL, &session, err) == 0 &&
                bytes_open("p.png", &picture, err) == 0;
    if (good) {
        digest_bytes(picture.data, picture.size, a->images[0].digest);
        bytes_close(&picture);
    }
    good = good && log_result(l, session, a, err) == 0 && log_result(l, session, b, err) == 0 &&
           log_set_note(l, 1, "a \"note\"\nof two lines", err) == 0 &&
           log_add_tag(l, 1, "odd<tag>", err) == 0 && log_pin(l, 2, "yes > no", err) == 0;
    for (int i = 0; i < 3; i++) {
        good = good && log_difference(l, session, list[i], &id, err) == 0;
        difference_free(list[i]);
    }
    result_free(a);
    result_free(b);
    return good;
}

/* ---- the page */

static char *export(struct log *l, enum log_format format)
{
    struct vs_err err = {0};
    struct log_difference *list = NULL;
    int64_t queries[] = {1, 2};
    char *out = NULL;
    size_t size;
    int n = 0;
    log_list_differences(l, 1, &list, &n, &err);
    struct log_exported what = {.queries = queries, .count = 2, .differences = list,
                                .difference_count = n};
    FILE *f = open_memstream(&out, &size);
    ok(log_export(l, &what, format, f, &err) == 0 && n == 3, "exported %s", err.text);
    fclose(f);
    log_differences_free(list, n);
    return out;
}

/* 2026-11-28T22:18:22.123Z and such become T. */
static void hide_times(char *s)
{
    char *to = s;
    while (*s) {
        bool time = s[0] == '2' && s[1] == '0' && strlen(s) > 24 && s[4] == '-' && s[10] == 'T' &&
                    s[13] == ':' && s[23] == 'Z';
        *to++ = time ? 'T' : *s;
        s += time ? 24 : 1;
    }
    *to = '\0';
}

static char *read_all(const char *path)
{
    struct bytes b;
    if (bytes_open(path, &b, NULL) != 0)
        return xstrdup("");
    char *s = xstrndup((const char *)b.data, b.size);
    bytes_close(&b);
    return s;
}

/* The first line in which they differ. */
static void tell_difference(const char *a, const char *b)
{
    int line = 1;
    size_t n = 0;
    for (size_t i = 0; a[i] && a[i] == b[i]; i++)
        if (a[i] == '\n') {
            line++;
            n = i + 1;
        }
    tap_note("line %d is  %.*s", line, (int)strcspn(a + n, "\n"), a + n);
    tap_note("not        %.*s", (int)strcspn(b + n, "\n"), b + n);
}

static void against_golden(const char *page, const char *golden)
{
    const char *write = getenv("VILSCOPE_GOLDEN");
    if (write && strcmp(write, "write") == 0) {
        FILE *f = fopen(golden, "w");
        ok(f && fputs(page, f) >= 0 && fclose(f) == 0, "%s is written", golden);
        return;
    }
    char *want = read_all(golden);
    if (!ok(strcmp(page, want) == 0, "the page is tests/data/export/page.html"))
        tell_difference(page, want);
    free(want);
}

/* Text as it stands in the page. */
static char *escaped(const char *s)
{
    struct buf b = {0};
    buf_puts(&b, "");
    for (; *s; s++)
        if (strchr("&<>\"'\n", *s))
            buf_printf(&b, "&#%d;", *s);
        else
            buf_putc(&b, *s);
    return b.data;
}

/* Every cell stands in its row and column, with its names and its color; A goes down. */
static void cells(const char *page)
{
    int wrong = 0;
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < 3 - s; i++)
            for (int j = 0; j < 3 - s; j++) {
                double v = similarity(s, i, j);
                char *name = xasprintf("%s %s", streams[s], depths[i]), *a = escaped(name);
                char *over = xasprintf("%s %s", streams[s], depths[j]), *b = escaped(over);
                char *color = isnan(v) ? xstrdup("fill=\"none\" stroke=\"#bbb\"")
                                       : xasprintf("fill=\"#1f77b4\" fill-opacity=\"%.3f\"", v);
                char *number = isnan(v) ? xstrdup("not measured") : xasprintf("%.4f", v);
                char *rect = xasprintf("<rect x=\"%d\" y=\"%d\" width=\"20\" height=\"20\" %s>"
                                       "<title>%s of A, %s of B: %s</title></rect>\n", 90 + 20 * j,
                                       20 * i, color, a, b, number);
                wrong += !strstr(page, rect);
                char *const all[] = {name, a, over, b, color, number, rect};
                for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
                    free(all[k]);
            }
    ok(wrong == 0, "cells of the hidden states: %d of 13 are not where they belong", wrong);
}

static void ranks(const char *page)
{
    const char *section = strstr(page, "<h2>Swap of layers: A early, B late</h2>");
    const char *rows[] = {"<td class=\"n\">1.</td><td>co layer 1</td><td class=\"n\">1.0000</td>"
                          "<td><div class=\"bar\"><div style=\"width:100.0%\">",
                          "<td class=\"n\">2.</td><td>text layer 1</td><td class=\"n\">0.2500</td>"
                          "<td><div class=\"bar\"><div style=\"width:25.0%\">",
                          "<td class=\"n\">3.</td><td>poolers</td><td class=\"n\">2.00e-04</td>"
                          "<td><div class=\"bar\"><div style=\"width:0.0%\">",
                          "<td class=\"n\">4.</td><td>image &#38; layer 2</td><td class=\"n\">"
                          "-0.5000</td><td><div class=\"bar\"><div class=\"minus\" "
                          "style=\"width:50.0%\">",
                          "<td class=\"n\">5.</td><td>heads</td><td>not compared</td>"};
    int wrong = section == NULL;
    for (int i = 0; section && i < 5; i++) {
        const char *at = strstr(section, rows[i]);
        wrong += at == NULL;
        section = at ? at : section;
    }
    ok(wrong == 0, "parts of a swap stand in the order of their shares: %d do not", wrong);
    ok(strstr(page, "<td>layer 14</td>") && !strstr(page, "<td>layer 1</td>") &&
       strstr(page, "and 2 more") && !strstr(page, "2.00e-05"), "of weights the twelve that moved "
       "most");
}

static void boxes(const char *page)
{
    const char *first = strstr(page, "<rect x=\"4.0\" y=\"2.0\" width=\"20.0\" height=\"18.0\"");
    const char *second = strstr(page, "<rect x=\"14.0\" y=\"2.0\" width=\"20.0\" height=\"26.0\"");
    const char *third = strstr(page, "<rect x=\"24.0\" y=\"2.0\" width=\"20.0\" height=\"34.0\"");
    const char *figure = strstr(page, "</figure>");
    ok(second && first && third && second < first && first < figure && figure < third,
       "boxes lie on their images, the best on top");
    ok(strstr(page, "<title>1. label &#60;0&#62;</title>") &&
       strstr(page, "<title>3. label &#60;2&#62;</title>"), "with their ranks and labels");
}

/* As JSON the same parts; the data is what was found, letter by letter. */
static void lines(const char *json)
{
    int n = 0;
    for (const char *p = json; *p; p++)
        n += *p == '\n';
    ok(n == 5, "five lines of JSON: %d", n);
    ok(strstr(json, "\"kind\":\"cka\"") && strstr(json, "\"subject\":\"is it <red>?\"") &&
       strstr(json, "\"summary\":\"the summary of swap <&>\"") &&
       strstr(json, "\"level\":\"layers\"") && strstr(json, ",\"data\":{\"parts\":[0.75]}}\n"),
       "kinds, subjects, summaries");
}

int main(void)
{
    const char *srcdir = getenv("SRCDIR"), *tmp = getenv("TMPDIR");
    struct vs_err err = {0};
    struct log *l = NULL;
    char golden[4096], here[4096], picture[4096];
    if (!realpath(srcdir ? srcdir : ".", here))
        return 1;
    snprintf(golden, sizeof golden, "%.4000s/tests/data/export/page.html", here);
    snprintf(picture, sizeof picture, "%.4000s/tests/data/tiny/scene.png", here);
    snprintf(dir, sizeof dir, "%s/export-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir) || chdir(dir) != 0)
        return 1;
    char *copy = xasprintf("cp '%s' p.png", picture);
    ok(system(copy) == 0 && log_open("log.db", false, &l, &err) == 0 && fill(l, &err),
       "a log %s", err.text);
    free(copy);
    char *page = export(l, LOG_HTML), *json = export(l, LOG_JSON);
    hide_times(page);
    cells(page);
    ranks(page);
    boxes(page);
    lines(json);
    against_golden(page, golden);
    free(page);
    free(json);
    log_close(l);
    copy = xasprintf("rm -rf '%s'", dir);
    ok(system(copy) == 0, "cleaned up");
    free(copy);
    return tap_done();
}
