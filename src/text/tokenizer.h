/* SPDX-License-Identifier: MIT */
/* BERT uncased WordPiece, identical to pytorch_transformers 1.0.0. */
#ifndef VS_TOKENIZER_H
#define VS_TOKENIZER_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tokenizer; /* a vocabulary, read-only after opening, usable from several threads */

struct token {
    int32_t id;
    int begin, end; /* byte range in the user's text; 0,0 for tokens that we add */
};

int tokenizer_open(const char *vocab_path, struct tokenizer **out, struct vs_err *err);
void tokenizer_free(struct tokenizer *t);
int tokenizer_size(const struct tokenizer *t);
/* The piece of an id ("##ing"), borrowed; NULL when out of range. */
const char *tokenizer_piece(const struct tokenizer *t, int32_t id);
/* -1 when the piece is not in the vocabulary. */
int32_t tokenizer_id(const struct tokenizer *t, const char *piece);

/* Tokens of text (UTF-8, len bytes), without [CLS] and [SEP]. *out is for the caller to free.
 * Invalid UTF-8 is replaced by U+FFFD (which is then dropped). Returns the count. */
int tokenizer_run(const struct tokenizer *t, const char *text, size_t len, struct token **out);

#endif
