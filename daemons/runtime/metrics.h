/* Prometheus metrics: a registry of families, rendered in text format 0.0.4. Names follow the
 * Prometheus conventions (base units, _total, help text) and pass `promtool check metrics`. Label
 * values come from fixed small sets: never a meter id, a raw path or anything a client chooses.
 * Updates are lock-free; lookups of a labelled child take a lock, so look it up once and keep the
 * pointer (valid for the life of the registry). Thread-safe. */
#ifndef RT_METRICS_H
#define RT_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct rt_metrics;
struct rt_counter;
struct rt_gauge;
struct rt_histogram;

struct rt_metrics *rt_metrics_new(void);
void rt_metrics_free(struct rt_metrics *metrics);

/* Find or create. The help text and the bounds (ascending, without +Inf) of the first call count;
 * name, help and bounds are copied. Another kind or other label names under the same name are a
 * bug and assert. `labels` is NULL or alternating name, value, ..., NULL. Never NULL on success;
 * on exhaustion of memory or of the family's limit of children (2000) they return a shared sink
 * child that is rendered as `overflow="true"`. */
struct rt_counter *rt_counter(struct rt_metrics *m, const char *name, const char *help,
                              const char *const *labels);
struct rt_gauge *rt_gauge(struct rt_metrics *m, const char *name, const char *help,
                          const char *const *labels);
struct rt_histogram *rt_histogram(struct rt_metrics *m, const char *name, const char *help,
                                  const char *const *labels, const double *upper_bounds,
                                  size_t n_bounds);
#define RT_LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

void rt_counter_add(struct rt_counter *counter, uint64_t n);
uint64_t rt_counter_value(const struct rt_counter *counter);
void rt_gauge_set(struct rt_gauge *gauge, double value);
double rt_gauge_value(const struct rt_gauge *gauge);
void rt_histogram_observe(struct rt_histogram *histogram, double value); /* NaN is not counted. */
uint64_t rt_histogram_count(const struct rt_histogram *histogram);

/* Called at each render, for values that live elsewhere (queue depth, lag). */
typedef void(rt_metrics_collect_fn)(struct rt_metrics *metrics, void *user);
int rt_metrics_on_render(struct rt_metrics *metrics, rt_metrics_collect_fn *fn, void *user);
/* Before `user` goes away: when this returns, fn is not running and will not be called with it.
 * Not from within fn. */
void rt_metrics_off_render(struct rt_metrics *metrics, rt_metrics_collect_fn *fn, void *user);

/* Append every family, then process_* and segs_build_info{version}, as
 * "text/plain; version=0.0.4; charset=utf-8". 0 or SEGS_ENOMEM. */
struct rt_buf;
#define RT_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
int rt_metrics_render(struct rt_metrics *metrics, struct rt_buf *out);

#endif
