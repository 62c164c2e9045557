#include "runtime/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <segs/error.h>

char *rt_buf_reserve(struct rt_buf *buf, size_t len)
{
    size_t cap = buf->cap ? buf->cap : 256;
    char *data;

    if (buf->failed || len > SIZE_MAX / 2 - buf->len - 1) {
        buf->failed = true;
        return NULL;
    }
    while (cap < buf->len + len + 1)
        cap *= 2;
    if (cap != buf->cap) {
        data = realloc(buf->data, cap);
        if (!data) {
            buf->failed = true;
            return NULL;
        }
        buf->data = data;
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void rt_buf_append(struct rt_buf *buf, const void *data, size_t len)
{
    char *to = rt_buf_reserve(buf, len);

    if (!to)
        return;
    if (len)
        memcpy(to, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void rt_buf_text(struct rt_buf *buf, const char *text)
{
    rt_buf_append(buf, text, strlen(text));
}

void rt_buf_printf(struct rt_buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        buf->failed = true;
    else if (rt_buf_reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void rt_buf_clear(struct rt_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

void rt_buf_free(struct rt_buf *buf)
{
    free(buf->data);
    *buf = (struct rt_buf)RT_BUF_INIT;
}

int rt_buf_status(const struct rt_buf *buf)
{
    return buf->failed ? SEGS_ENOMEM : 0;
}
