#include <segs/reading.h>
