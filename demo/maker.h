/* SPDX-License-Identifier: MIT */
/* An item under way; shared by items.c, which makes it, and item_json.c, which writes it. */
#ifndef DEMO_MAKER_H
#define DEMO_MAKER_H

#include "demo/facts.h"
#include "demo/items.h"

enum side { LEFTMOST, RIGHTMOST, FARTHEST, NEAREST }; /* of the scene */

struct maker {
    struct dice *d;
    const struct world *w;
    const struct scene *s;
    int number; /* of the scene */
    struct buf text;
    char answer[32];
    int target;      /* object that it is about, or -1 */
    char *twin;      /* a caption that is false */
    int images[64], image_count;
    int candidates[SCENE_MOST], candidate_count;
    unsigned slices; /* of facts.h */
    bool told;       /* the last name tells an attribute of what it names */
};

/* Ways to put a question: as in training; in a few words; as training never does. more: as in
 * training, of the wide language only (NULL: none). */
struct wording {
    const char *seen, *brief, *unseen, *more, *more_brief;
};

/* Appends the finished item as a line of JSON (vilscope-data(5)). */
void maker_write(const struct maker *m, const char *task, struct buf *out);

/* ---- items.c: a sentence of a pattern with up to two words, its answer, an object of the scene by
 * its number, one at random, and the candidates for it */
void maker_say(struct maker *m, const char *format, const char *a, const char *b);
void maker_answer(struct maker *m, const char *text);
const struct object *maker_object(const struct maker *m, int i);
int maker_some(struct maker *m);
void maker_choose_candidates(struct maker *m, int most);
/* ---- names.c: object i by what only it is, without an article; NULL when the dice find
 * nothing. without: attributes that are not told (bits of say.h). By kind, by a relation to
 * another object, as the outermost on a side, as the biggest or smallest. Caller frees. */
char *maker_name(struct maker *m, int i, int without);
char *maker_relative_name(struct maker *m, int i, int without);
char *maker_place_name(struct maker *m, int i, int without);
char *maker_size_name(struct maker *m, int i);
/* In words of the wide language: also by a group, by what it is not; by what it is next to or
 * between. */
char *maker_set_name(struct maker *m, int i, int without);
char *maker_far_name(struct maker *m, int i, int without);
/* Of something that is not in the scene; far: by a relation to something that is. */
char *maker_absent_name(struct maker *m, int without, bool far);
/* Takes a name of object i; marked (marks.h) when the language is wide. */
char *maker_mark(const struct maker *m, char *name, int i);
/* ---- questions_wide.c: false when the dice find none */
typedef bool asker(struct maker *m, bool far);
asker ask_fact, ask_count_of, ask_count_with, ask_count_placed, ask_count_having, ask_what_placed,
    ask_what_between, ask_what_is, ask_which_member, ask_side, ask_which_more, ask_choice,
    ask_which_bigger, ask_which_is, ask_of_several;
/* ---- items_wide.c */
bool make_caption_wide(struct maker *m, int least, int most);
bool make_refer_wide(struct maker *m, const char *task);
bool make_snli_wide(struct maker *m);
bool make_nlvr2_wide(struct maker *m);
/* ---- questions.c, items_reasoning.c: a question with what surrounds it; makers are false when the
 * scene has nothing for them */
void maker_yes_or_no(struct maker *m, bool yes);
void maker_ask(struct maker *m, const struct wording *w, const char *const args[4]);
bool make_vqa(struct maker *m);
bool make_genomeqa(struct maker *m);
bool make_gqa(struct maker *m);
bool make_guesswhat(struct maker *m);
bool make_snli(struct maker *m);
bool make_nlvr2(struct maker *m);

#endif
