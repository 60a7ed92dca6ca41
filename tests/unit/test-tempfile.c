/* SPDX-License-Identifier: MIT */
/* Temporary files: what lies there does not stand in the way, a link is not written through, what
 * a killed program left goes, and what another one writes stays. A name that can be known before,
 * or a sweep that goes by names alone, breaks it. */
#include "src/formats/filesystem.h"
#include "src/formats/outfile.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[3000];

static char *in_dir(const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

static void make(const char *name)
{
    char *path = in_dir(name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || close(fd) != 0)
        ok(false, "%s is made", path);
    free(path);
}

static bool there(const char *name)
{
    char *path = in_dir(name);
    struct stat st;
    bool is = lstat(path, &st) == 0;
    free(path);
    return is;
}

static int count_files(void)
{
    DIR *d = opendir(dir);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void writes(void)
{
    struct outfile o;
    struct vs_err err = {0};
    struct stat st;
    char *path = in_dir("out.csv"), *pid = xasprintf("%s.%ld.tmp", path, (long)getpid());
    char *victim = in_dir("victim");
    mode_t old = umask(027);
    ok(symlink(victim, pid) == 0, "a link where the file used to be made");
    ok(outfile_open(&o, path, &err) == 0 && count_files() == 2, "a temporary file %s", err.text);
    ok(stat(o.temporary, &st) == 0 && (st.st_mode & 0777) == 0640, "as the user's mask wants it");
    outfile_write(&o, "abc", 3);
    ok(outfile_close(&o, &err) == 0 && stat(path, &st) == 0 && st.st_size == 3 &&
       !there("victim") && count_files() == 2, "is there whole, and nothing beside it");
    ok(outfile_open(&o, path, &err) == 0, "once more");
    outfile_write(&o, "defgh", 5);
    outfile_drop(&o);
    ok(stat(path, &st) == 0 && st.st_size == 3 && count_files() == 2, "what is dropped leaves it");
    unlink(pid);
    unlink(path);
    umask(old);
    free(path);
    free(pid);
    free(victim);
}

/* The reason is told, whatever became of errno meanwhile. */
static void no_room(void)
{
    struct outfile o;
    struct vs_err err = {0};
    struct rlimit old, small;
    char *path = in_dir("out.csv");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 4096;
    int rc = outfile_open(&o, path, &err);
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 5000 && rc == 0; i++)
        fputs("a line\n", o.file);
    errno = 0;
    rc = rc ? rc : outfile_close(&o, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    ok(rc == VS_E_IO && strstr(err.text, strerror(EFBIG)) && count_files() == 0,
       "what others could not write: %s", err.text);
    free(path);
}

static void sweeps(void)
{
    struct vs_err err = {0};
    char *path = in_dir("out.csv"), *held = NULL, *folder = in_dir("");
    int fd = tempfile_make(path, 0600, &held, &err);
    ok(fd >= 0, "one is written just now %s", err.text);
    make("out.csv.0123456789abcdef.tmp");
    make("out.csv.0123456789abcde.tmp");
    make("out.csv.0123456789ABCDEF.tmp");
    make("out.csv.0123456789abcdef.tmp.x");
    make("x.out.csv.0123456789abcdef.tmp");
    make("out.csv.1.tmp");
    setenv("VILSCOPE_SHARED_FS", "yes", 1);
    tempfile_sweep(path);
    ok(count_files() == 7, "on a shared disk nothing goes that is new");
    setenv("VILSCOPE_SHARED_FS", "no", 1);
    tempfile_sweep(path);
    ok(count_files() == 6 && !there("out.csv.0123456789abcdef.tmp") && access(held, F_OK) == 0,
       "the one that was left goes");
    tempfile_sweep(folder);
    ok(count_files() == 5 && !there("x.out.csv.0123456789abcdef.tmp") && access(held, F_OK) == 0,
       "of a whole folder all that were left");
    close(fd);
    tempfile_sweep(path);
    ok(count_files() == 4 && access(held, F_OK) != 0, "nobody writes it any more: it goes, too");
    setenv("VILSCOPE_SHARED_FS", "", 1);
    free(held);
    free(path);
    free(folder);
}

static void filesystems(void)
{
    ok(!filesystem_shared("/proc/self/none/x"), "a file system of this machine");
    setenv("VILSCOPE_SHARED_FS", "yes", 1);
    ok(filesystem_shared("/proc") != NULL, "one that is said to be shared");
    setenv("VILSCOPE_SHARED_FS", "", 1);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/tempfile-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        ok(false, "no folder for the test");
        return tap_done();
    }
    writes();
    no_room();
    sweeps();
    filesystems();
    char *command = xasprintf("rm -rf '%s'", dir);
    ok(system(command) == 0, "the folder is removed");
    free(command);
    return tap_done();
}
