/* SPDX-License-Identifier: MIT */
/* An item under way; shared by items.c, which makes it, and item_json.c, which writes it. */
#ifndef DEMO_MAKER_H
#define DEMO_MAKER_H

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
 * nothing. without: attributes that are not told (bits of say.h). By kind, by a relation to another object, as the
 * outermost on a side, as the biggest or smallest. Caller frees. */
char *maker_name(struct maker *m, int i, int without);
char *maker_relative_name(struct maker *m, int i, int without);
char *maker_place_name(struct maker *m, int i, int without);
char *maker_size_name(struct maker *m, int i);
/* ---- questions.c, items_reasoning.c: false when the scene has nothing for it */
bool make_vqa(struct maker *m);
bool make_genomeqa(struct maker *m);
bool make_gqa(struct maker *m);
bool make_guesswhat(struct maker *m);
bool make_snli(struct maker *m);
bool make_nlvr2(struct maker *m);

#endif
