#include "runtime/db/db.h"

#include <string.h>

#include "runtime/db/db_adapter.h"

enum { MAX_READERS = 256 };

int rt_db_open(const struct rt_db_options *options, struct rt_db **ret, struct segs_error *reterr)
{
    if (!options || !ret)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no options or no place for the result");
    if (options->url)
        return rt_fail(reterr, SEGS_ENOTSUP, "url",
                       "this build has no adapter for a database server; leave the address unset "
                       "for the embedded database");
    if (!options->data_dir)
        return rt_fail(reterr, SEGS_EINVAL, "data_dir",
                       "the embedded database needs a data folder");
    if (options->n_readers < 0 || options->n_readers > MAX_READERS)
        return rt_fail(reterr, SEGS_ERANGE, "n_readers", "expected 0 to %d, found %d", MAX_READERS,
                       (int)options->n_readers);
    return rt_db_sqlite_open(options, ret, reterr);
}

void rt_db_close(struct rt_db *db)
{
    if (db)
        db->adapter->close(db);
}

enum rt_db_engine rt_db_engine(const struct rt_db *db)
{
    return db->adapter->engine;
}

int rt_db_migrate(struct rt_db *db, const struct rt_db_migration *list, size_t n,
                  struct segs_error *reterr)
{
    if (!db || (n && !list))
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no database or no migrations");
    for (size_t i = 0; i < n; i++) {
        if (list[i].version != (int32_t)(i + 1) || !list[i].name || !list[i].sqlite)
            return rt_fail(reterr, SEGS_EINVAL, "version",
                           "migrations count 1, 2, 3, ... and have a name and a text; found "
                           "version %d at place %zu",
                           (int)list[i].version, i + 1);
    }
    return db->adapter->migrate(db, list, n, reterr);
}

int rt_db_acquire(struct rt_db *db, enum rt_db_mode mode, int64_t timeout_ms,
                  struct rt_db_conn **ret, struct segs_error *reterr)
{
    if (!db || !ret || (mode != RT_DB_READ && mode != RT_DB_WRITE))
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no database, mode or place for the result");
    return db->adapter->acquire(db, mode, timeout_ms, ret, reterr);
}

void rt_db_release(struct rt_db_conn *conn)
{
    if (conn)
        conn->adapter->release(conn);
}

int rt_db_begin(struct rt_db_conn *conn, struct segs_error *reterr)
{
    if (!conn)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no connection");
    return conn->adapter->begin(conn, reterr);
}

int rt_db_commit(struct rt_db_conn *conn, struct segs_error *reterr)
{
    if (!conn)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no connection");
    return conn->adapter->commit(conn, reterr);
}

void rt_db_rollback(struct rt_db_conn *conn)
{
    if (conn)
        conn->adapter->rollback(conn);
}

struct rt_db_value rt_db_text(const char *text)
{
    if (!text)
        return RT_DB_N;
    return (struct rt_db_value){ .data = text, .len = strlen(text), .type = RT_DB_TEXT };
}

struct rt_db_value rt_db_blob(const void *data, size_t len)
{
    return (struct rt_db_value){ .data = data, .len = len, .type = RT_DB_BLOB };
}

int rt_db_exec(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params, size_t n,
               int64_t *ret_changed, struct segs_error *reterr)
{
    if (!conn || !sql || (n && !params))
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no connection, statement or parameters");
    return conn->adapter->exec(conn, sql, params, n, 1, ret_changed, reterr);
}

int rt_db_exec_batch(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                     size_t n_params, size_t n_rows, int64_t *ret_changed,
                     struct segs_error *reterr)
{
    if (!conn || !sql || (n_params && n_rows && !params))
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no connection, statement or parameters");
    return n_rows ? conn->adapter->exec(conn, sql, params, n_params, n_rows, ret_changed, reterr)
                  : 0;
}

int rt_db_query(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                size_t n, struct rt_db_rows **ret, struct segs_error *reterr)
{
    if (!conn || !sql || !ret || (n && !params))
        return rt_fail(reterr, SEGS_EINVAL, NULL,
                       "no connection, statement, parameters or place for the result");
    return conn->adapter->query(conn, sql, params, n, ret, reterr);
}

int rt_db_next(struct rt_db_rows *rows, struct segs_error *reterr)
{
    if (!rows)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no rows");
    return rows->adapter->next(rows, reterr);
}

void rt_db_rows_free(struct rt_db_rows *rows)
{
    if (rows)
        rows->adapter->rows_free(rows);
}

bool rt_db_is_null(const struct rt_db_rows *rows, int column)
{
    return rows->adapter->is_null(rows, column);
}

int64_t rt_db_int(const struct rt_db_rows *rows, int column)
{
    return rows->adapter->get_int(rows, column);
}

double rt_db_double(const struct rt_db_rows *rows, int column)
{
    return rows->adapter->get_double(rows, column);
}

const char *rt_db_str(const struct rt_db_rows *rows, int column, size_t *ret_len)
{
    return rows->adapter->get_str(rows, column, ret_len);
}

const void *rt_db_bytes(const struct rt_db_rows *rows, int column, size_t *ret_len)
{
    return rows->adapter->get_bytes(rows, column, ret_len);
}

int rt_db_query_int(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                    size_t n, int64_t *ret, struct segs_error *reterr)
{
    struct rt_db_rows *rows = NULL;
    int r;

    if (!ret)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no place for the result");
    r = rt_db_query(conn, sql, params, n, &rows, reterr);
    if (r < 0)
        return r;
    r = rt_db_next(rows, reterr);
    if (r == 1 && !rt_db_is_null(rows, 0)) {
        *ret = rt_db_int(rows, 0);
        r = 0;
    } else if (r >= 0) {
        r = rt_fail(reterr, SEGS_ENOTFOUND, NULL, "the query found nothing");
    }
    rt_db_rows_free(rows);
    return r;
}
