/**
 * @file
 * Passwords: hashing with yescrypt, verification of yescrypt and bcrypt strings, and the policy for
 * new passwords.
 *
 * Passwords are bytes, UTF-8 by policy, and every byte counts: nothing is cut. They are not Unicode
 * normalised; a caller who wants NFC does it before hashing and before verifying. A hash is a
 * self-describing text such as "$y$jBT$...", at most SEGS_PASSWORD_HASH_BYTES with its NUL.
 *
 * Hashing is meant to be slow (about 65 ms at the default cost, 16 MiB of memory): a service limits
 * how many run at once, because a flood of logins is an attack on the processor.
 *
 * Thread rule: pure functions of their arguments; they may run in any number of threads.
 */
#ifndef SEGS_PASSWORD_H
#define SEGS_PASSWORD_H

#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest password accepted anywhere, in bytes (limit: ours, against hashing megabytes). */
#define SEGS_PASSWORD_MAX_BYTES 1024
/** Room for any hash with its NUL (libcrypt's CRYPT_OUTPUT_SIZE). */
#define SEGS_PASSWORD_HASH_BYTES 384
/** Salt bytes segs_password_hash() takes: 128 bits, more than the 32 that NIST SP 800-63B asks. */
#define SEGS_PASSWORD_SALT_BYTES 16

#define SEGS_PASSWORD_COST_DEFAULT 7 /**< About 65 ms on a 2020s server core (measured). */
#define SEGS_PASSWORD_COST_MIN 1     /**< For tests only. */
#define SEGS_PASSWORD_COST_MAX 11    /**< libcrypt's own limit for yescrypt. */

/** Options of hashing. A zero field means its default. Append-only. */
struct segs_password_options {
    size_t size;                            /**< Set by SEGS_PASSWORD_OPTIONS_INIT. */
    const struct segs_allocator *allocator; /**< Borrowed for the call. NULL: malloc. */
    int64_t cost; /**< yescrypt cost, 1..11; each step doubles time and memory. Default 7. */
};
#define SEGS_PASSWORD_OPTIONS_INIT                                                                 \
    {                                                                                              \
        .size = sizeof(struct segs_password_options)                                               \
    }

/**
 * Hash a new password with yescrypt.
 *
 * A password of more than 511 bytes, libcrypt's limit, enters as the base64url text of its SHA-512;
 * verification does the same.
 *
 * @param password  Borrowed; `len` bytes, 1..1024, without NUL bytes.
 * @param salt      Borrowed; SEGS_PASSWORD_SALT_BYTES fresh random bytes, different for each hash.
 * @param options   NULL: every default.
 * @param ret       Receives the NUL-terminated hash. Untouched on failure.
 * @param capacity  Bytes at ret, at least SEGS_PASSWORD_HASH_BYTES.
 * @return 0, or
 *         SEGS_EINVAL     a NULL, or capacity too small;
 *         SEGS_ERANGE     length, or cost out of range;
 *         SEGS_ESYNTAX    the password holds a NUL byte;
 *         SEGS_ENOTSUP    options this version does not know;
 *         SEGS_ENOMEM     no memory, ours or libcrypt's;
 *         SEGS_EINTERNAL  libcrypt refused.
 * @since 0.1
 */
SEGS_API int segs_password_hash(const char *password, size_t len, const void *salt,
                                const struct segs_password_options *options, char *ret,
                                size_t capacity);

/**
 * Verify a password against a stored hash in time that does not depend on where they differ.
 *
 * Accepts yescrypt (`$y$`) of the costs above and bcrypt (`$2a$`, `$2b$`, `$2y$`) of cost 4..16,
 * the bound being ours: a hash that takes minutes is damage or an attack. bcrypt itself uses only
 * the first 72 bytes of a password; that is how such hashes were made, and one more reason for
 * segs_password_needs_rehash() to ask for a new one.
 *
 * @param password  Borrowed; `len` bytes.
 * @param hash      Borrowed, NUL-terminated, as stored.
 * @param options   Only the allocator is used. NULL: every default.
 * @return 0 when the password is right, or
 *         SEGS_EDENIED    it is wrong, empty, too long or holds a NUL byte;
 *         SEGS_EINVAL     a NULL;
 *         SEGS_ENOTSUP    a hash of another kind or cost, or damaged; or options not known;
 *         SEGS_ENOMEM     no memory, ours or libcrypt's;
 *         SEGS_EINTERNAL  libcrypt refused.
 * @since 0.1
 */
SEGS_API int segs_password_verify(const char *password, size_t len, const char *hash,
                                  const struct segs_password_options *options);

/**
 * Spend the time of a verification and deny it: for a user that does not exist, so that the answer
 * takes as long as for one who does.
 *
 * @param options  The cost with which stored hashes were made. NULL: every default.
 * @return SEGS_EDENIED always when hashing worked; otherwise as segs_password_hash().
 * @since 0.1
 */
SEGS_API int segs_password_verify_dummy(const char *password, size_t len,
                                        const struct segs_password_options *options);

/**
 * Tell whether a hash should be made anew at the next successful login: it is not yescrypt, or of a
 * lower cost than the options ask.
 *
 * @return 1 or 0; or SEGS_EINVAL for a NULL hash, SEGS_ERANGE for a cost out of range,
 *         SEGS_ENOTSUP for options this version does not know.
 * @since 0.1
 */
SEGS_API int segs_password_needs_rehash(const char *hash,
                                        const struct segs_password_options *options);

/** Policy for new passwords. A zero field means its default. Append-only. */
struct segs_password_policy {
    size_t size; /**< Set by SEGS_PASSWORD_POLICY_INIT. */
    /** Words that must not make up the password: the user's name, mail address, product. Borrowed
     * for the call; NULL entries and words of fewer than 4 bytes are skipped. */
    const char *const *context_words;
    int64_t n_context_words;
    int64_t min_chars; /**< Code points. Default 8 (NIST SP 800-63B for use with a second factor;
                          15 is advised without one). Range 8..64. */
    int64_t max_chars; /**< Code points. Default 128. Range 64..255. */
};
#define SEGS_PASSWORD_POLICY_INIT                                                                  \
    {                                                                                              \
        .size = sizeof(struct segs_password_policy)                                                \
    }

/**
 * Check a new password against the policy: length in code points, valid UTF-8 without control
 * characters, not a common one. There are no composition rules, on purpose (NIST SP 800-63B).
 *
 * "Common" is decided by rule, which covers far more than a list: letters are lowered and the usual
 * digit-for-letter swaps undone; digits and signs around the word are dropped; what is left must
 * not be one of some 1600 words and names of our own compilation (times the suffixes, well over a
 * million passwords), two of them, or one repeated. Also refused: one character or a short group
 * repeated, runs ("12345678", "hgfedcba"), walks over a keyboard ("qwertyuiop", "1qaz2wsx"), dates,
 * and passwords made up of a context word.
 *
 * @param password  Borrowed; `len` bytes.
 * @param policy    NULL: every default.
 * @param reterr    Says which rule, in words fit to show to the user; never quotes the password.
 * @return 0, or
 *         SEGS_EINVAL    a NULL password;
 *         SEGS_ERANGE    too short or too long, or a limit of the policy is out of range;
 *         SEGS_ESYNTAX   not UTF-8, or control characters;
 *         SEGS_ECONFLICT it is a common password, or made of a context word;
 *         SEGS_ENOTSUP   options this version does not know.
 * @since 0.1
 */
SEGS_API int segs_password_check(const char *password, size_t len,
                                 const struct segs_password_policy *policy,
                                 struct segs_error *reterr);

#ifdef __cplusplus
}
#endif

#endif
