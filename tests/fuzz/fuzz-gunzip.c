/* SPDX-License-Identifier: MIT */
/* Text compressed by gzip. Bytes that are gzip's are read as they are, and once more with a
 * checksum that fits, without which changed ones end there. Others are compressed, in parts and
 * with what a header may have: the regions in them are to be those of the text itself. */
#include "src/formats/gunzip.h"
#include "tests/fuzz/fuzz_regions.h"

#include <string.h>
#include <zlib.h>

#define TEXT_MOST ((size_t)1 << 20)

static void read_bytes(const uint8_t *data, size_t size)
{
    char path[64];
    struct bytes b = {0};
    struct vs_err err = {0};
    int fd = fuzz_file(data, size, path);
    if (gunzip_open(path, &b, &err) != 0 && !err.text[0])
        abort();
    bytes_close(&b);
    fuzz_regions(path, "9");
    close(fd);
}

/* What the deflated part behind a plain header makes, whatever was said of it. */
static void read_repaired(const uint8_t *data, size_t size)
{
    z_stream s = {.zalloc = NULL};
    uint8_t *text = xcalloc(TEXT_MOST, 1), *file = xcalloc(size + 8, 1);
    size_t head = 10;
    if (size > head && inflateInit2(&s, -MAX_WBITS) == Z_OK) {
        s.next_in = (Bytef *)(uintptr_t)(data + head);
        s.avail_in = (uInt)(size - head);
        s.next_out = text;
        s.avail_out = (uInt)TEXT_MOST;
        if (inflate(&s, Z_FINISH) == Z_STREAM_END) {
            size_t used = size - s.avail_in, n = TEXT_MOST - s.avail_out;
            uLong sum = crc32(0, text, (uInt)n);
            memcpy(file, data, used);
            file[3] = 0; /* no more header */
            for (size_t i = 0; i < 4; i++) {
                file[used + i] = (uint8_t)(sum >> (8 * i));
                file[used + 4 + i] = (uint8_t)(n >> (8 * i));
            }
            read_bytes(file, used + 8);
        }
        inflateEnd(&s);
    }
    free(text);
    free(file);
}

static size_t deflate_part(const uint8_t *data, size_t size, int flags, uint8_t *out, size_t room)
{
    z_stream s = {.zalloc = NULL};
    gz_header head = {.text = flags & 1, .hcrc = (flags >> 1) & 1};
    uint8_t name[] = "x.jsonl";
    if (deflateInit2(&s, flags & 8 ? 9 : 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY))
        abort();
    if (flags & 4) {
        head.name = head.comment = head.extra = name;
        head.extra_len = sizeof name;
    }
    if (deflateSetHeader(&s, &head) != Z_OK)
        abort();
    s.next_in = (Bytef *)(uintptr_t)data;
    s.avail_in = (uInt)size;
    s.next_out = out;
    s.avail_out = (uInt)room;
    if (deflate(&s, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&s);
    return room - s.avail_out;
}

/* Digest of the only image, or of 9; "" where there is none. */
static void digest_of(const uint8_t *data, size_t size, char out[DIGEST_HEX])
{
    char path[64];
    struct regions *r = NULL;
    int fd = fuzz_file(data, size, path);
    out[0] = '\0';
    if (regions_open(path, "9", &r, NULL) == 0 && r->image_id) /* else named as the file is */
        memcpy(out, r->digest, DIGEST_HEX);
    regions_free(r);
    close(fd);
}

static void read_compressed(const uint8_t *text, size_t size)
{
    char plain[DIGEST_HEX], packed[DIGEST_HEX];
    size_t half = size / 2, room = size + 4096;
    uint8_t *file = xcalloc(room, 1);
    int flags = size ? text[size - 1] : 0; /* of the last byte, most often the end of a line */
    size_t n = deflate_part(text, half, flags, file, room);
    n += deflate_part(text + half, size - half, flags >> 4, file + n, room - n);
    struct bytes b = {0};
    char path[64];
    int fd = fuzz_file(file, n, path);
    if (gunzip_open(path, &b, NULL) != 0 || b.size != size ||
        (size && memcmp(b.data, text, size) != 0))
        abort();
    bytes_close(&b);
    close(fd);
    digest_of(text, size, plain);
    digest_of(file, n, packed);
    if (strcmp(plain, packed) != 0)
        abort();
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_MOST)
        return 0;
    if (size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0) {
        read_bytes(data, size);
        read_repaired(data, size);
    } else {
        read_compressed(data, size);
    }
    return 0;
}
