/* SPDX-License-Identifier: MIT */
/* Reading what the terminal sends, and the names of keys. curses reads nothing: input.c takes apart
 * what comes. */
#include "ui/actions/actions.h"

#include <curses.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define ESCAPE 27

/* ---- names */

static const struct {
    int key;
    const char *name;
} special_names[] = {
    {KEY_LEFT, "Left"}, {KEY_RIGHT, "Right"}, {KEY_UP, "Up"}, {KEY_DOWN, "Down"},
    {KEY_PPAGE, "PageUp"}, {KEY_NPAGE, "PageDown"}, {KEY_HOME, "Home"}, {KEY_END, "End"},
    {KEY_ENTER, "Enter"}, {KEY_BTAB, "S-Tab"}, {KEY_BACKSPACE, "Backspace"}, {KEY_DC, "Delete"},
    {INPUT_KEY_CLEFT, "C-Left"}, {INPUT_KEY_CRIGHT, "C-Right"}, {INPUT_KEY_CUP, "C-Up"},
    {INPUT_KEY_CDOWN, "C-Down"}, {KEY_SLEFT, "S-Left"}, {KEY_SRIGHT, "S-Right"},
    {KEY_SR, "S-Up"}, {KEY_SF, "S-Down"},
};

static void key_utf8(unsigned c, char out[5])
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
        key_utf8((unsigned)key, letter);
        snprintf(out, size, "%s", letter);
    }
}

/* ---- keys by name */

/* Decodes one character; its bytes, 0 when it is none. */
static int key_decode(const char *s, int *key)
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
    int n = key_decode(name, key);
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

/* Whether a line between panes takes it: from the button's going down on it to its release. */
static bool keys_drag(struct workbench *w, const struct input_event *e)
{
    struct panes *p = &w->panes;
    if (e->pressed && e->button == BUTTON_LEFT) {
        p->drag = p->popup.view ? (struct border){.i = -1} : border_at(p, e->row, e->col);
        return p->drag.i >= 0;
    }
    bool drags = p->drag.i >= 0;
    if (drags && e->button == BUTTON_LEFT)
        border_move(p, p->drag, e->row, e->col);
    if (!e->moved)
        p->drag.i = -1;
    return drags || e->moved;
}

static void keys_mouse(struct workbench *w, const struct input_event *e)
{
    if (e->button == BUTTON_NONE)
        w->panes.drag.i = -1; /* its release was lost */
    else if (w->typed.mode == MODE_BOX)
        boxes_mouse(w, e);
    else if (keys_drag(w, e))
        return;
    else if (e->button == BUTTON_WHEEL_UP)
        panes_wheel(w, e->row, e->col, MOVE_UP);
    else if (e->button == BUTTON_WHEEL_DOWN)
        panes_wheel(w, e->row, e->col, MOVE_DOWN);
    else if (e->pressed && !chrome_click(w, e->row, e->col))
        panes_click(w, e->row, e->col);
}

/* ---- what comes */

/* The keys that terminfo has for this terminal, beside those that all have. */
void keys_learn(struct workbench *w)
{
    static const struct {
        const char *name;
        int key;
    } names[] = {
        {"kcuu1", KEY_UP}, {"kcud1", KEY_DOWN}, {"kcub1", KEY_LEFT}, {"kcuf1", KEY_RIGHT},
        {"khome", KEY_HOME}, {"kend", KEY_END}, {"kpp", KEY_PPAGE}, {"knp", KEY_NPAGE},
        {"kdch1", KEY_DC}, {"kcbt", KEY_BTAB}, {"kent", KEY_ENTER}, {"kLFT", KEY_SLEFT},
        {"kRIT", KEY_SRIGHT}, {"kri", KEY_SR}, {"kind", KEY_SF}, {"kf1", KEY_F(1)},
        {"kf2", KEY_F(2)}, {"kf3", KEY_F(3)}, {"kf4", KEY_F(4)}, {"kf5", KEY_F(5)},
        {"kf6", KEY_F(6)}, {"kf7", KEY_F(7)}, {"kf8", KEY_F(8)}, {"kf9", KEY_F(9)},
        {"kf10", KEY_F(10)}, {"kf11", KEY_F(11)}, {"kf12", KEY_F(12)},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *s = tigetstr(names[i].name);
        if (s && s != (const char *)-1)
            input_teach(&w->screen.input, s, names[i].key);
    }
}

/* The mouse points elsewhere, which says nothing while boxes are drawn; false: it did more. */
static bool keys_point(struct workbench *w, const struct input_event *e, struct keys_taken *t)
{
    bool points = e->kind == INPUT_MOUSE && e->button == BUTTON_NONE && w->panes.drag.i < 0;
    if (points && w->typed.mode != MODE_BOX)
        t->pointed |= hover_move(w, e->row, e->col);
    else if (e->kind != INPUT_MOUSE)
        hover_forget(&w->screen.hover); /* the line is for what a key does */
    t->acted |= !points;
    return points;
}

/* Acts on all that has come. */
static void keys_act(struct workbench *w, struct keys_taken *t)
{
    struct input_event e;
    while (!w->quit && input_next(&w->screen.input, &e)) {
        if (keys_point(w, &e, t))
            continue;
        if (e.kind == INPUT_MOUSE)
            keys_mouse(w, &e);
        else if (e.kind == INPUT_PASTE)
            typing_paste(w, &e);
        else
            actions_key(w, e.key, e.special);
        input_event_fini(&e);
    }
}

static bool keys_input_waits(void)
{
    struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
    return poll(&fd, 1, 0) > 0 && (fd.revents & POLLIN);
}

struct keys_taken keys_take(struct workbench *w)
{
    char bytes[4096];
    int heard = w->screen.heard;
    struct keys_taken t = {0};
    keys_act(w, &t); /* what was typed while the terminal was being asked */
    for (int i = 0; i < 256 && !w->quit && keys_input_waits(); i++) {
        ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n <= 0)
            break;
        input_feed(&w->screen.input, bytes, (size_t)n, vs_now_ms());
        keys_act(w, &t);
    }
    input_tick(&w->screen.input, vs_now_ms());
    keys_act(w, &t);
    w->screen.heard = w->screen.input.heard;
    if (w->screen.heard != heard)
        screen_terminal(w, &w->screen.input.term);
    t.acted |= w->screen.heard != heard;
    return t;
}
