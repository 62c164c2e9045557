/* Password hashing within limits: as many at once as there are cores, a short queue behind them, and
 * "try again" beyond, so that a flood of logins costs the others nothing. Thread-safe. */
#ifndef API_GATEWAY_HASHING_H
#define API_GATEWAY_HASHING_H

#include <stddef.h>
#include <stdint.h>

struct hashing;

/* parallel 0: the number of cores. */
int hashing_new(int64_t parallel, int64_t cost, struct hashing **ret);
void hashing_free(struct hashing *hashing);

/* Take a place before calling the two below. SEGS_EFULL: too many wait already, or waiting took longer
 * than 2 s. */
int hashing_enter(struct hashing *hashing);
void hashing_leave(struct hashing *hashing);

/* hash NULL: there is no such user; takes as long, and denies. 0, SEGS_EDENIED, or another failure. */
int hashing_verify(const struct hashing *hashing, const char *password, const char *hash);
int hashing_make(const struct hashing *hashing, const char *password, char *ret, size_t capacity);
int hashing_is_outdated(const struct hashing *hashing, const char *hash);

#endif
