/* Retention drops from the head of a partition, a piece at a time, between two groups of messages:
 * producers never wait for more than one piece. Freed pages are used again by later appends. */
#include "runtime/bus/embedded_internal.h"

/* Ours: a piece takes a few milliseconds to delete, and outpaces any rate of appending, because at
 * most GROUP_BYTES are appended between two. */
enum { PIECE_MESSAGES = 20000, PIECE_BYTES = 16 << 20 };

struct piece {
    int64_t end; /* First offset to stay. */
    int64_t bytes;
    bool more;
};

static int measure(struct emb_bus *bus, const struct emb_partition *partition, int64_t old_ms,
                   int64_t max_bytes, struct piece *piece)
{
    sqlite3_stmt *stmt = NULL;
    char sql[160];
    int rc;

    (void)sqlite3_snprintf((int)sizeof sql, sql,
                           "SELECT offset, ts_ms, ifnull(length(key),0)+ifnull(length(value),0)"
                           " FROM log_%lld WHERE offset>=?1 ORDER BY offset",
                           (long long)partition->id);
    rc = sqlite3_prepare_v2(bus->db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return rc;
    (void)sqlite3_bind_int64(stmt, 1, partition->w_first);
    piece->end = partition->w_first;
    piece->bytes = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (sqlite3_column_int64(stmt, 1) >= old_ms &&
            partition->w_bytes - piece->bytes <= max_bytes)
            break;
        piece->end = sqlite3_column_int64(stmt, 0) + 1;
        piece->bytes += sqlite3_column_int64(stmt, 2) + EMB_MESSAGE_OVERHEAD;
        piece->more =
            piece->end - partition->w_first >= PIECE_MESSAGES || piece->bytes >= PIECE_BYTES;
        if (piece->more)
            break;
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int drop(struct emb_bus *bus, struct emb_partition *partition, const struct piece *piece)
{
    char sql[96];
    int rc = sqlite3_exec(bus->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rc;
    partition->w_first = piece->end;
    partition->w_bytes -= piece->bytes;
    partition->w_touched = true;
    (void)sqlite3_snprintf((int)sizeof sql, sql, "DELETE FROM log_%lld WHERE offset<%lld",
                           (long long)partition->id, (long long)piece->end);
    rc = sqlite3_exec(bus->db, sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = emb_partition_save(bus, partition);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(bus->db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(bus->db))
        (void)sqlite3_exec(bus->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* False after a failure too: the next round tries again. */
static bool trim(struct emb_bus *bus, struct emb_partition *partition, int64_t old_ms,
                 int64_t max_bytes)
{
    struct piece piece = { .more = false };
    int rc;

    if (bus->reload || partition->w_first == partition->w_next)
        return false;
    (void)rt_gate_enter(&bus->gate, INT64_MAX);
    rc = measure(bus, partition, old_ms, max_bytes, &piece);
    if (rc == SQLITE_OK && piece.end > partition->w_first)
        rc = drop(bus, partition, &piece);
    rt_gate_leave(&bus->gate);

    if (rc != SQLITE_OK)
        bus->reload = true;
    (void)pthread_mutex_lock(&bus->lock);
    emb_publish(bus, rc == SQLITE_OK);
    (void)pthread_mutex_unlock(&bus->lock);
    return rc == SQLITE_OK && piece.more;
}

bool emb_retention_step(struct emb_bus *bus)
{
    int64_t now_ms = rt_clock_now_ms(&bus->clock);
    bool more = false;

    /* Only this thread adds topics to the list while the bus is open, hence no lock. */
    for (struct emb_topic *topic = bus->topics; topic; topic = topic->next) {
        int64_t old_ms = topic->retention_ms ? now_ms - topic->retention_ms : INT64_MIN;
        int64_t max_bytes = topic->retention_bytes ? topic->retention_bytes : INT64_MAX;

        if (old_ms == INT64_MIN && max_bytes == INT64_MAX)
            continue;
        for (int32_t i = 0; i < topic->n; i++)
            more = trim(bus, &topic->partitions[i], old_ms, max_bytes) || more;
    }
    return more;
}
