/* SPDX-License-Identifier: MIT */
/* The restricted pickle machine.
 *
 * Source: the opcode descriptions of CPython's pickletools. Every value is a node of one list, so
 * that freeing needs no recursion however deep a hostile file nests. */
#include "src/formats/pickle_priv.h"

#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- globals and objects */

/* Nothing is ever called, whatever a pickle names. These are named by no trainer, only by who wants
 * to run something: such a file is refused, and what it wanted is told. */
static bool is_hostile(const char *global)
{
    static const char *const starts[] = {
        "os ", "posix ", "nt ", "subprocess ", "_posixsubprocess ", "commands ", "pty ", "popen2 ",
        "sys ", "shutil ", "socket ", "importlib", "imp ", "runpy ", "ctypes", "code ", "codeop ",
        "pdb ", "bdb ", "timeit ", "webbrowser ", "marshal ", "pickle ", "_pickle ", "cPickle ",
        "builtins eval", "builtins exec", "builtins compile", "builtins open",
        "builtins __import__", "builtins breakpoint", "builtins input", "__builtin__ eval",
        "__builtin__ exec", "__builtin__ compile", "__builtin__ open", "__builtin__ file",
        "__builtin__ __import__", "__builtin__ input", "io open", "nturl2path ",
    };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(global, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

const char *const pickle_any[] = {PICKLE_ANY, NULL};

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
        if (strcmp(*a, full) == 0 || (strcmp(*a, PICKLE_ANY) == 0 && !is_hostile(full))) {
            struct pval *v = pickle_new_value(m, PK_GLOBAL);
            if (v) {
                v->len = strlen(full);
                memcpy(pickle_own_bytes(v, v->len), full, v->len + 1);
            }
            return pickle_push(m, v);
        }
    return FAIL(m, VS_E_REFUSED, "refused: it wants to call '%s', which is not plain "
                "data", full);
}

static int op_global(struct machine *m)
{
    const char *module = NULL, *name = NULL;
    size_t a = 0, b = 0;
    int rc = pickle_take_line(m, &module, &a);
    if (rc == 0)
        rc = pickle_take_line(m, &name, &b);
    return rc ? rc : push_global(m, (const uint8_t *)module, a, (const uint8_t *)name, b);
}

static bool pickle_is_text(const struct pval *v)
{
    return v && (v->kind == PK_STRING || v->kind == PK_BYTES);
}

static int op_stack_global(struct machine *m)
{
    struct pval *name = pickle_pop(m), *module = name ? pickle_pop(m) : NULL;
    if (!module)
        return VS_E_FORMAT;
    if (!pickle_is_text(name) || !pickle_is_text(module))
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
    struct pval *v = pickle_new_value(m, PK_DICT);
    const struct pval *pairs = args->count == 1 ? args->items[0] : NULL;
    if (!v)
        return VS_E_LIMIT;
    if (pairs && pairs->kind == PK_LIST)
        for (size_t i = 0; i < pairs->count; i++) {
            const struct pval *pair = pairs->items[i];
            if ((pair->kind != PK_LIST && pair->kind != PK_TUPLE) || pair->count != 2)
                return FAIL(m, VS_E_FORMAT, "an OrderedDict of something other than pairs");
            pickle_add_item(v, pair->items[0]);
            pickle_add_item(v, pair->items[1]);
        }
    return pickle_push(m, v);
}

static bool is_set_class(const struct pval *v)
{
    return is_global(v, "__builtin__ set") || is_global(v, "builtins set");
}

/* set([item, ...]): how protocols before 4 write it. */
static int push_set(struct machine *m, const struct pval *args)
{
    struct pval *v = pickle_new_value(m, PK_SET);
    const struct pval *list = args->count == 1 ? args->items[0] : NULL;
    if (!v)
        return VS_E_LIMIT;
    for (size_t i = 0; list && list->kind == PK_LIST && i < list->count; i++)
        pickle_add_item(v, list->items[i]);
    return pickle_push(m, v);
}

/* _codecs.encode(text, "latin1"): how Python 3 writes bytes in protocols 0 to 2. */
static int push_latin1(struct machine *m, const struct pval *args)
{
    if (args->count < 1 || args->items[0]->kind != PK_STRING)
        return FAIL(m, VS_E_FORMAT, "_codecs.encode of something other than a string");
    const struct pval *s = args->items[0];
    struct pval *v = pickle_new_value(m, PK_BYTES);
    if (!v)
        return VS_E_LIMIT;
    uint8_t *out = pickle_own_bytes(v, s->len);
    for (size_t i = 0; i < s->len; i++) {
        uint8_t c = s->bytes[i];
        if (c >= 0xc2 && c <= 0xc3 && i + 1 < s->len)
            c = (uint8_t)(c << 6 | (s->bytes[++i] & 63));
        else if (c >= 0x80)
            return FAIL(m, VS_E_FORMAT, "bytes that are not latin-1");
        out[v->len++] = c;
    }
    return pickle_push(m, v);
}

static int make_object(struct machine *m, struct pval *callable, struct pval *args)
{
    /* a persistent id: PyTorch writes the classes of modules so, with their source */
    if (callable->kind != PK_GLOBAL && callable->kind != PK_OBJECT && callable->kind != PK_PERSID)
        return FAIL(m, VS_E_FORMAT, "a call of something that is not a global");
    if (args->kind != PK_TUPLE)
        return FAIL(m, VS_E_FORMAT, "arguments that are not a tuple");
    if (callable->kind == PK_GLOBAL && is_dict_class(callable))
        return push_dict(m, args);
    if (is_set_class(callable))
        return push_set(m, args);
    if (is_global(callable, "_codecs encode"))
        return push_latin1(m, args);
    struct pval *v = pickle_new_value(m, PK_OBJECT);
    if (!v)
        return VS_E_LIMIT;
    pickle_add_item(v, callable);
    pickle_add_item(v, args);
    return pickle_push(m, v);
}

static int op_reduce(struct machine *m)
{
    struct pval *args = pickle_pop(m), *callable = args ? pickle_pop(m) : NULL;
    return callable ? make_object(m, callable, args) : VS_E_FORMAT;
}

static int op_newobj_ex(struct machine *m)
{
    struct pval *kwargs = pickle_pop(m);
    return kwargs ? op_reduce(m) : VS_E_FORMAT;
}

/* INST and OBJ: arguments above the mark. */
static int op_inst(struct machine *m, bool on_stack)
{
    size_t from = 0;
    int rc = 0;
    if (!on_stack)
        rc = op_global(m);
    struct pval *callable = rc == 0 && !on_stack ? pickle_pop(m) : NULL;
    if (rc == 0)
        rc = pickle_pop_mark(m, &from);
    if (rc == 0 && on_stack) {
        if (from >= m->depth)
            return FAIL(m, VS_E_FORMAT, "the stack is empty");
        callable = m->stack[from];
        memmove(m->stack + from, m->stack + from + 1, (m->depth - from - 1) * sizeof *m->stack);
        m->depth--;
    }
    if (rc == 0)
        rc = pickle_gather(m, PK_TUPLE, from);
    struct pval *args = rc == 0 ? pickle_pop(m) : NULL;
    return args && callable ? make_object(m, callable, args) : rc ? rc : VS_E_FORMAT;
}

static int op_build(struct machine *m)
{
    struct pval *state = pickle_pop(m), *v = state ? pickle_top(m) : NULL;
    if (!v)
        return VS_E_FORMAT;
    if (v->kind == PK_OBJECT)
        pickle_add_item(v, state);
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
        int rc = pickle_take_line(m, &s, &n);
        if (rc != 0)
            return rc;
        id = pickle_new_value(m, PK_STRING);
        if (id) {
            id->bytes = (const uint8_t *)s;
            id->len = n;
        }
    } else {
        id = pickle_pop(m);
    }
    struct pval *v = id ? pickle_new_value(m, PK_PERSID) : NULL;
    if (!v)
        return VS_E_FORMAT;
    pickle_add_item(v, id);
    return pickle_push(m, v);
}

static int op_frame(struct machine *m)
{
    uint64_t n;
    int rc = pickle_take_uint(m, 8, &n);
    if (rc == 0 && n > m->size - m->at)
        rc = FAIL(m, VS_E_FORMAT, "cut off: a frame of %" PRIu64 " bytes, %zu left: damaged or "
                  "not completely copied", n, m->size - m->at);
    return rc;
}

static int op_proto(struct machine *m)
{
    uint64_t v;
    int rc = pickle_take_uint(m, 1, &v);
    if (rc == 0 && v > 5)
        rc = FAIL(m, VS_E_REFUSED, "protocol %d is newer than this program", (int)v);
    return rc;
}

static int op_mark(struct machine *m)
{
    m->marks = pickle_grow(m->marks, m->mark_count + 1, &m->mark_cap, sizeof *m->marks);
    m->marks[m->mark_count++] = m->depth;
    return 0;
}

static int op_pop(struct machine *m)
{
    if (m->mark_count && m->depth == pickle_stack_floor(m)) {
        m->mark_count--;
        return 0;
    }
    return pickle_pop(m) ? 0 : VS_E_FORMAT;
}

static int op_pop_mark(struct machine *m)
{
    size_t from = 0;
    int rc = pickle_pop_mark(m, &from);
    if (rc == 0)
        m->depth = from;
    return rc;
}

static int op_dup(struct machine *m)
{
    struct pval *v = pickle_top(m);
    return v ? pickle_push(m, v) : VS_E_FORMAT;
}

static int push_signed(struct machine *m, int bytes)
{
    uint64_t x;
    int rc = pickle_take_uint(m, bytes, &x);
    return rc ? rc : pickle_push_int(m, PK_INT, bytes == 4 ? (int32_t)(uint32_t)x : (int64_t)x);
}

/* One opcode but STOP. A switch of one line each is the whole machine in one look, which is worth
 * more here than a short function. */
static int pickle_step(struct machine *m, uint8_t op)
{
    switch (op) {
    case '(': return op_mark(m);
    case '0': return op_pop(m);
    case '1': return op_pop_mark(m);
    case '2': return op_dup(m);
    case 'F': return pickle_op_float(m, true);
    case 'G': return pickle_op_float(m, false);
    case 'I': return pickle_op_int_line(m, false);
    case 'L': return pickle_op_int_line(m, true);
    case 'J': return push_signed(m, 4);
    case 'K': return push_signed(m, 1);
    case 'M': return push_signed(m, 2);
    case 'N': return pickle_push_int(m, PK_NONE, 0);
    case 0x88: return pickle_push_int(m, PK_BOOL, 1);
    case 0x89: return pickle_push_int(m, PK_BOOL, 0);
    case 0x8a: return pickle_op_long(m, 1);
    case 0x8b: return pickle_op_long(m, 4);
    case 'S': return pickle_op_string(m);
    case 'V': return pickle_op_unicode(m);
    case 'T': return pickle_push_bytes(m, PK_BYTES, 4);
    case 'U': return pickle_push_bytes(m, PK_BYTES, 1);
    case 'B': return pickle_push_bytes(m, PK_BYTES, 4);
    case 'C': return pickle_push_bytes(m, PK_BYTES, 1);
    case 0x8e: return pickle_push_bytes(m, PK_BYTES, 8);
    case 0x96: return pickle_push_bytes(m, PK_BYTES, 8);
    case 'X': return pickle_push_bytes(m, PK_STRING, 4);
    case 0x8c: return pickle_push_bytes(m, PK_STRING, 1);
    case 0x8d: return pickle_push_bytes(m, PK_STRING, 8);
    case ']': return pickle_gather(m, PK_LIST, m->depth);
    case ')': return pickle_gather(m, PK_TUPLE, m->depth);
    case '}': return pickle_gather(m, PK_DICT, m->depth);
    case 0x8f: return pickle_gather(m, PK_SET, m->depth);
    case 'l': return pickle_gather_mark(m, PK_LIST);
    case 't': return pickle_gather_mark(m, PK_TUPLE);
    case 'd': return pickle_gather_mark(m, PK_DICT);
    case 0x91: return pickle_gather_mark(m, PK_SET);
    case 0x85: return pickle_op_tuple(m, 1);
    case 0x86: return pickle_op_tuple(m, 2);
    case 0x87: return pickle_op_tuple(m, 3);
    case 'a': return pickle_extend_by(m, 1, PK_LIST);
    case 's': return pickle_extend_by(m, 2, PK_DICT);
    case 'e': return pickle_extend_mark(m, PK_LIST);
    case 'u': return pickle_extend_mark(m, PK_DICT);
    case 0x90: return pickle_extend_mark(m, PK_SET);
    case 'g': return pickle_memo_line(m, pickle_memo_get);
    case 'h': return pickle_memo_binary(m, 1, pickle_memo_get);
    case 'j': return pickle_memo_binary(m, 4, pickle_memo_get);
    case 'p': return pickle_memo_line(m, pickle_memo_put);
    case 'q': return pickle_memo_binary(m, 1, pickle_memo_put);
    case 'r': return pickle_memo_binary(m, 4, pickle_memo_put);
    case 0x94: return pickle_memo_put(m, m->memo_count);
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
    default: return FAIL(m, VS_E_FORMAT, "0x%02x is not an opcode: this is not a pickle", op);
    }
}

static int pickle_run(struct machine *m)
{
    for (;;) {
        m->op_at = m->at;
        if (m->at >= m->size)
            return FAIL(m, VS_E_FORMAT, "cut off: it ends without STOP: damaged or not "
                        "completely copied");
        uint8_t op = m->data[m->at++];
        m->ops++;
        if (op == '.')
            break;
        int rc = pickle_step(m, op);
        if (rc != 0)
            return rc;
    }
    m->p->root = pickle_pop(m);
    return m->p->root ? 0 : VS_E_FORMAT;
}

int pickle_load(const uint8_t *data, size_t size, const char *const *allowed, const char *name,
                struct pickle **out, size_t *used, struct vs_err *err)
{
    struct pickle *p = xcalloc(1, sizeof *p);
    struct vs_err local = {0};
    struct machine m = {.data = data, .size = size, .allowed = allowed, .name = name, .p = p,
                        .err = err ? err : &local};
    int rc = pickle_run(&m);
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
