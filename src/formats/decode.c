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

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool image_decode_here(enum image_kind kind, const uint8_t *data, size_t size, struct pixels *p)
{
    return image_formats[kind].decode(data, size, p);
}

/* ---- in the child */

enum state { STATE_STARTED, STATE_DONE, STATE_DAMAGED };

struct shared {
    enum state state;
    struct pixels p;
    uint8_t rgb[];
};

struct decoding {
    const struct bytes *map;
    enum image_kind kind;
    struct shared *s;
};

static void decode_work(void *arg)
{
    struct decoding *d = arg;
    bool good = image_decode_here(d->kind, d->map->data, d->map->size, &d->s->p);
    d->s->state = good ? STATE_DONE : STATE_DAMAGED;
}

/* ---- the parent */

/* What the decoder says of a damaged file. */
static int decode_damaged(const struct decoding *d, struct vs_err *err)
{
    char why[sizeof d->s->p.why];
    memcpy(why, d->s->p.why, sizeof why);
    why[sizeof why - 1] = '\0';
    for (char *c = why; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return vs_fail(err, VS_E_FORMAT, "%s: the %s image is damaged or of a kind that cannot be "
                   "read: %s", d->map->path, image_formats[d->kind].name, why);
}

static int decode_run(struct decoding *d, size_t room, struct vs_err *err)
{
    const char *path = d->map->path;
    int detail = 0;
    switch (sandbox_run(decode_work, d, room, &detail)) {
    case SANDBOX_DONE:
        return d->s->state == STATE_DONE ? 0 : decode_damaged(d, err);
    case SANDBOX_REFUSED:
        return vs_fail(err, VS_E_REFUSED, "%s: not decoded: the sandbox for it (seccomp) is not "
                       "available here (%s); --unsafe-decode decodes without it, for images "
                       "that you trust",
                       path, detail ? strerror(detail) : "it was killed");
    case SANDBOX_KILLED:
        return vs_fail(err, VS_E_FORMAT, "%s: the decoder gave up on it (%s): the file is damaged "
                       "or hostile", path, strsignal(detail));
    case SANDBOX_NO_PROCESS:
        break;
    }
    return vs_fail(err, VS_E_IO, "%s: no process to decode it in: %s", path, strerror(detail));
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
        rc = decode_run(&(struct decoding){map, h->kind, s}, room, err);
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
