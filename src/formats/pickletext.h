/* SPDX-License-Identifier: MIT */
/* What of a pickle needs no machine: the literals of protocol 0. */
#ifndef VS_PICKLETEXT_H
#define VS_PICKLETEXT_H

#include <stddef.h>
#include <stdint.h>

/* A whole number, "12" or "12L"; -1 when it is none. */
int pickle_decimal(const char *s, size_t len, int64_t *out);
/* The inside of a quoted Python 2 string without its escapes; out has room for len bytes. Returns
 * the number of bytes. */
size_t pickle_unquote(const char *s, size_t len, uint8_t *out);
/* Latin-1 with \uXXXX and \UXXXXXXXX as UTF-8; out has room for 2 len bytes. Returns the
 * number of bytes. */
size_t pickle_unescape(const char *s, size_t len, uint8_t *out);

#endif
