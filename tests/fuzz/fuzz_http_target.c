/* Path and query decoding: whatever is accepted holds no second meaning. The input is a path, a line
 * break, and a query. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/http_target.h"
#include "runtime/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void check_text(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        size_t n = rt_text_utf8(text + i, len - i);

        must(n > 0 && (unsigned char)text[i] >= 0x20);
        i += n;
    }
}

static void check_path(const struct http_target *target)
{
    must(target->n_segments <= HTTP_MAX_SEGMENTS);
    for (size_t i = 0; i < target->n_segments; i++) {
        const char *segment = target->segments[i];

        check_text(segment);
        must(segment[0] != '\0' && !strchr(segment, '/') && !strchr(segment, '\\'));
        must(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
    }
}

static void check_query(const struct http_target *target)
{
    must(target->n_pairs <= HTTP_MAX_PAIRS);
    for (size_t i = 0; i < target->n_pairs; i++) {
        check_text(target->pairs[i].name);
        check_text(target->pairs[i].value);
        must(target->pairs[i].name[0] != '\0');
        must(http_target_get(target, target->pairs[i].name) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_target *target = malloc(sizeof *target);
    char *text = malloc(size + 1);
    const char *why = NULL;
    char nearest[32];
    char *query;

    if (!target || !text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    query = strchr(text, '\n');
    if (query)
        *query++ = '\0';
    if (http_target_path(target, text, &why) == 0)
        check_path(target);
    else
        must(why != NULL);
    why = NULL;
    if (http_target_query(target, query, &why) == 0) {
        check_query(target);
        for (size_t i = 0; i < target->n_pairs; i++)
            (void)http_name_nearest("start_time,end_time,limit", target->pairs[i].name, nearest,
                                    sizeof nearest);
    } else
        must(why != NULL);
    free(text);
    free(target);
    return 0;
}
