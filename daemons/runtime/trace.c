#include "runtime/trace.h"

#include <stdio.h>
#include <string.h>

#include <segs/error.h>

#include "runtime/clock.h"
#include "runtime/random.h"

#define TRACE_ID_LEN 32
#define SPAN_ID_LEN 16
#define VERSION_00_LEN 55

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* Capitals are not allowed. */
}

static bool is_hex(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (hex_value(text[i]) < 0)
            return false;
    }
    return true;
}

static bool is_zero(const char *text, size_t n)
{
    return strspn(text, "0") >= n;
}

/* version "-" trace-id "-" parent-id "-" flags; a later version may go on with "-" and more. */
int rt_trace_parse(const char *text, struct rt_trace *ret)
{
    size_t len = strlen(text);
    const char *trace_id = text + 3;
    const char *span_id = trace_id + TRACE_ID_LEN + 1;
    const char *flags = span_id + SPAN_ID_LEN + 1;

    if (len < VERSION_00_LEN || !is_hex(text, 2) || memcmp(text, "ff", 2) == 0)
        return SEGS_ESYNTAX;
    if (len > VERSION_00_LEN && (memcmp(text, "00", 2) == 0 || text[VERSION_00_LEN] != '-'))
        return SEGS_ESYNTAX;
    if (text[2] != '-' || span_id[-1] != '-' || flags[-1] != '-')
        return SEGS_ESYNTAX;
    if (!is_hex(trace_id, TRACE_ID_LEN) || !is_hex(span_id, SPAN_ID_LEN) || !is_hex(flags, 2))
        return SEGS_ESYNTAX;
    if (is_zero(trace_id, TRACE_ID_LEN) || is_zero(span_id, SPAN_ID_LEN))
        return SEGS_ESYNTAX;

    memcpy(ret->trace_id, trace_id, TRACE_ID_LEN);
    ret->trace_id[TRACE_ID_LEN] = '\0';
    memcpy(ret->span_id, span_id, SPAN_ID_LEN);
    ret->span_id[SPAN_ID_LEN] = '\0';
    ret->flags = (uint8_t)(hex_value(flags[0]) << 4 | hex_value(flags[1]));
    return 0;
}

/* n random hex digits that are not all zero. */
static int new_id(size_t n, char *to)
{
    char text[RT_RANDOM_TEXT_BYTES];

    do {
        if (rt_random_hex(n / 2, text) < 0)
            return SEGS_EINTERNAL;
    } while (is_zero(text, n));
    memcpy(to, text, n + 1);
    return 0;
}

int rt_trace_child(const struct rt_trace *parent, struct rt_trace *ret)
{
    struct rt_trace child = { .flags = 1 };

    if (parent)
        child = *parent;
    if ((!parent && new_id(TRACE_ID_LEN, child.trace_id) < 0) ||
        new_id(SPAN_ID_LEN, child.span_id) < 0)
        return SEGS_EINTERNAL;
    *ret = child;
    return 0;
}

void rt_trace_format(const struct rt_trace *trace, char buf[RT_TRACEPARENT_BYTES])
{
    (void)snprintf(buf, RT_TRACEPARENT_BYTES, "00-%s-%s-%02x", trace->trace_id, trace->span_id,
                   (unsigned)trace->flags & 1); /* Version 00 defines this bit alone. */
}

bool rt_request_id_is_valid(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = text ? strspn(text, allowed) : 0;

    return len >= 1 && len < RT_REQUEST_ID_BYTES && text[len] == '\0';
}

int rt_request_id(const char *offered, char buf[RT_REQUEST_ID_BYTES])
{
    if (!rt_request_id_is_valid(offered))
        return rt_uuid7(rt_clock_now_ms(NULL), buf);
    memcpy(buf, offered, strlen(offered) + 1);
    return 0;
}
