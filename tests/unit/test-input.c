/* SPDX-License-Identifier: MIT */
/* What a terminal sends, cut at every byte, with every pause: replies never become keys, keys stay
 * keys, and pasted text stays text. Broken by a decision that hangs on how bytes were cut, by a
 * sequence that is not taken whole, or by an end of pasted text that is believed too early. */
#include "tap.h"
#include "ui/kit/input.h"

#include <curses.h>
#include <string.h>

/* Events as text: letters as they are, <KEY_x> by number, [paste]. */
static void write_event(const struct input_event *e, struct buf *out)
{
    if (e->kind == INPUT_PASTE)
        buf_printf(out, "{%s%s}", e->text.data ? e->text.data : "", e->unfinished ? "..." : "");
    else if (e->kind == INPUT_MOUSE)
        buf_printf(out, "<mouse %d %d,%d%s>", (int)e->button, e->row, e->col,
                   e->moved ? " moved" : e->pressed ? "" : " up");
    else if (e->special && e->key >= INPUT_KEY_CUP)
        buf_printf(out, "<C-%s>", (const char *const[]){"Up", "Down", "Right",
                                                        "Left"}[e->key - INPUT_KEY_CUP]);
    else if (e->special)
        buf_printf(out, "<%s>", keyname(e->key) ? keyname(e->key) : "?");
    else if (e->key == 27)
        buf_printf(out, "<ESC>");
    else if (e->key < 32 || e->key > 126)
        buf_printf(out, "<%x>", (unsigned)e->key);
    else
        buf_putc(out, (char)e->key);
}

static void drain(struct input *in, struct buf *out)
{
    struct input_event e;
    while (input_next(in, &e)) {
        write_event(&e, out);
        input_event_fini(&e);
    }
}

/* Feeds bytes, a pause of gap ms before byte number cut (and before each after it if all). */
static char *events_of(struct input *in, const char *bytes, size_t n, size_t cut, double gap,
                       bool all)
{
    struct buf out = {0};
    double now = 10000;
    buf_puts(&out, "");
    for (size_t i = 0; i < n; i++) {
        bool pause = all ? i > 0 : i == cut;
        for (double t = 0; pause && t < gap; t += 10) /* the loop ticks meanwhile */
            input_tick(in, now + t);
        now += pause ? gap : 0;
        input_feed(in, bytes + i, 1, now);
    }
    drain(in, &out);
    for (int i = 0; i < 1000; i++)
        input_tick(in, now += 10);
    drain(in, &out);
    ok(input_wait(in, now) == -1 || in->state == INPUT_GROUND, "nothing is left under way");
    return buf_steal(&out);
}

/* The same events however the bytes are cut. Tells the first that differs. */
static void same(const char *what, const char *bytes, const char *want, bool replied,
                 const double *gaps, int gap_count)
{
    size_t n = strlen(bytes);
    int wrong = 0;
    for (int g = 0; g < gap_count; g++)
        for (size_t cut = 0; cut <= n; cut++) {
            struct input in = {.replied = replied};
            struct buf out = {0};
            double now = 10000;
            size_t first = cut < n ? cut : n;
            input_feed(&in, bytes, first, now);
            drain(&in, &out);
            for (double t = 10; t < gaps[g]; t += 10)
                input_tick(&in, now + t);
            drain(&in, &out);
            now += gaps[g];
            if (first < n)
                input_feed(&in, bytes + first, n - first, now);
            for (int i = 0; i < 1000; i++) {
                drain(&in, &out);
                input_tick(&in, now += 10);
            }
            drain(&in, &out);
            buf_puts(&out, "");
            if (strcmp(out.data, want) != 0 && wrong++ == 0)
                tap_note("%s, cut at %zu for %.0f ms: \"%s\", not \"%s\"", what, cut, gaps[g],
                         out.data, want);
            buf_fini(&out);
            input_fini(&in);
        }
    ok(wrong == 0, "%s: the same, however it is cut", what);
}

static void replies_in_pieces(void)
{
    static const double gaps[] = {0, 20, 60, 100, 200, 400};
    static const struct {
        const char *what, *bytes, *keys;
    } cases[] = {
        {"DA1", "\033[?62;4;22c", ""},
        {"all answers", "\033[6;19;9t\033[?1;0;256S\033[?2;0;900;608S\033[?2026;2$y\033[?63;1;2;4c",
         ""},
        {"DA1 among letters", "ab\033[?62;4;22cde", "abde"},
        {"an unknown answer", "\033[?64;1;4q\033[?62;4c", ""},
        {"a color", "\033]11;rgb:0000/0000/0000\033\\\033[?62;4c", ""},
        {"a color, ended by BEL", "\033]10;rgb:ff/ff/ff\007\033[?62;4c", ""},
        {"a setting", "\033P1$r0m\033\\\033[?62;4c", ""},
        {"a version", "\033P>|XTerm(379)\033\\\033[?62;4c", ""},
        {"a picture's", "\033_Gi=31;OK\033\\\033[?62;4c", ""},
        {"focus", "\033[I\033[O\033[?62;4c", ""},
        {"where the cursor is", "\033[24;80R\033[1;1R\033[?62;4c", ""},
        {"an arrow", "\033OA\033[B\033[?62;4c", "<KEY_UP><KEY_DOWN>"},
        {"more keys", "\033[5~\033[1;2D\033OP\033[Z\033[3~\033[?62;4c",
         "<KEY_PPAGE><KEY_SLEFT><KEY_F(1)><KEY_BTAB><KEY_DC>"},
        {"the mouse", "\033[<0;5;7M\033[<0;5;7m\033[<65;1;1M\033[?62;4c",
         "<mouse 0 6,4><mouse 0 6,4 up><mouse 2 0,0>"},
        {"the mouse, moved with its button and without", "\033[<32;5;7M\033[<35;5;8M\033[?62;4c",
         "<mouse 0 6,4 moved><mouse 3 7,4 moved>"},
        {"arrows with Control", "\033[1;5D\033[1;5A\033[?62;4c", "<C-Left><C-Up>"},
        {"the old mouse", "\033[M !!\033[?62;4c", "<mouse 0 0,0>"},
        {"letters of more bytes", "\xc3\xa9\xf0\x9f\x98\x80", "<e9><1f600>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        same(cases[i].what, cases[i].bytes, cases[i].keys, false, gaps, 6);
}

/* Where all was answered an Escape is a key soon, and pieces come closer. */
static void after_answers(void)
{
    static const double gaps[] = {0, 20, 60, 90};
    same("keys", "\033OA\033[6~\033[<64;3;3M", "<KEY_UP><KEY_NPAGE><mouse 1 2,2>", true, gaps, 4);
    same("unknown ones", "\033[?1;1z\033]0;title\007\033[>0q\033[12;34y", "", true, gaps, 4);
    struct input in = {.replied = true};
    struct input_event e;
    input_feed(&in, "\033", 1, 1000);
    ok(!input_next(&in, &e) && input_wait(&in, 1000) > 0, "an Escape waits for silence,");
    input_tick(&in, 1000 + input_wait(&in, 1000));
    ok(input_next(&in, &e) && e.key == 27 && !e.special && input_wait(&in, 1200) == -1,
       "and is a key after a tenth of a second");
    input_feed(&in, "\033", 1, 2000);
    input_tick(&in, 2200);
    input_feed(&in, "[?62;4;9c", 9, 2300);
    struct buf out = {0};
    drain(&in, &out);
    ok(strcmp(out.data, "<ESC>") == 0 && in.term.sixel,
       "what comes still later is an answer, and no keys: %s", out.data);
    buf_fini(&out);
    char *s = events_of(&in, "\033x[", 3, 0, 0, false);
    ok(strcmp(s, "<ESC>x[") == 0, "Escape and a letter are two keys: %s", s);
    free(s);
    s = events_of(&in, "a\xff" "b\xc3(\x80", 6, 0, 0, false);
    ok(strcmp(s, "ab(") == 0, "bytes that are no text are no keys: %s", s);
    free(s);
    input_fini(&in);
}

/* Keys that are typed while an answer is on its way in pieces. */
static void typed_between(void)
{
    static const char *const pieces[] = {"\033[?62", "w", ";", "h", "\r", "4;2", "?", "2c", "x"};
    struct input in = {0};
    struct buf out = {0};
    double now = 1000;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        input_feed(&in, pieces[i], strlen(pieces[i]), now);
        for (int t = 0; t < 100; t += 10)
            input_tick(&in, now + t);
        now += 100;
    }
    input_tick(&in, now + 3000);
    drain(&in, &out);
    ok(in.term.sixel && in.replied, "an answer with letters typed between its pieces is heard");
    ok(strspn(out.data, "wh<d>?x") == out.len && strchr(out.data, 'w') && strchr(out.data, 'h') &&
       strchr(out.data, 'x'), "and they are keys: %s", out.data);
    buf_fini(&out);
    input_fini(&in);
}

static struct term heard(const char *replies, bool *done)
{
    struct input in = {0};
    input_feed(&in, replies, strlen(replies), 1000);
    struct term t = in.term;
    *done = in.replied;
    term_settle(&t);
    input_fini(&in);
    return t;
}

static void answers(void)
{
    bool done;
    struct term t = heard("\033[6;19;9t\033[?1;0;256S\033[?2;0;900;608S\033[?2026;2$y"
                          "q\033[?63;1;2;4;6;9c", &done);
    ok(done && t.sixel && t.cell_w == 9 && t.cell_h == 19 && t.registers == 256 &&
       t.max_w == 900 && t.max_h == 608 && t.sync, "a sixel terminal");
    t = heard("\033[?64;1;2;6;9;42c", &done);
    ok(done && !t.sixel && t.registers == 16 && !t.sync, "64 and 42 are not 4");
    t = heard("\033[6;9999;1t\033[?1;0;0S\033[?2;0;1;1S\033[?62;4c", &done);
    ok(t.cell_w == 0 && t.registers == 16 && t.max_w == 1000, "wild numbers are not believed");
    t = heard("\033P>|kitty(0.41.1)\033\\\033_Gi=31;OK\033\\\033_Gi=32,U=1,e=1;OK\033\\"
              "\033]11;rgb:1e1e/80/f\033\\\033P1+r524742=38\033\\\033[?997;2n\033[?62c", &done);
    ok(done && t.kitty && t.kitty_text && strcmp(t.name, "kitty(0.41.1)") == 0 && t.rgb,
       "kitty, which knows placeholders: %s", t.name);
    ok(t.back_known && t.back[0] == 0x1e && t.back[1] == 0x80 && t.back[2] == 0xff &&
       t.scheme == 2, "its background: %d %d %d", t.back[0], t.back[1], t.back[2]);
    t = heard("\033_Gi=31;OK\033\\\033_Gi=32;OK\033\\\033]1337;ReportCellSize=19.0;9.0;2\033\\"
              "\033[?62c", &done);
    ok(t.kitty && !t.kitty_text && t.iterm2, "others do not know them, or iTerm2's pictures");
    t = heard("\033P1$r0;48:2::1:2:3m\033\\\033[?63;4c", &done);
    ok(done && t.rgb, "xterm tells a color that has 24 bits as it was set");
    t = heard("\033P1$r48:2:1:2:3m\033\\\033[?62c", &done);
    ok(done && t.rgb, "kitty does, in other words");
    t = heard("\033P1$r0;48:5:16m\033\\\033P0$r\033\\\033P1$r0m\033\\\033[?64c", &done);
    ok(done && !t.rgb, "one that is rounded, or not there, is none");
    setenv("KITTY_WINDOW_ID", "1", 1);
    t = heard("\033_Gi=31;OK\033\\\033[?62c", &done);
    ok(t.kitty && !t.kitty_text, "kitty before 0.28 does not know the key of placeholders");
    t = heard("\033_Gi=31;OK\033\\\033_Gi=33;OK\033\\\033[?62c", &done);
    ok(t.kitty && t.kitty_text, "later ones do, and may not know the question for them");
    unsetenv("KITTY_WINDOW_ID");
    t = heard("\033_Gi=31;OK\033\\\033_Gi=33;OK\033\\\033[?62c", &done);
    ok(t.kitty && !t.kitty_text, "others answer it, and print them as signs");
    t = heard("\033_Gi=31;ENOTSUPPORTED:no\033\\\033]11;rgb:12345/0/0\033\\\033]11;red\033\\"
              "\033_Gi=32,U=1;OK,e=1\033\\\033[?62c", &done);
    ok(done && !t.kitty && !t.kitty_text && !t.back_known, "a refusal is none of it");
    t = heard("\033[A\033[?garbage", &done);
    ok(!done && !t.sixel, "an arrow key is no reply");
}

static void pastes(void)
{
    static const double gaps[] = {0, 20, 60, 90};
    static const double longer[] = {0, 20, 60, 200, 400};
    static const struct {
        const char *what, *bytes, *want;
    } cases[] = {
        {"a paste", "\033[200~hello\033[201~", "{hello}"},
        {"keys around it", "a\033[200~q\r:quit\r\033[201~b", "a{q\r:quit\r}b"},
        {"sequences in it", "\033[200~\033[A\033OB\033[?62;4c\033\033[201~", 
         "{\033[A\033OB\033[?62;4c\033}"},
        {"an end in it", "\033[200~safe\033[201~q\r\033[201~", "{safeq\r}"},
        {"another in it", "\033[200~one\033[201~q\033[200~two\033[201~", "{oneq\033[200~two}"},
        {"half a mark in it", "\033[200~a\033[201b\033[20\033[201~", "{a\033[201b\033[20}"},
        {"an empty one", "\033[200~\033[201~", "{}"},
        {"an end alone", "a\033[201~b", "ab"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool two_ends = strstr(strstr(cases[i].bytes, "201~") + 1, "201~") != NULL;
        same(cases[i].what, cases[i].bytes, cases[i].want, true, gaps, two_ends ? 3 : 4);
        if (!two_ends)
            same(cases[i].what, cases[i].bytes, cases[i].want, false, longer, 5);
    }
    struct input in = {.replied = true};
    char *s = events_of(&in, "\033[200~abc", 9, 0, 0, false);
    ok(strcmp(s, "{abc...}") == 0, "an end that does not come is not waited for for ever: %s", s);
    free(s);
    s = events_of(&in, "x\033[200~abc\033[201~y", 17, 0, 60, true);
    ok(strcmp(s, "x{abc}y") == 0, "every byte of it alone: %s", s);
    free(s);
    input_fini(&in);
}

static void large_paste(void)
{
    struct input in = {.replied = true};
    struct input_event e;
    struct buf big = {0};
    buf_puts(&big, "\033[200~");
    while (big.len < 3000000)
        buf_puts(&big, "q\r\033[A:quit\r");
    size_t all = big.len - 6;
    buf_puts(&big, "\033[201~");
    for (size_t i = 0; i < big.len; i += 4096)
        input_feed(&in, big.data + i, big.len - i < 4096 ? big.len - i : 4096, 1000);
    input_tick(&in, 2000);
    ok(input_next(&in, &e) && e.kind == INPUT_PASTE && e.text.len == INPUT_PASTE_MOST &&
       e.all == all, "three megabytes are one paste, the first %zu bytes are kept of %zu",
       e.text.len, e.all);
    input_event_fini(&e);
    ok(!input_next(&in, &e), "and nothing of it is a key");
    buf_fini(&big);
    input_fini(&in);
}

int main(void)
{
    replies_in_pieces();
    after_answers();
    typed_between();
    answers();
    pastes();
    large_paste();
    return tap_done();
}
