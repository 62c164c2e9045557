/* Any bytes as a date-time: what is accepted formats to a text that reads as the same instant. */
#include <segs/time.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct segs_error err;
    char buf[SEGS_TIME_BYTES];
    int64_t ts_ms;
    int64_t again;
    int32_t day;
    int32_t same_day;

    if (segs_time_parse(text, size, &ts_ms, &err) == 0) {
        if (segs_time_format(ts_ms, buf, sizeof buf) != SEGS_TIME_BYTES - 1 ||
            segs_time_parse(buf, SEGS_TIME_BYTES - 1, &again, &err) != 0 || again != ts_ms)
            abort();
    } else if (err.offset < 0 || (uint64_t)err.offset > size || err.message[0] == '\0') {
        abort();
    }

    if (segs_date_parse(text, size, &day, &err) == 0) {
        if (segs_date_format(day, buf, sizeof buf) != SEGS_DATE_BYTES - 1 ||
            segs_date_parse(buf, SEGS_DATE_BYTES - 1, &same_day, &err) != 0 || same_day != day)
            abort();
    }
    return 0;
}
