/* SPDX-License-Identifier: MIT */
/* How many CPUs and how much memory this process may use. */
#include "kernels/pool.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int from_affinity(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

/* ---- control groups, version 2 */

long long cgroup_cpus(FILE *f)
{
    long long quota = 0, period = 0;
    int n = fscanf(f, "%lld %lld", &quota, &period);
    return n == 2 && quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

long long cgroup_bytes(FILE *f)
{
    long long bytes = 0;
    return fscanf(f, "%lld", &bytes) == 1 && bytes > 0 ? bytes : 0;
}

/* The smaller of both, 0 being none. */
static long long cgroup_least(long long a, long long b)
{
    return a > 0 && (b == 0 || a < b) ? a : b;
}

static long long cgroup_read(const char *mount, const char *group, const char *name,
                             long long (*of)(FILE *))
{
    char path[1400];
    snprintf(path, sizeof path, "%s%s/%s", mount, group, name);
    FILE *f = fopen(path, "re");
    long long n = f ? of(f) : 0;
    if (f)
        fclose(f);
    return n;
}

/* The group of "0::/a/b" as "/a/b"; "" without any. */
static void cgroup_own(const char *self, char *out, size_t size)
{
    char line[1024];
    FILE *f = fopen(self, "re");
    out[0] = '\0';
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) == 0)
            snprintf(out, size, "%s", line + 3);
    }
    if (f)
        fclose(f);
}

long long cgroup_limit(const char *mount, const char *self, const char *name,
                       long long (*of)(FILE *))
{
    char group[1024], *cut;
    cgroup_own(self, group, sizeof group);
    long long found = cgroup_read(mount, group, name, of);
    while ((cut = strrchr(group, '/')) != NULL) {
        *cut = '\0';
        found = cgroup_least(cgroup_read(mount, group, name, of), found);
    }
    return found;
}

#define CGROUP_MOUNT "/sys/fs/cgroup"
#define CGROUP_SELF "/proc/self/cgroup"

/* ---- what is left */

int cpus_usable(void)
{
    long long quota = cgroup_limit(CGROUP_MOUNT, CGROUP_SELF, "cpu.max", cgroup_cpus);
    int n = from_affinity();
    if (quota > 0 && quota < n)
        n = (int)quota;
    return n > 0 ? n : 1;
}

size_t memory_usable(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t all = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
    long long limit = cgroup_limit(CGROUP_MOUNT, CGROUP_SELF, "memory.max", cgroup_bytes);
    return limit > 0 && (size_t)limit < all ? (size_t)limit : all;
}
