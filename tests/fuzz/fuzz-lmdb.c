/* SPDX-License-Identifier: MIT */
/* Region features in an LMDB, as arrays or as base64: bytes that are a database are read as they
 * are, others become the value of image 42 in one. */
#include "src/formats/lmdb.h"
#include "tests/fuzz/fuzz_regions.h"

#include <string.h>

#define PAGE 4096u
#define HEADER 16u
#define LEAF 2
#define OVERFLOW 4
#define META 8
#define BIG 1

static bool touch(void *arg, const uint8_t *key, size_t key_len, const uint8_t *data, size_t len)
{
    unsigned *sum = arg;
    for (size_t i = 0; i < key_len; i++)
        *sum += key[i];
    for (size_t i = 0; i < len; i++)
        *sum += data[i];
    return true;
}

static void put(uint8_t *p, uint64_t x, size_t size)
{
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

static void put_page(uint8_t *db, uint64_t number, int flags)
{
    put(db + number * PAGE, number, 8);
    put(db + number * PAGE + 10, (uint64_t)flags, 2);
}

/* The i-th entry of the leaf, which ends where the one before begins. Values have pages of their
 * own. Source: MDB_node of OpenLDAP's mdb.c. */
static size_t put_entry(uint8_t *leaf, int i, size_t end, const char *key, uint64_t page,
                        size_t size)
{
    size_t len = strlen(key), at = (end - 8 - len - 8) & ~(size_t)1;
    put(leaf + at, size, 4);
    put(leaf + at + 4, BIG, 2);
    put(leaf + at + 6, len, 2);
    memcpy(leaf + at + 8, key, len);
    put(leaf + at + 8 + len, page, 8);
    put(leaf + HEADER + 2 * (size_t)i, at, 2);
    return at;
}

/* Pages: two of meta data, the leaf, the list of keys, the value. */
static uint8_t *make_database(const uint8_t *value, size_t size, size_t *out)
{
    static const uint8_t keys[] = "\x80\x04]C\x02" "42a."; /* the list [b"42"] */
    size_t total = 4 * PAGE + (HEADER + size + PAGE - 1) / PAGE * PAGE;
    uint8_t *db = xcalloc(total, 1), *leaf = db + 2 * PAGE;
    for (uint64_t i = 0; i < 2; i++) {
        uint8_t *m = db + i * PAGE + HEADER, *main_db = m + 72;
        put_page(db, i, META);
        put(m, 0xBEEFC0DE, 4);
        put(m + 4, 1, 4);
        put(m + 24, PAGE, 4);
        put(main_db + 6, 1, 2);  /* depth */
        put(main_db + 32, 2, 8); /* entries */
        put(main_db + 40, 2, 8); /* root */
    }
    put_page(db, 2, LEAF);
    put_page(db, 3, OVERFLOW);
    put_page(db, 4, OVERFLOW);
    size_t at = put_entry(leaf, 0, PAGE, "42", 4, size);
    at = put_entry(leaf, 1, at, "keys", 3, sizeof keys - 1);
    put(leaf + 12, HEADER + 4, 2);
    put(leaf + 14, at, 2);
    memcpy(db + 3 * PAGE + HEADER, keys, sizeof keys - 1);
    if (size)
        memcpy(db + 4 * PAGE + HEADER, value, size);
    *out = total;
    return db;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct lmdb l;
    struct vs_err err = {0};
    unsigned sum = 0;
    bool whole = size > 20 && memcmp(data + 16, "\xde\xc0\xef\xbe", 4) == 0;
    if (size > 1 << 20)
        return 0;
    size_t db_size = size;
    uint8_t *db = whole ? NULL : make_database(data, size, &db_size);
    int fd = fuzz_file(whole ? data : db, db_size, path);
    if (fuzz_regions(path, "42") != 1 && !whole)
        abort(); /* the database that was made has one image */
    if (lmdb_open(path, &l, &err) == 0) {
        lmdb_each(&l, touch, &sum, &err);
        lmdb_close(&l);
    }
    close(fd);
    free(db);
    return 0;
}
