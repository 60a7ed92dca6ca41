/* SPDX-License-Identifier: MIT */
/* Memory: the x functions end the program when there is none left (a bug or a full machine); the
 * vs_try functions are for sizes that come from outside and fail softly. */
#ifndef VS_MEM_H
#define VS_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of these return memory that the caller frees with free(). */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrdup_null(const char *s); /* NULL stays NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Whether two texts are equal; NULL is an empty one. */
bool text_equals(const char *a, const char *b);
/* Whether s ends in end, or is it. */
bool ends_in(const char *s, const char *end);
/* A sentence more in *note, which is NULL or owned by the caller: "one; another". */
void note_add(char **note, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* a * b, or a number of which no memory has so many bytes: sizes from files multiply to more than a
 * 32-bit machine can count. */
static inline size_t vs_times(size_t a, size_t b)
{
    size_t n;
    return __builtin_mul_overflow(a, b, &n) || n > SIZE_MAX / 2 ? SIZE_MAX / 2 : n;
}
/* count * size zeroed bytes, or NULL on overflow or when there is no memory. */
void *vs_try_calloc(size_t count, size_t size);

/* qsort, which must not be given NULL: a list of nothing is sorted. */
void vs_sort(void *list, size_t count, size_t size, int (*order)(const void *, const void *));

/* A growing byte buffer; zero-initialise, free with buf_fini. The data is kept NUL terminated. */
struct buf {
    char *data;
    size_t len, cap;
};
void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Gives the string away (never NULL) and empties b; the caller frees it. */
char *buf_steal(struct buf *b);
void buf_fini(struct buf *b);

/* Monotonic time in milliseconds. */
double vs_now_ms(void);

#endif
