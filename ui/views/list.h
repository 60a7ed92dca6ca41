/* SPDX-License-Identifier: MIT */
/* Lists of lines in popups, with a search: which lines are shown, which one is chosen. */
#ifndef UI_LIST_H
#define UI_LIST_H

#include "ui/views/views.h"

/* The state of a popup that is a list begins with this. */
struct list {
    int *lines, count; /* those that hold what is searched */
    int pick, top;     /* the chosen one, and the first one shown */
};

/* What a line says, for the search; NULL: there is no such line. */
typedef const char *list_text(const struct workbench *w, const struct pane *p, int line);
/* Collects those of n lines that hold w->typed.filter's words; keeps the chosen one in bounds. */
void list_filter(const struct workbench *w, struct pane *p, int n, list_text *text);
/* The first line to show, so that line `at` is among `room`; top is kept from frame to frame. */
int list_top(int *top, int at, int count, int room);
/* "13-31 of 87" at the right end of a row, while there are more lines than room. */
void list_where(struct area row, int from, int count, int room);
/* For struct view. */
void list_move(struct workbench *w, struct pane *p, enum motion m);
/* The same: the line under a cell is the chosen one, below two rows of a title. */
#define LIST_DETAILS 4 /* lines below a list about the chosen one, where there is room */
bool list_click(struct workbench *w, struct pane *p, int row, int col);
void list_end(struct pane *p);
/* Whether text holds all words of filter, in any case. */
bool list_matches(const char *text, const char *filter);

/* An answer with its confidence in a column, a "+" where it is right and a "-" where it is wrong,
 * in their colors; number: "" for none, left out where the column is narrow. */
#define ANSWER_NARROW 10 /* columns that have no room for a confidence */
struct answer_cell {
    const char *answer, *number;
    enum log_judged judged;
    bool chosen; /* of the line that is */
};
void list_answer(const struct answer_cell *x, int row, int col, int width);

/* The named one of some words, or, without a name, the one after `now`; -1, with words, when there
 * is none. */
int word_choose(struct workbench *w, const char *const *names, int count, int now, const char *arg);

#endif
