/* Read by clang-tidy before each file of lib/: tells the analyzer what it cannot see across files, that
 * segs__fail returns the code it is given. Without it, every `if (r < 0) return r;` after a failing
 * callee looks as if it might go on with unset outputs. */
#include "../../lib/base/base_internal.h"

#define segs__fail(reterr, code, ...) ((void)(segs__fail)(reterr, code, __VA_ARGS__), (code))
