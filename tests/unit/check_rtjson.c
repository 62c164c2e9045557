#include "runtime/json.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rt_json_member members[] = {
    { .name = "email", .type = RT_JSON_STRING, .required = true, .min_len = 3, .max_len = 10 },
    { .name = "count", .type = RT_JSON_INT, .min = 1, .max = 100 },
    { .name = "big", .type = RT_JSON_INT },
    { .name = "price", .type = RT_JSON_DECIMAL, .min = 0, .max = 1000000000 },
    { .name = "active", .type = RT_JSON_BOOL },
    { .name = "roles", .type = RT_JSON_STRINGS, .max_len = 5, .min = 1, .max = 2 },
    { .name = "extra", .type = RT_JSON_ANY },
    { .name = NULL },
};

static struct rt_json *json;
static struct segs_error err;
static char faults[1024];

static void setup(void)
{
    json = NULL;
    faults[0] = '\0';
    memset(&err, 0, sizeof err);
}

static void teardown(void)
{
    rt_json_free(json);
}

static int parse(const char *text)
{
    return rt_json_parse(text, strlen(text), &json, &err);
}

static void on_fault(const char *pointer, const char *code, const char *message, void *user)
{
    size_t len = strlen(faults);

    ck_assert_ptr_eq(user, faults);
    (void)snprintf(faults + len, sizeof faults - len, "%s %s: %s\n", pointer, code, message);
}

static int check(const char *text)
{
    ck_assert_int_eq(parse(text), 0);
    return rt_json_check(json, members, on_fault, faults);
}

/* ---- Parsing ---- */

static const struct {
    const char *text;
    int code;
    const char *field;
} bad[] = {
    { "", SEGS_ESYNTAX, "" },
    { "{\"a\":1}xyz", SEGS_ESYNTAX, "" },
    { "{\"a\":1} {}", SEGS_ESYNTAX, "" },
    { "{\"a\":01}", SEGS_ESYNTAX, "" },
    { "{\"a\":1.}", SEGS_ESYNTAX, "" },
    { "{\"a\":NaN}", SEGS_ESYNTAX, "" },
    { "\xEF\xBB\xBF{}", SEGS_ESYNTAX, "" },
    { "{\"a\":\"\xFF\"}", SEGS_ESYNTAX, "" },
    { "{\"a\":\"\n\"}", SEGS_ESYNTAX, "" },
    { "{\"a\":\"\\ud800\"}", SEGS_ESYNTAX, "" },
    { "{\"a\":\"x\\u0000y\"}", SEGS_ESYNTAX, "" },
    { "{\"a\\u0000b\":1}", SEGS_ESYNTAX, "" },
    { "{\"a\":1,\"b\":2,\"a\":3}", SEGS_ECONFLICT, "/a" },
    { "{\"a\":1,\"\\u0061\":3}", SEGS_ECONFLICT, "/a" },
    { "{\"a\":{\"x/y\":[0,{\"k\":1,\"k\":1}]}}", SEGS_ECONFLICT, "/a/x~1y/1/k" },
    { "{\"a\":1e400}", SEGS_ERANGE, "/a" },
    { "{\"a\":[0,-1e400]}", SEGS_ERANGE, "/a/1" },
};

START_TEST(text_that_cjson_would_take_is_refused)
{
    ck_assert_int_eq(parse(bad[_i].text), bad[_i].code);
    ck_assert_ptr_null(json);
    ck_assert_str_eq(err.field, bad[_i].field);
    ck_assert_int_eq(err.code, bad[_i].code);
    ck_assert_str_ne(err.message, "");
}
END_TEST

START_TEST(an_escaped_backslash_before_u0000_is_only_text)
{
    ck_assert_int_eq(parse("{\"a\":\"\\\\u0000\"}"), 0);
    ck_assert_str_eq(rt_json_string(json, "a"), "\\u0000");
}
END_TEST

START_TEST(nesting_is_taken_to_64_levels)
{
    char text[160];

    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    ck_assert_int_eq(rt_json_parse(text, 128, &json, &err), 0);
    rt_json_free(json);
    json = NULL;
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    ck_assert_int_eq(rt_json_parse(text, 130, &json, &err), SEGS_EFULL);
}
END_TEST

START_TEST(names_differ_by_case)
{
    ck_assert_int_eq(parse("{\"Admin\":\"x\",\"admin\":\"y\"}"), 0);
    ck_assert_str_eq(rt_json_string(json, "admin"), "y");
    ck_assert_ptr_null(rt_json_string(json, "ADMIN"));
}
END_TEST

/* ---- Values ---- */

START_TEST(integers_are_exact_to_the_last_digit)
{
    int64_t value = 0;

    ck_assert_int_eq(
        parse("{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":9007199254740993,"
              "\"d\":3000000000,\"e\":1.7e1,\"f\":9223372036854775808,\"g\":1.5}"),
        0);
    ck_assert(rt_json_int(json, "a", &value) && value == INT64_MAX);
    ck_assert(rt_json_int(json, "b", &value) && value == INT64_MIN);
    ck_assert(rt_json_int(json, "c", &value) && value == INT64_C(9007199254740993));
    ck_assert(rt_json_int(json, "d", &value) && value == INT64_C(3000000000));
    ck_assert(rt_json_int(json, "e", &value) && value == 17);
    ck_assert(!rt_json_int(json, "f", &value));
    ck_assert(!rt_json_int(json, "g", &value));
    ck_assert(!rt_json_int(json, "absent", &value));
    ck_assert_int_eq(value, 17);
}
END_TEST

START_TEST(decimals_are_exact)
{
    int64_t value = 0;

    /* 9007199254.740993 needs 53.0..1 bits in millionths: a double would give ...992. */
    ck_assert_int_eq(
        parse("{ \"x\" : { \"a\" : \"}\\\"\" } , \"a\" : 9007199254.740993 , \"b\":-0.000001,"
              "\"c\":123.4567891}"),
        0);
    ck_assert(rt_json_micro(json, "a", &value));
    ck_assert_int_eq(value, INT64_C(9007199254740993));
    ck_assert(rt_json_micro(json, "b", &value));
    ck_assert_int_eq(value, -1);
    ck_assert(!rt_json_micro(json, "c", &value));
}
END_TEST

START_TEST(raw_values_are_the_text_of_the_document)
{
    size_t len = 0;
    const char *raw;

    ck_assert_int_eq(parse("{\"a\":\t[1, {\"b\":\"]}\"}] ,\"c\":null}"), 0);
    raw = rt_json_raw(json, "a", &len);
    ck_assert_uint_eq(len, strlen("[1, {\"b\":\"]}\"}]"));
    ck_assert_mem_eq(raw, "[1, {\"b\":\"]}\"}]", len);
    raw = rt_json_raw(json, "c", &len);
    ck_assert_uint_eq(len, 4);
    ck_assert_mem_eq(raw, "null", 4);
    ck_assert_ptr_null(rt_json_raw(json, "b", &len));
}
END_TEST

START_TEST(elements_of_an_array_are_found)
{
    size_t len = 0;
    const char *raw;

    ck_assert_int_eq(parse("[ 1 , {\"a\":[2]}, \"x\" ]"), 0);
    ck_assert_uint_eq(rt_json_n_elements(json), 3);
    raw = rt_json_raw_at(json, 1, &len);
    ck_assert_uint_eq(len, 9);
    ck_assert_mem_eq(raw, "{\"a\":[2]}", 9);
    ck_assert_ptr_null(rt_json_raw_at(json, 3, &len));
}
END_TEST

START_TEST(every_value_of_a_good_document_can_be_read)
{
    int64_t value = 0;
    bool flag = false;

    ck_assert_int_eq(check("{\"email\":\"a@b.c\",\"count\":100,\"price\":0.1,\"active\":true,"
                           "\"roles\":[\"admin\",\"user\"],\"extra\":{\"k\":null}}"),
                     0);
    ck_assert_str_eq(faults, "");
    ck_assert_str_eq(rt_json_string(json, "email"), "a@b.c");
    ck_assert(rt_json_int(json, "count", &value) && value == 100);
    ck_assert(rt_json_micro(json, "price", &value) && value == 100000);
    ck_assert(rt_json_bool(json, "active", &flag) && flag);
    ck_assert_uint_eq(rt_json_n_strings(json, "roles"), 2);
    ck_assert_str_eq(rt_json_string_at(json, "roles", 1), "user");
    ck_assert_ptr_null(rt_json_string_at(json, "roles", 2));
    ck_assert(rt_json_has(json, "extra"));
    ck_assert(!rt_json_has(json, "big"));
}
END_TEST

/* ---- Checking ---- */

static const struct {
    const char *text;
    const char *faults;
} wrong[] = {
    { "[]", " type: expected an object, found an array\n" },
    { "{}", "/email required: is required\n" },
    { "{\"email\":null}", "/email type: expected a string, found null\n" },
    { "{\"email\":\"ab\"}", "/email length: expected at least 3 bytes, found 2\n" },
    { "{\"email\":\"abcdefghijk\"}", "/email length: expected at most 10 bytes, found 11\n" },
    { "{\"email\":\"abc\",\"count\":\"1\"}", "/count type: expected an integer, found a string\n" },
    { "{\"email\":\"abc\",\"count\":1.5}", "/count type: expected an integer, found 1.5\n" },
    { "{\"email\":\"abc\",\"count\":0}", "/count range: expected 1 to 100, found 0\n" },
    { "{\"email\":\"abc\",\"big\":123456789012345678901234567890}",
      "/big range: expected -9223372036854775808 to 9223372036854775807, "
      "found 123456789012345678901234567890\n" },
    { "{\"email\":\"abc\",\"price\":1000.000001}",
      "/price range: expected 0 to 1000, found 1000.000001\n" },
    { "{\"email\":\"abc\",\"price\":0.1234567}",
      "/price range: expected a number of at most 6 decimals, found 0.1234567\n" },
    { "{\"email\":\"abc\",\"active\":1}",
      "/active type: expected true or false, found a number\n" },
    { "{\"email\":\"abc\",\"roles\":[]}", "/roles range: expected 1 to 2 items, found 0\n" },
    { "{\"email\":\"abc\",\"roles\":[\"a\",7]}",
      "/roles/1 type: expected a string, found a number\n" },
    { "{\"email\":\"abc\",\"roles\":[\"toolong\"]}",
      "/roles/0 length: expected at most 5 bytes, found 7\n" },
    { "{\"emial\":\"abc\",\"z/z\":1}", "/email required: is required\n"
                                       "/emial unknown: is not known; nearest: email\n"
                                       "/z~1z unknown: is not known\n" },
};

START_TEST(each_fault_is_named_with_its_place)
{
    ck_assert_int_eq(check(wrong[_i].text), SEGS_ERANGE);
    ck_assert_str_eq(faults, wrong[_i].faults);
}
END_TEST

/* ---- Writing ---- */

START_TEST(a_document_is_written_with_commas_where_they_belong)
{
    struct rt_buf buf = RT_BUF_INIT;
    struct rt_json_out out;

    rt_json_begin(&out, &buf);
    rt_json_object(&out, NULL);
    rt_json_put_string(&out, "s", "a\"\\\n\x01\x7F\xC3\xA9\xFF");
    rt_json_put_string(&out, "n", NULL);
    rt_json_array(&out, "a");
    rt_json_put_int(&out, NULL, INT64_MIN);
    rt_json_object(&out, NULL);
    rt_json_end_object(&out);
    rt_json_put_bool(&out, NULL, true);
    rt_json_end_array(&out);
    rt_json_put_fixed(&out, "f", -1234500, 6);
    rt_json_put_time(&out, "t", INT64_C(1768487400123));
    rt_json_put_double(&out, "d", 0.1);
    rt_json_put_double(&out, "i", HUGE_VAL);
    rt_json_put_raw(&out, "r", "[1]", 3);
    rt_json_end_object(&out);
    ck_assert_int_eq(rt_buf_status(&buf), 0);
    /* 1768487400 is 2026-01-15 14:30:00 UTC (date -u -d @1768487400). */
    ck_assert_str_eq(buf.data, "{\"s\":\"a\\\"\\\\\\n\\u0001\\u007f\xC3\xA9\\ufffd\",\"n\":null,"
                               "\"a\":[-9223372036854775808,{},true],\"f\":-1.2345,"
                               "\"t\":\"2026-01-15T14:30:00.123Z\",\"d\":0.1,\"i\":null,"
                               "\"r\":[1]}");
    rt_buf_free(&buf);
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    Suite *suite = suite_create("rtjson");
    TCase *tc = tcase_create("rtjson");
    SRunner *runner;
    int n_failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, text_that_cjson_would_take_is_refused, 0, N(bad));
    tcase_add_test(tc, an_escaped_backslash_before_u0000_is_only_text);
    tcase_add_test(tc, nesting_is_taken_to_64_levels);
    tcase_add_test(tc, names_differ_by_case);
    tcase_add_test(tc, integers_are_exact_to_the_last_digit);
    tcase_add_test(tc, decimals_are_exact);
    tcase_add_test(tc, raw_values_are_the_text_of_the_document);
    tcase_add_test(tc, elements_of_an_array_are_found);
    tcase_add_test(tc, every_value_of_a_good_document_can_be_read);
    tcase_add_loop_test(tc, each_fault_is_named_with_its_place, 0, N(wrong));
    tcase_add_test(tc, a_document_is_written_with_commas_where_they_belong);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
