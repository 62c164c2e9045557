# Unit tests of core.
foreach(subject config log metrics rtjson trace)
    segs_add_check(check_${subject} SOURCES check_${subject}.c LIBS rt_core LABELS unit)
endforeach()
# With ports of its own, which only note what happens to them.
segs_add_check(check_lifecycle SOURCES check_lifecycle.c LIBS rt_life LABELS unit)
# Fail points are compiled out of most builds, so the test brings its own.
segs_add_check(check_failpoint SOURCES check_failpoint.c ${PROJECT_SOURCE_DIR}/daemons/runtime/failpoint.c
    LIBS rt_core LABELS unit)
target_compile_definitions(check_failpoint PRIVATE SEGS_FAILPOINTS)
