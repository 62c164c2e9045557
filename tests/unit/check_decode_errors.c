/* One refused reading: every mistake is named, with its place. */
#include <segs/decode.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"

struct error_case {
    const char *text;
    int code;
    int reason;
    const char *field;
    const char *at; /* where in the text: the offset is that of its first occurrence */
    const char *message;
};

#define HEAD "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\","

static const struct error_case cases[] = {
    /* members */
    { HEAD "\"powre_kw\":1}", SEGS_ENOTSUP, SEGS_DECODE_UNKNOWN, "powre_kw", "powre",
      "nearest is \"power_kw\"" },
    { HEAD "\"power\":1}", SEGS_ENOTSUP, SEGS_DECODE_UNKNOWN, "power", "power",
      "nearest is \"power_kw\"" },
    { HEAD "\"xyzzy_plugh\":1}", SEGS_ENOTSUP, SEGS_DECODE_UNKNOWN, "xyzzy_plugh", "xyzzy",
      "found an unknown one" },
    { HEAD "\"\":1}", SEGS_ENOTSUP, SEGS_DECODE_UNKNOWN, "", "\":1}", "found an unknown one" },
    { HEAD "\"seq\":1,\"seq\":1,\"power_kw\":1}", SEGS_ECONFLICT, SEGS_DECODE_DUPLICATE, "seq",
      "seq\":1,\"power", "expected \"seq\" once" },
    { HEAD "\"power_kw\":1,\"powerKw\":1}", SEGS_ECONFLICT, SEGS_DECODE_DUPLICATE, "powerKw",
      "powerKw", "expected \"power_kw\" once" },
    { "{\"meterId\":\"A\",\"power_kw\":1,\"meter_id\":\"A\"}", SEGS_ECONFLICT,
      SEGS_DECODE_DUPLICATE, "meter_id", "meter_id", "expected \"meter_id\" once" },
    { HEAD "\"power_kw\":1,\"power\\u005fkw\":1}", SEGS_ECONFLICT, SEGS_DECODE_DUPLICATE,
      "power\\u005fkw", "power\\u", "expected \"power_kw\" once" },
    { "{}", SEGS_ENOTFOUND, SEGS_DECODE_MISSING, "meter_id", "{}", "\"meter_id\"" },
    { "{\"meter_id\":\"A\",\"power_kw\":1}", SEGS_ENOTFOUND, SEGS_DECODE_MISSING, "timestamp", "{",
      "\"timestamp\"" },
    { "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\"}", SEGS_ENOTFOUND,
      SEGS_DECODE_MISSING, "power_kw", "{", "one of power_kw, energy_kwh, register_kwh" },
    /* types */
    { HEAD "\"power_kw\":\"1\"}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "power_kw", "\"1\"",
      "expected a number, found a string" },
    { HEAD "\"power_kw\":null}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "power_kw", "null",
      "expected a number, found null" },
    { HEAD "\"power_kw\":true}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "power_kw", "true",
      "expected a number, found true" },
    { HEAD "\"power_kw\":[1]}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "power_kw", "[1]",
      "expected a number, found an array" },
    { HEAD "\"power_kw\":{}}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "power_kw", "{}}",
      "expected a number, found an object" },
    { HEAD "\"power_kw\":1,\"region\":5}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "region", "5}",
      "expected a string, found a number" },
    { HEAD "\"power_kw\":1,\"region\":null}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "region", "null",
      "expected a string, found null" },
    { "{\"meterId\":7,\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "meterId", "7",
      "expected a string, found a number" },
    { "{\"meter_id\":\"A\",\"timestamp\":1768487400000,\"power_kw\":1}", SEGS_ESYNTAX,
      SEGS_DECODE_TYPE, "timestamp", "1768", "expected a string, found a number" },
    { "[]", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "", "[]", "expected an object, found an array" },
    { "17", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "", "17", "expected an object, found a number" },
    { "\"x\"", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "", "\"x", "expected an object, found a string" },
    { "null", SEGS_ESYNTAX, SEGS_DECODE_TYPE, "", "null", "expected an object, found null" },
    /* numbers */
    { HEAD "\"power_kw\":9223372036854.775808}", SEGS_EOVERFLOW, SEGS_DECODE_NUMBER, "power_kw",
      "9223", "found 9223372036854.775808" },
    { HEAD "\"power_kw\":1e400}", SEGS_EOVERFLOW, SEGS_DECODE_NUMBER, "power_kw", "1e400",
      "found 1e400" },
    { HEAD "\"power_kw\":1,\"voltage\":2147483.648}", SEGS_EOVERFLOW, SEGS_DECODE_NUMBER, "voltage",
      "2147", "at most 2147483.647" },
    { HEAD "\"power_kw\":1,\"seq\":1.5}", SEGS_ERANGE, SEGS_DECODE_NUMBER, "seq", "1.5",
      "expected an integer" },
    { HEAD "\"power_kw\":1,\"seq\":-1}", SEGS_ERANGE, SEGS_DECODE_NUMBER, "seq", "-1}",
      "expected an integer" },
    { HEAD "\"power_kw\":1,\"seq\":9007199254740993}", SEGS_ERANGE, SEGS_DECODE_NUMBER, "seq",
      "9007", "0..9007199254740992" },
    { HEAD "\"power_kw\":NaN}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "NaN",
      "expected a number" },
    { HEAD "\"power_kw\":Infinity}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "Inf",
      "expected a number" },
    { HEAD "\"power_kw\":-Infinity}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "Infinity",
      "expected a digit" },
    { HEAD "\"power_kw\":+1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "+1",
      "expected a number" },
    { HEAD "\"power_kw\":.5}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", ".5",
      "expected a number" },
    { HEAD "\"power_kw\":1.}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "}",
      "expected a digit" },
    { HEAD "\"power_kw\":00.5}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "0.5",
      "no digit behind a leading zero" },
    { HEAD "\"power_kw\":0x10}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "x10", "',' or '}'" },
    { HEAD "\"power_kw\":1,5}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "5}",
      "a member name in quotes" },
    /* texts */
    { "{\"meter_id\":\"\",\"power_kw\":1}", SEGS_ERANGE, SEGS_DECODE_TEXT, "meter_id", "\",\"power",
      "found an empty text" },
    { "{\"meter_id\":\"AB C\",\"power_kw\":1}", SEGS_ERANGE, SEGS_DECODE_TEXT, "meter_id", " C",
      "found byte 0x20 at byte 2" },
    { "{\"meter_id\":\"A\\u0000\",\"power_kw\":1}", SEGS_ERANGE, SEGS_DECODE_TEXT, "meter_id",
      "\\u0000", "found byte 0x00 at byte 1" },
    { "{\"meter_id\":\"A\xC3\xA9\",\"power_kw\":1}", SEGS_ERANGE, SEGS_DECODE_TEXT, "meter_id",
      "\xC3", "at byte 1" },
    { "{\"meter_id\":\"\\ud83d\\ude00\",\"power_kw\":1}", SEGS_ERANGE, SEGS_DECODE_TEXT, "meter_id",
      "\\ud83d", "at byte 0" },
    { "{\"meter_id\":\"\\ud83d\",\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "meter_id",
      "\\ud83d", "a low surrogate" },
    { "{\"meter_id\":\"\\ude00\",\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "meter_id",
      "\\ude00", "a high surrogate" },
    { "{\"meter_id\":\"A\xC0\xAF\",\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "meter_id",
      "\xC0", "expected UTF-8" },
    { "{\"meter_id\":\"A\xED\xA0\x80\",\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "meter_id",
      "\xA0", "continuation" },
    { "{\"meter_id\":\"A\x01\",\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "meter_id", "\x01",
      "control characters" },
    { "{\"meter_id\":\"A\\x\",\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "meter_id", "x\",",
      "expected one of" },
    { HEAD "\"power_kw\":1,\"region\":\"a,b\"}", SEGS_ERANGE, SEGS_DECODE_TEXT, "region", ",b",
      "found byte 0x2c at byte 1" },
    { HEAD "\"power_kw\":1,\"status\":\"ok\"}", SEGS_ERANGE, SEGS_DECODE_TEXT, "status", "ok",
      "expected \"OK\" or \"ERROR\", found \"ok\"" },
    { HEAD "\"power_kw\":1,\"status\":\"OK \"}", SEGS_ERANGE, SEGS_DECODE_TEXT, "status", "OK ",
      "found \"OK \"" },
    /* timestamps */
    { "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15 14:30:00Z\",\"power_kw\":1}", SEGS_ESYNTAX,
      SEGS_DECODE_TIMESTAMP, "timestamp", "2026", "found \"2026-01-15 14:30:00Z\"" },
    { "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00\",\"power_kw\":1}", SEGS_ESYNTAX,
      SEGS_DECODE_TIMESTAMP, "timestamp", "2026", "RFC 3339" },
    { "{\"meter_id\":\"A\",\"timestamp\":\"2026-02-29T14:30:00Z\",\"power_kw\":1}", SEGS_ERANGE,
      SEGS_DECODE_TIMESTAMP, "timestamp", "2026", "RFC 3339" },
    { "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T24:00:00Z\",\"power_kw\":1}", SEGS_ERANGE,
      SEGS_DECODE_TIMESTAMP, "timestamp", "2026", "RFC 3339" },
    { "{\"meter_id\":\"A\",\"timestamp\":\"\",\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_TIMESTAMP,
      "timestamp", "\",\"power", "RFC 3339" },
    /* JSON */
    { "", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "", "expected an object, found end of text" },
    { "\xEF\xBB\xBF{}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "\xEF", "found byte 0xef" },
    { "{", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "", "a member name in quotes" },
    { HEAD "\"power_kw\":1", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "", "',' or '}'" },
    { HEAD "\"power_kw\":1,}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "}", "a member name in quotes" },
    { HEAD "\"power_kw\" 1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "1}", "':'" },
    { HEAD "\"power_kw\":1 \"seq\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "power_kw", "\"seq",
      "',' or '}'" },
    { HEAD "power_kw:1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "power_kw",
      "a member name in quotes" },
    { HEAD "/* c */\"power_kw\":1}", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "/*",
      "a member name in quotes" },
    { GOOD "x", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "x", "nothing behind the reading" },
    { GOOD GOOD, SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "}{", "nothing behind the reading" },
    { "tru", SEGS_ESYNTAX, SEGS_DECODE_JSON, "", "tru", "found 't'" },
};

START_TEST(mistakes_are_named_with_their_place)
{
    const struct error_case *c = &cases[_i];
    struct segs_reading reading;
    struct segs_reading before;
    struct segs_error err;
    int64_t offset =
        (int64_t)(*c->at ? (size_t)(strstr(c->text, c->at) - c->text) : strlen(c->text));

    if (strcmp(c->at, "}{") == 0)
        offset++;
    memset(&reading, 0x5A, sizeof reading);
    before = reading;
    memset(&err, 0x5A, sizeof err);
    ck_assert_int_eq(segs_reading_decode(c->text, strlen(c->text), &reading, &err), c->code);
    ck_assert_int_eq(err.code, c->code);
    ck_assert_str_eq(err.field, c->field);
    ck_assert_msg(strstr(err.message, c->message) != NULL, "%s: \"%s\" is not in \"%s\"", c->text,
                  c->message, err.message);
    ck_assert_msg(err.offset == offset, "%s: offset %ld, expected %ld", c->text, (long)err.offset,
                  (long)offset);
    ck_assert_int_eq(err.line, 1);
    ck_assert_int_eq(err.index, -1);
    ck_assert_mem_eq(&reading, &before, sizeof reading);
}
END_TEST

/* The same mistake between two good readings of an array costs neither of them. */
START_TEST(a_bad_element_keeps_its_neighbours)
{
    const struct error_case *c = &cases[_i];
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_ARRAY);
    char body[1024];
    struct segs_reading reading;
    struct segs_error err;

    (void)snprintf(body, sizeof body, "[" GOOD ",\n%s,\n" GOOD "]", c->text);
    begin(decoder, body);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    /* In an array a reading is good before what follows it is looked at. */
    if (strcmp(c->message, "nothing behind the reading") == 0)
        ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_lt(segs_decoder_next(decoder, &reading, &err), 0);
    ck_assert_int_eq(err.index, segs_decoder_count(decoder) - 1);
    if (!segs_decoder_is_lost(decoder)) {
        ck_assert_int_eq(err.code, c->code);
        ck_assert_int_eq(segs_decoder_reason(decoder), c->reason);
        ck_assert_str_eq(err.field, c->field);
        ck_assert_int_ge(err.line, 2);
        ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
        ck_assert_str_eq(reading.meter_id, "A");
        ck_assert_int_eq(segs_decoder_count(decoder), 3);
    }
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 0);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(a_bad_line_keeps_its_neighbours)
{
    const struct error_case *c = &cases[_i];
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_NDJSON);
    char body[1024];
    struct segs_reading reading;
    struct segs_error err;

    if (c->text[0] == '\0') {
        segs_decoder_free(decoder);
        return; /* a blank line is no element */
    }
    (void)snprintf(body, sizeof body, GOOD "\n%s\n" GOOD, c->text);
    begin(decoder, body);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), c->code);
    ck_assert_int_eq(err.index, 1);
    ck_assert_int_eq(err.line, 2);
    ck_assert_str_eq(err.field, c->field);
    ck_assert_int_eq(segs_decoder_reason(decoder), c->reason);
    ck_assert_int_eq(segs_decoder_is_lost(decoder), 0);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 1);
    ck_assert_int_eq(segs_decoder_reason(decoder), SEGS_DECODE_OK);
    ck_assert_int_eq(segs_decoder_next(decoder, &reading, &err), 0);
    segs_decoder_free(decoder);
}
END_TEST

START_TEST(an_id_of_64_bytes_is_refused)
{
    char text[256];
    struct segs_reading reading;
    struct segs_error err;

    (void)snprintf(text, sizeof text, "{\"meter_id\":\"%064d\",\"power_kw\":1}", 0);
    ck_assert_int_eq(segs_reading_decode(text, strlen(text), &reading, &err), SEGS_ERANGE);
    ck_assert_str_eq(err.field, "meter_id");
    ck_assert_int_eq(err.offset, (int64_t)strlen("{\"meter_id\":\"") + 63);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    struct segs_reading reading;
    size_t len = strlen(FULL_READING);

    for (size_t n = 0; n < len; n++) {
        char *text = malloc(n + 1); /* exact, so that a read beyond the end is seen */

        ck_assert_ptr_nonnull(text);
        memcpy(text, FULL_READING, n);
        ck_assert_int_eq(segs_reading_decode(text, n, &reading, NULL), SEGS_ESYNTAX);
        free(text);
    }
}
END_TEST

START_TEST(the_error_may_be_null)
{
    struct segs_reading reading;

    ck_assert_int_eq(segs_reading_decode("{}", 2, &reading, NULL), SEGS_ENOTFOUND);
}
END_TEST

START_TEST(a_long_unknown_name_is_cut_at_a_character)
{
    char text[512];
    struct segs_reading reading;
    struct segs_error err;
    char *p = text + sprintf(text, "{\"");

    /* 94 bytes of 'a', then U+20AC: its first byte alone would fit. */
    memset(p, 'a', 94);
    (void)strcpy(p + 94, "\xE2\x82\xAC and more of it\":1}");
    ck_assert_int_eq(segs_reading_decode(text, strlen(text), &reading, &err), SEGS_ENOTSUP);
    ck_assert_uint_eq(strlen(err.field), 94);
}
END_TEST

TCase *error_cases(void)
{
    TCase *tc = tcase_create("errors");
    int n = (int)(sizeof cases / sizeof cases[0]);

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, mistakes_are_named_with_their_place, 0, n);
    tcase_add_loop_test(tc, a_bad_element_keeps_its_neighbours, 0, n);
    tcase_add_loop_test(tc, a_bad_line_keeps_its_neighbours, 0, n);
    tcase_add_test(tc, an_id_of_64_bytes_is_refused);
    tcase_add_test(tc, every_truncation_is_refused);
    tcase_add_test(tc, the_error_may_be_null);
    tcase_add_test(tc, a_long_unknown_name_is_cut_at_a_character);
    return tc;
}
