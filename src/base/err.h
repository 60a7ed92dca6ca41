/* SPDX-License-Identifier: MIT */
/* Errors as values.
 *
 * A function that can fail returns 0 or a negative enum vs_code, and leaves one line for the user
 * in a struct vs_err: what is wrong, where, and what to do about it. */
#ifndef VS_ERR_H
#define VS_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum vs_code {
    VS_OK = 0,
    VS_E_USAGE = -1,    /* the command line or a key press asks for something impossible */
    VS_E_IO = -2,       /* the operating system said no */
    VS_E_FORMAT = -3,   /* a file is not what it should be */
    VS_E_MISSING = -4,  /* something named is not there (a tensor, a key, a table row) */
    VS_E_LIMIT = -5,    /* too large, too many, out of memory for a size that a file asked for */
    VS_E_REFUSED = -6,  /* well formed, but unsafe or unsupported on purpose */
    VS_E_CANCELLED = -7,
    VS_E_DB = -8,       /* the log database */
    VS_E_DIVERGED = -9, /* weights, or what they make of an input, are NaN or infinite */
    VS_E_GONE = -10     /* the server that computes is not there any more */
};

/* One message. Zero-initialise; the text is always NUL terminated and has no new line. */
struct vs_err {
    int code;
    char text[600];
};

/* Format a message into err (which may be NULL) and return code, so that callers can write
 * "return vs_fail(err, VS_E_FORMAT, ...)". It is cleaned (plain_clean), so that a hostile
 * file name cannot drive the terminal. */
int vs_fail(struct vs_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int vs_vfail(struct vs_err *err, int code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Whether it is of all that is still to be asked, not of one item that could be left out. */
static inline bool vs_is_of_all(int code)
{
    return code == VS_E_CANCELLED || code == VS_E_GONE;
}

/* Put "prefix: " before the message that err already holds; returns err->code. */
int vs_fail_prefix(struct vs_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
