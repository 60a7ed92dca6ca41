/* SPDX-License-Identifier: MIT */
/* Writing LMDB with its own library; reading is done by ours (lmdb.c), which damaged files cannot
 * harm. A file that was left half way is fine: a transaction is there or it is not.
 *
 * The bytes of the file depend on what is put in which order, and not on where a run was killed:
 * the size of the map is that of the file once it is there, and the environment is opened anew for
 * every transaction, because the library fills gaps of its pages from buffers that it used before.
 *
 * The library writes numbers and addresses as this machine has them: on a 32-bit or big-endian one
 * it would be a file that neither the reference nor we can read, so it is not written there.
 *
 * Source: script/convert_to_lmdb.py of the reference. */
#include "src/formats/lmdbwrite.h"

#include "src/formats/byteorder.h"
#include "src/formats/outfile.h"
#include "src/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct lmdb_out {
    MDB_env *env;
    MDB_dbi dbi;
    char *path;
};

static int lmdb_fail(const struct lmdb_out *o, const char *doing, int code, struct vs_err *err)
{
    if (code == MDB_MAP_FULL)
        return vs_fail(err, VS_E_IO, "%s: %s: its map is full: run the command again", o->path,
                       doing);
    return vs_fail(err, VS_E_IO, "%s: %s: %s", o->path, doing, mdb_strerror(code));
}

/* size: of the map, 0: what the file says. */
static int open_env(struct lmdb_out *o, size_t size)
{
    int rc = mdb_env_create(&o->env);
    if (rc == 0 && size)
        rc = mdb_env_set_mapsize(o->env, size);
    return rc ? rc : mdb_env_open(o->env, o->path, 0, 0666);
}

/* The library writes to its table of readers through a map: without room on the disk that would be
 * a SIGBUS. So the room is taken first, also for a table that an earlier run left with holes. */
static int take_lock_room(struct lmdb_out *o, struct vs_err *err)
{
    long page = sysconf(_SC_PAGESIZE);
    char *file = xasprintf("%s/lock.mdb", o->path);
    int fd = open(file, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
    int rc = fd < 0 ? errno : posix_fallocate(fd, 0, page > 8192 ? page : 8192);
    if (fd >= 0)
        close(fd);
    free(file);
    if (rc == EINVAL || rc == EOPNOTSUPP) /* a file system that has no such thing */
        rc = 0;
    return rc ? lmdb_fail(o, "cannot be opened", rc, err) : 0;
}

static int open_folder(struct lmdb_out *o, size_t room, struct vs_err *err)
{
    struct stat st;
    char *file = xasprintf("%s/data.mdb", o->path);
    bool there = stat(file, &st) == 0 && st.st_size > 0;
    free(file);
    int rc = outfile_folder(o->path, err);
    if (rc == 0)
        rc = take_lock_room(o, err);
    if (rc != 0)
        return rc;
    rc = open_env(o, there ? 0 : (room + ((size_t)64 << 20)) & ~(size_t)0xfff);
    return rc ? lmdb_fail(o, "cannot be opened", rc, err) : 0;
}

static int lmdb_begin(struct lmdb_out *o, unsigned flags, MDB_txn **t)
{
    int rc = mdb_txn_begin(o->env, NULL, flags, t);
    if (rc == 0)
        rc = mdb_dbi_open(*t, NULL, 0, &o->dbi);
    return rc;
}

int lmdb_out_open(const char *path, size_t room, struct lmdb_out **out, struct vs_err *err)
{
    if (sizeof(size_t) != 8 || !HOST_LITTLE)
        return vs_fail(err, VS_E_REFUSED, "%s: LMDB files of a 32-bit or big-endian machine cannot "
                       "be read on others: give a folder without .lmdb for .npy or safetensors "
                       "files", path);
    struct lmdb_out *o = xcalloc(1, sizeof *o);
    o->path = xstrdup(path);
    int rc = open_folder(o, room, err);
    if (rc == 0)
        *out = o;
    else
        lmdb_out_close(o);
    return rc;
}

enum lmdb_out_has lmdb_out_look(struct lmdb_out *o, const char *key, const void *data, size_t size)
{
    MDB_txn *t = NULL;
    MDB_val k = {strlen(key), (void *)(uintptr_t)key}, v;
    bool has = o->env && lmdb_begin(o, MDB_RDONLY, &t) == 0 && mdb_get(t, o->dbi, &k, &v) == 0;
    bool same = has && data && v.mv_size == size && memcmp(v.mv_data, data, size) == 0;
    mdb_txn_abort(t);
    return !has ? LMDB_OUT_NONE : same ? LMDB_OUT_SAME : LMDB_OUT_OTHER;
}

bool lmdb_out_has(struct lmdb_out *o, const char *key)
{
    return lmdb_out_look(o, key, NULL, 0) != LMDB_OUT_NONE;
}

static int put_once(struct lmdb_out *o, const char *key, const void *data, size_t size,
                    unsigned flags)
{
    MDB_txn *t = NULL;
    MDB_val k = {strlen(key), (void *)(uintptr_t)key}, v = {size, (void *)(uintptr_t)data};
    int rc = lmdb_begin(o, 0, &t);
    if (rc == 0)
        rc = mdb_put(t, o->dbi, &k, &v, flags);
    if (rc == 0)
        return mdb_txn_commit(t);
    mdb_txn_abort(t);
    return rc == MDB_KEYEXIST ? 0 : rc;
}

static int lmdb_put(struct lmdb_out *o, const char *key, const void *data, size_t size,
                    unsigned flags)
{
    MDB_envinfo info;
    int rc = put_once(o, key, data, size, flags);
    for (int i = 0; i < 8 && rc == MDB_MAP_FULL && mdb_env_info(o->env, &info) == 0; i++)
        if ((rc = mdb_env_set_mapsize(o->env, 2 * info.me_mapsize)) == 0)
            rc = put_once(o, key, data, size, flags);
    mdb_env_close(o->env);
    o->env = NULL;
    return rc ? rc : open_env(o, 0);
}

int lmdb_out_put(struct lmdb_out *o, const char *key, const void *data, size_t size,
                 bool replace, struct vs_err *err)
{
    int rc = o->env ? lmdb_put(o, key, data, size, replace ? 0 : MDB_NOOVERWRITE) : EBADF;
    return rc ? lmdb_fail(o, "cannot be written", rc, err) : 0;
}

/* A pickled list of the keys as bytes, protocol 3. */
static int list_keys(struct lmdb_out *o, struct buf *b, struct buf *old)
{
    MDB_txn *t = NULL;
    MDB_cursor *c = NULL;
    MDB_val k, v;
    int rc = o->env ? lmdb_begin(o, MDB_RDONLY, &t) : EBADF;
    if (rc == 0)
        rc = mdb_cursor_open(t, o->dbi, &c);
    buf_puts(b, "\x80\x03](");
    while (rc == 0 && (rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
        if (k.mv_size == 4 && memcmp(k.mv_data, "keys", 4) == 0) {
            buf_add(old, v.mv_data, v.mv_size);
            continue;
        }
        buf_putc(b, 'C');
        buf_putc(b, (char)(unsigned char)k.mv_size); /* keys have at most 511 bytes; ids fewer */
        buf_add(b, k.mv_data, k.mv_size);
    }
    buf_puts(b, "e.");
    mdb_cursor_close(c);
    mdb_txn_abort(t);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int lmdb_out_finish(struct lmdb_out *o, struct vs_err *err)
{
    struct buf now = {0}, old = {0};
    int rc = list_keys(o, &now, &old);
    if (rc == 0 && (now.len != old.len || memcmp(now.data, old.data, now.len) != 0))
        rc = lmdb_put(o, "keys", now.data, now.len, 0);
    buf_fini(&now);
    buf_fini(&old);
    return rc ? lmdb_fail(o, "cannot be written", rc, err) : 0;
}

void lmdb_out_close(struct lmdb_out *o)
{
    if (!o)
        return;
    if (o->env)
        mdb_env_close(o->env);
    free(o->path);
    free(o);
}
