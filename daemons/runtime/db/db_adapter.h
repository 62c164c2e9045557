/* What an adapter of the database provides. The facade (db.c) has checked pointers. */
#ifndef RT_DB_ADAPTER_H
#define RT_DB_ADAPTER_H

#include "db.h"

struct rt_db_adapter {
    enum rt_db_engine engine;
    void (*close)(struct rt_db *db);
    int (*migrate)(struct rt_db *db, const struct rt_db_migration *list, size_t n,
                   struct segs_error *reterr);
    int (*acquire)(struct rt_db *db, enum rt_db_mode mode, int64_t timeout_ms,
                   struct rt_db_conn **ret, struct segs_error *reterr);
    void (*release)(struct rt_db_conn *conn);
    int (*begin)(struct rt_db_conn *conn, struct segs_error *reterr);
    int (*commit)(struct rt_db_conn *conn, struct segs_error *reterr);
    void (*rollback)(struct rt_db_conn *conn);
    /* `n_rows` rows of `n_params`; ret_changed is NULL or has n_rows entries. */
    int (*exec)(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                size_t n_params, size_t n_rows, int64_t *ret_changed, struct segs_error *reterr);
    int (*query)(struct rt_db_conn *conn, const char *sql, const struct rt_db_value *params,
                 size_t n, struct rt_db_rows **ret, struct segs_error *reterr);
    int (*next)(struct rt_db_rows *rows, struct segs_error *reterr);
    void (*rows_free)(struct rt_db_rows *rows);
    bool (*is_null)(const struct rt_db_rows *rows, int column);
    int64_t (*get_int)(const struct rt_db_rows *rows, int column);
    double (*get_double)(const struct rt_db_rows *rows, int column);
    const char *(*get_str)(const struct rt_db_rows *rows, int column, size_t *ret_len);
    const void *(*get_bytes)(const struct rt_db_rows *rows, int column, size_t *ret_len);
};

/* First members of the adapters' own structs. */
struct rt_db {
    const struct rt_db_adapter *adapter;
};
struct rt_db_conn {
    const struct rt_db_adapter *adapter;
};
struct rt_db_rows {
    const struct rt_db_adapter *adapter;
};

int rt_db_sqlite_open(const struct rt_db_options *options, struct rt_db **ret,
                      struct segs_error *reterr);

#endif
