#include "runtime/db/sqlite_util.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <pthread.h>

#include "runtime/clock.h"

/* Ours: copying back starts at START; writers are asked to pause for a rest of FINISH at most,
 * except beyond HARD, where a disk that cannot keep up has to slow the writers down. */
enum { START_BYTES = 16 << 20, FINISH_BYTES = 4 << 20, HARD_BYTES = 256 << 20 };

struct rt_wal_keeper {
    sqlite3 *db;
    struct rt_gate *gate;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    int64_t page_bytes;
    atomic_llong wal_bytes; /* As of the last commit. */
    bool stop;
};

/* Wait for readers that still look at the WAL; each of ours leaves within milliseconds. */
static bool start_over(struct rt_wal_keeper *keeper)
{
    int rc;

    if (rt_gate_enter(keeper->gate, 10000) < 0)
        return false;
    rc = sqlite3_wal_checkpoint_v2(keeper->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    if (rc == SQLITE_OK)
        atomic_store(&keeper->wal_bytes, 0);
    rt_gate_leave(keeper->gate);
    return rc == SQLITE_OK;
}

static bool shorten(struct rt_wal_keeper *keeper)
{
    int n_log = 0;
    int n_copied = 0;
    int64_t rest_bytes;

    if (sqlite3_wal_checkpoint_v2(keeper->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_log, &n_copied) !=
        SQLITE_OK)
        return false;
    rest_bytes = atomic_load(&keeper->wal_bytes) - n_copied * keeper->page_bytes;
    if (rest_bytes > FINISH_BYTES && n_log * keeper->page_bytes < HARD_BYTES)
        return true;
    return start_over(keeper);
}

static void *keep(void *arg)
{
    struct rt_wal_keeper *keeper = arg;

    (void)pthread_mutex_lock(&keeper->lock);
    while (!keeper->stop) {
        bool ok = true;

        if (atomic_load(&keeper->wal_bytes) < START_BYTES) {
            (void)pthread_cond_wait(&keeper->wake, &keeper->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&keeper->lock);
        ok = shorten(keeper);
        (void)pthread_mutex_lock(&keeper->lock);
        /* A long reader or a full disk: not at once again. */
        if (!ok && !keeper->stop)
            rt_cond_wait_until(&keeper->wake, &keeper->lock, rt_deadline_ms(100));
    }
    (void)pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

int rt_wal_keeper_start(const char *path, const struct rt_sqlite_tuning *tuning,
                        struct rt_gate *gate, struct rt_wal_keeper **ret, struct segs_error *reterr)
{
    struct rt_sqlite_tuning own = *tuning;
    struct rt_wal_keeper *keeper = calloc(1, sizeof *keeper);
    int r;

    if (!keeper)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the checkpoint thread");
    own.cache_kib = 256;
    own.busy_ms = 100;
    keeper->gate = gate;
    r = rt_sqlite_open(path, &own, &keeper->db, reterr);
    if (r == 0)
        r = rt_sqlite_int(keeper->db, "PRAGMA page_size", 4096, &keeper->page_bytes, reterr);
    (void)pthread_mutex_init(&keeper->lock, NULL);
    rt_cond_init(&keeper->wake);
    atomic_init(&keeper->wal_bytes, 0);
    if (r == 0 && pthread_create(&keeper->thread, NULL, keep, keeper) != 0)
        r = rt_fail(reterr, SEGS_ENOMEM, NULL, "no thread for checkpoints");
    if (r < 0) {
        (void)sqlite3_close(keeper->db);
        (void)pthread_cond_destroy(&keeper->wake);
        (void)pthread_mutex_destroy(&keeper->lock);
        free(keeper);
        return r;
    }
    *ret = keeper;
    return 0;
}

void rt_wal_keeper_stop(struct rt_wal_keeper *keeper)
{
    if (!keeper)
        return;
    (void)pthread_mutex_lock(&keeper->lock);
    keeper->stop = true;
    (void)pthread_cond_signal(&keeper->wake);
    (void)pthread_mutex_unlock(&keeper->lock);
    (void)pthread_join(keeper->thread, NULL);
    (void)sqlite3_close(keeper->db);
    (void)pthread_cond_destroy(&keeper->wake);
    (void)pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

static int on_commit(void *user, sqlite3 *db, const char *name, int n_frames)
{
    struct rt_wal_keeper *keeper = user;
    int64_t bytes = n_frames * keeper->page_bytes;

    (void)db;
    (void)name;
    atomic_store(&keeper->wal_bytes, bytes);
    if (bytes >= START_BYTES) {
        (void)pthread_mutex_lock(&keeper->lock);
        (void)pthread_cond_signal(&keeper->wake);
        (void)pthread_mutex_unlock(&keeper->lock);
    }
    return SQLITE_OK;
}

void rt_wal_keeper_watch(struct rt_wal_keeper *keeper, sqlite3 *writer)
{
    (void)sqlite3_wal_hook(writer, on_commit, keeper);
}
