#include "ingestion/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <segs/reading.h>

struct entry {
    char meter_id[SEGS_ID_BYTES];
    int64_t interval_ms;
    int64_t capacity_micro_kw;
    uint32_t flags;
};

struct registry {
    pthread_rwlock_t lock;
    struct rt_db *db;
    struct entry *entries; /* Sorted by meter id. */
    size_t n;
};

struct snapshot {
    struct entry *entries;
    size_t n;
    size_t cap;
};

static int by_meter_id(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->meter_id, ((const struct entry *)b)->meter_id);
}

static struct entry *snapshot_add(struct snapshot *snapshot)
{
    if (snapshot->n == snapshot->cap) {
        size_t cap = snapshot->cap ? snapshot->cap * 2 : 1024;
        struct entry *grown = realloc(snapshot->entries, cap * sizeof *grown);

        if (!grown)
            return NULL;
        snapshot->entries = grown;
        snapshot->cap = cap;
    }
    memset(&snapshot->entries[snapshot->n], 0, sizeof snapshot->entries[0]);
    return &snapshot->entries[snapshot->n++];
}

static int read_rows(struct rt_db_rows *rows, struct snapshot *snapshot, struct segs_error *reterr)
{
    int r;

    while ((r = rt_db_next(rows, reterr)) > 0) {
        size_t len = 0;
        const char *meter_id = rt_db_str(rows, 0, &len);
        struct entry *entry;

        if (!meter_id || len >= sizeof entry->meter_id)
            return rt_fail(reterr, SEGS_ERANGE, "meter_id",
                           "a registered meter has an id of %zu bytes", len);
        entry = snapshot_add(snapshot);
        if (!entry)
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the registry of meters");
        memcpy(entry->meter_id, meter_id, len);
        entry->interval_ms = rt_db_int(rows, 1);
        entry->capacity_micro_kw = rt_db_int(rows, 2);
        entry->flags = rt_db_int(rows, 3) ? SEGS_METER_MAY_EXPORT : 0;
    }
    return r;
}

static int read_snapshot(struct rt_db *db, struct snapshot *snapshot, struct segs_error *reterr)
{
    struct rt_db_conn *conn = NULL;
    struct rt_db_rows *rows = NULL;
    int r = rt_db_acquire(db, RT_DB_READ, 5000, &conn, reterr);

    if (r == 0)
        r = rt_db_query(conn,
                        "SELECT meter_id, interval_ms, capacity_micro_kw, may_export FROM meters"
                        " WHERE registered = 1",
                        NULL, 0, &rows, reterr);
    if (r == 0)
        r = read_rows(rows, snapshot, reterr);
    rt_db_rows_free(rows);
    rt_db_release(conn);
    if (r == 0 && snapshot->n > 0)
        qsort(snapshot->entries, snapshot->n, sizeof snapshot->entries[0], by_meter_id);
    return r;
}

int registry_refresh(struct registry *registry, struct segs_error *reterr)
{
    struct snapshot snapshot = { NULL, 0, 0 };
    struct entry *old;
    int r = read_snapshot(registry->db, &snapshot, reterr);

    if (r < 0) {
        free(snapshot.entries);
        return r;
    }
    (void)pthread_rwlock_wrlock(&registry->lock);
    old = registry->entries;
    registry->entries = snapshot.entries;
    registry->n = snapshot.n;
    (void)pthread_rwlock_unlock(&registry->lock);
    free(old);
    return 0;
}

int registry_new(struct rt_db *db, struct registry **ret, struct segs_error *reterr)
{
    struct registry *registry = calloc(1, sizeof *registry);
    int r;

    if (!registry)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the registry of meters");
    registry->db = db;
    (void)pthread_rwlock_init(&registry->lock, NULL);
    r = registry_refresh(registry, reterr);
    if (r < 0) {
        registry_free(registry);
        return r;
    }
    *ret = registry;
    return 0;
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    (void)pthread_rwlock_destroy(&registry->lock);
    free(registry->entries);
    free(registry);
}

bool registry_find(struct registry *registry, const char *meter_id,
                   struct segs_meter_context *context)
{
    const struct entry *entry = NULL;

    (void)pthread_rwlock_rdlock(&registry->lock);
    if (registry->n > 0)
        /* The id is the first member, so an id is a key that compares like an entry. */
        entry = bsearch(meter_id, registry->entries, registry->n, sizeof registry->entries[0],
                        by_meter_id);
    if (entry) {
        context->interval_ms = entry->interval_ms;
        context->capacity_micro_kw = entry->capacity_micro_kw;
        context->flags = entry->flags;
    }
    (void)pthread_rwlock_unlock(&registry->lock);
    return entry != NULL;
}

size_t registry_count(struct registry *registry)
{
    size_t n;

    (void)pthread_rwlock_rdlock(&registry->lock);
    n = registry->n;
    (void)pthread_rwlock_unlock(&registry->lock);
    return n;
}
