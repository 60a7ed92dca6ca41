/* SPDX-License-Identifier: MIT */
/* Lines of a script or a configuration: a command each, blank lines and comments between. */
#ifndef UI_LINES_H
#define UI_LINES_H

struct lines {
    char *at;   /* what is left; the text is the caller's and is cut up */
    int number; /* of the line that was read last, from 1 */
};

/* The next line that says something, without blanks at its ends; NULL at the end of the text. */
char *lines_next(struct lines *l);
/* Cuts a line into its first word and the rest, "" when there is none. */
char *lines_split(char *line);

#endif
