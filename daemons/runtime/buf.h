/* A growable byte buffer that remembers that it ran out of memory, so that a run of appends is
 * checked once. */
#ifndef RT_BUF_H
#define RT_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rt_buf {
    char *data; /* NUL-terminated once anything was appended. */
    size_t len;
    size_t cap;
    bool failed;
};

#define RT_BUF_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

void rt_buf_append(struct rt_buf *buf, const void *data, size_t len);
void rt_buf_text(struct rt_buf *buf, const char *text);
void rt_buf_printf(struct rt_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *rt_buf_reserve(struct rt_buf *buf,
                     size_t len);      /* Room for len more bytes; NULL when failed. */
void rt_buf_clear(struct rt_buf *buf); /* Keeps the memory. */
void rt_buf_free(struct rt_buf *buf);
int rt_buf_status(const struct rt_buf *buf); /* 0 or SEGS_ENOMEM. */

#endif
