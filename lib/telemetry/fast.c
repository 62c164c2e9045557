#include <string.h>

#include "telemetry/telemetry_internal.h"

void segs__fast_init(struct segs__fast *f, bool allow_lf)
{
    memset(f, 0, sizeof *f);
    /* A step that nothing was learned for matches one byte that no value starts with, so that
     * comparing needs no question whether there is something to compare. */
    for (size_t i = 0; i < SEGS__FAST_STEPS; i++) {
        f->steps[i].literal[0] = '\x01';
        f->steps[i].mask = 1;
        f->steps[i].member = SEGS__TIMESTAMP;
    }
    f->allow_lf = allow_lf;
    /* A true date from the start: zeros would make bytes of zero a date. */
    memcpy(f->date, "1970-01-01T", 11);
    f->date_ms = 0;
}

segs__fast_fn *segs__fast_get(int level)
{
    switch (level) {
    case SEGS__FAST_PORTABLE:
        return segs__fast_portable;
    case SEGS__FAST_SSE2:
        return segs__fast_sse2();
    case SEGS__FAST_AVX2:
        return segs__fast_avx2();
    default:
        return NULL;
    }
}

segs__fast_fn *segs__fast_best(void)
{
    segs__fast_fn *fast = segs__fast_avx2();

    if (!fast)
        fast = segs__fast_sse2();
    return fast ? fast : segs__fast_portable;
}
