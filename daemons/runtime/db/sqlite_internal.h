/* The embedded database, shared by its own files only. */
#ifndef RT_DB_SQLITE_INTERNAL_H
#define RT_DB_SQLITE_INTERNAL_H

#include <pthread.h>

#include "db_adapter.h"
#include "gate.h"
#include "sqlite_util.h"

struct rt_counter;
struct rt_histogram;

/* Ours: statements kept per connection (a power of two), and how far from its place one may be. */
enum { LITE_STATEMENTS = 512, LITE_PROBES = 8 };

struct lite_statement {
    const char *sql; /* The address asked for. */
    sqlite3_stmt *stmt;
    int *param;      /* SQLite's parameter i+1 takes the caller's parameter param[i]. */
    int n_bound;     /* SQLite's parameters. */
    size_t n_params; /* The caller's. */
    uint64_t used;   /* When, for choosing which to forget. */
    bool busy;       /* Rows of it are being read. */
};

struct lite_conn {
    struct rt_db_conn base;
    struct lite_conn *next;
    struct lite_db *db;
    sqlite3 *handle;
    struct lite_statement statements[LITE_STATEMENTS];
    uint64_t clock;
    int64_t begun_us;
    bool writes;
};

struct lite_rows {
    struct rt_db_rows base;
    struct lite_conn *conn;
    struct lite_statement *kept; /* NULL: `own`. */
    struct lite_statement own;   /* Of a query whose kept statement was busy. */
    sqlite3_stmt *stmt;
    bool done;
};

struct lite_db {
    struct rt_db base;
    char *path;
    bool read_only;
    struct rt_gate write_gate; /* One writer; the WAL keeper takes its turn here too. */
    struct rt_gate read_gate;  /* n_readers of them. */
    pthread_mutex_t lock;      /* The list of idle readers. */
    struct lite_conn *readers;
    struct lite_conn *writer;
    struct rt_wal_keeper *keeper;
    struct rt_metrics *metrics;
    struct rt_histogram *transaction_seconds;
};

/* ---- sqlite.c ---- */
/* Count a failure by kind, then report it. */
int lite_fail(struct lite_db *db, sqlite3 *handle, int rc, const char *what,
              struct segs_error *reterr);

/* ---- sqlite_statement.c ---- */
int lite_statement_get(struct lite_conn *conn, const char *sql, struct lite_statement **ret,
                       struct segs_error *reterr);
int lite_statement_prepare(struct lite_conn *conn, const char *sql,
                           struct lite_statement *statement, struct segs_error *reterr);
void lite_statement_clear(struct lite_statement *statement);
/* `copy`: the statement outlives the call that brought the parameters. */
int lite_statement_bind(struct lite_conn *conn, const struct lite_statement *statement,
                        const struct rt_db_value *params, bool copy, struct segs_error *reterr);

/* ---- sqlite_exec.c ---- */
int lite_exec(struct rt_db_conn *base, const char *sql, const struct rt_db_value *params,
              size_t n_params, size_t n_rows, int64_t *ret_changed, struct segs_error *reterr);
int lite_query(struct rt_db_conn *base, const char *sql, const struct rt_db_value *params, size_t n,
               struct rt_db_rows **ret, struct segs_error *reterr);
int lite_next(struct rt_db_rows *base, struct segs_error *reterr);
void lite_rows_free(struct rt_db_rows *base);
bool lite_is_null(const struct rt_db_rows *base, int column);
int64_t lite_int(const struct rt_db_rows *base, int column);
double lite_double(const struct rt_db_rows *base, int column);
const char *lite_str(const struct rt_db_rows *base, int column, size_t *ret_len);
const void *lite_bytes(const struct rt_db_rows *base, int column, size_t *ret_len);

int lite_acquire(struct rt_db *base, enum rt_db_mode mode, int64_t timeout_ms,
                 struct rt_db_conn **ret, struct segs_error *reterr);
void lite_release(struct rt_db_conn *base);
int lite_begin(struct rt_db_conn *base, struct segs_error *reterr);
int lite_commit(struct rt_db_conn *base, struct segs_error *reterr);
void lite_rollback(struct rt_db_conn *base);

/* ---- sqlite_migrate.c ---- */
int lite_migrate(struct rt_db *base, const struct rt_db_migration *list, size_t n,
                 struct segs_error *reterr);

#endif
