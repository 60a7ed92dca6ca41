/* SPDX-License-Identifier: MIT */
/* Figures of views: what they have in common. */
#ifndef UI_FIGURES_H
#define UI_FIGURES_H

#include "src/figure/figure.h"
#include "ui/views/grid.h"

/* What the pane shows as a figure, with what was asked, of whom, and digests. The caller frees with
 * figure_fini, whatever comes back. Fails where the view has no figure, or nothing to show. */
int view_figure(struct workbench *w, struct pane *p, struct figure *out, struct vs_err *err);

figure_color figure_rgb(struct rgb k);
/* The color of a rank, as on a white screen. */
figure_color figure_rank(int rank);
/* The colors up to top, with their numbers; label is copied, or NULL. */
void figure_ramp(struct figure_ramp *r, float top, enum scale s, const char *label);
/* Numbers of a panel get the colors of a scale, which stands below. top 0: the largest of them. */
void figure_heat(struct figure_panel *p, float top, enum scale s, const char *label);
/* A panel more, of the column of a table that is bars. */
void figure_bars(struct figure *f, const struct table *t);
/* What was asked is not what the figure is about. */
void figure_forget(struct figure *f);
/* The image that is shown, with ranked boxes, the chosen region, or where something looks, as the
 * screen says; with its title. false: none is open. */
bool figure_image(struct workbench *w, struct figure *out);
/* Images of the result, by their numbers among those that are open, in the order that they have on
 * the screen: rank, score and name of each. */
bool figure_images(struct workbench *w, const int *photos, int count, struct figure *out);
/* All heads of a map of the result, with one scale up to top. */
bool figure_heads(struct workbench *w, enum attn_kind k, int layers, int heads, float top,
                  struct figure *out);

#endif
