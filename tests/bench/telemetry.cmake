# Measuring programs of telemetry. Not registered as tests: figures depend on the machine.
pkg_check_modules(BENCH_CJSON REQUIRED IMPORTED_TARGET libcjson)
add_executable(bench_decode bench_decode.c)
target_compile_definitions(bench_decode PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(bench_decode PRIVATE segs_flags segs_telemetry segs_base PkgConfig::BENCH_CJSON m)
