#include "runtime/cache/cache.h"

#include <stdbool.h>
#include <string.h>

#include "runtime/cache/cache_adapter.h"
#include "runtime/metrics.h"

static void find_metrics(struct rt_cache *cache, struct rt_metrics *metrics)
{
    const char *name = "segs_cache_requests_total";
    const char *help = "Look-ups in the cache, by result.";

    if (!metrics)
        return;
    cache->hits = rt_counter(metrics, name, help, RT_LABELS("result", "hit"));
    cache->misses = rt_counter(metrics, name, help, RT_LABELS("result", "miss"));
    cache->errors = rt_counter(metrics, name, help, RT_LABELS("result", "error"));
}

int rt_cache_open(const struct rt_cache_options *options, struct rt_cache **ret,
                  struct segs_error *reterr)
{
    int r;

    if (!options || !ret)
        return rt_fail(reterr, SEGS_EINVAL, NULL, "no options or no place for the result");
    if (options->url)
        return rt_fail(reterr, SEGS_ENOTSUP, "url",
                       "this build has no adapter for a cache server; leave the address unset for "
                       "the cache in memory");
    r = rt_cache_memory_open(options, ret, reterr);
    if (r == 0)
        find_metrics(*ret, options->metrics);
    return r;
}

void rt_cache_close(struct rt_cache *cache)
{
    if (cache)
        cache->adapter->close(cache);
}

static bool is_key(const char *key)
{
    return key && key[0] != '\0' && memchr(key, '\0', RT_CACHE_MAX_KEY_BYTES + 1) != NULL;
}

int rt_cache_get(struct rt_cache *cache, const char *key, struct rt_buf *ret_value)
{
    struct rt_counter *counter;
    int r;

    if (!cache || !is_key(key) || !ret_value)
        return SEGS_EINVAL;
    r = cache->adapter->get(cache, key, ret_value);
    counter = r == 0 ? cache->hits : r == SEGS_ENOTFOUND ? cache->misses : cache->errors;
    if (counter)
        rt_counter_add(counter, 1);
    return r;
}

int rt_cache_put(struct rt_cache *cache, const char *key, const void *value, size_t len,
                 int64_t ttl_ms)
{
    if (!cache || !is_key(key) || (len && !value) || ttl_ms < 0)
        return SEGS_EINVAL;
    return cache->adapter->put(cache, key, value, len, ttl_ms);
}

int rt_cache_remove(struct rt_cache *cache, const char *key)
{
    if (!cache || !is_key(key))
        return SEGS_EINVAL;
    return cache->adapter->remove(cache, key);
}

int rt_cache_count(struct rt_cache *cache, const char *key, int64_t window_ms, int64_t *ret_count,
                   int64_t *ret_reset_ms)
{
    if (!cache || !is_key(key) || window_ms <= 0 || !ret_count || !ret_reset_ms)
        return SEGS_EINVAL;
    return cache->adapter->count(cache, key, window_ms, ret_count, ret_reset_ms);
}
