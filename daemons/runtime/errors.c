#include "runtime/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *rt_strerror(int code)
{
    switch (code) {
    case RT_EUNAVAILABLE:
        return "unavailable";
    case RT_ETIMEOUT:
        return "deadline passed";
    case RT_EBUSY:
        return "busy";
    case RT_EFENCED:
        return "another owner has taken over";
    case RT_EAMBIGUOUS:
        return "outcome unknown";
    case RT_ESTORAGE:
        return "no space or failing storage";
    case RT_ESTOPPING:
        return "shutting down";
    default:
        return segs_strerror(code);
    }
}

int rt_fail(struct segs_error *reterr, int code, const char *field, const char *format, ...)
{
    va_list args;

    if (!reterr)
        return code;
    memset(reterr, 0, sizeof *reterr);
    reterr->code = code;
    reterr->offset = -1;
    reterr->index = -1;
    (void)snprintf(reterr->field, sizeof reterr->field, "%s", field ? field : "");
    va_start(args, format);
    (void)vsnprintf(reterr->message, sizeof reterr->message, format, args);
    va_end(args);
    return code;
}
