/* SPDX-License-Identifier: MIT */
/* Times the detector on one picture.
 *
 * usage: bench-detector ARCH WEIGHTS IMAGE THREADS RUNS
 *            prints the medians of network and selection in ms, and the peak memory in MB */
#include "median.h"
#include "src/formats/image.h"
#include "src/base/mem.h"
#include "src/vision/detector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct clock {
    double start, network; /* ms until the class scores are there */
};

static void on_progress(void *arg, const char *stage, double done, double all)
{
    struct clock *c = arg;
    (void)done;
    (void)all;
    if (strcmp(stage, "classes") == 0)
        c->network = vs_now_ms() - c->start;
}

/* In MB. What getrusage says includes the process that started this one. */
static double peak_memory(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[200];
    double kb = 0;
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = atof(line + 6);
    if (f)
        fclose(f);
    return kb / 1024;
}

static int run(struct detector *d, const struct image *im, int runs, struct vs_err *err)
{
    double *network = xcalloc((size_t)runs, sizeof *network);
    double *selection = xcalloc((size_t)runs, sizeof *selection);
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
        regions_free(picture.regions);
    }
    if (rc == 0)
        printf("%.1f %.1f %.0f\n", median(network, runs), median(selection, runs), peak_memory());
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
    if (argc != 6) {
        fprintf(stderr, "usage: bench-detector ARCH WEIGHTS IMAGE THREADS RUNS\n");
        return 2;
    }
    int rc = arch_read(argv[1], &a, &err);
    rc = rc ? rc : tensorfile_open(argv[2], &f, &err);
    rc = rc ? rc : image_open(argv[3], &im, &err);
    if (rc == 0 && kern_open(NULL, atoi(argv[4]), &k, why, sizeof why) != 0)
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
