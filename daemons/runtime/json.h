/* JSON for bodies and events. Reading: cJSON behind strict checks (whole document, UTF-8, no
 * duplicate or unknown members, no \u0000, finite numbers). Writing: straight into a buffer, exact
 * decimals from fixed point. */
#ifndef RT_JSON_H
#define RT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segs/error.h>

#include "buf.h"

/* ---- Reading: a request body as an object with known members ---- */

struct rt_json; /* A parsed document. */

int rt_json_parse(const char *data, size_t len, struct rt_json **ret, struct segs_error *reterr);
void rt_json_free(struct rt_json *json);

/* One expected member of an object; at the end of the table name is NULL. */
enum rt_json_type {
    RT_JSON_STRING = 1,
    RT_JSON_INT = 2,
    RT_JSON_DECIMAL = 3,
    RT_JSON_BOOL = 4,
    RT_JSON_STRINGS = 5
};
struct rt_json_member {
    const char *name;
    enum rt_json_type type;
    bool required;
    size_t min_len; /* Strings: bytes. */
    size_t max_len;
    int64_t min; /* RT_JSON_INT: range. RT_JSON_DECIMAL: in millionths. */
    int64_t max;
};

/* Check the whole document against the table: object, types, ranges, required, no unknown (nearest
 * known name is named). Every fault is reported through `on_fault` (pointer such as "/email"), and
 * SEGS_ERANGE is returned if there was one. */
typedef void(rt_json_fault_fn)(const char *pointer, const char *code, const char *message,
                               void *user);
int rt_json_check(const struct rt_json *json, const struct rt_json_member *members,
                  rt_json_fault_fn *on_fault, void *user);

/* Values of a checked document; NULL / false when the member is absent. */
const char *rt_json_string(const struct rt_json *json, const char *name);
bool rt_json_int(const struct rt_json *json, const char *name, int64_t *ret);
bool rt_json_micro(const struct rt_json *json, const char *name,
                   int64_t *ret); /* Exact decimal in millionths. */
bool rt_json_bool(const struct rt_json *json, const char *name, bool *ret);

/* ---- Writing ---- */

struct rt_json_out {
    struct rt_buf *buf;
    unsigned depth;
    bool need_comma;
};

void rt_json_begin(struct rt_json_out *out, struct rt_buf *buf);
void rt_json_object(struct rt_json_out *out,
                    const char *name); /* Open; name NULL inside arrays and at the top. */
void rt_json_end_object(struct rt_json_out *out);
void rt_json_array(struct rt_json_out *out, const char *name);
void rt_json_end_array(struct rt_json_out *out);
void rt_json_put_string(struct rt_json_out *out, const char *name,
                        const char *value); /* NULL value: null. */
void rt_json_put_string_n(struct rt_json_out *out, const char *name, const char *value, size_t len);
void rt_json_put_int(struct rt_json_out *out, const char *name, int64_t value);
void rt_json_put_fixed(struct rt_json_out *out, const char *name, int64_t value,
                       unsigned scale_digits); /* Exact. */
void rt_json_put_bool(struct rt_json_out *out, const char *name, bool value);
void rt_json_put_null(struct rt_json_out *out, const char *name);
void rt_json_put_time(struct rt_json_out *out, const char *name,
                      int64_t ts_ms); /* RFC 3339 UTC with ms. */
void rt_json_put_raw(struct rt_json_out *out, const char *name, const char *json, size_t len);

#endif
