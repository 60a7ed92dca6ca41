/* SPDX-License-Identifier: MIT */
/* A line of text that is being typed. */
#include "ui/kit/edit.h"

#include "src/base/mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HISTORY 500

void edit_init(struct edit *e)
{
    *e = (struct edit){.text = xstrdup("")};
}

void edit_fini(struct edit *e)
{
    for (int i = 0; i < e->history_count; i++)
        free(e->history[i]);
    free(e->history);
    free(e->draft);
    free(e->text);
}

static size_t edit_before(const struct edit *e, size_t at)
{
    while (at > 0 && ((unsigned char)e->text[--at] & 0xc0) == 0x80) {
    }
    return at;
}

static size_t edit_after(const struct edit *e, size_t at)
{
    if (at < e->len)
        at++;
    while (at < e->len && ((unsigned char)e->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static size_t word_before(const struct edit *e, size_t at)
{
    while (at > 0 && isspace((unsigned char)e->text[at - 1]))
        at--;
    while (at > 0 && !isspace((unsigned char)e->text[at - 1]))
        at--;
    return at;
}

static size_t word_after(const struct edit *e, size_t at)
{
    while (at < e->len && isspace((unsigned char)e->text[at]))
        at++;
    while (at < e->len && !isspace((unsigned char)e->text[at]))
        at++;
    return at;
}

static void edit_cut(struct edit *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->len - to + 1);
    e->len -= to - from;
    e->at = from;
}

/* The bytes of a text that fit into room, no character cut. */
static size_t edit_fitting(const char *text, size_t room)
{
    size_t n = strlen(text);
    if (n <= room)
        return n;
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

void edit_set(struct edit *e, const char *text)
{
    char *copy = xstrndup(text, edit_fitting(text, EDIT_MOST));
    free(e->text);
    e->text = copy;
    e->len = e->at = strlen(copy);
}

void edit_insert(struct edit *e, const char *utf8)
{
    if (e->len + strlen(utf8) <= EDIT_MOST)
        edit_paste(e, utf8);
}

size_t edit_paste(struct edit *e, const char *utf8)
{
    size_t n = edit_fitting(utf8, EDIT_MOST - e->len);
    e->text = xrealloc(e->text, e->len + n + 1);
    memmove(e->text + e->at + n, e->text + e->at, e->len - e->at + 1);
    memcpy(e->text + e->at, utf8, n);
    e->len += n;
    e->at += n;
    return strlen(utf8) - n;
}

static void edit_browse(struct edit *e, int step)
{
    int to = e->history_at + step;
    if (to < 0 || to > e->history_count)
        return;
    if (e->history_at == e->history_count) {
        free(e->draft);
        e->draft = xstrdup(e->text);
    }
    e->history_at = to;
    edit_set(e, to == e->history_count ? e->draft : e->history[to]);
}

void edit_key(struct edit *e, enum edit_key key)
{
    switch (key) {
    case EDIT_LEFT: e->at = edit_before(e, e->at); break;
    case EDIT_RIGHT: e->at = edit_after(e, e->at); break;
    case EDIT_HOME: e->at = 0; break;
    case EDIT_END: e->at = e->len; break;
    case EDIT_WORD_LEFT: e->at = word_before(e, e->at); break;
    case EDIT_WORD_RIGHT: e->at = word_after(e, e->at); break;
    case EDIT_BACKSPACE: edit_cut(e, edit_before(e, e->at), e->at); break;
    case EDIT_DELETE: edit_cut(e, e->at, edit_after(e, e->at)); break;
    case EDIT_KILL_END: edit_cut(e, e->at, e->len); break;
    case EDIT_KILL_START: edit_cut(e, 0, e->at); break;
    case EDIT_KILL_WORD: edit_cut(e, word_before(e, e->at), e->at); break;
    case EDIT_OLDER: edit_browse(e, -1); break;
    case EDIT_NEWER: edit_browse(e, 1); break;
    }
}

void edit_remember(struct edit *e, const char *text)
{
    bool same = e->history_count && strcmp(e->history[e->history_count - 1], text) == 0;
    if (text[0] && !same) {
        if (e->history_count == MAX_HISTORY) {
            free(e->history[0]);
            memmove(e->history, e->history + 1, (MAX_HISTORY - 1) * sizeof *e->history);
            e->history_count--;
        }
        e->history = xreallocarray(e->history, (size_t)e->history_count + 1, sizeof *e->history);
        e->history[e->history_count++] = xstrdup(text);
    }
    e->history_at = e->history_count;
}
