/* SPDX-License-Identifier: MIT */
/* The literals of protocol 0, and looking into values. */
#include "src/formats/pickletext.h"

#include "src/formats/pickle.h"

#include <stdlib.h>
#include <string.h>

int pickle_decimal(const char *s, size_t len, int64_t *out)
{
    char text[32], *end;
    if (len == 0 || len >= sizeof text)
        return -1;
    memcpy(text, s, len);
    text[len] = '\0';
    if (text[len - 1] == 'L')
        text[len - 1] = '\0';
    *out = strtoll(text, &end, 10);
    return *end || end == text ? -1 : 0;
}

static void add_utf8(uint8_t *out, size_t *n, uint32_t c)
{
    if (c < 0x80) {
        out[(*n)++] = (uint8_t)c;
    } else if (c < 0x800) {
        out[(*n)++] = (uint8_t)(0xc0 | c >> 6);
        out[(*n)++] = (uint8_t)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        out[(*n)++] = (uint8_t)(0xe0 | c >> 12);
        out[(*n)++] = (uint8_t)(0x80 | (c >> 6 & 63));
        out[(*n)++] = (uint8_t)(0x80 | (c & 63));
    } else {
        out[(*n)++] = (uint8_t)(0xf0 | c >> 18);
        out[(*n)++] = (uint8_t)(0x80 | (c >> 12 & 63));
        out[(*n)++] = (uint8_t)(0x80 | (c >> 6 & 63));
        out[(*n)++] = (uint8_t)(0x80 | (c & 63));
    }
}

/* Up to `digits` hexadecimal digits at s; how many were there. */
static int hex_value(const char *s, size_t len, int digits, uint32_t *out)
{
    int n = 0;
    *out = 0;
    for (; n < digits && (size_t)n < len; n++) {
        char c = s[n];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            break;
        *out = *out << 4 | (uint32_t)d;
    }
    return n;
}

/* One escape of a Python string literal at s (after the backslash); returns its length. */
static size_t string_escape(const char *s, size_t len, uint8_t *out, size_t *n)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    const char *simple = len ? memchr(from, s[0], sizeof from - 1) : NULL;
    uint32_t c;
    if (simple) {
        out[(*n)++] = (uint8_t)to[simple - from];
        return 1;
    }
    if (len >= 3 && s[0] == 'x' && hex_value(s + 1, len - 1, 2, &c) == 2) {
        out[(*n)++] = (uint8_t)c;
        return 3;
    }
    size_t i = 0;
    for (c = 0; i < 3 && i < len && s[i] >= '0' && s[i] <= '7'; i++)
        c = c << 3 | (uint32_t)(s[i] - '0');
    if (i == 0)
        out[(*n)++] = '\\';
    else
        out[(*n)++] = (uint8_t)c;
    return i;
}

size_t pickle_unquote(const char *s, size_t len, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        if (s[i] == '\\')
            i += 1 + string_escape(s + i + 1, len - 1 - i, out, &n);
        else
            out[n++] = (uint8_t)s[i++];
    }
    return n;
}

size_t pickle_unescape(const char *s, size_t len, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t c = (unsigned char)s[i];
        int digits = s[i] == '\\' && i + 1 < len ? (s[i + 1] == 'u' ? 4 : s[i + 1] == 'U' ? 8 : 0)
                                                  : 0;
        if (digits && hex_value(s + i + 2, len - i - 2, digits, &c) == digits && c < 0x110000) {
            i += 2 + (size_t)digits;
        } else {
            c = (unsigned char)s[i];
            i++;
        }
        add_utf8(out, &n, c);
    }
    return n;
}

bool pval_is_string(const struct pval *v, const char *s)
{
    return v && (v->kind == PK_STRING || v->kind == PK_BYTES) && v->len == strlen(s) &&
           memcmp(v->bytes, s, v->len) == 0;
}

const struct pval *pval_get(const struct pval *dict, const char *key)
{
    if (!dict || dict->kind != PK_DICT)
        return NULL;
    for (size_t i = dict->count; i >= 2; i -= 2)
        if (pval_is_string(dict->items[i - 2], key))
            return dict->items[i - 1];
    return NULL;
}
