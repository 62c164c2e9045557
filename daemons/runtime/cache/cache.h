/* The cache: bounded, with expiry. Losing it costs latency, never data and never access: every
 * caller works without. Thread-safe. One header, two adapters: memory.c (embedded) and, in a
 * deployment, Redis. */
#ifndef RT_CACHE_H
#define RT_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "../errors.h"

struct rt_buf;
struct rt_cache;
struct rt_metrics;

struct rt_cache_options {
    const char *url;  /* NULL: embedded. */
    size_t max_bytes; /* Embedded: least recently used entries go beyond it; 0: 64 MiB. */
    struct rt_metrics *metrics;
    int64_t (*now_ms)(void *user); /* Embedded: time for expiry; NULL: a clock that never steps. */
    void *user;
};

/* SEGS_ENOTSUP: `url` is set and this build has no adapter for it. */
int rt_cache_open(const struct rt_cache_options *options, struct rt_cache **ret,
                  struct segs_error *reterr);
void rt_cache_close(struct rt_cache *cache);

/* SEGS_ENOTFOUND: absent or expired. RT_EUNAVAILABLE: treat as absent. On success the value is
 * appended to *ret_value. Keys have 1 to RT_CACHE_MAX_KEY_BYTES bytes (SEGS_EINVAL). */
#define RT_CACHE_MAX_KEY_BYTES 1024 /* Ours. */
int rt_cache_get(struct rt_cache *cache, const char *key, struct rt_buf *ret_value);
/* Replaces what is there. ttl_ms 0: until it is pushed out; negative: SEGS_EINVAL. SEGS_EFULL: larger
 * than the cache lets one entry be (a 16th of it), nothing is kept under the key. */
int rt_cache_put(struct rt_cache *cache, const char *key, const void *value, size_t len,
                 int64_t ttl_ms);
/* 0 also when it was not there. */
int rt_cache_remove(struct rt_cache *cache, const char *key);
/* Count within a fixed window that starts at the first call: for rate limits. *ret_count includes
 * this call; *ret_reset_ms is how long the window still lasts. Counts and values have separate
 * keys. */
int rt_cache_count(struct rt_cache *cache, const char *key, int64_t window_ms, int64_t *ret_count,
                   int64_t *ret_reset_ms);

#endif
