/* SPDX-License-Identifier: MIT */
/* Which sequences are keys, and what the mouse says.
 *
 * Source: ECMA-48; xterm's ctlseqs (PC-style function keys, mouse tracking); the terminfo entries
 * of xterm, rxvt, linux, screen and tmux. */
#include "ui/kit/input.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

/* Arrows and the like, by their last letter; shifted has the modifier 2. */
static const struct {
    char final;
    int key, shifted;
} letters[] = {
    {'A', KEY_UP, KEY_SR}, {'B', KEY_DOWN, KEY_SF}, {'C', KEY_RIGHT, KEY_SRIGHT},
    {'D', KEY_LEFT, KEY_SLEFT}, {'H', KEY_HOME, KEY_SHOME}, {'F', KEY_END, KEY_SEND},
    {'P', KEY_F(1), KEY_F(13)}, {'Q', KEY_F(2), KEY_F(14)}, {'R', KEY_F(3), KEY_F(15)},
    {'S', KEY_F(4), KEY_F(16)},
};
#define LETTERS (sizeof letters / sizeof letters[0])

/* "ESC [ number ~" */
static const struct {
    int number, key;
} numbered[] = {
    {1, KEY_HOME}, {2, KEY_IC}, {3, KEY_DC}, {4, KEY_END}, {5, KEY_PPAGE}, {6, KEY_NPAGE},
    {7, KEY_HOME}, {8, KEY_END}, {11, KEY_F(1)}, {12, KEY_F(2)}, {13, KEY_F(3)}, {14, KEY_F(4)},
    {15, KEY_F(5)}, {17, KEY_F(6)}, {18, KEY_F(7)}, {19, KEY_F(8)}, {20, KEY_F(9)},
    {21, KEY_F(10)}, {23, KEY_F(11)}, {24, KEY_F(12)},
};

static int letter_key(char final, int modifier)
{
    if (modifier == 5 && final >= 'A' && final <= 'D')
        return INPUT_KEY_CUP + final - 'A';
    for (size_t i = 0; i < LETTERS; i++)
        if (letters[i].final == final)
            return modifier == 1 ? letters[i].key : modifier == 2 ? letters[i].shifted : 0;
    return 0;
}

int input_csi_key(const char *seq)
{
    char *end;
    if (seq[0] == '[' && seq[1] >= 'A' && seq[1] <= 'E') /* of Linux' console */
        return KEY_F(1 + seq[1] - 'A');
    if (strcmp(seq, "Z") == 0)
        return KEY_BTAB;
    long number = strtol(seq, &end, 10), modifier = 1;
    if (*end == ';') {
        modifier = strtol(end + 1, &end, 10);
        if (modifier == 1) /* no key says so: where the cursor is */
            return 0;
    }
    if (!*end || end[1] || seq[0] == '-' || seq[0] == '+' || seq[0] == ' ')
        return 0;
    if (*end != '~')
        return number <= 1 ? letter_key(*end, (int)modifier) : 0;
    for (size_t i = 0; modifier == 1 && i < sizeof numbered / sizeof numbered[0]; i++)
        if (numbered[i].number == number)
            return numbered[i].key;
    return 0;
}

/* Arrows in the mode of applications, and the number pad. */
int input_ss3_key(char final, bool *special)
{
    static const char pad[] = "*+,-./0123456789";
    *special = true;
    if (final == 'M')
        return KEY_ENTER;
    if (final >= 'j' && final <= 'y') {
        *special = false;
        return pad[final - 'j'];
    }
    return letter_key(final, 1);
}

/* ---- the mouse */

static bool mouse_event(int code, int col, int row, bool released, struct input_event *out)
{
    int button = code & ~(4 | 8 | 16 | 32); /* Shift, Alt, Control, moved */
    bool moved = code & 32;
    bool none = button == 3 && moved;
    if (col < 1 || row < 1 || (button != 0 && !none && (moved || (button != 64 && button != 65))))
        return false;
    *out = (struct input_event){.kind = INPUT_MOUSE, .row = row - 1, .col = col - 1,
                                .pressed = !released && !moved, .moved = moved,
                                .button = none           ? BUTTON_NONE
                                          : button == 0  ? BUTTON_LEFT
                                          : button == 64 ? BUTTON_WHEEL_UP
                                                         : BUTTON_WHEEL_DOWN};
    return true;
}

bool input_mouse(const char *seq, struct input_event *out)
{
    int v[3] = {0};
    const char *s = seq + 1;
    for (int i = 0; i < 3; i++) {
        for (; *s >= '0' && *s <= '9'; s++)
            v[i] = v[i] < 100000 ? 10 * v[i] + (*s - '0') : v[i];
        if (i < 2 && *s++ != ';')
            return false;
    }
    return seq[0] == '<' && (*s == 'M' || *s == 'm') &&
           mouse_event(v[0], v[1], v[2], *s == 'm', out);
}

bool input_old_mouse(const char bytes[3], struct input_event *out)
{
    int code = (unsigned char)bytes[0] - 32, col = (unsigned char)bytes[1] - 32;
    int row = (unsigned char)bytes[2] - 32;
    bool released = (code & 3) == 3 && code < 32;
    return code >= 0 && mouse_event(released ? code & ~3 : code, col, row, released, out);
}
