# Unit tests of telemetry.
segs_add_check(check_reading SOURCES check_reading.c LIBS segs_telemetry segs_base LABELS unit)
segs_add_check(check_decode SOURCES check_decode.c check_decode_errors.c check_decode_bodies.c
    LIBS segs_telemetry segs_base LABELS unit)
segs_add_check(check_decode_paths SOURCES check_decode_paths.c LIBS segs_telemetry segs_base LABELS unit)
segs_add_check(check_decode_suites SOURCES check_decode_suites.c LIBS segs_telemetry segs_base LABELS unit)
segs_add_check(check_encode SOURCES check_encode.c LIBS segs_telemetry segs_base LABELS unit)
segs_add_check(check_validate SOURCES check_validate.c LIBS segs_telemetry segs_base LABELS unit)
segs_add_check(oom_telemetry SOURCES oom_telemetry.c LIBS segs_telemetry segs_base LABELS unit)
# Without the outside test data it says so and counts as skipped.
set_tests_properties(check_decode_suites PROPERTIES SKIP_RETURN_CODE 77)
