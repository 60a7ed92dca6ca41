/* SPDX-License-Identifier: MIT */
/* Every action does what it says: its key is pressed, or its command typed, and what is drawn
 * where, the pixels, the cursor, or a file changes as it should: each condition is false before,
 * and true after. The table of actions, that of the manual and this one must name the same actions.
 * Broken by an action that does nothing (tests/screen/dead-keys tries that for each), or something
 * else, and by one without a test or without words in the manual.
 *
 * "test-actions NAME" runs only what is needed for that action, ends with the first failure, and
 * does not wait long for what does not come. */
#include "tap.h"
#include "terminal.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* What has to be so after the keys and not before, one to a line:
 *   ROW:TEXT     the row, as terminal_drawn gives it, has the text
 *   -ROW:TEXT    it had it, and has not
 *   pixels       the pictures are others
 *   cursor ROW   the cursor is seen there
 *   file NAME [TEXT]  the file is there, and has the text
 *   said TEXT    the terminal was told so
 *   left         the screen was left, and is there again
 *   ended        the program has ended with status 0 */
struct scene {
    const char *name;
    const char *begin; /* typed before; FRESH: a new program first */
    const char *keys;
    const char *changes;
};
#define FRESH "\001"
#define MEASURED "\004" /* behind it: with evaluations in the log */
#define ESC "\033"
#define SCRIBBLE "\002" /* something else writes on the terminal */
#define NARROW "\003"   /* the terminal has 70 columns */

static const struct scene scenes[] = {
    /* panes and lists */
    {"next-pane", FRESH, "\t", "1:! VQA v2"},
    {"previous-pane", "", ESC "[Z", "-1:! VQA v2"},
    {"view", "", "v", "1:Views: Enter opens\n3:{* image\n30:find:"},
    {"down", ESC ":view answer\r", "j", "5:{ 2 no\n-4:{"},
    {"up", "", "k", "4:{ 1 star\n-5:{"},
    {"page-down", "", ESC "[6~", "12:{11 \n-4:1 star"},
    {"page-up", "", ESC "[5~", "4:{ 1 star\n-12:{11 "},
    {"last", "", "G", "12:{36 "},
    {"first", "", ESC "OH", "4:{ 1 star"},
    {"rank", "", ":rank 2\r:rank 99\r", "31:there are ranks 1 to 36, not '99'\n5:{ 2 no"},

    {"find", FRESH ":view answer\r", "/", "30:find:\ncursor 30"},
    {"find-next", "cat\r:first\r", ";", "7:{ 4 cat"},
    {"copy", "", "y", "31:sent to the clipboard: cat\nsaid 52;c;Y2F0"},
    {"others", "", "O", "1:VQA v2: all heads"},
    {"zoom", "O", "z", "-1:!\npixels"},
    {"hide", "z", "_", "1:Attention\n-1:VQA v2"},
    {"split", "", "|", "14:! Tokens\n-1:!"},

    {"freeze", FRESH "\t", "*", "10:frozen: answer\n31:kept as it is"},
    {"line-down", FRESH "\t", ESC "[1;5B", "15:Attention\n-14:Attention"},
    {"line-up", "", ESC "[1;5A", "14:Attention\n-15:Attention"},
    {"line-left", "", ESC "[1;5D", "pixels"},
    {"line-right", "", ESC "[1;5C", "pixels"},
    {"even", ":line-down\r:line-left\r", ":even\r", "14:Attention\npixels"},

    /* asking */
    {"type", FRESH, "i", "cursor 30"},
    {"ask", ESC, ":ask is there a star\r", "2:\"is there a star\"\n31:logged as 2"},
    {"again", "", "r", "31:logged as 3"},
    {"suggest", "", "s", "31:logged as 4\n-2:\"is there a star\""},
    {"task", "", "t", "1:question answering\n15:NLVR2"},
    {"task-number", ESC, "6", "29:RefCOCO"},
    {"checkpoint", "", "c", "0:demo / early"},
    {"cancel", "l", ESC, "17:choose a token\n-28:{[CLS]}"},

    /* images */
    {"open", FRESH, "o", "30:open image\ncursor 30"},
    {"next-image", ESC, "n", "0:2/24\npixels"},
    {"previous-image", "", "p", "0:1/24\npixels"},
    {"image", "", ":image 3\r", "0:3/24\npixels"},
    {"zoom-in", ":image 1\r", ">", "27:1.5 times\npixels"},
    {"pan", "", ESC "[1;2B", "pixels"},
    {"zoom-out", "", "<", "-27:1.5 times\npixels"},

    {"box", FRESH, "b", "31:arrows move\npixels"},
    {"drop-box", " LLJJ ", "x", "31:no drawn box\npixels"},
    {"detect", "", "d", "31:the regions are known"},
    {"more-boxes", ":suggest refcoco\r", "+", "31:6 boxes are shown\npixels"},
    {"fewer-boxes", "", "-", "31:5 boxes are shown\npixels"},
    {"single", ":suggest nlvr2\r", "f", "31:one image at a time\npixels"},

    /* looking */
    {"right", FRESH, "l", "14:\"[CLS]\" attends to\n28:{[CLS]}\npixels"},
    {"left", "", "h", "16:choose a token\n-28:{[CLS]}\npixels"},
    {"token", "", ":token large\r", "14:\"large\" attends to\n28:{large}\npixels"},
    {"next-layer", "", "]", "15:layer 3/3\npixels"},
    {"previous-layer", "", "[", "15:layer 2/3\npixels"},
    {"layer", "", ":layer 1\r", "15:layer 1/3\npixels"},
    {"next-head", "", "}", "15:head 1/4\npixels"},

    {"previous-head", FRESH ":token large\r}", "{", "15:mean of heads\npixels"},
    {"head", "", ":head rollout\r", "15:rollout\npixels"},
    {"map", ":head mean\r", "m", "14:\"large\" is attended by\n15:image to text\npixels"},
    {"overlay", "", "a", "-27:large, image to text\npixels"},
    {"colors", "a", "C", "31:colors: viridis\npixels"},
    {"attribute", ESC, "u", "14:relevancy (Chefer et al.) of\n27:relevancy\npixels"},
    {"against", "", "!", "14:\" against \""},
    {"region", ESC ESC, ":region 3\r", "27:region 3 star\npixels"},

    /* inside the model */
    {"matrix", FRESH ":token large\r", ESC "OQ", "14:! text to image, layer 2/3\npixels"},
    {"special", "z", "Z", "-4:[CLS]\n1:without special tokens\npixels"},
    {"sort", "Z", "S", "1:, sorted\n-3:0 1 2 \npixels"},
    {"difference", "SzM", "V", "27: 0.00 +\npixels"},
    {"restore", "V", "U", "-0:with mask\n28:{large}"},
    {"matrix-of", "", "w", "14:A early: text to image\npixels"},

    {"heads", FRESH, ESC "OR", "14:! Heads text to image\npixels"},
    {"statistic", "", "T", "15:k90\n-15:entropy"},
    {"join", "", " ", "14:heads 1\n25:{ 2.1"},
    {"states", "", ESC "OS", "14:! States: choose"},
    {"plane", "", ESC "[15~", "14:! Plane after"},
    {"plane-of", "", "P", "31:the plane of tokens\n-15:regions"},
    {"project", "", ":project .actions-set/queries.jsonl image\r",
     "14:! States of a set after image 3: 24 points\npixels"},
    {"project-color", "", "\017", "-27:class:\n27:answer:"},
    {"project-distance", "", "\006", "15:nearest by euclid"},
    {"lens", "", ESC "[17~", "14:! Logit lens, masked-word head"},
    {"lens-of", "", "L", "14:! Logit lens, masked-region head\n16:region 0"},

    {"mask", FRESH ":token large\r", "M", "0:with mask token 8\n28:{[MASK]}"},
    {"drop", "U", ":drop region 3\r", "0:with drop region 3"},
    {"ablate", "U", "X", "0:with ablate text-to-image 2 zero"},
    {"ablate-layer", "U", "W", "0:with ablate text-to-image 2 zero"},
    {"ablate-by", "U", "Y", "31:becomes uniform"},

    {"replace", FRESH ":token large\r", ":replace small\r", "2:what the small thing"},
    {"what-if", "", ESC "[19~", "14:! What if"},
    {"activation", "", "@", "14:! Activation patching, text, states\n18:embeddings"},
    {"activation-of", "", "#", "14:! Activation patching, image"},
    {"activation-site", "", "~", "14:what attention adds\n31:patched: what attention adds"},
    {"leave-one-out", "U", "K", "14:! Leave-one-out: star\n16:prob. without"},
    {"curves", ":attribute rollout\r", "Q", "14:! Deletion and insertion: attention\npixels"},
    {"effects", ":view attention\r", ESC "[18~", "14:! Leave-one-out: star"},
    {"attribution", "", ESC "[20~", "14:! Attribution"},

    /* lists */
    {"keep", FRESH, "\020", "31:pinned query 1"},
    {"note", "", ":note fine\r", "31:noted on query 1"},
    {"tag", "", ":tag good\r", "31:tagged query 1"},
    {"history", "", "H", "1:History: all sessions\n3:[good] (fine)"},
    {"history-scope", "", "\023", "1:History: this session"},
    {"history-again", "", "\022", "31:logged as 2\n-1:History"},

    {"regions", FRESH, "g", "14:! 16 regions\n16:{ 1 star\npixels"},
    {"accept", "", "\r", "cursor 30"},
    {"status", ESC, "I", "1:Model\n9:The last query"},
    {"help", ESC, "?", "1:Keys and commands\n3:{Asking"},
    {"redraw", ESC SCRIBBLE, "\f", "-20:SCRIBBLE"},

    /* files and scripts */
    {"command", FRESH, ":", "30::\ncursor 30"},
    {"export", ESC, ":export RESULT.json\r", "file RESULT.json \"star\""},
    {"save-display", "", ":save-display SCREEN.txt\r", "file SCREEN.txt VQA v2"},
    {"save-images", "", ":save-images PICTURES\r", "file PICTURES/1.png PNG"},
    {"source", "", ":source SCRIPT.vs\r", "31:from a script"},
    {"wait", "", ":source WAIT.vs\r", "file WAITED.txt \"is there a cone\""},

    {"say", FRESH, ":say hello there\r", "31:hello there"},
    {"sleep", "", ":source SLEEP.vs\r", "31:before the sleep"},
    {"pause", ESC, ":source PAUSE.vs\r", "31:any key continues"},
    {"press", ESC, ":press +\r", "31:6 boxes are shown"},
    {"bind", "", ":bind F9 say bound\r" ESC "[20~", "31:bound"},
    {"set", "", ":set boxes 3\r", "31:3 boxes are shown"},
    {"suspend", "", "\032", "left"},
    {"interrupt", "", "\003", "ended"},
    {"quit", FRESH, "q", "ended"},

    /* comparing checkpoints */
    {"compare", FRESH, "A", "1:A early\n1:B final\n14:entropy"},
    {"first-of-two", "", "(", "1:A middle"},
    {"second-of-two", "", ")", "1:B early"},
    {"between", "", ":between early final\r", "1:A early\n1:B final"},
    {"columns", NARROW, "&", "1:B final\n-1:A early"},

    {"attention-change", FRESH "A", "B", "1:Attention of B minus A\n4:image\npixels"},
    {"drift", "", "F", "1:From A to B\n3:weights moved\n5:embeddings"},
    {"patch", "", "E", "1:Weight patching, layers of B into A\n4:most recovered by"},

    {"trend", FRESH, "J", "14:! Check set, 0\n16:no check set"},
    {"check-set", "", ":check-set NEW.probes\r", "14:! Check set NEW.probes"},
    {"pin", "", "N", "31:pinned in NEW.probes\n17:{do you know"},
    {"watch", "", ":watch .\r", "15:watching ."},

    {"flips", FRESH MEASURED, "%", "14:! flipped: "},
    {"flips-outcome", "", "\017", "14:gained: \n-14:flipped"},
    {"flips-sure", "", "\006", "14:50 % sure"},
    {"confidence", FRESH MEASURED, "$", "14:! Confidence: \n15:early\npixels"},
    {"confidence-form", "", "\017", "14:! Reliability: \n-14:Confidence\npixels"},
    {"confidence-task", "", "\006", "14: 2/\n-14: 1/"},
};
#define SCENES (sizeof scenes / sizeof scenes[0])

static const char *only;   /* of this action; NULL: all */
/* How long nothing may come before what is waited for is given up. */
static int quiet_ms = TERMINAL_PATIENCE_MS;

/* ---- conditions */

struct before {
    bool painted[MAX_H][MAX_W];
    uint8_t rgb[MAX_H][MAX_W][3];
    int left;
};

static void remember(struct terminal *t, struct before *b)
{
    memcpy(b->painted, t->painted, sizeof b->painted);
    memcpy(b->rgb, t->rgb, sizeof b->rgb);
    b->left = t->left;
    terminal_mark(t);
}

static bool other_pixels(const struct terminal *t, const struct before *b)
{
    for (int y = 0; y < MAX_H; y++)
        for (int x = 0; x < MAX_W; x++)
            if (t->painted[y][x] != b->painted[y][x] ||
                (t->painted[y][x] && memcmp(t->rgb[y][x], b->rgb[y][x], 3) != 0))
                return true;
    return false;
}

static bool file_has(const char *arg)
{
    char name[200] = "", *text = NULL, line[4096];
    snprintf(name, sizeof name, "%s", arg);
    text = strchr(name, ' ');
    if (text)
        *text++ = '\0';
    FILE *f = fopen(name, "r");
    bool found = false;
    while (f && fgets(line, sizeof line, f))
        found |= !text || strstr(line, text);
    if (f)
        fclose(f);
    return found;
}

static bool row_has(const struct terminal *t, const char *what)
{
    char row[4096], *text;
    bool gone = *what == '-';
    int number = (int)strtol(what + gone, &text, 10);
    terminal_drawn(t, number, row, sizeof row);
    return (strstr(row, text + 1) != NULL) != gone;
}

static bool holds(struct terminal *t, const struct before *b, const char *what)
{
    int row;
    if (strcmp(what, "pixels") == 0)
        return other_pixels(t, b);
    if (strncmp(what, "cursor ", 7) == 0)
        return terminal_cursor(t, &row) && row == atoi(what + 7);
    if (strncmp(what, "file ", 5) == 0)
        return file_has(what + 5);
    if (strncmp(what, "said ", 5) == 0)
        return strstr(t->said, what + 5) != NULL;
    if (strcmp(what, "left") == 0)
        return t->left > b->left && terminal_mode(t, 1049);
    return row_has(t, what);
}

/* How many of the changes hold; the first that is not as wanted goes to which. */
static int count(struct terminal *t, const struct before *b, const struct scene *s, bool wanted,
                 int *all, char which[200])
{
    char list[400], *save = NULL;
    int n = 0;
    *all = 0;
    which[0] = '\0';
    snprintf(list, sizeof list, "%s", s->changes);
    for (char *c = strtok_r(list, "\n", &save); c; c = strtok_r(NULL, "\n", &save), ++*all) {
        bool so = holds(t, b, c);
        n += so;
        if (so != wanted && !which[0])
            snprintf(which, 200, "%s", c);
    }
    return n;
}

/* ---- scenes */

static void fail(const struct terminal *t, const struct scene *s, const char *what, const char *why)
{
    char row[4096];
    ok(false, "%s: %s: %s", s->name, what, why);
    int number = abs(atoi(why));
    terminal_drawn(t, number ? number : t->rows - 1, row, sizeof row);
    tap_note("row %d is \"%s\"", number ? number : t->rows - 1, row);
}

/* Reads until all holds, or nothing has come for so long. */
static bool changes(struct terminal *t, const struct before *b, const struct scene *s)
{
    char which[200];
    int all, silent = 0;
    long long bytes = t->bytes;
    while (count(t, b, s, true, &all, which) < all && silent < quiet_ms) {
        terminal_read(t, 10);
        silent = t->bytes == bytes ? silent + 10 : 0;
        bytes = t->bytes;
    }
    if (!which[0])
        return true;
    fail(t, s, "is not so after it", which);
    return false;
}

static struct terminal *fresh(bool measured)
{
    const char *argv[] = {terminal_program(), "--log", "log.db", NULL};
    if (system("rm -rf log.db log.db-* NEW.probes RESULT.json SCREEN.txt PICTURES WAITED.txt") != 0)
        tap_note("old files stay");
    if (measured)
        terminal_measure("log.db");
    struct terminal *t = terminal_start(argv, 32, 140, true, false);
    terminal_expect(t, "logged as 1");
    terminal_settle(t, 120);
    return t;
}

/* Until nothing comes, and nothing is computed. */
static void rest(struct terminal *t, int ms)
{
    char row[4096];
    for (int i = 0; i < 500; i++) {
        terminal_settle(t, ms);
        terminal_drawn(t, t->rows - 1, row, sizeof row);
        if (!strstr(row, "computing"))
            return;
    }
}

/* The number of the last query that the status says is logged. */
static int logged(struct terminal *t)
{
    char row[4096];
    terminal_drawn(t, t->rows - 1, row, sizeof row);
    const char *said = strstr(row, "logged as ");
    return said ? atoi(said + strlen("logged as ")) : 0;
}

/* Until one after `last` is: its words would replace those that a key pressed before it brings. */
static void answered(struct terminal *t, int last)
{
    for (int i = 0; i < quiet_ms / 10 && logged(t) <= last; i++)
        terminal_read(t, 10);
}

/* The keys that lead to where the scene begins, one after the other. */
static void lead(struct terminal *t, const char *keys)
{
    static const char scribble[] = ESC "7" ESC "[21;5HSCRIBBLE" ESC "8";
    if (*keys == *FRESH)
        keys += 1 + (keys[1] == *MEASURED);
    for (char now[64]; *keys; keys += strlen(now)) {
        int last = logged(t);
        size_t n = *keys == 27 && keys[1] != 'O' && keys[1] != '[' ? 1
                   : *keys == ':' || *keys == 27                   ? strcspn(keys, "\r") + 1
                                                                   : 1;
        snprintf(now, sizeof now, "%.*s", (int)n, keys);
        if (*now == *SCRIBBLE)
            vterm_input_write(t->vt, scribble, sizeof scribble - 1);
        else if (*now == *NARROW)
            terminal_resize(t, 32, 70);
        else
            terminal_type(t, now);
        if (strncmp(now, ":suggest ", 9) == 0)
            answered(t, last);
        rest(t, *now == 27 ? 160 : 60);
    }
}

static bool play(struct terminal *t, const struct scene *s)
{
    static struct before b;
    char which[200];
    int all;
    rest(t, 60);
    remember(t, &b);
    if (strcmp(s->changes, "ended") == 0) {
        terminal_type(t, s->keys);
        int status = only ? terminal_wait_ms(t, 1500) : terminal_wait(t);
        return ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ends the program", s->name);
    }
    for (int i = 0; i < quiet_ms / 10 && count(t, &b, s, false, &all, which) > 0; i++) {
        terminal_read(t, 10); /* what led to it is still on its way */
        remember(t, &b);
    }
    if (which[0]) {
        fail(t, s, "is so already before it", which);
        return false;
    }
    terminal_type(t, s->keys);
    return changes(t, &b, s) && ok(true, "%s: %d changes", s->name, all);
}

static bool is_last(size_t i)
{
    return i + 1 == SCENES || scenes[i + 1].begin[0] == *FRESH;
}

/* From one new program to the next. False: something failed. */
static bool chapter(size_t first)
{
    bool all = true, going = true;
    struct terminal *t = fresh(scenes[first].begin[1] == *MEASURED);
    for (size_t i = first; going; i++) {
        lead(t, scenes[i].begin);
        all &= play(t, &scenes[i]);
        going = !is_last(i) && (all || !only) && !(only && strcmp(only, scenes[i].name) == 0);
    }
    if (getenv("GCOV_PREFIX")) /* counters of what ran last are written soon (tests/mutants) */
        sleep(2);
    kill(t->pid, SIGKILL);
    terminal_end(t);
    return all;
}

static void all_scenes(void)
{
    for (size_t i = 0, first = 0; i < SCENES; i++) {
        first = scenes[i].begin[0] == *FRESH ? i : first;
        if (only ? strcmp(scenes[i].name, only) == 0 : first == i)
            chapter(first);
    }
}

/* ---- the same commands everywhere */

static bool is_tested(const char *name)
{
    for (size_t i = 0; i < SCENES; i++)
        if (strcmp(scenes[i].name, name) == 0)
            return true;
    return false;
}

/* The whole table, as the program prints it for the manual. */
static char *print_table(void)
{
    char command[4200];
    snprintf(command, sizeof command, "'%s' workbench --keys", terminal_program());
    FILE *f = popen(command, "r");
    char *text = calloc(1, 1 << 16);
    if (f && text)
        text[fread(text, 1, (1 << 16) - 1, f)] = '\0';
    if (f)
        pclose(f);
    return text;
}

static void tables(void)
{
    char *table = print_table(), name[64];
    static char manual[1 << 18];
    FILE *f = fopen(source_path("man/vilscope.1"), "r");
    manual[f ? fread(manual, 1, sizeof manual - 1, f) : 0] = '\0';
    if (f)
        fclose(f);
    ok(strlen(table) > 4000 && strstr(manual, table),
       "the manual has the table of keys and commands (make update-manual writes it)");
    for (char *s = strstr(table, ".It Cm "); s; s = strstr(s + 1, ".It Cm "))
        if (sscanf(s, ".It Cm %63s", name) == 1 && !is_tested(name))
            ok(false, "the command %s has no test here", name);
    free(table);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    if (f) {
        fputs(text, f);
        fclose(f);
    }
}

int main(int argc, char **argv)
{
    const char *home = getenv("TMPDIR"), *quiet = getenv("VILSCOPE_QUIET_MS");
    char folder[4096], command[9000];
    only = argc > 1 ? argv[1] : NULL;
    quiet_ms = only ? 600 : quiet ? atoi(quiet) : quiet_ms;
    if (!only)
        tables();
    terminal_opens(FROZEN_MODEL);
    snprintf(folder, sizeof folder, "%s/actions-%d", home ? home : "/tmp", (int)getpid());
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (mkdir(folder, 0700) != 0 || chdir(folder) != 0)
        return 1;
    /* Hidden: what watches this folder would find checkpoints in it. */
    if (symlink(source_path("tests/data/frozen"), ".actions-set") != 0)
        return 1;
    write_file("SCRIPT.vs", "# a comment\n\n  say from a script  \n");
    write_file("WAIT.vs", "ask is there a cone\nwait\nsave-display WAITED.txt\n");
    write_file("SLEEP.vs", "say before the sleep\nsleep 0.3\nsay after it\n");
    write_file("PAUSE.vs", "say before the pause\npause\nsay after it\n");
    all_scenes();
    if (chdir("/") == 0 && system(command) != 0)
        tap_note("the folder of files stays");
    return tap_done();
}
