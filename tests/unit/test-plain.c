/* SPDX-License-Identifier: MIT */
/* Outside text for terminals and spreadsheets. A control that gets through, a width that counts
 * bytes, a number with a ' before it or a formula without one breaks it. */
#include "src/base/err.h"
#include "src/base/link.h"
#include "src/base/mem.h"
#include "src/base/plain.h"
#include "tap.h"

#include <jansson.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static void is(const char *got, const char *want, const char *what)
{
    if (!ok(strcmp(got, want) == 0, "%s", what))
        tap_note("got '%s'", got);
}

static void cleans(const char *from, const char *want, const char *what)
{
    char *s = xstrdup(from);
    plain_clean(s);
    is(s, want, what);
    free(s);
}

static void test_clean(void)
{
    cleans("a\033[2Jb\a\x7f", "a?[2Jb??", "C0 and DEL");
    cleans("a\tb\nc\rd", "a b c?d", "tabs and lines are spaces");
    cleans("a\xc2\x9b""31mb\xc2\x80\xc2\x9f", "a?31mb??", "C1 in UTF-8");
    cleans("a\x9b""31m\x90", "a?31m?", "C1 as bytes");
    cleans("\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f\xe2\x80\xa8", "?????", "direction, lines");
    cleans("\xef\xbb\xbf\xe2\x80\x8b\xe2\x81\xa0\xf3\xa0\x81\x81", "????", "what cannot be seen");
    cleans("\xc0\xaf\xed\xa0\x80\xf8\xe2\x82", "????????", "invalid UTF-8, byte by byte");
    static const char letters[] = "\xc2\xa0\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x90\xb6";
    cleans(letters, letters, "letters of all scripts stay");
}

static void test_errors(void)
{
    struct vs_err err = {0};
    vs_fail(&err, VS_E_IO, "%s: gone", "x\xc2\x9b\xe2\x80\xae\x1b]0;t\a\n");
    is(err.text, "x???]0;t? : gone", "messages are cleaned");
    vs_fail_prefix(&err, "%s", "\x9d");
    is(err.text, "?: x???]0;t? : gone", "and what is put before them");
}

#define PRINTS(want, ...)                                                                         \
    do {                                                                                          \
        struct buf b = {0};                                                                       \
        plain_buf(&b, __VA_ARGS__);                                                               \
        is(b.data ? b.data : "", want, "printed: " want);                                         \
        buf_fini(&b);                                                                             \
    } while (0)

static void test_print(void)
{
    PRINTS("a?b\n", "%s\n", "a\033b");
    PRINTS("[ab  ][  ab]", "[%-4s][%4s]", "ab", "ab");
    PRINTS("[\xc3\xa9   ][\xe6\xbc\xa2  ]", "[%-4s][%-4s]", "\xc3\xa9", "\xe6\xbc\xa2");
    PRINTS("[abc][\xe6\xbc\xa2 ]", "[%.3s][%-3.3s]", "abcdef", "\xe6\xbc\xa2\xe6\xbc\xa2");
    PRINTS("[ab  ][ab]", "[%-*.*s][%.*s]", 4, 2, "abc", 2, "abc");
    PRINTS("   7 -07 +3 ff 5", "%4d %03d %+d %x %u", 7, -7, 3, 255u, 5u);
    PRINTS("123456789012 -5 6 0.50 1e-05 100%", "%lld %ld %zu %.2f %.3g %d%%", 123456789012ll, -5l,
           (size_t)6, 0.5, 1e-5, 100);
    PRINTS("x? |     3.1|3.14  |", "%c%c |%8.1f|%-6.2f|", 'x', '\a', 3.14159, 3.14159);
    PRINTS("", "%s", "");
}

static void field(const char *from, bool always, const char *want)
{
    char *s = plain_field(from, always);
    is(s, want, want[0] ? want : "nothing");
    free(s);
}

static void test_fields(void)
{
    field("a b", false, "a b");
    field("a b", true, "\"a b\"");
    field("a,\"b\"\nc", false, "\"a,\"\"b\"\"\nc\"");
    field("\033[2J\xc2\x9b", false, "\033[2J\xc2\x9b"); /* a file keeps the text */
    field("=1+1", false, "'=1+1");
    field("=HYPERLINK(\"x\",\"y\")", false, "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
    field("@SUM(A1)", true, "\"'@SUM(A1)\"");
    field("-2+3", false, "'-2+3");
    field("+x", false, "'+x");
    field("-", false, "'-");
    field("\t=1", false, "'\t=1");
    field("\r=1", false, "\"'\r=1\"");
    field("\xef\xbc\x9d""1", false, "'\xef\xbc\x9d""1");
    field("-2", false, "-2");
    field("+1.5e-3", false, "+1.5e-3");
    field("-.5", false, "-.5");
    field("-1e", false, "'-1e");
    field("a=b", false, "a=b");
    field("", false, "");
    field(NULL, true, "\"\"");
}

static void test_widths(void)
{
    char *s = plain_cut("ab\xe6\xbc\xa2\xe6\xbc\xa2", 5);
    is(s, "ab\xe6\xbc\xa2", "a wide letter that does not fit is left out");
    free(s);
    ok(plain_width("a\033\xe6\xbc\xa2") == 4 && plain_width("") == 0, "widths are columns");
}

static void test_strings(void)
{
    json_t *v = plain_string("a\xff\xc3\xa9\xed\xa0\x80z");
    is(json_string_value(v), "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz",
       "JSON has what is not UTF-8 as U+FFFD, and the rest as it is");
    json_decref(v);
    v = plain_string(NULL);
    ok(json_is_null(v), "no text is null");
    json_decref(v);
    json_t *list = json_pack("[o, o, o]", plain_number(0.5), plain_number((double)NAN),
                             plain_number((double)-INFINITY));
    char *s = json_dumps(list, JSON_COMPACT);
    is(s, "[0.5,null,null]", "nor has it NaN and infinity");
    free(s);
    json_decref(list);
}

/* What a terminal gets of a file's name as a link. */
static void links(void)
{
    static const char *const known[] = {"xterm-256color", "foot", "xterm-kitty", "tmux-256color"},
                      *const others[] = {"linux", "screen-256color", "dumb", "vt220", ""};
    unsetenv("TMUX");
    unsetenv("STY");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ok(setenv("TERM", known[i], 1) == 0 && link_known(), "links in %s", known[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ok(setenv("TERM", others[i], 1) == 0 && !link_known(), "none in '%s'", others[i]);
    setenv("TMUX", "/tmp/tmux,1,0", 1);
    ok(setenv("TERM", "screen", 1) == 0 && link_known(), "tmux may call itself screen");
    setenv("STY", "1234.pts-0.host", 1);
    ok(!link_known(), "but GNU screen in tmux is screen");
    unsetenv("STY");
    unsetenv("TMUX");
    const char *name = "a b%;\033\\.\xc3\xa9";
    FILE *f = fopen(name, "w");
    char *uri = f && fclose(f) == 0 ? link_uri(name, "query-1") : NULL;
    ok(uri && strncmp(uri, "file://", 7) == 0 && strstr(uri, "/a%20b%25%3B%1B%5C.%C3%A9#query-1"),
       "no sign of a name gets through: %s", uri ? uri : "none");
    free(uri);
    unlink(name);
    uri = link_uri(name, NULL);
    ok(!uri, "no file, no link");
    free(uri);
}

int main(void)
{
    links();
    setlocale(LC_ALL, "C.UTF-8");
    test_clean();
    test_errors();
    test_print();
    test_fields();
    test_widths();
    test_strings();
    return tap_done();
}
