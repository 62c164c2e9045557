#include <stdio.h>

#include "base/base_internal.h"

const char *segs__found(char buf[SEGS__FOUND_BYTES], const char *text, size_t len, size_t pos)
{
    if (pos >= len) {
        (void)snprintf(buf, SEGS__FOUND_BYTES, "end of text");
    } else if (text[pos] > ' ' && text[pos] <= '~') {
        (void)snprintf(buf, SEGS__FOUND_BYTES, "'%c'", text[pos]);
    } else {
        (void)snprintf(buf, SEGS__FOUND_BYTES, "byte 0x%02x", (unsigned)(unsigned char)text[pos]);
    }
    return buf;
}
