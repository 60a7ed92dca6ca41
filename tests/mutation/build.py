# SPDX-License-Identifier: MIT
"""A copy of the tree that is built, tested and given faults."""
import os
import re
import shutil
import signal
import subprocess
import time

# Behind main.c of the copy with counters: a program that a test kills has written what it ran. A
# child, which is a copy of the program at one moment, writes them, so nothing is lost that runs
# meanwhile, as between __gcov_dump() and __gcov_reset(); what is counted twice by that is of no
# interest. fork() of a program with counters would begin the child's anew; nor may the program hear
# of a child that ended.
COUNTS = """
#include <signal.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
void __gcov_dump(void);
static void *counts_write(void *arg)
{
    while (usleep(200000) == 0) {
        pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
        if (pid == 0) {
            signal(SIGALRM, SIG_DFL);
            alarm(5); /* another thread may have held a lock that this one wants */
            for (int fd = 0; fd < 3; fd++)
                close(fd); /* nobody waits for their end when the program is killed meanwhile */
            __gcov_dump();
            _exit(0);
        }
        while (pid > 0 && waitpid(pid, NULL, __WCLONE | WNOHANG) == 0 && usleep(10000) == 0)
            ;
    }
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
# What only tests have compiled: kernels for GPUs in test programs, the module by a test itself.
KERNELS, MODULE, MODULE_TEST = ("kernels/cuda/kernels", "kernels/cuda/module.cu",
                                "tests/cli/gpus.sh")
# How a test can end. Late: it ran past its limit.
PASSED, FAILED, LATE = "passed", "failed", "late"


def copy_file(a, b, more=b""):
    """b's time only changes when its text does."""
    with open(a, "rb") as f:
        data = f.read() + more
    if os.path.exists(b) and open(b, "rb").read() == data:
        return
    os.makedirs(os.path.dirname(b), exist_ok=True)
    with open(b, "wb") as f:
        f.write(data)
    shutil.copymode(a, b)


def files_below(root):
    for folder, _, names in os.walk(root):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def snapshot(tree, root):
    """The files of a working tree, tracked or not, as they are now: others work on."""
    told = subprocess.run(["git", "-C", tree, "ls-files", "-z", "--cached", "--others",
                           "--exclude-standard"], capture_output=True, check=True).stdout
    names = {n for n in told.decode().split("\0") if os.path.isfile(os.path.join(tree, n))} - {""}
    for name in names:
        copy_file(os.path.join(tree, name), os.path.join(root, name))
    for name in set(files_below(root)) - names:
        os.unlink(os.path.join(root, name))


class Copy:
    """Of a snapshot: in folder/source, built in folder/source/build."""

    def __init__(self, folder, origin, coverage=False):
        self.folder, self.root = folder, os.path.join(folder, "source")
        self.build = os.path.join(self.root, "build")
        self.origin, self.coverage = origin, coverage

    def prepare(self, say):
        """The files as they are in the snapshot, without a fault; built. False: it failed."""
        os.makedirs(self.root, exist_ok=True)
        for name in files_below(self.origin):
            copy_file(os.path.join(self.origin, name), os.path.join(self.root, name),
                      COUNTS.encode() if self.coverage and name == MAIN else b"")
        done = self.configure() and self.make_all()
        if not done:
            say("%s cannot be built: see %s/log" % (self.root, self.folder))
        return done

    def configure(self):
        if not os.path.exists(os.path.join(self.root, "Makefile.in")):
            if self.run(["autoreconf", "-fi"], self.root) != 0:
                return False
        if os.path.exists(os.path.join(self.build, "Makefile")):
            return True
        os.makedirs(self.build, exist_ok=True)
        compiler = os.environ.get("CC", "ccache gcc" if shutil.which("ccache") else "gcc")
        flags = "-O0 --coverage" if self.coverage else "-O2"
        return self.run(["../configure", "--with-cuda=no", "CC=" + compiler, "CFLAGS=" + flags],
                        self.build) == 0

    def make_all(self):
        if self.coverage: # kernels without optimization would take hours
            self.run(["make", "-s", "-k", "-j2", "CFLAGS=-O2 --coverage", "libkern.a",
                      "libkernavx2.a", "libkernavx512.a"], self.build)
        # Apart: "all" is a make of its own.
        return self.make(["all"]) == 0 and self.make(["test-programs"]) == 0

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, command, cwd):
        with open(os.path.join(self.folder, "log"), "ab") as out:
            return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=out).returncode

    def make(self, targets):
        return self.run(["make", "-s", "-j2"] + targets, self.build)

    def make_module(self):
        """The module over the runtime of its test; the object file, or None."""
        fake = os.path.join(self.root, "tests/cli/fakert")
        out = os.path.join(self.folder, "module.o")
        done = self.run(["c++", "-std=c++17", "-O1", "-fPIC", "-I" + self.root, "-I" + fake, "-c",
                         "-o", out, os.path.join(fake, "runtime.cpp")], self.build)
        return out if done == 0 else None

    def tests(self):
        told = subprocess.run(["make", "-s", "list-tests"], cwd=self.build, capture_output=True,
                              text=True, check=True)
        return told.stdout.split()

    def objects(self):
        """Every object file and module, with the time that it was written."""
        out = {}
        for folder, _, names in os.walk(self.build):
            for name in names:
                if name.endswith((".o", ".so")):
                    path = os.path.join(folder, name)
                    out[path] = os.stat(path).st_mtime_ns
        return out

    def end_programs(self):
        """A program with a fault may go on when its test has ended, and take a processor."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/exe" % pid).startswith(self.build + os.sep):
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass # it has ended, or is another user's

    def test(self, name, limit, env=None):
        """(how it ended, seconds)"""
        start = time.monotonic()
        told = dict(os.environ, VILSCOPE=os.path.join(self.build, "vilscope"), SRCDIR=self.root,
                    BUILDDIR=self.build, TEST_TIMEOUT=str(int(limit)), **(env or {}))
        ran = subprocess.run(["sh", os.path.join(self.root, "tests/run-tests"), name],
                             cwd=self.build, env=told, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            log.write(ran.stdout)
        ended = PASSED if ran.returncode == 0 else FAILED
        if re.search(rb"killed \(status (124|137)\)", ran.stdout):
            ended = LATE
        return ended, time.monotonic() - start
