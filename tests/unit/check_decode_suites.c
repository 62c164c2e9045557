/* Outside test data: every file of the JSON conformance suite, and the texts that break others, in
 * each text member. Exits with 77 and says so when the data is not there. */
#include <segs/decode.h>

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"

#define SUITE_DIR SEGS_TESTDATA_DIR "/json-suite/test_parsing"
#define NAUGHTY_FILE SEGS_TESTDATA_DIR "/naughty-strings/blns.txt"
#define SKIPPED 77

static char *read_all(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    char *data;
    long size;

    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    ck_assert_int_ge(size, 0);
    ck_assert_int_eq(fseek(file, 0, SEEK_SET), 0);
    data = malloc((size_t)size + 1); /* one more for a NUL that only the naughty file needs */
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, (size_t)size, file), (size_t)size);
    data[size] = '\0';
    *ret_len = (size_t)size;
    (void)fclose(file);
    return data;
}

/* Run `data` as a body; returns the refused elements. */
static int refused(const char *data, size_t len, int format)
{
    struct segs_decoder *decoder = new_decoder(format);
    struct segs_reading reading;
    int n = 0;
    int r;

    ck_assert_int_eq(segs_decoder_begin(decoder, data, len), 0);
    while ((r = segs_decoder_next(decoder, &reading, NULL)) != 0)
        n += r < 0;
    segs_decoder_free(decoder);
    return n;
}

static void check_file(const char *name, int *n_files)
{
    char path[1024];
    struct segs_error err;
    char *data;
    size_t len;
    int r;

    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", SUITE_DIR, name), (int)sizeof path);
    data = read_all(path, &len);
    r = segs_json_check(data, len, 64, &err);
    if (name[0] == 'y')
        ck_assert_msg(r == 0, "%s must be accepted: %s", name, r == 0 ? "" : err.message);
    if (name[0] == 'n')
        ck_assert_msg(r < 0, "%s must be refused", name);
    for (int format = SEGS_FORMAT_AUTO; r < 0 && format <= SEGS_FORMAT_SINGLE; format++) {
        /* White lines are no element of NDJSON. */
        if (format == SEGS_FORMAT_NDJSON && strspn(data, " \t\r\n") == len)
            continue;
        ck_assert_msg(refused(data, len, format) > 0, "%s is no JSON and decodes", name);
    }
    free(data);
    n_files[0] += name[0] == 'y';
    n_files[1] += name[0] == 'n';
    n_files[2] += name[0] == 'i';
}

START_TEST(the_conformance_suite_is_judged_as_it_asks)
{
    DIR *dir = opendir(SUITE_DIR);
    struct dirent *entry;
    int n_files[3] = { 0, 0, 0 };

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strlen(entry->d_name) > 2 && entry->d_name[1] == '_')
            check_file(entry->d_name, n_files);
    }
    (void)closedir(dir);
    (void)printf("%d accepted, %d refused, %d either way\n", n_files[0], n_files[1], n_files[2]);
    ck_assert_int_eq(n_files[0], 95);
    ck_assert_int_eq(n_files[1], 188);
    ck_assert_int_eq(n_files[2], 35);
}
END_TEST

/* A quoted JSON string of any bytes. */
static size_t quote(char *p, const char *text, size_t len)
{
    char *start = p;

    *p++ = '"';
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            *p++ = '\\';
        *p++ = text[i];
    }
    *p++ = '"';
    return (size_t)(p - start);
}

static void check_naughty(const char *member, const char *line, size_t len, int *n_accepted)
{
    static const char head[] = "{\"timestamp\":\"2026-01-15T14:30:00Z\",\"power_kw\":1,";
    char *text = malloc(sizeof head + 64 + 2 * len);
    struct segs_reading reading;
    const char *got;
    char *p;

    ck_assert_ptr_nonnull(text);
    p = text + sprintf(text, "%s%s\"%s\":", head,
                       strcmp(member, "meter_id") == 0 ? "" : "\"meter_id\":\"A\",", member);
    p += quote(p, line, len);
    *p++ = '}';
    if (segs_reading_decode(text, (size_t)(p - text), &reading, NULL) == 0) {
        got = strcmp(member, "meter_id") == 0 ? reading.meter_id
              : strcmp(member, "region") == 0 ? reading.region
                                              : reading.reading_id;
        ck_assert_uint_eq(strlen(got), len);
        ck_assert_mem_eq(got, line, len);
        ++*n_accepted;
    }
    free(text);
}

START_TEST(naughty_texts_are_kept_byte_for_byte_or_refused)
{
    static const char *const members[] = { "meter_id", "region", "reading_id" };
    size_t len;
    char *data = read_all(NAUGHTY_FILE, &len);
    int n_accepted = 0;
    int n_lines = 0;

    for (char *line = data; line < data + len;) {
        char *end = memchr(line, '\n', (size_t)(data + len - line));

        if (!end)
            end = data + len;
        for (size_t i = 0; i < 3; i++)
            check_naughty(members[i], line, (size_t)(end - line), &n_accepted);
        n_lines++;
        line = end + 1;
    }
    (void)printf("%d lines in 3 members, %d accepted\n", n_lines, n_accepted);
    ck_assert_int_gt(n_lines, 500);
    ck_assert_int_gt(n_accepted, 100); /* plain words such as "undefined" */
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode_suites");
    TCase *tc = tcase_create("suites");
    DIR *dir = opendir(SUITE_DIR);
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    if (!dir) {
        (void)printf("SKIP: no outside test data in %s\n", SEGS_TESTDATA_DIR);
        return SKIPPED;
    }
    (void)closedir(dir);
    tcase_add_test(tc, the_conformance_suite_is_judged_as_it_asks);
    tcase_add_test(tc, naughty_texts_are_kept_byte_for_byte_or_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
