# Unit tests of core.
foreach(subject config rtjson)
    segs_add_check(check_${subject} SOURCES check_${subject}.c LIBS rt_core LABELS unit)
endforeach()
