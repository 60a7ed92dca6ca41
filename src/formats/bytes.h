/* A file's bytes, mapped read-only, and their digest. */
#ifndef VS_BYTES_H
#define VS_BYTES_H

#include "src/err.h"

#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *data; /* NULL for an empty file */
    size_t size;
    char *path;
};

/* Map a regular file. Anything else (folder, FIFO, device) is refused. bytes_close frees. */
int bytes_open(const char *path, struct bytes *out, struct vs_err *err);
void bytes_close(struct bytes *b);

/* SHA-256, incremental. */
struct sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
};
#define DIGEST_HEX 65 /* 64 hexadecimal digits and a NUL */

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* Numbers of size bytes each as a file has them (little-endian): the same on every machine. */
void sha256_numbers(struct sha256 *s, const void *data, size_t count, size_t size);
void sha256_hex(struct sha256 *s, char hex[DIGEST_HEX]);
void digest_bytes(const void *data, size_t len, char hex[DIGEST_HEX]);

#endif
