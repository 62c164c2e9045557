/* The embedded database: one SQLite file, segs.db, with one connection for writing, handed out in
 * turn, and a pool for reading. */
#include "runtime/db/sqlite_internal.h"

#include <stdlib.h>

#include "runtime/clock.h"
#include "runtime/metrics.h"

/* Ours. Small pages, because aggregates are updated all over the key: a changed row costs its page.
 * The writer's cache holds a checkpoint of 50,000 rows; a reader's one day of one meter. */
enum { WRITER_CACHE_KIB = 65536, READER_CACHE_KIB = 4096, BUSY_MS = 5000, DEFAULT_READERS = 8 };

static const struct rt_sqlite_tuning writer_tuning = {
    .page_bytes = 4096, .cache_kib = WRITER_CACHE_KIB, .busy_ms = BUSY_MS, .foreign_keys = true
};
static const struct rt_sqlite_tuning reader_tuning = { .page_bytes = 4096,
                                                       .cache_kib = READER_CACHE_KIB,
                                                       .busy_ms = BUSY_MS,
                                                       .foreign_keys = true,
                                                       .read_only = true };

static const char *kind_of(int code)
{
    switch (code) {
    case RT_ESTORAGE:
        return "storage";
    case RT_EBUSY:
        return "busy";
    case SEGS_ECONFLICT:
        return "constraint";
    case RT_EAMBIGUOUS:
        return "ambiguous";
    default:
        return "other";
    }
}

int lite_fail(struct lite_db *db, sqlite3 *handle, int rc, const char *what,
              struct segs_error *reterr)
{
    /* Failures are rare enough for a lookup each time. */
    if (db->metrics)
        rt_counter_add(rt_counter(db->metrics, "segs_db_errors_total",
                                  "Failed calls of the database, by kind.",
                                  RT_LABELS("kind", kind_of(rt_sqlite_code(rc)))),
                       1);
    return rt_sqlite_fail(handle, rc, what, reterr);
}

static void conn_free(struct lite_conn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < LITE_STATEMENTS; i++)
        lite_statement_clear(&conn->statements[i]);
    (void)sqlite3_close(conn->handle);
    free(conn);
}

static int conn_new(struct lite_db *db, bool writes, struct lite_conn **ret,
                    struct segs_error *reterr)
{
    struct lite_conn *conn = calloc(1, sizeof *conn);
    int r;

    if (!conn)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a connection");
    conn->base.adapter = db->base.adapter;
    conn->db = db;
    conn->writes = writes;
    r = rt_sqlite_open(db->path, writes ? &writer_tuning : &reader_tuning, &conn->handle, reterr);
    if (r < 0) {
        conn_free(conn);
        return r;
    }
    *ret = conn;
    return 0;
}

static int take_reader(struct lite_db *db, struct lite_conn **ret, struct segs_error *reterr)
{
    struct lite_conn *conn;
    int r;

    (void)pthread_mutex_lock(&db->lock);
    conn = db->readers;
    if (conn)
        db->readers = conn->next;
    (void)pthread_mutex_unlock(&db->lock);
    if (!conn) {
        r = conn_new(db, false, &conn, reterr);
        if (r < 0)
            return r;
    }
    *ret = conn;
    return 0;
}

int lite_acquire(struct rt_db *base, enum rt_db_mode mode, int64_t timeout_ms,
                 struct rt_db_conn **ret, struct segs_error *reterr)
{
    struct lite_db *db = (struct lite_db *)base;
    struct rt_gate *gate = mode == RT_DB_WRITE ? &db->write_gate : &db->read_gate;
    struct lite_conn *conn = db->writer;

    if (mode == RT_DB_WRITE && db->read_only)
        return rt_fail(reterr, SEGS_ENOTSUP, NULL, "the database is open for reading only");
    if (rt_gate_enter(gate, timeout_ms) < 0)
        return rt_fail(reterr, RT_ETIMEOUT, NULL, "no %s connection within %lld ms",
                       mode == RT_DB_WRITE ? "writing" : "reading", (long long)timeout_ms);
    if (mode == RT_DB_READ) {
        int r = take_reader(db, &conn, reterr);

        if (r < 0) {
            rt_gate_leave(gate);
            return r;
        }
    }
    *ret = &conn->base;
    return 0;
}

void lite_release(struct rt_db_conn *base)
{
    struct lite_conn *conn = (struct lite_conn *)base;
    struct lite_db *db = conn->db;

    lite_rollback(base);
    if (conn->writes) {
        rt_gate_leave(&db->write_gate);
        return;
    }
    (void)pthread_mutex_lock(&db->lock);
    conn->next = db->readers;
    db->readers = conn;
    (void)pthread_mutex_unlock(&db->lock);
    rt_gate_leave(&db->read_gate);
}

static void lite_close(struct rt_db *base)
{
    struct lite_db *db = (struct lite_db *)base;

    rt_wal_keeper_stop(db->keeper);
    while (db->readers) {
        struct lite_conn *next = db->readers->next;

        conn_free(db->readers);
        db->readers = next;
    }
    conn_free(db->writer);
    rt_gate_destroy(&db->write_gate);
    rt_gate_destroy(&db->read_gate);
    (void)pthread_mutex_destroy(&db->lock);
    free(db->path);
    free(db);
}

static const struct rt_db_adapter sqlite = {
    .engine = RT_DB_SQLITE,
    .close = lite_close,
    .migrate = lite_migrate,
    .acquire = lite_acquire,
    .release = lite_release,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .exec = lite_exec,
    .query = lite_query,
    .next = lite_next,
    .rows_free = lite_rows_free,
    .is_null = lite_is_null,
    .get_int = lite_int,
    .get_double = lite_double,
    .get_str = lite_str,
    .get_bytes = lite_bytes,
};

static void find_metrics(struct lite_db *db)
{
    static const double bounds[] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                     0.1,    0.25,  0.5,    1,     2.5,  5,     10 };

    if (db->metrics && !db->read_only)
        db->transaction_seconds =
            rt_histogram(db->metrics, "segs_db_transaction_duration_seconds",
                         "Time from the begin to the end of the commit of a writing transaction.",
                         NULL, bounds, sizeof bounds / sizeof bounds[0]);
}

/* Opening one reader at once finds out about a missing file or a file that is no database. */
static int open_first(struct lite_db *db, struct segs_error *reterr)
{
    int64_t n;
    int r;

    if (!db->read_only) {
        if ((r = conn_new(db, true, &db->writer, reterr)) < 0 ||
            (r = rt_wal_keeper_start(db->path, &writer_tuning, &db->write_gate, &db->keeper,
                                     reterr)) < 0)
            return r;
        rt_wal_keeper_watch(db->keeper, db->writer->handle);
    }
    r = conn_new(db, false, &db->readers, reterr);
    if (r < 0)
        return r;
    return rt_sqlite_int(db->readers->handle, "SELECT count(*) FROM sqlite_schema", 0, &n, reterr);
}

int rt_db_sqlite_open(const struct rt_db_options *options, struct rt_db **ret,
                      struct segs_error *reterr)
{
    struct lite_db *db = calloc(1, sizeof *db);
    int r;

    if (!db)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the database");
    db->base.adapter = &sqlite;
    db->read_only = options->read_only;
    db->metrics = options->metrics;
    rt_gate_init(&db->write_gate, 1);
    rt_gate_init(&db->read_gate, options->n_readers ? options->n_readers : DEFAULT_READERS);
    (void)pthread_mutex_init(&db->lock, NULL);
    db->path = rt_sqlite_path(options->data_dir, "segs.db");
    find_metrics(db);
    r = db->path ? open_first(db, reterr)
                 : rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the database");
    if (r < 0) {
        lite_close(&db->base);
        return r;
    }
    *ret = &db->base;
    return 0;
}
