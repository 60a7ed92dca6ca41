/* The restricted pickle machine.
 *
 * Source: the opcode descriptions of CPython's pickletools. Every value is a node of one list, so
 * that freeing needs no recursion however deep a hostile file nests. */
#include "src/formats/pickle.h"

#include "src/formats/pickletext.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* More values than any checkpoint or key list has; bounds the memory of a hostile file. */
#define MAX_VALUES 8000000

struct node {
    struct pval v; /* first: a pval of ours is a node */
    size_t cap;
    uint8_t *owned; /* bytes that had to be decoded */
    struct node *next;
};

struct pickle {
    struct node *nodes;
    size_t count;
    struct pval *root;
};

struct machine {
    const uint8_t *data;
    size_t size, at, op_at;
    const char *const *allowed;
    const char *name;
    struct pickle *p;
    struct pval **stack;
    size_t depth, stack_cap;
    size_t *marks;
    size_t mark_count, mark_cap;
    struct pval **memo;
    size_t memo_count, memo_cap, ops;
    struct vs_err *err;
};

#define FAIL(m, code, ...) fail_at(m, code, __VA_ARGS__)

__attribute__((format(printf, 3, 4))) static int fail_at(struct machine *m, int code,
                                                         const char *fmt, ...)
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

static void *grow(void *list, size_t need, size_t *cap, size_t size)
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

static struct pval *new_value(struct machine *m, enum pkind kind)
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

static void add_item(struct pval *v, struct pval *item)
{
    struct node *n = (struct node *)v;
    v->items = grow(v->items, v->count + 1, &n->cap, sizeof *v->items);
    v->items[v->count++] = item;
}

static int push(struct machine *m, struct pval *v)
{
    if (!v)
        return VS_E_LIMIT;
    m->stack = grow(m->stack, m->depth + 1, &m->stack_cap, sizeof *m->stack);
    m->stack[m->depth++] = v;
    return 0;
}

/* The stack above the last mark; popping below it is an error, as in Python. */
static size_t stack_floor(const struct machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

static struct pval *pop(struct machine *m)
{
    if (m->depth <= stack_floor(m)) {
        FAIL(m, VS_E_FORMAT, "the stack is empty");
        return NULL;
    }
    return m->stack[--m->depth];
}

static struct pval *top(struct machine *m)
{
    if (m->depth <= stack_floor(m)) {
        FAIL(m, VS_E_FORMAT, "the stack is empty");
        return NULL;
    }
    return m->stack[m->depth - 1];
}

/* Removes the last mark; *from is where its items begin. */
static int pop_mark(struct machine *m, size_t *from)
{
    if (m->mark_count == 0)
        return FAIL(m, VS_E_FORMAT, "no mark on the stack");
    *from = m->marks[--m->mark_count];
    return 0;
}

static int push_int(struct machine *m, enum pkind kind, int64_t x)
{
    struct pval *v = new_value(m, kind);
    if (v)
        v->integer = x;
    return push(m, v);
}

/* ---- reading operands */

static int take(struct machine *m, uint64_t n, const uint8_t **out)
{
    if (n > m->size - m->at)
        return FAIL(m, VS_E_FORMAT, "cut off: %" PRIu64 " bytes wanted, %zu left", n,
                    m->size - m->at);
    *out = m->data + m->at;
    m->at += (size_t)n;
    return 0;
}

static int take_uint(struct machine *m, int bytes, uint64_t *out)
{
    const uint8_t *p = NULL;
    int rc = take(m, (uint64_t)bytes, &p);
    *out = 0;
    for (int i = 0; rc == 0 && i < bytes; i++)
        *out |= (uint64_t)p[i] << (8 * i);
    return rc;
}

/* A line without its end. */
static int take_line(struct machine *m, const char **line, size_t *len)
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

static int push_bytes(struct machine *m, enum pkind kind, int length_bytes)
{
    uint64_t n;
    const uint8_t *p = NULL;
    int rc = take_uint(m, length_bytes, &n);
    if (rc == 0)
        rc = take(m, n, &p);
    if (rc != 0)
        return rc;
    struct pval *v = new_value(m, kind);
    if (v) {
        v->bytes = p;
        v->len = (size_t)n;
    }
    return push(m, v);
}

/* ---- numbers */

static int op_int_line(struct machine *m, bool is_long)
{
    const char *s = NULL;
    size_t n = 0;
    int64_t x;
    int rc = take_line(m, &s, &n);
    if (rc != 0)
        return rc;
    if (!is_long && n == 2 && s[0] == '0' && (s[1] == '0' || s[1] == '1'))
        return push_int(m, PK_BOOL, s[1] == '1');
    if (pickle_decimal(s, n, &x) != 0)
        return FAIL(m, VS_E_FORMAT, "a number that cannot be read");
    return push_int(m, PK_INT, x);
}

/* LONG1, LONG4: two's complement, little endian, any length. */
static int op_long(struct machine *m, int length_bytes)
{
    int rc = push_bytes(m, PK_BIGINT, length_bytes);
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

static int op_float(struct machine *m, bool line)
{
    double x = 0;
    int rc;
    if (line) {
        char text[64], *end;
        const char *s = NULL;
        size_t n = 0;
        rc = take_line(m, &s, &n);
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
        rc = take(m, 8, &p);
        for (int i = 0; rc == 0 && i < 8; i++)
            bits = bits << 8 | p[i];
        memcpy(&x, &bits, sizeof x);
    }
    if (rc != 0)
        return rc;
    struct pval *v = new_value(m, PK_FLOAT);
    if (v)
        v->number = x;
    return push(m, v);
}

/* ---- text of protocol 0 */

/* Give v bytes of its own, at most cap of them, to be filled by the caller. */
static uint8_t *own_bytes(struct pval *v, size_t cap)
{
    struct node *n = (struct node *)v;
    n->owned = xmalloc(cap + 1);
    v->bytes = n->owned;
    return n->owned;
}

/* STRING: 'repr' of a Python 2 str. */
static int op_string(struct machine *m)
{
    const char *s = NULL;
    size_t len = 0;
    int rc = take_line(m, &s, &len);
    if (rc != 0)
        return rc;
    while (len && (s[len - 1] == '\r' || s[len - 1] == ' '))
        len--;
    if (len < 2 || (s[0] != '\'' && s[0] != '"') || s[len - 1] != s[0])
        return FAIL(m, VS_E_FORMAT, "a string without its quotes");
    struct pval *v = new_value(m, PK_BYTES);
    if (!v)
        return VS_E_LIMIT;
    uint8_t *out = own_bytes(v, len);
    v->len = pickle_unquote(s + 1, len - 2, out);
    return push(m, v);
}

/* UNICODE: latin-1 with \uXXXX and \UXXXXXXXX. */
static int op_unicode(struct machine *m)
{
    const char *s = NULL;
    size_t len = 0;
    int rc = take_line(m, &s, &len);
    if (rc != 0)
        return rc;
    struct pval *v = new_value(m, PK_STRING);
    if (!v)
        return VS_E_LIMIT;
    uint8_t *out = own_bytes(v, 2 * len);
    v->len = pickle_unescape(s, len, out);
    return push(m, v);
}

/* ---- containers */

static int gather(struct machine *m, enum pkind kind, size_t from)
{
    struct pval *v = new_value(m, kind);
    if (!v)
        return VS_E_LIMIT;
    for (size_t i = from; i < m->depth; i++)
        add_item(v, m->stack[i]);
    m->depth = from;
    if (kind == PK_DICT && v->count % 2)
        return FAIL(m, VS_E_FORMAT, "a key without a value");
    return push(m, v);
}

static int gather_mark(struct machine *m, enum pkind kind)
{
    size_t from = 0;
    int rc = pop_mark(m, &from);
    return rc ? rc : gather(m, kind, from);
}

static int op_tuple(struct machine *m, size_t n)
{
    if (m->depth - stack_floor(m) < n)
        return FAIL(m, VS_E_FORMAT, "the stack is empty");
    return gather(m, PK_TUPLE, m->depth - n);
}

/* Move the items above from into the container below them. */
static int extend(struct machine *m, size_t from, enum pkind kind)
{
    if (from <= stack_floor(m) || m->stack[from - 1]->kind != kind)
        return FAIL(m, VS_E_FORMAT, "items for something that cannot hold them");
    if (kind == PK_DICT && (m->depth - from) % 2)
        return FAIL(m, VS_E_FORMAT, "a key without a value");
    struct pval *v = m->stack[from - 1];
    for (size_t i = from; i < m->depth; i++)
        add_item(v, m->stack[i]);
    m->depth = from;
    return 0;
}

static int extend_mark(struct machine *m, enum pkind kind)
{
    size_t from = 0;
    int rc = pop_mark(m, &from);
    return rc ? rc : extend(m, from, kind);
}

static int extend_by(struct machine *m, size_t n, enum pkind kind)
{
    if (m->depth - stack_floor(m) < n + 1)
        return FAIL(m, VS_E_FORMAT, "the stack is empty");
    return extend(m, m->depth - n, kind);
}

/* ---- memo */

static int memo_put(struct machine *m, uint64_t i)
{
    struct pval *v = top(m);
    if (!v)
        return VS_E_FORMAT;
    /* Writers number the memo densely; a leap would only serve to use up memory. */
    if (i > m->ops + 256)
        return FAIL(m, VS_E_FORMAT, "memo number %" PRIu64 " is out of order", i);
    size_t old = m->memo_cap;
    m->memo = grow(m->memo, (size_t)i + 1, &m->memo_cap, sizeof *m->memo);
    if (m->memo_cap > old)
        memset(m->memo + old, 0, (m->memo_cap - old) * sizeof *m->memo);
    m->memo[i] = v;
    if (i >= m->memo_count)
        m->memo_count = (size_t)i + 1;
    return 0;
}

static int memo_get(struct machine *m, uint64_t i)
{
    if (i >= m->memo_count || !m->memo[i])
        return FAIL(m, VS_E_FORMAT, "memo number %" PRIu64 " was never written", i);
    return push(m, m->memo[i]);
}

static int memo_line(struct machine *m, int (*what)(struct machine *, uint64_t))
{
    const char *s = NULL;
    size_t n = 0;
    int64_t i = 0;
    int rc = take_line(m, &s, &n);
    if (rc == 0 && (pickle_decimal(s, n, &i) != 0 || i < 0))
        rc = FAIL(m, VS_E_FORMAT, "a memo number is not one");
    return rc ? rc : what(m, (uint64_t)i);
}

static int memo_binary(struct machine *m, int bytes, int (*what)(struct machine *, uint64_t))
{
    uint64_t i;
    int rc = take_uint(m, bytes, &i);
    return rc ? rc : what(m, i);
}

/* ---- globals and objects */

static int push_global(struct machine *m, const uint8_t *module, size_t module_len,
                       const uint8_t *name, size_t name_len)
{
    if (module_len + name_len > 200)
        return FAIL(m, VS_E_REFUSED, "a global with a name of %zu bytes is refused",
                    module_len + name_len);
    char full[256];
    memcpy(full, module, module_len);
    full[module_len] = ' ';
    memcpy(full + module_len + 1, name, name_len);
    full[module_len + 1 + name_len] = '\0';
    for (const char *const *a = m->allowed; a && *a; a++)
        if (strcmp(*a, full) == 0) {
            struct pval *v = new_value(m, PK_GLOBAL);
            if (v) {
                v->bytes = (const uint8_t *)*a;
                v->len = strlen(*a);
            }
            return push(m, v);
        }
    return FAIL(m, VS_E_REFUSED, "refused: it wants to call '%s', which is not a part of plain "
                "data", full);
}

static int op_global(struct machine *m)
{
    const char *module = NULL, *name = NULL;
    size_t a = 0, b = 0;
    int rc = take_line(m, &module, &a);
    if (rc == 0)
        rc = take_line(m, &name, &b);
    return rc ? rc : push_global(m, (const uint8_t *)module, a, (const uint8_t *)name, b);
}

static bool is_text(const struct pval *v)
{
    return v && (v->kind == PK_STRING || v->kind == PK_BYTES);
}

static int op_stack_global(struct machine *m)
{
    struct pval *name = pop(m), *module = name ? pop(m) : NULL;
    if (!module)
        return VS_E_FORMAT;
    if (!is_text(name) || !is_text(module))
        return FAIL(m, VS_E_FORMAT, "a global whose name is not a string");
    return push_global(m, module->bytes, module->len, name->bytes, name->len);
}

static bool is_global(const struct pval *v, const char *name)
{
    return v->kind == PK_GLOBAL && strcmp((const char *)v->bytes, name) == 0;
}

/* Classes that are dictionaries to us, whatever else they may be in Python. */
static bool is_dict_class(const struct pval *v)
{
    return is_global(v, "collections OrderedDict") || is_global(v, "collections defaultdict") ||
           is_global(v, "easydict EasyDict") || is_global(v, "__builtin__ dict") ||
           is_global(v, "builtins dict");
}

/* dict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it. */
static int push_dict(struct machine *m, const struct pval *args)
{
    struct pval *v = new_value(m, PK_DICT);
    const struct pval *pairs = args->count == 1 ? args->items[0] : NULL;
    if (!v)
        return VS_E_LIMIT;
    if (pairs && pairs->kind == PK_LIST)
        for (size_t i = 0; i < pairs->count; i++) {
            const struct pval *pair = pairs->items[i];
            if ((pair->kind != PK_LIST && pair->kind != PK_TUPLE) || pair->count != 2)
                return FAIL(m, VS_E_FORMAT, "an OrderedDict of something else than pairs");
            add_item(v, pair->items[0]);
            add_item(v, pair->items[1]);
        }
    return push(m, v);
}

/* _codecs.encode(text, "latin1"): how Python 3 writes bytes in protocols 0 to 2. */
static int push_latin1(struct machine *m, const struct pval *args)
{
    if (args->count < 1 || args->items[0]->kind != PK_STRING)
        return FAIL(m, VS_E_FORMAT, "_codecs.encode of something else than a string");
    const struct pval *s = args->items[0];
    struct pval *v = new_value(m, PK_BYTES);
    if (!v)
        return VS_E_LIMIT;
    uint8_t *out = own_bytes(v, s->len);
    for (size_t i = 0; i < s->len; i++) {
        uint8_t c = s->bytes[i];
        if (c >= 0xc2 && c <= 0xc3 && i + 1 < s->len)
            c = (uint8_t)(c << 6 | (s->bytes[++i] & 63));
        else if (c >= 0x80)
            return FAIL(m, VS_E_FORMAT, "bytes that are not latin-1");
        out[v->len++] = c;
    }
    return push(m, v);
}

static int make_object(struct machine *m, struct pval *callable, struct pval *args)
{
    if (callable->kind != PK_GLOBAL && callable->kind != PK_OBJECT)
        return FAIL(m, VS_E_FORMAT, "a call of something that is no global");
    if (args->kind != PK_TUPLE)
        return FAIL(m, VS_E_FORMAT, "arguments that are no tuple");
    if (callable->kind == PK_GLOBAL && is_dict_class(callable))
        return push_dict(m, args);
    if (is_global(callable, "_codecs encode"))
        return push_latin1(m, args);
    struct pval *v = new_value(m, PK_OBJECT);
    if (!v)
        return VS_E_LIMIT;
    add_item(v, callable);
    add_item(v, args);
    return push(m, v);
}

static int op_reduce(struct machine *m)
{
    struct pval *args = pop(m), *callable = args ? pop(m) : NULL;
    return callable ? make_object(m, callable, args) : VS_E_FORMAT;
}

static int op_newobj_ex(struct machine *m)
{
    struct pval *kwargs = pop(m);
    return kwargs ? op_reduce(m) : VS_E_FORMAT;
}

/* INST and OBJ: arguments above the mark. */
static int op_inst(struct machine *m, bool on_stack)
{
    size_t from = 0;
    int rc = 0;
    if (!on_stack)
        rc = op_global(m);
    struct pval *callable = rc == 0 && !on_stack ? pop(m) : NULL;
    if (rc == 0)
        rc = pop_mark(m, &from);
    if (rc == 0 && on_stack) {
        if (from >= m->depth)
            return FAIL(m, VS_E_FORMAT, "the stack is empty");
        callable = m->stack[from];
        memmove(m->stack + from, m->stack + from + 1, (m->depth - from - 1) * sizeof *m->stack);
        m->depth--;
    }
    if (rc == 0)
        rc = gather(m, PK_TUPLE, from);
    struct pval *args = rc == 0 ? pop(m) : NULL;
    return args && callable ? make_object(m, callable, args) : rc ? rc : VS_E_FORMAT;
}

static int op_build(struct machine *m)
{
    struct pval *state = pop(m), *v = state ? top(m) : NULL;
    if (!v)
        return VS_E_FORMAT;
    if (v->kind == PK_OBJECT)
        add_item(v, state);
    else if (v->kind != PK_DICT && v->kind != PK_LIST)
        return FAIL(m, VS_E_FORMAT, "a state for something that has none");
    return 0; /* attributes of a dictionary (a state_dict's _metadata) are of no use here */
}

static int op_persid(struct machine *m, bool line)
{
    struct pval *id;
    if (line) {
        const char *s = NULL;
        size_t n = 0;
        int rc = take_line(m, &s, &n);
        if (rc != 0)
            return rc;
        id = new_value(m, PK_STRING);
        if (id) {
            id->bytes = (const uint8_t *)s;
            id->len = n;
        }
    } else {
        id = pop(m);
    }
    struct pval *v = id ? new_value(m, PK_PERSID) : NULL;
    if (!v)
        return VS_E_FORMAT;
    add_item(v, id);
    return push(m, v);
}

static int op_frame(struct machine *m)
{
    uint64_t n;
    int rc = take_uint(m, 8, &n);
    if (rc == 0 && n > m->size - m->at)
        rc = FAIL(m, VS_E_FORMAT, "cut off: a frame of %" PRIu64 " bytes, %zu left", n,
                  m->size - m->at);
    return rc;
}

static int op_proto(struct machine *m)
{
    uint64_t v;
    int rc = take_uint(m, 1, &v);
    if (rc == 0 && v > 5)
        rc = FAIL(m, VS_E_REFUSED, "protocol %d is newer than this program", (int)v);
    return rc;
}

static int op_mark(struct machine *m)
{
    m->marks = grow(m->marks, m->mark_count + 1, &m->mark_cap, sizeof *m->marks);
    m->marks[m->mark_count++] = m->depth;
    return 0;
}

static int op_pop(struct machine *m)
{
    if (m->mark_count && m->depth == stack_floor(m)) {
        m->mark_count--;
        return 0;
    }
    return pop(m) ? 0 : VS_E_FORMAT;
}

static int op_pop_mark(struct machine *m)
{
    size_t from = 0;
    int rc = pop_mark(m, &from);
    if (rc == 0)
        m->depth = from;
    return rc;
}

static int op_dup(struct machine *m)
{
    struct pval *v = top(m);
    return v ? push(m, v) : VS_E_FORMAT;
}

static int push_signed(struct machine *m, int bytes)
{
    uint64_t x;
    int rc = take_uint(m, bytes, &x);
    return rc ? rc : push_int(m, PK_INT, bytes == 4 ? (int32_t)(uint32_t)x : (int64_t)x);
}

/* One opcode but STOP. A switch of one line each is the whole machine in one look, which is worth
 * more here than a short function. */
static int step(struct machine *m, uint8_t op)
{
    switch (op) {
    case '(': return op_mark(m);
    case '0': return op_pop(m);
    case '1': return op_pop_mark(m);
    case '2': return op_dup(m);
    case 'F': return op_float(m, true);
    case 'G': return op_float(m, false);
    case 'I': return op_int_line(m, false);
    case 'L': return op_int_line(m, true);
    case 'J': return push_signed(m, 4);
    case 'K': return push_signed(m, 1);
    case 'M': return push_signed(m, 2);
    case 'N': return push_int(m, PK_NONE, 0);
    case 0x88: return push_int(m, PK_BOOL, 1);
    case 0x89: return push_int(m, PK_BOOL, 0);
    case 0x8a: return op_long(m, 1);
    case 0x8b: return op_long(m, 4);
    case 'S': return op_string(m);
    case 'V': return op_unicode(m);
    case 'T': return push_bytes(m, PK_BYTES, 4);
    case 'U': return push_bytes(m, PK_BYTES, 1);
    case 'B': return push_bytes(m, PK_BYTES, 4);
    case 'C': return push_bytes(m, PK_BYTES, 1);
    case 0x8e: return push_bytes(m, PK_BYTES, 8);
    case 0x96: return push_bytes(m, PK_BYTES, 8);
    case 'X': return push_bytes(m, PK_STRING, 4);
    case 0x8c: return push_bytes(m, PK_STRING, 1);
    case 0x8d: return push_bytes(m, PK_STRING, 8);
    case ']': return gather(m, PK_LIST, m->depth);
    case ')': return gather(m, PK_TUPLE, m->depth);
    case '}': return gather(m, PK_DICT, m->depth);
    case 0x8f: return gather(m, PK_SET, m->depth);
    case 'l': return gather_mark(m, PK_LIST);
    case 't': return gather_mark(m, PK_TUPLE);
    case 'd': return gather_mark(m, PK_DICT);
    case 0x91: return gather_mark(m, PK_SET);
    case 0x85: return op_tuple(m, 1);
    case 0x86: return op_tuple(m, 2);
    case 0x87: return op_tuple(m, 3);
    case 'a': return extend_by(m, 1, PK_LIST);
    case 's': return extend_by(m, 2, PK_DICT);
    case 'e': return extend_mark(m, PK_LIST);
    case 'u': return extend_mark(m, PK_DICT);
    case 0x90: return extend_mark(m, PK_SET);
    case 'g': return memo_line(m, memo_get);
    case 'h': return memo_binary(m, 1, memo_get);
    case 'j': return memo_binary(m, 4, memo_get);
    case 'p': return memo_line(m, memo_put);
    case 'q': return memo_binary(m, 1, memo_put);
    case 'r': return memo_binary(m, 4, memo_put);
    case 0x94: return memo_put(m, m->memo_count);
    case 'c': return op_global(m);
    case 0x93: return op_stack_global(m);
    case 'R': return op_reduce(m);
    case 0x81: return op_reduce(m);
    case 0x92: return op_newobj_ex(m);
    case 'i': return op_inst(m, false);
    case 'o': return op_inst(m, true);
    case 'b': return op_build(m);
    case 'P': return op_persid(m, true);
    case 'Q': return op_persid(m, false);
    case 0x80: return op_proto(m);
    case 0x95: return op_frame(m);
    case 0x82: case 0x83: case 0x84: case 0x97: case 0x98:
        return FAIL(m, VS_E_REFUSED, "opcode 0x%02x (extensions, outside buffers) is refused", op);
    default: return FAIL(m, VS_E_FORMAT, "0x%02x is no opcode: this is not a pickle", op);
    }
}

static int run(struct machine *m)
{
    for (;;) {
        m->op_at = m->at;
        if (m->at >= m->size)
            return FAIL(m, VS_E_FORMAT, "cut off: it ends without STOP");
        uint8_t op = m->data[m->at++];
        m->ops++;
        if (op == '.')
            break;
        int rc = step(m, op);
        if (rc != 0)
            return rc;
    }
    m->p->root = pop(m);
    return m->p->root ? 0 : VS_E_FORMAT;
}

int pickle_load(const uint8_t *data, size_t size, const char *const *allowed, const char *name,
                struct pickle **out, size_t *used, struct vs_err *err)
{
    struct pickle *p = xcalloc(1, sizeof *p);
    struct vs_err local = {0};
    struct machine m = {.data = data, .size = size, .allowed = allowed, .name = name, .p = p,
                        .err = err ? err : &local};
    int rc = run(&m);
    free(m.stack);
    free(m.marks);
    free(m.memo);
    if (used)
        *used = m.at;
    if (rc == 0)
        *out = p;
    else
        pickle_free(p);
    return rc;
}

const struct pval *pickle_root(const struct pickle *p)
{
    return p->root;
}

const struct pval *pickle_next(const struct pickle *p, const struct pval *v)
{
    const struct node *n = v ? ((const struct node *)v)->next : p->nodes;
    return n ? &n->v : NULL;
}

void pickle_free(struct pickle *p)
{
    if (!p)
        return;
    for (struct node *n = p->nodes, *next; n; n = next) {
        next = n->next;
        free(n->v.items);
        free(n->owned);
        free(n);
    }
    free(p);
}
