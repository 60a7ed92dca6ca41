/* SPDX-License-Identifier: MIT */
/* A command's options as text: of --help, and of the manual. */
#include "src/cmd/options.h"

#include "src/base/mem.h"
#include "src/base/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN 25 /* where the texts begin */
#define WIDTH 79

/* " (1 to 1024, default 8)", or the choices. */
static void add_values(struct buf *b, const struct option_row *r)
{
    bool number = r->kind == OPTION_INT || r->kind == OPTION_REAL;
    bool range = number && r->most < 1e5;
    if (r->kind == OPTION_CHOICE)
        for (int i = 0; r->choices[i]; i++)
            buf_printf(b, "%s%s%s", i == 0 ? ": " : r->choices[i + 1] ? ", " : " or ",
                       r->choices[i], i == (int)r->preset ? " (default)" : "");
    else if (range && r->preset > 0)
        buf_printf(b, " (%g to %g, default %g)", r->least, r->most, r->preset);
    else if (range)
        buf_printf(b, " (%g to %g)", r->least, r->most);
    else if (number && r->preset > 0)
        buf_printf(b, " (default %g)", r->preset);
}

/* A copy with line breaks instead of blanks, so that no line has more than width columns. */
static char *help_wrap(const char *s, int width)
{
    char *out = xstrdup(s), *blank = NULL, *line = out;
    for (char *p = out; *p; p++) {
        if (*p == ' ' && p - line <= width)
            blank = p;
        if (p - line >= width && blank) {
            *blank = '\n';
            line = blank + 1;
            blank = NULL;
        }
    }
    return out;
}

/* "  LEFT      TEXT", the text in as many lines as it takes. */
static void help_put_line(const char *left, const char *text)
{
    char *lines = help_wrap(text, WIDTH - COLUMN), *rest = lines;
    plain_out("%s", left);
    if ((int)strlen(left) + 2 > COLUMN)
        printf("\n%*s", COLUMN, "");
    else
        printf("%*s", COLUMN - (int)strlen(left), "");
    for (char *line; (line = strsep(&rest, "\n"));) {
        plain_out("%s\n", line);
        if (rest)
            printf("%*s", COLUMN, "");
    }
    free(lines);
}

static void help_put_row(const struct option_row *r)
{
    struct buf text = {0}, left = {0};
    buf_printf(&left, r->letter ? "  -%c, --%s" : "    %c --%s", r->letter ? r->letter : ' ',
               r->name);
    if (r->value)
        buf_printf(&left, " %s", r->value);
    buf_puts(&text, r->help);
    add_values(&text, r);
    help_put_line(left.data, text.data);
    buf_fini(&left);
    buf_fini(&text);
}

static void help_put_words(const struct command_word *w)
{
    for (; w && w->name; w++) {
        char *left = xasprintf("  %s%s%s", w->name, w->args ? " " : "", w->args ? w->args : "");
        help_put_line(left, w->help);
        free(left);
        if (!w[1].name)
            putchar('\n');
    }
}

void options_print(const struct command *c)
{
    help_put_words(c->words);
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++)
        if (r->kind == OPTION_HEADING)
            printf("%s%s:\n", r == c->rows ? "" : "\n", r->name);
        else if (!r->hidden)
            help_put_row(r);
}

/* ---- the manual */

/* A sentence of its own in lines of mdoc, which takes a point or ' at the beginning of one, and a
 * backslash anywhere, for itself. */
static void put_sentence(const char *s)
{
    char *lines = help_wrap(s, 78), *rest = lines;
    bool first = true;
    for (char *line; (line = strsep(&rest, "\n")); first = false) {
        if (*line == '.' || *line == '\'')
            fputs("\\&", stdout);
        for (const char *p = line; *p; p++)
            if (*p == '\\')
                fputs("\\e", stdout);
            else
                putchar(first && p == line ? toupper((unsigned char)*p) : *p);
        puts(rest ? "" : ".");
    }
    free(lines);
}

static void put_lower(const char *s)
{
    for (; s && *s; s++)
        putchar(tolower((unsigned char)*s));
}

static void put_item(const struct option_row *r)
{
    struct buf text = {0};
    printf(".It ");
    if (r->letter && r->value) {
        printf("Fl %c Ar ", r->letter);
        put_lower(r->value);
        printf(" , ");
    } else if (r->letter) {
        printf("Fl %c , ", r->letter);
    }
    printf("Fl -%s%s", r->name, r->value ? " Ar " : "");
    put_lower(r->value);
    putchar('\n');
    buf_puts(&text, r->help);
    add_values(&text, r);
    put_sentence(text.data);
    buf_fini(&text);
}

void options_print_manual(const struct command *c)
{
    bool open = false;
    for (const struct option_row *r = c->rows; r->kind != OPTION_END; r++) {
        if (r->hidden)
            continue;
        if (open && r->kind == OPTION_HEADING)
            puts(".El");
        if (r->kind == OPTION_HEADING)
            printf(".Pp\n%s:\n", r->name);
        if (!open || r->kind == OPTION_HEADING)
            puts(".Bl -tag -width Ds -compact");
        open = true;
        if (r->kind != OPTION_HEADING)
            put_item(r);
    }
    if (open)
        puts(".El");
}
