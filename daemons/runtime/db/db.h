/* The database: relational and time-series tables. One header, two adapters: sqlite.c (embedded)
 * and, in a deployment, PostgreSQL. SQL is written in the subset both understand: $1..$n
 * parameters, INSERT .. ON CONFLICT .. DO UPDATE, RETURNING, BIGINT/TEXT/BLOB columns; what differs
 * stands in one place per engine.
 *
 * Thread rule: struct rt_db is thread-safe; a connection and its rows belong to the thread that
 * took it. */
#ifndef RT_DB_H
#define RT_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../errors.h"

struct rt_db;
struct rt_db_conn;
struct rt_db_rows;
struct rt_metrics;

struct rt_db_options {
    const char *url;      /* NULL: embedded. */
    const char *data_dir; /* Embedded: folder of segs.db. */
    struct rt_metrics *metrics;
    int32_t n_readers; /* Connections for reading; 0: 8. Writers are one at a time in the embedded
                          engine. */
    bool read_only;
};

/* SEGS_ENOTSUP: `url` is set and this build has no adapter for it. RT_ESTORAGE: the file or folder
 * cannot be opened. Close after the last connection was released. */
int rt_db_open(const struct rt_db_options *options, struct rt_db **ret, struct segs_error *reterr);
void rt_db_close(struct rt_db *db);

enum rt_db_engine { RT_DB_SQLITE = 1, RT_DB_POSTGRES = 2 };
enum rt_db_engine rt_db_engine(const struct rt_db *db);

/* Numbered migrations, each applied once in its own transaction and recorded in schema_migrations; a
 * database newer than the list is SEGS_ECONFLICT. Read-only: nothing is applied, and an older
 * database is SEGS_ECONFLICT too. A failing migration leaves those before it applied. */
struct rt_db_migration {
    int32_t version; /* 1, 2, 3, ... */
    const char *name;
    const char *sqlite;   /* Statements separated by ';'. */
    const char *postgres; /* NULL: the same text. */
};
int rt_db_migrate(struct rt_db *db, const struct rt_db_migration *list, size_t n,
                  struct segs_error *reterr);

/* Take a connection; waits up to timeout_ms (RT_ETIMEOUT), first come, first served. Writing on a
 * RT_DB_READ connection is SEGS_EINTERNAL; RT_DB_WRITE of a read-only database is SEGS_ENOTSUP. A
 * thread that holds a writing connection must not ask for a second one. */
enum rt_db_mode { RT_DB_READ = 1, RT_DB_WRITE = 2 };
int rt_db_acquire(struct rt_db *db, enum rt_db_mode mode, int64_t timeout_ms,
                  struct rt_db_conn **ret, struct segs_error *reterr);
void rt_db_release(struct rt_db_conn *conn); /* Rolls back an open transaction. NULL is fine. Free
                                                rows before. */

int rt_db_begin(struct rt_db_conn *conn, struct segs_error *reterr);
int rt_db_commit(struct rt_db_conn *conn,
                 struct segs_error *reterr); /* RT_EAMBIGUOUS: look whether it happened. */
void rt_db_rollback(struct rt_db_conn *conn);

enum rt_db_type { RT_DB_NULL = 0, RT_DB_INT = 1, RT_DB_DOUBLE = 2, RT_DB_TEXT = 3, RT_DB_BLOB = 4 };
struct rt_db_value {
    const void *data; /* TEXT, BLOB: borrowed for the call. */
    size_t len;       /* TEXT, BLOB: bytes. */
    int64_t i;
    double d;
    enum rt_db_type type;
};
#define RT_DB_I(value_) ((struct rt_db_value){ .i = (value_), .type = RT_DB_INT })
#define RT_DB_D(value_) ((struct rt_db_value){ .d = (value_), .type = RT_DB_DOUBLE })
#define RT_DB_N ((struct rt_db_value){ .type = RT_DB_NULL })
struct rt_db_value rt_db_text(const char *text); /* NULL becomes SQL NULL. */
struct rt_db_value rt_db_blob(const void *data, size_t len);

/* A transaction of a RT_DB_READ connection is a snapshot. After any failure inside a transaction
 * roll back: whether the engine did so already is not told. */

/* Failures of the calls below: SEGS_ECONFLICT (unique or check constraint), RT_EBUSY, RT_ESTORAGE,
 * RT_EUNAVAILABLE, RT_EAMBIGUOUS, SEGS_EINTERNAL (wrong SQL: a bug). `sql` must be a string
 * constant: statements are prepared once per connection and found again by address. */

/* Run a statement that returns no rows; *ret_changed (may be NULL) is the number of rows it
 * touched. */
int rt_db_exec(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params, size_t n,
               int64_t *ret_changed, struct segs_error *reterr);

/* The same statement for many parameter rows, in one round trip where the engine can. `params` is
 * row-major. ret_changed: NULL, or n_rows entries. Stops at the first failing row, which
 * reterr->index names; run it inside a transaction. */
int rt_db_exec_batch(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                     size_t n_params, size_t n_rows, int64_t *ret_changed,
                     struct segs_error *reterr);

/* Query: iterate with rt_db_next (1 row, 0 end, negative), then rt_db_rows_free. Values live until
 * the next call on the rows. */
int rt_db_query(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                size_t n, struct rt_db_rows **ret, struct segs_error *reterr);
int rt_db_next(struct rt_db_rows *rows, struct segs_error *reterr);
void rt_db_rows_free(struct rt_db_rows *rows);
bool rt_db_is_null(const struct rt_db_rows *rows, int column);
int64_t rt_db_int(const struct rt_db_rows *rows, int column);
double rt_db_double(const struct rt_db_rows *rows, int column);
const char *rt_db_str(const struct rt_db_rows *rows, int column,
                      size_t *ret_len); /* NULL for SQL NULL; ret_len may be NULL. */
const void *rt_db_bytes(const struct rt_db_rows *rows, int column, size_t *ret_len);

/* Query for exactly one integer; SEGS_ENOTFOUND when there is no row or it is NULL. */
int rt_db_query_int(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                    size_t n, int64_t *ret, struct segs_error *reterr);

#endif
