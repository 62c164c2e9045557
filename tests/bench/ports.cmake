# Measuring programs of the bus and the database.
foreach(program bench_bus bench_db)
    add_executable(${program} ${program}.c)
    target_compile_definitions(${program} PRIVATE _POSIX_C_SOURCE=200809L)
    target_link_libraries(${program} PRIVATE segs_flags rt_ports)
endforeach()
