/* What `segs replay` reads: CSV, maps of columns, times and rows. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segs/csv.h"
#include "segs/replay_map.h"
#include "segs/replay_row.h"

static struct csv csv;
static FILE *file;
static struct segs_error err;

static void open_text(const char *text)
{
    file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fputs(text, file) >= 0, 1);
    rewind(file);
    csv_init(&csv, file, ',');
    memset(&err, 0, sizeof err);
}

static void close_text(void)
{
    csv_free(&csv);
    (void)fclose(file);
}

/* ---- CSV ---- */

START_TEST(cells_are_separated_by_commas_and_records_by_either_line_end)
{
    open_text("a,b\r\nc,d\ne,f");
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 1), "b");
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 0), "c");
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 1), "f");
    ck_assert_int_eq(csv.record_line, 3);
    ck_assert_int_eq(csv_next(&csv, &err), 0);
    close_text();
}
END_TEST

START_TEST(a_quoted_cell_may_hold_commas_quotes_and_lines)
{
    open_text("\"a,\"\"b\"\"\nc\",2\r\nnext,3\n");
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 0), "a,\"b\"\nc");
    ck_assert_str_eq(csv_cell(&csv, 1), "2");
    ck_assert_int_eq(csv.record_line, 1);
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_int_eq(csv.record_line, 3);
    close_text();
}
END_TEST

START_TEST(empty_cells_are_cells)
{
    open_text(",\"\",\n");
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_uint_eq(csv.n_cells, 3);
    ck_assert_str_eq(csv_cell(&csv, 2), "");
    ck_assert_ptr_null(csv_cell(&csv, 3));
    close_text();
}
END_TEST

START_TEST(a_byte_order_mark_and_blank_lines_are_skipped)
{
    open_text("\xef\xbb\xbf\n\r\na,b\n\n");
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 0), "a");
    ck_assert_int_eq(csv.record_line, 3);
    ck_assert_int_eq(csv_next(&csv, &err), 0);
    close_text();
}
END_TEST

START_TEST(a_quote_inside_of_a_cell_costs_its_line_alone)
{
    open_text("a\"b,1\nc,2\n");
    ck_assert_int_eq(csv_next(&csv, &err), SEGS_ESYNTAX);
    ck_assert_int_eq(csv.record_line, 1);
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 0), "c");
    close_text();
}
END_TEST

START_TEST(text_behind_a_closing_quote_is_refused)
{
    open_text("\"a\"b,1\nc,2\n");
    ck_assert_int_eq(csv_next(&csv, &err), SEGS_ESYNTAX);
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 1), "2");
    close_text();
}
END_TEST

START_TEST(an_open_quote_is_refused_at_the_end)
{
    open_text("a,\"b\nc\n");
    ck_assert_int_eq(csv_next(&csv, &err), SEGS_ESYNTAX);
    ck_assert_str_eq(err.message, "a quote is not closed");
    ck_assert_int_eq(csv_next(&csv, &err), 0);
    close_text();
}
END_TEST

START_TEST(a_record_beyond_the_limit_is_refused)
{
    char *text = malloc(CSV_RECORD_MAX_BYTES + 16);

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', CSV_RECORD_MAX_BYTES + 1);
    (void)snprintf(text + CSV_RECORD_MAX_BYTES + 1, 8, "\na\n");
    open_text(text);
    ck_assert_int_eq(csv_next(&csv, &err), SEGS_EFULL);
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    ck_assert_str_eq(csv_cell(&csv, 0), "a");
    close_text();
    free(text);
}
END_TEST

/* ---- Maps ---- */

static struct replay_map map;

static int parse_map(const char *text)
{
    memset(&err, 0, sizeof err);
    return replay_map_parse(text, &map, &err);
}

START_TEST(a_map_names_columns_constants_and_factors)
{
    ck_assert_int_eq(parse_map("meter=Id,power_kw=W*0.001,region==North West"), 0);
    ck_assert_str_eq(map.fields[MAP_METER].column, "Id");
    ck_assert_str_eq(map.fields[MAP_POWER].column, "W");
    ck_assert_int_eq(map.fields[MAP_POWER].factor_nano, 1000000);
    ck_assert(map.fields[MAP_REGION].is_constant);
    ck_assert_str_eq(map.fields[MAP_REGION].column, "North West");
    ck_assert(!map.fields[MAP_ENERGY].is_set);
}
END_TEST

START_TEST(a_timestamp_may_have_two_columns_and_a_format)
{
    ck_assert_int_eq(parse_map("timestamp=Date+Time:%d/%m/%Y %H:%M:%S"), 0);
    ck_assert_str_eq(map.fields[MAP_TIMESTAMP].column, "Date");
    ck_assert_str_eq(map.fields[MAP_TIMESTAMP].more_columns, "Time");
    ck_assert_str_eq(map.fields[MAP_TIMESTAMP].format, "%d/%m/%Y %H:%M:%S");
}
END_TEST

START_TEST(an_unknown_field_is_refused_with_the_nearest)
{
    ck_assert_int_eq(parse_map("powr_kw=P"), SEGS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "power_kw"));
}
END_TEST

START_TEST(a_field_mapped_twice_is_refused)
{
    ck_assert_int_eq(parse_map("meter=A,meter=B"), SEGS_ECONFLICT);
}
END_TEST

START_TEST(a_map_without_sense_is_refused)
{
    ck_assert_int_eq(parse_map("meter"), SEGS_ESYNTAX);
    ck_assert_int_eq(parse_map("meter="), SEGS_ESYNTAX);
    ck_assert_int_eq(parse_map("power_kw=W*x"), SEGS_ESYNTAX);
    ck_assert_int_eq(parse_map("power_kw=W*0.0000000001"), SEGS_ESYNTAX);
}
END_TEST

START_TEST(columns_of_canonical_name_need_no_map)
{
    static const char *const header[] = { "timestamp", "energy_kwh", "meter_id", "note" };

    ck_assert_int_eq(parse_map(""), 0);
    ck_assert_int_eq(replay_map_bind(&map, header, 4, &err), 0);
    ck_assert_uint_eq(map.fields[MAP_METER].index, 2);
    ck_assert_uint_eq(map.fields[MAP_ENERGY].index, 1);
    ck_assert(!map.fields[MAP_POWER].is_set);
}
END_TEST

START_TEST(a_column_that_is_not_there_is_named_with_the_nearest)
{
    static const char *const header[] = { "timestamp", "Power", "meter" };

    ck_assert_int_eq(parse_map("power_kw=Powr"), 0);
    ck_assert_int_eq(replay_map_bind(&map, header, 3, &err), SEGS_ENOTFOUND);
    ck_assert_str_eq(err.field, "power_kw");
    ck_assert_ptr_nonnull(strstr(err.message, "\"Power\""));
}
END_TEST

START_TEST(a_file_without_measurement_is_refused)
{
    static const char *const header[] = { "timestamp", "meter", "voltage" };

    ck_assert_int_eq(parse_map(""), 0);
    ck_assert_int_eq(replay_map_bind(&map, header, 3, &err), SEGS_ENOTFOUND);
}
END_TEST

/* ---- Times ---- */

static int64_t parse_time(const char *text, const char *format, const struct segs_zone *zone)
{
    int64_t ts_ms = -1;

    memset(&err, 0, sizeof err);
    (void)replay_time_parse(text, format, zone, INT64_MIN, &ts_ms, &err);
    return ts_ms;
}

START_TEST(times_are_read_with_offset_counted_or_by_pattern)
{
    struct segs_zone *utc = NULL;

    ck_assert_int_eq(replay_zone_load("UTC", &utc, NULL), 0);
    /* date -u -d 2026-01-15T14:30:00Z +%s says 1768487400. */
    ck_assert_int_eq(parse_time("2026-01-15T15:30:00+01:00", "", NULL), INT64_C(1768487400000));
    ck_assert_int_eq(parse_time("1768487400.25", "unix", NULL), INT64_C(1768487400250));
    ck_assert_int_eq(parse_time("1768487400250", "unix_ms", NULL), INT64_C(1768487400250));
    ck_assert_int_eq(parse_time("2026-01-15 14:30:00.5", "", utc), INT64_C(1768487400500));
    ck_assert_int_eq(parse_time("2026-01-15 14:30", "", utc), INT64_C(1768487400000));
    ck_assert_int_eq(parse_time("15/1/26 14:30:00", "%d/%m/%y %H:%M:%S", utc),
                     INT64_C(1768487400000));
    segs_zone_free(utc);
}
END_TEST

START_TEST(a_local_time_needs_a_zone)
{
    ck_assert_int_eq(parse_time("2026-01-15 14:30:00", "", NULL), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "--tz"));
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    struct segs_zone *utc = NULL;

    ck_assert_int_eq(replay_zone_load("UTC", &utc, NULL), 0);
    ck_assert_int_eq(parse_time("yesterday", "", utc), -1);
    ck_assert_int_eq(parse_time("2026-02-30 14:30:00", "", utc), -1);
    ck_assert_int_eq(parse_time("2026-01-15 14:30:00 ", "%Y-%m-%d %H:%M:%S", utc), -1);
    ck_assert_int_eq(parse_time("x", "unix", utc), -1);
    segs_zone_free(utc);
}
END_TEST

START_TEST(a_zone_may_be_an_offset)
{
    struct segs_zone *zone = NULL;

    ck_assert_int_eq(replay_zone_load("+05:30", &zone, NULL), 0);
    ck_assert_int_eq(parse_time("2026-01-15 20:00:00", "", zone), INT64_C(1768487400000));
    segs_zone_free(zone);
}
END_TEST

START_TEST(a_zone_that_is_not_there_is_refused)
{
    struct segs_zone *zone = NULL;

    ck_assert_int_eq(replay_zone_load("Europe/Nowhere", &zone, &err), SEGS_ENOTFOUND);
    ck_assert_int_eq(replay_zone_load("../../etc/passwd", &zone, &err), SEGS_ERANGE);
}
END_TEST

/* ---- Rows ---- */

static struct replay_rows rows;

/* Header and rows; the header is bound, the first row is next. */
static void open_rows(const char *map_text, const char *zone, const char *text)
{
    const char *header[16];

    open_text(text);
    ck_assert_int_eq(replay_rows_init(&rows, &err), 0);
    if (zone)
        ck_assert_int_eq(replay_zone_load(zone, &rows.zone, &err), 0);
    ck_assert_int_eq(replay_map_parse(map_text, &rows.map, &err), 0);
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    for (size_t i = 0; i < csv.n_cells; i++)
        header[i] = csv_cell(&csv, i);
    ck_assert_msg(replay_map_bind(&rows.map, header, csv.n_cells, &err) == 0, "%s", err.message);
}

static int next_row(struct segs_reading *ret)
{
    ck_assert_int_eq(csv_next(&csv, &err), 1);
    memset(&err, 0, sizeof err);
    return replay_row_read(&rows, &csv, ret, &err);
}

static void close_rows(void)
{
    replay_rows_free(&rows);
    close_text();
}

START_TEST(a_row_becomes_an_exact_reading)
{
    struct segs_reading reading;

    open_rows("meter=id,timestamp=t:unix,power_kw=w*0.001,voltage=v,region==North", NULL,
              "id,t,w,v\nM1,1768487400, 1234.5678 ,230.15\n");
    ck_assert_int_eq(next_row(&reading), 0);
    ck_assert_str_eq(reading.meter_id, "M1");
    ck_assert_str_eq(reading.region, "North");
    ck_assert_int_eq(reading.ts_ms, INT64_C(1768487400000));
    ck_assert_int_eq(reading.power_micro_kw, 1234568); /* 1.2345678 kW, rounded once. */
    ck_assert_int_eq(reading.voltage_milli_v, 230150);
    ck_assert_uint_eq(reading.present, SEGS_HAS_POWER | SEGS_HAS_VOLTAGE | SEGS_HAS_REGION);
    close_rows();
}
END_TEST

START_TEST(an_empty_cell_is_no_value_and_none_at_all_is_refused)
{
    struct segs_reading reading;

    open_rows("", NULL,
              "meter,timestamp,power_kw,energy_kwh\nM1,2026-01-15T14:30:00Z,,0.5\n"
              "M1,2026-01-15T14:30:10Z,,\nM1,2026-01-15T14:30:20Z,?,1\n");
    rows.absent = "?";
    ck_assert_int_eq(next_row(&reading), 0);
    ck_assert_uint_eq(reading.present, SEGS_HAS_ENERGY);
    ck_assert_int_eq(next_row(&reading), SEGS_ERANGE);
    ck_assert_int_eq(next_row(&reading), 0);
    ck_assert_uint_eq(reading.present, SEGS_HAS_ENERGY);
    close_rows();
}
END_TEST

START_TEST(a_bad_cell_is_named_with_its_column)
{
    struct segs_reading reading;

    open_rows("power_kw=P", NULL,
              "meter,timestamp,P\nM1,2026-01-15T14:30:00Z,a lot\nM 1,2026-01-15T14:30:00Z,1\n"
              "M1,soon,1\nM1\n");
    ck_assert_int_eq(next_row(&reading), SEGS_ERANGE);
    ck_assert_str_eq(err.field, "P");
    ck_assert_str_eq(err.message, "expected a number, found \"a lot\"");
    ck_assert_int_lt(next_row(&reading), 0);
    ck_assert_str_eq(err.field, "meter");
    ck_assert_int_lt(next_row(&reading), 0);
    ck_assert_str_eq(err.field, "timestamp");
    ck_assert_int_lt(next_row(&reading), 0);
    ck_assert_str_eq(err.message, "expected at least 2 cells, found 1");
    close_rows();
}
END_TEST

/* On 26 October 2025 clocks in Berlin went back from 03:00 CEST to 02:00 CET at 01:00Z; 30 March skipped 02:00 to 03:00. */
START_TEST(an_hour_shown_twice_is_read_in_the_order_of_the_file_for_each_meter)
{
    struct segs_reading reading;
    const int64_t first = INT64_C(1761438600000); /* date -u -d 2025-10-26T00:30:00Z +%s */

    open_rows("", "Europe/Berlin",
              "meter,timestamp,power_kw\nA,2025-10-26 02:30:00,1\nA,2025-10-26 02:30:00,2\n"
              "B,2025-10-26 02:30:00,3\n");
    ck_assert_int_eq(next_row(&reading), 0);
    ck_assert_int_eq(reading.ts_ms, first);
    ck_assert_int_eq(next_row(&reading), 0);
    ck_assert_int_eq(reading.ts_ms, first + 3600000);
    ck_assert_int_eq(next_row(&reading), 0);
    ck_assert_int_eq(reading.ts_ms, first);
    close_rows();
}
END_TEST

START_TEST(a_time_that_clocks_skipped_is_refused)
{
    struct segs_reading reading;

    open_rows("", "Europe/Berlin", "meter,timestamp,power_kw\nA,2025-03-30 02:30:00,1\n");
    ck_assert_int_eq(next_row(&reading), SEGS_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "skipped"));
    close_rows();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segs files");
    TCase *texts = tcase_create("csv");
    TCase *maps = tcase_create("map");
    TCase *times = tcase_create("times");
    TCase *records = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_test(texts, cells_are_separated_by_commas_and_records_by_either_line_end);
    tcase_add_test(texts, a_quoted_cell_may_hold_commas_quotes_and_lines);
    tcase_add_test(texts, empty_cells_are_cells);
    tcase_add_test(texts, a_byte_order_mark_and_blank_lines_are_skipped);
    tcase_add_test(texts, a_quote_inside_of_a_cell_costs_its_line_alone);
    tcase_add_test(texts, text_behind_a_closing_quote_is_refused);
    tcase_add_test(texts, an_open_quote_is_refused_at_the_end);
    tcase_add_test(texts, a_record_beyond_the_limit_is_refused);
    tcase_add_test(maps, a_map_names_columns_constants_and_factors);
    tcase_add_test(maps, a_timestamp_may_have_two_columns_and_a_format);
    tcase_add_test(maps, an_unknown_field_is_refused_with_the_nearest);
    tcase_add_test(maps, a_field_mapped_twice_is_refused);
    tcase_add_test(maps, a_map_without_sense_is_refused);
    tcase_add_test(maps, columns_of_canonical_name_need_no_map);
    tcase_add_test(maps, a_column_that_is_not_there_is_named_with_the_nearest);
    tcase_add_test(maps, a_file_without_measurement_is_refused);
    tcase_add_test(times, times_are_read_with_offset_counted_or_by_pattern);
    tcase_add_test(times, a_local_time_needs_a_zone);
    tcase_add_test(times, what_is_no_time_is_refused);
    tcase_add_test(times, a_zone_may_be_an_offset);
    tcase_add_test(times, a_zone_that_is_not_there_is_refused);
    tcase_add_test(records, a_row_becomes_an_exact_reading);
    tcase_add_test(records, an_empty_cell_is_no_value_and_none_at_all_is_refused);
    tcase_add_test(records, a_bad_cell_is_named_with_its_column);
    tcase_add_test(records, an_hour_shown_twice_is_read_in_the_order_of_the_file_for_each_meter);
    tcase_add_test(records, a_time_that_clocks_skipped_is_refused);
    suite_add_tcase(suite, texts);
    suite_add_tcase(suite, maps);
    suite_add_tcase(suite, times);
    suite_add_tcase(suite, records);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
