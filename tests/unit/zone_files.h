/* TZif bytes for tests: files of the vectors, and a minimal zone with any footer. */
#ifndef SEGS_TESTS_ZONE_FILES_H
#define SEGS_TESTS_ZONE_FILES_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <segs/zone.h>

/* Reads tests/vectors/base/zones/NAME.tzif into tzif and returns its size. */
static inline size_t read_zone_file(const char *name, uint8_t tzif[SEGS_ZONE_TZIF_MAX_BYTES])
{
    char path[1024];
    size_t size;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/vectors/base/zones/%s.tzif", SEGS_TEST_SOURCE_DIR, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    size = fread(tzif, 1, SEGS_ZONE_TZIF_MAX_BYTES, file);
    (void)fclose(file);
    return size;
}

#define MINIMAL_BLOCK_AT 44
#define MINIMAL_SECOND_HEADER_AT 54 /* 44 bytes of header, one type of 6, "UTC" with NUL */
#define MINIMAL_SECOND_BLOCK_AT 98
#define MINIMAL_FOOTER_AT 108

/* Writes a version 3 zone with one type, UTC, no transitions and the footer; returns its size. */
static inline size_t make_zone_file(const char *footer, uint8_t *tzif)
{
    static const uint8_t part[MINIMAL_SECOND_HEADER_AT] = {
        'T', 'Z', 'i', 'f', '3', 0, 0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0,   0,   0,   0,   0,   0, 0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, /* one type, four bytes of abbreviations */
        0,   0,   0,   0,   0,   0, 'U', 'T', 'C', 0,
    };
    size_t len = strlen(footer);

    memcpy(tzif, part, sizeof part);
    memcpy(tzif + sizeof part, part, sizeof part);
    tzif[MINIMAL_FOOTER_AT] = '\n';
    memcpy(tzif + MINIMAL_FOOTER_AT + 1, footer, len);
    tzif[MINIMAL_FOOTER_AT + 1 + len] = '\n';
    return MINIMAL_FOOTER_AT + 2 + len;
}

#endif
