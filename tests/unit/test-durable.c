/* SPDX-License-Identifier: MIT */
/* What the log promises: a query that it said is written is there, once, whatever happened:
 * power cut at any write, kill -9. Without a sync at each commit the power cuts lose queries
 * (shown by the last but one test), without one transaction a query integrity or counts break.
 * VILSCOPE_FULL: 500 kills and cuts instead of 25. */
#include "faults.h"
#include "logs.h"
#include "sessions/db.h"

#include <limits.h>
#include <time.h>

static int points(void)
{
    return getenv("VILSCOPE_FULL") ? 500 : 25;
}

/* ---- power cuts */

/* Power goes while an older log is migrated: it is old or new afterwards, and whole. */
static void cut_migration(void)
{
    char from[4096];
    const char *srcdir = getenv("SRCDIR"), *path = file("move.db");
    char *remove = xasprintf("rm -f '%s'*", path);
    int rounds = points(), bad = 0, old = 0;
    long all = 0;
    snprintf(from, sizeof from, "%s/tests/data/logs/version-2.db", srcdir ? srcdir : ".");
    faults_install();
    for (int i = -1; i < rounds; i++) {
        struct log *l = NULL;
        struct vs_err err = {0};
        if (system(remove) != 0 || !copy_file(from, path))
            break;
        srand((unsigned)i);
        faults_cut_at(i < 0 ? LONG_MAX : 1 + (long)i * all / rounds);
        log_open(path, false, &l, &err);
        log_close(l);
        l = NULL;
        all = i < 0 ? faults.ops : all;
        faults_restore();
        old += number(path, "PRAGMA user_version") == 2;
        bool good = whole(path) && log_open(path, false, &l, &err) == 0 &&
                    number(path, "SELECT count(*) FROM queries") == 4 && whole(path);
        if (!good)
            printf("# cut %d: %s\n", i, err.text);
        bad += !good;
        log_close(l);
    }
    ok(bad == 0 && old > 0 && all > 20, "power cut at %d of %ld operations of a migration (%d were "
       "old still)", rounds, all, old);
    faults_remove();
    free(remove);
}

/* Logs queries until the power goes; how many were confirmed. */
static int log_until_cut(const char *path, bool careless)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    int confirmed = 0;
    log_start(path, "test", &l, &err);
    if (careless && l->db)
        sqlite3_exec(l->db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=60", NULL, NULL,
                     NULL);
    else if (l->db)
        sqlite3_exec(l->db, "PRAGMA wal_autocheckpoint=60", NULL, NULL, NULL);
    while (!faults.cut && confirmed < 25) {
        char text[16];
        snprintf(text, sizeof text, "q%d", confirmed);
        if (later(l, text, &err) != 0)
            break;
        confirmed++;
    }
    log_close(l);
    return confirmed;
}

/* True: the log is sound and has what was confirmed and at most one more. */
static bool survives(int confirmed, const char *path, int64_t *there)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    bool sound = log_open(path, false, &l, &err) == 0;
    log_close(l);
    *there = number(path, "SELECT count(*) FROM queries");
    return sound && whole(path) && *there >= confirmed && *there <= confirmed + 1 &&
           number(path, "SELECT count(DISTINCT text) FROM queries") == *there;
}

static void cut_power(void)
{
    const char *path = file("cut.db");
    char *remove = xasprintf("rm -f '%s'*", path);
    int rounds = points(), bad = 0;
    faults_install();
    faults_cut_at(LONG_MAX);
    log_until_cut(path, false);
    long all = faults.ops;
    faults_restore();
    for (int i = 0; i < rounds; i++) {
        int64_t there;
        if (system(remove) != 0)
            break;
        srand((unsigned)i);
        faults_cut_at(1 + (long)i * all / rounds);
        int confirmed = log_until_cut(path, false);
        faults_restore();
        if (!survives(confirmed, path, &there)) {
            printf("# cut %d of %d: %d confirmed, %lld there\n", i, rounds, confirmed,
                   (long long)there);
            bad++;
        }
    }
    ok(all > 100 && bad == 0, "power cut at %d of %ld operations: nothing confirmed is lost",
       rounds, all);
    int lost = 0;
    for (int i = 10; i < 25; i++) {
        int64_t there;
        if (system(remove) != 0)
            break;
        srand((unsigned)i);
        faults_cut_at(1 + (long)i * all / 40);
        int confirmed = log_until_cut(path, true);
        faults_restore();
        lost += !survives(confirmed, path, &there);
    }
    ok(lost > 0, "with synchronous=NORMAL %d of 15 cuts lose queries: FULL is needed", lost);
    faults_remove();
    free(remove);
}

/* ---- kill -9 */

static void write_until_killed(const char *path, int round, int out)
{
    struct log *l = NULL;
    struct vs_err err = {0};
    log_start(path, "test", &l, &err);
    for (int i = 0;; i++) {
        char text[32];
        snprintf(text, sizeof text, "round %d number %d", round, i);
        if (later(l, text, &err) == 0 && write(out, "x", 1) != 1)
            break;
        log_flush_pending(l, &err);
    }
    _exit(1);
}

/* How many queries the child said are written before it was killed. */
static int kill_one(const char *path, int round)
{
    int p[2], said = 0;
    char c;
    if (pipe(p) != 0)
        return -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(p[0]);
        write_until_killed(path, round, p[1]);
    }
    close(p[1]);
    for (int wait = rand() % 4; wait > 0 && read(p[0], &c, 1) == 1; wait--)
        said++;
    nanosleep(&(struct timespec){0, rand() % 3000000}, NULL);
    kill(pid, SIGKILL);
    while (read(p[0], &c, 1) == 1)
        said++;
    close(p[0]);
    waitpid(pid, NULL, 0);
    return said;
}

static void killed(void)
{
    const char *path = file("killed.db");
    int rounds = points(), bad = 0, confirmed = 0;
    srand(6);
    for (int i = 0; i < rounds; i++) {
        int64_t before = i ? number(path, "SELECT count(*) FROM queries") : 0;
        int said = kill_one(path, i);
        int64_t there = number(path, "SELECT count(*) FROM queries");
        before = before < 0 ? 0 : before; /* killed before there was a table */
        there = there < 0 ? 0 : there;
        confirmed += said;
        if (there - before != said && there - before != said + 1) {
            printf("# kill %d: %d said, %lld there\n", i, said, (long long)(there - before));
            bad++;
        }
        if (i % 25 == 24 && !whole(path))
            bad++;
    }
    ok(bad == 0, "killed at %d random points: all of %d confirmed queries are there", rounds,
       confirmed);
    ok(whole(path) && number(path, "SELECT count(*) - count(DISTINCT text) FROM queries") == 0,
       "the log is sound and has nothing twice");
}

/* "hold LOG COMMAND...": runs the command while the log is locked for its first 2.5 seconds, longer
 * than a single try to write waits; for tests of the command line. */
static int hold(const char *path, char **command)
{
    sqlite3 *db = NULL;
    int status = -1;
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return 99;
    pid_t pid = fork();
    if (pid == 0) {
        execv(command[0], command);
        _exit(98);
    }
    sleep(2);
    usleep(500000);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argv + 3);
    if (!make_folder())
        return tap_done();
    cut_migration();
    cut_power();
    killed();
    return remove_folder();
}
