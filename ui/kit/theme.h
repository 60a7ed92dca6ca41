/* SPDX-License-Identifier: MIT */
/* The colors of text and marks, for dark backgrounds and for light ones. */
#ifndef UI_THEME_H
#define UI_THEME_H

#include "ui/kit/canvas.h"

enum theme_color {
    THEME_RANK,       /* the first of five ranks, */
    THEME_REST = 5,   /* and all others */
    THEME_MORE,       /* what grew, */
    THEME_LESS,       /* and what shrank */
    THEME_ACCENT,     /* what has the keys */
    THEME_DIM,        /* what stands back */
    THEME_COLORS
};

struct theme {
    const char *name;
    struct rgb back; /* that its colors are chosen for */
    struct rgb colors[THEME_COLORS];
};

/* Dark, light. */
extern const struct theme themes[2];
/* By enum theme_color, as settings name them: "rank1" ... "more". */
extern const char *const theme_color_names[THEME_COLORS];

/* The color in the theme that is chosen, or what the user has set instead. */
struct rgb theme_color(enum theme_color which);
/* "auto", "dark" or "light"; false for other words. auto goes by the background. */
bool theme_choose(const char *name);
/* The terminal's background; NULL: it has not told it. */
void theme_set_back(const uint8_t *rgb);
/* What pictures lie on: the terminal's background, or that of the theme. */
struct rgb theme_back(void);
/* Whether a pixel is that background, and it is known to be. */
bool theme_is_back(const uint8_t *rgb);
/* From the background (0) to black or white (1): lines and marks that stand back. */
struct rgb theme_shade(double share);
/* NO_COLOR is set: marks are told apart by lines and hatching, not by color. */
bool theme_is_plain(void);
/* The name of the theme that holds. */
const char *theme_name(void);
/* "#ffd700" or "255,215,0" for a color in all themes, "default" for the theme's own. False when
 * there is no such color, or name. */
bool theme_set_color(const char *name, const char *value);
/* The luminance of a color, 0 to 1 (WCAG 2.2, "relative luminance"). */
double theme_luminance(struct rgb k);
/* Black or white, whichever is read better on it: at least 4.5 to 1 on any. */
struct rgb theme_ink(struct rgb back);

#endif
