/* SPDX-License-Identifier: MIT */
/* Scripts and configurations: lines, and their first words. */
#include "src/base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "ui/kit/lines.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size); /* up to the first zero byte */
    struct lines l = {.at = text};
    int last = 0;
    for (char *line; (line = lines_next(&l)); last = l.number) {
        if (l.number <= last || !*line || *line == '#' || strchr(line, '\n'))
            abort();
        char *rest = lines_split(line);
        if (strchr(line, ' ') || *rest == ' ')
            abort();
    }
    free(text);
    return 0;
}
