/* SPDX-License-Identifier: MIT */
/* Included before a library that is a header, whose warnings are not ours; between "#pragma GCC
 * diagnostic push" and "pop". Static functions that nobody calls are reported at the end of the
 * file: they are ignored there once more. */
#ifndef VS_QUIET_H
#define VS_QUIET_H

#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#endif
