/* Any bytes as a body. Held: one pass and an end; a body that is no JSON (or, line by line, no NDJSON)
 * never decodes without an error; the structure of correct JSON is never lost; and every reading comes
 * back from its canonical text byte for byte, with findings and fingerprint computed on the way. */
#include <segs/decode.h>
#include <segs/encode.h>
#include <segs/validate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

static void check_reading(const struct segs_reading *reading, const struct segs_policy *policy)
{
    static const uint8_t key[16] = { 0 };
    char first[SEGS_READING_JSON_MAX_BYTES];
    char second[SEGS_READING_JSON_MAX_BYTES];
    struct segs_verdict verdicts[16];
    struct segs_fingerprint fingerprint;
    struct segs_reading back;
    size_t len;
    size_t len_again;
    int n;

    require(segs_reading_check(reading, NULL) == 0, "a decoded reading keeps its promises");
    require(segs_reading_encode(reading, first, sizeof first, &len) == 0, "it can be encoded");
    require(segs_reading_decode(first, len, &back, NULL) == 0, "its text can be decoded");
    require(memcmp(&back, reading, sizeof back) == 0, "decoding gives the reading back");
    require(segs_reading_encode(&back, second, sizeof second, &len_again) == 0 &&
                len == len_again && memcmp(first, second, len) == 0,
            "encoding is stable");
    require(segs_reading_hash(reading, key, &fingerprint) == 0, "it has a fingerprint");
    n = segs_policy_check(policy, reading, NULL, 0, verdicts, 16);
    require(n >= 0 && n <= 16, "16 findings suffice");
}

/* Whether the strict checker finds each non-blank line, or the whole text, to be JSON. */
static int is_json(const char *text, size_t len, int by_line)
{
    const char *end = text + len;

    if (!by_line)
        return segs_json_check(text, len, SEGS_JSON_MAX_DEPTH, NULL) == 0;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *p = text;

        if (!line_end)
            line_end = end;
        while (p < line_end && (*p == ' ' || *p == '\t' || *p == '\r'))
            p++;
        if (p < line_end &&
            segs_json_check(p, (size_t)(line_end - p), SEGS_JSON_MAX_DEPTH, NULL) != 0)
            return 0;
        text = line_end < end ? line_end + 1 : end;
    }
    return 1;
}

static int starts_other_than_array(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && memchr(" \t\r\n", text[i], 4))
        i++;
    return i < len && text[i] != '[';
}

static void check_body(const char *text, size_t len, int format, const struct segs_policy *policy)
{
    struct segs_decoder_options options = SEGS_DECODER_OPTIONS_INIT;
    struct segs_decoder *decoder = NULL;
    struct segs_reading reading;
    struct segs_error err;
    const char *element;
    size_t element_len;
    size_t n_errors = 0;
    size_t n = 0;
    int r;

    options.format = format;
    options.max_depth = SEGS_JSON_MAX_DEPTH;
    options.max_element_bytes = INT64_C(1) << 31;
    if (segs_decoder_new(&options, &decoder) < 0)
        abort();
    require(segs_decoder_begin(decoder, text, len) == 0, "a body begins");
    while ((r = segs_decoder_next(decoder, &reading, &err)) != 0) {
        require(++n <= len + 1, "every element takes at least a byte");
        require(segs_decoder_element(decoder, &element, &element_len) == 0 && element >= text &&
                    element + element_len <= text + len,
                "an element lies in its body");
        if (r > 0) {
            check_reading(&reading, policy);
            continue;
        }
        n_errors++;
        require(err.code == r && err.offset >= 0 && err.offset <= (int64_t)len && err.line >= 1,
                "an error has its place");
        require(err.message[0] != '\0', "an error has a message");
    }
    if (n_errors == 0 || segs_decoder_is_lost(decoder)) {
        int json = is_json(text, len, format == SEGS_FORMAT_NDJSON);

        require(n_errors > 0 || json, "what is no JSON does not decode");
        require(!segs_decoder_is_lost(decoder) || !json || starts_other_than_array(text, len) ||
                    segs_decoder_reason(decoder) == SEGS_DECODE_LIMIT,
                "the structure of JSON is not lost");
    }
    segs_decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segs_policy *policy = NULL;
    const char *text = (const char *)data;

    if (segs_policy_new(NULL, &policy, NULL) < 0)
        abort();
    for (int format = SEGS_FORMAT_ARRAY; format <= SEGS_FORMAT_SINGLE; format++)
        check_body(text, size, format, policy);
    segs_policy_free(policy);
    return 0;
}
