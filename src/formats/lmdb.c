/* SPDX-License-Identifier: MIT */
/* LMDB databases, read-only.
 *
 * Source: the structures in OpenLDAP's mdb.c (MDB_page, MDB_node, MDB_meta), data version 1. */
#include "src/formats/lmdb.h"

#include "src/formats/byteorder.h"
#include "src/formats/filekind.h"
#include "src/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC 0xBEEFC0DEu
#define VERSION 1 /* of the data: LMDB 0.9 */
#define HEADER 16 /* of a page */
#define P_BRANCH 1
#define P_LEAF 2
#define P_OVERFLOW 4
#define P_META 8
#define F_BIGDATA 1
#define F_SUBDATA 2
#define F_DUPDATA 4
#define NO_PAGE UINT64_MAX
#define MAX_DEPTH 32

struct page {
    const uint8_t *p;
    uint64_t number;
    int flags, keys;
};

struct node {
    const uint8_t *key, *data;
    size_t key_len, data_len;
    uint64_t child; /* of a branch */
    int flags;
};

static int lmdb_bad(const struct lmdb *l, uint64_t page, const char *what, struct vs_err *err)
{
    return vs_fail(err, VS_E_FORMAT, "%s: page %" PRIu64 ": %s: the LMDB database is damaged or "
                   "not completely copied", l->map.path, page, what);
}

/* ---- opening */

/* A meta page at byte at; false when it is none. */
static bool read_meta(const struct bytes *map, uint64_t at, struct lmdb *out, uint64_t *txn)
{
    if (map->size < 160 || at > map->size - 160)
        return false;
    const uint8_t *p = map->data + at, *m = p + HEADER, *db = m + 24 + 48; /* the main database */
    if (!(le_read(p + 10, 2) & P_META) || le_read(m, 4) != MAGIC || le_read(m + 4, 4) != VERSION)
        return false;
    out->page_size = le_read(m + 24, 4);
    out->depth = (int)le_read(db + 6, 2);
    out->entries = le_read(db + 32, 8);
    out->root = le_read(db + 40, 8);
    *txn = le_read(m + 24 + 96 + 8, 8);
    return out->page_size >= 256 && out->page_size <= 65536 &&
           (out->page_size & (out->page_size - 1)) == 0;
}

/* The library writes its structures as its machine has them: pages of a 32-bit machine have shorter
 * numbers and headers, those of a big-endian one the bytes the other way round. */
static bool of_another_machine(const struct bytes *map)
{
    static const uint8_t magic[2][4] = {{0xde, 0xc0, 0xef, 0xbe}, {0xbe, 0xef, 0xc0, 0xde}};
    for (size_t at = HEADER - 4; at <= HEADER && map->size >= 160; at += 4)
        for (int i = 0; i < 2; i++)
            if ((at != HEADER || i != 0) && memcmp(map->data + at, magic[i], 4) == 0)
                return true;
    return false;
}

/* Which version its data have, at the place of those that are read or behind the longer header of
 * later ones; 0 where there is none. */
static uint64_t data_version(const struct bytes *map)
{
    for (size_t at = HEADER; at <= HEADER + 8 && map->size >= 160; at += 8)
        if (le_read(map->data + at, 4) == MAGIC)
            return le_read(map->data + at + 4, 4);
    return 0;
}

/* Both meta pages are there in a whole file, whichever is the newer one: the older alone tells of
 * entries as they once were, the first of an empty database. */
static int find_meta(struct lmdb *l, struct vs_err *err)
{
    struct lmdb first = *l, second = *l;
    uint64_t txn_a = 0, txn_b = 0;
    bool a = read_meta(&l->map, 0, &first, &txn_a), b = false;
    for (uint64_t size = a ? first.page_size : 256; !b && size <= 65536; size *= 2) {
        b = read_meta(&l->map, size, &second, &txn_b) && second.page_size == size;
        if (a)
            break;
    }
    if (!a && !b && of_another_machine(&l->map))
        return vs_fail(err, VS_E_FORMAT, "%s: an LMDB database of a 32-bit or big-endian machine: "
                       "make it on a 64-bit little-endian one", l->map.path);
    uint64_t version = data_version(&l->map);
    if (!a && !b && version > VERSION)
        return vs_fail(err, VS_E_FORMAT, "%s: an LMDB database of data version %" PRIu64 ", of "
                       "which %d is read: mdb_dump of its own LMDB and mdb_load of LMDB 0.9 make "
                       "one", l->map.path, version, VERSION);
    if (a != b || (!a && l->map.size >= HEADER + 4 && le_read(l->map.data + HEADER, 4) == MAGIC))
        return lmdb_bad(l, a, "not a meta page", err);
    if (!a)
        return vs_fail(err, VS_E_FORMAT, "%s: is %s, not an LMDB database (no meta page)",
                       l->map.path, l->map.size ? file_kind(&l->map) : "empty");
    *l = txn_b > txn_a ? second : first;
    l->pages = l->map.size / l->page_size;
    return 0;
}

int lmdb_open(const char *path, struct lmdb *out, struct vs_err *err)
{
    struct stat st;
    char *inside = xasprintf("%s/data.mdb", path);
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    *out = (struct lmdb){0};
    int rc = bytes_map(folder ? inside : path, &out->map, err);
    free(inside);
    if (rc == 0)
        rc = bytes_check(&out->map, find_meta(out, err), err);
    if (rc != 0)
        lmdb_close(out);
    return rc;
}

void lmdb_close(struct lmdb *l)
{
    bytes_close(&l->map);
    *l = (struct lmdb){0};
}

/* ---- pages and nodes */

static int get_page(const struct lmdb *l, uint64_t number, struct page *out, struct vs_err *err)
{
    if (number >= l->pages)
        return lmdb_bad(l, number, "beyond the end of the file", err);
    const uint8_t *p = l->map.data + number * l->page_size;
    uint64_t lower = le_read(p + 12, 2);
    *out = (struct page){.p = p, .number = number, .flags = (int)le_read(p + 10, 2),
                         .keys = lower >= HEADER ? (int)((lower - HEADER) / 2) : -1};
    int kind = out->flags & (P_BRANCH | P_LEAF | P_OVERFLOW | P_META);
    if (le_read(p, 8) != number || (kind != P_BRANCH && kind != P_LEAF) || out->keys < 0 ||
        HEADER + 2 * (uint64_t)out->keys > l->page_size)
        return lmdb_bad(l, number, "not a page of the tree", err);
    return 0;
}

static int get_big(const struct lmdb *l, const struct page *pg, struct node *n, struct vs_err *err)
{
    uint64_t first = le_read(n->data, 8);
    if (first >= l->pages)
        return lmdb_bad(l, pg->number, "a value beyond the end of the file", err);
    uint64_t at = first * l->page_size + HEADER;
    const uint8_t *p = l->map.data + first * l->page_size;
    if (!(le_read(p + 10, 2) & P_OVERFLOW) || at > l->map.size || n->data_len > l->map.size - at)
        return lmdb_bad(l, first, "a value that is cut off", err);
    n->data = l->map.data + at;
    return 0;
}

static int get_node(const struct lmdb *l, const struct page *pg, int i, struct node *n,
                    struct vs_err *err)
{
    uint64_t at = le_read(pg->p + HEADER + 2 * i, 2), size = l->page_size;
    if (at < HEADER || at + 8 > size)
        return lmdb_bad(l, pg->number, "an entry outside its page", err);
    const uint8_t *p = pg->p + at;
    uint64_t low = le_read(p, 4), flags = le_read(p + 4, 2), key_len = le_read(p + 6, 2);
    bool branch = pg->flags & P_BRANCH;
    *n = (struct node){.key = p + 8, .key_len = (size_t)key_len, .flags = (int)flags};
    if (key_len > size - at - 8)
        return lmdb_bad(l, pg->number, "a key outside its page", err);
    if (branch) {
        n->child = low | flags << 32;
        return 0;
    }
    n->data = p + 8 + key_len;
    n->data_len = (size_t)low;
    uint64_t stored = flags & F_BIGDATA ? 8 : low;
    if (flags & (F_SUBDATA | F_DUPDATA))
        return lmdb_bad(l, pg->number, "an entry that is a database of its own", err);
    if (stored > size - at - 8 - key_len)
        return lmdb_bad(l, pg->number, "a value outside its page", err);
    return flags & F_BIGDATA ? get_big(l, pg, n, err) : 0;
}

/* ---- searching */

static int lmdb_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    int c = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

/* The last entry of the page whose key is not above key; a branch's first key counts as lowest. */
static int find_in_page(const struct lmdb *l, const struct page *pg, const void *key,
                        size_t key_len, struct node *out, bool *exact, struct vs_err *err)
{
    int low = 0, high = pg->keys - 1, found = -1;
    *exact = false;
    while (low <= high) {
        int mid = low + (high - low) / 2;
        int rc = get_node(l, pg, mid, out, err);
        if (rc != 0)
            return rc;
        bool lowest = (pg->flags & P_BRANCH) && mid == 0;
        int c = lowest ? -1 : lmdb_compare(out->key, out->key_len, key, key_len);
        if (c <= 0) {
            found = mid;
            low = mid + 1;
            *exact = c == 0;
            if (c == 0)
                return 0;
        } else {
            high = mid - 1;
        }
    }
    if (found < 0)
        return 0;
    return get_node(l, pg, found, out, err);
}

int lmdb_get(const struct lmdb *l, const void *key, size_t key_len, const uint8_t **data,
             size_t *len, struct vs_err *err)
{
    uint64_t number = l->root;
    *data = NULL;
    *len = 0;
    if (number == NO_PAGE)
        return 0;
    for (int depth = 0; depth < MAX_DEPTH; depth++) {
        struct page pg;
        struct node n = {0};
        bool exact = false;
        int rc = get_page(l, number, &pg, err);
        if (rc == 0)
            rc = find_in_page(l, &pg, key, key_len, &n, &exact, err);
        if (rc != 0)
            return rc;
        if (pg.flags & P_LEAF) {
            *data = exact ? n.data : NULL;
            *len = exact ? n.data_len : 0;
            return 0;
        }
        if (pg.keys == 0)
            return lmdb_bad(l, number, "an empty branch", err);
        number = n.child;
    }
    return lmdb_bad(l, number, "the tree is too deep", err);
}

/* ---- walking */

struct walk {
    const struct lmdb *l;
    lmdb_visit *visit;
    void *arg;
    uint64_t budget; /* pages still to be seen: more than there are means a circle */
    bool stop;
    struct vs_err *err;
};

static int walk_page(struct walk *w, uint64_t number, int depth)
{
    struct page pg;
    if (depth >= MAX_DEPTH || w->budget == 0)
        return lmdb_bad(w->l, number, "the tree goes in circles", w->err);
    w->budget--;
    int rc = get_page(w->l, number, &pg, w->err);
    for (int i = 0; rc == 0 && i < pg.keys && !w->stop; i++) {
        struct node n;
        rc = get_node(w->l, &pg, i, &n, w->err);
        if (rc != 0)
            break;
        if (pg.flags & P_BRANCH)
            rc = walk_page(w, n.child, depth + 1);
        else
            w->stop = !w->visit(w->arg, n.key, n.key_len, n.data, n.data_len);
    }
    return rc;
}

int lmdb_each(const struct lmdb *l, lmdb_visit *visit, void *arg, struct vs_err *err)
{
    struct walk w = {l, visit, arg, l->pages, false, err};
    return l->root == NO_PAGE ? 0 : walk_page(&w, l->root, 0);
}
