/* What every adapter of the cache does. */
#include "ports_rig.h"

#include <string.h>

#include <pthread.h>

#include "runtime/buf.h"

static const struct cache_rig *rig;
static struct rt_cache *cache;

static void setup(void)
{
    cache = rig->open();
}

static void teardown(void)
{
    rt_cache_close(cache);
}

static void expect(const char *key, const char *text)
{
    struct rt_buf value = RT_BUF_INIT;

    ck_assert_int_eq(rt_cache_get(cache, key, &value), 0);
    ck_assert_uint_eq(value.len, strlen(text));
    ck_assert_mem_eq(value.data, text, value.len);
    rt_buf_free(&value);
}

static void expect_nothing(const char *key)
{
    struct rt_buf value = RT_BUF_INIT;

    ck_assert_int_eq(rt_cache_get(cache, key, &value), SEGS_ENOTFOUND);
    ck_assert_uint_eq(value.len, 0);
    rt_buf_free(&value);
}

START_TEST(a_value_comes_back_until_it_is_replaced_or_removed)
{
    expect_nothing("a");
    ck_assert_int_eq(rt_cache_put(cache, "a", "one", 3, 0), 0);
    expect("a", "one");
    ck_assert_int_eq(rt_cache_put(cache, "a", "three", 5, 0), 0);
    expect("a", "three");
    ck_assert_int_eq(rt_cache_remove(cache, "a"), 0);
    expect_nothing("a");
    ck_assert_int_eq(rt_cache_remove(cache, "a"), 0);
}
END_TEST

START_TEST(a_value_is_appended_to_what_the_caller_has)
{
    struct rt_buf value = RT_BUF_INIT;

    rt_buf_text(&value, "value: ");
    ck_assert_int_eq(rt_cache_put(cache, "a", "x", 1, 0), 0);
    ck_assert_int_eq(rt_cache_get(cache, "a", &value), 0);
    ck_assert_str_eq(value.data, "value: x");
    rt_buf_free(&value);
}
END_TEST

START_TEST(a_value_expires)
{
    ck_assert_int_eq(rt_cache_put(cache, "a", "x", 1, 1000), 0);
    rig->pass_ms(900);
    expect("a", "x");
    rig->pass_ms(200);
    expect_nothing("a");
}
END_TEST

START_TEST(a_value_without_expiry_stays)
{
    ck_assert_int_eq(rt_cache_put(cache, "a", "x", 1, 0), 0);
    ck_assert_int_eq(rt_cache_put(cache, "b", "y", 1, INT64_MAX), 0);
    rig->pass_ms(86400000);
    expect("a", "x");
    expect("b", "y");
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
    ck_assert_int_eq(rt_cache_put(cache, "a", NULL, 0, 0), 0);
    expect("a", "");
}
END_TEST

START_TEST(counting_starts_again_after_its_window)
{
    int64_t n = 0;
    int64_t reset_ms = 0;

    for (int64_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(rt_cache_count(cache, "ip", 60000, &n, &reset_ms), 0);
        ck_assert_int_eq(n, i);
        ck_assert_int_le(reset_ms, 60000);
        ck_assert_int_gt(reset_ms, 0);
    }
    rig->pass_ms(20000);
    ck_assert_int_eq(rt_cache_count(cache, "ip", 60000, &n, &reset_ms), 0);
    ck_assert_int_eq(n, 4);
    ck_assert_int_le(reset_ms, 40000);
    rig->pass_ms(40001);
    ck_assert_int_eq(rt_cache_count(cache, "ip", 60000, &n, &reset_ms), 0);
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(counts_and_values_do_not_meet)
{
    int64_t n = 0;
    int64_t reset_ms = 0;

    ck_assert_int_eq(rt_cache_put(cache, "a", "x", 1, 0), 0);
    ck_assert_int_eq(rt_cache_count(cache, "a", 1000, &n, &reset_ms), 0);
    ck_assert_int_eq(n, 1);
    expect("a", "x");
}
END_TEST

static void *count_often(void *arg)
{
    int64_t n;
    int64_t reset_ms;

    (void)arg;
    for (int i = 0; i < 1000; i++)
        (void)rt_cache_count(cache, "shared", 1000000, &n, &reset_ms);
    return NULL;
}

START_TEST(concurrent_counts_are_all_counted)
{
    pthread_t threads[4];
    int64_t n = 0;
    int64_t reset_ms = 0;

    for (int i = 0; i < 4; i++)
        (void)pthread_create(&threads[i], NULL, count_often, NULL);
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    ck_assert_int_eq(rt_cache_count(cache, "shared", 1000000, &n, &reset_ms), 0);
    ck_assert_int_eq(n, 4001);
}
END_TEST

START_TEST(impossible_arguments_are_refused)
{
    static char long_key[RT_CACHE_MAX_KEY_BYTES + 2];
    int64_t n;
    int64_t reset_ms;

    memset(long_key, 'k', RT_CACHE_MAX_KEY_BYTES + 1);
    ck_assert_int_eq(rt_cache_put(cache, "", "x", 1, 0), SEGS_EINVAL);
    ck_assert_int_eq(rt_cache_put(cache, long_key, "x", 1, 0), SEGS_EINVAL);
    ck_assert_int_eq(rt_cache_put(cache, long_key + 1, "x", 1, 0), 0);
    ck_assert_int_eq(rt_cache_put(cache, "a", "x", 1, -1), SEGS_EINVAL);
    ck_assert_int_eq(rt_cache_count(cache, "a", 0, &n, &reset_ms), SEGS_EINVAL);
}
END_TEST

void cache_contract_add(Suite *suite, const struct cache_rig *the_rig)
{
    TCase *tcase = tcase_create(the_rig->name);

    rig = the_rig;
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_value_comes_back_until_it_is_replaced_or_removed);
    tcase_add_test(tcase, a_value_is_appended_to_what_the_caller_has);
    tcase_add_test(tcase, a_value_expires);
    tcase_add_test(tcase, a_value_without_expiry_stays);
    tcase_add_test(tcase, an_empty_value_is_a_value);
    tcase_add_test(tcase, counting_starts_again_after_its_window);
    tcase_add_test(tcase, counts_and_values_do_not_meet);
    tcase_add_test(tcase, concurrent_counts_are_all_counted);
    tcase_add_test(tcase, impossible_arguments_are_refused);
    suite_add_tcase(suite, tcase);
}
