/* SPDX-License-Identifier: MIT */
/* The file that a log was opened from: whether it is still the one at its path, and whether locks
 * of files work there. */
#include "sessions/identity.h"

#include "sessions/lock.h"
#include "src/formats/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int identity_remember(struct log *l, struct vs_err *err)
{
    struct stat st;
    if (stat(l->path, &st) != 0)
        return vs_fail(err, VS_E_DB, "%s: cannot be found again: %s", l->path, strerror(errno));
    l->placed = true;
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return 0;
}

int identity_check(const struct log *l, struct vs_err *err)
{
    struct stat st;
    if (!l->placed)
        return 0;
    if (stat(l->path, &st) != 0)
        return vs_fail(err, VS_E_DB, "%s: the log was deleted or moved while this program had it "
                       "open: put it back, or start again for a new one", l->path);
    if (st.st_dev != l->dev || st.st_ino != l->ino)
        return vs_fail(err, VS_E_DB, "%s: the log was replaced by another file while this program "
                       "had it open: start again to write to that one", l->path);
    if (l->lock && !lock_held(l->lock))
        return vs_fail(err, VS_E_DB, "%s.lock, which kept others from writing, was removed or "
                       "taken over: start again", l->path);
    return 0;
}

bool identity_has_locks(const char *path)
{
    struct flock f = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    char *other = NULL; /* to open and close the log itself would end SQLite's locks of it */
    int fd = tempfile_make(path, 0600, &other, NULL);
    bool works = fd < 0 || fcntl(fd, F_OFD_GETLK, &f) == 0 ||
                 (errno != ENOLCK && errno != ENOSYS && errno != EOPNOTSUPP);
    if (fd >= 0) {
        unlink(other);
        close(fd);
    }
    free(other);
    return works;
}
