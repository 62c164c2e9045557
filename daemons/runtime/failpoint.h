/* Fail points: places where a test build can stop, fail or delay the process on purpose, chosen by
 * the environment: SEGS_FAILPOINTS="checkpoint.after_fence:kill@3,bus.commit:error". Compiled out
 * unless SEGS_FAILPOINTS is on. Actions: kill (SIGKILL), error (the visit returns true), sleep=MS,
 * enospc (returns true); @N: at the N-th visit alone, otherwise at every one. Thread-safe. */
#ifndef RT_FAILPOINT_H
#define RT_FAILPOINT_H

#include <stdbool.h>

#ifdef SEGS_FAILPOINTS
bool rt_failpoint(const char *name);
#else
#define rt_failpoint(name) (false)
#endif

#endif
