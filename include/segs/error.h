/**
 * @file
 * Return codes and the caller-owned error detail.
 *
 * Every function of libsegs returns 0 (or a documented non-negative count or state) on success and
 * one of the negative codes below on failure. Values are explicit, never reused and never
 * renumbered; each stands for a different decision of the caller. There is no errno and no
 * thread-local state in the contract. On failure the outputs of a function are untouched unless its
 * documentation says otherwise.
 *
 * Thread rule: pure functions and plain data; an error struct belongs to whoever declared it.
 */
#ifndef SEGS_ERROR_H
#define SEGS_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGS_EINVAL (-1)    /**< A NULL, an impossible argument: a bug in the calling code. */
#define SEGS_ENOMEM (-2)    /**< The allocator returned NULL; the object is unchanged and usable. */
#define SEGS_ERANGE (-3)    /**< A well-formed value outside its documented range. */
#define SEGS_ESYNTAX (-4)   /**< Text that does not follow its grammar. */
#define SEGS_EFULL (-5)     /**< A documented limit of the object is reached. */
#define SEGS_ENOTSUP (-6)   /**< Well-formed, but asks for something this version cannot do. */
#define SEGS_EOVERFLOW (-7) /**< The exact result does not fit the result type. */
#define SEGS_ENOTFOUND (-8) /**< The named thing is not there. */
#define SEGS_ECONFLICT (-9) /**< Contradicts what is already there. */
#define SEGS_ENOSPC (-10)   /**< The caller's buffer is too small; the needed size is reported. */
/** The input ends before the element does; more of it may help. */
#define SEGS_EINCOMPLETE (-11)
/** Authentication or authorisation failed; no reason is given on purpose. */
#define SEGS_EDENIED (-12)
#define SEGS_EEXPIRED (-13)  /**< Authentic, but outside its time of validity. */
#define SEGS_EINTERNAL (-14) /**< A library underneath failed in a way the caller cannot mend. */

#define SEGS_ERROR_FIELD_BYTES 96
#define SEGS_ERROR_MESSAGE_BYTES 256

/**
 * Where and why, for a human. Caller-owned, may be NULL wherever it is accepted; written only on
 * failure. The texts are NUL-terminated UTF-8, cut at a character boundary when they would not fit.
 */
struct segs_error {
    int64_t line;   /**< 1-based line of the input, 0 when lines mean nothing there. */
    int64_t offset; /**< 0-based byte offset in the input, -1 when unknown. */
    int64_t index;  /**< 0-based element of an array or batch, -1 when there is none. */
    int32_t code;   /**< The returned SEGS_E* code. */
    int32_t reserved;
    char field[SEGS_ERROR_FIELD_BYTES]; /**< Path of the offending field, "" when there is none. */
    char message[SEGS_ERROR_MESSAGE_BYTES]; /**< One impersonal line: expected and found. */
};

/**
 * Get the short constant text of a code, for logs ("value out of range").
 *
 * @return a static string; "unknown error" for a code this version does not know, never NULL.
 * @since 0.1
 */
SEGS_API const char *segs_strerror(int code);

/**
 * Get the constant's name of a code ("SEGS_ERANGE"), for machine-readable logs.
 *
 * @return a static string; "SEGS_E?" for a code this version does not know, never NULL.
 * @since 0.1
 */
SEGS_API const char *segs_error_name(int code);

#ifdef __cplusplus
}
#endif

#endif
