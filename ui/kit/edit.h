/* SPDX-License-Identifier: MIT */
/* A line of text that is being typed, with a history. */
#ifndef UI_EDIT_H
#define UI_EDIT_H

#include <stddef.h>

struct edit {
    char *text;     /* UTF-8, never NULL */
    size_t len, at; /* bytes; at is where the cursor stands */
    char **history;
    int history_count, history_at; /* at == count: the new line */
    char *draft;    /* the new line while history is looked at */
};

enum edit_key { EDIT_LEFT, EDIT_RIGHT, EDIT_HOME, EDIT_END, EDIT_BACKSPACE, EDIT_DELETE,
                EDIT_WORD_LEFT, EDIT_WORD_RIGHT, EDIT_KILL_END, EDIT_KILL_START, EDIT_KILL_WORD,
                EDIT_OLDER, EDIT_NEWER };

void edit_init(struct edit *e);
void edit_fini(struct edit *e);
/* Inserts a character (UTF-8); too long a line takes no more. */
void edit_insert(struct edit *e, const char *utf8);
/* Inserts as much of a text as fits; the bytes that do not. */
size_t edit_paste(struct edit *e, const char *utf8);
#define EDIT_MOST 8000 /* bytes of a line */
void edit_key(struct edit *e, enum edit_key key);
/* Replaces the line, by as much of a text as fits. */
void edit_set(struct edit *e, const char *text);
/* Adds the line to the history, unless it is empty or the same as the last. */
void edit_remember(struct edit *e, const char *text);

#endif
