/* SPDX-License-Identifier: MIT */
/* A file's bytes, and their digest. */
#ifndef VS_BYTES_H
#define VS_BYTES_H

#include "src/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What tells one state of a file from another, as far as the file system knows. */
struct file_id {
    uint64_t device, inode, size;
    int64_t written, changed; /* ns: mtime, ctime */
};

struct bytes {
    const uint8_t *data; /* NULL for an empty file */
    size_t size;
    char *path;
    struct file_id id;   /* when it was opened */
    bool mapped;         /* else in memory, or the caller's */
    int guard;           /* of a map (guard.h) */
};

/* Open a regular file; anything else (folder, FIFO, device) is refused. bytes_close frees.
 *
 * bytes_open: for files that are read once. Up to 64 MB are read into memory, and a file that is
 * written meanwhile is refused; larger ones are mapped. bytes_map always maps. */
int bytes_open(const char *path, struct bytes *out, struct vs_err *err);
int bytes_map(const char *path, struct bytes *out, struct vs_err *err);
void bytes_close(struct bytes *b);
/* The same without the UTF-8 byte order mark that text from some systems begins with: else it would
 * be a part of the first word. A view, which is not closed. */
struct bytes bytes_text(const struct bytes *b);
/* Memory lets go of a map, which is read again when it is looked at; others stay. */
void bytes_rest(const struct bytes *b);
/* Lowercase hexadecimal SHA-256 of all of it. */
void bytes_digest(const struct bytes *b, char hex[65]);
/* After reading from a map: rc, unless the file was written or cut short since it was opened; then
 * that is the error, whatever rc says: what was read may be a mixture. A file that was replaced by
 * another of its name is what it was. */
int bytes_check(const struct bytes *b, int rc, struct vs_err *err);
/* The state of the file at path; false when it cannot be asked. */
bool file_id_of(const char *path, struct file_id *out);
bool file_id_same(const struct file_id *a, const struct file_id *b);
/* Whether two names are of one file or folder, which is there: what is read is not written over.
 * Devices are none. */
bool file_is_at(const char *a, const char *b);

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
