/**
 * @file
 * Readings out of JSON text: strict, by schema, without allocation per reading.
 *
 * **Grammar.** RFC 8259 and nothing beside it: UTF-8 without BOM, no comments, no trailing commas,
 * no NaN, no control characters in strings; a surrogate escape without its partner is refused. A
 * text that segs_json_check() refuses never decodes without an error.
 *
 * **Members** (canonical name, accepted alias): meter_id (meterId), timestamp, power_kw (powerKw),
 * energy_kwh (energyKwh), register_kwh (registerKwh), voltage, current, power_factor (powerFactor),
 * frequency, temperature, region, seq, status, reading_id (readingId). Any order. Required:
 * meter_id, timestamp and at least one of power_kw, energy_kwh, register_kwh. An unknown member, a
 * member given twice (also once under its alias), a value of the wrong type and null are errors.
 *
 * **Values.**
 * | member | text | becomes |
 * |---|---|---|
 * | meter_id, reading_id | string, see segs_id_check() | the bytes, escapes decoded |
 * | region | string, see segs_region_check() | the bytes, escapes decoded |
 * | timestamp | RFC 3339 string, as segs_time_parse() | ts_ms |
 * | power_kw | number | power_micro_kw |
 * | energy_kwh, register_kwh | number | energy_micro_kwh, register_micro_kwh |
 * | voltage, current, frequency, temperature | number in V, A, Hz, degree Celsius | thousandths |
 * | power_factor | number | millionths |
 * | seq | number that is an integer 0..2^53 (17, 17.0, 1.7e1) | seq |
 * | status | "OK" or "ERROR" | SEGS_STATUS_* |
 *
 * Numbers go from their decimal text to fixed point without passing through binary floating point:
 * exactly when they have no more digits than the unit, otherwise rounded to nearest, ties to even.
 * A number too large for its field is SEGS_EOVERFLOW; one that rounds to zero is zero; -0 is 0.
 *
 * **Errors of one element** never cost another one. segs_decoder_next() reports the element and
 * skips it by its structure (strings, nesting), and the next call goes on behind it. The code says
 * what kind of mistake it is:
 * | code | reason (segs_decoder_reason()) |
 * |---|---|
 * | SEGS_ESYNTAX | not JSON; a value of the wrong type; a timestamp that is no RFC 3339 text |
 * | SEGS_ENOTSUP | unknown member (the message names the nearest known one) |
 * | SEGS_ECONFLICT | member given twice |
 * | SEGS_ENOTFOUND | required member missing |
 * | SEGS_ERANGE | id outside its alphabet or length; status, seq or date outside its values |
 * | SEGS_EOVERFLOW | number too large for its field |
 * | SEGS_EFULL | element longer than max_element_bytes, or a limit of the body |
 *
 * reterr->index is the element, ->field the member as the sender wrote it, ->offset the byte of the
 * body and ->line its line. Only when the structure itself is lost (a string without end, brackets
 * that do not match, no comma between elements, nesting beyond max_depth, more than max_readings
 * elements) is the rest of the body unusable; segs_decoder_is_lost() tells.
 *
 * Thread rule: a decoder is used by one thread at a time; different decoders are independent. The
 * other functions are pure.
 */
#ifndef SEGS_DECODE_H
#define SEGS_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>
#include <segs/reading.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Deepest nesting segs_json_check() can be asked to accept (ours; two levels are what we need). */
#define SEGS_JSON_MAX_DEPTH 1024

/** Why an element was refused. Values are stable; segs_decode_reason_name() gives the API's word.
 */
enum segs_decode_reason {
    SEGS_DECODE_OK = 0,        /**< Nothing was refused. */
    SEGS_DECODE_JSON = 1,      /**< Not JSON. */
    SEGS_DECODE_TYPE = 2,      /**< JSON, but of another type than the member's. */
    SEGS_DECODE_UNKNOWN = 3,   /**< A member that no reading has. */
    SEGS_DECODE_DUPLICATE = 4, /**< A member given twice. */
    SEGS_DECODE_MISSING = 5,   /**< A required member is not there. */
    SEGS_DECODE_TIMESTAMP = 6, /**< No RFC 3339 instant, or outside its range. */
    SEGS_DECODE_NUMBER = 7,    /**< A number its field cannot hold. */
    SEGS_DECODE_TEXT = 8,      /**< A text outside its alphabet, length or list of values. */
    SEGS_DECODE_LIMIT = 9      /**< Longer, deeper or more than the decoder's options allow. */
};

/** Options of segs_decoder_new(). A zero field means its default. Append-only. */
struct segs_decoder_options {
    size_t size;                            /**< Set by SEGS_DECODER_OPTIONS_INIT. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the decoder. NULL: malloc. */
    /** Elements of one body, good and bad together; the one beyond is SEGS_EFULL and ends the body.
     * 1..2^31. Default 10000 (ours: the batch limit of the ingestion API). */
    int64_t max_readings;
    /** Bytes of one element, its inner whitespace included; 1..2^31. Default 16384 (ours: a reading
     * with every member at its longest is below 1 KiB). */
    int64_t max_element_bytes;
    int32_t format;    /**< SEGS_FORMAT_*. Default SEGS_FORMAT_AUTO. */
    int32_t max_depth; /**< Deepest nesting inside an element that skipping a bad one follows;
                            1..SEGS_JSON_MAX_DEPTH. Default 64 (ours). */
};
#define SEGS_DECODER_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(struct segs_decoder_options), NULL, 0, 0, 0, 0                                      \
    }

/** A decoder; reusable for any number of bodies. */
struct segs_decoder;

/**
 * Make a decoder. It allocates here and never again.
 *
 * @param options  NULL: every default.
 * @param ret      Receives the decoder; release it with segs_decoder_free().
 * @return 0, or
 *         SEGS_EINVAL   ret is NULL or options are not of a believable size;
 *         SEGS_ERANGE   an option outside its range;
 *         SEGS_ENOTSUP  options of a newer version that this one cannot honour;
 *         SEGS_ENOMEM   no memory.
 * @since 0.1
 */
SEGS_API int segs_decoder_new(const struct segs_decoder_options *options,
                              struct segs_decoder **ret);

/** Release a decoder; NULL is allowed. @since 0.1 */
SEGS_API void segs_decoder_free(struct segs_decoder *decoder);

/**
 * Begin a complete body, dropping whatever was left of the one before.
 *
 * With SEGS_FORMAT_AUTO the text decides: `[` first is an array. Otherwise, if the first line holds
 * a whole JSON value, or there is no line feed at all, or the body is not one single value spread
 * over lines, it is NDJSON; else it is one reading printed over several lines.
 *
 * @param data  Borrowed until the body is used up or another one begins; need not end in NUL. May
 * be NULL when len is 0.
 * @return 0, or SEGS_EINVAL when decoder is NULL, or data is NULL and len is not 0. Mistakes in the
 *         text are reported by segs_decoder_next().
 * @since 0.1
 */
SEGS_API int segs_decoder_begin(struct segs_decoder *decoder, const char *data, size_t len);

/**
 * Get the next reading of the body. Blank lines of NDJSON are no elements. An empty array holds no
 * reading and is fine; an empty body is fine as NDJSON and an error otherwise.
 *
 * @param ret     The reading; untouched unless 1 is returned.
 * @param reterr  Filled when an element is refused; may be NULL.
 * @return 1 a reading, 0 the end of the body, or
 *         SEGS_EINVAL  decoder or ret is NULL;
 *         another code of the table above: one element is refused, and the next call goes on behind
 *         it, unless segs_decoder_is_lost() says 1: then the next call returns 0.
 * @since 0.1
 */
SEGS_API int segs_decoder_next(struct segs_decoder *decoder, struct segs_reading *ret,
                               struct segs_error *reterr);

/**
 * Get up to `n` readings at once; the quick way through a body.
 *
 * @param ret    Room for n readings; the first *ret_n are written, what the others hold afterwards is
 *               undefined.
 * @param ret_n  Receives the number of readings, also when an element is refused.
 * @return 1 n readings were written and there may be more; 0 the end of the body was reached behind
 *         *ret_n readings; or a negative code: the element behind the *ret_n good ones is refused,
 * as segs_decoder_next() reports it. SEGS_EINVAL when an argument is NULL or n is 0.
 * @since 0.1
 */
SEGS_API int segs_decoder_next_many(struct segs_decoder *decoder, struct segs_reading *ret,
                                    size_t n, size_t *ret_n, struct segs_error *reterr);

/** Tell whether the rest of the body is unusable: 1 or 0. @since 0.1 */
SEGS_API int segs_decoder_is_lost(const struct segs_decoder *decoder);

/** Get why the last element was refused (enum segs_decode_reason), SEGS_DECODE_OK when it was not.
 * @since 0.1 */
SEGS_API int segs_decoder_reason(const struct segs_decoder *decoder);

/** Get the number of elements met in this body so far, good and bad. @since 0.1 */
SEGS_API int64_t segs_decoder_count(const struct segs_decoder *decoder);

/**
 * Get the text of the element that the last segs_decoder_next() returned or refused, for quarantine
 * and logs.
 *
 * @param ret      Receives a pointer into the body.
 * @param ret_len  Its length. When the structure is lost it reaches to the end of the body.
 * @return 0, or SEGS_EINVAL for a NULL, or SEGS_ENOTFOUND when there was no element yet.
 * @since 0.1
 */
SEGS_API int segs_decoder_element(const struct segs_decoder *decoder, const char **ret,
                                  size_t *ret_len);

/**
 * Get the stable word for a reason: "JSON", "TYPE", "UNKNOWN_MEMBER", "DUPLICATE_MEMBER",
 * "MISSING_MEMBER", "TIMESTAMP", "NUMBER", "TEXT", "LIMIT", "OK".
 *
 * @return a static string; "?" for a value this version does not know, never NULL.
 * @since 0.1
 */
SEGS_API const char *segs_decode_reason_name(int reason);

/**
 * Decode exactly one reading: one object with nothing but whitespace around it. Limits and errors
 * are those of a decoder with default options.
 *
 * @param ret  The reading; untouched on failure.
 * @return 0, or SEGS_EINVAL for a NULL, or a code of the table above (reterr->index stays -1).
 * @since 0.1
 */
SEGS_API int segs_reading_decode(const char *data, size_t len, struct segs_reading *ret,
                                 struct segs_error *reterr);

/**
 * Check that a text is one RFC 8259 value in strict UTF-8. Takes time linear in len, no memory and
 * no recursion. It judges syntax alone: repeated member names are left to the reader of the object.
 *
 * @param max_depth  Arrays and objects open at once; 1..SEGS_JSON_MAX_DEPTH.
 * @return 0, or
 *         SEGS_EINVAL   data is NULL and len is not 0, or max_depth is outside its range;
 *         SEGS_ESYNTAX  not JSON; reterr->offset and ->line say where, the message what was
 * expected; SEGS_EFULL    nested deeper than max_depth.
 * @since 0.1
 */
SEGS_API int segs_json_check(const char *data, size_t len, int max_depth,
                             struct segs_error *reterr);

#ifdef __cplusplus
}
#endif

#endif
