#include "runtime/db/sqlite_internal.h"

#include "runtime/clock.h"

static int version_of(sqlite3 *handle, int64_t *ret, struct segs_error *reterr)
{
    int64_t has_table = 0;
    int r = rt_sqlite_int(handle,
                          "SELECT count(*) FROM sqlite_schema"
                          " WHERE type='table' AND name='schema_migrations'",
                          0, &has_table, reterr);

    *ret = 0;
    if (r < 0 || !has_table)
        return r;
    return rt_sqlite_int(handle, "SELECT max(version) FROM schema_migrations", 0, ret, reterr);
}

static int refuse_newer(int64_t version, size_t n, struct segs_error *reterr)
{
    if (version <= (int64_t)n)
        return 0;
    return rt_fail(reterr, SEGS_ECONFLICT, "version",
                   "the database has schema version %lld, this program knows versions up to %zu",
                   (long long)version, n);
}

static int record(sqlite3 *handle, const struct rt_db_migration *migration,
                  struct segs_error *reterr)
{
    sqlite3_stmt *stmt = NULL;
    int r = rt_sqlite_prepare(handle, "INSERT INTO schema_migrations VALUES (?1, ?2, ?3)", &stmt,
                              reterr);
    int rc;

    if (r < 0)
        return r;
    (void)sqlite3_bind_int(stmt, 1, migration->version);
    (void)sqlite3_bind_text(stmt, 2, migration->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(stmt, 3, rt_clock_now_ms(NULL));
    (void)sqlite3_step(stmt);
    rc = sqlite3_finalize(stmt);
    return rc == SQLITE_OK ? 0 : rt_sqlite_fail(handle, rc, "recording a migration", reterr);
}

static int apply(sqlite3 *handle, const struct rt_db_migration *migration,
                 struct segs_error *reterr)
{
    int rc = sqlite3_exec(handle, migration->sqlite, NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rt_sqlite_fail(handle, rc, migration->name, reterr);
    return record(handle, migration, reterr);
}

/* The version is read again under the write lock: another process may be migrating too. *ret_more
 * is false when there was nothing left to do. */
static int step(sqlite3 *handle, const struct rt_db_migration *list, size_t n, bool *ret_more,
                struct segs_error *reterr)
{
    int64_t version = 0;
    int r = rt_sqlite_run(handle, "BEGIN IMMEDIATE", reterr);

    if (r < 0)
        return r;
    r = rt_sqlite_run(handle,
                      "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY,"
                      " name TEXT NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT",
                      reterr);
    if (r == 0)
        r = version_of(handle, &version, reterr);
    if (r == 0)
        r = refuse_newer(version, n, reterr);
    *ret_more = r == 0 && version < (int64_t)n;
    if (*ret_more)
        r = apply(handle, &list[version], reterr);
    if (r == 0)
        r = rt_sqlite_run(handle, "COMMIT", reterr);
    if (r < 0 && !sqlite3_get_autocommit(handle))
        (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static int check(struct rt_db *base, size_t n, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    int64_t version = 0;
    int r = lite_acquire(base, RT_DB_READ, 5000, &conn, reterr);

    if (r < 0)
        return r;
    r = version_of(((struct lite_conn *)conn)->handle, &version, reterr);
    lite_release(conn);
    if (r == 0)
        r = refuse_newer(version, n, reterr);
    if (r == 0 && version < (int64_t)n)
        r = rt_fail(reterr, SEGS_ECONFLICT, "version",
                    "the database has schema version %lld and is open for reading only, this "
                    "program needs version %zu",
                    (long long)version, n);
    return r;
}

int lite_migrate(struct rt_db *base, const struct rt_db_migration *list, size_t n,
                 struct segs_error *reterr)
{
    const struct lite_db *db = (const struct lite_db *)base;
    struct rt_db_conn *conn = NULL;
    bool more = true;
    int r;

    if (db->read_only)
        return check(base, n, reterr);
    r = lite_acquire(base, RT_DB_WRITE, 30000, &conn, reterr);
    if (r < 0)
        return r;
    while (r == 0 && more)
        r = step(((struct lite_conn *)conn)->handle, list, n, &more, reterr);
    lite_release(conn);
    return r;
}
