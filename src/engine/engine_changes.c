/* SPDX-License-Identifier: MIT */
/* Interventions: on the inputs, on attention, on weights. */
#include "src/engine/engine_priv.h"

#include "src/base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- tokens */

/* The place of a result's token among the model's inputs. */
static int find_token(const struct net *n, const struct result *r, int token, int *at,
                      struct vs_err *err)
{
    if (token >= r->token_count)
        return vs_fail(err, VS_E_USAGE, "there is no token %d: the query has %d", token + 1,
                       r->token_count);
    *at = net_input_token(n, token);
    return *at >= 0 ? 0 : vs_fail(err, VS_E_USAGE, "token %d is the task token: it stays",
                                   token + 1);
}

static bool has_letter(const char *piece)
{
    for (; *piece; piece++)
        if (isalnum((unsigned char)*piece) || (unsigned char)*piece >= 0x80)
            return true;
    return false;
}

/* Whether the word that a token is of is this one. */
static bool is_of_word(const struct result *r, int token, const char *word)
{
    size_t n = 0, length = strlen(word);
    int i = token;
    while (i > 0 && result_goes_on(&r->tokens[i]))
        i--;
    for (int first = i; i < r->token_count && (i == first || result_goes_on(&r->tokens[i])); i++) {
        const char *piece = r->tokens[i].piece + (i == first ? 0 : 2);
        size_t k = strlen(piece);
        if (r->tokens[i].special || k > length - n || memcmp(word + n, piece, k) != 0)
            return false;
        n += k;
    }
    return n == length;
}

static bool is_token_of(const struct result *r, int token, const struct change *c)
{
    const struct result_token *t = &r->tokens[token];
    bool letters = !t->special && has_letter(t->piece);
    switch (c->tokens) {
    case TOKENS_SPECIAL: return t->special;
    case TOKENS_WORDS: return letters;
    case TOKENS_PIECES: return result_goes_on(t);
    case TOKENS_PUNCTUATION: return !t->special && !letters;
    case TOKENS_WORD: return is_of_word(r, token, c->word);
    case TOKENS_ONE: case TOKENS_KINDS: break;
    }
    return token == c->token;
}

bool token_is_of_kind(const struct result *r, int token, enum token_kind kind)
{
    return is_token_of(r, token, &(struct change){.tokens = kind, .token = -1});
}

static int mask_token(const struct model *m, const struct net *n, struct inputs *in,
                      struct result *r, int token, struct vs_err *err)
{
    int at = 0, rc = find_token(n, r, token, &at, err);
    int32_t id = tokenizer_id(m->tokenizer, "[MASK]");
    if (rc == 0 && id < 0)
        rc = vs_fail(err, VS_E_MISSING, "%s: the vocabulary has no [MASK]", m->parts.vocab);
    if (rc != 0)
        return rc;
    for (int b = 0; b < in->in.batch; b++)
        in->ids[b * in->in.tokens + at] = id;
    free(r->tokens[token].piece);
    r->tokens[token].piece = xstrdup("[MASK]");
    r->tokens[token].id = id;
    return 0;
}

static void need_text_mask(struct inputs *in)
{
    size_t n = (size_t)in->in.batch * (size_t)in->in.tokens;
    if (in->text_mask)
        return;
    in->text_mask = xmalloc(n * sizeof *in->text_mask);
    for (size_t i = 0; i < n; i++)
        in->text_mask[i] = 1;
    in->in.text_mask = in->text_mask;
}

static int drop_token(const struct net *n, struct inputs *in, const struct result *r, int token,
                      struct vs_err *err)
{
    int at = 0, rc = find_token(n, r, token, &at, err);
    if (rc != 0)
        return rc;
    need_text_mask(in);
    for (int b = 0; b < in->in.batch; b++)
        in->text_mask[b * in->in.tokens + at] = 0;
    return 0;
}

/* A kind of which the text has none leaves the query as it is, which is noted. Which tokens are of
 * it is settled before the first is masked: [MASK] is none of a word. */
static int change_tokens(const struct model *m, const struct net *n, struct inputs *in,
                         struct result *r, const struct change *c, struct vs_err *err)
{
    bool *of = xcalloc((size_t)r->token_count + 1, sizeof *of), any = c->tokens == TOKENS_ONE;
    int rc = 0;
    for (int i = 0; i < r->token_count; i++) {
        of[i] = is_token_of(r, i, c) && (c->tokens == TOKENS_ONE || net_input_token(n, i) >= 0);
        any |= of[i];
    }
    if (c->tokens == TOKENS_ONE && c->token >= r->token_count)
        rc = find_token(n, r, c->token, &(int){0}, err);
    for (int i = 0; i < r->token_count && rc == 0; i++)
        if (of[i])
            rc = c->kind == CHANGE_MASK_TOKEN ? mask_token(m, n, in, r, i, err)
                                              : drop_token(n, in, r, i, err);
    if (!any) {
        char text[CHANGE_TEXT];
        change_format(c, text);
        note_add(&r->notice, "\"%s\" changes nothing: the text has no such token", text);
    }
    free(of);
    return rc;
}

/* ---- regions */

static int drop_region(struct inputs *in, int image, int region, struct vs_err *err)
{
    for (int i = 0; i < in->in.batch * in->in.regions; i++)
        if (in->sources[i].image == image && in->sources[i].region == region) {
            in->image_mask[i] = 0;
            in->sources[i].image = -1;
            return 0;
        }
    return vs_fail(err, VS_E_USAGE, "image %d has no region %d, or it was dropped already",
                   image + 1, region);
}

/* ---- attention */

static int check_silence(const struct net *n, const struct change *c, struct vs_err *err)
{
    int layers = net_map_layers(&n->sizes, c->map), heads = net_map_heads(&n->sizes, c->map);
    if (layers == 0)
        return vs_fail(err, VS_E_USAGE, "%s has no %s attention", n->family->name,
                       attn_table[c->map].name);
    if (c->layer >= layers || c->head >= heads)
        return vs_fail(err, VS_E_USAGE, "these maps have %d layers of %d heads", layers, heads);
    return 0;
}

static int silence(const struct net *n, struct inputs *in, const struct change *c,
                   struct vs_err *err)
{
    int rc = check_silence(n, c, err);
    if (rc != 0)
        return rc;
    in->silences = xreallocarray(in->silences, (size_t)in->silence_count + 1,
                                 sizeof *in->silences);
    in->silences[in->silence_count++] =
        (struct net_silence){.map = c->map, .layer = c->layer, .head = c->head, .b = -1,
                             .how = c->how};
    return 0;
}

int changes_apply(struct model *m, const struct query *q, struct inputs *in, struct result *r,
                  struct vs_err *err)
{
    const struct net *n = m->checkpoints[q->checkpoint].net;
    int rc = 0;
    for (int i = 0; i < q->change_count && rc == 0; i++) {
        const struct change *c = &q->changes[i];
        switch (c->kind) {
        case CHANGE_MASK_TOKEN:
        case CHANGE_DROP_TOKEN: rc = change_tokens(m, n, in, r, c, err); break;
        case CHANGE_DROP_REGION: rc = drop_region(in, c->image, c->region, err); break;
        case CHANGE_SILENCE: rc = silence(n, in, c, err); break;
        case CHANGE_SWAP: break; /* changes_net's */
        }
    }
    return rc;
}

/* ---- weights */

static int find_checkpoint(const struct model *m, const char *name, struct vs_err *err)
{
    for (int i = 0; i < model_checkpoint_count(m); i++)
        if (strcmp(m->parts.checkpoints[i].name, name) == 0)
            return i;
    return vs_fail(err, VS_E_USAGE, "there is no checkpoint '%s' to take weights from", name);
}

int changes_net(struct model *m, int checkpoint, const struct change *list, int count,
                struct net **net, struct net **mixed, struct vs_err *err)
{
    struct net_patch *patches = xcalloc((size_t)count + 1, sizeof *patches);
    int n = 0, rc = 0;
    *net = m->checkpoints[checkpoint].net;
    *mixed = NULL;
    for (int i = 0; i < count && rc == 0; i++) {
        if (list[i].kind != CHANGE_SWAP)
            continue;
        int from = find_checkpoint(m, list[i].from, err);
        if (from < 0)
            rc = from;
        else
            patches[n++] = (struct net_patch){list[i].part, list[i].layer, list[i].head,
                                            m->checkpoints[from].net};
    }
    if (rc == 0 && n > 0)
        rc = net_mix(*net, patches, n, mixed, err);
    if (*mixed)
        *net = *mixed;
    free(patches);
    return rc;
}

int model_check_changes(struct model *m, int checkpoint, const struct change *list, int count,
                        struct vs_err *err)
{
    struct net *net = NULL, *mixed = NULL;
    int rc = changes_net(m, checkpoint, list, count, &net, &mixed, err);
    for (int i = 0; i < count && rc == 0; i++)
        if (list[i].kind == CHANGE_SILENCE)
            rc = check_silence(net, &list[i], err);
    net_free(mixed);
    return rc;
}
