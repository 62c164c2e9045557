/**
 * @file
 * Readings into JSON text, in the one canonical form that is stored and published.
 *
 * Canonical: members in the order meter_id, timestamp, power_kw, energy_kwh, voltage, current,
 * power_factor, frequency, temperature, region, seq, status, reading_id, register_kwh, absent ones
 * left out; snake_case; no whitespace; decimals exact, without exponent, needless zeros or "-0";
 * timestamp as 2026-01-15T14:30:00.000Z. Equal readings give equal bytes, and decoding them gives
 * the reading back byte for byte.
 *
 * Thread rule: pure functions.
 */
#ifndef SEGS_ENCODE_H
#define SEGS_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/reading.h>

#ifdef __cplusplus
extern "C" {
#endif

/** No reading takes more bytes than this in canonical form. */
#define SEGS_READING_JSON_MAX_BYTES 542

/**
 * Write one reading in canonical form. No terminating NUL is written.
 *
 * @param buf      Room for size bytes; may be NULL when size is 0.
 * @param ret_len  Receives the length; with SEGS_ENOSPC the size that is needed.
 * @return 0, or
 *         SEGS_EINVAL  reading or ret_len is NULL, or buf is NULL and size is not 0;
 *         SEGS_ERANGE  the reading breaks a promise that segs_reading_check() explains;
 *         SEGS_ENOSPC  the text is longer than size; buf is untouched.
 * @since 0.1
 */
SEGS_API int segs_reading_encode(const struct segs_reading *reading, char *buf, size_t size,
                                 size_t *ret_len);

/**
 * Write `n` readings as one body.
 *
 * @param readings  May be NULL when n is 0.
 * @param format    SEGS_FORMAT_ARRAY: `[r,r,...]`, `[]` for none. SEGS_FORMAT_NDJSON: each reading
 *                  followed by LF. SEGS_FORMAT_SINGLE: n must be 1.
 * @param buf       Room for size bytes; may be NULL when size is 0. n *
 *                  (SEGS_READING_JSON_MAX_BYTES + 1) + 2 bytes always suffice.
 * @param ret_len   Receives the length; with SEGS_ENOSPC the size that is needed.
 * @return 0, or
 *         SEGS_EINVAL  a NULL, another format, or SEGS_FORMAT_SINGLE and n is not 1;
 *         SEGS_ERANGE  a reading breaks a promise; reterr->index and ->field say which;
 *         SEGS_ENOSPC  the text is longer than size; the content of buf is then undefined.
 * @since 0.1
 */
SEGS_API int segs_readings_encode(const struct segs_reading *readings, size_t n, int format,
                                  char *buf, size_t size, size_t *ret_len,
                                  struct segs_error *reterr);

#ifdef __cplusplus
}
#endif

#endif
