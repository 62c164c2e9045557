/* The load model: what a meter would report at an instant. No clock, no I/O, no state: a reading
 * depends on seed, meter, time and mode alone, so any of them can be made again, in any order and
 * on any thread.
 *
 * Thread rule: immutable once built, shared freely. */
#ifndef SIMULATOR_MODEL_H
#define SIMULATOR_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/reading.h>

#define SIM_REGIONS_MAX 64
#define SIM_METERS_MAX INT64_C(99999999) /* Ids have eight digits. */
#define SIM_ID_BYTES 13                  /* "MTR-00000001" and its NUL. */

enum sim_class { SIM_RESIDENTIAL = 0, SIM_COMMERCIAL = 1, SIM_INDUSTRIAL = 2 };
#define SIM_N_CLASSES 3

/* Mixed is resolved to one of the others before it gets here (scenario.h). */
enum sim_mode { SIM_NORMAL = 0, SIM_PEAK = 1, SIM_OUTAGE = 2, SIM_MIXED = 3 };

struct sim_model_options {
    uint64_t seed;
    int64_t n_meters;       /* 1..SIM_METERS_MAX */
    int64_t interval_ms;    /* What the energy of a reading covers. */
    int32_t utc_offset_min; /* Of the local time that people live by. */
    const char *regions;    /* Comma-separated names. */
};

/* What stays the same about a meter. */
struct sim_meter {
    float base_kw;     /* Load at the top of the daily curve, without cooling. */
    float offset_v;    /* Where it hangs on its feeder. */
    float peak_factor; /* 1.5..2.0: what peak mode does to it. */
    uint8_t region;
    uint8_t customer_class; /* enum sim_class */
    uint8_t outage;         /* enum sim_outage */
};
enum sim_outage { SIM_OUT_DEAD = 0, SIM_OUT_SILENT = 1, SIM_OUT_SUPPLIED = 2 };

struct sim_model {
    struct sim_model_options options;
    struct sim_meter *meters;
    size_t n_regions;
    char regions[SIM_REGIONS_MAX][SEGS_ID_BYTES];
    double region_degc[SIM_REGIONS_MAX]; /* Above or below the common temperature. */
};

/* SEGS_ERANGE: reterr says which option, and what is wrong with it. */
int sim_model_new(const struct sim_model_options *options, struct sim_model **ret,
                  struct segs_error *reterr);
void sim_model_free(struct sim_model *model);

/* True: *ret is what meter 0..n_meters-1 reports for ts_ms. False: it says nothing (an outage that
 * took its modem). */
bool sim_model_reading(const struct sim_model *model, enum sim_mode mode, int64_t meter,
                       int64_t ts_ms, struct segs_reading *ret);

/* Expected load of one region in normal mode, without the noise of single readings. */
double sim_model_region_kw(const struct sim_model *model, size_t region, int64_t ts_ms);
/* The capacity with which the evening peak of a normal weekday is 80 % of it. */
double sim_model_region_capacity_kw(const struct sim_model *model, size_t region);

void sim_meter_id(int64_t meter, char buf[SIM_ID_BYTES]);
/* Energy of `power` over `interval_ms`, exact and rounded half to even. */
int64_t sim_energy_micro_kwh(int64_t power_micro_kw, int64_t interval_ms);

/* Counter-based randomness: the same arguments give the same 64 bits everywhere. */
uint64_t sim_hash(uint64_t seed, uint64_t a, uint64_t b, uint64_t channel);
/* Uniform in [0, 1). */
double sim_uniform(uint64_t hash);

#endif
