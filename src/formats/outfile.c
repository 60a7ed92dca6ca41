/* SPDX-License-Identifier: MIT */
/* A file that appears complete or not at all. */
#include "src/formats/outfile.h"

#include "src/formats/byteorder.h"
#include "src/formats/tempfile.h"
#include "src/base/mem.h"
#include "src/base/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Devices and pipes (/dev/stdout, /dev/null) cannot be renamed over: they are written directly, and
 * those that have to wait for a reader not at all (stream.h). */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

int outfile_folder(const char *path, struct vs_err *err)
{
    struct stat st;
    int made = mkdir(path, 0777), why = errno;
    if (made == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return 0;
    return vs_fail(err, VS_E_IO, "%s: the folder cannot be created: %s", path,
                   strerror(why == EEXIST ? ENOTDIR : why));
}

int outfile_folders(const char *path, struct vs_err *err)
{
    char *part = xstrdup(path);
    int rc = 0;
    for (char *at = *part ? strchr(part + 1, '/') : NULL; rc == 0 && at; at = strchr(at + 1, '/')) {
        *at = '\0';
        rc = outfile_folder(part, err);
        *at = '/';
    }
    free(part);
    return rc ? rc : outfile_folder(path, err);
}

int outfile_open(struct outfile *o, const char *path, struct vs_err *err)
{
    *o = (struct outfile){0};
    bool special = is_special(path);
    int rc = special ? stream_check(path, err) : 0;
    if (rc != 0)
        return rc;
    int fd = special ? open(path, O_WRONLY | O_CLOEXEC)
                     : tempfile_make(path, 0666, &o->temporary, err);
    if (fd < 0)
        return special ? vs_fail(err, VS_E_IO, "%s: cannot be written: %s", path, strerror(errno))
                       : fd;
    o->file = fdopen(fd, "wb");
    if (!o->file) {
        rc = vs_fail(err, VS_E_IO, "%s: cannot be written: %s", path, strerror(errno));
        close(fd);
        if (o->temporary)
            unlink(o->temporary);
        free(o->temporary);
        return rc;
    }
    o->path = xstrdup(path);
    return 0;
}

void outfile_write(struct outfile *o, const void *data, size_t len)
{
    if (o->error == 0 && len > 0 && fwrite(data, 1, len, o->file) != len)
        o->error = errno ? errno : EIO;
}

void outfile_numbers(struct outfile *o, const void *data, size_t count, size_t size)
{
    uint8_t some[4096];
    const uint8_t *from = data;
    if (HOST_LITTLE) {
        outfile_write(o, data, count * size);
        return;
    }
    for (size_t n; count > 0; count -= n, from += n * size) {
        n = count < sizeof some / size ? count : sizeof some / size;
        le_copy(some, from, n, size);
        outfile_write(o, some, n * size);
    }
}

/* Why those failed that wrote to the file by themselves: errno has been others' since. A file that
 * will not stay is written to once more. */
static int outfile_reason(const struct outfile *o)
{
    static const char more[4096];
    for (int i = 0; o->temporary && i < 16; i++)
        if (write(fileno(o->file), more, sizeof more) < 0)
            return errno;
    return !o->temporary && errno ? errno : EIO;
}

int outfile_close(struct outfile *o, struct vs_err *err)
{
    if (ferror(o->file) && o->error == 0)
        o->error = outfile_reason(o);
    if (fflush(o->file) != 0 && o->error == 0)
        o->error = errno;
    if (o->temporary && o->error == 0 && fsync(fileno(o->file)) != 0)
        o->error = errno;
    /* While it is open it is locked: closed, it would look like one that a killed program left. */
    if (o->temporary && o->error == 0 && rename(o->temporary, o->path) != 0)
        o->error = errno;
    if (fclose(o->file) != 0 && o->error == 0)
        o->error = errno;
    int rc = 0;
    if (o->error != 0) {
        rc = vs_fail(err, VS_E_IO, "%s: cannot be written: %s", o->path, strerror(o->error));
        if (o->temporary)
            unlink(o->temporary);
    }
    free(o->path);
    free(o->temporary);
    return rc;
}

void outfile_drop(struct outfile *o)
{
    fclose(o->file);
    if (o->temporary)
        unlink(o->temporary);
    free(o->path);
    free(o->temporary);
}
