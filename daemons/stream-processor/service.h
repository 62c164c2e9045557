/* The stream processor: readings from the log into closed windows. See docs/architecture.md. */
#ifndef STREAM_SERVICE_H
#define STREAM_SERVICE_H

#include "runtime/service.h"

extern const struct rt_service segs_stream_processor_service;

#endif
