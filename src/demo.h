/* The demo: a small model directory that comes with the program. */
#ifndef VS_DEMO_H
#define VS_DEMO_H

/* Where it is: $VILSCOPE_DEMO, beside the program in a source tree, or installed; NULL when it is
 * nowhere. Caller frees. */
char *demo_find(void);

#endif
