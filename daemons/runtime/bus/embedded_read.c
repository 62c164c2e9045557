/* Reading the log: connections of their own, so that readers never wait for the writer. */
#include <stdlib.h>
#include <string.h>

#include "runtime/bus/embedded_internal.h"
#include "runtime/metrics.h"

/* Ours: a fetch of large messages stops here, after one message at least. */
enum { FETCH_BYTES = 8 << 20, CHUNK_BYTES = 256 << 10 };

static const struct rt_sqlite_tuning tuning = {
    .page_bytes = 8192, .cache_kib = 2048, .busy_ms = 5000, .foreign_keys = false, .read_only = true
};

struct emb_reader {
    struct emb_reader *next;
    sqlite3 *db;
    sqlite3_stmt **fetch; /* By partition id. */
    size_t n_fetch;
};

int emb_reader_take(struct emb_bus *bus, struct emb_reader **ret, struct segs_error *reterr)
{
    struct emb_reader *reader = NULL;
    int r;

    (void)pthread_mutex_lock(&bus->lock);
    reader = bus->readers;
    if (reader)
        bus->readers = reader->next;
    (void)pthread_mutex_unlock(&bus->lock);

    if (!reader) {
        reader = calloc(1, sizeof *reader);
        if (!reader)
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a reader of the log");
        r = rt_sqlite_open(bus->path, &tuning, &reader->db, reterr);
        if (r < 0) {
            free(reader);
            return r;
        }
    }
    *ret = reader;
    return 0;
}

void emb_reader_put(struct emb_bus *bus, struct emb_reader *reader)
{
    (void)pthread_mutex_lock(&bus->lock);
    reader->next = bus->readers;
    bus->readers = reader;
    (void)pthread_mutex_unlock(&bus->lock);
}

void emb_readers_free(struct emb_bus *bus)
{
    struct emb_reader *next;

    for (struct emb_reader *reader = bus->readers; reader; reader = next) {
        next = reader->next;
        for (size_t i = 0; i < reader->n_fetch; i++)
            (void)sqlite3_finalize(reader->fetch[i]);
        free(reader->fetch);
        (void)sqlite3_close(reader->db);
        free(reader);
    }
    bus->readers = NULL;
}

sqlite3 *emb_reader_db(struct emb_reader *reader)
{
    return reader->db;
}

static int fetch_statement(struct emb_reader *reader, int64_t id, sqlite3_stmt **ret,
                           struct segs_error *reterr)
{
    size_t at = (size_t)id;
    char sql[160];
    int r;

    if (at >= reader->n_fetch) {
        sqlite3_stmt **grown = realloc(reader->fetch, (at + 1) * sizeof *grown);

        if (!grown)
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a reader of the log");
        memset(grown + reader->n_fetch, 0, (at + 1 - reader->n_fetch) * sizeof *grown);
        reader->fetch = grown;
        reader->n_fetch = at + 1;
    }
    if (!reader->fetch[at]) {
        (void)sqlite3_snprintf((int)sizeof sql, sql,
                               "SELECT offset, ts_ms, key, value, content_type, traceparent"
                               " FROM log_%lld WHERE offset>=?1 ORDER BY offset LIMIT ?2",
                               (long long)id);
        r = rt_sqlite_prepare(reader->db, sql, &reader->fetch[at], reterr);
        if (r < 0)
            return r;
    }
    *ret = reader->fetch[at];
    return 0;
}

/* ---- The batch's memory: chunks that never move, kept for the next fetch ---- */

struct chunk {
    struct chunk *next;
    size_t cap;
    size_t len;
    char data[];
};

struct batch_memory {
    struct rt_bus_batch_owner base;
    struct chunk *chunks;
    struct chunk *current;
    struct rt_bus_message *messages;
    size_t cap;
};

static void release_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
}

static void release_memory(struct rt_bus_batch_owner *owner)
{
    struct batch_memory *memory = (struct batch_memory *)owner;

    release_chunks(memory->chunks);
    free(memory->messages);
    free(memory);
}

static struct batch_memory *batch_memory(struct rt_bus_batch *batch)
{
    struct batch_memory *memory = batch->owner;

    if (!memory) {
        memory = calloc(1, sizeof *memory);
        if (!memory)
            return NULL;
        memory->base.release = release_memory;
        batch->owner = memory;
    }
    for (struct chunk *chunk = memory->chunks; chunk; chunk = chunk->next)
        chunk->len = 0;
    memory->current = memory->chunks;
    batch->messages = memory->messages;
    batch->n = 0;
    return memory;
}

static char *room(struct batch_memory *memory, size_t len)
{
    struct chunk **link = &memory->chunks;
    struct chunk *chunk;

    while (memory->current && memory->current->cap - memory->current->len < len)
        memory->current = memory->current->next;
    if (!memory->current) {
        size_t cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;

        chunk = malloc(sizeof *chunk + cap);
        if (!chunk)
            return NULL;
        *chunk = (struct chunk){ .cap = cap };
        while (*link)
            link = &(*link)->next;
        *link = chunk;
        memory->current = chunk;
    }
    memory->current->len += len;
    return memory->current->data + memory->current->len - len;
}

static struct rt_bus_message *next_message(struct batch_memory *memory, struct rt_bus_batch *batch)
{
    if (batch->n == memory->cap) {
        size_t cap = memory->cap ? memory->cap * 2 : 256;
        struct rt_bus_message *grown = realloc(memory->messages, cap * sizeof *grown);

        if (!grown)
            return NULL;
        memory->messages = grown;
        memory->cap = cap;
        batch->messages = grown;
    }
    return &batch->messages[batch->n];
}

/* NULL stays NULL; anything else gets a NUL behind it. */
static bool copy_column(struct batch_memory *memory, sqlite3_stmt *row, int column,
                        const char **ret, size_t *ret_len)
{
    const void *data;
    size_t len;
    char *copy;

    *ret = NULL;
    *ret_len = 0;
    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        return true;
    data = sqlite3_column_blob(row, column);
    len = (size_t)sqlite3_column_bytes(row, column);
    copy = room(memory, len + 1);
    if (!copy)
        return false;
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    *ret = copy;
    *ret_len = len;
    return true;
}

static bool take_message(struct batch_memory *memory, struct rt_bus_batch *batch, sqlite3_stmt *row,
                         size_t *bytes)
{
    struct rt_bus_message *message = next_message(memory, batch);
    size_t type_len;
    size_t trace_len;

    if (!message)
        return false;
    message->offset = sqlite3_column_int64(row, 0);
    message->ts_ms = sqlite3_column_int64(row, 1);
    if (!copy_column(memory, row, 2, &message->key, &message->key_len) ||
        !copy_column(memory, row, 3, &message->value, &message->value_len) ||
        !copy_column(memory, row, 4, &message->content_type, &type_len) ||
        !copy_column(memory, row, 5, &message->traceparent, &trace_len))
        return false;
    if (!message->content_type)
        message->content_type = "application/json";
    *bytes += message->key_len + message->value_len;
    batch->n++;
    return true;
}

static int read_rows(sqlite3 *db, sqlite3_stmt *stmt, struct batch_memory *memory,
                     struct rt_bus_batch *batch, size_t *bytes, struct segs_error *reterr)
{
    int rc;

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!take_message(memory, batch, stmt, bytes))
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the fetched messages");
        if (*bytes >= FETCH_BYTES)
            return 0;
    }
    return rc == SQLITE_DONE ? 0 : rt_sqlite_fail(db, rc, "reading the log", reterr);
}

int emb_read(struct emb_bus *bus, struct emb_partition *partition, int64_t offset,
             size_t max_messages, struct rt_bus_batch *batch, struct segs_error *reterr)
{
    struct batch_memory *memory = batch_memory(batch);
    struct emb_reader *reader = NULL;
    sqlite3_stmt *stmt = NULL;
    size_t bytes = 0;
    int r;

    if (!memory)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the fetched messages");
    r = emb_reader_take(bus, &reader, reterr);
    if (r < 0)
        return r;
    r = fetch_statement(reader, partition->id, &stmt, reterr);
    if (r == 0) {
        (void)sqlite3_bind_int64(stmt, 1, offset);
        (void)sqlite3_bind_int64(stmt, 2,
                                 max_messages < INT32_MAX ? (int64_t)max_messages : INT32_MAX);
        r = read_rows(reader->db, stmt, memory, batch, &bytes, reterr);
        (void)sqlite3_reset(stmt);
    }
    emb_reader_put(bus, reader);
    if (r < 0) {
        batch->n = 0;
        return r;
    }
    if (partition->topic->messages_out && batch->n) {
        rt_counter_add(partition->topic->messages_out, batch->n);
        rt_counter_add(partition->topic->bytes_out, bytes);
    }
    return 0;
}
