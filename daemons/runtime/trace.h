/* Trace context (W3C Trace Context) and request ids. Pure functions and plain data, except that
 * new ids take randomness. */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define RT_TRACE_ID_BYTES 33
#define RT_SPAN_ID_BYTES 17
#define RT_TRACEPARENT_BYTES 56
#define RT_REQUEST_ID_BYTES 65

/* Ids are lowercase hex, never all zeros. */
struct rt_trace {
    char trace_id[RT_TRACE_ID_BYTES];
    char span_id[RT_SPAN_ID_BYTES];
    uint8_t flags; /* Bit 0: sampled. */
};

/* Read the value of a traceparent header: version 00 exactly, or a later version whose beginning
 * reads the same. SEGS_ESYNTAX: not one; start a new trace then. *ret untouched on failure. */
int rt_trace_parse(const char *text, struct rt_trace *ret);
/* The context of a step below `parent`: same trace and flags, new span. parent NULL: a new,
 * sampled trace. `ret` may be `parent`. SEGS_EINTERNAL: no randomness; *ret untouched. */
int rt_trace_child(const struct rt_trace *parent, struct rt_trace *ret);
void rt_trace_format(const struct rt_trace *trace, char buf[RT_TRACEPARENT_BYTES]);

/* 1..64 of [A-Za-z0-9._-]: safe in logs, headers and answers. NULL is not. */
bool rt_request_id_is_valid(const char *text);
/* Take the client's id when it is valid, else make one (a UUID of version 7). SEGS_EINTERNAL: no
 * randomness. */
int rt_request_id(const char *offered, char buf[RT_REQUEST_ID_BYTES]);

#endif
