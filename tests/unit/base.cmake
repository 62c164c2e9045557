# Unit tests of base.
segs_add_check(check_error SOURCES check_error.c LIBS segs_base m LABELS unit)
segs_add_check(check_fixed SOURCES check_fixed.c LIBS segs_base m LABELS unit)
segs_add_check(check_hash SOURCES check_hash.c LIBS segs_base m LABELS unit)
segs_add_check(check_time SOURCES check_time.c LIBS segs_base m LABELS unit)
segs_add_check(check_zone SOURCES check_zone.c LIBS segs_base m LABELS unit)
segs_add_check(oom_base SOURCES oom_base.c LIBS segs_base m LABELS unit)

# Every zone of the system against Python's zoneinfo; 77 is shown as skipped where there are no zone files.
find_package(Python3 3.9 COMPONENTS Interpreter)
add_executable(zone_sweep zone_sweep.c)
target_link_libraries(zone_sweep PRIVATE segs_flags segs_base m)
if(Python3_Interpreter_FOUND)
    add_test(NAME zone_sweep
        COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/zone_sweep.py $<TARGET_FILE:zone_sweep>)
    set_tests_properties(zone_sweep PROPERTIES LABELS unit SKIP_RETURN_CODE 77 TIMEOUT 300)
endif()
