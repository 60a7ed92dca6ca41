/* Reading keys. Terminals answer questions late, and send sequences that curses does not know: none
 * of that may act as if its letters had been typed. */
#include "ui/workbench_priv.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

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

/* ---- names */

static const struct {
    int key;
    const char *name;
} special_names[] = {
    {KEY_LEFT, "Left"}, {KEY_RIGHT, "Right"}, {KEY_UP, "Up"}, {KEY_DOWN, "Down"},
    {KEY_PPAGE, "PageUp"}, {KEY_NPAGE, "PageDown"}, {KEY_HOME, "Home"}, {KEY_END, "End"},
    {KEY_ENTER, "Enter"}, {KEY_BTAB, "S-Tab"}, {KEY_BACKSPACE, "Backspace"}, {KEY_DC, "Delete"},
    {KEY_SLEFT, "S-Left"}, {KEY_SRIGHT, "S-Right"}, {KEY_SR, "S-Up"}, {KEY_SF, "S-Down"},
};

static void utf8(unsigned c, char out[5])
{
    memset(out, 0, 5);
    if (c < 0x80) {
        out[0] = (char)c;
    } else if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
    } else {
        out[0] = (char)(0xf0 | c >> 18);
        out[1] = (char)(0x80 | (c >> 12 & 63));
        out[2] = (char)(0x80 | (c >> 6 & 63));
        out[3] = (char)(0x80 | (c & 63));
    }
}

void keys_name(int key, bool special, char *out, size_t size)
{
    char letter[5];
    out[0] = '\0';
    if (special) {
        for (size_t i = 0; i < sizeof special_names / sizeof special_names[0]; i++)
            if (special_names[i].key == key)
                snprintf(out, size, "%s", special_names[i].name);
        for (int i = 1; i <= 12; i++)
            if (key == KEY_F(i))
                snprintf(out, size, "F%d", i);
    } else if (key == '\r' || key == '\n') {
        snprintf(out, size, "Enter");
    } else if (key == '\t') {
        snprintf(out, size, "Tab");
    } else if (key == ESCAPE) {
        snprintf(out, size, "Esc");
    } else if (key == ' ') {
        snprintf(out, size, "Space");
    } else if (key == 127) {
        snprintf(out, size, "Backspace");
    } else if (key < 32) {
        snprintf(out, size, "C-%c", key + 'a' - 1);
    } else {
        utf8((unsigned)key, letter);
        snprintf(out, size, "%s", letter);
    }
}

/* ---- keys by name */

/* Decodes one character; its bytes, 0 when it is none. */
static int decode(const char *s, int *key)
{
    mbstate_t state = {0};
    wchar_t c;
    size_t n = mbrtowc(&c, s, strlen(s), &state);
    *key = (int)c;
    return n == 0 || n > 4 ? 0 : (int)n;
}

/* False when no key has this name. */
static bool key_of(const char *name, int *key, bool *special)
{
    static const struct {
        const char *name;
        int key;
    } plain[] = {{"Tab", '\t'}, {"Esc", ESCAPE}, {"Space", ' '}, {"Enter", '\r'}};
    int number;
    *special = true;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (strcmp(plain[i].name, name) == 0) {
            *key = plain[i].key;
            *special = false;
            return true;
        }
    for (size_t i = 0; i < sizeof special_names / sizeof special_names[0]; i++)
        if (strcmp(special_names[i].name, name) == 0) {
            *key = special_names[i].key;
            return true;
        }
    if (sscanf(name, "F%d", &number) == 1 && number >= 1 && number <= 12 && strlen(name) < 4) {
        *key = KEY_F(number);
        return true;
    }
    *special = false;
    if (strncmp(name, "C-", 2) == 0 && name[2] >= 'a' && name[2] <= 'z' && !name[3]) {
        *key = name[2] - 'a' + 1;
        return true;
    }
    int n = decode(name, key);
    return n > 0 && !name[n] && *key >= 32 && *key != 127;
}

bool keys_known(const char *name)
{
    int key;
    bool special;
    return key_of(name, &key, &special);
}

bool keys_press(struct workbench *w, const char *name)
{
    int key;
    bool special;
    if (!key_of(name, &key, &special))
        return false;
    actions_key(w, key, special);
    return true;
}

/* ---- the mouse */

void keys_mouse(struct workbench *w, bool on)
{
    (void)w;
    mouseinterval(0); /* a press is acted on at once, no double clicks */
    mousemask(on ? BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0,
              NULL);
}

static void mouse_event(struct workbench *w, const MEVENT *e)
{
    if (e->bstate & BUTTON4_PRESSED)
        panes_wheel(w, e->y, e->x, MOVE_UP);
    else if (e->bstate & BUTTON5_PRESSED)
        panes_wheel(w, e->y, e->x, MOVE_DOWN);
    else if (e->bstate & BUTTON1_PRESSED && !chrome_click(w, e->y, e->x))
        panes_click(w, e->y, e->x);
}

/* A press and its release that come in one read are one key to curses, which has the last event
 * first. */
static void mouse(struct workbench *w)
{
    MEVENT e[8];
    int n = 0;
    if (w->mode == MODE_BOX) {
        boxes_key(w, KEY_MOUSE, true);
        return;
    }
    while (n < 8 && getmouse(&e[n]) == OK)
        n++;
    while (n > 0)
        mouse_event(w, &e[--n]);
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
        if (rc == KEY_CODE_YES && c == KEY_MOUSE)
            mouse(w);
        else
            actions_key(w, (int)c, rc == KEY_CODE_YES);
    }
    return any;
}
