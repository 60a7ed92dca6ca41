/* SPDX-License-Identifier: MIT */
/* Items of the 12 data sets about scenes. */
#include "demo/items.h"

#include "demo/maker.h"
#include "demo/phrase.h"
#include "demo/say.h"

#include <ctype.h>
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

const struct object *maker_object(const struct maker *m, int i)
{
    return &m->s->objects[i];
}

int maker_some(struct maker *m)
{
    return dice_below(m->d, m->s->count);
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
        char *text = clause_text(m->d, &list[i], NULL), *other = clause_text(m->d, &twin, NULL);
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
    if (m->w->language == LANGUAGE_WIDE)
        return make_caption_wide(m, 2, 3);
    return make_caption(m, 2, 3);
}

static bool make_flickr(struct maker *m)
{
    if (m->w->language == LANGUAGE_WIDE)
        return make_caption_wide(m, 1, 2);
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
    if (m->w->language == LANGUAGE_WIDE)
        return make_refer_wide(m, "refcoco");
    int i = maker_some(m);
    char *name = dice_chance(m->d, 0.6f) ? maker_place_name(m, i, 0) : maker_name(m, i, 0);
    return refer(m, i, name, PHRASE, PHRASE_UNSEEN);
}

static bool make_refcoco_plus(struct maker *m)
{
    if (m->w->language == LANGUAGE_WIDE)
        return make_refer_wide(m, "refcoco+");
    int i = maker_some(m);
    char *name = dice_chance(m->d, 0.25f) ? maker_size_name(m, i) : maker_name(m, i, 0);
    return refer(m, i, name, PHRASE, PHRASE_UNSEEN);
}

static bool make_refcocog(struct maker *m)
{
    if (m->w->language == LANGUAGE_WIDE)
        return make_refer_wide(m, "refcocog");
    int i = maker_some(m);
    char *name = dice_chance(m->d, 0.7f) ? maker_relative_name(m, i, 0) : NULL;
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

static bool name_candidate(struct maker *m)
{
    int i = maker_some(m);
    char *name = dice_chance(m->d, 0.4f)   ? maker_relative_name(m, i, 0)
                 : dice_chance(m->d, 0.5f) ? maker_place_name(m, i, 0) : maker_name(m, i, 0);
    return refer(m, i, name,
                 "((which|what) (object|thing|one|item) is the $1|which is the $1|which one do "
                 "you call the $1|(say|do you know|i want to know) (which|what) (one|thing) is the "
                 "$1|of these, the $1)(|?)",
                 "(can you tell which one is the $1|among these, which would be the $1)");
}

static bool make_visual7w(struct maker *m)
{
    if (!(m->w->language == LANGUAGE_WIDE ? make_refer_wide(m, "visual7w") : name_candidate(m)))
        return false;
    maker_choose_candidates(m, 4);
    return true;
}

/* ---- all of them */

/* most: how many tokens of a text its task reads (src/task/task.c); the rest would be cut off. */
static const struct maker_row {
    const char *name;
    make *make;
    int most;
} makers[] = {{"vqa", make_vqa, 23},
              {"genomeqa", make_genomeqa, 26},
              {"gqa", make_gqa, 26},
              {"coco", make_coco, 30},
              {"flickr30k", make_flickr, 30},
              {"refcoco", make_refcoco, 20},
              {"refcoco+", make_refcoco_plus, 20},
              {"refcocog", make_refcocog, 20},
              {"visual7w", make_visual7w, 20},
              {"guesswhat", make_guesswhat, 256},
              {"nlvr2", make_nlvr2, 40},
              {"snli-ve", make_snli, 40}};

static const struct maker_row *row_of(const char *task)
{
    for (size_t t = 0; t < sizeof makers / sizeof makers[0]; t++)
        if (strcmp(makers[t].name, task) == 0)
            return &makers[t];
    return NULL;
}

bool item_has(const char *task)
{
    return row_of(task) != NULL;
}

/* Tokens of a text whose words are all in the vocabulary, with [CLS] and [SEP]. */
static int token_count(const char *text)
{
    int n = 2;
    for (const char *p = text; *p; p++) {
        bool first = p == text || !isalnum((unsigned char)p[-1]);
        if (isalnum((unsigned char)*p) ? first : ispunct((unsigned char)*p) != 0)
            n++;
    }
    return n;
}

/* Pieces that a misspelt word may come to beside the first. */
enum { SLIP_TOKENS = 7 };

static bool is_too_long(const struct maker *m, const struct maker_row *row)
{
    int more = m->slices & SLICE_TYPO ? SLIP_TOKENS : 0;
    return token_count(m->text.data) + more > row->most ||
           (m->twin && token_count(m->twin) > row->most);
}

/* Slips of the keyboard, but not in a caption, where its twin has none; the twin's marks go. */
static void finish_wide(struct maker *m)
{
    struct phrases p;
    if (!m->twin && !m->w->unseen && dice_chance(m->d, 0.1f) && phrase_slip(m->d, &m->text))
        m->slices |= SLICE_TYPO;
    if (!m->twin)
        return;
    phrase_read(m->twin, &p);
    free(m->twin);
    m->twin = buf_steal(&p.text);
}

bool item_make(struct dice *d, const struct world *w, int i, const char *task, struct buf *out)
{
    const struct maker_row *row = row_of(task);
    bool made = false;
    for (int tries = 0; row && !made && tries < 30; tries++) {
        struct maker m = {.d = d, .w = w, .s = &w->scenes[i], .number = i, .target = -1,
                          .images = {i}, .image_count = 1};
        made = row->make(&m) && m.text.len > 0;
        if (made && w->language == LANGUAGE_WIDE) {
            finish_wide(&m);
            made = !is_too_long(&m, row);
        }
        if (made)
            maker_write(&m, task, out);
        buf_fini(&m.text);
        free(m.twin);
    }
    return made;
}
