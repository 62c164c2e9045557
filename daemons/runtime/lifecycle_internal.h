/* Shared by lifecycle*.c and main.c. */
#ifndef RT_LIFECYCLE_INTERNAL_H
#define RT_LIFECYCLE_INTERNAL_H

#include <stdbool.h>

#include "service.h"

/* rt_app_open; without ports only metrics and clock are there. */
int rt_app_open_ports(const struct rt_config *config, const char *data_dir, bool dev,
                      bool with_ports, struct rt_app *ret, struct segs_error *reterr);

/* ---- lifecycle_signal.c ---- */

/* From here on SIGTERM and SIGINT ask to stop, the second one ends the process, and SIGPIPE is
 * ignored. */
int rt_signals_take(struct segs_error *reterr);
void rt_signals_give_back(void);
void rt_signals_wait(void); /* Until somebody asks to stop. */
bool rt_signals_stop_asked(void);

/* ---- lifecycle_watch.c: ends a process whose shutdown hangs ---- */

struct rt_watch;

/* NULL when there is no thread to be had; then nobody watches. */
struct rt_watch *rt_watch_start(int64_t timeout_ms);
/* What is being waited for, for the message. `phase` is a constant, `service` outlives the watch.
 */
void rt_watch_phase(struct rt_watch *watch, const char *phase, const char *service);
void rt_watch_end(struct rt_watch *watch);

#endif
