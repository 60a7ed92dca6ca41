/* SPDX-License-Identifier: MIT */
/* What the tutorial has people do in the workbench is done here, in its order and read from its
 * source: each "Ic" (a key or a command) and each line that opens the workbench has a step below,
 * which presses it and looks for what the tutorial says of it. tests/cli/documents.sh types its
 * other command lines. Broken by a key that does something else, by a demo on which nothing of it
 * is to be seen, and by a step of the tutorial that nobody has tried. */
#include "tap.h"
#include "terminal.h"

#include <unistd.h>

enum { ROWS = 32, COLS = 110, MOST = 40 };

static char dir[300], log_path[360];

struct session {
    struct terminal *t; /* NULL: none is open */
};

static bool row_has(const struct terminal *t, int row, const char *text)
{
    char line[2000];
    terminal_row(t, row, line, sizeof line);
    return strstr(line, text) != NULL;
}

/* The sum of what pictures left: another one when they are others. */
static unsigned long pixels_sum(const struct terminal *t)
{
    unsigned long sum = 0;
    for (int y = 0; y < MAX_H; y++)
        for (int x = 0; x < MAX_W; x++)
            for (int c = 0; c < 3; c++)
                sum = sum * 31 + (t->painted[y][x] ? t->rgb[y][x][c] : 7u);
    return sum;
}

/* How many queries the log has. */
static int logged(void)
{
    char command[1500], line[64] = "";
    snprintf(command, sizeof command, "'%s' sessions sql --csv --log '%s' 'SELECT count(*) FROM "
             "queries' | tail -n 1", terminal_program(), log_path);
    FILE *f = popen(command, "r");
    bool read = f && fgets(line, sizeof line, f);
    if (f)
        pclose(f);
    return read ? (int)strtol(line, NULL, 10) : -1;
}

static bool open_workbench(struct session *s)
{
    const char *argv[] = {terminal_program(), "--log", log_path, NULL};
    s->t = terminal_start(argv, ROWS, COLS, true, false);
    bool open = s->t && terminal_expect(s->t, "answered");
    if (open)
        terminal_settle(s->t, 300);
    return open;
}

static void press(struct session *s, const char *keys)
{
    if (s->t || open_workbench(s))
        terminal_type(s->t, keys);
}

/* ---- what stands behind each step */

/* "fifteen steps, a key each" */
static bool tours(struct session *s)
{
    const char *argv[] = {terminal_program(), "--no-log", "--tour", NULL};
    char said[2000] = "", now[2000] = "";
    int keys = 0;
    bool over = false;
    s->t = terminal_start(argv, ROWS, COLS, true, false);
    while (s->t && keys < MOST && !over) {
        TERMINAL_UNTIL(s->t, (terminal_row(s->t, ROWS - 1, now, sizeof now),
                              over = strstr(now, "That was the tour") != NULL,
                              over || (strstr(now, "any key continues") &&
                                       strcmp(said, now) != 0)));
        if (!strstr(now, "any key continues"))
            break;
        memcpy(said, now, sizeof said);
        terminal_type(s->t, " ");
        keys++;
    }
    tap_note("%d keys", keys);
    return over && keys == 15;
}

/* "opens the workbench with a question answered" */
static bool opens(struct session *s)
{
    if (s->t)
        terminal_type(s->t, "q"), terminal_end(s->t);
    return open_workbench(s) && row_has(s->t, 0, "  1/") && logged() == 1;
}

/* "asks the next suggested one" */
static bool suggests(struct session *s)
{
    char before[2000], now[2000];
    terminal_row(s->t, ROWS - 2, before, sizeof before);
    press(s, "s");
    TERMINAL_UNTIL(s->t, (terminal_row(s->t, ROWS - 2, now, sizeof now),
                          strcmp(before, now) != 0 && terminal_has(s->t, "logged as 2")));
    return strcmp(before, now) != 0 && logged() == 2;
}

/* "types your own" */
static bool types(struct session *s)
{
    press(s, "/");
    terminal_read(s->t, 50);
    press(s, "\001\013is there a wombat\r");
    return terminal_expect(s->t, "logged as 3") &&
           row_has(s->t, ROWS - 2, "> is there a wombat") && logged() == 3;
}

/* "lists the keys" */
static bool lists_keys(struct session *s)
{
    press(s, "?");
    bool shown = terminal_expect(s->t, "Keys and commands");
    press(s, "\033");
    return shown && terminal_goes(s->t, "Keys and commands");
}

/* "ends it" */
static bool ends(struct session *s)
{
    press(s, "q");
    bool ended = terminal_ends(s->t);
    s->t = NULL;
    return ended;
}

/* "choose a word, and the image shows what it attends to" */
static bool chooses_right(struct session *s)
{
    if (!open_workbench(s))
        return false;
    unsigned long before = pixels_sum(s->t);
    press(s, "\033OC\033OC\033OC\033OC");
    bool lists = terminal_expect(s->t, "attends to");
    TERMINAL_UNTIL(s->t, pixels_sum(s->t) != before);
    terminal_settle(s->t, 200);
    return lists && pixels_sum(s->t) != before;
}

static bool chooses_left(struct session *s)
{
    char before[2000], now[2000];
    terminal_settle(s->t, 200);
    terminal_drawn(s->t, ROWS - 4, before, sizeof before);
    press(s, "\033OD");
    TERMINAL_UNTIL(s->t, (terminal_drawn(s->t, ROWS - 4, now, sizeof now),
                          strcmp(before, now) != 0));
    return strchr(before, '{') && strchr(now, '{') && strcmp(before, now) != 0 &&
           terminal_has(s->t, "attends to");
}

/* "drops the chosen word or region, and the answer before it stays in sight" */
static bool drops(struct session *s)
{
    press(s, "D");
    return terminal_expect(s->t, "with drop token") && terminal_expect(s->t, "was") &&
           terminal_expect(s->t, "change");
}

/* "marks the query, so that it is found again" */
static bool keeps(struct session *s)
{
    terminal_command(s->t, "keep");
    return terminal_expect(s->t, "pinned query");
}

static bool is_there(const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* "asks for a file's name": a figure, the numbers, the result with its query */
static bool exports(struct session *s)
{
    static const char *const files[] = {"seen.png", "seen.csv", "seen.json"};
    static const char *const says[] = {"written", "numbers written", "result written"};
    int there = 0;
    for (int i = 0; i < 3; i++) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", dir, files[i]);
        press(s, "e");
        bool asks = terminal_expect(s->t, ":export");
        press(s, name);
        press(s, "\r");
        there += asks && terminal_expect(s->t, says[i]) && is_there(files[i]);
    }
    tap_note("%d files", there);
    return there == 3;
}

/* ---- the tutorial and its steps */

static const struct step {
    const char *name; /* as the tutorial has it */
    bool (*shows)(struct session *s);
} steps[] = {
    {"vilscope --tour", tours}, {"vilscope", opens}, {"s", suggests}, {"/", types},
    {"?", lists_keys}, {"q", ends}, {"Right", chooses_right}, {"Left", chooses_left},
    {"D", drops}, {":keep", keeps}, {"e", exports},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* Without mdoc's escapes, and the punctuation that stands behind in words of their own. */
static void plain_words(char *line)
{
    size_t n = strcspn(line, "\n");
    line[n] = '\0';
    while (n > 2 && line[n - 2] == ' ' && strchr(".,;:", line[n - 1]))
        line[n -= 2] = '\0';
    if (strncmp(line, "\\&", 2) == 0)
        memmove(line, line + 2, n - 1);
}

static int read_tutorial(char out[][80], int most)
{
    FILE *f = fopen(source_path("man/vilscope-tutorial.7"), "r");
    char line[400];
    int n = 0;
    while (f && n < most && fgets(line, sizeof line, f)) {
        char *rest = line + 4;
        bool key = strncmp(line, ".Ic ", 4) == 0, typed = strncmp(line, ".Dl ", 4) == 0;
        if (!key && !typed)
            continue;
        plain_words(rest);
        if (key || strcmp(rest, "vilscope") == 0 || strcmp(rest, "vilscope --tour") == 0)
            snprintf(out[n++], sizeof out[0], "%.79s", rest);
    }
    if (f)
        fclose(f);
    return n;
}

int main(void)
{
    static char typed[MOST][80];
    const char *tmp = getenv("TMPDIR");
    struct session s = {NULL};
    int n = read_tutorial(typed, MOST);
    snprintf(dir, sizeof dir, "%s/tutorial-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    snprintf(log_path, sizeof log_path, "%s/log.db", dir);
    terminal_opens(SHIPPED_DEMO);
    ok(n == STEPS, "the tutorial has %d steps in the workbench, %d are tried", n, (int)STEPS);
    for (int i = 0; i < STEPS; i++)
        ok(i < n && strcmp(typed[i], steps[i].name) == 0 && steps[i].shows(&s), "%s: as it says",
           i < n ? typed[i] : steps[i].name);
    if (s.t) {
        terminal_type(s.t, "q");
        ok(terminal_ends(s.t), "it ends with status 0");
    }
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) == 0 ? tap_done() : 1;
}
