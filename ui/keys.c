/* Reading keys. Terminals answer questions late, and send sequences that curses does not know: none
 * of that may act as if its letters had been typed. */
#include "ui/workbench_priv.h"

#include <curses.h>

#define ESCAPE 27
#define PATIENCE 25 /* ms for the rest of a sequence */

/* The next character of a sequence that has begun, or -1. */
static int next(void)
{
    wint_t c;
    timeout(PATIENCE);
    int rc = get_wch(&c);
    timeout(0);
    return rc == OK ? (int)c : -1;
}

/* After ESC [: up to its last byte. An answer to one of our questions is taken. */
static void take_csi(struct workbench *w)
{
    struct term_parser p = {.term = w->gfx.term};
    int c;
    term_feed(&p, ESCAPE);
    term_feed(&p, '[');
    for (int i = 0; i < 60 && (c = next()) >= 0; i++) {
        if (c > 127)
            return;
        term_feed(&p, (unsigned char)c);
        if (c >= 0x40 && c <= 0x7e)
            break;
    }
    if (p.key_count == 0 && p.len == 0)
        workbench_terminal(w, &p.term);
}

/* After ESC ] and the like: up to BEL or ESC \. */
static void skip_string(void)
{
    for (int i = 0, c, last = 0; i < 4096 && (c = next()) >= 0 && c != 7; i++) {
        if (last == ESCAPE && c == '\\')
            return;
        last = c;
    }
}

/* Whether the Escape begins a sequence, which is then taken away. */
static bool is_sequence(struct workbench *w)
{
    int c = next();
    if (c == '[')
        take_csi(w);
    else if (c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X')
        skip_string();
    else if (c == 'O')
        next();
    else if (c >= 0)
        unget_wch((wchar_t)c);
    return c == '[' || c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X' || c == 'O';
}

bool keys_take(struct workbench *w)
{
    wint_t c;
    bool any = false;
    for (int i = 0; i < 1000 && !w->quit; i++) {
        int rc = get_wch(&c);
        if (rc == ERR)
            break;
        any = true;
        if (rc == OK && c == ESCAPE && is_sequence(w))
            continue;
        actions_key(w, (int)c, rc == KEY_CODE_YES);
    }
    return any;
}
