#include <segs/fixed.h>
#include <segs/time.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base_internal.h"
#include "telemetry/telemetry_internal.h"

/* Decoded bytes kept of a name, word or timestamp with escapes; a longer text is none of ours. */
#define SHORT_TEXT_BYTES 40

/* One member being decoded. */
struct member {
    /* Its name as the sender wrote it, with room for more than an error shows: so the cut at a
     * character boundary is made in one place, segs__fail(). */
    char field[SEGS_ERROR_FIELD_BYTES + 8];
    const struct segs__member_info *info;
};

static int refuse(struct segs__element *e, int reason, int code, const char *at, const char *field,
                  const char *format, ...) __attribute__((format(printf, 6, 7)));

static int refuse(struct segs__element *e, int reason, int code, const char *at, const char *field,
                  const char *format, ...)
{
    char message[SEGS_ERROR_MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    e->reason = reason;
    return segs__fail(e->err, code, field, at - e->base, "%s", message);
}

static int refuse_syntax(struct segs__element *e, const struct segs__json *j, const char *field,
                         const char *expected)
{
    char found[SEGS__FOUND_BYTES];

    return refuse(e, SEGS_DECODE_JSON, SEGS_ESYNTAX, j->p, field, "expected %s, found %s", expected,
                  segs__found(found, j->p, (size_t)(j->end - j->p), 0));
}

/* The value at j->p is not of the type wanted: another type, or not JSON at all. */
static int refuse_type(struct segs__element *e, struct segs__json *j, const char *field,
                       const char *expected)
{
    const char *at = j->p;
    const char *found = NULL;

    if (at == j->end)
        return refuse_syntax(e, j, field, expected);
    if (*at == '"')
        found = "a string";
    else if (*at == '{')
        found = "an object";
    else if (*at == '[')
        found = "an array";
    else if (*at == '-' || segs__is_digit(*at))
        found = segs__json_number(j) == 0 ? "a number" : NULL;
    else if (segs__json_word(j) == 0)
        found = *at == 'n' ? "null" : *at == 't' ? "true" : "false";

    if (!found)
        return refuse_syntax(e, j, field, expected);
    return refuse(e, SEGS_DECODE_TYPE, SEGS_ESYNTAX, at, field, "expected %s, found %s", expected,
                  found);
}

/* An id or region: checked byte by byte, so that the offending one can be named in the source. */
static int decode_id(struct segs__element *e, struct segs__json *j, const struct member *m,
                     char *ret)
{
    bool is_region = m->info->kind == SEGS__REGION_TEXT;
    unsigned wanted = is_region ? SEGS__REGION_BYTE : SEGS__ID_BYTE;
    const char *start = ++j->p;
    const char *at = start;
    unsigned char bytes[4];
    size_t len = 0;
    int n;

    for (; (n = segs__json_char(j, bytes)) > 0; at = j->p) {
        if (n > 1 || !(segs__text_class(bytes[0]) & wanted))
            return refuse(
                e, SEGS_DECODE_TEXT, SEGS_ERANGE, at, m->field,
                "expected only A-Z a-z 0-9 . _ : -%s, found %s%02x at byte %ld of the text",
                is_region ? " / + and space" : "",
                n > 1 ? "a character that starts with 0x" : "byte 0x", (unsigned)bytes[0],
                (long)(at - start));
        if (len == SEGS_ID_BYTES - 1)
            return refuse(e, SEGS_DECODE_TEXT, SEGS_ERANGE, at, m->field,
                          "expected 1 to %d bytes, found more", SEGS_ID_BYTES - 1);
        ret[len++] = (char)bytes[0];
    }
    if (n < 0)
        return refuse_syntax(e, j, m->field, j->expected);
    if (len == 0)
        return refuse(e, SEGS_DECODE_TEXT, SEGS_ERANGE, start, m->field,
                      "expected 1 to %d bytes, found an empty text", SEGS_ID_BYTES - 1);
    return 0;
}

static int decode_time(struct segs__element *e, struct segs__json *j, const struct member *m,
                       int64_t *ret)
{
    const char *start = ++j->p;
    char text[SHORT_TEXT_BYTES];
    char snippet[SEGS__SNIPPET_BYTES];
    struct segs_error detail;
    size_t len;
    int r;

    if (segs__json_string(j, text, sizeof text, &len) < 0)
        return refuse_syntax(e, j, m->field, j->expected);
    if (len > sizeof text)
        return refuse(e, SEGS_DECODE_TIMESTAMP, SEGS_ESYNTAX, start, m->field,
                      "expected an RFC 3339 timestamp, found %lu bytes", (unsigned long)len);
    r = segs_time_parse(text, len, ret, &detail);
    if (r == 0)
        return 0;
    return refuse(e, SEGS_DECODE_TIMESTAMP, r, start, m->field,
                  "expected an RFC 3339 timestamp, found \"%s\" (%.100s: %.100s)",
                  segs__snippet(snippet, text, len), detail.field, detail.message);
}

static int decode_status(struct segs__element *e, struct segs__json *j, const struct member *m,
                         int32_t *ret)
{
    const char *start = ++j->p;
    char text[SHORT_TEXT_BYTES];
    char snippet[SEGS__SNIPPET_BYTES];
    size_t len;

    if (segs__json_string(j, text, sizeof text, &len) < 0)
        return refuse_syntax(e, j, m->field, j->expected);
    if (len == 2 && memcmp(text, "OK", 2) == 0) {
        *ret = SEGS_STATUS_OK;
    } else if (len == 5 && memcmp(text, "ERROR", 5) == 0) {
        *ret = SEGS_STATUS_ERROR;
    } else {
        return refuse(e, SEGS_DECODE_TEXT, SEGS_ERANGE, start, m->field,
                      "expected \"OK\" or \"ERROR\", found \"%s\"",
                      segs__snippet(snippet, text, len < sizeof text ? len : sizeof text));
    }
    return 0;
}

static int number_text(struct segs__element *e, struct segs__json *j, const struct member *m)
{
    if (segs__json_number(j) < 0)
        return refuse_syntax(e, j, m->field, j->expected);
    return 0;
}

static int decode_decimal(struct segs__element *e, struct segs__json *j, const struct member *m,
                          void *ret)
{
    const char *start = j->p;
    char snippet[SEGS__SNIPPET_BYTES];
    int64_t value;
    int32_t narrow;
    int r = number_text(e, j, m);

    if (r < 0)
        return r;
    r = segs_decimal_parse(start, (size_t)(j->p - start), m->info->scale, SEGS_ROUND_HALF_EVEN,
                           &value, NULL);
    if (r < 0 || (m->info->width == 4 && (value < INT32_MIN || value > INT32_MAX)))
        return refuse(e, SEGS_DECODE_NUMBER, SEGS_EOVERFLOW, start, m->field,
                      "expected a magnitude of at most %s, found %s",
                      m->info->width == 8   ? "9223372036854.775807"
                      : m->info->scale == 6 ? "2147.483647"
                                            : "2147483.647",
                      segs__snippet(snippet, start, (size_t)(j->p - start)));
    if (m->info->width == 8) {
        memcpy(ret, &value, sizeof value);
    } else {
        narrow = (int32_t)value;
        memcpy(ret, &narrow, sizeof narrow);
    }
    return 0;
}

static int decode_seq(struct segs__element *e, struct segs__json *j, const struct member *m,
                      int64_t *ret)
{
    const char *start = j->p;
    char snippet[SEGS__SNIPPET_BYTES];
    int64_t value;
    int r = number_text(e, j, m);

    if (r < 0)
        return r;
    r = segs_decimal_parse(start, (size_t)(j->p - start), 0, SEGS_ROUND_EXACT, &value, NULL);
    if (r < 0 || value < 0 || value > SEGS_SEQ_MAX)
        return refuse(e, SEGS_DECODE_NUMBER, r == SEGS_EOVERFLOW ? SEGS_EOVERFLOW : SEGS_ERANGE,
                      start, m->field, "expected an integer 0..9007199254740992, found %s",
                      segs__snippet(snippet, start, (size_t)(j->p - start)));
    *ret = value;
    return 0;
}

static int decode_value(struct segs__element *e, struct segs__json *j, const struct member *m,
                        struct segs_reading *ret)
{
    void *field = (char *)ret + m->info->offset;
    bool wants_string = m->info->kind != SEGS__DECIMAL && m->info->kind != SEGS__INTEGER;

    if (j->p == j->end || (*j->p == '"') != wants_string ||
        (!wants_string && *j->p != '-' && !segs__is_digit(*j->p)))
        return refuse_type(e, j, m->field, wants_string ? "a string" : "a number");
    switch ((enum segs__kind)m->info->kind) {
    case SEGS__TIME:
        return decode_time(e, j, m, &ret->ts_ms);
    case SEGS__WORD:
        return decode_status(e, j, m, &ret->status);
    case SEGS__DECIMAL:
        return decode_decimal(e, j, m, field);
    case SEGS__INTEGER:
        return decode_seq(e, j, m, &ret->seq);
    case SEGS__ID:
    case SEGS__REGION_TEXT:
        break;
    }
    return decode_id(e, j, m, field);
}

static int refuse_unknown(struct segs__element *e, const char *at, const char *field,
                          const char *name, size_t len)
{
    const char *nearest = segs__member_nearest(name, len);

    if (nearest)
        return refuse(e, SEGS_DECODE_UNKNOWN, SEGS_ENOTSUP, at, field,
                      "expected a member of a reading, found an unknown one; the nearest is \"%s\"",
                      nearest);
    return refuse(e, SEGS_DECODE_UNKNOWN, SEGS_ENOTSUP, at, field,
                  "expected a member of a reading, found an unknown one");
}

/* Name and colon. Returns which member it is, or a negative code. */
static int decode_name(struct segs__element *e, struct segs__json *j, struct member *m,
                       uint32_t *seen)
{
    const char *start;
    char name[SHORT_TEXT_BYTES];
    size_t len;
    size_t raw_len;
    int member;

    if (j->p == j->end || *j->p != '"')
        return refuse_syntax(e, j, NULL, "a member name in quotes");
    start = ++j->p;
    if (segs__json_string(j, name, sizeof name, &len) < 0)
        return refuse_syntax(e, j, NULL, j->expected);
    raw_len = (size_t)(j->p - 1 - start);
    if (raw_len > sizeof m->field - 1)
        raw_len = sizeof m->field - 1;
    memcpy(m->field, start, raw_len);
    m->field[raw_len] = '\0';

    member = segs__member_find(name, len);
    if (member < 0)
        return refuse_unknown(e, start, m->field, name, len);
    if (*seen >> member & 1u)
        return refuse(e, SEGS_DECODE_DUPLICATE, SEGS_ECONFLICT, start, m->field,
                      "expected \"%s\" once, found it again", segs__members[member].name);
    *seen |= 1u << member;

    segs__json_space(j);
    if (j->p == j->end || *j->p != ':')
        return refuse_syntax(e, j, m->field, "':'");
    j->p++;
    segs__json_space(j);
    return member;
}

static int check_required(struct segs__element *e, const char *at, uint32_t seen)
{
    const char *missing = NULL;

    if (!(seen >> SEGS__METER_ID & 1u))
        missing = "meter_id";
    else if (!(seen >> SEGS__TIMESTAMP & 1u))
        missing = "timestamp";
    if (missing)
        return refuse(e, SEGS_DECODE_MISSING, SEGS_ENOTFOUND, at, missing,
                      "expected the member \"%s\", found none", missing);
    if (!(seen & SEGS_HAS_MEASUREMENT))
        return refuse(e, SEGS_DECODE_MISSING, SEGS_ENOTFOUND, at, "power_kw",
                      "expected one of power_kw, energy_kwh, register_kwh, found none");
    return 0;
}

static int decode_members(struct segs__element *e, struct segs__json *j, struct segs_reading *ret,
                          uint32_t *seen)
{
    struct member m;

    for (;;) {
        int r = decode_name(e, j, &m, seen);

        if (r < 0)
            return r;
        m.info = &segs__members[r];
        r = decode_value(e, j, &m, ret);
        if (r < 0)
            return r;
        segs__json_space(j);
        if (j->p < j->end && *j->p == '}') {
            j->p++;
            return 0;
        }
        if (j->p == j->end || *j->p != ',')
            return refuse_syntax(e, j, m.field, "',' or '}'");
        j->p++;
        segs__json_space(j);
    }
}

/* Something that is no object stands where a reading should: a whole value of another type, or no
 * JSON. */
static int refuse_no_object(struct segs__element *e, struct segs__json *j)
{
    const char *at = j->p;

    if (at < j->end && segs__json_value(j, SEGS_JSON_MAX_DEPTH) == 0) {
        j->p = at;
        return refuse_type(e, j, NULL, "an object");
    }
    if (j->p == at)
        return refuse_syntax(e, j, NULL, "an object");
    return refuse_syntax(e, j, NULL, j->expected);
}

int segs__element_decode(struct segs__element *e, struct segs__json *j, struct segs_reading *ret)
{
    const char *start = j->p;
    struct segs_reading reading;
    uint32_t seen = 0;
    int r = 0;

    if (j->p == j->end || *j->p != '{')
        return refuse_no_object(e, j);
    memset(&reading, 0, sizeof reading);
    j->p++;
    segs__json_space(j);
    if (j->p < j->end && *j->p == '}')
        j->p++;
    else
        r = decode_members(e, j, &reading, &seen);
    if (r == 0)
        r = check_required(e, start, seen);
    if (r < 0)
        return r;

    reading.present = seen & SEGS_HAS_ALL;
    *ret = reading;
    e->reason = SEGS_DECODE_OK;
    return 0;
}
