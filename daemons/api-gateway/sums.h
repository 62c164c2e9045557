/* Totals of many windows of one meter, exact: sums of integers, averages divided once. */
#ifndef API_GATEWAY_SUMS_H
#define API_GATEWAY_SUMS_H

#include "api-gateway/series.h"
#include "runtime/json.h"

struct sums {
    int64_t count;
    int64_t power_count;
    int64_t power_sum_micro_kw;
    int64_t power_min_micro_kw;
    int64_t power_max_micro_kw;
    int64_t energy_count;
    int64_t energy_sum_micro_kwh;
    int64_t demand_micro_kw; /* Largest average of a quarter of an hour. */
    int64_t n_demand;        /* Quarters with power. */
    uint32_t quality;
    uint32_t reserved;
};

int sums_add_quarter(struct sums *sums, const struct segs_rollup_row *row);
int sums_add_minute(struct sums *sums, const struct segs_window_row *row);

/* Add everything of the meter in [from_ms, to_ms): its closed quarters, and the minutes behind the last closed one. */
int sums_of_range(struct rt_db_conn *conn, const struct meter *meter, int64_t from_ms,
                  int64_t to_ms, struct sums *ret, struct segs_error *reterr);

/* End of the last closed quarter of the meter's partition; 0 when none is. */
int sums_closed_ms(struct rt_db_conn *conn, const struct meter *meter, int64_t *ret_ms,
                   struct segs_error *reterr);

/* Readings that a range should have: only what has passed counts. */
int64_t sums_expected(const struct meter *meter, int64_t from_ms, int64_t to_ms, int64_t now_ms);
/* count / expected in millionths, at most 1000000; 0 when nothing is expected. */
int64_t sums_completeness(const struct sums *sums, int64_t expected);

/* null unless `there`. */
void sums_put(struct rt_json_out *out, const char *name, bool there, int64_t value);
int64_t sums_average_power(const struct sums *sums); /* 0 without power. */

#endif
