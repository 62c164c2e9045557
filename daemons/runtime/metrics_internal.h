/* Between metrics.c and metrics_process.c. */
#ifndef RT_METRICS_INTERNAL_H
#define RT_METRICS_INTERNAL_H

#include "buf.h"

/* Append process_* as the kernel tells them; what it does not tell is left out. */
void rt_metrics_append_process(struct rt_buf *out);

#endif
