#include <segs/encode.h>
#include <segs/time.h>

#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

/* Texts are copied in pieces of a fixed size, which is quicker than asking for their length first;
 * so buffers have room for one piece more. */
#define NAME_PIECE_BYTES 24
#define SLACK_BYTES SEGS_ID_BYTES

/* What stands before the value of a member. */
struct part {
    uint8_t member;
    uint8_t len;
    char text[NAME_PIECE_BYTES];
};

#define PART(member, text)                                                                         \
    {                                                                                              \
        member, sizeof(text) - 1, text                                                             \
    }

/* The order of the canonical form. */
static const struct part parts[SEGS__N_MEMBERS] = {
    PART(SEGS__METER_ID, "{\"meter_id\":"),
    PART(SEGS__TIMESTAMP, ",\"timestamp\":"),
    PART(SEGS__POWER, ",\"power_kw\":"),
    PART(SEGS__ENERGY, ",\"energy_kwh\":"),
    PART(SEGS__VOLTAGE, ",\"voltage\":"),
    PART(SEGS__CURRENT, ",\"current\":"),
    PART(SEGS__POWER_FACTOR, ",\"power_factor\":"),
    PART(SEGS__FREQUENCY, ",\"frequency\":"),
    PART(SEGS__TEMPERATURE, ",\"temperature\":"),
    PART(SEGS__REGION, ",\"region\":"),
    PART(SEGS__SEQ, ",\"seq\":"),
    PART(SEGS__STATUS, ",\"status\":"),
    PART(SEGS__READING_ID, ",\"reading_id\":"),
    PART(SEGS__REGISTER, ",\"register_kwh\":"),
};

static char *put(char *p, const char *text)
{
    size_t len = strlen(text);

    memcpy(p, text, len);
    return p + len;
}

static char *put_id(char *p, const char field[SEGS_ID_BYTES])
{
    *p++ = '"';
    memcpy(p, field, SEGS_ID_BYTES);
    p += strlen(field);
    *p++ = '"';
    return p;
}

static char *put_unsigned(char *p, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;

    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(p, digits + n, sizeof digits - n);
    return p + sizeof digits - n;
}

/* As segs_decimal_format() without minimal digits, for the scales that readings have. */
static char *put_decimal(char *p, int64_t value, unsigned scale)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t one = scale == 6 ? 1000000 : scale == 3 ? 1000 : 1;
    uint64_t fraction = magnitude % one;

    if (value < 0)
        *p++ = '-';
    p = put_unsigned(p, magnitude / one);
    if (fraction == 0)
        return p;
    *p++ = '.';
    while (fraction > 0) {
        one /= 10;
        *p++ = (char)('0' + fraction / one);
        fraction %= one;
    }
    return p;
}

static char *put_number(char *p, const struct segs__member_info *info, const char *field)
{
    int64_t wide;
    int32_t narrow;

    if (info->width == 8) {
        memcpy(&wide, field, sizeof wide);
    } else {
        memcpy(&narrow, field, sizeof narrow);
        wide = narrow;
    }
    return put_decimal(p, wide, info->scale);
}

static char *put_value(char *p, const struct segs_reading *reading,
                       const struct segs__member_info *info)
{
    const char *field = (const char *)reading + info->offset;

    switch ((enum segs__kind)info->kind) {
    case SEGS__ID:
    case SEGS__REGION_TEXT:
        /* Their alphabets hold nothing that JSON escapes. */
        return put_id(p, field);
    case SEGS__TIME:
        *p++ = '"';
        (void)segs_time_format(reading->ts_ms, p, SEGS_TIME_BYTES);
        p += SEGS_TIME_BYTES - 1;
        *p++ = '"';
        return p;
    case SEGS__WORD:
        return put(p, reading->status == SEGS_STATUS_OK ? "\"OK\"" : "\"ERROR\"");
    case SEGS__DECIMAL:
    case SEGS__INTEGER:
        break;
    }
    return put_number(p, info, field);
}

/* A checked reading into SEGS_READING_JSON_MAX_BYTES + SLACK_BYTES; returns the length. */
static size_t encode(const struct segs_reading *reading, char *buf)
{
    char *p = buf;

    for (size_t i = 0; i < SEGS__N_MEMBERS; i++) {
        unsigned member = parts[i].member;

        if (member < SEGS__METER_ID && !(reading->present >> member & 1u))
            continue;
        memcpy(p, parts[i].text, NAME_PIECE_BYTES);
        p = put_value(p + parts[i].len, reading, &segs__members[member]);
    }
    *p++ = '}';
    return (size_t)(p - buf);
}

int segs_reading_encode(const struct segs_reading *reading, char *buf, size_t size, size_t *ret_len)
{
    char text[SEGS_READING_JSON_MAX_BYTES + SLACK_BYTES];
    size_t len;

    if (!reading || !ret_len || (!buf && size > 0))
        return SEGS_EINVAL;
    if (segs_reading_check(reading, NULL) < 0)
        return SEGS_ERANGE;
    len = encode(reading, text);
    *ret_len = len;
    if (len > size)
        return SEGS_ENOSPC;
    memcpy(buf, text, len);
    return 0;
}

/* The caller's buffer, and how much all of it would take. */
struct sink {
    char *buf;
    size_t size;
    size_t len;
};

static void sink_put(struct sink *sink, const char *text, size_t len)
{
    if (sink->len <= sink->size && len <= sink->size - sink->len)
        memcpy(sink->buf + sink->len, text, len);
    sink->len += len;
}

static int put_readings(struct sink *sink, const struct segs_reading *readings, size_t n,
                        int format, struct segs_error *reterr)
{
    char text[SEGS_READING_JSON_MAX_BYTES + SLACK_BYTES];

    for (size_t i = 0; i < n; i++) {
        int r = segs_reading_check(&readings[i], reterr);

        if (r < 0) {
            if (reterr)
                reterr->index = (int64_t)i;
            return r;
        }
        if (format == SEGS_FORMAT_ARRAY && i > 0)
            sink_put(sink, ",", 1);
        sink_put(sink, text, encode(&readings[i], text));
        if (format == SEGS_FORMAT_NDJSON)
            sink_put(sink, "\n", 1);
    }
    return 0;
}

int segs_readings_encode(const struct segs_reading *readings, size_t n, int format, char *buf,
                         size_t size, size_t *ret_len, struct segs_error *reterr)
{
    struct sink sink;
    int r;

    if ((!readings && n > 0) || (!buf && size > 0) || !ret_len || format < SEGS_FORMAT_ARRAY ||
        format > SEGS_FORMAT_SINGLE || (format == SEGS_FORMAT_SINGLE && n != 1))
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1,
                          "expected readings, a buffer and a format, found none");

    sink.buf = buf;
    sink.size = size;
    sink.len = 0;
    if (format == SEGS_FORMAT_ARRAY)
        sink_put(&sink, "[", 1);
    r = put_readings(&sink, readings, n, format, reterr);
    if (r < 0)
        return r;
    if (format == SEGS_FORMAT_ARRAY)
        sink_put(&sink, "]", 1);

    *ret_len = sink.len;
    if (sink.len > size)
        return segs__fail(reterr, SEGS_ENOSPC, NULL, -1, "expected room for %lu bytes, found %lu",
                          (unsigned long)sink.len, (unsigned long)size);
    return 0;
}
