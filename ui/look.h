/* Where a token looks: attention of the text over the regions of an image. */
#ifndef UI_LOOK_H
#define UI_LOOK_H

#include "src/result.h"

/* out[region], region 0 the whole image, gets the weight that token gives each region of image in
 * co-attention layer `layer` and head (-1: mean of the heads). out has look_regions(r, image)
 * entries. False when the result has no maps. */
bool look_at_image(const struct result *r, int image, int token, int layer, int head, float *out);
int look_regions(const struct result *r, int image);
int look_layers(const struct result *r);
int look_heads(const struct result *r);
/* heat (h, w), from 0 to 1: the weight of the heaviest region over each pixel, relative to the
 * heaviest of all, the whole image aside. */
void look_heat(const struct result *r, int image, const float *weights, int w, int h, float *heat);

#endif
