/* Return codes of the runtime, beside the SEGS_E* codes of libsegs: each is a different decision of
 * the caller. */
#ifndef RT_ERRORS_H
#define RT_ERRORS_H

#include <segs/error.h>

/* The engine cannot be reached or refuses for now: retry later, answer 503. */
#define RT_EUNAVAILABLE (-101)
/* The deadline passed; nothing is known to have happened. */
#define RT_ETIMEOUT (-102)
/* Lost a race for a lock or serialisation: retry the whole transaction. */
#define RT_EBUSY (-103)
/* Another owner has taken over: give up what this one held, do not retry. */
#define RT_EFENCED (-104)
/* The reply was lost: it may or may not have happened; look before repeating. */
#define RT_EAMBIGUOUS (-105)
/* No space or a failing disk: refuse new work, keep what is there, retry later. */
#define RT_ESTORAGE (-106)
/* The process is shutting down. */
#define RT_ESTOPPING (-107)

const char *rt_strerror(int code); /* Also of SEGS_E* codes; never NULL. */

/* Fill `reterr` (may be NULL) and return `code`. */
int rt_fail(struct segs_error *reterr, int code, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
