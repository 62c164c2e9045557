#include <segs/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base_internal.h"

static const struct {
    int code;
    const char *name;
    const char *text;
} codes[] = {
    { 0, "SEGS_OK", "success" },
    { SEGS_EINVAL, "SEGS_EINVAL", "invalid argument" },
    { SEGS_ENOMEM, "SEGS_ENOMEM", "out of memory" },
    { SEGS_ERANGE, "SEGS_ERANGE", "value out of range" },
    { SEGS_ESYNTAX, "SEGS_ESYNTAX", "malformed text" },
    { SEGS_EFULL, "SEGS_EFULL", "limit reached" },
    { SEGS_ENOTSUP, "SEGS_ENOTSUP", "not supported" },
    { SEGS_EOVERFLOW, "SEGS_EOVERFLOW", "result too large" },
    { SEGS_ENOTFOUND, "SEGS_ENOTFOUND", "not found" },
    { SEGS_ECONFLICT, "SEGS_ECONFLICT", "conflict" },
    { SEGS_ENOSPC, "SEGS_ENOSPC", "buffer too small" },
    { SEGS_EINCOMPLETE, "SEGS_EINCOMPLETE", "input ends too early" },
    { SEGS_EDENIED, "SEGS_EDENIED", "denied" },
    { SEGS_EEXPIRED, "SEGS_EEXPIRED", "expired" },
    { SEGS_EINTERNAL, "SEGS_EINTERNAL", "internal failure" },
};

const char *segs_strerror(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == code)
            return codes[i].text;
    }
    return "unknown error";
}

const char *segs_error_name(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == code)
            return codes[i].name;
    }
    return "SEGS_E?";
}

/* Drops the torn UTF-8 sequence that cutting at a byte limit may have left at the end. */
static void trim_torn_utf8(char *text)
{
    size_t len = strlen(text);
    size_t start = len;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0u) == 0x80u && len - start < 3)
        start--;
    if (start == 0)
        return;

    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xF0u ? 4 : lead >= 0xE0u ? 3 : lead >= 0xC0u ? 2 : 1;

    if (want > 1 && len - (start - 1) < want)
        text[start - 1] = '\0';
}

static void copy_text(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src);

    if (len >= size)
        len = size - 1;
    memcpy(dst, src, len);
    dst[len] = '\0';
    trim_torn_utf8(dst);
}

int segs__fail(struct segs_error *reterr, int code, const char *field, int64_t offset,
               const char *format, ...)
{
    va_list args;

    if (!reterr)
        return code;

    memset(reterr, 0, sizeof *reterr);
    reterr->code = code;
    reterr->offset = offset;
    reterr->index = -1;
    copy_text(reterr->field, sizeof reterr->field, field ? field : "");

    va_start(args, format);
    (void)vsnprintf(reterr->message, sizeof reterr->message, format, args);
    va_end(args);
    trim_torn_utf8(reterr->message);
    return code;
}
