/* SPDX-License-Identifier: MIT */
/* The pictures that are exported where no figures can be drawn: the photo with its boxes, weights
 * and legend, and those that panes have of the views inside the model, as means of blocks of 8 by 8
 * pixels, against export-NAME.look in tests/screen/golden/. Broken by a legend, a box, or a color
 * that is another or lies elsewhere.
 *
 * VILSCOPE_GOLDEN=write writes the files anew: look at the pictures before you commit them. */
#include "look.h"
#include "tap.h"

#include "src/formats/image.h"

#include <sys/stat.h>

enum { BLOCK = 8, CELLS = 255 };

/* Name, and what is typed before it is exported. */
static const struct {
    const char *name, *lines;
} pictures[] = {
    {"boxes", "suggest refcoco;wait;view image"},
    {"boxes-two", "set boxes 2;wait"},
    {"drawn", "set boxes 5;suggest vqa;wait;box;press Enter;press L;press J;press Enter"},
    {"answers", "suggest vqa;wait;view image"},
    {"heat", "right;right;right;right;right"},
    {"heat-colors", "colors"},
    {"masked", "mask;wait"},
    {"region", "restore;wait;region 3"},
    {"alignment", "suggest coco;wait;view image"},
    {"pair", "suggest nlvr2;wait;view image"},
    {"matrix", "suggest vqa;wait;right;right;right;matrix"},
    {"matrix-sorted", "sort"},
    {"heads", "heads"},
    {"states", "states"},
    {"plane", "plane"},
    {"small", "open SMALL;wait;view image"},
};
enum { COUNT = sizeof pictures / sizeof pictures[0] };
static char folder[300];

static void path_of(int i, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.png", folder, pictures[i].name);
}

static bool write_script(const char *path)
{
    FILE *f = fopen(path, "w");
    char out[400];
    if (!f)
        return false;
    for (int i = 0; i < COUNT; i++) {
        for (const char *s = pictures[i].lines; *s; s++) {
            if (strncmp(s, "SMALL", 5) == 0) {
                fputs(source_path("tests/data/pictures/gray.png"), f);
                s += 4;
            } else {
                fputc(*s == ';' ? '\n' : *s, f);
            }
        }
        path_of(i, out, sizeof out);
        fprintf(f, "\nexport %s\n", out);
    }
    return fclose(f) == 0;
}

/* A row of blocks of an image, as look_row writes cells of a picture. */
static void block_row(const void *of, int row, char *out, size_t size)
{
    const struct image *im = of;
    int cols = im->width / BLOCK < CELLS ? im->width / BLOCK : CELLS;
    int n = snprintf(out, size, "%dp", cols);
    for (int col = 0; col < cols; col++)
        for (int k = 0; k < 3; k++) {
            int sum = 0;
            for (int y = 0; y < BLOCK; y++)
                for (int x = 0; x < BLOCK; x++)
                    sum += im->rgb[3 * ((row * BLOCK + y) * im->width + col * BLOCK + x) + k];
            n += snprintf(out + n, size - (size_t)n, "%x", sum / (BLOCK * BLOCK) / 16);
        }
}

static void check(int i)
{
    char path[400], file[128];
    struct image *im = NULL;
    struct vs_err err = {0};
    path_of(i, path, sizeof path);
    if (!ok(image_open(path, &im, &err) == 0, "%s is written %s", pictures[i].name, err.text))
        return;
    snprintf(file, sizeof file, "tests/screen/golden/export-%s.look", pictures[i].name);
    int bad = look_golden(file, im->height / BLOCK, block_row, im);
    ok(bad >= 0 && bad <= 4, "%s, %d by %d: %d blocks differ", pictures[i].name, im->width,
       im->height, bad);
    image_free(im);
    unlink(path);
}

/* The program beside a module of figures that is none. */
static bool without_figures(const char *program, const char *module)
{
    char command[9000];
    snprintf(command, sizeof command, "cp '%s' '%s' && : >'%s'", terminal_program(), program,
             module);
    return system(command) == 0;
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    char script[400], last[400], program[400], module[400];
    terminal_opens(FROZEN_MODEL);
    snprintf(folder, sizeof folder, "%s/p%ld", tmp ? tmp : "/tmp", (long)getpid());
    snprintf(script, sizeof script, "%s/script.vs", folder);
    snprintf(program, sizeof program, "%s/vilscope", folder);
    snprintf(module, sizeof module, "%s/vilscope-figure.so", folder);
    if (!ok(mkdir(folder, 0777) == 0 && write_script(script) && without_figures(program, module),
            "a script is written, and a program without figures"))
        return tap_done();
    const char *argv[] = {program, "--no-log", "--threads", "1", "-S",
                          script, NULL};
    struct terminal *t = terminal_start(argv, 40, 120, true, false);
    path_of(COUNT - 1, last, sizeof last);
    TERMINAL_UNTIL(t, access(last, R_OK) == 0);
    ok(access(last, R_OK) == 0, "all are exported");
    terminal_type(t, "\003\003\003");
    ok(terminal_ends(t), "the program ends");
    for (int i = 0; i < COUNT; i++)
        check(i);
    unlink(script);
    unlink(program);
    unlink(module);
    rmdir(folder);
    return tap_done();
}
