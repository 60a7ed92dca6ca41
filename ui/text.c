/* Untrusted text for the screen. */
#include "ui/text.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* Decodes one code point; the bytes it takes, or 0 when s begins with something invalid. */
static int decode(const unsigned char *s, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int n = *s < 0x80 ? 1 : *s >= 0xf0 && *s < 0xf5 ? 4 : *s >= 0xe0 ? 3 : *s >= 0xc2 ? 2 : 0;
    if (n == 0 || *s >= 0xf5)
        return 0;
    *c = n == 1 ? *s : *s & (0xffu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 63u);
    }
    return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

/* Characters that move the cursor, end lines or turn the direction of text. */
static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

int text_fit(const char *text, int cells, char *out, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0;
    int columns = 0;
    while (*s) {
        uint32_t c = 0;
        int n = decode(s, &c), width = n ? wcwidth((wchar_t)c) : 1;
        const char *from = (const char *)s;
        int len = n ? n : 1;
        if (n && (c == '\t' || c == '\n')) {
            from = " ";
            len = width = 1;
        } else if (n == 0 || is_harmful(c) || width < 0) {
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

int text_fit_words(const char *s, int cells, char *out, size_t size)
{
    int used = text_fit(s, cells, out, size);
    char *space = strrchr(out, ' ');
    if (text_width(s) <= cells || !space)
        return used;
    char *comma = strrchr(out, ',');
    *(comma ? comma : space) = '\0';
    return text_width(out);
}
