/* SPDX-License-Identifier: MIT */
/* Decoding pictures in a child process that can do nothing but compute: decoders are where files of
 * strangers break programs.
 *
 * The child has no open file, no memory but the picture, what it allocates up to a limit, and the
 * shared pages that the pixels go to. The kernel lets it ask for memory and end (seccomp), nothing
 * else. Where the kernel does not promise that, nothing is decoded, unless the user insists. */
#include "src/formats/image_priv.h"

#include "src/formats/image.h"
#include "src/formats/sandbox.h"
#include "src/base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

bool image_decode_here(enum image_kind kind, const uint8_t *data, size_t size, struct pixels *p)
{
    return image_formats[kind].decode(data, size, p);
}

/* ---- the child */

enum state { STATE_STARTED, STATE_NO_SANDBOX, STATE_LOCKED, STATE_DONE, STATE_DAMAGED };

struct shared {
    enum state state;
    int error; /* errno of STATE_NO_SANDBOX */
    struct pixels p;
    uint8_t rgb[];
};

static bool unsafe; /* said once, before anything is decoded */

void image_unsafe_decode(void)
{
    unsafe = true;
}

static void decode(const struct bytes *map, enum image_kind kind, struct shared *s)
{
    s->state = STATE_LOCKED;
    bool good = image_decode_here(kind, map->data, map->size, &s->p);
    s->state = good ? STATE_DONE : STATE_DAMAGED;
}

static void child(const struct bytes *map, enum image_kind kind, size_t room, struct shared *s)
{
    s->error = sandbox_enter(room);
    if (s->error && !unsafe) {
        s->state = STATE_NO_SANDBOX;
        sandbox_leave();
    }
    decode(map, kind, s);
    sandbox_leave();
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

static int judge(const struct bytes *map, enum image_kind kind, const struct shared *s, int status,
                 struct vs_err *err)
{
    char why[sizeof s->p.why];
    if (s->state == STATE_DONE && WIFEXITED(status))
        return 0;
    if (s->state == STATE_STARTED || s->state == STATE_NO_SANDBOX)
        return vs_fail(err, VS_E_REFUSED, "%s: not decoded: the sandbox for it (seccomp) is not "
                       "available here (%s); --unsafe-decode decodes without it, for images "
                       "that you trust",
                       map->path, s->state == STATE_STARTED ? "it was killed" : strerror(s->error));
    if (WIFSIGNALED(status))
        return vs_fail(err, VS_E_FORMAT, "%s: the decoder gave up on it (%s): the file is damaged "
                       "or hostile", map->path, strsignal(WTERMSIG(status)));
    memcpy(why, s->p.why, sizeof why);
    why[sizeof why - 1] = '\0';
    for (char *c = why; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return vs_fail(err, VS_E_FORMAT, "%s: the %s image is damaged or of a kind that cannot be "
                   "read: %s", map->path, image_formats[kind].name, why);
}

static int run_child(const struct bytes *map, const struct image_header *h, size_t room,
                     struct shared *s, struct vs_err *err)
{
    if (!sandbox_is_for_threads()) {
        decode(map, h->kind, s);
        return judge(map, h->kind, s, 0, err);
    }
    sigset_t all, old; /* no handler of ours must run in the child */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        child(map, h->kind, room, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (pid < 0)
        return vs_fail(err, VS_E_IO, "%s: no process to decode it in: %s", map->path,
                       strerror(errno));
    return judge(map, h->kind, s, wait_for(pid), err);
}

int image_decode(const struct bytes *map, const struct image_header *h, uint8_t **rgb,
                 struct vs_err *err)
{
    size_t pixels = (size_t)h->width * (size_t)h->height;
    size_t shared_size = sizeof(struct shared) + 3 * pixels;
    /* Coefficients, planes, unpacked rows and the result, each at most 8 bytes a pixel. */
    size_t room = 48 * pixels + 4 * map->size + ((size_t)64 << 20);
    struct shared *s = mmap(NULL, shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                            -1, 0);
    *rgb = s != MAP_FAILED ? vs_try_calloc(pixels, 3) : NULL;
    int rc = *rgb ? 0 : vs_fail(err, VS_E_LIMIT, "%s: no memory for %dx%d pixels", map->path,
                                h->width, h->height);
    if (rc == 0) {
        s->p = (struct pixels){.width = h->width, .height = h->height, .rgb = s->rgb};
        rc = run_child(map, h, room, s, err);
    }
    if (rc == 0) {
        memcpy(*rgb, s->rgb, 3 * pixels);
    } else {
        free(*rgb);
        *rgb = NULL;
    }
    if (s != MAP_FAILED)
        munmap(s, shared_size);
    return rc;
}
