/* SPDX-License-Identifier: MIT */
/* Times the detector on one picture.
 *
 * usage: bench-detector ARCH WEIGHTS IMAGE THREADS RUNS [DEVICE]
 *            ARCH "-": the reference's
 *
 * Prints the medians of network and selection in ms, the peak memory in MB, least and upper
 * quartile of both, and the network's multiply-adds in millions. Convolutions of the pyramid and of
 * the proposals, nearly all of which are 3x3, count as Winograd's form F(2x2, 3x3) has them: 16 for
 * 36. */
#include "median.h"
#include "src/formats/image.h"
#include "src/base/mem.h"
#include "src/vision/detector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct clock {
    double start, network; /* ms until the class scores are there */
    double done, sums;     /* multiply-adds: as direct sums, and as they are computed */
};

#define WINOGRAD (16.0 / 36)

static void on_progress(void *arg, const char *stage, double done, double all)
{
    struct clock *c = arg;
    bool wide = strcmp(stage, "pyramid") == 0 || strcmp(stage, "proposals") == 0;
    (void)all;
    c->sums += (done - c->done) * (wide ? WINOGRAD : 1);
    c->done = done;
    if (strcmp(stage, "classes") == 0)
        c->network = vs_now_ms() - c->start;
}

static int run(struct detector *d, const struct image *im, int runs, struct vs_err *err)
{
    double *network = xcalloc((size_t)runs, sizeof *network);
    double *selection = xcalloc((size_t)runs, sizeof *selection);
    double sums = 0;
    int rc = 0;
    for (int i = -1; i < runs && rc == 0; i++) { /* the first warms up */
        struct clock c = {.start = vs_now_ms()};
        struct detector_picture picture = {im->rgb, im->width, im->height, NULL, 0, NULL};
        struct detector_want want = {.more = true, .progress = on_progress, .progress_arg = &c};
        rc = detector_run(d, &picture, 1, &want, NULL, err);
        if (i >= 0) {
            network[i] = c.network;
            selection[i] = vs_now_ms() - c.start - c.network;
        }
        sums = c.sums;
        regions_free(picture.regions);
    }
    if (rc == 0) {
        struct spread a = spread_of(network, runs), b = spread_of(selection, runs);
        printf("%.3f %.3f %.1f %.3f %.3f %.3f %.3f %.3f\n", a.median, b.median, peak_memory(),
               a.least, a.upper, b.least, b.upper, sums / 1e6);
    }
    free(network);
    free(selection);
    return rc;
}

int main(int argc, char **argv)
{
    struct vs_err err = {0};
    struct arch a;
    struct tensorfile *f = NULL;
    struct image *im = NULL;
    struct kern *k = NULL;
    struct detector *d = NULL;
    char why[256] = "";
    if (argc < 6) {
        fprintf(stderr, "usage: bench-detector ARCH WEIGHTS IMAGE THREADS RUNS [DEVICE]\n");
        return 2;
    }
    int rc = 0;
    if (strcmp(argv[1], "-") == 0)
        arch_default(&a);
    else
        rc = arch_read(argv[1], &a, &err);
    rc = rc ? rc : tensorfile_open(argv[2], &f, &err);
    rc = rc ? rc : image_open(argv[3], &im, &err);
    if (rc == 0 && kern_open(argc > 6 ? argv[6] : NULL, atoi(argv[4]), &k, why, sizeof why) != 0)
        rc = vs_fail(&err, VS_E_USAGE, "%s", why);
    rc = rc ? rc : detector_open(&a, f, k, &d, &err);
    rc = rc ? rc : run(d, im, atoi(argv[5]) < 1 ? 1 : atoi(argv[5]), &err);
    if (rc != 0)
        fprintf(stderr, "bench-detector: %s\n", err.text);
    detector_free(d);
    kern_close(k);
    image_free(im);
    tensorfile_close(f);
    return rc != 0;
}
