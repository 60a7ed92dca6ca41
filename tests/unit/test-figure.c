/* SPDX-License-Identifier: MIT */
/* Figures: what is described is in the files, as text, cells and colors; the files are whole, of
 * the size that was asked for, and the same bytes every time. Broken by a cell that is not drawn, a
 * color that is another one, text that is lost or breaks XML, a date in a file, or bytes that
 * depend on what was drawn before. */
#include "tap.h"

#include "src/figure/figure.h"
#include "src/formats/image.h"
#include "src/base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *path_of(const char *name)
{
    const char *folder = getenv("TMPDIR");
    return xasprintf("%s/%s", folder ? folder : "/tmp", name);
}

static char *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    struct buf b = {0};
    char bytes[4096];
    size_t n;
    while (f && (n = fread(bytes, 1, sizeof bytes, f)) > 0)
        buf_add(&b, bytes, n);
    if (f)
        fclose(f);
    *size = b.len;
    return buf_steal(&b);
}

static int occurrences(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* A panel of each shape; colors that occur nowhere else. */
static void make(struct figure *f)
{
    *f = (struct figure){.title = xstrdup("A <title> & more"), .caption = xstrdup("digest 0123")};
    figure_line(f, "asked: %s", "\"what?\"");
    figure_line(f, "image %s", "b\xff\x01.png"); /* a name that is no UTF-8 */
    struct figure_panel *m = figure_panel(f, FIGURE_MATRIX, xstrdup("matrix"));
    figure_panel_numbers(m, 3, 5);
    for (int i = 0; i < 15; i++) {
        m->x[i] = (float)i / 100;
        m->colors[i] = FIGURE_COLOR(10 + i, 200, 3);
    }
    for (int i = 0; i < 3; i++)
        m->row_names[i] = xasprintf("row %d", i);
    for (int j = 0; j < 5; j++)
        m->col_names[j] = xasprintf("column %d", j);
    m->col_title = xstrdup("what stands in the columns");
    m->ramp.count = FIGURE_RAMP;
    m->ramp.label = xstrdup("weight");
    for (int i = 0; i < FIGURE_RAMP; i++) {
        m->ramp.value[i] = (float)i / 48 * 0.14f;
        m->ramp.color[i] = FIGURE_COLOR(1, 2, 100 + i);
    }
    struct figure_panel *b = figure_panel(f, FIGURE_BARS, NULL);
    figure_panel_numbers(b, 2, 1);
    b->x[0] = 0.75f;
    b->x[1] = NAN;
    b->colors[0] = 0x123456;
    b->row_names[0] = xstrdup("bar");
    b->row_names[1] = xstrdup("unknown");
    struct figure_panel *z = figure_panel(f, FIGURE_BARS, NULL);
    figure_panel_numbers(z, 3, 1);
    z->sign = true;
    z->digits = 4;
    z->x[0] = 0.00004f;
    z->x[1] = -0.00004f;
    z->x[2] = 0.5f;
    struct figure_panel *t = figure_panel(f, FIGURE_TABLE, NULL);
    figure_panel_numbers(t, 1, 1);
    t->x[0] = 1234.5678f;
    t->digits = 6;
    t->row_names[0] = xstrdup("number");
    t->col_names[0] = xstrdup("in a table");
    struct figure_panel *p = figure_panel(f, FIGURE_PHOTO, NULL);
    p->w = p->h = 8;
    p->rgb = xcalloc(8 * 8, 3);
    figure_panel_box(p, (struct figure_box){.x1 = 1, .y1 = 1, .x2 = 6, .y2 = 6, .color = 0x654321,
                                            .width = 1, .label = xstrdup("thing")});
    struct figure_panel *c = figure_panel(f, FIGURE_CURVES, NULL);
    struct figure_series *s = figure_panel_series(c, xstrdup("curve"), 4);
    s->color = 0x0a0b0c;
    for (int i = 0; i < 4; i++)
        s->y[i] = i == 2 ? NAN : i * i;
    c->col_title = xstrdup("steps");
}

static void write_and_compare(const struct figure *f, const char *name, size_t *size, char **text)
{
    struct vs_err err = {0};
    const struct figure_how how = {85, 200};
    char *a = path_of(name), *b = xasprintf("%s.again%s", a, strrchr(name, '.'));
    size_t other;
    int rc = figure_write(f, a, &how, &err);
    *text = read_all(a, size);
    ok(rc == 0 && *size > 500, "%s is written: %s", name, err.text);
    rc = figure_write(f, b, &how, &err);
    char *again = read_all(b, &other);
    ok(rc == 0 && *size == other && memcmp(*text, again, other) == 0,
       "%s is the same %zu bytes once more", name, *size);
    free(again);
    free(b);
    free(a);
}

static void test_svg(const struct figure *f)
{
    static const char *const words[] = {
        ">A &lt;title&gt; &amp; more<", ">asked: &quot;what?&quot;<", ">image b??.png<",
        ">matrix<", ">row 2<", ">column 4<", ">what stands in the columns<",
        ">0.035<", ">weight<", ">0.140<", ">bar<", ">0.750<", ">number<", ">1234.57<",
        ">in a table<", ">thing<", ">curve<", ">steps<", ">digest 0123<"};
    size_t size;
    char *text;
    write_and_compare(f, "figure.svg", &size, &text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        ok(strstr(text, words[i]), "the SVG has the text %s", words[i]);
    int cells = 0, ramp = 0;
    for (int i = 0; i < 15; i++) {
        char color[32];
        snprintf(color, sizeof color, "fill=\"#%02x%02x%02x\"", 10 + i, 200, 3);
        cells += occurrences(text, color) == 1;
    }
    for (int i = 0; i < FIGURE_RAMP; i++) {
        char color[32];
        snprintf(color, sizeof color, "fill=\"#%02x%02x%02x\"", 1, 2, 100 + i);
        ramp += occurrences(text, color) == 1;
    }
    ok(cells == 15, "each of 15 cells is there once in its color: %d", cells);
    ok(ramp == FIGURE_RAMP, "so are the colors of the scale: %d", ramp);
    ok(strstr(text, "fill=\"#123456\"") && strstr(text, "stroke=\"#654321\"") &&
       strstr(text, "#0a0b0c"), "bar, box and curve have theirs");
    ok(strstr(text, "width=\"240.94pt\""), "it is 85 mm wide");
    ok(occurrences(text, "<use ") > 100 && !strstr(text, "<font"), "text is drawn as outlines");
    ok(strstr(text, ">+0.5000<") && occurrences(text, ">0.0000<") == 2,
       "of signed numbers those that round to zero have no sign");
    free(text);
}

/* Where there is no room for all, numbers of the scale and ends of titles are left out. */
static void test_narrow(const struct figure *f)
{
    struct vs_err err = {0};
    char *path = path_of("narrow.svg");
    size_t size;
    int rc = figure_write(f, path, &(struct figure_how){30, 200}, &err);
    char *text = read_all(path, &size);
    ok(rc == 0 && !strstr(text, ">0.035<") && strstr(text, ">0.140<"),
       "a narrow scale has its ends: %s", err.text);
    ok(!strstr(text, ">what stands in the columns<") && strstr(text, ">what stan"),
       "a long title is cut");
    free(text);
    free(path);
}

/* Of 101 columns each few have a name, the chosen one always. */
static void test_many(void)
{
    struct vs_err err = {0};
    struct figure f = {.title = xstrdup("many")};
    struct figure_panel *m = figure_panel(&f, FIGURE_MATRIX, NULL);
    figure_panel_numbers(m, 2, 101);
    for (int j = 0; j < 101; j++)
        m->col_names[j] = xasprintf("column %d", j);
    m->ramp.count = FIGURE_RAMP;
    m->named_col = 58;
    char *path = path_of("many.svg"), name[32];
    size_t size;
    int rc = figure_write(&f, path, &(struct figure_how){170, 200}, &err), names = 0;
    char *text = read_all(path, &size);
    for (int j = 0; j < 101; j++) {
        snprintf(name, sizeof name, ">column %d<", j);
        names += strstr(text, name) != NULL;
    }
    ok(rc == 0 && names > 30 && names < 70, "%d of 101 columns have a name %s", names, err.text);
    ok(strstr(text, ">column 57<") && !strstr(text, ">column 56<") && !strstr(text, ">column 58<"),
       "the chosen one among them, in the room of its neighbours");
    free(text);
    free(path);
    figure_fini(&f);
}

/* Labels of boxes of one place cover none of each other, and stay on the picture, which begins 22
 * points below the top. */
static void test_labels(void)
{
    enum { COUNT = 12, SIDE = 60 };
    struct vs_err err = {0};
    struct figure f = {.title = xstrdup("labels")};
    struct figure_panel *p = figure_panel(&f, FIGURE_PHOTO, NULL);
    p->w = p->h = SIDE;
    p->rgb = xcalloc(SIDE * SIDE, 3);
    for (int i = 0; i < COUNT; i++)
        figure_panel_box(p, (struct figure_box){.x1 = 20, .y1 = 20, .x2 = 40, .y2 = 40,
                                                .color = FIGURE_COLOR(200, 100, i), .width = 1,
                                                .label = xasprintf("thing %d", i)});
    char *path = path_of("labels.svg");
    double at[COUNT][4];
    size_t size;
    int rc = figure_write(&f, path, &(struct figure_how){85, 200}, &err), found = 0, over = 0;
    char *text = read_all(path, &size);
    for (const char *s = text; (s = strstr(s, "<rect x=")) != NULL; s++) {
        double *r = at[found < COUNT ? found : COUNT - 1];
        unsigned color;
        if (sscanf(s, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\" fill=\"#%x\"/>",
                   r, r + 1, r + 2, r + 3, &color) == 5 && color >> 8 == 200 * 256 + 100)
            found += r[1] >= 22;
    }
    for (int i = 0; i < COUNT && found == COUNT; i++)
        for (int j = 0; j < i; j++) /* numbers are written with two digits */
            over += at[i][0] + 0.02 < at[j][0] + at[j][2] &&
                    at[j][0] + 0.02 < at[i][0] + at[i][2] &&
                    at[i][1] + 0.02 < at[j][1] + at[j][3] && at[j][1] + 0.02 < at[i][1] + at[i][3];
    ok(rc == 0 && found == COUNT && over == 0,
       "%d labels of one place on the picture, %d over others %s", found, over, err.text);
    free(text);
    free(path);
    figure_fini(&f);
}

/* The band of a curve reaches from each lower to each higher end: it is as high at each of three
 * places, 6 of the 8 that the curve rises. */
static void test_band(void)
{
    struct vs_err err = {0};
    struct figure f = {.title = xstrdup("band")};
    struct figure_series *s = figure_panel_series(figure_panel(&f, FIGURE_CURVES, NULL), NULL, 3);
    s->low = xcalloc(3, sizeof *s->low);
    s->high = xcalloc(3, sizeof *s->high);
    for (int i = 0; i < 3; i++) {
        s->y[i] = (float)(4 * i);
        s->low[i] = s->y[i] - 2;
        s->high[i] = s->y[i] + 4;
    }
    char *path = path_of("band.svg");
    double x[6] = {0}, y[6] = {0};
    size_t size;
    int rc = figure_write(&f, path, &(struct figure_how){85, 200}, &err), n = 0;
    char *text = read_all(path, &size), *end = strstr(text, "fill-opacity=\"0.16\"");
    for (char *at = text; end && (at = strstr(at, "<path d=\"M")) != NULL && at < end; at++) {
        const char *p = at + strlen("<path d=\"");
        for (n = 0; n < 6 && sscanf(p, "%*[ ML]%lf %lf", &x[n], &y[n]) == 2; n++)
            p += 1 + strcspn(p + 1, "LZ\"");
    }
    bool good = n == 6;
    for (int i = 0; i < 3; i++)
        good &= fabs(x[i] - x[5 - i]) < 0.02 &&
                fabs((y[i] - y[5 - i]) - (y[0] - y[2]) * 6 / 8) < 0.03;
    ok(rc == 0 && good && y[0] - y[2] > 9, "a curve's band has the height of its intervals %s",
       err.text);
    free(text);
    free(path);
    figure_fini(&f);
}

static void test_others(const struct figure *f)
{
    size_t size;
    char *text;
    write_and_compare(f, "figure.pdf", &size, &text);
    bool dated = false, fonts = false;
    for (size_t i = 0; i + 12 < size; i++) {
        dated |= memcmp(text + i, "CreationDate", 12) == 0;
        fonts |= memcmp(text + i, "/FontFile", 9) == 0 || memcmp(text + i, "/ObjStm", 7) == 0;
    }
    ok(memcmp(text, "%PDF-1.5", 8) == 0 && memcmp(text + size - 6, "%%EOF\n", 6) == 0,
       "the PDF begins and ends as one");
    ok(!dated && fonts, "it has fonts, and no date");
    free(text);
    write_and_compare(f, "figure.png", &size, &text);
    struct image *im = NULL;
    struct vs_err err = {0};
    char *path = path_of("figure.png");
    int rc = image_open(path, &im, &err);
    ok(rc == 0 && im->width == 669, "the PNG is 85 mm at 200 dots an inch: %d %s",
       im ? im->width : 0, err.text);
    ok(memcmp(text + 37, "pHYs", 4) == 0 && (unsigned char)text[43] == 7874 / 256 &&
       (unsigned char)text[44] == 7874 % 256, "and says so: 7874 a metre");
    image_free(im);
    free(path);
    free(text);
}

static void test_failures(const struct figure *f)
{
    struct vs_err err = {0};
    ok(figure_write(f, "/nowhere/x.svg", &(struct figure_how){170, 300}, &err) == VS_E_IO,
       "a folder that is not there: %s", err.text);
    char *path = path_of("large.png");
    ok(figure_write(f, path, &(struct figure_how){1000, 2400}, &err) == VS_E_LIMIT,
       "too many pixels: %s", err.text);
    FILE *file = fopen(path, "rb");
    ok(!file, "and no file");
    if (file)
        fclose(file);
    free(path);
}

int main(void)
{
    struct figure f;
    ok(figure_is_name("a.svg") && figure_is_name("b.pdf") && figure_is_name("c.png") &&
       !figure_is_name("d.csv") && !figure_is_name("svg"), "figures are known by their endings");
    make(&f);
    if (figure_missing()) {
        struct vs_err err = {0};
        char *path = path_of("none.svg");
        ok(strstr(figure_missing(), "libpango1.0-dev"), "the reason: %s", figure_missing());
        ok(figure_write(&f, path, &(struct figure_how){170, 300}, &err) == VS_E_REFUSED &&
           strstr(err.text, "Cairo"), "is said: %s", err.text);
        free(path);
    } else {
        test_svg(&f);
        test_narrow(&f);
        test_many();
        test_labels();
        test_band();
        test_others(&f);
        test_failures(&f);
    }
    figure_fini(&f);
    return tap_done();
}
