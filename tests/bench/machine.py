# SPDX-License-Identifier: MIT
"""What a measurement ran on: nothing can be compared without it."""
import os
import platform
import re


def of_file(path, pattern, default=""):
    try:
        with open(path) as f:
            found = re.search(pattern, f.read(), re.M)
    except OSError:
        return default
    return found.group(1).strip() if found else default


def processor():
    info = "/proc/cpuinfo"
    name = of_file(info, r"^model name\s*:\s*(.*)$", platform.machine())
    family, model = (of_file(info, r"^%s\s*:\s*(\d+)$" % key) for key in ("cpu family", "model"))
    return name + (" (family %s, model %s)" % (family, model) if family else "")


def instructions():
    """Those that the back ends could use, of what the processor says it has."""
    flags = of_file("/proc/cpuinfo", r"^(?:flags|Features)\s*:\s*(.*)$").split()
    return [f for f in ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "amx_tile", "asimd",
                        "asimddp", "sve") if f in flags]


def threads():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def load():
    return round(os.getloadavg()[0], 2)


def describe():
    kb = of_file("/proc/meminfo", r"^MemTotal:\s*(\d+)", "0")
    return {"processor": processor(), "instructions": instructions(), "cores": threads(),
            "memory_gb": round(int(kb) / 2 ** 20, 1), "system": platform.platform(),
            "load_before": load()}


def in_words(m):
    return "%s, %s; %d cores, %.1f GB; load %.1f at the beginning, %.1f at the end" % (
        m["processor"], ", ".join(m["instructions"]) or "no vectors that are used", m["cores"],
        m["memory_gb"], m["load_before"], m["load_after"])
