/* SPDX-License-Identifier: MIT */
/* Items of the 12 data sets about scenes. */
#include "demo/items.h"

#include "demo/maker.h"
#include "demo/say.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool make(struct maker *m);

void maker_say(struct maker *m, const char *format, const char *a, const char *b)
{
    const char *const args[4] = {a ? a : "", b ? b : "", "", ""};
    say(m->d, &m->text, format, args);
}

void maker_answer(struct maker *m, const char *text)
{
    snprintf(m->answer, sizeof m->answer, "%s", text);
}

static void yes_or_no(struct maker *m, bool yes)
{
    maker_answer(m, yes ? "yes" : "no");
}

const struct object *maker_object(const struct maker *m, int i)
{
    return &m->s->objects[i];
}

int maker_some(struct maker *m)
{
    return dice_below(m->d, m->s->count);
}

/* "the red ball" for object i without some attributes; NULL when it cannot be told apart. */
static char *name_of(struct maker *m, int i, int without)
{
    struct kind k;
    return kind_unique(m->d, m->s, i, 15 & ~without, &k) ? kind_text(m->d, &k, false) : NULL;
}

/* A target that is the only one of its kind with a relation to another object, which is named.
 * without: attributes that the target's name must not tell. */
static char *relative_name(struct maker *m, int i, int without)
{
    for (int tries = 0; tries < 12; tries++) {
        int j = maker_some(m), bits = (1 + dice_below(m->d, 15)) & ~without, fits = 0;
        enum relation r = (enum relation)dice_below(m->d, RELATIONS);
        struct kind k = kind_of(maker_object(m, i), bits), other;
        bool clear = i != j && related(maker_object(m, i), r, maker_object(m, j));
        for (int o = 0; clear && o < m->s->count; o++)
            if (o != j && kind_fits(&k, maker_object(m, o))) {
                fits += related(maker_object(m, o), r, maker_object(m, j));
                clear = is_clear(maker_object(m, o), r, maker_object(m, j));
            }
        if (!clear || fits != 1 || kind_fits(&k, maker_object(m, j)) ||
            !kind_unique(m->d, m->s, j, 15, &other))
            continue;
        char *a = kind_text(m->d, &k, false), *b = kind_text(m->d, &other, false);
        char *rel = relation_text(m->d, r), *text = xasprintf("%s %s the %s", a, rel, b);
        free(a);
        free(b);
        free(rel);
        return text;
    }
    return NULL;
}

/* ---- places: the object of a kind that is clearly the outermost */

static float toward(const struct object *o, enum side side)
{
    return side == LEFTMOST ? -o->x : side == RIGHTMOST ? o->x : side == FARTHEST ? -o->y : o->y;
}

static bool outermost(const struct maker *m, int i, const struct kind *k, enum side side)
{
    for (int o = 0; o < m->s->count; o++)
        if (o != i && kind_fits(k, maker_object(m, o)) &&
            toward(maker_object(m, i), side) - toward(maker_object(m, o), side) < MARGIN)
            return false;
    return true;
}

static const char *const place_phrases[4] = {
    "(leftmost $1|$1 (on|at) the (far |)left|left $1|$1 farthest left)",
    "(rightmost $1|$1 (on|at) the (far |)right|right $1|$1 farthest right)",
    "($1 at the (very |)back|farthest $1|$1 farthest back|topmost $1|top $1)",
    "($1 at the (very |)front|nearest $1|closest $1|lowest $1|bottom $1)"};

/* "leftmost red thing"; without as above. */
static char *place_name(struct maker *m, int i, int without)
{
    for (int tries = 0; tries < 12; tries++) {
        enum side side = (enum side)dice_below(m->d, 4);
        struct kind k = kind_of(maker_object(m, i), dice_below(m->d, 16) & ~without);
        if (kind_count(&k, m->s) < 2 || !outermost(m, i, &k, side))
            continue;
        char *name = kind_text(m->d, &k, false);
        const char *const args[4] = {name, "", "", ""};
        struct buf b = {0};
        say(m->d, &b, place_phrases[side], args);
        free(name);
        return buf_steal(&b);
    }
    return NULL;
}

/* "biggest ball": clearly, by the radius. */
static char *size_name(struct maker *m, int i)
{
    for (int tries = 0; tries < 12; tries++) {
        struct kind k = kind_of(maker_object(m, i), dice_below(m->d, 8));
        bool most = true, least = true;
        if (kind_count(&k, m->s) < 2)
            continue;
        for (int o = 0; o < m->s->count; o++)
            if (o != i && kind_fits(&k, maker_object(m, o))) {
                most &= maker_object(m, i)->r - maker_object(m, o)->r > 3;
                least &= maker_object(m, o)->r - maker_object(m, i)->r > 3;
            }
        if (!most && !least)
            continue;
        char *name = kind_text(m->d, &k, false);
        const char *const args[4] = {name, "", "", ""};
        struct buf b = {0};
        say(m->d, &b, most ? "(biggest|largest) $1" : "(smallest|littlest) $1", args);
        free(name);
        return buf_steal(&b);
    }
    return NULL;
}

/* ---- questions */

/* A question about a and b, with polite wordings around it. */
static void say_politely(struct maker *m, const char *seen, const char *unseen, const char *a,
                         const char *b)
{
    static const char before[] =
        "(|||||please, |hello, |so, |hey, |now, |i wonder, |quick question: |just curious, )";
    static const char after[] = "(|?|?|?| please| please?| thanks| in the picture?| here?)";
    if (m->w->unseen) {
        maker_say(m, unseen, a, b);
        return;
    }
    maker_say(m, before, NULL, NULL);
    maker_say(m, seen, a, b);
    maker_say(m, after, NULL, NULL);
}

/* Asks about an attribute of a named object. */
static bool ask(struct maker *m, int i, char *name, const char *seen, const char *unseen)
{
    if (!name)
        return false;
    say_politely(m, seen, unseen, name, NULL);
    m->target = i;
    free(name);
    return true;
}

/* Openings of a question that is told, not asked: its answer is not yes or no. */
#define TELL                                                                                      \
    "(say|i want to know|i would like to know|do you know|could you say|would you find out|guess|" \
    "let me know|help me see|explain)"
#define GIVE "(say|i want to know|could you say|give me|do you know|i need|report)"

static char *any_name(struct maker *m, int i, int without, bool far)
{
    if (far)
        return relative_name(m, i, without);
    if (dice_chance(m->d, 0.2f))
        return place_name(m, i, without);
    return name_of(m, i, without);
}

static bool ask_color(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, color_names[maker_object(m, i)->color]);
    return ask(m, i, any_name(m, i, 2, far),
               "((what|which) colo(u|)r is the $1|what is the colo(u|)r of the $1|the $1 (has|is) "
               "(what|which) colo(u|)r|what's the $1's colo(u|)r|do you "
               "see what colo(u|)r the $1 is|" GIVE " the (colo(u|)r of the $1|$1's colo(u|)r)|"
               TELL " (what|which) colo(u|)r the $1 (is|has))",
               "(tell me the colo(u|)r of the $1|can you tell which colo(u|)r the $1 has|name the "
               "$1's colo(u|)r for me|in which colo(u|)r is the $1 painted)");
}

static bool ask_pattern(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, pattern_names[maker_object(m, i)->pattern]);
    return ask(m, i, any_name(m, i, 4, far),
               "((what|which) pattern (does the $1 have|is on the $1)|what is the pattern of the "
               "$1|is the $1 plain, striped or dotted|how is the $1 patterned|"
               GIVE " the (pattern of the $1|$1's pattern)|"
               TELL " (what|which) pattern the $1 (has|shows))",
               "(tell me the pattern of the $1|can you describe the $1's pattern|name the pattern "
               "that the $1 has)");
}

static bool ask_shape(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, shape_names[maker_object(m, i)->shape]);
    return ask(m, i, any_name(m, i, 1, far),
               "(what is the $1|what's the $1|what kind of (thing|object) is the $1|(what|which) "
               "shape (is|has) the $1|what do you call the $1|" GIVE " the kind of the $1|"
               TELL " (what the $1 is|what kind of (thing|object) the $1 is))",
               "(tell me what the $1 is|can you tell what kind of thing the $1 is|identify the $1 "
               "for me)");
}

static bool ask_size(struct maker *m, bool far)
{
    int i = maker_some(m);
    maker_answer(m, size_names[maker_object(m, i)->size]);
    return ask(m, i, any_name(m, i, 8, far),
               "(how (big|large) is the $1|what size (is|has) the $1|is the $1 (small or large|big "
               "or small|large or small)|what is the size of the $1|"
               GIVE " the (size of the $1|$1's size)|" TELL " how (big|large) the $1 is)",
               "(tell me the size of the $1|can you say how big the $1 is|name the $1's size)");
}

static struct kind loose_kind(struct maker *m)
{
    struct kind k = kind_of(maker_object(m, maker_some(m)), 1 + dice_below(m->d, 15));
    if (dice_chance(m->d, 0.5f)) /* rarely many attributes: they fit one thing only */
        k.size = k.pattern = -1;
    if (k.shape < 0 && k.color < 0 && k.pattern < 0 && k.size < 0)
        k.shape = (int)maker_object(m, maker_some(m))->shape;
    return k;
}

static bool ask_count(struct maker *m, bool far)
{
    struct kind k = dice_chance(m->d, 0.15f) ? (struct kind){-1, -1, -1, -1} : loose_kind(m);
    char number[8];
    (void)far;
    if (dice_chance(m->d, 0.1f))
        k.color = dice_below(m->d, COLORS);
    snprintf(number, sizeof number, "%d", kind_count(&k, m->s));
    maker_answer(m, number);
    ask(m, -1, kind_text(m->d, &k, true),
        "(how many $1 are there|how many $1 (do you see|can you see)|what is the number of "
        "$1|count the $1|how many $1 are in the (picture|image|scene)|"
        GIVE " the (number|count) of $1|" TELL " how many $1 (there are|you see|are shown))",
        "(tell me how many $1 you see|can you count the $1 for me|give me the number of $1)");
    return true;
}

static bool ask_exists(struct maker *m, bool far)
{
    bool yes = dice_chance(m->d, 0.5f);
    struct clause c = {.type = EXISTS, .a = loose_kind(m)}, twin;
    (void)far;
    if (!yes && clause_twin(m->d, m->s, &c, &twin))
        c = twin;
    yes_or_no(m, clause_true(&c, m->s));
    ask(m, -1, kind_text_a(m->d, &c.a),
        "(is there $1|do you see $1|can you see $1|is $1 (there|in the picture|in the image)|does "
        "the (picture|image) (show|have) $1|" TELL " (if|whether) (there is $1|you see $1|the "
        "(picture|image) shows $1))",
        "(tell me if there is $1|can you check whether there is $1|would you say that $1 is in "
        "this picture)");
    return true;
}

#define THAN(words) "(is the $1|" TELL " (if|whether) the $1 is) (" words ") than the $2"

static bool ask_compare(struct maker *m, bool far)
{
    int i = maker_some(m), j = maker_some(m);
    (void)far;
    if (i == j || maker_object(m, i)->size == maker_object(m, j)->size)
        return false;
    char *a = name_of(m, i, 8), *b = name_of(m, j, 8);
    bool bigger = dice_chance(m->d, 0.5f);
    if (a && b) {
        yes_or_no(m, (maker_object(m, i)->size == LARGE) == bigger);
        say_politely(m, bigger ? THAN("bigger|larger") : THAN("smaller|littler"),
                     bigger ? "tell me if the $1 is bigger than the $2"
                            : "tell me if the $1 is smaller than the $2", a, b);
    }
    bool made = a && b;
    m->target = i;
    free(a);
    free(b);
    return made;
}

static bool ask_relation(struct maker *m, bool far)
{
    int i = maker_some(m), j = maker_some(m);
    enum relation r = (enum relation)dice_below(m->d, RELATIONS);
    (void)far;
    if (i == j || !is_clear(maker_object(m, i), r, maker_object(m, j)))
        return false;
    char *a = name_of(m, i, 0), *b = name_of(m, j, 0), *rel = relation_text(m->d, r);
    bool made = a && b;
    if (made) {
        char *tail = xasprintf("%s the %s", rel, b);
        yes_or_no(m, related(maker_object(m, i), r, maker_object(m, j)));
        say_politely(m,
                     "(is the $1 $2|is the $1 $2|do you see the $1 $2|would you say the $1 is "
                     "$2|" TELL " (if|whether) the $1 is $2)",
                     "(tell me if|can you check whether) the $1 is $2", a, tail);
        free(tail);
    }
    m->target = i;
    free(a);
    free(b);
    free(rel);
    return made;
}

static bool ask_behind(struct maker *m, bool far)
{
    int j = maker_some(m), found = -1, n = 0;
    enum relation r = (enum relation)dice_below(m->d, RELATIONS);
    (void)far;
    for (int i = 0; i < m->s->count; i++) {
        if (i == j)
            continue;
        if (!is_clear(maker_object(m, i), r, maker_object(m, j)))
            return false;
        if (related(maker_object(m, i), r, maker_object(m, j))) {
            found = i;
            n++;
        }
    }
    char *b = n == 1 ? name_of(m, j, 0) : NULL, *rel = relation_text(m->d, r);
    bool made = b != NULL;
    if (made) {
        char *tail = xasprintf("%s the %s", rel, b);
        maker_answer(m, shape_names[maker_object(m, found)->shape]);
        say_politely(m, "(what is|what's|what do you see|" TELL " what (is|you see)) $1",
                     "tell me what is $1", tail, NULL);
        free(tail);
        m->target = found;
    }
    free(b);
    free(rel);
    return made;
}

static bool ask_where(struct maker *m, bool far)
{
    int i = maker_some(m);
    float x = maker_object(m, i)->x, third = SCENE_W / 3.0f;
    (void)far;
    if (fabsf(x - third) < 10 || fabsf(x - 2 * third) < 10)
        return false;
    maker_answer(m, x < third ? "left" : x < 2 * third ? "middle" : "right");
    return ask(m, i, name_of(m, i, 0),
               "(where is the $1|where's the $1|where do you see the $1|on which side is the $1|"
               GIVE " the (place|side) of the $1|" TELL " where the $1 is)",
               "(tell me where the $1 is|can you say where the $1 is|show me where to look for "
               "the $1)");
}

typedef bool asker(struct maker *m, bool far);

static bool ask_one(struct maker *m, asker *const *list, int n, bool far)
{
    return list[dice_below(m->d, n)](m, far);
}

static bool make_vqa(struct maker *m)
{
    static asker *const list[] = {ask_color, ask_color, ask_pattern, ask_shape, ask_size, ask_count,
                                  ask_count, ask_exists, ask_compare, ask_relation};
    return ask_one(m, list, 10, false);
}

static bool make_genomeqa(struct maker *m)
{
    static asker *const list[] = {ask_color,  ask_shape, ask_count, ask_behind,
                                  ask_behind, ask_where, ask_where, ask_pattern};
    return ask_one(m, list, 8, false);
}

static bool make_gqa(struct maker *m)
{
    static asker *const yes[] = {ask_exists, ask_relation, ask_relation, ask_compare};
    static asker *const hops[] = {ask_color, ask_shape, ask_pattern, ask_size};
    return dice_chance(m->d, 0.5f) ? ask_one(m, yes, 4, false) : ask_one(m, hops, 4, true);
}

/* ---- captions */

/* A caption of so many clauses, and one that is false in a point. */
static bool make_caption(struct maker *m, int least, int most)
{
    struct clause list[4], twin;
    int n = least + dice_below(m->d, most - least + 1), at = dice_below(m->d, n);
    struct buf wrong = {0};
    for (int i = 0; i < n; i++)
        if (!clause_make(m->d, m->s, 2, &list[i]))
            return false;
    if (!clause_twin(m->d, m->s, &list[at], &twin))
        return false;
    const char *frame = dice_chance(m->d, 0.7f) ? "" : dice_chance(m->d, 0.5f) ? "a picture of "
                                                                              : "this shows ";
    buf_puts(&m->text, frame);
    buf_puts(&wrong, frame);
    for (int i = 0; i < n; i++) {
        const char *join = i == 0 ? "" : i == n - 1 ? " and " : ", ";
        char *text = clause_text(m->d, &list[i]), *other = clause_text(m->d, &twin);
        buf_printf(&m->text, "%s%s", join, text);
        buf_printf(&wrong, "%s%s", join, i == at ? other : text);
        free(text);
        free(other);
    }
    m->twin = buf_steal(&wrong);
    /* The other images: those for which a clause is certainly false. */
    int want = m->w->retrieval;
    m->image_count = want;
    int right = dice_below(m->d, want);
    for (int i = 0; i < want; i++) {
        m->images[i] = m->number;
        for (int tries = 0; i != right && tries < 200; tries++) {
            int o = dice_below(m->d, m->w->count);
            bool no = false, used = false;
            for (int c = 0; c < n; c++)
                no |= clause_false(&list[c], &m->w->scenes[o]);
            for (int j = 0; j < i; j++)
                used |= m->images[j] == o;
            if (no && !used && o != m->number) {
                m->images[i] = o;
                break;
            }
        }
        if (i != right && m->images[i] == m->number)
            return false; /* too few scenes */
    }
    snprintf(m->answer, sizeof m->answer, "%d", right);
    return true;
}

static bool make_coco(struct maker *m)
{
    return make_caption(m, 2, 3);
}

static bool make_flickr(struct maker *m)
{
    return make_caption(m, 1, 2);
}

/* ---- referring expressions */

static bool refer(struct maker *m, int i, char *name, const char *seen, const char *unseen)
{
    if (!name)
        return false;
    maker_say(m, m->w->unseen ? unseen : seen, name, NULL);
    m->target = i;
    free(name);
    return true;
}

#define PHRASE                                                                                    \
    "(|||the |the |the |(find|show me|look at|point at) the |please find the |where is the |"     \
    "(i want|i need|give me|would you find|let me see|take|do you see|it is) the )$1"             \
    "(|||||| please)"
#define PHRASE_UNSEEN                                                                             \
    "(can you show me the $1 please|i am looking for the $1|could you mark the $1)"

static bool make_refcoco(struct maker *m)
{
    int i = maker_some(m);
    return refer(m, i, dice_chance(m->d, 0.6f) ? place_name(m, i, 0) : name_of(m, i, 0), PHRASE,
                 PHRASE_UNSEEN);
}

static bool make_refcoco_plus(struct maker *m)
{
    int i = maker_some(m);
    return refer(m, i, dice_chance(m->d, 0.25f) ? size_name(m, i) : name_of(m, i, 0), PHRASE,
                 PHRASE_UNSEEN);
}

static bool make_refcocog(struct maker *m)
{
    int i = maker_some(m);
    char *name = dice_chance(m->d, 0.7f) ? relative_name(m, i, 0) : NULL;
    if (!name) {
        struct kind k = kind_of(maker_object(m, i), 15);
        name = kind_count(&k, m->s) == 1 ? kind_text(m->d, &k, false) : NULL;
    }
    return refer(m, i, name,
                 "(the|the|a|there is the|this is the|find the) $1( in the picture|||| that you "
                 "see)",
                 PHRASE_UNSEEN);
}

void maker_choose_candidates(struct maker *m, int most)
{
    int order[SCENE_MOST];
    for (int i = 0; i < m->s->count; i++)
        order[i] = i;
    for (int i = m->s->count - 1; i > 0; i--) {
        int j = dice_below(m->d, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    bool has = false;
    for (int i = 0; i < m->s->count && m->candidate_count < most; i++)
        if (order[i] == m->target || m->candidate_count < most - 1 || has) {
            has |= order[i] == m->target;
            m->candidates[m->candidate_count++] = order[i];
        }
    for (int i = 0; i < m->candidate_count; i++)
        if (m->candidates[i] == m->target)
            snprintf(m->answer, sizeof m->answer, "%d", i);
}

static bool make_visual7w(struct maker *m)
{
    int i = maker_some(m);
    char *name = dice_chance(m->d, 0.4f)   ? relative_name(m, i, 0)
                 : dice_chance(m->d, 0.5f) ? place_name(m, i, 0) : name_of(m, i, 0);
    if (!refer(m, i, name,
               "((which|what) (object|thing|one|item) is the $1|which is the $1|which one do you "
               "call the $1|(say|do you know|i want to know) (which|what) (one|thing) is the $1|of "
               "these, the $1)(|?)",
               "(can you tell which one is the $1|among these, which would be the $1)"))
        return false;
    maker_choose_candidates(m, 4);
    return true;
}

/* ---- all of them */

static const struct {
    const char *name;
    make *make;
} makers[] = {{"vqa", make_vqa},         {"genomeqa", make_genomeqa},
              {"gqa", make_gqa},         {"coco", make_coco},
              {"flickr30k", make_flickr}, {"refcoco", make_refcoco},
              {"refcoco+", make_refcoco_plus}, {"refcocog", make_refcocog},
              {"visual7w", make_visual7w}, {"guesswhat", make_guesswhat},
              {"nlvr2", make_nlvr2},     {"snli-ve", make_snli}};

bool item_make(struct dice *d, const struct world *w, int i, const char *task, struct buf *out)
{
    make *maker = NULL;
    bool made = false;
    for (size_t t = 0; t < sizeof makers / sizeof makers[0]; t++)
        if (strcmp(makers[t].name, task) == 0)
            maker = makers[t].make;
    for (int tries = 0; maker && !made && tries < 30; tries++) {
        struct maker m = {.d = d, .w = w, .s = &w->scenes[i], .number = i, .target = -1,
                          .images = {i}, .image_count = 1};
        made = maker(&m) && m.text.len > 0;
        if (made)
            maker_write(&m, task, out);
        buf_fini(&m.text);
        free(m.twin);
    }
    return made;
}
