/* SPDX-License-Identifier: MIT */
/* Golden screens: the text of every view at 80x24 and 120x40 with the frozen model, cell by cell,
 * against tests/screen/golden/. Broken by any change of what a view says or where, and by no new
 * demo; numbers may differ in their last digit (other processors), bars by an eighth. Cells under a
 * picture are shown as ':', so pictures have to lie where they did.
 *
 * At 120x40 also how it looks (look.h): attributes, colors, pixels, against files named .look.
 *
 * VILSCOPE_GOLDEN=write writes the files anew: read the difference before you commit it. */
#include "look.h"
#include "pixels.h"
#include "tap.h"
#include "terminal.h"

#include <ctype.h>
#include <math.h>
#include <sys/stat.h>

struct screen {
    const char *name;  /* "plain-...": without colors, "white-...": on white; at 120x40 only */
    const char *lines; /* of a script, ";" between */
    const char *shows; /* when it is ready; NULL: says so */
};

static const struct screen screens[] = {
    {"answer", "suggest vqa;wait", NULL},
    {"boxes", "suggest refcoco;wait", NULL},
    {"attention", "suggest vqa;wait;token large;layer 2", NULL},
    {"tokens", "suggest vqa;wait;view tokens;token large", NULL},
    {"tokens-region", "suggest vqa;wait;view tokens;region 3", NULL},
    {"regions", "suggest vqa;wait;regions;press Down", NULL},
    {"pair", "suggest nlvr2;wait", NULL},
    {"grid", "suggest coco;wait", NULL},
    {"entailment", "suggest snli-ve;wait", NULL},
    {"dialog", "suggest guesswhat;wait", NULL},
    {"others", "suggest vqa;wait;view answer;others", NULL},
    {"zoom", "suggest refcoco;wait;zoom-in;zoom-in", NULL},
    {"zoomed-pane", "suggest vqa;wait;view answer;zoom", NULL},
    {"split", "suggest vqa;wait;split tokens;split regions", NULL},
    {"tasks", "task", NULL},
    {"views", "view views", NULL},
    {"help", "help", NULL},
    {"help-search", "help project", NULL},
    {"history", "suggest vqa;wait;suggest refcoco;wait;history", NULL},
    {"history-columns", "suggest vqa;wait;compare;wait;keep star;tag hard;suggest refcoco;wait;"
     "history outcome:wrong;press Right;press Right", NULL},
    {"status", "suggest vqa;wait;status", NULL},
    {"complete", "wait;press :;press h;press i;press s;press Tab;press Tab",
     "history  history-again"},
    {"typing", "wait;type what color is the", "> what color is the"},
    {"find", "suggest vqa;wait;view answer;find cat", NULL},
    {"compare", "suggest vqa;wait;compare;wait;token large", NULL},
    {"compare-boxes", "suggest refcoco;wait;compare;wait", NULL},
    {"attention-change",
     "suggest vqa;wait;attention-change;wait;zoom;map text-to-image;layer 2;head 3", NULL},
    {"drift", "suggest vqa;wait;drift;wait;zoom", NULL},
    {"patch", "suggest vqa;wait;patch blocks;wait;zoom", NULL},
    {"trend",
     "suggest vqa;wait;pin star;wait;suggest genomeqa;wait;pin 7;wait;trend;wait;zoom", NULL},
    {"flips", "suggest vqa;wait;flips;down", NULL},
    {"flips-asked", "suggest vqa;wait;flips gqa;press Enter;wait", NULL},
    {"flips-boxes", "suggest vqa;wait;flips visual7w;press Enter;wait", NULL},
    {"confidence", "suggest vqa;wait;confidence gqa;zoom;last", NULL},
    {"confidence-text", "set graphics blocks;suggest vqa;wait;confidence snli-ve", NULL},
    {"reliability", "suggest vqa;wait;confidence snli-ve;confidence-form reliability;zoom;right",
     NULL},
    {"region-words", "suggest vqa;wait;region 3", NULL},
    {"box", "suggest vqa;wait;box;press Enter;press L;press J", "arrows move"},
    {"matrix", "suggest vqa;wait;matrix;token large;region 3", NULL},
    {"matrix-numbers",
     "set graphics blocks;suggest vqa;wait;matrix;map text;special;sort;zoom;right", NULL},
    {"heads", "suggest vqa;wait;heads;statistic k90;down", NULL},
    {"heads-set", "suggest vqa;wait;heads;zoom;right;join;right;join", NULL},
    {"states", "suggest vqa;wait;states;token large;press [;press [;sort", NULL},
    {"plane", "suggest vqa;wait;plane;region 3", NULL},
    {"plane-text", "set graphics blocks;suggest vqa;wait;plane;token large;press [;press [;zoom",
     NULL},
    {"project", "task refcoco;project golden-set/queries.jsonl regions image 3;wait;right;up;zoom",
     NULL},
    {"project-text",
     "set graphics blocks;task vqa;project golden-set/queries.jsonl words co 1;wait;press Enter;"
     "project-color correct;project-distance euclid", NULL},
    {"lens", "suggest vqa;wait;lens;wait;token large;zoom", NULL},
    {"lens-regions", "suggest vqa;wait;lens;lens-of regions;wait;region 3;press [", NULL},
    {"attribute", "suggest vqa;wait;attribute relevancy;wait", NULL},
    {"matrix-relevancy",
     "suggest vqa;wait;attribute relevancy;wait;matrix;wait;press ];press ];token large;zoom",
     NULL},
    {"attribute-signed", "suggest vqa;wait;attribute leave-one-out;against;wait;view tokens", NULL},
    {"attribution", "suggest vqa;wait;attribution;attribute all;wait;right;wait;down;zoom", NULL},
    {"curves", "suggest vqa;wait;attribute relevancy;wait;curves;wait;zoom", NULL},
    {"effects", "suggest vqa;wait;leave-one-out;wait;down", NULL},
    {"effects-tokens", "suggest vqa;wait;leave-one-out tokens;wait;zoom", NULL},
    {"effects-heads", "suggest vqa;wait;leave-one-out heads uniform;wait", NULL},
    {"what-if", "suggest vqa;wait;token large;mask;wait;what-if", NULL},
    {"replaced", "suggest vqa;wait;token large;replace small;wait;region 2;drop;wait;what-if",
     NULL},
    {"activation", "task vqa;ask what color is the star;wait;token color;replace shape;wait;"
     "activation;wait;zoom", NULL},
    {"activation-exact", "set graphics blocks;task vqa;ask what color is the star;wait;"
     "token color;replace shape;wait;activation;press Enter;activation-of image;wait;region 2;"
     "press ];zoom", NULL},
    {"difference", "suggest vqa;wait;ablate text-to-image 1.2;wait;matrix;difference;region 3",
     NULL},
    {"plain-attention", "suggest vqa;wait;token large;layer 2", NULL},
    {"plain-boxes", "suggest refcoco;wait", NULL},
    {"plain-signed", "suggest vqa;wait;attribute leave-one-out;against;wait", NULL},
    {"plain-difference",
     "suggest vqa;wait;ablate text-to-image 1.2;wait;matrix;difference;region 3", NULL},
    {"white-attention", "suggest vqa;wait;token large;layer 2", NULL},
    {"white-boxes", "suggest refcoco;wait", NULL},
    {"white-matrix", "suggest vqa;wait;matrix;token large;region 3", NULL},
    {"white-compare", "suggest vqa;wait;compare;wait;token large", NULL},
    {"white-confidence", "suggest vqa;wait;confidence snli-ve;zoom", NULL},
    {"white-attribution",
     "suggest vqa;wait;attribution;attribute all;wait;right;wait;down;zoom", NULL},
};

/* ---- running */

/* One command a line; the last says that the screen is ready. */
static void write_script(const char *path, const char *lines, const char *shows)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return;
    for (const char *s = lines; *s; s++)
        fputc(*s == ';' ? '\n' : *s, f);
    fputs(shows ? "\n" : "\nwait\nsay ready\n", f);
    fclose(f);
}

static bool is_under(uint32_t c)
{
    return c == 0xa0 || (c >= 0x2000 && c <= 0x200a);
}

static int put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 63));
    out[2] = (char)(0x80 | (c & 63));
    return 3;
}

/* A row of cells as text, without blanks at its end. */
static void read_row(const struct terminal *t, int row, char *out)
{
    int n = 0;
    for (int col = 0; col < t->cols; col++) {
        VTermScreenCell cell;
        VTermPos pos = {.row = row, .col = col};
        vterm_screen_get_cell(t->screen, pos, &cell);
        uint32_t c = cell.chars[0] == (uint32_t)-1 ? 0 : cell.chars[0];
        n += put_utf8(out + n, is_under(c) ? ':' : c ? c : ' ');
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

/* What differs from run to run: the right half of the status line, times, sizes, paths. */
static void mask(const struct terminal *t, int row, char *s, bool status)
{
    static const char *const names[] = {"regions      ", "tokenizer ", "forward ", "decoding ",
                                        "total  ", "device ", "memory ", "graphics ", "log  "};
    static const char *const hints[] = {"? help", "Enter accepts"}; /* as many as fit */
    bool last = row == t->rows - 1;
    for (size_t i = 0; i < 2 && last; i++)
        if (strstr(s, hints[i]))
            *strstr(s, hints[i]) = '\0';
    char *x = last ? strstr(s, "cpu") : NULL, *time = last && !x ? strstr(s, " ms | ") : NULL;
    while (time && time > s && time[-1] != ' ')
        time--;
    x = x ? x : time;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !last && status; i++) {
        x = x ? x : strstr(s, names[i]);
        if (x && strncmp(x, names[i], strlen(names[i])) == 0)
            strcpy(x + strlen(names[i]), "...");
    }
    if (x && last)
        *x = '\0';
    for (size_t n = strlen(s); last && n > 0 && s[n - 1] == ' '; n--)
        s[n - 1] = '\0';
    for (char *d = strstr(s, "202"); d; d = strstr(d + 1, "202")) /* dates */
        if (strlen(d) >= 16 && d[4] == '-' && d[10] == 'T')
            memcpy(d, "DATE............", 16);
}

/* ---- comparing */

static bool is_bar(const unsigned char *s)
{
    return s[0] == 0xe2 && s[1] == 0x96 && s[2] >= 0x88 && s[2] <= 0x8f;
}

/* Bars are as long as they are wide; an eighth more or less is no difference. */
static int bar_cells(const char **s)
{
    int n = 0;
    while (is_bar((const unsigned char *)*s)) {
        *s += 3;
        n++;
    }
    return n;
}

static bool same_number(const char **a, const char **b)
{
    char *end_a, *end_b;
    double x = strtod(*a, &end_a), y = strtod(*b, &end_b);
    if (end_a == *a || end_b == *b || end_a - *a != end_b - *b)
        return false;
    *a = end_a;
    *b = end_b;
    return fabs(x - y) <= 0.0011 + 0.001 * fabs(x);
}

static bool same(const char *a, const char *b)
{
    while (*a || *b) {
        if (is_bar((const unsigned char *)a) || is_bar((const unsigned char *)b)) {
            int n = bar_cells(&a), m = bar_cells(&b);
            if (n > m + 1 || m > n + 1)
                return false;
            while (*a == ' ')
                a++;
            while (*b == ' ')
                b++;
        } else if (isdigit((unsigned char)*a) && strspn(a, "0123456789") &&
                   strchr(a, '.') == a + strspn(a, "0123456789")) {
            if (!same_number(&a, &b))
                return false;
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return true;
}

static void golden_path(const struct screen *s, const struct terminal *t, char *out, size_t size)
{
    char file[128];
    snprintf(file, sizeof file, "tests/screen/golden/%s-%dx%d.txt", s->name, t->cols, t->rows);
    snprintf(out, size, "%s", source_path(file));
}

static void golden_row(const struct screen *s, const struct terminal *t, int row, char *out)
{
    read_row(t, row, out);
    mask(t, row, out, strcmp(s->name, "status") == 0);
}

static void write_golden(const struct screen *s, const struct terminal *t)
{
    char path[4096], line[2048];
    golden_path(s, t, path, sizeof path);
    FILE *f = fopen(path, "w");
    for (int row = 0; f && row < t->rows; row++) {
        golden_row(s, t, row, line);
        fprintf(f, "%s\n", line);
    }
    ok(f && fclose(f) == 0, "%s is written", path);
}

/* How much of the status line fits beside the times and the processor's name differs, too. */
static void cut_alike(char *a, char *b)
{
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    if (n >= 16)
        a[n] = b[n] = '\0';
}

/* How many rows differ from the golden ones, all without a file; told: the first five are shown. */
static int rows_that_differ(const struct screen *s, const struct terminal *t, bool told)
{
    char path[4096], line[2048], golden[2048];
    int bad = 0;
    golden_path(s, t, path, sizeof path);
    FILE *f = fopen(path, "r");
    for (int row = 0; row < t->rows; row++) {
        golden_row(s, t, row, line);
        if (!f || !fgets(golden, sizeof golden, f))
            strcpy(golden, "(the file ends)");
        golden[strcspn(golden, "\n")] = '\0';
        if (row == t->rows - 1)
            cut_alike(golden, line);
        if (same(golden, line) || bad++ >= 5 || !told)
            continue;
        tap_note("row %d", row);
        tap_note("was: %s", golden);
        tap_note("is:  %s", line);
    }
    if (f)
        fclose(f);
    return bad;
}

/* What a screen shows last comes late on a busy machine. */
static void wait_for_rows(const struct screen *s, struct terminal *t)
{
    for (int tries = 0; tries < 50 && rows_that_differ(s, t, false) > 0; tries++)
        if (!terminal_read(t, 100))
            return;
}

static void check(const struct screen *s, struct terminal *t)
{
    char why[128] = "";
    if (getenv("VILSCOPE_GOLDEN")) {
        write_golden(s, t);
        return;
    }
    wait_for_rows(s, t);
    int bad = rows_that_differ(s, t, true), torn = pixels_torn(t, why, sizeof why);
    ok(bad == 0, "%s at %dx%d: %d rows differ", s->name, t->cols, t->rows, bad);
    ok(torn == 0, "%s: no pixels but where a picture is %s", s->name, why);
}

static void screen_row(const void *of, int row, char *out, size_t size)
{
    look_row(of, row, out, size);
}

/* How it looks. The last row has times, and so other lengths. */
static void check_look(const struct screen *s, const struct terminal *t)
{
    char file[128];
    snprintf(file, sizeof file, "tests/screen/golden/%s-%dx%d.look", s->name, t->cols, t->rows);
    int bad = look_golden(file, t->rows - 1, screen_row, t);
    ok(bad >= 0 && bad <= 4, "%s looks as it did: %d cells differ", s->name, bad);
}

static bool is_called(const struct screen *s, const char *begins)
{
    return strncmp(s->name, begins, strlen(begins)) == 0;
}

static void run(const struct screen *s, int rows, int cols)
{
    const char *home = getenv("TMPDIR");
    char script[4096], log[4096];
    snprintf(script, sizeof script, "%s/golden.vs", home ? home : "/tmp");
    snprintf(log, sizeof log, "%s/golden.db", home ? home : "/tmp");
    write_script(script, s->lines, s->shows);
    unlink(log);
    if (strstr(s->lines, "flips") || strstr(s->lines, "confidence"))
        terminal_measure(log);
    const char *argv[] = {terminal_program(), "--log", log, "--threads", "1", "-S",
                          script, NULL};
    bool white = is_called(s, "white-");
    const struct terminal_kind kind = {.sixel = true, .back = white ? "rgb:ffff/ffff/ffff" : NULL};
    if (is_called(s, "plain-"))
        setenv("NO_COLOR", "1", 1);
    struct terminal *t = terminal_start_as(argv, rows, cols, &kind);
    unsetenv("NO_COLOR");
    bool ready = terminal_expect(t, s->shows ? s->shows : " ready ");
    terminal_settle(t, s->shows ? 300 : 50);
    if (ok(ready, "%s is ready", s->name)) {
        check(s, t);
        if (cols == 120)
            check_look(s, t);
    }
    terminal_type(t, "\003\003\003");
    terminal_end(t);
    unlink(log);
    unlink(script);
}

/* Arguments: names of screens; none: all. */
int main(int argc, char **argv)
{
    terminal_opens(FROZEN_MODEL);
    const char *set = "golden-set"; /* a short name for the screens */
    if (symlink(source_path("tests/data/frozen"), set) != 0)
        tap_note("%s is there already", set);
    for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++) {
        bool wanted = argc < 2;
        for (int j = 1; j < argc; j++)
            wanted |= strcmp(argv[j], screens[i].name) == 0;
        if (!wanted)
            continue;
        bool once = is_called(&screens[i], "plain-") || is_called(&screens[i], "white-");
        if (!once)
            run(&screens[i], 24, 80);
        run(&screens[i], 40, 120);
    }
    unlink(set);
    return tap_done();
}
