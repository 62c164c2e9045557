/* Request id and W3C trace context: taken from the client when they are well-formed, made otherwise. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/clock.h"
#include "runtime/http_internal.h"
#include "runtime/log.h"

#define TRACE_HEX 32
#define SPAN_HEX 16
#define TRACEPARENT_LEN 55

/* Ids must differ, not be secret, so the kernel is asked for many bytes at once; should it have no
 * randomness yet, the clock will do. */
static void refill(struct http_random *random)
{
    if (getrandom(random->bytes, sizeof random->bytes, GRND_NONBLOCK) !=
        (ssize_t)sizeof random->bytes) {
        for (size_t i = 0; i < sizeof random->bytes; i++)
            random->bytes[i] ^= (unsigned char)((uint64_t)rt_monotonic_us() >> (8 * (i % 4)));
    }
    random->left = sizeof random->bytes;
}

static void random_hex(struct http_random *random, char *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    if (random->left < n / 2)
        refill(random);
    for (size_t i = 0; i < n / 2; i++) {
        unsigned byte = random->bytes[--random->left];

        if (i == 0)
            byte |= 1; /* All zeroes mean "none". */
        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
    out[n] = '\0';
}

static bool is_hex(const char *text, size_t n)
{
    return strspn(text, "0123456789abcdef") >= n;
}

static bool is_zero(const char *text, size_t n)
{
    return strspn(text, "0") >= n;
}

/* version "-" trace id "-" parent id "-" flags; a later version may append more. */
static bool is_traceparent(const char *text)
{
    size_t len = strlen(text);

    if (len < TRACEPARENT_LEN || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (!is_hex(text, 2) || !is_hex(text + 3, TRACE_HEX) || !is_hex(text + 36, SPAN_HEX) ||
        !is_hex(text + 53, 2))
        return false;
    if (strncmp(text, "ff", 2) == 0 || is_zero(text + 3, TRACE_HEX) || is_zero(text + 36, SPAN_HEX))
        return false;
    return len == TRACEPARENT_LEN || (strncmp(text, "00", 2) != 0 && text[TRACEPARENT_LEN] == '-');
}

static bool is_request_id(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len < HTTP_ID_BYTES &&
           strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") == len;
}

void http_identify(struct rt_http_exchange *x)
{
    const char *id = http_head_get(x->head, "X-Request-Id");
    const char *parent = http_head_get(x->head, "traceparent");
    bool sampled = true;

    random_hex(&x->worker->random, x->span_id, SPAN_HEX);
    if (parent && http_head_count(x->head, "traceparent") == 1 && is_traceparent(parent)) {
        memcpy(x->trace_id, parent + 3, TRACE_HEX);
        x->trace_id[TRACE_HEX] = '\0';
        sampled = strchr("13579bdf", parent[54]) != NULL;
    } else
        random_hex(&x->worker->random, x->trace_id, TRACE_HEX);
    (void)snprintf(x->traceparent, sizeof x->traceparent, "00-%s-%s-%s", x->trace_id, x->span_id,
                   sampled ? "01" : "00");
    if (id && is_request_id(id))
        memcpy(x->request_id, id, strlen(id) + 1);
    else
        random_hex(&x->worker->random, x->request_id, TRACE_HEX);
    rt_log_thread_trace(x->trace_id, x->span_id, x->request_id);
}
