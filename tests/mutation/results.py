# SPDX-License-Identifier: MIT
"""What became of the faults: a file with a line for each that was tried, the last one counts."""
import os
import threading

# What a fault can come to. Not valid ones say nothing about the tests.
KILLED, TIMEOUT, SURVIVED, INVALID, EQUIVALENT = ("killed", "timeout", "survived", "invalid",
                                                  "equivalent")
NOT_VALID = (INVALID, EQUIVALENT)


def one_line(text, most):
    return " ".join(text.split())[:most]


class Results:
    """Tab-separated: key, outcome, mark, path:line, function, kind, test or reason, the fault."""

    def __init__(self, path):
        self.path, self.seen, self.lock = path, {}, threading.Lock()
        for line in open(path, encoding="utf-8") if os.path.exists(path) else []:
            told = line.split("\t")
            if len(told) == 8 and line.endswith("\n"): # or it was interrupted
                self.seen[told[0]] = told

    def outcome(self, fault):
        return self.seen[fault.key][1] if fault.key in self.seen else None

    def knows(self, fault, mark):
        """A fault that was found stays found; one that survived is tried again with new tests."""
        outcome = self.outcome(fault)
        return outcome and (outcome != SURVIVED or self.seen[fault.key][2] == mark)

    def add(self, fault, outcome, by, mark):
        """mark: what a survivor hangs on, the file and its tests."""
        told = [fault.key, outcome, mark, "%s:%d" % (fault.path, fault.line), fault.function,
                fault.kind, by, "%s -> %s\n" % (one_line(fault.old, 60), one_line(fault.new, 60))]
        with self.lock:
            self.seen[fault.key] = told
            with open(self.path, "a", encoding="utf-8") as f:
                f.write("\t".join(told))

    def report(self, chosen, count, say):
        """Of the first `count` valid ones among the chosen."""
        tried = [f for f in chosen if self.outcome(f) not in NOT_VALID + (None,)][:count]
        kinds = {}
        for f in tried:
            kinds.setdefault(f.kind, []).append(self.outcome(f) != SURVIVED)
        for f in sorted(tried):
            if self.outcome(f) == SURVIVED:
                say("survived %s %s:%d %s() %s: %s" % (f.key, f.path, f.line, f.function, f.kind,
                                                      self.seen[f.key][7].rstrip()))
        for kind in sorted(kinds):
            say("%-12s %3d of %3d found" % (kind, sum(kinds[kind]), len(kinds[kind])))
        found, late = sum(map(sum, kinds.values())), [f for f in tried
                                                      if self.outcome(f) == TIMEOUT]
        say("%d of %d faults found, %.0f %% (%d of them only because a test ran past its limit); "
            "%d were asked for" % (found, len(tried), 100 * found / max(len(tried), 1), len(late),
                                   count))
