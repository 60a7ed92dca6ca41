/* SPDX-License-Identifier: MIT */
/* BERT uncased WordPiece.
 *
 * Source: pytorch_transformers 1.0.0, tokenization_utils.py (cutting at special tokens) and
 * tokenization_bert.py (BasicTokenizer, WordpieceTokenizer). The Unicode tables are utf8proc's.
 *
 * A text goes through as an array of code points, each with the bytes of the user's text that it
 * came from, so that every token keeps its place. */
#include "src/text/tokenizer.h"

#include "src/formats/bytes.h"
#include "src/base/mem.h"
#include "src/base/strmap.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define MAX_WORDS 10000000
#define MAX_WORD_CHARS 100 /* a longer word is [UNK] */

struct tokenizer {
    char *text;         /* the vocabulary file, NUL after each word */
    const char **words; /* (size) */
    int size;
    struct strmap index;
    int32_t unk;
};

/* Cut out of the text before anything else is done to it. */
static const char *const specials[] = {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
#define SPECIALS ((int)(sizeof specials / sizeof specials[0]))

/* ---- the vocabulary */

static int split_lines(struct tokenizer *t, const struct bytes *file, struct vs_err *err)
{
    const struct bytes text = bytes_text(file), *map = &text;
    size_t lines = map->size > 0 && map->data[map->size - 1] != '\n';
    for (size_t i = 0; i < map->size; i++)
        lines += map->data[i] == '\n';
    if (lines == 0 || lines > MAX_WORDS)
        return vs_fail(err, VS_E_FORMAT, "%s: %zu lines: not a vocabulary", map->path, lines);
    if (memchr(map->data, 0, map->size))
        return vs_fail(err, VS_E_FORMAT, "%s: not a vocabulary: the file is binary", map->path);
    t->text = xstrndup((const char *)map->data, map->size);
    t->words = xcalloc(lines, sizeof *t->words);
    for (char *p = t->text, *end = t->text + map->size; p < end;) {
        char *stop = memchr(p, '\n', (size_t)(end - p));
        char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        *stop = '\0';
        if (stop > p && stop[-1] == '\r')
            stop[-1] = '\0';
        t->words[t->size++] = p;
        p = next;
    }
    return 0;
}

static int index_words(struct tokenizer *t, const char *path, struct vs_err *err)
{
    for (int i = t->size - 1; i >= 0; i--) /* of a word that is there twice, the last counts */
        strmap_add(&t->index, t->words[i], strlen(t->words[i]), i);
    t->unk = tokenizer_id(t, "[UNK]");
    static const char *const needed[] = {"[UNK]", "[CLS]", "[SEP]"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (tokenizer_id(t, needed[i]) < 0)
            return vs_fail(err, VS_E_FORMAT, "%s: not a BERT vocabulary: there is no line %s", path,
                           needed[i]);
    return 0;
}

int tokenizer_open(const char *vocab_path, struct tokenizer **out, struct vs_err *err)
{
    struct bytes map;
    int rc = bytes_open(vocab_path, &map, err);
    if (rc != 0)
        return rc;
    struct tokenizer *t = xcalloc(1, sizeof *t);
    rc = map.size == 0 ? vs_fail(err, VS_E_FORMAT, "%s: the file is empty", vocab_path)
                       : split_lines(t, &map, err);
    if (rc == 0)
        rc = index_words(t, vocab_path, err);
    bytes_close(&map);
    if (rc == 0)
        *out = t;
    else
        tokenizer_free(t);
    return rc;
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    strmap_fini(&t->index);
    free(t->words);
    free(t->text);
    free(t);
}

int tokenizer_size(const struct tokenizer *t)
{
    return t->size;
}

const char *tokenizer_piece(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->size ? t->words[id] : NULL;
}

int32_t tokenizer_id(const struct tokenizer *t, const char *piece)
{
    return strmap_get(&t->index, piece, strlen(piece));
}

/* ---- code points */

struct cp {
    int32_t c;
    int begin, end; /* bytes of the user's text */
};

struct cps {
    struct cp *list;
    int count, cap;
};

struct tokens {
    struct token *list;
    int count, cap;
};

static void add_cp(struct cps *a, int32_t c, int begin, int end)
{
    if (a->count == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 64;
        a->list = xreallocarray(a->list, (size_t)a->cap, sizeof *a->list);
    }
    a->list[a->count++] = (struct cp){c, begin, end};
}

static void add_token(struct tokens *a, int32_t id, int begin, int end)
{
    if (a->count == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 32;
        a->list = xreallocarray(a->list, (size_t)a->cap, sizeof *a->list);
    }
    a->list[a->count++] = (struct token){id, begin, end};
}

static bool is_space(int32_t c)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return true;
    utf8proc_category_t k = utf8proc_category(c);
    return k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL || k == UTF8PROC_CATEGORY_ZP;
}

static bool is_dropped(int32_t c)
{
    if (c == '\t' || c == '\n' || c == '\r')
        return false;
    if (c == 0 || c == 0xfffd)
        return true;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC: case UTF8PROC_CATEGORY_CF: case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO: case UTF8PROC_CATEGORY_CS:
        return true;
    default:
        return false;
    }
}

static bool is_punctuation(int32_t c)
{
    if ((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
        (c >= 123 && c <= 126))
        return true;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_PC: case UTF8PROC_CATEGORY_PD: case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE: case UTF8PROC_CATEGORY_PI: case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return true;
    default:
        return false;
    }
}

static bool is_cjk(int32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
           (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b820 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* ---- lower case. Only two rules of Unicode's SpecialCasing.txt apply without a language: final
 * sigma and the capital I with a dot. */

static bool is_cased(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT ||
           c == 0xaa || c == 0xba || (c >= 0x2160 && c <= 0x217f) || (c >= 0x24b6 && c <= 0x24e9);
}

static bool is_case_ignorable(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_ME: case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM: case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        return c == '\'' || c == '.' || c == ':' || c == 0xb7 || c == 0x387 || c == 0x55f ||
               c == 0x5f4 || c == 0x2018 || c == 0x2019 || c == 0x2024 || c == 0x2027 ||
               c == 0xfe13 || c == 0xfe52 || c == 0xfe55 || c == 0xff07 || c == 0xff0e ||
               c == 0xff1a;
    }
}

static bool cased_beside(const struct cp *w, int n, int i, int step)
{
    for (i += step; i >= 0 && i < n; i += step)
        if (!is_case_ignorable(w[i].c))
            return is_cased(w[i].c);
    return false;
}

static int32_t tokenizer_lower(const struct cp *w, int n, int i)
{
    int32_t c = w[i].c;
    if (c == 0x3a3)
        return cased_beside(w, n, i, -1) && !cased_beside(w, n, i, 1) ? 0x3c2 : 0x3c3;
    if (c == 0x130)
        return 'i'; /* its dot, U+0307, is an accent that goes away */
    return utf8proc_tolower(c);
}

/* Canonical decomposition in canonical order, without accents (Mn). */
static void strip_accents(const struct cp *w, int n, struct cps *out)
{
    out->count = 0;
    for (int i = 0; i < n; i++) {
        int32_t parts[32];
        int boundary = 0;
        utf8proc_ssize_t m = utf8proc_decompose_char(tokenizer_lower(w, n, i), parts, 32,
                                                     UTF8PROC_DECOMPOSE, &boundary);
        for (utf8proc_ssize_t j = 0; j < m && j < 32; j++)
            add_cp(out, parts[j], w[i].begin, w[i].end);
    }
    for (int i = 1; i < out->count; i++) /* marks sort by class, as NFD has them */
        for (int j = i; j > 0; j--) {
            int a = utf8proc_get_property(out->list[j - 1].c)->combining_class;
            int b = utf8proc_get_property(out->list[j].c)->combining_class;
            if (b == 0 || a <= b)
                break;
            struct cp swap = out->list[j];
            out->list[j] = out->list[j - 1];
            out->list[j - 1] = swap;
        }
    int kept = 0;
    for (int i = 0; i < out->count; i++)
        if (utf8proc_category(out->list[i].c) != UTF8PROC_CATEGORY_MN)
            out->list[kept++] = out->list[i];
    out->count = kept;
}

/* ---- word pieces */

/* Longest pieces first; false when some part is not in the vocabulary. bytes holds the word in
 * UTF-8 with "##" before it, at[i] is where its code point i begins. */
static bool find_pieces(const struct tokenizer *t, const struct cp *w, int n, char *bytes,
                        const int *at, struct tokens *out)
{
    for (int from = 0; from < n;) {
        int id = -1, to = n;
        char *start = bytes + at[from];
        char saved[2] = {0};
        if (from > 0) { /* the two bytes before are a part of what was found already */
            start -= 2;
            memcpy(saved, start, 2);
            memcpy(start, "##", 2);
        }
        for (; to > from && id < 0; to--)
            id = strmap_get(&t->index, start, (size_t)(bytes + at[to] - start));
        if (from > 0)
            memcpy(start, saved, 2);
        if (id < 0)
            return false;
        to++;
        add_token(out, id, w[from].begin, w[to - 1].end);
        from = to;
    }
    return true;
}

static void add_word(const struct tokenizer *t, const struct cp *w, int n, struct tokens *out)
{
    char bytes[2 + 4 * MAX_WORD_CHARS];
    int at[MAX_WORD_CHARS + 1], first = out->count;
    if (n > MAX_WORD_CHARS) {
        add_token(out, t->unk, w[0].begin, w[n - 1].end);
        return;
    }
    at[0] = 2;
    for (int i = 0; i < n; i++)
        at[i + 1] = at[i] + (int)utf8proc_encode_char(w[i].c, (utf8proc_uint8_t *)bytes + at[i]);
    if (!find_pieces(t, w, n, bytes, at, out)) {
        out->count = first;
        add_token(out, t->unk, w[0].begin, w[n - 1].end);
    }
}

/* One word between spaces: lower case, no accents, punctuation apart. */
static void add_raw_word(const struct tokenizer *t, const struct cp *w, int n, struct cps *scratch,
                         struct tokens *out)
{
    strip_accents(w, n, scratch);
    const struct cp *c = scratch->list;
    for (int from = 0, i = 0; i <= scratch->count; i++) {
        bool cut = i == scratch->count || is_punctuation(c[i].c);
        if (!cut)
            continue;
        if (i > from)
            add_word(t, c + from, i - from, out);
        if (i < scratch->count)
            add_word(t, c + i, 1, out);
        from = i + 1;
    }
}

static void add_words(const struct tokenizer *t, const struct cps *text, struct tokens *out)
{
    struct cps scratch = {0};
    for (int from = 0, i = 0; i <= text->count; i++) {
        bool alone = i < text->count && is_cjk(text->list[i].c);
        if (i < text->count && !alone && !is_space(text->list[i].c))
            continue;
        if (i > from)
            add_raw_word(t, text->list + from, i - from, &scratch, out);
        if (alone)
            add_raw_word(t, text->list + i, 1, &scratch, out);
        from = i + 1;
    }
    free(scratch.list);
}

/* ---- the whole text */

static int special_at(const char *s, size_t left)
{
    for (int i = 0; i < SPECIALS; i++)
        if (left >= strlen(specials[i]) && memcmp(s, specials[i], strlen(specials[i])) == 0)
            return i;
    return -1;
}

int tokenizer_run(const struct tokenizer *t, const char *text, size_t len, struct token **out)
{
    struct cps run = {0};
    struct tokens tokens = {0};
    for (size_t i = 0; i < len;) {
        int special = text[i] == '[' ? special_at(text + i, len - i) : -1;
        if (special >= 0) {
            size_t n = strlen(specials[special]);
            int32_t id = tokenizer_id(t, specials[special]);
            add_words(t, &run, &tokens);
            run.count = 0;
            add_token(&tokens, id < 0 ? t->unk : id, (int)i, (int)(i + n));
            i += n;
            continue;
        }
        int32_t c = -1;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                              (utf8proc_ssize_t)(len - i), &c);
        if (n < 1) { /* invalid: would become U+FFFD, which is dropped */
            i++;
            continue;
        }
        if (!is_dropped(c))
            add_cp(&run, c, (int)i, (int)i + (int)n);
        i += (size_t)n;
    }
    add_words(t, &run, &tokens);
    free(run.list);
    *out = tokens.list ? tokens.list : xcalloc(1, sizeof(struct token));
    return tokens.count;
}
