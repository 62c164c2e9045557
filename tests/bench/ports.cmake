# Measuring programs of the bus and the database.
add_executable(bench_bus bench_bus.c)
target_compile_definitions(bench_bus PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(bench_bus PRIVATE segs_flags rt_ports)
