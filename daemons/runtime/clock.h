/* Time of the process, injectable so that replays and tests choose it. Thread-safe. */
#ifndef RT_CLOCK_H
#define RT_CLOCK_H

#include <stdint.h>

struct rt_clock {
    int64_t (*now_ms)(void *user); /* UTC milliseconds. NULL: the system's clock. */
    void *user;
};

int64_t
rt_clock_now_ms(const struct rt_clock *clock); /* `clock` may be NULL: the system's clock. */
int64_t rt_monotonic_ms(void);                 /* For deadlines and durations; never steps. */
int64_t rt_monotonic_us(void);
void rt_sleep_ms(int64_t ms);

#endif
