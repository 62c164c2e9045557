#include "api-gateway/query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/time.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool query_refuse(struct rt_http_exchange *x, const char *name, const char *message)
{
    char pointer[64];

    (void)snprintf(pointer, sizeof pointer, "?%s", name);
    rt_http_fault(x, pointer, "invalid", message);
    rt_http_problem(x, 400, "invalid_parameter", "A query parameter is not valid.");
    return false;
}

/* Digits alone: strtoll would also take blanks and signs. */
static bool parse_int(const char *text, int64_t *ret)
{
    size_t len = strlen(text);

    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return false;
    *ret = strtoll(text, NULL, 10);
    return true;
}

bool query_int(struct rt_http_exchange *x, const char *name, int64_t min, int64_t max, int64_t *ret)
{
    const char *text = rt_http_query(x, name);
    char message[96];
    int64_t value = 0;

    if (!text)
        return true;
    if (parse_int(text, &value) && value >= min && value <= max) {
        *ret = value;
        return true;
    }
    (void)snprintf(message, sizeof message, "expected a whole number of %" PRId64 " to %" PRId64,
                   min, max);
    return query_refuse(x, name, message);
}

bool query_time(struct rt_http_exchange *x, const char *name, int64_t *ret_ms)
{
    const char *text = rt_http_query(x, name);

    if (!text || segs_time_parse(text, strlen(text), ret_ms, NULL) == 0)
        return true;
    return query_refuse(x, name, "expected a time such as 2026-01-15T14:30:00Z");
}

bool query_choice(struct rt_http_exchange *x, const char *name, const char *const *choices,
                  int64_t *ret)
{
    const char *text = rt_http_query(x, name);
    char message[160] = "expected one of";

    if (!text)
        return true;
    for (int64_t i = 0; choices[i]; i++) {
        size_t used = strlen(message);

        if (strcmp(choices[i], text) == 0) {
            *ret = i;
            return true;
        }
        (void)snprintf(message + used, sizeof message - used, " %s", choices[i]);
    }
    return query_refuse(x, name, message);
}

/* ---- Cursors ---- */

void query_cursor_write(int64_t kind, int64_t position, int64_t end, char ret[QUERY_CURSOR_BYTES])
{
    char plain[72];
    int len =
        snprintf(plain, sizeof plain, "%" PRId64 ".%" PRId64 ".%" PRId64, kind, position, end);
    size_t n = 0;
    unsigned held = 0;
    unsigned bits = 0;

    for (int i = 0; i < len; i++) {
        held = (held << 8 | (unsigned char)plain[i]) & 0xFFFF;
        for (bits += 8; bits >= 6; bits -= 6)
            ret[n++] = alphabet[held >> (bits - 6) & 63];
    }
    if (bits > 0)
        ret[n++] = alphabet[held << (6 - bits) & 63];
    ret[n] = '\0';
}

static bool decode(const char *text, char plain[QUERY_CURSOR_BYTES])
{
    size_t n = 0;
    unsigned held = 0;
    unsigned bits = 0;

    if (strlen(text) >= QUERY_CURSOR_BYTES)
        return false;
    for (; *text; text++) {
        const char *at = strchr(alphabet, *text);

        if (!at)
            return false;
        held = (held << 6 | (unsigned)(at - alphabet)) & 0xFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            plain[n++] = (char)(held >> bits & 0xFF);
        }
    }
    plain[n] = '\0';
    return true;
}

bool query_cursor_read(const char *text, int64_t *ret_kind, int64_t *ret_position, int64_t *ret_end)
{
    char plain[QUERY_CURSOR_BYTES];
    char again[QUERY_CURSOR_BYTES];
    int64_t values[3];
    char *part = plain;

    if (!decode(text, plain))
        return false;
    for (int i = 0; i < 3; i++) {
        char *dot = strchr(part, '.');

        if ((i < 2) != (dot != NULL))
            return false;
        if (dot)
            *dot = '\0';
        if (!parse_int(part, &values[i]))
            return false;
        part = dot ? dot + 1 : part;
    }
    /* One spelling per cursor: leading zeros and spare bits are refused. */
    query_cursor_write(values[0], values[1], values[2], again);
    if (strcmp(again, text) != 0)
        return false;
    *ret_kind = values[0];
    *ret_position = values[1];
    *ret_end = values[2];
    return true;
}
