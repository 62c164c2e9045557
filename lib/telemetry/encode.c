#include <segs/encode.h>
#include <segs/fixed.h>
#include <segs/time.h>

#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

/* The order of the canonical form. */
static const uint8_t order[SEGS__N_MEMBERS] = {
    SEGS__METER_ID, SEGS__TIMESTAMP,    SEGS__POWER,      SEGS__ENERGY,      SEGS__VOLTAGE,
    SEGS__CURRENT,  SEGS__POWER_FACTOR, SEGS__FREQUENCY,  SEGS__TEMPERATURE, SEGS__REGION,
    SEGS__SEQ,      SEGS__STATUS,       SEGS__READING_ID, SEGS__REGISTER
};

static char *put(char *p, const char *text)
{
    size_t len = strlen(text);

    memcpy(p, text, len);
    return p + len;
}

static char *put_quoted(char *p, const char *text)
{
    *p++ = '"';
    p = put(p, text);
    *p++ = '"';
    return p;
}

static char *put_number(char *p, const struct segs__member_info *info, const char *field)
{
    char text[SEGS_DECIMAL_BYTES];
    int64_t wide;
    int32_t narrow;

    if (info->width == 8) {
        memcpy(&wide, field, sizeof wide);
    } else {
        memcpy(&narrow, field, sizeof narrow);
        wide = narrow;
    }
    (void)segs_decimal_format(wide, info->scale, 0, text, sizeof text);
    return put(p, text);
}

static char *put_member(char *p, const struct segs_reading *reading,
                        const struct segs__member_info *info)
{
    const char *field = (const char *)reading + info->offset;
    char time[SEGS_TIME_BYTES];

    p = put_quoted(p, info->name);
    *p++ = ':';
    switch ((enum segs__kind)info->kind) {
    case SEGS__ID:
    case SEGS__REGION_TEXT:
        /* Their alphabets hold nothing that JSON escapes. */
        return put_quoted(p, field);
    case SEGS__TIME:
        (void)segs_time_format(reading->ts_ms, time, sizeof time);
        return put_quoted(p, time);
    case SEGS__WORD:
        return put_quoted(p, reading->status == SEGS_STATUS_OK ? "OK" : "ERROR");
    case SEGS__DECIMAL:
    case SEGS__INTEGER:
        break;
    }
    return put_number(p, info, field);
}

/* A checked reading into SEGS_READING_JSON_MAX_BYTES; returns the length. */
static size_t encode(const struct segs_reading *reading, char *buf)
{
    char *p = buf;

    for (size_t i = 0; i < SEGS__N_MEMBERS; i++) {
        unsigned member = order[i];

        if (member < SEGS__METER_ID && !(reading->present >> member & 1u))
            continue;
        *p++ = i == 0 ? '{' : ',';
        p = put_member(p, reading, &segs__members[member]);
    }
    *p++ = '}';
    return (size_t)(p - buf);
}

int segs_reading_encode(const struct segs_reading *reading, char *buf, size_t size, size_t *ret_len)
{
    char text[SEGS_READING_JSON_MAX_BYTES];
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
    char text[SEGS_READING_JSON_MAX_BYTES];

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
    struct sink sink = { buf, size, 0 };
    int r;

    if ((!readings && n > 0) || (!buf && size > 0) || !ret_len || format < SEGS_FORMAT_ARRAY ||
        format > SEGS_FORMAT_SINGLE || (format == SEGS_FORMAT_SINGLE && n != 1))
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1,
                          "expected readings, a buffer and a format, found none");

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
