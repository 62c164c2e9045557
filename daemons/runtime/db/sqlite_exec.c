#include <stdlib.h>
#include <string.h>

#include "runtime/db/sqlite_internal.h"
#include "runtime/failpoint.h"

static int check_count(const struct lite_statement *statement, size_t n, struct segs_error *reterr)
{
    if (n == statement->n_params)
        return 0;
    return rt_fail(reterr, SEGS_EINTERNAL, NULL,
                   "%zu parameters given, the statement takes %zu: %s", n, statement->n_params,
                   sqlite3_sql(statement->stmt));
}

/* The engine keeps the count of the last INSERT, UPDATE or DELETE: any other statement has to be
 * told from one by the running total. */
static int run_row(struct lite_conn *conn, const struct lite_statement *statement,
                   const struct rt_db_value *params, int64_t *ret_changed,
                   struct segs_error *reterr)
{
    int64_t before = sqlite3_total_changes64(conn->handle);
    int r = lite_statement_bind(conn, statement, params, false, reterr);
    int rc;

    if (r < 0)
        return r;
    do {
        rc = sqlite3_step(statement->stmt);
    } while (rc == SQLITE_ROW);
    if (rc != SQLITE_DONE)
        r = lite_fail(conn->db, conn->handle, rc, "running a statement", reterr);
    else if (ret_changed)
        *ret_changed =
            sqlite3_total_changes64(conn->handle) == before ? 0 : sqlite3_changes64(conn->handle);
    (void)sqlite3_reset(statement->stmt);
    return r;
}

static int run_rows(struct lite_conn *conn, const struct lite_statement *statement,
                    const struct rt_db_value *params, size_t n_rows, int64_t *ret_changed,
                    struct segs_error *reterr)
{
    for (size_t row = 0; row < n_rows; row++) {
        int r = run_row(conn, statement, params + row * statement->n_params,
                        ret_changed ? ret_changed + row : NULL, reterr);

        if (r < 0) {
            if (reterr && n_rows > 1)
                reterr->index = (int64_t)row;
            return r;
        }
    }
    return 0;
}

int lite_exec(struct rt_db_conn *base, const char *sql, const struct rt_db_value *params,
              size_t n_params, size_t n_rows, int64_t *ret_changed, struct segs_error *reterr)
{
    struct lite_conn *conn = (struct lite_conn *)base;
    struct lite_statement own = { .sql = NULL };
    struct lite_statement *statement = NULL;
    int r;

    if (conn->writes && rt_failpoint("db.enospc"))
        return lite_fail(conn->db, NULL, SQLITE_FULL, "running a statement", reterr);
    r = lite_statement_get(conn, sql, &statement, reterr);
    if (r == 0 && statement->busy) {
        statement = &own;
        r = lite_statement_prepare(conn, sql, statement, reterr);
    }
    if (r < 0)
        return r;
    r = check_count(statement, n_params, reterr);
    if (r == 0)
        r = run_rows(conn, statement, params, n_rows, ret_changed, reterr);
    lite_statement_clear(&own);
    return r;
}

/* ---- Queries ---- */

static int rows_prepare(struct lite_rows *rows, const char *sql, size_t n,
                        const struct rt_db_value *params, struct segs_error *reterr)
{
    struct lite_statement *statement = NULL;
    int r = lite_statement_get(rows->conn, sql, &statement, reterr);

    if (r < 0)
        return r;
    if (statement->busy) {
        statement = &rows->own;
        r = lite_statement_prepare(rows->conn, sql, statement, reterr);
        if (r < 0)
            return r;
    } else {
        statement->busy = true;
        rows->kept = statement;
    }
    rows->stmt = statement->stmt;
    r = check_count(statement, n, reterr);
    return r < 0 ? r : lite_statement_bind(rows->conn, statement, params, true, reterr);
}

int lite_query(struct rt_db_conn *base, const char *sql, const struct rt_db_value *params, size_t n,
               struct rt_db_rows **ret, struct segs_error *reterr)
{
    struct lite_conn *conn = (struct lite_conn *)base;
    struct lite_rows *rows = calloc(1, sizeof *rows);
    int r;

    if (!rows)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a query");
    rows->base.adapter = base->adapter;
    rows->conn = conn;
    r = rows_prepare(rows, sql, n, params, reterr);
    if (r < 0) {
        lite_rows_free(&rows->base);
        return r;
    }
    *ret = &rows->base;
    return 0;
}

int lite_next(struct rt_db_rows *base, struct segs_error *reterr)
{
    struct lite_rows *rows = (struct lite_rows *)base;
    int rc;

    if (rows->done)
        return 0;
    rc = sqlite3_step(rows->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    rows->done = true;
    if (rc == SQLITE_DONE)
        return 0;
    return lite_fail(rows->conn->db, rows->conn->handle, rc, "reading rows", reterr);
}

void lite_rows_free(struct rt_db_rows *base)
{
    struct lite_rows *rows = (struct lite_rows *)base;

    if (rows->kept) {
        (void)sqlite3_reset(rows->stmt);
        (void)sqlite3_clear_bindings(rows->stmt);
        rows->kept->busy = false;
    }
    lite_statement_clear(&rows->own);
    free(rows);
}

/* The value getters of SQLite convert in place, so they take a statement that is not const. */
static sqlite3_stmt *row_of(const struct rt_db_rows *base)
{
    return ((const struct lite_rows *)base)->stmt;
}

bool lite_is_null(const struct rt_db_rows *base, int column)
{
    return sqlite3_column_type(row_of(base), column) == SQLITE_NULL;
}

int64_t lite_int(const struct rt_db_rows *base, int column)
{
    return sqlite3_column_int64(row_of(base), column);
}

double lite_double(const struct rt_db_rows *base, int column)
{
    return sqlite3_column_double(row_of(base), column);
}

const char *lite_str(const struct rt_db_rows *base, int column, size_t *ret_len)
{
    const unsigned char *text = sqlite3_column_text(row_of(base), column);

    if (ret_len)
        *ret_len = (size_t)sqlite3_column_bytes(row_of(base), column);
    return (const char *)text;
}

const void *lite_bytes(const struct rt_db_rows *base, int column, size_t *ret_len)
{
    const void *bytes = NULL;
    size_t len = 0;

    if (!lite_is_null(base, column)) {
        bytes = sqlite3_column_blob(row_of(base), column);
        len = (size_t)sqlite3_column_bytes(row_of(base), column);
        /* The engine says NULL for an empty blob, which is not SQL NULL. */
        if (!bytes)
            bytes = "";
    }
    if (ret_len)
        *ret_len = len;
    return bytes;
}
