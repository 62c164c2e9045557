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

#include <segs/error.h>
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

/** Every bit of segs_reading.present that this version knows. */
#define SEGS_HAS_ALL 0x0FFFu

/** The bits of which a reading carries at least one: what it measured of power or energy. */
#define SEGS_HAS_MEASUREMENT 0x0007u

/** The bits that segs_reading_hash() covers: everything but the labels seq and reading_id. */
#define SEGS_HAS_PAYLOAD 0x06FFu

/** Largest sequence number: 2^53, the last integer that JavaScript counts without a gap. */
#define SEGS_SEQ_MAX 9007199254740992

/** How several readings lie in one JSON text. */
#define SEGS_FORMAT_AUTO 0  /**< Decoder only: found out from the text, see decode.h. */
#define SEGS_FORMAT_ARRAY 1 /**< One JSON array of readings. */
/** One reading a line, lines ended by LF (or CR LF when decoded). */
#define SEGS_FORMAT_NDJSON 2
#define SEGS_FORMAT_SINGLE 3 /**< Exactly one reading, which may span lines. */

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

/**
 * Check the text of a meter id or reading id: 1 to 63 bytes of A-Z a-z 0-9 . _ : - (alphabet and
 * limit are ours: safe in URLs, file names, SQL, Kafka keys and logs without escaping).
 *
 * @param text  Borrowed; needs no terminating NUL.
 * @return 0, or
 *         SEGS_EINVAL  text is NULL;
 *         SEGS_ERANGE  empty, too long, or a byte outside the alphabet, which reterr->offset
 * (counted from text) and the message name.
 * @since 0.1
 */
SEGS_API int segs_id_check(const char *text, size_t len, struct segs_error *reterr);

/**
 * Check the text of a region: like segs_id_check(), and the bytes space / + are allowed as well.
 *
 * @return as segs_id_check().
 * @since 0.1
 */
SEGS_API int segs_region_check(const char *text, size_t len, struct segs_error *reterr);

/**
 * Check that a reading which did not come from the decoder keeps the promises of struct
 * segs_reading: ids inside their alphabets and zero-filled, timestamp within 1970-01-01 to
 * 9999-12-31, at least one of power, energy and register, seq and status within their values, no
 * unknown bit, and zero in every field whose bit is clear. Plausibility is segs_policy_check()'s.
 *
 * @return 0, or
 *         SEGS_EINVAL  reading is NULL;
 *         SEGS_ERANGE  reterr->field names the canonical JSON member that breaks its promise.
 * @since 0.1
 */
SEGS_API int segs_reading_check(const struct segs_reading *reading, struct segs_error *reterr);

/**
 * Fingerprint one reading: SipHash-2-4-128 over its payload. Labels (seq, reading_id) do not count:
 * a reading sent again under a new label is the same measurement. What is absent counts as absent,
 * not as zero.
 *
 * The bytes hashed, all integers little-endian: u32 present & SEGS_HAS_PAYLOAD, u8 length of
 * meter_id, u8 length of region, u8 status, u8 1 (version of this list), i64 ts_ms, then each
 * present value in the order of its bit (power, energy, register as i64; voltage, current, power
 * factor, frequency, temperature as i32), meter_id, region. The four lanes are the 16 bytes of the
 * digest, read as little-endian words.
 *
 * @param reading  As the decoder returns it; anything else goes through segs_reading_check() first.
 * @param key      16 bytes; equal keys give comparable fingerprints.
 * @return 0, or SEGS_EINVAL when an argument is NULL or an id fills its field without a NUL.
 * @since 0.1
 */
SEGS_API int segs_reading_hash(const struct segs_reading *reading, const uint8_t key[16],
                               struct segs_fingerprint *ret);

/**
 * Add `other` to `sum`, lane by lane modulo 2^32. Both must be given; they may be the same object.
 *
 * @since 0.1
 */
SEGS_API void segs_fingerprint_add(struct segs_fingerprint *sum,
                                   const struct segs_fingerprint *other);

/**
 * Take `other` back out of `sum`: undoes segs_fingerprint_add().
 *
 * @since 0.1
 */
SEGS_API void segs_fingerprint_sub(struct segs_fingerprint *sum,
                                   const struct segs_fingerprint *other);

/**
 * Tell whether two fingerprints are equal.
 *
 * @return 1 when all four lanes are equal, else 0.
 * @since 0.1
 */
SEGS_API int segs_fingerprint_is_equal(const struct segs_fingerprint *a,
                                       const struct segs_fingerprint *b);

#ifdef __cplusplus
}
#endif

#endif
