/* SPDX-License-Identifier: MIT */
/* One of N runs that share a list. */
#include "src/base/shard.h"

#include <stdlib.h>
#include <string.h>

/* A number of digits alone, from 1 to the most; else 0. */
static int shard_number(const char *text, size_t n)
{
    char digits[8] = "";
    if (n == 0 || n >= sizeof digits || strspn(text, "0123456789") < n)
        return 0;
    memcpy(digits, text, n);
    int v = atoi(digits);
    return v <= SHARDS_MOST ? v : 0;
}

int shard_read(const char *option, const char *text, struct shard *out, struct vs_err *err)
{
    const char *slash = strchr(text, '/');
    struct shard s = {0};
    if (slash) {
        s.index = shard_number(text, (size_t)(slash - text));
        s.count = shard_number(slash + 1, strlen(slash + 1));
    }
    if (s.index < 1 || s.count < 1 || s.index > s.count)
        return vs_fail(err, VS_E_USAGE, "--%s takes I/N with I from 1 to N, as in 3/16, not '%s'",
                       option, text);
    *out = s;
    return 0;
}

bool shard_has(const struct shard *s, int number)
{
    return s->count == 0 || number % s->count == s->index - 1;
}
