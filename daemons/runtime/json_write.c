#include "runtime/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include <segs/fixed.h>
#include <segs/time.h>

#include "runtime/text.h"

void rt_json_begin(struct rt_json_out *out, struct rt_buf *buf)
{
    out->buf = buf;
    out->depth = 0;
    out->need_comma = false;
}

/* What stands before a value: the comma and, inside an object, the name. */
static void lead(struct rt_json_out *out, const char *name)
{
    if (out->need_comma)
        rt_buf_append(out->buf, ",", 1);
    if (name) {
        rt_buf_append(out->buf, "\"", 1);
        rt_text_escape(out->buf, name, strlen(name));
        rt_buf_append(out->buf, "\":", 2);
    }
    out->need_comma = true;
}

static void open_with(struct rt_json_out *out, const char *name, const char *bracket)
{
    lead(out, name);
    rt_buf_append(out->buf, bracket, 1);
    out->depth++;
    out->need_comma = false;
}

static void close_with(struct rt_json_out *out, const char *bracket)
{
    assert(out->depth > 0);
    rt_buf_append(out->buf, bracket, 1);
    out->depth--;
    out->need_comma = true;
}

void rt_json_object(struct rt_json_out *out, const char *name)
{
    open_with(out, name, "{");
}

void rt_json_end_object(struct rt_json_out *out)
{
    close_with(out, "}");
}

void rt_json_array(struct rt_json_out *out, const char *name)
{
    open_with(out, name, "[");
}

void rt_json_end_array(struct rt_json_out *out)
{
    close_with(out, "]");
}

void rt_json_put_string(struct rt_json_out *out, const char *name, const char *value)
{
    if (value)
        rt_json_put_string_n(out, name, value, strlen(value));
    else
        rt_json_put_null(out, name);
}

void rt_json_put_string_n(struct rt_json_out *out, const char *name, const char *value, size_t len)
{
    lead(out, name);
    rt_buf_append(out->buf, "\"", 1);
    rt_text_escape(out->buf, value, len);
    rt_buf_append(out->buf, "\"", 1);
}

void rt_json_put_int(struct rt_json_out *out, const char *name, int64_t value)
{
    rt_json_put_fixed(out, name, value, 0);
}

void rt_json_put_fixed(struct rt_json_out *out, const char *name, int64_t value,
                       unsigned scale_digits)
{
    char text[SEGS_DECIMAL_BYTES];
    int len = segs_decimal_format(value, scale_digits, 0, text, sizeof text);

    assert(len > 0);
    if (len > 0)
        rt_json_put_raw(out, name, text, (size_t)len);
    else
        rt_json_put_null(out, name);
}

void rt_json_put_double(struct rt_json_out *out, const char *name, double value)
{
    char text[RT_TEXT_DOUBLE_BYTES];

    if (!isfinite(value)) {
        rt_json_put_null(out, name);
        return;
    }
    rt_text_double(value, text);
    rt_json_put_raw(out, name, text, strlen(text));
}

void rt_json_put_bool(struct rt_json_out *out, const char *name, bool value)
{
    rt_json_put_raw(out, name, value ? "true" : "false", value ? 4 : 5);
}

void rt_json_put_null(struct rt_json_out *out, const char *name)
{
    rt_json_put_raw(out, name, "null", 4);
}

void rt_json_put_time(struct rt_json_out *out, const char *name, int64_t ts_ms)
{
    char text[SEGS_TIME_BYTES];
    int len = segs_time_format(ts_ms, text, sizeof text);

    if (len > 0)
        rt_json_put_string_n(out, name, text, (size_t)len);
    else
        rt_json_put_null(out, name);
}

void rt_json_put_raw(struct rt_json_out *out, const char *name, const char *json, size_t len)
{
    lead(out, name);
    rt_buf_append(out->buf, json, len);
}
