#include "runtime/db/sqlite_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

/* SQLite counts every allocation under one process-wide mutex unless told not to: with several
 * connections busy that mutex is the bottleneck. */
static void configure_once(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int rt_sqlite_code(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return RT_ESTORAGE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RT_EBUSY;
    case SQLITE_CONSTRAINT:
        return SEGS_ECONFLICT;
    case SQLITE_NOMEM:
        return SEGS_ENOMEM;
    default:
        return SEGS_EINTERNAL;
    }
}

int rt_sqlite_fail(sqlite3 *db, int rc, const char *what, struct segs_error *reterr)
{
    /* The connection's message belongs to its latest failure, which an aborted transaction may have
     * replaced; the code's own text is then the truth. */
    bool fresh = db && (sqlite3_errcode(db) & 0xff) == (rc & 0xff);

    return rt_fail(reterr, rt_sqlite_code(rc), NULL, "%s: %s (SQLite code %d)", what,
                   fresh ? sqlite3_errmsg(db) : sqlite3_errstr(rc), rc);
}

int rt_sqlite_run(sqlite3 *db, const char *sql, struct segs_error *reterr)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : rt_sqlite_fail(db, rc, sql, reterr);
}

int rt_sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct segs_error *reterr)
{
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

    return rc == SQLITE_OK ? 0 : rt_sqlite_fail(db, rc, sql, reterr);
}

int rt_sqlite_int(sqlite3 *db, const char *sql, int64_t absent, int64_t *ret,
                  struct segs_error *reterr)
{
    sqlite3_stmt *stmt;
    int r = rt_sqlite_prepare(db, sql, &stmt, reterr);
    int rc;

    if (r < 0)
        return r;
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        bool present = rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL;

        *ret = present ? sqlite3_column_int64(stmt, 0) : absent;
    } else {
        r = rt_sqlite_fail(db, rc, sql, reterr);
    }
    (void)sqlite3_finalize(stmt);
    return r;
}

char *rt_sqlite_path(const char *data_dir, const char *name)
{
    size_t size = strlen(data_dir) + strlen(name) + 2;
    char *path = malloc(size);

    if (path)
        (void)snprintf(path, size, "%s/%s", data_dir, name);
    return path;
}

/* Some file systems cannot share memory between processes; the engine then keeps its old journal
 * without a word, under which readers would block the writer. */
static int use_wal(sqlite3 *db, const char *path, struct segs_error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);
    bool is_wal = false;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        is_wal = sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
    (void)sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW)
        return rt_sqlite_fail(db, rc, path, reterr);
    if (!is_wal)
        return rt_fail(reterr, RT_ESTORAGE, "data_dir",
                       "%s: the file system does not support a write-ahead log", path);
    return 0;
}

static int tune(sqlite3 *db, const char *path, const struct rt_sqlite_tuning *tuning,
                struct segs_error *reterr)
{
    char text[320];
    int rc;
    int r;

    (void)sqlite3_busy_timeout(db, tuning->busy_ms);
    (void)snprintf(text, sizeof text,
                   "PRAGMA page_size=%d; PRAGMA cache_size=-%d; PRAGMA synchronous=FULL; "
                   "PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=%s;",
                   (int)tuning->page_bytes, (int)tuning->cache_kib,
                   tuning->foreign_keys ? "ON" : "OFF");
    rc = sqlite3_exec(db, text, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rt_sqlite_fail(db, rc, path, reterr);
    if (tuning->read_only)
        return 0;
    r = use_wal(db, path, reterr);
    if (r < 0)
        return r;
    /* The limit cuts back a WAL that a long reader let grow; copying back is the keeper's work. */
    return rt_sqlite_run(db, "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;",
                         reterr);
}

int rt_sqlite_open(const char *path, const struct rt_sqlite_tuning *tuning, sqlite3 **ret,
                   struct segs_error *reterr)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int flags =
        tuning->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3 *db = NULL;
    int rc;
    int r;

    (void)pthread_once(&once, configure_once);
    rc = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    r = rc == SQLITE_OK ? tune(db, path, tuning, reterr) : rt_sqlite_fail(db, rc, path, reterr);
    if (r < 0) {
        (void)sqlite3_close(db);
        return r;
    }
    *ret = db;
    return 0;
}
