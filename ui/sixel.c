/* Pictures as sixel sequences, on a fixed color cube with an ordered dither. Every pixel is set,
 * and only the colors that occur are defined.
 *
 * Source: DEC, VT330/VT340 Programmer Reference Manual, chapter 14. */
#include "ui/sixel.h"

#include <stdlib.h>
#include <string.h>

struct cube {
    int r, g, b; /* steps a channel */
};

/* The largest cube that fits; eyes see green best and blue least. */
static struct cube choose_cube(int colors)
{
    static const struct cube cubes[] = {{6, 6, 6}, {5, 6, 4}, {4, 5, 4}, {4, 4, 4}, {3, 4, 3},
                                        {3, 3, 3}, {2, 3, 2}, {2, 2, 2}};
    for (size_t i = 0; i < sizeof cubes / sizeof cubes[0]; i++)
        if (cubes[i].r * cubes[i].g * cubes[i].b <= colors)
            return cubes[i];
    return (struct cube){2, 1, 1};
}

/* Bayer's 8x8 matrix, by interleaving the bits of x^y and y; from -0.5 to 0.5. */
static float threshold(int x, int y)
{
    int v = 0, a = x ^ y, b = y;
    for (int i = 0; i < 3; i++)
        v = v << 2 | (a >> i & 1) << 1 | (b >> i & 1);
    return ((float)v + 0.5f) / 64 - 0.5f;
}

static int level(uint8_t value, int steps, float t)
{
    int v = (int)((float)value * (float)(steps - 1) / 255 + t + 0.5f);
    return v < 0 ? 0 : v >= steps ? steps - 1 : v;
}

/* A band of up to 6 rows: for each color the sixels of its columns. */
struct band {
    int w;
    uint8_t *bits; /* (256, w), zero but where used */
    int low[256], high[256]; /* the columns in use; low > high: none */
    bool defined[256];
};

static void collect(const struct canvas *c, struct cube k, int y, int h, struct band *b)
{
    float t[64];
    for (int i = 0; i < 64; i++)
        t[i] = threshold(i % 8, i / 8);
    for (int i = 0; i < h; i++) {
        const uint8_t *p = c->rgb + 3 * (size_t)(y + i) * (size_t)c->w;
        const float *row = t + 8 * ((y + i) % 8);
        for (int x = 0; x < c->w; x++, p += 3) {
            float d = row[x % 8];
            int color = (level(p[0], k.r, d) * k.g + level(p[1], k.g, d)) * k.b +
                        level(p[2], k.b, d);
            b->bits[(size_t)color * (size_t)c->w + (size_t)x] |= (uint8_t)(1 << i);
            b->low[color] = x < b->low[color] ? x : b->low[color];
            b->high[color] = x > b->high[color] ? x : b->high[color];
        }
    }
}

static void put_number(struct buf *out, int n)
{
    char digits[12];
    int len = 0;
    do
        digits[len++] = (char)('0' + n % 10);
    while (n /= 10);
    while (len > 0)
        buf_putc(out, digits[--len]);
}

/* A run of one sixel; short ones are cheaper written out. */
static void put_run(struct buf *out, int n, int bits)
{
    char c = (char)('?' + bits);
    if (n > 3) {
        buf_putc(out, '!');
        put_number(out, n);
        n = 1;
    }
    for (; n > 0; n--)
        buf_putc(out, c);
}

/* Says which color a number is, in hundredths of red, green, blue. */
static void define_color(struct buf *out, struct cube k, int color)
{
    int blue = color % k.b, green = color / k.b % k.g, red = color / k.b / k.g;
    const int part[3] = {k.r > 1 ? 100 * red / (k.r - 1) : 0,
                         k.g > 1 ? 100 * green / (k.g - 1) : 0,
                         k.b > 1 ? 100 * blue / (k.b - 1) : 0};
    buf_putc(out, '#');
    put_number(out, color);
    buf_puts(out, ";2");
    for (int i = 0; i < 3; i++) {
        buf_putc(out, ';');
        put_number(out, part[i]);
    }
}

/* Not every terminal chooses the color that it is told of, so that is said, too. */
static void put_color(struct buf *out, struct cube k, int color, struct band *b)
{
    if (!b->defined[color])
        define_color(out, k, color);
    b->defined[color] = true;
    buf_putc(out, '#');
    put_number(out, color);
}

/* Writes what the band holds, and empties it. */
static void put_band(struct buf *out, struct cube k, struct band *b)
{
    bool first = true;
    for (int color = 0; color < k.r * k.g * k.b; color++) {
        int low = b->low[color], high = b->high[color];
        uint8_t *bits = b->bits + (size_t)color * (size_t)b->w;
        if (low > high)
            continue;
        if (!first)
            buf_putc(out, '$');
        first = false;
        put_color(out, k, color, b);
        if (low > 0)
            put_run(out, low, 0);
        for (int x = low, from = low; x <= high; x++)
            if (x == high || bits[x + 1] != bits[from]) {
                put_run(out, x + 1 - from, bits[from]);
                from = x + 1;
            }
        memset(bits + low, 0, (size_t)(high - low + 1));
        b->low[color] = b->w;
        b->high[color] = -1;
    }
}

void sixel_encode_rows(const struct canvas *c, int y, int h, int colors, struct buf *out)
{
    struct cube k = choose_cube(colors > 256 ? 256 : colors);
    struct band b = {.w = c->w, .bits = xcalloc((size_t)c->w, 256)};
    for (int i = 0; i < 256; i++) {
        b.low[i] = c->w;
        b.high[i] = -1;
    }
    buf_puts(out, "\033Pq\"1;1;");
    put_number(out, c->w);
    buf_putc(out, ';');
    put_number(out, h);
    for (int i = 0; i < h; i += 6) {
        if (i > 0)
            buf_putc(out, '-');
        collect(c, k, y + i, h - i < 6 ? h - i : 6, &b);
        put_band(out, k, &b);
    }
    buf_puts(out, "\033\\");
    free(b.bits);
}

void sixel_encode(const struct canvas *c, int colors, struct buf *out)
{
    sixel_encode_rows(c, 0, c->h, colors, out);
}
