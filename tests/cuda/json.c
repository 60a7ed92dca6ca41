/* SPDX-License-Identifier: MIT */
/* Reading JSON, as much of it as checkpoints' headers and configurations use: a stand-in for
 * jansson where no package can be installed. Strings keep their escapes but \", \\ and \/. */
#include "jansson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *at, *end;
    int depth;
};

static json_t *read_value(struct cursor *c);

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
}

static bool take(struct cursor *c, char x)
{
    skip_blanks(c);
    if (c->at >= c->end || *c->at != x)
        return false;
    c->at++;
    return true;
}

void json_decref(json_t *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->count; i++) {
        if (v->keys)
            free(v->keys[i]);
        json_decref(v->list[i]);
    }
    free(v->keys);
    free(v->list);
    free(v->text);
    free(v);
}

static char *read_string(struct cursor *c)
{
    if (!take(c, '"'))
        return NULL;
    const char *from = c->at;
    while (c->at < c->end && *c->at != '"')
        c->at += *c->at == '\\' && c->end - c->at > 1 ? 2 : 1;
    if (c->at >= c->end)
        return NULL;
    char *s = malloc((size_t)(c->at - from) + 1), *to = s;
    for (; s && from < c->at; from++) {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\' || from[1] == '/'))
            from++;
        *to++ = *from;
    }
    if (s)
        *to = '\0';
    c->at++;
    return s;
}

/* Takes key and item. */
static bool append(json_t *v, char *key, json_t *item)
{
    json_t **list = realloc(v->list, (v->count + 1) * sizeof *list);
    char **keys = v->kind == JSON_OBJECT ? realloc(v->keys, (v->count + 1) * sizeof *keys) : NULL;
    v->list = list ? list : v->list;
    v->keys = keys ? keys : v->keys;
    bool twice = key && json_object_get(v, key);
    if (!item || !list || (v->kind == JSON_OBJECT && (!keys || !key)) || twice) {
        free(key);
        json_decref(item);
        return false;
    }
    if (key)
        v->keys[v->count] = key;
    v->list[v->count++] = item;
    return true;
}

static bool read_list(struct cursor *c, json_t *v, char end)
{
    if (take(c, end))
        return true;
    do {
        char *key = v->kind == JSON_OBJECT ? read_string(c) : NULL;
        if (v->kind == JSON_OBJECT && (!key || !take(c, ':'))) {
            free(key);
            return false;
        }
        if (!append(v, key, read_value(c)))
            return false;
    } while (take(c, ','));
    return take(c, end);
}

static bool read_number(struct cursor *c, json_t *v)
{
    char digits[64], *end;
    size_t n = 0;
    while (n + 1 < sizeof digits && c->at + n < c->end && strchr("+-.0123456789eE", c->at[n]) &&
           c->at[n])
        n++;
    memcpy(digits, c->at, n);
    digits[n] = '\0';
    v->kind = strpbrk(digits, ".eE") ? JSON_REAL : JSON_INT;
    v->real = strtod(digits, &end);
    v->whole = v->kind == JSON_INT ? strtoll(digits, NULL, 10) : 0;
    c->at += n;
    return n > 0 && *end == '\0';
}

static bool read_word(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

static json_t *read_value(struct cursor *c)
{
    json_t *v = calloc(1, sizeof *v);
    bool good = v && ++c->depth < 64;
    skip_blanks(c);
    char x = c->at < c->end ? *c->at : '\0';
    if (good && (x == '{' || x == '[')) {
        c->at++;
        v->kind = x == '{' ? JSON_OBJECT : JSON_ARRAY;
        good = read_list(c, v, x == '{' ? '}' : ']');
    } else if (good && x == '"') {
        v->kind = JSON_STRING;
        v->text = read_string(c);
        good = v->text != NULL;
    } else if (good && (x == 't' || x == 'f')) {
        v->kind = JSON_BOOL;
        v->whole = x == 't';
        good = read_word(c, x == 't' ? "true" : "false");
    } else if (good) {
        good = x == 'n' ? read_word(c, "null") : read_number(c, v);
    }
    c->depth--;
    if (good)
        return v;
    json_decref(v);
    return NULL;
}

json_t *json_loadb(const char *s, size_t size, size_t flags, json_error_t *why)
{
    struct cursor c = {s, s + size, 0};
    json_t *v = read_value(&c);
    (void)flags;
    skip_blanks(&c);
    if (v && c.at == c.end)
        return v;
    if (why) {
        *why = (json_error_t){.line = 1, .position = (int)(c.at - s)};
        snprintf(why->text, sizeof why->text, "no JSON near byte %zu", (size_t)(c.at - s));
    }
    json_decref(v);
    return NULL;
}

json_t *json_load_file(const char *path, size_t flags, json_error_t *why)
{
    FILE *f = fopen(path, "r");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    bool whole = text && fseek(f, 0, SEEK_SET) == 0 &&
                 fread(text, 1, (size_t)size, f) == (size_t)size;
    json_t *v = whole ? json_loadb(text, (size_t)size, flags, why) : NULL;
    if (!whole && why) {
        *why = (json_error_t){.line = -1};
        snprintf(why->text, sizeof why->text, "can't be read");
    }
    free(text);
    if (f)
        fclose(f);
    return v;
}

json_t *json_object_get(const json_t *v, const char *key)
{
    for (size_t i = 0; json_is_object(v) && i < v->count; i++)
        if (strcmp(v->keys[i], key) == 0)
            return v->list[i];
    return NULL;
}

json_t *json_array_get(const json_t *v, size_t i)
{
    return json_is_array(v) && i < v->count ? v->list[i] : NULL;
}

size_t json_array_size(const json_t *v)
{
    return json_is_array(v) ? v->count : 0;
}

json_int_t json_integer_value(const json_t *v)
{
    return json_is_integer(v) ? v->whole : 0;
}

double json_number_value(const json_t *v)
{
    return json_is_number(v) ? v->real : 0;
}

const char *json_string_value(const json_t *v)
{
    return v && v->kind == JSON_STRING ? v->text : NULL;
}
