/* Read by clang-tidy before each file of daemons/: as lib.h, for rt_fail. */
#include "../../daemons/runtime/errors.h"

#define rt_fail(reterr, code, ...) ((void)(rt_fail)(reterr, code, __VA_ARGS__), (code))
