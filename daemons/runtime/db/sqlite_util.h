/* What the two SQLite adapters (bus and database) share: opening, the meaning of its error codes,
 * and keeping the write-ahead log short. */
#ifndef RT_SQLITE_UTIL_H
#define RT_SQLITE_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "../errors.h"
#include "gate.h"

struct rt_sqlite_tuning {
    int32_t page_bytes; /* Of a new file only. */
    int32_t cache_kib;  /* Page cache of this connection, an upper bound. */
    int32_t busy_ms;    /* Wait for another process's lock. */
    bool foreign_keys;
    bool read_only;
};

/* Open in WAL mode with synchronous=FULL: a commit is on the disk when it returns. The connection
 * belongs to one thread at a time. */
int rt_sqlite_open(const char *path, const struct rt_sqlite_tuning *tuning, sqlite3 **ret,
                   struct segs_error *reterr);

/* The decision a caller has to take on an SQLite result code. */
int rt_sqlite_code(int rc);
/* Fill `reterr` from the connection's last error and return rt_sqlite_code(). */
int rt_sqlite_fail(sqlite3 *db, int rc, const char *what, struct segs_error *reterr);
/* Run statements that return no rows and take no parameters. */
int rt_sqlite_run(sqlite3 *db, const char *sql, struct segs_error *reterr);
int rt_sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct segs_error *reterr);
/* One integer; `absent` when there is no row or it is NULL. */
int rt_sqlite_int(sqlite3 *db, const char *sql, int64_t absent, int64_t *ret,
                  struct segs_error *reterr);

/* data_dir/name in malloc'ed memory. */
char *rt_sqlite_path(const char *data_dir, const char *name);

/* Keeps the WAL of one file short without making writers wait: a thread copies frames back while
 * writing goes on, and takes the writers' gate only for the last few so that the WAL can start over
 * (a WAL that is never quiet would otherwise grow without end). */
struct rt_wal_keeper;
int rt_wal_keeper_start(const char *path, const struct rt_sqlite_tuning *tuning,
                        struct rt_gate *gate, struct rt_wal_keeper **ret,
                        struct segs_error *reterr);
void rt_wal_keeper_stop(struct rt_wal_keeper *keeper); /* NULL is fine. */
/* Have the keeper learn of each commit of this (writing) connection. */
void rt_wal_keeper_watch(struct rt_wal_keeper *keeper, sqlite3 *writer);

#endif
