/* SPDX-License-Identifier: MIT */
/* Which entry of terminfo the screen is drawn by.
 *
 * curses has true colors only where an entry says so, and those entries ("xterm-direct") are not on
 * most machines. The entry that is there is written out once more with the numbers and sequences
 * changed, and given to curses in the variable TERMINFO, which may hold an entry itself. In none
 * curses finds how to scroll: foot moves pictures with text that scrolls below them.
 *
 * Source: term(5), "extended number format" and "extended storage format"; terminfo(5), RGB. */
#include "ui/kit/terminfo.h"

#include "src/base/mem.h"
#include "ui/kit/theme.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>

#define INSTEAD "xterm-256color"
#define MAGIC 01036 /* numbers have 32 bits */
#define TRUE_COLORS (1 << 24)
#define PAIRS 65536

/* What an entry is written anew for. */
enum wish { WISH_AS_IT_IS, WISH_TRUE_COLOR, WISH_NO_COLOR };

#define CHANNELS "%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%dm"

static bool terminfo_has(const char *name)
{
    int why;
    bool has = name && name[0] && setupterm(name, 1, &why) == OK;
    if (has)
        del_curterm(cur_term);
    return has;
}

const char *terminfo_unknown(void)
{
    const char *name = getenv("TERM");
    return terminfo_has(name) ? NULL : name ? name : "";
}

const char *terminfo_name(void)
{
    return terminfo_unknown() ? INSTEAD : getenv("TERM");
}

/* ---- an entry written anew */

static void put_number(struct buf *b, int x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(b, (char)((unsigned)x >> (8 * i)));
}

static void put_even(struct buf *b, size_t from)
{
    if ((b->len - from) % 2)
        buf_putc(b, '\0');
}

static bool is_given(const char *s)
{
    return s && s != (const char *)-1;
}

/* Some entries (xterm-kitty) have dim text, but not in the sequence of all attributes, which curses
 * prefers: without that it uses those of each. */
static bool forgets_dim(void)
{
    const char *all = tigetstr("sgr");
    return is_given(all) && is_given(tigetstr("dim")) && !strstr(all, "%p5");
}

static bool is_one_of(const char *name, const char *const *list)
{
    while (*list && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

static const char *color_string(const char *name, enum wish wish)
{
    static const char *const others[] = {"initc", "initp", NULL};
    static const char *const older[] = {"setf", "setb", "op", NULL};
    bool colors = wish == WISH_TRUE_COLOR;
    if (strcmp(name, "setaf") == 0)
        return colors ? "\033[38;2;" CHANNELS : NULL;
    if (strcmp(name, "setab") == 0)
        return colors ? "\033[48;2;" CHANNELS : NULL;
    return is_one_of(name, others) || (!colors && is_one_of(name, older)) ? NULL : tigetstr(name);
}

static const char *entry_string(const char *name, enum wish wish)
{
    static const char *const scrolling[] = {"csr", "ri", "rin", "indn", "il", "il1", "dl", "dl1",
                                            NULL};
    if (is_one_of(name, scrolling) || (strcmp(name, "sgr") == 0 && forgets_dim()))
        return NULL;
    return wish == WISH_AS_IT_IS ? tigetstr(name) : color_string(name, wish);
}

static void put_numbers(struct buf *b, enum wish wish)
{
    bool colors = wish == WISH_TRUE_COLOR;
    for (int i = 0; numnames[i]; i++) {
        int x = tigetnum(numnames[i]);
        if (wish != WISH_AS_IT_IS)
            x = strcmp(numnames[i], "colors") == 0 ? (colors ? TRUE_COLORS : -1)
                : strcmp(numnames[i], "pairs") == 0 ? (colors ? PAIRS : -1)
                                                    : x;
        put_number(b, x < 0 ? -1 : x, 4);
    }
}

static void put_flags(struct buf *b, enum wish wish)
{
    for (int i = 0; boolnames[i]; i++) {
        bool changed = wish != WISH_AS_IT_IS && strcmp(boolnames[i], "ccc") == 0;
        buf_putc(b, tigetflag(boolnames[i]) > 0 && !changed);
    }
}

/* Where each string begins in the table of all, or -1. */
static void put_strings(struct buf *b, struct buf *table, enum wish wish)
{
    for (int i = 0; strnames[i]; i++) {
        const char *s = entry_string(strnames[i], wish);
        put_number(b, is_given(s) ? (int)table->len : -1, 2);
        if (is_given(s))
            buf_add(table, s, strlen(s) + 1);
    }
}

static int count_of(char const *const *names)
{
    int n = 0;
    while (names[n])
        n++;
    return n;
}

/* Names that entries have beyond those of all (user_caps(5)): those that curses itself looks for.
 * AX: the default colors can be set one by one; XT: titles, and more of xterm; U8: lines are drawn
 * by Unicode. The rest of them tell of what is asked of no entry here. */
static void put_extended(struct buf *b, enum wish wish)
{
    static const char *const flags[] = {"AX", "XT", "RGB"};
    struct buf names = {0}, offsets = {0}, values = {0};
    int count = 0, unicode = tigetnum("U8");
    for (int i = 0; i < 3; i++) {
        bool colors = i == 2 && wish == WISH_TRUE_COLOR, none = i != 1 && wish == WISH_NO_COLOR;
        if (none || !(colors || tigetflag(flags[i]) > 0))
            continue;
        put_number(&offsets, (int)names.len, 2);
        buf_add(&names, flags[i], strlen(flags[i]) + 1);
        buf_putc(&values, 1);
        count++;
    }
    if (unicode >= 0) {
        put_number(&offsets, (int)names.len, 2);
        buf_add(&names, "U8", 3);
    }
    const int head[5] = {count, unicode >= 0, 0, count + (unicode >= 0), (int)names.len};
    for (int i = 0; i < 5 && head[3]; i++)
        put_number(b, head[i], 2);
    put_even(&values, 0);
    buf_add(b, values.data, values.len);
    if (unicode >= 0)
        put_number(b, unicode, 4);
    buf_add(b, offsets.data, offsets.len);
    buf_add(b, names.data, names.len);
    buf_fini(&names);
    buf_fini(&offsets);
    buf_fini(&values);
}

/* The entry of cur_term, compiled, with 24 bits of color, without any, or with what it has. */
static void put_entry(struct buf *b, const char *name, enum wish wish)
{
    struct buf offsets = {0}, table = {0};
    int name_size = (int)strlen(name) + 1;
    put_strings(&offsets, &table, wish);
    const int head[6] = {MAGIC, name_size, count_of((char const *const *)boolnames),
                         count_of((char const *const *)numnames),
                         count_of((char const *const *)strnames), (int)table.len};
    for (int i = 0; i < 6; i++)
        put_number(b, head[i], 2);
    buf_add(b, name, (size_t)name_size);
    put_flags(b, wish);
    put_even(b, 0);
    put_numbers(b, wish);
    buf_add(b, offsets.data, offsets.len);
    buf_add(b, table.data, table.len);
    put_even(b, 0);
    put_extended(b, wish);
    buf_fini(&offsets);
    buf_fini(&table);
}

/* The value for TERMINFO; the caller frees. Colors are as they are where the terminal has none, or
 * none that could be taken back. NULL without an entry. */
static char *wished_entry(const char *name, enum wish wish)
{
    struct buf entry = {0}, text = {0};
    int why;
    if (setupterm(name, 1, &why) != OK)
        return NULL;
    int colors = tigetnum("colors");
    bool able = colors >= 8 && colors < TRUE_COLORS && is_given(tigetstr("op"));
    put_entry(&entry, name, wish == WISH_TRUE_COLOR && !able ? WISH_AS_IT_IS : wish);
    del_curterm(cur_term);
    if (entry.len)
        buf_printf(&text, "hex:");
    for (size_t i = 0; i < entry.len; i++)
        buf_printf(&text, "%02X", (unsigned char)entry.data[i]);
    buf_fini(&entry);
    return text.len ? buf_steal(&text) : NULL;
}

/* ---- opening */

/* Tc is what tmux looks for in an entry. */
static bool says_true_color(const char *name, bool told)
{
    const char *variable = getenv("COLORTERM");
    int why;
    bool says = told || (variable && (strcmp(variable, "truecolor") == 0 ||
                                      strcmp(variable, "24bit") == 0));
    if (!says && setupterm(name, 1, &why) == OK) {
        says = tigetflag("RGB") > 0 || tigetnum("RGB") > 0 || is_given(tigetstr("RGB")) ||
               tigetflag("Tc") > 0;
        del_curterm(cur_term);
    }
    return says;
}

static bool new_terminal(const char *name)
{
    return newterm(name, stdout, stdin) != NULL;
}

bool terminfo_open(bool told)
{
    const char *name = terminfo_name(), *folder = getenv("TERMINFO");
    char *before = folder ? xstrdup(folder) : NULL;
    char *entry = wished_entry(name, theme_is_plain()              ? WISH_NO_COLOR
                                     : says_true_color(name, told) ? WISH_TRUE_COLOR
                                                                   : WISH_AS_IT_IS);
    bool opened = false;
    if (entry && setenv("TERMINFO", entry, 1) == 0) {
        opened = new_terminal(name);
        if (before)
            setenv("TERMINFO", before, 1);
        else
            unsetenv("TERMINFO");
    }
    free(entry);
    free(before);
    return opened || new_terminal(name);
}
