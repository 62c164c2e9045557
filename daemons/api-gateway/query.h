/* Query parameters: each fault is answered 400 with its name; nothing is clamped. */
#ifndef API_GATEWAY_QUERY_H
#define API_GATEWAY_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/http.h"

/* Answer 400 about one parameter. Returns false. */
bool query_refuse(struct rt_http_exchange *x, const char *name, const char *message);

/* Each leaves *ret as it is when the parameter is absent. False: answered. */
bool query_int(struct rt_http_exchange *x, const char *name, int64_t min, int64_t max,
               int64_t *ret);
bool query_time(struct rt_http_exchange *x, const char *name, int64_t *ret_ms);
/* Index in `choices`, which ends with NULL. */
bool query_choice(struct rt_http_exchange *x, const char *name, const char *const *choices,
                  int64_t *ret);

/* Where a page goes on: opaque base64url of kind, position and end. Strict: what we did not write is refused. */
#define QUERY_CURSOR_BYTES 128
void query_cursor_write(int64_t kind, int64_t position, int64_t end, char ret[QUERY_CURSOR_BYTES]);
bool query_cursor_read(const char *text, int64_t *ret_kind, int64_t *ret_position,
                       int64_t *ret_end);

#endif
