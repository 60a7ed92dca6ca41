# SPDX-License-Identifier: MIT
"""Small valid faults in C sources: where one can be put, and what the source looks like with it."""
import hashlib
import re
from collections import namedtuple

# begin, end: offsets in the file's text; line counts from 1.
Fault = namedtuple("Fault", "path line kind begin end new old function key")

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<number>\.?[0-9](?:[eEpP][+-]|[\w.])*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|[<>=!+\-*/%&|^]=|&&|\|\||.)""",
    re.X | re.S | re.M)
Token = namedtuple("Token", "kind text begin")

SWAPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||",
           "||": "&&", "+=": "-=", "-=": "+="}
KIND = {"&&": "logic", "||": "logic", "+=": "arithmetic", "-=": "arithmetic"}
# What a test that does not count allocations or look at logs cannot see, and a declaration.
UNSEEN = re.compile(r"(^free|_free|_fini|_close|^close|^unlink|munmap|^assert|^memset|prefetch|"
                    r"^SHARED)$")

# How much memory is asked for: a little more is never seen, a little less is the sanitizers' work.
ROOM = re.compile(r"^(x|vs_try_)?(m|c|re)alloc(array)?$")


def tokens_of(text):
    return [Token(m.lastgroup, m.group(), m.start()) for m in TOKEN.finditer(text)
            if m.lastgroup != "space"]


def matching(tokens, at):
    """The index of the bracket that closes the one at `at`."""
    pairs, depth = {"(": ")", "[": "]", "{": "}"}, 0
    opened, closed = tokens[at].text, pairs[tokens[at].text]
    for i in range(at, len(tokens)):
        depth += (tokens[i].text == opened) - (tokens[i].text == closed)
        if depth == 0:
            return i
    return len(tokens) - 1


def statement_end(tokens, at):
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i].text in "([{") - (tokens[i].text in ")]}")
        if tokens[i].text == ";" and depth <= 0:
            return i
    return len(tokens) - 1


def is_operand(token):
    return token.kind in ("number", "string") or token.text in (")", "]") or (
        token.kind == "name" and token.text not in ("return", "case", "sizeof", "else"))


def from_operator(tokens, i, before):
    text = tokens[i].text
    if text in SWAPPED:
        return [(KIND.get(text, "relation"), i, i, SWAPPED[text])]
    if text in "+-" and before and is_operand(before):
        return [("arithmetic", i, i, "-" if text == "+" else "+")]
    if text == "!":
        return [("logic", i, i, "")]
    return []


def from_number(tokens, i, before):
    text = tokens[i].text
    # The size of an array and the value of an enum are seldom seen.
    if not re.fullmatch(r"\d+", text) or (before and before.text == "["):
        return []
    return [("number", i, i, "1" if text == "0" else str(int(text) + 1))]


def from_return(tokens, i, text):
    end = statement_end(tokens, i)
    first, last = tokens[i + 1], tokens[end]
    value = text[first.begin:last.begin]
    if not re.search(r"\b(vs_fail\w*|VS_E_\w+|rc|fail_\w+|\w+_fail)\b|^-1$", value):
        return []
    headers = re.findall(r"^[a-z][\w *]*\(", text[:first.begin], re.M)
    success = "1" if headers and re.search(r"\bbool \w+\(", headers[-1]) else "0"
    return [("error", i, end, "return ((void)(%s), %s);" % (value.strip(), success))]


def from_statement(tokens, i, before):
    """A call or an assignment that stands alone: left out."""
    if before is None or before.text not in (";", "{", "}"):
        return []
    end = statement_end(tokens, i)
    if i + 1 >= len(tokens):
        return []
    if tokens[i + 1].text == "(" and not UNSEEN.search(tokens[i].text):
        if matching(tokens, i + 1) == end - 1:
            return [("call", i, end, ";")]
    for j in range(i, end):
        if tokens[j].text in ("=", "|=") and tokens[i + 1].text in ("->", ".", "[", "="):
            return [("assignment", i, end, ";")]
    return []


def from_name(tokens, i, before, text):
    name = tokens[i].text
    if name in ("true", "false"):
        return [("boolean", i, i, "false" if name == "true" else "true")]
    if name == "return" and tokens[i + 1].text != ";":
        return from_return(tokens, i, text)
    if name == "if" and tokens[i + 1].text == "(":
        close = matching(tokens, i + 1)
        inside = text[tokens[i + 1].begin:tokens[close].begin + 1]
        return [("condition", i + 1, close, "(!%s)" % inside)]
    if name in ("break", "continue"):
        return []
    return from_statement(tokens, i, before)


def functions_of(tokens):
    """For each token the name of the function that it is in, or None."""
    where, depth, current, last_call = [], 0, None, None
    for i, t in enumerate(tokens):
        if depth == 0 and t.kind == "name" and i + 1 < len(tokens) and tokens[i + 1].text == "(":
            last_call = tokens[i + 2].text if t.text == "KERNEL" else t.text
        if t.text == "{":
            if depth == 0 and i and tokens[i - 1].text == ")":
                current = last_call
            depth += 1
        where.append(current)
        if t.text == "}":
            depth -= 1
            current = current if depth > 0 else None
    return where


def in_room(tokens):
    """For each token whether it stands in the arguments of a call that asks for memory."""
    out, calls = [], []
    for i, t in enumerate(tokens):
        if t.text == "(":
            calls.append(i > 0 and bool(ROOM.match(tokens[i - 1].text)))
        elif t.text == ")" and calls:
            calls.pop()
        out.append(any(calls))
    return out


def key_of(path, function, line_text, kind, nth, new):
    """Stays the same when lines are added elsewhere."""
    told = "|".join((path, function or "", line_text.strip(), kind, str(nth), new))
    return hashlib.sha1(told.encode()).hexdigest()[:12]


def faults_of(path, text):
    tokens, lines, out, seen = tokens_of(text), text.split("\n"), [], {}
    inside, room = functions_of(tokens), in_room(tokens)
    for i, t in enumerate(tokens):
        if inside[i] is None or room[i]:
            continue
        before = tokens[i - 1] if i else None
        if t.kind == "op":
            found = from_operator(tokens, i, before)
        elif t.kind == "number":
            found = from_number(tokens, i, before)
        elif t.kind == "name":
            found = from_name(tokens, i, before, text)
        else:
            found = []
        for kind, a, b, new in found:
            begin, end = tokens[a].begin, tokens[b].begin + len(tokens[b].text)
            line = text.count("\n", 0, begin) + 1
            told = (inside[i], lines[line - 1], kind, new)
            seen[told] = seen.get(told, 0) + 1
            key = key_of(path, inside[i], lines[line - 1], kind, seen[told], new)
            out.append(Fault(path, line, kind, begin, end, new, text[begin:end], inside[i], key))
    return out


def with_fault(text, fault):
    """The file with the fault; lines keep their numbers."""
    new = fault.new + "\n" * (fault.old.count("\n") - fault.new.count("\n"))
    return text[:fault.begin] + new + text[fault.end:]


def choose(all_faults, count, seed):
    """In an order that is the seed's, kinds in turns, so that rare ones (errors, booleans) are not
    drowned. A fault that comes or goes moves no others: what one run tried is known to the next."""
    by_kind, out = {}, []
    for f in sorted(all_faults, reverse=True,
                    key=lambda f: hashlib.sha1(("%d %s" % (seed, f.key)).encode()).digest()):
        by_kind.setdefault(f.kind, []).append(f)
    kinds = sorted(by_kind)
    while kinds and len(out) < count:
        for kind in list(kinds):
            if by_kind[kind]:
                out.append(by_kind[kind].pop())
            else:
                kinds.remove(kind)
    return out[:count]
