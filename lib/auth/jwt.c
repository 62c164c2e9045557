#include <segs/error.h>
