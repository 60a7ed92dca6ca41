/* SPDX-License-Identifier: MIT */
/* Packing weights in the bits that they have. */
#include "kernels/kern_narrow.h"

static size_t narrow_columns(int n)
{
    return ((size_t)n + KERN_PANEL - 1) / KERN_PANEL * KERN_PANEL;
}

/* Of the panels alone. Scales behind them begin at a multiple of 4 bytes, as KERN_PANEL is one. */
static size_t narrow_bytes(enum kern_type type, int n, int length)
{
    return narrow_columns(n) * (size_t)length * (size_t)narrow_size(type);
}

size_t kern_narrow_pack_size(enum kern_type type, int n, int length)
{
    size_t scales = type == KERN_INT8 ? narrow_columns(n) * sizeof(float) : 0;
    return narrow_bytes(type, n, length) + scales;
}

/* Rows j to j+KERN_PANEL-1 of w to a panel, zeros where there are fewer. */
INLINE void narrow_panel(size_t size, const char *w, int rows, int length, char *out)
{
    for (int p = 0; p < length; p++)
        for (int i = 0; i < KERN_PANEL; i++) {
            char *to = out + ((size_t)p * KERN_PANEL + (size_t)i) * size;
            if (i < rows)
                memcpy(to, w + ((size_t)i * (size_t)length + (size_t)p) * size, size);
            else
                memset(to, 0, size);
        }
}

struct kern_panels kern_narrow_pack(const struct kern_narrow *from, int n, int length, void *out)
{
    struct kern_panels made = {.at = out, .type = from->type};
    size_t size = (size_t)narrow_size(from->type), row = (size_t)length * size;
    for (int j = 0; j < n; j += KERN_PANEL) {
        const char *w = (const char *)from->rows + (size_t)j * row;
        char *panel = (char *)out + (size_t)j * row;
        if (size == 1)
            narrow_panel(1, w, n - j, length, panel);
        else
            narrow_panel(2, w, n - j, length, panel);
    }
    if (from->type == KERN_INT8) {
        float *scale = (float *)((char *)out + narrow_bytes(from->type, n, length));
        memset(scale, 0, narrow_columns(n) * sizeof *scale);
        memcpy(scale, from->scale, (size_t)n * sizeof *scale);
        made.scale = scale;
    }
    return made;
}

void kern_narrow_unpack(const struct kern_panels *w, int n, int length, float *out)
{
    ptrdiff_t row = KERN_PANEL * narrow_size(w->type);
    for (int j = 0; j < n; j += KERN_PANEL)
        for (int p = 0; p < length; p++) {
            float numbers[KERN_PANEL];
            widen_panel(w, ((ptrdiff_t)(j / KERN_PANEL) * length + p) * row, j, 1, numbers);
            for (int i = 0; i < KERN_PANEL && j + i < n; i++)
                out[(ptrdiff_t)(j + i) * length + p] = numbers[i];
        }
}

/* ---- numbers that are none */

/* Exponents of all ones among n numbers of 16 bits. */
static bool halves_finite(const char *x, size_t n, uint16_t ones)
{
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, x + 2 * i, sizeof h);
        bad |= (h & ones) == ones;
    }
    return !bad;
}

/* A row of whole numbers, times its scale. */
static bool bytes_finite(const char *x, size_t n, float scale)
{
    float most = 128.0f * scale;
    if (kern_is_finite(&most, 1))
        return true;
    for (size_t i = 0; i < n; i++) {
        float f = (float)(int8_t)x[i] * scale;
        if (!kern_is_finite(&f, 1))
            return false;
    }
    return true;
}

bool kern_narrow_is_finite(const struct kern_narrow *x, int n, int length)
{
    size_t all = (size_t)n * (size_t)length;
    bool good = true;
    if (x->type != KERN_INT8)
        return halves_finite(x->rows, all, x->type == KERN_FLOAT16 ? 0x7c00 : 0x7f80);
    for (int i = 0; i < n && good; i++) {
        float scale;
        memcpy(&scale, (const char *)x->scale + (size_t)i * sizeof scale, sizeof scale);
        good = bytes_finite((const char *)x->rows + (size_t)i * (size_t)length, (size_t)length,
                            scale);
    }
    return good;
}
