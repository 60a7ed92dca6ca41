"""Which tests run which lines: the program is built with gcov's counters, each test runs alone."""
import json
import os
import shutil
import subprocess


def gcov_lines(copy, data):
    """{file: lines that ran} of the counters below the folder `data`."""
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
                    ran.setdefault(name, set()).update(
                        x["line_number"] for x in f["lines"] if x["count"] > 0)
    return ran


def measure(copy, say):
    """{"tests": {test: seconds}, "lines": {file: {line: [test, ...]}}}; None: it cannot be built."""
    if not copy.prepare():
        return None
    out = {"tests": {}, "lines": {}}
    data = os.path.join(copy.folder, "counters")
    for test in copy.tests():
        for _ in range(3):  # a machine that is busy may be late for a screen
            shutil.rmtree(data, ignore_errors=True)
            os.makedirs(data)
            passed, seconds = copy.test(test, 900, {"GCOV_PREFIX": data})
            if passed:
                break
        say("%s: %s, %.1f s" % (test, "ok" if passed else "fails here, left out", seconds))
        if not passed:
            continue
        out["tests"][test] = seconds
        for name, lines in gcov_lines(copy, data).items():
            for line in lines:
                out["lines"].setdefault(name, {}).setdefault(str(line), []).append(test)
    shutil.rmtree(data, ignore_errors=True)
    return out


def tests_for(cover, fault):
    """The tests that run the fault's line, quick ones first; of a line that no counter saw (a child
    that may not write files, a loop's head), those that run something of its file."""
    lines = cover["lines"].get(fault.path, {})
    names = set(lines.get(str(fault.line), []))
    if not names:
        for some in lines.values():
            names.update(some)
    return sorted(names, key=lambda t: cover["tests"][t])
