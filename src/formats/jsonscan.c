/* SPDX-License-Identifier: MIT */
/* JSON without a tree (RFC 8259): strings have to be UTF-8 without NUL, as for the library that
 * reads the other files. */
#include "src/formats/jsonscan.h"

#include <string.h>
#include <utf8proc.h>

#define DEEPEST 64

static bool scan_fail(struct jsonscan *s, const char *why)
{
    s->why = why;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void scan_blanks(struct jsonscan *s)
{
    while (s->at < s->len && is_blank(s->text[s->at]))
        s->at++;
}

static int scan_peek(const struct jsonscan *s)
{
    return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

bool jsonscan_try(struct jsonscan *s, char c)
{
    scan_blanks(s);
    if (scan_peek(s) != c)
        return false;
    s->at++;
    return true;
}

bool jsonscan_take(struct jsonscan *s, char c)
{
    static const char *const wants[] = {"'{' expected", "'}' expected", "'[' expected",
                                        "']' expected", "':' expected", "',' expected"};
    const char *at = strchr("{}[]:,", c);
    return jsonscan_try(s, c) || scan_fail(s, wants[at - "{}[]:,"]);
}

int jsonscan_next(struct jsonscan *s, char close, int64_t seen)
{
    if (jsonscan_try(s, close))
        return 0;
    return seen == 0 || jsonscan_take(s, ',') ? 1 : -1;
}

bool jsonscan_end(struct jsonscan *s)
{
    scan_blanks(s);
    return s->at == s->len || scan_fail(s, "more than one value");
}

/* ---- strings */

static bool scan_hex4(struct jsonscan *s, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        int c = scan_peek(s);
        const char *d = c > 0 ? memchr(digits, c, sizeof digits - 1) : NULL;
        if (!d)
            return scan_fail(s, "\\u needs four hexadecimal digits");
        *out = *out << 4 | (uint32_t)((d - digits) & 15);
    }
    return true;
}

static void put_utf8(struct buf *out, uint32_t c)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)c, bytes);
    if (out && n > 0)
        buf_add(out, bytes, (size_t)n);
}

/* After "\u"; two halves of a pair make one character. */
static bool unicode_escape(struct jsonscan *s, struct buf *out)
{
    uint32_t c, low;
    if (!scan_hex4(s, &c))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (s->len - s->at < 6 || memcmp(s->text + s->at, "\\u", 2) != 0)
            return scan_fail(s, "half of a character");
        s->at += 2;
        if (!scan_hex4(s, &low))
            return false;
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : 0;
    }
    if (c == 0 || (c >= 0xd800 && c < 0xe000))
        return scan_fail(s, c ? "half of a character" : "a string with NUL in it");
    put_utf8(out, c);
    return true;
}

static bool scan_escape(struct jsonscan *s, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = scan_peek(s);
    const char *at = c > 0 ? memchr(from, c, sizeof from - 1) : NULL;
    s->at++;
    if (at && out)
        buf_putc(out, to[at - from]);
    return at || (c == 'u' ? unicode_escape(s, out) : scan_fail(s, "an unknown escape"));
}

/* One character that stands for itself. */
static bool scan_plain(struct jsonscan *s, struct buf *out)
{
    utf8proc_int32_t c;
    size_t left = s->len - s->at;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s->text + s->at,
                                          (utf8proc_ssize_t)(left < 4 ? left : 4), &c);
    if (n <= 0 || c < 0x20)
        return scan_fail(s, n <= 0 ? "not UTF-8" : "a control character in a string");
    if (out)
        buf_add(out, s->text + s->at, (size_t)n);
    s->at += (size_t)n;
    return true;
}

/* Letters of ASCII that stand for themselves, all that follow each other: most strings are that. */
static bool scan_ascii(struct jsonscan *s, struct buf *out)
{
    size_t from = s->at;
    while (s->at < s->len && s->text[s->at] >= 0x20 && s->text[s->at] < 0x7f &&
           s->text[s->at] != '"' && s->text[s->at] != '\\')
        s->at++;
    if (out && s->at > from)
        buf_add(out, s->text + from, s->at - from);
    return s->at > from;
}

bool jsonscan_string(struct jsonscan *s, struct buf *out)
{
    if (out)
        out->len = 0;
    scan_blanks(s);
    if (scan_peek(s) != '"')
        return scan_fail(s, "a string expected");
    for (s->at++; scan_peek(s) != '"';) {
        if (s->at >= s->len)
            return scan_fail(s, "an unterminated string");
        if (scan_ascii(s, out))
            continue;
        bool escaped = s->text[s->at] == '\\';
        s->at += escaped;
        if (!(escaped ? scan_escape(s, out) : scan_plain(s, out)))
            return false;
    }
    s->at++;
    if (out)
        buf_add(out, "", 0); /* the terminating NUL, also of an empty one */
    return true;
}

/* ---- other values */

bool jsonscan_whole(struct jsonscan *s, int64_t *out)
{
    scan_blanks(s);
    size_t from = s->at;
    *out = 0;
    for (int c; (c = scan_peek(s)) >= '0' && c <= '9'; s->at++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, c - '0', out))
            return scan_fail(s, "a number that is too large");
    int next = scan_peek(s);
    if (s->at == from || next == '.' || next == 'e' || next == 'E')
        return scan_fail(s, "a whole number expected");
    return true;
}

/* A number, true, false, null: only their letters are looked at. */
static bool skip_word(struct jsonscan *s)
{
    static const char letters[] = "+-.Eaeflnrstu";
    size_t from = s->at;
    for (int c; (c = scan_peek(s)) >= 0; s->at++)
        if ((c < '0' || c > '9') && !memchr(letters, c, sizeof letters - 1))
            break;
    return s->at > from || scan_fail(s, "a value expected");
}

/* Lists and objects that are open are bits of a stack: no recursion. */
bool jsonscan_skip(struct jsonscan *s)
{
    uint64_t objects = 0;
    int depth = 0;
    do {
        bool object = depth && (objects & 1);
        if (object && (!jsonscan_string(s, NULL) || !jsonscan_take(s, ':')))
            return false;
        bool opens = jsonscan_try(s, '{') || jsonscan_try(s, '[');
        if (opens) {
            if (depth == DEEPEST)
                return scan_fail(s, "lists or objects nested too deeply");
            objects = objects << 1 | (s->text[s->at - 1] == '{');
            depth++;
            if (!jsonscan_try(s, objects & 1 ? '}' : ']'))
                continue;
            objects >>= 1;
            depth--;
        } else if (!(scan_peek(s) == '"' ? jsonscan_string(s, NULL) : skip_word(s))) {
            return false;
        }
        while (depth && !jsonscan_try(s, ',')) {
            if (!jsonscan_take(s, objects & 1 ? '}' : ']'))
                return false;
            objects >>= 1;
            depth--;
        }
    } while (depth);
    return true;
}
