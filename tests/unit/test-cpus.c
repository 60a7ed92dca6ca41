/* SPDX-License-Identifier: MIT */
/* How many CPUs and how much memory control groups leave: trees of both versions. Broken
 * by a limit of an outer group that is not seen, a controller taken for another, a quota rounded
 * down. */
#include "folder.h"
#include "kernels/pool.h"

#include <sys/stat.h>

/* What a machine has: version 2 below the mount, version 1 below a folder for each controller. */
static const char *const cgroup_folders[] = {"/a", "/a/b", "/cpu", "/cpu/a", "/cpu/a/b", "/memory",
                                             "/memory/a"};
static const char *const cgroup_files[][2] = {
    {"memory.max", "5000\n"}, {"a/memory.max", "3000\n"}, {"a/b/memory.max", "max\n"},
    {"cpu.max", "max 100000\n"}, {"a/b/cpu.max", "250000 100000\n"},
    {"cpu/cpu.cfs_quota_us", "900000\n"}, {"cpu/cpu.cfs_period_us", "100000\n"},
    {"cpu/a/cpu.cfs_quota_us", "150000\n"}, {"cpu/a/cpu.cfs_period_us", "50000\n"},
    {"cpu/a/b/cpu.cfs_quota_us", "-1\n"}, {"cpu/a/b/cpu.cfs_period_us", "100000\n"},
    {"memory/memory.limit_in_bytes", "9223372036854771712\n"},
    {"memory/a/memory.limit_in_bytes", "7000\n"}};

/* The group that /proc/self/cgroup names, and what is left to it; 0: no limit. */
static const struct {
    const char *what, *self;
    long long cpus, bytes;
} cgroup_cases[] = {
    {"nested groups of version 2", "0::/a/b\n", 3, 3000},
    {"the outer group of version 2", "0::/\n", 9, 5000},
    {"nested groups of version 1", "5:memory:/a\n4:cpuset:/\n3:cpu,cpuacct:/a/b\n", 3, 5000},
    {"both versions", "7:cpuacct,cpu:/a\n2:memory:/\n0::/a/b\n", 3, 3000},
    {"a group that a container does not see", "3:cpu:/docker/1f\n0::/docker/1f\n", 9, 5000},
    {"a controller whose name begins alike", "3:cpuacct:/a\n1:memory_x:/a\n", 9, 5000},
    {"no group at all", "", 9, 5000},
};

static void check_groups(void)
{
    enum { FILES = sizeof cgroup_files / sizeof cgroup_files[0],
           FOLDERS = sizeof cgroup_folders / sizeof cgroup_folders[0],
           CASES = sizeof cgroup_cases / sizeof cgroup_cases[0] };
    char *paths[FILES], *folders[FOLDERS];
    if (!ok(folder_make("test-cpus"), "a folder"))
        return;
    for (int i = 0; i < FOLDERS; i++) {
        folders[i] = xasprintf("%s%s", folder, cgroup_folders[i]);
        ok(mkdir(folders[i], 0700) == 0, "a group in it");
    }
    for (int i = 0; i < FILES; i++)
        paths[i] = write_file(cgroup_files[i][0], cgroup_files[i][1], strlen(cgroup_files[i][1]));
    for (int i = 0; i < CASES; i++) {
        char *self = write_file("self", cgroup_cases[i].self, strlen(cgroup_cases[i].self));
        long long cpus = cgroup_cpu_limit(folder, self);
        long long bytes = cgroup_memory_limit(folder, self);
        ok(cpus == cgroup_cases[i].cpus && bytes == cgroup_cases[i].bytes,
           "%s: %lld CPUs, %lld bytes", cgroup_cases[i].what, cpus, bytes);
        drop(self);
    }
    ok(cgroup_cpu_limit("/nowhere", "/nowhere") == 0 && memory_usable() > 0 && cpus_usable() > 0,
       "no groups, no limit; %d CPUs and %zu MB are usable", cpus_usable(), memory_usable() >> 20);
    for (int i = 0; i < FILES; i++)
        drop(paths[i]);
    for (int i = FOLDERS - 1; i >= 0; i--) {
        rmdir(folders[i]);
        free(folders[i]);
    }
    ok(rmdir(folder) == 0, "nothing is left");
    free(folder);
}

int main(void)
{
    check_groups();
    return tap_done();
}
