/* SPDX-License-Identifier: MIT */
/* How many CPUs and how much memory this process may use. */
#include "kernels/pool.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int from_affinity(void)
{
#ifdef __linux__
    cpu_set_t set[8]; /* of 1024 each: fewer than the system has are refused */
    if (sched_getaffinity(0, sizeof set, set) == 0)
        return CPU_COUNT_S(sizeof set, set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

/* ---- control groups
 *
 * Version 2 has one tree of groups, version 1 one for each controller, in a folder of the
 * controller's name. A container may see its own group as the root of what is mounted, while
 * /proc/self/cgroup names it from the host's root: folders of that path which are not there limit
 * nothing. */

static long long cgroup_cpus(FILE *f)
{
    long long quota = 0, period = 0;
    int n = fscanf(f, "%lld %lld", &quota, &period);
    return n == 2 && quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

static long long cgroup_number(FILE *f)
{
    long long n = 0;
    return fscanf(f, "%lld", &n) == 1 && n > 0 ? n : 0;
}

/* The smaller of both, 0 being none. */
static long long cgroup_least(long long a, long long b)
{
    return a > 0 && (b == 0 || a < b) ? a : b;
}

static long long cgroup_read(const char *folder, const char *name, long long (*of)(FILE *))
{
    char path[1600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    long long n = f ? of(f) : 0;
    if (f)
        fclose(f);
    return n;
}

/* Whether a list "cpu,cpuacct" has a word. */
static bool cgroup_lists(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    return false;
}

/* The group of "4:cpu,cpuacct:/a/b" as "/a/b", of "/" as "", for a controller, or of "0::/a/b" for
 * ""; false without any. */
static bool cgroup_own(const char *self, const char *controller, char *out, size_t size)
{
    char line[1200];
    FILE *f = fopen(self, "re");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        found = *controller ? cgroup_lists(list + 1, controller) : strncmp(line, "0:", 2) == 0;
        if (found)
            snprintf(out, size, "%s", strcmp(group, "/") == 0 ? "" : group);
    }
    if (f)
        fclose(f);
    return found;
}

/* The least limit of the group and of those that it is in. */
static long long cgroup_nested(const char *mount, const char *self, const char *controller,
                               long long (*of)(const char *folder))
{
    char folder[1400], group[1200] = "", *cut;
    if (!cgroup_own(self, controller, group, sizeof group))
        group[0] = '\0';
    int root = snprintf(folder, sizeof folder, "%s%s%s", mount, *controller ? "/" : "", controller);
    snprintf(folder + root, sizeof folder - (size_t)root, "%s", group);
    long long found = of(folder);
    while ((cut = strrchr(folder + root, '/')) != NULL) {
        *cut = '\0';
        found = cgroup_least(of(folder), found);
    }
    return found;
}

static long long cpus_in_two(const char *folder)
{
    return cgroup_read(folder, "cpu.max", cgroup_cpus);
}

static long long cpus_in_one(const char *folder)
{
    long long quota = cgroup_read(folder, "cpu.cfs_quota_us", cgroup_number);
    long long period = cgroup_read(folder, "cpu.cfs_period_us", cgroup_number);
    return quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

static long long bytes_in_two(const char *folder)
{
    return cgroup_read(folder, "memory.max", cgroup_number);
}

static long long bytes_in_one(const char *folder)
{
    return cgroup_read(folder, "memory.limit_in_bytes", cgroup_number);
}

long long cgroup_cpu_limit(const char *mount, const char *self)
{
    return cgroup_least(cgroup_nested(mount, self, "", cpus_in_two),
                        cgroup_nested(mount, self, "cpu", cpus_in_one));
}

long long cgroup_memory_limit(const char *mount, const char *self)
{
    return cgroup_least(cgroup_nested(mount, self, "", bytes_in_two),
                        cgroup_nested(mount, self, "memory", bytes_in_one));
}

#define CGROUP_MOUNT "/sys/fs/cgroup"
#define CGROUP_SELF "/proc/self/cgroup"

/* ---- what is left */

int cpus_usable(void)
{
    long long quota = cgroup_cpu_limit(CGROUP_MOUNT, CGROUP_SELF);
    int n = from_affinity();
    if (quota > 0 && quota < n)
        n = (int)quota;
    return n > 0 ? n : 1;
}

size_t memory_usable(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t all = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
    long long limit = cgroup_memory_limit(CGROUP_MOUNT, CGROUP_SELF);
    return limit > 0 && (size_t)limit < all ? (size_t)limit : all;
}
