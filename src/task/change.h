/* SPDX-License-Identifier: MIT */
/* Interventions: what a query changes in the model's inputs, its attention or its weights. They are
 * part of a result's identity, so each has one written form, which change_parse reads back:
 *
 *   mask token 4                          [MASK] in its place
 *   drop token 4                          nothing looks at it
 *   mask tokens punctuation               all of a kind: special, words, pieces, punctuation
 *   drop word red                         wherever the text has it
 *   drop region 7          drop region 7 of image 2
 *   silence text-to-image 3.2 zero        head 2 of layer 3; without ".2" all heads of it
 *   silence image-to-text 3 uniform       the maps: text, image, text-to-image, image-to-text
 *   swap co 3.2 from early                head 2 of co-attention layer 3 as checkpoint early has it
 *   swap text from early                  the parts: embeddings, text, image, co, heads
 *
 * Tokens (as in result.tokens), images, layers and heads count from 1, regions as the model counts
 * them: 0 is the whole image. */
#ifndef VS_CHANGE_H
#define VS_CHANGE_H

#include "kernels/kern.h"
#include "src/model/trace.h"

enum change_kind {
    CHANGE_MASK_TOKEN,
    CHANGE_DROP_TOKEN,
    CHANGE_DROP_REGION,
    CHANGE_SILENCE,
    CHANGE_SWAP,
};

/* Which tokens are masked or dropped. Words of several pieces are one; the task token stays. */
enum token_kind {
    TOKENS_ONE,         /* that of a number */
    TOKENS_SPECIAL,     /* [CLS], [SEP] */
    TOKENS_WORDS,       /* all that have a letter or a digit */
    TOKENS_PIECES,      /* what goes on with a word: "##ing" */
    TOKENS_PUNCTUATION, /* neither of these */
    TOKENS_WORD,        /* a word, by itself */
    TOKENS_KINDS
};
extern const char *const token_kind_names[TOKENS_KINDS]; /* as they are typed; of two kinds NULL */

/* Numbers count from 0 here. */
struct change {
    enum change_kind kind;
    enum token_kind tokens;  /* mask, drop */
    int token;               /* of result.tokens: the same, of TOKENS_ONE */
    char word[40];           /* of TOKENS_WORD, in small letters */
    int image, region;       /* drop */
    enum attn_kind map;      /* silence */
    enum kern_silence how;   /* silence */
    enum net_part part;  /* swap */
    int layer, head;         /* silence, swap; -1: all */
    char from[64];           /* swap: the checkpoint's name */
};

/* What stands in for a silenced head, as changes are written and typed. */
extern const char *const silence_names[KERN_SILENCES];
/* The one of this name, or -1. */
int silence_find(const char *name);
#define CHANGE_TEXT 160
/* As files and the log have it: "silence text 1.2 zero", "swap co 3 from B". */
void change_format(const struct change *c, char out[CHANGE_TEXT]);
/* The same for people: "ablate text 1.2 zero", "patch co 3 from B". Both are read. */
void change_show(const struct change *c, char out[CHANGE_TEXT]);
/* One change. */
int change_parse(const char *text, struct change *out, struct vs_err *err);
/* Which heads of a map, in the same words: "text-to-image", "text-to-image 3", "text-to-image 3.2";
 * out's map, and layer and head, -1 where they are not said. */
int change_parse_heads(const char *text, struct change *out, struct vs_err *err);
/* All of them with "; " between, as in result.changes; NULL when there are none. Caller frees. */
char *change_list_format(const struct change *list, int count);
/* Reads what change_list_format wrote; NULL and "" are none. Caller frees *out. */
int change_list_parse(const char *text, struct change **out, int *count, struct vs_err *err);
/* What change_list_format wrote, for people; as it is when it cannot be read, NULL for NULL. Caller
 * frees. */
char *change_list_show(const char *text);
bool change_equal(const struct change *a, const struct change *b);

#endif
