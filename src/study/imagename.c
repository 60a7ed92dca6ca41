/* SPDX-License-Identifier: MIT */
#include "src/study/imagename.h"

#include "src/base/mem.h"
#include "src/formats/regions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number that is all of the text; -1: it is none. */
static long number_of(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    return end > text && *end == '\0' && n >= 0 ? n : -1;
}

char *imagename_find(const char *dir, const char *name)
{
    static const char *const forms[] = {"%s/%s", "%s/%s.jpg", "%s/%s.png", "%s/%s.jpeg"};
    static const char *const coco[] = {"%s/%012ld.jpg", "%s/COCO_train2014_%012ld.jpg",
                                       "%s/COCO_val2014_%012ld.jpg",
                                       "%s/COCO_test2015_%012ld.jpg"};
    char path[4096];
    const char *slash = strrchr(name, '/');
    long number = number_of(name);
    if (strstr(name, "..")) /* its folders may lead anywhere */
        return slash && slash[1] ? imagename_find(dir, slash + 1) : NULL;
    for (size_t i = 0; i < 8; i++) {
        int n = -1;
        if (i < 4)
            n = snprintf(path, sizeof path, forms[i], dir, name);
        else if (number >= 0)
            n = snprintf(path, sizeof path, coco[i - 4], dir, number);
        if (n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0)
            return xstrdup(path);
    }
    return slash && slash[1] ? imagename_find(dir, slash + 1) : NULL;
}

/* Behind the last "_" of COCO's names. */
static long coco_number(const char *stem)
{
    const char *last = strrchr(stem, '_');
    return strncmp(stem, "COCO_", 5) == 0 && last ? number_of(last + 1) : number_of(stem);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool imagename_same(const char *path, const char *name)
{
    char *a = regions_stem(path), *b = regions_stem(name);
    const char *x = base_of(a), *y = base_of(b);
    bool same = strcmp(x, y) == 0 || strcmp(x, base_of(name)) == 0 ||
                (coco_number(x) >= 0 && coco_number(x) == coco_number(y) && number_of(y) >= 0);
    free(a);
    free(b);
    return same;
}
