/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over files and folders of files; for builds without libFuzzer. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static long count;

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return;
    size_t size = 0, cap = 1 << 24;
    uint8_t *data = malloc(cap);
    if (data)
        size = fread(data, 1, cap, f);
    /* A copy of the exact size, so that a byte too far is seen. */
    uint8_t *exact = malloc(size ? size : 1);
    if (data && exact) {
        memcpy(exact, data, size);
        LLVMFuzzerTestOneInput(exact, size);
        count++;
    }
    free(exact);
    free(data);
    fclose(f);
}

static void run_path(const char *path)
{
    struct stat st;
    DIR *d = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (!d) {
        run_file(path);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        char inner[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        run_path(inner);
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%ld inputs\n", count);
    return count == 0;
}
