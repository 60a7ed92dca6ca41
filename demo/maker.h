/* An item under way; shared by items.c, which makes it, and item_json.c, which writes it. */
#ifndef DEMO_MAKER_H
#define DEMO_MAKER_H

#include "demo/items.h"

struct maker {
    struct dice *d;
    const struct world *w;
    const struct scene *s;
    int number; /* of the scene */
    struct buf text;
    char answer[32];
    int target;      /* object that it is about, or -1 */
    char *twin;      /* a caption that is false */
    int images[64], image_count;
    int candidates[SCENE_MOST], candidate_count;
};

/* Appends the finished item as a line of JSON (vilscope-data(5)). */
void maker_write(const struct maker *m, const char *task, struct buf *out);

#endif
