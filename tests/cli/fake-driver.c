/* SPDX-License-Identifier: MIT */
/* NVIDIA's driver and the CUDA module of the program, both in one library, over the calls of
 * tests/unit/fakecuda.c: with it the program itself computes on GPUs that are not there.
 *
 * FAKE_GPUS: devices=N,memory=MB,others=MB:MB:...,context=MB,monitor=1,graphs=0,die=N (the N-th
 * kernel),code=N (that it dies of). FAKE_GPUS_TOLD: a file that gets a line for each rule as it is
 * broken, and one for what a process did that computed, when it ends. */
#include "fakecuda.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Forked children may be confined to no system call: they count in memory that is shared. */
static int *ended_children;
static bool is_child;

int cuInit(unsigned flags);
int cuDeviceGetCount(int *count);
extern struct cuda_api vilscope_cuda_api;
struct cuda_api vilscope_cuda_api;

int cuInit(unsigned flags)
{
    (void)flags;
    return 0;
}

int cuDeviceGetCount(int *count)
{
    *count = fakecuda.devices;
    return 0;
}

/* Whole lines at the end, whoever else writes. */
static void tell(const char *text)
{
    const char *path = getenv("FAKE_GPUS_TOLD");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (f) {
        fprintf(f, "%s\n", text);
        fclose(f);
    }
}

static void read_others(const char *value)
{
    for (int i = 0; i < FAKE_DEVICES && value; i++) {
        fakecuda.others[i] = (size_t)strtoul(value, NULL, 10) << 20;
        value = strchr(value, ':');
        value = value ? value + 1 : NULL;
    }
}

static void read_word(const char *name, const char *value)
{
    int n = atoi(value);
    if (strcmp(name, "devices") == 0)
        fakecuda.devices = n;
    else if (strcmp(name, "memory") == 0)
        fakecuda.memory = (size_t)n << 20;
    else if (strcmp(name, "others") == 0)
        read_others(value);
    else if (strcmp(name, "context") == 0)
        fakecuda.context = (size_t)n << 20;
    else if (strcmp(name, "monitor") == 0)
        fakecuda.monitor = n;
    else if (strcmp(name, "graphs") == 0)
        fakecuda.no_graphs = !n;
    else if (strcmp(name, "die") == 0)
        fakecuda.die_launch = n;
    else if (strcmp(name, "code") == 0)
        fakecuda.die_code = n;
    else
        abort(); /* a test that asks for what there is not */
}

static void note_fork(void)
{
    is_child = true;
}

__attribute__((constructor)) static void begin(void)
{
    void *page = mmap(NULL, sizeof *ended_children, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *words = strdup(getenv("FAKE_GPUS") ? getenv("FAKE_GPUS") : ""), *rest = words;
    if (!words || page == MAP_FAILED || pthread_atfork(NULL, NULL, note_fork) != 0)
        abort();
    ended_children = page;
    fakecuda_reset();
    fakecuda.told = tell;
    for (char *word; rest && (word = strsep(&rest, ",")) != NULL;) {
        char *value = strchr(word, '=');
        if (value) {
            *value = '\0';
            read_word(word, value + 1);
        }
    }
    free(words);
    vilscope_cuda_api = fakecuda_api;
}

__attribute__((destructor)) static void end(void)
{
    char text[300];
    int contexts = 0;
    if (is_child) { /* which ends with the program's own end: it has a GPU that is not its own */
        ++*ended_children;
        return;
    }
    for (int i = 0; i < FAKE_DEVICES; i++)
        contexts += fakecuda.opened[i];
    snprintf(text, sizeof text, "ended: %d contexts, %d launches, %d products, %d replays, %d "
             "allocations left, %d rules broken", contexts, fakecuda.launches, fakecuda.gemms,
             fakecuda.replays, fakecuda.live, fakecuda.bad + *ended_children);
    if (contexts > 0)
        tell(text);
}
