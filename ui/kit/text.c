/* SPDX-License-Identifier: MIT */
/* Untrusted text for the screen. */
#include "ui/kit/text.h"

#include "src/base/plain.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int text_fit(const char *s, int cells, char *out, size_t size)
{
    size_t used = 0;
    int columns = 0;
    while (*s) {
        uint32_t c = 0;
        int n = plain_decode(s, &c), width = n ? wcwidth((wchar_t)c) : 1;
        const char *from = s;
        int len = n ? n : 1;
        if (n && (c == '\t' || c == '\n')) {
            from = " ";
            len = width = 1;
        } else if (n == 0 || plain_harmful(c) || width < 0) {
            from = "?";
            len = width = 1;
        }
        if (columns + width > cells || used + (size_t)len + 1 > size)
            break;
        memcpy(out + used, from, (size_t)len);
        used += (size_t)len;
        columns += width;
        s += n ? n : 1;
    }
    out[used] = '\0';
    return columns;
}

int text_width(const char *s)
{
    char scratch[4096];
    return text_fit(s, INT_MAX / 2, scratch, sizeof scratch);
}

/* Of a number the digits that are left are another number. */
static bool text_is_number(const char *s)
{
    return *s && strspn(s, " +-.0123456789e%") == strlen(s);
}

int text_cut(const char *s, int cells, char *out, size_t size)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t last = strlen(s);
    while (last > 0 && (s[last - 1] == ' ' || s[last - 1] == '\n'))
        last--;
    int used = text_fit(s, cells, out, size);
    if ((cells < 6 && !text_is_number(s)) || used < 1 || text_width(s) <= cells ||
        strlen(out) >= last || strspn(out, " ") == strlen(out))
        return used;
    used = text_fit(s, cells - 1, out, size - sizeof ellipsis);
    memcpy(out + strlen(out), ellipsis, sizeof ellipsis);
    return used + 1;
}

int text_fit_words(const char *s, int cells, char *out, size_t size)
{
    int used = text_fit(s, cells, out, size);
    char *space = strrchr(out, ' ');
    if (text_width(s) <= cells)
        return used;
    char *comma = strrchr(out, ','), *end = strrchr(out, ';');
    comma = end && (!comma || end > comma) ? end : comma;
    if (!comma && !space)
        return used;
    *(comma ? comma : space) = '\0';
    return text_width(out);
}

size_t text_line(const char *s, int cells)
{
    size_t most = strlen(s), blank = 0;
    for (size_t n = 1; n <= most; n++) {
        bool ends = s[n] == '\0' || s[n] == ' ';
        char *part = ends ? xstrndup(s, n) : NULL;
        bool fits = part && text_width(part) <= cells;
        free(part);
        blank = fits ? n : blank;
        if (ends && !fits)
            break;
    }
    if (blank == 0) { /* a word that is longer than the line */
        while (blank < most && blank < (size_t)(cells > 1 ? cells : 1))
            blank++;
        while (blank < most && ((unsigned char)s[blank] & 0xc0) == 0x80)
            blank++;
    }
    return blank;
}

/* ---- pasted text */

static bool is_break(uint32_t c)
{
    return (c >= '\n' && c <= '\r') || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Text that holds the marks of a paste says nothing by them. */
static size_t paste_mark(const char *text, size_t len)
{
    return len >= 6 && memcmp(text, "\033[20", 4) == 0 && (text[4] == '0' || text[4] == '1') &&
           text[5] == '~' ? 6 : 0;
}

static void trim_blanks(struct buf *out, size_t from)
{
    while (out->len > from && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
}

size_t text_paste(const char *text, size_t len, char line_break, struct buf *out)
{
    size_t left_out = 0, from = out->len, i = 0;
    bool broken = false; /* a line has ended, and no other begun */
    buf_add(out, "", 0);
    while (i < len) {
        uint32_t c = 0;
        size_t marked = paste_mark(text + i, len - i);
        size_t n = marked ? marked : (size_t)plain_decode(text + i, &c);
        bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        if (n && is_break(c)) {
            trim_blanks(out, from);
            broken = true;
        } else if (n && (c == ' ' || c == '\t')) {
            if (!broken)
                buf_putc(out, ' ');
        } else if (marked || n == 0 || control) {
            left_out += n ? n : 1;
        } else {
            if (broken && out->len > from)
                buf_putc(out, line_break);
            broken = false;
            buf_add(out, text + i, n);
        }
        i += n ? n : 1;
    }
    return left_out;
}
