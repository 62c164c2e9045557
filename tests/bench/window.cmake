# Readings per second through interning, windows and roll-up, beside a plain hash map.
add_executable(bench_window bench_window.c)
target_compile_definitions(bench_window PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(bench_window PRIVATE segs_flags segs_window segs_base)
