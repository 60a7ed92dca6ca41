/* Untrusted text for the screen. */
#include "ui/text.h"

#include "src/plain.h"

#include <limits.h>
#include <stdint.h>
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
