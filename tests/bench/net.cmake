# Requests per second through the HTTP server, with clients of its own.
add_executable(bench_http bench_http.c)
target_compile_definitions(bench_http PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(bench_http PRIVATE segs_flags rt_net)
