/* Any bytes as a body, twice over so that the second copy meets what the decoder learned from the
 * first: the quick decoder of every instruction set must give the plain one's readings and errors. */
#include <segs/decode.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/telemetry_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, int level, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "level %d differs in %s\n", level, what);
        abort();
    }
}

static void check_next(struct segs_decoder *plain, struct segs_decoder *quick, int level, int *r)
{
    struct segs_reading a;
    struct segs_reading b;
    struct segs_error err_a;
    struct segs_error err_b;

    memset(&err_a, 0, sizeof err_a);
    memset(&err_b, 0, sizeof err_b);
    *r = segs_decoder_next(plain, &a, &err_a);
    require(segs_decoder_next(quick, &b, &err_b) == *r, level, "the code");
    require(*r <= 0 || memcmp(&a, &b, sizeof a) == 0, level, "the reading");
    require(err_a.offset == err_b.offset && err_a.line == err_b.line && err_a.index == err_b.index,
            level, "the place of the error");
    require(strcmp(err_a.field, err_b.field) == 0 && strcmp(err_a.message, err_b.message) == 0,
            level, "the error");
    require(segs_decoder_reason(plain) == segs_decoder_reason(quick), level, "the reason");
    require(segs_decoder_is_lost(plain) == segs_decoder_is_lost(quick), level, "what is lost");
}

static struct segs_decoder *new_decoder(void)
{
    struct segs_decoder *decoder = NULL;

    if (segs_decoder_new(NULL, &decoder) < 0)
        abort();
    return decoder;
}

static void check_level(const char *body, size_t len, int level)
{
    struct segs_decoder *plain = new_decoder();
    struct segs_decoder *quick = new_decoder();

    if (segs__decoder_set_level(plain, SEGS__FAST_PLAIN) == 0 &&
        segs__decoder_set_level(quick, level) == 0) {
        int r;

        if (segs_decoder_begin(plain, body, len) < 0 || segs_decoder_begin(quick, body, len) < 0)
            abort();
        do {
            check_next(plain, quick, level, &r);
        } while (r != 0);
    }
    segs_decoder_free(quick);
    segs_decoder_free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = 2 * size + 3;
    char *body = malloc(len);

    if (!body)
        return 0;
    for (int is_array = 0; is_array <= 1; is_array++) {
        char *p = body;

        if (is_array)
            *p++ = '[';
        memcpy(p, data, size);
        p += size;
        *p++ = is_array ? ',' : '\n';
        memcpy(p, data, size);
        p += size;
        if (is_array)
            *p++ = ']';
        for (int level = SEGS__FAST_PORTABLE; level <= SEGS__FAST_AVX2; level++)
            check_level(body, (size_t)(p - body), level);
    }
    free(body);
    return 0;
}
