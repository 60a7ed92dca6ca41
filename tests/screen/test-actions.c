/* Every command does what it says: each is typed at the command line and the screen, or a file, is
 * looked at. The table of commands, that of the manual and this one must name the same commands.
 * Broken by a command without a test or without words in the manual. */
#include "tap.h"
#include "terminal.h"

#include <sys/stat.h>
#include <sys/wait.h>

struct command {
    const char *line;
    const char *shows; /* on the screen afterwards; "file:NAME": that file is there; NULL: last */
    const char *keys;  /* typed instead of the line, where that would be searched for */
};

static const struct command commands[] = {
    {"suggest coco", "alignment", NULL}, /* now the first images have their regions */
    {"suggest vqa", "\"please, what do you call", NULL},
    {"image 1", "000000.png", NULL},
    {"ask what do you call the large thing", "\"what do you call the large thing\"", NULL},
    {"overlay", "answered", NULL},
    {"right", "\"[CLS]\" looks at", NULL},
    {"left", "choose a token", NULL},
    {"token large", "\"large\" looks at", NULL},
    {"next-layer", "layer 3/3", NULL},
    {"previous-layer", "layer 2/3", NULL},
    {"layer 3", "layer 3/3", NULL},
    {"next-head", "head 1/4", NULL},
    {"previous-head", "mean of heads", NULL},
    {"head rollout", "rollout", NULL},
    {"head mean", "mean of heads", NULL},
    {"map image-to-text", "is looked at by", NULL},
    {"map text-to-image", "looks at", NULL},
    {"colors viridis", "colors: viridis", NULL},
    {"special", "are hidden", NULL},
    {"special", "are shown", NULL},
    {"sort", "vilscope", NULL},
    {"region 3", "\"large\" looks at", NULL},
    {"silence-by uniform", "becomes uniform", NULL},
    {"cancel", "choose a token", NULL},
    {"view matrix", "layer 3/3", NULL},
    {"matrix", "layer 3/3", NULL},
    {"difference", "vilscope", NULL},
    {"heads", "Heads text to image", NULL},
    {"statistic entropy", "entropy", NULL},
    {"join", "vilscope", NULL},
    {"states", "States: choose", NULL},
    {"plane", "Plane after", NULL},
    {"plane-of tokens", "Plane after", NULL},
    {"lens", "Lens", NULL},
    {"lens-of regions", "Lens", NULL},
    {"mask large", "mask token", NULL},
    {"restore", "answered", NULL},
    {"drop region 3", "drop region 3", NULL},
    {"restore", "answered", NULL},
    {"silence text-to-image 2.1", "silence text-to-image 2.1", NULL},
    {"silence-layer", "silence text-to-image", NULL},
    {"what-if", "What if", NULL},
    {"restore", "answered", NULL},
    {"token large", "large", NULL},
    {"replace small", "small", NULL},
    {"restore", "answered", NULL},
    {"knock-out regions", "without", NULL},
    {"effects", "without", NULL},
    {"view answer", "softmax", NULL},
    {"others", "VQA v2: all heads", NULL},
    {"others", "entropy", NULL},
    {"down", "VQA v2", NULL},
    {"up", "VQA v2", NULL},
    {"page-down", "VQA v2", NULL},
    {"page-up", "VQA v2", NULL},
    {"last", "VQA v2", NULL},
    {"first", "1 star", NULL},
    {"rank 2", "2 cone", NULL},
    {"find cat", "cat", NULL},
    {"find-next", "cat", NULL},
    {"copy", "sent to the clipboard: cat", NULL},
    {"zoom", "VQA v2", NULL},
    {"zoom", "VQA v2", NULL},
    {"split regions", "16 regions", NULL},
    {"hide", "VQA v2", NULL},
    {"next-pane", "VQA v2", NULL},
    {"previous-pane", "VQA v2", NULL},
    {"regions", "16 regions", NULL},
    {"status", "The last query, in milliseconds", NULL},
    {"press Esc", "VQA v2", NULL},
    {"view views", "this list", NULL},
    {"press Esc", "VQA v2", NULL},
    {"keep star", "pinned: query", NULL},
    {"note a fine one", "noted: query", NULL},
    {"tag good", "tagged: query", NULL},
    {"history", "History: all sessions", NULL},
    {"history", "[good] (a fine one)", " "},
    {"history-scope", "History: this session", "\023"},
    {"history-again", "stripy object", "stripy object\022"},
    {"help colors", "the next color map", NULL},
    {"press Esc", "VQA v2", NULL},
    {"task-number 6", "RefCOCO", NULL},
    {"task gqa", "GQA", NULL},
    {"ask is there a star", "\"is there a star\"", NULL},
    {"again", "answered", NULL},
    {"checkpoint early", "demo / early", NULL},
    {"checkpoint final", "demo / final", NULL},
    {"image 1", "000000.png  1/24", NULL},
    {"next-image", " 2/24", NULL},
    {"previous-image", " 1/24", NULL},
    {"image 3", " 3/24", NULL},
    {"regions", "x1   y1", NULL}, /* its detector is done, and says no more */
    {"image 1", " 1/24", NULL},
    {"single", "one image at a time", NULL},
    {"single", "all images of a result together", NULL},
    {"zoom-in", "1.5 times", NULL},
    {"pan left", "1.5 times", NULL},
    {"zoom-out", "is there a star", NULL},
    {"more-boxes 7", "7 boxes are drawn", NULL},
    {"fewer-boxes", "6 boxes are drawn", NULL},
    {"detect", "the regions are known", NULL},
    {"box", "arrows move", NULL},
    {NULL, NULL, NULL}, /* Escape */
    {"drop-box", "no drawn box", NULL},
    {"export RESULT.json", "file:RESULT.json", NULL},
    {"export BOXES.png", "file:BOXES.png", NULL},
    {"view answer", "softmax", NULL},
    {"export NUMBERS.csv", "file:NUMBERS.csv", NULL},
    {"export NUMBERS.npy", "file:NUMBERS.npy", NULL},
    {"save-display SCREEN.txt", "file:SCREEN.txt", NULL},
    {"save-images PICTURES", "file:PICTURES/1.png", NULL},
    {"source SCRIPT.vs", "from a script", NULL},
    {"wait", "vilscope", NULL},
    {"sleep 0.01", "vilscope", NULL},
    {"pause", "vilscope", NULL},
    {"say hello there", "hello there", NULL},
    {"bind F9 say bound", "vilscope", NULL},
    {"press F9", "bound", NULL},
    {"set boxes 3", "3 boxes are drawn", NULL},
    {"redraw", "vilscope", NULL},
    {"command say again", ":say again", NULL},
    {NULL, NULL, NULL},
    {"compare", "A early", NULL},
    {"columns", "A early", NULL},
    {"first-of-two", "A middle, B final are compared", NULL},
    {"second-of-two", "A middle, B early are compared", NULL},
    {"between early final", "A early, B final are compared", NULL},
    {"attention-change", "Attention of B minus A", NULL},
    {"drift", "weights moved by", NULL},
    {"swap blocks", "largest share", NULL},
    {"trend", "no probes", NULL},
    {"probes NEW.probes", "is new", NULL},
    {"pin", "pinned in NEW.probes", NULL},
    {"watch .", "watching .", NULL},
    {"zoom", "vilscope", NULL},
    {"type something", "> something", NULL},
    {NULL, NULL, NULL},
    {"open nowhere.png", "No such file", NULL},
    {"accept", "something", NULL},
    {NULL, NULL, NULL},
    {"suspend", "vilscope", NULL}, /* nobody could wake it: it goes on */
    {"interrupt", NULL, NULL},
    {"quit", NULL, NULL},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static bool is_there(const char *name)
{
    struct stat st;
    for (int i = 0; i < 200; i++) {
        if (stat(name, &st) == 0)
            return S_ISREG(st.st_mode) && st.st_size > 0;
        usleep(10000);
    }
    return false;
}

static void escape(struct terminal *t)
{
    terminal_type(t, "\033");
    terminal_settle(t, 80);
}

static void run(struct terminal *t, const struct command *c)
{
    if (!c->line) {
        escape(t);
        return;
    }
    if (!c->shows)
        return;
    terminal_settle(t, 80); /* what the command before asked for has come */
    terminal_type(t, c->keys ? c->keys : ":");
    terminal_type(t, c->keys ? "" : c->line);
    terminal_type(t, c->keys ? "" : "\r");
    if (strncmp(c->shows, "file:", 5) == 0) {
        terminal_settle(t, 60);
        ok(is_there(c->shows + 5), ":%s writes %s", c->line, c->shows + 5);
    } else if (!ok(terminal_expect(t, c->shows), ":%s shows \"%s\"", c->line, c->shows)) {
        char row[2048];
        terminal_row(t, t->rows - 1, row, sizeof row);
        tap_note("the last row says: %s", row);
    }
}

/* ---- the same commands everywhere */

static bool is_tested(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].line && strncmp(commands[i].line, name, n) == 0 &&
            (commands[i].line[n] == ' ' || !commands[i].line[n]))
            return true;
    return false;
}

/* The whole table, as the program prints it for the manual. */
static char *print_table(void)
{
    char command[4200];
    const char *program = getenv("VILSCOPE");
    snprintf(command, sizeof command, "'%s' workbench --keys", program ? program : "./vilscope");
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
       "the manual has the table of keys and commands (man/update-keys writes it)");
    for (char *s = strstr(table, ".It Cm "); s; s = strstr(s + 1, ".It Cm "))
        if (sscanf(s, ".It Cm %63s", name) == 1 && !is_tested(name))
            ok(false, "the command %s has no test here", name);
    free(table);
}

int main(void)
{
    const char *program = getenv("VILSCOPE"), *home = getenv("TMPDIR");
    char folder[4096], command[9000];
    tables();
    if (access(source_path("demo/model/model.json"), R_OK) != 0) {
        tap_skip("there is no demo model");
        return tap_done();
    }
    setenv("VILSCOPE_DEMO", source_path("demo/model"), 1);
    snprintf(folder, sizeof folder, "%s/actions", home ? home : "/tmp");
    snprintf(command, sizeof command, "rm -rf '%s'; mkdir -p '%s'", folder, folder);
    if (system(command) != 0 || chdir(folder) != 0)
        return 1;
    FILE *f = fopen("SCRIPT.vs", "w");
    if (f) {
        fputs("# a comment\n\n  say from a script  \n", f);
        fclose(f);
    }
    const char *argv[] = {program ? program : "./vilscope", "--log", "log.db", NULL};
    struct terminal *t = terminal_start(argv, 32, 140, true, false);
    terminal_expect(t, "softmax");
    for (size_t i = 0; i < COMMANDS; i++)
        run(t, &commands[i]);
    terminal_type(t, ":quit\r");
    int status = terminal_end(t);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, ":quit quits");
    if (chdir("/") == 0 && system(command) != 0)
        tap_note("the folder of files stays");
    return tap_done();
}
