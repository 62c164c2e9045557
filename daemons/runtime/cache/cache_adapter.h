/* What an adapter of the cache provides. The facade (cache.c) has checked the arguments. */
#ifndef RT_CACHE_ADAPTER_H
#define RT_CACHE_ADAPTER_H

#include "cache.h"

struct rt_counter;

struct rt_cache_adapter {
    void (*close)(struct rt_cache *cache);
    int (*get)(struct rt_cache *cache, const char *key, struct rt_buf *ret_value);
    int (*put)(struct rt_cache *cache, const char *key, const void *value, size_t len,
               int64_t ttl_ms);
    int (*remove)(struct rt_cache *cache, const char *key);
    int (*count)(struct rt_cache *cache, const char *key, int64_t window_ms, int64_t *ret_count,
                 int64_t *ret_reset_ms);
};

/* First member of the adapters' own structs. */
struct rt_cache {
    const struct rt_cache_adapter *adapter;
    struct rt_counter *hits; /* NULL without metrics, like the next two. */
    struct rt_counter *misses;
    struct rt_counter *errors;
};

int rt_cache_memory_open(const struct rt_cache_options *options, struct rt_cache **ret,
                         struct segs_error *reterr);

#endif
