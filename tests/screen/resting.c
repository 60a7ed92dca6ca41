/* SPDX-License-Identifier: MIT */
/* Whether a program rests: the kernel says which threads wait. */
#include "resting.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its state as proc(5) has it: R runs or would like to, D waits for the disk, S for something. */
static char thread_state(const char *stat)
{
    char text[512] = "";
    FILE *f = fopen(stat, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    const char *after = strrchr(text, ')'); /* a name may have any character */
    return after && after[1] == ' ' ? after[2] : '\0';
}

/* Whether one of the children that a thread made works. */
static bool children_work(const char *list)
{
    bool work = false;
    long pid;
    FILE *f = fopen(list, "r");
    while (f && !work && fscanf(f, "%ld", &pid) == 1)
        work = process_works((pid_t)pid);
    if (f)
        fclose(f);
    return work;
}

bool process_works(pid_t pid)
{
    char dir[64], path[384];
    bool work = false;
    snprintf(dir, sizeof dir, "/proc/%ld/task", (long)pid);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && !work && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/stat", dir, e->d_name);
        char state = thread_state(path);
        snprintf(path, sizeof path, "%s/%s/children", dir, e->d_name);
        work = state == 'R' || state == 'D' || children_work(path);
    }
    if (d)
        closedir(d);
    return work;
}
