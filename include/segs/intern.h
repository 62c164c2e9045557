/**
 * @file
 * Meter ids as small numbers: an id text becomes a dense uint32_t ("meter slot") 0, 1, 2, ... in
 * the order of first appearance, and back. Windows, roll-ups and columns speak of meter slots, so
 * that a text is looked up once per reading and never compared again.
 *
 * An id is 1..63 bytes without NUL; no alphabet is enforced here (segs_id_check() does that). Slots
 * are never reused or renumbered; a table only grows, up to its limit.
 *
 * **Memory:** 16 to 32 bytes of index, 4 to 6 bytes, and 6 bytes plus the id rounded up to 8, per id
 * (44 to 62 bytes for ids of 12 bytes).
 *
 * **Hostile ids:** the hash is keyed per table. Give a random `key` when strangers choose the ids.
 * Should one lookup nevertheless need more than 256 steps, which in a table at most half full does
 * not happen by chance, the table changes to SipHash-2-4 under the same key, once and for good (threshold:
 * ours). Slots stay as they are.
 *
 * Thread rule: one table, one thread at a time; distinct tables are independent. While nobody adds,
 * any number of threads may find.
 */
#ifndef SEGS_INTERN_H
#define SEGS_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>
#include <segs/reading.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The slot number that no id has. */
#define SEGS_INTERN_NONE 0xFFFFFFFFu

/** Table of meter ids. */
struct segs_intern;

/** Options for segs_intern_new(). A zero field means its default. Append-only. */
struct segs_intern_options {
    size_t size;     /**< Set by SEGS_INTERN_OPTIONS_INIT. */
    uint64_t key[2]; /**< Hash key; any value is valid, random is best. Never stored or shown. */
    const struct segs_allocator *allocator; /**< Borrowed, outlives the table. NULL: malloc. */
    uint32_t max_ids;  /**< Ids held at most, 1..67108864. Default 1048576 (ours). */
    uint32_t reserved; /**< Zero. */
};
#define SEGS_INTERN_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct segs_intern_options), { 0, 0 }, NULL, 0, 0                                   \
    }

/**
 * Make an empty table.
 *
 * @param options  May be NULL: every default. Borrowed for the call.
 * @param ret  Receives the table; release it with segs_intern_free().
 * @return 0, or
 *         SEGS_EINVAL  ret is NULL, or options.size is not believable;
 *         SEGS_ERANGE  max_ids is above its range;
 *         SEGS_ENOTSUP options of a newer version ask for something unknown here;
 *         SEGS_ENOMEM  out of memory.
 * @since 0.1
 */
SEGS_API int segs_intern_new(const struct segs_intern_options *options, struct segs_intern **ret);

/** Release a table; NULL is accepted. Id texts borrowed from it end here. @since 0.1 */
SEGS_API void segs_intern_free(struct segs_intern *intern);

/**
 * Get the slot of an id, giving it the next free one when it is new.
 *
 * @param id  `len` bytes, no NUL needed. Borrowed for the call.
 * @param ret_slot  Receives the slot. Untouched on failure.
 * @return 0 the id was known, 1 it is new, or
 *         SEGS_EINVAL  intern, id or ret_slot is NULL;
 *         SEGS_ERANGE  len is 0 or above 63, or a NUL is among the bytes;
 *         SEGS_EFULL   the id is new and the table holds max_ids;
 *         SEGS_ENOMEM  out of memory; the table is unchanged.
 * @since 0.1
 */
SEGS_API int segs_intern_add(struct segs_intern *intern, const char *id, size_t len,
                             uint32_t *ret_slot);

/**
 * Get the slot of an id that is known already.
 *
 * @return 0, or
 *         SEGS_EINVAL    intern, id or ret_slot is NULL;
 *         SEGS_ENOTFOUND the table does not have it (also when len or bytes are impossible).
 * @since 0.1
 */
SEGS_API int segs_intern_find(const struct segs_intern *intern, const char *id, size_t len,
                              uint32_t *ret_slot);

/**
 * segs_intern_add() for a batch: hashes ahead and prefetches, several times as fast per id.
 *
 * The ids stand at regular distances: `ids`, `ids + stride`, ... Each one ends at its first NUL or
 * after `field_bytes`. For an array of readings: `readings[0].meter_id`, SEGS_ID_BYTES, `sizeof
 * readings[0]`; for a NumPy column of dtype S12: its data, 12, 12.
 *
 * @param ids  Borrowed for the call. May be NULL when n is 0.
 * @param field_bytes  1..SEGS_ID_BYTES; every one of these bytes must be readable for every id.
 * @param stride  At least field_bytes.
 * @param ret_slots  Receives n slots. Where an id could not be taken it receives SEGS_INTERN_NONE;
 *                   the other ids of the batch are not affected.
 * @return 0 every id has its slot, or the code of the first id that has none:
 *         SEGS_ERANGE  it is empty or longer than 63 bytes;
 *         SEGS_EFULL   it is new and the table holds max_ids;
 *         SEGS_ENOMEM  out of memory; this one and all later ones are SEGS_INTERN_NONE.
 *         SEGS_EINVAL  a NULL, or field_bytes or stride is impossible; nothing is written.
 * @since 0.1
 */
SEGS_API int segs_intern_many(struct segs_intern *intern, const char *ids, size_t field_bytes,
                              size_t stride, size_t n, uint32_t *ret_slots);

/**
 * Get the id of a slot.
 *
 * @param ret_len  Receives the length; may be NULL.
 * @return the NUL-terminated id, borrowed from the table and valid until it is freed; NULL when
 *         nothing has this slot or intern is NULL.
 * @since 0.1
 */
SEGS_API const char *segs_intern_id(const struct segs_intern *intern, uint32_t slot,
                                    size_t *ret_len);

/** Get the number of ids; the slots are 0 .. count - 1. 0 for NULL. @since 0.1 */
SEGS_API uint32_t segs_intern_count(const struct segs_intern *intern);

#ifdef __cplusplus
}
#endif

#endif
