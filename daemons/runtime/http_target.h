/* The request target: a raw path split on '/' and decoded segment by segment, exactly once, and a
 * query as name and value pairs. What another reader of the same bytes could understand otherwise
 * is refused: an encoded slash or NUL, dot segments, empty segments, invalid UTF-8. */
#ifndef RT_HTTP_TARGET_H
#define RT_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_PATH 2048  /* Ours: the longest route with ids stays below 200. */
#define HTTP_MAX_QUERY 4096 /* Ours. */
#define HTTP_MAX_SEGMENTS 16
#define HTTP_MAX_PAIRS 32

struct http_pair {
    const char *name;
    const char *value;
};

struct http_target {
    size_t n_segments;
    size_t n_pairs;
    const char *segments[HTTP_MAX_SEGMENTS];
    struct http_pair pairs[HTTP_MAX_PAIRS];
    char path_text[HTTP_MAX_PATH + HTTP_MAX_SEGMENTS + 1];
    char query_text[HTTP_MAX_QUERY + 1];
};

/* Both return 0, or the status to refuse with (400, 414) and `*why` for the answer's detail. */
int http_target_path(struct http_target *target, const char *raw, const char **why);
int http_target_query(struct http_target *target, const char *raw, const char **why);

const char *http_target_get(const struct http_target *target, const char *name); /* Of the query. */

/* Whether `name` is one of the comma-separated `allowed` (NULL: none). */
bool http_name_allowed(const char *allowed, const char *name);
/* Copies the most similar of `allowed` into `buf`; false when none is near. */
bool http_name_nearest(const char *allowed, const char *name, char *buf, size_t cap);

#endif
