/* SPDX-License-Identifier: MIT */
/* The status view beside GPUs that are not there (tests/cli/fake-driver.c): which one computes, and
 * what is unusual about that. Broken by a note that is not asked for, or not shown. */
#include "tap.h"
#include "terminal.h"

#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    const char *build = getenv("BUILDDIR"), *tmp = getenv("TMPDIR"), *program = getenv("VILSCOPE");
    char driver[1000], folder[900], link[1000];
    const char *argv[] = {program, "-m", source_path("tests/data/tiny"), NULL};
    snprintf(folder, sizeof folder, "%s/gpus-XXXXXX", tmp ? tmp : "/tmp");
    snprintf(driver, sizeof driver, "%s/fake-driver.so", build ? build : ".");
    if (!ok(mkdtemp(folder) != NULL, "a folder for the driver"))
        return tap_done();
    snprintf(link, sizeof link, "%s/libcuda.so.1", folder);
    ok(symlink(driver, link) == 0, "a driver in it");
    setenv("LD_LIBRARY_PATH", folder, 1);
    setenv("VILSCOPE_CUDA_MODULE", driver, 1);
    setenv("FAKE_GPUS", "devices=2,memory=4000,monitor=1,others=900:100", 1);
    struct terminal *t = terminal_start(argv, 30, 120, false, false);
    terminal_command(t, "view status");
    terminal_command(t, "zoom");
    ok(terminal_expect(t, "device       cuda:1 Fake 1"), "the device");
    ok(terminal_expect(t, "auto took cuda:1, which has the most memory") &&
           terminal_expect(t, "free of 2 GPUs"), "and why it is that one, in two lines");
    terminal_command(t, "quit");
    ok(terminal_ends(t), "it ends well");
    unlink(link);
    rmdir(folder);
    return tap_done();
}
