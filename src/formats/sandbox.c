/* SPDX-License-Identifier: MIT */
/* The sandbox: limits, no open files, and a seccomp filter.
 *
 * Source: the manual pages seccomp(2) and prctl(2); linux/audit.h: names of architectures. */
#include "src/formats/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__linux__) && defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__linux__) && defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__linux__) && defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__linux__) && defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__linux__) && defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__linux__) && defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__linux__) && defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#endif

#if defined(ARCH) && !defined(SANITIZED)

#define FIELD(f) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, f))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define IF_EQUAL(x, skip_if_not) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(x), 0, skip_if_not)
#define IF_CALL(number, what) IF_EQUAL(number, 1), ANSWER(what)
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#ifdef SECCOMP_RET_KILL_PROCESS
#define KILLED SECCOMP_RET_KILL_PROCESS
#else
#define KILLED SECCOMP_RET_KILL
#endif
/* The low half of an argument. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ARGUMENT(i)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, args) + 8 * (i) + 4)
#else
#define ARGUMENT(i)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, args) + 8 * (i))
#endif
#define IF_SET(bits, skip, else_skip) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, skip, else_skip)
#ifdef SYS_mmap2
#define MEMORY_CALL SYS_mmap2
#else
#define MEMORY_CALL SYS_mmap
#endif

/* Memory, never executable and never a file's, and the end. Questions that a library may ask when
 * it starts get a refusal; anything else is the last thing the process does. */
static int filter_calls(void)
{
    struct sock_filter rules[] = {
        FIELD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0), ANSWER(KILLED), FIELD(nr),
        IF_CALL(SYS_exit, SECCOMP_RET_ALLOW), IF_CALL(SYS_exit_group, SECCOMP_RET_ALLOW),
        IF_CALL(SYS_brk, SECCOMP_RET_ALLOW), IF_CALL(SYS_munmap, SECCOMP_RET_ALLOW),
        IF_CALL(SYS_mremap, SECCOMP_RET_ALLOW), IF_CALL(SYS_madvise, SECCOMP_RET_ALLOW),
        IF_CALL(SYS_openat, REFUSED), IF_CALL(SYS_getrandom, REFUSED),
        IF_CALL(SYS_sched_getaffinity, REFUSED),
#ifdef SYS_open
        IF_CALL(SYS_open, REFUSED),
#endif
        IF_EQUAL(SYS_mprotect, 4), ARGUMENT(2), IF_SET(PROT_EXEC, 1, 0),
        ANSWER(SECCOMP_RET_ALLOW), ANSWER(KILLED),
        IF_EQUAL(MEMORY_CALL, 5), ARGUMENT(2), IF_SET(PROT_EXEC, 3, 0), ARGUMENT(3),
        IF_SET(MAP_ANONYMOUS, 0, 1), ANSWER(SECCOMP_RET_ALLOW), ANSWER(KILLED),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
        return errno ? errno : EPERM;
    return 0;
}
#else
static int filter_calls(void)
{
    return ENOSYS;
}
#endif

/* Pages of this process, or 0 where that cannot be asked. */
static size_t pages_now(void)
{
    char text[32];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strtoul(text, NULL, 10);
}

static void limit_memory(size_t room)
{
    size_t pages = pages_now(), page = (size_t)sysconf(_SC_PAGESIZE);
    struct rlimit memory;
    if (pages == 0 || getrlimit(RLIMIT_AS, &memory) != 0)
        return;
    memory.rlim_cur = (rlim_t)(pages * page + room);
    if (memory.rlim_max == RLIM_INFINITY || memory.rlim_cur < memory.rlim_max)
        memory.rlim_max = memory.rlim_cur;
    setrlimit(RLIMIT_AS, &memory);
}

bool sandbox_is_for_threads(void)
{
#ifdef SANITIZED
    return false;
#else
    return true;
#endif
}

int sandbox_enter(size_t room)
{
    struct rlimit cpu = {30, 30}, none = {0, 0};
    limit_memory(room);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_NOFILE, &none);
#ifdef SYS_close_range
    syscall(SYS_close_range, 0u, ~0u, 0u);
#endif
    return filter_calls();
}

/* ---- work in a process of its own */

static bool insisted;

void sandbox_insist(void)
{
    insisted = true;
}

/* What the child tells, in a shared page. */
struct sandbox_state {
    bool began, done;
    int error; /* errno of what the kernel refused */
};

/* Ends by _exit: nothing that the program registered for its end runs. */
static void __attribute__((noreturn))
sandbox_child(struct sandbox_state *s, sandbox_work *work, void *arg, size_t room)
{
    s->error = sandbox_enter(room);
    if (!s->error || insisted) {
        s->began = true;
        work(arg);
        s->done = true;
    }
    _exit(0);
}

static enum sandbox_end sandbox_wait(const struct sandbox_state *s, pid_t pid, int *detail)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    *detail = s->began ? WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL : s->error;
    return s->done && WIFEXITED(status) ? SANDBOX_DONE
           : s->began                   ? SANDBOX_KILLED
                                        : SANDBOX_REFUSED;
}

static enum sandbox_end sandbox_fork(struct sandbox_state *s, sandbox_work *work, void *arg,
                                     size_t room, int *detail)
{
    sigset_t all, old; /* no handler of ours must run in the child */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        sandbox_child(s, work, arg, room);
    *detail = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return pid < 0 ? SANDBOX_NO_PROCESS : sandbox_wait(s, pid, detail);
}

enum sandbox_end sandbox_run(sandbox_work *work, void *arg, size_t room, int *detail)
{
    if (!sandbox_is_for_threads()) {
        work(arg);
        return SANDBOX_DONE;
    }
    struct sandbox_state *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *detail = errno;
    if (s == MAP_FAILED)
        return SANDBOX_NO_PROCESS;
    enum sandbox_end end = sandbox_fork(s, work, arg, room, detail);
    munmap(s, sizeof *s);
    return end;
}
