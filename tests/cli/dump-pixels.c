/* SPDX-License-Identifier: MIT */
/* dump-pixels FILE: a picture's pixels as a raw PPM on the standard output, or the message. */
#include "src/formats/image.h"
#include "src/formats/sandbox.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct image *im = NULL;
    struct vs_err err = {0};
    if (argc > 1 && strcmp(argv[1], "--unsafe-decode") == 0) {
        sandbox_insist();
        argv++;
        argc--;
    }
    if (argc != 2 || image_open(argv[1], &im, &err) != 0) {
        fprintf(stderr, "%s\n", argc == 2 ? err.text : "usage: dump-pixels FILE");
        return 1;
    }
    printf("P6\n%d %d\n255\n", im->width, im->height);
    size_t size = (size_t)im->width * (size_t)im->height * 3;
    int rc = fwrite(im->rgb, 1, size, stdout) != size;
    image_free(im);
    return rc;
}
