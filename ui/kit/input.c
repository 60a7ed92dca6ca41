/* SPDX-License-Identifier: MIT */
/* What a terminal sends, taken apart.
 *
 * An Escape that is a key and one that begins a sequence look alike: only silence tells them apart,
 * and how much of it depends on the line. While answers to our questions are outstanding, and on
 * lines that were seen to cut sequences, it is half a second.
 *
 * Source: ECMA-48 (the forms of sequences); xterm's ctlseqs (bracketed paste). */
#include "ui/kit/input.h"

#include <stdlib.h>
#include <string.h>

#define ESCAPE 27
#define PATIENCE 100      /* ms of silence after which an Escape is a key; */
#define LONG_PATIENCE 500 /* the same where sequences come in pieces */
#define REST 2000         /* ms in which the rest of a sequence has to come */
#define CUT 15            /* ms between two pieces of a sequence that were not sent as one */
#define AFTER_PASTE 80    /* ms after a paste's end, until when it may turn out not to be the end */
#define PASTE_REST 5000   /* ms in which the rest of a paste has to come */
#define MOST_EVENTS 4096

static const char paste_end[] = "\033[201~";
#define PASTE_END (sizeof paste_end - 1)

static void input_take(struct input *in, char byte, double now);

/* ---- events */

void input_event_fini(struct input_event *e)
{
    buf_fini(&e->text);
}

static void input_push(struct input *in, const struct input_event *e)
{
    if (in->first && in->first + in->count == in->room) {
        memmove(in->events, in->events + in->first, (size_t)in->count * sizeof *in->events);
        in->first = 0;
    }
    if (in->count == in->room) {
        in->room = in->room ? 2 * in->room : 64;
        in->events = xreallocarray(in->events, (size_t)in->room, sizeof *in->events);
    }
    in->events[in->first + in->count++] = *e;
}

bool input_next(struct input *in, struct input_event *out)
{
    if (in->count == 0)
        return false;
    *out = in->events[in->first++];
    in->first = --in->count ? in->first : 0;
    return true;
}

bool input_full(const struct input *in)
{
    return in->count >= MOST_EVENTS;
}

static void input_press(struct input *in, int key, bool special)
{
    input_push(in, &(struct input_event){.kind = INPUT_KEY, .key = key, .special = special});
}

void input_teach(struct input *in, const char *sequence, int key)
{
    struct input_key *k = &in->keys[in->key_count];
    if (in->key_count == 64 || sequence[0] != ESCAPE || strlen(sequence) >= sizeof k->sequence)
        return;
    strcpy(k->sequence, sequence + 1);
    k->key = key;
    in->key_count++;
}

/* The key of what follows an Escape, when terminfo has it; or 0. */
static int input_taught(const struct input *in, char introducer, const char *rest)
{
    for (int i = 0; i < in->key_count; i++) {
        const char *s = in->keys[i].sequence;
        if (s[0] == introducer && strcmp(s + 1, rest) == 0)
            return in->keys[i].key;
    }
    return 0;
}

/* ---- characters */

/* The bytes of the character that begins so; 0: none does. */
static size_t letter_bytes(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

static void whole_letter(struct input *in)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = in->letter_len;
    unsigned c = (unsigned char)in->letter[0] & (n == 1 ? 0x7fu : 0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)in->letter[i] & 63u);
    in->letter_len = 0;
    if (n == 1 || (c >= least[n] && c < 0x110000 && (c < 0xd800 || c > 0xdfff)))
        input_press(in, (int)c, false);
}

/* Bytes that are no UTF-8 are no keys. */
static void input_letter(struct input *in, char byte)
{
    bool more = ((unsigned char)byte & 0xc0) == 0x80;
    if (more != (in->letter_len > 0))
        in->letter_len = 0;
    if (in->letter_len == 0 && (more || letter_bytes((unsigned char)byte) == 0))
        return;
    in->letter[in->letter_len++] = byte;
    if (in->letter_len == letter_bytes((unsigned char)in->letter[0]))
        whole_letter(in);
}

/* ---- what was held back */

/* Takes bytes once more, as if they came now. */
static void input_again(struct input *in, const char *bytes, size_t n, double now)
{
    in->resumed = false;
    for (size_t i = 0; i < n; i++)
        input_take(in, bytes[i], now);
}

/* Begins anew. What was held is taken again from byte `from` on. */
static void input_ground(struct input *in, size_t from, double now)
{
    char held[sizeof in->held];
    size_t n = in->held_count > from ? in->held_count - from : 0;
    memcpy(held, in->held + (n ? from : 0), n);
    in->state = INPUT_GROUND;
    in->len = in->held_count = in->typed_count = 0;
    input_again(in, held, n, now);
}

/* The sequence is whole: what did not fit into it was typed meanwhile. */
static void ground_typed(struct input *in, double now)
{
    memcpy(in->held, in->typed, in->typed_count);
    in->held_count = in->typed_count;
    input_ground(in, 0, now);
}

/* Nothing more comes of what is under way. */
static void give_up(struct input *in, double now)
{
    bool bare = in->len == 0;
    char introducer = in->introducer;
    enum input_state state = in->state;
    if (state == INPUT_ESCAPE) {
        in->escaped = now;
        input_press(in, ESCAPE, false);
    } else if (state == INPUT_MAYBE) {
        input_press(in, introducer, false);
    } else if (state == INPUT_SS3 || (state == INPUT_CSI && bare)) {
        input_press(in, ESCAPE, false);
        input_press(in, introducer, false);
    }
    input_ground(in, state == INPUT_CSI && !bare ? 1 : 0, now); /* what did not fit ended it */
}

/* A byte that cannot belong to the sequence, which was cut before it. */
static void input_hold(struct input *in, char byte, bool is_typed, double now)
{
    if (in->held_count == sizeof in->held) {
        give_up(in, now);
        input_take(in, byte, now);
        return;
    }
    in->held[in->held_count++] = byte;
    if (is_typed)
        in->typed[in->typed_count++] = byte;
}

/* ---- pasted text */

static void end_paste(struct input *in, bool unfinished, double now)
{
    struct input_event e = {.kind = INPUT_PASTE, .text = in->paste, .all = in->paste_all,
                            .unfinished = unfinished};
    struct buf after = in->after;
    if (unfinished)
        buf_add(&e.text, paste_end, in->mark);
    else
        buf_add(&after, paste_end, in->mark); /* an Escape that began no mark */
    in->paste = in->after = (struct buf){0};
    in->paste_all = in->after_all = in->mark = 0;
    in->paste_cut = false;
    in->state = INPUT_GROUND;
    input_push(in, &e);
    if (after.len)
        input_again(in, after.data, after.len, now);
    buf_fini(&after);
}

static void input_keep(struct buf *b, const char *bytes, size_t n, size_t *all)
{
    size_t room = b->len < INPUT_PASTE_MOST ? INPUT_PASTE_MOST - b->len : 0;
    if (n && room)
        buf_add(b, bytes, n < room ? n : room);
    *all += n;
}

/* What followed an end mark was pasted, too. */
static void join_paste(struct input *in)
{
    input_keep(&in->paste, in->after.data, in->after.len, &in->paste_all);
    in->paste_all += in->after_all - in->after.len;
    buf_fini(&in->after);
    in->after = (struct buf){0};
    in->after_all = 0;
}

/* Text that holds an end mark would go on as keys: the last mark of what comes without a pause is
 * the end. Nobody types so much without one that it does not fit, either. */
static void paste_byte(struct input *in, char byte)
{
    bool ended = in->state == INPUT_AFTER_PASTE;
    struct buf *to = ended ? &in->after : &in->paste;
    size_t *all = ended ? &in->after_all : &in->paste_all;
    if (byte != paste_end[in->mark] && in->mark) {
        input_keep(to, paste_end, in->mark, all);
        in->mark = 0;
    }
    if (byte != paste_end[in->mark]) {
        input_keep(to, &byte, 1, all);
    } else if (++in->mark == PASTE_END) {
        in->mark = 0;
        in->state = INPUT_AFTER_PASTE;
        if (ended)
            join_paste(in);
    }
    if (ended && in->after_all > INPUT_PASTE_MOST / 2) {
        join_paste(in);
        in->state = INPUT_PASTED;
    }
}

/* ---- sequences */

static bool is_parameter(char c)
{
    return (c >= '0' && c <= '?') || c == '$';
}

static bool has_introducer(char c)
{
    return c && strchr("[]P_^XO", c);
}

static void input_begin(struct input *in, char introducer)
{
    in->introducer = introducer;
    in->fit = in->at;
    in->len = 0;
    in->seq[0] = '\0';
    in->state = introducer == '[' ? INPUT_CSI : introducer == 'O' ? INPUT_SS3 : INPUT_STRING;
}

static void whole_csi(struct input *in, double now)
{
    struct input_event e;
    int k = input_taught(in, '[', in->seq);
    k = k ? k : input_csi_key(in->seq);
    if (strcmp(in->seq, "200~") == 0) {
        ground_typed(in, now);
        in->state = INPUT_PASTED;
        return;
    }
    if (k) {
        input_press(in, k, true);
    } else if (in->seq[0] == '<') {
        if (input_mouse(in->seq, &e))
            input_push(in, &e);
    } else if (term_reply(&in->term, in->seq)) {
        bool identity = in->seq[0] == '?' && in->seq[in->len - 1] == 'c'; /* DA1 */
        in->heard++;
        in->identified += identity;
        in->replied |= identity;
    }
    ground_typed(in, now);
}

/* Whether a byte may end a reply that was cut; others were typed meanwhile, or end a sequence that
 * we do not know. */
static bool may_end(const struct input *in, char c)
{
    if (in->len == 0)
        return strchr("ABCDFHIMOPQRSZ", c);
    if (in->seq[in->len - 1] == ';')
        return false;
    return strchr(in->seq[0] == '?'   ? "cSytnuR"
                  : in->seq[0] == '<' ? "Mm"
                                      : "tcABCDFHPQRSZ~unR", c);
}

static void csi_byte(struct input *in, char c, double now)
{
    bool waits = !in->replied && (in->resumed || in->held_count);
    if ((unsigned char)c < 0x20 || (unsigned char)c >= 0x7f) {
        input_letter(in, c); /* as a terminal would: control characters act inside of a sequence */
        return;
    }
    if (waits && !is_parameter(c) && !may_end(in, c)) {
        input_hold(in, c, true, now);
        return;
    }
    if (in->held_count)
        input_hold(in, c, false, now);
    in->fit = now;
    in->resumed = false;
    if (in->state != INPUT_CSI)
        return; /* it was given up */
    if (in->len < sizeof in->seq - 1)
        in->seq[in->len++] = c;
    in->seq[in->len] = '\0';
    bool console = in->seq[0] == '[' && in->len == 1; /* ESC [ [ A: one letter more */
    if (c >= 0x40 && c <= 0x7e && !console) {
        if (strcmp(in->seq, "M") == 0) {
            in->state = INPUT_X10;
            in->len = 0;
        } else {
            whole_csi(in, now);
        }
    }
}

static void ss3_byte(struct input *in, char c, double now)
{
    bool special = true;
    char rest[2] = {c, '\0'};
    int k = input_taught(in, 'O', rest);
    k = k ? k : input_ss3_key(c, &special);
    if (k)
        input_press(in, k, special);
    input_ground(in, 0, now);
}

static void x10_byte(struct input *in, char c, double now)
{
    struct input_event e;
    in->seq[in->len++] = c;
    if (in->len < 3)
        return;
    if (input_old_mouse(in->seq, &e))
        input_push(in, &e);
    input_ground(in, 0, now);
}

/* A string that is longer than any reply is none. */
static void whole_string(struct input *in, double now)
{
    if (in->len < sizeof in->seq - 1 && term_string(&in->term, in->introducer, in->seq))
        in->heard++;
    input_ground(in, 0, now);
}

/* Titles, colors, settings: what is no reply is taken away whole. No reply has other control
 * characters: those end what was none. */
static void string_byte(struct input *in, char c, double now)
{
    if (c == ESCAPE) {
        in->state = INPUT_STRING_ESCAPE;
    } else if (c == 7) {
        whole_string(in, now);
    } else if (c == 0x18 || c == 0x1a) {
        input_ground(in, 0, now);
    } else if ((unsigned char)c < 0x20) {
        input_ground(in, 0, now);
        input_take(in, c, now);
    } else if (in->len < sizeof in->seq - 1) {
        in->seq[in->len++] = c;
        in->seq[in->len] = '\0';
    }
}

static void escape_byte(struct input *in, char c, double now)
{
    char none[1] = "";
    int k = input_taught(in, c, none);
    if (k) {
        input_press(in, k, true);
        input_ground(in, 0, now);
    } else if (has_introducer(c)) {
        input_begin(in, c);
    } else if (c != ESCAPE && !in->replied && (in->resumed || in->held_count)) {
        input_hold(in, c, true, now);
    } else {
        input_press(in, ESCAPE, false); /* the key, and another */
        input_ground(in, 0, now);
        input_take(in, c, now);
    }
}

/* After an Escape that silence has told to be a key: what cannot be typed so fast is the rest of a
 * sequence after all. */
static void maybe_byte(struct input *in, char c, double now)
{
    char introducer = in->introducer;
    bool fits = introducer == '[' ? c >= '0' && c <= '?'
                : introducer == '_' ? c == 'G'
                : introducer == ']' ? c >= '0' && c <= '9'
                                    : (c >= '0' && c <= '9') || (c && strchr("$+>!", c));
    input_ground(in, 0, now);
    in->slow |= fits;
    if (fits)
        input_begin(in, introducer);
    else
        input_press(in, introducer, false);
    input_take(in, c, now);
}

static void ground_byte(struct input *in, char c, double now)
{
    if (c == ESCAPE) {
        in->letter_len = 0;
        in->state = INPUT_ESCAPE;
        in->fit = now;
    } else if (in->escaped > 0 && now - in->escaped < 1000 &&
               (c == '[' || c == ']' || c == 'P' || c == '_')) {
        in->introducer = c;
        in->state = INPUT_MAYBE;
    } else {
        input_letter(in, c);
    }
}

/* An Escape in the midst of a sequence: another begins, and the first one is given up. */
static void input_interrupt(struct input *in, double now)
{
    input_ground(in, in->state == INPUT_CSI && in->len > 0 ? 1 : 0, now);
    input_take(in, ESCAPE, now);
}

static void input_take(struct input *in, char c, double now)
{
    bool inside = in->state == INPUT_CSI || in->state == INPUT_SS3 || in->state == INPUT_X10;
    if (c == ESCAPE && inside) {
        input_interrupt(in, now);
        return;
    }
    switch (in->state) {
    case INPUT_GROUND: ground_byte(in, c, now); break;
    case INPUT_ESCAPE: escape_byte(in, c, now); break;
    case INPUT_MAYBE: maybe_byte(in, c, now); break;
    case INPUT_CSI: csi_byte(in, c, now); break;
    case INPUT_SS3: ss3_byte(in, c, now); break;
    case INPUT_X10: x10_byte(in, c, now); break;
    case INPUT_STRING: string_byte(in, c, now); break;
    case INPUT_STRING_ESCAPE:
        if (c == '\\') {
            whole_string(in, now);
        } else {
            input_ground(in, 0, now);
            in->state = INPUT_ESCAPE;
            input_take(in, c, now);
        }
        break;
    case INPUT_PASTED: case INPUT_AFTER_PASTE: paste_byte(in, c); break;
    }
}

void input_feed(struct input *in, const char *bytes, size_t n, double now)
{
    bool pause = now - in->at >= CUT;
    input_tick(in, now);
    in->resumed = pause && in->state != INPUT_GROUND;
    in->paste_cut |= in->resumed && in->state == INPUT_PASTED;
    in->slow |= in->resumed && (in->state == INPUT_CSI || in->state == INPUT_STRING);
    in->at = now;
    for (size_t i = 0; i < n; i++)
        input_take(in, bytes[i], now);
}

/* ---- silence */

static double input_patience(const struct input *in)
{
    bool bare = in->state == INPUT_ESCAPE || in->state == INPUT_SS3 || in->held_count ||
                (in->state == INPUT_CSI && in->len == 0);
    switch (in->state) {
    case INPUT_GROUND: return -1;
    case INPUT_MAYBE: return PATIENCE;
    case INPUT_PASTED: return PASTE_REST;
    case INPUT_AFTER_PASTE:
        return in->slow || in->paste_cut || in->mark ? LONG_PATIENCE : AFTER_PASTE;
    default: return !bare ? REST : in->replied && !in->slow ? PATIENCE : LONG_PATIENCE;
    }
}

/* Since when it is silent; what does not fit into a sequence breaks no silence. */
static double input_since(const struct input *in)
{
    return in->held_count ? in->fit : in->at;
}

int input_wait(const struct input *in, double now)
{
    double all = input_patience(in), left = all - (now - input_since(in));
    return all < 0 ? -1 : left <= 0 ? 0 : (int)left + 1;
}

void input_tick(struct input *in, double now)
{
    if (in->state == INPUT_GROUND || now - input_since(in) < input_patience(in))
        return;
    if (in->state == INPUT_PASTED || in->state == INPUT_AFTER_PASTE)
        end_paste(in, in->state == INPUT_PASTED, now);
    else
        give_up(in, now);
}

void input_fini(struct input *in)
{
    struct input_event e;
    while (input_next(in, &e))
        input_event_fini(&e);
    free(in->events);
    buf_fini(&in->paste);
    buf_fini(&in->after);
}
