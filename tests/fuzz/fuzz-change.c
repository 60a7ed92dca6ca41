/* SPDX-License-Identifier: MIT */
/* Interventions in words, as a user types them and as the log holds them. */
#include "src/task/change.h"
#include "src/base/mem.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vs_err err = {0};
    struct change *list = NULL, *again = NULL;
    int count = 0, same = 0;
    char *text = xstrndup((const char *)data, size < 4096 ? size : 4096);
    if (change_list_parse(text, &list, &count, &err) == 0) {
        /* What was understood is written so that it is understood again. */
        char *words = change_list_format(list, count);
        if (change_list_parse(words, &again, &same, &err) != 0 || same != count)
            abort();
        for (int i = 0; i < count; i++)
            if (!change_equal(&list[i], &again[i]))
                abort();
        free(words);
    } else if (!err.text[0]) {
        abort();
    }
    free(list);
    free(again);
    free(text);
    return 0;
}
