/* SPDX-License-Identifier: MIT */
/* The pickle machine's stack: values, operands, numbers, text, containers, and the memo. */
#include "src/formats/pickle_priv.h"

#include "src/formats/pickletext.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* More values than any checkpoint or key list has; bounds the memory of a hostile file. */
#define MAX_VALUES 8000000

int pickle_fail(struct machine *m, int code, const char *fmt, ...)
{
    char why[256];
    va_list ap;
    va_start(ap, fmt);
    struct vs_err inner = {0};
    vs_vfail(&inner, code, fmt, ap);
    va_end(ap);
    memcpy(why, inner.text, sizeof why - 1);
    why[sizeof why - 1] = '\0';
    return vs_fail(m->err, code, "%s: pickle, byte %zu: %s", m->name, m->op_at, why);
}

void *pickle_grow(void *list, size_t need, size_t *cap, size_t size)
{
    if (need <= *cap)
        return list;
    size_t n = *cap ? *cap : 16;
    while (n < need)
        n *= 2;
    *cap = n;
    return xreallocarray(list, n, size);
}

/* ---- values */

struct pval *pickle_new_value(struct machine *m, enum pkind kind)
{
    if (m->p->count >= MAX_VALUES) {
        FAIL(m, VS_E_LIMIT, "more than %d values", MAX_VALUES);
        return NULL;
    }
    struct node *n = xcalloc(1, sizeof *n);
    n->v.kind = kind;
    n->next = m->p->nodes;
    m->p->nodes = n;
    m->p->count++;
    return &n->v;
}

void pickle_add_item(struct pval *v, struct pval *item)
{
    struct node *n = (struct node *)v;
    v->items = pickle_grow(v->items, v->count + 1, &n->cap, sizeof *v->items);
    v->items[v->count++] = item;
}

int pickle_push(struct machine *m, struct pval *v)
{
    if (!v)
        return VS_E_LIMIT;
    m->stack = pickle_grow(m->stack, m->depth + 1, &m->stack_cap, sizeof *m->stack);
    m->stack[m->depth++] = v;
    return 0;
}

/* The stack above the last mark; popping below it is an error, as in Python. */
size_t pickle_stack_floor(const struct machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

struct pval *pickle_pop(struct machine *m)
{
    if (m->depth <= pickle_stack_floor(m)) {
        FAIL(m, VS_E_FORMAT, "the stack is empty");
        return NULL;
    }
    return m->stack[--m->depth];
}

struct pval *pickle_top(struct machine *m)
{
    if (m->depth <= pickle_stack_floor(m)) {
        FAIL(m, VS_E_FORMAT, "the stack is empty");
        return NULL;
    }
    return m->stack[m->depth - 1];
}

/* Removes the last mark; *from is where its items begin. */
int pickle_pop_mark(struct machine *m, size_t *from)
{
    if (m->mark_count == 0)
        return FAIL(m, VS_E_FORMAT, "no mark on the stack");
    *from = m->marks[--m->mark_count];
    return 0;
}

int pickle_push_int(struct machine *m, enum pkind kind, int64_t x)
{
    struct pval *v = pickle_new_value(m, kind);
    if (v)
        v->integer = x;
    return pickle_push(m, v);
}

/* ---- reading operands */

static int stack_take(struct machine *m, uint64_t n, const uint8_t **out)
{
    if (n > m->size - m->at)
        return FAIL(m, VS_E_FORMAT, "cut off: %" PRIu64 " bytes expected, %zu left: damaged or "
                    "not completely copied", n, m->size - m->at);
    *out = m->data + m->at;
    m->at += (size_t)n;
    return 0;
}

int pickle_take_uint(struct machine *m, int bytes, uint64_t *out)
{
    const uint8_t *p = NULL;
    int rc = stack_take(m, (uint64_t)bytes, &p);
    *out = 0;
    for (int i = 0; rc == 0 && i < bytes; i++)
        *out |= (uint64_t)p[i] << (8 * i);
    return rc;
}

/* A line without its end. */
int pickle_take_line(struct machine *m, const char **line, size_t *len)
{
    const uint8_t *start = m->data + m->at;
    const uint8_t *end = m->at < m->size ? memchr(start, '\n', m->size - m->at) : NULL;
    if (!end)
        return FAIL(m, VS_E_FORMAT, "cut off in a line");
    *line = (const char *)start;
    *len = (size_t)(end - start);
    m->at += *len + 1;
    return 0;
}

int pickle_push_bytes(struct machine *m, enum pkind kind, int length_bytes)
{
    uint64_t n;
    const uint8_t *p = NULL;
    int rc = pickle_take_uint(m, length_bytes, &n);
    if (rc == 0)
        rc = stack_take(m, n, &p);
    if (rc != 0)
        return rc;
    struct pval *v = pickle_new_value(m, kind);
    if (v) {
        v->bytes = p;
        v->len = (size_t)n;
    }
    return pickle_push(m, v);
}

/* ---- numbers */

int pickle_op_int_line(struct machine *m, bool is_long)
{
    const char *s = NULL;
    size_t n = 0;
    int64_t x;
    int rc = pickle_take_line(m, &s, &n);
    if (rc != 0)
        return rc;
    if (!is_long && n == 2 && s[0] == '0' && (s[1] == '0' || s[1] == '1'))
        return pickle_push_int(m, PK_BOOL, s[1] == '1');
    if (pickle_decimal(s, n, &x) != 0)
        return FAIL(m, VS_E_FORMAT, "a number that cannot be read");
    return pickle_push_int(m, PK_INT, x);
}

/* LONG1, LONG4: two's complement, little endian, any length. */
int pickle_op_long(struct machine *m, int length_bytes)
{
    int rc = pickle_push_bytes(m, PK_BIGINT, length_bytes);
    if (rc != 0)
        return rc;
    struct pval *v = m->stack[m->depth - 1];
    if (v->len > 8)
        return 0;
    uint64_t x = v->len && v->bytes[v->len - 1] & 0x80 ? ~(uint64_t)0 : 0;
    for (size_t i = v->len; i-- > 0;)
        x = x << 8 | v->bytes[i];
    v->kind = PK_INT;
    v->integer = (int64_t)x;
    return 0;
}

int pickle_op_float(struct machine *m, bool line)
{
    double x = 0;
    int rc;
    if (line) {
        char text[64], *end;
        const char *s = NULL;
        size_t n = 0;
        rc = pickle_take_line(m, &s, &n);
        if (rc == 0 && (n == 0 || n >= sizeof text))
            rc = FAIL(m, VS_E_FORMAT, "a number that cannot be read");
        if (rc == 0) {
            memcpy(text, s, n);
            text[n] = '\0';
            x = strtod(text, &end);
            if (*end)
                rc = FAIL(m, VS_E_FORMAT, "a number that cannot be read");
        }
    } else {
        const uint8_t *p = NULL;
        uint64_t bits = 0;
        rc = stack_take(m, 8, &p);
        for (int i = 0; rc == 0 && i < 8; i++)
            bits = bits << 8 | p[i];
        memcpy(&x, &bits, sizeof x);
    }
    if (rc != 0)
        return rc;
    struct pval *v = pickle_new_value(m, PK_FLOAT);
    if (v)
        v->number = x;
    return pickle_push(m, v);
}

/* ---- text of protocol 0 */

/* Give v bytes of its own, at most cap of them, to be filled by the caller. */
uint8_t *pickle_own_bytes(struct pval *v, size_t cap)
{
    struct node *n = (struct node *)v;
    n->owned = xmalloc(cap + 1);
    v->bytes = n->owned;
    return n->owned;
}

/* STRING: 'repr' of a Python 2 str. */
int pickle_op_string(struct machine *m)
{
    const char *s = NULL;
    size_t len = 0;
    int rc = pickle_take_line(m, &s, &len);
    if (rc != 0)
        return rc;
    while (len && (s[len - 1] == '\r' || s[len - 1] == ' '))
        len--;
    if (len < 2 || (s[0] != '\'' && s[0] != '"') || s[len - 1] != s[0])
        return FAIL(m, VS_E_FORMAT, "a string without its quotes");
    struct pval *v = pickle_new_value(m, PK_BYTES);
    if (!v)
        return VS_E_LIMIT;
    uint8_t *out = pickle_own_bytes(v, len);
    v->len = pickle_unquote(s + 1, len - 2, out);
    return pickle_push(m, v);
}

/* UNICODE: latin-1 with \uXXXX and \UXXXXXXXX. */
int pickle_op_unicode(struct machine *m)
{
    const char *s = NULL;
    size_t len = 0;
    int rc = pickle_take_line(m, &s, &len);
    if (rc != 0)
        return rc;
    struct pval *v = pickle_new_value(m, PK_STRING);
    if (!v)
        return VS_E_LIMIT;
    uint8_t *out = pickle_own_bytes(v, 2 * len);
    v->len = pickle_unescape(s, len, out);
    return pickle_push(m, v);
}

/* ---- containers */

int pickle_gather(struct machine *m, enum pkind kind, size_t from)
{
    struct pval *v = pickle_new_value(m, kind);
    if (!v)
        return VS_E_LIMIT;
    for (size_t i = from; i < m->depth; i++)
        pickle_add_item(v, m->stack[i]);
    m->depth = from;
    if (kind == PK_DICT && v->count % 2)
        return FAIL(m, VS_E_FORMAT, "a key without a value");
    return pickle_push(m, v);
}

int pickle_gather_mark(struct machine *m, enum pkind kind)
{
    size_t from = 0;
    int rc = pickle_pop_mark(m, &from);
    return rc ? rc : pickle_gather(m, kind, from);
}

int pickle_op_tuple(struct machine *m, size_t n)
{
    if (m->depth - pickle_stack_floor(m) < n)
        return FAIL(m, VS_E_FORMAT, "the stack is empty");
    return pickle_gather(m, PK_TUPLE, m->depth - n);
}

/* Move the items above from into the container below them; those of an object that is none of ours
 * mean nothing. */
static int stack_extend(struct machine *m, size_t from, enum pkind kind)
{
    if (from > pickle_stack_floor(m) && m->stack[from - 1]->kind == PK_OBJECT) {
        m->depth = from;
        return 0;
    }
    if (from <= pickle_stack_floor(m) || m->stack[from - 1]->kind != kind)
        return FAIL(m, VS_E_FORMAT, "items for something that cannot hold them");
    if (kind == PK_DICT && (m->depth - from) % 2)
        return FAIL(m, VS_E_FORMAT, "a key without a value");
    struct pval *v = m->stack[from - 1];
    for (size_t i = from; i < m->depth; i++)
        pickle_add_item(v, m->stack[i]);
    m->depth = from;
    return 0;
}

int pickle_extend_mark(struct machine *m, enum pkind kind)
{
    size_t from = 0;
    int rc = pickle_pop_mark(m, &from);
    return rc ? rc : stack_extend(m, from, kind);
}

int pickle_extend_by(struct machine *m, size_t n, enum pkind kind)
{
    if (m->depth - pickle_stack_floor(m) < n + 1)
        return FAIL(m, VS_E_FORMAT, "the stack is empty");
    return stack_extend(m, m->depth - n, kind);
}

/* ---- memo */

int pickle_memo_put(struct machine *m, uint64_t i)
{
    struct pval *v = pickle_top(m);
    if (!v)
        return VS_E_FORMAT;
    /* Writers number the memo densely; a leap would only serve to use up memory. */
    if (i > m->ops + 256)
        return FAIL(m, VS_E_FORMAT, "memo number %" PRIu64 " is out of order", i);
    size_t old = m->memo_cap;
    m->memo = pickle_grow(m->memo, (size_t)i + 1, &m->memo_cap, sizeof *m->memo);
    if (m->memo_cap > old)
        memset(m->memo + old, 0, (m->memo_cap - old) * sizeof *m->memo);
    m->memo[i] = v;
    if (i >= m->memo_count)
        m->memo_count = (size_t)i + 1;
    return 0;
}

int pickle_memo_get(struct machine *m, uint64_t i)
{
    if (i >= m->memo_count || !m->memo[i])
        return FAIL(m, VS_E_FORMAT, "memo number %" PRIu64 " was never written", i);
    return pickle_push(m, m->memo[i]);
}

int pickle_memo_line(struct machine *m, int (*what)(struct machine *, uint64_t))
{
    const char *s = NULL;
    size_t n = 0;
    int64_t i = 0;
    int rc = pickle_take_line(m, &s, &n);
    if (rc == 0 && (pickle_decimal(s, n, &i) != 0 || i < 0))
        rc = FAIL(m, VS_E_FORMAT, "a memo number is not one");
    return rc ? rc : what(m, (uint64_t)i);
}

int pickle_memo_binary(struct machine *m, int bytes, int (*what)(struct machine *, uint64_t))
{
    uint64_t i;
    int rc = pickle_take_uint(m, bytes, &i);
    return rc ? rc : what(m, i);
}
