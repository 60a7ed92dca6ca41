/* SPDX-License-Identifier: MIT */
#include "src/formats/imagekey.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool imagekey_is_number(const char *name)
{
    return *name && name[strspn(name, "0123456789")] == '\0';
}

const char *imagekey_number(const char *stem, bool *coco)
{
    size_t n = strlen(stem), digits = 0;
    while (digits < n && stem[n - digits - 1] >= '0' && stem[n - digits - 1] <= '9')
        digits++;
    *coco = strncmp(stem, "COCO_", 5) == 0 || (digits == n && digits == 12);
    const char *at = stem + n - digits;
    while (at[0] == '0' && at[1])
        at++;
    return digits && (*coco || strncmp(stem, "v7w_", 4) == 0) ? at : NULL;
}

bool imagekey_spelling(const char *number, int i, char out[IMAGEKEY])
{
    static const char *const before[] = {"", "", "COCO_train2014_", "COCO_val2014_",
                                         "COCO_test2015_"};
    if (i < 0 || i >= (int)(sizeof before / sizeof before[0]) || !imagekey_is_number(number))
        return false;
    while (number[0] == '0' && number[1])
        number++;
    int n = (int)strlen(number), zeros = i && n < 12 ? 12 - n : 0;
    return n <= 18 && snprintf(out, IMAGEKEY, "%s%.*s%s", before[i], zeros, "000000000000",
                               number) < IMAGEKEY;
}
