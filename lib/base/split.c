#include <segs/fixed.h>

#include "base/base_internal.h"

static int fail_at_weight(struct segs_error *reterr, int code, size_t i, const char *message)
{
    (void)segs__fail(reterr, code, "weights", -1, "%s", message);
    if (reterr)
        reterr->index = (int64_t)i;
    return code;
}

static int sum_weights(const int64_t *weights, size_t n, uint64_t *ret, struct segs_error *reterr)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (weights[i] < 0)
            return fail_at_weight(reterr, SEGS_ERANGE, i, "expected no negative weight");
        sum += (uint64_t)weights[i];
        if (sum > INT64_MAX)
            return fail_at_weight(reterr, SEGS_EOVERFLOW, i, "sum of weights too large");
    }
    if (sum == 0)
        return segs__fail(reterr, SEGS_ERANGE, "weights", -1, "expected a weight above zero");
    *ret = sum;
    return 0;
}

static uint64_t count_above(const int64_t *remainders, size_t n, int64_t threshold)
{
    uint64_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += remainders[i] > threshold;
    return count;
}

/* The smallest threshold that at most `n_units` remainders lie above: a binary search over values
 * instead of a sort, which would need memory. */
static int64_t threshold_for(const int64_t *remainders, size_t n, uint64_t n_units, int64_t high)
{
    int64_t low = 0;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (count_above(remainders, n, middle) <= n_units)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int segs_split_largest_remainder(int64_t total, const int64_t *weights, size_t n, int64_t *shares,
                                 struct segs_error *reterr)
{
    uint64_t magnitude = total < 0 ? 0 - (uint64_t)total : (uint64_t)total;
    uint64_t n_units = magnitude;
    uint64_t n_ties;
    int64_t threshold;
    uint64_t sum = 0;
    int r;

    if (!weights || !shares || n == 0)
        return segs__fail(reterr, SEGS_EINVAL, NULL, -1, "no weights or no room for shares");
    r = sum_weights(weights, n, &sum, reterr);
    if (r < 0)
        return r;

    /* shares[] first holds the remainders, which are below the sum and so fit. */
    for (size_t i = 0; i < n; i++) {
        segs__u128 product = (segs__u128)magnitude * (uint64_t)weights[i];

        shares[i] = (int64_t)(product % sum);
        n_units -= (uint64_t)(product / sum);
    }
    threshold = threshold_for(shares, n, n_units, (int64_t)sum);
    n_ties = n_units - count_above(shares, n, threshold);

    for (size_t i = 0; i < n; i++) {
        uint64_t share = (uint64_t)((segs__u128)magnitude * (uint64_t)weights[i] / sum);

        if (shares[i] > threshold) {
            share++;
        } else if (shares[i] == threshold && n_ties > 0) {
            share++;
            n_ties--;
        }
        shares[i] = (int64_t)(total < 0 ? 0 - share : share);
    }
    return 0;
}
