/* SPDX-License-Identifier: MIT */
/* Numbers, texts and arrays as bytes. */
#include "src/remote/wire.h"

#include <string.h>

#define NONE ((uint64_t)-1) /* the count of an array that is not there */

/* ---- writing */

void wire_int(struct buf *b, int64_t v)
{
    buf_add(b, &v, sizeof v);
}

void wire_real(struct buf *b, double v)
{
    buf_add(b, &v, sizeof v);
}

void wire_array(struct buf *b, const void *items, size_t count, size_t size)
{
    static const uint8_t zeros[8];
    uint64_t n = items ? count : NONE;
    buf_add(b, &n, sizeof n);
    if (!items)
        return;
    buf_add(b, items, count * size);
    buf_add(b, zeros, -(count * size) % 8);
}

void wire_text(struct buf *b, const char *s)
{
    wire_array(b, s, s ? strlen(s) : 0, 1);
}

/* ---- reading */

static void wire_fail(struct wire *w, const char *what)
{
    if (!w->wrong)
        w->wrong = what;
}

static const void *wire_take(struct wire *w, size_t size)
{
    static const uint8_t nothing[8];
    if (!w->wrong && size > w->size - w->at)
        wire_fail(w, "ends early");
    if (w->wrong)
        return NULL;
    const uint8_t *at = w->size ? w->data + w->at : nothing;
    w->at += size;
    return at;
}

/* Leaves *to as it is where there is nothing. */
static void wire_get_number(struct wire *w, void *to, size_t size)
{
    const void *at = wire_take(w, size);
    if (at)
        memcpy(to, at, size);
}

int64_t wire_get(struct wire *w)
{
    int64_t v = 0;
    wire_get_number(w, &v, sizeof v);
    return v;
}

int wire_get_int(struct wire *w, int least, int most, const char *what)
{
    int64_t v = wire_get(w);
    if (!w->wrong && (v < least || v > most))
        wire_fail(w, what);
    return w->wrong ? least > 0 ? least : 0 : (int)v;
}

bool wire_get_bool(struct wire *w)
{
    return wire_get_int(w, 0, 1, "a switch is neither on nor off") != 0;
}

double wire_get_real(struct wire *w)
{
    double v = 0;
    wire_get_number(w, &v, sizeof v);
    return v;
}

const void *wire_get_array(struct wire *w, size_t size, size_t *count)
{
    uint64_t n = (uint64_t)wire_get(w);
    *count = 0;
    if (w->wrong || n == NONE)
        return NULL;
    if (n > (w->size - w->at) / size) {
        wire_fail(w, "an array is longer than the message");
        return NULL;
    }
    size_t bytes = (size_t)n * size;
    const void *at = wire_take(w, bytes);
    wire_take(w, -bytes % 8);
    *count = w->wrong ? 0 : (size_t)n;
    return w->wrong ? NULL : at;
}

const void *wire_get_exactly(struct wire *w, size_t count, size_t size, bool needed,
                             const char *what)
{
    size_t n;
    const void *at = wire_get_array(w, size, &n);
    if (!w->wrong && (at ? n != count : needed)) {
        wire_fail(w, what);
        return NULL;
    }
    return at;
}

char *wire_get_text(struct wire *w)
{
    size_t n;
    const char *s = wire_get_array(w, 1, &n);
    if (s && memchr(s, '\0', n))
        wire_fail(w, "a text holds a NUL");
    return s && !w->wrong ? xstrndup(s, n) : NULL;
}

int wire_end(struct wire *w, struct vs_err *err)
{
    if (!w->wrong && w->at != w->size)
        wire_fail(w, "goes on behind its end");
    return w->wrong ? vs_fail(err, VS_E_FORMAT, "a message that cannot be: %s", w->wrong) : 0;
}
