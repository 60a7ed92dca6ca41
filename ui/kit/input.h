/* SPDX-License-Identifier: MIT */
/* What a terminal sends, taken apart: keys, the mouse, pasted text, and replies to our questions.
 * A state machine over bytes and moments: it neither reads nor waits. Sequences may come in pieces,
 * with pauses between; what belongs to one never acts as if its letters had been typed. */
#ifndef UI_INPUT_H
#define UI_INPUT_H

#include "src/base/mem.h"
#include "ui/kit/term.h"

#include <stdbool.h>
#include <stddef.h>

enum input_kind { INPUT_KEY, INPUT_MOUSE, INPUT_PASTE };
/* Arrows with Control, which curses has no codes for. */
enum { INPUT_KEY_CUP = 0x2000, INPUT_KEY_CDOWN, INPUT_KEY_CRIGHT, INPUT_KEY_CLEFT };
enum input_button { BUTTON_LEFT, BUTTON_WHEEL_UP, BUTTON_WHEEL_DOWN, BUTTON_NONE };

struct input_event {
    enum input_kind kind;
    int key;        /* a character, or one of curses' KEY_ codes: */
    bool special;
    enum input_button button;
    bool pressed;   /* or released */
    bool moved;     /* neither: it went here with the button down, or with none */
    int row, col;   /* cells, from 0 */
    struct buf text; /* pasted, raw; the event's: input_event_fini */
    size_t all;     /* bytes that were pasted, of which text has the first ones */
    bool unfinished; /* the end of what was pasted did not come */
};
void input_event_fini(struct input_event *e);

#define INPUT_PASTE_MOST 65536 /* bytes of pasted text that are kept */

enum input_state {
    INPUT_GROUND, INPUT_ESCAPE, INPUT_MAYBE, INPUT_CSI, INPUT_SS3, INPUT_X10, INPUT_STRING,
    INPUT_STRING_ESCAPE, INPUT_PASTED, INPUT_AFTER_PASTE
};

/* A sequence that terminfo names, and the key that it is. */
struct input_key {
    char sequence[16];
    int key;
};

/* Zero-initialise. */
struct input {
    struct term term;     /* what replies have said */
    bool replied;         /* DA1 has come, which is asked last: nothing is outstanding */
    int heard;            /* replies so far, */
    int identified;       /* and of them DA1 */
    bool slow;            /* sequences have come in pieces: patience is longer */

    enum input_state state;
    double at, fit;       /* ms: when the last byte came, and the last that fitted a sequence */
    double escaped;       /* ms: when an Escape was told from its silence */
    bool resumed;         /* a sequence goes on after a pause */
    char seq[128];        /* the sequence under way, without its introducer */
    size_t len;
    char introducer;
    char held[64];        /* a byte that did not fit into a sequence that was cut, and the next */
    size_t held_count;
    char typed[64];       /* those of them that are keys if the sequence goes on */
    size_t typed_count;
    char letter[4];       /* a character under way */
    size_t letter_len;

    struct buf paste;     /* what is pasted; */
    size_t paste_all;
    struct buf after;     /* what came after its end: keys, or more of it */
    size_t after_all;
    size_t mark;          /* bytes of the end mark that have come */
    bool paste_cut;       /* it comes in pieces */

    struct input_event *events;
    int first, count, room;
    struct input_key keys[64];
    int key_count;
};

/* now is in ms, of a clock that only goes on. */
void input_feed(struct input *in, const char *bytes, size_t n, double now);
/* What only silence tells: that an Escape is a key. */
void input_tick(struct input *in, double now);
/* ms until input_tick has something to do, or -1. */
int input_wait(const struct input *in, double now);
/* The next event; false without any. The caller ends it. */
bool input_next(struct input *in, struct input_event *out);
/* A sequence of this terminal's that is a key; those that all terminals share are known. */
void input_teach(struct input *in, const char *sequence, int key);
/* Whether nothing more fits until events are taken. */
bool input_full(const struct input *in);
void input_fini(struct input *in);

/* ---- input_keys.c */
/* The key of a whole sequence: what follows ESC [ or ESC O; 0 when it is none. */
int input_csi_key(const char *seq);
int input_ss3_key(char final, bool *special);
/* A report of the mouse: "<0;5;7M", or three bytes of the old kind. */
bool input_mouse(const char *seq, struct input_event *out);
bool input_old_mouse(const char bytes[3], struct input_event *out);

#endif
