/* Decoding pictures with stb_image in a child process that can do nothing but compute: the stb
 * that distributions ship has known overflows in its JPEG reader.
 *
 * The child has no open file, no memory but an arena made beforehand and the shared page that the
 * pixels go to, and, on Linux, no system call but write and exit (seccomp's strict mode). Between
 * fork and exit it calls nothing that takes a lock, so other threads do not matter. */
#include "src/formats/image_priv.h"

#include "src/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/seccomp.h>
#include <sys/prctl.h>
#endif

/* ---- stb_image's memory: a stack of blocks, each after a header with its size. */

static struct {
    uint8_t *base;
    size_t size, used;
} arena; /* of the child only */

#define BLOCK 16

static void *arena_alloc(size_t n)
{
    size_t need = ((n + 15) & ~(size_t)15) + BLOCK;
    if (need < n || need > arena.size - arena.used)
        return NULL;
    uint8_t *p = arena.base + arena.used;
    memcpy(p, &n, sizeof n);
    arena.used += need;
    return p + BLOCK;
}

static size_t block_size(const void *p)
{
    size_t n;
    memcpy(&n, (const uint8_t *)p - BLOCK, sizeof n);
    return n;
}

static bool is_last(const void *p)
{
    return (const uint8_t *)p + ((block_size(p) + 15) & ~(size_t)15) == arena.base + arena.used;
}

static void arena_free(void *p)
{
    if (p && is_last(p))
        arena.used = (size_t)((uint8_t *)p - BLOCK - arena.base);
}

static void *arena_realloc(void *p, size_t n)
{
    if (!p)
        return arena_alloc(n);
    size_t old = block_size(p);
    if (is_last(p)) { /* grows where it is */
        size_t at = arena.used;
        arena.used = (size_t)((uint8_t *)p - BLOCK - arena.base);
        void *same = arena_alloc(n);
        if (!same)
            arena.used = at;
        return same;
    }
    void *q = arena_alloc(n);
    if (q)
        memcpy(q, p, old < n ? old : n);
    return q;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 30000
#define STBI_MALLOC arena_alloc
#define STBI_REALLOC arena_realloc
#define STBI_FREE arena_free
#define STBI_ASSERT(x) ((void)0)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include <stb_image.h>
#pragma GCC diagnostic pop
#pragma GCC diagnostic ignored "-Wunused-function" /* reported at the end of the file */

/* ---- the child */

struct shared {
    int done; /* 1: the pixels are there */
    char why[128];
    uint8_t rgb[];
};

/* Under sanitizers and valgrind their run-time needs system calls of its own. */
static bool can_be_strict(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
    return false;
#endif
#endif
    const char *preload = getenv("LD_PRELOAD");
    return !preload || !strstr(preload, "vgpreload");
}

static void lock_up(void)
{
    struct rlimit cpu = {30, 30}, none = {0, 0};
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_NOFILE, &none);
#ifdef SYS_close_range
    syscall(SYS_close_range, 0u, ~0u, 0u);
#endif
#ifdef __linux__
    if (can_be_strict())
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
#endif
}

/* exit(2) of this thread only: glibc's _exit calls exit_group, which strict mode forbids. */
static void leave(void)
{
#ifdef __linux__
    syscall(SYS_exit, 0);
#endif
    _exit(0);
}

static void child(const struct bytes *map, const struct image_header *h, void *base, size_t room,
                  struct shared *out)
{
    int w = 0, hh = 0, channels = 0;
    arena.base = base;
    arena.size = room;
    lock_up();
    uint8_t *p = stbi_load_from_memory(map->data, (int)map->size, &w, &hh, &channels, 3);
    if (p && w == h->width && hh == h->height) {
        memcpy(out->rgb, p, (size_t)w * (size_t)hh * 3);
        out->done = 1;
    } else {
        const char *why = p ? "its size changes half way" : stbi_failure_reason();
        strncpy(out->why, why ? why : "damaged", sizeof out->why - 1);
    }
    leave();
}

/* ---- the parent */

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    return status;
}

static int judge(const struct bytes *map, const struct shared *s, int status, struct vs_err *err)
{
    if (s->done == 1 && WIFEXITED(status))
        return 0;
    if (WIFSIGNALED(status))
        return vs_fail(err, VS_E_FORMAT, "%s: the decoder gave up on it (%s): the file is damaged "
                       "or hostile", map->path, strsignal(WTERMSIG(status)));
    char why[sizeof s->why];
    memcpy(why, s->why, sizeof why);
    why[sizeof why - 1] = '\0';
    return vs_fail(err, VS_E_FORMAT, "%s: cannot be decoded: %s", map->path, why);
}

static int run_child(const struct bytes *map, const struct image_header *h, void *base,
                     size_t room, struct shared *s, struct vs_err *err)
{
    sigset_t all, old; /* no handler of ours must run in the child */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        child(map, h, base, room, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (pid < 0)
        return vs_fail(err, VS_E_IO, "%s: no process to decode it in: %s", map->path,
                       strerror(errno));
    return judge(map, s, wait_for(pid), err);
}

int image_decode(const struct bytes *map, const struct image_header *h, uint8_t **rgb,
                 struct vs_err *err)
{
    size_t pixels = (size_t)h->width * (size_t)h->height, shared_size;
    int rc;
    shared_size = sizeof(struct shared) + 3 * pixels;
    /* Coefficients, planes, unpacked rows and the result, each at most 8 bytes a pixel. */
    size_t room = 48 * pixels + 4 * map->size + ((size_t)16 << 20);
    struct shared *s = mmap(NULL, shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                            -1, 0);
    void *base = mmap(NULL, room, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *rgb = s != MAP_FAILED && base != MAP_FAILED ? vs_try_calloc(pixels, 3) : NULL;
    if (!*rgb) {
        rc = vs_fail(err, VS_E_LIMIT, "%s: no memory for %dx%d pixels", map->path, h->width,
                     h->height);
    } else {
        rc = run_child(map, h, base, room, s, err);
    }
    if (rc == 0) {
        memcpy(*rgb, s->rgb, 3 * pixels);
    } else {
        free(*rgb);
        *rgb = NULL;
    }
    if (s != MAP_FAILED)
        munmap(s, shared_size);
    if (base != MAP_FAILED)
        munmap(base, room);
    return rc;
}
