/* SPDX-License-Identifier: MIT */
/* Errors as values: formatting and prefixing of the one message line. */
#include "src/base/err.h"

#include "src/base/plain.h"

#include <stdio.h>
#include <string.h>

int vs_vfail(struct vs_err *err, int code, const char *fmt, va_list ap)
{
    if (err) {
        err->code = code;
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        plain_clean(err->text);
    }
    return code;
}

int vs_fail(struct vs_err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vs_vfail(err, code, fmt, ap);
    va_end(ap);
    return code;
}

int vs_fail_prefix(struct vs_err *err, const char *fmt, ...)
{
    if (!err)
        return VS_E_IO;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : (size_t)n;
    size_t add = strlen(old);
    if (used + 2 < sizeof err->text) { /* a long message loses its end, not its beginning */
        memcpy(err->text + used, ": ", 2);
        used += 2;
        if (add > sizeof err->text - 1 - used)
            add = sizeof err->text - 1 - used;
        memcpy(err->text + used, old, add);
        err->text[used + add] = '\0';
    }
    plain_clean(err->text);
    return err->code;
}
