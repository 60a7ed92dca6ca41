/* SPDX-License-Identifier: MIT */
#include "src/base/stream.h"

#include <stdlib.h>
#include <sys/stat.h>

int stream_check(const char *path, struct vs_err *err)
{
    struct stat st;
    char *real = realpath(path, NULL); /* NULL of a pipe without a name */
    bool waits = real && stat(real, &st) == 0 && S_ISFIFO(st.st_mode);
    free(real);
    return waits ? vs_fail(err, VS_E_FORMAT, "%s: is a pipe, and would wait for another program: "
                           "an ordinary file is expected", path) : 0;
}
