/* SPDX-License-Identifier: MIT */
/* Threads of a block that meet in memory without a barrier between them: ThreadSanitizer sees each
 * as a thread (simt.c), and this program is compiled with it. Every kernel runs without a race; and
 * without any one of the barriers a race is seen, so that no barrier is there for nothing, and none
 * can be lost. With VILSCOPE_FULL: all sizes. */
#include "fakecuda.h"
#include "kernels/cuda/gpu.h"
#include "ops.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define WATCHED
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define WATCHED
#endif

#ifndef WATCHED
int main(void)
{
    tap_skip("races of kernels: this build has no ThreadSanitizer");
    return tap_done();
}
#else

#define RACE 42 /* status of a child that saw one */

static int races;
static bool is_child;
static struct kern *ref;

/* What the sanitizer calls. Its defaults count a race once for each pair of places. */
const char *__tsan_default_options(void);
void __tsan_on_report(void *report);

const char *__tsan_default_options(void)
{
    return "exitcode=0";
}

/* It races itself. */
__attribute__((no_sanitize("thread"))) void __tsan_on_report(void *report)
{
    (void)report;
    races++;
    if (is_child) /* no more is asked of it; nothing is tidied up */
        syscall(SYS_exit_group, RACE);
}

/* Sizes with several warps, tiles and blocks, and tails. */
static void run_kernels(void)
{
    static const int group[] = {4, 5, 64, 64, 3, 2, 8}, pixels[] = {3, 4, 18, 12, 3, 1, 3};
    static const int columns[] = {4, 5, 12, 8, 3, 1, 1}, linear[] = {7, 36, 40};
    struct kern *k = NULL;
    char why[256] = "";
    fakecuda_reset();
    if (!ok(gpu_kern(&fakecuda_api, "cuda", &k, why, sizeof why) == 0, "it opens %s", why))
        return;
    ops_norm(k, ref, 2, 300);
    ops_attention(k, ref, 2, 40, 6, 70);
    ops_attention(k, ref, 1, 160, 5, 35);
    ops_conv(k, ref, 1, group, true);
    ops_pooling(k, ref, 40);
    ops_nms(k, ref, 150, 2);
    ops_attention_back(k, ref, 2, 20, 3, 150);
    ops_norm_back(k, ref, 2, 300, false);
    if (!is_child) { /* no barriers there */
        ops_conv(k, ref, 1, pixels, true), ops_conv(k, ref, 1, columns, true);
        ops_linear(k, ref, linear, KERN_GELU, 1, 1);
        ops_small(k, ref, 7, 36), ops_gate_back(k, ref, 7, 36);
        ops_activate(k, ref, 300, KERN_GELU);
        int unused = -1;
        for (int i = 0; i < KERNEL_COUNT; i++)
            unused = fakecuda.used[i] == 0 ? i : unused;
        ok(unused < 0, "every kernel ran (%s)", unused < 0 ? "" : simt_names[unused]);
    }
    kern_close(k);
    ok(fakecuda.live == 0 && fakecuda.bad == 0, "nothing is left, nothing was wrong (%s)",
       fakecuda.first);
}

/* With all sizes that the operations are tested with, in both orders. */
static void run_all(void)
{
    char why[256];
    for (int i = 0; i < 2; i++) {
        struct kern *k = NULL;
        fakecuda_reset();
        fakecuda.backwards = i;
        if (ok(gpu_kern(&fakecuda_api, "cuda", &k, why, sizeof why) == 0, "it opens"))
            ops_check(k, ref, false);
        kern_close(k);
    }
}

/* In a child, whose reports and counts go nowhere. */
static bool races_without(const char *barrier)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
        is_child = true;
        simt_without = barrier;
        run_kernels();
        syscall(SYS_exit_group, 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == RACE;
}

/* Barriers in the source. */
static int count_written(void)
{
    static const char *const files[] = {"kernels.h", "kernels_back.h", "kernels_vision.h"};
    char path[64], line[256];
    int count = 0;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "kernels/cuda/%s", files[i]);
        FILE *f = fopen(source_path(path), "r");
        while (f && fgets(line, sizeof line, f))
            count += strstr(line, "SYNC()") != NULL;
        if (f)
            fclose(f);
    }
    return count;
}

int main(void)
{
    char why[256];
    int count = 0, written = count_written();
    if (!ok(kern_open("ref", 1, &ref, why, sizeof why) == 0, "ref opens"))
        return tap_done();
    run_kernels();
    if (getenv("VILSCOPE_FULL"))
        run_all();
    ok(races == 0, "no races in kernels (%d)", races);
    for (const char *b; (b = simt_barrier(count)) != NULL; count++)
        ok(races_without(b), "without the barrier at %s there is a race", b);
    ok(count > 0 && count == written, "%d of %d barriers in the source", count, written);
    kern_close(ref);
    return tap_done();
}
#endif
