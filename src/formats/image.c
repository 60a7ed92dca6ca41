/* SPDX-License-Identifier: MIT */
/* Opening a picture: what its markers say. The pixels are decoded in decode.c.
 *
 * Source: ITU T.81 (JPEG markers), PNG specification (IHDR), EXIF 2.3 (orientation tag 0x0112). */
#include "src/formats/image.h"

#include "src/formats/image_priv.h"
#include "src/base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)256 << 20)
#define MAX_PIXELS 64000000
#define MAX_SIDE 30000

static uint32_t image_tiff(const uint8_t *p, int n, bool little)
{
    return little ? image_le(p, n) : image_be(p, n);
}

/* The orientation in an APP1 segment's TIFF structure; 1 when there is none or it is damaged. */
static int exif_orientation(const uint8_t *d, size_t n)
{
    if (n < 14 || memcmp(d, "Exif\0\0", 6) != 0)
        return 1;
    d += 6;
    n -= 6;
    bool little = d[0] == 'I';
    if (memcmp(d, little ? "II" : "MM", 2) != 0 || image_tiff(d + 2, 2, little) != 42)
        return 1;
    size_t at = image_tiff(d + 4, 4, little);
    if (at > n || n - at < 2)
        return 1;
    size_t count = image_tiff(d + at, 2, little);
    at += 2;
    for (size_t i = 0; i < count && n - at >= 12; i++, at += 12)
        if (image_tiff(d + at, 2, little) == 0x0112) {
            uint32_t v = image_tiff(d + at + 8, 2, little);
            return v >= 1 && v <= 8 ? (int)v : 1;
        }
    return 1;
}

static bool is_frame(int marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Walks the segments up to the frame header. */
static bool read_jpeg(const uint8_t *d, size_t size, struct image_header *h)
{
    for (size_t at = 2; size - at >= 4;) {
        if (d[at] != 0xff)
            return false;
        int marker = d[at + 1];
        if (marker == 0xff) { /* fill bytes */
            at++;
            continue;
        }
        size_t len = image_be(d + at + 2, 2);
        if (len < 2 || len > size - at - 2 || marker == 0xda || marker == 0xd9)
            return false;
        const uint8_t *body = d + at + 4;
        if (marker == 0xe1 && h->orientation == 1)
            h->orientation = exif_orientation(body, len - 2);
        if (is_frame(marker) && len >= 8) {
            h->height = (int)image_be(body + 1, 2);
            h->width = (int)image_be(body + 3, 2);
            return true;
        }
        at += 2 + len;
    }
    return false;
}

static bool read_png(const uint8_t *d, size_t size, struct image_header *h)
{
    if (size < 33 || memcmp(d + 12, "IHDR", 4) != 0)
        return false;
    uint32_t w = image_be(d + 16, 4), hh = image_be(d + 20, 4);
    h->width = w > INT32_MAX ? -1 : (int)w;
    h->height = hh > INT32_MAX ? -1 : (int)hh;
    return true;
}

static bool is_jpeg(const uint8_t *d, size_t n)
{
    return n >= 4 && memcmp(d, "\xff\xd8\xff", 3) == 0;
}

static bool is_png(const uint8_t *d, size_t n)
{
    return n >= 8 && memcmp(d, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_gif(const uint8_t *d, size_t n)
{
    return n >= 6 && (memcmp(d, "GIF87a", 6) == 0 || memcmp(d, "GIF89a", 6) == 0);
}

static bool is_bmp(const uint8_t *d, size_t n)
{
    return n >= 18 && memcmp(d, "BM", 2) == 0 && d[14] >= 12 && !d[15] && !d[16] && !d[17];
}

static bool is_pnm(const uint8_t *d, size_t n)
{
    return n >= 3 && d[0] == 'P' && d[1] >= '1' && d[1] <= '6' &&
           (d[2] == '#' || d[2] == ' ' || (d[2] >= '\t' && d[2] <= '\r'));
}

static bool is_webp(const uint8_t *d, size_t n)
{
    return n >= 12 && memcmp(d, "RIFF", 4) == 0 && memcmp(d + 8, "WEBP", 4) == 0;
}

const struct image_format image_formats[] = {
    [IMAGE_JPEG] = {"JPEG", is_jpeg, read_jpeg, decode_jpeg},
    [IMAGE_PNG] = {"PNG", is_png, read_png, decode_png},
    [IMAGE_GIF] = {"GIF", is_gif, gif_header, decode_gif},
    [IMAGE_BMP] = {"BMP", is_bmp, bmp_header, decode_bmp},
    [IMAGE_PNM] = {"PNM", is_pnm, pnm_header, decode_pnm},
    [IMAGE_WEBP] = {"WebP", is_webp, webp_header, decode_webp},
};
_Static_assert(sizeof image_formats / sizeof image_formats[0] == IMAGE_KINDS, "a row a kind");

bool image_sniff(const uint8_t *d, size_t n, enum image_kind *kind)
{
    for (int i = 0; i < IMAGE_KINDS; i++)
        if (image_formats[i].is(d, n)) {
            *kind = (enum image_kind)i;
            return true;
        }
    return false;
}

static int image_refuse(const struct bytes *map, struct vs_err *err)
{
    struct buf names = {0};
    if (map->size == 0)
        return vs_fail(err, VS_E_FORMAT, "%s: the file is empty", map->path);
    for (int i = 0; i < IMAGE_KINDS; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", image_formats[i].name);
    vs_fail(err, VS_E_FORMAT, "%s: not an image of a known kind (%s): convert it first",
            map->path, names.data);
    buf_fini(&names);
    return VS_E_FORMAT;
}

int image_header_read(const struct bytes *map, struct image_header *h, struct vs_err *err)
{
    *h = (struct image_header){.orientation = 1};
    if (map->size > MAX_FILE)
        return vs_fail(err, VS_E_LIMIT, "%s: larger than 256 MB", map->path);
    if (!image_sniff(map->data, map->size, &h->kind))
        return image_refuse(map, err);
#ifndef HAVE_LIBWEBP
    if (h->kind == IMAGE_WEBP)
        return vs_fail(err, VS_E_FORMAT, "%s: a WebP image, and this vilscope was built without "
                       "libwebp: convert it to PNG", map->path);
#endif
    if (!image_formats[h->kind].header(map->data, map->size, h) || h->width < 1 || h->height < 1)
        return vs_fail(err, VS_E_FORMAT, "%s: the %s header is damaged", map->path,
                       image_formats[h->kind].name);
    if (h->width > MAX_SIDE || h->height > MAX_SIDE ||
        (int64_t)h->width * h->height > MAX_PIXELS)
        return vs_fail(err, VS_E_LIMIT, "%s: %dx%d pixels, more than %d million or %d on a side: "
                       "scale it down", map->path, h->width, h->height, MAX_PIXELS / 1000000,
                       MAX_SIDE);
    return 0;
}

int image_open(const char *path, struct image **out, struct vs_err *err)
{
    struct bytes map;
    struct image_header h;
    uint8_t *rgb = NULL;
    int rc = bytes_open(path, &map, err);
    if (rc != 0)
        return rc;
    rc = image_header_read(&map, &h, err);
    if (rc == 0)
        rc = image_decode(&map, &h, &rgb, err);
    if (rc == 0) {
        struct image *im = xcalloc(1, sizeof *im);
        im->width = h.width;
        im->height = h.height;
        im->orientation = h.orientation;
        im->rgb = rgb;
        digest_bytes(map.data, map.size, im->digest);
        *out = im;
    }
    bool made = rc == 0;
    rc = bytes_check(&map, rc, err);
    if (made && rc != 0) {
        image_free(*out);
        *out = NULL;
    }
    bytes_close(&map);
    return rc;
}

void image_turn(struct image *im)
{
    static const bool swapped[9] = {0, 0, 0, 0, 0, 1, 1, 1, 1};
    static const bool right_left[9] = {0, 0, 1, 1, 0, 0, 0, 1, 1}; /* of the source's columns... */
    static const bool bottom_top[9] = {0, 0, 0, 1, 1, 0, 1, 1, 0}; /* ...and rows */
    int o = im->orientation, w = im->width, h = im->height;
    if (o <= 1 || o > 8)
        return;
    int to_w = swapped[o] ? h : w, to_h = swapped[o] ? w : h;
    uint8_t *out = xmalloc((size_t)w * (size_t)h * 3);
    for (int y = 0; y < to_h; y++)
        for (int x = 0; x < to_w; x++) {
            int sx = swapped[o] ? y : x, sy = swapped[o] ? x : y;
            sx = right_left[o] ? w - 1 - sx : sx;
            sy = bottom_top[o] ? h - 1 - sy : sy;
            memcpy(out + 3 * ((size_t)y * (size_t)to_w + (size_t)x),
                   im->rgb + 3 * ((size_t)sy * (size_t)w + (size_t)sx), 3);
        }
    free(im->rgb);
    *im = (struct image){.width = to_w, .height = to_h, .rgb = out, .orientation = 1};
    digest_bytes(out, (size_t)w * (size_t)h * 3, im->digest);
}

void image_free(struct image *im)
{
    if (!im)
        return;
    free(im->rgb);
    free(im);
}
