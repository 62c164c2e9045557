/* Shared by the files of fixed.h. */
#ifndef SEGS_FIXED_INTERNAL_H
#define SEGS_FIXED_INTERNAL_H

#include <segs/fixed.h>

#include "base/base_internal.h"

/* What was cut off behind a magnitude, compared with half a unit of its last place. */
enum segs__cut {
    SEGS__CUT_NOTHING,
    SEGS__CUT_BELOW_HALF,
    SEGS__CUT_HALF,
    SEGS__CUT_ABOVE_HALF,
};

bool segs__is_rounding(int rounding);
uint64_t segs__power_of_ten(unsigned digits); /* digits 0..19 */

/* Round `magnitude`, behind which `cut` was dropped, and give it its sign. SEGS_ERANGE when exact
 * was asked for and something was cut, SEGS_EOVERFLOW when it does not fit. */
int segs__round_magnitude(segs__u128 magnitude, enum segs__cut cut, bool negative, int rounding,
                          int64_t *ret);

#endif
