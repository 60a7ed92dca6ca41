/* SPDX-License-Identifier: MIT */
/* Files that are cut short or written while they are open: the pass fails with one line, the
 * program goes on. Broken by an unguarded map, a check that is left out, a digest of other bytes
 * than those that were computed with, or by taking a replaced file for a changed one. */
#include "tap.h"

#include "src/study/compare_weights.h"
#include "src/engine/digestcache.h"
#include "src/engine/engine.h"
#include "src/formats/guard.h"
#include "src/formats/lmdb.h"
#include "src/formats/regions.h"
#include "src/formats/tensorfile.h"
#include "src/task/task.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[4096];
static const char says[] = "the file changed while it was read";

/* Four of them in turn. */
static const char *in_dir(const char *name)
{
    static char path[4][4200];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[0], "%s/%s", dir, name);
    return path[turn];
}

static bool write_bytes(const char *path, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, data, n) == (ssize_t)n;
    return fd >= 0 && close(fd) == 0 && good;
}

static bool copy(const char *from, const char *to)
{
    struct bytes b;
    if (bytes_open(from, &b, NULL) != 0)
        return false;
    bool good = write_bytes(to, b.data, b.size);
    bytes_close(&b);
    return good;
}

static bool is_changed(int rc, const struct vs_err *err, const char *path)
{
    return rc == VS_E_IO && strstr(err->text, says) && strstr(err->text, path);
}

/* ---- maps */

struct reader {
    const struct bytes *b;
    uint64_t sum;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    for (size_t i = 0; i < r->b->size; i += 64)
        r->sum += r->b->data[i];
    return NULL;
}

static void cut_map(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 64 * page;
    uint8_t *ones = malloc(n);
    const char *path = in_dir("cut");
    struct bytes b;
    struct vs_err err = {0};
    struct reader r[4];
    pthread_t t[4];
    memset(ones, 1, n);
    if (!ok(write_bytes(path, ones, n) && bytes_map(path, &b, &err) == 0 && b.mapped,
            "a file is mapped %s", err.text))
        return;
    ok(bytes_check(&b, 0, &err) == 0 && bytes_check(&b, VS_E_LIMIT, &err) == VS_E_LIMIT,
       "nothing happened to it yet");
    ok(truncate(path, (off_t)page) == 0, "it is cut short");
    for (int i = 0; i < 4; i++) {
        r[i] = (struct reader){.b = &b};
        pthread_create(&t[i], NULL, read_all, &r[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    ok(r[0].sum == page / 64 && r[1].sum == r[0].sum && r[2].sum == r[0].sum &&
       r[3].sum == r[0].sum, "four threads read what is left, and zeros: %lu",
       (unsigned long)r[0].sum);
    ok(is_changed(bytes_check(&b, 0, &err), &err, path), "and are told: %s", err.text);
    unlink(path);
    ok(is_changed(bytes_check(&b, 0, &err), &err, path), "also when the file is gone by then");
    bytes_close(&b);
    ok(write_bytes(path, ones, n) && bytes_map(path, &b, &err) == 0 &&
       bytes_check(&b, 0, &err) == 0, "another map in its place is not suspected %s", err.text);
    bytes_close(&b);
    free(ones);
}

static void write_map(void)
{
    const char *path = in_dir("written"), *other = in_dir("other");
    struct bytes b;
    struct stat st;
    struct vs_err err = {0};
    if (!ok(write_bytes(path, "12345678", 8) && bytes_map(path, &b, &err) == 0, "mapped"))
        return;
    stat(path, &st);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    usleep(20000); /* the file system's clock ticks */
    ok(write_bytes(path, "87654321", 8) && is_changed(bytes_check(&b, 0, &err), &err, path),
       "written in place, of the same size");
    ok(utimensat(AT_FDCWD, path, times, 0) == 0 &&
       is_changed(bytes_check(&b, VS_E_FORMAT, &err), &err, path),
       "its time put back: still noticed, and more important than another error");
    bytes_close(&b);
    bytes_map(path, &b, &err);
    ok(write_bytes(other, "new", 3) && rename(other, path) == 0 &&
       bytes_check(&b, 0, &err) == 0 && memcmp(b.data, "87654321", 8) == 0,
       "a file that is replaced stays what it was");
    unlink(path);
    ok(bytes_check(&b, 0, &err) == 0, "so does one that is removed");
    bytes_close(&b);
}

/* What is read into memory cannot change any more. */
static void small_files(void)
{
    const char *path = in_dir("small");
    struct bytes b;
    struct vs_err err = {0};
    ok(write_bytes(path, "12345678", 8) && bytes_open(path, &b, &err) == 0 && !b.mapped &&
       truncate(path, 0) == 0 && memcmp(b.data, "12345678", 8) == 0 &&
       bytes_check(&b, 0, &err) == 0, "a small file is in memory %s", err.text);
    bytes_close(&b);
}

/* A bus error that is nobody's map ends the program, as it always did. */
static void not_ours(void)
{
    const char *path = in_dir("bare");
    long page = sysconf(_SC_PAGESIZE);
    char *zeros = calloc(1, (size_t)page);
    write_bytes(path, zeros, (size_t)page);
    free(zeros);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        struct sigaction plain = {.sa_handler = SIG_DFL};
        setrlimit(RLIMIT_CORE, &none);
        guard_otherwise(&plain); /* a sanitizer has one of its own, which prints */
        int fd = open(path, O_RDWR | O_CLOEXEC);
        volatile char *p = mmap(NULL, (size_t)page, PROT_READ, MAP_PRIVATE, fd, 0);
        _exit(ftruncate(fd, 0) == 0 ? p[0] + 3 : 4);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "another's bus error is fatal: %d",
       status);
}

/* ---- checkpoints */

static struct model *open_model(const char *const *checkpoints, struct vs_err *err)
{
    struct model_options o = {.dir = source_path("tests/data/tiny"), .checkpoints = checkpoints,
                              .threads = 2, .device = "cpu"};
    struct model *m = NULL;
    return model_open(&o, &m, err) == 0 ? m : NULL;
}

static struct photo *open_scene(struct vs_err *err)
{
    struct photo_options o = {.regions = source_path("tests/data/tiny/scene.npy")};
    struct photo *p = NULL;
    return photo_open(source_path("tests/data/tiny/scene.png"), &o, &p, err) == 0 ? p : NULL;
}

static int ask(struct model *m, int checkpoint, struct photo *p, struct result **out,
               struct vs_err *err)
{
    struct query q = {.task = task_find("gqa"), .text = "what color is it", .photos = &p,
                      .photo_count = 1, .checkpoint = checkpoint};
    *out = NULL;
    return query_run(m, &q, NULL, out, err);
}

static void cut_checkpoint(struct photo *p)
{
    const char *tiny = source_path("tests/data/tiny/checkpoint.bin");
    const char *a = in_dir("a.bin"), *b = in_dir("b.bin"), *both[3] = {a, b, NULL};
    struct vs_err err = {0};
    struct result *r = NULL;
    copy(tiny, a);
    copy(tiny, b);
    struct model *m = open_model(both, &err);
    if (!ok(m != NULL, "two checkpoints %s", err.text))
        return;
    ok(truncate(a, 8192) == 0 && is_changed(ask(m, 0, p, &r, &err), &err, a) && !r,
       "one is cut short before it is first used: %s", err.text);
    ok(ask(m, 1, p, &r, &err) == 0 && r->answer_count > 0, "the other one answers %s", err.text);
    result_free(r);
    ok(is_changed(ask(m, 0, p, &r, &err), &err, a), "the first one stays unusable");
    usleep(20000);
    ok(copy(tiny, b) && is_changed(ask(m, 1, p, &r, &err), &err, b) && !r,
       "the other one is written again, with the same bytes: %s", err.text);
    int i = model_add_checkpoint(m, b, "again", &err);
    ok(i == 2 && ask(m, i, p, &r, &err) == 0, "opened again it answers %s", err.text);
    result_free(r);
    model_free(m);
}

static void digests(struct photo *p)
{
    const char *tiny = source_path("tests/data/tiny/checkpoint.bin"), *a = in_dir("d.bin");
    const char *one[2] = {a, NULL};
    char want[DIGEST_HEX], have[DIGEST_HEX];
    struct vs_err err = {0};
    struct bytes b;
    struct result *r = NULL;
    bytes_open(tiny, &b, &err);
    digest_bytes(b.data, b.size, want);
    memset(have, '0', sizeof have - 1);
    have[sizeof have - 1] = '\0';
    copy(tiny, a);
    struct model *m = open_model(one, &err);
    ok(m && ask(m, 0, p, &r, &err) == 0, "an answer %s", err.text);
    usleep(20000);
    write_bytes(a, b.data, b.size - 1);
    model_complete(m, r);
    ok(r->checkpoint_digest[0] == '\0' && r->notice && strstr(r->notice, "digest is not known"),
       "of a file that was written since there is no digest: %s", r->notice);
    ok(model_complete_ready(m, r), "and nobody waits for it");
    ok(!digestcache_get(a, have), "nothing is remembered");
    result_free(r);
    model_free(m);
    unlink(a);
    copy(tiny, a);
    m = open_model(one, &err);
    ok(m && ask(m, 0, p, &r, &err) == 0, "an answer %s", err.text);
    write_bytes(in_dir("new"), "a new file", 10);
    digestcache_put(in_dir("new"), have);
    rename(in_dir("new"), a);
    model_complete(m, r);
    ok(strcmp(r->checkpoint_digest, want) == 0, "of a replaced file it is that of what answered");
    ok(!digestcache_get(a, have) || strcmp(have, want) != 0, "which the new one does not get");
    result_free(r);
    model_free(m);
    bytes_close(&b);
}

static void compare_tensors(void)
{
    const char *tiny = source_path("tests/data/tiny/checkpoint.bin"), *a = in_dir("w.bin");
    struct tensorfile *f = NULL, *g = NULL;
    struct weights_change *w = NULL;
    struct kern *k = NULL;
    struct vs_err err = {0};
    char why[256];
    copy(tiny, a);
    if (kern_open("cpu", 2, &k, why, sizeof why) == 0 && tensorfile_open(a, &f, &err) == 0 &&
        tensorfile_open(tiny, &g, &err) == 0)
        ok(truncate(a, 4096) == 0 &&
           is_changed(weights_compare(k, f, g, NULL, &w, &err), &err, a) && !w,
           "weights are compared with a file that is cut short: %s", err.text);
    tensorfile_close(f);
    tensorfile_close(g);
    kern_close(k);
}

/* ---- the detector, regions */

static void cut_detector(void)
{
    const char *d = in_dir("detector.pth");
    struct vs_err err = {0};
    struct photo *p = NULL;
    struct model *m = NULL;
    struct photo_options none = {0};
    copy(source_path("tests/data/tiny/detector.pth"), d);
    copy(source_path("tests/data/tiny/scene.png"), in_dir("alone.png"));
    struct model_options o = {.dir = source_path("tests/data/tiny"), .threads = 2, .detector = d,
                              .device = "cpu"};
    if (!ok(model_open(&o, &m, &err) == 0 &&
            photo_open(in_dir("alone.png"), &none, &p, &err) == 0 && !p->regions &&
            photo_detect(m, p, NULL, NULL, NULL, &err) == 0 && p->regions,
            "regions of a picture %s", err.text))
        return;
    struct box_list boxes = {(float[]){1, 1, 30, 30}, 1};
    ok(photo_pool_boxes(m, p, &boxes, NULL, NULL, NULL, &err) == 0, "of boxes %s", err.text);
    boxes.boxes[0] = 2;
    ok(truncate(d, 4096) == 0 &&
       is_changed(photo_pool_boxes(m, p, &boxes, NULL, NULL, NULL, &err), &err, d),
       "the detector's file is cut short: %s", err.text);
    photo_free(p);
    model_free(m);
}

static void cut_database(void)
{
    const char *path = shared_path("golden/files");
    char from[4200];
    struct lmdb l;
    struct vs_err err = {0};
    const uint8_t *data;
    size_t len;
    if (!path) {
        tap_skip("the golden data is not there");
        return;
    }
    snprintf(from, sizeof from, "%s/many_keys.lmdb/data.mdb", path);
    if (!ok(copy(from, in_dir("data.mdb")) && lmdb_open(in_dir("data.mdb"), &l, &err) == 0,
            "a database %s", err.text))
        return;
    bool cut = truncate(in_dir("data.mdb"), 8192) == 0;
    int rc = lmdb_get(&l, "0", 1, &data, &len, &err);
    ok(cut && is_changed(bytes_check(&l.map, rc, &err), &err, "data.mdb"), "it is cut short: %s",
       err.text);
    lmdb_close(&l);
}

struct writer {
    const char *path;
    atomic_bool begun, stop;
};

/* Writes one byte again and again. */
static void *write_on(void *arg)
{
    struct writer *w = arg;
    int fd = open(w->path, O_WRONLY | O_CLOEXEC);
    while (fd >= 0 && !atomic_load(&w->stop) && pwrite(fd, "x", 1, 100000) == 1)
        atomic_store(&w->begun, true);
    atomic_store(&w->begun, true); /* also when it cannot write */
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* More than is read into memory, most of it one line, which takes longer than the clock of the file
 * system. */
static void write_table(void)
{
    const char *path = in_dir("large.tsv");
    struct writer w = {.path = path};
    struct regions *g = NULL;
    struct vs_err err = {0};
    pthread_t thread;
    char lines[8192];
    for (size_t i = 0; i < sizeof lines; i += 32)
        memcpy(lines + i, "1\t20\t20\t1\tAAAAAAAAAAAAAAAA\tAAAA\n", 32);
    if (!ok(write_bytes(path, lines, sizeof lines) && truncate(path, 160 << 20) == 0 &&
            regions_open(path, "2", &g, &err) == VS_E_FORMAT && !strstr(err.text, says),
            "a large table that is damaged: %s", err.text) ||
        !ok(pthread_create(&thread, NULL, write_on, &w) == 0, "and is written just now"))
        return;
    while (!atomic_load(&w.begun))
        sched_yield();
    ok(is_changed(regions_open(path, "2", &g, &err), &err, path), "is told: %s", err.text);
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    struct vs_err err = {0};
    snprintf(dir, sizeof dir, "%s/changed-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    setenv("XDG_CACHE_HOME", dir, 1);
    cut_map();
    write_map();
    small_files();
    not_ours();
    struct photo *p = open_scene(&err);
    if (ok(p != NULL, "a photo %s", err.text)) {
        cut_checkpoint(p);
        digests(p);
    }
    photo_free(p);
    compare_tensors();
    cut_detector();
    cut_database();
    write_table();
    char command[4200];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    if (system(command) != 0)
        return 1;
    return tap_done();
}
