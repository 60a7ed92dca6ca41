/* SPDX-License-Identifier: MIT */
/* The demo's wide language: what is said to be true is, names mean one object, groups leave out
 * what nobody can decide, marks say which words name what, held-out wordings are held out; and the
 * basic language is what it was, to the byte. */
#include "demo/facts.h"
#include "demo/items.h"
#include "demo/phrase.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { SCENES = 200 };
static struct scene scenes[SCENES];
static const char *const tasks[] = {"vqa",       "genomeqa",  "gqa",      "coco",
                                    "flickr30k", "refcoco",   "refcoco+", "refcocog",
                                    "visual7w",  "guesswhat", "nlvr2",    "snli-ve"};
enum { TASKS = sizeof tasks / sizeof tasks[0] };

/* All items of some scenes. */
static void make_items(enum language language, bool unseen, int count, struct buf *out)
{
    struct world w = {scenes, SCENES, 4, unseen, language, STRESS_NONE};
    struct dice d;
    dice_seed(&d, 11, unseen);
    for (int i = 0; i < count; i++)
        for (int t = 0; t < TASKS; t++)
            item_make(&d, &w, i, tasks[t], out);
}

static uint64_t digest(const struct buf *b)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < b->len; i++)
        h = (h ^ (unsigned char)b->data[i]) * 0x100000001b3u;
    return h;
}

static void basic(void)
{
    static const uint64_t want[2] = {0x4036d408118b3a2du, 0x91f1b738741fd860u};
    for (int unseen = 0; unseen < 2; unseen++) {
        struct buf b = {0};
        make_items(LANGUAGE_BASIC, unseen, 100, &b);
        ok(digest(&b) == want[unseen], "basic items are what they were (%llx)",
           (unsigned long long)digest(&b));
        buf_fini(&b);
    }
}

/* ---- a scene by hand */

static const struct scene still = {.count = 5,
                                   .objects = {{BALL, RED, PLAIN, SMALL, 60, 120, 16, {0}},
                                               {CUBE, BLUE, STRIPED, LARGE, 125, 125, 30, {0}},
                                               {CAT, GREEN, DOTTED, SMALL, 260, 122, 16, {0}},
                                               {MUG, RED, PLAIN, LARGE, 160, 200, 30, {0}},
                                               {BALL, BLUE, PLAIN, SMALL, 50, 205, 16, {0}}}};

#define SET(...)                                                                                   \
    {                                                                                              \
        {__VA_ARGS__}, -1, -1, -1, -1                                                              \
    }
#define OF_SHAPE(s) SET(s, -1, -1, -1)
#define OF_COLOR(c) SET(-1, c, -1, -1)
#define GROUP(g)                                                                                   \
    {                                                                                              \
        {-1, -1, -1, -1}, g, -1, -1, -1                                                            \
    }

static const struct {
    struct fact f;
    enum truth want;
    const char *what;
} known[] = {
    {{.type = FACT_EXISTS, .a = OF_SHAPE(CAT)}, YES, "there is a cat"},
    {{.type = FACT_EXISTS, .a = OF_SHAPE(CONE)}, NO, "there is no cone"},
    {{.type = FACT_ABSENT, .a = GROUP(ANIMALS)}, NO, "a cat is an animal"},
    {{.type = FACT_EXISTS, .a = GROUP(ROUND)}, YES, "a ball is round"},
    {{.type = FACT_EXACTLY, .a = GROUP(ROUND), .n = 2}, UNCLEAR, "perhaps a mug is round"},
    {{.type = FACT_EXACTLY, .a = GROUP(TOYS), .n = 3}, UNCLEAR, "perhaps the cat is a toy"},
    {{.type = FACT_EXACTLY, .a = GROUP(ANIMALS), .n = 1}, YES, "one animal"},
    {{.type = FACT_EITHER, .a = OF_SHAPE(CONE), .b = OF_SHAPE(MUG)}, YES, "a cone or a mug"},
    {{.type = FACT_PAIR, .a = OF_SHAPE(CONE), .b = OF_SHAPE(MUG)}, NO, "no cone with the mug"},
    {{.type = FACT_ALL, .a = OF_SHAPE(BALL), .p = {4, PLAIN}}, YES, "all balls are plain"},
    {{.type = FACT_ALL, .a = OF_SHAPE(BALL), .p = {2, RED}}, NO, "not all balls are red"},
    {{.type = FACT_ALL, .a = OF_SHAPE(CAT), .p = {2, GREEN}}, UNCLEAR, "one cat is not all cats"},
    {{.type = FACT_NONE, .a = OF_SHAPE(BALL), .p = {2, GREEN}}, YES, "no ball is green"},
    {{.type = FACT_ANY, .a = OF_SHAPE(BALL), .p = {2, BLUE}}, YES, "some ball is blue"},
    {{.type = FACT_BOTH, .a = OF_SHAPE(BALL), .p = {8, SMALL}}, YES, "both balls are small"},
    {{.type = FACT_BOTH, .a = OF_SHAPE(CUBE), .p = {8, LARGE}}, UNCLEAR, "one cube is not both"},
    {{.type = FACT_NEITHER, .a = OF_SHAPE(BALL), .p = {2, BLUE}}, NO, "one of the balls is blue"},
    {{.type = FACT_ALL_ALIKE, .a = OF_SHAPE(BALL), .p = {8, 0}}, YES, "balls of one size"},
    {{.type = FACT_ALL_ALIKE, .a = OF_SHAPE(BALL), .p = {2, 0}}, NO, "of two colors"},
    {{.type = FACT_HAS, .u = 1, .p = {4, STRIPED}}, YES, "the cube has stripes"},
    {{.type = FACT_ONE, .a = OF_SHAPE(BALL)}, NO, "there is more than one ball"},
    {{.type = FACT_ONE, .a = OF_SHAPE(CONE)}, UNCLEAR, "\"only one\" of what is not there"},
    {{.type = FACT_MORE, .a = OF_SHAPE(BALL), .b = OF_SHAPE(CAT)}, YES, "more balls than cats"},
    {{.type = FACT_FEWER, .a = OF_SHAPE(BALL), .b = OF_SHAPE(CAT)}, NO, "not fewer"},
    {{.type = FACT_AS_MANY, .a = OF_COLOR(RED), .b = OF_COLOR(BLUE)}, YES, "as many red as blue"},
    {{.type = FACT_AT_LEAST, .a = OF_SHAPE(BALL), .n = 2}, YES, "at least two balls"},
    {{.type = FACT_MORE_THAN, .a = OF_SHAPE(BALL), .n = 2}, NO, "not more than two"},
    {{.type = FACT_TWO, .u = 0, .v = 3, .p = {2, RED}}, YES, "ball and mug are red"},
    {{.type = FACT_ONLY, .u = 2, .a = SET(-1, -1, DOTTED, -1)}, YES, "only the cat is dotted"},
    {{.type = FACT_ONLY, .u = 3, .a = OF_COLOR(RED)}, NO, "the mug is not the only red thing"},
    {{.type = FACT_IS_NOT, .u = 1, .p = {2, RED}}, YES, "the cube is not red"},
    {{.type = FACT_IS_EITHER, .u = 1, .p = {2, RED}, .q = {2, BLUE}}, YES, "it is red or blue"},
    {{.type = FACT_PLACED, .u = 0, .r = LEFT_OF, .v = 1}, YES, "the ball is left of the cube"},
    {{.type = FACT_PLACED, .u = 0, .r = BEHIND, .v = 1}, UNCLEAR, "nearly level: nothing is said"},
    {{.type = FACT_PLACED, .u = 0, .r = NEXT_TO, .v = 1}, YES, "they are side by side"},
    {{.type = FACT_PLACED, .u = 0, .r = NEXT_TO, .v = 2}, NO, "the cat is far from the ball"},
    {{.type = FACT_NONE_PLACED, .a = OF_SHAPE(BALL), .r = RIGHT_OF, .v = 2},
     YES,
     "no ball is right of the cat"},
    {{.type = FACT_NOTHING, .a = SET(-1, -1, -1, -1), .r = RIGHT_OF, .v = 2},
     YES,
     "nothing is right of the cat"},
    {{.type = FACT_BETWEEN, .u = 1, .v = 0, .w = 2}, YES, "the cube is between ball and cat"},
    {{.type = FACT_BETWEEN, .u = 2, .v = 0, .w = 1}, NO, "the cat is not between the others"},
    {{.type = FACT_BETWEEN, .u = 1, .v = 4, .w = 2}, UNCLEAR, "off their line: nothing is said"},
    {{.type = FACT_SOME_BETWEEN, .a = OF_SHAPE(MUG), .v = 0, .w = 2}, NO, "nor is the mug"},
    {{.type = FACT_ALIKE, .u = 0, .v = 3, .p = {2, 0}}, YES, "ball and mug have the same color"},
    {{.type = FACT_DIFFERENT, .u = 0, .v = 3, .p = {8, 0}}, YES, "but different sizes"},
    {{.type = FACT_BIGGER, .u = 1, .v = 0}, YES, "the cube is bigger"},
    {{.type = FACT_SMALLER, .u = 0, .v = 4}, UNCLEAR, "of one size: nothing is said"}};

static void by_hand(void)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        enum truth have = fact_truth(&known[i].f, &still);
        ok(have == known[i].want, "%s (%d)", known[i].what, (int)have);
    }
    struct set not_red = OF_SHAPE(BALL);
    unsigned unclear;
    not_red.no_color = RED;
    ok(set_members(&not_red, &still, &unclear) == 1u << 4 && !unclear, "the ball that is not red");
    struct set no_ball = OF_COLOR(RED);
    no_ball.no_shape = BALL;
    ok(set_members(&no_ball, &still, &unclear) == 1u << 3 && !unclear, "the red thing, no ball");
}

/* ---- facts of many scenes */

static void all_facts(void)
{
    struct dice d;
    dice_seed(&d, 3, 3);
    for (int t = 0; t < FACTS; t++) {
        int made[2] = {0, 0}, wrong = 0, unsaid = 0;
        for (int i = 0; i < SCENES; i++)
            for (int yes = 0; yes < 2; yes++) {
                struct fact f;
                if (!fact_make(&d, &scenes[i], (enum fact_type)t, yes ? YES : NO, &f))
                    continue;
                char *told = fact_text(&d, &f, TOLD, &scenes[i]);
                made[yes]++;
                wrong += fact_truth(&f, &scenes[i]) != (yes ? YES : NO);
                unsaid += !told || strchr(told, '$') || strchr(told, '|') || strstr(told, "  ");
                free(told);
            }
        ok(made[0] > 20 && made[1] > 20 && wrong == 0 && unsaid == 0,
           "fact %d: %d true, %d false, said", t, made[1], made[0]);
    }
}

static void unique_names(void)
{
    int made = 0, wrong = 0, wide = 0;
    struct dice d;
    dice_seed(&d, 4, 4);
    for (int i = 0; i < SCENES; i++)
        for (int o = 0; o < scenes[i].count; o++) {
            struct set a;
            unsigned unclear;
            if (!set_unique(&d, &scenes[i], o, 2, &a))
                continue;
            made++;
            wide += a.group >= 0 || a.no_pattern >= 0 || a.no_shape >= 0;
            wrong += set_members(&a, &scenes[i], &unclear) != 1u << o || unclear ||
                     a.k.color >= 0 || a.no_color >= 0;
        }
    ok(made > 400 && wide > 40 && wrong == 0, "%d names, %d of them wide, mean one object", made,
       wide);
}

/* ---- items */

/* The value of "text" in a line, and whether it has a slice. */
static char *text_of(const char *line)
{
    const char *p = strstr(line, "\"text\": \"") + 9, *end = strchr(p, '"');
    return xstrndup(p, (size_t)(end - p));
}

static bool has(const char *line, const char *what)
{
    const char *found = strstr(line, what), *end = strchr(line, '\n');
    return found && (!end || found < end);
}

static int count_lines(const struct buf *b, const char *what, const char *and)
{
    int n = 0;
    for (const char *p = b->data; *p; p = strchr(p, '\n') + 1)
        n += has(p, what) && (!and || has(p, and));
    return n;
}

/* The first phrase of a line begins and ends with a word; a dialog's rounds are not looked at. */
static bool is_phrase_good(const char *line)
{
    char *text = text_of(line);
    int start = 0, end = 0, length = (int)strlen(text);
    const char *p = strstr(line, "\"phrases\": [");
    bool rounds = strstr(text, "\\n") != NULL;
    bool found = sscanf(p, "\"phrases\": [[%d, %d", &start, &end) == 2;
    bool good = start >= 0 && start < end && end <= length && text[start] != ' ' &&
                text[end - 1] != ' ' && (start == 0 || text[start - 1] == ' ');
    free(text);
    return rounds || !found || good;
}

/* Words and signs of the texts of a task, the longest of them. */
static int longest(const struct buf *b, const char *task)
{
    int most = 0;
    for (const char *p = b->data; *p; p = strchr(p, '\n') + 1) {
        if (!has(p, task))
            continue;
        char *text = text_of(p), *save = NULL;
        int n = 0;
        for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
            n += 1 + (strpbrk(w, ",?:!") != NULL) + 2 * (strchr(w, '\'') != NULL);
        most = n > most ? n : most;
        free(text);
    }
    return most;
}

/* Whether a line's slices say what it is about, not only how it is said. */
static bool is_about_something(const char *line)
{
    bool is = false;
    for (int i = 0; 1u << i < SLICE_BRIEF; i++) {
        char *name = xasprintf("\"%s\"", slice_names[i]);
        const char *list = strstr(line, "\"slices\": "), *end = list ? strchr(list, ']') : NULL;
        const char *at = list ? strstr(list, name) : NULL;
        is |= at && at < end;
        free(name);
    }
    return is;
}

/* Every item is about something, and each task can be sliced by attribute, negation, and by
 * relation and count where its questions have any. */
static void slices_of_tasks(const struct buf *b)
{
    static const char *const counted[] = {"vqa", "genomeqa", "gqa", "coco", "flickr30k", "nlvr2",
                                          "snli-ve"};
    static const char *const related[] = {"vqa",     "genomeqa", "gqa",      "coco",   "flickr30k",
                                          "refcoco", "refcocog", "visual7w", "snli-ve"};
    int about = 0, n = 0;
    for (const char *p = b->data; *p; p = strchr(p, '\n') + 1, n++)
        about += is_about_something(p);
    ok(n > 2000 && about == n, "%d of %d items have a slice that says what they are about", about,
       n);
    for (int t = 0; t < TASKS; t++) {
        char *task = xasprintf("\"task\": \"%s\"", tasks[t]);
        int attribute = count_lines(b, task, "\"attribute\""),
            negation = count_lines(b, task, "\"negation\"");
        ok(attribute > 10 && negation > 1, "%s: %d of attribute, %d of negation", tasks[t],
           attribute, negation);
        for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
            if (strcmp(counted[i], tasks[t]) == 0)
                ok(count_lines(b, task, "\"count\"") > 10, "%s: some of count", tasks[t]);
        for (size_t i = 0; i < sizeof related / sizeof related[0]; i++)
            if (strcmp(related[i], tasks[t]) == 0)
                ok(count_lines(b, task, "\"relation\"") > 5, "%s: some of relation", tasks[t]);
        free(task);
    }
}

static void wide_items(const struct buf *b)
{
    int control = 0, phrases = 0;
    for (size_t i = 0; i < b->len; i++)
        control += (unsigned char)b->data[i] >= 0x7f ||
                   ((unsigned char)b->data[i] < ' ' && b->data[i] != '\n');
    for (const char *p = b->data; *p; p = strchr(p, '\n') + 1)
        phrases += !is_phrase_good(p);
    ok(control == 0, "no mark is left in a text (%d)", control);
    ok(phrases == 0, "phrases are words of the text (%d are not)", phrases);
    ok(longest(b, "\"task\": \"coco\"") <= 28 && longest(b, "\"task\": \"vqa\"") <= 21 &&
           longest(b, "\"task\": \"visual7w\"") <= 18,
       "no text is longer than its task reads");
    int captions = count_lines(b, "\"task\": \"coco\"", NULL);
    int marked = count_lines(b, "\"task\": \"coco\"", "\"phrases\": [[");
    ok(captions > 150 && marked > captions * 9 / 10, "%d of %d captions name objects", marked,
       captions);
    for (int i = 0; i < SLICES; i++) {
        char *name = xasprintf("\"%s\"", slice_names[i]);
        bool unseen = i == SLICES - 1;
        int n = count_lines(b, name, "\"slices\"");
        ok(unseen ? n == 0 : n > 10, "%d items of slice %s", n, slice_names[i]);
        free(name);
    }
    slices_of_tasks(b);
}

static void balance(const struct buf *b)
{
    int yes = count_lines(b, "\"answer\": \"yes\"", NULL),
        no = count_lines(b, "\"answer\": \"no\"", NULL);
    int none = count_lines(b, "\"answer\": \"none\"", NULL);
    int failed = count_lines(b, "\"answer\": \"none\"", "\"presupposition\"");
    ok(yes > 60 && abs(yes - no) < (yes + no) / 5, "%d answers are yes, %d no", yes, no);
    ok(none > 10 && none == failed, "%d answers are none, all where something is not there", none);
}

/* ---- wordings that training never has */

/* Without what may stand around a question: signs at its end, politeness before and after it. */
static char *core_of(const char *line)
{
    static const char *const around[] = {
        "excuse me, ",  "one more question: ", "could you please have a look, ",
        "please, ",     "hello, ",             " if you please",
        " many thanks", " please",             " thanks"};
    char *text = text_of(line), *core = text;
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        size_t n = strlen(core), k = strlen(around[i]);
        while (n && core[n - 1] == '?')
            core[--n] = 0;
        if (around[i][0] != ' ' && strncmp(core, around[i], k) == 0)
            core += k;
        else if (n > k && strcmp(core + n - k, around[i]) == 0)
            core[n - k] = 0;
    }
    char *out = xstrdup(core);
    free(text);
    return out;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct texts {
    char **list;
    size_t n, room;
};

static void texts_add(struct texts *t, char *text)
{
    if (t->n == t->room)
        t->list = xrealloc(t->list, (t->room = t->room ? 2 * t->room : 1024) * sizeof *t->list);
    t->list[t->n++] = text;
}

static int texts_shared(struct texts *seen, const struct texts *unseen)
{
    int same = 0;
    qsort(seen->list, seen->n, sizeof *seen->list, by_text);
    for (size_t i = 0; i < unseen->n; i++)
        if (bsearch(&unseen->list[i], seen->list, seen->n, sizeof *seen->list, by_text)) {
            same++;
            printf("# in training, too: %s\n", unseen->list[i]);
        }
    return same;
}

static void texts_free(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->list[i]);
    free(t->list);
}

/* Items of several draws of the same scenes. */
static void held_out(void)
{
    struct texts seen = {0}, unseen = {0};
    for (uint64_t draw = 0; draw < 12; draw++) {
        struct world w = {scenes, SCENES, 4, draw >= 8, LANGUAGE_WIDE, STRESS_NONE};
        struct buf b = {0};
        struct dice d;
        dice_seed(&d, 50 + draw, 0);
        for (int i = 0; i < SCENES; i++)
            for (int t = 0; t < TASKS; t++)
                item_make(&d, &w, i, tasks[t], &b);
        for (const char *p = b.data; *p; p = strchr(p, '\n') + 1)
            if (draw < 8 || has(p, "\"held-out\""))
                texts_add(draw < 8 ? &seen : &unseen, core_of(p));
        buf_fini(&b);
    }
    int same = texts_shared(&seen, &unseen);
    ok(unseen.n > 4 * SCENES && same == 0, "of %d held-out items %d are in %d of training",
       (int)unseen.n, same, (int)seen.n);
    texts_free(&seen);
    texts_free(&unseen);
}

/* Each fact, said over and over in both ways, so that all wordings of each come up. */
static void facts_held_out(void)
{
    int same = 0, few = 0;
    struct dice d;
    dice_seed(&d, 6, 6);
    for (int t = 0; t < FACTS; t++) {
        struct texts seen = {0}, unseen = {0};
        struct fact f;
        for (int i = 0; i < 3; i++) {
            while (!fact_make(&d, &scenes[dice_below(&d, SCENES)], (enum fact_type)t, YES, &f))
                ;
            for (int n = 0; n < 6000; n++) {
                enum fact_form form = (enum fact_form)dice_below(&d, FACT_FORMS);
                char *text = fact_text(&d, &f, form, NULL);
                bool other = form == ASKED_OTHERWISE || form == TOLD_OTHERWISE;
                if (text)
                    texts_add(other ? &unseen : &seen, text);
            }
        }
        same += texts_shared(&seen, &unseen);
        few += unseen.n < 1000 || seen.n < 1000;
        texts_free(&seen);
        texts_free(&unseen);
    }
    ok(same == 0 && few == 0, "no held-out wording of a fact is one of training (%d are)", same);
}

/* ---- marks and slips */

static void marks(void)
{
    struct phrases p;
    phrase_read("is the \001\205red ball\002 there", &p);
    ok(strcmp(p.text.data, "is the red ball there") == 0 && p.count == 1 && p.list[0].start == 7 &&
           p.list[0].end == 15 && p.list[0].objects == 5,
       "a mark: %s", p.text.data);
    buf_fini(&p.text);
    phrase_read("plain", &p);
    ok(strcmp(p.text.data, "plain") == 0 && p.count == 0, "no mark");
    buf_fini(&p.text);
}

/* How many bytes at most differ in the middle. */
static int distance(const char *a, const char *b)
{
    while (*a && *b && *a == *b) {
        a++;
        b++;
    }
    size_t n = strlen(a), k = strlen(b);
    while (n && k && a[n - 1] == b[k - 1])
        n--, k--;
    return (int)(n > k ? n : k);
}

static void slips(void)
{
    int changed = 0, far = 0;
    struct dice d;
    dice_seed(&d, 5, 5);
    for (int i = 0; i < 300; i++) {
        static const char text[] = "is the \001\205purple ball\002 next to a cat?";
        struct buf b = {0};
        struct phrases p;
        buf_puts(&b, text);
        changed += phrase_slip(&d, &b);
        far += distance(text, b.data) > 2;
        phrase_read(b.data, &p);
        far += p.count != 1 || p.list[0].objects != 5;
        buf_fini(&p.text);
        buf_fini(&b);
    }
    struct buf none = {0};
    buf_puts(&none, "a cat");
    ok(changed > 250 && far == 0, "%d slips of one key", changed);
    ok(!phrase_slip(&d, &none), "no word is long enough");
    buf_fini(&none);
}

int main(void)
{
    struct buf items = {0};
    for (uint64_t i = 0; i < SCENES; i++)
        scene_make(7000000 + i, &scenes[i]);
    basic();
    by_hand();
    all_facts();
    unique_names();
    make_items(LANGUAGE_WIDE, false, SCENES, &items);
    wide_items(&items);
    balance(&items);
    held_out();
    facts_held_out();
    marks();
    slips();
    buf_fini(&items);
    return tap_done();
}
