/* SPDX-License-Identifier: MIT */
/* Interventions as words, and back. */
#include "src/task/change.h"

#include "src/base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const silence_names[KERN_SILENCES] = {
    [KERN_ZERO] = "zero", [KERN_UNIFORM] = "uniform", [KERN_MEAN] = "mean"};
#define COUNT(list) (int)(sizeof(list) / sizeof(list)[0])

const char *const token_kind_names[TOKENS_KINDS] = {
    [TOKENS_SPECIAL] = "special", [TOKENS_WORDS] = "words", [TOKENS_PIECES] = "pieces",
    [TOKENS_PUNCTUATION] = "punctuation"};

/* ---- writing */

/* " 3", " 3.2" or nothing. */
static void format_place(const struct change *c, char out[32])
{
    out[0] = '\0';
    if (c->layer >= 0 && c->head >= 0)
        snprintf(out, 32, " %d.%d", c->layer + 1, c->head + 1);
    else if (c->layer >= 0)
        snprintf(out, 32, " %d", c->layer + 1);
}

static void format_tokens(const struct change *c, char out[CHANGE_TEXT])
{
    const char *verb = c->kind == CHANGE_MASK_TOKEN ? "mask" : "drop";
    if (c->tokens == TOKENS_WORD)
        snprintf(out, CHANGE_TEXT, "%s word %s", verb, c->word);
    else if (c->tokens != TOKENS_ONE)
        snprintf(out, CHANGE_TEXT, "%s tokens %s", verb, token_kind_names[c->tokens]);
    else
        snprintf(out, CHANGE_TEXT, "%s token %d", verb, c->token + 1);
}

static void format(const struct change *c, const char *silence, const char *swap,
                   char out[CHANGE_TEXT])
{
    char place[32];
    format_place(c, place);
    switch (c->kind) {
    case CHANGE_MASK_TOKEN:
    case CHANGE_DROP_TOKEN:
        format_tokens(c, out);
        break;
    case CHANGE_DROP_REGION:
        if (c->image > 0)
            snprintf(out, CHANGE_TEXT, "drop region %d of image %d", c->region, c->image + 1);
        else
            snprintf(out, CHANGE_TEXT, "drop region %d", c->region);
        break;
    case CHANGE_SILENCE:
        snprintf(out, CHANGE_TEXT, "%s %s%s %s", silence, attn_table[c->map].word, place,
                 silence_names[c->how]);
        break;
    case CHANGE_SWAP:
        snprintf(out, CHANGE_TEXT, "%s %s%s from %s", swap, part_table[c->part].word, place,
                 c->from);
        break;
    }
}

void change_format(const struct change *c, char out[CHANGE_TEXT])
{
    format(c, "silence", "swap", out);
}

void change_show(const struct change *c, char out[CHANGE_TEXT])
{
    format(c, "ablate", "patch", out);
}

char *change_list_format(const struct change *list, int count)
{
    struct buf b = {0};
    char text[CHANGE_TEXT];
    if (count == 0)
        return NULL;
    for (int i = 0; i < count; i++) {
        change_format(&list[i], text);
        buf_printf(&b, "%s%s", i ? "; " : "", text);
    }
    return buf_steal(&b);
}

/* ---- reading */

/* The next word of *at, at most size - 1 letters of it; false at the end. */
static bool next_word(const char **at, char *out, size_t size)
{
    size_t n = 0;
    while (isspace((unsigned char)**at))
        (*at)++;
    for (; **at && !isspace((unsigned char)**at); (*at)++)
        if (n + 1 < size)
            out[n++] = **at;
    out[n] = '\0';
    return n > 0;
}

static int find_name(const char *const *names, int count, const char *word)
{
    for (int i = 0; i < count; i++)
        if (names[i] && strcmp(names[i], word) == 0)
            return i;
    return -1;
}

int silence_find(const char *name)
{
    return find_name(silence_names, KERN_SILENCES, name);
}

static bool change_read_number(const char *word, int least, int *out)
{
    char *end;
    long n = strtol(word, &end, 10);
    if (!isdigit((unsigned char)word[0]) || *end || n < least || n > 1000000)
        return false;
    *out = (int)n;
    return true;
}

/* "3" or "3.2" */
static bool read_place(char *word, struct change *c)
{
    char *dot = strchr(word, '.');
    c->head = 0;
    if (dot)
        *dot++ = '\0';
    if (!change_read_number(word, 1, &c->layer) || (dot && !change_read_number(dot, 1, &c->head)))
        return false;
    c->layer--;
    c->head--;
    return true;
}

/* "token 4", "tokens special" or "word red" */
static bool parse_tokens(const char *at, struct change *out)
{
    char what[16], which[48], rest[2];
    if (!next_word(&at, what, sizeof what) || !next_word(&at, which, sizeof which) ||
        next_word(&at, rest, sizeof rest))
        return false;
    if (strcmp(what, "token") == 0)
        return change_read_number(which, 1, &out->token) && out->token--;
    if (strcmp(what, "tokens") == 0) {
        int kind = find_name(token_kind_names, TOKENS_KINDS, which);
        out->tokens = (enum token_kind)(kind < 0 ? 0 : kind);
        return kind >= 0;
    }
    size_t n = strlen(which);
    if (strcmp(what, "word") != 0 || n >= sizeof out->word)
        return false;
    out->tokens = TOKENS_WORD;
    for (size_t i = 0; i < n; i++)
        out->word[i] = (char)tolower((unsigned char)which[i]);
    return true;
}

static bool parse_drop(const char *at, struct change *out)
{
    char what[16], number[16], of[16], image[16];
    const char *whole = at;
    int n = 1;
    if (!next_word(&at, what, sizeof what) || !next_word(&at, number, sizeof number))
        return false;
    if (strcmp(what, "region") != 0) {
        out->kind = CHANGE_DROP_TOKEN;
        return parse_tokens(whole, out);
    }
    out->kind = CHANGE_DROP_REGION;
    if (!change_read_number(number, 0, &out->region))
        return false;
    if (next_word(&at, of, sizeof of)) {
        if (strcmp(of, "of") != 0 || !next_word(&at, of, sizeof of) || strcmp(of, "image") != 0 ||
            !next_word(&at, image, sizeof image) || !change_read_number(image, 1, &n))
            return false;
    }
    out->image = n - 1;
    return !next_word(&at, of, sizeof of);
}

static bool parse_mask(const char *at, struct change *out)
{
    out->kind = CHANGE_MASK_TOKEN;
    return parse_tokens(at, out);
}

static bool parse_silence(const char *at, struct change *out)
{
    char map[20], word[20], rest[2];
    int how = KERN_ZERO;
    out->kind = CHANGE_SILENCE;
    if (!next_word(&at, map, sizeof map) || !next_word(&at, word, sizeof word))
        return false;
    out->map = attn_find(map);
    if (out->map == ATTN_COUNT || !read_place(word, out))
        return false;
    if (next_word(&at, word, sizeof word))
        how = silence_find(word);
    out->how = (enum kern_silence)(how < 0 ? 0 : how);
    return how >= 0 && !next_word(&at, rest, sizeof rest);
}

/* A name, which may have blanks inside. */
static bool change_read_rest(const char *at, char *out, size_t size)
{
    at += strspn(at, " ");
    size_t n = strlen(at);
    while (n > 0 && at[n - 1] == ' ')
        n--;
    if (n == 0 || n >= size)
        return false;
    memcpy(out, at, n);
    out[n] = '\0';
    return true;
}

static bool parse_patch(const char *at, struct change *out)
{
    char part[20], word[20];
    out->kind = CHANGE_SWAP;
    if (!next_word(&at, part, sizeof part) || !next_word(&at, word, sizeof word))
        return false;
    out->part = part_find(part);
    if (out->part == PART_COUNT)
        return false;
    if (strcmp(word, "from") != 0 &&
        (!part_table[out->part].layer || !read_place(word, out) ||
         !next_word(&at, word, sizeof word)))
        return false;
    return strcmp(word, "from") == 0 && change_read_rest(at, out->from, sizeof out->from);
}

int change_parse(const char *text, struct change *out, struct vs_err *err)
{
    static const struct {
        const char *word;
        bool (*parse)(const char *at, struct change *out);
    } verbs[] = {{"mask", parse_mask},       {"drop", parse_drop},  {"ablate", parse_silence},
                 {"silence", parse_silence}, {"patch", parse_patch}, {"swap", parse_patch}};
    const char *at = text;
    char verb[16];
    *out = (struct change){.layer = -1, .head = -1};
    next_word(&at, verb, sizeof verb);
    for (int i = 0; i < COUNT(verbs); i++)
        if (strcmp(verbs[i].word, verb) == 0 && verbs[i].parse(at, out))
            return 0;
    return vs_fail(err, VS_E_USAGE, "'%s' is not an intervention: mask token N, drop token N, mask "
                   "or drop tokens special|words|pieces|punctuation, mask or drop word WORD, drop "
                   "region N [of image I], ablate MAP LAYER[.HEAD] [zero|uniform|mean], or patch "
                   "PART [LAYER[.HEAD]] from CHECKPOINT", text);
}

int change_parse_heads(const char *text, struct change *out, struct vs_err *err)
{
    char map[20], place[20], rest[2];
    const char *at = text;
    *out = (struct change){.kind = CHANGE_SILENCE, .layer = -1, .head = -1};
    bool good = next_word(&at, map, sizeof map) && (out->map = attn_find(map)) != ATTN_COUNT;
    if (good && next_word(&at, place, sizeof place))
        good = read_place(place, out) && !next_word(&at, rest, sizeof rest);
    return good ? 0
                : vs_fail(err, VS_E_USAGE, "'%s' is no map: MAP [LAYER[.HEAD]], as in "
                          "\"text-to-image 3.2\"; maps are text, image, text-to-image, "
                          "image-to-text, joint", text);
}

int change_list_parse(const char *text, struct change **out, int *count, struct vs_err *err)
{
    int rc = 0, n = 0;
    struct change *list = NULL;
    for (const char *at = text; rc == 0 && at && *at;) {
        size_t len = strcspn(at, ";");
        char *one = xstrndup(at, len);
        list = xreallocarray(list, (size_t)n + 1, sizeof *list);
        if (one[strspn(one, " ")])
            rc = change_parse(one, &list[n++], err);
        free(one);
        at += len + (at[len] == ';');
    }
    if (rc != 0) {
        free(list);
        return rc;
    }
    *out = list;
    *count = n;
    return 0;
}

char *change_list_show(const char *text)
{
    struct buf b = {0};
    struct change *list = NULL;
    char one[CHANGE_TEXT];
    int n = 0;
    if (!text || change_list_parse(text, &list, &n, NULL) != 0)
        return text ? xstrdup(text) : NULL;
    buf_puts(&b, "");
    for (int i = 0; i < n; i++) {
        change_show(&list[i], one);
        buf_printf(&b, "%s%s", i ? "; " : "", one);
    }
    free(list);
    return buf_steal(&b);
}

bool change_equal(const struct change *a, const struct change *b)
{
    char x[CHANGE_TEXT], y[CHANGE_TEXT];
    change_format(a, x);
    change_format(b, y);
    return strcmp(x, y) == 0;
}
