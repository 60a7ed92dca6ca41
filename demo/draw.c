/* SPDX-License-Identifier: MIT */
/* Painting a scene: every pixel from four samples, objects from the far to the near. */
#include "demo/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct paint {
    float r, g, b;
};

static const struct paint colors[COLORS] = {
    {0.86f, 0.13f, 0.12f}, {0.97f, 0.53f, 0.08f}, {0.98f, 0.86f, 0.15f}, {0.18f, 0.63f, 0.22f},
    {0.14f, 0.35f, 0.85f}, {0.56f, 0.20f, 0.68f}, {0.96f, 0.96f, 0.94f}, {0.12f, 0.12f, 0.13f}};
static const struct paint grounds[4] = {
    {0.66f, 0.47f, 0.30f}, {0.45f, 0.66f, 0.36f}, {0.87f, 0.78f, 0.58f}, {0.55f, 0.52f, 0.62f}};
static const struct paint walls[6] = {
    {0.80f, 0.88f, 0.93f}, {0.93f, 0.90f, 0.82f}, {0.86f, 0.90f, 0.84f}, {0.90f, 0.84f, 0.86f},
    {0.84f, 0.84f, 0.90f}, {0.78f, 0.84f, 0.82f}};

static float clamp01(float x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static struct paint scale(struct paint p, float f)
{
    return (struct paint){clamp01(p.r * f), clamp01(p.g * f), clamp01(p.b * f)};
}

static struct paint mix(struct paint a, struct paint b, float t)
{
    return (struct paint){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

/* ---- shapes: whether (u, v), in radii from the middle, v down, is inside, and how bright there */

static bool in_ellipse(float u, float v, float cx, float cy, float a, float b)
{
    float x = (u - cx) / a, y = (v - cy) / b;
    return x * x + y * y <= 1;
}

static bool in_triangle(float u, float v, float ax, float ay, float bx, float by, float cx,
                        float cy)
{
    float d1 = (u - bx) * (ay - by) - (ax - bx) * (v - by);
    float d2 = (u - cx) * (by - cy) - (bx - cx) * (v - cy);
    float d3 = (u - ax) * (cy - ay) - (cx - ax) * (v - ay);
    return (d1 >= 0 && d2 >= 0 && d3 >= 0) || (d1 <= 0 && d2 <= 0 && d3 <= 0);
}

static bool ball(float u, float v, float *light)
{
    float d = u * u + v * v, hx = u + 0.35f, hy = v + 0.4f;
    *light = 1.12f - 0.35f * d + 0.35f * expf(-12 * (hx * hx + hy * hy));
    return d <= 1;
}

/* A cube seen from above: the top, the left and the right face. */
static bool cube(float u, float v, float *light)
{
    float a = fabsf(u);
    if (a > 0.92f || v < -1 + 0.5f * a / 0.92f || v > 1 - 0.5f * a / 0.92f)
        return false;
    *light = v < -0.5f * a / 0.92f ? 1.22f : u < 0 ? 0.98f : 0.74f;
    return true;
}

static bool cylinder(float u, float v, float *light)
{
    if (in_ellipse(u, v, 0, -0.75f, 0.75f, 0.25f)) {
        *light = 1.22f;
        return true;
    }
    *light = 1.05f - 0.42f * (u + 0.25f) * (u + 0.25f);
    return (fabsf(u) <= 0.75f && fabsf(v) <= 0.75f) || in_ellipse(u, v, 0, 0.75f, 0.75f, 0.25f);
}

static bool cone(float u, float v, float *light)
{
    *light = 1.1f - 0.35f * (u + 0.3f);
    return in_triangle(u, v, 0, -1, -0.85f, 0.76f, 0.85f, 0.76f) ||
           in_ellipse(u, v, 0, 0.76f, 0.85f, 0.24f);
}

static bool star(float u, float v, float *light)
{
    float angle = atan2f(u, -v), r = sqrtf(u * u + v * v);
    float part = 2 * 3.14159265f / 5, at = fabsf(fmodf(angle + 7.5f * part, part) - part / 2);
    /* Between a tip at distance 1 and a notch at 0.42. */
    float x = r * cosf(at), y = r * sinf(at);
    float nx = 0.42f * cosf(part / 2), ny = 0.42f * sinf(part / 2);
    *light = 1.08f - 0.12f * (u + v);
    return (x - 1) * ny - y * (nx - 1) <= 0;
}

static bool ring(float u, float v, float *light)
{
    float r = sqrtf(u * u + v * v), t = (r - 0.76f) / 0.24f;
    *light = 1.15f - 0.3f * t * t - 0.12f * (u + v);
    return r <= 1 && r >= 0.52f;
}

static bool mug(float u, float v, float *light)
{
    float x = (u - 0.55f) / 0.55f, y = v / 0.5f, handle = x * x + y * y;
    if (in_ellipse(u, v, -0.1f, -0.72f, 0.7f, 0.18f)) {
        *light = 0.55f; /* the inside */
        return true;
    }
    *light = 1.08f - 0.4f * (u + 0.35f) * (u + 0.35f);
    if ((u >= -0.8f && u <= 0.6f && v >= -0.72f && v <= 0.72f) ||
        in_ellipse(u, v, -0.1f, 0.72f, 0.7f, 0.18f))
        return true;
    return u > 0.55f && handle <= 1 && handle >= 0.42f;
}

static bool heart(float u, float v, float *light)
{
    float x = u * 1.14f, y = -v * 1.18f + 0.12f, a = x * x + y * y - 1;
    float hx = u + 0.45f, hy = v + 0.4f;
    *light = 1.02f + 0.35f * expf(-14 * (hx * hx + hy * hy)) - 0.1f * v;
    return a * a * a - x * x * y * y * y <= 0;
}

static bool fish(float u, float v, float *light)
{
    *light = 1.1f - 0.3f * fabsf(v);
    if (in_ellipse(u, v, -0.7f, -0.12f, 0.1f, 0.1f)) {
        *light = -1; /* an eye */
        return true;
    }
    return in_ellipse(u, v, -0.25f, 0, 0.8f, 0.55f) ||
           in_triangle(u, v, 0.35f, 0, 1.05f, -0.7f, 1.05f, 0.7f);
}

static bool cat(float u, float v, float *light)
{
    *light = 1.06f - 0.15f * v;
    if (in_ellipse(u, v, -0.34f, -0.02f, 0.13f, 0.17f) ||
        in_ellipse(u, v, 0.34f, -0.02f, 0.13f, 0.17f) ||
        in_triangle(u, v, -0.13f, 0.28f, 0.13f, 0.28f, 0, 0.44f)) {
        *light = -1; /* eyes and nose */
        return true;
    }
    return in_ellipse(u, v, 0, 0.08f, 0.9f, 0.77f) ||
           in_triangle(u, v, -0.86f, -1.05f, -0.84f, -0.1f, -0.15f, -0.55f) ||
           in_triangle(u, v, 0.86f, -1.05f, 0.84f, -0.1f, 0.15f, -0.55f);
}

typedef bool inside(float u, float v, float *light);
static inside *const shapes[SHAPES] = {ball, cube, cylinder, cone, star, ring, mug, heart, fish,
                                       cat};

/* ---- an object's color at a place */

static struct paint pattern_paint(const struct object *o, float u, float v)
{
    struct paint p = colors[o->color];
    struct paint other = o->color == WHITE   ? (struct paint){0.45f, 0.47f, 0.52f}
                         : o->color == BLACK ? (struct paint){0.75f, 0.75f, 0.75f}
                                             : (struct paint){0.98f, 0.97f, 0.93f};
    float n = o->size == LARGE ? 3.2f : 2.4f;
    if (o->pattern == STRIPED && fmodf(v * n + u * n * 0.35f + 20, 1) < 0.42f)
        return other;
    if (o->pattern == DOTTED) {
        float shift = fmodf(floorf(v * n + 20), 2) > 0.5f ? 0.5f : 0;
        float x = fmodf(u * n + shift + 20, 1);
        float y = fmodf(v * n + 20, 1);
        if ((x - 0.5f) * (x - 0.5f) + (y - 0.5f) * (y - 0.5f) < 0.085f)
            return other;
    }
    return p;
}

static bool sample_object(const struct object *o, float x, float y, struct paint *out)
{
    float u = (x - o->x) / o->r, v = (y - o->y) / o->r, light;
    if (u < -1.2f || u > 1.2f || v < -1.2f || v > 1.2f || !shapes[o->shape](u, v, &light))
        return false;
    if (light < 0)
        *out = o->color == BLACK ? (struct paint){0.9f, 0.85f, 0.4f}
                                 : (struct paint){0.08f, 0.08f, 0.1f};
    else
        *out = scale(pattern_paint(o, u, v), light);
    return true;
}

/* Soft, below and a little to the right. */
static float shadow(const struct scene *s, float x, float y)
{
    float dark = 0;
    for (int i = 0; i < s->count; i++) {
        const struct object *o = &s->objects[i];
        float u = (x - o->x - 0.18f * o->r) / (1.1f * o->r);
        float v = (y - o->y - 0.88f * o->r) / (0.34f * o->r), d = u * u + v * v;
        float one = d < 1 ? 0.42f * (1 - d) : 0;
        dark = one > dark ? one : dark;
    }
    return 1 - dark;
}

static struct paint background(const struct scene *s, float x, float y)
{
    float horizon = SCENE_H * 0.3f;
    if (y < horizon)
        return scale(walls[s->wall], 0.9f + 0.12f * y / horizon);
    float depth = (y - horizon) / (SCENE_H - horizon), grain = 0;
    switch (s->ground) {
    case 0: grain = 0.035f * sinf(y * 0.9f + 2 * sinf(x * 0.02f)); break;
    case 1: grain = 0.04f * sinf(x * 1.7f) * sinf(y * 1.3f + x * 0.3f); break;
    case 2: grain = 0.02f * sinf(x * 0.11f + y * 0.35f); break;
    default: grain = 0.03f * (fmodf(floorf(x / 16) + floorf(y / 12), 2) > 0.5f ? 1 : -1);
    }
    struct paint p = scale(grounds[s->ground], 0.86f + 0.2f * depth + grain);
    return y < horizon + 2 ? mix(p, walls[s->wall], 0.3f) : p;
}

static struct paint sample(const struct scene *s, float x, float y)
{
    struct paint p;
    for (int i = s->count - 1; i >= 0; i--)
        if (sample_object(&s->objects[i], x, y, &p))
            return p;
    return scale(background(s, x, y), shadow(s, x, y));
}

void scene_draw(const struct scene *s, uint8_t *rgb)
{
    for (int y = 0; y < SCENE_H; y++)
        for (int x = 0; x < SCENE_W; x++) {
            struct paint sum = {0, 0, 0};
            for (int i = 0; i < 4; i++) {
                struct paint p = sample(s, (float)x + 0.25f + 0.5f * (float)(i % 2),
                                        (float)y + 0.25f + 0.5f * (float)(i / 2));
                sum = (struct paint){sum.r + p.r, sum.g + p.g, sum.b + p.b};
            }
            uint8_t *to = rgb + 3 * (y * SCENE_W + x);
            to[0] = (uint8_t)(clamp01(sum.r / 4) * 255 + 0.5f);
            to[1] = (uint8_t)(clamp01(sum.g / 4) * 255 + 0.5f);
            to[2] = (uint8_t)(clamp01(sum.b / 4) * 255 + 0.5f);
        }
}
