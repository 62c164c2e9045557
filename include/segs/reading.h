/**
 * @file
 * The reading: what one meter reported for one instant. Plain frozen data, shared by all parts of
 * libsegs.
 *
 * Measured values are fixed-point integers from the first byte (docs/units.md). Optional values are
 * valid only when their bit stands in `present`; an absent value is zero. All bytes of an unused
 * text are zero, so that two equal readings are equal byte for byte.
 *
 * Thread rule: plain data.
 */
#ifndef SEGS_READING_H
#define SEGS_READING_H

#include <stddef.h>
#include <stdint.h>

#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of an id field including its terminating NUL; so an id has at most 63 bytes (limit: ours).
 */
#define SEGS_ID_BYTES 64

/** Bits of segs_reading.present. */
#define SEGS_HAS_POWER 0x0001u
#define SEGS_HAS_ENERGY 0x0002u
#define SEGS_HAS_REGISTER 0x0004u
#define SEGS_HAS_VOLTAGE 0x0008u
#define SEGS_HAS_CURRENT 0x0010u
#define SEGS_HAS_POWER_FACTOR 0x0020u
#define SEGS_HAS_FREQUENCY 0x0040u
#define SEGS_HAS_TEMPERATURE 0x0080u
#define SEGS_HAS_SEQ 0x0100u
#define SEGS_HAS_REGION 0x0200u
#define SEGS_HAS_STATUS 0x0400u
#define SEGS_HAS_READING_ID 0x0800u

/** Values of segs_reading.status. */
#define SEGS_STATUS_OK 0
#define SEGS_STATUS_ERROR 1

/** One reading. 264 bytes, no padding; the layout is part of the ABI. */
struct segs_reading {
    int64_t ts_ms;            /**< UTC milliseconds since 1970, when the values held. */
    int64_t power_micro_kw;   /**< Active power; negative is export. */
    int64_t energy_micro_kwh; /**< Energy of the interval that ends at ts_ms; negative is export. */
    int64_t register_micro_kwh; /**< Standing of the cumulative register. */
    int64_t seq;                /**< The meter's own running number, 0..2^53. */
    int32_t voltage_milli_v;
    int32_t current_milli_a;
    int32_t frequency_milli_hz;
    int32_t power_factor_micro; /**< Millionths, -1000000..1000000. */
    int32_t temperature_milli_degc;
    uint32_t present;               /**< SEGS_HAS_* bits. meter_id and ts_ms are always there. */
    int32_t status;                 /**< SEGS_STATUS_*. */
    uint32_t reserved;              /**< Zero. */
    char meter_id[SEGS_ID_BYTES];   /**< NUL-terminated, zero-filled. */
    char region[SEGS_ID_BYTES];     /**< NUL-terminated, zero-filled; "" when absent. */
    char reading_id[SEGS_ID_BYTES]; /**< NUL-terminated, zero-filled; "" when absent. */
};

/**
 * Order-free fingerprint of a set of readings: four sums modulo 2^32 of the four words of each
 * reading's SipHash-2-4-128. Fingerprints of disjoint sets add lane by lane, in any order, also in
 * SQL.
 */
struct segs_fingerprint {
    uint32_t lane[4];
};

#ifdef __cplusplus
}
#endif

#endif
