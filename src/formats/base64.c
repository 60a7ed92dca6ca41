/* SPDX-License-Identifier: MIT */
/* Base64. Source: RFC 4648, section 4. */
#include "src/formats/base64.h"

#include <stdbool.h>

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What is cut off has a number of characters that is no multiple of four. */
static bool is_whole(const char *s, size_t len)
{
    size_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += s[i] == '\n';
    return (len - lines) % 4 == 0;
}

int64_t base64_decode(const char *s, size_t len, uint8_t *out, size_t size)
{
    size_t n = 0;
    uint32_t bits = 0;
    int have = 0;
    if (!is_whole(s, len))
        return -1;
    while (len && s[len - 1] == '\n')
        len--;
    for (int pad = 0; pad < 2 && len && s[len - 1] == '='; pad++)
        len--;
    for (size_t i = 0; i < len; i++) {
        int x = digit(s[i]);
        if (x < 0 && s[i] == '\n')
            continue;
        if (x < 0)
            return -1;
        bits = bits << 6 | (uint32_t)x;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (n == size)
                return -1;
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    return (int64_t)n;
}

void base64_encode(const void *data, size_t len, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (n > 2 ? p[i + 2] : 0);
        const char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                              n > 1 ? digits[bits >> 6 & 63] : '=',
                              n > 2 ? digits[bits & 63] : '='};
        buf_add(out, four, 4);
    }
}
