/**
 * @file
 * Event-time windows: readings in, one exact row per meter and window out.
 *
 * **Row.** Keyed by (meter slot, window_start_ms); windows are aligned to 1970-01-01T00:00Z. All
 * sums are integers, so a row does not depend on the order in which its readings arrived, nor on
 * how they were split into deltas (two things do, by their nature: which of two conflicting
 * readings came first, and the bit SEGS_QUALITY_LATE).
 *
 * **Identity.** A reading is (meter, slot), a slot being `slot_ms` of event time. A second reading
 * in a slot is a duplicate when its 128-bit hash is equal: it is not counted again. Otherwise it is
 * a conflict: the first one stays, the second is reported and not counted. The hash comes from the
 * caller (segs_reading_hash()); this header never hashes readings.
 *
 * **Watermark.** Highest event time seen, each capped at now_ms, minus allowed_lateness_ms. It never
 * goes back. A window is closed when its end (exclusive) is <= the watermark. A reading more than
 * max_future_ms ahead of now_ms is refused and moves nothing.
 *
 * **What comes out** depends on the mode:
 *
 * | mode | deltas | closed rows, corrections | held in memory |
 * |---|---|---|---|
 * | SEGS_WINDOW_FULL | yes | yes | rows until retain_ms after their end; deltas until committed |
 * | SEGS_WINDOW_DELTAS_ONLY | yes | no | deltas until committed |
 * | SEGS_WINDOW_CLOSES_ONLY | no | yes | rows until retain_ms after their end |
 *
 * - *Deltas* are what was added since the last committed take, for a store that merges additively
 *   and is the truth. They are taken in two phases so that a failed transaction loses nothing and
 *   doubles nothing: segs_window_deltas_begin(), segs_window_next_delta() until 0, then
 *   segs_window_deltas_commit() or segs_window_deltas_abort().
 * - *Closed rows* come once each, with revision 1. A reading that arrives for a row that was handed
 *   out already makes a *correction*: the whole row with the next revision, and the difference.
 * - After retain_ms a closed row is forgotten (never before it and its corrections were handed out
 *   and its deltas committed). A later reading then becomes a delta with SEGS_QUALITY_LATE
 *   (SEGS_WINDOW_FULL), or is answered SEGS_WINDOW_EXPIRED and not counted (CLOSES_ONLY).
 *
 * De-duplication reaches as far as memory does: in DELTAS_ONLY mode the deltas not yet committed,
 * otherwise every row not yet forgotten. Beyond that the slots of the row tell the store.
 *
 * **Memory** per meter with one open minute of readings at a 10 s interval, slots of 1 s, 100,000
 * meters: at most 256 bytes in DELTAS_ONLY and CLOSES_ONLY mode (a test asserts it), that is 128 for
 * the row, 4 for its place, 24 for each reading after the first. SEGS_WINDOW_FULL adds 132 for each
 * row with an uncommitted delta. Windows of more than 64 slots add their bitmap to the row,
 * rounded up to 64 bytes.
 *
 * **Adding** allocates per page of 1024 rows, not per reading. Pages of ended windows, at most 256 of
 * rows (32 MiB) and 256 of hashes (6 MiB), stay with the object for the next window.
 *
 * Thread rule: one window object, one thread at a time; distinct objects are independent. The row
 * functions are pure.
 */
#ifndef SEGS_WINDOW_H
#define SEGS_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>
#include <segs/reading.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Slots of a window at most (ours): 15 minutes of seconds are 900. */
#define SEGS_WINDOW_SLOTS_MAX 1024
#define SEGS_WINDOW_SLOT_WORDS 16

/**
 * Largest absolute power_micro_kw and energy_micro_kwh of one reading: 2^52, some 4.5 TW, more than
 * the whole world draws (ours). It makes the sums of a row fit int64_t whatever comes.
 */
#define SEGS_WINDOW_VALUE_MAX INT64_C(4503599627370496)

/** The watermark of a window object that has seen no reading and no clock. */
#define SEGS_WINDOW_NO_WATERMARK INT64_MIN

/** Bits of a row's quality; a row has the bits of all its readings. */
#define SEGS_QUALITY_ESTIMATED_ENERGY 0x01u /**< Some energy is power x interval, not measured. */
#define SEGS_QUALITY_NO_ENERGY 0x02u        /**< Some reading had no energy and none was derived. */
#define SEGS_QUALITY_NO_POWER 0x04u         /**< Some reading had no power. */
#define SEGS_QUALITY_STATUS_ERROR 0x08u     /**< Some reading said SEGS_STATUS_ERROR. */
#define SEGS_QUALITY_LATE 0x10u             /**< Some reading came when its window had closed. */

/** Values of segs_window_options.mode. */
#define SEGS_WINDOW_FULL 0
#define SEGS_WINDOW_DELTAS_ONLY 1
#define SEGS_WINDOW_CLOSES_ONLY 2

/** What became of a reading. Up to SEGS_WINDOW_LATE it is counted, from there on it is not. */
#define SEGS_WINDOW_ADDED 0     /**< Counted. */
#define SEGS_WINDOW_LATE 1      /**< Counted, its window had closed: flagged, maybe a correction. */
#define SEGS_WINDOW_DUPLICATE 2 /**< Counted before: same slot, same hash. */
#define SEGS_WINDOW_CONFLICT 3  /**< Same slot as a counted one, another hash. Quarantine it. */
#define SEGS_WINDOW_EXPIRED 4   /**< Its row is forgotten; SEGS_WINDOW_CLOSES_ONLY alone. */
#define SEGS_WINDOW_FUTURE 5    /**< More than max_future_ms ahead of now_ms. Columns only. */
/** Meter slot, time or value outside its range. Columns only. */
#define SEGS_WINDOW_OUT_OF_RANGE 6
/** max_rows or max_windows is reached; take and retry. Columns only. */
#define SEGS_WINDOW_NO_ROOM 7
#define SEGS_WINDOW_UNTRIED 8 /**< Memory ran out at or before this one; retry. Columns only. */

/**
 * One meter in one window: a whole row, a delta or a difference alike. Plain frozen data, 248
 * bytes, no padding; the layout is part of the ABI. Without readings (count 0) it is all zero except
 * its key. Values whose count is 0 are 0. Two rows of the same readings are equal byte for byte.
 */
struct segs_window_row {
    int64_t window_start_ms;
    int64_t power_sum_micro_kw;   /**< Of power_count readings. */
    int64_t power_min_micro_kw;   /**< 0 when power_count is 0. */
    int64_t power_max_micro_kw;   /**< 0 when power_count is 0. */
    int64_t energy_sum_micro_kwh; /**< Of energy_count readings, measured or derived. */
    int64_t voltage_sum_milli_v;  /**< Of voltage_count readings. */
    int64_t current_sum_milli_a;  /**< Of current_count readings. */
    int64_t first_ts_ms;          /**< Event time of the earliest reading, 0 when count is 0. */
    int64_t last_ts_ms;           /**< Event time of the latest reading, 0 when count is 0. */
    uint64_t slots[SEGS_WINDOW_SLOT_WORDS]; /**< Slot s is bit s % 64 of word s / 64. */
    struct segs_fingerprint fingerprint;    /**< Sum of the readings' hashes, lane by lane. */
    uint32_t meter_slot;
    uint32_t count; /**< Readings, which is the number of slots set. */
    uint32_t power_count;
    uint32_t energy_count;
    uint32_t voltage_count;
    uint32_t current_count;
    uint32_t quality;  /**< SEGS_QUALITY_* bits. */
    uint32_t revision; /**< 1, 2, ... of a handed-out row; 0 of deltas and differences. */
};

/**
 * Add the readings of one row to another of the same meter and window.
 *
 * Associative and commutative; a row with count 0 is neutral, whatever its key. Counts, sums and
 * fingerprint add, slots and quality unite, minimum, maximum, first and last extend, the larger
 * revision stays.
 *
 * @param into  Receives the union. Unchanged on failure.
 * @param from  Borrowed; may be `into` only when its count is 0.
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or both have readings and their keys differ;
 *         SEGS_ECONFLICT a slot is in both; resolve it reading by reading;
 *         SEGS_EOVERFLOW a sum does not fit.
 * @since 0.1
 */
SEGS_API int segs_row_merge(struct segs_window_row *into, const struct segs_window_row *from);

/**
 * Take the readings of `from` out of `into`, which must contain them: the inverse of
 * segs_row_merge() except for what cannot be undone. Minimum, maximum, first, last, quality and
 * revision stay those of `into`: bounds that still hold, maybe wider than needed. When nothing
 * remains, only the key does. Merging `from` back gives the row there was (but for revision and
 * quality when nothing had remained).
 *
 * @return 0, or
 *         SEGS_EINVAL    a NULL, or keys differ and `from` has readings;
 *         SEGS_ECONFLICT `from` has a slot or a count that `into` has not;
 *         SEGS_EOVERFLOW a sum does not fit.
 * @since 0.1
 */
SEGS_API int segs_row_subtract(struct segs_window_row *into, const struct segs_window_row *from);

/**
 * Get an average of a row: sum / count, rounded to the nearest, ties to even.
 *
 * @param ret  Receives the average. Untouched on failure.
 * @return 0, or
 *         SEGS_EINVAL    a NULL;
 *         SEGS_ENOTFOUND no reading of the row has this value.
 * @since 0.1
 */
SEGS_API int segs_row_average_power(const struct segs_window_row *row, int64_t *ret_micro_kw);
SEGS_API int segs_row_average_voltage(const struct segs_window_row *row, int64_t *ret_milli_v);
SEGS_API int segs_row_average_current(const struct segs_window_row *row, int64_t *ret_milli_a);

/**
 * Get how many readings a row has and how many were expected: width / interval, rounded down, at
 * least 1. Exact, so that shares of several rows can be added up. A meter that sends more often
 * than expected has more present than expected; that is not cut off.
 *
 * @param width_ms  At least 1.
 * @param interval_ms  The meter's reporting interval, at least 1.
 * @return 0, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  width_ms or interval_ms below 1.
 * @since 0.1
 */
SEGS_API int segs_row_completeness(const struct segs_window_row *row, int64_t width_ms,
                                   int64_t interval_ms, int64_t *ret_present,
                                   int64_t *ret_expected);

/** Windows of one width over many meters. */
struct segs_window;

/** Options for segs_window_new(). A zero field means its default. Append-only. */
struct segs_window_options {
    size_t size;                 /**< Set by SEGS_WINDOW_OPTIONS_INIT. */
    int64_t width_ms;            /**< Window length: 1 to 1024 slots, at most a day; a multiple of
                                      slot_ms. Default 60000. */
    int64_t slot_ms;             /**< Length of a slot, 1..width_ms. Default 1000. */
    int64_t allowed_lateness_ms; /**< 0..86400000. Default 10000; -1 means none. */
    int64_t interval_ms;   /**< Reporting interval of the meters, 0..3600000. A reading with power
                                but no energy gets power x interval (half-even) and the row
                                SEGS_QUALITY_ESTIMATED_ENERGY; 0: nothing is derived, the row gets
                                SEGS_QUALITY_NO_ENERGY. An hour at most (ours): beyond it one power
                                says nothing about the energy. */
    int64_t max_future_ms; /**< How far ahead of now_ms an event may be, 1..86400000. Default
                                300000. */
    int64_t retain_ms;     /**< How long after its end a closed row stays correctable in memory,
                                0..2678400000 (31 days). Default 3600000; -1 means not at all. */
    int64_t max_rows;      /**< Rows held at once, all kinds together, 1..1073741824. Default
                                4194304. */
    int64_t max_windows;   /**< Windows held at once, 1..1048576. Default 65536. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the window. NULL: malloc. */
    uint32_t max_meters; /**< Meter slots are 0 .. max_meters - 1, 1..67108864. Default 1048576. */
    int32_t mode;        /**< SEGS_WINDOW_FULL, _DELTAS_ONLY or _CLOSES_ONLY. */
};
#define SEGS_WINDOW_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct segs_window_options), 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0                     \
    }

/**
 * Make an empty window object.
 *
 * @param options  May be NULL: every default. Borrowed for the call.
 * @param ret  Receives the object; release it with segs_window_free().
 * @param reterr  May be NULL. field is the option's name.
 * @return 0, or
 *         SEGS_EINVAL  ret is NULL, or options.size is not believable;
 *         SEGS_ERANGE  an option is outside its range, or width_ms is no multiple of slot_ms;
 *         SEGS_ENOTSUP unknown mode, or options of a newer version ask for something unknown here;
 *         SEGS_ENOMEM  out of memory.
 * @since 0.1
 */
SEGS_API int segs_window_new(const struct segs_window_options *options, struct segs_window **ret,
                             struct segs_error *reterr);

/** Release a window object and everything in it; NULL is accepted. @since 0.1 */
SEGS_API void segs_window_free(struct segs_window *window);

/**
 * Add one reading. Uses ts_ms, status and, where `present` says so, power, energy, voltage and
 * current; never the texts.
 *
 * @param meter_slot  Number of the meter, see segs/intern.h.
 * @param reading  Borrowed for the call.
 * @param hash  The reading's 128-bit hash, segs_reading_hash(). Borrowed for the call.
 * @param now_ms  The caller's clock, 0 (1970) .. 253402300799999 (9999). May step back.
 * @return SEGS_WINDOW_ADDED, _LATE, _DUPLICATE, _CONFLICT or _EXPIRED, or
 *         SEGS_EINVAL  a NULL;
 *         SEGS_ERANGE  meter_slot not below max_meters; ts_ms or now_ms outside 1970..9999; ts_ms
 *                      more than max_future_ms ahead of now_ms; power or energy beyond
 *                      SEGS_WINDOW_VALUE_MAX;
 *         SEGS_EFULL   it needs a new row or window and the limit is reached;
 *         SEGS_ENOMEM  out of memory.
 *         On any error the window is unchanged; so is its watermark.
 * @since 0.1
 */
SEGS_API int segs_window_add(struct segs_window *window, uint32_t meter_slot,
                             const struct segs_reading *reading,
                             const struct segs_fingerprint *hash, int64_t now_ms);

/**
 * Columns for segs_window_add_columns(): element i of each belongs to reading i. Borrowed for the
 * call. meter_slot, ts_ms and hash are needed; any other may be NULL.
 */
struct segs_window_columns {
    size_t size; /**< Set by SEGS_WINDOW_COLUMNS_INIT. */
    const uint32_t *meter_slot;
    const int64_t *ts_ms;
    const struct segs_fingerprint *hash;
    const int64_t *power_micro_kw;
    const int64_t *energy_micro_kwh;
    const int32_t *voltage_milli_v;
    const int32_t *current_milli_a;
    const uint32_t *present; /**< SEGS_HAS_* bits; NULL: every column given has every value. */
    const int32_t *status;   /**< SEGS_STATUS_*; NULL: all SEGS_STATUS_OK. */
};
#define SEGS_WINDOW_COLUMNS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct segs_window_columns), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL   \
    }

/**
 * Add many readings, in order, with the same outcome as segs_window_add() one by one; several times
 * as fast. One bad reading never costs a good one: each has its own state.
 *
 * @param n  Readings, 0..2147483647.
 * @param now_ms  As for segs_window_add().
 * @param ret_state  Receives n values SEGS_WINDOW_*.
 * @return the number of readings counted (SEGS_WINDOW_ADDED or _LATE), or
 *         SEGS_EINVAL  a NULL, columns.size is not believable, or n too large; nothing is written;
 *         SEGS_ENOTSUP columns of a newer version hold something unknown here; nothing is written;
 *         SEGS_ERANGE  now_ms outside 1970..9999; nothing is written;
 *         SEGS_ENOMEM  out of memory: the readings before the first SEGS_WINDOW_UNTRIED are done,
 *                      that one and all later ones are not. Call again with those.
 * @since 0.1
 */
SEGS_API int segs_window_add_columns(struct segs_window *window,
                                     const struct segs_window_columns *columns, size_t n,
                                     int64_t now_ms, uint8_t *ret_state);

/**
 * Get the watermark: UTC milliseconds, or SEGS_WINDOW_NO_WATERMARK before the first reading or
 * clock (also for NULL).
 * @since 0.1
 */
SEGS_API int64_t segs_window_watermark(const struct segs_window *window);

/**
 * Move the watermark by the clock, for an idle source that is read to its end: to now_ms minus
 * allowed_lateness_ms if that is further than it is. Forgets what is due to be forgotten.
 *
 * @return 0, or
 *         SEGS_EINVAL  window is NULL;
 *         SEGS_ERANGE  now_ms outside 1970..9999.
 * @since 0.1
 */
SEGS_API int segs_window_advance(struct segs_window *window, int64_t now_ms);

/**
 * Freeze everything added and not yet committed as the deltas of one take. Readings added from now
 * on belong to the next take (and are still de-duplicated against this one).
 *
 * @return 1 there is at least one delta, 0 there is none (commit and abort are both fine), or
 *         SEGS_EINVAL    window is NULL;
 *         SEGS_ENOTSUP   the mode has no deltas;
 *         SEGS_ECONFLICT a take is in progress;
 *         SEGS_ENOMEM    out of memory (only possible after an abort). No take is in progress,
 *                        nothing is lost; call again.
 * @since 0.1
 */
SEGS_API int segs_window_deltas_begin(struct segs_window *window);

/**
 * Get the next delta of the take in progress, in order of (window_start_ms, meter_slot), each once.
 * It holds only what was added since the last committed take; its revision is 0.
 *
 * @param ret  Receives the delta.
 * @return 1 there was one, 0 there are no more, or
 *         SEGS_EINVAL    a NULL;
 *         SEGS_ECONFLICT no take is in progress.
 * @since 0.1
 */
SEGS_API int segs_window_next_delta(struct segs_window *window, struct segs_window_row *ret);

/**
 * End a take for good: its deltas are stored and forgotten here, whether or not each was looked at.
 *
 * @return 0, or
 *         SEGS_EINVAL    window is NULL;
 *         SEGS_ECONFLICT no take is in progress.
 * @since 0.1
 */
SEGS_API int segs_window_deltas_commit(struct segs_window *window);

/**
 * End a take that failed: its deltas come again, merged with newer ones, in the next take.
 *
 * @return 0, or
 *         SEGS_EINVAL    window is NULL;
 *         SEGS_ECONFLICT no take is in progress.
 * @since 0.1
 */
SEGS_API int segs_window_deltas_abort(struct segs_window *window);

/**
 * Get the next row whose window is closed, each once, with revision 1; those that are closed at the
 * time come in order of (window_start_ms, meter_slot). Forgets what is due when there is none left.
 *
 * @param ret  Receives the row.
 * @return 1 there was one, 0 there is none now, or
 *         SEGS_EINVAL    a NULL;
 *         SEGS_ENOTSUP   the mode has no closed rows.
 * @since 0.1
 */
SEGS_API int segs_window_next_closed(struct segs_window *window, struct segs_window_row *ret);

/**
 * Get the next row that changed after it was handed out, in order of (window_start_ms, meter_slot),
 * each once until it changes again.
 *
 * @param ret_row  Receives the whole row with its new revision.
 * @param ret_difference  Receives what was added since the revision before, exactly (its own
 *                        minimum and maximum too); revision 0. May be NULL.
 * @return 1 there was one, 0 there is none now, or
 *         SEGS_EINVAL    window or ret_row is NULL;
 *         SEGS_ENOTSUP   the mode has no closed rows.
 * @since 0.1
 */
SEGS_API int segs_window_next_correction(struct segs_window *window,
                                         struct segs_window_row *ret_row,
                                         struct segs_window_row *ret_difference);

/** Get the number of rows held, all kinds together, as max_rows counts. 0 for NULL. @since 0.1 */
SEGS_API int64_t segs_window_row_count(const struct segs_window *window);

/**
 * Get the number of rows that a take begun now would hand out at most (what an aborted take and
 * newer readings share is counted twice). 0 for NULL and without deltas.
 * @since 0.1
 */
SEGS_API int64_t segs_window_delta_count(const struct segs_window *window);

#ifdef __cplusplus
}
#endif

#endif
