/* SPDX-License-Identifier: MIT */
/* The pickle machine, opcode by opcode: each case is the shortest pickle that has it, and what it
 * makes. Breaks when an opcode reads its operand wrongly or is not known; and a checkpoint as a
 * trainer leaves it (torch.save of PyTorch 2.2, both formats), with its optimizer, floats and
 * options, has to open. */
#include "src/formats/bytes.h"
#include "src/formats/labels.h"
#include "src/formats/pickle.h"
#include "src/formats/tensorfile.h"
#include "src/base/mem.h"
#include "tap.h"

/* A value as text; depth is bounded. */
static void tell(const struct pval *v, int depth, struct buf *b)
{
    static const char *const open[] = {[PK_LIST] = "[", [PK_TUPLE] = "(", [PK_DICT] = "{",
                                       [PK_SET] = "<", [PK_PERSID] = "P(", [PK_OBJECT] = "O("};
    static const char *const ends[] = {[PK_LIST] = "]", [PK_TUPLE] = ")", [PK_DICT] = "}",
                                       [PK_SET] = ">", [PK_PERSID] = ")", [PK_OBJECT] = ")"};
    switch (v->kind) {
    case PK_NONE: buf_puts(b, "None"); return;
    case PK_BOOL: buf_puts(b, v->integer ? "True" : "False"); return;
    case PK_INT: buf_printf(b, "%lld", (long long)v->integer); return;
    case PK_BIGINT: buf_printf(b, "big%zu", v->len); return;
    case PK_FLOAT: buf_printf(b, "%g", v->number); return;
    case PK_STRING: buf_printf(b, "'%.*s'", (int)v->len, (const char *)v->bytes); return;
    case PK_BYTES: buf_printf(b, "b'%.*s'", (int)v->len, (const char *)v->bytes); return;
    case PK_GLOBAL: buf_printf(b, "G%s", (const char *)v->bytes); return;
    default: break;
    }
    buf_puts(b, open[v->kind]);
    for (size_t i = 0; i < v->count && depth < 8; i++) {
        buf_puts(b, i ? " " : "");
        tell(v->items[i], depth + 1, b);
    }
    buf_puts(b, ends[v->kind]);
}

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define P(name, bytes, want) {name, bytes, sizeof bytes - 1, want}
static const struct {
    const char *name, *bytes;
    size_t size;
    const char *want; /* begins with !: what the refusal says */
} cases[] = {
    P("NONE", "N.", "None"), P("NEWTRUE", "\x88.", "True"), P("NEWFALSE", "\x89.", "False"),
    P("INT", "I-12\n.", "-12"), P("INT true", "I01\n.", "True"), P("INT false", "I00\n.", "False"),
    P("INT of letters", "Iabc\n.", "!cannot be read"), P("LONG", "L123L\n.", "123"),
    P("LONG that is no bool", "L00\n.", "0"),
    P("BININT", "J\xfe\xff\xff\xff.", "-2"), P("BININT1", "K\xff.", "255"),
    P("BININT2", "M\x01\x02.", "513"), P("LONG1", "\x8a\x02\x00\x80.", "-32768"),
    P("LONG1 of 9 bytes", "\x8a\x09\0\0\0\0\0\0\0\0\1.", "big9"),
    P("LONG4", "\x8b\x01\0\0\0\x7f.", "127"), P("FLOAT", "F4e-05\n.", "4e-05"),
    P("FLOAT of letters", "Fx\n.", "!cannot be read"),
    P("FLOAT with more", "F1.5x\n.", "!cannot be read"),
    P("BINFLOAT", "G\x3f\xf8\0\0\0\0\0\0.", "1.5"), P("BINFLOAT cut", "G\x3f\xf8.", "!cut off"),
    P("STRING", "S'a\\n\\x41'\n.", "b'a\nA'"), P("STRING without quotes", "Sa\n.", "!quotes"),
    P("UNICODE", "V\\u20ac\xe9\n.", "'\xe2\x82\xac\xc3\xa9'"),
    P("BINSTRING", "T\2\0\0\0ab.", "b'ab'"), P("SHORT_BINSTRING", "U\2ab.", "b'ab'"),
    P("BINBYTES", "B\2\0\0\0ab.", "b'ab'"), P("SHORT_BINBYTES", "C\2ab.", "b'ab'"),
    P("BINBYTES8", "\x8e\2\0\0\0\0\0\0\0ab.", "b'ab'"),
    P("BYTEARRAY8", "\x96\2\0\0\0\0\0\0\0ab.", "b'ab'"),
    P("BINUNICODE", "X\2\0\0\0ab.", "'ab'"), P("SHORT_BINUNICODE", "\x8c\2ab.", "'ab'"),
    P("BINUNICODE8", "\x8d\2\0\0\0\0\0\0\0ab.", "'ab'"),
    P("BINUNICODE cut", "X\x09\0\0\0ab.", "!cut off"),
    P("EMPTY_LIST", "].", "[]"), P("EMPTY_TUPLE", ").", "()"), P("EMPTY_DICT", "}.", "{}"),
    P("EMPTY_SET", "\x8f.", "<>"), P("LIST", "(K\1K\2l.", "[1 2]"),
    P("TUPLE", "(K\1K\2t.", "(1 2)"),
    P("DICT", "(K\1K\2d.", "{1 2}"), P("DICT without a value", "(K\1d.", "!without a value"),
    P("FROZENSET", "(K\1K\2\x91.", "<1 2>"), P("TUPLE1", "K\1\x85.", "(1)"),
    P("TUPLE2", "K\1K\2\x86.", "(1 2)"), P("TUPLE3", "K\1K\2K\3\x87.", "(1 2 3)"),
    P("TUPLE2 of one", "K\1\x86.", "!empty"), P("APPEND", "]K\1a.", "[1]"),
    P("APPENDS", "](K\1K\2e.", "[1 2]"), P("SETITEM", "}K\1K\2s.", "{1 2}"),
    P("SETITEMS", "}(K\1K\2K\3K\4u.", "{1 2 3 4}"), P("ADDITEMS", "\x8f(K\1K\2\x90.", "<1 2>"),
    P("APPEND to a dict", "}K\1a.", "!cannot hold"), P("PUT, GET", "K\7p0\n0g0\n.", "7"),
    P("BINPUT, BINGET", "K\7q\0000h\0.", "7"),
    P("LONG_BINPUT, LONG_BINGET", "K\7r\0\0\0\0000j\0\0\0\0.", "7"),
    P("MEMOIZE", "K\7\x94K\x08\x94" "00h\1.", "8"), P("GET of nothing", "g3\n.", "!never written"),
    P("POP", "K\1K\0020.", "1"), P("POP_MARK", "K\1(K\2K\0031.", "1"),
    P("DUP", "K\0012\x86.", "(1 1)"),
    P("GLOBAL", "ca\nb\n.", "Ga b"), P("GLOBAL refused", "cos\nsystem\n.", "!'os system'"),
    P("GLOBAL with a long name", "K\1c" A50 A50 A50 A50 "\nb\n.", "!name of 201 bytes"),
    P("STACK_GLOBAL", "\x8c\1a\x8c\1b\x93.", "Ga b"),
    P("REDUCE", "ca\nb\nK\1\x85R.", "O(Ga b (1))"),
    P("bytes of Python 2's kind", "c_codecs\nencode\n(Va\\u00e9\nVlatin1\ntR.", "b'a\xe9'"),
    P("bytes that no byte holds", "c_codecs\nencode\n(Va\\u20ac\nVlatin1\ntR.", "!not latin-1"),
    P("bytes of a number", "c_codecs\nencode\n(K\1Vlatin1\ntR.", "!something other than a string"),
    P("NEWOBJ", "ca\nb\n)\x81.", "O(Ga b ())"), P("NEWOBJ_EX", "ca\nb\n)}\x92.", "O(Ga b ())"),
    P("BUILD", "ca\nb\n)\x81}b.", "O(Ga b () {})"), P("INST", "(K\1ia\nb\n.", "O(Ga b (1))"),
    P("OBJ", "(ca\nb\nK\1o.", "O(Ga b (1))"), P("PERSID", "Pxy\n.", "P('xy')"),
    P("BINPERSID", "K\5Q.", "P(5)"), P("PROTO", "\x80\5N.", "None"),
    P("PROTO of the future", "\x80\6N.", "!protocol 6"),
    P("FRAME", "\x80\4\x95\2\0\0\0\0\0\0\0N.", "None"),
    P("FRAME cut", "\x95\x09\0\0\0\0\0\0\0N.", "!frame of 9"), P("EXT1", "\x82\1.", "!0x82"),
    P("NEXT_BUFFER", "\x97.", "!0x97"), P("no opcode", "\xff.", "!not an opcode"),
    P("no STOP", "N", "!without STOP"), P("STOP alone", ".", "!empty"),
    P("END of a mark", "e.", "!no mark"),
};

static void opcodes(void)
{
    static const char *const allowed[] = {"a b", "_codecs encode", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pickle *p = NULL;
        struct vs_err err = {0};
        struct buf b = {0};
        size_t used = 0;
        int rc = pickle_load((const uint8_t *)cases[i].bytes, cases[i].size, allowed, "x", &p,
                             &used, &err);
        if (rc == 0)
            tell(pickle_root(p), 0, &b);
        const char *want = cases[i].want;
        ok(want[0] == '!' ? rc != 0 && strstr(err.text, want + 1)
                          : rc == 0 && used == cases[i].size && strcmp(b.data, want) == 0,
           "%s: %s", cases[i].name, rc ? err.text : "read");
        pickle_free(p);
        buf_fini(&b);
    }
}

/* PyTorch's torch.save of a state dict, an optimizer with two groups, a scheduler, counters, a
 * float and argparse's options (tests/data/checkpoints/make.py). */
static void training(const char *name)
{
    char path[300];
    struct tensorfile *f = NULL;
    struct vs_err err = {0};
    float x[4] = {0};
    snprintf(path, sizeof path, "tests/data/checkpoints/%s", name);
    bool good = tensorfile_open(source_path(path), &f, &err) == 0;
    const struct tensor *t = good ? tensorfile_find(f, "a.weight") : NULL;
    if (t && tensor_elements(t) == 4)
        tensor_to_f32(t, x);
    ok(t && tensorfile_count(f) == 4 && tensorfile_find(f, "n.bias") && x[0] == 0x1.75171ap-2f,
       "%s: the model's four tensors, %g %s", name, (double)x[0], err.text);
    tensorfile_close(f);
}

/* Protocol 0 writes tabs and Latin-1 as they are. */
static void labels(void)
{
    static const char p0[] = "(lp0\nVa\tb\tc\td\te\tf\np1\naVcaf\xe9\np2\na.";
    struct labels *l = NULL;
    struct vs_err err = {0};
    const char *dir = getenv("TMPDIR");
    char *path = xasprintf("%s/labels-%ld.pkl", dir ? dir : "/tmp", (long)getpid());
    FILE *f = fopen(path, "wb");
    ok(f && fwrite(p0, 1, sizeof p0 - 1, f) == sizeof p0 - 1 && fclose(f) == 0 &&
       labels_open(path, &l, &err) == 0 && l->count == 2 &&
       strcmp(l->names[0], "a\tb\tc\td\te\tf") == 0 &&
       strcmp(l->names[1], "caf\xc3\xa9") == 0, "labels of protocol 0 with tabs and Latin-1 %s",
       err.text);
    labels_free(l);
    unlink(path);
    free(path);
}

int main(void)
{
    opcodes();
    training("training.pt");
    training("training_old.bin");
    labels();
    return tap_done();
}
