/* SPDX-License-Identifier: MIT */
/* Modules: files with what uses libraries that are not wanted at every start. */
#ifndef VS_MODULEFILE_H
#define VS_MODULEFILE_H

#include <stddef.h>

/* The symbol of a module, which lies beside the program as it is built, or where it is installed.
 * NULL: why says what is wrong, "" when there is no such file. The module stays open. */
const void *module_symbol(const char *file, const char *symbol, char *why, size_t size);

#endif
