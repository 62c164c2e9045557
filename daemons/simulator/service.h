/* The simulator: meters that report to the intake, and books of what became of each reading. See
 * docs/architecture.md. */
#ifndef SIMULATOR_SERVICE_H
#define SIMULATOR_SERVICE_H

#include "runtime/service.h"

/* Speaks HTTP, so it needs no ports and runs beside `segs dev`; with TARGET=bus it takes the bus of
 * its process, or opens one of its own when there is none. With ITERATIONS it asks a process of its
 * own to stop when all is delivered; in `segs dev` it falls silent. List it before the services it
 * feeds: they are then still working when it drains. */
extern const struct rt_service segs_simulator_service;

/* What the process should end with after it ran: 0, or 3 when a run with ITERATIONS ended without
 * every generated reading accepted, or any run for want of memory. */
#define SIMULATOR_EXIT_INCOMPLETE 3
int simulator_exit_status(void);

/* "Name=kW,..." for REGION_CAPACITIES: with these a normal weekday of the configured meters goes
 * through all load bands up to 80 %, and peak mode exceeds 100 %. Appended to ret; what the
 * configuration cannot give (a malformed REGIONS) adds nothing. */
void simulator_region_capacities(const struct rt_config *config, struct rt_buf *ret);

#endif
