/* Where a token looks. */
#include "ui/look.h"

#include "src/mem.h"

#include <stdlib.h>
#include <string.h>

int look_regions(const struct result *r, int image)
{
    return 1 + r->images[image].region_count + r->images[image].candidate_count;
}

int look_layers(const struct result *r)
{
    return trace_attention_layers(r->trace, ATTN_TEXT_TO_IMAGE);
}

int look_heads(const struct result *r)
{
    return trace_attention_heads(r->trace, ATTN_TEXT_TO_IMAGE);
}

/* A row of the batch may hold regions of two images (NLVR2), an image rows of two of them. */
bool look_at_image(const struct result *r, int image, int token, int layer, int head, float *out)
{
    int rows, cols, n = look_regions(r, image);
    memset(out, 0, (size_t)n * sizeof *out);
    if (!r->trace || !trace_attention(r->trace, ATTN_TEXT_TO_IMAGE, layer, 0, head, &rows, &cols,
                                      NULL) || token < 0 || token >= rows)
        return false;
    float *map = xmalloc((size_t)rows * (size_t)cols * sizeof *map);
    for (int b = 0; b < r->batch; b++) {
        if (!trace_attention(r->trace, ATTN_TEXT_TO_IMAGE, layer, b, head, &rows, &cols, map))
            continue;
        for (int i = 0; i < cols && i < r->rows; i++) {
            struct result_source s = r->sources[b * r->rows + i];
            if (s.image == image && s.region < n)
                out[s.region] += map[token * cols + i];
        }
    }
    free(map);
    return true;
}

void look_heat(const struct result *r, int image, const float *weights, int w, int h, float *heat)
{
    const struct result_image *im = &r->images[image];
    int n = look_regions(r, image);
    float top = 0;
    memset(heat, 0, (size_t)w * (size_t)h * sizeof *heat);
    for (int i = 1; i < n; i++)
        top = weights[i] > top ? weights[i] : top;
    for (int i = 1; i < n && top > 0; i++) {
        const float *b = im->boxes + 4 * (i - 1);
        float v = weights[i] / top;
        int x1 = (int)(b[0] * (float)w / (float)im->width), y1 = (int)(b[1] * (float)h /
                                                                      (float)im->height);
        int x2 = (int)(b[2] * (float)w / (float)im->width), y2 = (int)(b[3] * (float)h /
                                                                      (float)im->height);
        for (int y = y1 < 0 ? 0 : y1; y <= y2 && y < h; y++)
            for (int x = x1 < 0 ? 0 : x1; x <= x2 && x < w; x++)
                if (heat[(ptrdiff_t)y * w + x] < v)
                    heat[(ptrdiff_t)y * w + x] = v;
    }
}
