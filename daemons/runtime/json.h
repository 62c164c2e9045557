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

/* Parse a whole document, nested at most 64 deep. The bytes are copied. SEGS_ESYNTAX: not JSON, or
 * a \u0000 (offset says where); SEGS_ECONFLICT: a member given twice, SEGS_ERANGE: a number beyond
 * the range of a double (field says which, as a JSON pointer); SEGS_EFULL: nested too deep;
 * SEGS_ENOMEM. */
int rt_json_parse(const char *data, size_t len, struct rt_json **ret, struct segs_error *reterr);
void rt_json_free(struct rt_json *json);

/* One expected member of an object; at the end of the table name is NULL. */
enum rt_json_type {
    RT_JSON_STRING = 1,
    RT_JSON_INT = 2,
    RT_JSON_DECIMAL = 3,
    RT_JSON_BOOL = 4,
    RT_JSON_STRINGS = 5, /* Array of strings. */
    RT_JSON_ANY = 6      /* Anything, taken with rt_json_raw. */
};
struct rt_json_member {
    const char *name;
    enum rt_json_type type;
    bool required;
    size_t min_len; /* Strings, and each of RT_JSON_STRINGS: bytes. */
    size_t max_len; /* 0: unlimited. */
    int64_t min;    /* RT_JSON_INT: range. RT_JSON_DECIMAL: in millionths. RT_JSON_STRINGS: items.
                     * Both 0: unlimited. */
    int64_t max;
};

/* Check the whole document against the table: object, types, ranges, required, no unknown (nearest
 * known name is named). null is a value of no type here. Every fault is reported through `on_fault`
 * (may be NULL) with a JSON pointer such as "/email", one of the codes "type", "required",
 * "unknown", "range" and "length", and a message for people; SEGS_ERANGE is returned if there was
 * one. */
typedef void(rt_json_fault_fn)(const char *pointer, const char *code, const char *message,
                               void *user);
int rt_json_check(const struct rt_json *json, const struct rt_json_member *members,
                  rt_json_fault_fn *on_fault, void *user);

/* Values of a checked document; NULL / false when the member is absent or of another type. Texts
 * live as long as the document. */
const char *rt_json_string(const struct rt_json *json, const char *name);
bool rt_json_int(const struct rt_json *json, const char *name, int64_t *ret);
bool rt_json_micro(const struct rt_json *json, const char *name,
                   int64_t *ret); /* Exact decimal in millionths. */
bool rt_json_bool(const struct rt_json *json, const char *name, bool *ret);
bool rt_json_has(const struct rt_json *json, const char *name);
/* RT_JSON_STRINGS: the number of items, 0 when absent; item i, NULL beyond the end. */
size_t rt_json_n_strings(const struct rt_json *json, const char *name);
const char *rt_json_string_at(const struct rt_json *json, const char *name, size_t i);

/* The text of a member's value as it stands in the document (to parse a nested object, or to pass
 * it on); of element i when the document is an array. NULL when absent. */
const char *rt_json_raw(const struct rt_json *json, const char *name, size_t *ret_len);
size_t rt_json_n_elements(const struct rt_json *json);
const char *rt_json_raw_at(const struct rt_json *json, size_t i, size_t *ret_len);

/* ---- Writing: out of memory shows in rt_buf_status ---- */

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
                        const char *value); /* NULL value: null. Bytes that are no UTF-8: U+FFFD. */
void rt_json_put_string_n(struct rt_json_out *out, const char *name, const char *value, size_t len);
void rt_json_put_int(struct rt_json_out *out, const char *name, int64_t value);
void rt_json_put_fixed(struct rt_json_out *out, const char *name, int64_t value,
                       unsigned scale_digits); /* Exact. */
void rt_json_put_double(struct rt_json_out *out, const char *name,
                        double value); /* For scores; shortest exact text, null when not finite. */
void rt_json_put_bool(struct rt_json_out *out, const char *name, bool value);
void rt_json_put_null(struct rt_json_out *out, const char *name);
void rt_json_put_time(struct rt_json_out *out, const char *name,
                      int64_t ts_ms); /* RFC 3339 UTC with ms; null outside 1970..9999. */
void rt_json_put_raw(struct rt_json_out *out, const char *name, const char *json, size_t len);

#endif
