/* SPDX-License-Identifier: MIT */
/* Whole numbers that annotations write as text. */
#include "src/study/wholenumber.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

bool whole_number(const char *text, const char **end, long long *out)
{
    char *stop;
    *end = text;
    if (!isdigit((unsigned char)text[*text == '-' || *text == '+']))
        return false;
    errno = 0;
    *out = strtoll(text, &stop, 10);
    *end = stop;
    return errno == 0;
}
