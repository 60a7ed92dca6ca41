# SPDX-License-Identifier: MIT
"""A copy of the tree that is built, tested and given faults."""
import os
import shutil
import subprocess
import time

# Behind main.c of the copy with counters: a program that a test kills has written what it ran.
COUNTS = """
#include <pthread.h>
#include <unistd.h>
void __gcov_dump(void);
void __gcov_reset(void);
static void *counts_write(void *arg)
{
    for (; usleep(200000) == 0; __gcov_reset())
        __gcov_dump();
    return arg;
}
static __attribute__((constructor)) void counts_begin(void)
{
    pthread_t t;
    if (pthread_create(&t, NULL, counts_write, NULL) == 0)
        pthread_detach(t);
}
"""
MAIN = "src/cmd/main.c"


class Copy:
    """Sources in folder/source, built in folder/source/build."""

    def __init__(self, folder, source, flags="-O2", coverage=False):
        self.folder, self.root = folder, os.path.join(folder, "source")
        self.build = os.path.join(self.root, "build")
        self.origin, self.flags, self.coverage = source, flags, coverage

    def prepare(self, text_of=None):
        """The sources as they are in the working tree, tracked or not; built. False: it failed.
        text_of: gives the text of a file in C as it was before."""
        os.makedirs(self.root, exist_ok=True)
        names = subprocess.run(["git", "-C", self.origin, "ls-files", "-z", "--cached", "--others",
                                "--exclude-standard"], capture_output=True, check=True).stdout
        for name in names.decode().split("\0"):
            self.take(name, text_of if name.endswith(".c") else None)
        if not os.path.exists(os.path.join(self.root, "Makefile.in")):
            if self.run(["autoreconf", "-fi"], self.root) != 0:
                return False
        if not os.path.exists(os.path.join(self.build, "Makefile")):
            os.makedirs(self.build, exist_ok=True)
            flags = self.flags + (" --coverage" if self.coverage else "")
            if self.run(["../configure", "--with-cuda=no", "CFLAGS=" + flags], self.build) != 0:
                return False
        if self.coverage: # kernels without optimization would take hours
            fast = "CFLAGS=-O2 --coverage"
            self.run(["make", "-s", "-k", "-j2", fast, "libkern.a", "libkernavx2.a",
                      "libkernavx512.a"], self.build)
        # Apart: "all" is a make of its own.
        return self.make(["all"]) == 0 and self.make(["test-programs"]) == 0

    def take(self, name, text_of=None):
        """One file of the origin; its time only changes when its text does."""
        a, b = os.path.join(self.origin, name), os.path.join(self.root, name)
        if not name or not os.path.isfile(a):
            return
        data = text_of(name).encode() if text_of else open(a, "rb").read()
        if self.coverage and name == MAIN:
            data += COUNTS.encode()
        if os.path.exists(b) and open(b, "rb").read() == data:
            return
        os.makedirs(os.path.dirname(b), exist_ok=True)
        with open(b, "wb") as f:
            f.write(data)
        shutil.copymode(a, b)

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, command, cwd, env=None, log="log"):
        with open(os.path.join(self.folder, log), "ab") as out:
            return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=out, env=env).returncode

    def make(self, targets):
        return self.run(["make", "-s", "-j2"] + targets, self.build)

    def tests(self):
        told = subprocess.run(["make", "-s", "list-tests"], cwd=self.build, capture_output=True,
                              text=True, check=True)
        return told.stdout.split()

    def objects(self):
        """Every object file with the time that it was written."""
        out = {}
        for folder, _, names in os.walk(self.build):
            for name in names:
                if name.endswith(".o"):
                    path = os.path.join(folder, name)
                    out[path] = os.stat(path).st_mtime_ns
        return out

    def test(self, name, limit=300, env=None):
        """(passed, seconds)"""
        start = time.monotonic()
        told = dict(os.environ, VILSCOPE=os.path.join(self.build, "vilscope"), SRCDIR=self.root,
                    BUILDDIR=self.build, TEST_TIMEOUT=str(int(limit)), **(env or {}))
        told.setdefault("VILSCOPE_SHARED", os.path.join(os.path.dirname(self.origin), "shared"))
        rc = self.run(["sh", os.path.join(self.root, "tests/run-tests"), name], self.build, told)
        return rc == 0, time.monotonic() - start
