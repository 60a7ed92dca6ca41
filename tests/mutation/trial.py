# SPDX-License-Identifier: MIT
"""Faults are tried: put into a copy, built, and the tests that run the line are run."""
import hashlib
import os
import re
import subprocess
import threading
import time

import build
import faults
from results import EQUIVALENT, INVALID, KILLED, NOT_VALID, SURVIVED, TIMEOUT


def code_of(path):
    """The machine code of an object file, without what tells lines."""
    out = path + ".code"
    if subprocess.run(["objcopy", "--strip-debug", path, out]).returncode != 0:
        return None
    with open(out, "rb") as f:
        data = f.read()
    os.unlink(out)
    return hashlib.sha1(data).hexdigest()


# Not an outcome yet.
LATE, LONG = PUT_OFF = ("late", "long")
# Seconds of tests until others come first: a line that all tests run takes half an hour to survive.
PATIENCE = 150


class Todo:
    """The faults in their order, until enough valid ones were tried or the time is over; those that
    take long when all others were begun; then those that were late, one at a time, when nobody else
    works."""

    def __init__(self, chosen, count, seconds, results, mark_of):
        self.chosen, self.count, self.results, self.mark_of = chosen, count, results, mark_of
        self.until = time.monotonic() + seconds
        self.at, self.valid, self.under_way, self.late, self.long = 0, 0, 0, [], []
        self.guard = threading.Lock()

    def next(self):
        """(fault, the tests that it has survived), or None"""
        with self.guard:
            while (self.at < len(self.chosen) and time.monotonic() < self.until and
                   self.valid + self.under_way + len(self.late) + len(self.long) < self.count):
                f = self.chosen[self.at]
                self.at += 1
                if not self.results.knows(f, self.mark_of(f)):
                    self.under_way += 1
                    return f, set()
                self.valid += self.results.outcome(f) not in NOT_VALID
            if self.long and time.monotonic() < self.until:
                self.under_way += 1
                return self.long.pop(0)
            return None

    def done(self, fault, outcome, survived):
        with self.guard:
            self.under_way -= 1
            if outcome == LONG:
                self.long.append((fault, survived))
            elif outcome == LATE:
                self.late.append(fault)
            else:
                self.valid += outcome not in NOT_VALID


class Worker(threading.Thread):
    """A copy of its own. read: gives the sound text of a source."""

    def __init__(self, copy, cover, todo, results, read, say):
        super().__init__(daemon=True)
        self.copy, self.cover, self.todo, self.results = copy, cover, todo, results
        self.read, self.say = read, say
        self.code = {p: code_of(p) for p in copy.objects()}
        self.module = self.module_code()
        self.trusted = set()

    def same_code(self, before):
        """Is what was built the same as what the sound source gives? None: nothing was built."""
        changed = [p for p, t in self.copy.objects().items() if before.get(p) != t]
        if not changed:
            return None
        return all(p in self.code and code_of(p) == self.code[p] for p in changed)

    def module_code(self):
        path = self.copy.make_module()
        return path and code_of(path)

    def no_fault(self, fault):
        """(outcome, reason) of one that is none once it is in the copy, or None."""
        if fault.path == build.MODULE:
            code = self.module_code()
            return ((INVALID, "does not compile") if code is None else
                    (EQUIVALENT, "same machine code") if code == self.module else None)
        before = self.copy.objects()
        if self.copy.make(self.everything(fault)) != 0:
            return INVALID, "does not compile"
        same = self.same_code(before)
        return ((INVALID, "not compiled here") if same is None else
                (EQUIVALENT, "same machine code") if same else None)

    def everything(self, fault):
        return ["all"] + ["fake-driver.so"] * fault.path.startswith(build.KERNELS)

    def programs_of(self, test):
        """What is to be built for it."""
        if "/" not in test:
            return [test]
        with open(os.path.join(self.copy.root, test), encoding="utf-8") as f:
            named = set(re.findall(r"\$BUILDDIR/([\w-]+(?:\.so)?)", f.read()))
        return ["vilscope"] + sorted(p for p in named
                                     if os.access(os.path.join(self.copy.build, p), os.X_OK))

    def run_test(self, test, alone):
        """How it ended. One that fails is run twice: a machine that is busy may be late for a
        screen. alone: nothing else runs, and the limit is long."""
        limit = self.cover.limit(test) * (4 if alone else 1)
        ended = self.copy.test(test, limit)[0]
        ended = self.copy.test(test, limit)[0] if ended == build.FAILED else ended
        self.copy.end_programs()
        return ended

    def run_tests(self, fault, survived, alone):
        """(outcome, test); LATE: a test is, which says nothing on a busy machine; LONG: it has
        survived some tests, which are added to those, and others are left."""
        tests = self.cover.tests_for(fault.path, fault.line)
        until = time.monotonic() + PATIENCE
        for test in (t for t in tests if t not in survived):
            if time.monotonic() > until and not alone:
                return LONG, ""
            if self.copy.make(self.programs_of(test)) != 0:
                return INVALID, test + " does not link"
            ended = self.run_test(test, alone)
            if ended == build.FAILED:
                return KILLED, test
            if ended == build.LATE:
                return TIMEOUT if alone else LATE, test
            survived.add(test)
        return SURVIVED, "" if tests else "no test runs the line"

    def attempt(self, fault, survived, alone):
        text = self.read(fault.path)
        self.copy.write(fault.path, faults.with_fault(text, fault))
        try:
            return self.no_fault(fault) or self.run_tests(fault, survived, alone)
        finally:
            self.copy.write(fault.path, text)
            self.copy.make(self.everything(fault))

    def trusts(self, test):
        """Does it pass on the sound source? Asked before its first verdict is believed."""
        if test not in self.trusted:
            self.copy.make(self.programs_of(test))
            if self.run_test(test, True) != build.PASSED:
                self.cover.leave_out(test)
                self.say("%s fails without a fault, too: left out from now on" % test)
                return False
            self.trusted.add(test)
        return True

    def try_one(self, fault, survived, alone):
        mark = self.todo.mark_of(fault)
        outcome, by = self.attempt(fault, survived, alone)
        while outcome in (KILLED, TIMEOUT) and not self.trusts(by):
            outcome, by = self.attempt(fault, survived, alone)
        self.todo.done(fault, outcome, survived)
        if outcome not in PUT_OFF:
            self.results.add(fault, outcome, by, mark)
        told = " ".join(("%s -> %s" % (fault.old, fault.new)).split())
        self.say("%-10s %s:%d %s: %s %s" % (outcome, fault.path, fault.line, fault.kind, told[:90],
                                            "(%s)" % by if by else ""))

    def run(self):
        while True:
            chosen = self.todo.next()
            if chosen is None:
                return
            self.try_one(*chosen, False)

    def run_late(self):
        """When all others have ended."""
        if self.todo.long:
            self.say("%d faults have survived some tests; time was over before the others" %
                     len(self.todo.long))
        for fault in self.todo.late:
            self.try_one(fault, set(), True)
