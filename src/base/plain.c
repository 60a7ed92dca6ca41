/* SPDX-License-Identifier: MIT */
/* Outside text for terminals, JSON and CSV. */
#include "src/base/plain.h"

#include "src/base/mem.h"

#include <jansson.h>
#include <langinfo.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utf8proc.h>

int plain_decode(const char *text, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
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

/* Controls (C0, DEL, C1), marks and overrides of direction, separators of lines, and characters
 * that take no room and cannot be seen, which make two names look alike. */
bool plain_harmful(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0, 0x1f},         {0x7f, 0x9f},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f},
        {0x2028, 0x202e},  {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff},
        {0xe0000, 0xe0fff}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

/* ---- cleaned text */

/* One character of s, cleaned: where its bytes are, how many, and the columns they take. Returns
 * how many bytes of s it was. */
static int next_char(const char *s, bool ascii, const char **from, int *len, int *columns)
{
    uint32_t c = 0;
    int n = plain_decode(s, &c);
    *len = *columns = 1;
    if (n && (c == '\t' || c == '\n'))
        *from = " ";
    else if (n == 0 || plain_harmful(c) || (ascii && c >= 0x80))
        *from = "?";
    else {
        *from = s;
        *len = n;
        *columns = c < 0x80 ? 1 : utf8proc_charwidth((utf8proc_int32_t)c);
    }
    return n ? n : 1;
}

/* How many of the next characters are printable ASCII, as most are: a byte and a column each. */
static int printable_run(const char *s, int most)
{
    int n = 0;
    while (n < most && s[n] >= ' ' && s[n] < 0x7f)
        n++;
    return n;
}

/* Appends to out (if any) what of s fits into so many columns; the columns used. */
static int append_clean(struct buf *out, const char *s, int columns, bool ascii)
{
    int used = 0;
    while (s && *s) {
        const char *from = s;
        int len = printable_run(s, columns - used), width = len;
        int n = len ? len : next_char(s, ascii, &from, &len, &width);
        if (width > columns - used)
            break;
        if (out)
            buf_add(out, from, (size_t)len);
        used += width;
        s += n;
    }
    return used;
}

void plain_clean(char *s)
{
    char *to = s;
    while (*s) {
        const char *from;
        int len, width, n = next_char(s, false, &from, &len, &width);
        memmove(to, from, (size_t)len); /* never longer than what it replaces */
        to += len;
        s += n;
    }
    *to = '\0';
}

char *plain_cut(const char *s, int columns)
{
    struct buf b = {0};
    buf_puts(&b, "");
    append_clean(&b, s, columns, false);
    return b.data;
}

int plain_width(const char *s)
{
    return append_clean(NULL, s, INT_MAX, false);
}

/* A terminal that does not read UTF-8 takes the later bytes of a character for controls. */
static bool ascii_only(FILE *out)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") != 0 && isatty(fileno(out));
}

/* ---- printf */

/* One conversion of a format: "%-*.3lld". */
struct spec {
    char text[24];       /* without a text's width and precision: "%lld" with flags */
    int width, precision; /* -1: not given */
    bool left, literal;  /* literal: "%%" */
    char size[3], kind;
};

static int plain_number_of(const char **p, va_list *ap)
{
    int n = 0;
    if (**p == '*') {
        ++*p;
        return va_arg(*ap, int);
    }
    while (**p >= '0' && **p <= '9')
        n = n * 10 + *(*p)++ - '0';
    return n;
}

/* Reads the conversion at p, which stands on '%'; what comes after it. */
static const char *read_spec(const char *p, va_list *ap, struct spec *x)
{
    char flags[8] = "";
    size_t n = 0;
    *x = (struct spec){.width = -1, .precision = -1};
    for (p++; *p && strchr("-+ #0", *p); p++) {
        x->left |= *p == '-';
        if (n + 1 < sizeof flags)
            flags[n++] = *p;
    }
    if (*p == '*' || (*p >= '0' && *p <= '9'))
        x->width = plain_number_of(&p, ap);
    if (x->width < -1) {
        x->left = true;
        x->width = -x->width;
    }
    if (*p == '.') {
        p++;
        x->precision = plain_number_of(&p, ap);
    }
    for (n = 0; *p && strchr("lzthj", *p) && n + 1 < sizeof x->size; p++)
        x->size[n++] = *p;
    x->kind = *p;
    x->literal = *p == '%';
    snprintf(x->text, sizeof x->text, "%%%s%s*%s%s%c", flags, x->left ? "-" : "",
             x->precision >= 0 ? ".*" : "", x->size, x->kind);
    return *p ? p + 1 : p;
}

/* snprintf with the width and the precision that were read. */
#define FORMAT(value)                                                                             \
    (x->precision >= 0 ? xasprintf(x->text, width, x->precision, (value))                        \
                       : xasprintf(x->text, width, (value)))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static char *format_number(const struct spec *x, va_list *ap)
{
    int width = x->width < 0 ? 0 : x->width;
    bool wide = strcmp(x->size, "ll") == 0 || x->size[0] == 'j';
    if (strchr("feg", x->kind))
        return FORMAT(va_arg(*ap, double));
    if (wide)
        return FORMAT(va_arg(*ap, long long));
    if (x->size[0])
        return FORMAT(va_arg(*ap, long)); /* l, z, t: all as wide as a long */
    return FORMAT(va_arg(*ap, int));
}
#pragma GCC diagnostic pop

static void append_spec(struct buf *b, const struct spec *x, bool ascii, va_list *ap)
{
    if (x->literal) {
        buf_putc(b, '%');
        return;
    }
    bool text = x->kind == 's' || x->kind == 'c';
    char one[2] = "", *made = text ? NULL : format_number(x, ap);
    if (x->kind == 'c')
        one[0] = (char)va_arg(*ap, int);
    const char *s = made ? made : x->kind == 'c' ? one : va_arg(*ap, const char *);
    int most = text && x->precision >= 0 ? x->precision : INT_MAX;
    int pad = text && x->width > 0 ? x->width - append_clean(NULL, s, most, ascii) : 0;
    for (int i = 0; i < pad && !x->left; i++)
        buf_putc(b, ' ');
    append_clean(b, s, most, ascii);
    for (int i = 0; i < pad && x->left; i++)
        buf_putc(b, ' ');
    free(made);
}

static void append_all(struct buf *b, const char *format, bool ascii, va_list *ap)
{
    for (const char *p = format; *p;) {
        size_t n = strcspn(p, "%");
        buf_add(b, p, n);
        p += n;
        if (*p) {
            struct spec x;
            p = read_spec(p, ap, &x);
            append_spec(b, &x, ascii, ap);
        }
    }
}

static void plain_all(FILE *out, const char *format, va_list *ap)
{
    struct buf b = {0};
    append_all(&b, format, ascii_only(out), ap);
    fwrite(b.data, 1, b.len, out);
    buf_fini(&b);
}

void plain_text(FILE *out, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    plain_all(out, format, &ap);
    va_end(ap);
}

void plain_out(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    plain_all(stdout, format, &ap);
    va_end(ap);
}

void plain_buf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    append_all(b, format, false, &ap);
    va_end(ap);
}

/* ---- JSON */

static void put_escape(FILE *out, uint32_t c)
{
    if (c >= 0x10000) {
        fprintf(out, "\\u%04x", 0xd800u + ((c - 0x10000) >> 10));
        c = 0xdc00u + ((c - 0x10000) & 0x3ff);
    }
    fprintf(out, "\\u%04x", c);
}

void plain_json(FILE *out, const char *json)
{
    bool ascii = ascii_only(out);
    if (!isatty(fileno(out))) {
        fputs(json, out);
        return;
    }
    while (*json) {
        uint32_t c = 0;
        int n = plain_decode(json, &c);
        if (n && c != '\n' && (plain_harmful(c) || (ascii && c >= 0x80)))
            put_escape(out, c); /* only in texts: JSON itself has none of these but new lines */
        else
            fwrite(n ? json : "?", 1, n ? (size_t)n : 1, out);
        json += n ? n : 1;
    }
}

void plain_json_line(const char *json)
{
    plain_json(stdout, json ? json : "{}");
    putchar('\n');
}

json_t *plain_string(const char *s)
{
    struct buf b = {0};
    json_t *v = s ? json_string(s) : json_null();
    if (v)
        return v;
    while (*s) {
        uint32_t c;
        int n = plain_decode(s, &c);
        buf_add(&b, n ? s : "\xef\xbf\xbd", n ? (size_t)n : 3);
        s += n ? n : 1;
    }
    v = json_string(b.data);
    buf_fini(&b);
    return v ? v : json_null();
}

json_t *plain_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* ---- CSV */

static bool is_number(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, "0123456789"), part = 0;
    s += whole;
    if (*s == '.') {
        part = strspn(s + 1, "0123456789");
        s += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        size_t digits = strspn(s, "0123456789");
        s += digits ? digits : 0;
        if (digits == 0)
            return false;
    }
    return *s == '\0';
}

/* =1+1, @SUM(A1), -2+3: spreadsheets compute them, also in full-width letters. */
static bool is_formula(const char *s)
{
    static const char *const begins[] = {"=", "+", "-", "@", "\t", "\r", "\n", "\xef\xbc\x9d",
                                         "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(s, begins[i], strlen(begins[i])) == 0)
            return !is_number(s);
    return false;
}

char *plain_field(const char *s, bool always)
{
    struct buf b = {0};
    bool quote = always || (s && s[strcspn(s, ",\"\r\n")]);
    buf_puts(&b, quote ? "\"" : "");
    if (s && is_formula(s))
        buf_putc(&b, '\'');
    for (; s && *s; s++) {
        if (*s == '"')
            buf_putc(&b, '"');
        buf_putc(&b, *s);
    }
    buf_puts(&b, quote ? "\"" : "");
    return b.data;
}

/* Neither quoted nor cleaned whatever it is written to, as most fields of a million rows are. */
static bool is_plain_field(const char *s)
{
    const char *at = s;
    if (*s && strchr("=+-@", *s))
        return false;
    while (*at >= ' ' && *at < 0x7f && *at != ',' && *at != '"')
        at++;
    return *at == '\0';
}

void plain_csv(FILE *out, const char *s, bool always)
{
    if (s && !always && is_plain_field(s)) {
        fputs(s, out);
        return;
    }
    char *field = plain_field(s, always);
    if (isatty(fileno(out)))
        plain_text(out, "%s", field);
    else
        fputs(field, out);
    free(field);
}
