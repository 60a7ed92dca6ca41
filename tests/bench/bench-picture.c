/* SPDX-License-Identifier: MIT */
/* Pictures as sixels of 256 colors in strips of 114 rows, as the workbench sends them: bytes,
 * processor time, and how near the pixels are to the picture's, as they are and as eyes see them
 * from afar (blurred, sigma 1.2 pixels), in dB of PSNR.
 *
 * usage: bench-picture IMAGE...             (scaled to 640 pixels of width)
 *        bench-picture -o FOLDER IMAGE      (as large as it is; strips go to FOLDER/NUMBER.six) */
#include "src/base/mem.h"
#include "src/formats/image.h"
#include "ui/kit/canvas.h"
#include "ui/kit/sixel.h"

#include <math.h>
#include <sixel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WIDTH 640
#define STRIP 114
#define REACH 5 /* pixels on each side that a blurred one is made of */

/* One direction; step: from a value to its neighbour's in floats, n: values that way. */
static void blur_way(const float *in, float *out, int lines, int n, int line, int step)
{
    double weight[2 * REACH + 1], sum = 0;
    for (int i = -REACH; i <= REACH; i++)
        sum += weight[i + REACH] = exp(-i * i / (2 * 1.2 * 1.2));
    for (int k = 0; k < lines; k++)
        for (int j = 0; j < n; j++)
            for (int c = 0; c < 3; c++) {
                double v = 0;
                for (int i = -REACH; i <= REACH; i++) {
                    int at = j + i < 0 ? 0 : j + i >= n ? n - 1 : j + i;
                    v += weight[i + REACH] * (double)in[k * line + at * step + c];
                }
                out[k * line + j * step + c] = (float)(v / sum);
            }
}

static double psnr(const float *a, const float *b, int n)
{
    double e = 0;
    for (int i = 0; i < n; i++)
        e += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
    return 10 * log10(255.0 * 255 * n / (e > 0 ? e : 1e-9));
}

static double blurred_psnr(float *a, float *b, int w, int h)
{
    float *t = xmalloc((size_t)w * (size_t)h * 3 * sizeof *t);
    float *both[] = {a, b};
    for (int i = 0; i < 2; i++) {
        blur_way(both[i], t, h, w, 3 * w, 3);
        blur_way(t, both[i], w, h, 3, 3 * w);
    }
    free(t);
    return psnr(a, b, w * h * 3);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* For another decoder. */
static bool save_strip(const char *folder, int number, const struct buf *data)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%d.six", folder, number) >= (int)sizeof path)
        return false;
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    bool good = fwrite(data->data, 1, data->len, f) == data->len;
    return fclose(f) == 0 && good;
}

/* What a terminal makes of a strip. False: it is no sixel picture. */
static bool decode_strip(const struct buf *data, float *out, int w, int h)
{
    unsigned char *pixels = NULL, *palette = NULL;
    int pw, ph, colors;
    if (SIXEL_FAILED(sixel_decode_raw((unsigned char *)data->data, (int)data->len, &pixels, &pw,
                                      &ph, &palette, &colors, NULL)))
        return false;
    for (int y = 0; y < h && y < ph; y++)
        for (int x = 0; x < w && x < pw; x++)
            for (int k = 0; k < 3; k++)
                out[3 * (y * w + x) + k] = palette[3 * pixels[y * pw + x] + k];
    free(pixels);
    free(palette);
    return true;
}

/* folder: of the strips, or NULL. */
static bool bench_canvas(const struct canvas *c, const char *name, const char *folder)
{
    size_t values = (size_t)c->w * (size_t)c->h * 3, bytes = 0;
    float *ours = xcalloc(values, sizeof *ours), *theirs = xcalloc(values, sizeof *theirs);
    double took = 0;
    bool good = true;
    for (size_t i = 0; i < values; i++)
        ours[i] = c->rgb[i];
    for (int y = 0; y < c->h && good; y += STRIP) {
        int rows = c->h - y < STRIP ? c->h - y : STRIP;
        struct canvas *strip = canvas_new(c->w, rows);
        struct buf out = {0};
        memcpy(strip->rgb, c->rgb + 3 * (size_t)y * (size_t)c->w, 3 * (size_t)c->w * (size_t)rows);
        double begin = seconds();
        sixel_write(strip, 256, &out);
        took += seconds() - begin;
        bytes += out.len;
        good = decode_strip(&out, theirs + 3 * (size_t)y * (size_t)c->w, c->w, rows) &&
               (!folder || save_strip(folder, y / STRIP, &out));
        buf_fini(&out);
        canvas_free(strip);
    }
    double plain = psnr(ours, theirs, (int)values);
    if (good)
        printf("%s: %dx%d, %zu kB, %.1f ms of processor time, %.1f dB, blurred %.1f dB\n", name,
               c->w, c->h, bytes / 1000, 1e3 * took, plain,
               blurred_psnr(ours, theirs, c->w, c->h));
    free(ours);
    free(theirs);
    return good;
}

int main(int argc, char **argv)
{
    int failed = 0, first = argc > 2 && !strcmp(argv[1], "-o") ? 3 : 1;
    const char *folder = first == 3 ? argv[2] : NULL;
    for (int i = first; i < argc; i++) {
        struct image *im = NULL;
        struct vs_err err = {0};
        if (image_open(argv[i], &im, &err) != 0) {
            fprintf(stderr, "bench-picture: %s\n", err.text);
            failed = 1;
            continue;
        }
        struct canvas *c = folder ? canvas_new(im->width, im->height)
                                  : canvas_new(WIDTH, im->height * WIDTH / im->width);
        if (c)
            canvas_photo(c, im->rgb, im->width, im->height);
        failed |= !c || !bench_canvas(c, argv[i], folder);
        canvas_free(c);
        image_free(im);
    }
    return failed;
}
