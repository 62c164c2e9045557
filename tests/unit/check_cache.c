#include "ports_rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "runtime/buf.h"
#include "runtime/metrics.h"

static struct segs_error err;
static atomic_llong now_ms;

static int64_t told_time(void *user)
{
    (void)user;
    return atomic_load(&now_ms);
}

static struct rt_cache *open_with(size_t max_bytes, struct rt_metrics *metrics)
{
    const struct rt_cache_options with = { .max_bytes = max_bytes,
                                           .metrics = metrics,
                                           .now_ms = told_time };
    struct rt_cache *cache = NULL;

    rig_ok(rt_cache_open(&with, &cache, &err));
    return cache;
}

static struct rt_cache *open_embedded(void)
{
    return open_with(0, NULL);
}

static void pass_ms(int64_t ms)
{
    atomic_fetch_add(&now_ms, ms);
}

static const struct cache_rig embedded = { .name = "contract, memory",
                                           .open = open_embedded,
                                           .pass_ms = pass_ms };

static bool has(struct rt_cache *cache, const char *key)
{
    struct rt_buf value = RT_BUF_INIT;
    int r = rt_cache_get(cache, key, &value);

    ck_assert(r == 0 || r == SEGS_ENOTFOUND);
    rt_buf_free(&value);
    return r == 0;
}

START_TEST(an_address_without_an_adapter_is_said_to_be_unsupported)
{
    const struct rt_cache_options with = { .url = "redis://localhost" };
    struct rt_cache *cache = NULL;

    ck_assert_int_eq(rt_cache_open(&with, &cache, &err), SEGS_ENOTSUP);
    ck_assert_str_eq(err.field, "url");
}
END_TEST

START_TEST(the_cache_stays_within_its_bytes)
{
    struct rt_cache *cache = open_with(1 << 20, NULL);
    static char value[1000];
    char key[32];
    int n = 0;

    for (int i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        ck_assert_int_eq(rt_cache_put(cache, key, value, sizeof value, 0), 0);
    }
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        n += has(cache, key);
    }
    /* 2^20 / 1000 is 1048; each entry also has its key and its own overhead. */
    ck_assert_int_lt(n, 1048);
    ck_assert_int_gt(n, 700);
    rt_cache_close(cache);
}
END_TEST

START_TEST(what_was_used_last_stays)
{
    struct rt_cache *cache = open_with(1 << 20, NULL);
    static char value[1000];
    char key[32];

    ck_assert_int_eq(rt_cache_put(cache, "dear", "v", 1, 0), 0);
    ck_assert_int_eq(rt_cache_put(cache, "forgotten", "v", 1, 0), 0);
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        ck_assert_int_eq(rt_cache_put(cache, key, value, sizeof value, 0), 0);
        ck_assert(has(cache, "dear"));
    }
    ck_assert(!has(cache, "forgotten"));
    rt_cache_close(cache);
}
END_TEST

START_TEST(a_value_too_large_is_refused_and_replaces_nothing_else)
{
    struct rt_cache *cache = open_with(16000, NULL);
    static char value[2000];

    ck_assert_int_eq(rt_cache_put(cache, "a", "v", 1, 0), 0);
    ck_assert_int_eq(rt_cache_put(cache, "a", value, sizeof value, 0), SEGS_EFULL);
    ck_assert(!has(cache, "a"));
    rt_cache_close(cache);
}
END_TEST

START_TEST(hits_and_misses_are_counted)
{
    struct rt_metrics *metrics = rt_metrics_new();
    struct rt_cache *cache = open_with(0, metrics);

    ck_assert_int_eq(rt_cache_put(cache, "a", "v", 1, 0), 0);
    ck_assert(has(cache, "a"));
    ck_assert(has(cache, "a"));
    ck_assert(!has(cache, "b"));
    ck_assert_uint_eq(rt_counter_value(rt_counter(metrics, "segs_cache_requests_total", "",
                                                  RT_LABELS("result", "hit"))),
                      2);
    ck_assert_uint_eq(rt_counter_value(rt_counter(metrics, "segs_cache_requests_total", "",
                                                  RT_LABELS("result", "miss"))),
                      1);
    rt_cache_close(cache);
    rt_metrics_free(metrics);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache");
    TCase *own = tcase_create("memory");
    SRunner *runner;
    int failed;

    tcase_add_test(own, an_address_without_an_adapter_is_said_to_be_unsupported);
    tcase_add_test(own, the_cache_stays_within_its_bytes);
    tcase_add_test(own, what_was_used_last_stays);
    tcase_add_test(own, a_value_too_large_is_refused_and_replaces_nothing_else);
    tcase_add_test(own, hits_and_misses_are_counted);
    suite_add_tcase(suite, own);
    cache_contract_add(suite, &embedded);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
