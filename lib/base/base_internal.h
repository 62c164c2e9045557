/* Shared inside libsegs only; nothing here is exported. */
#ifndef SEGS_BASE_INTERNAL_H
#define SEGS_BASE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>
#include <segs/memory.h>

/* Money, energy and hashes multiply through 128 bits; ISO C has no name for that type. */
__extension__ typedef __int128 segs__i128;
__extension__ typedef unsigned __int128 segs__u128;

/* Largest options struct a caller may pass; a bigger size is garbage, not a newer version. */
#define SEGS__OPTIONS_MAX_BYTES 4096

/* Copy the caller's options, whatever version of the struct it was compiled with: fields it does
 * not have read as zero, and non-zero bytes that this version does not know are SEGS_ENOTSUP,
 * because ignoring them would be a silent wrong answer. `src` may be NULL: every default. Both
 * structs start with size_t size. */
int segs__options_copy(void *dst, size_t dst_size, const void *src);

/* The allocator to use for `options_allocator`, which may be NULL. Never NULL. */
const struct segs_allocator *segs__allocator(const struct segs_allocator *options_allocator);

void *segs__alloc(const struct segs_allocator *a, size_t size);
void *segs__alloc_zero(const struct segs_allocator *a, size_t size);
/* n * size bytes, NULL also when the product overflows. */
void *segs__alloc_array(const struct segs_allocator *a, size_t n, size_t size);
void *segs__resize_array(const struct segs_allocator *a, void *ptr, size_t n, size_t size);
void segs__release(const struct segs_allocator *a, void *ptr);

/* Fill `reterr` (which may be NULL) and return `code`, so that a failing branch is one line.
 * line 0, offset -1 and index -1 mean "not known". The message is formatted without locale effects
 * as long as no floating point conversion is used. Texts are cut at a UTF-8 boundary. */
int segs__fail(struct segs_error *reterr, int code, const char *field, int64_t offset,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

#define SEGS__FOUND_BYTES 16

/* Describe the byte of `text` at `pos` for the second half of "expected ..., found ...": the
 * character itself when it is visible ASCII, else its hexadecimal value or "end of text". Returns
 * `buf`. */
const char *segs__found(char buf[SEGS__FOUND_BYTES], const char *text, size_t len, size_t pos);

static inline bool segs__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Calendar arithmetic without range checks: any year in about +-5 million. `month` is 1..12; a day
 * of month beyond the month's end counts on into the next. */
int64_t segs__days_from_civil(int64_t year, int month, int day_of_month);
int segs__month_length(int64_t year, int month);
void segs__civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day_of_month);
/* ISO 8601: 1 Monday .. 7 Sunday. */
int segs__weekday(int64_t days);

#endif
