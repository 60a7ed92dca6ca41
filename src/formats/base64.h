/* SPDX-License-Identifier: MIT */
/* Base64, as features stand in text. */
#ifndef VS_BASE64_H
#define VS_BASE64_H

#include "src/base/mem.h"

#include <stddef.h>
#include <stdint.h>

/* Enough for what len characters decode to. */
#define BASE64_ROOM(len) ((len) / 4 * 3 + 3)

/* Decodes s into out (size bytes); the number of bytes, or -1 for what is not base64 or longer. New
 * lines are passed over: older encoders put one after every 76 characters. */
int64_t base64_decode(const char *s, size_t len, uint8_t *out, size_t size);
/* Appends data as base64, padded, in one line. */
void base64_encode(const void *data, size_t len, struct buf *out);

#endif
