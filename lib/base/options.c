#include <string.h>

#include "base/base_internal.h"

int segs__options_copy(void *dst, size_t dst_size, const void *src)
{
    const unsigned char *bytes = src;
    size_t src_size;

    if (!src) {
        memset(dst, 0, dst_size);
        return 0;
    }

    memcpy(&src_size, src, sizeof src_size);
    if (src_size < sizeof src_size || src_size > SEGS__OPTIONS_MAX_BYTES)
        return SEGS_EINVAL;
    for (size_t i = dst_size; i < src_size; i++) {
        if (bytes[i] != 0)
            return SEGS_ENOTSUP;
    }

    memset(dst, 0, dst_size);
    memcpy(dst, src, src_size < dst_size ? src_size : dst_size);
    return 0;
}
