#include <segs/reading.h>

/* The layout is part of the ABI and shared with ctypes and NumPy. */
_Static_assert(sizeof(struct segs_reading) == 264, "segs_reading has no padding");
_Static_assert(offsetof(struct segs_reading, meter_id) == 72, "segs_reading keeps its layout");
