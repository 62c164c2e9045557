#include "simulator/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <segs/time.h>

#include "runtime/errors.h"

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)
#define PI 3.14159265358979323846

/* Channels of sim_hash, one per thing that is drawn. Faults have theirs from 100 on. */
enum {
    DRAW_CLASS = 1,
    DRAW_BASE,
    DRAW_OFFSET_V,
    DRAW_PEAK,
    DRAW_OUTAGE,
    DRAW_REGION_DEGC,
    DRAW_FREQUENCY,
    DRAW_READING
};

/* Share of the base load by local hour; in between, a straight line. The shapes follow the usual
 * load curves: homes peak in the evening, shops and offices by day, industry by shift. They are
 * scaled so that a region's night is below a quarter of its capacity (DAILY_PEAK_RATIO). */
struct curve {
    double weekday[24];
    double weekend[24];
    double base_kw;
    double cooling_per_degc; /* Above COMFORT_DEGC. */
    double power_factor;
};

static const struct curve curves[SIM_N_CLASSES] = {
    [SIM_RESIDENTIAL] = { { .22, .18, .15, .14, .15, .22, .40, .52, .48, .40, .38, .40,
                            .44, .46, .44, .44, .50, .62, .82, .96, 1.0, .88, .62, .36 },
                          { .26, .20, .16, .15, .15, .18, .28, .44, .58, .62, .60, .62,
                            .66, .66, .62, .58, .60, .70, .86, .97, 1.0, .90, .68, .42 },
                          2.4,
                          .030,
                          .950 },
    [SIM_COMMERCIAL] = { { .14, .12, .12, .12, .12, .14, .20, .38, .66, .88, .96, 1.0,
                           .98, .96, 1.0, .98, .94, .86, .72, .58, .44, .30, .20, .16 },
                         { .12, .11, .11, .11, .11, .11, .12, .16, .26, .40, .48, .52,
                           .52, .50, .50, .48, .46, .44, .40, .34, .28, .20, .14, .12 },
                         3.0,
                         .025,
                         .920 },
    [SIM_INDUSTRIAL] = { { .34, .32, .30, .30, .32, .40, .62, .86, .96, 1.0, 1.0, .98,
                           .90, .96, 1.0, .98, .92, .80, .64, .56, .52, .48, .42, .38 },
                         { .28, .27, .26, .26, .26, .27, .30, .34, .38, .40, .40, .40,
                           .38, .38, .38, .37, .36, .34, .33, .32, .31, .30, .29, .28 },
                         6.0,
                         .008,
                         .880 },
};

#define MEAN_DEGC 27.0
#define SWING_DEGC 6.0 /* Warmest at 15:00 local, coldest at 03:00. */
#define WARMEST_HOUR 15.0
#define COMFORT_DEGC 24.0
#define DAILY_PEAK_RATIO 0.8

/* ---- Randomness ---- */

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

uint64_t sim_hash(uint64_t seed, uint64_t a, uint64_t b, uint64_t channel)
{
    const uint64_t gamma = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t h = mix(seed + gamma);

    h = mix((h ^ a) + gamma);
    h = mix((h ^ b) + gamma);
    return mix((h ^ channel) + gamma);
}

double sim_uniform(uint64_t hash)
{
    return (double)(hash >> 11) * 0x1p-53;
}

/* The n-th of several draws that come out of one hash. */
static double draw(uint64_t hash, uint64_t n)
{
    return sim_uniform(mix(hash + n * UINT64_C(0x9E3779B97F4A7C15)));
}

/* ---- Building ---- */

static int add_region(struct sim_model *model, const char *name, size_t len,
                      struct segs_error *reterr)
{
    while (len > 0 && *name == ' ') {
        name++;
        len--;
    }
    while (len > 0 && name[len - 1] == ' ')
        len--;
    if (model->n_regions == SIM_REGIONS_MAX)
        return rt_fail(reterr, SEGS_ERANGE, "REGIONS", "expected at most %d regions",
                       SIM_REGIONS_MAX);
    if (segs_region_check(name, len, NULL) < 0)
        return rt_fail(reterr, SEGS_ERANGE, "REGIONS", "not the name of a region: \"%.*s\"",
                       (int)len, name);
    for (size_t i = 0; i < model->n_regions; i++) {
        if (strlen(model->regions[i]) == len && memcmp(model->regions[i], name, len) == 0)
            return rt_fail(reterr, SEGS_ERANGE, "REGIONS", "named twice: \"%.*s\"", (int)len, name);
    }
    memcpy(model->regions[model->n_regions++], name, len);
    return 0;
}

static int add_regions(struct sim_model *model, const char *list, struct segs_error *reterr)
{
    int r;

    do {
        size_t len = strcspn(list, ",");

        r = add_region(model, list, len, reterr);
        list += len;
    } while (r == 0 && *list++ == ',');
    for (size_t i = 0; i < model->n_regions; i++) {
        uint64_t h = sim_hash(model->options.seed, i, 0, DRAW_REGION_DEGC);

        model->region_degc[i] = 4.0 * sim_uniform(h) - 2.0;
    }
    return r;
}

static enum sim_class class_of(double u)
{
    return u < 0.70 ? SIM_RESIDENTIAL : u < 0.92 ? SIM_COMMERCIAL : SIM_INDUSTRIAL;
}

static enum sim_outage outage_of(double u)
{
    return u < 0.70 ? SIM_OUT_DEAD : u < 0.80 ? SIM_OUT_SILENT : SIM_OUT_SUPPLIED;
}

static void make_meter(const struct sim_model *model, uint64_t i, struct sim_meter *ret)
{
    uint64_t seed = model->options.seed;
    enum sim_class c = class_of(sim_uniform(sim_hash(seed, i, 0, DRAW_CLASS)));
    double size = 0.5 + sim_uniform(sim_hash(seed, i, 0, DRAW_BASE)); /* Mean 1. */

    ret->customer_class = (uint8_t)c;
    ret->region = (uint8_t)(i % model->n_regions);
    ret->base_kw = (float)(curves[c].base_kw * size);
    ret->offset_v = (float)(6.0 * sim_uniform(sim_hash(seed, i, 0, DRAW_OFFSET_V)) - 3.0);
    ret->peak_factor = (float)(1.5 + 0.5 * sim_uniform(sim_hash(seed, i, 0, DRAW_PEAK)));
    ret->outage = (uint8_t)outage_of(sim_uniform(sim_hash(seed, i, 0, DRAW_OUTAGE)));
}

int sim_model_new(const struct sim_model_options *options, struct sim_model **ret,
                  struct segs_error *reterr)
{
    struct sim_model *model;
    int r;

    if (options->n_meters < 1 || options->n_meters > SIM_METERS_MAX)
        return rt_fail(reterr, SEGS_ERANGE, "METERS", "expected 1 to %lld meters",
                       (long long)SIM_METERS_MAX);
    model = calloc(1, sizeof *model);
    if (!model)
        return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for the model");
    model->options = *options;
    model->options.regions = NULL; /* The caller's. */
    r = add_regions(model, options->regions, reterr);
    if (r < 0) {
        sim_model_free(model);
        return r;
    }
    model->meters = calloc((size_t)options->n_meters, sizeof *model->meters);
    if (!model->meters) {
        sim_model_free(model);
        return rt_fail(reterr, SEGS_ENOMEM, "METERS", "no memory for the meters");
    }
    for (int64_t i = 0; i < options->n_meters; i++)
        make_meter(model, (uint64_t)i, &model->meters[i]);
    *ret = model;
    return 0;
}

void sim_model_free(struct sim_model *model)
{
    if (!model)
        return;
    free(model->meters);
    free(model);
}

/* ---- Load ---- */

struct moment {
    double hour; /* Local, 0 <= hour < 24. */
    bool weekend;
};

static struct moment moment_of(const struct sim_model *model, int64_t ts_ms)
{
    int64_t local_ms = ts_ms + (int64_t)model->options.utc_offset_min * 60000;
    int64_t day = local_ms / DAY_MS - (local_ms % DAY_MS < 0);
    struct moment moment = { (double)(local_ms - day * DAY_MS) / (double)HOUR_MS,
                             segs_day_weekday((int32_t)day) >= 6 };

    return moment;
}

static double temperature(const struct sim_model *model, size_t region, const struct moment *moment)
{
    return MEAN_DEGC + model->region_degc[region] +
           SWING_DEGC * cos(2 * PI * (moment->hour - WARMEST_HOUR) / 24.0);
}

static double curve_at(const struct curve *curve, const struct moment *moment)
{
    const double *hours = moment->weekend ? curve->weekend : curve->weekday;
    int hour = (int)moment->hour;
    double part = moment->hour - hour;

    return hours[hour] + part * (hours[(hour + 1) % 24] - hours[hour]);
}

/* Share of the base load at a moment: the daily curve, and what cooling adds. */
static double load_share(const struct curve *curve, const struct moment *moment, double degc)
{
    double cooling = degc > COMFORT_DEGC ? curve->cooling_per_degc * (degc - COMFORT_DEGC) : 0;

    return curve_at(curve, moment) * (1 + cooling);
}

static void class_bases(const struct sim_model *model, size_t region, double ret[SIM_N_CLASSES])
{
    memset(ret, 0, SIM_N_CLASSES * sizeof ret[0]);
    for (int64_t i = (int64_t)region; i < model->options.n_meters; i += (int64_t)model->n_regions)
        ret[model->meters[i].customer_class] += (double)model->meters[i].base_kw;
}

static double expected_kw(const struct sim_model *model, size_t region,
                          const double bases[SIM_N_CLASSES], int64_t ts_ms)
{
    struct moment moment = moment_of(model, ts_ms);
    double degc = temperature(model, region, &moment);
    double sum = 0;

    for (int c = 0; c < SIM_N_CLASSES; c++)
        sum += bases[c] * load_share(&curves[c], &moment, degc);
    return sum;
}

double sim_model_region_kw(const struct sim_model *model, size_t region, int64_t ts_ms)
{
    double bases[SIM_N_CLASSES];

    class_bases(model, region, bases);
    return expected_kw(model, region, bases, ts_ms);
}

double sim_model_region_capacity_kw(const struct sim_model *model, size_t region)
{
    /* Monday, 5 January 1970, by local time; the model knows no seasons, so any weekday will do. */
    int64_t start_ms = 4 * DAY_MS - (int64_t)model->options.utc_offset_min * 60000;
    double bases[SIM_N_CLASSES];
    double peak = 0;

    class_bases(model, region, bases);
    for (int64_t at = 0; at < DAY_MS; at += DAY_MS / 96) {
        double kw = expected_kw(model, region, bases, start_ms + at);

        peak = kw > peak ? kw : peak;
    }
    return peak / DAILY_PEAK_RATIO;
}

/* ---- Readings ---- */

void sim_meter_id(int64_t meter, char buf[SIM_ID_BYTES])
{
    int64_t n = meter + 1;

    memcpy(buf, "MTR-00000000", SIM_ID_BYTES);
    for (int at = SIM_ID_BYTES - 2; n > 0 && at >= 4; at--) {
        buf[at] = (char)('0' + n % 10);
        n /= 10;
    }
}

int64_t sim_energy_micro_kwh(int64_t power_micro_kw, int64_t interval_ms)
{
    /* Whole hours first, so that the product stays small: power is below 1e12, the rest of the
     * interval below 3.6e6. */
    int64_t whole = interval_ms / HOUR_MS * power_micro_kw;
    int64_t rest = interval_ms % HOUR_MS * power_micro_kw;
    int64_t quotient = rest / HOUR_MS;
    int64_t twice = 2 * (rest % HOUR_MS);

    if (twice > HOUR_MS || (twice == HOUR_MS && (quotient & 1)))
        quotient++;
    return whole + quotient;
}

/* All meters of a grid see one frequency; it wanders second by second within 50 mHz. */
static int32_t frequency_milli_hz(const struct sim_model *model, int64_t ts_ms)
{
    uint64_t h = sim_hash(model->options.seed, (uint64_t)(ts_ms / 1000), 0, DRAW_FREQUENCY);

    return (int32_t)(49950 + h % 101);
}

static void fill_dead(struct segs_reading *ret)
{
    /* No current flows and none is defined for a power factor: that member is left out. */
    ret->status = SEGS_STATUS_ERROR;
    ret->present = SEGS_HAS_POWER | SEGS_HAS_ENERGY | SEGS_HAS_VOLTAGE | SEGS_HAS_CURRENT |
                   SEGS_HAS_FREQUENCY | SEGS_HAS_TEMPERATURE | SEGS_HAS_REGION | SEGS_HAS_STATUS;
}

/* Rounded to the decimals of the wire, each value from those rounded before it, so that what is
 * sent is consistent in itself: P = U * I * pf but for the rounding of I. */
static void fill_live(const struct sim_model *model, const struct sim_meter *meter, double kw,
                      uint64_t h, struct segs_reading *ret)
{
    const struct curve *curve = &curves[meter->customer_class];
    double volts = 230.0 + (double)meter->offset_v - 5.0 * kw / (double)meter->base_kw +
                   2.0 * draw(h, 3) - 1.0;
    double factor = curve->power_factor + 0.04 * draw(h, 4) - 0.02;

    ret->power_micro_kw = llrint(kw * 1000) * 1000;
    ret->energy_micro_kwh = sim_energy_micro_kwh(ret->power_micro_kw, model->options.interval_ms);
    ret->voltage_milli_v = (int32_t)lrint(volts * 10) * 100;
    ret->power_factor_micro = (int32_t)lrint(factor * 1000) * 1000;
    ret->current_milli_a =
        (int32_t)lrint((double)ret->power_micro_kw * 1e-3 /
                       (ret->voltage_milli_v * 1e-3 * ret->power_factor_micro * 1e-6) * 100) *
        10;
    ret->frequency_milli_hz = frequency_milli_hz(model, ret->ts_ms);
    ret->status = SEGS_STATUS_OK;
    ret->present = SEGS_HAS_POWER | SEGS_HAS_ENERGY | SEGS_HAS_VOLTAGE | SEGS_HAS_CURRENT |
                   SEGS_HAS_POWER_FACTOR | SEGS_HAS_FREQUENCY | SEGS_HAS_TEMPERATURE |
                   SEGS_HAS_REGION | SEGS_HAS_STATUS;
}

bool sim_model_reading(const struct sim_model *model, enum sim_mode mode, int64_t meter,
                       int64_t ts_ms, struct segs_reading *ret)
{
    const struct sim_meter *m = &model->meters[meter];
    const struct curve *curve = &curves[m->customer_class];
    struct moment moment = moment_of(model, ts_ms);
    uint64_t h = sim_hash(model->options.seed, (uint64_t)meter, (uint64_t)ts_ms, DRAW_READING);
    double degc = temperature(model, m->region, &moment);
    double kw;

    if (mode == SIM_OUTAGE && m->outage == SIM_OUT_SILENT)
        return false;
    memset(ret, 0, sizeof *ret);
    sim_meter_id(meter, ret->meter_id);
    memcpy(ret->region, model->regions[m->region], SEGS_ID_BYTES);
    ret->ts_ms = ts_ms;
    ret->temperature_milli_degc = (int32_t)lrint((degc + 0.4 * draw(h, 5) - 0.2) * 10) * 100;
    if (mode == SIM_OUTAGE && m->outage == SIM_OUT_DEAD) {
        fill_dead(ret);
        return true;
    }
    kw = (double)m->base_kw * load_share(curve, &moment, degc);
    kw *= 1 + 0.15 * (draw(h, 1) + draw(h, 2) - 1); /* Triangular, mean 1. */
    if (mode == SIM_PEAK)
        kw *= (double)m->peak_factor;
    fill_live(model, m, kw, h, ret);
    return true;
}
