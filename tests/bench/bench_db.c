/* Throughput of the database: rows of (meter, ts) written in large and small transactions, at the end
 * of the key or all over it, upserts of existing rows, and reading them back.
 *
 * usage: bench_db [-n rows] [-d folder] */
#include <stdio.h>
#include <stdlib.h>

#include <sys/resource.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/db/db.h"

enum { N_PARAMS = 4, METERS = 5000 };

static struct segs_error err;

static const struct rt_db_migration migration = {
    .version = 1,
    .name = "reading",
    .sqlite = "CREATE TABLE reading (meter_id BIGINT NOT NULL, ts_ms BIGINT NOT NULL,"
              " power_micro_kw BIGINT NOT NULL, energy_micro_kwh BIGINT NOT NULL,"
              " PRIMARY KEY (meter_id, ts_ms)) WITHOUT ROWID"
};

static const char insert_sql[] = "INSERT INTO reading (meter_id, ts_ms, power_micro_kw,"
                                 " energy_micro_kwh) VALUES ($1, $2, $3, $4)";
static const char upsert_sql[] =
    "INSERT INTO reading (meter_id, ts_ms, power_micro_kw, energy_micro_kwh)"
    " VALUES ($1, $2, $3, $4) ON CONFLICT (meter_id, ts_ms) DO UPDATE SET"
    " power_micro_kw = reading.power_micro_kw + excluded.power_micro_kw,"
    " energy_micro_kwh = reading.energy_micro_kwh + excluded.energy_micro_kwh";

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, err.message);
    exit(EXIT_FAILURE);
}

/* Transaction number `batch`: up to METERS meters with n / METERS consecutive times each, in the order
 * of the key; or one meter per transaction, so that the key only grows. */
static void write_batch(struct rt_db *db, const char *sql, struct rt_db_value *params, size_t n,
                        int64_t batch, bool growing)
{
    int64_t times = growing ? (int64_t)n : n > METERS ? (int64_t)n / METERS : 1;
    int64_t first_meter = growing ? METERS + batch : 0;
    struct rt_db_conn *conn;

    for (size_t i = 0; i < n; i++) {
        int64_t time = batch * times + (int64_t)i % times;

        params[i * N_PARAMS] = RT_DB_I(first_meter + (int64_t)i / times);
        params[i * N_PARAMS + 1] = RT_DB_I(1700000000000 + time * 10000);
        params[i * N_PARAMS + 2] = RT_DB_I(1500000 + (int64_t)i);
        params[i * N_PARAMS + 3] = RT_DB_I(4166);
    }
    check(rt_db_acquire(db, RT_DB_WRITE, 60000, &conn, &err), "acquire");
    check(rt_db_begin(conn, &err), "begin");
    check(rt_db_exec_batch(conn, sql, params, N_PARAMS, n, NULL, &err), "insert");
    check(rt_db_commit(conn, &err), "commit");
    rt_db_release(conn);
}

static void measure(struct rt_db *db, const char *what, const char *sql, size_t rows,
                    size_t per_commit, int64_t first_batch, bool growing)
{
    struct rt_db_value *params = calloc(per_commit * N_PARAMS, sizeof *params);
    int64_t start_us = rt_monotonic_us();
    double seconds;

    if (!params)
        exit(EXIT_FAILURE);
    for (size_t done = 0; done < rows; done += per_commit)
        write_batch(db, sql, params, per_commit, first_batch + (int64_t)(done / per_commit),
                    growing);
    seconds = (double)(rt_monotonic_us() - start_us) / 1e6;
    (void)printf("%s, %zu per commit: %.0f rows/s\n", what, per_commit, (double)rows / seconds);
    free(params);
}

static void read_back(struct rt_db *db)
{
    struct rt_db_conn *conn;
    struct rt_db_rows *rows;
    int64_t start_us = rt_monotonic_us();
    int64_t sum = 0;
    int64_t n = 0;

    check(rt_db_acquire(db, RT_DB_READ, 60000, &conn, &err), "acquire");
    check(rt_db_query(conn, "SELECT meter_id, ts_ms, power_micro_kw, energy_micro_kwh FROM reading",
                      NULL, 0, &rows, &err),
          "query");
    while (rt_db_next(rows, &err) > 0) {
        sum += rt_db_int(rows, 2);
        n++;
    }
    rt_db_rows_free(rows);
    rt_db_release(conn);
    (void)printf("read: %.0f rows/s (sum %lld)\n",
                 (double)n * 1e6 / (double)(rt_monotonic_us() - start_us), (long long)sum);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/segs-bench-db-XXXXXX";
    struct rt_db_options options = { .url = NULL };
    struct rusage usage;
    struct rt_db *db;
    size_t rows = 1000000;
    int option;

    while ((option = getopt(argc, argv, "n:d:")) != -1) {
        if (option == 'n')
            rows = (size_t)strtoul(optarg, NULL, 10);
        else if (option == 'd')
            options.data_dir = optarg;
        else
            return EXIT_FAILURE;
    }
    if (!options.data_dir)
        options.data_dir = mkdtemp(folder);
    check(rt_db_open(&options, &db, &err), "open");
    check(rt_db_migrate(db, &migration, 1, &err), "migrate");
    measure(db, "new rows at the end of the key", insert_sql, rows, 50000, 0, true);
    measure(db, "new rows at the end of the key", insert_sql, rows / 4, 500, 1000, true);
    measure(db, "new rows of 5000 meters, sorted", insert_sql, rows, 50000, 0, false);
    measure(db, "new rows of 5000 meters, sorted", insert_sql, rows / 4, 5000, 1000, false);
    measure(db, "new rows of 5000 meters, sorted", insert_sql, rows / 20, 500, 10000, false);
    measure(db, "upsert of existing rows", upsert_sql, rows / 2, 50000, 0, false);
    read_back(db);
    rt_db_close(db);
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("peak memory: %.1f MB\nfiles are left in %s\n", (double)usage.ru_maxrss / 1e3,
                 options.data_dir);
    return EXIT_SUCCESS;
}
