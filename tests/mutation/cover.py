# SPDX-License-Identifier: MIT
"""Which tests run which lines: the program is built with gcov's counters, each test runs alone."""
import hashlib
import json
import os
import shutil
import subprocess

import build


def gcov_lines(copy, data):
    """{file: {line: whether it ran}} of the counters below the folder `data`."""
    ran = {}
    for folder, _, names in os.walk(data):
        counters = [n for n in names if n.endswith(".gcda")]
        if not counters:
            continue
        built = os.path.join(copy.build, os.path.relpath(folder, data + copy.build))
        for n in counters:
            notes = os.path.join(built, n[:-5] + ".gcno")
            if os.path.exists(notes):
                shutil.copy(notes, folder)
        told = subprocess.run(["gcov", "--json-format", "--stdout"] + counters, cwd=folder,
                              capture_output=True, text=True).stdout
        for line in told.splitlines():
            for f in json.loads(line)["files"] if line.startswith("{") else []:
                path = os.path.normpath(os.path.join(copy.build, f["file"]))
                name = os.path.relpath(path, copy.root)
                if not name.startswith(".."):
                    for x in f["lines"]:
                        ran.setdefault(name, {}).setdefault(x["line_number"], False)
                        ran[name][x["line_number"]] |= x["count"] > 0
    return ran


def digest_of(copy, name):
    with open(os.path.join(copy.root, name), "rb") as f:
        return hashlib.sha1(f.read().removesuffix(build.COUNTS.encode())).hexdigest()


def passes(copy, plain, test):
    """(passed, seconds). One that fails with counters, which make it slow and touch files, may pass
    without them; what it ran is known all the same."""
    for some, env in ((copy, None), (plain, {}), (plain, {})):
        passed, seconds = some.test(test, 900, {"GCOV_PREFIX": copy.folder + "/counters"}
                                    if env is None else env)
        if passed:
            return True, seconds
    return False, seconds


def measure(copy, plain, known, save, say):
    """Adds to known what it does not say of a test yet; False when a copy cannot be built:

        {"tests": {test: seconds}, "lines": {file: {line: [test, ...]}}, "files": {file: digest}}

    A line that no test ran has an empty list, one without code is not there; a test that fails has
    no seconds. save() is called after each."""
    if not copy.prepare() or not plain.prepare():
        return False
    data = os.path.join(copy.folder, "counters")
    for test in copy.tests():
        if test in known["tests"]:
            continue
        shutil.rmtree(data, ignore_errors=True)
        os.makedirs(data)
        passed, seconds = passes(copy, plain, test)
        say("%s: %s, %.1f s" % (test, "ok" if passed else "fails here, left out", seconds))
        known["tests"][test] = seconds if passed else None
        for name, lines in gcov_lines(copy, data).items():
            here = known["lines"].setdefault(name, {})
            known["files"].setdefault(name, digest_of(copy, name))
            for line, ran in lines.items():
                here.setdefault(str(line), []).extend([test] if ran and passed else [])
        save()
    shutil.rmtree(data, ignore_errors=True)
    return True


def tests_for(cover, fault, digest):
    """The tests that run the fault's line, quick ones first. Of a line without code of its own (a
    declaration, the rest of a statement), of a file that has changed since, and of the readers of
    files, which work in a child that may not write its counters: those that run something of the
    file; of a file that is new: all. None: no test runs the line."""
    lines = cover["lines"].get(fault.path, {})
    names = lines.get(str(fault.line))
    changed = cover["files"].get(fault.path) != digest
    if names is None or changed or (not names and fault.path.startswith("src/formats/")):
        names = {t for some in lines.values() for t in some} if lines else set(cover["tests"])
    return sorted(set(names), key=lambda t: cover["tests"][t])
