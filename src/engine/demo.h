/* SPDX-License-Identifier: MIT */
/* The demo: a small model directory that comes with the program. */
#ifndef VS_DEMO_H
#define VS_DEMO_H

/* Where it is: $VILSCOPE_DEMO, beside the program in a source tree, or installed; NULL when it is
 * nowhere. Caller frees. */
char *demo_find(void);
/* The script of the guided tour, tour.vs beside or in that folder; NULL when there is none. Caller
 * frees. */
char *demo_tour(void);

#endif
