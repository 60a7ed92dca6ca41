# SPDX-License-Identifier: MIT
"""Which tests run which lines: the program is built with gcov's counters, each test runs alone.

What a test ran is kept in a file of its own, with the digests of what it hangs on:

    {"key": of the test's files, "seconds": null when it fails here, "whole": false when it failed
     with counters, so that its lines are not all known and it counts as a test of each,
     "lines": {source: {"digest": ..., "ran": [line, ...], "idle": [line, ...]}}}

It holds until the test's own files change. Where a source has changed since, its lines are not
believed any more: all tests that ran something of it count as tests of each line."""
import concurrent.futures
import functools
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess

import build

# Looks at the source, which has a fault: it would find lines that are too long.
NO_USE = ("tests/cli/structure.sh",)

# Begins the children in which files are read.
SANDBOX = "src/formats/sandbox.c"


def digest(data):
    return hashlib.sha1(data).hexdigest()[:12]


def files_of(root, test):
    """The files that a test is made of, and those below tests/ that they name."""
    found, todo = set(), [test]
    mk = "".join(open(p).read() for p in glob.glob(os.path.join(root, "tests/*/local.mk")))
    lists = dict(re.findall(r"^(\w+_SOURCES) = (.*)", mk.replace("\\\n", " "), re.M))
    for name in lists.get(test.replace("-", "_") + "_SOURCES", "").split():
        todo += lists.get(name.strip("$()"), name).split()
    if "/" in test:
        todo.append(os.path.join(os.path.dirname(test), "lib.sh"))
    while todo:
        name = todo.pop().rstrip("/")
        if not os.path.exists(os.path.join(root, name)): # the rest of the name is made up
            name = os.path.dirname(name)
        path = os.path.join(root, name)
        if re.fullmatch(r"tests/(data/\w+|\w+/golden)", name) and os.path.isdir(path):
            found.update(os.path.relpath(p, root) for p in glob.glob(path + "/**", recursive=True)
                         if os.path.isfile(p))
        if name in found or not name.startswith("tests/") or not os.path.isfile(path):
            continue
        found.add(name)
        text = open(path, encoding="utf-8", errors="replace").read()
        todo += ["tests/" + n for n in re.findall(r"\btests/([\w./-]+)", text)]
        for stem in re.findall(r'#include "([\w-]+)\.h"', text):
            here = os.path.join(os.path.dirname(name), stem)
            todo += [here + ".h", here + ".c", "tests/" + stem + ".h"]
    return sorted(found)


@functools.lru_cache(None)
def digest_of(path):
    with open(path, "rb") as f:
        return digest(f.read())


def key_of(root, test):
    told = [name + digest_of(os.path.join(root, name)) for name in files_of(root, test)]
    return digest("".join(told).encode())


def gcov_lines(copy, data):
    """{source: {line: whether it ran}} of the counters below the folder `data`."""
    ran = {}
    for folder, _, names in os.walk(data):
        counters = [n for n in names if n.endswith(".gcda")]
        built = os.path.join(copy.build, os.path.relpath(folder, data + copy.build))
        for n in counters:
            notes = os.path.join(built, n[:-5] + ".gcno")
            if os.path.exists(notes):
                os.symlink(notes, os.path.join(folder, n[:-5] + ".gcno"))
        told = counters and subprocess.run(["gcov", "--json-format", "--stdout"] + counters,
                                           cwd=folder, capture_output=True, text=True).stdout
        for line in told.splitlines() if told else []:
            for f in json.loads(line)["files"] if line.startswith("{") else []:
                path = os.path.normpath(os.path.join(copy.build, f["file"]))
                name = os.path.relpath(path, copy.root)
                if (name.startswith(build.KERNELS) or name.endswith(".c") and
                        not name.startswith(("..", "tests/", "build/"))):
                    for x in f["lines"]:
                        here = ran.setdefault(name, {})
                        here[x["line_number"]] = here.get(x["line_number"]) or x["count"] > 0
    return ran


class Coverage:
    """root: the snapshot; read: gives the text of a file there; say: prints a line."""

    def __init__(self, folder, root, read, say):
        self.folder, self.root, self.read, self.say = folder, root, read, say
        self.known, self.keys, self.digests, self.sizes = {}, {}, {}, {}
        os.makedirs(folder, exist_ok=True)

    def path_of(self, test):
        return os.path.join(self.folder, test.replace("/", "+") + ".json")

    def source_digest(self, name):
        if name not in self.digests:
            try:
                self.digests[name] = digest(self.read(name).encode())
            except FileNotFoundError:
                self.digests[name] = None
        return self.digests[name]

    def load(self, tests):
        """Takes what is known of these; returns those of which nothing is, or something old."""
        self.keys = {t: key_of(self.root, t) for t in tests if t not in NO_USE}
        for test, key in self.keys.items():
            if os.path.exists(self.path_of(test)):
                told = json.load(open(self.path_of(test)))
                if told["key"] == key and "whole" in told:
                    self.known[test] = told
        return [t for t in self.keys if t not in self.known]

    def tell(self):
        old = {n for t in self.known.values() for n, here in t["lines"].items()
               if here["digest"] != self.source_digest(n)}
        left = sorted(t for t in self.known if self.known[t]["seconds"] is None)
        self.say("%d tests, their lines are known%s%s" % (
            len(self.known), "; %d files have changed since (--cover: anew)" % len(old)
            if old else "", "; fail here, left out: " + " ".join(left) if left else ""))

    def measure(self, tests, copy, plain, jobs):
        """Runs these in a copy with counters; one that fails there, in the plain one."""
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            done = [pool.submit(self.measure_one, t, copy, plain) for t in tests]
            for n, d in enumerate(concurrent.futures.as_completed(done)):
                self.say("%d of %d: %s" % (n + 1, len(tests), d.result()))

    def measure_one(self, test, copy, plain):
        data = os.path.join(copy.folder, "counters", test.replace("/", "+"))
        shutil.rmtree(data, ignore_errors=True)
        os.makedirs(data)
        passed, seconds, whole = passes(copy, plain, test, data)
        lines = {}
        for name, ran in gcov_lines(copy, data).items():
            lines[name] = {"digest": self.source_digest(name),
                           "ran": sorted(n for n in ran if ran[n]),
                           "idle": sorted(n for n in ran if not ran[n])}
        shutil.rmtree(data)
        told = {"key": self.keys[test], "seconds": seconds if passed else None, "whole": whole,
                "lines": lines}
        with open(self.path_of(test) + ".new", "w") as f:
            json.dump(told, f)
        os.replace(self.path_of(test) + ".new", self.path_of(test))
        self.known[test] = told
        self.sizes.pop(test, None)
        return "%s: %s, %.1f s" % (test, "ok" if passed else "fails here, left out", seconds)

    def leave_out(self, test):
        self.known[test]["seconds"] = None

    def limit(self, test):
        """Seconds: machines are busy, and what was measured may have been a quiet moment."""
        return 60 + 5 * self.known[test]["seconds"]

    def tests_for(self, path, line):
        """The tests that run the line: first those that are quick and of whose lines many are of
        that file. Of a line without code of its own (a declaration, the rest of a statement), of a
        file that has changed since: those that run something of the file; of the readers of files,
        which work in a child that may not write its counters, also those that run something of the
        file and begin such a child, or all that begin one; of a file that is new: all."""
        usable = {t: k for t, k in self.known.items() if k["seconds"] is not None}
        if path == build.MODULE:
            return [t for t in usable if t == build.MODULE_TEST]
        here = {t: k["lines"][path] for t, k in usable.items() if path in k["lines"]}
        old = {t for t in here if here[t]["digest"] != self.source_digest(path)}
        some = {t for t in here if here[t]["ran"]}
        has_code = any(line in here[t]["ran"] or line in here[t]["idle"] for t in set(here) - old)
        found = {t for t in some if t in old or line in here[t]["ran"]}
        if not here:
            found = set(usable)
        elif not has_code:
            found = some
        elif path.startswith("src/formats/"):
            apart = {t for t in usable if usable[t]["lines"].get(SANDBOX, {}).get("ran")}
            found |= some & apart or apart
        found |= {t for t in usable if not usable[t]["whole"]}
        return sorted(found, key=lambda t: self.cost(t, path))

    def cost(self, test, path):
        """Seconds for each share of what the test runs that is in the file."""
        lines = self.known[test]["lines"]
        if test not in self.sizes:
            self.sizes[test] = sum(len(here["ran"]) for here in lines.values())
        here = len(lines[path]["ran"]) if path in lines else 0
        return (0.5 + self.known[test]["seconds"]) * self.sizes[test] / (here + 1)


def passes(copy, plain, test, data):
    """(passed, seconds, whether with counters). One that fails with these, which make it slow and
    touch files, may pass without."""
    counted, plainly = (copy, {"GCOV_PREFIX": data}), (plain, {})
    for some, env in (counted, counted, plainly, plainly):
        ended, seconds = some.test(test, 600, env)
        if ended == build.PASSED:
            return True, seconds, some is copy
        if some is plain and ended == build.LATE:
            break
    return False, seconds, False
