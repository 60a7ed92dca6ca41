/* SPDX-License-Identifier: MIT */
/* An operating system that fails, as an SQLite VFS over the real one: the disk is full from some
 * write on, or the power is cut at some operation. After a cut, files hold what was synced and a
 * random choice of the sectors that were written since. */
#ifndef VS_FAULTS_H
#define VS_FAULTS_H

#include "src/base/mem.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_FILES 8
#define SECTOR 512

struct fault_write {
    int64_t at;
    int n; /* -1: the file is cut to at */
    char *data;
};
/* What a file would hold after a power cut. */
struct fault_disk {
    char *path;
    char *synced;
    int64_t size;
    struct fault_write *writes; /* since the last sync */
    int count;
};
static struct {
    sqlite3_vfs vfs, *real;
    struct fault_disk disks[FAULT_FILES];
    int disk_count;
    long ops;      /* writes, cuts and syncs so far */
    long cut_at;   /* 0: never */
    long full_in;  /* writes until the disk is full; 0: never */
    bool full, cut;
} faults;

struct fault_file {
    sqlite3_file base;
    struct fault_disk *disk; /* NULL: a file that no cut harms */
    sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct fault_file *)f)->real;
}

/* True: from here on there is no power. */
static bool fault_count(void)
{
    if (faults.cut_at && ++faults.ops >= faults.cut_at)
        faults.cut = true;
    return faults.cut;
}

static void disk_write(struct fault_disk *d, int64_t at, int n, const void *data)
{
    d->writes = xreallocarray(d->writes, (size_t)d->count + 1, sizeof *d->writes);
    struct fault_write *w = &d->writes[d->count++];
    *w = (struct fault_write){at, n, n > 0 ? xmalloc((size_t)n) : NULL};
    if (n > 0)
        memcpy(w->data, data, (size_t)n);
}

static void disk_put(struct fault_disk *d, int64_t at, int n, const char *data)
{
    if (at + n > d->size) {
        d->synced = xrealloc(d->synced, (size_t)(at + n));
        memset(d->synced + d->size, 0, (size_t)(at + n - d->size));
        d->size = at + n;
    }
    memcpy(d->synced + at, data, (size_t)n);
}

/* keep: whether a sector reached the disk; all of them after a sync. */
static void disk_settle(struct fault_disk *d, bool all)
{
    for (int i = 0; i < d->count; i++) {
        struct fault_write *w = &d->writes[i];
        if (w->n < 0 && (all || rand() % 2))
            d->size = w->at < d->size ? w->at : d->size;
        for (int at = 0; at < w->n; at += SECTOR) {
            int n = w->n - at < SECTOR ? w->n - at : SECTOR;
            if (all || rand() % 2)
                disk_put(d, w->at + at, n, w->data + at);
        }
        free(w->data);
    }
    d->count = 0;
}

static int f_close(sqlite3_file *f)
{
    struct fault_file *x = (struct fault_file *)f;
    int rc = x->real->pMethods ? x->real->pMethods->xClose(x->real) : SQLITE_OK;
    free(x->real);
    return rc;
}
static int f_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}
static int f_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
    struct fault_file *x = (struct fault_file *)f;
    if (fault_count())
        return SQLITE_IOERR_WRITE;
    if (faults.full_in && --faults.full_in == 0)
        faults.full = true;
    if (faults.full)
        return SQLITE_FULL;
    if (x->disk && faults.cut_at)
        disk_write(x->disk, at, n, data);
    return x->real->pMethods->xWrite(x->real, data, n, at);
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct fault_file *x = (struct fault_file *)f;
    if (fault_count())
        return SQLITE_IOERR_TRUNCATE;
    if (x->disk && faults.cut_at)
        disk_write(x->disk, size, -1, NULL);
    return x->real->pMethods->xTruncate(x->real, size);
}
static int f_sync(sqlite3_file *f, int flags)
{
    struct fault_file *x = (struct fault_file *)f;
    (void)flags; /* the real disk need not be bothered */
    if (fault_count())
        return SQLITE_IOERR_FSYNC;
    if (x->disk && faults.cut_at)
        disk_settle(x->disk, true);
    return SQLITE_OK;
}
static int f_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}
static int f_lock(sqlite3_file *f, int how)
{
    return real_of(f)->pMethods->xLock(real_of(f), how);
}
static int f_unlock(sqlite3_file *f, int how)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), how);
}
static int f_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int f_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int f_sector(sqlite3_file *f)
{
    (void)f;
    return SECTOR;
}
static int f_features(sqlite3_file *f)
{
    (void)f;
    return 0; /* promises nothing */
}
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}
static void f_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}
static int f_shm_unmap(sqlite3_file *f, int del)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), del);
}

static struct fault_disk *disk_of(const char *path)
{
    for (int i = 0; i < faults.disk_count; i++)
        if (strcmp(faults.disks[i].path, path) == 0)
            return &faults.disks[i];
    if (faults.disk_count == FAULT_FILES)
        return NULL;
    struct fault_disk *d = &faults.disks[faults.disk_count++];
    *d = (struct fault_disk){.path = xstrdup(path)};
    FILE *f = fopen(path, "rb"); /* what was there before is safe */
    char block[65536];
    size_t n;
    while (f && (n = fread(block, 1, sizeof block, f)) > 0)
        disk_put(d, d->size, (int)n, block);
    if (f)
        fclose(f);
    return d;
}

static int f_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out)
{
    static const sqlite3_io_methods methods = {
        2, f_close, f_read, f_write, f_truncate, f_sync, f_size, f_lock, f_unlock, f_reserved,
        f_control, f_sector, f_features, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap, NULL,
        NULL};
    struct fault_file *x = (struct fault_file *)f;
    (void)v;
    *x = (struct fault_file){.real = xcalloc(1, (size_t)faults.real->szOsFile)};
    if (path && faults.cut_at && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL |
                                          SQLITE_OPEN_MAIN_JOURNAL))
        x->disk = disk_of(path);
    int rc = faults.real->xOpen(faults.real, path, x->real, flags, out);
    if (rc != SQLITE_OK) {
        free(x->real);
        return rc;
    }
    x->base.pMethods = &methods;
    return SQLITE_OK;
}

/* A file that was removed is gone after a cut, too. */
static int f_delete(sqlite3_vfs *v, const char *path, int sync)
{
    (void)v;
    if (faults.cut)
        return SQLITE_IOERR_DELETE;
    for (int i = 0; i < faults.disk_count; i++)
        if (strcmp(faults.disks[i].path, path) == 0) {
            disk_settle(&faults.disks[i], true);
            faults.disks[i].size = 0;
        }
    return faults.real->xDelete(faults.real, path, sync);
}

static void faults_install(void)
{
    faults.real = sqlite3_vfs_find(NULL);
    faults.vfs = *faults.real;
    faults.vfs.zName = "faults";
    faults.vfs.szOsFile = (int)sizeof(struct fault_file);
    faults.vfs.xOpen = f_open;
    faults.vfs.xDelete = f_delete;
    sqlite3_vfs_register(&faults.vfs, 1);
}

static void faults_remove(void)
{
    sqlite3_vfs_unregister(&faults.vfs);
}

/* Power goes at this operation, counted from now. */
static __attribute__((unused)) void faults_cut_at(long op)
{
    faults.ops = 0;
    faults.cut_at = op;
    faults.cut = faults.full = false;
}

/* The power is back: the files are what the disk kept. */
static __attribute__((unused)) void faults_restore(void)
{
    for (int i = 0; i < faults.disk_count; i++) {
        struct fault_disk *d = &faults.disks[i];
        char *shm = xasprintf("%s-shm", d->path);
        disk_settle(d, false);
        unlink(shm);
        free(shm);
        unlink(d->path);
        FILE *f = d->size ? fopen(d->path, "wb") : NULL;
        if (f) {
            fwrite(d->synced, 1, (size_t)d->size, f);
            fclose(f);
        }
        free(d->synced);
        free(d->writes);
        free(d->path);
    }
    faults.disk_count = 0;
    faults.cut_at = 0;
    faults.cut = false;
}

#endif
