# SPDX-License-Identifier: MIT
"""The parts of the table: each runs programs that measure and makes rows of what they print."""
import os
import re
import resource
import shutil
import subprocess
import time

from rows import Wrong, row, skipped

CEILINGS = re.compile(r"^(\S+): one thread: ([\d.]+) GFLOP/s .* registers(?: \(([\d.]+) a cycle at "
                      r"([\d.]+) GHz\))?, ([\d.]+) GB/s from L2, ([\d.]+) GB/s from memory$")
OPERATION = re.compile(r"^(.*?) *\| +([\d.]+) +([\d.]+) +([\d.]+) ms \| floor +([\d.]+) ms of "
                       r"(\S+) ")
REPORTED = re.compile(r"^(.*?) +([\d.]+) ms median +([\d.]+) at 95 % +([\d.]+) most")
INSERTED = re.compile(r"^(\d+) rows of ([\d.]+) KB: (\d+) a second, (\d+) a second")
KEY = re.compile(r"^(.*?) +median +([\d.]+) ms, 95% +([\d.]+), longest +([\d.]+);")
PICTURE = re.compile(r": (\d+x\d+), (\d+) kB, ([\d.]+) ms of processor time, ([\d.]+) dB, "
                     r"blurred ([\d.]+) dB")
MB = 2 ** 20
WORDS = 12  # of bench-eval's questions and captions
REGIONS = 101
QUESTION = "what is the color of a big red ball ?"


def output(argv):
    """What a program prints; Wrong with its own words when it fails."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as e:
        raise Wrong("%s: %s; make bench builds it, and --programs names its folder" % (
            argv[0], e.strerror))
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Wrong("%s: %s" % (os.path.basename(argv[0]),
                                said[-1] if said else "failed with %d" % done.returncode))
    return done.stdout


class Bench:
    """o: the options of tests/bench/run. folder: for what is made on the way."""

    def __init__(self, o, work, folder):
        self.o, self.work, self.folder = o, work, folder
        self.ceilings, self.pools = {}, {}

    def program(self, name):
        return os.path.join(self.o.programs, name)

    def numbers(self, name, *argv):
        """Those that the first line of a program begins with."""
        found = []
        for word in output([self.program(name), *map(str, argv)]).split():
            if not re.fullmatch(r"-?[\d.]+", word):
                break
            found.append(float(word))
        return found

    def label(self, threads):
        return "%d thread%s" % (threads, "" if threads == 1 else "s")

    def floor(self, sums, numbers, threads):
        """(ms, which ceiling) of so many multiply-adds, and numbers that are read from memory."""
        c = self.ceilings
        compute = 2 * sums / c["gflops"] / threads / 1e6
        read = 4 * numbers / c["memory_gbs"] / threads / 1e6 if c["memory_gbs"] > 0 else 0
        return (compute, "multiply-adds") if compute > read else (read, "memory")

    def pass_floor(self, tokens, regions, threads, batch=1, less=0):
        sums = batch * (self.work.sums(tokens, regions, self.o.answers) - less)
        return self.floor(sums, 0 if less else self.work.weights(self.o.answers), threads)

    def megabytes(self):
        """Of the weights that a pass reads."""
        return 4 * self.work.weights(self.o.answers) / MB

    # ---- ceilings and operations

    def measure_ceilings(self, turns):
        lines = output([self.program("bench-kern"), self.o.device, str(turns)]).splitlines()
        found = CEILINGS.match(lines[0]) if lines else None
        if not found:
            raise Wrong("bench-kern says nothing of ceilings: %s" % "".join(lines[:1]))
        device, gflops, issued, ghz, cache, memory = found.groups()
        self.ceilings = {"device": device, "gflops": float(gflops), "l2_gbs": float(cache),
                         "memory_gbs": float(memory)}
        if ghz:
            self.ceilings.update(ghz=float(ghz), multiply_adds_a_cycle=float(issued))
        return lines[1:]

    def operations(self):
        turns = 2 if self.o.quick else 40
        for line in self.measure_ceilings(turns):
            found = OPERATION.match(line)
            if not found:
                raise Wrong("bench-kern: not understood: %s" % line)
            what, median, least, upper, floor, of = found.groups()
            yield row("operations", what, "ms", (float(median), float(least), float(upper)), turns,
                      float(floor), of)

    # ---- passes

    def forward(self, tokens, regions, threads, passes, kept="none", batch=1):
        """(median, least, upper quartile), MB"""
        o = self.o
        n = self.numbers("bench-forward", o.config, o.checkpoint, tokens, regions, threads, passes,
                         o.device, kept, batch)
        return tuple(n[:3]), n[3]

    def query(self):
        for tokens in (12, 24, 38):
            for regions in (36, REGIONS):
                for threads in self.o.threads:
                    ms, mb = self.forward(tokens, regions, threads, self.o.passes)
                    yield row("one query", "%d tokens, %d regions, %s" % (
                        tokens, regions, self.label(threads)), "ms", ms, self.o.passes,
                        *self.pass_floor(tokens, regions, threads))
        yield row("one query", "peak memory, 38 tokens, 101 regions", "MB", mb, None,
                  self.megabytes(), "weights")

    def batches(self):
        threads, passes = self.o.threads[-1], max(1, min(3, self.o.passes))
        for batch in (2, 3) if self.o.quick else (16, 100):
            ms, mb = self.forward(38, REGIONS, threads, passes, batch=batch)
            what = "batch of %d, 38 tokens, 101 regions, %s" % (batch, self.label(threads))
            yield row("batches", what, "ms", ms, passes,
                      *self.pass_floor(38, REGIONS, threads, batch))
            yield row("batches", "peak memory, batch of %d" % batch, "MB", mb, None,
                      self.megabytes(), "weights")

    def second(self):
        less = self.work.before_image(REGIONS)
        for tokens in (12, 38):
            for threads in self.o.threads:
                ms, _ = self.forward(tokens, REGIONS, threads, self.o.passes, "image")
                yield row("second query on the same image", "%d tokens, 101 regions, %s" % (
                    tokens, self.label(threads)), "ms", ms, self.o.passes,
                    *self.pass_floor(tokens, REGIONS, threads, less=less))

    def back(self):
        turns = self.o.turns
        for threads in self.o.threads:
            said = output([self.program("bench-back"), self.o.config, self.o.checkpoint, "37",
                           str(REGIONS), str(threads), str(turns), self.o.device])
            medians = [float(x) for x in said.split()[:3]]
            rest = re.search(r"kept ([\d.]+) MB spread ([\d. ]+) peak ([\d.]+) MB", said)
            if not rest:
                raise Wrong("bench-back: not understood: %s" % said.strip())
            spread = [float(x) for x in rest.group(2).split()]
            for i, what in enumerate(("forward", "forward, recorded", "back")):
                yield row("forward and backward", "%s, 38 tokens, 101 regions, %s" % (
                    what, self.label(threads)), "ms",
                    (medians[i], spread[2 * i], spread[2 * i + 1]), turns,
                    *self.pass_floor(37, REGIONS, threads))
        yield row("forward and backward", "activations that are kept", "MB", float(rest.group(1)))
        yield row("forward and backward", "peak memory", "MB", float(rest.group(3)), None,
                  self.megabytes(), "weights")

    # ---- features in a file, and what is asked about them

    def pool(self, images):
        """A folder with so many images' features, questions and captions, as bench-eval makes."""
        if images not in self.pools:
            folder = os.path.join(self.folder, "pool-%d" % images)
            os.mkdir(folder)
            output([self.program("bench-eval"), "make", folder,
                    str(self.work.c["v_feature_size"]), str(images), "64", str(images),
                    str(self.o.answers)])
            self.pools[images] = folder
        return self.pools[images]

    def drop_pool(self, images):
        shutil.rmtree(self.pools.pop(images))

    def retrieval_of(self, images, threads):
        """Milliseconds and MB of one caption among so many images."""
        n = self.numbers("bench-eval", "retrieval", self.pool(images), self.o.config,
                         self.o.checkpoint, self.o.vocab, threads, 1, self.o.device)
        return n[0], n[5] / 1024

    def retrieval_floor(self, images, threads):
        tokens = WORDS + 2
        pair = self.work.sums(tokens, REGIONS, 0) - self.work.before_text(self.work.rows(tokens))
        return self.floor(images * pair, 0, threads)

    def retrieval(self):
        images, threads = self.o.retrieval, self.o.threads[-1]
        took = sorted(self.retrieval_of(images, threads) for _ in range(self.o.retrieval_turns))
        ms = [x[0] for x in took]
        yield row("retrieval", "one caption among %d images, features in a file, %s" % (
            images, self.label(threads)), "ms", spread_of(ms), len(ms),
            *self.retrieval_floor(images, threads))
        yield row("retrieval", "peak memory", "MB", max(x[1] for x in took), None,
                  self.megabytes(), "weights")
        self.drop_pool(images)

    def study(self, kind, threads, turns, count=1):
        n = self.numbers("bench-study", kind, self.pool(1), self.o.config, self.o.checkpoint,
                         self.o.vocab, threads, turns, count, self.o.device)
        return tuple(n[:3]), n[3]

    def leave_one_out(self):
        turns, rows = min(3, self.o.turns), self.work.rows(len(QUESTION.split()) + 2)
        one = self.work.sums(len(QUESTION.split()) + 2, REGIONS - 1, self.o.answers)
        for threads in self.o.threads[-1:]:
            ms, mb = self.study("leave-one-out", threads, turns)
            yield row("leave-one-out", "each of 100 regions, a question of ten words, %s" %
                      self.label(threads), "ms", ms, turns,
                      *self.floor(100 * (one - self.work.before_text(rows)), 0, threads))
            yield row("leave-one-out", "peak memory", "MB", mb, None, self.megabytes(), "weights")

    # ---- the detector

    def detector(self):
        o, runs = self.o, min(3, self.o.turns)
        for threads in o.threads:
            n = self.numbers("bench-detector", o.detector[0], o.detector[1], o.picture, threads,
                             runs, o.device)
            yield row("detector", "network, %s" % self.label(threads), "ms",
                      (n[0], n[3], n[4]), runs, *self.floor(1e6 * n[7], 0, threads))
            yield row("detector", "selection, %s" % self.label(threads), "ms",
                      (n[1], n[5], n[6]), runs)
        yield row("detector", "peak memory", "MB", n[2])

    # ---- the program from its start

    def start_of(self):
        """Seconds, MB and bytes read from the disk, of one question."""
        o = self.o
        argv = [self.program("vilscope"), "query", "-c", o.checkpoint, "--config", o.config,
                "--vocab", o.vocab, "--no-log", "-t", "vqa", "--device", o.device, "--regions",
                os.path.join(self.pool(1), "features.lmdb"), "--key", "1", QUESTION]
        start = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        took = time.perf_counter() - start
        if status != 0:
            raise Wrong("vilscope query fails: %s" % output(argv))
        return 1000 * took, usage.ru_maxrss / 1024, 512 * usage.ru_inblock

    def forget(self):
        """Asks the system to drop the checkpoint's pages; the program and its libraries stay."""
        f = os.open(self.o.checkpoint, os.O_RDONLY)
        try:
            os.fdatasync(f)
            os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(f)

    def start(self):
        turns, threads = self.o.turns, self.o.threads[-1]
        self.start_of()
        warm = [self.start_of() for _ in range(turns)]
        floor = self.pass_floor(len(QUESTION.split()) + 2, REGIONS, threads)
        yield row("start to first answer", "checkpoint in the page cache", "ms",
                  spread_of([x[0] for x in warm]), turns, *floor)
        cold = []
        for _ in range(min(3, turns)):
            self.forget()
            cold.append(self.start_of())
        read = min(x[2] for x in cold)
        if 2 * read < 4 * self.work.weights(self.o.answers):
            yield skipped("start to first answer", "checkpoint not in the page cache",
                          "the system keeps its pages (%.0f MB were read)" % (read / 1e6))
        else:
            yield row("start to first answer", "checkpoint not in the page cache", "ms",
                      spread_of([x[0] for x in cold]), len(cold), *floor,
                      "%.0f MB read" % (read / 1e6))
        most, own = max(x[1] for x in warm), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if most > own:
            yield row("start to first answer", "peak memory", "MB", most)
        else:  # a process that was started has its starter's, too
            yield skipped("start to first answer", "peak memory", "less than this program's own")

    # ---- log and screen

    def log_of(self, rows):
        path = os.path.join(self.folder, "rows.db")
        return output([self.program("bench-rows"), path, str(rows)]).splitlines()

    def log(self):
        for line in self.log_of(self.o.log_rows):
            inserted, reported = INSERTED.match(line), REPORTED.match(line)
            if inserted:
                n, kb, rate = inserted.group(1), float(inserted.group(2)), float(inserted.group(3))
                yield row("log", "%s rows of %s KB, inserted" % (n, inserted.group(2)), "ms",
                          1000 * int(n) / rate, None, *self.floor(0, int(n) * kb * 250, 1))
            elif reported and not line.startswith(" "):
                what, median, _, most = reported.groups()
                yield row("log", what, "ms", float(median), 21, None, None, "%s at most" % most)

    def screen(self):
        program = self.program("bench-latency")
        if not os.path.exists(program):
            yield skipped("screen", "from a key to the screen",
                          "bench-latency is not built (it needs libvterm)")
            return
        said = output([program, self.o.screen, "20" if self.o.quick else "200"])
        for line in said.splitlines():
            found = KEY.match(line)
            if found:
                what, median, most, longest = found.groups()
                yield row("screen", "from a key to the screen, " + what, "ms", float(median), None,
                          None, None, "%s at 95 %%, %s at most" % (most, longest))


    def pictures(self):
        """One that the workbench sends a terminal with sixels."""
        found = PICTURE.search(output([self.program("bench-picture"), self.o.picture]))
        if not found:
            raise Wrong("bench-picture: its line is not understood")
        size, kb, ms, _, blurred = found.groups()
        what = "a photo of %s as sixels, " % size
        yield row("pictures", what + "processor time", "ms", float(ms))
        yield row("pictures", what + "bytes", "kB", float(kb))
        yield row("pictures", what + "PSNR, blurred", "dB", float(blurred))


def spread_of(numbers):
    s = sorted(numbers)
    return s[len(s) // 2], s[0], s[3 * len(s) // 4]


PARTS = {"operations": Bench.operations, "query": Bench.query, "batches": Bench.batches,
         "second": Bench.second, "retrieval": Bench.retrieval,
         "leave-one-out": Bench.leave_one_out, "back": Bench.back, "detector": Bench.detector,
         "start": Bench.start, "log": Bench.log, "screen": Bench.screen,
         "pictures": Bench.pictures}
