/* Ingestion: readings over HTTP into the log. 2xx only once the log has them durably. See docs/architecture.md. */
#ifndef INGESTION_SERVICE_H
#define INGESTION_SERVICE_H

#include "runtime/service.h"

extern const struct rt_service segs_ingestion_service;

#endif
