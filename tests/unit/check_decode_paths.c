/* The quick decoders of every instruction set against the plain one: the same reading, or the same
 * error, for readings of every shape and for damaged ones. The seed is printed. */
#include <segs/decode.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"
#include "telemetry/telemetry_internal.h"

#define SEED UINT64_C(20260115)
#define BODY_BYTES 16384

static uint64_t random_state;

static unsigned below(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % n;
}

static const char *one_of(const char *const *list, unsigned n)
{
    return list[below(n)];
}
#define ONE_OF(...)                                                                                \
    one_of((const char *const[]){ __VA_ARGS__ },                                                   \
           sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static const char *random_number(char buf[64])
{
    if (below(4) == 0)
        return ONE_OF("0", "-0", "0.0", "1e3", "1E-2", "12345678", "123456789", "0.1234567891",
                      "-2147483.648", "2147483.648", "99999999.99999999", "0.0000005", "-0.0000015",
                      "9223372036854.775807", "9223372036854.775808", "00", "01", "1.", ".1", "-",
                      "1/2", "1..2", "1.2.3", "0x1", "1e", "true", "null", "\"1\"", "",
                      "0.30000000000000004", "1234567890123456", "12345678901234567",
                      "9007199254740992", "9007199254740993");
    (void)snprintf(buf, 64, "%s%u.%0*u", ONE_OF("", "", "", "-"), below(100000), (int)below(9) + 1,
                   below(1000));
    return buf;
}

static const char *random_id(char buf[96])
{
    static const char bytes[] = "ABCxyz019._:-";
    unsigned len = below(6) == 0 ? below(70) : 1 + below(40);

    buf[0] = '"';
    for (unsigned i = 1; i <= len; i++)
        buf[i] = bytes[below(sizeof bytes - 1)];
    if (len > 0 && below(12) == 0)
        buf[1 + below(len)] = " /+,\\\xC3@[`{}~;<"[below(14)];
    buf[len + 1] = '"';
    buf[len + 2] = '\0';
    return buf;
}

static const char *random_time(void)
{
    return ONE_OF(
        "\"2026-01-15T14:30:00.123Z\"", "\"2026-01-15T14:30:59Z\"", "\"2026-01-16T23:59:59.999Z\"",
        "\"2026-01-15T14:30:00.1Z\"", "\"2026-01-15T14:30:00+05:30\"", "\"2026-01-15t14:30:00z\"",
        "\"2026-13-15T14:30:00Z\"", "\"2026-01-15T24:30:00Z\"", "\"2026-01-15T14:60:00Z\"",
        "\"2026-01-15T14:30:60Z\"", "\"2016-12-31T23:59:60Z\"", "\"2026-01-15T14;30:00Z\"",
        "\"2026-01-15T14:30:00.12:Z\"", "\"2026-01-15T1/:30:00Z\"", "\"1969-12-31T23:59:59Z\"",
        "\"1970-01-01T00:00:00.000Z\"", "\"\"", "17", "\"2026-01-15T14:30:00.000\"",
        "\"2026-01-15T14:30:00.000Z", "\"2026\\u002d01-15T14:30:00.000Z\"");
}

static char *put_random_member(char *p, unsigned member)
{
    const struct segs__member_info *info = &segs__members[member];
    char buf[96];
    const char *value;

    switch ((enum segs__kind)info->kind) {
    case SEGS__ID:
    case SEGS__REGION_TEXT:
        value = random_id(buf);
        break;
    case SEGS__TIME:
        value = random_time();
        break;
    case SEGS__WORD:
        value = ONE_OF("\"OK\"", "\"OK\"", "\"ERROR\"", "\"ok\"", "\"OK", "\"\\u004fK\"");
        break;
    case SEGS__DECIMAL:
    case SEGS__INTEGER:
    default:
        value = below(3) == 0 ? random_number(buf) : ONE_OF("1", "17", "230.5", "0.98");
        break;
    }
    return p + sprintf(p, "%s\"%s\"%s:%s%s", below(20) == 0 ? " " : "",
                       below(2) ? info->name : info->alias, below(20) == 0 ? " " : "",
                       below(20) == 0 ? "\t" : "", value);
}

static char *put_random_reading(char *p, bool in_order)
{
    unsigned order[SEGS__N_MEMBERS];
    unsigned n = SEGS__N_MEMBERS;
    bool first = true;

    for (unsigned i = 0; i < n; i++)
        order[i] = i;
    for (unsigned i = n - 1; !in_order && i > 0; i--) {
        unsigned other = below(i + 1);
        unsigned swap = order[i];

        order[i] = order[other];
        order[other] = swap;
    }
    *p++ = '{';
    for (unsigned i = 0; i < n; i++) {
        if (below(30) == 0)
            continue;
        if (!first)
            *p++ = ',';
        first = false;
        p = put_random_member(p, below(100) == 0 ? below(n) : order[i]);
    }
    return p + sprintf(p, "%s}", below(30) == 0 ? "\n" : "");
}

static size_t random_body(char *body)
{
    bool is_array = below(2) == 0;
    bool in_order = below(3) != 0;
    unsigned n = below(12);
    char *p = body;

    if (is_array)
        *p++ = '[';
    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            *p++ = is_array ? ',' : '\n';
        p = put_random_reading(p, in_order);
    }
    if (is_array)
        *p++ = ']';
    for (unsigned damage = below(4) == 0 ? below(4) : 0; damage > 0 && p > body; damage--)
        body[below((unsigned)(p - body))] = (char)below(256);
    return (size_t)(p - body);
}

static void check_same(struct segs_decoder *plain, struct segs_decoder *quick, const char *body,
                       size_t len, int level)
{
    int r;

    ck_assert_int_eq(segs_decoder_begin(plain, body, len), 0);
    ck_assert_int_eq(segs_decoder_begin(quick, body, len), 0);
    do {
        struct segs_reading a;
        struct segs_reading b;
        struct segs_error err_a;
        struct segs_error err_b;
        int r_quick;

        memset(&err_a, 0, sizeof err_a);
        memset(&err_b, 0, sizeof err_b);
        r = segs_decoder_next(plain, &a, &err_a);
        r_quick = segs_decoder_next(quick, &b, &err_b);
        ck_assert_msg(r == r_quick, "level %d: %d and %d for %.*s", level, r, r_quick, (int)len,
                      body);
        if (r > 0)
            ck_assert_msg(memcmp(&a, &b, sizeof a) == 0, "level %d differs for %.*s", level,
                          (int)len, body);
        ck_assert_int_eq(err_a.offset, err_b.offset);
        ck_assert_int_eq(err_a.line, err_b.line);
        ck_assert_int_eq(err_a.index, err_b.index);
        ck_assert_str_eq(err_a.field, err_b.field);
        ck_assert_str_eq(err_a.message, err_b.message);
        ck_assert_int_eq(segs_decoder_reason(plain), segs_decoder_reason(quick));
    } while (r != 0);
    ck_assert_int_eq(segs_decoder_is_lost(plain), segs_decoder_is_lost(quick));
}

START_TEST(every_quick_decoder_agrees_with_the_plain_one)
{
    struct segs_decoder *plain = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_decoder *quick = new_decoder(SEGS_FORMAT_AUTO);
    char *body = malloc(BODY_BYTES);

    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(segs__decoder_set_level(plain, SEGS__FAST_PLAIN), 0);
    if (segs__decoder_set_level(quick, _i) == 0) {
        random_state = SEED + (uint64_t)_i;
        (void)printf("level %d, seed %lu\n", _i, (unsigned long)random_state);
        for (int round = 0; round < 2000; round++) {
            size_t len = random_body(body);
            char *exact = malloc(len + 1); /* so that a read beyond the end is seen */

            ck_assert_ptr_nonnull(exact);
            memcpy(exact, body, len);
            check_same(plain, quick, exact, len, _i);
            free(exact);
        }
    } else {
        (void)printf("SKIP level %d: not on this machine\n", _i);
    }
    free(body);
    segs_decoder_free(quick);
    segs_decoder_free(plain);
}
END_TEST

/* Each byte value at each place of each text: the alphabets of the quick decoders are tables and bit
 * tricks of their own. */
#ifdef SEGS_SANITIZED
#define BYTE_STEP                                                                                  \
    5 /* Other values at the next place: what is left out here, the release build looks at. */
#else
#define BYTE_STEP 1
#endif

START_TEST(every_byte_at_every_place_is_judged_alike)
{
    static const char text[] =
        READING_WITH("\"region\":\"Mumbai-North\",\"seq\":12,\"voltage\":-1.5");
    struct segs_decoder *plain = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_decoder *quick = new_decoder(SEGS_FORMAT_AUTO);
    char body[2 * sizeof text + 8];

    ck_assert_int_eq(segs__decoder_set_level(plain, SEGS__FAST_PLAIN), 0);
    if (segs__decoder_set_level(quick, _i) == 0) {
        for (size_t at = 0; at < sizeof text - 1; at++) {
            for (int c = (int)(at % BYTE_STEP); c < 256; c += BYTE_STEP) {
                int len = snprintf(body, sizeof body, "[%s,%s]", text, text);

                body[1 + sizeof text + at] = (char)c;
                check_same(plain, quick, body, (size_t)len, _i);
            }
        }
    }
    segs_decoder_free(quick);
    segs_decoder_free(plain);
}
END_TEST

START_TEST(usual_readings_take_the_quick_way)
{
    segs__fast_fn *fast = segs__fast_get(_i);
    struct segs__fast state;
    struct segs_reading reading;
    char text[1024] = FULL_READING;

    if (!fast)
        return;
    segs__fast_init(&state, true);
    for (int round = 0; round < 3; round++) {
        const char *end = fast(&state, text, text + strlen(FULL_READING), &reading);

        ck_assert_ptr_eq(end, text + strlen(FULL_READING));
        ck_assert_str_eq(reading.meter_id, "MTR-00000001");
    }
    ck_assert_uint_eq(state.steps[0].len, strlen("{\"meter_id\":"));
}
END_TEST

/* Speculation on bytes seen before must not carry a line feed into NDJSON, where it ends a reading. */
START_TEST(line_feeds_learned_in_an_array_end_a_line_of_ndjson)
{
    struct segs_decoder *decoder = new_decoder(SEGS_FORMAT_AUTO);
    struct segs_reading reading;
    const char *element =
        "{\"meter_id\":\"A\",\n\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":1}";
    char body[512];

    if (segs__decoder_set_level(decoder, _i) == 0) {
        (void)snprintf(body, sizeof body, "[%s,%s]", element, element);
        begin(decoder, body);
        ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), 1);
        ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), 1);
        (void)snprintf(body, sizeof body, GOOD "\n%s\n" GOOD, element);
        begin(decoder, body);
        ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), 1);
        ck_assert_int_eq(segs_decoder_next(decoder, &reading, NULL), SEGS_ESYNTAX);
    }
    segs_decoder_free(decoder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode_paths");
    TCase *tc = tcase_create("paths");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, every_quick_decoder_agrees_with_the_plain_one, SEGS__FAST_PORTABLE,
                        SEGS__FAST_AVX2 + 1);
    tcase_add_loop_test(tc, every_byte_at_every_place_is_judged_alike, SEGS__FAST_PORTABLE,
                        SEGS__FAST_AVX2 + 1);
    tcase_add_loop_test(tc, usual_readings_take_the_quick_way, SEGS__FAST_PORTABLE,
                        SEGS__FAST_AVX2 + 1);
    tcase_add_loop_test(tc, line_feeds_learned_in_an_array_end_a_line_of_ndjson,
                        SEGS__FAST_PORTABLE, SEGS__FAST_AVX2 + 1);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
