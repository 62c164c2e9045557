/* Text helpers shared by JSON, logs, metrics and configuration. Pure functions. */
#ifndef RT_TEXT_H
#define RT_TEXT_H

#include <stddef.h>

#include "buf.h"

/* Bytes of the well-formed UTF-8 character at `text` (RFC 3629: shortest form, no surrogates), 0
 * when there is none within `len` bytes. */
size_t rt_text_utf8(const char *text, size_t len);

/* Append the inside of a JSON string: quotes, backslashes and control characters escaped, each
 * byte that is not UTF-8 replaced by U+FFFD. DEL and the C1 controls are escaped as well, because
 * terminals act on them. */
void rt_text_escape(struct rt_buf *buf, const char *text, size_t len);

/* The shortest decimal text that reads back as the same double; "NaN", "+Inf", "-Inf" for the
 * rest. */
#define RT_TEXT_DOUBLE_BYTES 32
void rt_text_double(double value, char buf[RT_TEXT_DOUBLE_BYTES]);

/* The closest of some names to a misspelt one, fed one at a time. Start from zero; `best` stays
 * NULL when nothing is near enough to be what was meant (a third of the letters may differ). Case
 * does not count. */
struct rt_text_nearest {
    const char *best;
    size_t distance;
};
void rt_text_nearest(struct rt_text_nearest *nearest, const char *wanted, const char *candidate);

#endif
