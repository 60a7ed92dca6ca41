/* SPDX-License-Identifier: MIT */
/* The last hand on a text: slips of the keyboard, and which words name which objects. */
#include "demo/phrase.h"

#include "demo/marks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

char *marked(char *text, unsigned objects)
{
    char *with;
    if (objects == 0)
        return text;
    with = xasprintf("%c%c%s%c", MARK, (int)(MARK_BITS | objects), text, MARK_END);
    free(text);
    return with;
}

void phrase_read(const char *text, struct phrases *out)
{
    struct phrase *open = NULL;
    out->text = (struct buf){0};
    out->count = 0;
    buf_puts(&out->text, "");
    for (const char *p = text; *p; p++)
        if (*p == MARK && p[1]) {
            open = out->count < PHRASES_MOST ? &out->list[out->count++] : NULL;
            p++;
            if (open)
                *open = (struct phrase){(int)out->text.len, 0, (unsigned char)*p & ~MARK_BITS};
        } else if (*p == MARK_END) {
            if (open)
                open->end = (int)out->text.len;
            open = NULL;
        } else {
            buf_putc(&out->text, *p);
        }
}

/* ---- slips */

/* The word number `which` of at least four letters: where it begins, its length. */
static int words_of(const char *text, int which, int *at, int *length)
{
    int n = 0, start = -1;
    for (int i = 0;; i++) {
        bool letter = islower((unsigned char)text[i]);
        if (letter && start < 0)
            start = i;
        if (!letter && start >= 0) {
            if (i - start >= 4 && n++ == which) {
                *at = start;
                *length = i - start;
            }
            start = -1;
        }
        if (!text[i])
            return n;
    }
}

/* A key beside the letter's. */
static char beside_key(struct dice *d, char c)
{
    static const char *const rows[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};
    for (int r = 0; r < 3; r++) {
        const char *p = strchr(rows[r], c);
        if (p && p[1] && (p == rows[r] || dice_chance(d, 0.5f)))
            return p[1];
        if (p)
            return p[-1];
    }
    return c;
}

static void slip_at(struct dice *d, struct buf *out, const char *word, int length)
{
    int i = 1 + dice_below(d, length - 2);
    char c[4] = {word[i - 1], word[i], word[i + 1], 0};
    buf_add(out, word, (size_t)i - 1);
    switch (dice_below(d, 4)) {
    case 0:
        buf_printf(out, "%c%c%c", c[1], c[0], c[2]);
        break; /* swapped */
    case 1:
        buf_printf(out, "%c%c", c[0], c[2]);
        break; /* left out */
    case 2:
        buf_printf(out, "%c%c%c%c", c[0], c[1], c[1], c[2]);
        break; /* twice */
    default:
        buf_printf(out, "%c%c%c", c[0], beside_key(d, c[1]), c[2]);
    }
    buf_add(out, word + i + 2, (size_t)(length - i - 2));
}

bool phrase_slip(struct dice *d, struct buf *text)
{
    int at = 0, length = 0, n = words_of(text->data, -1, &at, &length);
    struct buf out = {0};
    if (n == 0)
        return false;
    words_of(text->data, dice_below(d, n), &at, &length);
    buf_add(&out, text->data, (size_t)at);
    slip_at(d, &out, text->data + at, length);
    buf_puts(&out, text->data + at + length);
    bool changed = strcmp(out.data, text->data) != 0;
    buf_fini(text);
    *text = out;
    return changed;
}
