/* SPDX-License-Identifier: MIT */
/* Pictures as half blocks, where the terminal has no pixels. */
#ifndef UI_BLOCKS_H
#define UI_BLOCKS_H

#include "ui/kit/gfx.h"

/* Draws a canvas of 1x2 pixels a cell at an area's corner, or as signs where mode is GFX_ASCII. */
void blocks_draw(enum gfx_mode mode, struct area a, const struct canvas *c);
/* Its labels, over what is there. */
void blocks_texts(struct area a, const struct canvas *c);
/* The number of the nearest of the terminal's colors: itself where they have 24 bits, of 256, or
 * of the 8 basic ones. */
int blocks_color(const uint8_t *rgb);
/* What the terminal shows in its place. */
struct rgb blocks_shown(struct rgb k);
/* Black or white that was chosen for a color (theme_ink), chosen for what the terminal shows in its
 * place; other inks stay. */
struct rgb blocks_ink(struct rgb ink, struct rgb back);
/* The following text gets this color, and that behind it; without colors light ones are reverse. */
void blocks_attr(struct rgb ink, struct rgb back, unsigned attr);

#endif
