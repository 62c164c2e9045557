#include "runtime/db/sqlite_internal.h"

#include "runtime/clock.h"
#include "runtime/failpoint.h"
#include "runtime/metrics.h"

static int run(struct lite_conn *conn, const char *sql, struct segs_error *reterr)
{
    struct lite_statement *statement = NULL;
    int r = lite_statement_get(conn, sql, &statement, reterr);
    int rc;

    if (r < 0)
        return r;
    rc = sqlite3_step(statement->stmt);
    if (rc != SQLITE_DONE)
        r = lite_fail(conn->db, conn->handle, rc, sql, reterr);
    (void)sqlite3_reset(statement->stmt);
    return r;
}

/* A writer takes its lock at once: asking for it in the middle could fail after the work is done. */
int lite_begin(struct rt_db_conn *base, struct segs_error *reterr)
{
    struct lite_conn *conn = (struct lite_conn *)base;

    conn->begun_us = rt_monotonic_us();
    return run(conn, conn->writes ? "BEGIN IMMEDIATE" : "BEGIN", reterr);
}

/* While frames are being written the commit is certainly not complete; once they are synced or the
 * sync has failed, only looking tells. */
static bool is_ambiguous(int rc)
{
    return (rc & 0xff) == SQLITE_IOERR && rc != SQLITE_IOERR_WRITE;
}

static int ambiguous(struct lite_conn *conn, struct segs_error *reterr)
{
    if (!sqlite3_get_autocommit(conn->handle))
        lite_rollback(&conn->base);
    (void)lite_fail(conn->db, NULL, SQLITE_IOERR_FSYNC, "COMMIT", NULL);
    return rt_fail(reterr, RT_EAMBIGUOUS, NULL,
                   "the storage failed during the commit: look whether it happened");
}

int lite_commit(struct rt_db_conn *base, struct segs_error *reterr)
{
    struct lite_conn *conn = (struct lite_conn *)base;
    int r;

    if (conn->writes && rt_failpoint("db.before_commit"))
        return ambiguous(conn, reterr);
    if (conn->writes && rt_failpoint("db.enospc")) {
        lite_rollback(base);
        return lite_fail(conn->db, NULL, SQLITE_FULL, "COMMIT", reterr);
    }
    r = run(conn, "COMMIT", reterr);
    if (r < 0) {
        int rc = sqlite3_extended_errcode(conn->handle);

        lite_rollback(base);
        return is_ambiguous(rc) ? ambiguous(conn, reterr) : r;
    }
    if (conn->writes && rt_failpoint("db.after_commit"))
        return ambiguous(conn, reterr);
    if (conn->writes && conn->db->transaction_seconds)
        rt_histogram_observe(conn->db->transaction_seconds,
                             (double)(rt_monotonic_us() - conn->begun_us) / 1e6);
    return 0;
}

/* Statements still being read would keep the connection's snapshot, and with it the WAL, for ever. */
void lite_rollback(struct rt_db_conn *base)
{
    struct lite_conn *conn = (struct lite_conn *)base;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(conn->handle, s)) != NULL;) {
        if (sqlite3_stmt_busy(s))
            (void)sqlite3_reset(s);
    }
    if (!sqlite3_get_autocommit(conn->handle))
        (void)sqlite3_exec(conn->handle, "ROLLBACK", NULL, NULL, NULL);
}
