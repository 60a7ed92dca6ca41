/* SPDX-License-Identifier: MIT */
/* How many CPUs this process may use. */
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

/* "200000 100000" is two CPUs' worth of time; "max 100000" is no limit. 0: no limit found. */
static int read_quota(const char *path)
{
    long long quota = 0, period = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    int n = fscanf(f, "%lld %lld", &quota, &period);
    fclose(f);
    return n == 2 && quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

static int from_cgroup(void)
{
    char line[1024], path[1200];
    int found = read_quota("/sys/fs/cgroup/cpu.max");
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s/cpu.max", line + 4);
        int n = read_quota(path);
        found = n > 0 && (found == 0 || n < found) ? n : found;
    }
    if (f)
        fclose(f);
    return found;
}

int cpus_usable(void)
{
    int n = from_affinity(), quota = from_cgroup();
    if (quota > 0 && quota < n)
        n = quota;
    return n > 0 ? n : 1;
}
