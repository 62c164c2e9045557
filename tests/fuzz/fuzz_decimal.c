/* Any bytes as a decimal number: the first byte chooses scale and rounding. What is accepted formats
 * to a text that reads exactly as the same number, and the modes enclose each other. */
#include <segs/fixed.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(int64_t value, unsigned scale)
{
    char buf[SEGS_DECIMAL_BYTES];
    int64_t again;
    int len = segs_decimal_format(value, scale, 0, buf, sizeof buf);

    if (len <= 0 ||
        segs_decimal_parse(buf, (size_t)len, scale, SEGS_ROUND_EXACT, &again, NULL) != 0 ||
        again != value)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segs_error err;
    int64_t value;
    int64_t low;
    int64_t high;
    const char *text;
    unsigned scale;
    int rounding;

    if (size == 0)
        return 0;
    text = (const char *)data + 1;
    size--;
    scale = data[0] % (SEGS_SCALE_MAX + 1);
    rounding = 1 + data[0] / 32 % 6;

    if (segs_decimal_parse(text, size, scale, rounding, &value, &err) < 0) {
        if (err.message[0] == '\0' || err.offset < 0 || (uint64_t)err.offset > size)
            abort();
        return 0;
    }
    check_round_trip(value, scale);
    if (segs_decimal_parse(text, size, scale, SEGS_ROUND_FLOOR, &low, NULL) == 0 && low > value)
        abort();
    if (segs_decimal_parse(text, size, scale, SEGS_ROUND_CEILING, &high, NULL) == 0 && high < value)
        abort();
    return 0;
}
