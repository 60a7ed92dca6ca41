/* SPDX-License-Identifier: MIT */
/* Files that are not what they seem: links and FIFOs where digests are kept, and gzip of which a
 * part is missing or changed. Breaks when a link is followed, or when half a file is taken for
 * all. */
#include "folder.h"
#include "src/base/cachedir.h"
#include "src/engine/digestcache.h"
#include "src/formats/gunzip.h"

#include <sys/stat.h>

/* ---- the cache of digests */

static bool text_is(const char *path, const char *text)
{
    char have[200] = "";
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(have, 1, sizeof have - 1, f) : 0;
    have[n] = '\0';
    if (f)
        fclose(f);
    return strcmp(have, text) == 0;
}

static void links(void)
{
    static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    char have[DIGEST_HEX], *cache = xasprintf("%s/vilscope", folder);
    char *digests = xasprintf("%s/digests", cache), *other = write_file("other", "mine\n", 5);
    struct stat st;
    setenv("XDG_CACHE_HOME", folder, 1);
    digestcache_put(other, hex);
    ok(digestcache_get(other, have) && strcmp(have, hex) == 0, "a digest is remembered");
    ok(lstat(digests, &st) == 0 && (st.st_mode & 07777) == 0600 && lstat(cache, &st) == 0 &&
       (st.st_mode & 07777) == 0700, "for nobody else");
    char *moved = xasprintf("%s/moved", folder);
    rename(digests, moved);
    ok(symlink(moved, digests) == 0 && !digestcache_get(other, have), "a link is not read");
    unlink(digests);
    ok(mkfifo(digests, 0600) == 0 && !digestcache_get(other, have), "nor is a FIFO");
    unlink(digests);
    ok(symlink(other, digests) == 0 && (digestcache_put(other, hex), text_is(other, "mine\n")) &&
       lstat(digests, &st) == 0 && S_ISREG(st.st_mode), "nor written through: it is replaced");
    unlink(digests);
    unlink(moved);
    rmdir(cache);
    ok(mkdir(moved, 0700) == 0 && symlink(moved, cache) == 0 && !cachedir_path("digests", true) &&
       (digestcache_put(other, hex), rmdir(moved) == 0), "a folder that is a link is not used");
    unlink(cache);
    free(cache);
    free(digests);
    free(moved);
    drop(other);
}

/* ---- gzip */

struct unpacked {
    size_t size;
    char digest[DIGEST_HEX];
    bool silent; /* refused without a reason, once */
};

static int opens(const void *data, size_t n, struct unpacked *u)
{
    struct bytes b = {0};
    struct vs_err err = {0};
    char *path = write_file("a.gz", data, n);
    int rc = gunzip_open(path, &b, &err);
    u->size = b.size;
    digest_bytes(b.data, b.size, u->digest);
    u->silent |= rc != 0 && !err.text[0];
    if (rc == 0)
        bytes_close(&b);
    drop(path);
    return rc;
}

/* All of it or nothing, whatever is cut off or changed behind the header. */
static void compressed(void)
{
    struct bytes whole;
    struct vs_err err = {0};
    struct unpacked u = {0}, whole_u = {0};
    size_t read = 0;
    if (!ok(bytes_open(source_path("tests/data/sets/guesswhat.valid.jsonl.gz"), &whole, &err) == 0,
            "a file compressed by gzip %s", err.text))
        return;
    size_t n = whole.size, head = 10;
    uint8_t *copy = xmalloc(2 * n);
    memcpy(copy, whole.data, n);
    memcpy(copy + n, whole.data, n);
    if (copy[3] & 8) /* its name stands in the header */
        head += strnlen((const char *)copy + 10, n - 10) + 1;
    int rc = opens(copy, n, &whole_u);
    ok(rc == 0 && whole_u.size > n, "has %zu bytes", whole_u.size);
    ok(opens(copy, 2 * n, &u) == 0 && u.size == 2 * whole_u.size, "put together, twice");
    for (size_t i = 2; i < n; i++)
        read += opens(copy, i, &u) == 0;
    ok(read == 0 && !u.silent, "cut off: %zu were read", read);
    for (size_t i = head; i < n; i++) { /* some bits make no difference */
        copy[i] ^= (uint8_t)(1 << i % 8);
        read += opens(copy, n, &u) == 0 && strcmp(u.digest, whole_u.digest) != 0;
        copy[i] ^= (uint8_t)(1 << i % 8);
    }
    ok(read == 0 && !u.silent, "a bit changed: %zu were read as something else", read);
    ok(opens(copy + 1, n - 1, &u) == 0 && u.size == n - 1, "others are as they are");
    free(copy);
    bytes_close(&whole);
}

int main(void)
{
    if (!folder_make("inputs"))
        return 1;
    compressed();
    links();
    return folder_remove();
}
