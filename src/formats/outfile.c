/* A file that appears complete or not at all. */
#include "src/formats/outfile.h"

#include "src/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Devices and pipes (/dev/stdout, /dev/null) cannot be renamed over: they are written directly. */
static char *temporary_name(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return NULL;
    return xasprintf("%s.%ld.tmp", path, (long)getpid());
}

int outfile_open(struct outfile *o, const char *path, struct vs_err *err)
{
    *o = (struct outfile){.temporary = temporary_name(path)};
    int flags = o->temporary ? O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC : O_WRONLY | O_CLOEXEC;
    int fd = open(o->temporary ? o->temporary : path, flags, 0666);
    o->file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!o->file) {
        int rc = vs_fail(err, VS_E_IO, "%s: cannot be written: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
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

int outfile_close(struct outfile *o, struct vs_err *err)
{
    if (fflush(o->file) != 0 && o->error == 0)
        o->error = errno;
    if (o->temporary && o->error == 0 && fsync(fileno(o->file)) != 0)
        o->error = errno;
    if (fclose(o->file) != 0 && o->error == 0)
        o->error = errno;
    if (o->temporary && o->error == 0 && rename(o->temporary, o->path) != 0)
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
