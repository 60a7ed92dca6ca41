/* SPDX-License-Identifier: MIT */
/* vilscope detect: the regions of one image, and everything the detector computed on the way. */
#include "src/cmd/vilscope.h"

#include "src/formats/boxcheck.h"
#include "src/formats/boxfile.h"
#include "src/formats/image.h"
#include "src/formats/labels.h"
#include "src/base/plain.h"
#include "src/cmd/cmd_model.h"
#include "src/vision/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS struct options
struct options {
    const char *weights, *arch, *boxes, *classes, *dump, *output, *device, *image;
    bool upright;
    int threads;
};

static const struct option_row option_rows[] = {
    TEXT("detector", 'd', "FILE", weights, VALUES_FILES,
         "the detector's weights (detectron_model.pth, safetensors)"),
    {.name = "detector-arch", .old = "arch", .value = "FILE", .kind = OPTION_TEXT,
     .at = OPTION_AT(arch, const char *), .values = VALUES_FILES,
     .help = "its description (JSON, or its published YAML), when it is not the reference's"},
    TEXT("boxes", 0, "FILE", boxes, VALUES_FILES,
         "pool these boxes instead of proposing: four numbers a line, JSON, or .npy"),
    TEXT("classes", 0, "FILE", classes, VALUES_FILES, "names of the region classes, one per line"),
    TEXT("dump", 0, "FILE", dump, VALUES_WRITTEN,
         "safetensors with every tensor (not with --boxes)"),
    TEXT("output", 'o', "FILE", output, VALUES_WRITTEN,
         "the regions alone: .npy as the reference writes it, or safetensors"),
    ROW_UPRIGHT(upright),
    ROW_UNSAFE,
    ROW_THREADS(threads),
    ROW_DEVICE(device),
    END,
};

static void print_regions(const struct regions *g, const struct labels *classes)
{
    for (int i = 0; i < g->count; i++) {
        const float *b = g->boxes + 4 * i;
        const char *name = classes ? classes->names[g->classes[i]] : NULL;
        printf("%3d  [%8.2f %8.2f %8.2f %8.2f]  %.4f  ", i + 1, (double)b[0], (double)b[1],
               (double)b[2], (double)b[3], (double)g->conf[i]);
        if (name)
            plain_out("%s\n", name);
        else
            printf("#%d\n", g->classes[i]);
    }
}

struct work {
    struct arch arch;
    struct tensorfile *file;
    struct labels *classes;
    struct image *image;
    struct kern *kern;
    struct detector *detector;
    struct regions *regions;
    struct trace *trace;
    float *boxes;
    int box_count;
};

static int detect_check_boxes(const struct options *o, struct work *w, struct vs_err *err)
{
    char *note = NULL;
    int rc = boxes_check(w->boxes, w->box_count, w->image->width, w->image->height, o->boxes,
                         &note, err);
    if (rc == 0 && note)
        plain_text(stderr, "vilscope detect: note: %s\n", note);
    free(note);
    return rc;
}

static int detect_open_all(const struct options *o, struct work *w, struct vs_err *err)
{
    char why[KERN_WHY];
    int rc = 0;
    arch_default(&w->arch);
    if (o->arch)
        rc = arch_read(o->arch, &w->arch, err);
    if (rc == 0 && o->classes)
        rc = labels_open(o->classes, &w->classes, err);
    if (rc == 0 && w->classes)
        rc = arch_check_names(&w->arch, o->classes, w->classes->count, err);
    if (rc == 0 && o->boxes)
        rc = boxfile_read(o->boxes, &w->boxes, &w->box_count, err);
    if (rc == 0)
        rc = tensorfile_open(o->weights, &w->file, err);
    if (rc == 0)
        rc = image_open(o->image, &w->image, err);
    if (rc == 0 && o->upright)
        image_turn(w->image);
    if (rc == 0 && w->boxes)
        rc = detect_check_boxes(o, w, err);
    if (rc == 0 && kern_open_for(o->device, o->threads, tensorfile_widened(w->file) + DETECTOR_ROOM,
                                 &w->kern, why, sizeof why) != 0)
        rc = vs_fail(err, VS_E_USAGE, "%s", why);
    if (rc == 0)
        command_device("detect", w->kern);
    return rc ? rc : detector_open(&w->arch, w->file, w->kern, &w->detector, err);
}

static void close_all(struct work *w)
{
    trace_free(w->trace);
    regions_free(w->regions);
    detector_free(w->detector);
    kern_close(w->kern);
    image_free(w->image);
    tensorfile_close(w->file);
    labels_free(w->classes);
    free(w->boxes);
}

static int write_regions(const char *path, const struct regions *g, struct vs_err *err)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".npy") == 0 ? regions_write_npy(path, g, err)
                                                       : regions_write_safetensors(path, g, err);
}

static int detect_pixels(struct work *w, const struct detector_want *want, struct vs_err *err)
{
    struct detector_picture picture = {w->image->rgb, w->image->width, w->image->height, w->boxes,
                                       w->box_count, NULL};
    int rc = detector_run(w->detector, &picture, 1, want, &w->trace, err);
    w->regions = picture.regions;
    return rc;
}

static int detect_image(const struct options *o, struct vs_err *err)
{
    struct work w = {0};
    int rc = detect_open_all(o, &w, err);
    struct detector_want want = {.trace = o->dump != NULL, .prob = o->output != NULL};
    if (rc == 0)
        rc = detect_pixels(&w, &want, err);
    if (rc == 0 && o->dump)
        rc = detector_dump(o->dump, &w.arch, w.file, w.kern, w.regions, w.trace, err);
    if (rc == 0 && o->output)
        rc = write_regions(o->output, w.regions, err);
    if (rc == 0)
        print_regions(w.regions, w.classes);
    close_all(&w);
    return rc;
}

static int run_detect(void *options, char **args, int count)
{
    struct options *o = options;
    struct vs_err err = {0};
    if (!o->weights || count != 1)
        return command_usage("detect", "-d WEIGHTS and one image are needed");
    if (o->dump && o->boxes)
        return command_usage("detect", "--dump and --boxes do not go together");
    o->image = args[0];
    return detect_image(o, &err) == 0 ? EXIT_OK : command_fail("detect", &err);
}

const struct command command_detect = {
    .name = "detect", .args = "[OPTION...] -d WEIGHTS IMAGE",
    .summary = "Find the regions of one image (plumbing).",
    .about = "Plumbing, for comparing with other implementations: runs the region detector on one\n"
             "image, lists the regions, and writes every tensor.\n",
    .rows = option_rows, .most = 1, .values = VALUES_FILES, .size = sizeof(struct options),
    .run = run_detect,
};
