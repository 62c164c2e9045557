/* Many readings in one body: formats, limits, recovery. */
#include <segs/decode.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"

/* Decode a whole body; returns the good readings, *ret_bad receives the refused ones. */
static int drain(struct segs_decoder *decoder, int *ret_bad)
{
    struct segs_reading reading;
    int good = 0;
    int r;

    *ret_bad = 0;
    while ((r = segs_decoder_next(decoder, &reading, NULL)) != 0) {
        good += r > 0;
        *ret_bad += r < 0;
        ck_assert_int_lt(good + *ret_bad, 1000000);
    }
    return good;
}

struct body_case {
    const char *body;
    int format;
    int good;
    int bad;
    int lost;
};

static const struct body_case bodies[] = {
    { "[]", SEGS_FORMAT_AUTO, 0, 0, 0 },
    { " [ ] ", SEGS_FORMAT_ARRAY, 0, 0, 0 },
    { "[" GOOD "]", SEGS_FORMAT_AUTO, 1, 0, 0 },
    { "[" GOOD "," GOOD "]", SEGS_FORMAT_AUTO, 2, 0, 0 },
    { "[\n  " GOOD " ,\r\n\t" GOOD "\n]\n", SEGS_FORMAT_AUTO, 2, 0, 0 },
    { GOOD, SEGS_FORMAT_AUTO, 1, 0, 0 },
    { GOOD "\n", SEGS_FORMAT_AUTO, 1, 0, 0 },
    { GOOD "\n" GOOD "\n", SEGS_FORMAT_AUTO, 2, 0, 0 },
    { GOOD "\r\n" GOOD "\r\n", SEGS_FORMAT_AUTO, 2, 0, 0 },
    { "\n\n" GOOD "\n\n\n" GOOD " \t\r\n", SEGS_FORMAT_NDJSON, 2, 0, 0 },
    { "", SEGS_FORMAT_NDJSON, 0, 0, 0 },
    { "\n \n", SEGS_FORMAT_NDJSON, 0, 0, 0 },
    { "", SEGS_FORMAT_AUTO, 0, 1, 0 },
    { "", SEGS_FORMAT_ARRAY, 0, 1, 1 },
    { " \n", SEGS_FORMAT_SINGLE, 0, 1, 0 },
    /* one reading printed over several lines */
    { "{\n\"meter_id\":\"A\",\n\"timestamp\":\"2026-01-15T14:30:00Z\",\n\"power_kw\":1\n}\n",
      SEGS_FORMAT_AUTO, 1, 0, 0 },
    { "{\n\"meter_id\":\"A\",\n\"timestamp\":\"2026-01-15T14:30:00Z\",\n\"power_kw\":1\n}\n",
      SEGS_FORMAT_NDJSON, 0, 5, 0 },
    /* the first line is cut off: the second one still counts */
    { "{\"meter_id\":\"A\",\n" GOOD "\n", SEGS_FORMAT_AUTO, 1, 1, 0 },
    { GOOD " " GOOD "\n" GOOD "\n", SEGS_FORMAT_NDJSON, 1, 1, 0 },
    /* arrays: what stays readable */
    { "[" GOOD ",,", SEGS_FORMAT_AUTO, 1, 2, 1 },
    { "[" GOOD ",," GOOD "]", SEGS_FORMAT_AUTO, 2, 1, 0 },
    { "[," GOOD "]", SEGS_FORMAT_AUTO, 1, 1, 0 },
    { "[" GOOD ",]", SEGS_FORMAT_AUTO, 1, 1, 0 },
    { "[1,\"a,]\",null,[{\"x\":[]}],{\"y\":{}}," GOOD "]", SEGS_FORMAT_AUTO, 1, 5, 0 },
    { "[{\"meter_id\":tru e}," GOOD "]", SEGS_FORMAT_AUTO, 1, 1, 0 },
    { "[{\"meter_id\":\"\\\"}],[{\"}," GOOD "]", SEGS_FORMAT_AUTO, 1, 1, 0 },
    /* arrays: what is lost */
    { "[" GOOD GOOD "]", SEGS_FORMAT_AUTO, 1, 1, 1 },
    { "[" GOOD "]x", SEGS_FORMAT_AUTO, 1, 1, 1 },
    { "[" GOOD "][]", SEGS_FORMAT_AUTO, 1, 1, 1 },
    { "[" GOOD, SEGS_FORMAT_AUTO, 1, 1, 1 },
    { "[" GOOD "}", SEGS_FORMAT_AUTO, 1, 1, 1 },
    { "[{\"a\":[}]," GOOD "]", SEGS_FORMAT_AUTO, 0, 1, 1 },
    { "[{\"a\":\"no end," GOOD "]", SEGS_FORMAT_AUTO, 0, 1, 1 },
    { "[", SEGS_FORMAT_AUTO, 0, 1, 1 },
    { GOOD, SEGS_FORMAT_ARRAY, 0, 1, 1 },
    { "[" GOOD "]", SEGS_FORMAT_SINGLE, 0, 1, 0 },
    { "[" GOOD "]", SEGS_FORMAT_NDJSON, 0, 1, 0 },
};

START_TEST(bodies_give_what_is_readable_in_them)
{
    const struct body_case *c = &bodies[_i];
    struct segs_decoder *decoder = new_decoder(c->format);
    int bad;

    begin(decoder, c->body);
    ck_assert_msg(drain(decoder, &bad) == c->good, "%s", c->body);
    ck_assert_msg(bad == c->bad, "%s: %d refused", c->body, bad);
    ck_assert_msg(segs_decoder_is_lost(decoder) == c->lost, "%s", c->body);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(line_and_offset_count_from_the_start_of_the_body)
{
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);
    const char *body = "[\n" GOOD ",\n\n{\"seq\":\n-1},\n" GOOD ",{\"seq\":-2}]";
    struct segs_reading reading;
    struct segs_error err;

    begin(decoder, body);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), SEGS_ERANGE);
    ck_assert_int_eq(err.line, 5);
    ck_assert_int_eq(err.offset, strstr(body, "-1}") - body);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), SEGS_ERANGE);
    ck_assert_int_eq(err.line, 6);
    ck_assert_int_eq(err.index, 3);
    ck_assert_int_eq(err.offset, strstr(body, "-2}") - body);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(the_text_of_an_element_can_be_had)
{
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_reading reading;
    const char *text;
    size_t len;

    ck_assert_int_eq(segs_decoder_element(decoder, &text, &len), SEGS_ENOTFOUND);
    begin(decoder, "[ " GOOD " , {\"seq\" : [ 1, 2 ] } ]");
    ck_assert_int_eq(segs_decoder_element(decoder, &text, &len), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), 1);
    ck_assert_int_eq(segs_decoder_element(decoder, &text, &len), 0);
    ck_assert_uint_eq(len, strlen(GOOD));
    ck_assert_mem_eq(text, GOOD, len);
    ck_assert_int_lt(segs_decoder_next(decoder, &reading, NULL), 0);
    ck_assert_int_eq(segs_decoder_element(decoder, &text, &len), 0);
    ck_assert_uint_eq(len, strlen("{\"seq\" : [ 1, 2 ] }"));
    ck_assert_mem_eq(text, "{\"seq\" : [ 1, 2 ] }", len);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(a_decoder_begins_again_at_any_time)
{
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_reading reading;
    int bad;

    ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), 0);
    begin(decoder, "[" GOOD "," GOOD "]");
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), 1);
    begin(decoder, "[{");
    ck_assert_int_eq(drain(decoder, &bad), 0);
    ck_assert_int_eq(segs_decoder_is_lost(decoder), 1);
    begin(decoder, GOOD "\n" GOOD);
    ck_assert_int_eq(segs_decoder_is_lost(decoder), 0);
    ck_assert_int_eq(drain(decoder, &bad), 2);
    ck_assert_int_eq(bad, 0);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(next_many_stops_at_a_bad_element)
{
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_reading readings[8];
    struct segs_error err;
    size_t n;

    begin(decoder, "[" GOOD "," GOOD "," GOOD ",{}," GOOD "]");
    ck_assert_int_eq(segs_decoder_next_many(decoder, readings, 2, &n, &err), 1);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(segs_decoder_next_many(decoder, readings, 8, &n, &err), SEGS_ENOTFOUND);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(err.index, 3);
    ck_assert_int_eq(segs_decoder_next_many(decoder, readings, 8, &n, &err), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(segs_decoder_next_many(decoder, readings, 8, &n, &err), 0);
    ck_assert_uint_eq(n, 0);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(more_readings_than_allowed_end_the_body)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder;
    struct segs_reading reading;
    struct segs_error err;

    options.max_readings = 2;
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), 0);
    begin(decoder, "[" GOOD "," GOOD "]");
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 0);

    begin(decoder, "[" GOOD ",{}," GOOD "]");
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), SEGS_ENOTFOUND);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), SEGS_EFULL);
    ck_assert_int_eq(err.index, 2);
    ck_assert_int_eq(segs_decoder_reason(decoder), SEGS_DECODE_LIMIT);
    ck_assert_int_eq(segs_decoder_is_lost(decoder), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 0);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(an_element_longer_than_allowed_is_skipped)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder;
    struct segs_reading reading;
    struct segs_error err;
    char body[1024];

    options.max_element_bytes = (int64_t)strlen(GOOD);
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), 0);
    (void)snprintf(body, sizeof body, "[" GOOD ",%.*s }," GOOD "]", (int)strlen(GOOD) - 1, GOOD);
    begin(decoder, body);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), SEGS_EFULL);
    ck_assert_int_eq(err.index, 1);
    ck_assert_int_eq(segs_decoder_is_lost(decoder), 0);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 0);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(options_outside_their_range_are_refused)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder = NULL;

    options.max_depth = SEGS_JSON_MAX_DEPTH + 1;
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), SEGS_ERANGE);
    options.max_depth = 0;
    options.max_readings = -1;
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), SEGS_ERANGE);
    options.max_readings = 0;
    options.format = 4;
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), SEGS_ERANGE);
    options.format = 0;
    options.max_element_bytes = -1;
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), SEGS_ERANGE);
    ck_assert_int_eq(segs_decoder_new(NULL, NULL), SEGS_EINVAL);
    ck_assert_ptr_null(decoder);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_reading reading;
    const char *text;
    size_t n;

    ck_assert_int_eq(segs_decoder_begin(NULL, "", 0), SEGS_EINVAL);
    ck_assert_int_eq(segs_decoder_begin(decoder, NULL, 1), SEGS_EINVAL);
    ck_assert_int_eq(segs_decoder_begin(decoder, NULL, 0), 0);
    ck_assert_int_eq(segs_decoder_next(NULL, &reading, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decoder_next(decoder, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decoder_next_many(decoder, &reading, 0, &n, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decoder_next_many(decoder, &reading, 1, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_decoder_element(NULL, &text, &n), SEGS_EINVAL);
    ck_assert_int_eq(segs_reading_decode(NULL, 1, &reading, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_reading_decode("", 0, NULL, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_json_check(NULL, 1, 8, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_json_check("1", 1, 0, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_json_check("1", 1, SEGS_JSON_MAX_DEPTH + 1, NULL), SEGS_EINVAL);
    segs_decoder_free(decoder);
    segs_decoder_free(NULL);
}
END_TEST

START_TEST(every_reason_has_its_word)
{
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_OK), "OK");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_JSON), "JSON");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_TYPE), "TYPE");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_UNKNOWN), "UNKNOWN_MEMBER");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_DUPLICATE), "DUPLICATE_MEMBER");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_MISSING), "MISSING_MEMBER");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_TIMESTAMP), "TIMESTAMP");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_NUMBER), "NUMBER");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_TEXT), "TEXT");
    ck_assert_str_eq(segs_decode_reason_name(SEGS_DECODE_LIMIT), "LIMIT");
    ck_assert_str_eq(segs_decode_reason_name(-1), "?");
    ck_assert_str_eq(segs_decode_reason_name(10), "?");
}
END_TEST

/* Nesting, numbers and names without end: refused in one pass, without a stack of calls. */
START_TEST(a_hundred_thousand_brackets_are_refused)
{
    enum { DEPTH = 100000 };
    static const char *const units[] = { "[", "{\"a\":" };
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);

    for (size_t u = 0; u < 2; u++) {
        size_t len = strlen(units[u]) * DEPTH;
        char *body = malloc(len);
        int bad;

        ck_assert_ptr_nonnull(body);
        for (size_t i = 0; i < len; i++)
            body[i] = units[u][i % strlen(units[u])];
        ck_assert_int_eq(segs_json_check(body, len, SEGS_JSON_MAX_DEPTH, NULL), SEGS_EFULL);
        ck_assert_int_eq(segs_decoder_begin(decoder, body, len), 0);
        ck_assert_int_eq(drain(decoder, &bad), 0);
        ck_assert_int_eq(bad, 1);
        free(body);
    }
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(a_number_of_a_megabyte_is_exact_or_refused)
{
    enum { DIGITS = 1 << 20 };
    static const char head[] =
        "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":";
    char *body = malloc(sizeof head + DIGITS + 8);
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder;
    struct segs_reading reading;
    size_t len = sizeof head - 1;

    ck_assert_ptr_nonnull(body);
    memcpy(body, head, len);
    memcpy(body + len, "0.", 2);
    memset(body + len + 2, '3', DIGITS);
    body[len + 2 + DIGITS] = '}';
    len += 2 + DIGITS + 1;

    ck_assert_int_eq(segs_reading_decode(body, len, &reading, NULL), SEGS_EFULL);
    options.max_element_bytes = 2 * DIGITS;
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), 0);
    ck_assert_int_eq(segs_decoder_begin(decoder, body, len), 0);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), 1);
    ck_assert_int_eq(reading.power_micro_kw, 333333);
    segs_decoder_free(decoder);
    free(body);
}
END_TEST

START_TEST(ten_thousand_bad_lines_are_each_named)
{
    enum { N = 10000 };
    char *body = malloc(N * 24);
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_reading reading;
    struct segs_error err;
    size_t len = 0;

    ck_assert_ptr_nonnull(body);
    for (int i = 0; i < N; i++)
        len += (size_t)sprintf(body + len, "{\"seq\":-%d}\n", i + 1);
    ck_assert_int_eq(segs_decoder_begin(decoder, body, len), 0);
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), SEGS_ERANGE);
        ck_assert_int_eq(err.index, i);
        ck_assert_int_eq(err.line, i + 1);
    }
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 0);
    segs_decoder_free(decoder);
    free(body);
}
END_TEST

START_TEST(json_check_says_where_and_what)
{
    struct segs_error err;

    ck_assert_int_eq(segs_json_check("{\"a\":[1,\n2,]}", 13, 8, &err), SEGS_ESYNTAX);
    ck_assert_int_eq(err.offset, 11);
    ck_assert_int_eq(err.line, 2);
    ck_assert_str_eq(err.message, "expected a value, found ']'");
    ck_assert_int_eq(segs_json_check("[[1]]", 5, 2, &err), 0);
    ck_assert_int_eq(segs_json_check("[[1]]", 5, 1, &err), SEGS_EFULL);
    ck_assert_int_eq(err.offset, 1);
    ck_assert_int_eq(segs_json_check("1 2", 3, 1, &err), SEGS_ESYNTAX);
    ck_assert_int_eq(err.offset, 2);
    ck_assert_int_eq(segs_json_check(NULL, 0, 1, &err), SEGS_ESYNTAX);
    ck_assert_int_eq(err.offset, 0);
}
END_TEST

TCase *body_cases(void)
{
    TCase *tc = tcase_create("bodies");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, bodies_give_what_is_readable_in_them, 0,
                        sizeof bodies / sizeof bodies[0]);
    tcase_add_test(tc, line_and_offset_count_from_the_start_of_the_body);
    tcase_add_test(tc, the_text_of_an_element_can_be_had);
    tcase_add_test(tc, a_decoder_begins_again_at_any_time);
    tcase_add_test(tc, next_many_stops_at_a_bad_element);
    tcase_add_test(tc, more_readings_than_allowed_end_the_body);
    tcase_add_test(tc, an_element_longer_than_allowed_is_skipped);
    tcase_add_test(tc, options_outside_their_range_are_refused);
    tcase_add_test(tc, null_arguments_are_refused);
    tcase_add_test(tc, every_reason_has_its_word);
    tcase_add_test(tc, a_hundred_thousand_brackets_are_refused);
    tcase_add_test(tc, a_number_of_a_megabyte_is_exact_or_refused);
    tcase_add_test(tc, ten_thousand_bad_lines_are_each_named);
    tcase_add_test(tc, json_check_says_where_and_what);
    return tc;
}
