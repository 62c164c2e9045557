/* Limits on guessing passwords. An attempt is counted before the password is looked at, in one statement, so that
 * attempts at once cannot slip past; success takes the count back.
 *
 * After LOGIN_ATTEMPTS failures in a row an account answers 429 for 30 s, doubled by each further failure up to a day: about 23
 * guesses on the first day and one on each further day. Peers have LOGIN_PEER_ATTEMPTS, and locks of at most an hour. */
#ifndef API_GATEWAY_THROTTLE_H
#define API_GATEWAY_THROTTLE_H

#include "api-gateway/gateway.h"

#define THROTTLE_ACCOUNT_FORGET_MS (INT64_C(30) * 86400000)
#define THROTTLE_PEER_FORGET_MS INT64_C(3600000)

/* Count an attempt. 0: go on. SEGS_EFULL: it is locked, not counted, *ret_wait_ms says for how long. */
int throttle_attempt(struct rt_db_conn *conn, const struct gateway *gateway, const char *account,
                     const char *peer, int64_t *ret_wait_ms, struct segs_error *reterr);
/* The password was right: forget the account's failures and take back the peer's count. */
int throttle_succeeded(struct rt_db_conn *conn, const char *account, const char *peer,
                       struct segs_error *reterr);
/* Answer 429. */
void throttle_refuse(struct rt_http_exchange *x, const struct gateway *gateway, int64_t wait_ms);

#endif
