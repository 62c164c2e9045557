#include "runtime/clock.h"

#include <errno.h>
#include <time.h>

int64_t rt_clock_now_ms(const struct rt_clock *clock)
{
    struct timespec ts;

    if (clock && clock->now_ms)
        return clock->now_ms(clock->user);
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t rt_monotonic_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t rt_monotonic_ms(void)
{
    return rt_monotonic_us() / 1000;
}

void rt_sleep_ms(int64_t ms)
{
    struct timespec ts = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

    while (nanosleep(&ts, &ts) != 0 && errno == EINTR) {
    }
}
