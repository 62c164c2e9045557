/* Shared by the test programs of the decoder. */
#ifndef SEGS_TESTS_DECODE_CASES_H
#define SEGS_TESTS_DECODE_CASES_H

#include <check.h>
#include <segs/decode.h>
#include <string.h>

/* A reading with every member, in the canonical form. */
#define FULL_READING                                                                               \
    "{\"meter_id\":\"MTR-00000001\",\"timestamp\":\"2026-01-15T14:30:00.000Z\",\"power_kw\":2.35," \
    "\"energy_kwh\":0.006528,\"voltage\":230.5,\"current\":10.2,\"power_factor\":0.98,"            \
    "\"frequency\":50,\"temperature\":31.5,\"region\":\"Mumbai-North\",\"seq\":17,"                \
    "\"status\":\"OK\",\"reading_id\":\"0190a5b2-1c3d-7e4f-8a5b-6c7d8e9f0a1b\","                   \
    "\"register_kwh\":10234.118}"

/* 2026-01-15T14:30:00Z: `date -u -d 2026-01-15T14:30:00Z +%s` gives 1768487400. */
#define FULL_READING_TS_MS INT64_C(1768487400000)

/* The shortest sort of reading, and one with anything added. */
#define GOOD "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":1}"
#define READING_WITH(members)                                                                      \
    "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":1," members "}"
/* A reading whose only measurement is the given member. */
#define READING_OF(member) "{\"meter_id\":\"A\",\"timestamp\":\"2026-01-15T14:30:00Z\"," member "}"

static inline struct segs_decoder *new_decoder(int format)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder = NULL;

    options.format = format;
    ck_assert_int_eq(segs_decoder_new(&options, &decoder), 0);
    return decoder;
}

static inline void begin(struct segs_decoder *decoder, const char *body)
{
    ck_assert_int_eq(segs_decoder_begin(decoder, body, strlen(body)), 0);
}

static inline struct segs_reading decode_ok(const char *text)
{
    struct segs_reading reading;
    struct segs_error err;
    int r = segs_reading_decode(text, strlen(text), &reading, &err);

    ck_assert_msg(r == 0, "%s: %s", text, r == 0 ? "" : err.message);
    return reading;
}

TCase *value_cases(void);
TCase *error_cases(void);
TCase *body_cases(void);

#endif
