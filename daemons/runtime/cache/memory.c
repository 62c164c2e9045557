/* The cache in memory: independent shards, each a hash table whose entries also form a list in the
 * order of use, so that the least recently used goes first. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/buf.h"
#include "runtime/cache/cache_adapter.h"
#include "runtime/clock.h"

enum { N_SHARDS = 16, FIRST_BUCKETS = 64, DEFAULT_BYTES = 64 << 20 };

struct entry {
    struct entry *chain; /* Same bucket. */
    struct entry *newer;
    struct entry *older;
    uint64_t hash;
    int64_t expires_ms; /* INT64_MAX: never. */
    int64_t count;      /* Of a counter. */
    size_t key_len;
    size_t value_len;
    bool is_counter;
    char bytes[]; /* Key, then value. */
};

struct shard {
    pthread_mutex_t lock;
    struct entry **buckets;
    size_t n_buckets; /* A power of two. */
    size_t n_entries;
    size_t bytes;
    struct entry *newest;
    struct entry *oldest;
};

struct memory {
    struct rt_cache base;
    struct rt_clock clock;
    size_t shard_bytes;
    uint64_t seed;
    struct shard shards[N_SHARDS];
};

struct name {
    const char *key;
    size_t len;
    uint64_t hash;
    bool is_counter;
};

/* FNV-1a with a final mix. The seed differs per process; that somebody still finds colliding keys
 * costs time within one bucket, which the bound on the shard limits. */
static uint64_t hash_of(uint64_t seed, const char *key, size_t len, bool is_counter)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed ^ (is_counter ? 0x9e3779b97f4a7c15u : 0);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)key[i]) * 0x100000001b3u;
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    return h ^ (h >> 33);
}

static struct name name_of(const struct memory *memory, const char *key, bool is_counter)
{
    struct name name = { .key = key, .len = strlen(key), .is_counter = is_counter };

    name.hash = hash_of(memory->seed, key, name.len, is_counter);
    return name;
}

/* The low bits choose the bucket, the high ones the shard. */
static struct shard *shard_of(struct memory *memory, const struct name *name)
{
    return &memory->shards[name->hash >> 60];
}

static int64_t now_of(const struct memory *memory)
{
    return memory->clock.now_ms ? rt_clock_now_ms(&memory->clock) : rt_monotonic_ms();
}

static size_t cost(size_t key_len, size_t value_len)
{
    return sizeof(struct entry) + key_len + value_len;
}

/* ---- Under the shard's lock ---- */

static void list_remove(struct shard *shard, struct entry *entry)
{
    if (entry->newer)
        entry->newer->older = entry->older;
    else
        shard->newest = entry->older;
    if (entry->older)
        entry->older->newer = entry->newer;
    else
        shard->oldest = entry->newer;
}

static void list_push(struct shard *shard, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = shard->newest;
    if (shard->newest)
        shard->newest->newer = entry;
    else
        shard->oldest = entry;
    shard->newest = entry;
}

static struct entry *find(const struct shard *shard, const struct name *name)
{
    struct entry *e = shard->buckets[name->hash & (shard->n_buckets - 1)];

    while (e && (e->hash != name->hash || e->key_len != name->len ||
                 e->is_counter != name->is_counter || memcmp(e->bytes, name->key, name->len) != 0))
        e = e->chain;
    return e;
}

static void drop(struct shard *shard, struct entry *entry)
{
    struct entry **link = &shard->buckets[entry->hash & (shard->n_buckets - 1)];

    while (*link != entry)
        link = &(*link)->chain;
    *link = entry->chain;
    list_remove(shard, entry);
    shard->n_entries--;
    shard->bytes -= cost(entry->key_len, entry->value_len);
    free(entry);
}

/* Found and still valid; an expired one is dropped on the way. */
static struct entry *find_valid(struct shard *shard, const struct name *name, int64_t now_ms)
{
    struct entry *entry = find(shard, name);

    if (entry && entry->expires_ms <= now_ms) {
        drop(shard, entry);
        return NULL;
    }
    if (entry) {
        list_remove(shard, entry);
        list_push(shard, entry);
    }
    return entry;
}

/* Without memory for more buckets the chains just get longer. */
static void grow(struct shard *shard)
{
    size_t n = shard->n_buckets * 2;
    struct entry **buckets = calloc(n, sizeof(struct entry *));

    if (!buckets)
        return;
    for (struct entry *e = shard->newest; e; e = e->older) {
        e->chain = buckets[e->hash & (n - 1)];
        buckets[e->hash & (n - 1)] = e;
    }
    free(shard->buckets);
    shard->buckets = buckets;
    shard->n_buckets = n;
}

static struct entry *add(struct memory *memory, struct shard *shard, const struct name *name,
                         const void *value, size_t len, int64_t expires_ms)
{
    size_t bytes = cost(name->len, len);
    struct entry *entry = malloc(bytes);

    if (!entry)
        return NULL;
    while (shard->oldest && shard->bytes + bytes > memory->shard_bytes)
        drop(shard, shard->oldest);
    *entry = (struct entry){ .hash = name->hash,
                             .expires_ms = expires_ms,
                             .key_len = name->len,
                             .value_len = len,
                             .is_counter = name->is_counter };
    memcpy(entry->bytes, name->key, name->len);
    if (len)
        memcpy(entry->bytes + name->len, value, len);
    if (shard->n_entries >= shard->n_buckets)
        grow(shard);
    entry->chain = shard->buckets[entry->hash & (shard->n_buckets - 1)];
    shard->buckets[entry->hash & (shard->n_buckets - 1)] = entry;
    list_push(shard, entry);
    shard->n_entries++;
    shard->bytes += bytes;
    return entry;
}

/* ---- The adapter ---- */

static int memory_get(struct rt_cache *base, const char *key, struct rt_buf *ret_value)
{
    struct memory *memory = (struct memory *)base;
    struct name name = name_of(memory, key, false);
    struct shard *shard = shard_of(memory, &name);
    const struct entry *entry;
    int r = SEGS_ENOTFOUND;

    (void)pthread_mutex_lock(&shard->lock);
    entry = find_valid(shard, &name, now_of(memory));
    if (entry) {
        rt_buf_append(ret_value, entry->bytes + entry->key_len, entry->value_len);
        r = rt_buf_status(ret_value);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return r;
}

static int64_t later(int64_t now_ms, int64_t ms)
{
    return ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + ms;
}

static int memory_put(struct rt_cache *base, const char *key, const void *value, size_t len,
                      int64_t ttl_ms)
{
    struct memory *memory = (struct memory *)base;
    struct name name = name_of(memory, key, false);
    struct shard *shard = shard_of(memory, &name);
    int64_t expires_ms = ttl_ms ? later(now_of(memory), ttl_ms) : INT64_MAX;
    struct entry *old;
    int r = 0;

    (void)pthread_mutex_lock(&shard->lock);
    old = find(shard, &name);
    if (old)
        drop(shard, old);
    if (len > memory->shard_bytes || cost(name.len, len) > memory->shard_bytes)
        r = SEGS_EFULL;
    else if (!add(memory, shard, &name, value, len, expires_ms))
        r = SEGS_ENOMEM;
    (void)pthread_mutex_unlock(&shard->lock);
    return r;
}

static int memory_remove(struct rt_cache *base, const char *key)
{
    struct memory *memory = (struct memory *)base;
    struct name name = name_of(memory, key, false);
    struct shard *shard = shard_of(memory, &name);
    struct entry *entry;

    (void)pthread_mutex_lock(&shard->lock);
    entry = find(shard, &name);
    if (entry)
        drop(shard, entry);
    (void)pthread_mutex_unlock(&shard->lock);
    return 0;
}

static int memory_count(struct rt_cache *base, const char *key, int64_t window_ms,
                        int64_t *ret_count, int64_t *ret_reset_ms)
{
    struct memory *memory = (struct memory *)base;
    struct name name = name_of(memory, key, true);
    struct shard *shard = shard_of(memory, &name);
    int64_t now_ms = now_of(memory);
    struct entry *entry;
    int r = SEGS_EFULL;

    (void)pthread_mutex_lock(&shard->lock);
    entry = find_valid(shard, &name, now_ms);
    if (!entry && cost(name.len, 0) <= memory->shard_bytes) {
        entry = add(memory, shard, &name, NULL, 0, later(now_ms, window_ms));
        r = SEGS_ENOMEM;
    }
    if (entry) {
        *ret_count = ++entry->count;
        *ret_reset_ms = entry->expires_ms - now_ms;
        r = 0;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return r;
}

static void memory_close(struct rt_cache *base)
{
    struct memory *memory = (struct memory *)base;

    for (size_t i = 0; i < N_SHARDS; i++) {
        struct shard *shard = &memory->shards[i];

        for (struct entry *entry = shard->oldest, *newer; entry; entry = newer) {
            newer = entry->newer;
            free(entry);
        }
        free(shard->buckets);
        (void)pthread_mutex_destroy(&shard->lock);
    }
    free(memory);
}

static const struct rt_cache_adapter adapter = {
    .close = memory_close,
    .get = memory_get,
    .put = memory_put,
    .remove = memory_remove,
    .count = memory_count,
};

int rt_cache_memory_open(const struct rt_cache_options *options, struct rt_cache **ret,
                         struct segs_error *reterr)
{
    struct memory *memory = calloc(1, sizeof *memory);
    bool complete = true;

    if (!memory)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the cache");
    memory->base.adapter = &adapter;
    memory->clock = (struct rt_clock){ .now_ms = options->now_ms, .user = options->user };
    memory->shard_bytes = (options->max_bytes ? options->max_bytes : DEFAULT_BYTES) / N_SHARDS;
    memory->seed = (uint64_t)rt_monotonic_us() * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)memory;
    for (size_t i = 0; i < N_SHARDS; i++) {
        struct shard *shard = &memory->shards[i];

        (void)pthread_mutex_init(&shard->lock, NULL);
        shard->n_buckets = FIRST_BUCKETS;
        shard->buckets = calloc(FIRST_BUCKETS, sizeof(struct entry *));
        complete = complete && shard->buckets;
    }
    if (!complete) {
        memory_close(&memory->base);
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the cache");
    }
    *ret = &memory->base;
    return 0;
}
