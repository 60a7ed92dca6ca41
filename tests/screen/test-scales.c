/* SPDX-License-Identifier: MIT */
/* What stands side by side has one scale of colors, and its legend says the numbers of that scale:
 * the photos of several checkpoints and their maps, the images of a pair, the heads of a map; and a
 * color means one thing. Broken by a panel that has a largest weight of its own, a legend of one
 * panel, or a list that calls more what the map calls less. */
#include "pixels.h"
#include "tap.h"
#include "terminal.h"

#include <math.h>
#include <stdlib.h>

#define ROWS 40
#define COLS 132
#define MOST 64
#define MOST_W 1000 /* pixels of a picture: what the test terminal answers */

static char folder[300];

/* ---- what the photo exports: boxes and weights */

struct weights {
    int count;
    double box[MOST][4], x[MOST], top; /* without the whole image */
};

static bool export_weights(struct terminal *t, struct weights *w)
{
    char path[400], line[1000];
    *w = (struct weights){0};
    snprintf(path, sizeof path, "%s/weights.csv", folder);
    unlink(path);
    terminal_command(t, "view image");
    terminal_command(t, "export %s", path);
    TERMINAL_UNTIL(t, access(path, R_OK) == 0);
    FILE *f = fopen(path, "r");
    for (int i = 0; f && fgets(line, sizeof line, f) && w->count < MOST; i++) {
        double *b = w->box[w->count];
        char *at = strchr(line, ',');
        if (i > 1 && at && sscanf(at, ",%lf,%lf,%lf,%lf,%lf", &b[0], &b[1], &b[2], &b[3],
                                  &w->x[w->count]) == 5)
            w->top = fmax(w->top, w->x[w->count++]);
    }
    if (f)
        fclose(f);
    return w->count > 0;
}

/* The weight that colors a point of the picture. */
static double weight_at(const struct weights *w, double x, double y)
{
    double most = 0;
    for (int i = 0; i < w->count; i++)
        if (x >= w->box[i][0] && x <= w->box[i][2] && y >= w->box[i][1] && y <= w->box[i][3])
            most = fmax(most, w->x[i]);
    return most;
}

/* Light of the pixels around a point; dithering by itself. */
static double light(const struct terminal *t, int x, int y)
{
    double sum = 0;
    for (int dy = -2; dy < 2; dy++)
        for (int dx = -2; dx < 2; dx++)
            for (int k = 0; k < 3; k++)
                sum += t->rgb[y + dy][x + dx][k];
    return sum / 48;
}

/* The number behind the colors: "0 ######## 0.233 star, ...". */
static double legend(const struct terminal *t, const char *in)
{
    for (int row = 0; row < ROWS; row++) {
        char line[2000];
        terminal_row(t, row, line, sizeof line);
        const char *at = strstr(line, "0          ");
        if (at && strstr(line, in))
            return strtod(at + 10, NULL);
    }
    return NAN;
}

/* ---- checkpoints */

static const char *const checkpoints[] = {"early", "middle", "final"};

static void weights_of_all(struct terminal *t, struct weights w[3])
{
    for (int i = 0; i < 3; i++) {
        terminal_command(t, "checkpoint %s", checkpoints[i]);
        terminal_command(t, "again");
        terminal_goes(t, "r asks again");
        terminal_command(t, "token 5");
        terminal_settle(t, 150);
        bool known = export_weights(t, &w[i]);
        ok(known, "%s: %d weights, at most %.4f", checkpoints[i], w[i].count, w[i].top);
    }
}

/* A point of the same photo in two panels: of equal weights it has equal colors, and the heavier
 * one is the brighter. */
static void compare_panels(const struct terminal *t, const struct weights w[3], int a, int b,
                           double top, int width)
{
    const double scale = 320.0 / (width - CELL_W);
    int equal = 0, unequal = 0, more = 0, less = 0;
    for (int y = 8; y < 230 / scale; y += 5)
        for (int x = 8; x < 312 / scale; x += 5) {
            double u = weight_at(&w[a], x * scale, y * scale) / top;
            double v = weight_at(&w[b], x * scale, y * scale) / top;
            int at = 2 * CELL_H + y, left = CELL_W + x;
            double d = light(t, left + b * width, at) - light(t, left + a * width, at);
            if (fabs(u - v) < 0.01) {
                equal++;
                unequal += fabs(d) > 30;
            } else if (v - u > 0.3 || u - v > 0.3) {
                more++;
                less += v > u ? d < 10 : d > -10;
            }
        }
    /* Frames and labels of the heaviest lie over some points. */
    ok(equal > 50 && unequal * 20 < equal, "%s and %s: %d of %d points of equal weights differ",
       checkpoints[a], checkpoints[b], unequal, equal);
    ok(more > 30 && less * 10 < more, "%s and %s: %d of %d heavier points are no brighter",
       checkpoints[a], checkpoints[b], less, more);
}

static void side_by_side(struct terminal *t)
{
    struct weights w[3];
    weights_of_all(t, w);
    double top = fmax(w[0].top, fmax(w[1].top, w[2].top));
    terminal_command(t, "compare");
    terminal_goes(t, "asking ...");
    terminal_settle(t, 300);
    double said = legend(t, "all checkpoints");
    ok(fabs(said - top) < 0.0006, "the legend says %.3f, the largest of all is %.4f", said, top);
    ok(w[0].top < 0.6 * top, "the panels' own would differ: %.4f", w[0].top);
    /* Of as many columns as the terminal takes a picture of. */
    const int taken = MOST_W / CELL_W, width = (COLS - 2 < taken ? COLS - 2 : taken) / 3 * CELL_W;
    compare_panels(t, w, 0, 1, top, width);
    compare_panels(t, w, 0, 2, top, width);
}

/* ---- colors of what grew and what shrank */

/* +1: a color of more (orange), -1: of less (blue), 0: neither. */
static int hue(const struct terminal *t, int row, int col)
{
    VTermScreenCell cell;
    if (!vterm_screen_get_cell(t->screen, (VTermPos){row, col}, &cell) ||
        VTERM_COLOR_IS_DEFAULT_FG(&cell.fg))
        return 0;
    vterm_screen_convert_color_to_rgb(t->screen, &cell.fg);
    int d = cell.fg.rgb.red - cell.fg.rgb.blue;
    return d > 100 && cell.fg.rgb.green > 80 ? 1 : d < -100 ? -1 : 0;
}

/* Signed numbers "+0.12" of the body with the color of their sign, and others. */
static void signs(const struct terminal *t, const char *what)
{
    int right = 0, wrong = 0;
    for (int row = 1; row < ROWS - 4; row++)
        for (int col = 0; col + 4 < COLS; col++) {
            VTermScreenCell c[3];
            for (int i = 0; i < 3; i++)
                vterm_screen_get_cell(t->screen, (VTermPos){row, col + i}, &c[i]);
            uint32_t sign = c[0].chars[0];
            if ((sign != '+' && sign != '-') || c[1].chars[0] != '0' || c[2].chars[0] != '.' ||
                !VTERM_COLOR_IS_DEFAULT_BG(&c[0].bg))
                continue;
            int h = hue(t, row, col);
            right += h == (sign == '+' ? 1 : -1);
            wrong += h == (sign == '+' ? -1 : 1);
        }
    ok(right > 5 && wrong == 0, "%s: %d numbers in the color of their sign, %d in the other", what,
       right, wrong);
}

/* ---- a pair, and heads */

static void pair(struct terminal *t)
{
    struct weights w[2];
    terminal_command(t, "image 1");
    terminal_command(t, "task nlvr2");
    terminal_command(t, "ask both images show a star");
    terminal_goes(t, "r asks again");
    terminal_command(t, "token 5");
    double top = 0, said[2];
    for (int i = 0; i < 2; i++) {
        terminal_command(t, "image %d", i + 1);
        bool known = export_weights(t, &w[i]);
        ok(known, "image %d: at most %.4f", i + 1, w[i].top);
        terminal_settle(t, 150);
        said[i] = legend(t, "text to image");
        top = fmax(top, w[i].top);
    }
    ok(fabs(said[0] - top) < 0.0006 && said[0] == said[1],
       "the legend of both images: %.3f and %.3f, the largest is %.4f", said[0], said[1], top);
    ok(fabs(w[0].top - w[1].top) > 0.001, "their own would differ");
}

/* ---- the map of two checkpoints */

/* The end of the legend in a half of the screen: the last number of its row. */
static double matrix_legend(const struct terminal *t, bool right)
{
    for (int row = ROWS - 5; row > 3; row--) {
        char line[2000], *half = line, *last;
        terminal_row(t, row, line, sizeof line);
        char *border = strstr(line, "\u2502");
        if (border && right)
            half = border + strlen("\u2502");
        else if (border)
            *border = '\0';
        if (strspn(half, "0123456789. ") != strlen(half) || !strchr(half, '.'))
            continue;
        for (size_t n = strlen(half); n > 0 && half[n - 1] == ' '; n--)
            half[n - 1] = '\0';
        last = strrchr(half, ' ');
        return strtod(last ? last : half, NULL);
    }
    return NAN;
}

static void matrices(struct terminal *t)
{
    static const char *const others[] = {"image", "answer", "attention", "difference", "heads"};
    terminal_command(t, "ask what color is the large thing");
    terminal_goes(t, "r asks again");
    terminal_command(t, "between early final");
    terminal_command(t, "view matrix");
    terminal_command(t, "split matrix");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        terminal_command(t, "hide %s", others[i]);
    terminal_command(t, "matrix-of B");
    terminal_settle(t, 200);
    terminal_type(t, "z"); /* alone */
    terminal_settle(t, 200);
    double b = matrix_legend(t, false);
    terminal_type(t, "z\t");
    terminal_command(t, "matrix-of A");
    ok(terminal_expect(t, "A early: text to image") && terminal_has(t, "B final: text to image"),
       "A and B side by side");
    terminal_type(t, "z");
    terminal_settle(t, 200);
    double a = matrix_legend(t, false), top = fmax(a, b);
    terminal_type(t, "z");
    terminal_settle(t, 200);
    double left = matrix_legend(t, false), right = matrix_legend(t, true);
    ok(fabs(a - b) > 0.1 * top, "their own scales would differ: %.3f and %.3f", a, b);
    ok(left == top && right == top, "both have the scale to %.3f: %.3f and %.3f", top, left,
       right);
    terminal_command(t, "layer 1"); /* of A */
    terminal_settle(t, 200);
    left = matrix_legend(t, false), right = matrix_legend(t, true);
    ok(left != right && (left == b || right == b), "another layer has its own: %.3f and %.3f",
       left, right);
}

/* The brightest pixel of a tile; tiles fill the picture. */
static double brightest(const struct terminal *t, const struct picture *p, int layer, int head)
{
    double most = 0;
    int wide = p->w / 4, high = p->h / 3;
    for (int y = layer * high + 6; y < (layer + 1) * high - 6; y++)
        for (int x = head * wide + 6; x < (head + 1) * wide - 6; x++)
            most = fmax(most, light(t, p->col * CELL_W + x, p->row * CELL_H + y));
    return most;
}

static void heads(struct terminal *t)
{
    struct picture p;
    terminal_command(t, "checkpoint final");
    terminal_command(t, "image 1");
    terminal_command(t, "task vqa");
    terminal_command(t, "ask do you know what the large thing at the right is in the picture?");
    terminal_goes(t, "r asks again");
    terminal_command(t, "view heads");
    terminal_command(t, "zoom");
    ok(terminal_expect(t, "Heads text to image"), "the heads have the body");
    terminal_settle(t, 500); /* their picture follows their title */
    ok(pixels_picture(t, &p) && terminal_has(t, "0.00    0.0") && terminal_has(t, "1.00"),
       "heads have a legend with numbers");
    double focused = brightest(t, &p, 1, 0), even = brightest(t, &p, 2, 1);
    ok(focused > 180 && even < focused / 2, "a head that looks at all alike is darker: %.0f, %.0f",
       even, focused);
    terminal_command(t, "zoom");
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s", tmp ? tmp : "/tmp");
    struct terminal *t = terminal_demo(ROWS, COLS);
    side_by_side(t);
    signs(t, "answers of checkpoints");
    terminal_command(t, "attention-change");
    terminal_command(t, "layer 2");
    terminal_settle(t, 300);
    ok(terminal_has(t, "(orange more, blue less)") && terminal_has(t, " 0.00 "),
       "the map of changes has a legend with numbers");
    signs(t, "changes of attention");
    terminal_command(t, "zoom");
    pair(t);
    heads(t);
    matrices(t);
    terminal_command(t, "quit");
    ok(terminal_ends(t), "ends with status 0");
    return tap_done();
}
